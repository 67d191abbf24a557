"""`/v1/archive`: what is kept of incidents, for those who look into them later.

Every look at a record is in the audit before the record is given.
"""
# ruff: noqa: FAST003 - `KeptHere` reads the incident's id from the path

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from . import archive_schemas, examples
from .actors import Actor
from .archive_schemas import KeptPictureAbout
from .errors import ProblemError
from .journal_parts import unpacked
from .kept_records import KeptIncident, KeptPicture, KeptRecord, LostRecord
from .locations import utc
from .retention_record import terms_on_record
from .retention_rows import purged_at
from .services import DOCUMENTED_BEARER, ServicesHere, actor_of, services_of

if TYPE_CHECKING:
    from pydantic import JsonValue

_NO_INCIDENT: dict[int | str, dict[str, Any]] = {404: examples.NO_INCIDENT}
_PURGED: dict[int | str, dict[str, Any]] = {
    410: examples.problem_example(
        410, "purged", "What was kept was purged", "it was purged at 2026-04-01 09:00:00 UTC"
    )
}
_NOT_RECORDED: dict[int | str, dict[str, Any]] = {
    503: examples.problem_example(
        503, "audit-unavailable", "The audit cannot be written", "nothing is shown"
    )
}
_NOT_HELD = examples.problem_example(
    403, "not-permitted", "The gate does not permit this", "a legal hold is for auditors only"
)
_MOST_RECORDS = 1000
_MOST_NUMBER = 2**53 - 1

router = APIRouter(
    prefix="/v1/archive",
    tags=["archive"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)

_ABOUT = archive_schemas.KeptIncident(
    incident=examples.INCIDENT.incident,
    target="north",
    kind="real",
    opened_at=examples.INCIDENT.opened_at,
    closed_at=examples.CLOSED_INCIDENT.closed_at,
    retention_days=30.0,
    purge_at=None,
    hold="Case 26-1187 of the county court",
    records=2,
    bytes=21_840,
    purged_at=None,
)
_AT = examples.INCIDENT.published_at
_SEEN: dict[str, JsonValue] = {"text": "Last seen now in Room 104. Take door 3, 15 m on foot."}
_RECORDS = archive_schemas.KeptRecords(
    about=_ABOUT,
    records=(
        archive_schemas.KeptRecord(number=1, kind="sighting", at=_AT, said=_SEEN),
        archive_schemas.KeptRecord(
            number=2,
            kind="evidence",
            at=_AT,
            picture=KeptPictureAbout(camera="cam-02", track=7, captured_at=_AT, score=0.88),
        ),
    ),
    lost=(),
    next_after=None,
)


def _counted(request: Request, actor: Annotated[Actor, Depends(actor_of)]) -> Actor:
    services = services_of(request)
    services.readers.admit(actor, services.clock())
    return actor


def _reader(actor: Annotated[Actor, Depends(_counted)]) -> Actor:
    actor.need("archive")
    return actor


def _known(
    request: Request,
    actor: Annotated[Actor, Depends(_counted)],
    incident_id: Annotated[str, Path(description="Incident id.", max_length=64)],
) -> KeptIncident:
    kept = services_of(request).archive.about(incident_id)
    if kept is None or not (actor.sites is None or kept.target in actor.sites):
        raise ProblemError(
            404,
            "incident-not-found",
            "No such incident",
            f"there is no incident {incident_id!r} here; GET /v1/archive lists all",
        )
    return kept


def _readable(
    _actor: Annotated[Actor, Depends(_reader)], kept: Annotated[KeptIncident, Depends(_known)]
) -> KeptIncident:
    if kept.purged_s is not None:
        raise _purged(kept)
    return kept


def _purged(kept: KeptIncident, *, when: bool = True) -> ProblemError:
    at = f" at {purged_at(kept.purged_s)}" if when and kept.purged_s is not None else ""
    return ProblemError(
        410,
        "purged",
        "What was kept was purged",
        f"it was purged{at}; the audit holds the receipt",
    )


ActorHere = Annotated[Actor, Depends(_counted)]
ReaderHere = Annotated[Actor, Depends(_reader)]
KnownHere = Annotated[KeptIncident, Depends(_known)]
KeptHere = Annotated[KeptIncident, Depends(_readable)]


@router.get(
    "",
    responses={
        200: examples.json_example(
            archive_schemas.KeptIncidentList(incidents=(_ABOUT,)), "The incidents, newest first"
        )
    },
)
def list_kept_incidents(
    actor: ReaderHere, services: ServicesHere
) -> archive_schemas.KeptIncidentList:
    """List the incidents that anything is or was kept of, and until when."""
    return archive_schemas.KeptIncidentList(
        incidents=tuple(
            _about(kept)
            for kept in services.archive.incidents()
            if actor.sites is None or kept.target in actor.sites
        )
    )


@router.get(
    "/{incident_id}",
    responses={
        200: examples.json_example(_RECORDS, "The records, and what is missing between them"),
        **_NO_INCIDENT,
        **_PURGED,
        **_NOT_RECORDED,
    },
)
def read_records(
    actor: ReaderHere,
    kept: KeptHere,
    services: ServicesHere,
    after: Annotated[
        int, Query(description="Number of the last record you have.", ge=0, le=_MOST_NUMBER)
    ] = 0,
    most: Annotated[
        int, Query(description="How many to give at most.", ge=1, le=_MOST_RECORDS)
    ] = 500,
) -> archive_schemas.KeptRecords:
    """Read what is kept of an incident, in order. That it was read is in the audit."""
    _note(services, "kept-records-read", actor, kept, {"after": after, "most": most})
    records: list[archive_schemas.KeptRecord] = []
    lost: list[archive_schemas.LostRecords] = []
    next_after: int | None = None
    last = after
    for found in services.archive.read(kept.incident, after):
        if len(records) + len(lost) >= most:
            next_after = last
            break
        match found:
            case LostRecord(first, last, why):
                lost.append(archive_schemas.LostRecords(first=first, last=last, why=why))
            case KeptRecord(number=last):
                records.append(_record(found))
    return archive_schemas.KeptRecords(
        about=_about(kept), records=tuple(records), lost=tuple(lost), next_after=next_after
    )


@router.get(
    "/{incident_id}/{number}",
    response_class=Response,
    responses={
        200: {
            "description": "A picture as it was filmed, a message, or a part of the journal.",
            "content": {
                "image/jpeg": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "the bytes of a JPEG file",
                },
                "application/json": {"schema": {"type": "object"}, "example": _SEEN},
                "application/jsonl": {
                    "schema": {"type": "string"},
                    "example": '{"kind":"part","number":1}',
                },
            },
        },
        404: examples.problem_example(
            404, "record-not-found", "No such record", "there is no record 12 of this incident"
        ),
        409: examples.problem_example(
            409, "record-lost", "The record cannot be read", "it was changed or moved"
        ),
        **_PURGED,
        **_NOT_RECORDED,
    },
)
def show_record(
    actor: ReaderHere,
    kept: KeptHere,
    services: ServicesHere,
    number: Annotated[int, Path(description="Number of the record.", ge=1, le=_MOST_NUMBER)],
) -> Response:
    """Show one record. That it was shown is in the audit."""
    found = services.archive.record(kept.incident, number)
    if found is None:
        raise ProblemError(
            404, "record-not-found", "No such record", f"there is no record {number} of it"
        )
    if isinstance(found, LostRecord):
        raise ProblemError(409, "record-lost", "The record cannot be read", f"it {found.why}")
    what: dict[str, object] = {"number": number, "kind": found.kind}
    _note(services, "kept-record-shown", actor, kept, what)
    if found.kind == "journal":
        return Response(unpacked(found.data), media_type="application/jsonl")
    if found.kind != "evidence":
        return Response(found.data, media_type="application/json")
    return Response(KeptPicture.from_data(found.data).jpeg, media_type="image/jpeg")


