"""Where the pixels are worked on: feeds → detector → tracks → floor, in a process of its own."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from calibration.answer import StageTimes
from calibration.errors import CalibrationError
from calibration.projection import to_floor_positions
from models.errors import ModelError
from models.looks import LookRates, LookRatesError
from vision.boxes import read_mot_boxes
from vision.decode import decode_file
from vision.errors import VisionError
from vision.feeds import Feed, live_source, stop_feeds
from vision.latest import LatestFrames
from vision.pipeline import Pipeline, load_pipeline
from vision.sources import played
from vision.streaming import Streams
from vision.video_file import StreamInfo, probe_file

from .drill_files import DrillFeed
from .runs import CameraStatus
from .worker_messages import Begin, Ended, Failed, Feeds, Labels, Observed, Pictured, Ready, Show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from multiprocessing.connection import Connection

    from calibration.camera import CameraModel
    from calibration.camera_loading import Camera
    from vision.detect import Device
    from vision.sources import AnyFrame, Source
    from vision.stream_parts import StreamPart
    from vision.view import View
    from vision.view_features import ViewFeatures

    from .worker_messages import CameraJob, ToWorker, WorkerJob, WorkerSite

LARGEST_BATCH = 8
"""Frames detected at once. On two cores a larger batch makes each frame wait longer for its
answer and saves nothing; a GPU takes as many in one go."""

FRAME_PATIENCE_S = 0.1
FEEDS_EVERY_S = 0.5
WARM_UP_PX = (360, 640)


def run_worker(job: WorkerJob, connection: Connection, pictures: Connection) -> None:
    """Do the job until all recordings have ended or the other end of the pipe is closed.

    The entry point of a worker process. It says `Ready` once its engine is warm, waits for
    `Begin`, then sends `Observed` for every frame it used and `Feeds` twice a second.

    Args:
        job: what to do.
        connection: to the API's process, both ways.
        pictures: takes the parts of streams, so that who watches does not hold up who locates.
    """
    # Ctrl-C reaches the whole group of processes; the order to stop comes through the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pixels = any(_has_pixels(camera) for camera in job.cameras)
        pipeline, backend = build_pipeline(job.device, pixels=pixels)
        connection.send(Ready(backend))
        with contextlib.closing(_streams(job.site, pictures)) as streams:
            begun = None
            while begun is None:
                begun = _told(connection.recv(), streams)
            _watch(job, pipeline, begun.started_at_s, connection, streams)
    except (CalibrationError, ModelError, VisionError, LookRatesError) as error:
        with contextlib.suppress(OSError):
            connection.send(Failed(str(error)))
    except (EOFError, OSError):
        return  # the other end is closed: stop


def _streams(site: WorkerSite, pictures: Connection) -> Streams:
    """What encodes the cameras that somebody watches; clocks are written in this machine's zone."""
    sending = threading.Lock()

    def send(part: StreamPart) -> None:
        with sending:
            pictures.send(part)

    zone = datetime.now().astimezone().tzinfo or UTC
    return Streams(send, {camera.id: camera.name for camera in site.cameras.values()}, zone)


def _told(message: ToWorker, streams: Streams) -> Begin | None:
    """Do what was told; the order to begin is handed back."""
    match message:
        case Show():
            streams.show(message.wanted, message.drawing)
        case Labels():
            streams.label(message.camera, message.labels)
        case Begin():
            return message
    return None


