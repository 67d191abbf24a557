"""Video files, good and bad; every clip is encoded here before it is decoded."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from vision.decode import decode_file
from vision.errors import (
    DamagedVideoError,
    MediaError,
    MissingVideoError,
    NoPictureError,
    TruncatedVideoError,
    UndecodableCodecError,
    UnreadableVideoError,
)
from vision.video_file import probe_file

from .conftest import SIZE_PX

if TYPE_CHECKING:
    from pathlib import Path

    from vision.frames import Frame

    from .conftest import EncodeClip

FASTSTART = {"movflags": "faststart"}


def decode_until_error(path: Path) -> tuple[list[Frame], MediaError]:
    frames: list[Frame] = []
    try:
        for frame in decode_file(path, "cam"):
            frames.append(frame)  # noqa: PERF402 - those before the error are wanted
    except MediaError as error:
        assert str(path) in str(error)  # noqa: PT017 - the frames before it are wanted, too
        return frames, error
    pytest.fail(f"{path.name} was decoded without an error")


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        pytest.param("clip.mp4", "libx264", {}, id="H.264 in MP4"),
        pytest.param("clip.mp4", "libx265", {}, id="H.265 in MP4"),
        pytest.param("clip.mkv", "libx264", {"bf": "2"}, id="B-frames in Matroska"),
        pytest.param("clip.ts", "libx264", {}, id="transport stream, starts above 0"),
        pytest.param("clip.avi", "mpeg4", {}, id="MPEG-4 in AVI"),
        pytest.param("clip.h264", "libx264", {}, id="bare H.264 without time stamps"),
    ],
)
@pytest.mark.parametrize("threads", [1, 0])
def test_frames_come_in_order_with_their_times(
    encode: EncodeClip, name: str, codec: str, options: dict[str, str], threads: int
) -> None:
    path = encode(name, codec=codec, frames=24, fps=8, codec_options=options)
    fps = 8.0 if name.endswith("h264") else None
    frames = list(
        decode_file(path, "cam", 1000.0, fps, offset_s=0.5, threads=threads, now=lambda: 7.0)
    )

    assert [frame.index for frame in frames] == list(range(24))
    times_s = [frame.captured_at_s for frame in frames]
    assert times_s == pytest.approx([1000.5 + i / 8 for i in range(24)], abs=2e-3)
    assert {(f.camera, f.clock, f.decoded_at_s, f.size_px) for f in frames} == {
        ("cam", "drill", 7.0, SIZE_PX)
    }
    brightness = [float(frame.image.mean()) for frame in frames]
    assert brightness == pytest.approx([29.5 + 6 * i for i in range(24)], abs=6)


def test_colours_are_blue_green_red(tmp_path: Path) -> None:
    path = tmp_path / "blue.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        image = np.zeros((48, 64, 3), np.uint8)
        image[..., 0] = 200
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    (frame,) = decode_file(path, "cam")
    assert np.abs(frame.image.mean((0, 1)) - (200, 0, 0)).max() < 8


def test_fps_takes_the_place_of_the_files_own_times(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=5, fps=10)
    times_s = [frame.captured_at_s for frame in decode_file(path, "cam", 50.0, fps=2.0)]
    assert times_s == [50.0, 50.5, 51.0, 51.5, 52.0]
    with pytest.raises(ValueError, match="fps: expected more than 0, got 0"):
        next(decode_file(path, "cam", fps=0.0))


def test_times_never_go_back(encode: EncodeClip) -> None:
    path = encode("clip.h264", frames=12)
    times_s = [frame.captured_at_s for frame in decode_file(path, "cam")]
    assert np.diff(times_s).min() > 0


def test_closing_early_lets_the_file_go(encode: EncodeClip) -> None:
    with closing(decode_file(encode("clip.mp4"), "cam")) as frames:
        assert next(frames).index == 0
    assert next(frames, None) is None


def test_probe_reads_the_header(encode: EncodeClip) -> None:
    info = probe_file(encode("clip.mp4", codec="libx265", frames=20, fps=10))
    assert (info.codec, info.size_px, info.fps, info.frames, info.duration_s) == (
        "hevc",
        SIZE_PX,
        10.0,
        20,
        2.0,
    )


def test_missing(tmp_path: Path) -> None:
    frames, error = decode_until_error(tmp_path / "none.mp4")
    assert not frames
    assert isinstance(error, MissingVideoError | FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        probe_file(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("zero.mp4", b"", "the file is empty", id="no bytes"),
        pytest.param(
            "noise.mp4", np.random.default_rng(1).bytes(40_000), "not a video", id="noise"
        ),
        pytest.param("text.avi", b"frame,id,left,top\n" * 200, "not a video", id="text"),
    ],
)
def test_no_video_at_all(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    frames, error = decode_until_error(path)
    assert not frames
    assert isinstance(error, UnreadableVideoError)
    assert isinstance(error, ValueError)
    assert message in str(error)


def test_folder(tmp_path: Path) -> None:
    _, error = decode_until_error(tmp_path)
    assert "is a folder" in str(error)


def test_cut_off_before_its_index(encode: EncodeClip) -> None:
    path = encode("clip.mp4")  # the index of a plain MP4 comes last
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, error = decode_until_error(path)
    assert not frames
    assert isinstance(error, UnreadableVideoError)
    assert "cut off before its index" in str(error)


@pytest.mark.parametrize(
    ("name", "codec", "container_options"),
    [
        pytest.param("clip.mp4", "libx264", FASTSTART, id="MP4 with its index first"),
        pytest.param("clip.mkv", "libx264", {}, id="Matroska"),
        pytest.param("clip.avi", "mpeg4", {}, id="AVI"),
    ],
)
def test_truncated_file_gives_its_good_frames_first(
    encode: EncodeClip, name: str, codec: str, container_options: dict[str, str]
) -> None:
    path = encode(name, codec=codec, frames=40, container_options=container_options)
    whole = [frame.image for frame in decode_file(path, "cam")]
    assert len(whole) == 40
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])

    frames, error = decode_until_error(path)

    assert isinstance(error, TruncatedVideoError)
    assert isinstance(error, EOFError)
    assert 10 < len(frames) < 39
    assert error.frames == len(frames)
    assert f"{len(frames)} frames could be decoded" in str(error)
    for frame, image in zip(frames[:10], whole[:10], strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_damage_in_the_middle_is_told_after_the_good_frames(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=40, codec_options={"g": "5"}, container_options=FASTSTART)
    with av.open(path) as container:
        # An entry is a view of the container's memory, which is freed when it closes.
        entry = container.streams.video[0].index_entries[20]
        start, size = entry.pos, entry.size
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\x00\x00\x00\x02" * (size // 4) + b"\xff" * (size % 4)
    path.write_bytes(content)

    frames, error = decode_until_error(path)

    assert isinstance(error, DamagedVideoError)
    assert not isinstance(error, TruncatedVideoError)
    assert 30 < len(frames) < 40
    assert frames[-1].captured_at_s == pytest.approx(3.9)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=8000)
        for i in range(10):
            samples = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            samples.sample_rate, samples.pts = 8000, i * 1024
            container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    _, error = decode_until_error(path)
    assert isinstance(error, NoPictureError)
    assert "no picture, only audio" in str(error)


def test_codec_nobody_knows(encode: EncodeClip) -> None:
    path = encode("clip.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    _, error = decode_until_error(path)
    assert isinstance(error, UndecodableCodecError)
    assert "cannot be decoded by this build" in str(error)


@pytest.mark.data
def test_real_recordings_are_not_called_truncated(data_dir: Path) -> None:
    frames = list(decode_file(data_dir / "wisenet" / "3.avi", "cam"))
    assert len(frames) == 1000
    assert frames[-1].captured_at_s == pytest.approx(39.96)
