"""How often somebody may read the record: to look at it costs more than to look at an incident."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .errors import ProblemError
from .request_limits import Limit, Limits

if TYPE_CHECKING:
    from .actors import Actor

PER_READER = Limit(30, 60.0)
"""Looks of one account at audit, disclosure records and archive, together."""

_TOLD = Limit(1, 60.0)


class Readers:
    """Counts who reads the record. Safe to use from any thread.

    Args:
        per_reader: how often one account may.
    """

    def __init__(self, per_reader: Limit = PER_READER) -> None:
        self._limits = Limits({"reads": per_reader, "verifies": _TOLD})

    def admit(self, actor: Actor, now_s: float) -> None:
        """Count a look of somebody.

        Raises:
            ProblemError: they looked too often lately.
        """
        wait_s = self._limits.take([("reads", actor.name)], now_s)
        if wait_s > 0.0:
            wait = max(math.ceil(wait_s), 1)
            raise ProblemError(
                429,
                "too-many-requests",
                "Too many requests",
                f"the record may be looked at less often than all else; ask again in {wait} s",
                {"Retry-After": str(wait)},
            )

    def verifies(self, actor: Actor, now_s: float) -> bool:
        """Whether it is to be told that somebody asks for a verdict: once a minute."""
        return self._limits.take([("verifies", actor.name)], now_s) == 0.0
