"""The second look: weapons sought at native resolution around persons, where it is needed most.

A firearm that is ten pixels long in a whole frame is lost in it. In a square cut around its
holder and brought to one side it always takes up about the same share, however far away the
holder is, and an empty wall costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import supervision as sv

from models.person_crops import LOOK_SIDE_PX, cut_square, look_squares, resized
from models.registry import second_look_name

from .armed import STRONGEST_LLR, WEAKEST_LLR
from .detect import submit
from .detections import Detections
from .yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from .detect import Detector, Device, Pending

LEAST_HEIGHT_PX = 24.0
"""A person smaller than this is not looked at: a rifle is then some 8 pixels long."""

LOOK_EVERY_S = 0.2
"""Wanted time between two looks at a track with some evidence, but no certainty, of a weapon."""

CHECK_EVERY_S = 0.4
"""The same for a track with no evidence of one, or with nearly as much as can be had."""

SETTLED_EVERY_S = 0.8
"""The same where the evidence has reached one of its bounds: one look more of the same kind changes
nothing, so this is only how soon something new is seen, such as a weapon that is drawn."""

UNDECIDED_LLR = (0.0, 6.0)
"""Between these a track counts as undecided; natural-log likelihood ratio of armed."""

LOOKS_A_FRAME = 2.0
"""Most looks a frame, on average over a batch: a look costs about a tenth of a frame's detection,
so persons in crowds share the looks of their batch rather than slow all cameras down."""

SAME_WEAPON_IOU = 0.5
"""Weapon boxes of one picture that overlap more are one weapon."""


class SecondLook:
    """Finds weapons around given persons.

    Args:
        detector: finds weapons in squares of `LOOK_SIDE_PX`.
        shown: class name → score from which a weapon may be shown to people; the detector may
            report far fainter ones, for evidence that adds up over looks.
    """

    def __init__(self, detector: Detector, shown: Mapping[str, float]) -> None:
        self.detector = detector
        self.shown = shown

    def look(
        self,
        images: Sequence[NDArray[np.uint8]],
        persons_xyxy_px: Sequence[NDArray[np.floating[Any]]],
    ) -> list[Detections]:
        """The weapons found around the given persons of each image, in pixels of that image.

        Args:
            images: `(H, W, 3)` uint8 BGR pictures.
            persons_xyxy_px: for each image the `(N, 4)` boxes of the persons to look at.
        """
        return self.submit(images, persons_xyxy_px).result()

    def submit(
        self,
        images: Sequence[NDArray[np.uint8]],
        persons_xyxy_px: Sequence[NDArray[np.floating[Any]]],
    ) -> PendingLooks:
        """As `look`, of a detector that works while its caller does something else."""
        cuts, squares = [], []
        for row, (image, boxes) in enumerate(zip(images, persons_xyxy_px, strict=True)):
            for square in look_squares(boxes):
                cut, left, top = cut_square(image, square)
                cuts.append(resized(cut, LOOK_SIDE_PX))
                squares.append(_Square(row, left, top, cut.shape[0] / LOOK_SIDE_PX))
        sizes_px = [(image.shape[1], image.shape[0]) for image in images]
        return PendingLooks(submit(self.detector, cuts) if cuts else None, squares, sizes_px)


@dataclass(frozen=True, slots=True)
class _Square:
    """What was cut out around one person.

    Attributes:
        row: of which image.
        left: of the square in that image, pixels.
        top: of it.
        scale: pixels of the image for one of `LOOK_SIDE_PX`.
    """

    row: int
    left: int
    top: int
    scale: float


class PendingLooks:
    """Weapons that are being looked for; see `SecondLook.submit`."""

    def __init__(
        self,
        pending: Pending | None,
        squares: Sequence[_Square],
        sizes_px: Sequence[tuple[int, int]],
    ) -> None:
        self._pending = pending
        self._squares = squares
        self._sizes_px = sizes_px

    def result(self) -> list[Detections]:
        """The weapons of each image, as soon as they are found; see `SecondLook.look`."""
        found = [] if self._pending is None else self._pending.result()
        parts: list[list[Detections]] = [[] for _ in self._sizes_px]
        for square, inside in zip(self._squares, found, strict=True):
            if not len(inside):
                continue
            shift = np.array([square.left, square.top] * 2, np.float32)
            boxes = (inside.xyxy_px * np.float32(square.scale) + shift).astype(np.float32)
            parts[square.row].append(
                Detections(boxes, inside.confidence, inside.class_id, inside.class_names)
            )
        return [_once(part, *size_px) for part, size_px in zip(parts, self._sizes_px, strict=True)]


def _once(parts: list[Detections], width_px: int, height_px: int) -> Detections:
    """The boxes of several squares of one picture, a weapon in two of them only once."""
    if not parts:
        return Detections.empty()
    boxes = np.concatenate([part.xyxy_px for part in parts])
    boxes = np.clip(boxes, 0, np.array([width_px, height_px] * 2, np.float32))
    score = np.concatenate([part.confidence for part in parts])
    class_id = np.concatenate([part.class_id for part in parts])
    keep = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    if len(boxes) > 1:
        keep &= _first_of_each(boxes, score, class_id)
    return Detections(boxes[keep], score[keep], class_id[keep], parts[0].class_names)


def _first_of_each(
    boxes: NDArray[np.float32], score: NDArray[np.float32], class_id: NDArray[np.int16]
) -> NDArray[np.bool_]:
    """`(N,)` whether a box is the surest of its weapon."""
    rows = np.column_stack([boxes, score, class_id.astype(np.float32)])
    return np.asarray(sv.box_non_max_suppression(rows, SAME_WEAPON_IOU), np.bool_)


def urgency(
    armed_llr: NDArray[np.float64], since_s: NDArray[np.float64], height_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How overdue a look at each track is, `(N,)`: 1 when it is due, infinite at the first look.

    Args:
        armed_llr: `(N,)` evidence so far.
        since_s: `(N,)` seconds since the last look, infinite if there was none.
        height_px: `(N,)` heights of the persons' boxes.
    """
    low, high = UNDECIDED_LLR
    undecided = (armed_llr > low) & (armed_llr < high)
    settled = (armed_llr <= WEAKEST_LLR) | (armed_llr >= STRONGEST_LLR)
    wanted_s = np.where(undecided, LOOK_EVERY_S, CHECK_EVERY_S)
    wanted_s = np.where(settled, SETTLED_EVERY_S, wanted_s)
    return np.where(height_px >= LEAST_HEIGHT_PX, since_s / wanted_s, 0.0)


