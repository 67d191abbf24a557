"""Holding and catching up on real streams: the pictures are those that decoding all would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from vision.decode import decode_file
from vision.decode_live import LiveDecoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import EncodeClip

FPS = 10
# Every picture is noise: without this all of them would be key frames.
GROUPS = {"g": "10", "sc_threshold": "0"}
ALL_REFERENCES = GROUPS | {"bf": "0", "tune": "zerolatency"}
WITH_B = GROUPS | {"bf": "2"}
OPEN = GROUPS | {"bf": "2", "x264-params": "open-gop=1"}

# Each decodes only every so often, as the test plays the one who takes the frames.
TAKES: dict[str, Callable[[int], bool]] = {
    "all": lambda _: True,
    "every 3 s": lambda n: n % 30 == 29,
    "every 0.7 s": lambda n: n % 7 == 6,
}


def played(
    path: Path, takes: Callable[[int], bool] | None, cost_s: float = 0.0
) -> tuple[list[tuple[int, np.ndarray]], LiveDecoder]:
    """The pictures with their numbers, and the decoder after it; without `takes` all is wanted."""
    found: list[tuple[int, np.ndarray]] = []
    clock = iter(np.arange(0.0, 1e6) * cost_s)
    taken = 0
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        decoder = LiveDecoder(stream, seconds=lambda: float(next(clock)))
        for n, packet in enumerate(p for p in container.demux(stream) if p.size):
            so_far = None if takes is None else taken
            held = decoder.holding
            pictures = list(decoder.pictures(packet, now_s=n / FPS, late_s=0.0, taken=so_far))
            assert len(pictures) <= 1 or not held
            for index, picture in pictures:
                found.append((index, picture.to_ndarray(format="bgr24")))
            taken += takes is not None and takes(n)
        found += [(i, picture.to_ndarray(format="bgr24")) for i, picture in decoder.rest()]
    return found, decoder


@pytest.mark.parametrize("takes", list(TAKES))
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        pytest.param("clip.mp4", "libx264", ALL_REFERENCES, id="h264 without B-frames"),
        pytest.param("clip.mp4", "libx264", WITH_B, id="h264 with B-frames"),
        pytest.param("clip.ts", "libx264", OPEN, id="h264 with open groups"),
        pytest.param("clip.ts", "libx265", GROUPS | {"bf": "2"}, id="h265"),
    ],
)
def test_what_is_decoded_is_what_would_have_been(
    encode: EncodeClip, name: str, codec: str, options: dict[str, str], takes: str
) -> None:
    path = encode(name, codec=codec, frames=120, fps=FPS, codec_options=options)
    whole = [frame.image for frame in decode_file(path, "cam")]
    found, _ = played(path, TAKES[takes])
    numbers = [index for index, _ in found]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] == 119
    for index, image in found:
        np.testing.assert_array_equal(image, whole[index])


def test_all_that_is_wanted_is_all(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=40, codec_options=WITH_B)
    found, decoder = played(path, None)
    assert [index for index, _ in found] == list(range(40))
    assert decoder.decoded == 40


def test_rare_takes_leave_most_packets_alone(encode: EncodeClip) -> None:
    """Key frames every 1 s, takes every 6 s."""
    path = encode("clip.mp4", frames=300, codec_options=ALL_REFERENCES)
    _, decoder = played(path, lambda n: n % 60 == 59)
    assert decoder.decoded < 220
    assert decoder.lost == 0


def test_pictures_that_no_other_needs_are_left_out_in_catching_up(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=120, codec_options=WITH_B)
    found, _ = played(path, lambda _: False)
    assert len(found) < 40


def test_what_is_held_is_bounded_by_the_time_it_takes_to_catch_up(encode: EncodeClip) -> None:
    """A packet that takes 40 ms to decode: three in a row are more than 100 ms."""
    path = encode("clip.mp4", frames=60, codec_options=ALL_REFERENCES | {"g": "60"})
    _, cheap = played(path, lambda n: n == 0, cost_s=0.0)
    _, dear = played(path, lambda n: n == 0, cost_s=0.04)
    assert dear.decoded > cheap.decoded - 1
    found, _ = played(path, lambda n: n % 50 == 0, cost_s=0.04)
    whole = [frame.image for frame in decode_file(path, "cam")]
    for index, image in found:
        np.testing.assert_array_equal(image, whole[index])


def test_a_damaged_packet_is_counted_and_passed_over(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=20, codec_options=ALL_REFERENCES)
    with av.open(path) as container:
        stream = container.streams.video[0]
        decoder = LiveDecoder(stream)
        found = []
        for n, packet in enumerate(p for p in container.demux(stream) if p.size):
            if n == 5:
                packet.update(b"\x00" * packet.size)
            found += [
                index
                for index, _ in decoder.pictures(packet, now_s=n / FPS, late_s=0.0, taken=None)
            ]
    assert decoder.lost == 1
    assert 5 not in found
    assert found[-1] == 19
