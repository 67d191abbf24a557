"""Secret keys, files of the state folder that nobody else may read.

- `server.key`: what second factors, secrets of sources and links are sealed and signed with, each
  by a key of its own derived from it (HKDF, RFC 5869);
- `audit-ed25519.pem`: signs checkpoints of the audit;
- `last-checkpoint.json`: the newest of these, out of reach of whoever can write to the database
  only;
- `incidents/<id>.key`: encrypts what is kept of one incident. Destroying it is the purge, so this
  folder belongs into no backup.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import StateError
from .sealing import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY_FOLDER = "keys"
SERVER_KEY = "server.key"
SIGNING_KEY = "audit-ed25519.pem"
LAST_CHECKPOINT = "last-checkpoint.json"
_INCIDENTS = "incidents"


class Keys:
    """The keys of one state folder, each made when it is first needed.

    Attributes:
        state: the state folder.

    Args:
        state: the state folder.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self._folder = state / KEY_FOLDER

    def derived(self, purpose: str) -> bytes:
        """Return the key for one purpose, 32 bytes, the same each time.

        Raises:
            StateError: the server's key cannot be read or made.
        """
        path = self._folder / SERVER_KEY
        server_key = _read_or_make(path, lambda: os.urandom(KEY_BYTES))
        if len(server_key) != KEY_BYTES:
            raise StateError(f"{path}: not a key of {KEY_BYTES} bytes; restore it from its backup")
        return HKDF(hashes.SHA256(), KEY_BYTES, None, f"lastseen {purpose}".encode()).derive(
            server_key
        )

    def signing(self) -> Ed25519PrivateKey:
        """Return the key that signs checkpoints.

        Raises:
            StateError: it cannot be read or made, or is none.
        """
        path = self._folder / SIGNING_KEY
        pem = _read_or_make(path, _new_signing_key)
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except ValueError as error:
            raise StateError(f"{path}: not a private key; restore it from its backup") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise StateError(f"{path}: not an Ed25519 key; restore it from its backup")
        return key

    def has_signing(self) -> bool:
        """Whether there is a key that signs checkpoints; none is made by asking."""
        return (self._folder / SIGNING_KEY).exists()

    @property
    def checkpoint_file(self) -> Path:
        """Where `keep_checkpoint` keeps it."""
        return self._folder / LAST_CHECKPOINT

    def keep_checkpoint(self, document: bytes) -> None:
        """Keep the newest checkpoint that was signed, whole and on the disk, in place of another.

        Raises:
            StateError: it cannot be written; the one before is as it was.
        """
        path = self.checkpoint_file
        try:
            _make_private(path.parent)
            _write_private(path, lambda: document).replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise StateError(
                f"{path}: {error.strerror}; make the folder writable for this user only"
            ) from error

    def checkpoint(self) -> bytes | None:
        """Return what `keep_checkpoint` kept last; None where nothing was.

        Raises:
            StateError: it cannot be read.
        """
        try:
            return self.checkpoint_file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{self.checkpoint_file}: {error.strerror}") from error

    def make_incident(self, incident: str) -> bytes:
        """Return the key of an incident, made where there is none.

        Raises:
            StateError: it cannot be read or made.
        """
        return _read_or_make(self._of(incident), lambda: os.urandom(KEY_BYTES))

    def incident(self, incident: str) -> bytes | None:
        """Return the key of an incident; None where there is none, or none any more.

        Raises:
            StateError: it cannot be read.
        """
        path = self._of(incident)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{path}: {error.strerror}") from error

    def destroy_incident(self, incident: str) -> bool:
        """Destroy the key of an incident; whether there was one.

        It is written over before it is removed. What a file system or a disk keeps of a file that
        was written over is beyond a program; full-disk encryption answers that.

        Raises:
            StateError: it cannot be removed.
        """
        path = self._of(incident)
        try:
            with path.open("r+b") as file:
                file.write(bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            _sync_folder(path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StateError(f"{path}: cannot be destroyed: {error.strerror}") from error
        return True

    def _of(self, incident: str) -> Path:
        if not incident or not all(c.isalnum() or c == "-" for c in incident):
            raise StateError(f"incident {incident!r} has no key: its id is none of this server's")
        return self._folder / _INCIDENTS / f"{incident}.key"


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of a key file; made whole, on the disk, and by one process only."""
    try:
        if not path.exists():
            _make_private(path.parent)
            part = _write_private(path, make)
            try:
                os.link(part, path)  # unlike a rename this fails where another was first
            except FileExistsError:
                pass
            finally:
                part.unlink(missing_ok=True)
            _sync_folder(path.parent)
        return path.read_bytes()
    except OSError as error:
        raise StateError(
            f"{path}: {error.strerror}; make the folder writable for this user only"
        ) from error


def _write_private(path: Path, make: Callable[[], bytes]) -> Path:
    """Write a file beside `path` that nobody else may read, onto the disk; return its path."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(make())
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, each for this user only."""
    if not folder.is_dir():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
