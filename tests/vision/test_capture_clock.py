"""The camera's clock is believed where it can be, and nobody runs because a clock jumped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.capture_clock import CaptureClock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Seconds = NDArray[np.float64]

T0 = 1_800_000_000.0


def play(
    clock: CaptureClock, arrivals_s: Seconds, pts_s: Seconds, wall_s: Seconds | None = None
) -> tuple[Seconds, list[str], list[float]]:
    """Stamp a frame a packet; return capture times after T0, clocks and delays."""
    times: list[float] = []
    clocks: list[str] = []
    late: list[float] = []
    for i, (arrived, pts) in enumerate(zip(arrivals_s, pts_s, strict=True)):
        wall = None if wall_s is None else T0 + float(wall_s[i])
        late.append(clock.arrive(float(pts), wall, T0 + float(arrived)))
        captured_at_s, source = clock.stamp(float(pts))
        times.append(captured_at_s - T0)
        clocks.append(source)
    return np.array(times), clocks, late


STEADY = np.arange(100) / 10


def test_sender_reports_give_the_time_of_capture() -> None:
    times, clocks, _ = play(CaptureClock(), STEADY + 0.3, STEADY + 77, STEADY)
    assert times == pytest.approx(STEADY, abs=1e-4)
    assert set(clocks) == {"stream"}


def test_without_reports_the_quickest_frame_sets_the_zero() -> None:
    jitter = np.random.default_rng(0).uniform(0, 0.2, 100)
    jitter[0] = 0.0
    times, clocks, late = play(CaptureClock(), STEADY + jitter, STEADY + 77)
    assert times == pytest.approx(STEADY, abs=0.025)  # creep of 0.002 over 10 s at the most
    assert set(clocks) == {"arrival"}
    assert late == pytest.approx(list(jitter), abs=0.025)


def test_frames_without_stamps_were_captured_when_they_arrived() -> None:
    clock = CaptureClock()
    clock.arrive(None, None, T0)
    assert clock.stamp(None) == (T0, "arrival")


def test_a_slow_camera_clock_is_followed() -> None:
    seconds = np.arange(3000) / 10
    times, _, _ = play(CaptureClock(), seconds, seconds * 0.999)
    assert np.abs(times - seconds).max() < 0.005  # without creep it would be 0.3 s in the end


@pytest.mark.parametrize(
    ("offset_s", "words"),
    [
        pytest.param(3600.0, "60 min ahead", id="time zone"),
        pytest.param(1.1, "1.0 s ahead", id="a little ahead"),
        pytest.param(-39.9, "40.0 s behind", id="never synchronised"),
        pytest.param(-T0 - 2_208_988_800 + 500, "127 years behind", id="counts from its start"),
    ],
)
def test_a_wrong_clock_is_told_and_not_used(offset_s: float, words: str) -> None:
    clock = CaptureClock()
    times, clocks, _ = play(clock, STEADY + 0.1, STEADY, STEADY + offset_s)
    assert times == pytest.approx(STEADY + 0.1, abs=0.021)
    assert set(clocks) == {"arrival"}
    assert clock.note == f"the camera's clock is {words}; using arrival time"


def test_a_clock_that_falls_behind_slowly_is_given_up() -> None:
    """Never a step; but nothing is 5 s late for 10 s on end."""
    seconds = np.arange(600) / 10
    clock = CaptureClock()
    times, clocks, _ = play(clock, seconds, seconds, seconds * 0.8)
    assert clocks[250] == "stream"
    assert clocks[-1] == "arrival"
    assert clock.note == "the camera's clock is 12.0 s behind; using arrival time"
    assert times[-1] == pytest.approx(seconds[-1], abs=0.02)
    assert np.diff(times).min() > 0


def test_a_corrected_clock_is_used_again() -> None:
    clock = CaptureClock()
    wall = np.where(STEADY < 5, STEADY + 3600, STEADY)
    _, clocks, _ = play(clock, STEADY + 0.1, STEADY, wall)
    assert clocks == ["arrival"] * 50 + ["stream"] * 50
    assert not clock.note


def test_no_frame_is_captured_after_it_arrived() -> None:
    times, clocks, _ = play(CaptureClock(), STEADY, STEADY, STEADY + 0.4)
    assert times == pytest.approx(STEADY, abs=2e-3)
    assert set(clocks) == {"stream"}


def test_first_report_does_not_make_time_jump_back() -> None:
    """Arrival time 0.3 s after capture, then the first report: half speed until they meet."""
    wall = STEADY.copy()
    clock = CaptureClock()
    early, _, _ = play(clock, STEADY[:20] + 0.3, STEADY[:20])
    later, _, _ = play(clock, STEADY[20:] + 0.3, STEADY[20:], wall[20:])
    steps = np.diff(np.concatenate([early, later]))
    assert steps.min() > 0.049
    assert later[8:] == pytest.approx(STEADY[28:], abs=1e-3)


def test_a_delayed_burst_keeps_its_true_times() -> None:
    """The network stands still for 8 s, then everything comes at once."""
    arrivals = np.where((STEADY > 1) & (STEADY < 9), 9.0 + STEADY / 100, STEADY) + 0.05
    for wall in (STEADY, None):
        clock = CaptureClock()
        times, _, late = play(clock, arrivals, STEADY, wall)
        assert np.abs(times - STEADY).max() < 0.08
        assert max(late) == pytest.approx(8, abs=0.2)
        assert not clock.note


def test_stamps_that_stay_behind_are_given_up() -> None:
    """The stream's own time stands still for 20 s and goes on: it is not a delay of 20 s."""
    seconds = np.arange(600) / 10
    pts = np.where(seconds < 10, seconds, seconds - 5)
    times, _, late = play(CaptureClock(), seconds, pts)
    assert times[-1] == pytest.approx(seconds[-1], abs=0.01)
    assert late[150] == pytest.approx(5, abs=0.1)
    assert late[-1] == pytest.approx(0, abs=0.01)
    assert np.diff(times).min() > 0


def test_a_new_connection_starts_a_new_scale_and_time_goes_on() -> None:
    clock = CaptureClock()
    first, _, _ = play(clock, STEADY + 0.2, STEADY + 500)
    clock.restart()
    second, _, _ = play(clock, STEADY + 12.0, STEADY)
    assert second == pytest.approx(STEADY + 12.0, abs=0.021)
    assert second[0] > first[-1]
