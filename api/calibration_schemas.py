"""What the location API says and takes of calibrations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from .calibration_result import Way  # noqa: TC001 - pydantic reads the annotation
from .schemas import SCHEMA_VERSION, Message

Pair = tuple[float, float]
Line = tuple[Pair, ...]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Reload = Literal["in-use", "put-off"]

MOST_POINTS = 100


class Body(Message):
    """Base of what is sent: nothing unknown, no infinite numbers."""

    model_config = ConfigDict(allow_inf_nan=False)


class ClickedPoint(Body):
    """A place that was found in the picture and on the plan."""

    pixel: tuple[Finite, Finite] = Field(
        description="Pixel of the calibrated picture; (0, 0) is the centre of the first."
    )
    metres: Annotated[tuple[Finite, ...], Field(min_length=2, max_length=3)] = Field(
        description="Site metres x, y and, where it is not on the floor, the height above it."
    )
    name: str = Field(default="", max_length=80)
    used: bool = Field(default=True, description="False for a point that is set aside.")


class LensNumbers(Body):
    """Numbers of the lens, pixels; those that are left out are as in the camera's file."""

    fx: Annotated[float, Field(gt=0, le=1e6)] | None = None
    fy: Annotated[float, Field(gt=0, le=1e6)] | None = None
    cx: Finite | None = None
    cy: Finite | None = None
    k1: Annotated[float, Field(ge=-10, le=10)] | None = None
    k2: Annotated[float, Field(ge=-10, le=10)] | None = None


class ClickedPoints(Body):
    """Points, and how they are to be used."""

    points: Annotated[tuple[ClickedPoint, ...], Field(max_length=MOST_POINTS)]
    way: Way = Field(
        default="pose",
        description="`pose` finds where the camera stands; `homography` only how it shows the "
        "floor, for a lens that nobody knows.",
    )
    refine_lens: bool = Field(default=False, description="Fit focal length and k1, too.")
    lens: LensNumbers = LensNumbers()


class NewVersion(ClickedPoints):
    """A fit that is to become the camera's calibration."""

    note: str = Field(default="", max_length=400)
    based_on: int | None = Field(
        description="Number of the version that it takes the place of; null where the camera's "
        "file is none."
    )
    recognise: bool = Field(
        default=True,
        description="Remember corners of the last still, so that a later move is noticed.",
    )


class Restoration(Body):
    """An older version that is to be the calibration again."""

    based_on: int | None


class StillRequest(Body):
    """Which picture is wanted."""

    at_s: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = Field(
        default=0.0, description="Of a drill: seconds since its start."
    )


class PointError(Message):
    """How well a fit agrees with one point."""

    seen_px: Pair | None = Field(
        description="The pixel where the fit puts it; null where it does not show it."
    )
    off_px: float | None = Field(
        description="From its pixel to where the fit puts it; null where it does not show it."
    )
    off_m: float | None = Field(
        description="From its place to where the fit puts its pixel: along the floor, or from the "
        "line of sight where it is more than 0.5 m above the floor."
    )
    left_out_m: float | None = Field(
        description="The same by a fit to all other points; null where those fix no camera, and "
        "for points more than 0.5 m above the floor."
    )
    believed: bool = Field(description="False where it contradicts the others or is set aside.")
    suspect: str = Field(description='What speaks against it, in words; "" where nothing does.')


class Band(Message):
    """The floor between two distances from the camera."""

    from_m: float
    to_m: float
    area_m2: float
    median_m: float = Field(description="Expected error, median over that floor.")
    worst_m: float


class Moved(Message):
    """How the floor moves from one calibration to another."""

    median_m: float
    p95_m: float
    worst_m: float
    arrows_m: tuple[tuple[float, float, float, float], ...] = Field(
        description="Places x, y by the first and x, y by the second, some over all the floor."
    )


class Overlay(Message):
    """What a calibration says of the picture and of the plan."""

    grid_px: tuple[Line, ...] = Field(description="Lines of the floor, a metre apart.")
    walls_px: tuple[Line, ...] = Field(description="The foot of the walls that it sees.")
    horizon_px: Line
    floor_m: tuple[tuple[Line, ...], ...] = Field(
        description="The floor that it shows: polygons, each its outline and its holes."
    )
    camera_m: tuple[float, float, float] | None = Field(
        description="Where it stands; null where only the floor is known."
    )


class Fit(Message):
    """A camera that was fitted."""

    way: Way
    lens: dict[str, float]
    floor_error_m: float
    measured: bool = Field(description="Whether points could be left out to measure the error.")
    left_out_m: float | None = Field(
        description="Root mean square over the points that were left out in turn."
    )
    trusted_up_to_m: float | None = Field(
        description="From the camera up to here the expected error is nowhere above 0.5 m; null "
        "where it is nowhere above it at all, or not known by distance."
    )
    points: tuple[PointError, ...]
    bands: tuple[Band, ...]
    moved: Moved | None = Field(description="Against the calibration in use; null without one.")
    overlay: Overlay
    advice: tuple[str, ...] = Field(description="What would make it better, a sentence each.")


