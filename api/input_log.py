"""What goes into a locator and comes out of it, in the order in which it did: the log of a run.

A locator's answer is a deterministic function of this order. Whoever keeps the log, on a disk or in
memory, can therefore play it again: the same answers come out, in another process and after a
restart. Asking is part of it, because asking moves the search for subjects out of view on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, get_args

from calibration.answer import Answer, StageTimes
from calibration.inputs import OPERATOR_INPUTS, OperatorInput
from calibration.positions import FloorPositions

from .exact_json import canonical_json, fields_of, made_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART_DIGITS: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The floor positions of one frame and when each stage of that frame ended."""

    positions: FloorPositions
    times: StageTimes


Logged = Observation | OperatorInput | Answer
"""A frame that was consumed, what somebody said, or an answer as it was published."""

Log = Callable[[Logged], None]
"""Takes each of them in the moment of its turn; returns quickly and never raises."""

OPERATOR_KINDS: Final[Mapping[type[Any], str]] = {
    made: kind for kind, made in OPERATOR_INPUTS.items()
}
"""The name under which each kind of operator input is written."""

IS_OPERATOR_INPUT: Final[tuple[type[Any], ...]] = get_args(OperatorInput)


@dataclass(frozen=True, slots=True, eq=False)
class AnswerNote:
    """What a log remembers of a published answer, to know it again.

    Attributes:
        at_s: the moment that was asked for, Unix seconds.
        published_s: when it was published; None where its times did not say.
        digest: SHA-256 of all of it, to the last bit.
        parts: the beginning of the SHA-256 of each of its fields, by name; may be empty.
        text: its line of words.
        answer: the answer itself, without subjects' trails; None where it was not kept.
    """

    at_s: float
    published_s: float | None
    digest: str
    parts: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    answer: Answer | None = None


Replayable = Observation | OperatorInput | AnswerNote
"""An entry of a log that was kept: what to feed, and what must come out."""


def published_at(answer: Answer, published_s: float | None) -> Answer:
    """Return a locator's answer as it is published: its times say when that was."""
    if answer.times is None:
        return answer
    return replace(answer, times=replace(answer.times, published_s=published_s))


def note_of(answer: Answer) -> AnswerNote:
    """Return what to remember of a published answer; the answer itself is not in it."""
    whole = hashlib.sha256()
    parts = {}
    for name, value in fields_of(answer).items():
        written = canonical_json(value).encode()
        parts[name] = hashlib.sha256(written).hexdigest()[:_PART_DIGITS]
        whole.update(name.encode() + b"=" + written + b"\n")
    published_s = None if answer.times is None else answer.times.published_s
    return AnswerNote(answer.at_s, published_s, whole.hexdigest(), parts, answer.text)


def without_trails(answer: Answer) -> Answer:
    """Return an answer without subjects' trails: the places of earlier answers, most of its size.

    Its digest is another one; see `AnswerNote`.
    """
    return replace(
        answer, subjects=tuple(replace(subject, trail_m=()) for subject in answer.subjects)
    )


def with_publication(log: Iterable[Logged]) -> tuple[Logged, ...]:
    """Return a log whose observations say when they were published: by the answer after them.

    An observation after the last answer is left as it was.
    """
    told: list[Logged] = []
    published_s: float | None = None
    for entry in reversed(tuple(log)):
        if isinstance(entry, Answer) and entry.times is not None:
            published_s = entry.times.published_s
        if isinstance(entry, Observation) and published_s is not None:
            told.append(replace(entry, times=replace(entry.times, published_s=published_s)))
        else:
            told.append(entry)
    return tuple(reversed(told))


def input_line(given: Observation | OperatorInput) -> dict[str, object]:
    """Return an input as the object of its line: `kind`, and its parts."""
    if isinstance(given, Observation):
        return {"kind": "observation", "positions": given.positions, "times": given.times}
    return {"kind": OPERATOR_KINDS[type(given)], "said": given}


def read_input(kind: str, values: Mapping[str, Any]) -> Observation | OperatorInput | None:
    """Return the input of a line, as `input_line` wrote it; None where it is of another kind.

    Raises:
        KeyError: a part is missing.
        ValueError: a part is not what was written.
        TypeError: the same.
    """
    if kind == "observation":
        return Observation(
            made_of(FloorPositions, values["positions"]), made_of(StageTimes, values["times"])
        )
    made = OPERATOR_INPUTS.get(kind)
    return None if made is None else made_of(made, values["said"])
