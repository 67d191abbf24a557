"""The bytes of each event as they go over the wire, made once for all who read it alike.

Readers differ in two things: whether they may be told the cameras, and whether they want full
messages or what changed. So there are four forms of an event at most, and what is sent to five
hundred readers was made four times at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from .deltas import delta_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import Event

AFTER_CLOSED_RETRY_MS: Final = 3_600_000
"""A browser that lost the end of a closed incident need not hurry."""

WITH_DELTAS: Final = frozenset({"last-seen", "cameras"})
"""Events that have a predecessor to be compared with."""


@dataclass(frozen=True, slots=True)
class Form:
    """What sets readers apart.

    Attributes:
        cameras_told: whether they may be told which cameras there are.
        deltas: whether they want what changed in place of full messages.
    """

    cameras_told: bool = True
    deltas: bool = False


FULL: Final = Form()


class EventForms:
    """Makes the forms of the events of one incident; used by one event loop at a time.

    Args:
        less: makes the data of an event, by its name, for those who may not be told the cameras.
    """

    def __init__(self, less: Callable[[str, str], str]) -> None:
        self._less = less
        self._told_less: dict[str, tuple[str, str]] = {}
        self._read: dict[tuple[str, bool], tuple[str, dict[str, Any]]] = {}

    def wire(self, event: Event, form: Form) -> bytes:
        """Return an event as the bytes of a server-sent event."""
        made = event.made.get(form)
        if made is None:
            made = event.made[form] = self._make(event, form)
        return made

    def _make(self, event: Event, form: Form) -> bytes:
        if form.deltas:
            told = self._delta(event, cameras_told=form.cameras_told)
            if told is None:  # the same bytes as for whoever wants full messages
                return self.wire(event, Form(form.cameras_told))
            return wire_bytes(f"{event.name}-delta", to_json(told), event.id)
        said = self._data(event.name, event.data, cameras_told=form.cameras_told)
        return wire_bytes(event.name, said.encode(), event.id)

    def _delta(self, event: Event, *, cameras_told: bool) -> dict[str, Any] | None:
        """What an event changes; None where it is to be told whole."""
        if event.before is None or event.name not in WITH_DELTAS:
            return None
        before = self._message(event.name, event.before, cameras_told=cameras_told)
        after = self._message(event.name, event.data, cameras_told=cameras_told)
        return delta_message(before, after)

    # The newest of each kind is kept, because the next is compared to it. It is found again by
    # its text itself, which is one object in all that hold it.

    def _message(self, name: str, data: str, *, cameras_told: bool) -> dict[str, Any]:
        kept = self._read.get((name, cameras_told))
        if kept is not None and kept[0] is data:
            return kept[1]
        message: dict[str, Any] = from_json(self._data(name, data, cameras_told=cameras_told))
        self._read[name, cameras_told] = (data, message)
        return message

    def _data(self, name: str, data: str, *, cameras_told: bool) -> str:
        if cameras_told:
            return data
        kept = self._told_less.get(name)
        if kept is None or kept[0] is not data:
            kept = self._told_less[name] = (data, self._less(name, data))
        return kept[1]


def wire_bytes(name: str, data: bytes, number: int | None) -> bytes:
    """Return one server-sent event; `data` is JSON, which has no line breaks."""
    numbered = b"" if number is None else b"id: %d\n" % number
    retry = b"retry: %d\n" % AFTER_CLOSED_RETRY_MS if name == "closed" else b""
    return b"event: %s\ndata: %s\n%s%s\n" % (name.encode(), data, numbered, retry)
