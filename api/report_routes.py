"""`/v1/incidents/{incident_id}/…`: what other systems know: units, doors, where officers come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Response

from calibration.inputs import Arrival, FriendlyReport

from . import examples, mark_schemas
from .errors import ProblemError
from .schemas import Point
from .services import DOCUMENTED_BEARER, ActorHere, IncidentHere, ServicesHere, WatchedHere

if TYPE_CHECKING:
    from datetime import datetime

    from calibration.floor_plan import FloorPlan

    from .incident import Incident

router = APIRouter(
    prefix="/v1/incidents/{incident_id}",
    tags=["reports"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)

OLDEST_POSITION_S, OLDEST_DOOR_S, AHEAD_S = 60.0, 600.0, 5.0
"""So much older than now a report may be, and so much ahead of this server's clock."""

_TAKEN = mark_schemas.Taken(incident=examples.INCIDENT.incident, taken=1)
_FROM = mark_schemas.ArrivalTold(
    incident=examples.INCIDENT.incident,
    geometry=Point(coordinates=(-85.52014, 39.05004)),
    site_m=Point(coordinates=(-12.0, 4.0)),
)
_NO_DOOR = examples.problem_example(
    404, "door-not-found", "No such door", "the plan has no door '9'; it has 1, 2, 3"
)
_NO_AUDIT: dict[int | str, dict[str, Any]] = {
    503: examples.problem_example(
        503, "audit-unavailable", "The audit cannot be written", "nothing was taken in"
    )
}


@router.post(
    "/friendly-positions",
    responses={
        200: examples.json_example(_TAKEN, "They are compared with what cameras see"),
        404: examples.NO_INCIDENT,
        **_NO_AUDIT,
    },
)
def report_positions(
    incident: IncidentHere,
    services: ServicesHere,
    actor: ActorHere,
    reported: mark_schemas.UnitPositions,
) -> mark_schemas.Taken:
    """Report where officers are, by their own devices, once a second or so.

    A subject that walks as a unit reports for some seconds, and alone, is shown as a responder and
    is not ranked. In doubt it stays ranked. The audit has each unit once a minute.
    """
    now_s = services.clock()
    told = [
        FriendlyReport(
            one.unit,
            _level(one.level, incident.target.site.plan),
            _site_m(one, incident),
            one.accuracy_m,
            _moment(one.at, now_s, OLDEST_POSITION_S, f"body.positions.{i}.at"),
        )
        for i, one in enumerate(reported.positions)
    ]
    units = sorted({one.unit for one in told})
    telling = services.tellers.admit(
        incident.grant,
        "report",
        actor=actor,
        now_s=now_s,
        action="positions-reported",
        facts={"units": units},
        once=", ".join(units),
    )
    incident.tell(telling, *told)
    return mark_schemas.Taken(incident=incident.id, taken=len(told))


@router.post(
    "/door-events",
    responses={
        200: examples.json_example(_TAKEN, "It is weighed with what cameras see"),
        404: _NO_DOOR,
        **_NO_AUDIT,
    },
)
def report_door(
    incident: IncidentHere,
    services: ServicesHere,
    actor: ActorHere,
    opened: mark_schemas.DoorOpened,
) -> mark_schemas.Taken:
    """Report a door that was forced, held open, or opened by somebody without a right to.

    Who was at it, or is first seen behind it, is likelier to be the intruder, and the reasons say
    so.
    """
    now_s = services.clock()
    at_s = _moment(opened.at, now_s, OLDEST_DOOR_S, "body.at")
    door, number = _door(opened.door, incident.target.site.plan), incident.told.number()
    telling = services.tellers.admit(
        incident.grant,
        "report",
        actor=actor,
        now_s=now_s,
        action="door-reported",
        facts={"door": opened.door, "event": opened.event, "happened_s": at_s, "number": number},
    )
    incident.tell(telling, incident.told.door_event(opened.event, door, number, at_s))
    return mark_schemas.Taken(incident=incident.id, taken=1)