@router.put(
    "/{incident_id}/hold",
    status_code=204,
    responses={
        204: {"description": "It is kept until it is released"},
        403: _NOT_HELD,
        **_NO_INCIDENT,
        **_PURGED,
        **_NOT_RECORDED,
    },
)
def hold_records(
    wanted: archive_schemas.Hold, actor: ActorHere, kept: KnownHere, services: ServicesHere
) -> None:
    """Put what is kept on legal hold, for auditors and whom the agreement names."""
    _need_holder(services, actor, kept, "hold", wanted.reason)
    services.retention.hold(kept.incident, wanted.reason, actor=actor, now_s=services.clock())


@router.delete(
    "/{incident_id}/hold",
    status_code=204,
    responses={
        204: {"description": "It is purged when its time is over"},
        403: _NOT_HELD,
        **_NO_INCIDENT,
        **_PURGED,
        **_NOT_RECORDED,
    },
)
def release_records(actor: ActorHere, kept: KnownHere, services: ServicesHere) -> None:
    """Release what is kept from its hold, for auditors and whom the agreement names."""
    _need_holder(services, actor, kept, "release", None)
    services.retention.release(kept.incident, actor=actor, now_s=services.clock())


def _need_holder(
    services: ServicesHere,
    actor: Actor,
    kept: KeptIncident,
    asked: Literal["hold", "release"],
    why: str | None,
) -> None:
    """Return if somebody may hold it and there is something left to hold.

    Raises:
        NotPermittedError: it is not for them; they are told nothing else.
        ProblemError: it was purged, and when where they may be told for how long things are kept.
    """
    now_s = services.clock()
    services.retention.need_holder(kept.incident, asked, why, actor=actor, now_s=now_s)
    if kept.purged_s is not None:
        opened = next(services.audit.entries(kept.incident, actions=["grant-opened"]), None)
        terms = terms_on_record(services.audit, opened)
        raise _purged(kept, when=terms.tell("retention", actor))


def _note(
    services: ServicesHere, action: str, actor: Actor, kept: KeptIncident, facts: dict[str, object]
) -> None:
    """Return once the audit has what somebody is about to be given.

    Raises:
        AuditError: the entry could not be written; nothing may be given.
    """
    who = {"actor": actor.name, "role": actor.role, "acts_as": actor.acts_as}
    said = {"incident": kept.incident, **who, **facts}
    services.audit.append(action, services.clock(), said)


def _about(kept: KeptIncident) -> archive_schemas.KeptIncident:
    return archive_schemas.KeptIncident(
        incident=kept.incident,
        target=kept.target,
        kind=kept.kind,
        opened_at=utc(kept.from_s),
        closed_at=None if kept.closed_s is None else utc(kept.closed_s),
        retention_days=kept.retention_days,
        purge_at=None if kept.purge_s is None else utc(kept.purge_s),
        hold=kept.hold,
        records=kept.records,
        bytes=kept.bytes,
        purged_at=None if kept.purged_s is None else utc(kept.purged_s),
    )


def _record(kept: KeptRecord) -> archive_schemas.KeptRecord:
    told = archive_schemas.KeptRecord(number=kept.number, kind=kept.kind, at=utc(kept.at_s))
    if kept.kind == "journal":
        return told
    if kept.kind != "evidence":
        return told.model_copy(update={"said": json.loads(kept.data)})
    picture = KeptPicture.from_data(kept.data)
    about = KeptPictureAbout(
        camera=picture.camera,
        track=picture.track,
        captured_at=utc(picture.captured_at_s),
        score=picture.confidence,
    )
    return told.model_copy(update={"picture": about})
