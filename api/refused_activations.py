"""What is recorded of activations that were refused: enough to find out, never a full disk."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .errors import AuditError
from .request_limits import Limit, Limits, address_key

if TYPE_CHECKING:
    from .audit import Audit

_EACH, _ADDRESS, _ALL = Limit(1, 60.0), Limit(10, 60.0), Limit(30, 60.0)
_MOST_TOLD = 64

_log = logging.getLogger(__name__)


class Refusals:
    """Records what was refused, seldom enough: anybody can be refused as often as they like.

    Once a minute for each name and address (of IPv6: network). A stranger can invent names, so
    there is a most for an address, and one for all. Whether a name is that of a source makes no
    difference, or the time that an answer takes would tell.

    Args:
        audit: where it is recorded.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._limits = Limits({"each": _EACH, "address": _ADDRESS, "all": _ALL})

    def record(self, name: str, address: str, why: str, now_s: float) -> None:
        """Write the audit entry where one is due; what is refused stays so if that fails.

        Args:
            name: of the source, as it was addressed.
            address: network address that it came from.
            why: what was wrong; for the record, never for the sender.
            now_s: Unix seconds.
        """
        told, network = name[:_MOST_TOLD], address_key(address)
        places = (("each", f"{told} {network}"), ("address", network), ("all", ""))
        if self._limits.take(places, now_s) > 0.0:
            return
        try:
            facts = {"source": told, "address": address, "why": why}
            self._audit.append("activation-refused", now_s, facts)
        except AuditError:
            _log.exception("a refused activation is not in the audit")
