"""A run of a drill in a process of its own: played, scored and written down.

The server holds the grant, and ends this process with it. Scoring and drawing a report keep a
processor busy for seconds, and a server has consoles to answer.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from .errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    from vision.detect import Device

    from .drill_play import Progress
    from .gate import Permit
    from .run_record import Speed

STOP_PATIENCE_S = 0.7
"""A process asked to stop that is still there after this is killed, as a worker is."""

LOOK_EVERY_S = 0.1
_TELL_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class DrillJob:
    """What is to be played.

    Attributes:
        folder: the drill.
        permit: what may be watched of it.
        speed: realtime or max.
        out: an empty folder for the report.
    """

    folder: Path
    permit: Permit
    speed: Speed
    out: Path


@dataclass(frozen=True, slots=True)
class Played:
    """How far a run has come.

    Attributes:
        t_s: time since the drill's start, seconds.
        text: the newest answer; "" before the first.
        problems: what is degraded now.
        writing: whether all is played and the report is being written.
    """

    t_s: float
    text: str = ""
    problems: tuple[str, ...] = ()
    writing: bool = False


class DrillPlayer(Protocol):
    """Plays a drill and writes its report."""

    def __call__(
        self, job: DrillJob, tell: Callable[[Played], None], stopped: Callable[[], bool]
    ) -> str:
        """Return "" once the report is written, or why there is none.

        Args:
            job: what to play.
            tell: takes how far it has come, a few times a second.
            stopped: whether to leave off; when it says so nothing is left a second later.
        """
        ...


def process_player(device: Device = "auto") -> DrillPlayer:
    """Return a player that works in a process of its own.

    Args:
        device: "auto", "cpu" or "cuda".
    """

    def play(job: DrillJob, tell: Callable[[Played], None], stopped: Callable[[], bool]) -> str:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        # Not a daemon: in real time it has a worker of its own.
        process = context.Process(target=_play, args=(job, device, theirs), name="drill-run")
        process.start()
        theirs.close()
        try:
            while not stopped():
                try:
                    said = ours.recv() if ours.poll(LOOK_EVERY_S) else None
                except (EOFError, OSError):
                    process.join(STOP_PATIENCE_S)
                    return f"its process died with exit code {process.exitcode}"
                if isinstance(said, str):
                    return said
                if isinstance(said, Played):
                    tell(said)
            return "it was stopped"
        finally:
            ours.close()  # the process takes the end of the pipe as the order to stop
            process.join(STOP_PATIENCE_S)
            if process.is_alive():
                process.kill()
                process.join()

    return play


def _play(job: DrillJob, device: Device, connection: Connection) -> None:
    """Play, score, write; the entry point of the process."""
    # Ctrl-C reaches the whole group of processes; the order to stop comes through the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        said = _played(job, device, connection)
    except (ApiError, ValueError) as error:
        said = str(error) or type(error).__name__
    with contextlib.suppress(OSError):
        connection.send(said)


def _end_with(connection: Connection) -> None:
    """End this process at once when the other end of the pipe is closed.

    Nothing is ever sent to it, so whatever is to be read is that end. What was written of a report
    is deleted by whoever closed it. A worker of this process would end with its own pipe, but not
    before it has looked at the frames it holds.
    """
    with contextlib.suppress(OSError):
        connection.poll(None)
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(1)


def _played(job: DrillJob, device: Device, connection: Connection) -> str:
    from calibration.errors import CalibrationError  # noqa: PLC0415 - of this process only
    from models.errors import ModelError  # noqa: PLC0415 - of this process only
    from vision.errors import VisionError  # noqa: PLC0415 - of this process only

    from .drill_files import load_drill  # noqa: PLC0415 - of this process only
    from .drill_play import (  # noqa: PLC0415 - of this process only
        play_at_full_speed,
        play_realtime,
    )
    from .report import write_report  # noqa: PLC0415 - of this process only
    from .run_record import RUN_FILE, save_run  # noqa: PLC0415 - of this process only
    from .truth import load_truth  # noqa: PLC0415 - of this process only

    told_s = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= _TELL_EVERY_S:
            told_s = time.monotonic()
            text = progress.answer.text if progress.answer is not None else ""
            connection.send(Played(progress.t_s, text, progress.problems))

    try:
        drill = load_drill(job.folder)
        truth = load_truth(job.folder, drill.site)
        play = play_at_full_speed if job.speed == "max" else play_realtime
        record = play(drill, job.permit, tell, device=device)
        connection.send(Played(drill.duration_s, writing=True))
        save_run(record, job.out / RUN_FILE)
        write_report(record, drill.site, truth, job.out)
    except (CalibrationError, ModelError, VisionError) as error:
        return str(error)
    return ""
