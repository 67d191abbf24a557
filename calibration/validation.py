"""Turns the text of a file into checked data, or into problems that say what would be right."""

from __future__ import annotations

import difflib
import json
import tomllib
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

_SHOWN_CHARACTERS = 60
ADDRESS_FIELDS: Final = frozenset({"address", "sub_address"})
"""Fields whose value is never repeated: a camera's address may hold a password."""


class FileModel(BaseModel):
    """Base of everything that is read from a file: unknown keys refused, no infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_toml(path: Path, file: str, problems: list[Problem]) -> dict[str, Any] | None:
    """The table of a TOML file; None after adding to `problems`.

    Args:
        path: where the file lies.
        file: how problems name it, relative to the site folder.
        problems: receives what is wrong.
    """
    text = _read_text(path, file, problems)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(file, "", f"is not valid TOML: {error}"))
        return None


def read_json(path: Path, file: str, problems: list[Problem]) -> Any | None:  # noqa: ANN401 - JSON
    """The value of a JSON file; None after adding to `problems` (arguments as `read_toml`)."""
    text = _read_text(path, file, problems)
    if text is None:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        problems.append(Problem(file, "", f"is not valid JSON: {error.msg} (at {where})"))
        return None


def check(
    model: type[Model],
    value: object,
    file: str,
    problems: list[Problem],
    within: str = "",
) -> Model | None:
    """`value` as `model`; None after adding one problem per wrong field.

    Args:
        model: a pydantic model.
        value: what the file holds, as parsed.
        file: how problems name the file.
        problems: receives what is wrong.
        within: prefix of the field names, e.g. `feature 'room-104'`.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found: dict[str, Problem] = {}
        for detail in error.errors():
            location = _location(detail)
            message = _message(detail, location, _known_keys(model, location))
            field = _field(within, location)
            # Where a field may be of several types, the last is the one that people write.
            found[field] = Problem(file, field, message)
        problems.extend(found.values())
        return None


def _read_text(path: Path, file: str, problems: list[Problem]) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(file, "", "is missing; the site needs this file"))
    except UnicodeDecodeError as error:
        problems.append(Problem(file, "", f"is not UTF-8 text (byte {error.start})"))
    except OSError as error:
        problems.append(Problem(file, "", f"cannot be read: {error.strerror}"))
    return None


def _location(detail: ErrorDetails) -> tuple[int | str, ...]:
    """Where the error is, without the names that pydantic gives to the choices of a union."""
    return tuple(p for p in detail["loc"] if isinstance(p, int) or "[" not in p)


def _field(within: str, location: tuple[int | str, ...]) -> str:
    text = within
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _message(detail: ErrorDetails, location: tuple[int | str, ...], known: tuple[str, ...]) -> str:
    kind = detail["type"]
    if kind == "missing":
        return "is missing; add it"
    if kind == "extra_forbidden":
        key = str(location[-1])
        close = difflib.get_close_matches(key, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        listed = f" (known keys: {', '.join(known)})" if known and not close else ""
        return f"unknown key{hint}{listed}"
    if kind == "value_error":
        return str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
    message = detail["msg"]
    message = (message[0].lower() + message[1:]).removeprefix("input ")
    if not ADDRESS_FIELDS.isdisjoint(location):
        return message
    shown = repr(detail["input"])
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[: _SHOWN_CHARACTERS - 1] + "…"
    return f"{message}, got {shown}"


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that the table around the last part of `location` may have."""
    kind: object = model
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return ()
        field = kind.model_fields.get(part)
        kind = _inner_model(field.annotation) if field is not None else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return tuple(field.alias or name for name, field in kind.model_fields.items())
    return ()


def _inner_model(annotation: object) -> object:
    """The model inside `X | None`, `list[X]`, `tuple[X, ...]` or `Annotated[X, …]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