@router.put(
    "/arrival",
    responses={
        200: examples.json_example(_FROM, "Entrances are ranked for officers who come from there"),
        404: examples.NO_INCIDENT,
        **_NO_AUDIT,
    },
)
def put_arrival(
    watched: WatchedHere, services: ServicesHere, place: mark_schemas.Arrival
) -> mark_schemas.ArrivalTold:
    """Say from where officers come to the building, so that the way to each door counts, too."""
    incident, now_s = watched.incident, services.clock()
    xy_m = _site_m(place, incident)
    telling = services.tellers.admit(
        incident.grant,
        "mark",
        actor=watched.viewing.actor,
        now_s=now_s,
        action="arrival-told",
        facts={"site_m": [round(metres, 1) for metres in xy_m]},
    )
    incident.tell(telling, Arrival(xy_m, now_s))
    ((longitude_deg, latitude_deg),) = incident.target.site.frame.to_wgs84(
        np.array([xy_m], np.float64)
    ).tolist()
    return mark_schemas.ArrivalTold(
        incident=incident.id,
        geometry=Point(coordinates=(round(longitude_deg, 8), round(latitude_deg, 8))),
        site_m=Point(coordinates=xy_m),
    )


@router.delete(
    "/arrival",
    status_code=204,
    responses={
        204: {"description": "Only the ways inside count again."},
        404: examples.NO_INCIDENT,
        **_NO_AUDIT,
    },
)
def delete_arrival(watched: WatchedHere, services: ServicesHere) -> Response:
    """Take back from where officers come. May be repeated."""
    now_s = services.clock()
    telling = services.tellers.admit(
        watched.incident.grant,
        "mark",
        actor=watched.viewing.actor,
        now_s=now_s,
        action="arrival-taken-back",
        facts={},
    )
    watched.incident.tell(telling, Arrival(None, now_s))
    return Response(status_code=204)


def _moment(at: datetime | None, now_s: float, oldest_s: float, where: str) -> float:
    """Unix seconds of a report.

    Raises:
        ProblemError: it is too old to be compared with anything, or from the future.
    """
    at_s = now_s if at is None else at.timestamp()
    if not now_s - oldest_s <= at_s <= now_s + AHEAD_S:
        off_s = at_s - now_s
        side = "ahead of" if off_s > 0 else "behind"
        raise ProblemError(
            422,
            "invalid-request",
            "The request is not valid",
            f"{where}: is {abs(off_s):.0f} s {side} this server's clock; reports may be "
            f"{oldest_s:.0f} s old and {AHEAD_S:.0f} s ahead",
        )
    return at_s


def _level(level: str | None, plan: FloorPlan) -> str | None:
    known = [one.id for one in plan.levels]
    if level is None:
        return known[0] if len(known) == 1 else None
    if level not in known:
        raise ProblemError(
            404,
            "level-not-found",
            "No such level",
            f"the plan has no level {level!r}; it has {', '.join(known)}",
        )
    return level


def _site_m(place: mark_schemas.Place, incident: Incident) -> tuple[float, float]:
    """Site metres of a place.

    Raises:
        ProblemError: it is too far away to be at this site.
    """
    if place.site_m is not None:
        return place.site_m.coordinates
    assert place.geometry is not None  # noqa: S101 - `Place` has seen to it
    lonlat_deg = np.array([place.geometry.coordinates], np.float64)
    xy_m = incident.target.site.frame.to_site(lonlat_deg)[0]
    if not np.all(np.abs(xy_m) <= mark_schemas.FARTHEST_M):
        raise ProblemError(
            422,
            "invalid-request",
            "The request is not valid",
            f"geometry: lies more than {mark_schemas.FARTHEST_M / 1000.0:.0f} km from the site; "
            "coordinates are [longitude, latitude]",
        )
    return float(xy_m[0]), float(xy_m[1])


def _door(called: str, plan: FloorPlan) -> str:
    """Feature id of a door by its number or id.

    Raises:
        ProblemError: the plan has no such door.
    """
    for entrance in plan.entrances:
        if called == entrance.door_number:
            return entrance.id
    doors = {one.id for one in plan.entrances} | {one.id for one in plan.openings}
    if called in doors:
        return called
    numbers = ", ".join(one.door_number or one.id for one in plan.entrances)
    raise ProblemError(
        404, "door-not-found", "No such door", f"the plan has no door {called!r}; it has {numbers}"
    )
