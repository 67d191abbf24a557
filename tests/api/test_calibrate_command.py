"""`lastseen calibrate`: fits, tells, refuses and writes, whole or not at all."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

from api.calibrating import calibrate_camera, camera_path, write_calibration
from api.calibration_result import new_file
from api.cli import app, main
from api.errors import CalibrateError, SiteWriteError
from calibration.camera_loading import reference_file
from calibration.camera_writing import rewritten
from calibration.errors import DegeneratePoints, SiteError
from calibration.site import load_site
from tests.calibration.small_site import LENS, SmallSite, camera

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MODEL = camera((9.8, 0.2, 2.6), (3.0, 4.0, 0.0))
PLACES = np.array(
    [(3, 3, 0), (5, 2, 0), (2, 5, 0), (4, 5, 1.0), (6, 4, 0), (3, 4.5, 0), (7, 3, 0), (1, 3.5, 0)],
    dtype=np.float64,
)
RUNNER = CliRunner()

TEXT = """\
# Camera of the hall, surveyed on a Sunday
schema = 1
id = "cam-01"
name = "Hall"  # above the bench
address = "rtsp://user:secret-word@10.0.0.5/stream1"
placement = "interior"
level = "L1"

[lens]  # from the maker
width_px = 640
height_px = 360
fx = 320.0  # told as 90 degrees
fy = 320.0
cx = 319.5
cy = 179.5
k1 = -0.1

# measured from the west wall
"""


def readings(noise_px: float = 0.5, seed: int = 1) -> NDArray[np.float64]:
    px, seen = MODEL.to_image(PLACES)
    assert seen.all()
    return np.round(px + np.random.default_rng(seed).normal(0, noise_px, px.shape), 1)


def surveyed(px: NDArray[np.float64], xyz_m: NDArray[np.float64] = PLACES) -> str:
    blocks = [
        tomli_w.dumps(
            {"landmarks": [{"name": f"mark {i + 1}", "pixel": p.tolist(), "metres": m.tolist()}]}
        )
        for i, (p, m) in enumerate(zip(px, xyz_m, strict=True))
    ]
    return TEXT + "\n".join(blocks).replace("metres = ", "# tape\nmetres = ")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The small site; its camera has eight landmarks."""
    folder = SmallSite().write(tmp_path / "school")
    (folder / "cameras" / "cam-01.toml").write_text(surveyed(readings()))
    return folder


def run(site: Path, *options: str, camera_id: str = "cam-01") -> Any:
    return RUNNER.invoke(mounted(), ["calibrate", str(site), camera_id, *options])


def mounted() -> Any:
    from api.cli import _mount

    if not any(command.name == "calibrate" for command in app.registered_commands):
        _mount()
    return app


def test_it_tells_the_error_and_changes_nothing(site: Path) -> None:
    before = camera_path(site, "cam-01").read_text()

    result = run(site)

    assert result.exit_code == 0, result.output
    assert "Expected error on the floor" in result.output
    assert "m above the floor" in result.output
    assert "Left out in turn" in result.output
    assert "secret-word" not in result.output
    assert camera_path(site, "cam-01").read_text() == before
    assert sorted(path.name for path in (site / "cameras").iterdir()) == ["cam-01.toml"]


def test_json_has_the_same(site: Path) -> None:
    told = json.loads(run(site, "--json").stdout)

    assert told["centre_m"] == pytest.approx([9.8, 0.2, 2.6], abs=0.1)
    assert told["measured"]
    assert 0.005 < told["held_out_m"] < 0.3
    assert [landmark["believed"] for landmark in told["landmarks"]] == [True] * 8
    worst = [band["worst_m"] for band in told["expected_error"]]
    assert worst == sorted(worst)
    assert told["moved_m"] is None


def test_misread_landmarks_are_named(site: Path) -> None:
    px = readings()
    px[1] += (30.0, -20.0)
    camera_path(site, "cam-01").write_text(surveyed(px))

    told = json.loads(run(site, "--json").stdout)

    assert [one["name"] for one in told["landmarks"] if not one["believed"]] == ["mark 2"]
    assert "contradicts the others" in run(site).output


def test_written_it_is_what_the_site_loads(site: Path) -> None:
    result = run(site, "--write")

    assert result.exit_code == 0, result.output
    text = camera_path(site, "cam-01").read_text()
    for comment in ("surveyed on a Sunday", "above the bench", "from the maker", "# tape"):
        assert comment in text
    assert text.count("[[landmarks]]") == 8
    loaded = load_site(site)
    assert loaded.warnings == ()
    model = loaded.cameras["cam-01"].model
    done = calibrate_camera(site, "cam-01")
    assert loaded.cameras["cam-01"].calibrated_by == "pose"
    assert model.centre_m == pytest.approx(done.fit.camera.centre_m, abs=1e-6)
    assert model.floor_error_m == pytest.approx(done.fit.camera.floor_error_m, abs=1e-4)
    at_px = np.array([[320.0, 250.0], [100.0, 150.0]])
    assert model.calibration_cov_m2(at_px) == pytest.approx(
        done.fit.camera.calibration_cov_m2(at_px), rel=1e-3
    )
    # Again, it is compared with what was written, and replaces it.
    again = json.loads(run(site, "--json", "--write").stdout)
    assert again["moved_m"] < 1e-6
    assert camera_path(site, "cam-01").read_text() == text


