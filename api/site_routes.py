"""`/v1/sites`: what this server was started with."""

from __future__ import annotations

from fastapi import APIRouter, Response

from . import examples, schemas
from .plans import plan_geojson
from .services import DOCUMENTED_BEARER, ServicesHere, target_or_404

router = APIRouter(
    prefix="/v1/sites",
    tags=["sites"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED},
)

_SITES = schemas.SiteList(sites=(examples.SITE,))


@router.get("", responses={200: examples.json_example(_SITES, "The sites and drills")})
def list_sites(services: ServicesHere) -> schemas.SiteList:
    """List the sites and drills that an incident can be opened on."""
    return schemas.SiteList(
        sites=tuple(
            schemas.Site(
                id=target.id,
                kind=target.kind,
                name=target.name,
                description=target.description,
                address=target.site.address,
                levels=tuple(
                    schemas.Named(id=level.id, name=level.name) for level in target.site.levels
                ),
                cameras=tuple(
                    schemas.Named(id=camera.id, name=camera.name)
                    for camera in target.site.cameras.values()
                ),
                open_incident=open_one.id
                if (open_one := services.incidents.open_on(target.id))
                else None,
            )
            for target in services.incidents.targets.values()
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
def get_plan(site_id: str, services: ServicesHere) -> Response:
    """Return the floor plan and what the cameras see of it, as GeoJSON in site metres."""
    target = target_or_404(services, site_id)
    return Response(plan_geojson(target), media_type="application/geo+json")
