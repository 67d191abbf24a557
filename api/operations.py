"""What those who run a server hand in, and what they get to see of it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter

from .telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .readiness import Warm

_THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Operations:
    """What those who run a server hand in.

    Attributes:
        telemetry: metrics and traces.
        token: opens `/metrics` and the details of `/readyz`; with "" nobody can open them.
        preparing: whether what the sites' locators need is still being made since the start.
        warm: says how the engine is that is kept ready; None where none is kept.
        threads: in which it is looked at, so that no stranger who asks takes those of others.
    """

    telemetry: Telemetry = field(default_factory=Telemetry)
    token: str = field(default="", repr=False)
    preparing: Callable[[], bool] = field(default=lambda: False)
    warm: Warm | None = None
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_THREADS))

    def lets_in(self, shown: str | None) -> bool:
        """Whether what somebody shows is the token; in a time that does not tell how much is."""
        return bool(self.token) and hmac.compare_digest((shown or "").encode(), self.token.encode())
