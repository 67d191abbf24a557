"""Where the pixels are worked on: feeds → detector → tracks → floor, wherever it runs."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from calibration.answer import StageTimes
from calibration.errors import CalibrationError
from calibration.projection import batch_to_floor_positions
from models.errors import ModelError
from models.looks import LookRates, LookRatesError
from vision.attention import Attention
from vision.batch_taking import BatchTaker
from vision.batching import BatchSizer
from vision.decode_device import decode_device
from vision.detect import batches_of
from vision.errors import VisionError
from vision.latest import LatestFrames
from vision.overlapped import Overlapped
from vision.pipeline import Pipeline, load_pipeline
from vision.questions import leaves_question
from vision.streaming import Streams

from .logs import about
from .worker_feeds import WorkerFeeds, source_of
from .worker_messages import (
    Attend,
    Begin,
    Ended,
    Failed,
    Feeds,
    Labels,
    Observed,
    Pictured,
    Prove,
    Ready,
    Show,
    Watch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from calibration.camera_loading import Camera
    from vision.detect import Device
    from vision.pipeline import TrackedFrame
    from vision.sources import AnyFrame
    from vision.stream_parts import StreamPart
    from vision.view_features import ViewFeatures

    from .worker_feeds import SourceMaker
    from .worker_messages import Engine, FromWorker, ToWorker, WorkerSite
    from .worker_pipes import ToRun

FRAME_PATIENCE_S = 0.1
FEEDS_EVERY_S = 0.5
WARM_UP_PX = (360, 640)

ANSWERED_S = 0.2
"""From a batch that is tracked to the answer with it, on a large site: the run takes it in, and
works on the answer before. What is left of the deadline is the worker's."""


def run_worker(
    engine: Engine,
    run: ToRun,
    hand_on: Callable[[StreamPart], None],
    *,
    build: Callable[[Engine], tuple[Pipeline, str]] | None = None,
    source: SourceMaker | None = None,
) -> None:
    """Work until the other end is closed.

    It says `Ready` once its engine is warm and waits for `Begin`: nobody is watched before. Then
    it sends `Observed` for every frame it used and `Feeds` twice a second.

    Args:
        engine: what to load.
        run: the run's end of the pipe, both ways; raises `EOFError` or `OSError` once it is closed.
        hand_on: takes the parts of streams, from one thread at a time; apart from `run`, so that
            who watches does not hold up who locates. Raises `OSError` as `run` does.
        build: makes the warm pipeline, and says what its detector runs on.
        source: makes the source of a camera's frames.
    """
    try:
        pipeline, backend = (build or _build)(engine)
        if source is None:
            source = partial(source_of, device=decode_device(engine.device))
        run.send(Ready(backend))
        begin = run.receive()
        while not isinstance(begin, Begin):
            if isinstance(begin, Prove):
                pipeline.warm_up([_blank()])
                run.send(Ready(backend))
            begin = run.receive()
        with (
            about(incident=begin.job.incident) if begin.job.incident else contextlib.nullcontext(),
            contextlib.closing(_streams(begin.job.site, hand_on)) as streams,
        ):
            work = _Work(begin, pipeline, streams, run.send, source)
            with contextlib.closing(work):
                while True:
                    for message in run.waiting():
                        work.told(message)
                    work.step()
    except (CalibrationError, ModelError, VisionError, LookRatesError) as error:
        with contextlib.suppress(OSError):
            run.send(Failed(str(error)))
    except (EOFError, OSError):
        return  # the other end is closed: stop


