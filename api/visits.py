"""Viewers who ask again and again, as players of HLS do, instead of holding a connection.

Their first request begins a stream, as opening a WebSocket does, and it ends when they have not
asked for a while. A player that asks after the end of the incident is told once more what there
was, and that it has ended, so that it stops in order.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import NotPermittedError
from .viewing import refusal_to_watch
from .watching import begin_watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from vision.stream_parts import StreamKind

    from .incident import Incident
    from .viewing import Viewers, Viewing
    from .watching import Watching

    Key = tuple[str, str, str, str]

IDLE_S = 6.0
"""Whoever has not asked for so long does not watch any more: a player asks every second or two."""

_MOURNED_S = 30.0


@dataclass(slots=True)
class Visit:
    """Somebody who asks again and again.

    Attributes:
        watching: their stream.
        seen_s: when they asked last, Unix seconds.
        playlist: the newest playlist that they were given; "" before the first.
        given: number of the newest whole segment in it; -1 before the first.
    """

    watching: Watching
    seen_s: float
    playlist: str = ""
    given: int = -1


class Visits:
    """All who ask again and again. Safe to use from any thread.

    Args:
        viewers: admit to streams.
        clock: Unix seconds now.
        idle_s: see `IDLE_S`.
    """

    def __init__(
        self, viewers: Viewers, clock: Callable[[], float], *, idle_s: float = IDLE_S
    ) -> None:
        self._viewers = viewers
        self._clock = clock
        self._idle_s = idle_s
        self._visits: dict[Key, Visit] = {}
        self._last_words: dict[Key, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._visits)

    def visit(
        self,
        incident: Incident,
        viewing: Viewing,
        camera: str,
        how: str,
        kind: StreamKind = "video",
    ) -> Visit:
        """Return the visit of somebody who asks now; begun where they did not ask before.

        Waits for the disk where it is begun: ask `known` first, which waits for nothing.

        Args:
            incident: the incident.
            viewing: who may see it, as they were admitted for this request.
            camera: camera id.
            how: see `api.viewing.Showing`.
            kind: what is encoded for it.

        Raises:
            NotPermittedError: it may not be shown, or not any more.
            ProblemError: they watch too many streams already.
            AuditError: it could not be written down; nothing is shown.
        """
        known = self.known(incident, viewing, camera, how)
        if known is not None:
            return known
        begun = begin_watching(
            self._viewers, incident, viewing, camera, how, clock=self._clock, kind=kind
        )
        with self._lock:
            key = (incident.id, viewing.actor.name, camera, how)
            visit = self._visits.setdefault(key, Visit(begun, self._clock()))
        if visit.watching is not begun:
            begun.end("it is watched already")
        return visit

    def known(self, incident: Incident, viewing: Viewing, camera: str, how: str) -> Visit | None:
        """Return the visit of somebody who asks again; None where they did not ask before.

        Raises:
            NotPermittedError: it may not be shown any more.
        """
        with self._lock:
            visit = self._visits.get((incident.id, viewing.actor.name, camera, how))
            if visit is None:
                return None
            visit.seen_s = self._clock()
        grant = incident.grant if visit.watching.allowed() else None
        refusal = refusal_to_watch(grant, viewing, camera)
        if refusal is not None:
            raise NotPermittedError(refusal)
        return visit

    def last_words(self, incident: Incident, viewing: Viewing, camera: str) -> str:
        """Return the last playlist of a stream that ended just now; "" where there is none."""
        key = (incident.id, viewing.actor.name, camera, "hls")
        with self._lock:
            visit = self._visits.get(key)
            if visit is not None and not visit.watching.allowed():
                return visit.playlist
            return self._last_words.get(key, ("", 0.0))[0]

    def sweep(self) -> None:
        """End the visits of those who do not ask any more, or may not. Waits for the disk."""
        now_s = self._clock()
        with self._lock:
            # A clock that was set back must keep nobody here.
            self._last_words = {
                key: (text, at_s)
                for key, (text, at_s) in self._last_words.items()
                if 0.0 <= now_s - at_s < _MOURNED_S
            }
            over = [
                (key, visit)
                for key, visit in self._visits.items()
                if not 0.0 <= now_s - visit.seen_s < self._idle_s or not visit.watching.allowed()
            ]
            for key, visit in over:
                del self._visits[key]
                if visit.playlist and not visit.watching.allowed():
                    self._last_words[key] = (visit.playlist, now_s)
        for _, visit in over:
            visit.watching.end(visit.watching.why_over())
