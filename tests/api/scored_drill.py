"""A two-room drill small enough to score by hand, and runs of it.

Room A is x 0..5, room B x 5..10, both y 0..5, with a gap between them at y 2..3. Door 1 opens room
A at its west end, Door 2 room B at its east end. The intruder stands in A at (2, 2.5) for 5 s and
then in B at (8, 2.5) for 5 s; a student stands at (1, 4) throughout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from api.run_record import FrameCounts, Observation, RunRecord, Speed
from api.truth import FrameClock, TrueBoxes, TruePath, Truth
from calibration.answer import XY, Answer, EntranceOption, RankedSubject, StageTimes
from calibration.positions import FloorPositions
from calibration.site import load_site

if TYPE_CHECKING:
    from calibration.site import Site

START_S = 1_700_000_000.0
DURATION_S = 10.0


SITE_TOML = """
schema = 1
name = "Two rooms"
floor_plan = "floor_plan.geojson"
[anchor]
longitude_deg = 0.0
latitude_deg = 50.0
x_axis_bearing_deg = 90.0
[[levels]]
id = "L1"
name = "Ground floor"
ordinal = 0
elevation_m = 0.0
"""
CAMERA_TOML = """
schema = 1
id = "cam"
name = "Room A, ceiling"
placement = "interior"
level = "L1"
[lens]
width_px = 400
height_px = 400
fx = 300.0
fy = 300.0
cx = 199.5
cy = 199.5
[pose]  # 3 m above the middle of room A, looking straight down on 4 m by 4 m
R = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]
t = [-2.5, 2.5, 3.0]
"""


def site_folder(folder: Path) -> Path:
    """Write the two rooms as a site folder."""
    (folder / "cameras").mkdir(parents=True)
    (folder / "site.toml").write_text(SITE_TOML)
    (folder / "cameras" / "cam.toml").write_text(CAMERA_TOML)
    features = [
        _feature("A", "unit", _square(0), category="classroom", name="Room A"),
        _feature("B", "unit", _square(5), category="classroom", name="Room B"),
        _feature("gap", "opening", _door(5), category="open"),
        _feature("e1", "entrance", _door(0), door_number="1", name="West"),
        _feature("e2", "entrance", _door(10), door_number="2", name="East"),
    ]
    plan = {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": "site-metres"},
        "features": features,
    }
    (folder / "floor_plan.geojson").write_text(json.dumps(plan))
    return folder


@cache
def site() -> Site:
    with TemporaryDirectory() as folder:
        return load_site(site_folder(Path(folder) / "two-rooms"))


def _square(x_m: float) -> dict[str, object]:
    ring = [[x_m, 0], [x_m + 5, 0], [x_m + 5, 5], [x_m, 5], [x_m, 0]]
    return {"type": "Polygon", "coordinates": [ring]}


def _door(x_m: float) -> dict[str, object]:
    return {"type": "LineString", "coordinates": [[x_m, 2], [x_m, 3]]}


def _feature(
    identity: str, kind: str, geometry: dict[str, object], **properties: str
) -> dict[str, object]:
    return {
        "type": "Feature",
        "id": identity,
        "feature_type": kind,
        "geometry": geometry,
        "properties": {"level_id": "L1", **properties},
    }


def path(
    person: str, role: str, places: list[tuple[float, float, float]], *, armed: bool = False
) -> TruePath:
    """The true path through (t, x, y)."""
    table = np.array(places, np.float64)
    return TruePath(
        person,
        role,
        table[:, 0],
        np.ascontiguousarray(table[:, 1:]),
        np.array(["L1"] * len(table), dtype=object),
        np.array([armed] * len(table)),
    )


def truth(*, boxes: bool = True) -> Truth:
    seconds = np.arange(0, 10.01, 0.5)
    intruder = [(float(t), 2.0 if t < 5 else 8.0, 2.5) for t in seconds]
    people = (
        path("9", "intruder", intruder, armed=True),
        path("4", "student", [(float(t), 1.0, 4.0) for t in seconds]),
    )
    return Truth(people, {"cam": seen_boxes({"9": 1.0, "4": 1.0})} if boxes else {})


def seen_boxes(shown: dict[str, float], frames: int = 100) -> TrueBoxes:
    """Boxes of a feed of ten frames a second that shows each person to the given share."""
    frame = np.repeat(np.arange(1, frames + 1), len(shown))
    return TrueBoxes(
        FrameClock(10.0),
        frame,
        np.array(list(shown) * frames, dtype=object),
        np.zeros((len(frame), 4)),
        np.array(list(shown.values()) * frames),
        np.array([""] * len(frame), dtype=object),
    )


@dataclass(frozen=True)
class Says:
    """One subject of an answer."""

    xy_m: XY
    subject: str = "S1"
    armed: float = 0.99
    seen_t_s: float | None = None
    in_view: bool = True
    ce95_m: float = 0.5
    space: str | None = None


def answer(t_s: float, said: list[Says], door: str | None, late_s: float = 0.0) -> Answer:
    """The answer at `t_s`, published `late_s` after it; a place's room follows from its x."""
    subjects = tuple(
        RankedSubject(
            subject=one.subject,
            rank=rank,
            probability=0.9,
            armed_probability=one.armed,
            level="L1",
            xy_m=one.xy_m,
            cov_m2=((0.04, 0.0), (0.0, 0.04)),
            ce95_m=one.ce95_m,
            space=one.space or ("A" if one.xy_m[0] < 5 else "B"),
            space_name="Room A" if one.xy_m[0] < 5 else "Room B",
            seen_at_s=START_S + (t_s if one.seen_t_s is None else one.seen_t_s),
            age_s=0.0,
            visibility="in view" if one.in_view else "out of view",
            cameras=("cam",),
            reasons=("armed",),
            trail_m=(),
        )
        for rank, one in enumerate(said, start=1)
    )
    doors = (
        (EntranceOption(door, "", True, 1.0, 1.0, ((0.0, 0.0),), (), ""),)
        if door is not None
        else ()
    )
    at_s = START_S + t_s
    times = StageTimes(at_s, at_s, at_s, at_s, at_s + late_s)
    return Answer(at_s, subjects, doors, "Somebody, somewhere.", times)


