"""The committed drills say what their descriptions say, and nobody cheats physics."""

from __future__ import annotations

import csv
import tomllib
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
import shapely

from benchmarks.renderer.__main__ import DRILLS, HOME
from benchmarks.renderer.building import read_building
from benchmarks.renderer.exercise import closest_barrier_m, perform
from benchmarks.renderer.folder import truth_rows
from benchmarks.renderer.lens import read_camera

if TYPE_CHECKING:
    from pathlib import Path

Tracks = dict[int, dict[float, tuple[float, float]]]
NAMES = sorted(DRILLS)
BODY_GAP_M = 0.5
WALL_GAP_M = 0.2


def tracks_of(folder: Path) -> Tracks:
    tracks: Tracks = defaultdict(dict)
    with (folder / "truth.csv").open() as file:
        for row in csv.DictReader(file):
            tracks[int(row["person"])][float(row["t"])] = (float(row["x"]), float(row["y"]))
    return tracks


@pytest.mark.parametrize("name", NAMES)
def test_committed_truth_is_what_the_seed_gives(name: str) -> None:
    exercise, _ = DRILLS[name]
    rows = truth_rows(exercise, perform(exercise))
    committed = (HOME / name / "truth.csv").read_text().splitlines()[1:]
    assert rows == committed


@pytest.mark.parametrize("name", NAMES)
def test_nobody_walks_through_walls_fixtures_or_people(name: str) -> None:
    building = read_building(HOME / name / "floor_plan.geojson")
    tracks = tracks_of(HOME / name)
    assert len(tracks) >= 10
    for person, track in tracks.items():
        xy = np.array([track[t] for t in sorted(track)])
        gap = closest_barrier_m(xy, building)
        assert gap > WALL_GAP_M, f"person {person} is {gap:.2f} m from a barrier"
    people = sorted(tracks)
    for index, one in enumerate(people):
        for other in people[index + 1 :]:
            for t in tracks[one].keys() & tracks[other].keys():
                gap = float(np.hypot(*(np.array(tracks[one][t]) - tracks[other][t])))
                assert gap > BODY_GAP_M, f"{one} and {other} at {t} s: {gap:.2f} m"


def test_the_wing_has_what_the_drill_is_for() -> None:
    building = read_building(HOME / "wing" / "floor_plan.geojson")
    assert len(building.units) >= 12
    assert sum(unit.category == "walkway" for unit in building.units) == 2
    assert len(building.entrances) == 5
    folder = HOME / "wing"
    cameras = [read_camera(path) for path in sorted((folder / "cameras").glob("*.toml"))]
    assert len(cameras) == 6
    intruder = tracks_of(folder)[1]
    walls = building.walls()
    hidden = []
    for t, xy in sorted(intruder.items()):
        chest = np.array([[*xy, 1.2]])
        seen = False
        for camera in cameras:
            px, valid = camera.to_image(chest)
            inside = valid[0] and 0 <= px[0, 0] < 640 and 0 <= px[0, 1] < 360
            sight = shapely.LineString(np.array([camera.centre_m[:2], xy]))
            seen |= bool(inside and not walls.intersects(sight))
        if not seen:
            hidden.append(t)
    assert 8 <= len(hidden) / 10 <= 12, "the blind part"
    assert hidden[-1] - hidden[0] == pytest.approx(len(hidden) / 10, abs=1.0), "in one piece"


def test_door_2_is_near_through_the_wall_and_far_on_foot() -> None:
    """Door 2's only way in leads through the gym; straight lines bound the walk from below."""
    building = read_building(HOME / "wing" / "floor_plan.geojson")
    doors = {e.door_number: np.array(e.line.centroid.coords[0]) for e in building.entrances}
    gym = [np.array(o.line.centroid.coords[0]) for o in building.openings if "gym" in o.id]
    fooled = 0
    for xy in tracks_of(HOME / "wing")[1].values():
        spot = np.array(xy)
        crow = {number: float(np.linalg.norm(spot - at)) for number, at in doors.items()}
        legs = [doors["2"], *gym, spot]
        walk = sum(float(np.linalg.norm(b - a)) for a, b in pairwise(legs))
        corridor = shapely.box(10, 9, 42, 12).covers(shapely.Point(xy))
        if corridor and min(crow, key=lambda k: crow[k]) == "2":
            assert walk > min(crow["1"], crow["3"]) + 5
            fooled += 1
    assert fooled >= 100, "ten seconds or more"


def test_nobody_is_armed_in_the_quiet_drill() -> None:
    assert not any(part.armed for part in DRILLS["quiet"][0].parts)
    assert DRILLS["quiet"][0].duration_s >= 120
    kinds = {part.carries for part in DRILLS["quiet"][0].parts}
    assert kinds >= {"phone", "umbrella", "drill", "book", "radio"}


@pytest.mark.parametrize("name", NAMES)
def test_videos_and_boxes_fit_the_drill(name: str) -> None:
    folder = HOME / name
    drill = tomllib.loads((folder / "drill.toml").read_text())
    exercise, _ = DRILLS[name]
    assert len(drill["feeds"]) == len(exercise.cameras)
    tracks = tracks_of(folder)
    for feed in drill["feeds"]:
        with av.open(str(folder / feed["video"])) as file:
            stream = file.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert (stream.width, stream.height) == (640, 360)
            assert stream.frames == round(exercise.duration_s * exercise.fps)
            assert stream.average_rate == exercise.fps
        camera = read_camera(folder / "cameras" / f"{feed['camera']}.toml")
        with (folder / "truth" / "boxes" / f"{feed['camera']}.csv").open() as file_:
            rows = list(csv.DictReader(file_))
        assert rows
        for row in rows:
            assert 0 < float(row["visible"]) <= 1
            t = round((int(row["frame"]) - 1) / exercise.fps, 1)
            xy = tracks[int(row["id"])].get(t)
            if xy is None or abs(t * exercise.fps - int(row["frame"]) + 1) > 1e-6:
                continue
            px, valid = camera.to_image(np.array([[*xy, 1.0]]))
            left, top = float(row["left"]), float(row["top"])
            if valid[0] and 0 < px[0, 0] < 640 and 0 < px[0, 1] < 360:
                assert left - 2 <= px[0, 0] <= left + float(row["width"]) + 2
                assert top - 2 <= px[0, 1] <= top + float(row["height"]) + 2


def test_weapon_boxes_are_the_intruders_rifle() -> None:
    found = 0
    for path in sorted((HOME / "wing" / "truth" / "weapons").glob("*.csv")):
        with path.open() as file:
            for row in csv.DictReader(file):
                assert (row["id"], row["kind"]) == ("1", "rifle")
                found += 1
    assert found > 300, "seen in most of the seconds"
    for path in sorted((HOME / "quiet" / "truth" / "weapons").glob("*.csv")):
        assert len(path.read_text().splitlines()) == 1


def test_the_drills_are_small_enough_for_git() -> None:
    size = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    assert size <= 12_000_000
