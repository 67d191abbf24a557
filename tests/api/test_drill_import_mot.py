"""MOT sequences and PETS 2009 become drill folders, with cameras given and with Tsai's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from api.commands.drill_import import import_drill as command
from api.drill_files import load_drill
from api.drill_import import ImportRequest, check_options, importer
from api.drill_import_folder import write_camera
from api.errors import DrillImportError
from api.truth import load_truth
from calibration.errors import SourceError
from calibration.import_pets import read_camera
from calibration.recorded import RecordedPlaces, template_boxes
from calibration.synthetic import mounted_camera

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from api.drill_import import ImportedDrill

FRAMES = 6
CAMERA = mounted_camera((0.0, 0.0, 4.0), (8.0, 0.0, 0.0), size_px=(320, 241))
PLACES = RecordedPlaces(
    np.arange(FRAMES),
    np.full(FRAMES, 3),
    np.column_stack([8 + 0.1 * np.arange(FRAMES), np.ones(FRAMES)]),
)
INFO = """[Sequence]
name=MOT15-X
imDir=img1
frameRate=5
seqLength=6
imWidth=320
imHeight=241
imExt=.jpg
"""
# View 1 of PETS 2009 in kind: 7 m up, 20 m away, with made-up numbers.
VIEW = """<?xml version="1.0"?><Camera name="View_001">
<Geometry width="768" height="576" dpx="0.005" dpy="0.0046"/>
<Intrinsic focal="5.5" kappa1="0.005" cx="330.5" cy="280.25" sx="1.09"/>
<Extrinsic tx="800.0" ty="-1000.0" tz="20000.0" rx="2.0" ry="-0.3" rz="-0.1"/></Camera>"""


def truth_lines(columns: int) -> str:
    found = template_boxes(CAMERA, PLACES)
    lines = []
    for row, (left, top, right, bottom) in enumerate((found.xyxy_px + 1).tolist()):
        x, y = PLACES.xy_m[row].tolist()
        tail = f"1,{x},{y},0" if columns == 10 else "1,1,0.9"
        lines.append(
            f"{row + 1},3,{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f},{tail}"
        )
    # people flagged to be left out, and a car
    lines.append("1,8,10,10,20,20,0,-1,-1,-1" if columns == 10 else "1,8,10,10,20,20,0,1,1")
    if columns == 9:
        lines.append("1,9,10,10,20,20,1,3,1")
    return "\n".join(lines)


def write_pictures(folder: Path, size: tuple[int, int], count: int = FRAMES) -> None:
    folder.mkdir(parents=True)
    for frame in range(count):
        picture = np.full((size[1], size[0], 3), 20 * frame + 20, np.uint8)
        cv2.imwrite(str(folder / f"{frame + 1:06d}.jpg"), picture)


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    folder = tmp_path / "train" / "MOT15-X"
    write_pictures(folder / "img1", (320, 241))
    (folder / "seqinfo.ini").write_text(INFO)
    for name, text in (
        ("gt/gt.txt", truth_lines(10)),
        ("det/det.txt", "1,-1,60,60,9,20,80\n2,-1,60,60,9,20,40"),
    ):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def camera_file(tmp_path: Path) -> Path:
    write_camera(tmp_path, "street", "Street", "G", CAMERA, "", "exterior")
    return tmp_path / "cameras" / "street.toml"


def imported(name: str, source: Path, target: Path, **options: Any) -> ImportedDrill:
    return importer(name)(ImportRequest(source, target, **options), lambda _: None)


def test_a_sequence_plays_its_pictures_through_the_given_camera(
    sequence: Path, camera_file: Path, tmp_path: Path
) -> None:
    made = imported("mot", sequence, tmp_path / "drill", camera=camera_file)
    drill = load_drill(made.folder)
    assert made.name == "MOT MOT15-X, pictures"
    assert drill.duration_s == pytest.approx(FRAMES / 5)
    (feed,) = drill.feeds
    assert (feed.camera, feed.fps, feed.has_pixels) == ("street", 5.0, True)
    with av.open(str(feed.path)) as container:
        frames = list(container.decode(video=0))
    # an odd height keeps all its lines
    assert [(f.width, f.height) for f in frames] == [(320, 241)] * FRAMES
    assert [f.to_ndarray(format="rgb24").mean() for f in frames] == pytest.approx(
        [20, 40, 60, 80, 100, 120], abs=2
    )
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert [(path.person, path.level[0]) for path in truth.people] == [("p3", "G")]
    assert drill.site.plan.space_at("G", PLACES.xy_m)[0] is not None
    assert any("fall 0.2" in note or "fall 0.1" in note for note in made.notes)


@pytest.mark.parametrize(("boxes", "confidence"), [("det", [1.0, 0.0]), ("gt", [1.0] * FRAMES)])
def test_boxes_of_either_kind_can_be_played(
    sequence: Path, camera_file: Path, tmp_path: Path, boxes: str, confidence: list[float]
) -> None:
    made = imported("mot", sequence, tmp_path / "drill", camera=camera_file, boxes=boxes)
    lines = (made.folder / "boxes" / "street.csv").read_text().splitlines()[1:]
    # a detector's raw scores become probabilities that keep their order
    assert [float(line.split(",")[-1]) for line in lines] == confidence


def test_later_sequences_have_classes_and_no_places(
    sequence: Path, camera_file: Path, tmp_path: Path
) -> None:
    (sequence / "gt" / "gt.txt").write_text(truth_lines(9))
    made = imported("mot", sequence, tmp_path / "drill", camera=camera_file, boxes="gt")
    assert len((made.folder / "boxes" / "street.csv").read_text().splitlines()) == 1 + FRAMES
    assert not (made.folder / "truth.csv").exists()
    assert any("no true places" in note for note in made.notes)


def test_pictures_alone_are_enough(sequence: Path, camera_file: Path, tmp_path: Path) -> None:
    for name in ("gt/gt.txt", "det/det.txt"):
        (sequence / name).unlink()
    drill = load_drill(imported("mot", sequence, tmp_path / "drill", camera=camera_file).folder)
    assert not drill.site.cameras["street"].visible_floor(drill.site.plan).is_empty


def test_one_of_several_sequences_is_taken_by_name(
    sequence: Path, camera_file: Path, tmp_path: Path
) -> None:
    other = sequence.with_name("MOT15-Y")
    write_pictures(other / "img1", (320, 241))
    (other / "seqinfo.ini").write_text(INFO.replace("MOT15-X", "MOT15-Y"))
    made = imported(
        "mot", sequence.parent, tmp_path / "drill", camera=camera_file, recording="mot15-y"
    )
    assert made.name == "MOT MOT15-Y, pictures"
    first = imported("mot", sequence.parent, tmp_path / "first", camera=camera_file)
    assert "MOT15-X was taken of MOT15-X, MOT15-Y; --recording takes another." in first.notes


def test_a_camera_of_another_place_is_noticed(
    sequence: Path, camera_file: Path, tmp_path: Path
) -> None:
    moved = mounted_camera((30.0, 0.0, 4.0), (38.0, 0.0, 0.0), size_px=(320, 241))
    write_camera(tmp_path / "b", "street", "Street", "G", moved, "", "exterior")
    made = imported(
        "mot", sequence, tmp_path / "drill", camera=tmp_path / "b" / "cameras" / "street.toml"
    )
    assert any("Truth and camera file do not agree" in note for note in made.notes)


@pytest.mark.parametrize(
    ("spoil", "content", "error", "message"),
    [
        ("camera", None, DrillImportError, "have no calibration; give --camera FILE"),
        ("camera", "id = 4", DrillImportError, "--camera: cameras/street.toml"),
        ("size", "", DrillImportError, "is for pictures of 640x360; those of MOT15-X are 320x241"),
        ("seqinfo.ini", None, DrillImportError, "holds seqinfo.ini"),
        ("seqinfo.ini", "name=x", SourceError, "is no sequence file with a section [Sequence]"),
        ("seqinfo.ini", "[Sequence]\nimWidth=9", SourceError, "imHeight: is missing"),
        ("seqinfo.ini", INFO.replace("=5", "=no"), SourceError, "frameRate: 'no' is not a number"),
        ("img1/000002.jpg", "no", DrillImportError, "000002.jpg: is no picture that can be read"),
        ("gt/gt.txt", "1,2", SourceError, "line 1: 6 numbers or more"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_stays_behind(
    sequence: Path,
    camera_file: Path,
    tmp_path: Path,
    spoil: str,
    content: str | None,
    error: type[Exception],
    message: str,
) -> None:
    camera: Path | None = camera_file
    if spoil == "camera":
        camera = None if content is None else camera
        if content is not None:
            camera_file.write_text(content)
    elif spoil == "size":
        other = mounted_camera((0.0, 0.0, 4.0), (8.0, 0.0, 0.0))
        write_camera(tmp_path, "street", "Street", "G", other, "")
    elif content is None:
        (sequence / spoil).unlink()
    else:
        (sequence / spoil).write_text(content)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error) as caught:
        imported("mot", sequence, tmp_path / "drill", camera=camera)
    assert message in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def tsai_px(points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels of world points by Tsai's own formulas, its cubic solved by bisection."""
    sx, cx, cy, focal, kappa = 1.09, 330.5, 280.25, 5.5, 0.005
    a, b, c = 2.0, -0.3, -0.1
    sa, ca, sb, cb, sc, cc = np.sin(a), np.cos(a), np.sin(b), np.cos(b), np.sin(c), np.cos(c)
    rotation = np.array(
        [
            [cb * cc, cc * sa * sb - ca * sc, sa * sc + ca * cc * sb],
            [cb * sc, sa * sb * sc + ca * cc, ca * sb * sc - cc * sa],
            [-sb, cb * sa, ca * cb],
        ]
    )
    camera_mm = points_m * 1000 @ rotation.T + np.array([800.0, -1000.0, 20000.0])
    pixels = []
    for x, y, z in camera_mm:
        undistorted = np.array([x, y]) / z * focal
        wanted = float(np.linalg.norm(undistorted))
        low, high = 0.0, wanted
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if middle * (1 + kappa * middle**2) < wanted else (low, middle)
            )
        sensor = undistorted * low / wanted
        pixels.append([sensor[0] * sx / 0.005 + cx, sensor[1] / 0.0046 + cy])
    return np.array(pixels)


