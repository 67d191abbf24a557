"""How fast do the networks run here, in each precision there is, and do all find the same?

Pictures of a drill lie in memory. Round by round, all contenders (backend and precision) detect the
same pictures in turn: batches of eight with two under way, as live, for frames a second and
processor seconds; then single batches of each size, for how long one takes. Boxes are compared with
those in single precision over more pictures, which are not timed. The whole-frame network sees
frames, the second look's sees squares around the persons in them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from api.drill_files import load_drill
from api.machine import machine_facts, package_versions
from models.errors import CheckpointError, ModelError
from models.person_crops import LOOK_SIDE_PX, cut_square, look_squares, resized
from models.registry import default_name, find_checkpoint, second_look_name
from vision.agreement import COMPARED_FROM, Agreement, compare
from vision.backend_choice import cuda_is_there, load_backend
from vision.backend_openvino import OpenVinoBackend, cpu_abilities
from vision.backend_torch import TorchBackend
from vision.decode import decode_file
from vision.letterbox import Letterbox
from vision.yolo import YoloDetector

from .locate import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.registry import Checkpoint
    from vision.backend import Backend, FlowingBackend
    from vision.backend_choice import Precision
    from vision.detect import Detector, SubmittingDetector

    Picture = NDArray[np.uint8]

ROUNDS = 5
FRAMES = 64
"""Pictures that are timed a round."""

COMPARED_FRAMES = 240
COMPARED_SQUARES = 600
"""Pictures whose boxes are compared."""

BATCH = 8
UNDER_WAY = 2
BATCH_SIZES = (1, 2, 4, 8, 16, 32)
BATCHES_A_ROUND = 3
"""Batches of each size a round, of which the median counts."""

REFERENCE = "f32"


@dataclass(slots=True)
class _Timed:
    """What was measured of one contender, round by round."""

    frames_per_s: list[float] = field(default_factory=list)
    cpu_s_per_1000: list[float] = field(default_factory=list)
    batch_ms: dict[int, list[float]] = field(default_factory=dict)


def measure(
    drill_folder: Path,
    *,
    rounds: int = ROUNDS,
    frames: int = FRAMES,
    exported: Sequence[Path] = (),
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Speed and agreement of every backend and precision that this machine has.

    Args:
        drill_folder: a drill with videos.
        rounds: at least 1; one more warms up.
        frames: pictures that are timed a round.
        exported: OpenVINO models to be measured, too, as `lastseen models export` names them.
        on_progress: told what is measured next.
    """
    whole = _frames(drill_folder, max(frames, COMPARED_FRAMES))
    default = find_checkpoint(default_name())
    close = find_checkpoint(second_look_name())
    persons = YoloDetector(default, load_backend(default, "cpu", "f32"))
    squares = _squares(persons, whole)
    networks = {}
    for checkpoint, pictures, compared in (
        (default, whole, COMPARED_FRAMES),
        (close, squares, COMPARED_SQUARES),
    ):
        on_progress(f"{checkpoint.name}: loading")
        backends = contenders(checkpoint, exported)
        detectors = {name: YoloDetector(checkpoint, one) for name, one in backends.items()}
        timed = time_in_turn(detectors, pictures[:frames], rounds, on_progress=on_progress)
        on_progress(f"{checkpoint.name}: comparing boxes")
        same = agreements(checkpoint, backends, pictures[:compared])
        networks[checkpoint.name] = {
            "input_px": list(_input_px(pictures[0], checkpoint)),
            "timed_pictures": len(pictures[:frames]),
            "compared_pictures": len(pictures[:compared]),
            "contenders": {
                name: {"backend": detectors[name].backend, **timed[name], "boxes": same.get(name)}
                for name in detectors
            },
        }
    return {
        "benchmark": "detect",
        "machine": machine_facts(),
        "versions": package_versions(),
        "drill": load_drill(drill_folder).name,
        "rounds": rounds,
        "batch": BATCH,
        "batches_under_way": UNDER_WAY,
        "compared_from": COMPARED_FROM,
        "networks": networks,
    }


def contenders(
    checkpoint: Checkpoint, exported: Sequence[Path] = ()
) -> dict[str, Backend | FlowingBackend]:
    """Every way to run the checkpoint that this machine has, single precision first.

    Args:
        checkpoint: the weights.
        exported: folders of OpenVINO models; those whose names begin with the checkpoint's count.
    """
    found: dict[str, Backend | FlowingBackend] = {}
    names: tuple[Precision, ...] = ("f32", "half", "int8")
    for precision in names:
        try:
            found[precision] = load_backend(checkpoint, "cpu", precision)
        except CheckpointError:
            continue  # this machine, or these weights, have it not
    for folder in exported:
        if folder.name.startswith(f"{checkpoint.name}-"):
            name = folder.name.removeprefix(f"{checkpoint.name}-").removesuffix("-openvino")
            floats = "bf16" if "BF16" in cpu_abilities() else "f32"
            found[f"exported-{name}"] = OpenVinoBackend(
                folder / "model.xml", floats, eight_bits=name == "int8"
            )
    found["torch-f32"] = TorchBackend(checkpoint, "cpu")
    if cuda_is_there():
        found["cuda-f32"] = load_backend(checkpoint, "cuda", "f32")
        found["cuda-half"] = load_backend(checkpoint, "cuda", "half")
    return found


