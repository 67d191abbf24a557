"""The bearer token: made once, shown once, kept only as a hash."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from .errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_FILE = "token.json"  # noqa: S105 - a file name
_TOKEN_BYTES = 32
_PREFIX = "lastseen_"  # lets secret scanners recognise a leaked token

Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _TokenRecord(BaseModel):
    """The token file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    sha256: Sha256Hex
    created_at: datetime


class TokenCheck:
    """Tells whether a presented token is the right one, in constant time.

    Args:
        sha256_hex: SHA-256 of the token. A plain hash is enough here because the token is
            256 random bits: there is nothing to guess, so nothing to slow down.
    """

    def __init__(self, sha256_hex: str) -> None:
        self._sha256 = bytes.fromhex(sha256_hex)

    def accepts(self, presented: str) -> bool:
        """Whether `presented` is the token."""
        digest = hashlib.sha256(presented.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(digest, self._sha256)


def ensure_token(state: Path, *, renew: bool = False) -> tuple[TokenCheck, str | None]:
    """Return the check, and the token itself if it was made just now (else None).

    Args:
        state: the state folder; made with mode 0700 where absent.
        renew: make a new token even if there is one; the old one is void.

    Raises:
        StateError: the token file is unreadable, not ours, or cannot be written.
    """
    path = state / TOKEN_FILE
    try:
        if not renew and path.exists():
            return TokenCheck(_read(path).sha256), None
        token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        digest = hashlib.sha256(token.encode()).hexdigest()
        _write(path, _TokenRecord(sha256=digest, created_at=datetime.now(UTC)))
    except OSError as error:
        raise StateError(
            f"{path}: {error.strerror}; make the folder writable or choose another with --state"
        ) from error
    return TokenCheck(digest), token


def _read(path: Path) -> _TokenRecord:
    try:
        return _TokenRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise StateError(
            f"{path}: not a token file of this version; make a new one with --new-token"
        ) from error


def _write(path: Path, record: _TokenRecord) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        stream.write(record.model_dump_json())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
