"""Plays the log of a run again and compares every answer with the one that was published.

A fresh locator takes what the recorded one took, in that order, and is asked what it was asked.
What it answers must be equal to the last bit; floats that differ in one come from another version
of a library or another kind of processor, which the record names.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .exact_json import canonical_json, fields_of, plain
from .input_log import AnswerNote, Observation, note_of, published_at, without_trails
from .journal_parts import Gap, Head

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
        not_compared: how many were not, because something before them is missing.
        difference: the first that is not as it was published; None where all are.
        gaps: what is missing of the log.
        heads: how the answers of each process came about, the first process first.
    """

    frames: int = 0
    said: int = 0
    answers: int = 0
    not_compared: int = 0
    difference: Difference | None = None
    gaps: tuple[Gap, ...] = ()
    heads: tuple[Head, ...] = ()


def replay(
    fresh: Callable[[], Locator],
    log: Iterable[Head | Gap | Replayable],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Return what fresh locators make of a log, up to the first answer that differs.

    After a gap the answers of that process cannot be made again. Those of the next can: it began
    with what could be read, as this does.

    Args:
        fresh: makes a locator of the same site that has consumed nothing.
        log: what the recorded one took and gave, in order.
        on_progress: takes how many entries have been played, after each.
    """
    told, locator, whole = Replayed(), fresh(), True
    for played, entry in enumerate(log, start=1):
        match entry:
            case Head():
                if not entry.resumed and told.frames + told.said:
                    locator = fresh()
                whole = True
                told = replace(told, heads=(*told.heads, entry))
            case Gap():
                whole = False
                told = replace(told, gaps=(*told.gaps, entry))
            case AnswerNote():
                answer = published_at(locator.answer(entry.at_s), entry.published_s)
                if not whole:
                    told = replace(told, not_compared=told.not_compared + 1)
                    continue
                told = replace(told, answers=told.answers + 1)
                difference = _difference(told.answers + told.not_compared, entry, answer)
                if difference is not None:
                    return replace(told, difference=difference)
            case Observation():
                feed(locator, entry)
                told = replace(told, frames=told.frames + 1)
            case _:
                feed(locator, entry)
                told = replace(told, said=told.said + 1)
        on_progress(played)
    return told


@dataclass(slots=True, eq=False)
class BroughtBack:
    """A locator that is where the one of the process before was.

    Attributes:
        locator: it.
        frames: how many frames were fed.
        said: what operators had said, in its order.
        newest_track: the highest number of a track in any camera; -1 where there was none.
        upto_s: the newest moment in it, Unix seconds; None where nothing was fed.
        gaps: what was missing.
        whole: whether the log was played to its end.
    """

    locator: Locator
    frames: int = 0
    said: list[OperatorInput] = field(default_factory=list)
    newest_track: int = -1
    upto_s: float | None = None
    gaps: list[Gap] = field(default_factory=list)
    whole: bool = True


def brought_back(
    fresh: Callable[[], Locator],
    log: Iterable[Head | Gap | Replayable],
    *,
    stop: Callable[[], bool] = lambda: False,
) -> BroughtBack:
    """Return a locator that has taken what a log says, and was asked what it was asked.

    Args:
        fresh: makes a locator of the site that has consumed nothing.
        log: what is there of it, in order.
        stop: whether to leave off.
    """
    back = BroughtBack(fresh())
    for entry in log:
        if stop():
            back.whole = False
            break
        match entry:
            case Head():
                if not entry.resumed and back.upto_s is not None:
                    back = BroughtBack(fresh(), newest_track=back.newest_track, gaps=back.gaps)
                continue
            case Gap():
                back.gaps.append(entry)
                continue
            case AnswerNote():
                back.locator.answer(entry.at_s)
                at_s = entry.at_s
            case Observation():
                feed(back.locator, entry)
                back.frames += 1
                tracks = entry.positions.track_id
                back.newest_track = max(back.newest_track, int(tracks.max(initial=-1)))
                at_s = entry.positions.captured_at_s
            case _:
                feed(back.locator, entry)
                back.said.append(entry)
                at_s = entry.at_s
        back.upto_s = at_s if back.upto_s is None else max(back.upto_s, at_s)
    return back


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
