"""`/v1/sites`: what this server was started with, as far as whoever asks may be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Response

from . import examples, schemas, site_schemas
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
