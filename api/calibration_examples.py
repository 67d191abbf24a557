"""Examples of calibrations in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from . import calibration_schemas as schemas
from . import examples
from .locations import utc

_AT_S: Final = 1772442015.0

OVERLAY: Final = schemas.Overlay(
    grid_px=(((212.0, 540.0), (300.4, 411.2)),),
    walls_px=(((40.0, 610.5), (208.0, 402.1)),),
    horizon_px=((0.0, 96.1), (1279.0, 101.4)),
    floor_m=((((3.1, 7.0), (9.4, 7.0), (9.4, 12.2), (3.1, 12.2), (3.1, 7.0)),),),
    camera_m=(3.0, 6.9, 2.72),
)
_LENS: Final = {"fx": 760.0, "fy": 760.0, "cx": 639.5, "cy": 359.5, "k1": -0.12}
_POINT: Final = schemas.ClickedPoint(
    pixel=(212.0, 540.0), metres=(3.1, 7.0), name="door 101, left foot of the frame"
)
_MOVED: Final = schemas.Moved(
    median_m=0.06, p95_m=0.14, worst_m=0.21, arrows_m=((4.0, 8.0, 4.05, 8.03),)
)
_FIT: Final = schemas.Fit(
    way="pose",
    lens=_LENS,
    floor_error_m=0.04,
    measured=True,
    left_out_m=0.06,
    trusted_up_to_m=14.0,
    points=(
        schemas.PointError(
            seen_px=(212.7, 540.4),
            off_px=0.8,
            off_m=0.02,
            left_out_m=0.05,
            believed=True,
            suspect="",
        ),
    ),
    bands=(schemas.Band(from_m=3.0, to_m=6.0, area_m2=21.5, median_m=0.03, worst_m=0.08),),
    moved=_MOVED,
    overlay=OVERLAY,
    advice=("A point above the floor, such as the top of a door, makes the tilt certain.",),
)
_VERSION: Final = schemas.CalibrationVersion(
    number=3,
    saved_at=utc(_AT_S),
    saved_by="ina",
    note="after the camera was moved",
    restored_from=None,
    way="pose",
    points=9,
    floor_error_m=0.04,
    current=True,
)
_CAMERA: Final = schemas.CalibratedCamera(
    site="wing",
    id="cam-02",
    name="Corridor east",
    level="L1",
    placement="interior",
    size_px=(1280, 720),
    lens=_LENS,
    lens_model="pinhole",
    calibrated_by="pose",
    floor_error_m=0.04,
    version=3,
    points=(_POINT,),
    way="pose",
    put_off=False,
    recording=None,
    refusal="",
    longest_s=120.0,
    overlay=OVERLAY,
)
_WALK: Final = schemas.WalkTest(
    id="5f2c9a71e03b",
    camera="cam-02",
    state="done",
    watched_s=11.8,
    seconds=12.0,
    people=1,
    problem="",
    result=schemas.WalkResult(
        median_m=0.07,
        p95_m=0.19,
        worst_m=0.24,
        worst_at_m=(9.2, 11.8),
        shift_m=(0.03, -0.05),
        covered=0.93,
        path=((3.4, 4.0, 8.1, 0.1),),
        text="On 93 % of the way the walker was placed 0.07 m beside the line (median), 95 % of "
        "the time no more than 0.19 m.",
    ),
)

CAMERAS = examples.json_example(
    schemas.CamerasToCalibrate(
        cameras=(
            schemas.CameraToCalibrate(
                id="cam-02",
                name="Corridor east",
                level="L1",
                placement="interior",
                floor_error_m=0.04,
                calibrated_by="pose",
            ),
        )
    ),
    "The cameras",
)
CAMERA = examples.json_example(_CAMERA, "The camera and its calibration")
FIT = examples.json_example(
    schemas.FitAnswer(refusal="", fit=_FIT), "The fit, or why there is none"
)
VERSIONS = examples.json_example(
    schemas.CalibrationVersions(versions=(_VERSION,)), "The versions, newest first"
)
SAVED = examples.json_example(
    schemas.SavedCalibration(version=_VERSION, use="in-use", comments_kept=True), "Saved"
)
COMPARISON = examples.json_example(
    schemas.Comparison(
        first=2, second=3, moved=_MOVED, first_overlay=OVERLAY, second_overlay=OVERLAY
    ),
    "How they differ",
)
WALK = examples.json_example(_WALK, "The walk test")
JPEG: dict[str, Any] = {
    "description": "The picture",
    "content": {
        "image/jpeg": {
            "schema": {"type": "string", "format": "binary"},
            "example": "the bytes of a JPEG file",
        }
    },
    "headers": {
        "Captured-At": {
            "description": "When it was captured, Unix seconds.",
            "schema": {"type": "number"},
        }
    },
}
NO_CAMERA = examples.problem_example(
    404,
    "camera-not-found",
    "No such camera",
    "the site has no camera 'cam-9'; GET /v1/sites/wing/cameras lists what it has",
)
NO_VERSION = examples.problem_example(
    404, "version-not-found", "No such version", "this camera has no version 9"
)
NO_WALK = examples.problem_example(
    404, "walk-test-not-found", "No such walk test", "there is no walk test '5f2c'"
)
NO_PICTURE = examples.problem_example(
    409,
    "camera-shows-nothing",
    "The camera shows no picture",
    "Corridor east sent no picture within 8 s",
)
CHANGED = examples.problem_example(
    409,
    "calibration-changed",
    "The calibration was changed meanwhile",
    "it is version 4 now; load it again, compare, and save then",
)
UNREADABLE = examples.problem_example(
    409,
    "calibration-unreadable",
    "The camera's files cannot be read",
    "cam-02.toml: is not valid TOML: Invalid value (at line 3, column 6)",
)
DEGENERATE = examples.problem_example(
    422,
    "points-fix-nothing",
    "The points fix no camera",
    "3 points do not fix a camera; survey at least four",
)
RUNNING = examples.problem_example(
    409,
    "walk-test-running",
    "A walk test is running",
    "this server tests one walk at a time; wait for it or stop it",
)
NO_AUDIT = examples.problem_example(
    503,
    "audit-unavailable",
    "The audit cannot be written",
    "Nothing is opened without an audit entry; the server's log says what to repair.",
)
