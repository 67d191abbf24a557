"""What a disclosure record says, as JSON, as a page for people, and with less for some of them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any

import jinja2

_WORDS = frozenset({"reason", "because", "refusal", "closing_reason", "what"})
"""Fields that people wrote, or that repeat what they wrote."""

_OF_THE_END = frozenset({"purge-begun", "purged", "purge-refused"})
"""Entries whose moments say for how long things are kept."""


@dataclass(frozen=True, slots=True)
class AgreementCited:
    """The agreement under which it was decided."""

    title: str | None
    version: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Extension:
    """One time that a grant was made longer, and until when."""

    at: str
    by: str | None
    until: str | None


@dataclass(frozen=True, slots=True)
class Agency:
    """One agency that responded; `left_at` is None where it is not recorded to have left."""

    name: str | None
    came_at: str | None
    left_at: str | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who was let in to watch, or refused: then `refusal` says why."""

    at: str
    name: str | None
    role: str | None
    acts_as: str | None
    agency: str | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture that was shown, and to whom."""

    at: str
    camera: str | None
    what: str | None
    to: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """Anything else that was done, refused or asked, in words; `entry` is its number."""

    at: str
    by: str | None
    what: str
    action: str | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What happened in one incident. None stands for what the audit does not say.

    Moments are ISO 8601 in UTC.

    Attributes:
        incident: incident id.
        kind: exercise, real or standing.
        target: the site or drill.
        emergency: class of the threat, as in the agreement.
        reason: the threat, in the words of whoever asked.
        handled_by_staff: whether they said that staff were handling it.
        asked_by: who asked, as they call themselves.
        role: their role in the agreement.
        channel: how the request came in.
        confirmed_by: the second person who asked for the same.
        actor: who sent the request, as they were recognised.
        actor_name: their full name.
        actor_role: what they are to this program.
        actor_by: how they were recognised.
        relayed: whether the actor asked in the name of somebody else.
        agreement: on whose authority.
        clause: id of the clause that decided.
        because: the decision in words, those of the clause.
        granted: whether cameras were opened.
        refusal: why it was refused; None where it was granted.
        cameras: cameras of the grant; none where they are hidden.
        cameras_hidden: whether this copy is for somebody who may not be told the cameras.
        opened_at: when it was opened.
        planned_end: when it would have ended by itself, as it was opened.
        extensions: each time it was made longer.
        closed_at: when it ended; None while it is open, too.
        closed_by: who ended it.
        closing_reason: why it ended.
        agencies: agencies that responded.
        viewers: who was let in to watch, or refused.
        shown: pictures that were shown, oldest first.
        kept: what became of what was kept: holds, readings, the purge.
        held: whether what was kept is on hold.
        purged_at: when what was kept was purged.
        retention_hidden: whether this copy is for somebody who may not be told for how long things
            are kept, so that it has nothing of a purge.
        steps: all else that the audit says of it: refusals, restarts of the server.
        entries: numbers of its entries in the audit, of those that this copy tells.
        whole: whether no entry of the audit was bent.
        record: the state of the audit in words.
        signed_until: number of the last entry under a checkpoint's signature.
        signed_at: when that checkpoint was signed.
        signed_with: the public key that it is checked with, base64.
    """

    incident: str
    kind: str | None
    target: str | None
    emergency: str | None
    reason: str | None
    handled_by_staff: bool | None
    asked_by: str | None
    role: str | None
    channel: str | None
    confirmed_by: str | None
    actor: str | None
    actor_name: str | None
    actor_role: str | None
    actor_by: str | None
    relayed: bool
    agreement: AgreementCited | None
    clause: str | None
    because: str | None
    granted: bool
    refusal: str | None
    cameras: tuple[str, ...]
    cameras_hidden: bool
    opened_at: str | None
    planned_end: str | None
    extensions: tuple[Extension, ...]
    closed_at: str | None
    closed_by: str | None
    closing_reason: str | None
    agencies: tuple[Agency, ...]
    viewers: tuple[Viewer, ...]
    shown: tuple[Shown, ...]
    kept: tuple[Step, ...]
    held: bool
    purged_at: str | None
    retention_hidden: bool
    steps: tuple[Step, ...]
    entries: tuple[int, ...]
    whole: bool
    record: str
    signed_until: int | None
    signed_at: str | None
    signed_with: str | None

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
        environment.filters["moment"] = _moment_in_words
        text = template.read_text(encoding="utf-8")
        return environment.from_string(text).render(told=self)


def redacted(
    told: Disclosure, *, hide_cameras: bool = True, hide_retention: bool = False
) -> Disclosure:
    """Return the record for somebody who may not be told some facts.

    Of the cameras neither which there are, nor how many. In what people wrote, their ids are struck
    out, too. What else somebody may have written about a camera, its name or its place, cannot be
    known here. Of the retention neither whether nor when something was purged, or was to be.
    """
    if hide_cameras:
        told = _without_cameras(told)
    return _without_retention(told) if hide_retention else told


def _without_cameras(told: Disclosure) -> Disclosure:
    ids = {*told.cameras, *(one.camera for one in told.shown if one.camera)}
    struck = told
    if ids:
        any_id = "|".join(re.escape(one) for one in sorted(ids, key=len, reverse=True))
        # An id inside a longer word is another word: "cam-1" is not in "cam-10".
        strike = partial(
            re.compile(rf"(?<![\w-])(?:{any_id})(?![\w-])", re.IGNORECASE).sub, "[a camera]"
        )
        struck = _rewritten(told, strike)
    shown = tuple(replace(one, camera=None) for one in struck.shown)
    return replace(struck, cameras=(), cameras_hidden=True, shown=shown)


def _without_retention(told: Disclosure) -> Disclosure:
    gone = {
        one.entry for one in (*told.kept, *told.steps) if one.action in _OF_THE_END and one.entry
    }
    return replace(
        told,
        kept=tuple(one for one in told.kept if one.action not in _OF_THE_END),
        steps=tuple(one for one in told.steps if one.action not in _OF_THE_END),
        entries=tuple(number for number in told.entries if number not in gone),
        purged_at=None,
        retention_hidden=True,
    )


def _rewritten(told: Any, rewrite: Any) -> Any:  # noqa: ANN401 - any of the records above
    """A record with the words in it, and in the records that it holds, written anew."""
    changed: dict[str, Any] = {}
    for field in fields(told):
        value = getattr(told, field.name)
        if field.name in _WORDS and value is not None:
            changed[field.name] = rewrite(value)
        elif isinstance(value, tuple) and any(is_dataclass(one) for one in value):
            changed[field.name] = tuple(_rewritten(one, rewrite) for one in value)
    return replace(told, **changed)


def _moment_in_words(at: str) -> str:
    """A moment as people read it; as it stands where it is none."""
    try:
        return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):
        return at
