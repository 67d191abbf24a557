"""A real OTLP/HTTP collector on loopback, as far as tests need one: it keeps what it is sent."""

from __future__ import annotations

import contextlib
import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What was sent to one address.

    Attributes:
        spans: in the order in which they came.
        about: attributes of the resource that they came from.
        delay_s: how long it takes to answer.
        status: what it answers.
    """

    spans: list[Span] = field(default_factory=list)
    about: dict[str, str | int] = field(default_factory=dict)
    delay_s: float = 0.0
    status: int = 200
    address: str = ""
    going: threading.Event = field(default_factory=threading.Event)

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.about.update(values(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)


def values(attributes: object) -> dict[str, str | int]:
    """Attributes as Python has them."""
    pairs: list[KeyValue] = list(attributes)  # type: ignore[call-overload]
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in pairs
    }


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens; `address` is what `OTEL_EXPORTER_OTLP_ENDPOINT` takes."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.going.wait(collector.delay_s)
            if collector.status == 200 and self.path == "/v1/traces":
                collector.take(body)
            with contextlib.suppress(OSError):  # whoever sent it waits no longer
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()
                self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    collector.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        collector.going.set()
        server.shutdown()
        server.server_close()
        thread.join()
