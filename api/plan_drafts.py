"""Drafts of floor plans, as files in the state folder.

A draft is nobody's floor plan yet, so it does not lie in the site's folder, which is copied to
other servers and kept in version control: `plan-drafts/<site>/<draft>/` of the state folder holds
`draft.json`, the pictures, and the versions before in `versions/`. All files are written whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anyio import CapacityLimiter
from pydantic import ValidationError

from calibration.plan_writing import plan_features, site_table
from calibration.safe_svg import SvgError
from calibration.site import SITE_FILE
from calibration.site_files import AnchorTable, LevelTable

from .errors import ProblemError, StateError
from .plan_draft_file import DraftFile, PictureTable, PlacementTable
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.site import Site

    from .plan_reading import ReadPicture

FOLDER: Final = "plan-drafts"
MOST_DRAFTS: Final = 30
"""Of a site; more of them are forgotten ones."""

_KEPT_VERSIONS: Final = 40
_READ_AT_ONCE: Final = 2
_DRAFT: Final = re.compile(r"[0-9a-f]{16}")
_FILE: Final = "draft.json"
_ENDINGS: Final = {"image/png": ".png", "image/jpeg": ".jpg", "image/svg+xml": ".svg"}


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a draft that is kept."""

    version: int
    saved_at_s: float
    saved_by: str


class PlanDrafts:
    """The drafts of all sites of a server. Safe to use from any thread.

    Args:
        state: the state folder.

    Attributes:
        reading: threads in which what is brought is read, a few at a time: somebody may be
            following an intruder on the same machine.
    """

    def __init__(self, state: Path) -> None:
        self.reading = CapacityLimiter(_READ_AT_ONCE)
        self._folder = state / FOLDER
        self._changing = threading.Lock()

    def list(self, site: str) -> tuple[DraftFile, ...]:
        """The drafts of a site, the one saved last first.

        Raises:
            StateError: one cannot be read.
        """
        folder = self._folder / site
        found = [
            _read(path / _FILE)
            for path in (folder.iterdir() if folder.is_dir() else ())
            if _DRAFT.fullmatch(path.name) and (path / _FILE).is_file()
        ]
        return tuple(sorted(found, key=lambda draft: draft.saved_at_s, reverse=True))

    def get(self, site: str, draft: str, version: int | None = None) -> DraftFile:
        """The draft of that id, or an earlier version of it.

        Raises:
            ProblemError: there is none.
            StateError: it cannot be read.
        """
        folder = self._folder_of(site, draft)
        newest = _read(folder / _FILE)
        if version is None or version == newest.version:
            return newest
        path = folder / "versions" / f"{version}.json"
        if not path.is_file():
            raise _none(f"draft {draft!r} has no version {version} any more")
        return _read(path)

    def history(self, site: str, draft: str) -> tuple[Saved, ...]:
        """The earlier versions that are kept, the newest first."""
        found = []
        for path in (self._folder_of(site, draft) / "versions").glob("*.json"):
            kept = _read(path)
            found.append(Saved(kept.version, kept.saved_at_s, kept.saved_by))
        return tuple(sorted(found, key=lambda saved: saved.version, reverse=True))

    def begin(self, site_id: str, site: Site, *, empty: bool, by: str, now_s: float) -> DraftFile:
        """A new draft: with the site's plan and the pictures under it, or with one empty level.

        Raises:
            ProblemError: the site has too many drafts.
            StateError: it cannot be written.
        """
        with self._changing:
            if len(self.list(site_id)) >= MOST_DRAFTS:
                raise ProblemError(
                    409,
                    "too-many-drafts",
                    "The site has too many drafts",
                    f"{site_id} has {MOST_DRAFTS} drafts of its plan; delete those that nobody "
                    "needs",
                )
            draft_id = secrets.token_hex(8)
            folder = self._folder / site_id / draft_id
            table = site_table(site.name, "", site.anchor, site.plan, site.plan_file)
            levels = table["levels"][:1] if empty else table["levels"]
            draft = DraftFile(
                draft=draft_id,
                site=site_id,
                version=1,
                created_at_s=now_s,
                created_by=by,
                saved_at_s=now_s,
                saved_by=by,
                base=fingerprint(site),
                anchor=AnchorTable(**table["anchor"]),
                levels=tuple(LevelTable(**level) for level in levels),
                features=() if empty else tuple(plan_features(site.plan)),
                pictures={} if empty else self._underlays(site, folder),
            )
            _write(folder / _FILE, _text(draft))
            return draft

    def change(self, before: DraftFile, *, by: str, now_s: float, **changed: Any) -> DraftFile:  # noqa: ANN401 - fields of the model
        """The draft with some fields changed, as its next version.

        Args:
            before: the version that the change was made to.
            by: who changes it.
            now_s: when, Unix seconds.
            changed: fields of `DraftFile`.

        Raises:
            ProblemError: it was changed meanwhile, or is gone.
            StateError: it cannot be written.
        """
        with self._changing:
            newest = self.get(before.site, before.draft)
            if newest.version != before.version:
                raise version_problem(newest, before.version)
            folder = self._folder_of(before.site, before.draft)
            _write(folder / "versions" / f"{newest.version}.json", _text(newest))
            after = newest.model_copy(
                update={
                    **changed,
                    "version": newest.version + 1,
                    "saved_at_s": now_s,
                    "saved_by": by,
                }
            )
            _write(folder / _FILE, _text(after))
            self._forget(folder, after)
            return after

    def keep_picture(self, draft: DraftFile, read: ReadPicture) -> str:
        """Write a picture beside a draft; returns its file's name, which its content tells.

        Raises:
            ProblemError: the draft is gone.
            StateError: it cannot be written.
        """
        name = _picture_name(read.content, read.media_type)
        _write(self._folder_of(draft.site, draft.draft) / name, read.content)
        return name

    def picture(self, draft: DraftFile, level: str) -> tuple[PictureTable, bytes]:
        """The picture under a level, and its bytes.

        Raises:
            ProblemError: there is none.
        """
        table = draft.pictures.get(level)
        if table is not None:
            path = self._folder_of(draft.site, draft.draft) / table.file
            if path.is_file():
                return table, path.read_bytes()
        raise ProblemError(
            404, "no-plan-picture", "No such picture", f"no picture lies under level {level!r}"
        )

    def delete(self, site: str, draft: str) -> None:
        """Delete a draft with all its versions and pictures.

        Raises:
            ProblemError: there is none.
        """
        with self._changing:
            shutil.rmtree(self._folder_of(site, draft))

    def _folder_of(self, site: str, draft: str) -> Path:
        folder = self._folder / site / draft
        if not _DRAFT.fullmatch(draft) or not (folder / _FILE).is_file():
            raise _none(f"{site} has no draft {draft!r}; it may have been deleted")
        return folder

    def _underlays(self, site: Site, folder: Path) -> dict[str, PictureTable]:
        pictures = {}
        for underlay in site.underlays:
            try:
                content = underlay.content()
            except (OSError, SvgError) as error:
                raise StateError(f"{underlay.path}: cannot be read: {error}") from error
            name = _picture_name(content, underlay.media_type)
            _write(folder / name, content)
            pictures[underlay.level] = PictureTable(
                file=name,
                media_type=underlay.media_type,
                size_px=underlay.size_px,
                placement=PlacementTable.of(underlay.placement),
                measured=True,
            )
        return pictures

    def _forget(self, folder: Path, newest: DraftFile) -> None:
        """Remove versions that are too old, and pictures that no version has."""
        kept = sorted((folder / "versions").glob("*.json"), key=lambda path: int(path.stem))
        for path in kept[:-_KEPT_VERSIONS]:
            path.unlink(missing_ok=True)
        wanted = {table.file for table in newest.pictures.values()}
        for path in kept[-_KEPT_VERSIONS:]:
            wanted |= {table.file for table in _read(path).pictures.values()}
        for path in folder.glob("picture-*"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)


