"""A sequence in the folders of the MOT challenge: pictures, detected boxes, true boxes."""

from __future__ import annotations

from configparser import ConfigParser, Error
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from calibration.errors import SourceError
from calibration.import_mot import boxes_of, places_of, read_table

from .drill_import_folder import write_mot_boxes
from .drill_import_pictures import pictures_in, write_video
from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from calibration.recorded import RecordedBoxes, RecordedPlaces

PICTURES: Final = "pictures"
SEQUENCE_FILE: Final = "seqinfo.ini"
_FLAG, _CLASS = 6, 7
_WORLD_COLUMNS: Final = 10
_PEDESTRIAN: Final = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """One camera's recording.

    Attributes:
        name: of the sequence.
        kinds: what can be played: "pictures", "det", "gt", the best first.
        pictures: a file a frame; may be empty.
        detections: file of detected boxes; None where there is none.
        truth: file of true boxes; None where there is none.
        fps: frames a second.
        size_px: (width, height) of the pictures.
        frames: how many there are.
    """

    name: str
    kinds: tuple[str, ...]
    pictures: tuple[Path, ...]
    detections: Path | None
    truth: Path | None
    fps: float
    size_px: tuple[int, int]
    frames: int


def read_sequence(folder: Path, fps: float | None = None) -> Sequence:
    """Return the sequence of a folder, whose `seqinfo.ini` may be missing if `fps` is given.

    Raises:
        DrillImportError: where there is nothing to play, or nothing says size, rate or length.
        calibration.errors.SourceError: where `seqinfo.ini` or a table is damaged.
    """
    info = _info(folder)
    if info is None and fps is None:
        raise DrillImportError(f"{folder}: holds no {SEQUENCE_FILE}, which says the frame rate")
    shown = folder / (info.get("imDir", "img1") if info else "img1")
    pictures = pictures_in(shown) if shown.is_dir() else []
    detections = _first(folder / "det" / "det.txt", folder / "det.txt")
    truth = _first(folder / "gt" / "gt.txt", folder / "gt.txt")
    kinds = [
        kind for kind, there in ((PICTURES, pictures), ("det", detections), ("gt", truth)) if there
    ]
    if not kinds:
        raise DrillImportError(f"{folder}: holds neither img1, det/det.txt nor gt/gt.txt")
    if info is not None:
        size_px = _whole(info, "imWidth", folder), _whole(info, "imHeight", folder)
        frames, rate = _whole(info, "seqLength", folder), _number(info, "frameRate", folder)
    else:
        size_px, frames, rate = _size_of(folder, pictures), len(pictures), float(fps or 0.0)
    return Sequence(
        name=(info.get("name") if info else None) or folder.name,
        kinds=tuple(kinds),
        pictures=tuple(pictures[:frames]),
        detections=detections,
        truth=truth,
        fps=rate,
        size_px=size_px,
        frames=frames,
    )


def write_feed(
    folder: Path, camera: str, sequence: Sequence, kind: str, say: Callable[[str], None]
) -> dict[str, Any]:
    """Write what is played and return its feed for `drill.toml`.

    Raises:
        DrillImportError: where a picture cannot be read or has another size than the sequence.
        calibration.errors.SourceError: where a table is damaged.
    """
    if kind == PICTURES:
        path = f"video/{camera}.mp4"
        size_px = write_video(folder / path, sequence.pictures, sequence.fps, say)
        if size_px != sequence.size_px:
            raise DrillImportError(
                f"{sequence.pictures[0]}: is {size_px[0]}x{size_px[1]}, the sequence "
                f"{sequence.size_px[0]}x{sequence.size_px[1]}"
            )
        return {"camera": camera, "video": path, "fps": sequence.fps}
    path = f"boxes/{camera}.csv"
    write_mot_boxes(folder / path, played_boxes(sequence, kind), sequence.size_px)
    return {"camera": camera, "boxes": path, "fps": sequence.fps}


def played_boxes(sequence: Sequence, kind: str) -> RecordedBoxes:
    """Return the boxes of one kind; where pictures are played, the true or else detected ones."""
    if kind != "det" and sequence.truth is not None:
        return boxes_of(true_table(sequence.truth))
    if sequence.detections is not None:
        return boxes_of(read_table(sequence.detections))
    return boxes_of(np.zeros((0, _WORLD_COLUMNS)))


def true_table(path: Path) -> NDArray[np.float64]:
    """Return the lines of a truth file that count: people, and not flagged as to be ignored.

    In nine columns (MOT16 and later) the eighth is the class and the ninth a share that shows; in
    ten (MOT15) the eighth to tenth are a place.
    """
    table = read_table(path)
    if table.shape[1] > _FLAG:
        table = table[table[:, _FLAG] != 0]
    if _CLASS < table.shape[1] < _WORLD_COLUMNS:
        table = table[table[:, _CLASS] == _PEDESTRIAN]
    return table


def true_places(table: NDArray[np.float64]) -> RecordedPlaces | None:
    """Return the places of a truth table; None where it has none (-1 throughout, or no columns)."""
    if table.shape[1] < _WORLD_COLUMNS:
        return None
    told = (table[:, 7:10] != -1).any(axis=1)
    return places_of(table[told]) if told.any() else None


def _info(folder: Path) -> dict[str, str] | None:
    path = folder / SEQUENCE_FILE
    if not path.is_file():
        return None
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keeps capitals
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
        return dict(parser["Sequence"])
    except (OSError, UnicodeDecodeError, Error, KeyError) as error:
        raise SourceError(
            f"{path}: is no sequence file with a section [Sequence]: {error}"
        ) from None


def _number(info: dict[str, str], field: str, folder: Path) -> float:
    try:
        value = float(info[field])
    except KeyError:
        raise SourceError(f"{folder / SEQUENCE_FILE}: {field}: is missing") from None
    except ValueError:
        raise SourceError(
            f"{folder / SEQUENCE_FILE}: {field}: {info[field]!r} is not a number"
        ) from None
    if not value > 0:
        raise SourceError(f"{folder / SEQUENCE_FILE}: {field}: must be above 0, found {value:g}")
    return value


def _whole(info: dict[str, str], field: str, folder: Path) -> int:
    return round(_number(info, field, folder))


def _size_of(folder: Path, pictures: list[Path]) -> tuple[int, int]:
    picture = cv2.imread(str(pictures[0])) if pictures else None
    if picture is None:
        raise DrillImportError(
            f"{folder}: without {SEQUENCE_FILE} the size of the pictures follows from img1, which "
            "holds none that can be read"
        )
    return picture.shape[1], picture.shape[0]


def _first(*paths: Path) -> Path | None:
    return next((path for path in paths if path.is_file()), None)
