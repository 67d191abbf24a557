"""What may be granted, extended, ended and seen: pure functions of agreement and request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from .decisions import (
    NO_SECOND_PERSON,
    AccessRequest,
    CameraFacts,
    Decision,
    cameras_of,
    decide,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .actors import Actor
    from .agreements import Agreement, Channel, Placement

IncidentKind = Literal["exercise", "real", "standing"]

MOST_AGENCIES = 64
"""How many may respond where no agreement names them."""

STANDING_S = 12 * 3600.0
"""How long standing access lasts before it must be asked for anew: one shift."""


@dataclass(frozen=True, slots=True)
class Activation:
    """Who asks for what.

    Attributes:
        kind: an exercise, a real emergency, or standing access without one.
        target: id of the site or drill.
        opened_by: who asks, as they call themselves.
        reason: why, in words.
        channel: how the request came in.
        role: role in the agreement of whoever asks.
        emergency: class of the emergency; None for standing access.
        handled_by_staff: whether they say that staff are handling it.
        confirmed_by: a second person who asks for the same; "" where there is none.
    """

    kind: IncidentKind
    target: str
    opened_by: str
    reason: str
    channel: Channel = "console"
    role: str = ""
    emergency: str | None = None
    handled_by_staff: bool = False
    confirmed_by: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the gate must know of a site or drill.

    Attributes:
        agreement: the agreement that binds it; None where there is none.
        cameras: its cameras.
        recorded: whether it is a drill, whose pictures are recordings of an exercise.
    """

    agreement: Agreement | None
    cameras: tuple[CameraFacts, ...]
    recorded: bool = False

    def opened_by(self, decision: Decision) -> frozenset[str]:
        """Return the ids of the cameras that a decision opens."""
        if not decision.allowed:
            return frozenset()
        if self.agreement is None:
            return frozenset(camera.id for camera in self.cameras)
        return cameras_of(self.agreement, decision, self.cameras)


def answer(activation: Activation, terms: Terms, now_s: float, *, longest_s: float) -> Decision:
    """Return what is answered to a request.

    Args:
        activation: who asks for what.
        terms: the agreement and the cameras.
        now_s: Unix seconds.
        longest_s: longest exercise where there is no agreement, seconds.
    """
    refusal = _plain_refusal(activation, terms)
    if refusal is not None:
        return refusal
    if terms.agreement is None:
        because = "allowed: an exercise, where no agreement says otherwise"
        both: frozenset[Placement] = frozenset({"interior", "exterior"})
        return Decision(True, "", because, "exercise", both, longest_s)
    request = AccessRequest(
        role=activation.role,
        channel=activation.channel,
        incident=activation.emergency if activation.kind == "real" else None,
        by=activation.opened_by,
        reason=activation.reason,
        handled_by_staff=activation.handled_by_staff,
        confirmed_by=activation.confirmed_by,
        exercise=activation.kind == "exercise",
    )
    decision = decide(terms.agreement, request, datetime.fromtimestamp(now_s).astimezone())
    if decision.allowed and decision.longest_s is None:
        return Decision(
            True, decision.clause, decision.because, "standing", decision.placements, STANDING_S
        )
    return decision


def _plain_refusal(activation: Activation, terms: Terms) -> Decision | None:
    """The refusal that needs no agreement; None where one must be asked."""
    clause = because = ""
    if not activation.opened_by.strip() or not activation.reason.strip():
        because = "refused: say who opens it and why"
    elif terms.recorded and activation.kind != "exercise":
        because = 'refused: this is a recorded drill; open it with kind "exercise"'
    elif terms.agreement is None and activation.kind != "exercise":
        because = (
            "refused: real incidents need an agreement between the district and the agency, and "
            "this site has none; name it in site.toml"
        )
    elif activation.kind == "real" and activation.emergency is None:
        clause, because = "incidents", "refused: say which class of emergency it is"
    return Decision(False, clause, because) if because else None


def needs_second_person(decision: Decision) -> bool:
    """Whether nothing but a second person's confirmation is missing."""
    return not decision.allowed and decision.lacks == (NO_SECOND_PERSON,)


def second_person_words(decision: Decision) -> str:
    """Return in words why a request waits for a second person."""
    return decision.because.removeprefix("refused: no clause allows it; ")


def refusal_to_extend(agreement: Agreement | None, extensions: int, actor: Actor) -> str | None:
    """Why a grant is not extended by somebody; None if it is."""
    if agreement is None:
        return "an exercise without an agreement is not extended; open it anew"
    terms = agreement.grant
    if terms.extend_min is None:
        return "this agreement provides for no extension"
    if actor.acts_as not in terms.extend_by:
        may = ", ".join(terms.extend_by)
        return f"it is extended by {may}, and {actor.name} acts as {actor.acts_as}"
    if extensions >= terms.most_extensions:
        return f"it was extended {extensions} times, and the agreement allows no more"
    return None


def refusal_to_end(
    agreement: Agreement | None, activation: Activation, opener: str, actor: Actor
) -> str | None:
    """Why somebody may not close a grant; None if they may.

    Whoever opened an exercise, or took up standing access, may end it.
    """
    if agreement is None or (activation.kind != "real" and actor.name == opener):
        return None
    may = list(agreement.grant.close_by)
    if activation.kind == "exercise" and agreement.exercises is not None:
        may += [role for role in agreement.exercises.roles if role not in may]
    if actor.acts_as in may:
        return None
    return f"it is closed by {', '.join(may)}, and {actor.name} acts as {actor.acts_as}"


def refusal_to_tell(
    agreement: Agreement | None,
    agency: str,
    there: Mapping[str, float | None],
    actor: Actor,
    *,
    left: bool,
) -> str | None:
    """Why somebody may not say that an agency responds or has left; None if they may.

    When all have left, cameras close: so who may close says so, or the agency itself.

    Args:
        agreement: the terms; None where there are none.
        agency: its name.
        there: agencies that have responded, and when each left.
        actor: who says so.
        left: it has left, rather than responds.
    """
    if left and agency not in there:
        return f"{agency} has not responded here, so it cannot leave"
    if agreement is None:
        full = agency not in there and len(there) >= MOST_AGENCIES
        return f"no more than {MOST_AGENCIES} agencies are noted" if full else None
    known = (*agreement.agencies, *agreement.sharing.agencies)
    if agency not in known:
        return f"{agency} is none of the agreement's agencies: {', '.join(known)}"
    if actor.agency == agency or (not left and actor.acts_as in agreement.roles):
        return None
    if left and actor.acts_as in agreement.grant.close_by:
        return None
    may = ", ".join(agreement.grant.close_by) if left else ", ".join(agreement.roles)
    return f"it is said by {may}, or by {agency} itself, and {actor.name} acts as {actor.acts_as}"


def refusal_to_see(
    agreement: Agreement | None, activation: Activation, actor: Actor, now_s: float
) -> str | None:
    """Why somebody may not see what an incident says; None if they may.

    In an emergency and in an exercise: whoever has a role in the agreement, and members of the
    agencies that it may be shared with. Under standing access: whose role has it.
    """
    if agreement is None:
        return None
    if activation.kind == "standing":
        request = AccessRequest(role=actor.acts_as, channel="console")
        decision = decide(agreement, request, datetime.fromtimestamp(now_s).astimezone())
        return None if decision.allowed else decision.because
    if actor.acts_as in agreement.roles or actor.agency in agreement.sharing.agencies:
        return None
    shared = ", ".join(agreement.sharing.agencies) or "no other agency"
    return (
        f"{actor.acts_as!r} is no role of the agreement, and what is seen is shared with {shared}"
    )