def test_a_moved_camera_shows_in_the_comparison(site: Path) -> None:
    run(site, "--write")
    text = camera_path(site, "cam-01").read_text()
    kept = text[text.index("[pose]") :]
    moved = camera((9.8, 0.2, 2.6), (3.0, 4.4, 0.0))
    px, _ = moved.to_image(PLACES)
    camera_path(site, "cam-01").write_text(surveyed(px) + kept)

    assert json.loads(run(site, "--json").stdout)["moved_m"] > 0.2


def csv_of(
    path: Path, px: NDArray[np.float64], *, header: str = "pixel_x,pixel_y,x,y,z,name"
) -> Path:
    rows = [
        f"{p[0]},{p[1]},{m[0]},{m[1]},{m[2] or ''},point {i}"
        for i, (p, m) in enumerate(zip(px, PLACES, strict=True))
    ]
    path.write_text("\n".join(["pixel_x,pixel_y,x,y,z,name", *rows]) + "\n")
    return path


def test_landmarks_of_a_file_go_into_the_camera(site: Path, tmp_path: Path) -> None:
    SmallSite().write(site)  # its camera has a pose and no landmarks
    survey = csv_of(tmp_path / "survey.csv", readings())

    result = run(site, "--landmarks", str(survey), "--write")

    assert result.exit_code == 0, result.output
    table = tomllib.loads(camera_path(site, "cam-01").read_text())
    assert [one["name"] for one in table["landmarks"]] == [f"point {i}" for i in range(8)]
    assert table["landmarks"][3]["metres"] == [4.0, 5.0, 1.0]
    assert table["calibration"]["landmarks"] == 8
    assert load_site(site).cameras["cam-01"].model.calibration_cov is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1 must be pixel_x,pixel_y,x,y"),
        ("px,py,x,y\n1,2,3,4\n", "line 1 must be"),
        ("pixel_x,pixel_y,x,y\n1,2,3,4\n5,six,7,8\n", "line 3: pixel_y is 'six', not a number"),
        ("pixel_x,pixel_y,x,y\n1,2,3\n", "line 2: y is '', not a number"),
        ("pixel_x,pixel_y,x,y\n1,2,3,nan\n", "line 2: y is nan, not a finite number"),
        ("pixel_x,pixel_y,x,y\n", "has no"),
    ],
)
def test_a_spoilt_file_of_landmarks_is_refused(
    site: Path, tmp_path: Path, content: str, message: str
) -> None:
    survey = tmp_path / "survey.csv"
    survey.write_text(content)
    with pytest.raises(CalibrateError, match=message):
        calibrate_camera(site, "cam-01", landmarks_file=survey)


@pytest.mark.parametrize(
    ("rows", "change", "message"),
    [
        pytest.param([0, 1, 2], (1, 1, 1), "3 landmarks do not fix a camera", id="too few"),
        pytest.param(range(8), (1, 1e-3, 0), "lie on one line", id="one line"),
        pytest.param(range(8), (1, -1, 1), "mirror image of what the picture shows", id="mirror"),
    ],
)
def test_degenerate_landmarks_are_refused(
    site: Path, rows: Any, change: tuple[float, ...], message: str
) -> None:
    rows = list(rows)
    text = surveyed(readings()[rows], PLACES[rows] * np.array(change))
    camera_path(site, "cam-01").write_text(text)
    with pytest.raises(DegeneratePoints, match=f"cameras/cam-01.toml: .*{message}"):
        calibrate_camera(site, "cam-01")
    result = run(site, "--write")
    assert result.exit_code == 1
    assert camera_path(site, "cam-01").read_text() == text


def test_an_unknown_camera_is_named_with_those_there_are(site: Path) -> None:
    with pytest.raises(CalibrateError, match="has no camera 'cam-9'; it has cam-01"):
        calibrate_camera(site, "cam-9")
    with pytest.raises(CalibrateError, match="no camera"):
        calibrate_camera(site, "../site")


def test_a_camera_without_landmarks_says_what_to_survey(tmp_path: Path) -> None:
    folder = SmallSite().write(tmp_path)
    with pytest.raises(CalibrateError, match=r"has no \[\[landmarks\]\]; survey at least four"):
        calibrate_camera(folder, "cam-01")


def test_a_site_without_a_plan_is_refused(site: Path) -> None:
    (site / "floor_plan.geojson").unlink()
    with pytest.raises(SiteError, match="is missing"):
        calibrate_camera(site, "cam-01")


