"""Clips that the tests of this folder encode for themselves before they decode them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

import av
import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from av.video.stream import VideoStream


class EncodeClip(Protocol):
    """Writes a clip and returns its path."""

    def __call__(
        self,
        name: str,
        *,
        codec: str = "libx264",
        frames: int = 30,
        fps: int = 10,
        codec_options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
    ) -> Path: ...


SIZE_PX = (96, 64)


@pytest.fixture
def encode(tmp_path: Path) -> EncodeClip:
    """Encode noise, so that no frame is small; its mean rises by 6 a frame, later it falls."""

    def encoded(
        name: str,
        *,
        codec: str = "libx264",
        frames: int = 30,
        fps: int = 10,
        codec_options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        noise = np.random.default_rng(0)
        width, height = SIZE_PX
        with av.open(path, "w", options=container_options or {}) as container:
            stream = cast("VideoStream", container.add_stream(codec, rate=fps))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"x265-params": "log-level=none", **(codec_options or {})}
            for i in range(frames):
                rise = np.uint8(abs((i * 6 + 252) % 504 - 252))
                image = noise.integers(0, 60, (height, width, 3), np.uint8) + rise
                picture = av.VideoFrame.from_ndarray(image, format="bgr24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return encoded
