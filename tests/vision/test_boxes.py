"""Recorded boxes come out as frames in order, and a damaged line is named before the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.boxes import BoxFileError, read_mot_boxes

if TYPE_CHECKING:
    from pathlib import Path

    from vision.frames import BoxFrame


def frames_of(path: Path, **options: float) -> list[BoxFrame]:
    return list(
        read_mot_boxes(path, "cam-01", size_px=(640, 360), fps=10.0, start_s=1000.0, **options)
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "cam-01.csv"
    path.write_text(text)
    return path


def test_boxes_come_frame_by_frame_with_the_empty_frames_between(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "frame,id,left,top,width,height,conf\n"
        "4,7,10,20,30,60,0.5\n"
        "2,7,8,20,30,60,0.25\n"
        "4,8,100,20,30,60,1\n",
    )
    frames = frames_of(path, offset_s=2.0)
    assert [len(frame.detections) for frame in frames] == [0, 1, 0, 2]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [frame.captured_at_s for frame in frames] == pytest.approx(
        [1002.0, 1002.1, 1002.2, 1002.3]
    )
    last = frames[3].detections
    np.testing.assert_array_equal(last.xyxy_px, [[10, 20, 40, 80], [100, 20, 130, 80]])
    np.testing.assert_array_equal(last.confidence, np.array([0.5, 1.0], np.float32))
    assert len(last.persons()) == 2
    assert {frame.clock for frame in frames} == {"drill"}
    assert frames[0].size_px == (640, 360)


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (None, [1, 0, 1]),  # up to the last box
        (0.5, [1, 0, 1, 0, 0]),  # on, empty, to the end of the feed
        (0.2, [1, 0]),  # a box beyond the end of the feed is left out
    ],
)
def test_the_feed_lasts_as_long_as_said(
    tmp_path: Path, duration_s: float | None, expected: list[int]
) -> None:
    path = write(tmp_path, "1,1,0,0,5,5\n3,1,0,0,5,5\n")
    frames = list(
        read_mot_boxes(
            path, "cam-01", size_px=(640, 360), fps=10.0, start_s=0.0, duration_s=duration_s
        )
    )
    assert [len(frame.detections) for frame in frames] == expected


def test_conf_and_header_are_optional_and_further_columns_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "1,1,0,0,5,5\n1,2,10,0,5,5,,3.5,-1\n\n")
    (frame,) = frames_of(path)
    np.testing.assert_array_equal(frame.detections.confidence, np.ones(2, np.float32))


def test_an_empty_file_is_a_feed_that_saw_nobody(tmp_path: Path) -> None:
    assert frames_of(write(tmp_path, "frame,id,left,top,width,height\n")) == []
    assert [len(f.detections) for f in frames_of(write(tmp_path, ""), duration_s=0.3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,1,0,0,5", r"line 2: height: is missing"),
        ("1,1,0,x,5,5", r"line 2: top: 'x' is not a number"),
        ("1,1,0,nan,5,5", r"line 2: top: 'nan' is not a finite number"),
        ("0,1,0,0,5,5", r"line 2: frame: must be a whole number from 1, got 0"),
        ("1.5,1,0,0,5,5", r"line 2: frame: must be a whole number"),
        ("1e12,1,0,0,5,5", r"line 2: frame: must be a whole number"),
        ("1,1,0,0,-5,5", r"line 2: width: must be above 0"),
        ("1,1,0,0,5,0", r"line 2: height: must be above 0"),
        ("1,1,700,0,5,5", r"line 2: left: the box lies outside the picture of 640x360"),
        ("1,1,0,0,5,5,7", r"line 2: conf: must be a probability"),
    ],
)
def test_a_bad_line_is_named_before_the_first_frame(
    tmp_path: Path, line: str, message: str
) -> None:
    path = write(tmp_path, f"1,1,0,0,5,5\n{line}\n")
    with pytest.raises(BoxFileError, match=message) as caught:
        read_mot_boxes(path, "cam-01", size_px=(640, 360), fps=10.0, start_s=0.0)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frame,id,x,y,width,height\n", r"column 3 must be 'left', found 'x'"),
        ("frame,id,left\n", r"column 4 must be 'top', found 'nothing'"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BoxFileError, match=message):
        frames_of(write(tmp_path, text))


def test_unreadable_files_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BoxFileError, match=r"absent\.csv: cannot be read: No such file"):
        frames_of(tmp_path / "absent.csv")
    binary = tmp_path / "video.csv"
    binary.write_bytes(bytes(range(128, 256)) * 20)
    with pytest.raises(BoxFileError, match="is not comma separated text"):
        frames_of(binary)


def test_a_rate_of_zero_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "1,1,0,0,5,5\n")
    with pytest.raises(BoxFileError, match="fps: must be above 0"):
        read_mot_boxes(path, "cam-01", size_px=(640, 360), fps=0.0, start_s=0.0)