def most_urgent(overdue: Sequence[NDArray[np.float64]], most: int) -> list[NDArray[np.bool_]]:
    """Which tracks of each frame of a batch to look at: those that are due, at most `most`.

    Args:
        overdue: for each frame the urgency of its tracks.
        most: looks that the whole batch may have.
    """
    whole = np.concatenate([np.zeros(0), *overdue])
    chosen = np.zeros(len(whole), bool)
    order = np.argsort(-whole, kind="stable")[:most]
    chosen[order] = whole[order] >= 1.0
    edges = np.cumsum([len(part) for part in overdue])[:-1]
    return list(np.split(chosen, edges)) if overdue else []


def load_second_look(
    device: Device = "auto", faintest: float | None = None, weights: str | None = None
) -> SecondLook:
    """The second look with its weights.

    Args:
        device: see `vision.yolo.load_detector`.
        faintest: score from which weapons are reported; the operating points if None.
        weights: registered name or path of a `.pt` file; those registered for it if None.

    Raises:
        CheckpointError: if the weights are unknown, missing or changed.
        ExportError: if the OpenVINO model cannot be made.
    """
    name = weights or second_look_name()
    detector = load_detector(device, name, input_px=LOOK_SIDE_PX)
    checkpoint = detector.checkpoint
    if faintest is not None:
        every = dict.fromkeys(checkpoint.classes, faintest)
        detector = load_detector(device, name, every, LOOK_SIDE_PX)
    return SecondLook(detector, checkpoint.confidence)
