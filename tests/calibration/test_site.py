from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from calibration.camera import CameraModel, Pose
from calibration.errors import Problem, SiteError
from calibration.site import load_site

from .small_site import LENS, SmallSite, box, feature, line, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

DRILLS = Path(__file__).resolve().parents[2] / "benchmarks" / "drills"


def problems_of(folder: Path) -> list[Problem]:
    with pytest.raises(SiteError) as caught:
        load_site(folder)
    return [problem for problem in caught.value.problems if problem.severity == "error"]


def test_whole_site_loads_without_a_warning(tmp_path: Path) -> None:
    site = load_site(SmallSite().write(tmp_path))

    assert (site.name, site.address) == ("Small School", "1 Test Lane")
    assert [space.name for space in site.plan.spaces] == ["Hall", "Room 1"]
    assert [entrance.label for entrance in site.plan.entrances] == [
        "Door 1 (West)",
        "Door 2 (East)",
    ]
    camera = site.cameras["cam-01"]
    assert camera.calibrated_by == "pose"
    assert camera.model.centre_m == pytest.approx([9.8, 0.2, 2.6])
    assert site.warnings == ()


@pytest.mark.parametrize("drill", ["wing", "quiet"])
def test_built_in_sites_have_no_problem(drill: str) -> None:
    site = load_site(DRILLS / drill)

    assert site.warnings == ()
    assert len(site.plan.spaces) >= 12
    assert len(site.plan.entrances) == 5


def unit(feature_id: str, geometry: object, **properties: object) -> dict[str, object]:
    properties = {"category": "room", **properties}
    return feature(feature_id, "unit", geometry, **properties)  # type: ignore[arg-type]


def open_ring(site: SmallSite) -> None:
    site.feature("room")["geometry"]["coordinates"][0].pop()


def bow_tie(site: SmallSite) -> None:
    site.feature("room")["geometry"]["coordinates"] = [
        [[10, 0], [16, 6], [16, 0], [10, 6], [10, 0]]
    ]


def mirrored_pose(site: SmallSite) -> None:
    site.cameras["cam-01"]["pose"]["R"][0] = [
        -value for value in site.cameras["cam-01"]["pose"]["R"][0]
    ]


def rename(site: SmallSite) -> None:
    site.cameras["hall-cam"] = site.cameras.pop("cam-01")


