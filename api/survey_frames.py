"""Pictures of one camera under a survey permit: a still, or all of a walk. Nothing is kept."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from vision.boxes import read_mot_boxes
from vision.errors import MediaError
from vision.feeds import Feed, live_source
from vision.frames import BoxFrame, Frame
from vision.latest import LatestFrames
from vision.still import frame_at, frames_between

from .drill_files import load_drill
from .errors import NotPermittedError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from calibration.site import Camera
    from vision.sources import AnyFrame

    from .drill_files import Drill, DrillFeed
    from .surveying import SurveyPermit
    from .targets import Target

STILL_PATIENCE_S: Final = 8.0
"""How long a camera is waited for: connecting, and the first key frame."""

_WAIT_S: Final = 0.1
_LEAST_STEP_S: Final = 0.09
"""No more than about ten pictures a second are looked at."""


def still_of(
    permit: SurveyPermit,
    target: Target,
    camera: Camera,
    *,
    at_s: float = 0.0,
    clock: Callable[[], float] = time.time,
) -> Frame:
    """One picture of a camera; of a drill the one of its recording at a moment.

    Args:
        permit: made by the gate for this camera.
        target: the site or drill.
        camera: the camera.
        at_s: moment of a drill, seconds since its start.
        clock: Unix seconds now.

    Raises:
        NotPermittedError: the permit is for another camera, or over.
        ProblemError: the camera has no address or no recorded pictures, or sends none in time.
    """
    _require(permit, target, camera, clock())
    if target.kind == "drill":
        drill = load_drill(target.folder)
        feed = _recording(drill, camera)
        if not feed.has_pixels:
            raise no_picture(f"{camera.name} has recorded boxes here, and no pictures")
        try:
            frame = frame_at(feed.path, camera.id, max(0.0, at_s - feed.offset_s), fps=feed.fps)
        except MediaError as error:
            raise no_picture(
                f"the recording of {camera.name} cannot be read: {_file(error)}"
            ) from None
        return Frame(
            camera.id, frame.index, drill.start_s + feed.offset_s + frame.captured_at_s, "drill",
            frame.decoded_at_s, frame.image,
        )  # fmt: skip
    for frame in _live(permit, camera, clock):
        return frame
    raise no_picture(f"{camera.name} sent no picture within {STILL_PATIENCE_S:.0f} s")


def walk_frames(
    permit: SurveyPermit,
    target: Target,
    camera: Camera,
    *,
    from_s: float,
    until_s: float,
    stopped: Callable[[], bool],
    clock: Callable[[], float] = time.time,
) -> Iterator[AnyFrame]:
    """Yield pictures of a camera while somebody walks, some ten a second.

    Args:
        permit: made by the gate for this camera; a live camera is looked through until it is over.
        target: the site or drill.
        camera: the camera.
        from_s: begin of the stretch of a drill, seconds since its start.
        until_s: its end.
        stopped: whether to end early.
        clock: Unix seconds now.

    Raises:
        NotPermittedError: the permit is for another camera, or over.
        ProblemError: the camera has no address or no recording, or sends nothing.
    """
    _require(permit, target, camera, clock())
    if target.kind != "drill":
        for frame in _live(permit, camera, clock):
            if stopped():
                return
            yield frame
        return
    drill = load_drill(target.folder)
    newest_s = float("-inf")
    try:
        for recorded in _recorded(drill, _recording(drill, camera), camera, from_s, until_s):
            if stopped():
                return
            if recorded.captured_at_s - newest_s >= _LEAST_STEP_S:
                newest_s = recorded.captured_at_s
                yield recorded
    except MediaError as error:
        raise no_picture(f"the recording of {camera.name} cannot be read: {_file(error)}") from None


def no_picture(detail: str) -> ProblemError:
    """The answer where a camera shows nothing now."""
    return ProblemError(409, "camera-shows-nothing", "The camera shows no picture", detail)


def _require(permit: SurveyPermit, target: Target, camera: Camera, now_s: float) -> None:
    if permit.target != target.id or not permit.allows(camera.id, now_s):
        raise NotPermittedError(f"there is no permit to look through {camera.name} now")


def _recording(drill: Drill, camera: Camera) -> DrillFeed:
    feed = next((feed for feed in drill.feeds if feed.camera == camera.id), None)
    if feed is None:
        raise no_picture(f"this drill has no recording of {camera.name}")
    return feed


def _recorded(
    drill: Drill, feed: DrillFeed, camera: Camera, from_s: float, until_s: float
) -> Iterator[AnyFrame]:
    """Frames whose capture time is seconds since the drill's start."""
    if feed.has_pixels:
        at_s = feed.offset_s
        for frame in frames_between(
            feed.path, camera.id, max(0.0, from_s - at_s), until_s - at_s, fps=feed.fps
        ):
            yield Frame(
                camera.id, frame.index, frame.captured_at_s + at_s, "drill", frame.decoded_at_s,
                frame.image,
            )  # fmt: skip
        return
    boxes: Iterator[BoxFrame] = read_mot_boxes(
        feed.path, camera.id, size_px=camera.model.size_px, fps=feed.fps or 1.0, start_s=0.0,
        offset_s=feed.offset_s, duration_s=drill.duration_s,
    )  # fmt: skip
    yield from (frame for frame in boxes if from_s <= frame.captured_at_s <= until_s)


def _live(permit: SurveyPermit, camera: Camera, clock: Callable[[], float]) -> Iterator[Frame]:
    """The newest frames of a live camera, while the permit lasts."""
    if camera.address is None:
        raise no_picture(f"{camera.name} has no address; write it into cameras/{camera.id}.toml")
    latest: LatestFrames[AnyFrame] = LatestFrames([camera.id])
    feed = Feed(camera.id, live_source(camera.id, camera.address, clock()), latest)
    patient_until_s = clock() + STILL_PATIENCE_S
    feed.start()
    with closing(_Stopping(feed)):
        while permit.allows(camera.id, clock()):
            for frame in latest.take(1, _WAIT_S):
                patient_until_s = clock() + STILL_PATIENCE_S
                if isinstance(frame, Frame):
                    yield frame
            state = feed.state(clock())
            if state.phase in {"refused", "stopped"} and latest.counts(camera.id).waiting == 0:
                if state.phase == "stopped" and latest.counts(camera.id).taken:
                    return  # a file that stands for a camera has ended
                raise no_picture(f"{camera.name}: {state.reason or 'it sends nothing'}")
            if clock() > patient_until_s:
                why = f": {state.reason}" if state.reason else ""
                raise no_picture(
                    f"{camera.name} sent no picture within {STILL_PATIENCE_S:.0f} s{why}"
                )


class _Stopping:
    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def close(self) -> None:
        self._feed.stop()


def _file(error: MediaError) -> str:
    """The error without the path of the server's disk, which is not for callers."""
    return str(error).partition(": ")[2] or "it is damaged"
