"""One picture, or a stretch, out of a recording: the right moment, whatever lies before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision.decode import decode_file
from vision.errors import MissingVideoError, UnreadableVideoError
from vision.still import frame_at, frames_between

VIDEO = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing" / "video" / "cam-01.mp4"
FPS = 10.0


@pytest.fixture(scope="module")
def all_frames() -> list[tuple[float, float]]:
    """Time and mean colour of the first frames, decoded in order."""
    frames = []
    for frame in decode_file(VIDEO, "cam-01"):
        frames.append((frame.captured_at_s, float(frame.image.mean())))
        if len(frames) == 120:
            break
    return frames


@pytest.mark.parametrize("at_s", [0.0, 0.1, 3.05, 7.9, 11.0])
def test_the_frame_is_the_one_that_was_shown(
    all_frames: list[tuple[float, float]], at_s: float
) -> None:
    shown = [one for one in all_frames if one[0] <= at_s + 1e-6][-1]
    frame = frame_at(VIDEO, "cam-01", at_s)
    assert frame.captured_at_s == pytest.approx(shown[0], abs=1e-6)
    assert float(frame.image.mean()) == pytest.approx(shown[1], abs=1e-9)


def test_beyond_the_end_it_is_the_last() -> None:
    last, before = frame_at(VIDEO, "cam-01", 1e6), frame_at(VIDEO, "cam-01", 55.0)
    assert 59.0 < last.captured_at_s < 60.5
    assert np.abs(last.image.astype(int) - before.image).mean() > 0.1


def test_a_frame_rate_takes_the_place_of_the_time_stamps() -> None:
    as_it_is = frame_at(VIDEO, "cam-01", 8.0)
    twice_as_fast = frame_at(VIDEO, "cam-01", 4.0, fps=2 * FPS)
    assert twice_as_fast.captured_at_s == pytest.approx(4.0)
    assert (twice_as_fast.image == as_it_is.image).all()


def test_a_stretch_has_all_its_frames_and_no_other() -> None:
    times = [frame.captured_at_s for frame in frames_between(VIDEO, "cam-01", 6.0, 7.0)]
    assert times == pytest.approx(np.arange(60, 71) / FPS)
    assert list(frames_between(VIDEO, "cam-01", 70.0, 80.0)) == []


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingVideoError):
        frame_at(tmp_path / "none.mp4", "cam-01", 0.0)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableVideoError):
        frame_at(tmp_path / "bad.mp4", "cam-01", 0.0)
