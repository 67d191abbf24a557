"""Makes the runs of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .drill_files import load_drill
from .incident_run import IncidentRun
from .run_jobs import drill_jobs, has_pixels, site_jobs
from .run_news import unwatched
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer
    from vision.detect import Device

    from .gate import Permit
    from .input_log import Log
    from .journal import Journal
    from .run_news import RunWatch
    from .runs import RunFactory
    from .targets import Target
    from .workers import WorkerMaker


def run_factory(
    device: Device = "auto",
    *,
    log: Log | None = None,
    on_made: Callable[[IncidentRun], None] | None = None,
    make_worker: WorkerMaker = WorkerProcess,
    workers: int = 1,
    watch: Callable[[str, str], RunWatch] = lambda _, __: unwatched,
) -> RunFactory:
    """What the location API makes its runs with; see `api.runs.RunFactory`.

    Args:
        device: "auto", "cpu" or "cuda".
        log: takes what goes into the locator of each run, and what is published.
        on_made: takes each run as it is made.
        make_worker: makes what works on the pixels.
        workers: how many of them a run has.
        watch: what looks after the run of an incident, by its id and that of its site or drill.
    """

    def make(
        permit: Permit,
        target: Target,
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        journal: Journal | None = None,
    ) -> IncidentRun:
        drill = load_drill(target.folder) if target.kind == "drill" else None
        run = IncidentRun(
            permit,
            target.site,
            drill_jobs(drill) if drill else site_jobs(target.site),
            publish,
            on_end,
            log=log,
            journal=journal,
            duration_s=drill.duration_s if drill else None,
            device=device,
            prepared=target.prepared,
            make_worker=make_worker,
            workers=workers,
            watch=watch(permit.incident, target.id),
        )
        if on_made is not None:
            on_made(run)
        return run

    return make


def needs_detector(target: Target) -> bool:
    """Whether there is anything to detect on; not so in a drill of recorded boxes.

    Raises:
        DrillError: it is a drill whose folder can no longer be read.
    """
    if target.kind == "site":
        return True
    return any(has_pixels(job) for job in drill_jobs(load_drill(target.folder)))
