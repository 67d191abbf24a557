"""Who may see what an incident says and shows: the gate's other half, for people.

Every handler that tells of an incident takes a `Viewing`, which only `Viewers.admit` makes, so
forgetting to ask is a type error. Moving pictures of a camera take a `Showing`, which only
`Viewers.watch` makes. The first time that somebody is let in, each picture that is shown to them
and each stream is in the audit before they see it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import InitVar, dataclass
from typing import TYPE_CHECKING

from .errors import AuditError, NotPermittedError, ProblemError
from .grant_rules import refusal_to_see

if TYPE_CHECKING:
    from .actors import Actor
    from .agreements import Agreement
    from .audit import Audit
    from .gate import Gate, Grant, Permit

_log = logging.getLogger(__name__)

_SEAL = object()
_AGAIN_S = 60.0

MOST_STREAMS = 64
"""How many streams one viewer may watch at once: a wall of pictures, and no flood."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """Proof that somebody may see what an incident says and shows; made only by `Viewers`.

    Attributes:
        incident: incident id.
        actor: who may see it.
        cameras_told: whether they may be told which cameras there are, and where.
    """

    incident: str
    actor: Actor
    cameras_told: bool
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Viewing is made by api.viewing only")


@dataclass(frozen=True, slots=True, eq=False)
class Showing:
    """Proof that a camera's stream may be shown to somebody; made only by `Viewers`.

    It holds when it was made: `Viewers.may_go_on` is asked before each picture.

    Attributes:
        viewing: who may see what.
        camera: camera id.
        how: by which means, as in the audit: "live", "hls", "still" or "mjpeg".
        started_s: since when, Unix seconds.
        permit: the gate's, under which the camera is open.
    """

    viewing: Viewing
    camera: str
    how: str
    started_s: float
    permit: Permit
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Showing is made by api.viewing only")


class Viewers:
    """Admits people to incidents. Safe to use from any thread.

    Args:
        gate: knows which grants are live.
        audit: where it is written who saw what.
    """

    def __init__(self, gate: Gate, audit: Audit) -> None:
        self._gate = gate
        self._audit = audit
        self._admitted: set[tuple[str, str]] = set()
        self._refused: dict[tuple[str, str, str], float] = {}
        self._watching: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def streams(self) -> int:
        """How many streams are watched now, by all together."""
        with self._lock:
            return self._watching.total()

    def admit(
        self,
        grant: Grant,
        *,
        actor: Actor,
        now_s: float,
    ) -> Viewing:
        """Return the proof that somebody may see what an incident says.

        The first time that somebody is let in is in the audit, before they are.

        Args:
            grant: the incident's grant, as it was last; what was published stays readable when it
                is over, to the same people.
            actor: who wants to see it.
            now_s: Unix seconds.

        Raises:
            ForbiddenError: it is not for their role, or not their site.
            NotPermittedError: the agreement does not name them; the refusal is in the audit.
            AuditError: the entry could not be written; nothing is shown.
        """
        incident = grant.permit.incident
        if not _is_for(actor, grant):
            actor.need("watch", grant.activation.target)
        facts = {
            "incident": incident,
            "actor": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
            "agency": actor.agency,
        }
        refusal = refusal_to_see(grant.agreement, grant.activation, actor, now_s)
        if refusal is not None:
            self._tell_refusal({**facts, "refusal": refusal}, now_s)
            raise NotPermittedError(refusal)
        with self._lock:
            known = (incident, actor.name) in self._admitted
        if not known:
            self._audit.append("viewer-admitted", now_s, facts)
            with self._lock:
                self._admitted.add((incident, actor.name))
        return Viewing(incident, actor, told_cameras(grant.agreement, actor), seal=_SEAL)

    def may_see(self, grant: Grant, actor: Actor, now_s: float) -> bool:
        """Whether `admit` would let somebody in; nothing is written down."""
        return (
            _is_for(actor, grant)
            and refusal_to_see(grant.agreement, grant.activation, actor, now_s) is None
        )

    def _tell_refusal(self, facts: dict[str, object], now_s: float) -> None:
        """Write down a refusal, the same one once a minute: whoever asks again fills no disk."""
        key = (str(facts["incident"]), str(facts["actor"]), str(facts["refusal"]))
        with self._lock:
            recent = {one: at for one, at in self._refused.items() if now_s < at + _AGAIN_S}
            known = key in recent
            self._refused = recent if known else {**recent, key: now_s}
        if not known:
            self._audit.append("viewer-refused", now_s, facts)

    def show(self, viewing: Viewing, camera: str, what: str, *, now_s: float) -> None:
        """Return once the audit has that a picture of a camera is shown to somebody.

        Raises:
            NotPermittedError: the grant is over, or does not hold the camera.
            AuditError: the entry could not be written; nothing may be shown.
        """
        grant = self._gate.grant_of(viewing.incident)
        if grant is None or not self._gate.allows(grant.permit, camera, now_s):
            raise NotPermittedError(f"no live grant for camera {camera}")
        facts = {
            "incident": viewing.incident,
            "camera": camera,
            "what": what,
            "actor": viewing.actor.name,
        }
        self._audit.append("picture-shown", now_s, facts)
        if not self._gate.allows(grant.permit, camera, now_s):  # closed while the disk wrote
            raise NotPermittedError(f"no live grant for camera {camera}")

    def watch(self, viewing: Viewing, camera: str, how: str, *, now_s: float) -> Showing:
        """Return the proof that a camera's stream may be shown, once the audit has that it is.

        `unwatch` must follow.

        Raises:
            NotPermittedError: the grant is over or does not hold the camera, or the agreement
                keeps cameras or streams from this role; the refusal is in the audit.
            ProblemError: they watch `MOST_STREAMS` already.
            AuditError: the entry could not be written; nothing may be shown.
        """
        grant = self._gate.grant_of(viewing.incident)
        facts = {
            "incident": viewing.incident,
            "camera": camera,
            "how": how,
            "actor": viewing.actor.name,
        }
        refusal = refusal_to_watch(grant, viewing, camera)
        if refusal is None and grant and not self._gate.allows(grant.permit, camera, now_s):
            refusal = f"no live grant for camera {camera}"
        if refusal is not None or grant is None:
            self._tell_refusal({**facts, "refusal": refusal}, now_s)
            raise NotPermittedError(refusal or "refused")
        name = viewing.actor.name
        with self._lock:
            if self._watching[name] >= MOST_STREAMS:
                raise _too_many(name)
            self._watching[name] += 1
        try:
            self._audit.append("stream-started", now_s, facts)
        except BaseException:
            self._leave(name)
            raise
        showing = Showing(viewing, camera, how, now_s, grant.permit, seal=_SEAL)
        if not self._gate.allows(grant.permit, camera, now_s):  # closed while the disk wrote
            self.unwatch(showing, now_s=now_s, why="the grant is over")
            raise NotPermittedError(f"no live grant for camera {camera}")
        return showing

    def may_go_on(self, showing: Showing, now_s: float) -> bool:
        """Whether the next picture of a stream may be shown; nothing is written down."""
        grant = self._gate.grant_of(showing.viewing.incident)
        return (
            grant is not None
            and self._gate.allows(showing.permit, showing.camera, now_s)
            and self.may_see(grant, showing.viewing.actor, now_s)
        )

    def unwatch(self, showing: Showing, *, now_s: float, why: str) -> None:
        """Write down that a stream is not shown any more; what fails is logged, not raised."""
        self._leave(showing.viewing.actor.name)
        facts = {
            "incident": showing.viewing.incident,
            "camera": showing.camera,
            "how": showing.how,
            "actor": showing.viewing.actor.name,
            "seconds": round(max(now_s - showing.started_s, 0.0), 1),
            "why": why,
        }
        try:
            self._audit.append("stream-ended", now_s, facts)
        except AuditError as error:
            # It has ended all the same, and that it began is on record.
            _log.error("the end of a stream is not on record: %s", error)

    def _leave(self, name: str) -> None:
        with self._lock:
            self._watching[name] -= 1
            if self._watching[name] <= 0:
                del self._watching[name]


def _is_for(actor: Actor, grant: Grant) -> bool:
    """Whether the role of somebody goes as far as this incident."""
    site = grant.activation.target
    exercise = grant.activation.kind == "exercise"
    return actor.may("watch", site) or (exercise and actor.may("watch-exercise", site))


def told_cameras(agreement: Agreement | None, actor: Actor) -> bool:
    """Whether somebody may be told which cameras there are, and where."""
    return agreement is None or (
        agreement.tells("camera-places", actor.acts_as)
        and agreement.tells("camera-count", actor.acts_as)
    )


def _too_many(name: str) -> ProblemError:
    return ProblemError(
        429,
        "too-many-streams",
        "Too many streams at once",
        f"{name} watches {MOST_STREAMS} streams; end one before the next is begun",
    )


def refusal_to_be_shown(grant: Grant, viewing: Viewing) -> str | None:
    """Why somebody who sees an incident may not watch its cameras at all; None if they may."""
    if not viewing.cameras_told:
        return f"the agreement does not tell {viewing.actor.acts_as} which cameras there are"
    agreement = grant.agreement
    if agreement is not None and not agreement.streaming.for_role(viewing.actor.acts_as):
        return f"the agreement shows streams to {', '.join(agreement.streaming.roles)} only"
    return None


def refusal_to_watch(grant: Grant | None, viewing: Viewing, camera: str) -> str | None:
    """Why somebody who sees an incident may not watch one of its cameras; None if they may."""
    if grant is None:
        return f"incident {viewing.incident} is over, so no camera of it is open"
    refusal = refusal_to_be_shown(grant, viewing)
    if refusal is not None:
        return refusal
    if camera not in grant.permit.cameras:
        return f"camera {camera} is not open in incident {viewing.incident}"
    return None
