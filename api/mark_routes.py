"""`/v1/incidents/{incident_id}/…/marks`: what people say of subjects, and how it is taken back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from . import examples, mark_schemas
from .errors import ProblemError
from .locations import utc
from .services import DOCUMENTED_BEARER, ServicesHere, Watched, WatchedHere
from .told import GivenMark

router = APIRouter(
    prefix="/v1/incidents/{incident_id}",
    tags=["marks"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)

_MARK = mark_schemas.Mark(
    number=7,
    mark="confirm",
    subject="S3",
    subject_now="S3",
    at=examples.INCIDENT.opened_at,
    role="dispatcher",
    by="Dispatcher 7",
)
_MARKS = mark_schemas.MarkList(incident=examples.INCIDENT.incident, marks=(_MARK,))
_NO_SUBJECT = examples.problem_example(
    404, "subject-not-found", "No such subject", "S9 is not in the newest answer; it has S1, S3"
)
_NO_MARK = examples.problem_example(
    404, "mark-not-found", "No such mark", "no mark of S3 stands that could be taken back"
)
_NO_AUDIT: dict[int | str, dict[str, Any]] = {
    503: examples.problem_example(
        503, "audit-unavailable", "The audit cannot be written", "nothing was marked"
    )
}

SubjectHere = Annotated[
    str, Path(description="Id of the subject, as the newest answer has it.", max_length=32)
]


@router.get(
    "/marks",
    responses={
        200: examples.json_example(_MARKS, "What people say of subjects"),
        404: examples.NO_INCIDENT,
    },
)
def list_marks(watched: WatchedHere) -> mark_schemas.MarkList:
    """List the marks that were not taken back, in the order in which they were given."""
    return _marks(watched)


@router.post(
    "/subjects/{subject}/marks",
    status_code=201,
    responses={
        201: examples.json_example(_MARK, "It is marked; the next answer has it"),
        404: _NO_SUBJECT,
        **_NO_AUDIT,
    },
)
def mark_subject(
    watched: WatchedHere,
    services: ServicesHere,
    subject: SubjectHere,
    wanted: mark_schemas.MarkWanted,
) -> mark_schemas.Mark:
    """Say what a subject is: the intruder, not the intruder, a responder; or: follow this one.

    The answer changes at once. A later mark replaces an earlier one; `designate` stands beside
    `confirm`. Marks stay with a body whose ids turn out to be one.
    """
    _require_subject(watched, subject)
    incident, actor = watched.incident, watched.viewing.actor
    now_s, number = services.clock(), incident.told.number()
    telling = services.tellers.admit(
        incident.grant,
        "mark",
        actor=actor,
        now_s=now_s,
        action="subject-marked",
        facts={"subject": subject, "mark": wanted.mark, "number": number},
    )
    mark = incident.told.mark(wanted.mark, subject, actor, number, now_s)
    incident.tell(telling, mark)
    now = _subjects_by_mark(watched)
    return _message(GivenMark(mark, actor.full_name or actor.name), now.get(number), named=True)


@router.delete(
    "/subjects/{subject}/marks",
    responses={
        200: examples.json_example(_MARKS, "It is taken back; these still stand"),
        404: _NO_MARK,
        **_NO_AUDIT,
    },
)
def take_back_mark(
    watched: WatchedHere,
    services: ServicesHere,
    subject: SubjectHere,
    number: Annotated[
        int | None, Query(description="Number of the mark; the newest if left out.", ge=1, le=2**53)
    ] = None,
) -> mark_schemas.MarkList:
    """Take back a mark of a subject: what stood before it stands again."""
    incident = watched.incident
    ids = {subject} | {m.subject for m in _marks(watched).marks if m.subject_now == subject}
    mark = incident.told.newest_mark(ids) if number is None else incident.told.find(number)
    if mark is None or mark.subject not in ids:
        which = "no mark" if number is None else f"no mark number {number}"
        raise ProblemError(
            404,
            "mark-not-found",
            "No such mark",
            f"{which} of {subject} stands that could be taken back; GET …/marks lists those that "
            "stand",
        )
    now_s = services.clock()
    telling = services.tellers.admit(
        incident.grant,
        "mark",
        actor=watched.viewing.actor,
        now_s=now_s,
        action="mark-taken-back",
        facts={"subject": subject, "mark": mark.kind, "number": mark.number},
    )
    incident.tell(telling, incident.told.unmark(mark.number, now_s))
    return _marks(watched)


def _require_subject(watched: Watched, subject: str) -> None:
    known = [one.id for one in watched.incident.last_seen(watched.viewing).subjects]
    if subject not in known:
        there = f"it has {', '.join(known)}" if known else "it has nobody"
        raise ProblemError(
            404,
            "subject-not-found",
            "No such subject",
            f"{subject!r} is not in the newest answer; {there}",
        )


def _marks(watched: Watched) -> mark_schemas.MarkList:
    now = _subjects_by_mark(watched)
    named = watched.viewing.actor.may("mark", watched.incident.target.id)
    return mark_schemas.MarkList(
        incident=watched.incident.id,
        marks=tuple(
            _message(one, now.get(one.mark.number), named=named)
            for one in watched.incident.told.given()
        ),
    )


def _subjects_by_mark(watched: Watched) -> dict[int, str]:
    """The subject that each mark holds for, by number, as the newest answer has it."""
    said = watched.incident.last_seen(watched.viewing)
    return {mark.number: subject.id for subject in said.subjects for mark in subject.marks}


def _message(given: GivenMark, subject_now: str | None, *, named: bool) -> mark_schemas.Mark:
    mark = given.mark
    return mark_schemas.Mark(
        number=mark.number,
        mark=mark.kind,
        subject=mark.subject,
        subject_now=subject_now,
        at=utc(mark.at_s),
        role=mark.by,
        by=given.by if named else "",
    )
