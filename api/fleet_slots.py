"""A place in a fleet: the worker in it, and when the next one is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .fleet_member import Member

RESTART_DELAYS_S = (0.0, 1.0, 3.0, 10.0)
"""A worker that died is started again after these waits; one that dies more often stays down."""

STEADY_S = 60.0
"""A worker that worked this long before it died starts again from the shortest wait."""


class Slot:
    """One place of a fleet.

    Attributes:
        member: the worker in it; None while the next one is waited for, and once it is given up.
        trouble: what is wrong, a sentence; "" where nothing is.
        given_up: whether no worker is started here any more.
        deaths: how many workers died here without having worked for long.
    """

    def __init__(self, now_s: float) -> None:
        self.member: Member | None = None
        self.trouble = ""
        self.given_up = False
        self.deaths = 0
        self._due_at_s = now_s

    def due(self, now_s: float) -> bool:
        """Whether the next worker is to be started at `now_s`, Unix seconds."""
        return not self.given_up and now_s >= self._due_at_s

    def died(self, reason: str, now_s: float) -> None:
        """The worker in it is no more."""
        member = self.member
        if member is None:
            raise ValueError("nobody was here who could have died")
        name = member.worker.name
        if now_s - member.born_s > STEADY_S:
            self.deaths = 0
        self.member = None
        self.given_up = self.deaths >= len(RESTART_DELAYS_S)
        if self.given_up:
            self.trouble = f"{name} was given up: {reason}"
        else:
            self._due_at_s = now_s + RESTART_DELAYS_S[self.deaths]
            self.trouble = f"{name} died ({reason}) and is being started again"
        self.deaths += 1
