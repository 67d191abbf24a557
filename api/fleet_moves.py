"""Which cameras of a fleet change hands, why, and what is still heard of those who had them."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .run_news import CamerasMoved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .fleet_member import Member
    from .worker_messages import Observed

MOVED_S = 10.0
"""For so long after a camera was moved, what its worker says of moments before that is not heard:
one that hung and was given its cameras again has much to say that another has seen since."""


class Moves:
    """Cameras on their way from one worker to another.

    Attributes:
        count: how many have arrived so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._lost: dict[str, tuple[str, str, float]] = {}
        self._newest_s: dict[str, float] = {}
        self._before_s: dict[str, tuple[float, float]] = {}

    def leave(self, camera: str, member: Member, why: str, now_s: float) -> None:
        """Note that a worker has a camera no longer.

        Args:
            camera: which.
            member: the worker.
            why: what is wrong with it; "" where nothing is.
            now_s: Unix seconds.
        """
        self._lost[camera] = (member.worker.name, why, now_s - member.silence.seconds)

    def arrive(self, holders: Mapping[str, Member], now_s: float) -> Iterator[CamerasMoved]:
        """Yield what has happened to those cameras that have a worker again."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        heard_s: dict[tuple[str, str, str], float] = {}
        for camera in [one for one in self._lost if one in holders]:
            name, why, last_s = self._lost.pop(camera)
            group = (name, holders[camera].worker.name, why)
            groups.setdefault(group, []).append(camera)
            heard_s[group] = last_s
            self._before_s[camera] = (self._newest_s.get(camera, -inf), now_s + MOVED_S)
            self.count += 1
        for group, cameras in groups.items():
            after_s = now_s - heard_s[group] if group[2] else None
            yield CamerasMoved(now_s, tuple(sorted(cameras)), *group, after_s)

    def is_news(self, seen: Observed, now_s: float) -> bool:
        """Whether no other worker has told of that moment of the camera, or of a later one."""
        camera, captured_s = seen.positions.camera, seen.positions.captured_at_s
        before_s, until_s = self._before_s.get(camera, (-inf, -inf))
        if captured_s <= before_s and now_s < until_s:
            return False
        self._newest_s[camera] = captured_s
        return True
