"""Runs of drills that a server keeps: one folder each, beside the reports of the command line.

`<folder>/<drill>/<run>/` holds what `lastseen drill run --report` writes, and `about.json`, which
says who ran it and when. A folder without that, as the command line makes it, is a run too. A run
that is being written has a name that begins with a dot and is none yet.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import StateError
from .report import HTML_NAME, JSON_NAME, a_key_a_line
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ABOUT: Final = "about.json"
RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class MainFigures:
    """What a list says of a run; the names of `report.json`, null as there."""

    room_correct: float | None
    entrance_correct: float | None
    position_error_median_m: float | None
    position_error_p95_m: float | None
    time_to_first_armed_alert_s: float | None
    armed_alerts: int | None
    false_armed_alerts: int | None
    identity_switches: int | None
    moda: float | None
    capture_to_published_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class KeptRun:
    """One run that is over.

    Attributes:
        run: id, the name of its folder.
        drill: id of the drill.
        began_s: when it was begun, Unix seconds.
        ended_s: when its report was written.
        by: who ran it, as people call them; "" where that is not known.
        speed: realtime or max.
        duration_s: how much of the drill was played, seconds.
        processor: what it was measured on.
        detector: what its detector ran on; "" where that is not known.
        version: of lastseen.
        text: its last answer.
        figures: the main ones.
    """

    run: str
    drill: str
    began_s: float
    ended_s: float
    by: str
    speed: str
    duration_s: float
    processor: str
    detector: str
    version: str
    text: str
    figures: MainFigures


class RunFiles:
    """The folder of all runs. Safe to use from any thread: what is there is there whole.

    Args:
        folder: made when the first run is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, KeptRun]] = {}

    def being_written(self, drill: str, run: str) -> Path:
        """Return the folder that a run is written into, new and empty.

        Raises:
            StateError: it cannot be made.
        """
        part = self._folder / drill / f".{run}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.parent.mkdir(mode=0o700, exist_ok=True)
            part.mkdir(mode=0o700)
        except OSError as error:
            raise StateError(f"{part}: cannot be made: {error.strerror or error}") from error
        return part

    def keep(self, drill: str, run: str, *, by: str, began_s: float, ended_s: float) -> KeptRun:
        """Give a run that was written its name, and return it.

        Raises:
            StateError: there is no report in it, or it cannot be written.
        """
        part = self._folder / drill / f".{run}"
        kept = _from_report(part, drill, run, began_s=began_s, ended_s=ended_s, by=by)
        if kept is None:
            raise StateError(f"{part}: holds no report that can be read")
        try:
            write_whole(part / ABOUT, a_key_a_line(asdict(kept)).encode())
            part.rename(part.with_name(run))
        except OSError as error:
            raise StateError(f"{part}: cannot be kept: {error.strerror or error}") from error
        return kept

    def drop(self, drill: str, run: str) -> None:
        """Delete what was written of a run that came to nothing."""
        shutil.rmtree(self._folder / drill / f".{run}", ignore_errors=True)

    def drop_unfinished(self) -> None:
        """Delete what a process that died has left half written."""
        for part in self._folder.glob("*/.*"):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)

    def runs(self, drill: str) -> tuple[KeptRun, ...]:
        """Return the runs of a drill, newest first; what is no run is left out."""
        found = []
        folder = self._folder / drill
        for path in folder.iterdir() if folder.is_dir() else ():
            kept = self.run(drill, path.name) if RUN_ID.fullmatch(path.name) else None
            if kept is not None:
                found.append(kept)
        return tuple(sorted(found, key=lambda kept: (-kept.began_s, kept.run)))

    def run(self, drill: str, run: str) -> KeptRun | None:
        """Return one run; None where there is none."""
        if not RUN_ID.fullmatch(run):
            return None
        path = self._folder / drill / run
        try:
            changed_ns = (path / JSON_NAME).stat().st_mtime_ns
        except OSError:
            return None
        before = self._read.get(path)
        if before is not None and before[0] == changed_ns:
            return before[1]
        kept = _from_about(path, drill, run) or _from_report(path, drill, run)
        if kept is not None:
            self._read[path] = changed_ns, kept
        return kept

    def path(self, kept: KeptRun) -> Path:
        """Return the folder of a run."""
        return self._folder / kept.drill / kept.run

    def page(self, kept: KeptRun) -> str:
        """Return the page of a run's report.

        Raises:
            StateError: it cannot be read.
        """
        path = self.path(kept) / HTML_NAME
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{path}: cannot be read: {error}") from error

    def delete(self, kept: KeptRun) -> None:
        """Delete a run; it is gone at once, also where its files go slowly.

        Raises:
            StateError: it cannot be deleted.
        """
        path = self.path(kept)
        going = path.with_name(f".{kept.run}.going")
        try:
            path.rename(going)
            shutil.rmtree(going)
        except OSError as error:
            raise StateError(f"{path}: cannot be deleted: {error.strerror or error}") from error
        self._read.pop(path, None)


def purge_at_s(kept: KeptRun, days: float) -> float:
    """Return when a run is deleted that is kept for so many days, Unix seconds."""
    return kept.ended_s + days * _DAY_S


def _from_about(path: Path, drill: str, run: str) -> KeptRun | None:
    try:
        said = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        figures = MainFigures(**said.pop("figures"))
        return KeptRun(**{**said, "run": run, "drill": drill, "figures": figures})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _from_report(
    path: Path,
    drill: str,
    run: str,
    *,
    began_s: float | None = None,
    ended_s: float | None = None,
    by: str = "",
) -> KeptRun | None:
    """What a report says of itself; None where it is none."""
    file = path / JSON_NAME
    try:
        written_s = file.stat().st_mtime
        told = json.loads(file.read_text(encoding="utf-8"))
        return KeptRun(
            run=run,
            drill=drill,
            began_s=written_s if began_s is None else began_s,
            ended_s=written_s if ended_s is None else ended_s,
            by=by,
            speed=str(told["speed"]),
            duration_s=float(told["duration_s"]),
            processor=str(told["machine"].get("processor", "")),
            detector=str(told["machine"].get("detector", "")),
            version=str(told["versions"].get("lastseen", "")),
            text=str(told["answer"]["text"]),
            figures=_main_figures(told),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _main_figures(told: Mapping[str, Any]) -> MainFigures:
    error_m = told["position_error_m"]
    return MainFigures(
        room_correct=told["room_correct"],
        entrance_correct=told["entrance_correct"],
        position_error_median_m=error_m["median"],
        position_error_p95_m=error_m["p95"],
        time_to_first_armed_alert_s=told["time_to_first_armed_alert_s"],
        armed_alerts=told["armed_alerts"],
        false_armed_alerts=told["false_armed_alerts"],
        identity_switches=told["identity_switches"],
        moda=told["moda"],
        capture_to_published_p95_ms=told["latency_ms"]["capture_to_published"]["p95"],
    )
