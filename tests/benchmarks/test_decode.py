"""The benchmark of decoding: each way gives the pictures it says, and both ways of feeds play."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import decode
from benchmarks.decode import FPS, KEY_FRAMES_S, Style, Way, decoded, encoded

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 6
SENT = SECONDS * FPS


@pytest.fixture(scope="module", params=["camera", "recorder"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    style: Style = request.param
    return encoded(tmp_path_factory.mktemp("clips") / f"{style}.mp4", (160, 96), style, SECONDS)


@pytest.mark.parametrize("way", ["all", "all, BGR"])
def test_all_is_all(clip: Path, way: Way) -> None:
    assert len(decoded(clip, way)) == SENT


def test_only_recorders_send_pictures_that_no_other_needs(clip: Path) -> None:
    references = len(decoded(clip, "references"))
    assert (references == SENT) == (clip.stem == "camera")
    assert references > SENT / 4


def test_key_frames_are_as_far_apart_as_they_were_sent(clip: Path) -> None:
    shown_s = decoded(clip, "key frames")
    assert np.diff(shown_s) == pytest.approx([KEY_FRAMES_S] * (SECONDS // KEY_FRAMES_S - 1))


def test_taking_rarely_decodes_less_where_it_can_and_never_goes_back(clip: Path) -> None:
    shown_s = decoded(clip, "taken every 3 s")
    # Too few key frames come between two takes for a rest: what is spared is what none refers to.
    assert (len(shown_s) < SENT) == (clip.stem == "recorder")
    assert (np.diff(shown_s) > 0).all()


def test_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.decode_feeds.WARM_UP_S", 0.2)
    said: list[str] = []
    figures = decode.measure(
        sizes=((160, 96),), feeds=(2,), rounds=1, clip_s=2.0, feeds_s=1.5, say=said.append
    )
    assert said == ["160x96 camera", "160x96 recorder", "2 feeds"]
    ways = figures["streams"]["160x96 camera"]["ways"]
    assert list(ways) == list(decode.WAYS)
    assert ways["all, BGR"]["of_all_converted"]["median"] == 1.0
    assert ways["key frames"]["longest_gap_s"] == 0.0  # one of 2 s, after which the clip ends
    for row in figures["feeds"]["2"]["ways"].values():
        assert row["taken"]["median"] > 0
        assert row["cpu_s_a_1000"]["median"] > 0
        assert row["age_p50_ms"]["median"] <= row["age_p95_ms"]["median"]
