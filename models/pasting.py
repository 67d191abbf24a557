"""Weapons cut from photographs with plain backgrounds, pasted at camera size near hands.

Photographs of weapons are plenty and camera footage of them is rare. A weapon cut out of the one
and put into the other, small, soft and in the light of the place, teaches what it looks like there
(Dwibedi et al., "Cut, Paste and Learn", ICCV 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .labels import Labels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

PLAIN_SPREAD = 20.0
"""A background is plain where its border varies by no more than this (standard deviation)."""

APART = 40.0
"""A pixel this far from the background's colour belongs to the weapon (Euclidean, BGR)."""

FILLS = (0.2, 0.85)
"""Share of its box that a weapon covers: less is a fragment, more a picture without background."""

LENGTH_OF_HEIGHT = (0.1, 0.22)
"""Length of a pasted weapon as a share of the holder's height: a handgun is 0.18-0.25 m long."""

HANDS = ((-0.32, 0.32), (0.3, 0.6))
"""Where hands are, from the middle of the person's upper edge, in heights: across, down."""

_LARGEST_PX = 96
_BORDER_PX = 3


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A weapon without its background.

    Attributes:
        image: `(h, w, 3)` uint8 BGR.
        alpha: `(h, w)` float32, 1 where the weapon is.
    """

    image: Picture
    alpha: NDArray[np.float32]


def cutouts(pictures: Iterable[tuple[Picture, Labels]]) -> list[Cutout]:
    """The weapons of those pictures whose background is plain, no side longer than needed.

    Args:
        pictures: photographs; every labelled object counts as a weapon.
    """
    found = []
    for image, labels in pictures:
        for box in labels.xyxy_px:
            cutout = _cut_out(image, box)
            if cutout is not None:
                found.append(cutout)
    return found


def _cut_out(image: Picture, box: NDArray[np.float64]) -> Cutout | None:
    left, top, right, bottom = (round(edge) for edge in box.tolist())
    left, top = max(left - _BORDER_PX, 0), max(top - _BORDER_PX, 0)
    part = image[top : bottom + _BORDER_PX, left : right + _BORDER_PX]
    if min(part.shape[:2]) < 4 * _BORDER_PX:
        return None
    factor = min(1.0, _LARGEST_PX / max(part.shape[:2]))
    small = np.asarray(
        cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )
    ring = np.ones(small.shape[:2], bool)
    ring[2:-2, 2:-2] = False
    border = small[ring].astype(np.float32)
    if float(border.std(axis=0).max()) > PLAIN_SPREAD:
        return None
    away = np.linalg.norm(small.astype(np.float32) - np.median(border, axis=0), axis=2)
    mask = cv2.morphologyEx(
        (away > APART).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)
    )
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:  # noqa: PLR2004 - the background and something
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    alone = (parts == largest).astype(np.float32)
    if not FILLS[0] <= float(alone.mean()) <= FILLS[1]:
        return None
    return Cutout(small, alone)


def paste(
    image: Picture, person_px: NDArray[np.float64], cutout: Cutout, rng: np.random.Generator
) -> tuple[Picture, Labels] | None:
    """Paste a weapon near the hands of a person.

    Args:
        image: `(H, W, 3)` uint8 BGR; not changed.
        person_px: the holder's box.
        cutout: what to paste.
        rng: decides size, place, turn and light.

    Returns:
        The new picture and the weapon's box (class 0), or None where it would not lie inside.
    """
    left, top, right, bottom = person_px
    height = bottom - top
    length = height * rng.uniform(*LENGTH_OF_HEIGHT)
    turned = _turned(cutout, length, float(rng.uniform(-70, 70)), flip=bool(rng.integers(2)))
    rows, columns = np.nonzero(turned.alpha > 0.5)  # noqa: PLR2004 - more weapon than background
    if not len(rows):
        return None
    across = (left + right) / 2 + height * rng.uniform(*HANDS[0])
    down = top + height * rng.uniform(*HANDS[1])
    h, w = turned.alpha.shape
    x, y = round(across - w / 2), round(down - h / 2)
    if x < 0 or y < 0 or x + w > image.shape[1] or y + h > image.shape[0]:
        return None
    under = image[y : y + h, x : x + w].astype(np.float32)
    light = float(np.clip(under.mean() / 128, 0.35, 1.3)) * rng.uniform(0.7, 1.2)
    weapon = np.clip(turned.image.astype(np.float32) * light, 0, 255)
    if _is_grey(image):
        weapon = np.repeat(weapon.mean(axis=2, keepdims=True), 3, axis=2)
    alpha = cv2.GaussianBlur(turned.alpha, (0, 0), rng.uniform(0.4, 0.9))[..., None]
    new = image.copy()
    new[y : y + h, x : x + w] = (alpha * weapon + (1 - alpha) * under).astype(np.uint8)
    box = np.array([[x + columns.min(), y + rows.min(), x + columns.max() + 1, y + rows.max() + 1]])
    return new, Labels(box.astype(np.float64), np.zeros(1, np.int64))


def _turned(cutout: Cutout, length_px: float, degrees: float, *, flip: bool) -> Cutout:
    """The cutout at a length, turned about its middle and perhaps mirrored."""
    h, w = cutout.alpha.shape
    factor = length_px / max(h, w)
    side = max(3, int(np.ceil(np.hypot(h, w) * factor)) + 2)
    matrix = np.asarray(cv2.getRotationMatrix2D((w / 2, h / 2), degrees, factor), np.float64)
    matrix[:, 2] += side / 2 - np.array([w / 2, h / 2])
    image, alpha = cutout.image, cutout.alpha
    if flip:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    moved = [
        cv2.warpAffine(np.ascontiguousarray(part), matrix, (side, side), flags=how)
        for part in (image, alpha)
    ]
    return Cutout(np.asarray(moved[0], np.uint8), np.asarray(moved[1], np.float32))


def _is_grey(image: Picture) -> bool:
    thin = image[::4, ::4].astype(np.int16)
    return bool(np.abs(thin[..., 0] - thin[..., 2]).mean() < 2)  # noqa: PLR2004 - rounding of JPEG
