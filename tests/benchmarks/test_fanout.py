"""The arithmetic of the fan-out benchmark, and a tiny run of all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.targets import load_target
from benchmarks.fanout import Sample, marginal_cpu, measure, memory, of_rounds
from benchmarks.fanout_readers import Reader, Tally, figures
from benchmarks.wing_answers import wing_answers

WING = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"


def found(events: int, cpu_s: float, p99: float = 5.0) -> dict[str, Any]:
    latencies = {"p50": 1.0, "p95": 2.0, "p99": p99, "most": 9.0}
    return {
        "events": events, "received_bytes": events * 100, "snapshots_of_quick": 1, "lost": 0,
        "latency_ms": latencies, "seconds": 10.0, "cpu_s": cpu_s, "cpu_share": cpu_s / 10.0,
    }  # fmt: skip


def test_rounds_have_a_median_and_a_spread() -> None:
    told = of_rounds([found(1000, 2.0, 5.0), found(2000, 2.0, 7.0), found(1000, 3.0, 6.0)])
    assert told["p99_ms"] == {"median": 6.0, "low": 5.0, "high": 7.0, "rounds": 3}
    assert told["cpu_s_per_1000"] == {"median": 2.0, "low": 1.0, "high": 3.0, "rounds": 3}
    assert told["bytes_a_message"]["median"] == 100.0
    assert (told["snapshots"], told["lost"]) == (3, 0)


def test_what_a_further_message_costs_leaves_out_what_publishing_costs() -> None:
    # 100 messages cost 1 s of which 0.9 are publishing; 49,900 more cost 9.98 s more
    told = marginal_cpu([found(100, 1.0)], [found(50_000, 10.98)])
    assert told["median"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("rss_mib", "slope"),
    [
        ([100.0] * 61, 0.0),
        ([100.0 + n for n in range(61)], 60.0),  # a MiB a second
        ([100.0 + min(n, 30) for n in range(61)], 0.0),  # caches fill at first
    ],
)
def test_the_slope_of_memory_is_that_of_the_second_half(rss_mib: list[float], slope: float) -> None:
    told = memory([Sample(50.0 + n, mib, 0.0) for n, mib in enumerate(rss_mib)])
    assert told["slope_mib_a_minute"] == pytest.approx(slope, abs=1e-6)
    assert (told["first_mib"], told["last_mib"]) == (rss_mib[0], rss_mib[-1])
    assert told["most_mib"] == max(rss_mib)


def event(name: str, number: int, published_at: str) -> bytes:
    data = f'event: {name}\ndata: {{"published_at":"{published_at}"}}\nid: {number}\n\n'.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("cut", [1, 7, 50, 10_000])
@pytest.mark.parametrize("slow", [False, True])
def test_events_are_noted_however_they_are_cut(
    monkeypatch: pytest.MonkeyPatch, cut: int, slow: bool
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_772_442_000.5)
    tally = Tally(counting=True)
    reader = Reader(tally, b"", slow=slow)
    sent = event("snapshot", 6, "2026-03-02T09:00:00Z")
    sent += event("last-seen-delta", 7, "2026-03-02T09:00:00.250000Z")
    sent += b'1f\r\nevent: heartbeat\ndata: {"a":1}\n\n\r\n'
    sent += event("cameras", 8, "2026-03-02T09:00:00.400000Z")
    for begin in range(0, len(sent), cut):
        reader.data_received(sent[begin : begin + cut])
    told = figures(tally)
    assert (told["events"], told["received_bytes"]) == (3, len(sent))
    assert (told["snapshots_of_slow"], told["snapshots_of_quick"]) == ((1, 0) if slow else (0, 1))
    if slow:  # they are no measure of how late others hear
        assert "latency_ms" not in told
    else:
        assert tally.quick_ms.tolist() == pytest.approx([250.0, 100.0])


def test_what_comes_before_measuring_begins_does_not_count() -> None:
    tally = Tally()
    Reader(tally, b"", slow=False).data_received(event("cameras", 1, "2026-03-02T09:00:00Z"))
    assert figures(tally)["events"] == 0


def test_answers_of_the_wing_are_made_without_its_videos() -> None:
    answers = wing_answers(load_target(WING), 6.0)
    assert len(answers) == 60
    assert len(answers[-1].subjects) >= 3
    assert answers[-1].entrances
    assert max(subject.armed_probability for subject in answers[-1].subjects) > 0.5
    again = wing_answers(load_target(WING), 6.0)
    assert again[-1] == answers[-1]


@pytest.mark.slow
def test_a_tiny_run() -> None:
    told = measure(subscribers=4, seconds=3.0, rounds=1, phase_s=1.0, slow=1)
    assert set(told["phases"]) == {"full_1", "full_4", "deltas_1", "deltas_4"}
    full, deltas = told["phases"]["full_4"], told["phases"]["deltas_4"]
    assert deltas["bytes_a_message"]["median"] < full["bytes_a_message"]["median"] / 3
    assert told["long"]["events"] > 3 * 10 * 2
    assert told["long"]["lost"] == 0
    assert told["long"]["memory"]["most_mib"] > 50.0
    assert {"seed", "machine", "versions"} <= set(told)
