"""Counting false armed alerts, and saying how little a few minutes prove."""

from __future__ import annotations

import pytest

from api.detect_lines import FrameLine, PersonLine, WeaponLine
from api.false_alarms import alarms_of, together

BOX = [0.0, 0.0, 10.0, 30.0]


def frame(
    number: int, *armed: tuple[int, float], weapon: bool = False, fps: float = 10.0
) -> FrameLine:
    return FrameLine(
        "clip",
        number,
        number / fps,
        640,
        360,
        [PersonLine(BOX, 0.9, track, probability) for track, probability in armed],
        [WeaponLine(BOX, 0.9, "firearm")] if weapon else [],
    )


def test_a_track_is_one_alert_however_long_it_lasts() -> None:
    lines = [frame(i, (1, 0.95), (2, 0.2)) for i in range(10)]
    told = alarms_of([*lines, frame(10, (3, 0.91), weapon=True)], "clip")
    assert (told.alerts, told.highest) == (2, 0.95)
    assert told.seconds == pytest.approx(1.1)
    assert told.weapon_frames == pytest.approx(1 / 11)


def test_no_alarm_in_ten_minutes_allows_twenty_an_hour() -> None:
    told = alarms_of([frame(i, (1, 0.1), fps=1.0) for i in range(600)], "clip")
    assert told.rate is not None
    assert (told.rate.rate, told.rate.low) == (0.0, 0.0)
    assert told.rate.high == pytest.approx(22.1, abs=0.2)


def test_recordings_add_up() -> None:
    quiet = alarms_of([frame(i, (1, 0.1)) for i in range(300)], "quiet")
    loud = alarms_of([frame(i, (1, 0.99), weapon=True) for i in range(100)], "loud")
    whole = together([quiet, loud])
    assert (whole.alerts, whole.highest) == (1, 0.99)
    assert whole.seconds == pytest.approx(40.0)
    assert whole.weapon_frames == pytest.approx(0.25)


def test_nothing_is_no_rate() -> None:
    assert alarms_of([], "clip").rate is None
    assert together([]).rate is None
