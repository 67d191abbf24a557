"""What an annotated stream of one camera consists of, as it travels from where it is encoded.

A camera that somebody watches is encoded once. Its video is one `StreamHead`, what a player must
have first, and then a `Fragment` for each picture; a new head means that encoding began anew. Who
cannot play video gets `Still`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StreamKind = Literal["video", "still"]
"""H.264 pictures that move, or one JPEG about every second."""


HeadPolicy = Literal["pixelate-others", "pixelate-all", "clear"]
"""Whose heads are made unrecognisable before a picture is encoded: those of everybody who is no
subject of interest, everybody's, or nobody's."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How pictures are drawn for all who watch an incident.

    Attributes:
        heads: whose heads are made unrecognisable.
        exercise: whether each picture says that this is an exercise.
    """

    heads: HeadPolicy = "pixelate-others"
    exercise: bool = False


@dataclass(frozen=True, slots=True, order=True)
class StreamWanted:
    """One thing that somebody watches.

    Attributes:
        camera: camera id.
        kind: how.
    """

    camera: str
    kind: StreamKind = "video"


@dataclass(frozen=True, slots=True)
class StreamHead:
    """What a player must have before the first fragment.

    Attributes:
        camera: camera id.
        epoch: grows each time the encoding of any camera of the process begins anew; fragments
            say to which head they belong.
        codec: as in the codecs parameter of RFC 6381, e.g. "avc1.42C01F".
        size_px: (width, height) of the encoded picture.
        init: the `ftyp` and `moov` boxes of fragmented MP4 (ISO/IEC 14496-12).
    """

    camera: str
    epoch: int
    codec: str
    size_px: tuple[int, int]
    init: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """One encoded picture.

    Attributes:
        camera: camera id.
        epoch: of the head that it belongs to.
        number: its ordinal since the head, from 0.
        keyframe: whether a player can begin with it.
        start_s: when it is shown, on the stream's own time line, seconds since the head.
        duration_s: for how long, seconds. The next one starts where it ends.
        captured_at_s: when the camera took the picture, Unix seconds.
        encoded_at_s: when it was encoded, Unix seconds.
        data: the `prft` (NTP time of capture), `moof` and `mdat` boxes.
    """

    camera: str
    epoch: int
    number: int
    keyframe: bool
    start_s: float
    duration_s: float
    captured_at_s: float
    encoded_at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Still:
    """One picture as JPEG.

    Attributes:
        camera: camera id.
        captured_at_s: when the camera took it, Unix seconds.
        size_px: (width, height).
        jpeg: the file, small enough for one a second under 100 kbit/s.
    """

    camera: str
    captured_at_s: float
    size_px: tuple[int, int]
    jpeg: bytes


StreamPart = StreamHead | Fragment | Still
"""What the worker of a run sends of a stream."""
