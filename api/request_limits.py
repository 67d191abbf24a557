"""How often something may happen: moving windows, in memory, that a stranger cannot make grow.

Pure in time: the moment is an argument. What is counted lies in memory only; a restart forgives.
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

Whose = Literal["actor", "player", "device", "stranger", "link", "link-player"]
"""What a request is counted by."""

_MOST_KEYS = 20_000
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """So many times within so many seconds."""

    most: int
    within_s: float


PER_ACTOR = Limit(600, 60.0)
"""Requests of somebody who was recognised; an event stream is one."""

PER_STRANGER = Limit(120, 60.0)
"""Requests of an address that showed nothing to be recognised by."""

PER_DEVICE = Limit(60, 60.0)
"""Requests of a browser at the sign-in that signed in before; strangers hold it up never."""

PER_LINK = Limit(600, 60.0)
"""Links that an address follows, good or not."""

PER_PLAYER = Limit(3000, 60.0)
"""Requests for pieces of streams, of somebody who was recognised: a player asks four times a
second for each camera. They keep nobody from asking for anything else."""

PER_LINK_PLAYER = Limit(6000, 60.0)
"""The same by links, of an address, which may be that of many devices."""

PER_FALSE_SENDER = Limit(120, 60.0)
"""Events of an address whose signature does not fit; those that do are not counted by address."""

PER_SOURCE = Limit(600, 60.0)
"""Events that a source has signed; an emergency is carried out beyond it, too."""


class MovingWindow:
    """Counts what happened lately, for each key. Not safe to use from several threads.

    Args:
        limit: how often it may happen for one key.
        most_keys: so many keys are remembered; then the one that was quiet longest is forgotten.
    """

    def __init__(self, limit: Limit, *, most_keys: int = _MOST_KEYS) -> None:
        self._limit = limit
        self._most_keys = most_keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._times)

    def wait_s(self, key: str, now_s: float) -> float:
        """Return how long until it may happen again; 0 if it may now."""
        times = self._times.get(key)
        if times is None or len(times) < self._limit.most:
            return 0.0
        wait_s = times[0] + self._limit.within_s - now_s
        # A longer one than the window means that the clock was set back.
        return wait_s if 0.0 < wait_s <= self._limit.within_s else 0.0

    def count(self, key: str, now_s: float) -> None:
        """Say that it happened."""
        times = self._times.setdefault(key, deque(maxlen=self._limit.most))
        times.append(now_s)
        self._times.move_to_end(key)
        while self._times:
            oldest, its_times = next(iter(self._times.items()))
            over = its_times[-1] + self._limit.within_s <= now_s
            if not over and len(self._times) <= self._most_keys:
                return
            del self._times[oldest]

    def forget(self, key: str, at_s: float | None = None) -> None:
        """Forget what happened at one moment, or all of a key where none is named."""
        times = self._times.get(key)
        if times is None:
            return
        if at_s is not None and at_s in times:
            times.remove(at_s)
        if at_s is None or not times:
            del self._times[key]


class Limits:
    """Several windows that are asked and counted as one. Safe to use from any thread.

    Args:
        limits: the limit of each, by its name.
    """

    def __init__(self, limits: dict[str, Limit]) -> None:
        self._windows = {name: MovingWindow(limit) for name, limit in limits.items()}
        self._lock = threading.Lock()

    def take(self, places: Iterable[tuple[str, str]], now_s: float) -> float:
        """Count it in all places (name, key) and return 0, or in none and return the wait.

        What is refused is not counted, so that trying on does not make the wait longer.
        """
        places = tuple(places)
        with self._lock:
            wait_s = max(self._windows[name].wait_s(key, now_s) for name, key in places)
            if wait_s == 0.0:
                for name, key in places:
                    self._windows[name].count(key, now_s)
        return wait_s

    def full(self, name: str, key: str, now_s: float) -> bool:
        """Whether it may not happen there now."""
        with self._lock:
            return self._windows[name].wait_s(key, now_s) > 0.0

    def give_back(self, places: Iterable[tuple[str, str]], at_s: float) -> None:
        """Undo what was taken at that moment."""
        with self._lock:
            for name, key in places:
                self._windows[name].forget(key, at_s)

    def forget(self, name: str, key: str) -> None:
        """Forget all that was counted there."""
        with self._lock:
            self._windows[name].forget(key)


class RequestLimits:
    """How many requests are answered. Safe to use from any thread.

    Args:
        per_actor: for each actor.
        per_stranger: for each address, of requests that nobody was recognised by.
        per_device: for each device that signed in before, where it signs in again.
        per_link: for each address, of links.
        per_player: for each actor, of pieces of streams.
        per_link_player: for each address, of pieces of streams by links.
    """

    def __init__(
        self,
        per_actor: Limit = PER_ACTOR,
        per_stranger: Limit = PER_STRANGER,
        per_device: Limit = PER_DEVICE,
        per_link: Limit = PER_LINK,
        per_player: Limit = PER_PLAYER,
        per_link_player: Limit = PER_LINK_PLAYER,
    ) -> None:
        limits: dict[Whose, Limit] = {
            "actor": per_actor,
            "stranger": per_stranger,
            "device": per_device,
            "link": per_link,
            "player": per_player,
            "link-player": per_link_player,
        }
        self._limits = Limits({str(whose): limit for whose, limit in limits.items()})

    def wait_s(self, whose: Whose, key: str, now_s: float) -> float:
        """Count a request; return how long its sender must wait, 0 if it may be answered."""
        return self._limits.take([(whose, key)], now_s)


def address_key(address: str) -> str:
    """Return what an address is counted as: IPv6 by its /64, which is one customer's at least."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:_IPV6_PREFIX]
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))


def too_many_requests(wait_s: float) -> ProblemError:
    """Return the problem that is answered to whoever must wait so long."""
    wait = max(math.ceil(wait_s), 1)
    return ProblemError(
        429,
        "too-many-requests",
        "Too many requests",
        f"ask again in {wait} s",
        {"Retry-After": str(wait)},
    )
