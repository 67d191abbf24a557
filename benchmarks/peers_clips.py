"""The clips that all systems work on: the built-in drills, each picture carrying its number.

Every picture has the strip of `vision.clock_strip` along its lower edge, which says the picture's
number in place of a time: whoever detected on a picture can tell which one it was, however its
frames were read, buffered or dropped.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from models.offline import cache_dir
from vision.clock_strip import draw_strip
from vision.decode import decode_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

DRILLS = Path(__file__).parent / "drills"
FPS = 10
KEY_EVERY = 10
LOOP_FRAMES = 600
"""A minute: longer than any age that is measured, so that a number tells which round it is of."""

FIRST_FRAME = 100
"""Files begin ten seconds in, when people walk in most pictures."""

_X264 = {"preset": "veryfast", "tune": "zerolatency", "crf": "23"}
_FORM = 1
"""Counts up when what is written changes."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A recording that is sent round and round.

    Attributes:
        path: its H.264 access units, one after the other.
        sizes: bytes of each.
        keys: which of them begin with a key frame.
    """

    path: str
    sizes: tuple[int, ...]
    keys: tuple[int, ...]


def recordings() -> list[Path]:
    """The videos of the wing drill, then those of the quiet one, 640x360."""
    return [
        video
        for drill in ("wing", "quiet")
        for video in sorted((DRILLS / drill / "video").glob("*.mp4"))
    ]


def clips(folder: Path, count: int, frames: int) -> list[Path]:
    """Files of `frames` numbered pictures each, written into `folder`; recordings repeat."""
    sources = recordings()
    written = []
    for number in range(count):
        path = folder / f"clip-{number}.mp4"
        twin = folder / f"clip-{number - len(sources)}.mp4"
        if twin.exists():
            path.write_bytes(twin.read_bytes())
        else:
            with av.open(str(path), "w") as container:
                stream = _stream(container)
                for picture in _numbered(sources[number % len(sources)], FIRST_FRAME, frames):
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))
        written.append(path)
    return written


def loops(count: int) -> list[Loop]:
    """Up to `count` recordings as access units; kept in the cache between runs."""
    folder = cache_dir() / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    return [_loop(source, folder) for source in recordings()[:count]]


def _loop(source: Path, folder: Path) -> Loop:
    told = json.dumps([_FORM, LOOP_FRAMES, KEY_EVERY, FPS, _X264]).encode() + source.read_bytes()
    stem = folder / hashlib.sha256(told).hexdigest()[:24]
    index, units = stem.with_suffix(".json"), stem.with_suffix(".h264")
    if not index.exists():
        sizes: list[int] = []
        keys: list[int] = []
        with av.open(str(units), "w", format="h264") as container, units.open("wb") as file:
            encoder = _stream(container)
            pictures: Iterator[av.VideoFrame | None] = _numbered(source, 0, LOOP_FRAMES)
            for picture in (*pictures, None):
                for packet in encoder.encode(picture):
                    if packet.is_keyframe:
                        keys.append(len(sizes))
                    sizes.append(file.write(bytes(packet)))
        index.write_text(json.dumps(asdict(Loop(str(units), tuple(sizes), tuple(keys)))), "utf-8")
    read = json.loads(index.read_text("utf-8"))
    return Loop(read["path"], tuple(read["sizes"]), tuple(read["keys"]))


def _stream(container: Any) -> Any:  # noqa: ANN401 - PyAV's stubs know too few options
    stream = container.add_stream("libx264", rate=FPS, options=_X264)
    stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
    stream.codec_context.gop_size = KEY_EVERY
    stream.codec_context.time_base = Fraction(1, FPS)
    return stream


def _numbered(source: Path, first: int, frames: int) -> Iterator[av.VideoFrame]:
    """Pictures `first` to `first + frames` of a video, with their numbers drawn in."""
    decoded = decode_file(source, "clip")
    for number, frame in enumerate(islice(decoded, first, first + frames), first):
        image: NDArray[np.uint8] = np.ascontiguousarray(frame.image)
        draw_strip(image, number / 1000.0)
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        picture.pts = number - first
        picture.time_base = Fraction(1, FPS)
        yield picture


def begins_at(camera: int, cameras: int) -> int:
    """At which picture of its loop a camera begins, so that key frames do not all come at once."""
    return camera * LOOP_FRAMES // max(cameras, 1)


def as_served(found: Sequence[Loop], cameras: int) -> list[dict[str, Any]]:
    """The loops of so many cameras, as `peers_cameras` takes them."""
    return [
        {**asdict(found[camera % len(found)]), "first": begins_at(camera, cameras)}
        for camera in range(cameras)
    ]
