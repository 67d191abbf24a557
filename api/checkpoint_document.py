"""The document of a checkpoint: the end of the audit's chain at some moment, signed.

What is signed, with Ed25519 (RFC 8032), is

    lastseen audit checkpoint
    SEQ
    HASH
    AT

each line with its end: the number and the hash of the last entry, and when that was so. A copy that
is kept elsewhere needs nothing of ours to be checked but the public key.
"""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import AuditError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from .audit_chain import Head

SCHEMA = 1
_DOMAIN = "lastseen audit checkpoint"
_FIELDS = {"schema": int, "seq": int, "hash": str, "at": str, "public_key": str, "signature": str}
_HASH = re.compile(r"[0-9a-f]{64}")
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The end of the chain, signed.

    Attributes:
        seq: number of the last entry.
        hash: hash of the last entry.
        at: when it was signed, ISO 8601 in UTC.
        public_key: Ed25519 key that the signature is to be checked with, base64.
        signature: base64.
    """

    seq: int
    hash: str
    at: str
    public_key: str
    signature: str

    def document(self) -> dict[str, Any]:
        """The document that is kept elsewhere."""
        return {"schema": SCHEMA, **asdict(self)}

    def as_json(self) -> str:
        """The document as JSON."""
        return json.dumps(self.document(), indent=2) + "\n"


def sign_head(key: Ed25519PrivateKey, head: Head, at: str) -> Checkpoint:
    """Return the checkpoint of an end of the chain.

    Args:
        key: what signs.
        head: the end.
        at: when, ISO 8601 in UTC.
    """
    signature = b64encode(key.sign(_signed(head.seq, head.hash, at))).decode()
    return Checkpoint(head.seq, head.hash, at, public_key_of(key), signature)


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the key that others check signatures with, base64."""
    return b64encode(key.public_key().public_bytes_raw()).decode()


def verify_checkpoint(document: str | bytes, trusted_key: str | None = None) -> Checkpoint:
    """Return the checkpoint of a document whose signature fits.

    Args:
        document: JSON, as `Checkpoint.as_json` writes it.
        trusted_key: the key that must have signed it, base64. Without one the key that it names is
            taken, which shows that it was not changed, but not whose it is.

    Raises:
        AuditError: it is no checkpoint, was changed, or was signed by another key.
    """
    checkpoint = _read(document)
    key = read_public_key(checkpoint.public_key, "public_key")
    if trusted_key is not None and key != read_public_key(trusted_key):
        raise AuditError(
            f"checkpoint of entry {checkpoint.seq}: signed by {checkpoint.public_key}, "
            f"not by {trusted_key}"
        )
    signature = _bytes_of(checkpoint.signature, _SIGNATURE_BYTES, "signature")
    said = _signed(checkpoint.seq, checkpoint.hash, checkpoint.at)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, said)
    except InvalidSignature as error:
        raise AuditError(
            f"checkpoint of entry {checkpoint.seq}: its signature does not fit; it was changed"
        ) from error
    return checkpoint


def read_public_key(text: str, name: str = "the key") -> bytes:
    """Return the bytes of a public key.

    Raises:
        AuditError: it is no Ed25519 key in base64.
    """
    return _bytes_of(text, _KEY_BYTES, name)


def _signed(seq: int, hash_: str, at: str) -> bytes:
    """The bytes that a signature is made of."""
    return f"{_DOMAIN}\n{seq}\n{hash_}\n{at}\n".encode()


def _read(document: str | bytes) -> Checkpoint:
    """What a document says, of the right form."""
    try:
        told = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise AuditError("the checkpoint is not JSON") from error
    if not isinstance(told, dict) or told.keys() != _FIELDS.keys():
        raise AuditError(f"a checkpoint is an object of {', '.join(_FIELDS)}")
    for name, kind in _FIELDS.items():
        if type(told[name]) is not kind:
            raise AuditError(f"the checkpoint's {name} is not of the right kind")
    if told.pop("schema") != SCHEMA:
        raise AuditError(f"the checkpoint is not of schema {SCHEMA}; install a newer lastseen")
    if told["seq"] < 1 or not _HASH.fullmatch(told["hash"]):
        raise AuditError("the checkpoint's seq or hash is that of no entry")
    try:
        as_written = datetime.fromisoformat(told["at"]).isoformat() == told["at"]
    except ValueError:
        as_written = False
    if not as_written:
        raise AuditError("the checkpoint's at is not a moment in ISO 8601")
    return Checkpoint(**told)


def _bytes_of(text: str, length: int, name: str) -> bytes:
    """The bytes that base64 stands for."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuditError(f"{name} is not base64") from error
    if len(data) != length:
        raise AuditError(f"{name} has {len(data)} bytes where {length} are needed")
    return data