class _Work:
    """One worker at work, from `Begin` on."""

    def __init__(
        self,
        begin: Begin,
        pipeline: Pipeline,
        streams: Streams,
        send: Callable[[FromWorker], None],
        source: SourceMaker,
    ) -> None:
        self._site = begin.job.site
        self._overlapped = Overlapped(pipeline)
        self._streams = streams
        self._send = send
        self._latest: LatestFrames[AnyFrame] = LatestFrames()
        self._feeds = WorkerFeeds(begin.job, self._latest, source)
        self._attention = Attention()
        sizer = BatchSizer(batches_of(pipeline.detector), after_s=ANSWERED_S)
        self._batches = BatchTaker(self._latest, sizer, self._attention.choose)
        self._watch = begin.watch
        self._said_ended = False
        self._feeds_at_s = -np.inf
        self._troubles: dict[str, str] = {}
        pipeline.hold_against(saved_views(self._site.cameras.values()))
        self._feeds.watch(begin.cameras)

    def told(self, message: ToWorker) -> None:
        """Do what was told."""
        match message:
            case Watch():
                self._watch, self._said_ended = message.watch, False
                self._feeds.watch(message.cameras)
            case Show():
                self._streams.show(message.wanted, message.drawing)
                self._feeds.show({one.camera for one in message.wanted})
            case Labels():
                self._streams.label(message.camera, message.labels)
            case Attend():
                self._attention.attend(message.fps, time.time())
                self._feeds.attend(message.fps, time.time())
            case Begin() | Prove():
                pass

    def step(self) -> None:
        """Work on the newest frames, or wait a moment for some."""
        # Asked in this order, no frame can slip in between the last look and the end.
        ended = self._feeds.ended
        # Frames that are under way are done as soon without new ones.
        at_once = self._overlapped.busy or (ended and not self._said_ended)
        wait_s = 0.0 if at_once else FRAME_PATIENCE_S
        busy = self._overlapped.busy
        frames = self._batches.take(wait_s)
        self._hand_on(self._overlapped.step(frames))
        if busy:
            self._batches.answered()
        over = ended and not frames and not self._overlapped.busy and not self._said_ended
        now_s = time.time()
        if over or now_s - self._feeds_at_s >= FEEDS_EVERY_S:
            self._feeds_at_s = now_s
            starved = self._attention.starved(now_s)
            self._send(
                Feeds(
                    self._feeds.states(now_s, self._troubles, starved),
                    batches=self._batches.sizes(),
                    capacity_fps=self._attention.capacity_fps,
                    bound_s=self._attention.bound_s(),
                )
            )
        if over:
            self._said_ended = True
            self._send(Ended(self._watch))

    def _hand_on(self, seen: list[TrackedFrame]) -> None:
        """Tell where those are whom the frames of a batch show."""
        cameras = [self._site.cameras[tracked.frame.camera] for tracked in seen]
        floor = batch_to_floor_positions(
            [(one.tracks, camera) for one, camera in zip(seen, cameras, strict=True)],
            self._site.plan,
        )
        now_s = time.time()
        for tracked, positions in zip(seen, floor, strict=True):
            camera = tracked.frame.camera
            self._attention.saw(
                camera, now_s, persons=len(tracked.persons), is_open=leaves_question(tracked)
            )
            self._feeds.saw(camera, len(tracked.persons), now_s)
            self._troubles[camera] = tracked.tracks.view.trouble
            self._streams.offer(tracked)
            times = StageTimes(
                captured_s=tracked.frame.captured_at_s,
                decoded_s=tracked.frame.decoded_at_s,
                detected_s=tracked.detected_at_s,
                placed_s=now_s,
            )
            self._send(Observed(positions, times))
            if tracked.pictures:
                self._send(Pictured(tracked.pictures))

    def close(self) -> None:
        """Let go of all feeds."""
        self._latest.close()
        self._feeds.close()


def _streams(site: WorkerSite, hand_on: Callable[[StreamPart], None]) -> Streams:
    """What encodes the cameras that somebody watches; clocks are written in this machine's zone."""
    sending = threading.Lock()

    def send(part: StreamPart) -> None:
        with sending:
            hand_on(part)

    zone = datetime.now().astimezone().tzinfo or UTC
    return Streams(send, {camera.id: camera.name for camera in site.cameras.values()}, zone)


def saved_views(cameras: Iterable[Camera]) -> dict[str, ViewFeatures]:
    """What the site's cameras showed when they were calibrated, where that was saved; by id."""
    return {camera.id: camera.reference for camera in cameras if camera.reference is not None}


def _build(engine: Engine) -> tuple[Pipeline, str]:
    return build_pipeline(engine.device, pixels=engine.pixels)


def build_pipeline(device: Device, *, pixels: bool) -> tuple[Pipeline, str]:
    """A warm pipeline and what its detector runs on.

    Args:
        device: "auto", "cpu" or "cuda".
        pixels: False where all feeds replay boxes, so that no detector is loaded.
    """
    if not pixels:
        return Pipeline(None, LookRates.silent()), "recorded boxes"
    pipeline, detector = load_pipeline(device)
    pipeline.warm_up([_blank()] * batches_of(pipeline.detector)[-1])
    return pipeline, detector.backend


def _blank() -> NDArray[np.uint8]:
    return np.zeros((*WARM_UP_PX, 3), np.uint8)
