"""Plays the log of a run again and compares every answer with the one that was published.

A fresh locator takes what the recorded one took, in that order, and is asked what it was asked.
What it answers must be equal to the last bit; floats that differ in one come from another version
of a library or another kind of processor, which the record names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .exact_json import canonical_json, fields_of, plain
from .input_log import AnswerNote, Observation, note_of, published_at, without_trails

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from calibration.answer import Answer
    from calibration.inputs import OperatorInput
    from calibration.locator import Locator

    from .input_log import Replayable

_DEPENDED_ON = ("lastseen", "python", "numpy", "scipy", "shapely", "processor")
_ABSENT = "nothing"
_REST = "a part that the record has only the digest of"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place in which a replayed answer is not the one that was published.

    Attributes:
        answer: number of the answer in its log, from 1.
        at_s: the moment that it speaks of, Unix seconds.
        field: where in it, e.g. `subjects[0].xy_m[1]`.
        recorded: what was published there; the beginning of its digest where no more was kept.
        replayed: what came out.
    """

    answer: int
    at_s: float
    field: str
    recorded: str
    replayed: str

    def __str__(self) -> str:
        return (
            f"answer {self.answer} (of {self.at_s!r}): {self.field}: "
            f"published {self.recorded}, replayed {self.replayed}"
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Attributes:
        frames: how many frames were fed.
        said: how many words of operators were.
        answers: how many answers were compared.
        difference: the first that is not as it was published; None where all are.
    """

    frames: int
    said: int
    answers: int
    difference: Difference | None


def replay(
    locator: Locator,
    log: Iterable[Replayable],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Return what a fresh locator makes of a log, up to the first answer that differs.

    Args:
        locator: a locator of the same site that has consumed nothing.
        log: what the recorded one took and gave, in order.
        on_progress: takes how many entries have been played, after each.
    """
    frames = said = answers = 0
    for played, entry in enumerate(log, start=1):
        match entry:
            case AnswerNote():
                answers += 1
                answer = published_at(locator.answer(entry.at_s), entry.published_s)
                difference = _difference(answers, entry, answer)
                if difference is not None:
                    return Replayed(frames, said, answers, difference)
            case Observation():
                frames += 1
                feed(locator, entry)
            case _:
                said += 1
                feed(locator, entry)
        on_progress(played)
    return Replayed(frames, said, answers, None)


def computed_otherwise(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the answers depend on and is not now what it was then, a sentence each.

    Args:
        then: machine and versions of the record.
        now: those of this process.
    """
    return tuple(
        f"recorded with {name} {then[name]}; this is {now.get(name, 'without it')}"
        for name in _DEPENDED_ON
        if name in then and now.get(name) != then[name]
    )


def feed(locator: Locator, entry: Observation | OperatorInput) -> None:
    """Give a locator one input of a log, as the recorded one got it."""
    if isinstance(entry, Observation):
        # When it was published was not known yet.
        locator.consume(entry.positions, replace(entry.times, published_s=None))
    else:
        locator.tell(entry)


def _difference(number: int, note: AnswerNote, answer: Answer) -> Difference | None:
    found = note_of(answer)
    where: tuple[str, str, str] | None = None
    if note.answer is not None:
        slim = without_trails(answer)
        if canonical_json(note.answer) != canonical_json(slim):
            where = _first(plain(note.answer), plain(slim), "")
    elif note.parts:
        where = _first_part(note, found, answer)
    if where is None and found.digest == note.digest:
        return None
    field, recorded, replayed = where or (_REST, note.digest[:12], found.digest[:12])
    return Difference(number, note.at_s, field, recorded, replayed)


def _first_part(note: AnswerNote, found: AnswerNote, answer: Answer) -> tuple[str, str, str] | None:
    """The first field whose digest differs; its line of words in full, the rest by digest."""
    if note.text != found.text:
        return "text", repr(note.text), repr(found.text)
    values = fields_of(answer)
    for name in [*found.parts, *(name for name in note.parts if name not in found.parts)]:
        recorded = note.parts.get(name, _ABSENT)
        if found.parts.get(name, _ABSENT) != recorded:
            shown = repr(plain(values[name])) if name in values else _ABSENT
            return name, f"a value of digest {recorded}", shown
    return None


def _first(recorded: Any, replayed: Any, path: str) -> tuple[str, str, str] | None:  # noqa: ANN401 - any JSON
    """The path of the first place in which two JSON values differ, and what stands there."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for name in [*recorded, *(name for name in replayed if name not in recorded)]:
            inner = f"{path}.{name}" if path else name
            found = _first(recorded.get(name, _ABSENT), replayed.get(name, _ABSENT), inner)
            if found is not None:
                return found
        return None
    if isinstance(recorded, list) and isinstance(replayed, list):
        for i in range(max(len(recorded), len(replayed))):
            one = recorded[i] if i < len(recorded) else _ABSENT
            other = replayed[i] if i < len(replayed) else _ABSENT
            found = _first(one, other, f"{path}[{i}]")
            if found is not None:
                return found
        return None
    return None if repr(recorded) == repr(replayed) else (path, repr(recorded), repr(replayed))
