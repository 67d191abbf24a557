"""Puts a new calibration into the text of a camera's file, and leaves the rest as it was written.

Comments, order and spelling stay. The text is cut at its table headers; the tables that change are
replaced, single keys are replaced in their line, and the result is read again: if it does not say
exactly what it should, the whole file is written anew, without its comments.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import tomli_w

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CALIBRATIONS: Final = ("pose", "homography", "calibration")
"""Tables that a new calibration replaces."""

_HEADER: Final = re.compile(r"^\s*\[\[?\s*([A-Za-z_][\w-]*)[^\]]*\]?\]\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The new text of a camera's file.

    Attributes:
        text: all of it.
        comments_kept: False where the file had to be written anew.
    """

    text: str
    comments_kept: bool


def rewritten(
    text: str,
    *,
    tables: Mapping[str, Mapping[str, Any]],
    top: Mapping[str, Any],
    lens: Mapping[str, Any],
    landmarks: Sequence[Mapping[str, Any]] | None,
) -> Rewritten:
    """A camera's file with another calibration.

    Args:
        text: the file now; valid TOML.
        tables: tables to put in the place of `CALIBRATIONS`.
        top: keys of the file itself to set, e.g. `floor_error_m`; None takes a key out.
        lens: keys of `[lens]` to set; None takes a key out.
        landmarks: to put in the place of those of the file, none of them if empty; None keeps
            those.
    """
    wanted = tomllib.loads(text)
    for name in CALIBRATIONS:
        wanted.pop(name, None)
    wanted |= {name: dict(table) for name, table in tables.items()}
    wanted |= top
    wanted = {key: value for key, value in wanted.items() if value is not None}
    all_lens = wanted.get("lens", {}) | dict(lens)
    wanted["lens"] = {key: value for key, value in all_lens.items() if value is not None}
    replaced: set[str] = set(CALIBRATIONS)
    if landmarks is not None:
        wanted["landmarks"] = [dict(landmark) for landmark in landmarks]
        if not landmarks:
            del wanted["landmarks"]
        replaced.add("landmarks")
    sections = [section for section in _sections(text) if section[0] not in replaced]
    edited = [
        _with_keys(lines, top if not name else lens if name == "lens" else {})
        for name, lines in sections
    ]
    added = [*tables.items()]
    parts = ["".join(lines).rstrip("\n") for lines in edited]
    parts += [_written({name: dict(table)}) for name, table in added]
    if landmarks is not None:
        parts += [_landmark(landmark) for landmark in landmarks]
    new = "\n\n".join(part for part in parts if part.strip()) + "\n"
    try:
        if tomllib.loads(new) == wanted:
            return Rewritten(new, comments_kept=True)
    except tomllib.TOMLDecodeError:
        pass
    return Rewritten(tomli_w.dumps(wanted), comments_kept=False)


def _sections(text: str) -> list[tuple[str, list[str]]]:
    """The lines of the file by table, each with the name of its table; "" before the first."""
    sections: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            sections.append((header[1], []))
        sections[-1][1].append(line)
    return sections


def _with_keys(lines: list[str], keys: Mapping[str, Any]) -> list[str]:
    """The lines of one table with these keys set, in their line or after the last, or out."""
    lines = list(lines)
    for key, value in keys.items():
        if value is None:
            lines = [line for line in lines if not re.match(rf"^\s*{re.escape(key)}\s*=", line)]
            continue
        written = f"{key} = {_value(value)}"
        for i, line in enumerate(lines):
            found = re.match(rf"^(\s*){re.escape(key)}\s*=[^#\n]*?(\s*#.*)?$", line.rstrip("\n"))
            if found:
                lines[i] = f"{found[1]}{written}{found[2] or ''}\n"
                break
        else:
            last = max((i for i, line in enumerate(lines) if line.strip()), default=-1)
            lines.insert(last + 1, written + "\n")
    return lines


def _landmark(landmark: Mapping[str, Any]) -> str:
    rows = [f"{key} = {_value(value)}" for key, value in landmark.items()]
    return "\n".join(["[[landmarks]]", *rows])


def _written(table: Mapping[str, Any]) -> str:
    """A table whose matrices have one row a line."""
    [(name, values)] = table.items()
    rows = [f"[{name}]"]
    for key, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows += [f"{key} = [", *(f"  {_value(row)}," for row in value), "]"]
        else:
            rows.append(f"{key} = {_value(value)}")
    return "\n".join(rows)


def _value(value: object) -> str:
    """One value as TOML, on one line."""
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")
