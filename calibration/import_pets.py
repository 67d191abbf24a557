"""The camera of the PETS 2009 recordings in this project's terms.

PETS 2009 (Ferryman and Shahrokni, "PETS2009: dataset and challenge", PETS workshop 2009) publishes
Tsai's camera model (Tsai, "A versatile camera calibration technique", IEEE J. Robotics and
Automation 3(4), 1987), in millimetres: x_cam = R x + T with R = Rz Ry Rx; the undistorted point on
the sensor is f (x / z, y / z) and follows from the distorted one, Xd, as Xd (1 + kappa1 |Xd|^2);
pixels are (sx Xd / dpx + cx, Yd / dpy + cy). The ground is z = 0, z points up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import cv2
import numpy as np

from .camera import CameraModel, Pose
from .errors import SourceError
from .lens import Lens

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FPS: Final = 7.0
"""About 7 frames a second, as the data set says."""
FLOOR_ERROR_M: Final = 0.20
"""Calibration error, one standard deviation per axis, assumed: the camera stands 35 m away and its
published model was fitted to the ground plane by hand."""

_GRID_PX: Final = 16.0
_MM: Final = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class TsaiCamera:
    """A camera and how well its lens could be put in other terms.

    Attributes:
        model: the camera.
        lens_error_px: largest distance, anywhere in the picture, between Tsai's lens and the
            Brown-Conrady polynomial fitted to it.
    """

    model: CameraModel
    lens_error_px: float


def read_camera(path: Path) -> TsaiCamera:
    """Return the camera of a `View_*.xml`.

    Raises:
        SourceError: where the file is missing or damaged.
    """
    root = _root(path)
    size_px = (
        int(_value(root, "Geometry", "width", path)),
        int(_value(root, "Geometry", "height", path)),
    )
    dpx, dpy = (_value(root, "Geometry", name, path) for name in ("dpx", "dpy"))
    focal, kappa1, cx, cy, sx = (
        _value(root, "Intrinsic", name, path) for name in ("focal", "kappa1", "cx", "cy", "sx")
    )
    if min(*size_px, dpx, dpy, focal, sx) <= 0:
        raise SourceError(f"{path}: width, height, dpx, dpy, focal and sx must be above 0")
    lens, lens_error_px = _brown_conrady(
        size_px, (focal * sx / dpx, focal / dpy), (cx, cy), kappa1 * focal**2
    )
    shift_mm = np.array([_value(root, "Extrinsic", name, path) for name in ("tx", "ty", "tz")])
    turns = [_value(root, "Extrinsic", name, path) for name in ("rx", "ry", "rz")]
    model = CameraModel.from_pose(lens, Pose(_rotation(*turns), shift_mm * _MM), FLOOR_ERROR_M)
    return TsaiCamera(model, lens_error_px)


def _brown_conrady(
    size_px: tuple[int, int],
    focal_px: tuple[float, float],
    centre_px: tuple[float, float],
    kappa: float,
) -> tuple[Lens, float]:
    """The lens whose polynomial comes nearest to Tsai's over the picture.

    Tsai's runs from distorted to undistorted and the polynomial the other way round, which has no
    closed form; its three coefficients are fitted by least squares.
    """
    across, down = np.meshgrid(
        np.append(np.arange(0, size_px[0], _GRID_PX), size_px[0] - 1.0),
        np.append(np.arange(0, size_px[1], _GRID_PX), size_px[1] - 1.0),
    )
    px = np.column_stack([across.ravel(), down.ravel()])
    distorted = (px - centre_px) / focal_px
    rays = distorted * (1.0 + kappa * (distorted**2).sum(axis=1, keepdims=True))
    square = (rays**2).sum(axis=1)
    radius = np.sqrt(square)
    terms = np.column_stack([radius * square, radius * square**2, radius * square**3])
    wanted = np.linalg.norm(distorted, axis=1) - radius
    k1, k2, k3 = np.linalg.lstsq(terms, wanted, rcond=None)[0].tolist()
    lens = Lens(
        *size_px,
        fx=focal_px[0],
        fy=focal_px[1],
        cx=centre_px[0],
        cy=centre_px[1],
        k1=k1,
        k2=k2,
        k3=k3,
    )
    back_px, _ = lens.to_pixels(rays)
    return lens, float(np.linalg.norm(back_px - px, axis=1).max())


def _rotation(rx: float, ry: float, rz: float) -> NDArray[np.float64]:
    about = [
        np.asarray(cv2.Rodrigues(np.array(axis) * angle)[0], np.float64)
        for axis, angle in (((1.0, 0, 0), rx), ((0, 1.0, 0), ry), ((0, 0, 1.0), rz))
    ]
    return about[2] @ about[1] @ about[0]


def _root(path: Path) -> ET.Element:
    try:
        return ET.fromstring(path.read_bytes())  # noqa: S314 - a file of the user's own
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ET.ParseError as error:
        raise SourceError(f"{path}: is not XML: {error}") from error


def _value(root: ET.Element, element: str, attribute: str, path: Path) -> float:
    found = root.find(element)
    text = None if found is None else found.get(attribute)
    if text is None:
        raise SourceError(f"{path}: {element}: {attribute}: is missing")
    try:
        value = float(text)
    except ValueError:
        raise SourceError(f"{path}: {element}: {attribute}: {text!r} is not a number") from None
    if not math.isfinite(value):
        raise SourceError(f"{path}: {element}: {attribute}: {text!r} is not a finite number")
    return value
