"""How often the cameras of a run should be looked at, said anew a few times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration.wanted_rates import AttentionGround, wanted_rates

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from calibration.answer import Answer
    from calibration.prepared import PreparedSite

EVERY_S = 0.25


class Attending:
    """Turns the answers of a run into wanted looks a second, by camera.

    Args:
        prepared: what is known of the ways of the site.
        cameras: ids of the cameras that may be looked at.
    """

    def __init__(self, prepared: PreparedSite, cameras: Collection[str]) -> None:
        self._prepared = prepared
        self._cameras = frozenset(cameras)
        self._ground: AttentionGround | None = None
        self._due_at_s = float("-inf")

    def rates(self, answer: Answer | None, now_s: float) -> Mapping[str, float] | None:
        """Looks a second that are wanted; None where it is too soon to say them again.

        Args:
            answer: the newest answer; None before the first.
            now_s: the moment, Unix seconds.
        """
        if now_s < self._due_at_s:
            return None
        if self._ground is None:
            reach = self._prepared.camera_reach_soon()
            if reach is None:
                return None
            self._ground = AttentionGround.of(reach)
        self._due_at_s = now_s + EVERY_S
        return wanted_rates(answer, self._ground, allowed=self._cameras)