def time_in_turn(
    detectors: Mapping[str, SubmittingDetector],
    pictures: Sequence[Picture],
    rounds: int,
    sizes: Iterable[int] | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, Any]]:
    """Frames a second, processor time and time of a batch of each detector, in turn.

    Args:
        detectors: what is compared, by name.
        pictures: of one size, in memory.
        rounds: that count; the first one, which does not, warms up.
        sizes: of batches whose time is told, `BATCH_SIZES` if None; those above the number of
            pictures are left out.
        on_progress: told what is measured next.
    """
    wanted = [size for size in sizes or BATCH_SIZES if size <= len(pictures)]
    timed = {name: _Timed() for name in detectors}
    for round_ in range(rounds + 1):
        on_progress(f"round {round_} of {rounds}")
        for name, detector in detectors.items():
            began_cpu_s, began_s = time.process_time(), time.perf_counter()
            flow(detector, pictures)
            took_s = time.perf_counter() - began_s
            cpu_s = time.process_time() - began_cpu_s
            batch_ms = {size: _batch_ms(detector, pictures[:size]) for size in wanted}
            if not round_:
                continue
            one = timed[name]
            one.frames_per_s.append(len(pictures) / took_s)
            one.cpu_s_per_1000.append(1000 * cpu_s / len(pictures))
            for size, ms in batch_ms.items():
                one.batch_ms.setdefault(size, []).append(ms)
    return {
        name: {
            "frames_per_s": spread(one.frames_per_s),
            "cpu_s_per_1000_frames": spread(one.cpu_s_per_1000),
            "batch_ms": {str(size): spread(ms) for size, ms in one.batch_ms.items()},
        }
        for name, one in timed.items()
    }


def flow(detector: SubmittingDetector, pictures: Sequence[Picture]) -> int:
    """Detect in batches with `UNDER_WAY` of them begun, and return how many boxes there were."""
    boxes = 0
    pending = []
    for begin in range(0, len(pictures), BATCH):
        pending.append(detector.submit(pictures[begin : begin + BATCH]))
        if len(pending) >= UNDER_WAY:
            boxes += sum(map(len, pending.pop(0).result()))
    return boxes + sum(len(found) for rest in pending for found in rest.result())


def agreements(
    checkpoint: Checkpoint,
    backends: Mapping[str, Backend | FlowingBackend],
    pictures: Sequence[Picture],
) -> dict[str, dict[str, Any]]:
    """How near the boxes of each backend are to those of single precision; empty without it.

    Args:
        checkpoint: the weights.
        backends: by name, `REFERENCE` among them.
        pictures: on which boxes are compared.
    """
    if REFERENCE not in backends:
        return {}
    faint = dict.fromkeys(checkpoint.classes, COMPARED_FROM / 2)
    reference = YoloDetector(checkpoint, backends[REFERENCE], faint)
    told = {}
    for name, backend in backends.items():
        other = YoloDetector(checkpoint, backend, faint)
        same = compare(reference, other, pictures)
        told[name] = {**_rounded(same), "reported": _reported(checkpoint, other, pictures)}
    return told


def _reported(
    checkpoint: Checkpoint, detector: Detector, pictures: Sequence[Picture]
) -> dict[str, int]:
    """Boxes of each class at its operating point."""
    found = detector.detect(pictures)
    return {
        name: sum(int((boxes.of(frozenset({name})).confidence >= score).sum()) for boxes in found)
        for name, score in checkpoint.confidence.items()
    }


def _rounded(same: Agreement) -> dict[str, Any]:
    def digits(value: float) -> float | None:
        return None if np.isnan(value) else round(value, 4)

    return {
        "boxes": same.boxes,
        "found_by_one_alone": same.unmatched,
        "score_difference": {"median": digits(same.score_median), "most": digits(same.score_worst)},
        "overlap": {"median": digits(same.iou_median), "least": digits(same.iou_worst)},
    }


def _batch_ms(detector: Detector, batch: Sequence[Picture]) -> float:
    took = []
    for _ in range(BATCHES_A_ROUND):
        began_s = time.perf_counter()
        detector.detect(batch)
        took.append(time.perf_counter() - began_s)
    return 1000 * float(np.median(took))


def _frames(drill_folder: Path, count: int) -> list[Picture]:
    """So many frames, evenly from all cameras of a drill and all of its time, cameras in turn."""
    drill = load_drill(drill_folder)
    feeds = [feed for feed in drill.feeds if feed.has_pixels]
    if not feeds:
        raise ModelError(f"{drill_folder}: this benchmark needs a drill with videos")
    each = -(-count // len(feeds))
    of_each = []
    for feed in feeds:
        fps = feed.fps or 10.0
        every = max(1, int((drill.duration_s or 60.0) * fps / each))
        frames = islice(decode_file(feed.path, feed.camera, threads=0), 0, None, every)
        of_each.append([frame.image for frame in islice(frames, each)])
    return [image for row in zip(*of_each, strict=False) for image in row][:count]


def _squares(persons: Detector, frames: Sequence[Picture]) -> list[Picture]:
    return [
        resized(cut_square(frame, square)[0], LOOK_SIDE_PX)
        for frame, found in zip(frames, persons.detect(frames), strict=True)
        for square in look_squares(found.persons().xyxy_px)
    ]


def _input_px(picture: Picture, checkpoint: Checkpoint) -> tuple[int, int]:
    return Letterbox.of((picture.shape[1], picture.shape[0]), checkpoint.input_px).input_px
