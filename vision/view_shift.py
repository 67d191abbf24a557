"""How far a picture has moved against a reference picture of the same camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .view_features import ViewFeatures

STILL_SHARE: Final = 0.004
"""Corners that agree to this share of the picture's width (2.6 px of 640) moved together."""

LEAST_AGREEING: Final = 15
"""Corners that must agree before a shift is believed. Chance seldom brings five together."""

_LEAST_CELLS: Final = 4
_CELLS: Final = (4, 3)
_FARTHEST_CODE: Final = 64
_RATIO: Final = 0.85
"""A corner's best partner must be this much nearer in code than its second best (Lowe 2004)."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The motion of a picture against its reference, if one was found.

    Attributes:
        known: whether enough corners, in enough parts of the picture, agree on one motion.
        shift_px: how far the picture moved, root mean square over its parts, pixels of the newer
            picture; 0 if not known.
        turn_deg: turn about the line of sight, clockwise in the picture; 0 if not known.
        scale: growth of the picture (zoom, or a camera that came nearer); 1 if not known.
        matched: corners that look like one of the reference.
        agreeing: those that moved as all the others.
    """

    known: bool
    shift_px: float = 0.0
    turn_deg: float = 0.0
    scale: float = 1.0
    matched: int = 0
    agreeing: int = 0


def find_shift(reference: ViewFeatures, newer: ViewFeatures) -> Shift:
    """The one motion that most corners of `newer` made against `reference`.

    A camera that turns moves its whole picture by a homography, whatever it shows; people, doors
    and furniture that move do not agree with it and are left aside. Deterministic.
    """
    reference = reference.for_picture(newer.size_px)
    pairs = match_codes(reference.codes, newer.codes)
    from_px = reference.xy_px[pairs[:, 0]].astype(np.float64)
    to_px = newer.xy_px[pairs[:, 1]].astype(np.float64)
    if len(pairs) < LEAST_AGREEING:
        return Shift(known=False, matched=len(pairs))
    limit_px = STILL_SHARE * newer.size_px[0]
    agreeing = _together(from_px, to_px, limit_px)
    cells = _cells(from_px, newer.size_px)
    count = int(agreeing.sum())
    if count < LEAST_AGREEING or len(np.unique(cells[agreeing])) < _LEAST_CELLS:
        return Shift(known=False, matched=len(pairs), agreeing=count)
    moved_px = np.linalg.norm(
        _middle_of_cells(to_px[agreeing] - from_px[agreeing], cells[agreeing]), axis=1
    )
    turn_deg, scale = _turn_and_scale(from_px[agreeing], to_px[agreeing])
    return Shift(
        known=True,
        shift_px=float(np.sqrt(np.mean(moved_px**2))),
        turn_deg=turn_deg,
        scale=scale,
        matched=len(pairs),
        agreeing=count,
    )


def match_codes(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.intp]:
    """`(M, 2)` rows of two sets of codes that are each other's best partner, and clearly so."""
    if len(one) < 2 or len(other) < 2:  # noqa: PLR2004 - the second best is asked for
        return np.zeros((0, 2), np.intp)
    there, back = _best(one, other), _best(other, one)
    return np.array([(i, j) for i, j in there.items() if back.get(j) == i], np.intp).reshape(-1, 2)


def _best(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> dict[int, int]:
    found = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(one, other, k=2)
    return {
        best.queryIdx: best.trainIdx
        for best, second in found
        if best.distance <= _FARTHEST_CODE and best.distance < _RATIO * second.distance
    }


def _together(
    from_px: NDArray[np.float64], to_px: NDArray[np.float64], limit_px: float
) -> NDArray[np.bool_]:
    """Which corners stand still together or, where more do, move by one homography.

    Standing still is asked first: with doors opening and people about, it explains fewer corners
    than a motion that is free to bend, and is right far more often.
    """
    still = np.linalg.norm(to_px - from_px, axis=1) <= limit_px
    if still.mean() >= 0.5:  # noqa: PLR2004 - the majority
        return np.asarray(still, np.bool_)
    _, mask = cv2.findHomography(
        from_px, to_px, cv2.USAC_MAGSAC, limit_px, maxIters=2000, confidence=0.999
    )
    moving = np.zeros(len(from_px), np.bool_) if mask is None else mask.ravel().astype(np.bool_)
    return moving if moving.sum() > still.sum() else np.asarray(still, np.bool_)


def _cells(px: NDArray[np.float64], size_px: tuple[int, int]) -> NDArray[np.intp]:
    """`(N,)` in which of the picture's cells pixels lie."""
    columns, rows = _CELLS
    at = np.clip((px + 0.5) / size_px * _CELLS, 0, np.array([columns - 1, rows - 1])).astype(
        np.intp
    )
    return at[:, 1] * columns + at[:, 0]


def _middle_of_cells(moved_px: NDArray[np.float64], cell: NDArray[np.intp]) -> NDArray[np.float64]:
    """`(C, 2)` median motion of each cell's corners: each part of the picture counts once."""
    return np.array([np.median(moved_px[cell == one], axis=0) for one in np.unique(cell)])


def _turn_and_scale(
    from_px: NDArray[np.float64], to_px: NDArray[np.float64]
) -> tuple[float, float]:
    """Degrees and factor of the similarity that fits best (least squares, as complex numbers)."""
    a = (from_px - from_px.mean(axis=0)) @ (1, 1j)
    b = (to_px - to_px.mean(axis=0)) @ (1, 1j)
    factor = np.vdot(a, b) / max(float(np.vdot(a, a).real), 1e-9)
    return float(np.degrees(np.angle(factor))), float(abs(factor))
