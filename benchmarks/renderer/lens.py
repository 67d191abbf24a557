"""Cameras as pinhole + Brown-Conrady lens, in the convention of `cameras/<id>.toml`.

World: site metres, z up from the floor. Camera: x right, y down, z forward, `x_cam = R x_world +
t`. Pixel (0, 0) is the centre of the top-left pixel. Only k1 is used by the rendered cameras.

Distortion: D. C. Brown, "Decentering distortion of lenses", 1966, as in OpenCV:
`x_d = x_u (1 + k1 r^2)`, with `r^2 = x_u^2 + y_u^2` of the undistorted point.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]


FOLD_MARGIN = 0.95
NEAR_M = 0.05


@dataclass(frozen=True, slots=True)
class Camera:
    """A calibrated camera.

    `rotation` (3, 3) and `translation_m` (3,) take site metres to camera metres.
    """

    id: str
    name: str
    width_px: int
    height_px: int
    focal_px: float
    k1: float
    rotation: Array
    translation_m: Array

    @property
    def centre_m(self) -> Array:
        """Where the camera hangs, (3,) site metres."""
        return np.asarray(-self.rotation.T @ self.translation_m, dtype=float)

    @property
    def principal_px(self) -> Array:
        """The optical axis in the picture, (2,)."""
        return np.array([(self.width_px - 1) / 2, (self.height_px - 1) / 2])

    def distort(self, undistorted: Array) -> Array:
        """Normalised picture coordinates (N, 2) after the lens."""
        r2 = (undistorted**2).sum(axis=-1, keepdims=True)
        return np.asarray(undistorted * (1 + self.k1 * r2), dtype=float)

    def undistort(self, distorted: Array) -> Array:
        """Normalised picture coordinates (N, 2) before the lens, by Newton steps on the radius."""
        radius_d = np.linalg.norm(distorted, axis=-1, keepdims=True)
        radius = radius_d.copy()
        for _ in range(12):
            value = radius * (1 + self.k1 * radius**2) - radius_d
            radius = radius - value / (1 + 3 * self.k1 * radius**2)
        return distorted * np.where(radius_d > 0, radius / np.maximum(radius_d, 1e-12), 1.0)

    def to_image(self, xyz_m: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Pixels (N, 2) of site points (N, 3), and where they are valid (N,).

        A point is invalid when it is behind the camera or so far off the axis that the lens model
        folds back on itself (`3 k1 r^2 < -1`).
        """
        local = np.asarray(xyz_m, dtype=np.float64) @ self.rotation.T + self.translation_m
        depth = local[:, 2]
        front = depth > NEAR_M
        normal = local[:, :2] / np.where(front, depth, 1.0)[:, None]
        unfolded = 1 + 3 * self.k1 * (normal**2).sum(axis=1) > 0
        return self.distort(normal) * self.focal_px + self.principal_px, front & unfolded

    def to_floor(self, px: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Site metres (N, 2) on the floor seen at pixels (N, 2), and where they are valid (N,)."""
        normal = self.undistort(
            (np.asarray(px, dtype=np.float64) - self.principal_px) / self.focal_px
        )
        rays = np.concatenate([normal, np.ones((len(normal), 1))], axis=1) @ self.rotation
        valid = rays[:, 2] < 0
        scale = -self.centre_m[2] / np.where(valid, rays[:, 2], -1.0)
        return self.centre_m[:2] + rays[:, :2] * scale[:, None], valid

    def toml(self) -> str:
        """The text of `cameras/<id>.toml`."""
        rows = ",\n  ".join(
            "[" + ", ".join(f"{value:.9f}" for value in row) + "]" for row in self.rotation
        )
        shift = ", ".join(f"{value:.9f}" for value in self.translation_m)
        cx, cy = self.principal_px
        return (
            f'schema = 1\nid = "{self.id}"\nname = "{self.name}"\nplacement = "interior"\n'
            f'level = "L1"\n\n[lens]\nwidth_px = {self.width_px}\nheight_px = {self.height_px}\n'
            f"fx = {self.focal_px:.6f}\nfy = {self.focal_px:.6f}\ncx = {cx}\ncy = {cy}\n"
            f"k1 = {self.k1}\n\n[pose]\nR = [\n  {rows},\n]\nt = [{shift}]\n"
        )


def unfolded(hfov_deg: float, k1: float, size_px: tuple[int, int] = (640, 360)) -> bool:
    """Whether the picture's corners stay clear of where the lens model folds back."""
    if k1 >= 0:
        return True
    edge = float(np.tan(np.radians(hfov_deg / 2)))
    fold = float(np.sqrt(-1 / (3 * k1)))
    corner = edge * (1 + k1 * edge**2) * float(np.hypot(*size_px)) / size_px[0]
    return edge < fold and corner < FOLD_MARGIN * fold * 2 / 3


def mount(
    id_: str,
    name: str,
    at_m: tuple[float, float, float],
    look_at_m: tuple[float, float, float],
    *,
    hfov_deg: float = 90.0,
    k1: float = -0.1,
    roll_deg: float = 0.0,
    size_px: tuple[int, int] = (640, 360),
) -> Camera:
    """A camera that hangs at a point, looks at another and sees `hfov_deg` from edge to edge.

    Raises:
        ValueError: the lens would fold inside the picture (k1 too strong for the field of view).
    """
    centre = np.array(at_m)
    forward = np.array(look_at_m) - centre
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = np.radians(roll_deg)
    right, down = (
        np.cos(roll) * right + np.sin(roll) * down,
        np.cos(roll) * down - np.sin(roll) * right,
    )
    rotation = np.round(np.stack([right, down, forward]), 9)
    edge = np.tan(np.radians(hfov_deg / 2))
    focal_px = round(size_px[0] / 2 / float(edge * (1 + k1 * edge**2)), 6)
    if not unfolded(hfov_deg, k1, size_px):
        raise ValueError(f"{id_}: k1 = {k1} folds the picture's corners at {hfov_deg} degrees")
    translation = np.round(-rotation @ centre, 9)
    return Camera(id_, name, size_px[0], size_px[1], focal_px, k1, rotation, translation)


def read_camera(path: Path) -> Camera:
    """The camera of a `cameras/<id>.toml` that this package wrote (pose and k1 only)."""
    text = tomllib.loads(path.read_text())
    lens, pose = text["lens"], text["pose"]
    return Camera(
        text["id"],
        text["name"],
        lens["width_px"],
        lens["height_px"],
        lens["fx"],
        lens["k1"],
        np.array(pose["R"]),
        np.array(pose["t"]),
    )