def record(
    answers: list[Answer],
    observations: list[Observation] | None = None,
    speed: Speed = "realtime",
    duration_s: float = DURATION_S,
) -> RunRecord:
    return RunRecord(
        drill="two rooms",
        exercise=True,
        speed=speed,
        start_s=START_S,
        duration_s=duration_s,
        log=(*(observations or []), *answers),
        frames={"cam": FrameCounts(100, 90, 10)},
        machine={"processor": "abacus"},
        versions={"lastseen": "0"},
        problems=("camera cam: stalled for 1 s",),
    )


def perfect(shift_m: float = 0.0) -> list[Answer]:
    """Ten answers a second that say where both persons are, moved along y by `shift_m`."""
    said = []
    for t_s in np.arange(0, DURATION_S, 0.1).tolist():
        x_m = 2.0 if t_s < 4.5 else 8.0 if t_s >= 5 else float("nan")
        if np.isnan(x_m):
            # between its two lines the truth walks the straight line from A to B
            x_m = round(2.0 + 6.0 * (t_s - 4.5) / 0.5, 6)
        said.append(
            answer(
                t_s,
                [
                    Says((x_m, 2.5 + shift_m)),
                    Says((1.0, 4.0 + shift_m), subject="S2", armed=0.01),
                ],
                door="1" if x_m <= 5 else "2",
            )
        )
    return said


def observation(
    captured_t_s: float,
    ends_s: tuple[float | None, float | None, float | None, float | None] = (None,) * 4,
) -> Observation:
    """A frame with nobody; `ends_s` are decoded, detected, placed, published after capture."""
    captured_s = START_S + captured_t_s
    decoded, detected, placed, published = (
        None if end_s is None else captured_s + end_s for end_s in ends_s
    )
    nobody = np.zeros(0)
    return Observation(
        FloorPositions(
            camera="cam",
            level="L1",
            frame_index=round(captured_t_s * 10),
            captured_at_s=captured_s,
            xy_m=np.zeros((0, 2)),
            cov_m2=np.zeros((0, 2, 2)),
            from_head=np.zeros(0, np.bool_),
            confidence=np.zeros(0, np.float32),
            track_id=np.zeros(0, np.int64),
            armed_llr=nobody,
        ),
        StageTimes(captured_s, decoded, detected, placed, published),
    )
