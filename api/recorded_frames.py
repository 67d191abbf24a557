"""The frames of a drill's recordings, with pixels or as boxes."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from vision.boxes import read_mot_boxes
from vision.decode import decode_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration.camera import CameraModel
    from vision.sources import AnyFrame

    from .drill_files import DrillFeed


def recorded_frames(
    feed: DrillFeed,
    model: CameraModel,
    start_s: float,
    duration_s: float | None,
    *,
    from_s: float | None = None,
) -> Generator[AnyFrame]:
    """The frames of a recording, captured from `start_s` (Unix) on, `duration_s` or all of it.

    Args:
        feed: which recording.
        model: of its camera.
        start_s: when the drill starts.
        duration_s: its length; None plays the recording to its end.
        from_s: frames captured before this (Unix) are left out; None leaves out none.

    Raises:
        vision.errors.MediaError: the recording is missing, damaged or ends early.
    """
    frames: Iterator[AnyFrame]
    if feed.has_pixels:
        frames = decode_file(feed.path, feed.camera, start_s, feed.fps, feed.offset_s)
    elif feed.fps is None:
        raise ValueError(f"feed of camera {feed.camera!r}: a box file needs its frame rate")
    else:
        frames = read_mot_boxes(
            feed.path,
            feed.camera,
            size_px=model.size_px,
            fps=feed.fps,
            start_s=start_s,
            offset_s=feed.offset_s,
            duration_s=None if duration_s is None else max(duration_s - feed.offset_s, 0.0),
        )
    try:
        for frame in frames:
            if duration_s is not None and frame.captured_at_s > start_s + duration_s:
                return
            if from_s is None or frame.captured_at_s >= from_s:
                yield frame
    finally:
        if isinstance(frames, Generator):
            frames.close()
