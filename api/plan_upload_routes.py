"""What is brought to a draft of a floor plan: pictures with their scale, and plans of others."""
# ruff: noqa: FAST003 - `DraftHere` reads the draft's id from the path

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from calibration.picture_scaling import TwoPoints, carried, lay_picture, x_bearing_of_line_deg
from calibration.site_files import AnchorTable
from calibration.underlay import Placement, corners_px, north_on_picture_deg

from . import examples, plan_edit_examples, plan_edit_schemas
from .errors import ProblemError, UploadError
from .plan_draft_file import DraftFile, PictureTable, PlacementTable
from .plan_edit_routes import DraftHere, SurveyedHere, of_version
from .plan_edit_routes import router as drafts
from .plan_reading import ReadPicture, read_picture, read_plan
from .services import DOCUMENTED_BEARER, ActorHere
from .site_import import STOREY_M

router = APIRouter(
    prefix=drafts.prefix,
    tags=["floor plans"],
    dependencies=[DOCUMENTED_BEARER],
    responses=drafts.responses,
)

_GUESSED_WIDTH_M = 60.0
"""Of a picture whose scale nobody has measured yet; most schools' wings are as wide."""

_NO_RUN = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""For a drawing that somebody opens by its address: nothing in it runs or loads."""

_DRAFT = examples.json_example(plan_edit_examples.DRAFT, "The draft with it")
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself; what it is, is told by what stands in it.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    413: examples.problem_example(
        413, "request-too-large", "The request is too large", "a file has 64 MiB at most"
    ),
    422: plan_edit_examples.REFUSED,
}

VersionHere = Annotated[
    int, Query(description="The draft's version that this changes.", ge=1, le=10**9)
]
LevelHere = Annotated[str, Path(description="Level id.", max_length=200)]


@router.put(
    "/{draft}/levels/{level}/picture",
    responses={200: _DRAFT, **_REFUSED},
    openapi_extra=_FILE,
)
async def put_plan_picture(
    request: Request,
    here: SurveyedHere,
    newest: DraftHere,
    actor: ActorHere,
    level: LevelHere,
    version: VersionHere,
    page: Annotated[int, Query(description="Page of a PDF, from 1.", ge=1, le=10_000)] = 1,
) -> plan_edit_schemas.Draft:
    """Lay a picture under a level: a PNG, JPEG or SVG, or a page of a PDF.

    It is made anew from what it shows. Until its scale is measured it is taken to be 60 m wide.
    """
    draft = _with_level(of_version(newest, version), level)
    data = await request.body()

    def lay() -> plan_edit_schemas.Draft:
        read = _read(partial(read_picture, data, page))
        file = here.services.drafts.keep_picture(draft, read)
        table = PictureTable(
            file=file,
            media_type=read.media_type,
            size_px=read.size_px,
            page=read.page,
            pages=read.pages,
            placement=PlacementTable.of(_guessed(read)),
            measured=False,
        )
        after = here.services.drafts.change(
            draft,
            by=actor.name,
            now_s=here.services.clock(),
            pictures={**draft.pictures, level: table},
        )
        return here.told(after)

    return await to_thread.run_sync(lay, limiter=here.services.drafts.reading)


@router.get(
    "/{draft}/levels/{level}/picture",
    response_class=Response,
    responses={
        200: {
            "description": "The picture",
            "content": {
                kind: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "the bytes of the picture",
                }
                for kind in ("image/png", "image/jpeg", "image/svg+xml")
            },
        }
    },
)
def get_plan_picture(here: SurveyedHere, draft: DraftHere, level: LevelHere) -> Response:
    """Return the picture under a level; of an SVG only what draws."""
    table, content = here.services.drafts.picture(draft, level)
    return Response(
        content, media_type=table.media_type, headers={"Content-Security-Policy": _NO_RUN}
    )


@router.delete("/{draft}/levels/{level}/picture", responses={200: _DRAFT})
def take_plan_picture_away(
    here: SurveyedHere,
    newest: DraftHere,
    actor: ActorHere,
    level: LevelHere,
    version: VersionHere,
) -> plan_edit_schemas.Draft:
    """Take the picture under a level away; what is drawn stays."""
    draft = of_version(newest, version)
    pictures = {of: table for of, table in draft.pictures.items() if of != level}
    after = here.services.drafts.change(
        draft, by=actor.name, now_s=here.services.clock(), pictures=pictures
    )
    return here.told(after)


@router.put("/{draft}/levels/{level}/scale", responses={200: _DRAFT, 422: _REFUSED[422]})
def scale_plan_picture(
    wanted: plan_edit_schemas.ScalePicture,
    here: SurveyedHere,
    newest: DraftHere,
    actor: ActorHere,
    level: LevelHere,
) -> plan_edit_schemas.Draft:
    """Say the scale of a picture, and where north is, by two of its points."""
    draft = of_version(newest, wanted.version)
    table, _ = here.services.drafts.picture(draft, level)
    before = table.placement.placement()
    try:
        laid = lay_picture(
            _points(wanted),
            size_px=table.size_px,
            media_type=table.media_type,
            before=before if table.measured else None,
            anchor=draft.where(),
            axes=wanted.axes,
        )
    except ValueError as error:
        raise ProblemError(
            422, "scale-refused", "The picture cannot have this scale", str(error)
        ) from error
    placed = table.model_copy(
        update={"placement": PlacementTable.of(laid.placement), "measured": True}
    )
    features = draft.features
    if wanted.carry:
        features = tuple(_carried(f, level, before, laid.placement) for f in features)
    after = here.services.drafts.change(
        draft,
        by=actor.name,
        now_s=here.services.clock(),
        pictures={**draft.pictures, level: placed},
        features=features,
        anchor=AnchorTable(
            longitude_deg=laid.anchor.longitude_deg,
            latitude_deg=laid.anchor.latitude_deg,
            x_axis_bearing_deg=laid.anchor.x_axis_bearing_deg,
        ),
    )
    return here.told(after)


@router.post("/{draft}/import", responses={200: _DRAFT, **_REFUSED}, openapi_extra=_FILE)
async def import_into_plan_draft(
    request: Request,
    here: SurveyedHere,
    newest: DraftHere,
    actor: ActorHere,
    version: VersionHere,
    storey_m: Annotated[
        float, Query(description="Height of a storey where the file tells none.", ge=2, le=20)
    ] = STOREY_M,
) -> plan_edit_schemas.Draft:
    """Read a plan into a draft: an IMDF archive, GeoJSON in its manner, or a WRLD indoor map.

    It takes the place of all that is drawn in the draft; the version before is kept. Pictures go,
    for the plan brings axes of its own.
    """
    draft = of_version(newest, version)
    data = await request.body()

    def bring() -> plan_edit_schemas.Draft:
        read = _read(partial(read_plan, data, storey_m=storey_m))
        after = here.services.drafts.change(
            draft,
            by=actor.name,
            now_s=here.services.clock(),
            anchor=AnchorTable(**read.anchor),
            levels=DraftFile.model_validate({**draft.model_dump(), "levels": read.levels}).levels,
            features=tuple(read.features),
            pictures={},
            notes=read.notes,
        )
        return here.told(after)

    return await to_thread.run_sync(bring, limiter=here.services.drafts.reading)


def _read(reading: Any) -> Any:  # noqa: ANN401 - one of two readers
    try:
        return reading()
    except UploadError as error:
        raise ProblemError(
            422, "plan-file-refused", "The file cannot be used", str(error)
        ) from error


def _with_level(draft: DraftFile, level: str) -> DraftFile:
    if all(known.id != level for known in draft.levels):
        listed = ", ".join(known.id for known in draft.levels)
        raise ProblemError(
            404, "level-not-found", "No such level", f"there is no level {level!r}; there are "
            f"{listed}",
        )  # fmt: skip
    return draft


def _guessed(read: ReadPicture) -> Placement:
    corner = corners_px(read.size_px, read.media_type)[3]
    return Placement(
        _GUESSED_WIDTH_M / read.size_px[0], 0.0, (float(corner[0]), float(corner[1])), (0.0, 0.0)
    )


def _points(wanted: plan_edit_schemas.ScalePicture) -> TwoPoints:
    """What was measured, as numbers.

    Raises:
        ValueError: not exactly one thing was, or the points are the same.
    """
    measured = (wanted.distance_m, wanted.places_m, wanted.places_deg)
    if sum(value is not None for value in measured) != 1:
        raise ValueError(
            "give one of distance_m, places_m (site metres) and places_deg (longitude, latitude)"
        )
    directions = (wanted.bearing_deg, wanted.north_px)
    if wanted.distance_m is None and any(value is not None for value in directions):
        raise ValueError("two places tell the direction, too; leave out bearing_deg and north_px")
    if all(value is not None for value in directions):
        raise ValueError("give bearing_deg or north_px, not both")
    px = np.array(wanted.points_px, dtype=np.float64)
    bearing_deg = None
    if wanted.bearing_deg is not None:
        bearing_deg = x_bearing_of_line_deg(px, wanted.bearing_deg)
    elif wanted.north_px is not None:
        bearing_deg = north_on_picture_deg(np.array(wanted.north_px, dtype=np.float64))
    return TwoPoints(
        px,
        wanted.distance_m,
        None if wanted.places_m is None else np.array(wanted.places_m, dtype=np.float64),
        None if wanted.places_deg is None else np.array(wanted.places_deg, dtype=np.float64),
        bearing_deg,
    )


def _carried(
    feature: dict[str, Any], level: str, before: Placement, after: Placement
) -> dict[str, Any]:
    """A feature of the level, moved as its picture is; of another level as it is."""
    if feature["properties"].get("level_id", feature["id"]) != level:
        return feature

    def moved(part: Any) -> Any:  # noqa: ANN401 - nested lists of positions
        if part and isinstance(part[0], (int, float)):
            place = carried(np.array([part[:2]], dtype=np.float64), before, after)[0]
            return [round(float(value), 4) for value in place]
        return [moved(inner) for inner in part]

    geometry = feature["geometry"]
    return {**feature, "geometry": {**geometry, "coordinates": moved(geometry["coordinates"])}}
