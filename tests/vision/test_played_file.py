"""Files played as if live: their times, and how little is decoded where little is taken."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from vision.errors import DamagedVideoError, MissingVideoError, TruncatedVideoError
from vision.frames import Frame
from vision.played_file import play_file
from vision.sources import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vision.sources import Source

    from .conftest import EncodeClip

GROUPS = {"g": "10", "sc_threshold": "0", "bf": "0"}


class Played:
    """What comes out of a source, on a clock that the test sets; waiting moves it on."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s
        self.held = 0
        self.sent: list[int] = []
        self.taken: int | None = None
        self.stop = _Stop(self)

    def now(self) -> float:
        return self.now_s

    def frames(self, source: Source, each: Callable[[Frame], None] = lambda _: None) -> list[Frame]:
        session = Session(
            self.stop,
            0,
            lambda _: None,
            lambda _: None,
            lambda: False,
            lambda: self.taken,
            self._hold,
            lambda: False,
            self.sent.append,
        )
        found = []
        for frame in source(session):
            assert isinstance(frame, Frame)
            found.append(frame)
            each(frame)
        return found

    def _hold(self) -> None:
        self.held += 1


class _Stop(threading.Event):
    def __init__(self, played: Played) -> None:
        super().__init__()
        self._played = played

    def wait(self, timeout: float | None = None) -> bool:
        self._played.now_s += timeout or 0.0
        return self.is_set()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("clip.mp4", GROUPS, id="without B-frames"),
        pytest.param("clip.mp4", GROUPS | {"bf": "2"}, id="with B-frames"),
        pytest.param("clip.ts", GROUPS, id="stamps from above 0"),
    ],
)
@pytest.mark.parametrize("fps", [None, 5.0])
def test_every_frame_at_its_time(
    encode: EncodeClip, name: str, options: dict[str, str], fps: float | None
) -> None:
    path = encode(name, frames=30, fps=10, codec_options=options)
    played = Played()
    frames = played.frames(play_file(path, "cam", 1000.0, fps, 0.5, now=played.now))
    assert [frame.index for frame in frames] == list(range(30))
    step_s = 1 / (fps or 10)
    assert [frame.captured_at_s for frame in frames] == pytest.approx(
        [1000.5 + i * step_s for i in range(30)], abs=2e-3
    )
    for frame in frames:
        late_s = frame.decoded_at_s - frame.captured_at_s
        assert -1e-6 <= late_s < 2.5 * step_s  # two B-frames wait for the picture after them


def test_what_is_not_taken_is_held_and_its_frames_are_told_from_their_numbers(
    encode: EncodeClip,
) -> None:
    path = encode("clip.mp4", frames=100, fps=10, codec_options=GROUPS)
    played = Played()
    played.taken = 0
    frames = played.frames(play_file(path, "cam", 1000.0, now=played.now))
    pairs = [n for key in range(10, 100, 10) for n in (key, key + 1)]
    assert [frame.index for frame in frames] == [0, *pairs, 99]
    assert [frame.captured_at_s for frame in frames] == pytest.approx(
        [1000.0 + frame.index / 10 for frame in frames]
    )
    assert played.held == 100 - 19


def test_a_machine_too_slow_passes_over_what_is_late_with_true_times(encode: EncodeClip) -> None:
    """Each frame costs its user 0.7 s: more than 1.5 s late, only key frames are decoded."""
    path = encode("clip.mp4", frames=100, fps=10, codec_options=GROUPS)
    played = Played()

    def work(_: Frame) -> None:
        played.now_s += 0.7

    frames = played.frames(play_file(path, "cam", 1000.0, now=played.now), work)
    assert 10 <= len(frames) < 20
    assert played.sent == [100]
    for frame in frames:
        assert frame.captured_at_s == pytest.approx(1000.0 + frame.index / 10)
        assert frame.decoded_at_s - frame.captured_at_s < 2.3


def test_taken_over_in_the_middle_it_goes_on_from_now(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=100, fps=10, codec_options=GROUPS)
    played = Played(1004.0)
    frames = played.frames(play_file(path, "cam", 1000.0, from_s=1004.0, now=played.now))
    assert frames[0].captured_at_s == pytest.approx(1004.0, abs=0.11)
    assert [frame.index for frame in frames] == list(range(40, 100))


def test_it_ends_with_the_drill(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=60, fps=10)
    played = Played()
    frames = played.frames(
        play_file(path, "cam", 1000.0, None, 1.0, duration_s=3.0, now=played.now)
    )
    assert frames[-1].captured_at_s == pytest.approx(1003.0)
    assert len(frames) == 21


def test_a_stop_is_heard_at_once(encode: EncodeClip) -> None:
    path = encode("clip.mp4", frames=60, fps=10)
    played = Played()
    frames = played.frames(
        play_file(path, "cam", 1000.0, now=played.now), lambda _: played.stop.set()
    )
    assert len(frames) == 1


def test_what_is_wrong_with_the_file_is_told(encode: EncodeClip, tmp_path: Path) -> None:
    with pytest.raises(MissingVideoError):
        Played().frames(play_file(tmp_path / "none.mp4", "cam", time.time()))
    with pytest.raises(ValueError, match="fps: expected more than 0, got 0"):
        play_file(tmp_path / "none.mp4", "cam", 0.0, 0.0)
    path = encode("cut.mp4", frames=60, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    played = Played()
    with pytest.raises(DamagedVideoError) as caught:
        played.frames(play_file(path, "cam", 1000.0, now=played.now))
    assert isinstance(caught.value, TruncatedVideoError)
    assert 10 < caught.value.frames < 60
