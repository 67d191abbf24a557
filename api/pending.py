"""Requests that a second person must confirm: kept for a few minutes, in memory only."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .actors import Actor
    from .grant_rules import Activation

LAPSES_S = 600.0
"""How long a request waits for its second person."""

_MOST = 1000
_MOST_OF_ONE = 3
"""Waiting requests of one account on one site; a further one takes the place of its oldest."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One request that waits.

    Attributes:
        id: its id.
        activation: who asks for what.
        actor: who sent it.
        because: why a second person is needed, in words.
        until_s: when it lapses, Unix seconds.
    """

    id: str
    activation: Activation
    actor: Actor
    because: str
    until_s: float


class PendingRequests:
    """The requests that wait. Safe to use from any thread."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def note(self, activation: Activation, actor: Actor, because: str, now_s: float) -> Pending:
        """Return the request, noted. Nobody's request is forgotten for another one's.

        Raises:
            ProblemError: too many wait.
        """
        pending = Pending(secrets.token_hex(8), activation, actor, because, now_s + LAPSES_S)
        with self._lock:
            live = {key: one for key, one in self._waiting.items() if one.until_s > now_s}
            own = [
                key
                for key, one in live.items()
                if (one.actor.name, one.activation.target) == (actor.name, activation.target)
            ]
            for key in own[: max(0, len(own) - _MOST_OF_ONE + 1)]:
                del live[key]
            if len(live) >= _MOST:
                raise ProblemError(
                    429,
                    "too-many-requests",
                    "Too many requests",
                    "too many requests wait for a second person",
                    {"Retry-After": "60"},
                )
            live[pending.id] = pending
            self._waiting = live
        return pending

    def waiting(self, now_s: float) -> tuple[Pending, ...]:
        """Return the requests that have not lapsed at `now_s` (Unix seconds), oldest first."""
        with self._lock:
            return tuple(one for one in self._waiting.values() if one.until_s > now_s)

    def take(
        self, request: str, actor: Actor, now_s: float, *, check: Callable[[Pending], None]
    ) -> Pending:
        """Return a request that somebody confirms; it waits no longer.

        Args:
            request: its id.
            actor: who confirms it.
            now_s: Unix seconds.
            check: raises where it may not be confirmed by them; it goes on waiting then.

        Raises:
            ProblemError: there is none of this id any more, or it is their own.
            ForbiddenError: their role cannot ask for cameras.
        """
        with self._lock:
            pending = self._waiting.get(request)
            if pending is None or pending.until_s <= now_s:
                raise ProblemError(
                    404,
                    "request-not-found",
                    "No such request",
                    f"no request {request!r} waits for a second person; it was confirmed, or it "
                    "lapsed, and is asked anew",
                )
            actor.need("open", pending.activation.target)
            if actor.name == pending.actor.name:
                raise ProblemError(
                    403,
                    "own-request",
                    "Nobody confirms their own request",
                    "the agreement asks for a second person; let another one sign in and confirm",
                )
            check(pending)
            del self._waiting[request]
            return pending

    def put_back(self, pending: Pending) -> None:
        """Let a request that was taken wait on."""
        with self._lock:
            self._waiting[pending.id] = pending

    def drop(self, pending: Pending) -> None:
        """Forget a request."""
        with self._lock:
            self._waiting.pop(pending.id, None)
