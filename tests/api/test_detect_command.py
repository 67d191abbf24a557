"""`lastseen detect`: its lines, its errors, and what it says about real footage."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from api.commands.detect import detect

LINE_KEYS = {"source", "frame", "t", "width", "height", "persons", "weapons"}


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(detect)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def encode(path: Path, frames: int = 12, fps: int = 10) -> Path:
    """A moving pattern, as a camera with nobody in view."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for number in range(frames):
            image = np.full((180, 320, 3), 40, np.uint8)
            image[:, number * 10 : number * 10 + 30] = 200
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return encode(tmp_path / "clip.mp4")


def test_one_line_a_frame_with_the_documented_keys(clip: Path) -> None:
    result = run(clip, "--json", "--device", "cpu")
    assert result.exit_code == 0
    found = lines(result.stdout)
    assert [line["frame"] for line in found] == list(range(12))
    assert [line["t"] for line in found] == pytest.approx([n / 10 for n in range(12)])
    for line in found:
        assert set(line) == LINE_KEYS
        assert (line["source"], line["width"], line["height"]) == (str(clip), 320, 180)
        assert line["persons"] == []


def test_every_nth_frame_keeps_the_frame_numbers(clip: Path) -> None:
    result = run(clip, "--json", "--every", "5", "--device", "cpu")
    assert [line["frame"] for line in lines(result.stdout)] == [0, 5, 10]


def test_lines_go_to_the_file_and_the_table_to_people(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "boxes.jsonl"
    result = run(clip, "--output", out, "--device", "cpu")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert len(lines(out.read_text(encoding="utf-8"))) == 12
    assert "with persons" in result.stderr


def test_folders_give_their_pictures_and_videos(clip: Path) -> None:
    cv2.imwrite(str(clip.parent / "a.png"), np.zeros((90, 160, 3), np.uint8))
    (clip.parent / "notes.txt").touch()
    found = lines(run(clip.parent, "--json", "--every", "6", "--device", "cpu").stdout)
    assert [(Path(line["source"]).name, line["frame"]) for line in found] == [
        ("a.png", 0),
        ("clip.mp4", 0),
        ("clip.mp4", 6),
    ]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(clip: Path, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"no video" * 100)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    empty = tmp_path / "empty"
    empty.mkdir()
    missing = tmp_path / "missing.mp4"
    result = run(missing, garbage, broken, empty, clip, "--json", "--device", "cpu")
    assert result.exit_code == 1
    assert len(lines(result.stdout)) == 12
    told = " ".join(result.stderr.split())
    for name in ("missing.mp4", "garbage.mp4", "broken.png", "empty"):
        assert name in told


def test_a_truncated_video_gives_its_good_frames_then_says_so(tmp_path: Path) -> None:
    whole = encode(tmp_path / "whole.mkv", frames=60)
    cut = tmp_path / "cut.mkv"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 3])
    result = run(cut, "--json", "--device", "cpu")
    assert result.exit_code == 1
    assert 0 < len(lines(result.stdout)) < 60
    assert "cut.mkv" in result.stderr


def test_an_output_that_cannot_be_written_is_named(clip: Path) -> None:
    result = run(clip, "--output", clip / "x.jsonl", "--device", "cpu")
    assert "cannot be written" in str(result.exception)


def test_a_user_sees_one_message_and_no_traceback(clip: Path) -> None:
    command = "from api.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", command, "detect", str(clip), "--weights", "unheard-of"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "no weights called 'unheard-of'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.data
@pytest.mark.accuracy
def test_wisenet_somebody_is_seen_passing_and_nobody_before(data_dir: Path) -> None:
    result = run(data_dir / "wisenet" / "3.avi", "--json", "--device", "cpu")
    found = {line["frame"]: line for line in lines(result.stdout)}
    assert len(found) == 1000
    passing = [bool(found[frame]["persons"]) for frame in range(335, 396)]
    before = [not found[frame]["persons"] for frame in range(320)]
    assert np.mean(passing) >= 0.95
    assert np.mean(before) >= 0.99


@pytest.mark.data
@pytest.mark.accuracy
def test_intel_never_sees_two_persons_where_there_is_one(data_dir: Path) -> None:
    clip = data_dir / "intel-sample-videos" / "one-by-one-person-detection.mp4"
    found = lines(run(clip, "--json", "--every", "3", "--device", "cpu").stdout)
    counts = np.array([len(line["persons"]) for line in found])
    assert (counts > 1).mean() <= 0.01
    # Persons come and go; while one is there, the boxes do not come and go.
    present = counts > 0
    gaps = ~present[1:-1] & present[:-2] & present[2:]
    assert gaps.mean() <= 0.01
    assert 0.6 <= present.mean() <= 0.9
