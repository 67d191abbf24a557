"""From linear light to what a surveillance camera delivers: tone curve, lens, sharpening, noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .style import Style
    from .view import View

    Picture = NDArray[np.float32]

GRAINS = 4
LENS_BLUR_PX = 0.5
SHARPEN_PX = 1.6
BLUR_REACH_PX = 6
GRAIN_MARGIN_PX = 64


def _curve() -> Picture:
    """The tone curve sampled over linear light 0..CURVE_END."""
    x = np.linspace(0, 1, CURVE_STEPS) ** 2 * CURVE_END
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return np.asarray(np.clip(x, 0.0, 1.0) ** (1 / 2.2), dtype=np.float32)


CURVE_END, CURVE_STEPS = 16.0, 8192
CURVE = _curve()


def tone(linear: Picture, exposure: float) -> Picture:
    """Picture values 0..1 of linear light: a filmic curve (K. Narkowicz, 2015), then gamma 2.2."""
    root = np.sqrt(linear * np.float32(exposure / CURVE_END))
    index = np.minimum(root * np.float32(CURVE_STEPS - 1), CURVE_STEPS - 1).astype(np.int32)
    return np.asarray(CURVE[index], dtype=np.float32)


class Sensor:
    """Develops the frames of one camera; noise, exposure drift and seed are its own."""

    def __init__(self, view: View, style: Style, seed: int) -> None:
        self.view, self.style = view, style
        self._rng = np.random.default_rng([seed, 31])
        height, width = view.map_x.shape
        larger = (GRAINS, height + GRAIN_MARGIN_PX, width + GRAIN_MARGIN_PX)
        luma = self._rng.standard_normal((*larger, 1), dtype=np.float32)
        chroma = self._rng.standard_normal((*larger, 3), dtype=np.float32)
        soft = np.stack([cv2.GaussianBlur(grain, (0, 0), 0.8) for grain in chroma])
        self._grain = (luma * 0.8 + soft) * np.float32(style.noise * 255)
        v, u = np.mgrid[0:height, 0:width]
        r2 = ((u - width / 2) / width) ** 2 + ((v - height / 2) / width) ** 2
        gain = np.array(style.colour_gain, dtype=np.float32)
        self._shade = ((1 - 0.42 * r2)[..., None] * gain).astype(np.float32)
        self._drift = self._rng.uniform(0, 6.28, 3)
        self._toned: Picture | None = None
        self._still: Picture | None = None

    def _finished(self, toned: Picture, rows: slice, columns: slice) -> Picture:
        """Lens, blur and sharpening of one part of the picture, from the tone-mapped plane."""
        map_x, map_y = self.view.map_x[rows, columns], self.view.map_y[rows, columns]
        x = cv2.remap(toned, map_x, map_y, cv2.INTER_LINEAR)
        x = cv2.GaussianBlur(x, (0, 0), LENS_BLUR_PX)
        if self.style.sharpen > 0:
            x = x + (x - cv2.GaussianBlur(x, (0, 0), SHARPEN_PX)) * np.float32(self.style.sharpen)
        return np.asarray(x, dtype=np.float32)

    def _changed(self, box: tuple[int, int, int, int]) -> tuple[slice, slice]:
        """Rows and columns of the picture that show any of a box of the plane."""
        inside = (self.view.map_x >= box[0] - 1) & (self.view.map_x <= box[0] + box[2])
        inside &= (self.view.map_y >= box[1] - 1) & (self.view.map_y <= box[1] + box[3])
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if not len(rows):
            return slice(0, 0), slice(0, 0)
        return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)

    def develop(
        self,
        linear: Picture,
        box: tuple[int, int, int, int] | None,
        plate: Picture,
        t_s: float,
    ) -> NDArray[np.uint8]:
        """The 8-bit RGB picture of a frame that differs from `plate` only inside `box`."""
        if self._still is None or self._toned is None:
            self._toned = tone(plate, self.style.exposure)
            self._still = self._finished(self._toned, slice(None), slice(None)) * self._shade
        x = self._still.copy()
        if box is not None:
            rows, columns = self._changed(box)
            if rows.stop > rows.start:
                margin = BLUR_REACH_PX
                height, width = self.view.map_x.shape
                outer_rows = slice(max(rows.start - margin, 0), min(rows.stop + margin, height))
                outer_columns = slice(
                    max(columns.start - margin, 0), min(columns.stop + margin, width)
                )
                toned = self._toned.copy()
                y, z = slice(box[1], box[1] + box[3]), slice(box[0], box[0] + box[2])
                toned[y, z] = tone(linear[y, z], self.style.exposure)
                part = self._finished(toned, outer_rows, outer_columns)
                x[outer_rows, outer_columns] = part * self._shade[outer_rows, outer_columns]
        a, b, c = self._drift
        drift = 1 + 0.012 * np.sin(0.35 * t_s + a) + 0.008 * np.sin(1.7 * t_s + b + c)
        grain = self._grain[int(self._rng.integers(GRAINS))]
        down, right = (int(n) for n in self._rng.integers(0, GRAIN_MARGIN_PX, 2))
        grain = grain[down : down + x.shape[0], right : right + x.shape[1]]
        x *= np.float32(drift * 255)
        x += grain
        return np.asarray(np.clip(x, 0, 255).astype(np.uint8))
