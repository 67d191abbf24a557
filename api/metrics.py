"""What is counted and timed while a server works, as Prometheus reads it.

Labels are few on purpose: site, camera, stage, and words of short lists. There is none for a
person, a subject, an incident, an account or an address. What a server *is* at the moment (cameras,
incidents, the audit) is looked up when somebody asks, see `api.metrics_now`.

A frame costs five observations of some 0.6 us; 400 cameras at 5 frames a second use about one
hundredth of a core.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from calibration.answer import Answer

from .input_log import Observation
from .run_news import BatchesTaken, WorkersFared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from calibration.answer import StageTimes

    from .run_news import RunNews

STAGES: Final = ("decode", "detect", "place", "publish")
"""What follows capture, each from the end of the one before: on the way and decoded; waited for its
turn, detected, tracked and looked at again; put on the floor; fused, ranked and published."""

BOUNDS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Bounds of the buckets of all times, seconds; 0.5 and 2 are the ages that answers are judged by.
Every bound is a series for each camera and stage."""

BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)

MOST_UNPUBLISHED = 4096
"""Frames that are remembered until an answer with them is published."""


class Metrics:
    """The metrics of one server.

    Args:
        registry: where they are; a new one where None, so that servers do not share any.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        camera, by_site = ("site", "camera"), ("site",)
        self.stages = Histogram(
            "lastseen_frame_stage_seconds",
            "How long a stage of a camera's frames took, from the end of the stage before.",
            (*camera, "stage"),
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        self.frame_age = Histogram(
            "lastseen_frame_age_seconds",
            "Age of a camera's frames, from capture, when the answer with them was published.",
            camera,
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        self.ahead = Counter(
            "lastseen_frames_captured_ahead",
            "Frames whose capture time lies after our own: the camera's clock is ahead.",
            camera,
            registry=self.registry,
        )
        self.answers = Counter(
            "lastseen_answers_published", "Published answers.", by_site, registry=self.registry
        )
        self.answered_at = Gauge(
            "lastseen_answer_newest_capture_timestamp_seconds",
            "When the newest frame of the newest answer was captured, Unix seconds.",
            by_site,
            registry=self.registry,
        )
        self.answer_age = Histogram(
            "lastseen_answer_age_seconds",
            "Age of the newest frame of an answer, from capture, when it was published.",
            by_site,
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        self.deliveries = Histogram(
            "lastseen_answer_delivery_seconds",
            "From publication of an answer until the connection of one who follows took it.",
            by_site,
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        self.batches = Histogram(
            "lastseen_batch_frames",
            "Frames that a worker's detector took at once.",
            by_site,
            buckets=BATCHES,
            registry=self.registry,
        )
        self.backend = Gauge(
            "lastseen_backend_info",
            "1, and what the detectors of the site's newest incident run on.",
            (*by_site, "backend"),
            registry=self.registry,
        )
        self.workers_lost = Counter(
            "lastseen_workers_lost",
            "Workers that died or hung; another is started unless it happens again and again.",
            by_site,
            registry=self.registry,
        )
        self.staleness_bound = Gauge(
            "lastseen_staleness_bound_seconds",
            "The longest that any camera goes without a look now; 0 while all frames fit.",
            by_site,
            registry=self.registry,
        )
        self.cameras_moved = Counter(
            "lastseen_cameras_moved",
            "Cameras that were handed to another worker.",
            by_site,
            registry=self.registry,
        )

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format; waits for the database a moment."""
        return generate_latest(_WithoutCreated(self.registry))


class _WithoutCreated(Collector):
    """Leaves out when each series was made, a sample for each that nobody asks for.

    The library's own switch for that holds for all registries of the process.

    Args:
        registry: whose samples.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Yield all other samples."""
        for family in self._registry.collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family


