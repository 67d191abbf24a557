"""Encryption of what lies on a disk: AES-256-GCM, a fresh nonce each time, bound to its place.

`about` is authenticated and not stored: what was sealed as one thing cannot be passed off as
another, so a record that somebody moved, swapped or changed does not open.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import SealError

KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: 96 random bits, good for 2^32 messages under one key


def seal(key: bytes, plain: bytes, about: str) -> bytes:
    """Return `plain` encrypted: the nonce, then the ciphertext with its tag."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about.encode())


def unseal(key: bytes, sealed: bytes, about: str) -> bytes:
    """Return what was sealed about the same thing.

    Raises:
        SealError: it was sealed with another key or about something else, or was changed.
    """
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, about.encode())
    except (InvalidTag, ValueError) as error:
        raise SealError(f"{about}: cannot be opened: another key, or it was changed") from error
