"""All that was published and seen while a drill played, to be scored and replayed again.

A saved run is a text file of JSON lines: the first holds the run itself, each further line one
observation (the floor positions of one frame), one word of an operator or one answer, in the order
in which they came, exact to the last bit; at the end come the stills of whoever was called armed.
Subjects' trails are left out of the answers, which are but the places of earlier answers and would
make up most of the file; the digest beside an answer is that of all of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from calibration.answer import Answer

from .errors import RunRecordError
from .exact_json import exact_json
from .input_log import (
    AnswerNote,
    Logged,
    Observation,
    input_line,
    note_of,
    read_input,
    without_trails,
)
from .run_news import CamerasMoved
from .run_stills import Still, read_still, still_line
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .input_log import Replayable

__all__ = ["FrameCounts", "Observation", "RunRecord", "Speed", "load_run", "save_run"]

RUN_FILE = "run.jsonl"
"""Name of a saved run in the folder of its report."""

SCHEMA = 2
Speed = Literal["realtime", "max"]
"""Whether the drill played at wall-clock pace or as fast as the machine could."""

_ANSWER = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """How many frames of one camera arrived, were detected on, and were overtaken by a newer."""

    received: int
    used: int
    dropped: int


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
        log: observations, words of operators and published answers, in the order in which the
            locator took and gave them.
        frames: frame counts by camera id; every camera that was to be watched has an entry.
        machine: processor, memory, operating system, detector backend, … in words.
        versions: of this project, its weights and the libraries that matter, by name.
        problems: what went wrong or was degraded meanwhile, a sentence each.
        digests: of the answers as they were published, in their order; empty where the answers in
            the log are these, whole.
        stills: what those who were called armed were called so for, heads covered.
        moves: which cameras got another worker meanwhile, and why.
    """

    drill: str
    exercise: bool
    speed: Speed
    start_s: float
    duration_s: float
    log: tuple[Logged, ...]
    frames: Mapping[str, FrameCounts]
    machine: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    stills: tuple[Still, ...] = ()
    moves: tuple[CamerasMoved, ...] = ()

    @property
    def answers(self) -> tuple[Answer, ...]:
        """All published answers, oldest first."""
        return tuple(entry for entry in self.log if isinstance(entry, Answer))

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The positions of every used frame, in the order in which the locator took them."""
        return tuple(entry for entry in self.log if isinstance(entry, Observation))

    def replayable(self) -> Iterator[Replayable]:
        """Yield the log for `api.replay`: answers as what they must be known by."""
        digests = iter(self.digests or [note_of(answer).digest for answer in self.answers])
        for entry in self.log:
            if isinstance(entry, Answer):
                published_s = None if entry.times is None else entry.times.published_s
                yield AnswerNote(
                    entry.at_s,
                    published_s,
                    next(digests),
                    text=entry.text,
                    answer=without_trails(entry),
                )
            else:
                yield entry


class _Head(BaseModel):
    """The first line of a saved run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["run"] = "run"
    schema_: Literal[2] = Field(default=2, alias="schema")
    drill: str
    exercise: bool
    speed: Speed
    start_s: float
    duration_s: float = Field(ge=0)
    frames: dict[str, FrameCounts]
    machine: dict[str, str]
    versions: dict[str, str]
    problems: tuple[str, ...]
    moves: tuple[CamerasMoved, ...] = ()


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
        "moves": [asdict(move) for move in record.moves],
    }
    lines = [json.dumps(head)]
    for entry in record.replayable():
        if not isinstance(entry, AnswerNote):
            lines.append(exact_json(input_line(entry)))
            continue
        told = {"kind": "answer", "digest": entry.digest, "answer": entry.answer}
        lines.append(exact_json(told))
    lines += [exact_json(still_line(still)) for still in record.stills]
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
    log: list[Logged] = []
    digests: list[str] = []
    stills: list[Still] = []
    try:
        head = _Head.model_validate_json(lines[0])
        for number, line in enumerate(lines[1:], start=2):
            values = json.loads(line)
            kind = values["kind"]
            if kind == "answer":
                log.append(_ANSWER.validate_python(values["answer"]))
                digests.append(str(values["digest"]))
            elif kind == "still":
                stills.append(read_still(values))
            else:
                log.append(_input(kind, values, f"{path}: line {number}"))
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
        log=tuple(log),
        frames=head.frames,
        machine=head.machine,
        versions=head.versions,
        problems=head.problems,
        digests=tuple(digests),
        stills=tuple(stills),
        moves=head.moves,
    )


def _input(kind: str, values: Mapping[str, Any], where: str) -> Logged:
    given = read_input(kind, values)
    if given is None:
        raise RunRecordError(f"{where}: unknown kind {kind!r}")
    return given
