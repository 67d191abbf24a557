"""Whether this server can open an incident now: what `/readyz` answers.

Not ready is only what keeps a grant from being opened, or its first answer from coming: whoever
takes a server out of service for less does it in an emergency. What needs somebody's hand and keeps
nothing closed, such as an audit that was bent long ago, is told to those who run the server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .record_state import RecordWatch

WAIT_S: Final = 2.0
"""Whoever asks waits so long for a database; one that says nothing by then cannot be used."""

Warm = Callable[[], str]
"""Says why the engine that is kept ready is not, in words; "" where it is."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: one word for it.
        ok: whether it is well.
        needed: whether nothing can be opened without it.
        told: what is wrong, in words that anybody may read.
        detail: the same for those who run the server; "" where there is no more to say.
    """

    name: str
    ok: bool
    needed: bool
    told: str
    detail: str = ""


class Readiness:
    """Looks at all that an incident needs. Safe to use from any thread.

    Args:
        record: how the database is.
        stopping: whether the server is being stopped.
        preparing: whether what the sites' locators need is still being made since the start.
        warm: says how the engine is that is kept ready; None where none is kept.
    """

    def __init__(
        self,
        record: RecordWatch,
        *,
        stopping: Callable[[], bool],
        preparing: Callable[[], bool] = lambda: False,
        warm: Warm | None = None,
    ) -> None:
        self._record = record
        self._stopping = stopping
        self._preparing = preparing
        self._warm = warm

    def checks(self, *, wait_s: float = WAIT_S) -> tuple[Check, ...]:
        """Return what was looked at; waits for the database at most `wait_s`."""
        checks = [self._server(), self._storage(wait_s), self._audit(), self._sites()]
        if self._warm is not None:
            why = self._warm()
            checks.append(Check("engine", not why, True, "the engine is being loaded", why))
        return tuple(checks)

    def _server(self) -> Check:
        return Check("server", not self._stopping(), True, "the server is being stopped")

    def _storage(self, wait_s: float) -> Check:
        state = self._record.state(wait_s=wait_s)
        detail = f"it did not answer within {wait_s:g} s" if state is None else state.trouble
        return Check("storage", not detail, True, "the record cannot be written", detail)

    def _audit(self) -> Check:
        bent = self._record.bent()
        detail = "it is being verified" if bent is None else bent
        return Check("audit", not bent, False, "the record must be looked into", detail)

    def _sites(self) -> Check:
        return Check("sites", not self._preparing(), True, "sites are still being prepared")
