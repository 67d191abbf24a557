"""What an agreement answers to a request: allowed or refused, and because of which clause.

Pure functions of the agreement, the request and the moment; nothing is opened here. The rule is
default deny with refusals first:

1. an agreement that is not in force refuses;
2. an unknown role, and an incident that never counts or is unknown, refuses;
3. the first `refuse` clause that fits refuses;
4. the first `open` (or, without an incident, `standing`) clause that fits and whose needs are met
   allows;
5. everything else is refused, and the answer says what comes closest and what it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .agreements import Agreement, Channel, Clause, Effect, Placement

NO_SECOND_PERSON = "a second person has not confirmed it"
"""What a request lacks that another person can give it."""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asks for what, as it comes in.

    Attributes:
        role: one of the agreement's roles.
        channel: how it came in.
        incident: class of the emergency; None asks for standing access.
        by: who asks, as the channel knows them.
        reason: why, in words.
        handled_by_staff: whether the requester says that staff are handling it.
        confirmed_by: a second person who asks for the same.
        exercise: an exercise rather than an emergency.
    """

    role: str
    channel: Channel
    incident: str | None = None
    by: str = ""
    reason: str = ""
    handled_by_staff: bool = False
    confirmed_by: str = ""
    exercise: bool = False


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What of a camera an agreement may speak of.

    Attributes:
        id: camera id.
        placement: interior or exterior.
        spaces: categories of the spaces that it looks into.
    """

    id: str
    placement: Placement
    spaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a request.

    Attributes:
        allowed: whether it may be opened.
        clause: id of the clause that decides; "" where none does (default deny).
        because: the answer in words, with the clause's own.
        kind: what is allowed: a grant, standing access or an exercise; None if refused.
        placements: cameras that are allowed, before exclusions.
        longest_s: longest grant, seconds; None for standing access.
        lacks: what would have to be different for the closest clause to allow it.
    """

    allowed: bool
    clause: str
    because: str
    kind: Literal["grant", "standing", "exercise"] | None = None
    placements: frozenset[Placement] = frozenset()
    longest_s: float | None = None
    lacks: tuple[str, ...] = ()


def decide(agreement: Agreement, request: AccessRequest, at: datetime) -> Decision:
    """Return what the agreement answers to a request.

    Args:
        agreement: the terms.
        request: who asks for what.
        at: the moment, with a time zone: that of the agreement's days.
    """
    refusal = _plain_refusal(agreement, request, at)
    if refusal is not None:
        return refusal
    if request.exercise:
        return _exercise(agreement, request)
    for clause in _clauses(agreement, "refuse"):
        if not _unmet(clause, request):
            return Decision(False, clause.id, f"refused by clause {clause.id}: {clause.text}")
    effect: Effect = "standing" if request.incident is None else "open"
    speaking = [
        (_unmet(clause, request), _needed(clause, request), clause)
        for clause in _clauses(agreement, effect)
    ]
    for unmet, lacking, clause in speaking:
        if not unmet and not lacking:
            return _allowed(agreement, clause)
    if not speaking:
        what = "standing access" if effect == "standing" else "opening cameras"
        return Decision(False, "", f"refused: no clause speaks of {what}")
    # A clause that fits and lacks something is closer than one that does not fit.
    unmet, lacking, clause = min(speaking, key=lambda one: (len(one[0]), len(one[1])))
    unmet = [*unmet, *lacking]
    return Decision(
        False,
        "",
        f"refused: no clause allows it; clause {clause.id} ({clause.text}) would, "
        f"but {' and '.join(unmet)}",
        lacks=tuple(unmet),
    )


def cameras_of(
    agreement: Agreement, decision: Decision, cameras: Iterable[CameraFacts]
) -> frozenset[str]:
    """Return the ids of the cameras that a decision opens, without those that stay closed."""
    closed = set(agreement.cameras.excluded_spaces)
    return frozenset(
        camera.id
        for camera in cameras
        if decision.allowed
        and camera.placement in decision.placements
        and camera.id not in agreement.cameras.excluded
        and not camera.spaces & closed
    )


def _plain_refusal(agreement: Agreement, request: AccessRequest, at: datetime) -> Decision | None:
    if not agreement.in_force(at):
        day = f"{at:%Y-%m-%d}"
        until = f" until {agreement.expires}" if agreement.expires else ""
        return Decision(
            False,
            "",
            f"refused: on {day} the agreement is not in force (from {agreement.effective}{until})",
        )
    if request.role not in agreement.roles:
        known = ", ".join(sorted(agreement.roles))
        return Decision(
            False, "", f"refused: {request.role!r} is no role of this agreement ({known})"
        )
    incident = request.incident
    if incident in agreement.incidents.never:
        why = agreement.incidents.never[incident]
        return Decision(False, "incidents.never", f"refused: {incident} never counts: {why}")
    if incident is not None and incident not in agreement.incidents.count:
        known = ", ".join(sorted(agreement.incidents.count))
        return Decision(
            False, "incidents", f"refused: {incident} is not among what counts ({known})"
        )
    return None


def _exercise(agreement: Agreement, request: AccessRequest) -> Decision:
    terms = agreement.exercises
    if terms is None:
        return Decision(False, "exercises", "refused: this agreement provides for no exercises")
    if request.role not in terms.roles:
        allowed = ", ".join(terms.roles)
        return Decision(
            False, "exercises", f"refused: exercises are opened by {allowed}, not {request.role}"
        )
    if not request.reason.strip():
        return Decision(False, "exercises", "refused: say why the exercise is held")
    return Decision(
        True,
        "exercises",
        f"allowed: {request.role} may open an exercise",
        "exercise",
        frozenset({"interior", "exterior"}),
        terms.longest_min * 60,
    )


def _allowed(agreement: Agreement, clause: Clause) -> Decision:
    because = f"allowed by clause {clause.id}: {clause.text}"
    if clause.effect == "standing":
        return Decision(True, clause.id, because, "standing", frozenset(clause.cameras))
    longest_min = min(
        clause.longest_min or agreement.grant.longest_min, agreement.grant.longest_min
    )
    return Decision(True, clause.id, because, "grant", frozenset(clause.cameras), longest_min * 60)


def _clauses(agreement: Agreement, effect: Effect) -> list[Clause]:
    return [clause for clause in agreement.clauses if clause.effect == effect]


def _unmet(clause: Clause, request: AccessRequest) -> list[str]:
    """Why a clause does not fit a request, a phrase each; empty where it fits."""
    unmet = []
    if clause.roles and request.role not in clause.roles:
        unmet.append(f"it is asked by {request.role}, not by {_either(clause.roles)}")
    if clause.channels and request.channel not in clause.channels:
        unmet.append(f"it came by {request.channel}, not by {_either(clause.channels)}")
    if clause.incidents and request.incident not in clause.incidents:
        named = request.incident or "no emergency"
        unmet.append(f"it is {named}, not {_either(clause.incidents)}")
    if clause.handled_by_staff not in {None, request.handled_by_staff}:
        are = "are" if request.handled_by_staff else "are not"
        unmet.append(f"staff {are} handling it")
    return unmet


def _needed(clause: Clause, request: AccessRequest) -> list[str]:
    """What a clause needs that a request lacks."""
    lacks = []
    if "reason" in clause.needs and not request.reason.strip():
        lacks.append("no reason is given")
    if "second-person" in clause.needs:
        second, first = request.confirmed_by.strip(), request.by.strip()
        if not second or not first:
            lacks.append(NO_SECOND_PERSON)
        elif second.casefold() == first.casefold():
            lacks.append("the second person is the first")
    return lacks


def _either(names: Iterable[str]) -> str:
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
