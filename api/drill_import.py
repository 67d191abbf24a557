"""Turning public data sets into drill folders: which are known, and how one is called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol

from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from calibration.box_noise import BoxNoise


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that can be imported.

    Attributes:
        module: module of this package that holds its `import_drill`.
        options: names of the command's options that it understands.
    """

    module: str
    options: frozenset[str]


NOISE_OPTIONS: Final = ("seed", "jitter", "miss_rate", "false_per_min")
"""Options that make up `ImportRequest.noise`."""

DATA_SETS: Final = {
    "citic": DataSet("drill_import_citic", frozenset({"recording", *NOISE_OPTIONS})),
    "cmc": DataSet("drill_import_cmc", frozenset({"recording", "boxes"})),
    "meva": DataSet("drill_import_meva", frozenset({"video", "boxes"})),
    "mot": DataSet("drill_import_mot", frozenset({"recording", "boxes", "camera"})),
    "multiviewx": DataSet("drill_import_multiviewx", frozenset({"boxes"})),
    "pets": DataSet("drill_import_pets", frozenset({"boxes"})),
    "wildtrack": DataSet("drill_import_wildtrack", frozenset({"boxes"})),
}
"""Data sets by the name a user gives."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a user wants imported; what is None the importer chooses, and says so.

    Attributes:
        source: folder of the data set.
        target: the drill folder to be; absent or empty.
        recording: the one of several recordings in the folder.
        video: a video of the data set to play.
        boxes: which boxes of the data set to play in place of pictures.
        camera: a camera file, for data without a calibration.
        noise: how simulated boxes differ from true ones, for data without boxes.
    """

    source: Path
    target: Path
    recording: str | None = None
    video: Path | None = None
    boxes: str | None = None
    camera: Path | None = None
    noise: BoxNoise | None = None


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
            calibration.errors.SourceError: where a file of the source is not what it should be.
        """
        ...


def importer(name: str) -> Importer:
    """Return the importer of a data set.

    Raises:
        DrillImportError: where there is none of that name, with those there are.
    """
    if name not in DATA_SETS:
        raise DrillImportError(
            f"no importer {name!r}; data sets that can be imported: {', '.join(sorted(DATA_SETS))}"
        )
    found: Importer = import_module(f".{DATA_SETS[name].module}", __package__).import_drill
    return found


def check_options(name: str, given: Iterable[str]) -> None:
    """Raise `DrillImportError` unless the importer `name` understands all options in `given`."""
    unknown = sorted(set(given) - DATA_SETS[name].options)
    if unknown:
        known = ", ".join(_flag(option) for option in sorted(DATA_SETS[name].options))
        raise DrillImportError(f"{_flag(unknown[0])}: {name} does not use it; it has {known}")


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def chosen(option: str, wanted: str | None, there: Sequence[str]) -> tuple[str, str | None]:
    """Return the one of `there` that is wanted, or the first, and a note if that was a choice.

    Raises:
        DrillImportError: where `wanted` is not there.
    """
    if wanted is None:
        said = f"{there[0]} was taken of {', '.join(there)}; {option} takes another."
        return there[0], said if len(there) > 1 else None
    by_name = {name.casefold(): name for name in there}
    if wanted.casefold() not in by_name:
        raise DrillImportError(f"{option} {wanted}: is not there; there are {', '.join(there)}")
    return by_name[wanted.casefold()], None
