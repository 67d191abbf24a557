"""What does decoding cost, what of it can be left out, and what is lost then?

**One stream at a time.** Clips of the built-in drill, with a camera's noise on them, are encoded at
three sizes as cameras do (every picture refers to the one before) and as recorders do (with
pictures that no other refers to). Round by round and in turn each is decoded in several ways by one
thread; processor seconds for 1,000 pictures *sent* are told, and how far apart the pictures are
that come out: that is what leaving out loses.

**Many feeds at once.** So many recordings are played at the pace of cameras through the product's
own feeds, in a process of its own each time, and frames are taken at a fixed rate, as a detector
does that is slower than all of them together. Compared are the processor seconds of everything
decoded and converted, as it was before, and of what the feeds do now; with the age of the frames
when they are taken, and the memory.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import av
import cv2
import numpy as np

from api.machine import machine_facts, package_versions
from benchmarks.locate import spread
from vision.decode import decode_file
from vision.decode_live import LiveDecoder
from vision.decoded_picture import ToBgr

from .decode_feeds import feeds_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from av.packet import Packet
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

Style = Literal["camera", "recorder"]
Way = Literal[
    "all", "all, BGR", "references", "key frames", "taken every 3 s", "taken every 8 s"
]  # fmt: skip

SIZES: Final = ((640, 360), (1280, 720), (1920, 1080))
STYLES: Final[tuple[Style, ...]] = ("camera", "recorder")
WAYS: Final[tuple[Way, ...]] = (
    "all", "all, BGR", "references", "key frames", "taken every 3 s", "taken every 8 s",
)  # fmt: skip
FEEDS: Final = (1, 16, 64)
FPS: Final = 15
KEY_FRAMES_S: Final = 2
CLIP_S: Final = 26
TAKE_EVERY_S: Final[dict[Way, float]] = {"taken every 3 s": 3.0, "taken every 8 s": 8.0}
ROUNDS: Final = 3
SEED: Final = 0

_DRILL: Final = Path(__file__).parent / "drills/wing/video/cam-01.mp4"
_NOISE_LEVELS: Final = 2.0
_GRAINS: Final = 7
_GREY: Final = 10
_ENCODING: Final[dict[Style, dict[str, str]]] = {
    "camera": {"preset": "veryfast", "tune": "zerolatency", "bf": "0", "crf": "26"},
    "recorder": {"preset": "veryfast", "bf": "2", "x264-params": "b-pyramid=none", "crf": "26"},
}


def measure(
    sizes: Sequence[tuple[int, int]] = SIZES,
    feeds: Sequence[int] = FEEDS,
    rounds: int = ROUNDS,
    clip_s: float = CLIP_S,
    feeds_s: float = 5.0,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Figures of both questions.

    Args:
        sizes: (width, height) of the clips.
        feeds: how many feeds play at once; none leaves that question out.
        rounds: rounds that count of the first question, where one more warms up; the second has
            half as many, each warmed up by itself.
        clip_s: length of the clips, seconds.
        feeds_s: how long each number of feeds is measured, seconds.
        say: is told what is measured now.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = {}
        for size_px in sizes:
            for style in STYLES:
                name = f"{size_px[0]}x{size_px[1]} {style}"
                say(name)
                clip = encoded(Path(folder) / f"{name}.mp4", size_px, style, clip_s)
                streams[name] = _one_stream(clip, rounds)
        at_once = {}
        if feeds:
            clip = encoded(Path(folder) / "feeds.mp4", sizes[0], "camera", 3.0 * (feeds_s + 4.0))
            for count in feeds:
                say(f"{count} feeds")
                at_once[str(count)] = feeds_at_once(clip, count, feeds_s, max(1, rounds // 2))
    return {
        "benchmark": "decode",
        "machine": machine_facts(),
        "versions": package_versions(),
        "seed": SEED,
        "fps": FPS,
        "key_frames_s": KEY_FRAMES_S,
        "streams": streams,
        "feeds": at_once,
    }


def encoded(path: Path, size_px: tuple[int, int], style: Style, seconds: float) -> Path:
    """Encode the drill's first pictures at a size, again and again, and return where."""
    with closing(decode_file(_DRILL, "cam")) as frames:
        pictures = [
            # Darker by as much as the grain adds.
            np.maximum(cv2.resize(frame.image, size_px, interpolation=cv2.INTER_CUBIC), _GREY)
            - np.uint8(_GREY)
            for frame in islice(frames, 60)
        ]
    across, down = size_px
    noise = np.random.default_rng(SEED).normal(0.0, _NOISE_LEVELS, (_GRAINS, down, across))
    grains = [
        cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR)
        for grain in np.clip(noise + _GREY, 0, 2 * _GREY).astype(np.uint8)
    ]
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *size_px, "yuv420p"
        stream.options = {"g": str(FPS * KEY_FRAMES_S), "sc_threshold": "0", **_ENCODING[style]}
        for n in range(round(seconds * FPS)):
            there_and_back = n % (2 * len(pictures))
            picture = pictures[min(there_and_back, 2 * len(pictures) - 1 - there_and_back)]
            noisy = np.asarray(cv2.add(picture, grains[n % _GRAINS]), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def _one_stream(clip: Path, rounds: int) -> dict[str, Any]:
    seconds: dict[Way, list[float]] = {way: [] for way in WAYS}
    wall: dict[Way, list[float]] = {way: [] for way in WAYS}
    given: dict[Way, NDArray[np.float64]] = {}
    for round_ in range(rounds + 1):  # the first round warms up and does not count
        for way in WAYS:
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            given[way] = decoded(clip, way)
            if round_:
                seconds[way].append(time.process_time() - cpu_s)
                wall[way].append(time.perf_counter() - wall_s)
    sent = len(given["all"])
    whole = np.array(seconds["all, BGR"])
    return {
        "pictures_sent": sent,
        "kbit_a_second": round(clip.stat().st_size * 8 / 1000 / (sent / FPS)),
        "ways": {
            way: {
                "cpu_s_a_1000": spread([1000.0 * s / sent for s in seconds[way]]),
                "frames_a_second": spread([sent / s for s in wall[way]]),
                "of_all_converted": spread(list(np.array(seconds[way]) / whole)),
                "pictures": len(given[way]),
                "longest_gap_s": round(float(np.max(np.diff(given[way]), initial=0.0)), 2),
            }
            for way in WAYS
        },
    }


def decoded(clip: Path, way: Way) -> NDArray[np.float64]:
    """When the pictures are shown that one way of decoding a clip gives, seconds."""
    to_bgr = ToBgr()
    shown: list[float] = []
    with av.open(clip) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        if way in TAKE_EVERY_S:
            packets = [packet for packet in container.demux(stream) if packet.size]
            return _taken(stream, packets, TAKE_EVERY_S[way])
        if way == "references":
            stream.codec_context.skip_frame = "NONREF"
        for packet in container.demux(stream):
            if way == "key frames" and packet.size and not packet.is_keyframe:
                continue
            for picture in packet.decode():
                shown.append(float(picture.time))
                if way == "all, BGR":
                    to_bgr(picture)
    return np.array(shown)


def _taken(
    stream: VideoStream, packets: Sequence[Packet[VideoStream]], every_s: float
) -> NDArray[np.float64]:
    """As a feed decodes a camera of which a frame is taken every so often."""
    decoder, to_bgr, shown, taken = LiveDecoder(stream), ToBgr(), [], 0
    for n, packet in enumerate(packets):
        now_s = n / FPS
        for _, picture in decoder.pictures(packet, now_s=now_s, late_s=0.0, taken=taken):
            waiting = to_bgr.later(picture)
            shown.append(float(picture.time))
            if now_s >= taken * every_s:
                waiting.bgr()
                taken += 1
    return np.array(shown)
