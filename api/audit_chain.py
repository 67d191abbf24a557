"""Entries of the audit, each holding the hash of the one before: a change anywhere shows.

An entry is one line of JSON. Its `hash` is the SHA-256 of the entry without it, keys sorted, no
blanks; its `prev` is the hash of the entry before, 64 zeros for the first; its `seq` counts from 1.
Whoever changes, removes, inserts or reorders entries must make every later hash anew, and then the
last one, the head, is another than the one that was noted elsewhere.

Pure functions of lines; the database is `api.audit`'s.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Check = Callable[[Mapping[str, Any]], str | None]

FIRST_PREV = "0" * 64
"""`prev` of the first entry."""

RESERVED = frozenset({"seq", "at", "action", "prev", "hash"})
"""Keys that facts must not have."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many entries, and the hash of the last."""

    seq: int = 0
    hash: str = FIRST_PREV


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit.

    Attributes:
        line: its place in the chain, from 1: its line in an exported file.
        what: what is wrong, in words.
        good: the chain before it.
    """

    line: int
    what: str
    good: Head


def link(head: Head, at: str, action: str, facts: Mapping[str, object]) -> tuple[bytes, Head]:
    """Return the line of a new entry, and the chain's end with it.

    Args:
        head: the end of the chain so far.
        at: when, ISO 8601 in UTC.
        action: what happened.
        facts: JSON-serialisable details; none may be called as one of `RESERVED`.

    Raises:
        ValueError: a fact has a reserved name, or is a number that JSON has not.
    """
    taken = RESERVED & facts.keys()
    if taken:
        raise ValueError(f"facts: {min(taken)!r} is a name of the chain's own")
    entry: dict[str, Any] = {
        "seq": head.seq + 1,
        "at": at,
        "action": action,
        **facts,
        "prev": head.hash,
    }
    # Through JSON once, so that what is hashed is what will be read back.
    entry = json.loads(json.dumps(entry, ensure_ascii=False, allow_nan=False))
    entry["hash"] = entry_hash(entry)
    return _written(entry), Head(head.seq + 1, entry["hash"])


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Return the hash that an entry must have."""
    said = {key: value for key, value in entry.items() if key != "hash"}
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def head_of(line: bytes) -> Head:
    """Return the end of the chain whose last line this is.

    Raises:
        ValueError: the line is no entry of a chain, or was changed.
    """
    entry = _read(line)
    if isinstance(entry, str):
        raise ValueError(entry)  # noqa: TRY004 - the text of what is wrong, not a type
    if entry["hash"] != entry_hash(entry):
        raise ValueError(f"entry {entry['seq']} was changed after it was written")
    return Head(entry["seq"], entry["hash"])


def follow(line: bytes, before: Head) -> dict[str, Any] | Broken:
    """Return the entry of a line that comes after `before`, or why it does not."""
    entry = _read(line)
    if isinstance(entry, str):
        return Broken(before.seq + 1, entry, before)
    if entry["hash"] != entry_hash(entry):
        what = f"entry {entry['seq']} was changed: its hash is not that of what it says"
        return Broken(before.seq + 1, what, before)
    if entry["prev"] != before.hash or entry["seq"] != before.seq + 1:
        what = (
            f"entry {entry['seq']} does not follow entry {before.seq}: "
            "entries were removed, inserted or reordered"
        )
        return Broken(before.seq + 1, what, before)
    return entry


def verify(
    lines: Iterable[bytes],
    after: Head | None = None,
    *,
    noted: str | None = None,
    check: Check | None = None,
) -> Head | Broken:
    """Return the end of the chain, or the first entry that breaks it.

    Args:
        lines: all lines, with their ends, or those that come after `after`.
        after: the end of the chain before the first line.
        noted: hash of an entry, noted elsewhere, that must be in the chain: whoever made the chain
            anew, or cut off its end, cannot have it in there.
        check: asked about each entry that fits; what it finds wrong breaks the chain there.
    """
    head = after or Head()
    seen = noted is None or head.hash == noted
    for line in lines:
        entry = follow(line, head)
        if isinstance(entry, Broken):
            return entry
        what = None if check is None else check(entry)
        if what is not None:
            return Broken(entry["seq"], what, head)
        head = Head(entry["seq"], entry["hash"])
        seen = seen or head.hash == noted
    if not seen:
        what = "the entry whose hash was noted is not in it: entries were cut off or made anew"
        return Broken(head.seq + 1, what, head)
    return head


def read_entry(line: bytes) -> dict[str, Any] | None:
    """Return what a line says, whether or not it fits the chain; None where it is no entry."""
    entry = _read(line)
    return entry if isinstance(entry, dict) else None


def _written(entry: Mapping[str, Any]) -> bytes:
    """The one way to write an entry: a key that is there twice, or a blank, is a change, too."""
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> dict[str, Any] | str:
    """The entry of a line, or why it is none."""
    if not line.endswith(b"\n"):
        return "the line is cut off; its entry was never acknowledged"
    try:
        entry = json.loads(line)
        as_written = _written(entry) == line
    except (ValueError, RecursionError):
        return "the line is not JSON"
    if not isinstance(entry, dict):
        return "the line is no JSON object"
    if not as_written:
        return "the line is not as entries are written"
    return _ill_formed(entry) or entry


def _ill_formed(entry: Mapping[str, Any]) -> str | None:
    """What the chain's own keys lack; None if nothing."""
    missing = RESERVED - entry.keys()
    if missing:
        return f"{min(missing)!r} is missing"
    texts = all(isinstance(entry[key], str) for key in RESERVED - {"seq"})
    return None if texts and type(entry["seq"]) is int else "its number or its action is none"
