"""The benchmark of streams reads clocks from real pictures, and counts what viewers cost."""

from __future__ import annotations

import os
import time

import pytest

from benchmarks import streams
from benchmarks.watched_site import _children, _cpu_s


def test_quantiles_of_nothing_are_nothing() -> None:
    assert streams._quantiles([]) == {}


def test_quantiles() -> None:
    told = streams._quantiles([float(n) for n in range(101)])
    assert (told["p50"], told["p95"], told["max"], told["count"]) == (50.0, 95.0, 100.0, 101.0)


def test_cpu_time_counts_what_was_worked() -> None:
    before_s = _cpu_s(os.getpid())
    until_s = time.process_time() + 0.3
    while time.process_time() < until_s:
        pass
    assert 0.2 <= _cpu_s(os.getpid()) - before_s < 5.0
    assert os.getpid() not in _children(os.getpid())


def test_a_process_that_is_gone_used_nothing() -> None:
    assert _cpu_s(2**22 + 1) == 0.0


@pytest.mark.browser
@pytest.mark.rtsp
@pytest.mark.usefixtures("gstreamer")
def test_a_short_run_reads_both_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SETTLE_S", 2.0)
    told = streams.measure(delay_s=6.0, viewers=1, many=5, rounds=1, round_s=2.0)
    delay, cost = told["delay"], told["cost"]
    assert delay["pictures_read"] > 0.8 * delay["pictures_shown"] > 20
    for clock in ("glass_to_glass_ms", "capture_to_glass_ms"):
        assert 20.0 < delay[clock]["p50"] < 10_000.0
    assert set(cost["cores"]) == {"0", "1", "5"}
    assert cost["fragments_per_second"]["5"] > 5.0
    assert cost["many_to_one"]["median"] > 0.0
