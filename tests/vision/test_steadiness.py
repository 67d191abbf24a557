"""A camera that was bumped is noticed; people, lamps and compression are not taken for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from vision.decode import decode_file
from vision.detections import Detections
from vision.errors import VisionError
from vision.frames import BoxFrame, Frame
from vision.steadiness import CHECK_EVERY_S, Steadiness, reference_from
from vision.view import View
from vision.view_features import ReferenceFileError, from_bytes, to_bytes, view_features
from vision.view_shift import find_shift
from vision.view_watch import CHECKS_A_SECOND, ViewWatch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

SIZE_PX = (640, 360)
NOBODY = np.zeros((0, 4), np.float32)


def room(seed: int = 0) -> Picture:
    """A room with 150 boards, frames and posters on its walls, larger than the picture."""
    rng = np.random.default_rng(seed)
    canvas = np.full((560, 840, 3), 150, np.uint8)
    for _ in range(150):
        x, y, wide, high = rng.integers((0, 0, 8, 8), (800, 520, 90, 90)).tolist()
        colour = rng.integers(20, 235, 3).tolist()
        cv2.rectangle(canvas, (x, y), (x + wide, y + high), colour, int(rng.choice([-1, 2])))
    return cv2.GaussianBlur(canvas, (0, 0), 0.8).astype(np.uint8)


ROOM = room()


def seen(
    shift_px: tuple[float, float] = (0.0, 0.0),
    *,
    turn_deg: float = 0.0,
    zoom: float = 1.0,
    noise: int = 0,
    of: Picture = ROOM,
) -> Picture:
    """The picture of a camera whose view has moved by so much."""
    middle = (840 / 2, 560 / 2)
    warp = cv2.getRotationMatrix2D(middle, -turn_deg, zoom)
    warp[:, 2] += np.array(shift_px) - np.array([100.0, 100.0])
    picture = cv2.warpAffine(of, warp, SIZE_PX, flags=cv2.INTER_CUBIC)
    jitter = np.random.default_rng(noise).normal(0, 2.0, picture.shape)
    return np.asarray(np.clip(picture + jitter, 0, 255), np.uint8)


def with_people(picture: Picture, at: int, count: int = 6) -> tuple[Picture, NDArray[np.float32]]:
    """People who have walked on at each `at`; six of them cover a third of the picture."""
    rng = np.random.default_rng(7)
    picture, boxes = picture.copy(), []
    for k in range(count):
        x, y = int(60 + 95 * k + 17 * at) % 580, 60 + 12 * k
        clothes = rng.integers(0, 255, (4, 2, 3), np.uint8)
        picture[y : y + 220, x : x + 60] = np.kron(clothes, np.ones((55, 30, 1), np.uint8))
        boxes.append((x, y, x + 60, y + 220))
    return picture, np.array(boxes, np.float32)


def jpeg(picture: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def dimmed(picture: Picture) -> Picture:
    return np.asarray(picture * 0.25, np.uint8)


def after(*pictures: Picture, people: NDArray[np.float32] = NOBODY) -> View:
    """The view after a saved reference was held against these pictures."""
    steadiness = Steadiness(reference_from(seen(noise=99), NOBODY))
    for k, picture in enumerate(pictures):
        steadiness.look(picture, people, float(k))
    return steadiness.view


@pytest.mark.parametrize(
    ("shift_px", "condition"),
    [
        (0.0, "steady"),
        (1.0, "steady"),
        (3.0, "shifted"),
        (10.0, "moved"),
        (40.0, "moved"),
        (90.0, "moved"),
    ],
)
@pytest.mark.parametrize("direction_deg", [0.0, 70.0, 200.0])
def test_a_shift_is_measured(shift_px: float, condition: str, direction_deg: float) -> None:
    angle = math.radians(direction_deg)
    moved = (shift_px * math.cos(angle), shift_px * math.sin(angle))

    view = after(*(seen(moved, noise=k) for k in range(3)))

    assert view.condition == condition
    assert view.usable is (condition != "moved")
    measured = find_shift(view_features(seen(noise=99), NOBODY), view_features(seen(moved), NOBODY))
    assert measured.shift_px == pytest.approx(shift_px, abs=0.6)
    if condition != "steady":
        assert view.shift_px == pytest.approx(shift_px, abs=0.6)


@pytest.mark.parametrize(("turn_deg", "zoom"), [(4.0, 1.0), (-3.0, 1.0), (0.0, 1.08), (3.0, 0.93)])
def test_turn_and_zoom_are_told(turn_deg: float, zoom: float) -> None:
    view = after(*(seen(turn_deg=turn_deg, zoom=zoom, noise=k) for k in range(3)))

    assert view.condition == "moved"
    assert view.turn_deg == pytest.approx(turn_deg, abs=0.3)
    assert view.scale == pytest.approx(zoom, abs=0.01)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(dimmed, id="light off"),
        pytest.param(lambda p: np.clip(p * 1.4 + 20, 0, 255).astype(np.uint8), id="light on"),
        pytest.param(lambda p: (255 * (p / 255.0) ** 2).astype(np.uint8), id="exposure"),
        pytest.param(lambda p: jpeg(p, 12), id="compression"),
        pytest.param(
            lambda p: cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR),
            id="night mode",
        ),
    ],
)
def test_what_is_no_motion(change: Callable[[Picture], Picture]) -> None:
    view = after(*(change(seen(noise=k)) for k in range(6)))

    assert (view.condition, view.shift_px, view.trouble) == ("steady", 0.0, "")


@pytest.mark.parametrize("known", [True, False], ids=["people known", "people not detected"])
def test_people_who_walk_are_no_motion(known: bool) -> None:
    steadiness = Steadiness(reference_from(seen(noise=99), NOBODY))
    for k in range(8):
        picture, boxes_px = with_people(seen(noise=k), k)
        view = steadiness.look(picture, boxes_px if known else NOBODY, float(k))
        assert (view.condition, view.shift_px) == ("steady", 0.0)


def test_a_shift_is_seen_past_people() -> None:
    steadiness = Steadiness(reference_from(seen(noise=99), NOBODY))
    for k in range(3):
        picture, boxes_px = with_people(seen((12.0, 5.0), noise=k), k)
        steadiness.look(picture, boxes_px, float(k))

    assert steadiness.view.condition == "moved"
    assert steadiness.view.shift_px == pytest.approx(13.0, abs=0.6)


def test_letters_in_the_picture_do_not_hold_it_still() -> None:
    def labelled(picture: Picture) -> Picture:
        picture = picture.copy()
        for y in (16, 354):
            cv2.putText(
                picture, "CAM 07 LIBRARY 2026-03-02 09:14:55", (6, y), 0, 0.55, (255, 255, 255), 1
            )
        return picture

    steadiness = Steadiness(reference_from(labelled(seen(noise=99)), NOBODY))
    for k in range(3):
        steadiness.look(labelled(seen((25.0, 0.0), noise=k)), NOBODY, float(k))

    assert steadiness.view.shift_px == pytest.approx(25.0, abs=0.6)


def test_one_odd_picture_is_not_believed() -> None:
    still = [seen(noise=k) for k in range(3)]

    assert after(*still, seen((30.0, 0.0))).condition == "steady"
    assert after(*still, *[seen((30.0, 0.0), noise=k) for k in range(2)]).condition == "moved"


def test_a_camera_that_is_put_back_is_used_again() -> None:
    moved = [seen((30.0, 0.0), noise=k) for k in range(3)]

    assert after(*moved).condition == "moved"
    assert after(*moved, *[seen(noise=k) for k in range(2)]).condition == "steady"


COVERED = np.full((360, 640, 3), 60, np.uint8)
BLURRED = cv2.GaussianBlur(seen(), (0, 0), 6.0).astype(np.uint8)


@pytest.mark.parametrize(
    ("picture", "condition", "words"),
    [
        pytest.param(COVERED, "covered", "shows nothing", id="covered"),
        pytest.param(np.zeros_like(COVERED), "covered", "or it is dark", id="black"),
        pytest.param(BLURRED, "blurred", "out of focus", id="blurred"),
    ],
)
def test_a_picture_that_tells_nothing_is_told(picture: Picture, condition: str, words: str) -> None:
    assert after(seen(), picture).condition == "steady"  # a single one may be a fault
    view = after(seen(), picture, picture, picture)

    assert view.condition == condition
    assert words in view.trouble
    assert not view.tells_absence
    assert view.shift_px == 0.0


def test_the_last_known_shift_outlasts_the_dark() -> None:
    moved = [seen((4.0, 0.0), noise=k) for k in range(3)]

    view = after(*moved, *[COVERED] * 4)

    assert view.condition == "covered"
    assert view.shift_px == pytest.approx(4.0, abs=0.5)


def test_a_camera_that_looks_elsewhere_is_not_used() -> None:
    elsewhere = [seen(noise=k, of=room(5)) for k in range(5)]

    assert after(seen(), *elsewhere[:4]).usable
    view = after(seen(), *elsewhere)
    assert view.elsewhere
    assert view.condition == "moved"
    assert view.shift_px == pytest.approx(math.hypot(*SIZE_PX))
    assert "shows another place" in view.trouble
    # A dark picture does not acquit it; the right view does.
    assert after(seen(), *elsewhere, COVERED, COVERED).condition == "moved"
    assert after(seen(), *elsewhere, seen(), seen()).condition == "steady"


def test_without_a_saved_reference_the_first_pictures_are_it() -> None:
    steadiness = Steadiness()
    for k in range(3):
        picture, boxes_px = with_people(seen(noise=k), 2 * k, count=3)
        steadiness.look(picture, NOBODY if k else boxes_px, float(k))
    assert steadiness.view == View("steady", agreeing=steadiness.view.agreeing)

    for k in range(3):
        steadiness.look(seen((20.0, 0.0), noise=k), NOBODY, 3.0 + k)

    assert steadiness.view.condition == "moved"
    assert steadiness.view.shift_px == pytest.approx(20.0, abs=0.6)


def test_a_dark_start_makes_no_reference() -> None:
    steadiness = Steadiness()
    for k in range(4):
        assert steadiness.look(COVERED, NOBODY, float(k)).condition == "unknown"
    for k in range(3):
        steadiness.look(seen(noise=k), NOBODY, 4.0 + k)
    assert steadiness.view.condition == "steady"


def test_a_bare_wall_gives_no_reference() -> None:
    assert reference_from(COVERED, NOBODY) is None


def test_a_reference_fits_a_substream() -> None:
    steadiness = Steadiness(reference_from(seen(noise=99), NOBODY))
    half = cv2.resize(seen((12.0, 0.0)), (480, 270), interpolation=cv2.INTER_AREA).astype(np.uint8)
    for k in range(3):
        steadiness.look(half, NOBODY, float(k))
    assert steadiness.view.condition == "moved"
    assert steadiness.view.shift_px == pytest.approx(9.0, abs=0.6)


def test_a_reference_file_gives_back_what_was_saved() -> None:
    features = view_features(seen(), NOBODY)

    same = from_bytes(to_bytes(features), "cam-01.reference.npz")

    assert same.size_px == features.size_px
    assert (same.xy_px == features.xy_px).all()
    assert (same.codes == features.codes).all()
    assert same.sharpness == pytest.approx(features.sharpness)


SAVED = to_bytes(view_features(seen(), NOBODY))


@pytest.mark.parametrize("content", [b"", b"PK not a zip", SAVED[:-99]])
def test_a_damaged_reference_file_is_refused(content: bytes) -> None:
    with pytest.raises(ReferenceFileError, match=r"x\.npz: is no reference file") as raised:
        from_bytes(content, "x.npz")
    assert isinstance(raised.value, VisionError)


def frame_of(camera: str, picture: Picture, at_s: float) -> Frame:
    return Frame(camera, round(at_s * 10), at_s, "drill", at_s, picture)


def test_cameras_are_checked_in_turn_about_once_a_second() -> None:
    watch = ViewWatch()
    looked: dict[str, list[float]] = {}
    original = Steadiness.look
    plain = [np.full((90, 160, 3), c, np.uint8) for c in range(6)]

    def counted(
        self: Steadiness, image: Picture, people: NDArray[np.float32], now_s: float
    ) -> View:
        looked.setdefault(str(image[0, 0].tolist()), []).append(now_s)
        return original(self, image, people, now_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Steadiness, "look", counted)
        for k in range(40):
            frames = [frame_of(f"c{c}", plain[c], k / 10) for c in range(6)]
            before = sum(map(len, looked.values()))
            watch.check(frames, [NOBODY] * 6)
            assert sum(map(len, looked.values())) - before <= 2
    assert len(looked) == 6
    for times in looked.values():
        assert len(times) in {4, 5}
        assert np.diff(times).min() >= CHECK_EVERY_S - 1e-9


def test_hundreds_of_cameras_share_the_checks_that_there_is_time_for() -> None:
    watch, checks = ViewWatch(), 0
    checked = {f"c{c}": -1.0 for c in range(40)}
    plain = np.full((36, 64, 3), 90, np.uint8)
    for k in range(100):
        watch.check([frame_of(camera, plain, k / 5) for camera in checked], [NOBODY] * len(checked))
        for camera, before_s in checked.items():
            at_s = max(watch._of(camera).checked_at_s, before_s)
            checks += at_s > before_s
            checked[camera] = at_s
    assert checks <= (20 + 1) * CHECKS_A_SECOND
    assert min(checked.values()) >= 20 - 40 / CHECKS_A_SECOND - 1, (
        "the longest unchecked comes next"
    )


def test_a_camera_that_looks_otherwise_is_checked_before_all_others() -> None:
    reference = reference_from(seen(noise=99), NOBODY)
    assert reference is not None
    watch = ViewWatch({"a": reference})
    others = [f"c{c}" for c in range(30)]
    plain = np.full((36, 64, 3), 90, np.uint8)
    for k in range(200):
        picture = seen((12.0, 0.0), noise=k) if k >= 160 else seen(noise=k)
        frames = [frame_of("a", picture, k / 5), *(frame_of(c, plain, k / 5) for c in others)]
        watch.check(frames, [NOBODY] * len(frames))
        if k == 159:
            assert watch.view("a").condition == "steady"
    assert watch._of("a").checked_at_s >= 33.0
    assert watch.view("a").condition == "moved"


@pytest.mark.parametrize("shift_px", [0.0, 4.0, 20.0])
@pytest.mark.parametrize("saved", [True, False])
def test_a_camera_that_changes_between_its_streams_stands_as_before(
    shift_px: float, *, saved: bool
) -> None:
    """Half of its pictures are twice as large; a shift is told in pixels of the picture."""
    reference = reference_from(seen(noise=99), NOBODY)
    assert reference is not None
    watch = ViewWatch({"a": reference} if saved else {})
    views = []
    for k in range(24):
        picture = seen((shift_px if k >= 8 else 0.0, 0.0), noise=k)
        scale = 2 if (k // 3) % 2 else 1
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)
        watch.check([frame_of("a", picture, 1.5 * k)], [NOBODY])
        views.append(watch.view("a", 640 * scale))
        assert views[-1].shift_px == pytest.approx(watch.view("a", 640).shift_px * scale, abs=1e-6)
    assert views[7].condition == "steady"
    assert watch.view("a", 640).shift_px == pytest.approx(shift_px, abs=0.5)
    assert views[-1].condition == {0.0: "steady", 4.0: "shifted", 20.0: "moved"}[shift_px]
    assert not views[-1].elsewhere


def test_a_watch_knows_its_references_and_passes_over_recorded_boxes() -> None:
    reference = reference_from(seen(noise=99), NOBODY)
    assert reference is not None
    watch = ViewWatch({"a": reference})
    boxes = BoxFrame("b", 0, 0.0, "drill", 0.0, SIZE_PX, Detections.empty())
    for k in range(3):
        watch.check([frame_of("a", seen((20.0, 0.0), noise=k), k * 1.5), boxes], [NOBODY] * 2)

    assert watch.view("a").condition == "moved"
    assert watch.view("b") == View()


DRILL_CAMERAS = [("wing", f"cam-0{k}") for k in range(1, 7)] + [
    ("quiet", f"cam-0{k}") for k in (1, 2, 4, 5)
]


def drill_pictures(root: Path, drill: str, camera: str, every_s: float) -> list[Picture]:
    path = root / "benchmarks" / "drills" / drill / "video" / f"{camera}.mp4"
    pictures, due_s = [], 0.0
    for frame in decode_file(path, camera):
        if frame.captured_at_s >= due_s - 1e-6:
            pictures.append(frame.image)
            due_s += every_s
    return pictures


@pytest.mark.parametrize(("drill", "camera"), DRILL_CAMERAS)
def test_no_false_alarm_in_the_drills(repo_root: Path, drill: str, camera: str) -> None:
    steadiness = Steadiness()
    for k, picture in enumerate(drill_pictures(repo_root, drill, camera, 2.0)):
        view = steadiness.look(picture, NOBODY, 2.0 * k)
        assert view.condition in ({"unknown"} if k < 2 else {"steady"})
        assert view.shift_px < 0.5


@pytest.mark.parametrize("camera", ["cam-01", "cam-03", "cam-06"])
@pytest.mark.parametrize("shift_px", [1.0, 3.0, 10.0, 40.0])
def test_rendered_cameras_that_are_bumped(repo_root: Path, camera: str, shift_px: float) -> None:
    pictures = drill_pictures(repo_root, "wing", camera, 9.0)
    move = np.array([[1.0, 0.0, 0.8 * shift_px], [0.0, 1.0, 0.6 * shift_px]])
    steadiness = Steadiness()
    for k, picture in enumerate(pictures[:3]):
        steadiness.look(picture, NOBODY, float(k))
    for k, picture in enumerate(pictures[3:]):
        bumped = cv2.warpAffine(picture, move, SIZE_PX, borderMode=cv2.BORDER_REFLECT)
        steadiness.look(bumped.astype(np.uint8), NOBODY, 3.0 + k)

    view = steadiness.view
    if shift_px == 1.0:
        assert view.condition == "steady"
    else:
        assert view.condition == ("shifted" if shift_px < 7 else "moved")
        assert view.shift_px == pytest.approx(shift_px, abs=0.6)


def watched(
    pictures: Callable[[int], Picture],
    seconds: int,
    people: Callable[[int], NDArray[np.float32]] = lambda _: NOBODY,
) -> tuple[list[int], dict[int, View]]:
    """When a camera with a saved reference was compared, five pictures a second, and its views."""
    steadiness = Steadiness(reference_from(seen(noise=99), NOBODY))
    compared, views = [], {}
    for k in range(5 * seconds):
        picture = pictures(k)
        if steadiness.overdue_s(picture, people(k), k / 5) >= 0.0:
            steadiness.look(picture, people(k), k / 5)
            compared.append(k)
        views[k] = steadiness.view
    return compared, views


@pytest.mark.parametrize("count", [0, 6])
def test_a_camera_that_stands_still_is_compared_seldom(count: int) -> None:
    walkers = [with_people(seen(noise=k), k, count) for k in range(100)]
    compared, views = watched(lambda k: walkers[k][0], 20, lambda k: walkers[k][1].reshape(-1, 4))
    assert compared == [0, 5, 10, 60]
    assert views[99].condition == "steady"


@pytest.mark.parametrize(
    ("moved", "condition", "within_s"),
    [
        (seen((10.0, 0.0)), "moved", 3.2),
        (seen((-90.0, 30.0)), "moved", 3.2),
        (seen((2.5, 0.0)), "shifted", 12.2),
        (room(5)[100:460, 100:740], "moved", 6.0),
        (np.full_like(seen(), 30), "covered", 3.2),
    ],
    ids=["bumped", "turned", "touched", "elsewhere", "covered"],
)
def test_a_calm_camera_that_is_bumped_is_noticed_as_soon(
    moved: Picture, condition: str, within_s: float
) -> None:
    bump = 61  # it was compared last at 12 s
    _, views = watched(lambda k: moved if k >= bump else seen(noise=k), 28)
    assert views[bump - 1].condition == "steady"
    noticed = next(k for k, view in views.items() if k >= bump and view.condition == condition)
    assert (noticed - bump) / 5 <= within_s


def test_a_light_that_is_switched_is_no_reason_to_compare() -> None:
    compared, _ = watched(lambda k: seen(noise=k) if k < 40 else seen(noise=k) - 12, 12)
    assert len(compared) <= 5