def fingerprint(site: Site) -> str:
    """A hash of what publishing replaces: the files of a site's plan, levels and place.

    Raises:
        StateError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for name in (SITE_FILE, site.plan_file):
        try:
            content = (site.folder / name).read_bytes()
        except OSError as error:
            raise StateError(f"{site.folder / name}: cannot be read: {error.strerror}") from error
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def version_problem(newest: DraftFile, wanted: int) -> ProblemError:
    """Return what is answered to a change of a version that is not the newest any more."""
    return ProblemError(
        409,
        "draft-changed",
        "The draft was changed meanwhile",
        f"version {newest.version} was saved by {newest.saved_by}, and this change is of version "
        f"{wanted}; load the draft again",
    )


def _none(detail: str) -> ProblemError:
    return ProblemError(404, "draft-not-found", "No such draft", detail)


def _picture_name(content: bytes, media_type: str) -> str:
    return f"picture-{hashlib.sha256(content).hexdigest()[:16]}{_ENDINGS[media_type]}"


def _text(draft: DraftFile) -> bytes:
    return json.dumps(draft.model_dump(mode="json"), ensure_ascii=False).encode()


def _read(path: Path) -> DraftFile:
    try:
        return DraftFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise StateError(
            f"{path}: {field}: {first['msg'].lower()}; restore it from versions/, or delete it"
        ) from error


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise StateError(f"{path}: cannot be written: {error.strerror or error}") from error
