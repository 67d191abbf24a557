"""Traces of single frames, from capture to the console, for who asks later where the time went.

One trace follows one frame: a span `frame` from its capture until those who follow have the answer
with it, and in it `decode`, `detect`, `place`, `publish` and a `deliver` for each of the first
connections that took the answer. Their ends are those that the frame carries (`StageTimes`), so
nothing is measured twice and a worker sends nothing more.

Spans say which camera and which message, never what was seen. They go to the collector that
`OTEL_EXPORTER_OTLP_ENDPOINT` names, from a thread and a queue of their own; without that variable
there is no tracer and nothing is sent. What a collector that is down does not take is dropped.
"""

from __future__ import annotations

import os
import random
import threading
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from .input_log import Observation

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

    from calibration.answer import Answer, StageTimes

    from .run_news import RunNews

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own variables: where a collector takes OTLP over HTTP."""

MOST_FRAMES: Final = 8
"""Frames of one answer that are traced at most."""

MOST_DELIVERIES: Final = 16
"""Connections whose taking of one answer is traced at most."""

_QUEUE: Final = 2048
_BATCH: Final = 256
_EVERY_MS: Final = 2000.0
_SEND_WITHIN_S: Final = 3.0
_LAST_WORDS_S: Final = 2.0
_NS: Final = 1_000_000_000


def exporter_of_environment() -> SpanExporter | None:
    """Return what sends spans to the collector that the environment names; None where it does not.

    OpenTelemetry's other variables (headers, certificates, compression) hold, too.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    # Loads a client of HTTP, which most servers do not need.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter(timeout=_SEND_WITHIN_S)


class Traces:
    """Makes spans and sends them. Safe to use from any thread.

    Args:
        exporter: where they go.
        ratio: the share of frames that are traced, 0..1.
        server: name of this server.
        chance: a number from 0 to below 1, at random.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        ratio: float,
        server: str = "server",
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.ratio = ratio
        self.chance = chance
        about = {
            "service.name": "lastseen",
            "service.version": version("lastseen"),
            "service.instance.id": server,
        }
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # which frames are traced is decided here, ahead of the spans
            resource=Resource.create(about),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=_QUEUE,
                schedule_delay_millis=_EVERY_MS,
                max_export_batch_size=_BATCH,
            )
        )
        self.tracer: Tracer = self._provider.get_tracer("lastseen", version("lastseen"))

    def flush(self) -> None:
        """Send what there is; waits for the collector."""
        self._provider.force_flush()

    def close(self) -> None:
        """Send what there is, and no more; waits for a collector that is down only a moment."""
        closing = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        closing.start()
        closing.join(_LAST_WORDS_S)


@dataclass(slots=True)
class _Traced:
    """A published answer whose frames are traced.

    Attributes:
        number: of the message.
        published_s: Unix seconds.
        roots: the span of each frame, not ended yet.
        taken_s: when the last connection took it, Unix seconds.
        deliveries: how many connections were traced.
    """

    number: int
    published_s: float
    roots: list[Span] = field(default_factory=list)
    taken_s: float = 0.0
    deliveries: int = 0


class IncidentTraces:
    """Traces frames of one incident; its methods are quick and never raise.

    Args:
        traces: makes the spans.
        site: id of the site or drill.
        incident: incident id.
    """

    def __init__(self, traces: Traces, site: str, incident: str) -> None:
        self._traces = traces
        self._about = {"lastseen.site": site, "lastseen.incident": incident}
        self._drawn: list[Observation] = []
        self._newest: _Traced | None = None
        self._lock = threading.Lock()

    def take(self, news: RunNews) -> None:
        """Draw the frames to be traced; a `RunWatch`."""
        if not isinstance(news, Observation) or len(self._drawn) >= MOST_FRAMES:
            return
        if self._traces.chance() < self._traces.ratio:
            self._drawn.append(news)

    def published(self, number: int, answer: Answer) -> None:
        """Trace the frames that were drawn for an answer, which is message `number` now."""
        drawn, self._drawn = self._drawn, []
        self.end()
        published_s = None if answer.times is None else answer.times.published_s
        if not drawn or published_s is None:
            return
        traced = _Traced(number, published_s, taken_s=published_s)
        for one in drawn:
            about: dict[str, str | int] = {
                **self._about,
                "lastseen.camera": one.positions.camera,
                "lastseen.frame": one.positions.frame_index,
                "lastseen.sequence": number,
            }
            traced.roots.append(self._frame(one.times, published_s, about))
        with self._lock:
            self._newest = traced

    def delivered(self, number: int, at_s: float) -> None:
        """Trace that the connection of one who follows took message `number` at `at_s`."""
        with self._lock:
            traced = self._newest
            if traced is None or traced.number != number or traced.deliveries >= MOST_DELIVERIES:
                return
            traced.deliveries += 1
            traced.taken_s = max(traced.taken_s, at_s)
            for root in traced.roots:
                self._span("deliver", root, traced.published_s, at_s)

    def end(self) -> None:
        """End the spans of the answer before; who takes it from now on is not traced."""
        with self._lock:
            traced, self._newest = self._newest, None
        if traced is not None:
            for root in traced.roots:
                root.end(_ns(traced.taken_s))

    def _frame(self, times: StageTimes, published_s: float, about: dict[str, str | int]) -> Span:
        """The span of one frame, not ended, with those of its stages in it."""
        root = self._traces.tracer.start_span(
            "frame", Context(), start_time=_ns(times.captured_s), attributes=about
        )
        before_s: float | None = times.captured_s
        for name, end_s in (
            ("decode", times.decoded_s),
            ("detect", times.detected_s),
            ("place", times.placed_s),
            ("publish", published_s),
        ):
            if before_s is not None and end_s is not None:
                self._span(name, root, before_s, end_s)
            before_s = end_s
        return root

    def _span(self, name: str, root: Span, begin_s: float, end_s: float) -> None:
        """A span in that of a frame; one whose end lies before its beginning took no time."""
        span = self._traces.tracer.start_span(
            name, trace.set_span_in_context(root), start_time=_ns(begin_s)
        )
        span.end(_ns(max(begin_s, end_s)))


def _ns(at_s: float) -> int:
    return round(at_s * _NS)
