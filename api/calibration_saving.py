"""Puts a new calibration in the place of a camera's old one, keeps the old, and takes it into use.

First the audit, then the version beside the camera's file, then the file itself, each of them whole
or not at all. A file that the site would not load with is taken back.
"""

from __future__ import annotations

import datetime as dt
import threading
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from calibration.camera_loading import reference_file
from calibration.camera_writing import CALIBRATIONS, rewritten
from vision.view_features import to_bytes

from .calibrating import camera_path, require_loadable
from .calibration_result import new_file
from .calibration_versions import (
    Version,
    current_of,
    found,
    part_of,
    read_part,
    versions_folder,
    versions_of,
    way_of,
    write_version,
)
from .errors import CalibrateError, ProblemError, SiteWriteError, TargetError
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vision.view_features import ViewFeatures

    from .actors import Actor
    from .audit import Audit
    from .calibration_result import Calibrated
    from .calibration_versions import PointTable
    from .reloading import Reloaded, Reloads
    from .targets import Target


@dataclass(frozen=True, slots=True)
class Saved:
    """A calibration that was saved.

    Attributes:
        version: the new version.
        reloaded: whether the next incident uses it, or it waits for the end of one.
        comments_kept: False where the camera's file had to be written anew.
    """

    version: Version
    reloaded: Reloaded
    comments_kept: bool


@dataclass(frozen=True, slots=True)
class _Change:
    text: str
    comments_kept: bool
    reference: bytes | None
    version: Version
    facts: Mapping[str, object]


class CalibrationSaving:
    """Saves and restores, one at a time. Safe to use from any thread.

    Args:
        audit: where every change is written first.
        reloads: takes it into use.
    """

    def __init__(self, audit: Audit, reloads: Reloads) -> None:
        self._audit = audit
        self._reloads = reloads
        self._writing = threading.Lock()

    def save(
        self,
        target: Target,
        done: Calibrated,
        *,
        points: tuple[PointTable, ...],
        note: str,
        reference: ViewFeatures | None,
        based_on: int | None,
        actor: Actor,
        now_s: float,
    ) -> Saved:
        """Make a fit the calibration of its camera.

        Args:
            target: the site or drill.
            done: the fit.
            points: all that was clicked, also what was not used.
            note: why, in words.
            reference: what the camera showed, to notice a later move; None where it is not known,
                and then what was known before is forgotten, as it may be of another view.
            based_on: number of the version that whoever saves began from; None for a file that
                was not saved as a version.
            actor: who saves.
            now_s: Unix seconds.

        Raises:
            ProblemError: somebody else changed it meanwhile, or the site does not load with it.
            AuditError: the entry could not be written; nothing was changed.
        """

        def change(text: str, _part: dict[str, Any], number: int) -> _Change:
            today = dt.datetime.fromtimestamp(now_s, tz=dt.UTC).date()
            made = new_file(done, text, today, survey=True)
            part = part_of(tomllib.loads(made.text))
            version = Version(number, now_s, actor.name, note, None, way_of(part), part, points)
            saved = None if reference is None else to_bytes(reference)
            facts = {"points": sum(point.used for point in points), "note": note}
            return _Change(made.text, made.comments_kept, saved, version, facts)

        return self._changed(
            target, done.camera_id, "calibration-saved", change, based_on, actor, now_s
        )

    def restore(
        self,
        target: Target,
        camera_id: str,
        number: int,
        *,
        based_on: int | None,
        actor: Actor,
        now_s: float,
    ) -> Saved:
        """Make an older version the calibration of its camera again, as a new version.

        All else in the camera's file stays as it is now, its address among it.

        Raises:
            ProblemError: there is no such version, somebody else changed the camera meanwhile, or
                the site does not load with it.
            AuditError: the entry could not be written; nothing was changed.
        """
        folder = versions_folder(target.folder, camera_id)

        def change(text: str, _part: dict[str, Any], new_number: int) -> _Change:
            old = next(
                (v for v in versions_of(target.folder, camera_id) if v.number == number), None
            )
            if old is None:
                raise no_version(number)
            made = rewritten(
                text,
                tables={key: old.part[key] for key in CALIBRATIONS if key in old.part},
                top={"floor_error_m": old.part.get("floor_error_m")},
                lens=_whole_lens(tomllib.loads(text).get("lens", {}), old.part.get("lens", {})),
                landmarks=old.part.get("landmarks", []),
            )
            version = replace(
                old,
                number=new_number,
                saved_at_s=now_s,
                saved_by=actor.name,
                note=f"version {number} again",
                restored_from=number,
                part=part_of(tomllib.loads(made.text)),
            )
            kept = folder / reference_file(str(number))
            saved = kept.read_bytes() if kept.exists() else None
            return _Change(made.text, made.comments_kept, saved, version, {"restored_from": number})

        return self._changed(
            target, camera_id, "calibration-restored", change, based_on, actor, now_s
        )

    def _changed(
        self,
        target: Target,
        camera_id: str,
        action: str,
        change: Callable[[str, dict[str, Any], int], _Change],
        based_on: int | None,
        actor: Actor,
        now_s: float,
    ) -> Saved:
        with self._writing:
            path = camera_path(target.folder, camera_id)
            try:
                text, part = read_part(path)
                versions = versions_of(target.folder, camera_id)
            except CalibrateError as error:
                raise _unreadable(error, target.folder) from error
            current = current_of(versions, part)
            if based_on != (None if current is None else current.number):
                raise _changed_meanwhile(current)
            number = 1 + max((version.number for version in versions), default=0)
            made = change(text, part, number + (current is None))
            try:
                require_loadable(path, made.text)
            except SiteWriteError as error:
                raise _refused(error, target.folder) from error
            facts = {
                "target": target.id,
                "camera": camera_id,
                "version": made.version.number,
                "replaces": based_on,
                "actor": actor.name,
                **made.facts,
            }
            self._audit.append(action, now_s, facts)
            before = _Files.of(path)
            try:
                if current is None:
                    self._keep(
                        target.folder, camera_id, found(number, part, now_s), text, before.reference
                    )
                self._keep(target.folder, camera_id, made.version, made.text, made.reference)
                _Files(path, made.text.encode(), made.reference).write()
            except OSError as error:
                raise ProblemError(
                    503,
                    "site-not-writable",
                    "The site's folder cannot be written",
                    f"the camera's file is as it was: {error.strerror}",
                ) from error
            try:
                reloaded = self._reloads.reload(target.id)
            except TargetError as error:
                before.write()
                told = {"target": target.id, "camera": camera_id, "actor": actor.name}
                self._audit.append("calibration-taken-back", now_s, told)
                raise _refused(error, target.folder) from error
            return Saved(made.version, reloaded, made.comments_kept)

    def _keep(
        self, site: Path, camera_id: str, version: Version, text: str, reference: bytes | None
    ) -> None:
        path = write_version(site, camera_id, version, tomllib.loads(text))
        if reference is not None:
            write_whole(path.with_name(reference_file(str(version.number))), reference)