def test_the_lens_is_refined_and_written(site: Path) -> None:
    rng = np.random.default_rng(2)
    places = [p for p in rng.uniform((0.5, 0.5, 0.0), (8.5, 5.5, 2.0), (60, 3))
              if MODEL.to_image(p[None])[1][0]][:16]  # fmt: skip
    xyz_m = np.round(np.array(places), 2)
    px = np.round(MODEL.to_image(xyz_m)[0], 1)
    told = (
        surveyed(px, xyz_m).replace("fx = 320.0", "fx = 345.0").replace("fy = 320.0", "fy = 345.0")
    )
    camera_path(site, "cam-01").write_text(told)

    result = run(site, "--refine-lens", "--write")

    assert result.exit_code == 0, result.output
    assert "The lens was fitted" in result.output
    text = camera_path(site, "cam-01").read_text()
    assert "# told as 90 degrees" in text
    lens = load_site(site).cameras["cam-01"].model.lens
    assert lens.fx == pytest.approx(LENS.fx, rel=0.02)
    assert lens.k1 == pytest.approx(LENS.k1, abs=0.02)


def still(path: Path, size_px: tuple[int, int] = (640, 360)) -> Path:
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(0, 255, (18, 32, 3), np.uint8), np.ones((20, 20, 1), np.uint8))
    cv2.imwrite(str(path), cv2.resize(picture, size_px))
    return path


def test_a_still_is_kept_as_corners_only(site: Path, tmp_path: Path) -> None:
    picture = still(tmp_path / "still.png")

    result = run(site, "--still", str(picture), "--write")

    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (site / "cameras").iterdir()) == [
        reference_file("cam-01"),
        "cam-01.toml",
    ]
    reference = load_site(site).cameras["cam-01"].reference
    assert reference is not None
    assert len(reference) > 100
    with np.load(site / "cameras" / reference_file("cam-01")) as kept:
        assert set(kept.files) == {"schema", "size_px", "xy_px", "codes", "look"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"text"), "is no picture that can be read"),
        (lambda path: path.write_bytes(b""), "is no picture that can be read"),
        (lambda path: still(path, (480, 480)), "is 480x480, the lens is of a picture of 640x360"),
        (lambda path: cv2.imwrite(str(path), np.zeros((360, 640, 3), np.uint8)), "too little"),
    ],
)
def test_a_still_that_is_none_is_refused(
    site: Path, tmp_path: Path, make: Any, message: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = camera_path(site, "cam-01").read_text()
    picture = tmp_path / "still.png"
    make(picture)
    command = ["lastseen", "calibrate", str(site), "cam-01", "--still", str(picture), "--write"]
    monkeypatch.setattr("sys.argv", command)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert message in capsys.readouterr().err
    assert camera_path(site, "cam-01").read_text() == before


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_the_drawing(site: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / "out" / f"map{ending}"

    result = run(site, "--map", str(out), "--still", str(still(tmp_path / "still.png")))

    assert result.exit_code == 0, result.output
    start = out.read_bytes()[:200]
    assert start.startswith(b"\x89PNG") if ending == ".png" else b"<svg" in out.read_bytes()[:2000]
    assert len(out.read_bytes()) > 10_000


def test_a_drawing_of_another_kind_is_refused(site: Path, tmp_path: Path) -> None:
    result = run(site, "--map", str(tmp_path / "map.gif"))
    assert result.exit_code == 1
    assert "ends in .png or .svg" in str(result.exception)


def test_what_would_not_load_is_not_written(site: Path) -> None:
    before = camera_path(site, "cam-01").read_text()
    done = calibrate_camera(site, "cam-01")
    with pytest.raises(SiteWriteError, match="is left as it is"):
        write_calibration(site, done, before.replace("schema = 1", "schema = 7"), None)
    assert camera_path(site, "cam-01").read_text() == before


ODD = 'schema = 1\nid = "c"\nlens = { width_px = 640, fx = 1.0 }\n\n[pose]\nR = [[1.0]]\n'


def test_a_file_in_another_style_is_written_anew() -> None:
    made = rewritten(
        ODD, tables={"pose": {"t": [1.0, 2.0]}}, top={}, lens={"fx": 2.0}, landmarks=None
    )

    assert not made.comments_kept
    assert tomllib.loads(made.text) == {
        "schema": 1,
        "id": "c",
        "lens": {"width_px": 640, "fx": 2.0},
        "pose": {"t": [1.0, 2.0]},
    }


def test_a_date_and_names_survive(site: Path) -> None:
    import datetime as dt

    done = calibrate_camera(site, "cam-01")
    text = camera_path(site, "cam-01").read_text()

    made = new_file(done, text, dt.date(2026, 3, 2), survey=False)

    assert made.comments_kept
    assert tomllib.loads(made.text)["calibration"]["date"] == dt.date(2026, 3, 2)
