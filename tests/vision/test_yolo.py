"""The detector: its own logic on made-up network outputs, then the shipped weights themselves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.errors import CheckpointError
from models.export import openvino_model
from models.registry import Checkpoint, find_checkpoint
from vision.backend_openvino import OpenVinoBackend
from vision.backend_torch import TorchBackend
from vision.decode import decode_file
from vision.yolo import YoloDetector, load_detector

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECKPOINT = Checkpoint(
    "made-up",
    Path("none.pt"),
    "0" * 64,
    ("person", "firearm", "dog"),
    {"person": 0.5, "firearm": 0.2},
    640,
    "CC0",
    None,
)


class Says:
    """A backend that says the same of every picture: rows of cx, cy, w, h, class, score."""

    name = "made-up"

    def __init__(self, *rows: tuple[float, float, float, float, int, float]) -> None:
        self.rows = rows
        self.batches: list[tuple[int, ...]] = []

    def scores(self, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(inputs.shape)
        output = np.zeros((4 + 3, len(self.rows)), np.float32)
        for anchor, (*box, number, score) in enumerate(self.rows):
            output[:4, anchor] = box
            output[4 + number, anchor] = score
        return np.stack([output] * len(inputs))


def picture(width: int, height: int) -> NDArray[np.uint8]:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("rows", "classes"),
    [
        pytest.param([(100, 100, 40, 80, 0, 0.9)], [0], id="a-person"),
        pytest.param([(100, 100, 40, 80, 0, 0.49)], [], id="below-its-operating-point"),
        pytest.param([(100, 100, 40, 80, 1, 0.21)], [1], id="a-firearm-has-its-own-point"),
        pytest.param([(100, 100, 40, 80, 2, 0.99)], [], id="a-class-without-a-point-is-silent"),
        pytest.param(
            [(100, 100, 40, 80, 0, 0.9), (102, 101, 40, 80, 0, 0.8)], [0], id="twice-is-once"
        ),
        pytest.param(
            [(100, 100, 40, 80, 0, 0.9), (130, 100, 40, 80, 0, 0.8)], [0, 0], id="side-by-side"
        ),
        pytest.param(
            [(100, 100, 40, 80, 0, 0.9), (100, 100, 40, 80, 1, 0.8)], [0, 1], id="classes-overlap"
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_which_boxes_are_reported(
    rows: list[tuple[float, float, float, float, int, float]], classes: list[int]
) -> None:
    [found] = YoloDetector(CHECKPOINT, Says(*rows)).detect([picture(640, 360)])
    assert sorted(found.class_id.tolist()) == classes
    assert found.class_names == CHECKPOINT.classes
    assert found.xyxy_px.dtype == np.float32


def test_boxes_are_in_pixels_of_the_picture() -> None:
    detector = YoloDetector(CHECKPOINT, Says((320, 192, 64, 128, 0, 0.9)))
    [found] = detector.detect([picture(1280, 720)])
    assert found.xyxy_px.tolist() == [[576.0, 232.0, 704.0, 488.0]]


def test_pictures_of_one_aspect_are_one_batch_and_the_order_is_kept() -> None:
    backend = Says((320, 192, 64, 128, 0, 0.9))
    sizes = [(640, 360), (768, 576), (640, 360), (1920, 1080), (768, 576)]
    found = YoloDetector(CHECKPOINT, backend).detect([picture(*size) for size in sizes])
    assert backend.batches == [(3, 384, 640, 3), (2, 480, 640, 3)]
    widths = [float(f.xyxy_px[0, 2] - f.xyxy_px[0, 0]) for f in found]
    assert widths == pytest.approx([64, 64 * 768 / 640, 64, 192, 64 * 768 / 640])


def test_no_pictures_no_work() -> None:
    backend = Says()
    assert YoloDetector(CHECKPOINT, backend).detect([]) == []
    assert backend.batches == []


def test_operating_points_can_be_given_for_known_classes_only() -> None:
    backend = Says((100, 100, 40, 80, 0, 0.3))
    [found] = YoloDetector(CHECKPOINT, backend, {"person": 0.25}).detect([picture(640, 360)])
    assert len(found) == 1
    with pytest.raises(CheckpointError, match=r"has no classes \['cat'\]"):
        YoloDetector(CHECKPOINT, backend, {"cat": 0.5})


def test_cuda_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.backend_choice.cuda_is_there", lambda: False)
    with pytest.raises(CheckpointError, match="no CUDA device"):
        load_detector("cuda")


@pytest.fixture(scope="module")
def shipped() -> YoloDetector:
    return load_detector("cpu")


@pytest.mark.parametrize("size", [(640, 360), (768, 576), (416, 416), (1920, 1080)])
def test_the_shipped_weights_take_every_size(shipped: YoloDetector, size: tuple[int, int]) -> None:
    [found] = shipped.detect([picture(*size)])
    assert len(found) == 0


def test_a_frame_gives_the_same_boxes_alone_and_in_a_batch(
    shipped: YoloDetector, wing_dir: Path
) -> None:
    frames = drill_frames(wing_dir, 6)
    together = shipped.detect(frames)
    for frame, found in zip(frames, together, strict=True):
        [alone] = shipped.detect([frame])
        np.testing.assert_allclose(alone.xyxy_px, found.xyxy_px, atol=0.01)
        np.testing.assert_allclose(alone.confidence, found.confidence, atol=1e-4)


@pytest.mark.gpu
def test_cuda_finds_what_the_cpu_finds(shipped: YoloDetector, wing_dir: Path) -> None:
    frames = drill_frames(wing_dir, 6)
    for one, other in zip(
        load_detector("cuda").detect(frames), shipped.detect(frames), strict=True
    ):
        sure = other.persons().confidence >= 0.6
        assert len(one.persons()) >= int(sure.sum())


def test_openvino_computes_what_torch_computes(wing_dir: Path) -> None:
    checkpoint = find_checkpoint()
    inputs = np.stack(
        [np.pad(frame, ((12, 12), (0, 0), (0, 0))) for frame in drill_frames(wing_dir, 3)]
    )
    torch_raw = TorchBackend(checkpoint, "cpu").scores(inputs)
    exact = OpenVinoBackend(openvino_model(checkpoint), "f32").scores(inputs)
    # OpenVINO stores the weights in half precision after batch norms are folded into them. Where
    # the network sees nothing its boxes mean nothing and move by more.
    seen = torch_raw[:, 4:].max(axis=1) >= 0.1
    assert seen.sum() > 20
    scored = np.abs(exact[:, 4:] - torch_raw[:, 4:]).max(axis=1)
    assert np.median(scored[seen]) < 0.01
    assert scored.max() < 0.08
    moved_px = np.abs(exact[:, :4] - torch_raw[:, :4]).max(axis=1)[seen]
    assert np.median(moved_px) < 0.1
    assert moved_px.max() < 2


def test_bfloat16_stays_near_single_precision(shipped: YoloDetector, wing_dir: Path) -> None:
    checkpoint = find_checkpoint()
    exact = YoloDetector(checkpoint, OpenVinoBackend(openvino_model(checkpoint), "f32"))
    for one, other in zip(
        *(d.detect(drill_frames(wing_dir, 6)) for d in (exact, shipped)), strict=True
    ):
        sure = one.persons().confidence >= 0.6
        assert len(other.persons()) >= int(sure.sum())


def drill_frames(wing_dir: Path, count: int) -> list[NDArray[np.uint8]]:
    """Frames of the built-in drill, spread over its first cameras."""
    videos = sorted((wing_dir / "video").glob("*.mp4"))[:count]
    if not videos:
        pytest.skip(f"{wing_dir} has no videos; render it with benchmarks/renderer")
    frames = []
    for video in videos:
        with closing(decode_file(video, "cam")) as decoded:
            frames.append(next(frame.image for frame in decoded if frame.index == 100))
    return frames