class SiteMetrics:
    """Counts what the runs of one incident say; its methods are quick and never raise.

    Args:
        metrics: where it is counted.
        site: id of the site or drill.
    """

    def __init__(self, metrics: Metrics, site: str) -> None:
        self._metrics = metrics
        self._site = site
        self._cameras: dict[str, _CameraMetrics] = {}
        self._unpublished: list[tuple[_CameraMetrics, StageTimes]] = []
        self._fared = WorkersFared("", 0, 0)
        self._lost = metrics.workers_lost.labels(site)
        self._moved = metrics.cameras_moved.labels(site)
        self._batches = metrics.batches.labels(site)
        self._answers = metrics.answers.labels(site)
        self._answered_at = metrics.answered_at.labels(site)
        self._answer_age = metrics.answer_age.labels(site)
        self._deliveries = metrics.deliveries.labels(site)

    def take(self, news: RunNews) -> None:
        """Count what a run tells; a `RunWatch`."""
        match news:
            case Observation():
                if len(self._unpublished) >= MOST_UNPUBLISHED:
                    self._count_frames(None)
                self._unpublished.append((self._camera(news.positions.camera), news.times))
            case Answer():
                times = news.times
                self._count_frames(None if times is None else times.published_s)
            case WorkersFared():
                self._count_workers(news)
            case BatchesTaken():
                for size, count in news.sizes:
                    for _ in range(count):
                        self._batches.observe(size)
            case _:
                pass  # what people said is not counted

    def published(self, answer: Answer) -> None:
        """Count an answer that those who follow can have now."""
        self._answers.inc()
        times = answer.times
        if times is not None:
            self._answered_at.set(times.captured_s)
            if times.published_s is not None:
                self._answer_age.observe(max(times.published_s - times.captured_s, 0.0))

    def delivered(self, took_s: float) -> None:
        """Count that the connection of one who follows took an answer, so long after it."""
        self._deliveries.observe(max(took_s, 0.0))

    def _camera(self, camera: str) -> _CameraMetrics:
        known = self._cameras.get(camera)
        if known is None:
            known = self._cameras[camera] = _CameraMetrics(self._metrics, self._site, camera)
        return known

    def _count_workers(self, now: WorkersFared) -> None:
        before, self._fared = self._fared, now
        self._lost.inc(max(now.lost - before.lost, 0))
        self._moved.inc(max(now.moved - before.moved, 0))
        self._metrics.staleness_bound.labels(self._site).set(now.bound_s or 0.0)
        if now.backend:
            self._metrics.backend.labels(self._site, now.backend).set(1)
        if before.backend not in {"", now.backend}:
            self._metrics.backend.remove(self._site, before.backend)

    def _count_frames(self, published_s: float | None) -> None:
        for camera, times in self._unpublished:
            camera.count(times, published_s)
        self._unpublished.clear()


class _CameraMetrics:
    """The series of one camera: to look one up by its labels costs more than to count."""

    __slots__ = ("_age", "_ahead", "_stages")

    def __init__(self, metrics: Metrics, site: str, camera: str) -> None:
        self._stages = tuple(metrics.stages.labels(site, camera, stage) for stage in STAGES)
        self._age = metrics.frame_age.labels(site, camera)
        self._ahead = metrics.ahead.labels(site, camera)

    def count(self, times: StageTimes, published_s: float | None) -> None:
        """Count one frame; a stage that has not run is not counted.

        A stage that ended before the one before it took no time. That a camera's clock is ahead of
        ours is counted apart.
        """
        before_s: float | None = times.captured_s
        if times.decoded_s is not None and times.decoded_s < times.captured_s:
            self._ahead.inc()
        ends_s = (times.decoded_s, times.detected_s, times.placed_s, published_s)
        for stage, end_s in zip(self._stages, ends_s, strict=True):
            if end_s is not None and before_s is not None:
                stage.observe(max(end_s - before_s, 0.0))
            before_s = end_s
        if published_s is not None:
            self._age.observe(max(published_s - times.captured_s, 0.0))