class FitAnswer(Message):
    """A fit, or why there is none."""

    schema_version: Literal[1] = SCHEMA_VERSION
    refusal: str = Field(description='Why the points fix no camera; "" where they do.')
    fit: Fit | None


class Recording(Message):
    """What a drill has of a camera."""

    duration_s: float
    pictures: bool = Field(description="False where it holds boxes only.")


class CalibratedCamera(Message):
    """A camera and its calibration."""

    schema_version: Literal[1] = SCHEMA_VERSION
    site: str
    id: str
    name: str
    level: str
    placement: Literal["interior", "exterior"]
    size_px: tuple[int, int]
    lens: dict[str, float]
    lens_model: Literal["pinhole", "fisheye"]
    calibrated_by: Literal["pose", "homography", "landmarks"]
    floor_error_m: float
    version: int | None = Field(
        description="The version that its file is; null for one that was changed by hand, or never "
        "saved here."
    )
    points: tuple[ClickedPoint, ...] = Field(description="What was clicked for it, if known.")
    way: Way
    put_off: bool = Field(
        description="Whether its file waits to be used until the incident that is open is over."
    )
    recording: Recording | None = Field(description="Null for a live camera.")
    refusal: str = Field(description='Why no still would be shown now; "" where one would be.')
    longest_s: float = Field(description="Longest walk test, seconds.")
    overlay: Overlay = Field(description="Of the calibration in its file.")


class CameraToCalibrate(Message):
    """A camera in the list of them."""

    id: str
    name: str
    level: str
    placement: Literal["interior", "exterior"]
    floor_error_m: float
    calibrated_by: Literal["pose", "homography", "landmarks"]


class CamerasToCalibrate(Message):
    """The cameras of a site that can be calibrated."""

    schema_version: Literal[1] = SCHEMA_VERSION
    cameras: tuple[CameraToCalibrate, ...]


class CalibrationVersion(Message):
    """A calibration that the camera had, or has."""

    number: int
    saved_at: AwareDatetime
    saved_by: str = Field(description='Name of the account; "" for what was found there.')
    note: str
    restored_from: int | None
    way: Way
    points: int = Field(description="How many points were used.")
    floor_error_m: float | None
    current: bool


class CalibrationVersions(Message):
    """All versions of a camera, the newest first."""

    schema_version: Literal[1] = SCHEMA_VERSION
    versions: tuple[CalibrationVersion, ...]


class SavedCalibration(Message):
    """What became of a calibration that was saved."""

    schema_version: Literal[1] = SCHEMA_VERSION
    version: CalibrationVersion
    use: Reload = Field(
        description="`in-use`: the next incident uses it. `put-off`: an incident is open, and it "
        "is taken into use when that is over."
    )
    comments_kept: bool = Field(
        description="False where the camera's file had to be written anew without its comments."
    )


class Comparison(Message):
    """How two versions of a calibration differ over the floor."""

    schema_version: Literal[1] = SCHEMA_VERSION
    first: int
    second: int
    moved: Moved | None = Field(description="Null where they show no floor in common.")
    first_overlay: Overlay
    second_overlay: Overlay


class WalkRequest(Body):
    """A walk between marked places."""

    places: Annotated[tuple[tuple[Finite, Finite], ...], Field(min_length=2, max_length=12)] = (
        Field(description="Site metres, in the order in which they are passed, straight between.")
    )
    seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30.0, description="How long the camera is looked through."
    )
    from_s: Annotated[float, Field(ge=0, le=1e6)] = Field(
        default=0.0, description="Of a drill: the walk begins so long after its start."
    )
    by: ClickedPoints | None = Field(
        default=None, description="A fit that is not saved yet; null tests the one in the file."
    )


class WalkResult(Message):
    """How far off the straight line somebody was placed who walked on it."""

    median_m: float
    p95_m: float
    worst_m: float
    worst_at_m: Pair
    shift_m: Pair = Field(description="Mean of the residuals: where everything is put too far.")
    covered: float = Field(description="Share of the way on which they were seen.")
    path: tuple[tuple[float, float, float, float], ...] = Field(
        description="Seconds, x, y and the distance from the line."
    )
    text: str


class WalkTest(Message):
    """A walk test, running or over."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str
    camera: str
    state: Literal["starting", "watching", "done", "failed", "stopped"]
    watched_s: float = Field(description="Seconds that were watched so far.")
    seconds: float
    people: int = Field(description="Bodies that were followed so far.")
    problem: str = Field(description='Why it failed; "" where it did not.')
    result: WalkResult | None
