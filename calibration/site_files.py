"""What `site.toml` and `cameras/<id>.toml` may say."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads it
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from vision.address import CameraAddress  # noqa: TC001 - pydantic reads it

from .validation import FileModel

_COVARIANCE_SIZES = (6, 8)
_ROUNDING = 1e-3

Row = tuple[float, float, float]
Matrix = tuple[Row, Row, Row]
Pixel = tuple[float, float]


def _identifier(text: str) -> str:
    if not text or any(c.isspace() or c in "/\\" for c in text):
        raise ValueError(f"{text!r} is no id; use letters, digits, '-' and '_', no spaces")
    return text


def _label(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give a name that people on the site know")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
Label = Annotated[str, AfterValidator(_label)]


class AnchorTable(FileModel):
    """`[anchor]` of `site.toml`: where the plan's origin lies on earth."""

    longitude_deg: float = Field(ge=-180, le=180)
    latitude_deg: float = Field(ge=-90, le=90)
    x_axis_bearing_deg: float = Field(ge=-360, le=360)


class LevelTable(FileModel):
    """`[[levels]]` of `site.toml`."""

    id: Identifier
    name: Label
    ordinal: int
    elevation_m: float


class UnderlayTable(FileModel):
    """`[[underlays]]` of `site.toml`: a picture of a level's plan and where it lies."""

    level: str
    file: str
    metres_per_pixel: float | None = Field(default=None, gt=0)
    pixels: tuple[Pixel, Pixel] | None = None
    distance_m: float | None = Field(default=None, gt=0)
    metres: tuple[Pixel, Pixel] | None = None
    rotation_deg: float = Field(default=0.0, ge=-360, le=360)
    origin_px: Pixel | None = None
    origin_m: Pixel = (0.0, 0.0)

    @model_validator(mode="after")
    def _scaled_once(self) -> Self:
        ways = [self.metres_per_pixel is not None, self.distance_m is not None, bool(self.metres)]
        if sum(ways) != 1 or (self.pixels is None) != (self.metres_per_pixel is not None):
            raise ValueError(
                "give the scale in one way: metres_per_pixel, or pixels (two points) with their "
                "distance_m, or pixels with their metres (two places)"
            )
        given = self.model_fields_set & {"rotation_deg", "origin_px", "origin_m"}
        if self.metres and given:
            raise ValueError(
                f"two points with their places say all; leave out {', '.join(sorted(given))}"
            )
        return self


class SiteFile(FileModel):
    """All of `site.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    name: Label
    address: str = ""
    floor_plan: str
    agreement: str | None = None
    anchor: AnchorTable
    levels: tuple[LevelTable, ...] = Field(min_length=1)
    underlays: tuple[UnderlayTable, ...] = ()


class LensTable(FileModel):
    """`[lens]` of a camera, in pixels: a pinhole with Brown-Conrady distortion, or a fisheye."""

    model: Literal["pinhole", "fisheye"] = "pinhole"
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    fx: float = Field(gt=0)
    fy: float = Field(gt=0)
    cx: float
    cy: float
    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0

    @model_validator(mode="after")
    def _has_what_its_model_has(self) -> Self:
        foreign = ("p1", "p2") if self.model == "fisheye" else ("k4",)
        named = [name for name in foreign if getattr(self, name) != 0.0]
        if named and self.model == "fisheye":
            raise ValueError(
                f"a fisheye has no {' or '.join(named)}; it has k1, k2, k3 and k4 (as OpenCV's "
                'fisheye module gives them). Leave it out, or write model = "pinhole"'
            )
        if named:
            raise ValueError(
                'a pinhole has no k4; leave it out, or write model = "fisheye" if k1 to k4 come '
                "from OpenCV's fisheye module"
            )
        return self


class PoseTable(FileModel):
    """`[pose]` of a camera: x_cam = R x_site + t."""

    R: Matrix
    t: Row


class HomographyTable(FileModel):
    """`[homography]` of a camera: undistorted pixel to floor."""

    image_to_floor: Matrix


class LandmarkTable(FileModel):
    """One `[[landmarks]]` of a camera: a surveyed point and the pixel where it is seen."""

    pixel: tuple[float, float]
    metres: Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
    name: str = ""


class CalibrationTable(FileModel):
    """`[calibration]` of a camera: how `[pose]` was found, written by `lastseen calibrate`."""

    date: dt.date
    landmarks: int = Field(ge=4)
    not_believed: tuple[str, ...] = ()
    sigma_px: float = Field(gt=0)
    held_out_m: float = Field(ge=0)
    covariance: tuple[tuple[float, ...], ...]

    @field_validator("covariance")
    @classmethod
    def _is_a_covariance(cls, rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        size = len(rows)
        if size not in _COVARIANCE_SIZES or any(len(row) != size for row in rows):
            raise ValueError("is no covariance: it has 6 rows of 6 numbers, or 8 of 8")
        matrix = np.array(rows)
        scale = np.sqrt(np.abs(np.diag(matrix)))
        unit = matrix / np.maximum(np.outer(scale, scale), 1e-30)
        if np.abs(unit - unit.T).max() > _ROUNDING or np.linalg.eigvalsh(unit)[0] < -_ROUNDING:
            raise ValueError(
                "is no covariance: it must be symmetric and positive; run lastseen calibrate again"
            )
        return rows


class CameraFile(FileModel):
    """All of `cameras/<id>.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Identifier
    name: Label
    address: CameraAddress | None = None
    sub_address: CameraAddress | None = None
    placement: Literal["interior", "exterior"]
    level: str
    floor_error_m: float | None = Field(default=None, gt=0)
    lens: LensTable
    pose: PoseTable | None = None
    homography: HomographyTable | None = None
    landmarks: tuple[LandmarkTable, ...] = ()
    calibration: CalibrationTable | None = None

    @field_validator("sub_address")
    @classmethod
    def _is_another_stream(
        cls, sub: CameraAddress | None, info: ValidationInfo
    ) -> CameraAddress | None:
        if sub is None or "address" not in info.data:  # a wrong address is told by itself
            return sub
        if info.data["address"] is None:
            raise ValueError("there is no address, whose stand-in it would be; write it as address")
        if info.data["address"] == sub:
            raise ValueError(
                "is the same as address; give the camera's stream of a lower resolution, or leave "
                "it out"
            )
        return sub

    @model_validator(mode="after")
    def _calibrated_once(self) -> Self:
        if self.calibration is not None and self.pose is None:
            raise ValueError("[calibration] tells how [pose] was found; there is no [pose]")
        # With [calibration], the landmarks are those that [pose] was found from.
        surveyed = bool(self.landmarks) and self.calibration is None
        ways = [self.pose is not None, self.homography is not None, surveyed]
        if not any(ways):
            raise ValueError(
                "the camera has no calibration; add [pose], [homography] or at least four "
                "[[landmarks]]"
            )
        if sum(ways) > 1:
            raise ValueError(
                "the camera is calibrated more than once; keep one of [pose], [homography] and "
                "[[landmarks]]"
            )
        return self
