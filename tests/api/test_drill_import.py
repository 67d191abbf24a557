"""The MEVA gym becomes a drill folder that loads, or nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from api.commands.drill_import import import_drill as command
from api.drill_files import load_drill
from api.drill_import import ImportRequest, importer
from api.errors import DrillImportError
from calibration.import_meva import MevaError, clip_of, read_krtd, read_person_boxes
from vision.boxes import read_mot_boxes

if TYPE_CHECKING:
    from api.drill_import import ImportedDrill
    from calibration.camera import CameraModel
    from calibration.import_meva import PersonBoxes

CLIP = "2018-03-11.16-20-00.16-20-02.school.G330"
# both cameras 4 m up on the west wall, looking east and 45 degrees down, 20 m apart
KRTD = """
1000 0 959.5
0 1000 539.5
0 0 1

0 -1 0
-0.70710678 0 -0.70710678
0.70710678 0 -0.70710678

{t}

-0.3 0.1
"""


def krtd(y_m: float) -> str:
    rotation = np.array([[0, -1, 0], [-0.70710678, 0, -0.70710678], [0.70710678, 0, -0.70710678]])
    t = -rotation @ np.array([-10.0, y_m, 4.0])
    return KRTD.format(t=" ".join(f"{value:.8f}" for value in t))


def geom(frame: int, person: int, box: str) -> str:
    return (
        f"- {{'geom': {{'g0': '{box}', 'id0': 1, 'id1': {person}, 'keyframe': True, "
        f"'ts0': {frame}}}}}\n"
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tiny data set: two cameras, a clip of two seconds, boxes of another day."""
    folder = tmp_path / "meva"
    (folder / "krtd").mkdir(parents=True)
    for camera, y_m in (("G299", -10.0), ("G330", 10.0)):
        name = f"2018-03-15.08-00-00.08-05-00.school.{camera}"
        (folder / "krtd" / f"{name}.krtd").write_text(krtd(y_m))
    notes = folder / "annotation-2018-03-15T1500"
    notes.mkdir()
    for camera, second in (("G299", 0), ("G330", 1)):
        stem = f"2018-03-15.15-00-0{second}.15-05-0{second}.school.{camera}"
        (notes / f"{stem}.geom.yml").write_text(
            geom(4, 7, "900 400 960 600")
            + geom(3, 7, "890 400 950 600")
            + geom(3, 8, "1 1 9 9")
            + geom(9, 7, "2000 400 2060 600")
        )
        (notes / f"{stem}.types.yml").write_text(
            "- {'types': {'cset3': {'person': 1.0}, 'id1': 7}}\n"
            "- {'types': {'cset3': {'bag': 1.0}, 'id1': 8}}\n"
        )
    encode(folder / f"{CLIP}.mp4", frames=15)
    return folder


