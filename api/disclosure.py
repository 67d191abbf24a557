"""The record of one incident that a school must be able to show: from the audit, for people.

It says what the audit says and nothing else: the threat, who asked, by which channel, what was
granted, who was shown what, when it began and ended, and whether the record is whole.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2

from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .audit_chain import Broken, Head


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture that was shown."""

    at: str
    camera: str
    what: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What happened in one incident.

    Attributes:
        incident: incident id.
        kind: exercise or real.
        target: the site or drill.
        asked_by: who asked.
        reason: the threat, in the words of whoever asked.
        channel: how the request came in.
        refusal: why it was refused; None where it was granted.
        cameras: cameras of the grant.
        opened_at: when it was opened, ISO 8601 in UTC; None where it was refused.
        until: when the grant would have ended by itself, Unix seconds.
        closed_at: when it ended; None while it is open, or where the record does not say.
        closed_by: who ended it.
        closing_reason: why it ended.
        shown: pictures that were shown, oldest first.
        entries: numbers of its entries in the audit.
        whole: whether no entry of the audit was bent.
        record: the state of the audit in words.
    """

    incident: str
    kind: str
    target: str
    asked_by: str
    reason: str
    channel: str
    refusal: str | None
    cameras: tuple[str, ...]
    opened_at: str | None
    until: float | None
    closed_at: str | None
    closed_by: str | None
    closing_reason: str | None
    shown: tuple[Shown, ...]
    entries: tuple[int, ...]
    whole: bool
    record: str

    def as_json(self) -> str:
        """The record as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def as_html(self) -> str:
        """The record as a page that holds its own styles and asks nothing of a network."""
        template = files(__name__.rpartition(".")[0]).joinpath(
            "report_templates/disclosure.html.j2"
        )
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        text = template.read_text(encoding="utf-8")
        return environment.from_string(text).render(told=self)


def disclose(
    entries: Iterable[Mapping[str, Any]], incident: str, chain: Head | Broken
) -> Disclosure:
    """Return the record of one incident.

    Args:
        entries: all entries of the audit, in their order.
        incident: incident id.
        chain: what verifying the same audit gave.

    Raises:
        AuditError: there is no entry of such an incident; the message names those there are.
    """
    known: dict[str, None] = {}
    ours = []
    for entry in entries:
        named = entry.get("incident")
        if isinstance(named, str):
            known[named] = None
            if named == incident:
                ours.append(entry)
    if not ours:
        last = ", ".join(list(known)[-5:]) or "none at all"
        raise AuditError(f"incident {incident!r}: not in this audit; its latest are: {last}")
    asked = _first(ours, "grant-opened") or _first(ours, "grant-refused") or {}
    opened, closed = _first(ours, "grant-opened"), _first(ours, "grant-closed")
    broken = getattr(chain, "what", None)
    return Disclosure(
        incident=incident,
        kind=str(asked.get("kind", "")),
        target=str(asked.get("target", "")),
        asked_by=str(asked.get("opened_by", "")),
        reason=str(asked.get("reason", "")),
        channel=str(asked.get("channel", "")),
        refusal=None if opened else str(asked.get("refusal", "")),
        cameras=tuple(str(camera) for camera in asked.get("cameras", ())),
        opened_at=str(opened["at"]) if opened else None,
        until=float(opened["until_s"]) if opened and "until_s" in opened else None,
        closed_at=str(closed["at"]) if closed else None,
        closed_by=str(closed.get("closed_by", "")) if closed else None,
        closing_reason=str(closed.get("reason", "")) if closed else None,
        shown=tuple(
            Shown(str(e["at"]), str(e.get("camera", "")), str(e.get("what", "")))
            for e in ours
            if e.get("action") == "picture-shown"
        ),
        entries=tuple(int(e["seq"]) for e in ours),
        whole=broken is None,
        record="no entry of the audit was bent"
        if broken is None
        else f"the audit is bent: {broken}",
    )


def _first(entries: list[Mapping[str, Any]], action: str) -> Mapping[str, Any] | None:
    return next((entry for entry in entries if entry.get("action") == action), None)
