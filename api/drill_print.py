"""The fingerprint of a drill: whether two runs were of the same one, told by what it is made of."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from .drill_files import DRILL_FILE

if TYPE_CHECKING:
    from pathlib import Path

_SAID_BY: Final = (DRILL_FILE, "site.toml", "floor_plan.geojson", "truth.csv")
_CAMERAS: Final = "cameras"


def drill_sha256(folder: Path) -> str | None:
    """Return the SHA-256 of what a drill folder says: its script, site, cameras and truth.

    Recordings are left out: they are large, and whoever changes one changes its name in
    `drill.toml` or knows. None where the folder holds no drill (any more) or cannot be read.
    """
    if not (folder / DRILL_FILE).is_file():
        return None
    paths = [folder / name for name in _SAID_BY]
    paths += sorted((folder / _CAMERAS).glob("*.toml"))
    whole = hashlib.sha256()
    try:
        for path in paths:
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                whole.update(f"{name} {content}\n".encode())
    except OSError:
        return None
    return whole.hexdigest()
