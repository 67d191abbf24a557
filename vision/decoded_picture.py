"""A decoded picture that becomes BGR when somebody asks for it, and not before.

Of the frames that a busy machine decodes, most are replaced by newer ones before anybody looks at
them. Converting costs a sixth to a fifth of decoding (`lastseen bench decode`), so only what is
looked at is converted.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, cast

import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_LUMA_FIRST: Final = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "nv12", "gray"})
"""Formats whose first plane is 8-bit luma at full size."""


class ToBgr:
    """Converts the pictures of one stream; keeps the conversion's set-up between frames.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._one_at_a_time = threading.Lock()
        self._known: tuple[str, int, int] | None = None

    def __call__(self, picture: VideoFrame) -> NDArray[np.uint8]:
        """Return the picture as `(H, W, 3)` uint8 BGR."""
        # One thread: many cameras are decoded at once, each on its own.
        with self._one_at_a_time:
            bgr = self._reformatter.reformat(picture, format="bgr24", threads=1)
        return np.asarray(bgr.to_ndarray(), np.uint8)

    def later(self, picture: VideoFrame) -> DecodedPicture:
        """Return the picture, to be converted when it is looked at.

        The first of each format and size is converted at once, so that a stream which cannot be
        converted fails here, where it is decoded.

        Raises:
            av.error.FFmpegError: the picture cannot be converted.
        """
        kind = (picture.format.name, picture.width, picture.height)
        made = DecodedPicture(picture, self)
        if kind != self._known:
            made.bgr()
            self._known = kind
        return made


class DecodedPicture:
    """One picture as the decoder made it, on whatever device that was.

    Pickled, it becomes the BGR array.

    Args:
        picture: what the decoder made.
        to_bgr: converts it.
    """

    __slots__ = ("_bgr", "_picture", "_to_bgr", "size_px")

    def __init__(self, picture: VideoFrame, to_bgr: ToBgr) -> None:
        self._picture: VideoFrame | None = picture
        self._to_bgr = to_bgr
        self._bgr: NDArray[np.uint8] | None = None
        self.size_px = (picture.width, picture.height)

    def bgr(self) -> NDArray[np.uint8]:
        """Return the picture as `(H, W, 3)` uint8 BGR; the same array each time."""
        picture = self._picture
        if self._bgr is None and picture is not None:
            self._bgr = self._to_bgr(picture)
            self._picture = None  # two threads at once convert twice and both are right
        assert self._bgr is not None  # noqa: S101 - set before the picture is let go
        return self._bgr

    def luma(self) -> NDArray[np.uint8]:
        """Return the brightness, `(H, W)` uint8, read only: as the camera sent it if possible.

        Cheap: the decoder's own plane, without a copy, unless the picture is on another device or
        was converted before.
        """
        picture = self._picture
        if picture is not None and picture.format.name in _LUMA_FIRST:
            plane = picture.planes[0]
            # PyAV's planes are buffers, which its types do not say.
            rows = np.frombuffer(cast("memoryview", plane), np.uint8)
            rows = rows.reshape(plane.height, plane.line_size)
            luma: NDArray[np.uint8] = rows[:, : plane.width]
        else:
            luma = np.asarray(cv2.cvtColor(self.bgr(), cv2.COLOR_BGR2GRAY), np.uint8)
        luma.flags.writeable = False
        return luma

    def on_device(self) -> VideoFrame | None:
        """The decoder's picture while it lies in a GPU's memory; None elsewhere or once converted.

        Its planes (NV12) can be handed to torch through DLPack without leaving the GPU.
        """
        picture = self._picture
        return picture if picture is not None and picture.sw_format is not None else None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[NDArray[np.uint8]]]:
        return _as_it_is, (self.bgr(),)


def _as_it_is(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image
