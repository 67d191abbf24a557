"""Closings of grants: true at once, and written down as soon as the database takes them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import grant_rows
from .errors import AuditError

if TYPE_CHECKING:
    from .audit import Audit


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing, as its entry of the audit has it.

    Attributes:
        incident: incident id.
        closed_by: who ended it.
        reason: why.
        at_s: when, Unix seconds.
    """

    incident: str
    closed_by: str
    reason: str
    at_s: float


class Closings:
    """The closings that are not on record yet. Safe to use from any thread.

    Args:
        audit: where they are written.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._owed: list[Closing] = []
        self._settling = threading.Lock()

    def add(self, closing: Closing) -> None:
        """Note a closing; `settle` writes it down."""
        self._owed.append(closing)

    def settle(self) -> None:
        """Write down what is owed.

        Raises:
            AuditError: one could not be written; the next call goes on with it.
        """
        trouble: AuditError | None = None
        with self._settling:
            for closing in tuple(self._owed):
                try:
                    self._write(closing)
                except AuditError as error:
                    trouble = error
                else:
                    self._owed.remove(closing)
        if trouble is not None:
            raise trouble

    def _write(self, closing: Closing) -> None:
        facts = {
            "incident": closing.incident,
            "closed_by": closing.closed_by,
            "reason": closing.reason,
        }
        change = grant_rows.closed(closing.incident, closing.at_s)
        self._audit.append("grant-closed", closing.at_s, facts, change=change)
