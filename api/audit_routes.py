"""`/v1/audit`: the record, for those who must be able to show it."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from . import examples, schemas
from .audit_chain import Broken, read_entry
from .checkpoints import verify_all
from .disclosure import Disclosure, disclose, redacted
from .errors import AuditError, ForbiddenError, ProblemError
from .events import MAX_EVENT_ID
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere
from .viewing import told_cameras

if TYPE_CHECKING:
    from .actors import Actor

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
    public_key: str = Field(description="Key that checkpoints are checked with, base64.")
    checkpoint: dict[str, Any] | None = Field(
        description="The newest signed checkpoint; keep a copy elsewhere."
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
)


@router.get(
    "/audit",
    responses={
        200: examples.json_example(Entries(entries=(_ENTRY,), next_after=None), "The entries"),
        422: examples.INVALID,
    },
)
def read_audit(
    services: ServicesHere,
    actor: ActorHere,
    after: Annotated[
        int, Query(description="Number of the last entry you have.", ge=0, le=MAX_EVENT_ID)
    ] = 0,
    most: Annotated[int, Query(description="How many at most.", ge=1, le=_MOST_ENTRIES)] = 100,
) -> Entries:
    """Read the audit. That it was read is in it, too."""
    actor.need("record")
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
def verify_audit(services: ServicesHere, actor: ActorHere) -> Verdict:
    """Check the whole chain and every checkpoint. Takes a second for 50,000 entries."""
    actor.need("record")
    found = verify_all(services.audit, services.checkpoints)
    good = found.good if isinstance(found, Broken) else found
    latest = services.checkpoints.latest()
    return Verdict(
        whole=not isinstance(found, Broken),
        entries=good.seq,
        head=good.hash,
        broken_at=found.line if isinstance(found, Broken) else None,
        what=found.what if isinstance(found, Broken) else "",
        public_key=services.checkpoints.public_key(),
        checkpoint=None if latest is None else json.loads(latest.as_json()),
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
def get_disclosure(
    services: ServicesHere,
    actor: ActorHere,
    incident_id: Annotated[str, Path(description="Incident id.", max_length=64)],
) -> Disclosure:
    """Return the disclosure record of an incident, open or long over."""
    actor.need("record")
    try:
        found = verify_all(services.audit, services.checkpoints)
        told = disclose(
            services.audit.entries(incident_id),
            incident_id,
            found,
            checkpoint=None if isinstance(found, Broken) else services.checkpoints.latest(),
        )
    except AuditError as error:
        raise ProblemError(404, "incident-not-found", "No such incident", str(error)) from error
    if not (actor.sites is None or told.target in actor.sites):
        raise ProblemError(404, "incident-not-found", "No such incident", "it is not theirs")
    services.audit.append(
        "disclosure-read", services.clock(), {"actor": actor.name, "incident": incident_id}
    )
    target = services.incidents.targets.get(told.target or "")
    known = target is not None and told_cameras(target.terms.agreement, actor)
    return told if known else redacted(told, hide_cameras=True)


def _all_sites_only(actor: Actor) -> None:
    """Refuse the whole audit to whoever is of some sites only."""
    if actor.sites is not None:
        raise ForbiddenError(
            f"the whole audit is of all sites, and {actor.name} is of {len(actor.sites)}; ask for "
            "the disclosure record of an incident"
        )
