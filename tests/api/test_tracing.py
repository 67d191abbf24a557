"""Traces of frames, as a real collector gets them; none where it is not asked for, or is down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2
import numpy as np
import pytest

from api.input_log import Observation
from api.operations import Operations
from api.telemetry import Telemetry
from api.tracing import (
    MOST_DELIVERIES,
    MOST_FRAMES,
    IncidentTraces,
    Traces,
    exporter_of_environment,
)
from calibration.answer import Answer, StageTimes
from calibration.positions import FloorPositions
from tests.api.collector import Collector, collecting, values
from tests.api.replayed import START_S, answer, build_console, opened_by, serving, subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span

HANGS_S = 30.0
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TIMES = StageTimes(START_S, START_S + 0.1, START_S + 0.25, START_S + 0.3)
SAID = Answer(
    START_S + 0.3, (), (), "", StageTimes(START_S, None, None, None, START_S + 0.4)
)  # fmt: skip


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as collector:
        monkeypatch.setenv(ENDPOINT, collector.address)
        yield collector


@pytest.fixture
def traces(collector: Collector) -> Iterator[Traces]:
    """Every frame is traced, to the collector of the environment."""
    exporter = exporter_of_environment()
    assert exporter is not None
    made = Traces(exporter, ratio=1.0, server="north-1")
    yield made
    made.close()


def seen(camera: str = "cam-01", times: StageTimes = TIMES, index: int = 7) -> Observation:
    nobody = FloorPositions(
        camera, "L1", index, times.captured_s, np.empty((0, 2)), np.empty((0, 2, 2)),
        np.empty(0, bool), np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0),
    )  # fmt: skip
    return Observation(nobody, times)


def named(collector: Collector, name: str) -> list[Span]:
    return [span for span in collector.spans if span.name == name]


def took_s(span: Span) -> tuple[float, float]:
    """Begin and end of a span, seconds after capture."""
    begin, end = span.start_time_unix_nano, span.end_time_unix_nano
    return (round(begin / 1e9 - START_S, 3), round(end / 1e9 - START_S, 3))


def test_a_frame_is_followed_from_its_capture_to_a_console(
    traces: Traces, collector: Collector
) -> None:
    followed = IncidentTraces(traces, "small", "i-1")
    followed.take(seen())
    followed.published(41, SAID)
    followed.delivered(41, START_S + 0.45)
    followed.end()
    traces.flush()

    assert {span.name: took_s(span) for span in collector.spans} == {
        "frame": (0.0, 0.45),
        "decode": (0.0, 0.1),
        "detect": (0.1, 0.25),
        "place": (0.25, 0.3),
        "publish": (0.3, 0.4),
        "deliver": (0.4, 0.45),
    }
    (root,) = named(collector, "frame")
    assert root.parent_span_id == b""
    for span in collector.spans:
        assert span.trace_id == root.trace_id
        assert span is root or span.parent_span_id == root.span_id
    assert values(root.attributes) == {
        "lastseen.site": "small",
        "lastseen.incident": "i-1",
        "lastseen.camera": "cam-01",
        "lastseen.frame": 7,
        "lastseen.sequence": 41,
    }
    assert collector.about["service.name"] == "lastseen"
    assert collector.about["service.instance.id"] == "north-1"


@pytest.mark.parametrize(
    ("times", "spans"),
    [
        (StageTimes(START_S), ["frame"]),
        (StageTimes(START_S, START_S + 0.1), ["decode", "frame"]),
        # The camera's clock is ahead: decoded before it was captured takes no time.
        (StageTimes(START_S + 0.2, START_S + 0.1, START_S + 0.3, START_S + 0.3), None),
    ],
)
def test_stages_that_have_not_run_have_no_span_and_none_takes_less_than_no_time(
    traces: Traces, collector: Collector, times: StageTimes, spans: list[str] | None
) -> None:
    followed = IncidentTraces(traces, "small", "i-1")
    followed.take(seen(times=times))
    followed.published(1, SAID)
    followed.end()
    traces.flush()
    if spans is not None:
        assert sorted(span.name for span in collector.spans) == spans
    assert all(begin <= end for begin, end in map(took_s, collector.spans))


def test_which_frames_are_traced_is_drawn_and_bounded(collector: Collector) -> None:
    exporter = exporter_of_environment()
    assert exporter is not None
    chances = iter([0.005, 0.5, 0.009, 0.01] + [0.0] * 100)
    traces = Traces(exporter, ratio=0.01, chance=lambda: next(chances))
    followed = IncidentTraces(traces, "small", "i-1")
    for index in range(4):
        followed.take(seen(index=index))
    followed.published(1, SAID)
    for index in range(100):
        followed.take(seen(index=index))
    followed.published(2, SAID)
    for reader in range(100):
        followed.delivered(2, START_S + 0.5 + reader)
    followed.published(3, SAID)
    followed.delivered(2, START_S + 900.0)  # a reader that is far behind is not waited for
    traces.close()
    frames = [values(span.attributes) for span in named(collector, "frame")]
    drawn = [one["lastseen.frame"] for one in frames if one["lastseen.sequence"] == 1]
    assert sorted(drawn) == [0, 2]
    assert sum(one["lastseen.sequence"] == 2 for one in frames) == MOST_FRAMES
    assert len(named(collector, "deliver")) == MOST_FRAMES * MOST_DELIVERIES


def test_frames_that_were_never_published_are_not_traced(
    traces: Traces, collector: Collector
) -> None:
    followed = IncidentTraces(traces, "small", "i-1")
    followed.take(seen())
    followed.published(1, Answer(START_S, (), (), "", None))
    followed.take(seen())
    followed.end()
    traces.flush()
    assert collector.spans == []


def test_without_a_collector_there_is_no_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert exporter_of_environment() is None
    monkeypatch.setenv(ENDPOINT, "")
    assert exporter_of_environment() is None
    followed = Telemetry().of("i-1", "small")
    followed.take(seen())
    followed.published(1, SAID)
    followed.delivered(0, 1)
    followed.end()


@pytest.mark.parametrize("fault", ["refuses", "hangs", "gone"])
def test_a_collector_that_is_down_holds_nobody_up(collector: Collector, fault: str) -> None:
    """The queue fills and spans are dropped; who publishes does not notice, nor who stops."""
    exporter = exporter_of_environment()
    assert exporter is not None
    traces = Traces(exporter, ratio=1.0)
    if fault == "refuses":
        collector.status = 503
    elif fault == "hangs":
        collector.delay_s = HANGS_S
    else:
        exporter._client._endpoint = "http://127.0.0.1:9/v1/traces"  # type: ignore[attr-defined]
    followed = IncidentTraces(traces, "small", "i-1")
    began_s = time.monotonic()
    for number in range(600):  # 600 x 8 frames x 6 spans are many times the queue
        for _ in range(MOST_FRAMES):
            followed.take(seen())
        followed.published(number, SAID)
        followed.delivered(number, START_S + 0.5)
    traces.close()
    # Whoever waited for one answer of a collector that hangs would have waited longer.
    assert time.monotonic() - began_s < HANGS_S


def test_the_deliver_span_ends_when_a_real_connection_took_the_answer(
    tmp_path: Path, traces: Traces, collector: Collector
) -> None:
    telemetry = Telemetry(traces=traces)
    console = build_console(tmp_path, time.time, operations=Operations(telemetry))
    open_it = {"site": "small", "kind": "exercise", "opened_by": "D 7", "reason": "drill"}
    with serving(console.app) as url, httpx2.Client(base_url=url, headers=console.bearer) as client:
        incident = opened_by(client, open_it)  # type: ignore[arg-type]
        run = console.runs.made[0]
        watch = telemetry.of(incident, "small")
        with client.stream("GET", f"/v1/incidents/{incident}/events") as events:
            lines = events.iter_lines()
            next(lines)
            run.say(answer(time.time()))
            for _ in range(3):
                now_s = time.time()
                times = StageTimes(now_s - 0.4, now_s - 0.3, now_s - 0.2, now_s - 0.1)
                watch.take(seen(times=times))
                said = answer(now_s, subject(at_s=now_s))
                assert said.times is not None
                run.say(
                    Answer(said.at_s, said.subjects, said.entrances, said.text,
                           StageTimes(now_s - 0.4, None, None, None, now_s))
                )  # fmt: skip
                heard = ""
                while "last-seen" not in heard:
                    heard = next(lines)
                time.sleep(0.2)
    traces.flush()
    console.record.store.close()
    assert len(named(collector, "frame")) == 3
    delivered = named(collector, "deliver")
    assert delivered
    for span in delivered:
        begin, end = span.start_time_unix_nano, span.end_time_unix_nano
        assert 0 <= end - begin < 5e9
    text = telemetry.metrics.text().decode()
    assert 'lastseen_answer_delivery_seconds_count{site="small"} 0.0' not in text