def _watch(
    job: WorkerJob,
    pipeline: Pipeline,
    started_at_s: float,
    connection: Connection,
    streams: Streams,
) -> None:
    latest: LatestFrames[AnyFrame] = LatestFrames(camera.camera for camera in job.cameras)
    feeds = [
        Feed(camera.camera, _source(camera, job.site, started_at_s, job.duration_s), latest)
        for camera in job.cameras
    ]
    told_s = -np.inf
    views: dict[str, View] = {}
    pipeline.hold_against(saved_views(job.site.cameras.values()))
    try:
        for feed in feeds:
            feed.start()
        while True:
            while connection.poll(0.0):  # raises where the other end is closed: stop
                _told(connection.recv(), streams)
            # Asked in this order, no frame can slip in between the last look and the end.
            ended = _ended(feeds)
            frames = latest.take(LARGEST_BATCH, 0.0 if ended else FRAME_PATIENCE_S)
            for tracked in pipeline.process(frames):
                camera = job.site.cameras[tracked.frame.camera]
                views[camera.id] = tracked.tracks.view
                streams.offer(tracked)
                positions = to_floor_positions(
                    tracked.tracks, camera.model, camera.id, camera.level, job.site.plan
                )
                times = StageTimes(
                    captured_s=tracked.frame.captured_at_s,
                    decoded_s=tracked.frame.decoded_at_s,
                    detected_s=tracked.detected_at_s,
                    placed_s=time.time(),
                )
                connection.send(Observed(positions, times))
                if tracked.pictures:
                    connection.send(Pictured(tracked.pictures))
            over = ended and not frames
            now_s = time.time()
            if over or now_s - told_s >= FEEDS_EVERY_S:
                told_s = now_s
                connection.send(Feeds(tuple(_status(feed, latest, now_s, views) for feed in feeds)))
            if over:
                connection.send(Ended())
                return
    finally:
        latest.close()
        stop_feeds(feeds)


def _ended(feeds: list[Feed]) -> bool:
    return all(feed.state(time.time()).phase == "stopped" for feed in feeds)


def _has_pixels(camera: CameraJob) -> bool:
    return not isinstance(camera.source, DrillFeed) or camera.source.has_pixels


def _source(
    job: CameraJob, site: WorkerSite, started_at_s: float, duration_s: float | None
) -> Source:
    source = job.source
    if not isinstance(source, DrillFeed):
        return live_source(job.camera, source, started_at_s)
    model = site.cameras[job.camera].model
    return played(
        lambda: recorded_frames(source, model, started_at_s, duration_s),
        info=lambda: probe_file(source.path) if source.has_pixels else StreamInfo(),
    )


def saved_views(cameras: Iterable[Camera]) -> dict[str, ViewFeatures]:
    """What the site's cameras showed when they were calibrated, where that was saved; by id."""
    return {camera.id: camera.reference for camera in cameras if camera.reference is not None}


def _status(
    feed: Feed, latest: LatestFrames[AnyFrame], now_s: float, views: Mapping[str, View]
) -> CameraStatus:
    state, counts = feed.state(now_s), latest.counts(feed.camera)
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
        view_trouble=views[feed.camera].trouble if feed.camera in views else "",
    )


def build_pipeline(device: Device, *, pixels: bool) -> tuple[Pipeline, str]:
    """A warm pipeline and what its detector runs on.

    Args:
        device: "auto", "cpu" or "cuda".
        pixels: False where all feeds replay boxes, so that no detector is loaded.
    """
    if not pixels:
        return Pipeline(None, LookRates.silent()), "recorded boxes"
    pipeline, detector = load_pipeline(device)
    blank = np.zeros((*WARM_UP_PX, 3), np.uint8)
    pipeline.warm_up([blank] * LARGEST_BATCH)
    return pipeline, detector.backend


def recorded_frames(
    feed: DrillFeed, model: CameraModel, start_s: float, duration_s: float | None
) -> Generator[AnyFrame]:
    """The frames of a recording, captured from `start_s` (Unix) on, `duration_s` or all of it.

    Raises:
        vision.errors.MediaError: the recording is missing, damaged or ends early.
    """
    frames: Iterator[AnyFrame]
    if feed.has_pixels:
        frames = decode_file(feed.path, feed.camera, start_s, feed.fps, feed.offset_s)
    elif feed.fps is None:
        raise ValueError(f"feed of camera {feed.camera!r}: a box file needs its frame rate")
    else:
        frames = read_mot_boxes(
            feed.path,
            feed.camera,
            size_px=model.size_px,
            fps=feed.fps,
            start_s=start_s,
            offset_s=feed.offset_s,
            duration_s=None if duration_s is None else max(duration_s - feed.offset_s, 0.0),
        )
    try:
        for frame in frames:
            if duration_s is not None and frame.captured_at_s > start_s + duration_s:
                return
            yield frame
    finally:
        if isinstance(frames, Generator):
            frames.close()