def encode(path: Path, frames: int) -> None:
    """A clip of 64x48 at 30 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(frames):
            picture = np.full((48, 64, 3), shade * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def imported(source: Path, target: Path, **options: Path | str) -> ImportedDrill:
    return importer("meva")(ImportRequest(source, target, **options), lambda _: None)  # type: ignore[arg-type]


def test_a_clip_becomes_a_drill_at_its_true_rate_with_a_scaled_lens(
    source: Path, tmp_path: Path
) -> None:
    made = imported(source, tmp_path / "drill")
    drill = load_drill(made.folder)
    (feed,) = drill.feeds
    # 15 frames for the 2 s of its name: every fourth of 30 a second
    assert (feed.camera, feed.fps, drill.duration_s) == ("G330", 7.5, 2.0)
    assert feed.path.read_bytes() == (source / f"{CLIP}.mp4").read_bytes()
    lens = drill.site.cameras["G330"].model.lens
    assert (lens.width_px, lens.height_px) == (64, 48)
    assert (lens.fx, lens.fy) == pytest.approx((1000 * 64 / 1920, 1000 * 48 / 1080))
    assert (lens.cx, lens.cy) == pytest.approx((31.5, 23.5))
    assert [space.category for space in drill.site.plan.spaces] == ["gymnasium"]
    assert drill.site.plan.entrances == ()
    assert any("one in 4" in note for note in made.notes)


def test_boxes_of_a_day_become_feeds_that_keep_their_offsets(source: Path, tmp_path: Path) -> None:
    drill = load_drill(imported(source, tmp_path / "drill", boxes="2018-03-15").folder)
    assert [(f.camera, f.has_pixels, f.fps, f.offset_s) for f in drill.feeds] == [
        ("G299", False, 30.0, 0.0),
        ("G330", False, 30.0, 1.0),
    ]
    assert drill.duration_s == 301.0
    frames = list(
        read_mot_boxes(drill.feeds[0].path, "G299", size_px=(1920, 1080), fps=30.0, start_s=0.0)
    )
    # ts0 counts from 0; the bag and the box outside the picture are left out
    assert [len(frame.detections) for frame in frames] == [0, 0, 0, 1, 1]
    assert frames[3].detections.xyxy_px.tolist() == [[890, 400, 950, 600]]


def test_the_floor_holds_feet_and_cameras(source: Path, tmp_path: Path) -> None:
    site = load_drill(imported(source, tmp_path / "drill", boxes="2018-03-15").folder).site
    for camera in site.cameras.values():
        assert camera.model.centre_m is not None
        assert site.plan.space_at("L1", camera.model.centre_m[None, :2])[0] is not None
        xy_m, valid = camera.model.to_floor(np.array([[930.0, 600.0]]))
        assert valid.all()
        assert site.plan.space_at("L1", xy_m)[0] is not None
        assert not camera.visible_floor(site.plan).is_empty


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        ("", {"boxes": "2018-03-16"}, "--boxes 2018-03-16: no boxes of that day; there are 2018-0"),
        ("", {"boxes": "2018-03-15", "video": Path("x.mp4")}, "give one of them"),
        ("", {"video": Path("holiday.mp4")}, "holiday.mp4: is not named as a MEVA clip"),
        (f"{CLIP}.mp4", {}, "holds no video; name one with --video"),
        ("krtd/*G299*", {}, "expected one krtd/*.G299.krtd, found none"),
        ("annotation-*/*.geom.yml", {}, "no boxes of G299 or G330"),
    ],
)
def test_what_is_missing_is_named_and_nothing_stays_behind(
    source: Path, tmp_path: Path, spoil: str, options: dict[str, Path | str], message: str
) -> None:
    for path in source.glob(spoil) if spoil else ():
        path.unlink()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DrillImportError) as caught:
        imported(source, tmp_path / "drill", **options)
    assert message in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_in_use_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "drill").mkdir()
    (tmp_path / "drill" / "mine.txt").write_text("mine")
    with pytest.raises(DrillImportError, match="is not empty"):
        imported(source, tmp_path / "drill")
    assert [path.name for path in (tmp_path / "drill").iterdir()] == ["mine.txt"]


def test_an_unknown_data_set_lists_those_there_are() -> None:
    with pytest.raises(DrillImportError, match=r"no importer 'kitti'; .*: citic, .*meva"):
        importer("kitti")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3", "21 numbers and 0, 2, 4 or 5 more, found 3"),
        (" ".join(["2"] * 23), "R: is not a rotation"),
        ("K R t", "is not a KRTD file"),
    ],
)
def test_a_damaged_camera_model_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.krtd"
    path.write_text(text)
    with pytest.raises(MevaError) as caught:
        read_krtd(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {geom: {id1: 7, ts0: 1}}", "g0: is missing"),
        ("- {geom: {id1: 7, ts0: 1, g0: '1 2 3'}}", "g0: is left, top, right and bottom"),
        ("- {geom: {id1: 7, ts0: one, g0: '1 2 3 4'}}", "ts0, id1 and g0 are numbers"),
        ("geom: 1", "a list of packets is expected"),
        ("- {geom: {", "is not YAML"),
    ],
)
def test_damaged_boxes_are_named(source: Path, text: str, message: str) -> None:
    path = next(source.glob("annotation-*/*G330.geom.yml"))
    path.write_text(text)
    with pytest.raises(MevaError, match=message):
        read_person_boxes(path)


@pytest.mark.parametrize(
    ("name", "camera", "length_s"),
    [
        ("2018-03-11.16-20-00.16-25-00.school.G330.annotated.mp4", "G330", 300),
        ("2018-03-11.23-59-00.00-01-00.school.G299.avi", "G299", 120),
    ],
)
def test_a_clip_says_camera_and_length(name: str, camera: str, length_s: float) -> None:
    clip = clip_of(Path(name))
    assert clip is not None
    assert (clip.camera, clip.length_s) == (camera, length_s)
    assert clip_of(Path("holiday.mp4")) is None


def test_the_command_says_where_the_drill_is(source: Path, tmp_path: Path) -> None:
    app = Typer()
    app.command()(command)
    target = tmp_path / "drill"
    done = CliRunner().invoke(app, ["meva", str(source), str(target)])
    assert done.exit_code == 0, done.output
    assert f"{target}: MEVA school gym 2018-03-11 16:20, G330" in done.output
    assert "note: No entrance is known" in done.output


@pytest.fixture(scope="module")
def meva(data_dir: Path) -> Path:
    folder = data_dir / "meva-school"
    if not folder.is_dir():
        pytest.skip(f"no MEVA data at {folder}")
    return folder


@pytest.fixture(scope="module")
def gym(meva: Path) -> dict[str, tuple[CameraModel, PersonBoxes]]:
    """The real gym's cameras and their boxes of 2018-03-15."""
    return {
        camera: (
            read_krtd(next(meva.glob(f"krtd/*.{camera}.krtd"))),
            read_person_boxes(next(meva.glob(f"annotation-*/*.{camera}.geom.yml"))),
        )
        for camera in ("G299", "G330")
    }


