"""From answers in metres to messages in metres and degrees."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api import examples
from api.locations import (
    NOBODY_YET,
    Envelope,
    Places,
    cameras_message,
    entrances_message,
    last_seen_message,
    utc,
)
from api.runs import CameraStatus
from calibration.geodesy import Anchor, SiteFrame
from tests.api.replayed import START_S, answer, subject

if TYPE_CHECKING:
    from calibration.answer import XY

ANCHOR = Anchor(-85.5, 39.0, 90.0)
PLACES = Places(SiteFrame(ANCHOR), {"L1": "Ground floor"})
ENVELOPE = Envelope(17, "i1", exercise=True, published_s=START_S)

METRE_NORTH_DEG = 1 / 111_017.0  # one metre of latitude at 39 degrees north, WGS84
METRE_EAST_DEG = 1 / 86_630.0  # one metre of longitude there


@pytest.mark.parametrize(
    ("bearing_deg", "xy_m", "east_m", "north_m"),
    [
        (90.0, (100.0, 0.0), 100.0, 0.0),  # x points east
        (90.0, (0.0, 100.0), 0.0, 100.0),  # y points north
        (0.0, (100.0, 0.0), 0.0, 100.0),  # the plan is turned: x points north
        (0.0, (0.0, 100.0), -100.0, 0.0),  # and y west
    ],
)
def test_places_are_told_in_degrees_and_in_metres(
    bearing_deg: float, xy_m: XY, east_m: float, north_m: float
) -> None:
    places = Places(SiteFrame(Anchor(-85.5, 39.0, bearing_deg)), {})
    said = last_seen_message(answer(START_S, subject(at_s=START_S, xy_m=xy_m)), places, ENVELOPE)
    position = said.subjects[0].position
    assert position.site_m.coordinates == xy_m
    lon, lat = position.geometry.coordinates
    assert lon + 85.5 == pytest.approx(east_m * METRE_EAST_DEG, abs=2e-7)
    assert lat - 39.0 == pytest.approx(north_m * METRE_NORTH_DEG, abs=2e-7)


def test_degrees_and_metres_of_a_route_are_the_same_way() -> None:
    said = last_seen_message(answer(START_S, subject(at_s=START_S)), PLACES, ENVELOPE)
    route = said.entrances[0].route
    assert route is not None
    back = PLACES.frame.to_site(np.array(route.geometry.coordinates))
    np.testing.assert_allclose(back, np.array(route.site_m.coordinates), atol=0.002)


def test_a_message_says_who_where_when_and_how_sure() -> None:
    at_s = START_S + 5.0
    said = last_seen_message(answer(at_s, subject(at_s=at_s)), PLACES, ENVELOPE)
    first = said.subjects[0]
    assert (said.schema_version, said.sequence, said.incident, said.exercise) == (1, 17, "i1", True)
    assert said.published_at == utc(START_S)
    assert (first.id, first.rank, first.probability) == ("S1", 1, 0.9)
    assert first.space is not None
    assert (first.space.id, first.space.name) == ("west", "West room")
    assert first.level.name == "Ground floor"
    assert first.age_s == pytest.approx(0.3)
    assert first.uncertainty.ce95_m == 1.3
    assert first.uncertainty.cov_m2 == ((0.2, 0.1), (0.1, 0.3))
    assert first.reasons == ("a rifle was seen in 8 of 10 looks",)


def test_every_stage_has_its_time() -> None:
    times = last_seen_message(answer(START_S), PLACES, ENVELOPE).times
    assert times is not None
    late_s = [
        START_S - at.timestamp()
        for at in (times.captured, times.decoded, times.detected, times.placed, times.published)
        if at is not None
    ]
    assert late_s == pytest.approx([0.4, 0.35, 0.2, 0.1, 0.0], abs=1e-5)


def test_the_engines_own_time_of_publishing_is_kept() -> None:
    said = answer(START_S)
    assert said.times is not None
    said = replace(said, times=replace(said.times, published_s=START_S - 0.05))
    times = last_seen_message(said, PLACES, ENVELOPE).times
    assert times is not None
    assert times.published == utc(START_S - 0.05)


@pytest.mark.parametrize("trail_m", [(), ((1.0, 1.0),)], ids=["no point", "one point"])
def test_less_than_two_points_are_no_line(trail_m: tuple[XY, ...]) -> None:
    said = answer(START_S, subject(at_s=START_S, trail_m=trail_m))
    assert last_seen_message(said, PLACES, ENVELOPE).subjects[0].trail is None


def test_outside_every_space_there_is_no_space() -> None:
    said = answer(START_S, subject(at_s=START_S, space=None, space_name=""))
    assert last_seen_message(said, PLACES, ENVELOPE).subjects[0].space is None


def test_before_the_first_answer_the_message_says_so() -> None:
    said = last_seen_message(None, PLACES, ENVELOPE)
    assert (said.text, said.at, said.times, said.subjects) == (NOBODY_YET, None, None, ())
    assert entrances_message(said).subject is None


def test_an_answer_that_breaks_the_contract_is_refused() -> None:
    for probability in (1.5, -0.1, math.nan):
        said = answer(START_S, subject(at_s=START_S, probability=probability))
        with pytest.raises(ValueError, match="probability"):
            last_seen_message(said, PLACES, ENVELOPE)


def test_doors_are_told_for_the_first_subject() -> None:
    said = last_seen_message(answer(START_S, subject(at_s=START_S)), PLACES, ENVELOPE)
    doors = entrances_message(said)
    assert doors.subject == "S1"
    assert doors.sequence == said.sequence
    assert [(d.door_number, d.walk_m, d.why_not) for d in doors.entrances] == [
        ("1", 12.4, ""),
        ("2", 19.8, "7 m longer on foot"),
    ]


def test_cameras_are_told_with_their_counts() -> None:
    status = CameraStatus("c", "Gym", "stalled", "no picture for 3 s", None, 9, 6, 3, 3.0)
    said = cameras_message((status,), ("camera Gym: stalled",), ENVELOPE)
    (camera,) = said.cameras
    assert camera.frames_in == camera.frames_used + camera.frames_dropped
    assert (camera.phase, camera.reason, camera.fps) == ("stalled", "no picture for 3 s", None)
    assert said.problems == ("camera Gym: stalled",)


def test_the_examples_of_the_api_tell_one_story() -> None:
    first, second = examples.LAST_SEEN.entrances
    assert first.why_not == ""
    assert second.walk_m is not None
    assert first.walk_m is not None
    assert second.straight_m < first.straight_m
    assert second.walk_m > first.walk_m
    assert first.door_number in examples.LAST_SEEN.text
