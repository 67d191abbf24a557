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
"""Whole frames that are looked at, one in `_EVERY` of each recording."""

SQUARE_SAMPLES = 2000
"""Squares around persons that are looked at, of one frame in `_EVERY_OF_SQUARES`. They are small,
and few hold a weapon: it takes so many for a hundred boxes to be compared."""

_EVERY, _EVERY_OF_SQUARES = 15, 3
_FRAMES_AT_ONCE = 64


def sample_pictures(checkpoint: Checkpoint, paths: Sequence[Path] = ()) -> list[Picture]:
    """Pictures such as the checkpoint sees at run time: frames, or squares around persons.

    Args:
        checkpoint: where it is the second look's, squares around persons are cut.
        paths: pictures, videos and folders of them; the built-in drills if empty.

    Raises:
        ApiError: if there are no recordings.
        MediaError: if one cannot be read.
    """
    wanted = list(paths) or sorted(BUILT_IN.glob("*/video"))
    sources, problems = find_sources(wanted)
    if problems or not sources:
        raise ApiError("; ".join(problems) or "no built-in drills here: give --pictures")
    if checkpoint.name != second_look_name():
        each = -(-SAMPLES // len(sources))
        frames = [f for source in sources for f in islice(_frames(source.path, _EVERY), each)]
        return frames[:SAMPLES]
    # As many of each recording, rather than of the first ones.
    each = -(-SQUARE_SAMPLES // len(sources))
    squares = [square for source in sources for square in islice(_squares(source.path), each)]
    return squares[:SQUARE_SAMPLES]


def _squares(path: Path) -> Iterator[Picture]:
    """The squares around the persons of a recording, as the second look sees them."""
    detector = load_detector("cpu")
    frames = _frames(path, _EVERY_OF_SQUARES)
    while some := list(islice(frames, _FRAMES_AT_ONCE)):
        for frame, found in zip(some, detector.detect(some), strict=True):
            for square in look_squares(found.persons().xyxy_px):
                yield resized(cut_square(frame, square)[0], LOOK_SIDE_PX)


def _frames(path: Path, every: int) -> Iterator[Picture]:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield read_picture(path)
        return
    for frame in islice(decode_file(path, "file", threads=0), 0, None, every):
        yield frame.image
