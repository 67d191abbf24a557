"""Examples of drafts of floor plans for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from calibration.site_files import AnchorTable, LevelTable

from . import examples
from . import plan_edit_schemas as schemas
from .locations import utc

_AT_S: Final = 1772442015.25  # 2026-03-02 09:00:15.25 UTC
_ID: Final = "9f3a61c25d0e47b1"

DRAFT: Final = schemas.Draft(
    draft=_ID,
    site="north",
    version=7,
    created_at=utc(_AT_S - 3600.0),
    created_by="ines",
    saved_at=utc(_AT_S),
    saved_by="ines",
    published_at=None,
    outdated=False,
    cameras=12,
    anchor=AnchorTable(longitude_deg=-85.52, latitude_deg=39.05, x_axis_bearing_deg=90.0),
    levels=(LevelTable(id="L1", name="Ground floor", ordinal=0, elevation_m=0.0),),
    features=tuple(examples.PLAN["features"]),
    pictures=(
        schemas.LevelPicture(
            level="L1",
            name="picture-5d0e47b19f3a61c2.png",
            media_type="image/png",
            size_px=(2400.0, 1600.0),
            page=1,
            pages=1,
            placement=schemas.PlacementMessage(
                metres_per_pixel=0.025,
                rotation_deg=0.0,
                origin_px=(-0.5, 1599.5),
                origin_m=(0.0, 0.0),
            ),
            measured=True,
            to_site=((0.025, 0.0, 0.0125), (0.0, -0.025, 39.9875)),
        ),
    ),
    notes=(),
    history=(schemas.PlanVersion(version=6, saved_at=utc(_AT_S - 40.0), saved_by="ines"),),
)
DRAFTS: Final = schemas.DraftList(
    drafts=(
        schemas.DraftSummary(
            draft=_ID,
            site="north",
            version=7,
            created_at=utc(_AT_S - 3600.0),
            created_by="ines",
            saved_at=utc(_AT_S),
            saved_by="ines",
            features=1,
            published_at=None,
        ),
    )
)
CHECK: Final = schemas.DraftCheck(
    draft=_ID,
    version=7,
    ok=False,
    problems=(
        schemas.CheckedProblem(
            severity="error",
            message="no way leads to Room 104 (Ground floor, about (22.0, 9.0)) from any usable "
            "entrance; add the opening of its door",
            feature="room-104",
            level="L1",
            at_m=(22.0, 9.0),
            field="feature 'room-104'",
            file="floor_plan.geojson",
        ),
    ),
    changes=("1 space new: Room 104",),
    reached=0,
    spaces=1,
)
PUBLICATION: Final = schemas.Publication(
    site="north",
    draft=_ID,
    version=8,
    sha256="5d0e47b19f3a61c2" * 4,
    kept="plan-versions/20260302-090015-9f3a61",
    in_use="in-use",
    changes=("1 space new: Room 104",),
    warnings=0,
)
_Response = dict[str, Any]

NO_DRAFT: Final[_Response] = examples.problem_example(
    404, "draft-not-found", "No such draft", "north has no draft '9f3a'; it may have been deleted"
)
DRAFT_CHANGED: Final[_Response] = examples.problem_example(
    409,
    "draft-changed",
    "The draft was changed meanwhile",
    "version 8 was saved by ines, and this change is of version 7; load the draft again",
)
REFUSED: Final[_Response] = examples.problem_example(
    422, "plan-file-refused", "The file cannot be used", "the PDF is encrypted; save it without a "
    "password",
)  # fmt: skip
