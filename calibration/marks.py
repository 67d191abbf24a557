"""What people say of subjects, and what of it holds: marks are given, replaced and taken back.

Of one subject the marks are read in the order in which they were given:

- *confirm*, *reject* and *responder* say what it is; a later one replaces an earlier one.
- *designate* says to follow it. It stands beside a confirmation, and lifts a rejection or a
  responder's mark given before it, as these lift a designation given before them.
- A mark that is taken back counts as never given: what stood before it stands again.

Where fusion finds that two subjects are one body, the marks of both are its marks. They are never
played off against each other: whoever was confirmed or designated under one of its ids stays so,
whatever was said of the other, because two ids can be joined by mistake and the intruder must not
vanish by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .inputs import Mark, Unmark


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of one subject.

    Attributes:
        verdict: the mark that says what it is; None where nobody said.
        designated: the mark that says to follow it; None where nobody said.
        disputed: whether ids that turned out to be one body were marked against each other.
    """

    verdict: Mark | None = None
    designated: Mark | None = None
    disputed: bool = False

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The marks that hold, in the order in which they were given."""
        held = [mark for mark in (self.verdict, self.designated) if mark is not None]
        return tuple(sorted(held, key=lambda mark: mark.number))

    @property
    def is_confirmed(self) -> bool:
        """Whether somebody confirmed that it is the intruder."""
        return self.verdict is not None and self.verdict.kind == "confirm"

    @property
    def is_followed(self) -> bool:
        """Whether somebody pointed it out: it is ranked whatever else is known of it."""
        return self.is_confirmed or self.designated is not None

    @property
    def is_aside(self) -> bool:
        """Whether somebody said that it is not the intruder, and nobody pointed it out since."""
        return self.verdict is not None and not self.is_followed


NOTHING_SAID = Standing()


@dataclass(frozen=True, slots=True)
class Marks:
    """All marks of an incident that were not taken back, in the order in which they were given."""

    given: tuple[Mark, ...] = ()

    def with_mark(self, mark: Mark) -> Marks:
        """These and one more; a mark of a number that is known already changes nothing."""
        if any(known.number == mark.number for known in self.given):
            return self
        return Marks((*self.given, mark))

    def without(self, unmark: Unmark) -> Marks:
        """These without one; nothing changes where it was taken back before."""
        return Marks(tuple(mark for mark in self.given if mark.number != unmark.number))

    def standing(self, merged_into: Mapping[str, str] | None = None) -> dict[str, Standing]:
        """What holds of each subject of which anything does, by its id now.

        Args:
            merged_into: the subject that each subject was joined with, by id.
        """
        by_subject = sorted(self.given, key=lambda mark: mark.subject)
        bodies: dict[str, list[Standing]] = {}
        for subject, marks in groupby(by_subject, key=lambda mark: mark.subject):
            body = subject_now(subject, merged_into or {})
            bodies.setdefault(body, []).append(_standing_of(marks))
        return {body: _joined(standings) for body, standings in bodies.items()}

    def newest_of(self, subjects: Iterable[str]) -> Mark | None:
        """The mark that was given last to any of these ids; None where none was."""
        ids = frozenset(subjects)
        return next((mark for mark in reversed(self.given) if mark.subject in ids), None)


def subject_now(subject: str, merged_into: Mapping[str, str]) -> str:
    """The id of the subject that a subject was joined with in the end; its own where it was not."""
    while subject in merged_into:
        subject = merged_into[subject]
    return subject


def _standing_of(marks: Iterable[Mark]) -> Standing:
    verdict: Mark | None = None
    designated: Mark | None = None
    for mark in marks:
        match mark.kind:
            case "designate":
                designated = mark
                verdict = verdict if verdict is not None and verdict.kind == "confirm" else None
            case "confirm":
                verdict = mark
            case "reject" | "responder":
                verdict, designated = mark, None
    return Standing(verdict, designated)


def _joined(standings: list[Standing]) -> Standing:
    """What holds of a body that had several ids: never less than that one of them is followed."""
    followed = [s for s in standings if s.is_followed]
    aside = [s for s in standings if s.is_aside]
    verdicts = [s.verdict for s in followed or aside if s.verdict is not None]
    designated = [s.designated for s in followed if s.designated is not None]
    return Standing(
        max(verdicts, key=lambda mark: mark.number, default=None),
        max(designated, key=lambda mark: mark.number, default=None),
        disputed=bool(followed and aside),
    )
