"""What a server does beside its incidents: signs checkpoints, and purges what is due."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import ApiError

if TYPE_CHECKING:
    from .record import Record
    from .retention import Retention

_log = logging.getLogger(__name__)

_AGAIN_AFTER_S = 600.0

CHECKPOINT_EVERY_S = 3600.0
"""The longest time that entries of the audit wait for a signature while a server runs."""


class Housekeeping:
    """Done every now and then, by one thread at a time; what fails is logged and tried again.

    Args:
        record: the audit and its checkpoints.
        retention: knows what is due.
    """

    def __init__(self, record: Record, retention: Retention) -> None:
        self._record = record
        self._retention = retention
        self._signed_s = float("-inf")
        self._signed_seq = -1

    def tick(self, now_s: float, *, sign: bool = False) -> None:
        """Purge what is due; sign where an hour has passed, or at once.

        Args:
            now_s: Unix seconds.
            sign: sign now, because something was closed or the server stops.
        """
        try:
            for incident in self._retention.purge_due(now_s):
                said = {"incident": incident}
                _log.warning(
                    "what was kept of incident %s was purged: it was due", incident, extra=said
                )
        except ApiError as error:
            _log.error("what is due cannot be purged: %s", error)
        if sign or now_s - self._signed_s >= CHECKPOINT_EVERY_S:
            self._sign(now_s)

    def _sign(self, now_s: float) -> None:
        try:
            head = self._record.audit.head()
            if head.seq not in {0, self._signed_seq}:
                self._signed_seq = self._record.checkpoints.sign(now_s).seq
            self._signed_s = now_s
        except ApiError as error:
            _log.error("the audit cannot be signed: %s", error)
            # Where it is bent, all of it was looked at: not every half minute.
            self._signed_s = now_s - CHECKPOINT_EVERY_S + _AGAIN_AFTER_S
