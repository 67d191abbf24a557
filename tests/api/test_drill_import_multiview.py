"""Wildtrack and MultiviewX become drill folders, right-handed, with pictures or true boxes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest

from api.drill_files import load_drill
from api.drill_import import ImportRequest, importer
from api.errors import DrillImportError
from api.truth import load_truth
from calibration.errors import SourceError
from calibration.import_multiview import MULTIVIEWX, WILDTRACK
from calibration.recorded import RecordedPlaces, template_boxes
from calibration.synthetic import mounted_camera

if TYPE_CHECKING:
    from pathlib import Path

    from api.drill_import import ImportedDrill
    from calibration.camera import CameraModel
    from calibration.import_multiview import Layout

SIZE_PX = (1920, 1080)
LAYOUTS = {"wildtrack": WILDTRACK, "multiviewx": MULTIVIEWX}
FRAMES = 3


def opencv_xml(**elements: np.ndarray) -> str:
    inner = "".join(
        f'<{name} type_id="opencv-matrix"><data>{" ".join(map(repr, value.ravel().tolist()))}'
        f"</data></{name}>"
        for name, value in elements.items()
    )
    return f'<?xml version="1.0"?><opencv_storage>{inner}</opencv_storage>'


def cameras_of(layout: Layout) -> list[CameraModel]:
    """Cameras around the middle of the annotated ground, looking at it."""
    x, y = layout.annotated.centroid.coords[0]
    angles = np.linspace(0, 2 * np.pi, len(layout.cameras), endpoint=False)
    return [
        mounted_camera((x + 14 * np.cos(a), y + 14 * np.sin(a), 4.0), (x, y, 0.5), size_px=SIZE_PX)
        for a in angles
    ]


def write_source(folder: Path, layout: Layout, step: int, first: int) -> None:
    """A data set in its published frame: two people, of whom the second stands still."""
    mirror = np.diag([1.0, -1.0, 1.0])
    high = 2 * layout.origin_m[1] + layout.rows * layout.cell_m
    models = cameras_of(layout)
    for name, model in zip(layout.cameras, models, strict=True):
        assert model.pose is not None
        rotation, translation = model.pose.rotation, model.pose.translation
        if layout.left_handed:
            translation = -(translation + rotation @ np.array([0.0, high, 0.0]))
            rotation = -rotation @ mirror
        lens = folder / "calibrations" / layout.intrinsic / f"intr_{name}.xml"
        pose = folder / "calibrations" / "extrinsic" / f"extr_{name}.xml"
        lens.parent.mkdir(parents=True, exist_ok=True)
        pose.parent.mkdir(parents=True, exist_ok=True)
        lens.write_text(
            opencv_xml(camera_matrix=model.lens.matrix, distortion_coefficients=np.zeros(5))
        )
        pose.write_text(
            opencv_xml(rvec=cv2.Rodrigues(rotation)[0], tvec=translation / layout.unit_m)
        )
    notes = folder / "annotations_positions"
    notes.mkdir()
    column, row = layout.columns // 2, layout.rows // 2
    for frame in range(FRAMES):
        cells = np.array(
            [layout.columns * row + column + 8 * frame, layout.columns * (row + 60) + column]
        )
        places = RecordedPlaces(np.zeros(2, np.int64), np.array([7, 9]), layout.place_m(cells))
        views: dict[int, list[dict[str, Any]]] = {7: [], 9: []}
        for number, model in enumerate(models):
            found = template_boxes(model, places)
            told = dict(zip(found.person.tolist(), found.xyxy_px.tolist(), strict=True))
            for person, sides in views.items():
                box = [round(v) for v in told.get(person, [-1] * 4)]
                sides.append(dict(zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)))
                sides[-1]["viewNum"] = number
        people = [
            {"personID": person, "positionID": cell, "views": views[person]}
            for person, cell in zip((7, 9), cells.tolist(), strict=True)
        ]
        (notes / f"{first + step * frame:05d}.json").write_text(json.dumps(people))


def add_pictures(folder: Path, views: int, frames: int = FRAMES, step: int = 1) -> None:
    for view in range(views):
        shown = folder / "Image_subsets" / f"C{view + 1}"
        shown.mkdir(parents=True)
        for frame in range(frames):
            picture = np.full((1080, 1920, 3), 60 * frame + 10, np.uint8)
            cv2.imwrite(str(shown / f"{step * frame:04d}.jpg"), picture)


@pytest.fixture(params=["wildtrack", "multiviewx"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    step, first = (5, 0) if name == "wildtrack" else (1, 1)
    write_source(folder, LAYOUTS[name], step, first)
    return folder


def imported(name: str, source: Path, target: Path, **options: str) -> ImportedDrill:
    return importer(name)(ImportRequest(source, target, **options), lambda _: None)  # type: ignore[arg-type]


def test_cameras_places_and_boxes_come_out_right_handed(
    name: str, source: Path, tmp_path: Path
) -> None:
    made = imported(name, source, tmp_path / "drill")
    drill = load_drill(made.folder)
    layout = LAYOUTS[name]
    for camera, model in zip(layout.cameras, cameras_of(layout), strict=True):
        found = drill.site.cameras[camera].model
        assert found.centre_m == pytest.approx(model.centre_m, abs=1e-6)
        assert found.lens.fx == pytest.approx(model.lens.fx)
        assert drill.site.plan.space_at("L1", np.array([found.centre_m[:2]]))[0] is not None
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert [path.person for path in truth.people] == ["p7", "p9"]
    assert truth.people[0].t_s.tolist() == [0.0, 0.5, 1.0]
    # 8 cells of 2.5 cm a frame along x
    assert np.diff(truth.people[0].xy_m, axis=0) == pytest.approx(np.array([[0.2, 0.0]] * 2))
    assert drill.truth_area is not None
    assert drill.truth_area.equals(layout.annotated)
    # feet of a template box fall a shoe's reach before the body
    falls = [note for note in made.notes if "feet of true boxes fall" in note]
    assert len(falls) == len(layout.cameras)
    assert {note.split(" m from")[0].rsplit(" ", 1)[1] for note in falls} <= {
        "0.18",
        "0.19",
        "0.20",
        "0.21",
    }


def test_pictures_become_videos_of_two_frames_a_second(tmp_path: Path) -> None:
    folder = tmp_path / "multiviewx"
    write_source(folder, MULTIVIEWX, 1, 1)
    add_pictures(folder, 6)
    made = imported("multiviewx", folder, tmp_path / "drill")
    assert "pictures was taken of pictures, gt; --boxes takes another." in made.notes
    drill = load_drill(made.folder)
    assert [feed.has_pixels for feed in drill.feeds] == [True] * 6
    with av.open(str(drill.feeds[0].path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.average_rate or 0) == 2.0
        shades = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(stream)]
    assert shades == pytest.approx([10, 70, 130], abs=1.5)
    assert (made.folder / "truth.csv").exists()
    assert imported("multiviewx", folder, tmp_path / "boxes", boxes="gt").name.endswith(
        "true boxes"
    )


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "wildtrack"
    write_source(folder, WILDTRACK, 5, 0)
    add_pictures(folder, 7, frames=FRAMES - 1, step=5)
    with pytest.raises(
        DrillImportError, match="C1: holds no picture 10; annotated are 0 to 10 in steps of 5"
    ):
        imported("wildtrack", folder, tmp_path / "drill")
    assert not (tmp_path / "drill").exists()


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("annotations_positions/00005.json", "[{", "is not a list of annotated people"),
        ("annotations_positions/00005.json", '[{"personID": 1}]', "positionID: is missing"),
        (
            "annotations_positions/00005.json",
            '[{"personID": 1, "positionID": -4, "views": []}]',
            "positionID: must be from 0 to 691199, found -4",
        ),
        ("annotations_positions/00007.json", "[]", "frames are numbered in steps"),
        ("annotations_positions/last.json", "[]", "is not named by the number of its frame"),
        ("calibrations/extrinsic/extr_IDIAP2.xml", "<a>", "is not XML"),
        ("calibrations/extrinsic/extr_IDIAP2.xml", "<a><tvec>1 2 3</tvec></a>", "rvec: is missing"),
        (
            "calibrations/intrinsic_zero/intr_CVLab1.xml",
            "<a><camera_matrix><data>1 2</data></camera_matrix></a>",
            "camera_matrix: 9 numbers are expected, found 2",
        ),
    ],
)
def test_damage_is_named_by_file_and_field(
    tmp_path: Path, path: str, text: str, message: str
) -> None:
    folder = tmp_path / "wildtrack"
    write_source(folder, WILDTRACK, 5, 0)
    (folder / path).write_text(text)
    with pytest.raises(SourceError) as caught:
        imported("wildtrack", folder, tmp_path / "drill")
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)
    assert not (tmp_path / "drill").exists()


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "folder", "people", "worst_m"),
    [("wildtrack", "wildtrack", 200, 0.13), ("multiviewx", "multiviewx-sample", 40, 0.13)],
)
def test_the_real_grounds_import(
    data_dir: Path, tmp_path: Path, name: str, folder: str, people: int, worst_m: float
) -> None:
    source = data_dir / folder
    if not source.is_dir():
        pytest.skip(f"no data at {source}")
    made = imported(name, source, tmp_path / "drill", boxes="gt")
    drill = load_drill(made.folder)
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert len(truth.people) >= people
    fall_m = [float(n.split("fall ")[1].split(" m")[0]) for n in made.notes if " fall " in n]
    assert len(fall_m) == len(drill.feeds)
    assert max(fall_m) <= worst_m
    for camera in drill.site.cameras.values():
        assert not camera.visible_floor(drill.site.plan).is_empty


@pytest.mark.data
def test_the_published_sample_is_played_without_truth(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "multiviewx-sample"
    if not source.is_dir():
        pytest.skip(f"no data at {source}")
    made = imported("multiviewx", source, tmp_path / "drill")
    assert not (made.folder / "truth.csv").exists()
    assert any("this drill has no truth" in note for note in made.notes)
    assert all(feed.has_pixels for feed in load_drill(made.folder).feeds)
