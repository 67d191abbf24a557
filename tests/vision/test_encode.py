"""Each picture is a fragment of its own that any player takes, with the time of its capture."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from vision import encode
from vision.encode import FPS, KEYFRAME_EVERY, Encoder, best_codec
from vision.errors import EncodeError

if TYPE_CHECKING:
    from pathlib import Path

    from vision.stream_parts import Fragment

START_S = 1_790_000_000.5
SIZE_PX = (336, 200)


def picture(number: int) -> np.ndarray:
    image = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    image[:, :, 1] = 40
    image[60:120, 10 + 4 * number % 250 : 60 + 4 * number % 250] = 220
    return image


def encoded(count: int) -> tuple[Encoder, list[Fragment]]:
    encoder = Encoder("cam-01", 3, SIZE_PX)
    fragments = []
    for number in range(count):
        ready = encoder.encode(picture(number), START_S + number / 10, START_S + number / 10 + 0.2)
        assert len(ready) == 1  # nothing is held back
        fragments += ready
    return encoder, fragments


def whole(encoder: Encoder, fragments: list[Fragment]) -> bytes:
    return encoder.head.init + b"".join(one.data for one in fragments)


def test_the_fragments_in_a_row_are_a_video_on_one_time_line() -> None:
    encoder, fragments = encoded(40)
    with av.open(io.BytesIO(whole(encoder, fragments)), "r") as container:
        frames = list(container.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([n / FPS for n in range(40)])
    for number in (0, 7, 39):
        shown = np.asarray(frames[number].to_ndarray(format="bgr24"), np.float64)
        assert np.abs(shown - picture(number)).mean() < 6.0
    for number, fragment in enumerate(fragments):
        assert fragment.number == number
        assert fragment.start_s == pytest.approx(number / FPS)
        assert fragment.duration_s == pytest.approx(1 / FPS)
        assert fragment.captured_at_s == START_S + number / 10
        assert (fragment.camera, fragment.epoch) == ("cam-01", 3)


def test_a_player_can_begin_with_any_keyframe_and_with_no_other() -> None:
    encoder, fragments = encoded(KEYFRAME_EVERY + 5)
    assert [one.number for one in fragments if one.keyframe] == [0, KEYFRAME_EVERY]
    late = whole(encoder, fragments[KEYFRAME_EVERY:])
    with av.open(io.BytesIO(late), "r") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 5
    assert frames[0].time == pytest.approx(KEYFRAME_EVERY / FPS)
    assert frames[0].key_frame


def test_a_keyframe_can_be_asked_for() -> None:
    encoder, _ = encoded(4)
    [fragment] = encoder.encode(picture(4), START_S, START_S, key=True)
    assert fragment.keyframe


def test_the_time_of_capture_stands_before_each_fragment() -> None:
    _, fragments = encoded(3)
    for fragment in fragments:
        size, kind, flags, track, ntp, ticks = struct.unpack(">I4sIIQQ", fragment.data[:32])
        assert (size, kind, flags, track) == (32, b"prft", 1 << 24 | 24, 1)
        assert ntp / 2**32 - 2_208_988_800 == pytest.approx(fragment.captured_at_s, abs=1e-6)
        assert ticks == round(fragment.start_s * 90_000)
        assert fragment.data[36:40] == b"moof"


def test_the_head_tells_players_the_codec() -> None:
    encoder, _ = encoded(1)
    assert encoder.head.codec.startswith("avc1.42C0")  # constrained baseline: any player has it
    assert encoder.head.init[4:8] == b"ftyp"
    assert encoder.head.size_px == SIZE_PX


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe on this machine")
def test_ffprobe_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    encoder, fragments = encoded(20)
    file = tmp_path / "stream.mp4"
    file.write_bytes(whole(encoder, fragments))
    probed = subprocess.run(
        ["ffprobe", "-v", "warning", "-count_frames", "-show_entries",
         "stream=codec_name,nb_read_frames", "-of", "csv=p=0", str(file)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert probed.stdout.strip() == "h264,20"
    assert probed.stderr == ""


@pytest.mark.parametrize(
    ("size_px", "codec", "words"),
    [
        ((321, 200), None, "even"),
        ((320, 200), "no-such-encoder", "no-such-encoder"),
        ((320, 200), "aac", "no video"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    size_px: tuple[int, int], codec: str | None, words: str
) -> None:
    with pytest.raises(EncodeError, match=words):
        Encoder("cam-01", 1, size_px, codec)


def test_the_best_encoder_is_one_that_works() -> None:
    assert Encoder("cam-01", 1, (320, 240), best_codec()).head.init


def test_a_gpu_that_takes_no_more_streams_leaves_no_camera_dark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []
    opened = encode._opened

    def full(name: str, size_px: tuple[int, int]) -> object:
        tried.append(name)
        if name == "h264_nvenc":
            raise EncodeError("OpenEncodeSessionEx failed: out of memory (10)")
        return opened(name, size_px)

    monkeypatch.setattr(encode, "best_codec", lambda: "h264_nvenc")
    monkeypatch.setattr(encode, "_opened", full)
    assert Encoder("cam-01", 1, SIZE_PX).encode(picture(0), START_S, START_S)[0].keyframe
    assert tried == ["h264_nvenc", "libx264"]
    with pytest.raises(EncodeError):
        Encoder("cam-01", 2, SIZE_PX, "h264_nvenc")
