"""Somebody who watches a camera's stream, from the entry in the audit to the one that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision.stream_parts import Drawing, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from vision.stream_parts import StreamKind

    from .gate import Grant
    from .incident import Incident
    from .streams import Streams
    from .viewing import Showing, Viewers, Viewing


@dataclass(frozen=True, slots=True, eq=False)
class Watching:
    """A stream that is being watched; `end` must follow, once.

    Attributes:
        showing: the proof that it may be.
        wanted: what is encoded for it.
        streams: the streams of the incident.
        viewers: decide whether it goes on.
        clock: Unix seconds now.
        exercise: whether what is shown is an exercise.
    """

    showing: Showing
    wanted: StreamWanted
    streams: Streams
    viewers: Viewers
    clock: Callable[[], float]
    exercise: bool

    def allowed(self) -> bool:
        """Whether the next picture may be shown."""
        return self.streams.over is None and self.viewers.may_go_on(self.showing, self.clock())

    def why_over(self) -> str:
        """Why it ended, in words."""
        match self.streams.over:
            case "closed":
                return "the incident is closed"
            case "stopping":
                return "the server is being stopped"
        return "the viewer left" if self.allowed() else "it may not be shown any more"

    def end(self, why: str) -> None:
        """Let the camera rest, and write down that it is watched no more. Waits for the disk."""
        self.streams.leave(self.wanted)
        self.viewers.unwatch(self.showing, now_s=self.clock(), why=why)


def drawing_of(grant: Grant) -> Drawing:
    """Return how pictures are drawn for those who watch under a grant."""
    exercise = grant.activation.kind == "exercise"
    if grant.agreement is None:
        return Drawing(exercise=exercise)
    return Drawing(grant.agreement.streaming.heads, exercise)


def begin_watching(
    viewers: Viewers,
    incident: Incident,
    viewing: Viewing,
    camera: str,
    how: str,
    *,
    clock: Callable[[], float],
    kind: StreamKind = "video",
) -> Watching:
    """Return a stream that is watched from now on. Waits for the disk and the run.

    Args:
        viewers: admit to streams.
        incident: the incident.
        viewing: who may see it.
        camera: camera id.
        how: see `api.viewing.Showing`.
        clock: Unix seconds now.
        kind: what is encoded for it.

    Raises:
        NotPermittedError: it may not be shown; the refusal is in the audit.
        ProblemError: they watch too many streams already.
        AuditError: it could not be written down; nothing is shown.
    """
    showing = viewers.watch(viewing, camera, how, now_s=clock())
    watching = Watching(
        showing,
        StreamWanted(camera, kind),
        incident.streams,
        viewers,
        clock,
        exercise=incident.grant.activation.kind == "exercise",
    )
    try:
        watching.streams.watch(watching.wanted)
    except BaseException:
        viewers.unwatch(showing, now_s=clock(), why="the camera could not be encoded")
        raise
    return watching
