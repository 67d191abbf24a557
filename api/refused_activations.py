"""What is recorded of activations that were refused: enough to find out, never a full disk."""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from .errors import AuditError

if TYPE_CHECKING:
    from .audit import Audit

_EACH = RateLimitItemPerMinute(1)
_ADDRESS = RateLimitItemPerMinute(10)
_ALL = RateLimitItemPerMinute(30)
_MOST_TOLD = 64
_NETWORK_BITS = 64  # of IPv6: what one subscriber has

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
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def record(self, name: str, address: str, why: str, now_s: float) -> None:
        """Write the audit entry where one is due; what is refused stays so if that fails.

        Args:
            name: of the source, as it was addressed.
            address: network address that it came from.
            why: what was wrong; for the record, never for the sender.
            now_s: Unix seconds.
        """
        told, network = name[:_MOST_TOLD], _network(address)
        # Looked at first: what is over the limit anyhow must not use up that of the others.
        due = self._limiter.test(_EACH, "each", told, network) and (
            self._limiter.hit(_ADDRESS, "address", network)
            and self._limiter.hit(_ALL, "all")
            and self._limiter.hit(_EACH, "each", told, network)
        )
        if not due:
            return
        try:
            facts = {"source": told, "address": address, "why": why}
            self._audit.append("activation-refused", now_s, facts)
        except AuditError:
            _log.exception("a refused activation is not in the audit")


def _network(address: str) -> str:
    """Whom an address belongs to."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _NETWORK_BITS), strict=False))