BAD: dict[str, tuple[Callable[[SmallSite], object], str, str, str]] = {
    # what is spoilt: (how, file, field, part of the message)
    "name missing": (lambda s: s.site.pop("name"), "site.toml", "name", "missing"),
    "schema of the future": (
        lambda s: s.site.update(schema=2),
        "site.toml",
        "schema",
        "should be 1, got 2",
    ),
    "unknown key, near a known one": (
        lambda s: s.site.update(adress="x"),
        "site.toml",
        "adress",
        "did you mean 'address'?",
    ),
    "unknown key in a table": (
        lambda s: s.site["anchor"].update(height=3),
        "site.toml",
        "anchor.height",
        "known keys: longitude_deg, latitude_deg, x_axis_bearing_deg",
    ),
    "latitude of no place": (
        lambda s: s.site["anchor"].update(latitude_deg=139.0),
        "site.toml",
        "anchor.latitude_deg",
        "less than or equal to 90, got 139.0",
    ),
    "level twice": (
        lambda s: s.site["levels"].append(s.site["levels"][0]),
        "site.toml",
        "levels[1].id",
        "'L1' is used twice",
    ),
    "plan outside the folder": (
        lambda s: s.site.update(floor_plan="../elsewhere.geojson"),
        "site.toml",
        "floor_plan",
        "outside the site folder",
    ),
    "plan missing": (
        lambda s: s.site.update(floor_plan="plan.geojson"),
        "plan.geojson",
        "",
        "is missing",
    ),
    "feature type unknown": (
        lambda s: s.feature("room").update(feature_type="unti"),
        "floor_plan.geojson",
        "feature 'room'.feature_type",
        "'unti' is not known; use one of level, unit, opening, entrance, fixture, wall",
    ),
    "id twice": (
        lambda s: s.add(s.feature("desk")),
        "floor_plan.geojson",
        "feature 'desk'",
        "features[6] and features[7]",
    ),
    "unit on unknown level": (
        lambda s: s.feature("room")["properties"].update(level_id="L9"),
        "floor_plan.geojson",
        "feature 'room'.properties.level_id",
        "unknown level 'L9'; site.toml has L1",
    ),
    "level unknown to site.toml": (
        lambda s: s.add(feature("L2", "level", box(0, 0, 1, 1), ordinal=1)),
        "floor_plan.geojson",
        "feature 'L2'.id",
        "unknown level 'L2'",
    ),
    "level on another storey": (
        lambda s: s.feature("L1")["properties"].update(ordinal=3),
        "floor_plan.geojson",
        "feature 'L1'.properties.ordinal",
        "is 3, but site.toml says 0",
    ),
    "room not closed": (
        open_ring,
        "floor_plan.geojson",
        "feature 'room'.geometry",
        "is not closed",
    ),
    "room crosses itself": (
        bow_tie,
        "floor_plan.geojson",
        "feature 'room'.geometry",
        "Self-intersection",
    ),
    "rooms overlap": (
        lambda s: s.feature("room").update(geometry=box(9.5, 0, 16, 6)),
        "floor_plan.geojson",
        "feature 'hall'.geometry",
        "overlaps 'room' by 3.00 m2",
    ),
    "entrance in the middle of the hall": (
        lambda s: s.feature("d1").update(geometry=line((3, 2), (3, 4))),
        "floor_plan.geojson",
        "feature 'd1'.geometry",
        "lies on no outer wall (the nearest is 3.00 m",
    ),
    "entrance on an inner wall": (
        lambda s: s.feature("d1").update(geometry=line((10, 4), (10, 5))),
        "floor_plan.geojson",
        "feature 'd1'.geometry",
        "lies on no outer wall",
    ),
    "entrance longer than its wall": (
        lambda s: s.feature("d2").update(geometry=line((16, 4), (16, 7))),
        "floor_plan.geojson",
        "feature 'd2'.geometry",
        "lies on no outer wall",
    ),
    "opening to the outside": (
        lambda s: s.feature("door").update(geometry=line((4, 0), (5, 0))),
        "floor_plan.geojson",
        "feature 'door'.geometry",
        "lies on the boundary of 'hall' alone",
    ),
    "opening in the middle of a room": (
        lambda s: s.feature("door").update(geometry=line((4, 2), (5, 2))),
        "floor_plan.geojson",
        "feature 'door'.geometry",
        "lies on no boundary shared by two units",
    ),
    "door number twice": (
        lambda s: s.feature("d2")["properties"].update(door_number="1"),
        "floor_plan.geojson",
        "feature 'd2'.properties.door_number",
        "'1' is also the number of 'd1'",
    ),
    "opening of an unknown kind": (
        lambda s: s.feature("door")["properties"].update(category="hole"),
        "floor_plan.geojson",
        "feature 'door'.properties.category",
        "should be 'pedestrian' or 'open', got 'hole'",
    ),
    "door without length": (
        lambda s: s.feature("door").update(geometry=line((10, 2), (10, 2))),
        "floor_plan.geojson",
        "feature 'door'.geometry",
        "has no length",
    ),
    "degrees called metres": (
        lambda s: s.plan["lastseen"].update(coordinates="wgs84"),
        "floor_plan.geojson",
        "feature 'L1'.geometry",
        "more than 10 km from the plan's origin",
    ),
    "camera on unknown level": (
        lambda s: s.cameras["cam-01"].update(level="L9"),
        "cameras/cam-01.toml",
        "level",
        "unknown level 'L9'; site.toml has L1",
    ),
    "camera file of another name": (
        rename,
        "cameras/hall-cam.toml",
        "id",
        "'cam-01' is not the file's name; write 'hall-cam'",
    ),
    "camera without calibration": (
        lambda s: s.cameras["cam-01"].pop("pose"),
        "cameras/cam-01.toml",
        "",
        "has no calibration; add [pose], [homography] or at least four [[landmarks]]",
    ),
    "camera calibrated twice": (
        lambda s: s.cameras["cam-01"].update(
            homography={"image_to_floor": [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]}
        ),
        "cameras/cam-01.toml",
        "",
        "more than once",
    ),
    "R is no rotation": (
        lambda s: s.cameras["cam-01"]["pose"].update(
            R=[[1.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0]]
        ),
        "cameras/cam-01.toml",
        "pose.R",
        "is no rotation",
    ),
    "R is a mirror image": (
        mirrored_pose,
        "cameras/cam-01.toml",
        "pose.R",
        "mirror image",
    ),
    "camera below the floor": (
        lambda s: s.cameras["cam-01"]["pose"].update(t=[0.0, 0.0, 1.5], R=np.eye(3).tolist()),
        "cameras/cam-01.toml",
        "pose",
        "1.50 m below the floor",
    ),
    "lens without focal length": (
        lambda s: s.cameras["cam-01"]["lens"].pop("fx"),
        "cameras/cam-01.toml",
        "lens.fx",
        "missing",
    ),
    "homography that cannot be inverted": (
        lambda s: (
            s.cameras["cam-01"].pop("pose"),
            s.cameras["cam-01"].update(
                homography={"image_to_floor": [[1.0, 0, 0], [2.0, 0, 0], [0, 0, 1.0]]}
            ),
        ),
        "cameras/cam-01.toml",
        "homography",
        "cannot be inverted",
    ),
    "three landmarks": (
        lambda s: (
            s.cameras["cam-01"].pop("pose"),
            s.cameras["cam-01"].update(
                landmarks=[{"pixel": [i, i * i], "metres": [i, 2 * i]} for i in (1.0, 2.0, 5.0)]
            ),
        ),
        "cameras/cam-01.toml",
        "landmarks",
        "3 landmarks do not fix a camera; survey at least four",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_spoilt_site_names_file_field_and_fix(tmp_path: Path, case: str) -> None:
    spoil, file, field, message = BAD[case]
    site = SmallSite()
    spoil(site)

    problems = problems_of(site.write(tmp_path))

    assert (problems[0].file, problems[0].field) == (file, field)
    assert message in problems[0].message


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    site = SmallSite()
    open_ring(site)
    site.feature("d2")["properties"]["level_id"] = "L7"
    site.cameras["cam-01"].pop("pose")
    site.cameras["cam-01"]["lens"]["fx"] = "wide"

    found = {(problem.file, problem.field) for problem in problems_of(site.write(tmp_path))}

    assert found == {
        ("floor_plan.geojson", "feature 'room'.geometry"),
        ("floor_plan.geojson", "feature 'd2'.properties.level_id"),
        ("cameras/cam-01.toml", "lens.fx"),
    }


def test_message_lists_every_error(tmp_path: Path) -> None:
    site = SmallSite()
    site.site.pop("name")
    site.cameras["cam-01"].pop("level")

    with pytest.raises(SiteError, match=r"2 problems:\n  site\.toml: name: is missing") as caught:
        load_site(site.write(tmp_path))

    assert "cameras/cam-01.toml: level: is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("site.toml", "schema = 1\nname = @\n", "is not valid TOML: Invalid value (at line 2"),
        ("cameras/cam-01.toml", "id = 'a'\nid = 'b'\n", "at line 2"),
        ("floor_plan.geojson", '{"type": ', "is not valid JSON: Expecting value (at line 1"),
        ("floor_plan.geojson", "[]", "valid dictionary"),
    ],
)
def test_text_that_cannot_be_parsed(tmp_path: Path, file: str, text: str, message: str) -> None:
    folder = SmallSite().write(tmp_path)
    (folder / file).write_text(text)

    problem = next(problem for problem in problems_of(folder) if problem.file == file)

    assert message in problem.message


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = SmallSite().write(tmp_path)
    (folder / "site.toml").write_bytes(b"name = '\xff'")

    assert "is not UTF-8 text (byte 8)" in problems_of(folder)[0].message


def test_no_folder(tmp_path: Path) -> None:
    assert "is no folder" in problems_of(tmp_path / "nowhere")[0].message


@pytest.mark.parametrize(
    "address",
    ["http://user:secret-word@10.0.0.5/x", "rtsp://user:secret-word@[::1/x", 5, ["secret-word"]],
)
def test_a_wrong_address_is_never_repeated(tmp_path: Path, address: object) -> None:
    site = SmallSite()
    site.cameras["cam-01"]["address"] = address

    problems = problems_of(site.write(tmp_path))

    assert [(problem.file, problem.field) for problem in problems] == [
        ("cameras/cam-01.toml", "address")
    ]
    assert "secret-word" not in str(problems)


MAIN = "rtsp://user:secret-word@10.0.0.5/stream1"
SUB = "rtsp://user:secret-word@10.0.0.5/stream2"


@pytest.mark.parametrize(
    ("address", "sub", "why"),
    [
        (MAIN, SUB, ""),
        (MAIN, "low/lobby.mp4", ""),
        (MAIN, MAIN, "is the same as address"),
        (None, SUB, "there is no address"),
        (MAIN, "http://user:secret-word@10.0.0.5/x", "neither rtsp:// nor rtsps://"),
        (MAIN, 5, "got int"),
        (MAIN, ["secret-word"], "got list"),
    ],
)
def test_a_sub_stream_is_another_address_and_as_secret(
    tmp_path: Path, address: str | None, sub: object, why: str
) -> None:
    site = SmallSite()
    site.cameras["cam-01"] |= {"address": address, "sub_address": sub}
    if address is None:
        del site.cameras["cam-01"]["address"]
    folder = site.write(tmp_path)
    if not why:
        camera = load_site(folder).cameras["cam-01"]
        assert camera.sub_address is not None
        assert camera.sub_address.reveal() == sub
        assert "secret-word" not in repr(camera)
        return
    [problem] = problems_of(folder)
    assert (problem.file, problem.field) == ("cameras/cam-01.toml", "sub_address")
    assert why in problem.message
    assert "secret-word" not in str(problem)


def test_a_spoilt_camera_does_not_tell_its_password(tmp_path: Path) -> None:
    site = SmallSite()
    site.cameras["cam-01"].pop("pose")

    assert "secret-word" not in str(problems_of(site.write(tmp_path)))
    assert "secret-word" not in repr(load_site(SmallSite().write(tmp_path)).cameras["cam-01"])


def without_cameras(site: SmallSite) -> None:
    site.cameras.clear()


def turned_to_the_ceiling(site: SmallSite) -> None:
    pose = site.cameras["cam-01"]["pose"]
    up = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    tilt = np.array([[1, 0, 0], [0, 0.0, 1.0], [0, -1.0, 0.0]])
    rotation = tilt @ up
    pose["R"] = rotation.tolist()
    pose["t"] = (-rotation @ np.array([5.0, 3.0, 2.6])).tolist()


def moved_outside(site: SmallSite) -> None:
    pose = site.cameras["cam-01"]["pose"]
    rotation = np.array(pose["R"])
    pose["t"] = (-rotation @ np.array([24.0, -3.0, 2.6])).tolist()


WARNED: dict[str, tuple[Callable[[SmallSite], object], str, str]] = {
    "door without number": (
        lambda s: s.feature("d2")["properties"].pop("door_number"),
        "feature 'd2'.properties.door_number",
        "'East' has no door number",
    ),
    "no entrance": (
        lambda s: s.plan["features"].__delitem__(slice(4, 6)),
        "features",
        "no entrance",
    ),
    "no camera": (without_cameras, "", "has no camera"),
    "interior camera outside the building": (moved_outside, "pose", "outside every space"),
    "camera that looks at the ceiling": (turned_to_the_ceiling, "", "sees no walkable floor"),
}


@pytest.mark.parametrize("case", WARNED)
def test_odd_site_loads_with_a_warning(tmp_path: Path, case: str) -> None:
    spoil, field, message = WARNED[case]
    site = SmallSite()
    spoil(site)

    warnings = load_site(site.write(tmp_path)).warnings

    assert [problem.severity for problem in warnings] == ["warning"] * len(warnings)
    assert any(p.field == field and message in p.message for p in warnings), warnings


def test_degrees_and_metres_give_the_same_plan(tmp_path: Path) -> None:
    metres = load_site(SmallSite().write(tmp_path / "metres"))
    site = SmallSite()
    site.plan["lastseen"]["coordinates"] = "wgs84"
    for item in site.plan["features"]:
        shape = item["geometry"]
        is_line = shape["type"] == "LineString"
        rings = [shape["coordinates"]] if is_line else shape["coordinates"]
        turned = [
            metres.frame.to_wgs84(np.array(ring, dtype=np.float64)).tolist() for ring in rings
        ]
        shape["coordinates"] = turned[0] if is_line else turned

    degrees = load_site(site.write(tmp_path / "degrees"))

    for ours, theirs in zip(metres.plan.spaces, degrees.plan.spaces, strict=True):
        assert ours.polygon.symmetric_difference(theirs.polygon).area < 1e-6
    assert degrees.plan.entrances[0].middle_m == pytest.approx((0.0, 3.0), abs=1e-6)


def test_imdf_properties_that_say_nothing_are_allowed(tmp_path: Path) -> None:
    site = SmallSite()
    site.feature("room")["properties"].update(
        alt_name=None, restriction=None, accessibility=["wheelchair"], display_point=None
    )

    assert load_site(site.write(tmp_path)).plan.space("room").name == "Room 1"


def test_plan_without_features_warns_of_the_empty_level(tmp_path: Path) -> None:
    site = SmallSite()
    site.plan = plan_of()
    site.cameras.clear()

    messages = [problem.message for problem in load_site(site.write(tmp_path)).warnings]

    assert "level 'L1' has no unit" in messages


def test_floor_error_of_the_file_counts(tmp_path: Path) -> None:
    site = SmallSite()
    site.cameras["cam-01"]["floor_error_m"] = 0.21

    assert load_site(site.write(tmp_path)).cameras["cam-01"].model.floor_error_m == 0.21


def landmarks_of(site: SmallSite, places: list[tuple[float, ...]]) -> list[dict[str, object]]:
    """Replace the pose by landmarks that it sees."""
    folderless = site.cameras["cam-01"]
    pose = Pose(np.array(folderless["pose"]["R"]), np.array(folderless["pose"]["t"]))
    model = CameraModel.from_pose(LENS, pose)
    xyz = np.array([(*place, 0.0)[:3] for place in places])
    px, valid = model.to_image(xyz)
    assert valid.all()
    folderless.pop("pose")
    folderless["landmarks"] = [
        {"pixel": pixel, "metres": list(place)}
        for pixel, place in zip(px.tolist(), places, strict=True)
    ]
    return folderless["landmarks"]  # type: ignore[no-any-return]


FIVE: list[tuple[float, ...]] = [(3, 3), (5, 2), (2, 5), (4, 5, 1.0), (6, 4)]


def test_landmarks_give_the_camera_and_its_error(tmp_path: Path) -> None:
    site = SmallSite()
    landmarks_of(site, FIVE)

    loaded = load_site(site.write(tmp_path))

    assert loaded.warnings == ()
    assert loaded.cameras["cam-01"].calibrated_by == "landmarks"
    assert loaded.cameras["cam-01"].model.centre_m == pytest.approx([9.8, 0.2, 2.6], abs=1e-4)
    assert loaded.cameras["cam-01"].model.floor_error_m == 0.01


def test_four_landmarks_leave_the_error_unmeasured(tmp_path: Path) -> None:
    site = SmallSite()
    landmarks_of(site, [FIVE[0], FIVE[1], FIVE[2], FIVE[4]])

    loaded = load_site(site.write(tmp_path))

    assert "add" in loaded.warnings[0].message
    assert loaded.cameras["cam-01"].model.floor_error_m == 0.3


def test_a_misread_landmark_is_named_and_left_out(tmp_path: Path) -> None:
    site = SmallSite()
    places = [*FIVE, (3.0, 4.5), (7.0, 3.0), (1.0, 3.5)]
    landmarks_of(site, places)[1]["metres"] = [7.0, 4.5]

    loaded = load_site(site.write(tmp_path))

    assert "number 2 contradicts all others" in loaded.warnings[0].message
    assert loaded.cameras["cam-01"].model.centre_m == pytest.approx([9.8, 0.2, 2.6], abs=1e-4)


def test_landmarks_that_disagree_are_doubted(tmp_path: Path) -> None:
    site = SmallSite()
    places = [*FIVE, (3.0, 4.5), (7.0, 3.0), (1.0, 3.5)]
    for landmark, off in zip(landmarks_of(site, places), (2, -1, 1, -2) * 2, strict=True):
        metres = np.array(landmark["metres"], dtype=np.float64)
        metres[:2] += (off, -off / 2)
        landmark["metres"] = metres.tolist()

    loaded = load_site(site.write(tmp_path))

    assert "do not agree with each other" in loaded.warnings[0].message
    assert loaded.cameras["cam-01"].model.floor_error_m > 0.5
