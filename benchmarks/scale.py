"""Do many feeds stay fresh, and does memory stay flat?

Two questions, each asked of a run with its gate, worker process and locator:

- `files`: 16 recordings at 15 frames a second, the real detector on this machine's processor. More
  frames come than can be detected. How long does a camera go without a look, against the bound that
  attention states? Does memory grow over ten minutes?
- `simulated`: 400 cameras of a synthetic school, pictures decoded already, five a second each, and
  a detector that takes the time of a GPU (see `benchmarks.simulated_feeds`). How long from capture
  to published?
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.incident_run import IncidentRun
from api.machine import machine_facts, package_versions
from api.run_jobs import site_jobs
from api.worker_messages import CameraJob
from api.worker_process import WorkerProcess
from calibration.prepared import PreparedSite
from calibration.site import load_site
from vision.address import CameraAddress

from .looped_site import looped_site
from .run_meter import RunMeter, Usage, exercise_on
from .school import make_school
from .simulated_feeds import GPUS, SimulatedWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.workers import WorkerMaker
    from calibration.site import Site
    from vision.detect import Device

FEEDS = 16
FPS = 15.0
CAMERAS = 400
PEOPLE = 50
WARM_UP_S = 10.0
WALK_S = 30.0
SEED = 0
GPU = "A100"
_PATIENCE_S = 180.0


def measure(
    *,
    parts: tuple[str, ...] = ("files", "simulated"),
    feeds: int = FEEDS,
    minutes: float = 10.0,
    cameras: int = CAMERAS,
    seconds: float = 60.0,
    gpu: str = GPU,
    device: Device = "auto",
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Freshness and memory of many feeds.

    Args:
        parts: which questions to ask.
        feeds: how many recordings play.
        minutes: for how long.
        cameras: how many cameras are simulated.
        seconds: for how long.
        gpu: whose time their detector takes, one of `GPUS`.
        device: where the real detector runs.
        on_progress: takes what is being measured, in words.
    """
    told: dict[str, Any] = {
        "benchmark": "scale",
        "machine": machine_facts(),
        "versions": package_versions(),
        "seed": SEED,
    }
    if "files" in parts:
        on_progress(f"{feeds} recordings at {FPS:g} frames a second, {minutes:g} minutes")
        told["files"] = of_files(feeds, minutes * 60.0, device)
    if "simulated" in parts:
        on_progress(f"{cameras} simulated cameras, {seconds:g} s")
        told["simulated"] = of_simulated(cameras, seconds, gpu)
    return told


def of_files(feeds: int, seconds: float, device: Device = "auto") -> dict[str, Any]:
    """Figures of so many recordings that play for so long."""
    with tempfile.TemporaryDirectory() as folder:
        site = load_site(looped_site(Path(folder) / "site", feeds, FPS, seconds + 60.0))
        figures = _played(site, site_jobs(site), WorkerProcess, seconds, device)
    return {"feeds": feeds, "fps": FPS, **figures}


def of_simulated(cameras: int, seconds: float, gpu: str = GPU) -> dict[str, Any]:
    """Figures of so many cameras in memory, and a GPU in mind."""
    site = make_school(cameras=cameras).site
    card = GPUS[gpu]
    work = SimulatedWork(cameras, PEOPLE, WALK_S, card.picture_s, SEED)
    jobs = tuple(CameraJob(camera, CameraAddress("in-memory")) for camera in site.cameras)
    figures = _played(site, jobs, partial(WorkerProcess, work=work), seconds, "cpu")
    return {
        "cameras": cameras,
        "people": PEOPLE,
        "gpu": card.name,
        "gpu_ms_a_picture": card.picture_s * 1e3,
        "gpu_source": card.source,
        **figures,
    }


def _played(
    site: Site,
    jobs: tuple[CameraJob, ...],
    make_worker: WorkerMaker,
    seconds: float,
    device: Device,
) -> dict[str, Any]:
    meter = RunMeter()
    prepared = PreparedSite(site)
    prepared.prepare()
    with exercise_on(site.cameras) as permit:
        run = IncidentRun(
            permit,
            site,
            jobs,
            lambda _: None,
            lambda _: None,
            log=meter.log,
            device=device,
            prepared=prepared,
            make_worker=make_worker,
        )
        run.start()
        try:
            _wait_until_live(run)
            time.sleep(WARM_UP_S)
            began_s = meter.from_s = time.time()
            answers = meter.answers
            before = {camera.id: camera for camera in run.cameras()}
            bounds_s = []
            with Usage() as usage:
                until_s = began_s + seconds
                while time.time() < until_s:
                    time.sleep(min(1.0, max(0.0, until_s - time.time())))
                    if (bound_s := run.staleness_bound_s) is not None:
                        bounds_s.append(bound_s)
                figures = usage.figures()
            ended_s = time.time()
            after = run.cameras()
            answers = meter.answers - answers
            backend, problems = run.backend, run.problems()
        finally:
            run.stop()
    took_s = ended_s - began_s
    sent = sum(camera.frames_in - before[camera.id].frames_in for camera in after)
    used = sum(camera.frames_used - before[camera.id].frames_used for camera in after)
    return {
        "detector": backend,
        "seconds": round(took_s, 1),
        "frames_sent_a_second": round(sent / took_s, 1),
        "frames_used_a_second": round(used / took_s, 1),
        "answers_a_second": round(answers / took_s, 1),
        "looks_a_second_and_camera": meter.looks_a_second(took_s),
        "age_ms": meter.ages_ms(),
        **meter.staleness_s([job.camera for job in jobs], ended_s),
        "stated_bound_s": {"least": round(min(bounds_s), 2), "most": round(max(bounds_s), 2)}
        if bounds_s
        else None,
        **figures,
        "problems": len(problems),
    }


def _wait_until_live(run: IncidentRun) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while any(camera.phase != "live" for camera in run.cameras()):
        if time.monotonic() > until_s:
            phases = sorted({camera.phase for camera in run.cameras()})
            raise RuntimeError(f"the feeds do not come up: {', '.join(phases)} {run.problems()}")
        time.sleep(0.2)
