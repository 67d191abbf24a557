"""What people and other systems tell the locator beside the pictures: one tagged union.

All of them are small, frozen and made of plain values, so that a journal can write them down and
read them back: `OPERATOR_INPUTS` names each kind. The answer is a deterministic function of frames
and of these, in the order in which they were taken in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

MarkKind = Literal["confirm", "reject", "responder", "designate"]
"""What somebody says of a subject: it is the intruder, it is not, it is a responder, or: follow
this one now."""

DoorEventKind = Literal["forced", "propped", "unauthorised"]
"""What an access-control system says of a door: broken open, held open, or opened without a right
to."""

MARK_KINDS: Final[tuple[MarkKind, ...]] = get_args(MarkKind)
DOOR_EVENT_KINDS: Final[tuple[DoorEventKind, ...]] = get_args(DoorEventKind)


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody says what a subject is.

    Attributes:
        kind: what is said of it.
        subject: the subject's id when it was said, e.g. "S3".
        at_s: when it was said, Unix seconds.
        number: number of the mark in its incident, from 1, never given twice.
        by: whose word it is, as a role in words, e.g. "dispatcher"; never somebody's name, for
            the answer tells it to everybody.
    """

    kind: MarkKind
    subject: str
    at_s: float
    number: int
    by: str = ""


@dataclass(frozen=True, slots=True)
class Unmark:
    """A mark is taken back: what stood before it stands again.

    Attributes:
        number: number of the mark.
        at_s: when it was taken back, Unix seconds.
    """

    number: int
    at_s: float


@dataclass(frozen=True, slots=True)
class FriendlyReport:
    """An officer's own device says where it is.

    Attributes:
        unit: id of the unit, e.g. "Unit 12".
        level: level id; None where the device cannot tell on which floor it is.
        xy_m: the place, site metres.
        accuracy_m: radius about it that holds the device with 68 %, metres, as phones report it.
        at_s: when the device was there, Unix seconds.
    """

    unit: str
    level: str | None
    xy_m: tuple[float, float]
    accuracy_m: float
    at_s: float


@dataclass(frozen=True, slots=True)
class DoorEvent:
    """An access-control system says that a door was opened as it should not be.

    Attributes:
        kind: what happened.
        door: feature id of the entrance or opening in the plan.
        at_s: when it happened, Unix seconds.
        number: number of the event in its incident, from 1, never given twice.
    """

    kind: DoorEventKind
    door: str
    at_s: float
    number: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """From where officers come to the building.

    Attributes:
        xy_m: the place, site metres, usually outside the building; None where it is not known any
            more.
        at_s: when it was said, Unix seconds.
    """

    xy_m: tuple[float, float] | None
    at_s: float


OperatorInput = Mark | Unmark | FriendlyReport | DoorEvent | Arrival

OPERATOR_INPUTS: Final[Mapping[str, type[OperatorInput]]] = {
    "mark": Mark,
    "unmark": Unmark,
    "friendly": FriendlyReport,
    "door-event": DoorEvent,
    "arrival": Arrival,
}
"""Every kind by the name that a journal writes."""
