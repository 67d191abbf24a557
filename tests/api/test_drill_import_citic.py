"""CITIC-MTMC recordings become drill folders: plan, right-handed cameras, simulated boxes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely

from api.drill_files import load_drill
from api.drill_import import ImportRequest, importer
from api.errors import DrillImportError
from api.site_check import check_site
from api.truth import load_truth
from calibration.box_noise import BoxNoise
from calibration.errors import SourceError
from calibration.synthetic import mounted_camera
from vision.boxes import read_mot_boxes

if TYPE_CHECKING:
    from pathlib import Path

    from api.drill_import import ImportedDrill
    from calibration.camera import CameraModel

HEIGHT_M = 12.0
FRAMES = 400
PERFECT = BoxNoise(jitter=0.0, miss_rate=0.0, false_per_min=0.0)

# The map, y down: a passage PF on the left, a corridor PC, a hall HA in two parts, a closed lab SG,
# stairs ESC that people come from, and the outside below.
ROOMS: list[dict[str, Any]] = [
    {"name": "PF", "rect": [[0, 0], [2, 10]], "doors": [[2, 5]]},
    {"name": "PC", "rect": [[2, 4], [12, 6]], "doors": [[2, 5], [12, 5]]},
    {"name": "HA", "rect": [[12, 4], [18, 10]], "doors": [[12, 5], [12, 8]]},
    {"name": "HA2", "rect": [[12, 0], [18, 4]], "doors": []},
    {"name": "SG", "rect": [[2, 0], [12, 4]], "doors": []},
    {"name": "ESC", "rect": [[8, 6], [12, 10]], "doors": [[12, 8]]},
    {"name": "OUT", "rect": [[0, 10], [18, 12]], "doors": []},
    {"entry_points": [[12, 8]], "exit_points": [[12, 8]]},
]
HALL = mounted_camera((17.5, HEIGHT_M - 1.0, 3.0), (14.0, HEIGHT_M - 6.0, 0.0), size_px=(1280, 720))
PASSAGE = mounted_camera((1.0, HEIGHT_M - 0.5, 3.0), (1.0, HEIGHT_M - 6.0, 0.0), size_px=(720, 576))


def published_pose(camera: CameraModel) -> dict[str, Any]:
    """A camera in the axes of the map, x right, y down, z into the floor."""
    assert camera.pose is not None
    rotation = camera.pose.rotation * np.array([1.0, -1.0, -1.0])
    shift = camera.pose.rotation @ np.array([0.0, HEIGHT_M, 0.0])
    return {
        "map_coord_direction": "left-handed",
        "intr_mtx": camera.lens.matrix.tolist(),
        "R_t_mat": np.column_stack([rotation, camera.pose.translation + shift]).tolist(),
    }


def published_homography(camera: CameraModel) -> dict[str, Any]:
    assert camera.pose is not None
    to_site = np.linalg.inv(camera.lens.matrix @ camera.pose.plane_to_camera(0.0))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, HEIGHT_M], [0.0, 0.0, 1.0]])
    return {"homography": (turn @ to_site).tolist()}


def node(
    name: str, camera: CameraModel, calibration: dict[str, Any], view: list[list[float]]
) -> str:
    return json.dumps(
        {
            "name": name,
            "image": {"width": camera.size_px[0], "height": camera.size_px[1]},
            "calibration": calibration,
            "visibility_polygon": view,
        }
    )


def track() -> list[tuple[float, float]]:
    """Out of the stairs, through the hall and the corridor into the passage, 25 a second."""
    corners = np.array([[12.2, 8.0], [14.0, 7.0], [13.0, 5.0], [2.5, 5.0], [1.0, 6.0]])
    at = np.linspace(0, len(corners) - 1, FRAMES)
    return [
        (float(np.interp(a, range(5), corners[:, 0])), float(np.interp(a, range(5), corners[:, 1])))
        for a in at
    ]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "citic"
    config = folder / "map_config"
    config.mkdir(parents=True)
    (config / "room_map.json").write_text(
        json.dumps({"image": {"normal_y_axis": False}, "room_map": ROOMS})
    )
    # the hall's camera sees out of the building and through the corridor's door
    view = [[17.5, 1.0], [12.0, 4.8], [10.0, 4.8], [10.0, 5.2], [12.0, 5.2], [12.0, 9.9],
            [15.0, 9.9], [15.0, 11.5], [16.5, 11.5], [16.5, 9.9], [17.9, 9.9]]  # fmt: skip
    (config / "NodeHallWide.json").write_text(node("HallWide", HALL, published_pose(HALL), view))
    (config / "NodeHallSeg.json").write_text(
        node("HallSeg", PASSAGE, published_homography(PASSAGE), [[0, 0], [2, 0], [2, 10], [0, 10]])
    )
    for name, first in (("capture1", 1), ("capture2", 11)):
        lines = [
            f"{first + i},1,-1,-1,-1,-1,-1,{x:.4f},{y:.4f},0" for i, (x, y) in enumerate(track())
        ]
        (folder / f"{name}_gt.mot.txt").write_text("\n".join(lines))
    return folder


def imported(source: Path, target: Path, **options: Any) -> ImportedDrill:
    return importer("citic")(ImportRequest(source, target, **options), lambda _: None)


def test_the_plan_is_sound_and_says_what_it_assumes(source: Path, tmp_path: Path) -> None:
    made = imported(source, tmp_path / "drill")
    check = check_site(made.folder)
    assert check.ok
    assert [str(problem) for problem in check.problems] == []
    site = load_drill(made.folder).site
    assert [space.name for space in site.plan.spaces] == ["PF", "PC", "HA", "HA2"]
    ways = {opening.id: opening.category for opening in site.plan.openings}
    assert ways == {"HA-HA2": "open", "PF-PC": "pedestrian", "PC-HA": "open"}
    doors = {entrance.label: entrance.middle_m for entrance in site.plan.entrances}
    assert doors["Door 1 (Main door)"] == pytest.approx((15.75, 2.0))
    assert doors["Door 2 (Side door)"] == pytest.approx((0.925, 2.0))
    assert doors["Door 3 (Stairs)"] == pytest.approx((12.0, 4.0))
    assert any("Left out of the plan: SG, ESC" in note for note in made.notes)


def test_cameras_come_out_right_handed_by_pose_and_by_homography(
    source: Path, tmp_path: Path
) -> None:
    cameras = load_drill(imported(source, tmp_path / "drill").folder).site.cameras
    for name, camera in (("HallWide", HALL), ("HallSeg", PASSAGE)):
        model = cameras[name].model
        assert model.centre_m == pytest.approx(camera.centre_m, abs=1e-4)
        assert model.lens.fx == pytest.approx(camera.lens.fx, rel=1e-5)
        px = np.array([[300.0, 400.0]])
        assert model.to_floor(px)[0] == pytest.approx(camera.to_floor(px)[0], abs=1e-3)


def test_boxes_show_who_is_in_view_and_nobody_else(source: Path, tmp_path: Path) -> None:
    drill = load_drill(imported(source, tmp_path / "drill", noise=PERFECT).folder)
    truth = load_truth(drill.folder, drill.site)
    assert truth is not None
    (person,) = truth.people
    assert (person.role, len(person.t_s), person.t_s[0]) == ("student", FRAMES, 0.0)
    assert person.xy_m[0] == pytest.approx([12.2, HEIGHT_M - 8.0])
    rates = {feed.camera: feed.fps for feed in drill.feeds}
    assert rates == {"HallSeg": 25.0, "HallWide": 10.0}
    hall = next(feed for feed in drill.feeds if feed.camera == "HallWide")
    frames = list(read_mot_boxes(hall.path, "HallWide", size_px=(1280, 720), fps=10.0, start_s=0.0))
    model = drill.site.cameras["HallWide"].model
    seen = [frame for frame in frames if len(frame.detections)]
    assert len(seen) > 40
    for frame in seen:
        left, _, right, bottom = frame.detections.xyxy_px[0].astype(np.float64)
        xy_m, _ = model.to_floor(np.array([[(left + right) / 2, bottom]]))
        there = person.at(np.array([frame.captured_at_s]))
        assert np.linalg.norm(xy_m[0] - there.xy_m[0]) < 0.45  # a shoe's reach and a pixel
        assert there.xy_m[0, 0] > 9.9  # in the corridor beyond the view nobody is shown
    unseen = (person.xy_m[:, 0] < 9.5) & (person.xy_m[:, 0] > 2.5)
    assert unseen.sum() > 50
    assert truth.boxes["HallWide"].shown("p1", person.t_s[unseen]).max() == 0.0


def test_what_is_simulated_is_stated_and_follows_the_options(source: Path, tmp_path: Path) -> None:
    noise = BoxNoise(seed=7, jitter=0.03, miss_rate=0.25, false_per_min=4.0)
    made = imported(source, tmp_path / "a", noise=noise)
    again = imported(source, tmp_path / "b", noise=noise)
    other = imported(source, tmp_path / "c", noise=BoxNoise(seed=8))
    said = load_drill(made.folder).description
    for words in ("seed 7", "3.0% of the height", "25% of boxes are missed", "4 false boxes"):
        assert words in said
    files = ["boxes/HallSeg.csv", "boxes/HallWide.csv", "truth.csv"]
    for file in files:
        assert (made.folder / file).read_bytes() == (again.folder / file).read_bytes()
    assert (made.folder / files[0]).read_bytes() != (other.folder / files[0]).read_bytes()
    assert (made.folder / files[2]).read_bytes() == (other.folder / files[2]).read_bytes()


def test_frames_may_count_from_zero(source: Path, tmp_path: Path) -> None:
    path = source / "capture1_gt.mot.txt"
    path.write_text("0" + path.read_text()[1:])
    truth = load_truth(
        folder := imported(source, tmp_path / "drill").folder, load_drill(folder).site
    )
    assert truth is not None
    assert truth.people[0].t_s[:2].tolist() == [0.0, 0.08]


def test_another_recording_is_taken_by_name(source: Path, tmp_path: Path) -> None:
    made = imported(source, tmp_path / "drill", recording="capture2")
    assert made.name == "CITIC capture2, simulated boxes"
    truth = load_truth(made.folder, load_drill(made.folder).site)
    assert truth is not None
    assert truth.people[0].t_s[0] == pytest.approx(0.4)
    first = imported(source, tmp_path / "first")
    assert "capture1 was taken of capture1, capture2; --recording takes another." in first.notes


@pytest.mark.parametrize(
    ("spoil", "content", "options", "error", "message"),
    [
        ("", "", {"recording": "capture9"}, DrillImportError, "--recording capture9: is not there"),
        ("*.txt", None, {}, DrillImportError, "holds no <recording>_gt.mot.txt"),
        ("map_config/Node*", None, {}, DrillImportError, "holds no camera file Node*.json"),
        ("map_config/room_map.json", None, {}, SourceError, "room_map.json: cannot be read"),
        ("map_config/room_map.json", "{}", {}, SourceError, "room_map.json: room_map: is missing"),
        ("map_config/NodeHallSeg.json", "[1]", {}, SourceError, "an object is expected"),
        (
            "map_config/NodeHallSeg.json",
            json.dumps(
                {
                    "name": "a",
                    "image": {"width": 9, "height": 9},
                    "calibration": {"homography": [[1, 2], [3, 4]]},
                }
            ),
            {},
            SourceError,
            "rows of 3 numbers are expected",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_stays_behind(
    source: Path,
    tmp_path: Path,
    spoil: str,
    content: str | None,
    options: dict[str, str],
    error: type[Exception],
    message: str,
) -> None:
    for path in list(source.glob(spoil)) if spoil else ():
        path.unlink()
        if content is not None:
            path.write_text(content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error) as caught:
        imported(source, tmp_path / "drill", **options)
    assert message in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.data
def test_the_real_building_imports(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "citic-mtmc"
    if not folder.is_dir():
        pytest.skip(f"no CITIC data at {folder}")
    made = imported(folder, tmp_path / "drill")
    check = check_site(made.folder)
    assert check.ok
    assert check.problems == ()
    drill = load_drill(made.folder)
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    plan = drill.site.plan
    assert [entrance.label for entrance in plan.entrances] == [
        "Door 1 (Main door)",
        "Door 2 (Side door)",
        "Door 3 (Stairs)",
    ]
    everywhere = np.concatenate([path.xy_m for path in truth.people])
    assert all(space is not None for space in plan.space_at("L1", everywhere))
    for camera in drill.site.cameras.values():
        # cameras hang in the rooms, and the plan cuts their view as the data set's polygons do
        assert camera.model.centre_m is not None
        assert plan.space_at("L1", camera.model.centre_m[None, :2], within_m=0.3)[0] is not None
    boxes = truth.boxes["HallWide"]
    feet = np.column_stack([boxes.xyxy_px[:, [0, 2]].mean(axis=1), boxes.xyxy_px[:, 3]])
    xy_m, valid = drill.site.cameras["HallWide"].model.to_floor(feet)
    assert valid.mean() > 0.5
    hall = shapely.union_all([plan.space(name).polygon for name in ("HA", "HA2", "HA3")])
    assert shapely.contains_xy(hall.buffer(0.3), xy_m[valid]).mean() > 0.9
