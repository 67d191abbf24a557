"""How often signing in may be tried: guessing is slow, and nobody can shut somebody else out.

A device that never signed in to the account counts for the account and its address, for its
address, and for the account among all such devices. The last of these is what somebody with many
addresses can fill; so a device that did sign in before (`api.device_cookies`) counts for itself
alone, and its owner gets in however hard strangers try.
"""

from __future__ import annotations

from dataclasses import dataclass

from .request_limits import Limit, Limits, address_key

LIMITS = {
    "account and address": Limit(5, 15 * 60.0),
    "address": Limit(30, 15 * 60.0),
    "account": Limit(100, 3600.0),
    "device": Limit(10, 15 * 60.0),
}
"""How many failures each may have."""

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """An attempt that may be made, and where it was counted."""

    places: tuple[Place, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class TooMany:
    """An attempt that may not be made.

    Attributes:
        wait_s: how long until the next may.
        place: what was full, by name and key.
    """

    wait_s: float
    place: Place


class SignInLimits:
    """Counts attempts in memory. Safe to use from any thread."""

    def __init__(self) -> None:
        self._limits = Limits(LIMITS)

    def take(self, account: str, address: str, device: str | None, now_s: float) -> Taken | TooMany:
        """Count an attempt before it is made, so that many at once are not one.

        Args:
            account: the name that was given, whether there is such an account or not.
            address: where from.
            device: id of a device that signed in to this account before; None for any other.
            now_s: Unix seconds.
        """
        where = address_key(address)
        places: tuple[Place, ...] = (("device", f"{device} {account}"),)
        if device is None:
            places = (
                ("account and address", f"{account} {where}"),
                ("address", where),
                ("account", account),
            )
        wait_s = self._limits.take(places, now_s)
        if wait_s == 0.0:
            return Taken(places, now_s)
        full = next(place for place in places if self._limits.full(*place, now_s))
        return TooMany(wait_s, full)

    def give_back(self, taken: Taken) -> None:
        """Forget an attempt that was not made after all."""
        self._limits.give_back(taken.places, taken.at_s)

    def succeeded(self, taken: Taken) -> None:
        """Forget an attempt that succeeded, and what failed before it in the same place."""
        self.give_back(taken)
        self._limits.forget(*taken.places[0])