@dataclass(frozen=True, slots=True)
class _Files:
    """What a camera's file and the one of what it showed hold.

    Attributes:
        path: the camera's file.
        text: its content.
        reference: that of the other; None where there is none.
    """

    path: Path
    text: bytes
    reference: bytes | None

    @classmethod
    def of(cls, path: Path) -> _Files:
        reference = path.with_name(reference_file(path.stem))
        return cls(path, path.read_bytes(), reference.read_bytes() if reference.exists() else None)

    def write(self) -> None:
        reference = self.path.with_name(reference_file(self.path.stem))
        if self.reference is not None:
            write_whole(reference, self.reference)
        write_whole(self.path, self.text)
        if self.reference is None:
            # Without it a camera is held against its first pictures; with one of another view it
            # would be taken for moved.
            reference.unlink(missing_ok=True)


def _whole_lens(now: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `[lens]` that change: what the old one has, and out with what it has not."""
    changed: dict[str, Any] = {key: value for key, value in old.items() if now.get(key) != value}
    return changed | {key: None for key in now if key not in old}


def no_version(number: int) -> ProblemError:
    """The answer to a version that there is not."""
    return ProblemError(
        404, "version-not-found", "No such version", f"this camera has no version {number}"
    )


def _changed_meanwhile(current: Version | None) -> ProblemError:
    now = "was changed by hand" if current is None else f"is version {current.number} now"
    return ProblemError(
        409,
        "calibration-changed",
        "The calibration was changed meanwhile",
        f"it {now}; load it again, compare, and save then",
    )


def _unreadable(error: CalibrateError, folder: Path) -> ProblemError:
    return ProblemError(
        409,
        "calibration-unreadable",
        "The camera's files cannot be read",
        _without_folder(error, folder),
    )


def _refused(error: Exception, folder: Path) -> ProblemError:
    return ProblemError(
        409,
        "calibration-refused",
        "The site does not load with this calibration",
        f"all is as it was: {_without_folder(error, folder)}",
    )


def _without_folder(error: Exception, folder: Path) -> str:
    """What went wrong without the path of the server's disk, which is not for callers."""
    return str(error).replace(f"{folder}/", "").replace(str(folder), "the site")
