"""Passwords: long enough, not easily guessed, kept as Argon2id hashes only.

There are no rules of composition and no length is cut off (NIST SP 800-63B-4, 3.1.1.2; OWASP ASVS
5.0, 6.2). The parameters of the hash are the library's, those of RFC 9106 for less memory.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import AccountError

if TYPE_CHECKING:
    from collections.abc import Iterable

FEWEST_CHARACTERS = 12
MOST_CHARACTERS = 128
_LEAST_SCORE = 3  # zxcvbn: "safely unguessable", 10^8 guesses and more
_LOOKED_AT = 72  # characters that zxcvbn is shown; its time grows with their square

_guessing = threading.Lock()  # zxcvbn keeps what is personal in a dictionary of its module


def check_password(password: str, personal: Iterable[str]) -> None:
    """Return if the password may be taken.

    Args:
        password: as it was typed.
        personal: names that stand near the account, which an attacker tries first.

    Raises:
        AccountError: it is too short, too long or easily guessed; the password is not told.
    """
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # noqa: PLC0415 - reads word lists

    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise AccountError(
            f"password: has {len(password)} characters; "
            f"choose {FEWEST_CHARACTERS} to {MOST_CHARACTERS}"
        )
    words = {word for text in ("lastseen", *personal) for word in (text, *text.split()) if word}
    with _guessing:
        found = zxcvbn(password[:_LOOKED_AT], user_inputs=sorted(words))
    if found["score"] < _LEAST_SCORE:
        why = found["feedback"]["warning"] or "It is easily guessed."
        raise AccountError(
            f"password: {why.rstrip('.')}; choose another, e.g. four or more unrelated words"
        )


class Passwords:
    """Hashes passwords and checks them. Safe to use from any thread.

    Each call takes tens of milliseconds and 64 MiB, so whoever lets strangers call bounds how
    many there are at once.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(_as_bytes(password))

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; takes as long where none is kept."""
        right = kept is not None and len(password) <= MOST_CHARACTERS
        try:
            self._hasher.verify(kept if kept and right else self._dummy, _as_bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return right

    def outdated(self, kept: str) -> bool:
        """Whether the hash should be made anew because the parameters have changed."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _dummy(self) -> str:
        return self._hasher.hash(secrets.token_bytes(32))


def _as_bytes(password: str) -> bytes:
    # The same letters may come composed or decomposed, from one keyboard or another.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