@pytest.mark.data
def test_people_of_the_real_gym_stand_on_its_floor_at_human_height(
    gym: dict[str, tuple[CameraModel, PersonBoxes]],
) -> None:
    for model, boxes in gym.values():
        xy_m, valid = model.to_floor(boxes.foot_px)
        assert valid.all()
        assert (np.abs(xy_m[:, 0]) < 18).all()
        assert (np.abs(xy_m[:, 1]) < 12).all()
        # the head is above the foot: how high does the top edge lie over the place of the foot
        heights_m = np.arange(0.8, 2.6, 0.02)
        tops_px = np.stack(
            [
                model.to_image(np.column_stack([xy_m[::50], np.full(len(xy_m[::50]), h)]))[0][:, 1]
                for h in heights_m
            ]
        )
        height_m = heights_m[np.abs(tops_px - boxes.xyxy_px[::50, 1]).argmin(axis=0)]
        # boxes are drawn with a margin, and some people sit
        assert 1.6 < np.median(height_m) < 2.1
        assert np.percentile(height_m, 5) > 0.9
        assert np.percentile(height_m, 95) < 2.2


@pytest.mark.data
def test_both_cameras_of_the_real_gym_put_a_body_in_one_place(
    gym: dict[str, tuple[CameraModel, PersonBoxes]],
) -> None:
    # pairs of identities that are one body, matched by hand from where and when they walk
    apart_m = []
    for in_g330, in_g299 in ((3, 17), (4, 16), (2, 15), (6, 16), (9, 41)):
        places = []
        for camera, person in (("G330", in_g330), ("G299", in_g299)):
            model, boxes = gym[camera]
            mine = boxes.person == person
            xy_m, _ = model.to_floor(boxes.foot_px[mine])
            places.append(dict(zip(boxes.frame[mine].tolist(), xy_m, strict=True)))
        both = sorted(places[0].keys() & places[1].keys())
        assert len(both) > 100
        steps = [float(np.linalg.norm(places[0][f] - places[1][f])) for f in both]
        apart_m.append(float(np.median(steps)))
    # each camera sees the shoe nearest to it, which alone puts them up to 0.4 m apart
    assert max(apart_m) < 0.6
    assert np.median(apart_m) < 0.5


@pytest.mark.data
def test_the_real_gym_imports_both_ways(meva: Path, tmp_path: Path) -> None:
    video = load_drill(imported(meva, tmp_path / "video").folder)
    assert [(f.camera, f.fps) for f in video.feeds] == [("G330", 7.5)]
    assert video.duration_s == pytest.approx(300.5, abs=0.1)
    boxes = load_drill(imported(meva, tmp_path / "boxes", boxes="2018-03-15").folder)
    assert [f.camera for f in boxes.feeds] == ["G299", "G330"]
    assert len(boxes.site.plan.spaces) == 1
