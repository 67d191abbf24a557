"""The undistorted plane that a camera's picture is drawn on, and what of it a body can change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .lens import Camera
    from .pose import Posed

    Array = NDArray[np.float64]
    Mask = NDArray[np.uint8]

NEAR_M, FAR_M = 0.05, 120.0


@dataclass(frozen=True, slots=True)
class View:
    """One camera's undistorted picture plane and the maps from it to the camera's picture.

    `size_px` (width, height) of the plane; `half` its half extents in normalised coordinates.
    `view` (4, 4) to clip space. `map_x`, `map_y`: plane pixels for every picture pixel.
    """

    camera: Camera
    size_px: tuple[int, int]
    half: tuple[float, float]
    view: Array
    map_x: NDArray[np.float32]
    map_y: NDArray[np.float32]


def view_of(camera: Camera) -> View:
    """The plane that covers a camera's picture, pixel for pixel in its middle."""
    u, v = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
    px = np.stack([u.ravel(), v.ravel()], axis=1).astype(float)
    normal = camera.undistort((px - camera.principal_px) / camera.focal_px)
    half_x, half_y = (float(np.abs(normal[:, k]).max()) * 1.01 for k in (0, 1))
    width, height = (int(np.ceil(2 * half * camera.focal_px)) for half in (half_x, half_y))
    x = ((normal[:, 0] + half_x) / (2 * half_x) * width - 0.5).reshape(u.shape)
    y = ((normal[:, 1] + half_y) / (2 * half_y) * height - 0.5).reshape(u.shape)
    lens = np.zeros((4, 4))
    lens[0, 0], lens[1, 1], lens[3, 2] = 1 / half_x, -1 / half_y, 1.0
    lens[2, 2] = (FAR_M + NEAR_M) / (FAR_M - NEAR_M)
    lens[2, 3] = -2 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation_m
    return View(
        camera,
        (width, height),
        (half_x, half_y),
        lens @ pose,
        x.astype(np.float32),
        y.astype(np.float32),
    )


def to_picture(view: View, mask: Mask) -> Mask:
    """A plane mask as the camera's (distorted) picture shows it."""
    return np.asarray(cv2.remap(mask, view.map_x, view.map_y, cv2.INTER_NEAREST), dtype=np.uint8)


def touched(
    view: View, bodies: Sequence[Posed], margin_m: float = 0.5
) -> tuple[int, int, int, int] | None:
    """The plane rectangle (x, y, w, h) that bodies and their shadows can change."""
    boxes: list[Array] = []
    size = np.array(view.size_px)
    for body in bodies:
        points = (
            body.vertices_m
            if body.prop is None
            else np.concatenate([body.vertices_m, body.prop.vertices_m])
        )
        low, high = points.min(axis=0), points.max(axis=0)
        low[:2] -= margin_m
        high[:2] += margin_m
        low[2] = min(low[2], 0.0)
        cube = np.array(
            [
                [x, y, z]
                for x in (low[0], high[0])
                for y in (low[1], high[1])
                for z in (low[2], high[2])
            ]
        )
        local = cube @ view.camera.rotation.T + view.camera.translation_m
        if (local[:, 2] < NEAR_M).all():
            continue
        depth = np.maximum(local[:, 2:], 0.12)
        plane = (local[:, :2] / depth / np.array(view.half) * 0.5 + 0.5) * size
        boxes.append(np.concatenate([plane.min(axis=0), plane.max(axis=0)]))
    kept = [b for b in boxes if b[0] < size[0] and b[1] < size[1] and b[2] > 0 and b[3] > 0]
    if not kept:
        return None
    table = np.array(kept)
    x0, y0 = np.maximum(np.floor(table[:, :2].min(axis=0)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(table[:, 2:].max(axis=0)), size).astype(int)
    return int(x0), int(y0), int(x1 - x0), int(y1 - y0)
