"""Looking through one camera for moments, to calibrate it: the gate for those who install.

No incident is open then, so no grant covers it. What an agreement allows here stands in its section
`[survey]`; the rule is **no** as everywhere. A `SurveyPermit` is for one camera and some seconds,
is made here and nowhere else, after the entry of the audit is on the disk, and whatever opens a
connection to a camera outside an incident takes one as an argument.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from .decisions import AccessRequest, decide
from .errors import NotPermittedError
from .viewing import told_cameras

if TYPE_CHECKING:
    from .actors import Actor
    from .agreements import Agreement
    from .audit import Audit
    from .decisions import CameraFacts
    from .grant_rules import Terms

Purpose = Literal["calibration still", "walk test"]

LONGEST_S = 120.0
"""Longest look where no `[survey]` says how long, seconds."""

_SEAL = object()


@dataclass(frozen=True, slots=True)
class SurveyPermit:
    """Proof that one camera may be looked through for some seconds; made only by `Surveys`.

    Attributes:
        target: id of the site or drill.
        camera: the camera.
        purpose: what for.
        from_s: begin, Unix seconds.
        until_s: end, Unix seconds; not live at this moment any more.
    """

    target: str
    camera: str
    purpose: Purpose
    from_s: float
    until_s: float
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a SurveyPermit is made by api.surveying only")

    def allows(self, camera: str, now_s: float) -> bool:
        """Whether the camera may be looked through at `now_s`, Unix seconds."""
        return camera == self.camera and self.from_s <= now_s < self.until_s


class Surveys:
    """Permits looks. Safe to use from any thread.

    Args:
        audit: where every look, and every refusal, is written first.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def permit(
        self,
        target: str,
        terms: Terms,
        camera: CameraFacts,
        *,
        actor: Actor,
        purpose: Purpose,
        lasts_s: float,
        now_s: float,
    ) -> SurveyPermit:
        """Return the permit to look through one camera, after its entry is on the disk.

        Args:
            target: id of the site or drill.
            terms: its agreement.
            camera: the camera.
            actor: who looks.
            purpose: what for.
            lasts_s: for how long, seconds.
            now_s: Unix seconds.

        Raises:
            ForbiddenError: it is not for their role, or not their site.
            NotPermittedError: the agreement refuses; the refusal is in the audit.
            AuditError: the entry could not be written; nothing may be looked at.
        """
        actor.need("survey", target)
        agreement = terms.agreement
        facts: dict[str, object] = {
            "target": target,
            "camera": camera.id,
            "purpose": purpose,
            "seconds": lasts_s,
            "recorded": terms.recorded,
            "actor": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
            "agreement": None if agreement is None else {"sha256": agreement.sha256},
        }
        refusal = refusal_to_survey(terms, camera, actor, lasts_s, now_s)
        if refusal is not None:
            self._audit.append("survey-refused", now_s, {**facts, "refusal": refusal})
            raise NotPermittedError(refusal)
        until_s = now_s + lasts_s
        self._audit.append("survey-permitted", now_s, {**facts, "until_s": until_s})
        return SurveyPermit(target, camera.id, purpose, now_s, until_s, seal=_SEAL)


def refusal_to_survey(
    terms: Terms, camera: CameraFacts, actor: Actor, lasts_s: float, now_s: float
) -> str | None:
    """Why somebody may not look through a camera to calibrate it; None if they may.

    A recording is shown to whoever may calibrate at all: nobody is watched by it. A live camera is
    what the agreement says: its section `[survey]`, or for an exterior camera a clause by which
    their role may watch it at all times.

    Args:
        terms: the agreement of the site, and whether it is a drill.
        camera: the camera.
        actor: who asks.
        lasts_s: for how long, seconds.
        now_s: Unix seconds.
    """
    if terms.recorded:
        return None
    agreement = terms.agreement
    if agreement is None:
        return (
            "refused: this site has no agreement, so no camera is looked through outside an "
            "exercise; name one in site.toml that has a section [survey], or bring a picture file"
        )
    at = datetime.fromtimestamp(now_s).astimezone()
    if not agreement.in_force(at):
        return f"refused: the agreement is not in force on {at:%Y-%m-%d}"
    if camera.id in agreement.cameras.excluded or camera.spaces & set(
        agreement.cameras.excluded_spaces
    ):
        return f"refused: the agreement keeps camera {camera.id} closed whatever is asked for"
    longest_s = LONGEST_S if agreement.survey is None else agreement.survey.longest_s
    if lasts_s > longest_s:
        return f"refused: a look lasts {longest_s:g} seconds at most"
    return _refusal_by_terms(agreement, camera, actor, at)


def _refusal_by_terms(
    agreement: Agreement, camera: CameraFacts, actor: Actor, at: datetime
) -> str | None:
    survey = agreement.survey
    if survey is not None and actor.acts_as in survey.roles:
        if survey.interior or camera.placement == "exterior":
            return None
        return (
            "refused: [survey] of the agreement has exterior cameras only, and this one is "
            "interior; the parties may add interior = true, or bring a picture file"
        )
    if camera.placement == "exterior":
        watched = decide(agreement, AccessRequest(actor.acts_as, "console"), at)
        if watched.allowed and "exterior" in watched.placements:
            return None
    if survey is None:
        return (
            "refused: the agreement has no section [survey], so an interior camera is opened in "
            f"an emergency only, and an exterior one for whom a clause lets watch it: "
            f"{actor.acts_as!r} is not among them"
            if camera.placement == "exterior"
            else "refused: the agreement has no section [survey], so this interior camera is "
            "opened in an emergency or exercise only; the parties may add one, or bring a "
            "picture file"
        )
    may = ", ".join(survey.roles)
    return (
        f"refused: [survey] of the agreement names {may}, and {actor.name} acts as {actor.acts_as}"
    )


def may_calibrate(terms: Terms, actor: Actor) -> bool:
    """Whether somebody with the ability may be told of the cameras that they would calibrate.

    An agreement may keep from some roles which cameras there are; those of its `[survey]` know.
    """
    agreement = terms.agreement
    surveyor = (
        agreement is not None
        and agreement.survey is not None
        and actor.acts_as in agreement.survey.roles
    )
    return surveyor or terms.recorded or told_cameras(agreement, actor)
