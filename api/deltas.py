"""What changed between two messages of one kind, as a patch, and a message from such a patch.

A patch of an object holds the members that changed, each as a patch of its own; all members keep
standing, because the fields of a message are fixed. An object as patch of a list says how the
list came about: `by` and `changed` patch the things in it by their key, and `order` names those
that are there now, in their order, where that changed; `changed` alone patches things by their
place; `keep` and `add` keep the items from the one number up to before the other, and put more
behind them, as a trail moves on. Anything else as patch is the new value itself, null too.

Pure functions of what JSON can hold; nothing that is handed in is changed.
"""

from __future__ import annotations

from typing import Any, Final

from .errors import DeltaError

ENVELOPE: Final = ("schema_version", "sequence", "incident", "exercise", "published_at")
"""What every message carries; a delta has it anew and its patch does not."""

_KEYS: Final = ("id", "door_number")
_LEAST_KEPT: Final = 2  # fewer are shorter to say than which they are
_SAME: Final = object()
_OTHER_LIST: Final = "the patch was made for another list"

Json = Any


class _UnsayableError(Exception):
    """A change for which there is no patch; never leaves this module."""


def delta(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json] | None:
    """Return the patch that makes `after` of `before`, empty where they are equal.

    None where no patch can say it, e.g. where a member has gone: then `after` is to be sent whole.
    """
    try:
        return dict(_members(before, after))
    except _UnsayableError:
        return None


def apply(before: Json, patch: Json) -> Json:
    """Return what a patch makes of a value.

    Raises:
        DeltaError: the patch was made for another value.
    """
    if not isinstance(patch, dict):
        return patch
    if isinstance(before, dict):
        return {**before, **{k: apply(before.get(k), part) for k, part in patch.items()}}
    if isinstance(before, list):
        return _applied_to_list(before, patch)
    return patch


def delta_message(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json] | None:
    """Return the message that tells what of `after` is new to whoever has `before`; see `delta`."""
    patch = delta(_without_envelope(before), _without_envelope(after))
    if patch is None:
        return None
    return {
        **{name: after[name] for name in ENVELOPE},
        "base": before["sequence"],
        "patch": patch,
    }


def message_after(before: dict[str, Json], told: dict[str, Json]) -> dict[str, Json]:
    """Return the full message from the one before and what `delta_message` told of it.

    Raises:
        DeltaError: it was told to whoever has another message than `before`.
    """
    if before["sequence"] != told["base"]:
        raise DeltaError(
            f"message {told['sequence']} changes message {told['base']}, "
            f"and the one here is {before['sequence']}"
        )
    whole: dict[str, Json] = apply(before, told["patch"])
    return {**whole, **{name: told[name] for name in ENVELOPE}}


def _without_envelope(message: dict[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in message.items() if name not in ENVELOPE}


def _members(before: dict[str, Json], after: dict[str, Json]) -> list[tuple[str, Json]]:
    if not before.keys() <= after.keys():
        raise _UnsayableError
    found = []
    for name, value in after.items():
        # As `apply` has it: what is not there is as null.
        part = _difference(before.get(name), value)
        if part is not _SAME:
            found.append((name, part))
        elif name not in before:
            found.append((name, None))
    return found


def _difference(before: Json, after: Json) -> Json:
    """The patch; `_SAME` where there is none to make."""
    if before == after:
        return _SAME
    if isinstance(after, list):
        return _list_difference(before, after) if isinstance(before, list) else after
    if not isinstance(after, dict):
        return after
    if isinstance(before, list):
        raise _UnsayableError
    return dict(_members(before, after)) if isinstance(before, dict) else after


def _list_difference(before: list[Json], after: list[Json]) -> Json:
    objects = bool(before and after) and all(isinstance(one, dict) for one in (*before, *after))
    if objects:
        for key in _KEYS:
            if (was := _keyed(before, key)) is not None and (now := _keyed(after, key)) is not None:
                return _keyed_difference(key, was, now)
        if len(before) == len(after):
            pairs = enumerate(zip(before, after, strict=True))
            parts = ((str(i), _difference(*pair)) for i, pair in pairs)
            return {"changed": {place: part for place, part in parts if part is not _SAME}}
    return _moved_on(before, after)


def _keyed(items: list[dict[str, Json]], key: str) -> dict[str, dict[str, Json]] | None:
    """The items by their key, in their order; None where it does not tell them apart."""
    keys = [item.get(key) for item in items]
    names = [one for one in keys if isinstance(one, str)]
    return dict(zip(names, items, strict=True)) if len(set(names)) == len(items) else None


def _keyed_difference(key: str, was: dict[str, Json], now: dict[str, Json]) -> dict[str, Json]:
    parts = {
        name: _difference(was[name], item) if name in was else item for name, item in now.items()
    }
    changed = {name: part for name, part in parts.items() if part is not _SAME}
    order = {} if list(was) == list(now) else {"order": list(now)}
    return {"by": key, **order, "changed": changed}


def _moved_on(before: list[Json], after: list[Json]) -> Json:
    """What is kept of a list in one piece, and what comes behind it."""
    if not after or after[0] not in before:
        return after
    start = before.index(after[0])
    kept = 0
    while kept < len(after) and start + kept < len(before) and after[kept] == before[start + kept]:
        kept += 1
    if kept < _LEAST_KEPT:
        return after
    return {"keep": [start, start + kept], "add": after[kept:]}


def _applied_to_list(before: list[Json], patch: dict[str, Json]) -> list[Json]:
    try:
        if "keep" in patch:
            return _kept_and_more(before, patch["keep"], patch["add"])
        key = patch.get("by")
        there = {item[key]: item for item in before} if key else dict(enumerate(before))
        changed = patch["changed"]
        if not key:
            changed = {int(place): part for place, part in changed.items()}
            if not changed.keys() <= there.keys():
                raise DeltaError(_OTHER_LIST)
        items = there | {name: apply(there.get(name), part) for name, part in changed.items()}
        return [items[name] for name in patch.get("order", there)]
    except (KeyError, TypeError, ValueError) as error:
        raise DeltaError(_OTHER_LIST) from error


def _kept_and_more(before: list[Json], keep: list[int], more: list[Json]) -> list[Json]:
    start, end = keep
    if not 0 <= start <= end <= len(before):
        raise DeltaError(_OTHER_LIST)
    return [*before[start:end], *more]
