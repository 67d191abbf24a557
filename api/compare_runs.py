"""Reading the two reports that are compared, and refusing those that cannot be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import CompareError
from .report import JSON_NAME
from .scoring_latency import STAGES
from .whole_files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES: Final = 256_000_000
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Percentiles(_Part):
    p50: float | None
    p95: float | None
    p99: float | None


class _Histograms(_Part):
    edges_ms: list[float]
    counts: dict[str, list[_Count]]


class _Spread(_Part):
    median: float | None
    p95: float | None


class _Outage(_Part):
    from_t_s: float
    until_t_s: float
    why: str


class _Camera(_Part):
    used_per_s: float
    positions: _Count
    off_m: _Spread
    latency_ms: _Percentiles
    outages: list[_Outage]


class _Alarm(_Part):
    subject: str
    t_s: float
    until_t_s: float
    false: bool | None


_Texts = list[tuple[_Count, str]]
_Numbers = list[float | None]
_Places = list[tuple[float, float] | None]


class _Track(_Part):
    subject: str
    in_view: list[tuple[float, float]]
    armed: list[tuple[float, float]]


class _Truth(_Part):
    visible: _Numbers
    space: _Texts
    level: _Texts
    xy_m: _Places
    room_right: _Numbers
    level_right: _Numbers
    radius_holds: _Numbers
    error_m: _Numbers
    error_now_m: _Numbers


class _Timeline(_Part):
    step_s: float | None = Field(gt=0)
    moments: _Count
    subject: _Texts
    space: _Texts
    level: _Texts
    door: _Texts
    xy_m: _Places
    ce95_m: _Numbers
    armed_probability: _Numbers
    latency_ms: _Numbers
    tracks: list[_Track]
    spaces: dict[str, str]
    truth: _Truth | None = None


class _Report(_Part):
    drill: str
    exercise: bool
    speed: str
    machine: dict[str, str]
    versions: dict[str, str]
    duration_s: Annotated[float, Field(ge=0, lt=1e6)]
    camera_hours: Annotated[float, Field(ge=0)]
    latency_ms: dict[str, _Percentiles]
    latency_histograms: _Histograms
    frames: dict[str, dict[str, _Count]]
    cameras: dict[str, _Camera]
    alarms: list[_Alarm]
    timeline: _Timeline
    drill_sha256: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRun:
    """One of the two runs.

    Attributes:
        name: what it is called beside the other.
        report: its `report.json`.
    """

    name: str
    report: dict[str, Any]


def load_compared(path: Path, name: str | None = None) -> ComparedRun:
    """Return a run by its report.

    Args:
        path: the folder of the report, or its `report.json`.
        name: what it is called; the folder's name where None.

    Raises:
        CompareError: there is no report, or none that can be compared.
    """
    file = path / JSON_NAME if path.is_dir() else path
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise CompareError(f"{file}: is too large for a report")
        report = json.loads(file.read_text(encoding="utf-8"))
        checked = _Report.model_validate(report)
    except FileNotFoundError:
        raise CompareError(
            f"{file}: not found; name the folder that 'lastseen drill run DIR --report' has "
            "written, or its report.json"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise CompareError(
            f"{file}: {where}: {first['msg'].lower()}; this is no report of this version of "
            "lastseen: run the drill again with --report"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise CompareError(f"{file}: is not a report that can be read: {error}") from None
    _same_lengths(file, checked)
    return ComparedRun(name or file.resolve().parent.name, report)


def _same_lengths(file: Path, report: _Report) -> None:
    """Refuse columns that do not have an entry for each moment, before anything relies on it."""
    line = report.timeline
    columns = {name: getattr(line, name) for name in ("xy_m", "ce95_m", "latency_ms")}
    if line.truth is not None:
        names = ("visible", "xy_m", "room_right", "level_right", "radius_holds", "error_m")
        columns |= {f"truth.{name}": getattr(line.truth, name) for name in names}
    for name, column in columns.items():
        if len(column) != line.moments:
            raise CompareError(
                f"{file}: timeline.{name}: has {len(column)} entries, and there are "
                f"{line.moments} moments"
            )
    missing = set(STAGES) - set(report.latency_ms)
    if missing:
        raise CompareError(f"{file}: latency_ms: {', '.join(sorted(missing))} is missing")


def difference_of_drills(a: ComparedRun, b: ComparedRun) -> str | None:
    """Return in words why two runs are not of one drill; None where they are."""
    if a.report["drill"] != b.report["drill"]:
        return f"{a.name} is of {a.report['drill']!r}, {b.name} of {b.report['drill']!r}"
    if a.report["duration_s"] != b.report["duration_s"]:
        return f"{a.name} lasts {a.report['duration_s']:g} s, {b.name} {b.report['duration_s']:g} s"
    prints = (a.report["drill_sha256"], b.report["drill_sha256"])
    if None not in prints and prints[0] != prints[1]:
        return (
            f"the site, the script, the cameras or the truth of {a.report['drill']!r} were changed "
            "between the two runs"
        )
    return None


def write_text(path: Path, text: str) -> None:
    """Write a page or JSON beside a comparison, wholly or not at all.

    Raises:
        CompareError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    except OSError as error:
        raise CompareError(
            f"{path}: cannot be written: {error.strerror or error}; make room or name another "
            "folder with --report"
        ) from error
