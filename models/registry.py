"""Looks checkpoints up by name, and hands out none whose bytes are not those registered."""

from __future__ import annotations

import hashlib
import os
import pickle
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import CheckpointError
from .networks import load_network

REGISTRY_FILE = Path(__file__).parent / "weights.toml"

UNREGISTERED_CONFIDENCE = 0.4
UNREGISTERED_INPUT_PX = 640
"""What a checkpoint that brings no operating points of its own is run with."""

Probability = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk whose checksum was found right.

    Attributes:
        name: the registry's name for it.
        path: the file.
        sha256: of the file.
        classes: class names, in the order of the class numbers.
        confidence: class name → the score from which a box is reported.
        input_px: the long side of the pictures it was made for.
        licence: SPDX identifier.
        card: the model card; None for a file that is not registered.
        int8: an OpenVINO model (`.xml`, its `.bin` beside it) that computes in 8 bits and was
            found as accurate; None where none ships.
    """

    name: str
    path: Path
    sha256: str
    classes: tuple[str, ...]
    confidence: dict[str, float]
    input_px: int
    licence: str
    card: Path | None
    int8: Path | None = None


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _EightBits(BaseModel):
    """An OpenVINO model in 8 bits: its graph, and its weights beside it (`.bin`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, Field(pattern=r"\.xml$")]
    sha256: Sha256
    weights_sha256: Sha256


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    sha256: Sha256
    classes: tuple[str, ...]
    confidence: dict[str, Probability]
    input_px: Annotated[int, Field(ge=32, multiple_of=32)]
    licence: str
    card: str
    int8: _EightBits | None = None


class _Added(BaseModel):
    """What an operator added: weights alone, which are used where they are named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)]
    weights: dict[str, _Entry]


class _Registry(_Added):
    """What ships: weights and which of them do what."""

    default: str
    second_look: str


_Kind = TypeVar("_Kind", bound=_Added)


def added_folder() -> Path:
    """Return the folder of added checkpoints: `LASTSEEN_WEIGHTS`, else `~/.local/share/...`."""
    named = os.environ.get("LASTSEEN_WEIGHTS")
    share = Path.home() / ".local" / "share" / "lastseen" / "weights"
    return Path(named).expanduser() if named else share


def default_name(registry: Path = REGISTRY_FILE) -> str:
    """Return the name of the checkpoint used where none is named.

    Raises:
        CheckpointError: if the registry is malformed.
    """
    return _read(registry, _Registry).default


def second_look_name(registry: Path = REGISTRY_FILE) -> str:
    """Return the name of the checkpoint that looks for weapons around persons.

    Raises:
        CheckpointError: if the registry is malformed.
    """
    return _read(registry, _Registry).second_look


def checkpoint_names(registry: Path = REGISTRY_FILE, added: Path | None = None) -> tuple[str, ...]:
    """Return the names of all checkpoints that ship or were added, sorted.

    Args:
        registry: the list of those that ship.
        added: folder of those that were added; `added_folder()` if None.

    Raises:
        CheckpointError: if the registry is malformed.
    """
    return tuple(sorted(_entries(registry, added)))


def find_checkpoint(
    name: str | None = None, registry: Path = REGISTRY_FILE, added: Path | None = None
) -> Checkpoint:
    """Return the registered checkpoint of that name (or the default one), its bytes verified.

    Nothing is read from a checkpoint before its sha256 is found right: unpickling a file that
    somebody changed could run their code.

    Args:
        name: of the checkpoint; None for the default one.
        registry: the list of those that ship.
        added: folder of those that were added; `added_folder()` if None.

    Raises:
        CheckpointError: if the name is unknown, the file is missing or its sha256 is another.
    """
    entries = _entries(registry, added)
    wanted = name or default_name(registry)
    if wanted not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise CheckpointError(f"{registry.name}: no weights called {wanted!r}; there are: {known}")
    folder, entry = entries[wanted]
    path = _verified(folder / entry.file, entry.sha256, wanted)
    int8 = None
    if entry.int8 is not None:
        int8 = _verified(folder / entry.int8.file, entry.int8.sha256, wanted)
        _verified(int8.with_suffix(".bin"), entry.int8.weights_sha256, wanted)
    return Checkpoint(
        name=wanted,
        path=path,
        sha256=entry.sha256,
        classes=entry.classes,
        confidence=dict(entry.confidence),
        input_px=entry.input_px,
        licence=entry.licence,
        card=folder / entry.card,
        int8=int8,
    )


def _verified(path: Path, sha256: str, name: str) -> Path:
    """The path of a file of weights, once its bytes were found right."""
    if not path.is_file():
        raise CheckpointError(
            f"{path}: the file of weights {name!r} is missing; reinstall or restore it"
        )
    actual = sha256_of(path)
    if actual != sha256:
        raise CheckpointError(
            f"{path}: not the registered file of weights {name!r}, so it is not loaded: "
            f"sha256 expected {sha256}, got {actual}"
        )
    return path


def checkpoint_in_file(path: Path) -> Checkpoint:
    """Return a checkpoint that is not registered: an ultralytics `.pt` file of the user's own.

    Its classes are read with the unpickler that admits only network layers. It has no card, so
    its operating points are the plain defaults.

    Raises:
        CheckpointError: if the file is missing or is not such a checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file of weights")
    try:
        network = load_network(path)
    except (RuntimeError, TypeError, OSError, EOFError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"{path}: not an ultralytics checkpoint: {first}") from error
    classes = tuple(network.names[number] for number in sorted(network.names))
    return Checkpoint(
        name=path.stem,
        path=path,
        sha256=sha256_of(path),
        classes=classes,
        confidence=dict.fromkeys(classes, UNREGISTERED_CONFIDENCE),
        input_px=UNREGISTERED_INPUT_PX,
        licence="unknown",
        card=None,
    )


def checkpoint_of(weights: str | Path | None = None) -> Checkpoint:
    """Return a checkpoint by what a user may call it: a registered name or the path of a `.pt`.

    Raises:
        CheckpointError: see `find_checkpoint` and `checkpoint_in_file`.
    """
    if isinstance(weights, Path) or (weights is not None and weights.endswith(".pt")):
        return checkpoint_in_file(Path(weights))
    return find_checkpoint(weights)


def sha256_of(path: Path) -> str:
    """Return the sha256 of the file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entries(registry: Path, added: Path | None) -> dict[str, tuple[Path, _Entry]]:
    """Name → folder and entry; what ships goes before what was added."""
    more = (added_folder() if added is None else added) / registry.name
    found = _read(more, _Added).weights if more.exists() else {}
    ships = _read(registry, _Registry).weights
    return {name: (more.parent, entry) for name, entry in found.items()} | {
        name: (registry.parent, entry) for name, entry in ships.items()
    }


def _read(registry: Path, kind: type[_Kind]) -> _Kind:
    try:
        return kind.model_validate(tomllib.loads(registry.read_text(encoding="utf-8")))
    except OSError as error:
        raise CheckpointError(f"{registry}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise CheckpointError(f"{registry}: not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{registry}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise CheckpointError("\n".join(lines)) from error
