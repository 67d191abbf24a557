"""Text tables of the MOT challenge: one box or place a line, commas or blanks between numbers.

The columns are `frame, id, left, top, width, height, confidence` and then, in MOT15, the place
`x, y, z` (Leal-Taixe et al., "MOTChallenge 2015", arXiv 1504.01942). Frames and pixels count
from 1; a number of -1 says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .errors import SourceError
from .recorded import RecordedBoxes, RecordedPlaces

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BOX_COLUMNS: Final = 6
_CONFIDENCE: Final = 6
_PLACE: Final = 7


def read_table(
    path: Path, least_columns: int = BOX_COLUMNS, first_frame: int = 1
) -> NDArray[np.float64]:
    """Return the numbers of a table, `(N, M)` float64 with M at least `least_columns`.

    Raises:
        SourceError: where the file cannot be read, a line holds something else or is too short, a
            frame is not a whole number from `first_frame`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: is not text: {error}") from error
    rows = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        return np.zeros((0, least_columns))
    columns = len(rows[0][1].replace(",", " ").split())
    if columns < least_columns:
        raise SourceError(
            f"{path}: line {rows[0][0]}: {least_columns} numbers or more are expected, "
            f"found {columns}"
        )
    table = np.zeros((len(rows), columns))
    for i, (number, line) in enumerate(rows):
        cells = line.replace(",", " ").split()
        try:
            table[i] = [float(cell) for cell in cells]
        except ValueError:
            raise SourceError(
                f"{path}: line {number}: {columns} numbers are expected, found {line.strip()!r}"
            ) from None
        whole = table[i, 0] >= first_frame and table[i, 0] % 1 == 0
        if not (whole and np.isfinite(table[i]).all()):
            raise SourceError(
                f"{path}: line {number}: a frame (a whole number from {first_frame}) and finite "
                f"numbers are expected, found {line.strip()!r}"
            )
    return table


def boxes_of(table: NDArray[np.float64]) -> RecordedBoxes:
    """Return the boxes of a table; those without a confidence (-1) get confidence 1.

    Pixels of the format count from 1, those of the result from 0. A box without area is left out.
    """
    table = table[(table[:, 4] > 0) & (table[:, 5] > 0)]
    left_top = table[:, 2:4] - 1.0
    told = table[:, _CONFIDENCE] if table.shape[1] > _CONFIDENCE else np.full(len(table), -1.0)
    return RecordedBoxes(
        frame=table[:, 0].astype(np.int64) - 1,
        person=table[:, 1].astype(np.int64),
        xyxy_px=np.concatenate([left_top, left_top + table[:, 4:6]], axis=1),
        confidence=as_probabilities(told),
    )


def places_of(table: NDArray[np.float64]) -> RecordedPlaces:
    """Return the places of a table with the columns x and y."""
    return RecordedPlaces(
        frame=table[:, 0].astype(np.int64) - 1,
        person=table[:, 1].astype(np.int64),
        xy_m=np.ascontiguousarray(table[:, _PLACE : _PLACE + 2]),
    )


def as_probabilities(told: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return confidences as numbers from 0 to 1.

    A file that says -1 throughout has none, and each box counts as sure. Numbers within 0..1 are
    taken as they are; percentages or a detector's raw scores keep their order only: the lowest
    becomes 0, the highest 1.
    """
    if not len(told) or (told == -1).all():
        return np.ones(len(told))
    low, high = float(told.min()), float(told.max())
    if low >= 0 and high <= 1:
        return told.astype(np.float64)
    return (told - low) / (high - low) if high > low else np.ones(len(told))
