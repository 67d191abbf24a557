"""Where a camera is reached, as a type that cannot be printed with its password."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, SupportsIndex, final
from urllib.parse import unquote, urlsplit, urlunsplit

from .errors import AddressError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core.core_schema import CoreSchema

HIDDEN: Final = "***"
DEFAULT_PORTS: Final = {"rtsp": 554, "rtsps": 322}
"""Ports registered for RTSP (RFC 2326 section 14, RFC 7826 section 20.3)."""

_EXPECTED = "expected rtsp://user:password@host/path, rtsps://… or the path of a video file"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_USER_INFO = re.compile(r"(?<=://)[^\s/]*@")


@final
class CameraAddress:
    """An RTSP address or the path of a video file.

    `str`, `repr`, formatting, logging and pydantic's serialisation all give `shown`. A pickle
    (an address must be able to travel to a worker process) is encoded so that printing it shows
    no password; that is not encryption. Only `reveal` gives the whole address.

    A pydantic model with such a field should set `hide_input_in_errors=True`: this type keeps its
    own text out of a validation error, and cannot do that for errors in the model's other fields,
    which print the whole input.

    Raises:
        AddressError: neither a usable RTSP address nor a path. The message does not repeat it.
    """

    __slots__ = ("__secret", "__shown")

    def __init__(self, text: str) -> None:
        self.__shown = _shown(text)
        self.__secret = text

    def reveal(self) -> str:
        """Return the whole address with user and password. For the decoder: never print it."""
        return self.__secret

    @property
    def shown(self) -> str:
        """The address without user, password, query and `name=value` parts: safe to print."""
        return self.__shown

    @property
    def is_file(self) -> bool:
        """Whether this is the path of a file."""
        return "://" not in self.__shown

    @property
    def path(self) -> Path:
        """The path of the file.

        Raises:
            AddressError: the address is that of a stream.
        """
        if not self.is_file:
            raise AddressError(f"{self.__shown} is a stream, not a file")
        return Path(self.__secret)

    @property
    def scheme(self) -> str:
        """`rtsp`, `rtsps` or `file`."""
        return "file" if self.is_file else urlsplit(self.__shown).scheme

    @property
    def host(self) -> str:
        """Host name or number; empty for a file."""
        return "" if self.is_file else urlsplit(self.__shown).hostname or ""

    @property
    def port(self) -> int:
        """Port, the scheme's own where the address names none; 0 for a file."""
        if self.is_file:
            return 0
        return urlsplit(self.__shown).port or DEFAULT_PORTS[self.scheme]

    def scrub(self, text: str) -> str:
        """Return `text` without this address's secrets, for messages that a library wrote."""
        if self.is_file:
            return text
        parts = urlsplit(self.__secret)
        hidden = [parts.query, *(s for s in parts.path.split("/") if "=" in s)]
        hidden += [parts.netloc.rpartition("@")[0], parts.password or "", parts.username or ""]
        secrets = {secret for raw in hidden if raw for secret in (raw, unquote(raw))}
        for secret in sorted(secrets, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", HIDDEN, text)
        return _USER_INFO.sub(f"{HIDDEN}@", text)

    def __str__(self) -> str:
        return self.__shown

    def __repr__(self) -> str:
        return f"CameraAddress({self.__shown!r})"

    def __format__(self, spec: str) -> str:
        return format(self.__shown, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CameraAddress):
            return NotImplemented
        return self.__secret == other.reveal()

    def __hash__(self) -> int:
        return hash((CameraAddress, self.__secret))

    def __reduce_ex__(
        self, protocol: SupportsIndex
    ) -> tuple[Callable[[bytes], CameraAddress], tuple[bytes]]:
        return _unsealed, (base64.b85encode(self.__secret.encode()),)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate from text, serialise to `shown`, keep the text out of errors."""
        from pydantic_core import core_schema  # noqa: PLC0415 - only where text becomes data

        return core_schema.no_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say that it is a string which is written and never read back."""
        return {"type": "string", "writeOnly": True, "description": _EXPECTED}


def _unsealed(sealed: bytes) -> CameraAddress:
    return CameraAddress(base64.b85decode(sealed).decode())


def _validated(value: object) -> CameraAddress:
    from pydantic_core import PydanticCustomError, ValidationError  # noqa: PLC0415 - as above

    if isinstance(value, CameraAddress):
        return value
    why = f"{_EXPECTED}, got {type(value).__name__}"
    if isinstance(value, str):
        try:
            return CameraAddress(value)
        except AddressError as error:
            why = str(error)
    problem = PydanticCustomError("camera_address", "{why}", {"why": why})
    # A plain ValueError would make pydantic print the input, password and all.
    raise ValidationError.from_exception_data(
        "CameraAddress", [{"type": problem, "loc": (), "input": HIDDEN}]
    )


def _shown(text: str) -> str:
    """Return what may be printed of `text`, after checking it."""
    if not text.strip():
        raise AddressError(f"the address is empty; {_EXPECTED}")
    if not text.isprintable() or text != text.strip():
        raise AddressError("the address has spaces around it or control characters in it")
    scheme = _SCHEME.match(text)
    if scheme is None:
        if "@" in text.partition("/")[0]:
            raise AddressError(f"the address has a user and no scheme; {_EXPECTED}")
        return text
    if scheme[1].lower() not in DEFAULT_PORTS or not text[scheme.end() :].startswith("//"):
        raise AddressError(f"the address is neither rtsp:// nor rtsps://; {_EXPECTED}")
    if " " in text:
        raise AddressError("the address has a space in it; write %20")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = None
    rest = "" if parts is None else f"{parts.path}{parts.query}{parts.fragment}"
    if parts is None or ("@" in rest and "@" not in parts.netloc):
        raise AddressError(
            "the address has no usable host and port; in a user or password write"
            " : / ? # @ % as %3A %2F %3F %23 %40 %25"
        )
    if not host:
        raise AddressError(f"the address names no host; {_EXPECTED}")
    name = f"[{host}]" if ":" in host else host
    path = "/".join(HIDDEN if "=" in part else part for part in parts.path.split("/"))
    query = HIDDEN if parts.query else ""
    return urlunsplit((parts.scheme, name if port is None else f"{name}:{port}", path, query, ""))
