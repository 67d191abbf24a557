"""A request for access written as words on the command line, `role=principal channel=911`."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any, get_args

from .agreements import Channel
from .decisions import AccessRequest
from .errors import AgreementError

_YES = {"yes": True, "true": True, "no": False, "false": False}
_WHETHER = frozenset({"handled_by_staff", "exercise"})
_NEEDED = ("role", "channel")


def read_request(words: str) -> AccessRequest:
    """Return the request that `key=value` words describe; values with blanks are quoted.

    Raises:
        AgreementError: naming the word, what is wrong and what would be right.
    """
    known = [field.name for field in fields(AccessRequest)]
    values: dict[str, Any] = {}
    try:
        parts = shlex.split(words)
    except ValueError as error:
        raise AgreementError(f"request: {error}; quote values that hold blanks") from error
    for part in parts:
        key, found, value = part.partition("=")
        if not found or key not in known:
            raise AgreementError(
                f"request: {part!r}: expected KEY=VALUE, with a key of {', '.join(known)}"
            )
        if key in values:
            raise AgreementError(f"request: {key} is given twice")
        if key in _WHETHER:
            if value.lower() not in _YES:
                raise AgreementError(f"request: {key}={value}: expected yes or no")
            values[key] = _YES[value.lower()]
        else:
            values[key] = value
    missing = [key for key in _NEEDED if key not in values]
    if missing:
        raise AgreementError(f"request: {missing[0]} is missing; add {missing[0]}=…")
    if values["channel"] not in get_args(Channel):
        channels = ", ".join(get_args(Channel))
        raise AgreementError(f"request: channel={values['channel']}: expected one of {channels}")
    return AccessRequest(**values)
