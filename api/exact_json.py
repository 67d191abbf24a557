"""Values as JSON and back, to the last bit: what a replay is fed with and compared by.

Numbers are written by their shortest form that reads back as the same double; infinities and NaN
as `Infinity` and `NaN`. A dataclass is an object of its fields, in their order, so that a field
that is added later needs no change here. A column of an array is an object of its own, with its
dtype (little-endian) and shape: `{"dtype": "<f8", "shape": [2, 2], "values": [0.0, …]}`, flat in C
order. Wide columns of short floats (appearance) are `base64` instead of `values`: four bytes where
the digits would take twenty.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_T = TypeVar("_T")

_WIDE = 8
"""Columns of short floats with more values a row than this are written as base64."""

_SHORT_FLOAT_BYTES = 4
_NUMBER_KINDS = "fiub"


def exact_json(value: object) -> str:
    """Return a value as one line of JSON.

    Args:
        value: JSON's own values, tuples, mappings, frozen dataclasses and numeric arrays, in any
            depth.

    Raises:
        TypeError: it holds something else.
    """
    return json.dumps(value, default=_plain, separators=(",", ":"))


def canonical_json(value: object) -> str:
    """Return the one form of a value: as `exact_json`, and mappings in the order of their keys.

    Raises:
        TypeError: see `exact_json`.
    """
    return json.dumps(value, default=_plain, separators=(",", ":"), sort_keys=True)


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return what reading back `exact_json(value)` gives: lists, dicts, numbers, text.

    Raises:
        TypeError: see `exact_json`.
    """
    return json.loads(exact_json(value))


def fields_of(value: object) -> dict[str, Any]:
    """Return the fields of a frozen dataclass by name, in their order."""
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]


def made_of(cls: type[_T], values: Mapping[str, Any]) -> _T:
    """Return the dataclass `cls` from the JSON object of its fields; lists become tuples.

    Args:
        cls: a dataclass whose fields are JSON's own values, tuples of them, or numeric arrays.
        values: as `exact_json` wrote it. Fields that have a default may be absent: they did not
            exist when it was written.

    Raises:
        ValueError: a field is missing or unknown, or is not what was written.
        TypeError: the values are no object.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{cls.__name__} is written as an object, not {type(values).__name__}")
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise ValueError(
            f"{unknown[0]}: {cls.__name__} has no such field here; a newer lastseen wrote it"
        )
    needed = [
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    ]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ValueError(f"{missing[0]}: is missing")
    return cls(**{name: _restored(name, value) for name, value in values.items()})


def _plain(value: object) -> object:
    """What JSON can write of a value that it cannot write by itself; one level of it."""
    if isinstance(value, np.ndarray):
        return _column(value)
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no exact form in JSON")


def _column(values: NDArray[Any]) -> dict[str, Any]:
    if values.dtype.kind not in _NUMBER_KINDS:
        raise TypeError(f"an array of {values.dtype} has no exact form in JSON")
    stored = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    column: dict[str, Any] = {"dtype": stored.dtype.str, "shape": list(values.shape)}
    row_length = int(np.prod(values.shape[1:]))
    if (
        stored.dtype.kind == "f"
        and stored.dtype.itemsize <= _SHORT_FLOAT_BYTES
        and row_length > _WIDE
    ):
        return {**column, "base64": base64.b64encode(stored.tobytes()).decode()}
    return {**column, "values": stored.ravel().tolist()}


def _restored(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return tuple(_restored(name, part) for part in value)
    if not isinstance(value, dict):
        return value
    try:
        dtype = np.dtype(value["dtype"])
        shape = tuple(value["shape"])
        if dtype.kind not in _NUMBER_KINDS:
            raise ValueError(f"{dtype} is no type of a column")  # noqa: TRY301 - named below
        if "base64" in value:
            read = np.frombuffer(base64.b64decode(value["base64"], validate=True), dtype)
        else:
            read = np.array(value["values"], dtype)
        return read.reshape(shape).astype(dtype.newbyteorder("="))
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{name}: is no column of numbers: {what}") from error
