"""Turning public data sets into drill folders: which are known, and how one is called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMPORTERS: Final = {"meva": "drill_import_meva"}
"""Modules of this package that hold an `import_drill`, by the name a user gives."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a user wants imported.

    Attributes:
        source: folder of the data set.
        target: the drill folder to be; absent or empty.
        video: a video of the data set to play; None takes what the importer thinks best.
        boxes: a recording of which the data set has boxes, to play those in place of a video.
    """

    source: Path
    target: Path
    video: Path | None = None
    boxes: str | None = None


@dataclass(frozen=True, slots=True)
class ImportedDrill:
    """A drill folder that was made.

    Attributes:
        folder: where it lies.
        name: the drill's name.
        notes: what a reader of its figures has to know, a sentence each.
    """

    folder: Path
    name: str
    notes: tuple[str, ...]


class Importer(Protocol):
    """The `import_drill` of an importer's module."""

    def __call__(self, request: ImportRequest, say: Callable[[str], None]) -> ImportedDrill:
        """Make the drill folder, wholly or not at all.

        Args:
            request: what to import.
            say: takes what is being done, in a few words, whenever that changes.

        Raises:
            DrillImportError: where the source lacks something or the target is in use.
        """
        ...


def importer(name: str) -> Importer:
    """Return the importer of a data set.

    Raises:
        DrillImportError: where there is none of that name, with those there are.
    """
    if name not in IMPORTERS:
        raise DrillImportError(
            f"no importer {name!r}; data sets that can be imported: {', '.join(sorted(IMPORTERS))}"
        )
    found: Importer = import_module(f".{IMPORTERS[name]}", __package__).import_drill
    return found
