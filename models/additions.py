"""Checkpoints that an operator adds: verified against their card, then kept and found by name."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import tomllib
from typing import TYPE_CHECKING, Annotated, Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import CheckpointError
from .networks import load_network
from .registry import (
    REGISTRY_FILE,
    Checkpoint,
    Probability,
    added_folder,
    checkpoint_names,
    find_checkpoint,
    sha256_of,
)

if TYPE_CHECKING:
    from pathlib import Path

KNOWN_CLASSES = ("person", "firearm", "knife")
"""What the rest of the system understands; anything else a detector says would be ignored."""

_FENCE = "+++"
_HEADER = re.compile(rf"\A{re.escape(_FENCE)}\n(.*?)\n{re.escape(_FENCE)}\n", re.DOTALL)


class CardHeader(BaseModel):
    """What the head of a model card tells programs, between two lines of `+++`, in TOML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    confidence: dict[str, Probability]
    input_px: Annotated[int, Field(ge=32, le=4096, multiple_of=32)]
    licence: Annotated[str, Field(min_length=1)]


def card_with_header(header: CardHeader, text: str) -> str:
    """The text of a card, in Markdown, with the header in front."""
    return f"{_FENCE}\n{tomli_w.dumps(header.model_dump(mode='json'))}{_FENCE}\n\n{text}"


def read_card_header(card: Path) -> CardHeader:
    """Return the header of a model card.

    Raises:
        CheckpointError: naming the file and each missing or wrong field.
    """
    try:
        text = card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{card}: the card cannot be read: {error}") from error
    found = _HEADER.match(text)
    if found is None:
        fields = ", ".join(CardHeader.model_fields)
        raise CheckpointError(
            f"{card}: no header: the first line must be '{_FENCE}', then TOML with {fields}, "
            f"then a line '{_FENCE}'"
        )
    try:
        return CardHeader.model_validate(tomllib.loads(found[1]))
    except tomllib.TOMLDecodeError as error:
        raise CheckpointError(f"{card}: the header is not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [
            f"{card}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise CheckpointError("\n".join(lines)) from error


def add_checkpoint(file: Path, card: Path, folder: Path | None = None) -> Checkpoint:
    """Verify a checkpoint against its card and keep both; it is then found by the card's name.

    Nothing is kept unless everything is right, and no code of the file is ever run.

    Args:
        file: an ultralytics `.pt` file.
        card: its model card, with a header (see `CardHeader`).
        folder: where added checkpoints are kept; `registry.added_folder()` if None.

    Raises:
        CheckpointError: if the checksum, the classes or the input size are not those of the card, a
            class is not known here, the name is taken, or the file is no such checkpoint.
    """
    header = read_card_header(card)
    _check_words(header, card)
    if not file.is_file():
        raise CheckpointError(f"{file}: no such file of weights")
    actual = sha256_of(file)
    if actual != header.sha256:
        raise CheckpointError(
            f"{file}: not the file of its card: sha256 expected {header.sha256}, got {actual}"
        )
    _check_network(file, header)
    kept = added_folder() if folder is None else folder
    if header.name in checkpoint_names(REGISTRY_FILE, kept):
        raise CheckpointError(f"{card}: name: {header.name!r} is taken; choose another")
    try:
        _keep(file, card, header, kept)
    except OSError as error:
        raise CheckpointError(f"{kept}: cannot be written: {error.strerror or error}") from error
    return find_checkpoint(header.name, REGISTRY_FILE, kept)


def _check_words(header: CardHeader, card: Path) -> None:
    unknown = [name for name in header.classes if name not in KNOWN_CLASSES]
    if unknown:
        raise CheckpointError(
            f"{card}: classes: {', '.join(map(repr, unknown))} not known here; "
            f"known are {', '.join(KNOWN_CLASSES)}"
        )
    strangers = sorted(header.confidence.keys() - set(header.classes))
    if strangers:
        raise CheckpointError(f"{card}: confidence: {strangers} are none of its classes")


def _check_network(file: Path, header: CardHeader) -> None:
    try:
        network = load_network(file)
    except (RuntimeError, TypeError, OSError, EOFError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"{file}: not an ultralytics checkpoint: {first}") from error
    classes = tuple(network.names[number] for number in sorted(network.names))
    if classes != header.classes:
        raise CheckpointError(
            f"{file}: its classes are {list(classes)}, the card says {list(header.classes)}"
        )
    largest_stride = int(network.stride.max())
    if header.input_px % largest_stride:
        raise CheckpointError(
            f"{file}: input_px: {header.input_px} is no multiple of the network's stride "
            f"of {largest_stride}"
        )


def _keep(file: Path, card: Path, header: CardHeader, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = (f"{header.name}.pt", f"{header.name}.md")
    for source, name in zip((file, card), names, strict=True):
        partial = folder / f".{name}.partial"
        shutil.copyfile(source, partial)
        partial.replace(folder / name)
    listing = folder / REGISTRY_FILE.name
    table: dict[str, Any] = (
        tomllib.loads(listing.read_text(encoding="utf-8")) if listing.exists() else {"schema": 1}
    )
    entry = {**header.model_dump(mode="json", exclude={"name"}), "file": names[0], "card": names[1]}
    table.setdefault("weights", {})[header.name] = entry
    partial = folder / f".{listing.name}.partial"
    with partial.open("w", encoding="utf-8") as out:
        out.write(tomli_w.dumps(table))
        out.flush()
        os.fsync(out.fileno())
    # The list is written last: what it does not name does not exist for anybody.
    partial.replace(listing)
