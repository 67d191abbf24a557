"""The record of one incident that a school must be able to show: from the audit, for people.

It says what the audit says and nothing else: the threat, who asked and on whose authority, what was
granted or refused, who watched and was shown what, when it began and ended, what was kept, and
whether the record is whole. What an entry does not say is not guessed: it is "not recorded".
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .audit_chain import RESERVED, Broken
from .disclosure_record import (
    Agency,
    AgreementCited,
    Disclosure,
    Extension,
    Shown,
    Step,
    Viewer,
    redacted,
)
from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .audit_chain import Head
    from .checkpoints import Checkpoint

    Entry = Mapping[str, Any]

__all__ = ["Disclosure", "disclose", "redacted"]

_TOLD_ELSEWHERE = frozenset(
    {
        "grant-opened",
        "grant-extended",
        "grant-closed",
        "agency-responding",
        "agency-left",
        "viewer-admitted",
        "viewer-refused",
        "picture-shown",
        "stream-started",
        "stream-ended",
    }
)
_KEPT = {
    "purged": "purged",
    "purge-refused": "a purge was refused",
    "hold-set": "put on hold",
    "hold-released": "released from its hold",
    "hold-refused": "a hold was refused",
    "kept-record-shown": "a record was shown",
}


def disclose(
    entries: Iterable[Entry],
    incident: str,
    chain: Head | Broken,
    *,
    checkpoint: Checkpoint | None = None,
) -> Disclosure:
    """Return the record of one incident.

    Args:
        entries: entries of the audit in their order, those of the incident among them.
        incident: incident id.
        chain: what verifying the same audit gave.
        checkpoint: the newest checkpoint that it was verified against.

    Raises:
        AuditError: there is no entry of such an incident.
    """
    ours = [entry for entry in entries if entry.get("incident") == incident]
    if not ours:
        raise AuditError(f"incident {incident!r} is not in the audit")
    opened, closed = _first(ours, "grant-opened"), _first(ours, "grant-closed") or {}
    refused = _first(ours, "grant-refused")
    asked = opened or refused or {}
    confirmed = _first(ours, "request-confirmed") or {}
    actor, asked_by = _text(asked, "actor"), _text(asked, "opened_by")
    full_name = _text(asked, "actor_name", "full_name")
    answer = refused if opened is None else None
    broken = chain.what if isinstance(chain, Broken) else None
    signed = None if broken is not None else checkpoint
    holds = [e["action"] for e in ours if e.get("action") in {"hold-set", "hold-released"}]
    return Disclosure(
        incident=incident,
        kind=_text(asked, "kind"),
        target=_text(asked, "target"),
        emergency=_text(asked, "emergency"),
        reason=_text(asked, "reason"),
        handled_by_staff=_flag(asked.get("handled_by_staff")),
        asked_by=asked_by,
        role=_text(asked, "role"),
        channel=_text(asked, "channel"),
        confirmed_by=_text(asked, "confirmed_by") or _text(confirmed, "actor", "confirmed_by"),
        actor=actor,
        actor_name=full_name,
        actor_role=_text(asked, "actor_role"),
        actor_by=_text(asked, "actor_by"),
        relayed=None not in {actor, asked_by} and asked_by not in {actor, full_name},
        agreement=_agreement(asked.get("agreement")),
        clause=_text(asked, "clause"),
        because=_text(asked, "because"),
        granted=opened is not None,
        refusal=None if answer is None else _text(answer, "refusal"),
        cameras=_texts((opened or {}).get("cameras")),
        cameras_hidden=False,
        opened_at=None if opened is None else _at(opened),
        planned_end=_moment((opened or {}).get("until_s")),
        extensions=tuple(
            Extension(_at(e), _text(e, "actor"), _moment(e.get("until_s")))
            for e in _all(ours, "grant-extended")
        ),
        closed_at=_at(closed) if closed else None,
        closed_by=_text(closed, "closed_by", "actor"),
        closing_reason=_text(closed, "reason"),
        agencies=_agencies(ours),
        viewers=tuple(_viewer(e) for e in _all(ours, "viewer-admitted", "viewer-refused")),
        shown=tuple(
            Shown(_at(e), _text(e, "camera"), _shown(e), _text(e, "actor"))
            for e in _all(ours, "picture-shown", "stream-started", "stream-ended")
        ),
        kept=tuple(_step(e, _KEPT[e["action"]]) for e in _all(ours, *_KEPT)),
        held=holds[-1:] == ["hold-set"],
        purged_at=next((_at(e) for e in _all(ours, "purged")), None),
        retention_hidden=False,
        steps=tuple(
            _step(e, str(e.get("action")).replace("-", " "))
            for e in ours
            if e.get("action") not in {*_TOLD_ELSEWHERE, *_KEPT} and e is not answer
        ),
        entries=tuple(e["seq"] for e in ours if isinstance(e.get("seq"), int)),
        whole=broken is None,
        record="no entry of the audit was bent"
        if broken is None
        else f"the audit is bent: {broken}",
        signed_until=None if signed is None else signed.seq,
        signed_at=None if signed is None else signed.at,
        signed_with=None if signed is None else signed.public_key,
    )


def _all(entries: list[Entry], *actions: str) -> list[Entry]:
    return [entry for entry in entries if entry.get("action") in actions]


def _first(entries: list[Entry], action: str) -> Entry | None:
    return next(iter(_all(entries, action)), None)


def _agencies(entries: list[Entry]) -> tuple[Agency, ...]:
    """Each agency that came, with when it left; one that came back is there twice."""
    found: list[Agency] = []
    for entry in _all(entries, "agency-responding", "agency-left"):
        name = _text(entry, "agency")
        here = [n for n, one in enumerate(found) if one.name == name and one.left_at is None]
        if entry["action"] == "agency-responding":
            found += [] if here else [Agency(name, _at(entry), None)]
        elif here:
            found[here[0]] = replace(found[here[0]], left_at=_at(entry))
        else:
            found.append(Agency(name, None, _at(entry)))
    return tuple(found)


def _viewer(entry: Entry) -> Viewer:
    refused = entry["action"] == "viewer-refused"
    return Viewer(
        _at(entry),
        _text(entry, "actor"),
        _text(entry, "role"),
        _text(entry, "acts_as"),
        _text(entry, "agency"),
        _text(entry, "refusal") or "not recorded why" if refused else None,
    )


def _shown(entry: Entry) -> str | None:
    """What was shown, in words: a picture, or that a stream began or ended."""
    how = _text(entry, "how") or "not recorded how"
    match entry["action"]:
        case "stream-started":
            return f"its stream from here on ({how})"
        case "stream-ended":
            seconds = _text(entry, "seconds") or "not recorded how many"
            return f"its stream until here, {seconds} s ({how}; {_text(entry, 'why')})"
        case _:
            return _text(entry, "what")


def _agreement(value: object) -> AgreementCited | None:
    if not isinstance(value, dict):
        return None
    return AgreementCited(*(_text(value, key) for key in ("title", "version", "sha256")))


def _step(entry: Entry, what: str) -> Step:
    number = entry.get("seq")
    return Step(
        _at(entry),
        _who(entry),
        _in_words(entry, what),
        _text(entry, "action"),
        number if isinstance(number, int) else None,
    )


def _in_words(entry: Entry, what: str) -> str:
    """What was done, followed by all that the entry says beside who and of which incident."""
    known = {*RESERVED, "incident", "actor", "by"}
    facts = [
        _fact(key, value)
        for key, value in entry.items()
        if key not in known and value not in (None, "")
    ]
    return f"{what}: {', '.join(facts)}" if facts else what


def _fact(key: str, value: object) -> str:
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if key.endswith("_s"):
        return f"{key.removesuffix('_s').replace('_', ' ')} {_moment(value) or said}"
    return said if key in {"reason", "refusal"} else f"{key.replace('_', ' ')} {said}"


def _at(entry: Entry) -> str:
    return _text(entry, "at") or "not recorded"


def _who(entry: Entry) -> str | None:
    return _text(entry, "actor", "by")


def _text(entry: Entry, *keys: str) -> str | None:
    """The first of these facts that is there and says something."""
    said = (str(entry[key]).strip() for key in keys if entry.get(key) is not None)
    return next((text for text in said if text), None)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else ()


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _moment(seconds: object) -> str | None:
    """ISO 8601 in UTC of Unix seconds; None where they are none."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
