"""Which cameras of an incident to look at now, for the first subject or for a chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration.next_cameras import next_cameras

if TYPE_CHECKING:
    from calibration.answer import Answer
    from calibration.next_cameras import CameraNow
    from calibration.prepared import PreparedSite


class CamerasNow:
    """Keeps the newest answer, and tells cameras from it. Safe to use from any thread.

    Args:
        prepared: the site.
        allowed: ids of the cameras of the permit; no other is named.
    """

    def __init__(self, prepared: PreparedSite, allowed: frozenset[str]) -> None:
        self._prepared = prepared
        self._allowed = allowed
        self._answer: Answer | None = None

    def take(self, answer: Answer) -> tuple[CameraNow, ...]:
        """Take an answer; return the cameras for its first ranked subject.

        An answer waits for nothing: while a large site is still being prepared there are none.
        """
        self._answer = answer
        if not any(subject.status == "ranked" for subject in answer.subjects):
            return ()
        reach = self._prepared.camera_reach_soon()
        return () if reach is None else next_cameras(answer, reach, allowed=self._allowed)

    def of(self, subject: str) -> tuple[CameraNow, ...] | None:
        """Return the cameras for a subject; None where the newest answer has none of that id."""
        answer = self._answer
        if answer is None or all(one.subject != subject for one in answer.subjects):
            return None
        reach = self._prepared.camera_reach()
        return next_cameras(answer, reach, allowed=self._allowed, subject=subject)
