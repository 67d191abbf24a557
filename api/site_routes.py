"""`/v1/sites`: what this server was started with, as far as whoever asks may be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Response

from calibration.safe_svg import SvgError
from calibration.underlay import MEDIA_TYPES

from . import examples, schemas, site_schemas
from .errors import ProblemError
from .plans import plan_geojson
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere, target_or_404
from .viewing import told_cameras

if TYPE_CHECKING:
    from .actors import Actor
    from .agreements import Agreement, Channel
    from .services import Services
    from .targets import Target

router = APIRouter(
    prefix="/v1/sites",
    tags=["sites"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)

_NO_UNDERLAY = examples.problem_example(
    404, "underlay-not-found", "No such picture", "no picture lies under level 'L2' of 'wing'"
)
_SITES = site_schemas.SiteList(sites=(examples.SITE,))


@router.get("", responses={200: examples.json_example(_SITES, "The sites and drills")})
def list_sites(services: ServicesHere, actor: ActorHere) -> site_schemas.SiteList:
    """List the sites and drills that this account may ask about, and what binds them."""
    actor.need("sites")
    return site_schemas.SiteList(
        sites=tuple(
            _site(target, services, actor)
            for target in services.incidents.targets.values()
            if actor.may("sites", target.id)
        )
    )


@router.get(
    "/{site_id}/plan",
    response_class=Response,
    responses={
        200: examples.json_example(examples.PLAN, "The plan", "application/geo+json"),
        404: examples.NO_SITE,
    },
)
def get_plan(site_id: str, services: ServicesHere, actor: ActorHere) -> Response:
    """Return the floor plan and what the cameras see of it, as GeoJSON in site metres.

    Cameras are left out for who may not be told where they are.
    """
    actor.need("sites")
    target = target_or_404(services, site_id, actor)
    told = told_cameras(target.terms.agreement, actor)
    return Response(plan_geojson(target, cameras=told), media_type="application/geo+json")


@router.get(
    "/{site_id}/underlays/{level}",
    response_class=Response,
    responses={
        200: {
            "description": "The picture",
            "content": {
                media_type: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "the bytes of the picture",
                }
                for media_type in sorted(set(MEDIA_TYPES.values()))
            },
        },
        404: _NO_UNDERLAY,
    },
)
def get_underlay(
    site_id: str,
    services: ServicesHere,
    actor: ActorHere,
    level: Annotated[str, Path(description="Level id of the plan.", max_length=64)],
) -> Response:
    """Return the picture that lies under a level of the plan; of an SVG, without its scripts.

    Where it lies, `lastseen.underlays` of the plan says.
    """
    actor.need("sites")
    target = target_or_404(services, site_id, actor)
    underlay = next((one for one in target.site.underlays if one.level == level), None)
    if underlay is None:
        raise _no_underlay(f"no picture lies under level {level!r} of {site_id!r}")
    try:
        content = underlay.content()
    except (OSError, SvgError) as error:
        raise _no_underlay(
            f"{underlay.file} cannot be shown any more: {error}; run 'lastseen site check'"
        ) from error
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    headers = {"Content-Security-Policy": policy}
    return Response(content, media_type=underlay.media_type, headers=headers)


def _no_underlay(detail: str) -> ProblemError:
    return ProblemError(404, "underlay-not-found", "No such picture", detail)


def _site(target: Target, services: Services, actor: Actor) -> site_schemas.Site:
    agreement = target.terms.agreement
    open_one = services.incidents.open_on(target.id)
    return site_schemas.Site(
        id=target.id,
        kind=target.kind,
        name=target.name,
        description=target.description,
        address=target.site.address,
        levels=tuple(schemas.Named(id=level.id, name=level.name) for level in target.site.levels),
        cameras=tuple(
            schemas.Named(id=camera.id, name=camera.name) for camera in target.site.cameras.values()
        )
        if told_cameras(agreement, actor)
        else None,
        agreement=None if agreement is None else _terms(agreement, actor),
        open_incident=None if open_one is None else open_one.id,
    )


def _terms(agreement: Agreement, actor: Actor) -> site_schemas.AgreementTerms:
    channels: dict[Channel, None] = {}
    for clause in agreement.clauses:
        channels.update(dict.fromkeys(clause.channels))
    told = agreement.tells("retention", actor.acts_as)
    return site_schemas.AgreementTerms(
        title=agreement.title,
        version=agreement.version,
        sha256=agreement.sha256,
        roles=agreement.roles,
        emergencies=agreement.incidents.count,
        never=agreement.incidents.never,
        channels=tuple(channels),
        agencies=(*agreement.agencies, *agreement.sharing.agencies),
        close_when_all_left=agreement.grant.close_when_all_left,
        retention_days=agreement.retention.days if told else None,
    )
