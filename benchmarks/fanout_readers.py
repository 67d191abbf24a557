"""The consoles of the fan-out benchmark: connections that read events and note when each came.

`python -m benchmarks.fanout_readers` takes one JSON object a line, a phase, and answers with two:
when everybody is there and measuring begins, and what was measured. One process reads for all, by
raw sockets, because it shares the machine with the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from array import array
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

CONNECTS_A_SECOND = 100
SETTLE_S = 2.0
"""From the last connection to the first event that counts."""

_SLOW_BUFFER_BYTES = 16_384
_SLOW_PAUSES_S = 18.0
_SLOW_READS_S = 2.0
_PUBLISHED = re.compile(rb'"published_at":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Phase:
    """Who reads what for how long.

    Attributes:
        port: of the server on loopback.
        incident: incident id.
        keys: of the accounts; connections take them in turn.
        subscribers: connections.
        deltas: whether they ask for what changed.
        slow: how many of them pause for 18 seconds and read for two, in turn.
        seconds: how long is measured.
    """

    port: int
    incident: str
    keys: tuple[str, ...]
    subscribers: int
    deltas: bool
    slow: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """What all connections of a phase heard; only while `counting`."""

    counting: bool = False
    published_s: dict[int, float] = field(default_factory=dict)
    quick_ms: array[float] = field(default_factory=lambda: array("d"))
    events: int = 0
    received_bytes: int = 0
    snapshots_of_slow: int = 0
    snapshots_of_quick: int = 0
    lost: int = 0


class Reader(asyncio.Protocol):
    """One connection: splits what comes into events, and tells the tally."""

    def __init__(self, tally: Tally, request: bytes, *, slow: bool) -> None:
        self.tally = tally
        self.slow = slow
        self.over = False
        self.heard = asyncio.Event()
        self.transport: Any = None
        self._request = request
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        self.transport = transport
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the events that are whole now."""
        now_s = time.time()
        tally = self.tally
        if tally.counting:
            tally.received_bytes += len(data)
        text = self._rest + data if self._rest else data
        begin = 0
        while (end := text.find(b"\n\n", begin)) >= 0:
            line = text[text.rfind(b"\n", begin, end) + 1 : end]
            if line.startswith(b"id: "):
                self.heard.set()
                if tally.counting:
                    self._note(int(line[4:]), text[begin : begin + 400], now_s)
            begin = end + 2
        self._rest = text[begin:]

    def _note(self, number: int, head: bytes, now_s: float) -> None:
        tally = self.tally
        tally.events += 1
        if head.find(b"event: snapshot", 0, 40) >= 0:  # behind the length of its chunk
            if self.slow:
                tally.snapshots_of_slow += 1
            else:
                tally.snapshots_of_quick += 1
            return
        if self.slow:
            return
        published_s = tally.published_s.get(number)
        if published_s is None:
            found = _PUBLISHED.search(head)
            if found is None:
                return
            published_s = tally.published_s[number] = datetime.fromisoformat(
                found[1].decode()
            ).timestamp()
        tally.quick_ms.append((now_s - published_s) * 1e3)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of the protocol
        """Note that it ended, where nobody asked for that."""
        if not self.over:
            self.tally.lost += 1


async def read(phase: Phase) -> dict[str, Any]:
    """Return what the readers of a phase measured; says on a line when measuring begins."""
    tally = Tally()
    readers = []
    for number in range(phase.subscribers):
        readers.append(await _connect(phase, number, tally))
        await asyncio.sleep(1.0 / CONNECTS_A_SECOND)
    for reader in readers:
        await asyncio.wait_for(reader.heard.wait(), 60.0)
    pauses = [asyncio.create_task(_pause(one)) for one in readers if one.slow]
    await asyncio.sleep(SETTLE_S)
    _say({"began": True})
    tally.counting = True
    await asyncio.sleep(phase.seconds)
    tally.counting = False
    for pause in pauses:
        pause.cancel()
    for reader in readers:
        reader.over = True
        reader.transport.abort()
    return figures(tally)


def figures(tally: Tally) -> dict[str, Any]:
    """Return what a tally comes to."""
    found: dict[str, Any] = {
        "events": tally.events,
        "received_bytes": tally.received_bytes,
        "snapshots_of_slow": tally.snapshots_of_slow,
        "snapshots_of_quick": tally.snapshots_of_quick,
        "lost": tally.lost,
    }
    if tally.quick_ms:
        at = np.percentile(np.frombuffer(tally.quick_ms), [50, 95, 99, 100])
        names = ("p50", "p95", "p99", "most")
        found["latency_ms"] = dict(zip(names, at.round(2).tolist(), strict=True))
    return found


async def _connect(phase: Phase, number: int, tally: Tally) -> Reader:
    slow = number < phase.slow
    end = socket.socket()
    if slow:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SLOW_BUFFER_BYTES)
    end.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(end, ("127.0.0.1", phase.port))
    request = (
        f"GET /v1/incidents/{phase.incident}/events{'?deltas=true' if phase.deltas else ''} "
        "HTTP/1.1\r\nHost: here\r\n"
        f"Authorization: Bearer {phase.keys[number % len(phase.keys)]}\r\n\r\n"
    )
    _, reader = await loop.create_connection(
        lambda: Reader(tally, request.encode(), slow=slow), sock=end
    )
    return reader


async def _pause(reader: Reader) -> None:
    while True:
        reader.transport.pause_reading()
        await asyncio.sleep(_SLOW_PAUSES_S)
        reader.transport.resume_reading()
        await asyncio.sleep(_SLOW_READS_S)


def _say(told: dict[str, Any]) -> None:
    print(json.dumps(told), flush=True)


def main() -> None:
    """Measure one phase for each line that comes."""
    for line in sys.stdin:
        asked = json.loads(line)
        _say(asyncio.run(read(Phase(**{**asked, "keys": tuple(asked["keys"])}))))


def line_of(phase: Phase) -> str:
    """Return the line by which a phase is asked for."""
    return json.dumps(asdict(phase)) + "\n"


if __name__ == "__main__":
    main()