def test_tsais_camera_shows_points_where_his_formulas_do(tmp_path: Path) -> None:
    (tmp_path / "View_001.xml").write_text(VIEW)
    camera = read_camera(tmp_path / "View_001.xml")
    floor_m, valid = camera.model.to_floor(
        np.array([[x, y] for x in (5.0, 380.0, 760.0) for y in (300.0, 570.0)])
    )
    assert valid.all()
    points_m = np.concatenate(
        [np.column_stack([floor_m, np.full(len(floor_m), height)]) for height in (0.0, 1.7)]
    )
    px, _ = camera.model.to_image(points_m)
    shown = (px != 0).any(axis=1)
    assert shown.sum() >= 8
    assert np.abs(px - tsai_px(points_m))[shown].max() < 0.02
    assert camera.lens_error_px < 0.02


@pytest.fixture
def campus(tmp_path: Path) -> Path:
    """PETS in kind: pictures, a Tsai camera, and boxes with places under one name."""
    folder = tmp_path / "pets"
    write_pictures(folder / "img1", (768, 576))
    (folder / "View_001.xml").write_text(VIEW)
    model = read_camera(folder / "View_001.xml").model
    xy_m, _ = model.to_floor(np.array([[384.0 + 5 * i, 400.0] for i in range(FRAMES)]))
    (folder / "gt.txt").write_text(
        "\n".join(
            f"{i + 1},4,{365 + 5 * i},321,40,80,1,{x:.4f},{y:.4f},0"
            for i, (x, y) in enumerate(xy_m.tolist())
        )
    )
    return folder


