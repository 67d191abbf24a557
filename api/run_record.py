"""All that was published and seen while a drill played, kept so that it can be scored again.

A saved run is a text file of JSON lines: the first holds the run itself, each further line one
observation (the floor positions of one frame) or one answer, in the order in which they came.
Subjects' trails are left out, which are but the places of earlier answers and would make up most of
the file; all else is kept to a millionth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from calibration.answer import Answer, StageTimes
from calibration.positions import FloorPositions

from .errors import RunRecordError
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = 1
Speed = Literal["realtime", "max"]
"""Whether the drill played at wall-clock pace or as fast as the machine could."""

_DECIMALS = 6
_ANSWER = TypeAdapter(Answer)
_TIMES = TypeAdapter(StageTimes)


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """How many frames of one camera arrived, were detected on, and were overtaken by a newer."""

    received: int
    used: int
    dropped: int


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The floor positions of one frame and when each stage of that frame ended."""

    positions: FloorPositions
    times: StageTimes


@dataclass(frozen=True, slots=True, eq=False)
class RunRecord:
    """One run of one drill.

    Every time is in Unix seconds on the clock of the frames' capture times: `start_s` is what
    that clock showed at t = 0 of the drill (a real-time player adds the wall-clock moment at
    which it began, a player at full speed may keep the drill's own start).

    Attributes:
        drill: name of the drill.
        exercise: True unless real people were searched.
        speed: the pace it was played at.
        start_s: moment of t = 0 of the drill.
        duration_s: how much of the drill was played, seconds.
        answers: all published answers, oldest first.
        observations: the positions of every used frame, in the order the locator took them.
        frames: frame counts by camera id; every camera that was to be watched has an entry.
        machine: processor, memory, operating system, detector backend, … in words.
        versions: of this project, its weights and the libraries that matter, by name.
        problems: what went wrong or was degraded meanwhile, a sentence each.
    """

    drill: str
    exercise: bool
    speed: Speed
    start_s: float
    duration_s: float
    answers: tuple[Answer, ...]
    observations: tuple[Observation, ...]
    frames: Mapping[str, FrameCounts]
    machine: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class _Head(BaseModel):
    """The first line of a saved run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["run"] = "run"
    schema_: Literal[1] = Field(default=1, alias="schema")
    drill: str
    exercise: bool
    speed: Speed
    start_s: float
    duration_s: float = Field(ge=0)
    frames: dict[str, FrameCounts]
    machine: dict[str, str]
    versions: dict[str, str]
    problems: tuple[str, ...]


def save_run(record: RunRecord, path: Path) -> None:
    """Write `record` to `path` as JSON lines, wholly or not at all.

    Raises:
        RunRecordError: where the file cannot be written.
    """
    head = {
        "kind": "run",
        "schema": SCHEMA,
        "drill": record.drill,
        "exercise": record.exercise,
        "speed": record.speed,
        "start_s": record.start_s,
        "duration_s": record.duration_s,
        "frames": {
            camera: {"received": n.received, "used": n.used, "dropped": n.dropped}
            for camera, n in record.frames.items()
        },
        "machine": dict(record.machine),
        "versions": dict(record.versions),
        "problems": list(record.problems),
    }
    lines = [json.dumps(head)]
    lines += [_line(_observation_line(seen)) for seen in record.observations]
    lines += [_line(_answer_line(answer)) for answer in record.answers]
    try:
        write_whole(path, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise RunRecordError(f"{path}: cannot be written: {error.strerror or error}") from error


def load_run(path: Path) -> RunRecord:
    """Return the run that `save_run` wrote to `path`.

    Raises:
        RunRecordError: with the line, where the file cannot be read or is not a saved run.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunRecordError(f"{path}: cannot be read: {error}") from error
    if not lines:
        raise RunRecordError(f"{path}: is empty; a saved run begins with a line of kind 'run'")
    number = 1
    answers: list[Answer] = []
    observations: list[Observation] = []
    try:
        head = _Head.model_validate_json(lines[0])
        for number, line in enumerate(lines[1:], start=2):
            values = json.loads(line)
            kind = values["kind"]
            if kind == "answer":
                answers.append(_ANSWER.validate_python(values["answer"]))
            elif kind == "observation":
                observations.append(_observation(values))
            else:
                raise RunRecordError(f"{path}: line {number}: unknown kind {kind!r}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "line"
        raise RunRecordError(f"{path}: line {number}: {where}: {first['msg']}") from error
    except KeyError as error:
        raise RunRecordError(f"{path}: line {number}: {error.args[0]}: is missing") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, RunRecordError):
            raise
        raise RunRecordError(f"{path}: line {number}: is not of a saved run: {error}") from error
    return RunRecord(
        drill=head.drill,
        exercise=head.exercise,
        speed=head.speed,
        start_s=head.start_s,
        duration_s=head.duration_s,
        answers=tuple(answers),
        observations=tuple(observations),
        frames=head.frames,
        machine=head.machine,
        versions=head.versions,
        problems=head.problems,
    )


def _line(values: dict[str, Any]) -> str:
    return json.dumps(_rounded(values), separators=(",", ":"))


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return value


def _answer_line(answer: Answer) -> dict[str, Any]:
    subjects = tuple(replace(subject, trail_m=()) for subject in answer.subjects)
    slim = replace(answer, subjects=subjects)
    return {"kind": "answer", "answer": _ANSWER.dump_python(slim, mode="json")}


def _observation_line(seen: Observation) -> dict[str, Any]:
    places = seen.positions
    return {
        "kind": "observation",
        "camera": places.camera,
        "level": places.level,
        "frame_index": places.frame_index,
        "captured_at_s": places.captured_at_s,
        "xy_m": places.xy_m.tolist(),
        "cov_m2": places.cov_m2.tolist(),
        "from_head": places.from_head.tolist(),
        "confidence": places.confidence.tolist(),
        "track_id": places.track_id.tolist(),
        "armed_llr": places.armed_llr.tolist(),
        "unplaced": places.unplaced,
        "times": _TIMES.dump_python(seen.times, mode="json"),
    }


def _observation(values: dict[str, Any]) -> Observation:
    return Observation(
        FloorPositions(
            camera=values["camera"],
            level=values["level"],
            frame_index=values["frame_index"],
            captured_at_s=values["captured_at_s"],
            xy_m=np.asarray(values["xy_m"], np.float64).reshape(-1, 2),
            cov_m2=np.asarray(values["cov_m2"], np.float64).reshape(-1, 2, 2),
            from_head=np.asarray(values["from_head"], np.bool_),
            confidence=np.asarray(values["confidence"], np.float32),
            track_id=np.asarray(values["track_id"], np.int64),
            armed_llr=np.asarray(values["armed_llr"], np.float64),
            unplaced=values["unplaced"],
        ),
        _TIMES.validate_python(values["times"]),
    )
