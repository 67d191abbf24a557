"""Pictures of one camera, a file a frame, as a video."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import av.error
import av.video.stream
import cv2
import numpy as np

from .errors import DrillImportError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
_QUALITY: Final = {"crf": "12", "preset": "veryfast"}
"""Constant rate factor of H.264: at 12 the picture differs from its source by less than a JPEG of
quality 95 does."""
_SAY_EVERY: Final = 25


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in the order of the numbers in their names.

    Raises:
        DrillImportError: where it holds none.
    """
    found = (
        [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
        if folder.is_dir()
        else []
    )
    if not found:
        raise DrillImportError(f"{folder}: holds no pictures ({', '.join(sorted(SUFFIXES))})")
    return sorted(found, key=lambda path: (picture_number(path), path.name))


def picture_number(path: Path) -> int:
    """Return the last number in a picture's name; 0 where there is none."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else 0


def write_video(
    target: Path, pictures: Sequence[Path], fps: float, say: Callable[[str], None]
) -> tuple[int, int]:
    """Write pictures as H.264, one a frame, and return their (width, height).

    Args:
        target: the video, `*.mp4`.
        pictures: at least one, all of one size.
        fps: frames a second.
        say: takes the progress, in a few words.

    Raises:
        DrillImportError: where a picture cannot be read or is of another size, or the video cannot
            be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    size_px: tuple[int, int] | None = None
    try:
        with av.open(str(target), "w") as container:
            stream = container.add_stream(
                "libx264", rate=Fraction(fps).limit_denominator(1000), options=dict(_QUALITY)
            )
            for number, path in enumerate(pictures):
                if number % _SAY_EVERY == 0:
                    say(f"picture {number + 1} of {len(pictures)}")
                picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
                if picture is None:
                    raise DrillImportError(f"{path}: is no picture that can be read")
                height_px, width_px = picture.shape[:2]
                if size_px is None:
                    size_px = width_px, height_px
                    stream.width, stream.height = size_px
                    # halved colour needs even sides
                    odd = width_px % 2 or height_px % 2
                    stream.pix_fmt = "yuv444p" if odd else "yuv420p"
                if (width_px, height_px) != size_px:
                    raise DrillImportError(
                        f"{path}: is {width_px}x{height_px}, the pictures before it are "
                        f"{size_px[0]}x{size_px[1]}"
                    )
                # from bgr24 the converter rounds colour down: grey would turn green
                pixels = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise DrillImportError(f"{target}: cannot be written: {error}") from error
    if size_px is None:
        raise DrillImportError(f"{target}: there are no pictures for it")
    return size_px
