"""The box that a standing body fills in a picture, from which foot and head points are corrected.

A detector's box is not the body's foot point. Its bottom edge is the shoe nearest to the camera,
not the floor point below the pelvis; its centre column leans with the body wherever the picture's
vertical does not point at the ground; and a border of the picture may cut it. All three are the
same question: where does the box of a body that stands at `xy_m` lie, relative to the picture of
the floor point `xy_m` itself? `standing_boxes` answers it by projecting a template body, made of
rings around a vertical axis, through the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .camera import CameraModel
    from .camera_rows import CameraRows

STATURE_M = 1.70
"""Height prior, shoes on: between the means of adult women and men (NCD-RisC, eLife 2016, gives
1.63 m and 1.77 m for the USA); teenagers of 14-18 lie within the same range."""

STATURE_SIGMA_M = 0.10
"""Standard deviation of adult stature, both sexes pooled (same source)."""

SHOE_REACH_M = 0.20
"""How far the nearest shoe reaches from the body's axis towards the camera, on average over gait
and heading: 0.20 m measured on rendered walkers (median error 0.23 m without, 0.12 m with it)."""


_FLOOR_POINTS = 12


def _template() -> NDArray[np.float64]:
    """Rings (radius, height) of the template body as points `(M, 3)`, metres.

    The radii of hands and shoulders are half their width on average over headings (a body is 0.5 m
    wide from the front and 0.25 m from the side).

    The lowest ring is on the floor, so the bottom edge of the box is `SHOE_REACH_M` nearer than the
    axis at any depression angle up to where head or shoulders take over as the lowest point in the
    picture (a camera that looks straight down): there the correction shrinks and turns by itself.
    """
    rings = [(SHOE_REACH_M, 0.0, _FLOOR_POINTS), (0.20, 0.85, 8), (0.18, 1.38, 8), (0.09, 1.60, 6)]
    points = [
        (radius * np.cos(angle), radius * np.sin(angle), height)
        for radius, height, count in rings
        for angle in 2 * np.pi * np.arange(count) / count
    ]
    return np.array([*points, (0.0, 0.0, STATURE_M)])


_TEMPLATE_M = _template()


@dataclass(frozen=True, slots=True, eq=False)
class StandingBoxes:
    """Boxes of template bodies, pixels of the calibrated picture, not cut at its borders.

    Attributes:
        xyxy_px: `(N, 4)` float64, left, top, right, bottom.
        foot_px: `(N, 2)` float64, picture of the floor point below the body's axis.
        head_px: `(N, 2)` float64, picture of the top of the head.
        valid: `(N,)` bool, False where the shoes cannot be projected; nothing is known then.
        whole: `(N,)` bool, False where the head cannot be projected, for example because the
            camera is known by a homography of the floor only: the bottom edge counts, the top does
            not.
    """

    xyxy_px: NDArray[np.float64]
    foot_px: NDArray[np.float64]
    head_px: NDArray[np.float64]
    valid: NDArray[np.bool_]
    whole: NDArray[np.bool_]


def standing_boxes(camera: CameraModel | CameraRows, xy_m: NDArray[np.float64]) -> StandingBoxes:
    """The boxes of bodies of mean stature that stand at `xy_m`, `(N, 2)` site metres.

    Seen by one camera, or each by its own.
    """
    n, m = len(xy_m), len(_TEMPLATE_M) + 1
    body_m = np.zeros((n, m, 3))
    body_m[:, 1:] = _TEMPLATE_M
    body_m[:, :, :2] += xy_m[:, None]
    flat_px, shown = camera.to_image(body_m.reshape(-1, 3))
    # Points beyond the picture's border still have a pixel; those that the lens cannot reach have
    # none (they are told as zero) and say nothing about the box.
    reached = shown | (flat_px != 0.0).any(axis=1)
    px = np.where(reached[:, None], flat_px, np.nan).reshape(n, m, 2)
    valid: NDArray[np.bool_] = np.isfinite(px[:, : _FLOOR_POINTS + 1].sum(axis=(1, 2)))
    px = np.where(valid[:, None, None], px, 0.0)
    return StandingBoxes(
        xyxy_px=np.concatenate(
            [np.nanmin(px[:, 1:], axis=1), np.nanmax(px[:, 1:], axis=1)], axis=1
        ),
        foot_px=px[:, 0],
        head_px=px[:, -1],
        valid=valid,
        whole=valid & np.isfinite(px[:, -1, 0]),
    )
