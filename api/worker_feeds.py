"""The feeds of one worker: opened and closed as it is told, and what is known of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from vision.connect_gate import ConnectGate
from vision.decode_device import PROCESSOR, DecodeDevice
from vision.feeds import Feed, live_source, stop_feeds
from vision.played_file import play_file
from vision.sources import Source, played
from vision.stream_choice import StreamChoice
from vision.two_streams import TwoStreams

from .drill_files import DrillFeed
from .recorded_frames import recorded_frames
from .runs import CameraStatus
from .worker_messages import CameraJob, WorkerJob

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from vision.attention import Starved
    from vision.latest import LatestFrames
    from vision.sources import AnyFrame, Session

CATCH_UP_S = 0.5
"""A recording that begins to play later than this after its start, in a worker that took it over,
plays on from now: what was missed is missed, as with a live camera."""


class WorkerFeeds:
    """The feeds of the cameras that a worker watches now.

    Used from one thread.

    Args:
        job: what the run works on.
        latest: takes the frames.
        source: makes the source of a camera's frames.
    """

    def __init__(self, job: WorkerJob, latest: LatestFrames[AnyFrame], source: SourceMaker) -> None:
        self._job = job
        self._source = source
        self._latest = latest
        self._gate = ConnectGate()
        self._feeds: dict[str, Feed] = {}
        self._choices: dict[str, StreamChoice] = {}
        self._shown: frozenset[str] = frozenset()

    def watch(self, cameras: tuple[CameraJob, ...]) -> None:
        """Open and close feeds so that exactly these cameras are watched.

        Those named first connect first.
        """
        wanted = {camera.camera: camera for camera in cameras}
        over = [feed for camera, feed in self._feeds.items() if camera not in wanted]
        self._feeds = {camera: feed for camera, feed in self._feeds.items() if camera in wanted}
        self._choices = {camera: one for camera, one in self._choices.items() if camera in wanted}
        stop_feeds(over)
        self._gate.prefer(tuple(wanted))
        for camera, one in wanted.items():
            if camera not in self._feeds:
                feed = Feed(camera, self._source_for(one), self._latest, gate=self._gate)
                self._feeds[camera] = feed
                feed.start()

    def saw(self, camera: str, persons: int, now_s: float) -> None:
        """Take in that the last look at a camera showed so many persons."""
        choice = self._choices.get(camera)
        if choice is not None:
            choice.saw(persons, now_s)

    def attend(self, fps: Mapping[str, float], now_s: float) -> None:
        """Take in how many looks a second are wanted of which cameras."""
        for camera, rate in fps.items():
            choice = self._choices.get(camera)
            if choice is not None:
                choice.attend(rate, now_s)

    def show(self, cameras: Collection[str]) -> None:
        """Exactly these cameras are watched by people from now on."""
        self._shown = frozenset(cameras)
        for camera, choice in self._choices.items():
            choice.watch(watched=camera in self._shown)

    def _source_for(self, camera: CameraJob) -> Source:
        """The source of a camera's frames, which changes between its streams if it has two."""
        if camera.sub is None:
            self._choices.pop(camera.camera, None)
            return self._source(camera, self._job, time.time())
        choice = self._choices[camera.camera] = StreamChoice()
        choice.watch(watched=camera.camera in self._shown)
        main, sub = (CameraJob(camera.camera, one) for one in (camera.source, camera.sub))
        model = self._job.site.cameras[camera.camera].model
        return TwoStreams(self._opened(main), self._opened(sub), choice, model.size_px)

    def _opened(self, camera: CameraJob) -> Source:
        """The source of a stream that may be opened at any time, and more than once."""

        def source(session: Session) -> Generator[AnyFrame, None, None]:
            yield from self._source(camera, self._job, time.time())(session)

        return source

    @property
    def ended(self) -> bool:
        """Whether every feed has come to its end; so also where there is none."""
        return all(feed.state(time.time()).phase == "stopped" for feed in self._feeds.values())

    def states(
        self, now_s: float, troubles: Mapping[str, str], starved: Mapping[str, Starved]
    ) -> tuple[CameraStatus, ...]:
        """What is known of each feed at `now_s` (Unix).

        Args:
            now_s: the moment.
            troubles: what is wrong with what a camera shows, by camera, where something is.
            starved: cameras that are looked at less often than wanted.
        """
        return tuple(
            replace(
                self._state(feed, now_s),
                view_trouble=troubles.get(feed.camera, ""),
                starved=starved.get(feed.camera),
            )
            for feed in self._feeds.values()
        )

    def _state(self, feed: Feed, now_s: float) -> CameraStatus:
        state, counts = feed.state(now_s), self._latest.counts(feed.camera)
        age_s = None if state.last_frame_at_s is None else now_s - state.last_frame_at_s
        return CameraStatus(
            id=feed.camera,
            name=feed.camera,
            phase=state.phase,
            reason=state.reason,
            fps=state.fps,
            frames_in=counts.received,
            frames_used=counts.taken,
            frames_dropped=counts.dropped,
            last_frame_age_s=age_s,
            stream=state.stream,
        )

    def close(self) -> None:
        """Close all."""
        stop_feeds(self._feeds.values())
        self._feeds = {}


SourceMaker = Callable[[CameraJob, WorkerJob, float], Source]
"""Makes the source of a camera's frames, as `source_of` does."""


def source_of(
    camera: CameraJob, job: WorkerJob, now_s: float, device: DecodeDevice = PROCESSOR
) -> Source:
    """The source of a camera's frames.

    Args:
        camera: which one.
        job: what the run works on.
        now_s: when the feed is opened, Unix seconds.
        device: decodes them.
    """
    source = camera.source
    late = now_s - job.started_at_s > CATCH_UP_S
    from_s = now_s if late else None
    if not isinstance(source, DrillFeed):
        return live_source(camera.camera, source, job.started_at_s, device, from_s=from_s)
    model = job.site.cameras[camera.camera].model
    if source.has_pixels:
        return play_file(
            source.path,
            camera.camera,
            job.started_at_s,
            source.fps,
            source.offset_s,
            duration_s=job.duration_s,
            from_s=from_s,
            device=device,
        )
    return played(
        lambda: recorded_frames(source, model, job.started_at_s, job.duration_s, from_s=from_s)
    )
