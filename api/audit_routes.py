"""`/v1/audit`: the record, for those who must be able to show it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from . import examples, schemas
from .actors import Actor
from .audit_chain import Broken, read_entry
from .disclosure import Disclosure, disclose, redacted
from .errors import ForbiddenError, ProblemError
from .events import MAX_EVENT_ID
from .retention_record import terms_on_record
from .services import DOCUMENTED_BEARER, ServicesHere, actor_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .services import Services
    from .verdicts import Verified

router = APIRouter(
    prefix="/v1",
    tags=["audit"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN},
)

_MOST_ENTRIES = 1000


class Entries(schemas.Message):
    """Entries of the audit, in their order."""

    schema_version: Literal[1] = schemas.SCHEMA_VERSION
    entries: tuple[dict[str, Any], ...]
    next_after: int | None = Field(
        description="Ask with this `after` for those that follow; null at the end."
    )


class Verdict(schemas.Message):
    """Whether the audit is whole."""

    schema_version: Literal[1] = schemas.SCHEMA_VERSION
    whole: bool
    entries: int = Field(description="How many there are, or fit before the first that is bent.")
    head: str = Field(description="Hash of the last of those; note it elsewhere.")
    broken_at: int | None = Field(description="Number of the first bent entry; null if none is.")
    what: str = Field(description="What is wrong with it; empty where nothing is.")
    public_key: str = Field(
        description="Key of this server, base64; checkpoints are checked by it."
    )
    checkpoint: dict[str, Any] | None = Field(
        description="The newest that this key signed; keep a copy elsewhere. Null where there is "
        "none, and where the audit is bent."
    )
    other_keys: tuple[str, ...] = Field(
        description="Other keys that signed checkpoints in the database, base64. These fit; whose "
        "keys they are is for you to know."
    )


_ENTRY: dict[str, Any] = {
    "seq": 118,
    "at": "2026-03-02T09:15:15+00:00",
    "action": "grant-opened",
    "incident": "20260302-091515-9f3a61c2",
    "prev": "5c…",
    "hash": "9f…",
}
_VERDICT = Verdict(
    whole=True,
    entries=118,
    head="9f…",
    broken_at=None,
    what="",
    public_key="mC0…",
    checkpoint=None,
    other_keys=(),
)


def _reader(services: ServicesHere, actor: Annotated[Actor, Depends(actor_of)]) -> Actor:
    actor.need("record")
    services.readers.admit(actor, services.clock())
    return actor


def _auditor(actor: Annotated[Actor, Depends(_reader)]) -> Actor:
    if actor.role != "auditor":
        raise ForbiddenError(
            f"the whole audit is for auditors, and {actor.name} is {actor.role}; ask for the "
            "disclosure record of an incident"
        )
    return actor


ReaderHere = Annotated[Actor, Depends(_reader)]
AuditorHere = Annotated[Actor, Depends(_auditor)]


@router.get(
    "/audit",
    responses={
        200: examples.json_example(Entries(entries=(_ENTRY,), next_after=None), "The entries"),
        422: examples.INVALID,
    },
)
def read_audit(
    services: ServicesHere,
    actor: AuditorHere,
    after: Annotated[
        int, Query(description="Number of the last entry you have.", ge=0, le=MAX_EVENT_ID)
    ] = 0,
    most: Annotated[int, Query(description="How many at most.", ge=1, le=_MOST_ENTRIES)] = 100,
) -> Entries:
    """Read the audit, with all facts in it, for auditors. That it was read is in it, too."""
    _all_sites_only(actor)
    services.audit.append(
        "audit-read", services.clock(), {"actor": actor.name, "after": after, "most": most}
    )
    found = [
        entry
        for line in islice(services.audit.lines(after), most)
        if (entry := read_entry(line)) is not None
    ]
    more = len(found) == most
    return Entries(entries=tuple(found), next_after=found[-1]["seq"] if more else None)


@router.get(
    "/audit/verdict",
    responses={200: examples.json_example(_VERDICT, "Whether it is whole")},
)
async def verify_audit(services: ServicesHere, actor: AuditorHere) -> Verdict:
    """Check the whole chain and every checkpoint, once for all who ask at the same time.

    That somebody asked is in the audit, once a minute. Takes two seconds for 50,000 entries.
    """
    now_s = services.clock()
    if services.readers.verifies(actor, now_s):
        told = {"actor": actor.name}
        await run_in_threadpool(services.audit.append, "audit-verified", now_s, told)
    verified = await services.verdicts.whole(now_s)
    public_key = await run_in_threadpool(services.checkpoints.public_key)
    broken = verified.found if isinstance(verified.found, Broken) else None
    return Verdict(
        whole=broken is None,
        entries=verified.good.seq,
        head=verified.good.hash,
        broken_at=None if broken is None else broken.line,
        what="" if broken is None else broken.what,
        public_key=public_key,
        checkpoint=None if verified.checkpoint is None else verified.checkpoint.document(),
        other_keys=verified.other_keys,
    )


@router.get(
    "/incidents/{incident_id}/disclosure",
    responses={
        200: {
            "description": "What happened: who asked, who saw what, from when to when.",
            "content": {"application/json": {"example": {"incident": "20260302-091515-9f3a61c2"}}},
        },
        404: examples.NO_INCIDENT,
    },
)
async def get_disclosure(
    services: ServicesHere,
    actor: ReaderHere,
    incident_id: Annotated[str, Path(description="Incident id.", max_length=64)],
) -> Disclosure:
    """Return the disclosure record of an incident, open or long over.

    Somebody is told what the agreement tells them that the incident was decided under; auditors are
    told all of it.
    """
    entries = await run_in_threadpool(_entries_of, services, actor, incident_id)
    verified = await services.verdicts.covering(entries[-1]["seq"], services.clock())
    return await run_in_threadpool(_disclosed, services, actor, incident_id, entries, verified)


def _entries_of(services: Services, actor: Actor, incident: str) -> Sequence[dict[str, Any]]:
    """The entries of an incident that somebody may know of.

    Raises:
        ProblemError: there is none, or it is not theirs: nobody is told which of the two.
    """
    entries = tuple(services.audit.entries(incident))
    asked = _asked(entries)
    target = None if asked is None else asked.get("target")
    if not entries or not (actor.sites is None or target in actor.sites):
        raise ProblemError(
            404,
            "incident-not-found",
            "No such incident",
            f"there is no incident {incident!r} on the record of the sites of {actor.name}",
        )
    return entries


def _disclosed(
    services: Services,
    actor: Actor,
    incident: str,
    entries: Sequence[dict[str, Any]],
    verified: Verified,
) -> Disclosure:
    """The record, as somebody may be told it, once the audit has that they read it."""
    told = disclose(entries, incident, verified.found, checkpoint=verified.checkpoint)
    facts = {"actor": actor.name, "incident": incident}
    services.audit.append("disclosure-read", services.clock(), facts)
    if actor.role == "auditor":
        return told
    target = services.incidents.targets.get(told.target or "")
    today = None if target is None else target.terms.agreement
    # Where it is bent, the hash of the terms may be any: nothing is told by it.
    asked = _asked(entries) if told.whole else None
    terms = terms_on_record(services.audit, asked, today)
    return redacted(
        told,
        hide_cameras=not (terms.tell("camera-count", actor) and terms.tell("camera-places", actor)),
        hide_retention=not terms.tell("retention", actor),
    )


def _asked(entries: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The entry that granted what was asked, or else that refused it."""
    for action in ("grant-opened", "grant-refused"):
        for entry in entries:
            if entry["action"] == action:
                return entry
    return None


def _all_sites_only(actor: Actor) -> None:
    """Refuse the whole audit to whoever is of some sites only."""
    if actor.sites is not None:
        raise ForbiddenError(
            f"the whole audit is of all sites, and {actor.name} is of {len(actor.sites)}; ask for "
            "the disclosure record of an incident"
        )