def test_pets_plays_its_pictures_with_true_places(campus: Path, tmp_path: Path) -> None:
    made = imported("pets", campus, tmp_path / "drill")
    drill = load_drill(made.folder)
    assert [(f.camera, f.fps, f.has_pixels) for f in drill.feeds] == [("View_001", 7.0, True)]
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert truth.people[0].t_s[:2] == pytest.approx([0, 1 / 7], abs=1e-4)
    assert truth.boxes["View_001"].xyxy_px[0].tolist() == [364, 320, 404, 400]
    # the middle of the bottom edge is exactly the pixel that the place was made from
    assert any("fall 0.00 m" in note for note in made.notes)
    assert any("Tsai" in note for note in made.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('focal="5.5"', "", "View_001.xml: Intrinsic: focal: is missing"),
        ('focal="5.5"', 'focal="x"', "Intrinsic: focal: 'x' is not a number"),
        ('focal="5.5"', 'focal="0"', "focal and sx must be above 0"),
        ("</Camera>", "", "is not XML"),
    ],
)
def test_a_damaged_tsai_camera_is_named(
    campus: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    (campus / "View_001.xml").write_text(VIEW.replace(old, new))
    with pytest.raises(SourceError, match=message):
        imported("pets", campus, tmp_path / "drill")


def test_an_option_that_means_nothing_to_a_data_set_is_refused(
    sequence: Path, tmp_path: Path
) -> None:
    with pytest.raises(DrillImportError, match="--miss-rate: mot does not use it; it has --boxes"):
        check_options("mot", ["boxes", "miss_rate"])
    app = Typer()
    app.command()(command)
    arguments = ["pets", str(sequence), str(tmp_path / "drill"), "--camera", "x.toml"]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, DrillImportError)


@pytest.mark.data
def test_the_real_campus_imports(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "pets2009-s2l1"
    if not folder.is_dir():
        pytest.skip(f"no PETS data at {folder}")
    made = imported("pets", folder, tmp_path / "drill", boxes="gt")
    drill = load_drill(made.folder)
    truth = load_truth(made.folder, drill.site)
    assert truth is not None
    assert len(truth.people) == 10
    (said,) = (note for note in made.notes if " fall " in note)
    assert float(said.split("fall ")[1].split(" m")[0]) < 0.1
