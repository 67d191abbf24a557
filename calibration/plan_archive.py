"""The files of a floor plan's archive: a folder, or a zip of one, or a single file."""

from __future__ import annotations

import json
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from .imported_plan import PlanSourceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_BYTES: Final = 256 * 1024 * 1024
"""No school's plan is larger; a zip that claims more is a mistake or an attack."""

_READ: Final = (".json", ".geojson")


def read_archive(path: Path) -> Mapping[str, bytes]:
    """The JSON and GeoJSON files of an archive, by name.

    A zip may hold them in a folder of its own; what else is in it is not read.

    Args:
        path: a folder, a .zip, or one file.

    Raises:
        PlanSourceError: it cannot be read, is larger than a plan can be, or holds no such file.
    """
    try:
        if path.is_dir():
            found = {p.name: p for p in sorted(path.iterdir()) if p.suffix.lower() in _READ}
            total = sum(p.stat().st_size for p in found.values())
            files = {} if total > _MOST_BYTES else {n: p.read_bytes() for n, p in found.items()}
        elif path.suffix.lower() == ".zip":
            files, total = _unzipped(path)
        else:
            total = path.stat().st_size
            files = {} if total > _MOST_BYTES else {path.name: path.read_bytes()}
    except FileNotFoundError:
        raise PlanSourceError(
            f"{path}: is not there; give a folder, a .zip or a .geojson"
        ) from None
    except zipfile.BadZipFile as error:
        raise PlanSourceError(f"{path}: is no zip archive: {error}") from error
    except (OSError, RuntimeError, NotImplementedError) as error:  # encrypted, odd compression
        raise PlanSourceError(f"{path}: cannot be read: {error}") from error
    if total > _MOST_BYTES:
        raise PlanSourceError(
            f"{path}: holds {total / 2**20:.0f} MiB; a plan has {_MOST_BYTES // 2**20} at most"
        )
    if not files:
        raise PlanSourceError(f"{path}: holds no .json and no .geojson file")
    return files


def read_json(files: Mapping[str, bytes], name: str) -> Any:  # noqa: ANN401 - JSON
    """The value of one file of an archive.

    Raises:
        PlanSourceError: the file is missing or is not JSON.
    """
    if name not in files:
        raise PlanSourceError(f"{name}: is missing; the archive holds {', '.join(sorted(files))}")
    try:
        return json.loads(files[name].decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PlanSourceError(f"{name}: is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise PlanSourceError(
            f"{name}: is not valid JSON: {error.msg} (at line {error.lineno}, column {error.colno})"
        ) from error
    except RecursionError as error:
        raise PlanSourceError(f"{name}: is nested too deeply to be a plan") from error


def _unzipped(path: Path) -> tuple[dict[str, bytes], int]:
    """The files of a zip and what they claim to hold, in bytes; none where that is too much."""
    with zipfile.ZipFile(path) as archive:
        members = [
            info
            for info in archive.infolist()
            if not info.is_dir()
            and PurePosixPath(info.filename).suffix.lower() in _READ
            and not info.filename.startswith("__MACOSX/")
            and not PurePosixPath(info.filename).name.startswith(".")
        ]
        total = sum(info.file_size for info in members)
        if total > _MOST_BYTES:
            return {}, total
        files: dict[str, bytes] = {}
        for info in members:
            name = PurePosixPath(info.filename).name
            if name in files:
                raise PlanSourceError(f"{path}: holds {name} twice, in different folders")
            files[name] = archive.read(info)
        return files, total
