"""Recorded boxes of one camera (MOT text files) as the frames of a feed without pixels.

The format is that of the MOT challenge, comma separated, one box a line:
`frame,id,left,top,width,height[,conf[,…]]`, frames counted from 1, pixels of the full picture
with the origin in its top left corner. Anything after `conf` (world coordinates, class,
visibility) is ignored, and so is `id`: a drill's identities are for this project's tracker to
find.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .detections import PERSON, Detections
from .errors import MediaError
from .frames import BoxFrame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_COLUMNS = ("frame", "id", "left", "top", "width", "height", "conf")
_REQUIRED = 6
_MAX_FRAMES = 10_000_000
"""More frames than four days at 30 a second: a frame number beyond it is a damaged file."""


class BoxFileError(MediaError, ValueError):
    """A box file cannot be read; the message names the file, the line and the field."""


@dataclass(frozen=True, slots=True, eq=False)
class _Boxes:
    """All boxes of a file, sorted by frame.

    Attributes:
        frame: `(N,)` int64, from 1.
        xyxy_px: `(N, 4)` float32.
        confidence: `(N,)` float32.
    """

    frame: NDArray[np.int64]
    xyxy_px: NDArray[np.float32]
    confidence: NDArray[np.float32]

    def between(self, begin: int, end: int) -> Detections:
        """The boxes of rows `begin` to `end`, all of them persons."""
        return Detections(
            self.xyxy_px[begin:end],
            self.confidence[begin:end],
            np.zeros(end - begin, np.int16),
            (PERSON,),
        )


def read_mot_boxes(
    path: Path,
    camera: str,
    *,
    size_px: tuple[int, int],
    fps: float,
    start_s: float,
    offset_s: float = 0.0,
    duration_s: float | None = None,
) -> Iterator[BoxFrame]:
    """Return the frames of a box file in order, those without boxes among them.

    The whole file is read and checked before the first frame is given out, so that a drill
    never stops half way over a damaged line. `decoded_at_s` equals the capture time: reading a
    line takes no time worth measuring, and a player at wall-clock pace stamps its own.

    Args:
        path: the file; a header line that begins with `frame` is allowed; lines in any order.
        camera: id of the camera the boxes belong to.
        size_px: (width, height) of the picture the boxes were drawn on.
        fps: frames a second, above 0.
        start_s: start of the drill, Unix seconds.
        offset_s: the feed's first frame is at `start_s + offset_s`.
        duration_s: length of the feed; frames go on empty up to it, and boxes beyond it are left
            out. Without it the feed ends with the last frame that has a box.

    Raises:
        BoxFileError: with file, line and field, where the file cannot be read, a number is
            missing or not finite, a box has no area or lies outside the picture.
    """
    if not fps > 0 or not np.isfinite(fps):
        raise BoxFileError(f"{path}: fps: must be above 0, got {fps}")
    boxes = _read(path, size_px)
    last = int(boxes.frame[-1]) if len(boxes.frame) else 0
    count = last if duration_s is None else round(duration_s * fps)
    ends = np.searchsorted(boxes.frame, np.arange(count + 1), side="right")
    return (
        BoxFrame(
            camera=camera,
            index=index,
            captured_at_s=start_s + offset_s + index / fps,
            clock="drill",
            decoded_at_s=start_s + offset_s + index / fps,
            size_px=size_px,
            detections=boxes.between(int(ends[index]), int(ends[index + 1])),
        )
        for index in range(count)
    )


def _read(path: Path, size_px: tuple[int, int]) -> _Boxes:
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for number, cells in enumerate(csv.reader(file), start=1):
                if not any(cell.strip() for cell in cells):
                    continue
                if number == 1 and cells[0].strip().lower() == _COLUMNS[0]:
                    _check_header(path, cells)
                    continue
                rows.append(_row(path, number, cells, size_px))
    except OSError as error:
        raise BoxFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BoxFileError(f"{path}: is not comma separated text: {error}") from error
    table = np.asarray(rows, np.float64).reshape(-1, 6)
    table = table[np.argsort(table[:, 0], kind="stable")]
    left_top = table[:, 1:3]
    return _Boxes(
        frame=table[:, 0].astype(np.int64),
        xyxy_px=np.concatenate([left_top, left_top + table[:, 3:5]], axis=1).astype(np.float32),
        confidence=table[:, 5].astype(np.float32),
    )


def _check_header(path: Path, cells: Sequence[str]) -> None:
    got = tuple(cell.strip().lower() for cell in cells)
    for place, wanted in enumerate(_COLUMNS[:_REQUIRED]):
        if place >= len(got) or got[place] != wanted:
            found = got[place] if place < len(got) else "nothing"
            raise BoxFileError(
                f"{path}: line 1: column {place + 1} must be {wanted!r}, found {found!r} "
                f"(the columns are {','.join(_COLUMNS)})"
            )


def _row(path: Path, number: int, cells: Sequence[str], size_px: tuple[int, int]) -> list[float]:
    """One line as frame, left, top, width, height, conf."""
    values: dict[str, float] = {}
    for place, name in enumerate(_COLUMNS):
        text = cells[place].strip() if place < len(cells) else ""
        why = _not_a_number(text) if text or place < _REQUIRED else None
        if why is not None:
            raise BoxFileError(f"{path}: line {number}: {name}: {why}")
        values[name] = float(text or "1")
    fault = _fault(values, size_px)
    if fault is not None:
        raise BoxFileError(f"{path}: line {number}: {fault}")
    return [values[name] for name in _COLUMNS if name != "id"]


def _not_a_number(text: str) -> str | None:
    """Why `text` is not a finite number; None where it is one."""
    if not text:
        return f"is missing (a line is {','.join(_COLUMNS)})"
    try:
        return None if np.isfinite(float(text)) else f"{text!r} is not a finite number"
    except ValueError:
        return f"{text!r} is not a number"


def _fault(values: dict[str, float], size_px: tuple[int, int]) -> str | None:
    """What is wrong with the numbers of a line; None where nothing is."""
    frame = values["frame"]
    if frame != round(frame) or not 1 <= frame <= _MAX_FRAMES:
        return f"frame: must be a whole number from 1, got {frame:g}"
    for near, side, size in (("left", "width", size_px[0]), ("top", "height", size_px[1])):
        if values[side] <= 0:
            return f"{side}: must be above 0, got {values[side]:g}"
        if values[near] >= size or values[near] + values[side] <= 0:
            return f"{near}: the box lies outside the picture of {size_px[0]}x{size_px[1]} pixels"
    if not 0 <= values["conf"] <= 1:
        return f"conf: must be a probability from 0 to 1, got {values['conf']:g}"
    return None
