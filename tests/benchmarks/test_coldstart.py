"""Cold starts: the recorded cameras, the figures and their drawing, and a few real ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import av
import pytest

from benchmarks import coldstart
from benchmarks.coldstart import STAGES, summary
from benchmarks.coldstart_drawing import draw
from benchmarks.looped_cameras import FPS, KEY_FRAMES_S, LOOP_S, _recordings, write_site
from calibration.site import load_site

if TYPE_CHECKING:
    from pathlib import Path


def trial(**reached: float) -> dict[str, float | None]:
    return {**dict.fromkeys(STAGES), "left": 0.0, **reached}


def test_a_stage_is_summed_up_over_the_trials_that_reached_it() -> None:
    told = summary([trial(seen=1.0, all_frames=3.0), trial(seen=2.0), trial(seen=3.0, left=1.0)])
    assert told["trials"] == 3
    assert told["seen"] == {"p50": 2.0, "p95": 2.9, "max": 3.0}
    assert told["all_frames"] == {"p50": 3.0, "p95": 3.0, "max": 3.0}
    assert "told" not in told
    assert (told["not_all_frames"], told["left_after_close"]) == (2, 1)


def test_growth_is_drawn() -> None:
    row = summary([trial(told=0.01, first_frame=0.2, all_frames=1.0, seen=0.6)])
    figures: dict[str, Any] = {
        "feeds": 16,
        "goal_p95_s": 3.0,
        "standby": row,
        "no_standby": summary([trial(told=5.0)]),
        "growth": {"1": row, "16": row},
    }
    drawn = draw(figures)
    assert drawn == draw(figures), "the same figures give the same bytes"
    assert drawn.startswith(b"<?xml")
    for words in (b"first position was read", b"16 feeds, seconds"):
        assert words in drawn


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return _recordings(8, tmp_path_factory.mktemp("recordings"))


def test_key_frames_come_every_second_and_each_camera_has_its_own_moment(
    recordings: list[Path],
) -> None:
    phases = []
    for path in recordings:
        head, _, body = path.read_bytes().partition(b"\n")
        told = json.loads(head)
        assert len(told["sizes"]) == LOOP_S * FPS
        assert sum(told["sizes"]) == len(body)
        context = av.CodecContext.create("h264", "r")
        context.extradata = bytes.fromhex(told["codec_data"])
        at, keys = 0, []
        for row, size in enumerate(told["sizes"]):
            packet = av.Packet(body[at : at + size])
            at += size
            keys += [row for frame in context.decode(packet) if frame.key_frame]
        assert keys == list(range(0, LOOP_S * FPS, round(KEY_FRAMES_S * FPS)))
        phases.append(told["phase"])
    assert len(set(phases)) > 4
    assert phases[0] != phases[6], "the seventh camera plays the film of the first"


def test_the_site_names_every_camera(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path / "feeds", 8, 8554))
    assert len(site.cameras) == 8
    addresses = [str(camera.address) for camera in site.cameras.values()]
    assert len(set(addresses)) == 8


@pytest.mark.slow
@pytest.mark.rtsp
@pytest.mark.usefixtures("gstreamer")
def test_cold_cameras_give_a_position_through_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coldstart, "WARM_UPS", 0)
    told = coldstart.measure(feeds=3, trials=1, growth=(1,), growth_trials=1)
    for way in ("standby", "no_standby"):
        row = told[way]
        in_order = ["told", "first_connect", "first_play", "first_frame", "first_observation"]
        in_order += ["first_position", "seen"]
        reached = [row[stage]["p50"] for stage in in_order]
        assert reached == sorted(reached)
        assert reached[0] > 0.0
        assert row["left_after_close"] == 0, "no connection to a camera outlives its grant"
    assert set(told["growth"]) == {"1", "3"}
    json.dumps(told)
    draw(told)
