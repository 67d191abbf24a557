"""What is counted of frames, answers and workers: tables of tiny cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.events import EventLog
from api.input_log import Observation
from api.metrics import MOST_UNPUBLISHED, STAGES, Metrics, SiteMetrics
from api.run_news import BatchesTaken, WorkersFared
from api.runs import CameraStatus
from api.starved_cameras import MOST_NAMED, starved_problems
from api.telemetry import Telemetry
from calibration.answer import Answer, StageTimes
from calibration.inputs import Unmark
from calibration.positions import FloorPositions
from vision.attention import Starved

if TYPE_CHECKING:
    from api.run_news import RunNews

T = 1_772_442_000.0


def seen(camera: str, *stages_s: float | None) -> Observation:
    """A frame of a camera, its stages ended so long after T."""
    times = StageTimes(*(None if one is None else T + one for one in stages_s))  # type: ignore[arg-type]
    nobody = FloorPositions(
        camera, "L1", 0, times.captured_s, np.empty((0, 2)), np.empty((0, 2, 2)),
        np.empty(0, bool), np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0),
    )  # fmt: skip
    return Observation(nobody, times)


def published(at_s: float | None, captured_s: float = 0.0) -> Answer:
    times = None if at_s is None else StageTimes(T + captured_s, None, None, None, T + at_s)
    return Answer(T, (), (), "", times)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def sums(metrics: Metrics, camera: str) -> list[float | None]:
    """Seconds of each stage, None for one that was not counted, then of the whole way."""
    here = {"site": "north", "camera": camera}
    found: list[float | None] = []
    for name, labels in [
        *(("lastseen_frame_stage_seconds", {**here, "stage": stage}) for stage in STAGES),
        ("lastseen_frame_age_seconds", here),
    ]:
        count = value(metrics, f"{name}_count", **labels)
        total = value(metrics, f"{name}_sum", **labels)
        found.append(None if not count or total is None else round(total, 3))
    return found


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        ([seen("a", 0.0, 0.1, 0.3, 0.35), published(0.5)], [0.1, 0.2, 0.05, 0.15, 0.5]),
        # not published yet
        ([seen("a", 0.0, 0.1, 0.3, 0.35)], [None] * 5),
        # an answer that says no time: the stages before are counted all the same
        ([seen("a", 0.0, 0.1, 0.3, 0.35), published(None)], [0.1, 0.2, 0.05, None, None]),
        # a stage whose end is not known says nothing of the one after it either
        ([seen("a", 0.0, 0.1, None, 0.35), published(0.5)], [0.1, None, None, 0.15, 0.5]),
        # the clock of the camera is ahead
        ([seen("a", 0.2, 0.1, 0.3, 0.35), published(0.5)], [0.0, 0.2, 0.05, 0.15, 0.3]),
        ([seen("a", 9.0, 0.1, 0.3, 0.35), published(0.5)], [0.0, 0.2, 0.05, 0.15, 0.0]),
        # two frames of one answer, and one of the next
        (
            [seen("a", 0.0, 0.1, 0.2, 0.3), seen("a", 0.1, 0.2, 0.3, 0.4), published(0.5),
             seen("a", 0.2, 0.3, 0.4, 0.5), published(1.0)],
            [0.3, 0.3, 0.3, 0.8, 1.7],
        ),
        # of another camera
        ([seen("b", 0.0, 0.1, 0.3, 0.35), published(0.5)], [None] * 5),
    ],
)  # fmt: skip
def test_stages_of_frames_are_counted_when_they_are_published(
    news: list[RunNews], expected: list[float | None]
) -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for one in news:
        site.take(one)
    assert sums(metrics, "a") == expected


def test_a_clock_that_is_ahead_is_counted() -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for captured_s in (0.0, 0.1, 0.2):
        site.take(seen("a", captured_s, 0.1, 0.2, 0.3))
    site.take(published(0.5))
    ahead = value(metrics, "lastseen_frames_captured_ahead_total", site="north", camera="a")
    assert ahead == 1.0


def test_a_run_that_publishes_nothing_fills_no_memory() -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for _ in range(MOST_UNPUBLISHED + 10):
        site.take(seen("a", 0.0, 0.1, 0.2, 0.3))
    assert len(site._unpublished) == 10
    assert sums(metrics, "a")[:3] == pytest.approx([409.6] * 3, abs=0.01)
    assert sums(metrics, "a")[3:] == [None, None]


@pytest.mark.parametrize(
    ("told", "lost", "moved"),
    [
        ([WorkersFared("cpu", 0, 0)], 0.0, 0.0),
        ([WorkersFared("cpu", 1, 4), WorkersFared("cpu", 1, 6)], 1.0, 6.0),
        # the run met an error and began with new workers, which count anew
        ([WorkersFared("cpu", 2, 4), WorkersFared("", 0, 0), WorkersFared("cpu", 1, 1)], 3.0, 5.0),
    ],
)
def test_how_workers_fare_is_added_up(told: list[WorkersFared], lost: float, moved: float) -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for one in told:
        site.take(one)
    assert value(metrics, "lastseen_workers_lost_total", site="north") == lost
    assert value(metrics, "lastseen_cameras_moved_total", site="north") == moved
    assert value(metrics, "lastseen_backend_info", site="north", backend="cpu") == 1.0


def test_the_backend_is_the_newest() -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for backend in ("cuda", "openvino", "openvino"):
        site.take(WorkersFared(backend, 0, 0))
    assert value(metrics, "lastseen_backend_info", site="north", backend="cuda") is None
    assert value(metrics, "lastseen_backend_info", site="north", backend="openvino") == 1.0


def test_the_bound_on_staleness_is_told_while_there_is_one() -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    for bound_s, told in ((None, 0.0), (1.4, 1.4), (None, 0.0)):
        site.take(WorkersFared("cpu", 0, 0, bound_s))
        assert value(metrics, "lastseen_staleness_bound_seconds", site="north") == told


def test_nobody_is_told_when_a_series_was_made() -> None:
    metrics = Metrics()
    SiteMetrics(metrics, "north").published(published(0.5))
    assert b"lastseen_answers_published_total" in metrics.text()
    assert b"_created" not in metrics.text()


def test_batches_are_counted_by_size() -> None:
    metrics = Metrics()
    SiteMetrics(metrics, "north").take(BatchesTaken(((1, 3), (8, 2))))
    assert value(metrics, "lastseen_batch_frames_count", site="north") == 5.0
    assert value(metrics, "lastseen_batch_frames_sum", site="north") == 19.0
    assert value(metrics, "lastseen_batch_frames_bucket", site="north", le="4.0") == 3.0


def test_what_people_say_is_not_counted() -> None:
    metrics = Metrics()
    site = SiteMetrics(metrics, "north")
    before = metrics.text()
    site.take(Unmark(1, T))
    assert [line for line in metrics.text().splitlines() if b"lastseen_" in line] == [
        line for line in before.splitlines() if b"lastseen_" in line
    ]


# From the log of events


def test_messages_that_connections_take_are_measured_by_when_they_were_published() -> None:
    now = [T]
    telemetry = Telemetry(clock=lambda: now[0])
    incident = telemetry.of("i-1", "north")
    incident.published(7, published(0.0))
    incident.published(8, published(0.0))
    now[0] = T + 0.3
    incident.delivered(6, 8)
    incident.delivered(8, 9)  # 9 is no answer
    incident.delivered(0, 10_000)  # a snapshot in place of very many: those were not given
    count = value(telemetry.metrics, "lastseen_answer_delivery_seconds_count", site="north")
    total = value(telemetry.metrics, "lastseen_answer_delivery_seconds_sum", site="north")
    assert (count, round(total or 0.0, 3)) == (2.0, 0.6)


def test_a_run_and_its_incident_are_looked_after_together() -> None:
    telemetry = Telemetry()
    one = telemetry.of("i-1", "north")
    assert telemetry.of("i-1", "north") is one
    assert telemetry.of("i-2", "north") is not one


async def followed(log: EventLog, count: int) -> None:
    stream = log.follow(None, heartbeat_s=60.0, heartbeat=lambda: "{}")
    await anext(stream)
    for _ in range(count):
        log.append("last-seen", lambda n: f'{{"number": {n}}}')
        await anext(stream)
    assert log.readers == 1
    await stream.aclose()
    assert log.readers == 0


def test_what_a_connection_took_is_told_once_it_asks_for_more() -> None:
    import asyncio

    taken: list[tuple[int, int]] = []
    log = EventLog(lambda _: "{}", taken=lambda after, last: taken.append((after, last)))
    log.append("incident", lambda _: "{}")
    asyncio.run(followed(log, 3))
    # The snapshot at the beginning is how old it is; the third was not taken before it went away.
    assert taken == [(1, 2), (2, 3)]


# Who is starved


def status(name: str, starved: Starved | None) -> CameraStatus:
    return CameraStatus(name, name.title(), "live", "", 5.0, 9, 9, 0, 0.1, starved=starved)


@pytest.mark.parametrize(
    ("starved", "said"),
    [([], None), (["gym"], "camera Gym"), (["gym", "hall"], "cameras Gym, Hall")],
)
def test_an_overloaded_worker_says_which_cameras_it_starves(
    starved: list[str], said: str | None
) -> None:
    cameras = [
        status(name, Starved(5.0, 1.2) if name in starved else None)
        for name in ("foyer", "gym", "hall")
    ]
    sentence = f"the workers are overloaded: fewer frames than wanted of {said}"
    assert starved_problems(cameras) == (() if said is None else (sentence,))


def test_many_are_not_all_named() -> None:
    (said,) = starved_problems([status(f"c{n}", Starved(5.0, 1.0)) for n in range(40)])
    assert said.endswith(f"C5 and {40 - MOST_NAMED} more")


def test_the_state_of_a_camera_says_how_starved_it_is() -> None:
    from api.locations import Envelope, cameras_message

    cameras = (status("gym", Starved(5.0, 1.2)), status("hall", None))
    told = cameras_message(cameras, (), Envelope(1, "i-1", exercise=True, published_s=T))
    assert [one.model_dump()["starved"] for one in told.cameras] == [
        {"wanted_fps": 5.0, "got_fps": 1.2},
        None,
    ]
