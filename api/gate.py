"""The one door to the cameras.

The rule: **no**. A camera may be watched only under a live grant, a grant is made only by
`Gate.open`, and `Gate.open` returns only after the audit entry that records it is on the disk.
`Gate.resume` takes up again what a process that died had open, from the audit and for no longer.
A grant ends when its time is over or when it is closed, whichever comes first. What it returns,
a `Permit`, cannot be made anywhere else, and whatever opens feeds takes one as an argument, so
forgetting to ask is a type error.

For now the gate knows one class of grant: an exercise on a site that the server was started
with. Real incidents need an agreement between a district and an agency, and are refused.
"""

from __future__ import annotations

import threading
from dataclasses import InitVar, asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from .audit_chain import Broken
from .errors import AuditError, NotPermittedError

if TYPE_CHECKING:
    from .audit import AuditFile

_SEAL = object()

IncidentKind = Literal["exercise", "real"]

LOCATION_API = "location API"
"""Channel of what is opened through the location API."""


@dataclass(frozen=True, slots=True)
class Activation:
    """Who asks for what.

    Attributes:
        kind: exercise or real.
        target: id of the site or drill.
        opened_by: who asks, as they call themselves.
        reason: why, in words.
        channel: how the request came in.
    """

    kind: IncidentKind
    target: str
    opened_by: str
    reason: str
    channel: str = LOCATION_API


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that an incident may watch these cameras; made only by the gate.

    A permit does not know whether it was revoked: ask `Gate.allows` before each use that
    outlives the moment.

    Attributes:
        incident: incident id.
        cameras: camera ids that may be watched.
        from_s: begin, Unix seconds.
        until_s: end, Unix seconds; not live at this moment any more.
    """

    incident: str
    cameras: frozenset[str]
    from_s: float
    until_s: float
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Permit is made by the gate only")


class Gate:
    """Decides, records, and remembers which grants are live. Safe to use from any thread.

    Args:
        audit: where every decision is written first.
        longest_s: longest grant of an exercise, seconds.
    """

    def __init__(self, audit: AuditFile, *, longest_s: float = 3600.0) -> None:
        self._audit = audit
        self._longest_s = longest_s
        self._live: dict[str, Permit] = {}
        self._lock = threading.Lock()

    def open(
        self,
        activation: Activation,
        *,
        incident: str,
        cameras: frozenset[str],
        now_s: float,
    ) -> Permit:
        """Return the permit of a new grant, after its audit entry is on the disk.

        Raises:
            NotPermittedError: a rule refuses; the refusal is in the audit.
            AuditError: the entry could not be written; nothing was granted.
        """
        facts: dict[str, object] = {"incident": incident, **asdict(activation)}
        refusal = self._refusal(activation, incident, cameras)
        if refusal:
            self._audit.append("grant-refused", now_s, {**facts, "refusal": refusal})
            raise NotPermittedError(refusal)
        permit = Permit(incident, cameras, now_s, now_s + self._longest_s, seal=_SEAL)
        self._audit.append(
            "grant-opened",
            now_s,
            {**facts, "cameras": sorted(cameras), "until_s": permit.until_s},
        )
        with self._lock:
            self._live[incident] = permit
        return permit

    def resume(self, channel: str, now_s: float) -> tuple[tuple[Activation, Permit], ...]:
        """Take up the grants of a process that died: open stays open until its time, no longer.

        The audit says which were opened and not closed. Those whose time is over are closed now.
        An exercise of a process that still lives is not asked for: name the channel that is yours.

        Args:
            channel: only grants that came in by it.
            now_s: Unix seconds.

        Raises:
            AuditError: the audit was bent, so nothing in it can be relied on; nothing is live.
        """
        if not self._audit.exists():
            return ()
        found = self._audit.verify()
        if isinstance(found, Broken):
            raise AuditError(
                f"the audit is bent in line {found.line} ({found.what}); no grant is taken up "
                "from it: look into it with 'lastseen audit verify', and move it away"
            )
        resumed = []
        for entry in self._unclosed(channel):
            activation, permit = _granted(entry)
            if now_s < permit.until_s:
                facts = {"incident": permit.incident, "until_s": permit.until_s}
                self._audit.append("grant-resumed", now_s, facts)
                with self._lock:
                    self._live[permit.incident] = permit
                resumed.append((activation, permit))
            else:
                why = "its time was over while no server ran"
                facts = {"incident": permit.incident, "closed_by": "gate", "reason": why}
                self._audit.append("grant-closed", now_s, facts)
        return tuple(resumed)

    def _unclosed(self, channel: str) -> list[dict[str, Any]]:
        """The entries of grants that were opened by a channel and never closed."""
        opened: dict[str, dict[str, Any]] = {}
        for entry in self._audit.entries():
            if entry["action"] == "grant-opened" and entry.get("channel") == channel:
                opened[entry["incident"]] = entry
            elif entry["action"] == "grant-closed":
                opened.pop(entry["incident"], None)
        return list(opened.values())

    def _refusal(
        self, activation: Activation, incident: str, cameras: frozenset[str]
    ) -> str | None:
        if activation.kind != "exercise":
            return (
                "real incidents need an agreement between the district and the agency, "
                'and this server has none: open it with kind "exercise"'
            )
        if not activation.opened_by.strip() or not activation.reason.strip():
            return "say who opens the exercise and why"
        if not cameras:
            return f"{activation.target} has no cameras, there is nothing to grant"
        with self._lock:
            if incident in self._live:
                return f"incident {incident} has a live grant already"
        return None

    def allows(self, permit: Permit, camera: str, now_s: float) -> bool:
        """Whether `camera` may be watched under `permit` at `now_s` (Unix seconds)."""
        with self._lock:
            live = self._live.get(permit.incident) is permit
        return live and permit.from_s <= now_s < permit.until_s and camera in permit.cameras

    def show(self, permit: Permit, camera: str, what: str, *, now_s: float) -> None:
        """Return once the audit has that a picture of a camera is shown to somebody.

        Raises:
            NotPermittedError: the grant is over, or does not hold the camera.
            AuditError: the entry could not be written; nothing may be shown.
        """
        if not self.allows(permit, camera, now_s):
            raise NotPermittedError(f"no live grant for camera {camera}")
        facts = {"incident": permit.incident, "camera": camera, "what": what}
        self._audit.append("picture-shown", now_s, facts)

    def close(self, incident: str, *, closed_by: str, reason: str, now_s: float) -> None:
        """End the grant of `incident`; it is over even where the audit entry fails.

        Raises:
            AuditError: the entry could not be written; the grant is over all the same.
        """
        with self._lock:
            permit = self._live.pop(incident, None)
        if permit is None:
            return
        facts = {"incident": incident, "closed_by": closed_by, "reason": reason}
        self._audit.append("grant-closed", now_s, facts)


def _granted(entry: dict[str, Any]) -> tuple[Activation, Permit]:
    """What an entry "grant-opened" granted."""
    activation = Activation(
        entry["kind"], entry["target"], entry["opened_by"], entry["reason"], entry["channel"]
    )
    from_s = datetime.fromisoformat(entry["at"]).timestamp()
    cameras = frozenset(entry["cameras"])
    return activation, Permit(entry["incident"], cameras, from_s, entry["until_s"], seal=_SEAL)
