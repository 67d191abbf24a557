"""CMC recordings become drill folders: cameras taken apart, a detector's boxes, true places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.io import savemat

from api.drill_files import load_drill
from api.drill_import import ImportRequest, importer
from api.errors import DrillImportError
from api.truth import load_truth
from calibration.errors import SourceError
from calibration.recorded import RecordedPlaces, template_boxes
from calibration.synthetic import mounted_camera
from vision.boxes import read_mot_boxes

if TYPE_CHECKING:
    from pathlib import Path

    from api.drill_import import ImportedDrill

CAMERAS = {
    1: mounted_camera((0.2, 3.0, 2.2), (3.5, 1.5, 0.0), size_px=(1920, 1024)),
    2: mounted_camera((7.4, 0.4, 2.2), (3.5, 1.5, 0.0), size_px=(1920, 1024)),
}
FRAMES = 8
PLACES = RecordedPlaces(
    np.repeat(np.arange(FRAMES), 2),
    np.tile(np.array([1, 2]), FRAMES),
    np.column_stack(
        [
            np.tile([3.0, 4.5], FRAMES) + 0.05 * np.repeat(np.arange(FRAMES), 2),
            np.tile([1.5, 2.0], FRAMES),
        ]
    ),
)


def write_recording(folder: Path, name: str) -> None:
    """Detections of both cameras, each with a false box in its first frame, and the truth."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, camera in CAMERAS.items():
        found = template_boxes(camera, PLACES)
        lines = ["1 -1 100 -20 50 60 -1 -1 -1 -1", "1 -1 1900 1030 50 60 -1 -1 -1 -1"]
        for frame, (left, top, right, bottom) in zip(
            found.frame.tolist(), (found.xyxy_px + 1).tolist(), strict=True
        ):
            lines.append(
                f"{frame + 1} -1 {left:.3f} {top - 0:.3f} {right - left:.3f} {bottom - top:.3f} "
                "-1 -1 -1 -1"
            )
        (folder / f"DET_{name}_Cam{number}.txt").write_text("\n".join(lines))
    truth = [
        f"{frame + 1} {person} -1 -1 -1 -1 -1 {x:.4f} {y:.4f} 0.8 0.5 0.5 0.8"
        for frame, person, (x, y) in zip(
            PLACES.frame.tolist(), PLACES.person.tolist(), PLACES.xy_m.tolist(), strict=True
        )
    ]
    (folder / f"GT_{name}_WORLD_CENTROID.txt").write_text("\n".join(truth))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two recordings in folders of their own, as the authors publish them."""
    folder = tmp_path / "cmc"
    for name in ("CMC1", "CMC2"):
        write_recording(folder / name, name)
    for number, camera in CAMERAS.items():
        assert camera.pose is not None
        # a camera matrix of MATLAB counts pixels from 1, and its scale says nothing
        pinhole = camera.lens.matrix + np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
        pose = np.column_stack([camera.pose.rotation, camera.pose.translation])
        savemat(folder / f"cam{number}_cam_mat.mat", {f"cam{number}": -2.5 * pinhole @ pose})
    return folder


def imported(source: Path, target: Path, **options: str) -> ImportedDrill:
    return importer("cmc")(ImportRequest(source, target, **options), lambda _: None)  # type: ignore[arg-type]


def test_the_first_recording_is_taken_and_the_choice_is_said(source: Path, tmp_path: Path) -> None:
    made = imported(source, tmp_path / "drill")
    assert made.name == "CMC CMC1, detected boxes"
    assert "CMC1 was taken of CMC1, CMC2; --recording takes another." in made.notes
    assert imported(source, tmp_path / "second", recording="cmc2").name.startswith("CMC CMC2")


def test_the_drill_loads_with_cameras_boxes_and_truth(source: Path, tmp_path: Path) -> None:
    drill = load_drill(imported(source, tmp_path / "drill").folder)
    assert [(feed.camera, feed.fps) for feed in drill.feeds] == [("cam1", 4.0), ("cam2", 4.0)]
    assert drill.duration_s == FRAMES / 4
    for number, camera in CAMERAS.items():
        model = drill.site.cameras[f"cam{number}"].model
        assert model.lens.fx == pytest.approx(camera.lens.fx)
        assert (model.lens.cx, model.lens.cy) == pytest.approx((camera.lens.cx, camera.lens.cy))
        assert model.centre_m == pytest.approx(camera.centre_m)
    truth = load_truth(drill.folder, drill.site)
    assert truth is not None
    assert [(path.person, path.role, len(path.t_s)) for path in truth.people] == [
        ("p1", "student", FRAMES),
        ("p2", "student", FRAMES),
    ]
    assert truth.people[0].t_s[:2].tolist() == [0.0, 0.25]
    assert truth.people[1].xy_m[0].tolist() == [4.5, 2.0]
    assert truth.boxes.keys() == {"cam1", "cam2"}
    assert all(path.xy_m.shape == (FRAMES, 2) for path in truth.people)


def test_boxes_are_cut_at_the_border_and_keep_their_place(source: Path, tmp_path: Path) -> None:
    drill = load_drill(imported(source, tmp_path / "drill").folder)
    feed = drill.feeds[0]
    frames = list(read_mot_boxes(feed.path, "cam1", size_px=(1920, 1024), fps=4.0, start_s=0.0))
    assert len(frames) == FRAMES
    # the false box over the upper border is cut, the one beyond the lower border is gone
    assert frames[0].detections.xyxy_px[0].tolist() == [99, 0, 149, 39]
    assert [len(frame.detections) for frame in frames[:2]] == [3, 2]
    left, _, right, bottom = frames[1].detections.xyxy_px[0].astype(np.float64)
    feet, _ = drill.site.cameras["cam1"].model.to_floor(np.array([[(left + right) / 2, bottom]]))
    assert np.linalg.norm(feet[0] - PLACES.xy_m[2]) < 0.3


def test_notes_say_how_far_feet_fall_from_the_truth(source: Path, tmp_path: Path) -> None:
    notes = imported(source, tmp_path / "drill").notes
    said = next(note for note in notes if note.startswith("cam1"))
    assert "falls 0.2" in said
    assert "100% of people in view" in said


def test_true_boxes_can_be_played_and_are_the_truth(source: Path, tmp_path: Path) -> None:
    for name in ("Cam_1", "Cam_2"):
        lines = [f"{f + 1} 1 800 300 100 400 1 -1 -1 -1" for f in range(FRAMES)]
        (source / "CMC1" / f"GT_CMC1_{name}.txt").write_text("\n".join(lines))
    made = imported(source, tmp_path / "drill", boxes="gt")
    assert made.name == "CMC CMC1, true boxes"
    drill = load_drill(made.folder)
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert truth.boxes["cam1"].xyxy_px[0].tolist() == [799, 299, 899, 699]
    assert not any("1.70 m" in note for note in made.notes)


def test_a_recording_without_places_has_no_truth(source: Path, tmp_path: Path) -> None:
    (source / "CMC1" / "GT_CMC1_WORLD_CENTROID.txt").unlink()
    made = imported(source, tmp_path / "drill")
    assert not (made.folder / "truth.csv").exists()
    assert any("hence no truth" in note for note in made.notes)


def test_a_person_told_of_twice_in_a_frame_counts_once(source: Path, tmp_path: Path) -> None:
    path = source / "CMC1" / "GT_CMC1_WORLD_CENTROID.txt"
    path.write_text(path.read_text() + "\n1 1 -1 -1 -1 -1 -1 5.0 3.0 0.8 0.5 0.5 0.8")
    made = imported(source, tmp_path / "drill")
    assert any("1 lines of the truth tell of a person twice" in note for note in made.notes)
    truth = load_truth(made.folder, load_drill(made.folder).site)
    assert truth is not None
    assert truth.people[0].xy_m[0].tolist() == [3.0, 1.5]


@pytest.mark.parametrize(
    ("spoil", "content", "options", "error", "message"),
    [
        ("", "", {"recording": "CMC9"}, DrillImportError, "--recording CMC9: is not there"),
        ("", "", {"boxes": "gt"}, DrillImportError, "--boxes gt: is not there; there are det"),
        ("*/DET*", None, {}, DrillImportError, "holds no DET_<recording>_Cam<n>.txt"),
        ("cam2*", None, {}, DrillImportError, "there is no cam2_cam_mat.mat"),
        ("cam2*", "P = 1", {}, SourceError, "cam2_cam_mat.mat: is not a MATLAB file"),
        ("CMC1/DET*Cam2*", "1 2 3", {}, SourceError, "line 1: 6 numbers or more"),
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
def test_the_real_room_imports(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "cmc-indoor"
    if not folder.is_dir():
        pytest.skip(f"no CMC data at {folder}")
    made = imported(folder, tmp_path / "drill")
    drill = load_drill(made.folder)
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert len(drill.feeds) == 4
    for camera in drill.site.cameras.values():
        centre_m = camera.model.centre_m
        assert centre_m is not None
        assert drill.site.plan.space_at("L1", centre_m[None, :2])[0] is not None
        assert 1.9 < centre_m[2] < 2.7
    assert len(truth.people) == 3
    everywhere = np.concatenate([path.xy_m for path in truth.people])
    assert all(space is not None for space in drill.site.plan.space_at("L1", everywhere))
    fall_m = [
        float(note.split("falls ")[1].split(" m")[0]) for note in made.notes if "falls " in note
    ]
    assert len(fall_m) == 4
    assert max(fall_m) < 0.35
