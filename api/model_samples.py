"""Pictures on which exports are calibrated and compared: frames, or squares around persons."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from models.labels import IMAGE_SUFFIXES, read_picture
from models.person_crops import LOOK_SIDE_PX, cut_square, look_squares, resized
from models.registry import second_look_name
from vision.decode import decode_file
from vision.yolo import load_detector

from .detect_lines import find_sources
from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.registry import Checkpoint

    Picture = NDArray[np.uint8]

BUILT_IN = Path(__file__).parents[1] / "benchmarks" / "drills"
"""The drills of a checkout; an installation from a wheel has none."""

SAMPLES = 240
SQUARES_A_FRAME = 4
"""Squares are small, and few of them hold a weapon."""

_EVERY = 15


def sample_pictures(
    checkpoint: Checkpoint, paths: Sequence[Path] = (), most: int = SAMPLES
) -> list[Picture]:
    """Pictures such as the checkpoint sees at run time: at most `most` frames, or squares of them.

    Args:
        checkpoint: where it is the second look's, squares around persons are cut.
        paths: pictures, videos and folders of them; the built-in drills if empty.
        most: how many frames; `SQUARES_A_FRAME` times as many squares.

    Raises:
        ApiError: if there are no recordings.
        MediaError: if one cannot be read.
    """
    wanted = list(paths) or sorted(BUILT_IN.glob("*/video"))
    sources, problems = find_sources(wanted)
    if problems or not sources:
        raise ApiError("; ".join(problems) or "no built-in drills here: give --pictures")
    each = max(1, -(-most // len(sources)))
    frames = [frame for source in sources for frame in islice(_frames(source.path), each)]
    if checkpoint.name != second_look_name():
        return frames[:most]
    found = load_detector("cpu").detect(frames)
    squares = [
        resized(cut_square(frame, square)[0], LOOK_SIDE_PX)
        for frame, boxes in zip(frames, found, strict=True)
        for square in look_squares(boxes.persons().xyxy_px)
    ]
    # Spread over all sources rather than the first ones.
    return squares[:: max(1, len(squares) // (most * SQUARES_A_FRAME))][: most * SQUARES_A_FRAME]


def _frames(path: Path) -> Iterator[Picture]:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield read_picture(path)
        return
    for frame in islice(decode_file(path, "file", threads=0), 0, None, _EVERY):
        yield frame.image
