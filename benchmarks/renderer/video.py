"""H.264 in and out through PyAV."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, cast

import av

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    Rgb8 = NDArray[np.uint8]


class VideoWriter:
    """Encodes RGB frames of one size to an H.264 file; a context manager."""

    def __init__(
        self,
        path: Path | io.BytesIO,
        size_px: tuple[int, int],
        fps: int,
        crf: int,
        container: str = "mp4",
    ) -> None:
        target = path if isinstance(path, io.BytesIO) else str(path)
        self._file: Any = av.open(target, "w", format=container)
        self._stream: Any = self._file.add_stream("libx264", rate=fps)
        self._stream.width, self._stream.height = size_px
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = Fraction(1, fps)
        self._stream.options = {
            "crf": str(crf), "preset": "medium", "g": str(2 * fps), "bf": "0", "threads": "1",
        }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            for packet in self._stream.encode():
                self._file.mux(packet)
        self._file.close()

    def write(self, picture: Rgb8) -> None:
        """Append one picture (H, W, 3)."""
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        for packet in self._stream.encode(frame):
            self._file.mux(packet)


def through_h264(picture: Rgb8, crf: int) -> Rgb8:
    """A picture after one trip through the encoder, with its blocks and smears."""
    buffer = io.BytesIO()
    size = (picture.shape[1], picture.shape[0])
    with VideoWriter(buffer, size, 10, crf, "matroska") as writer:
        writer.write(picture)
    buffer.seek(0)
    with av.open(buffer, "r") as file:
        frame = next(file.decode(video=0))
    return cast("Rgb8", frame.to_ndarray(format="rgb24"))
