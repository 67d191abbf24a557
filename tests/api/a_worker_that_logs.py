"""What a worker process does that says one thing and ends; a module of its own, to be pickled."""

from __future__ import annotations

import logging


def log_and_end(*_: object) -> None:
    """Say where a camera is, with its password."""
    logging.getLogger("vision.feeds").info("camera at %s", "rtsp://viewer:hunter2@10.0.0.7/live")
