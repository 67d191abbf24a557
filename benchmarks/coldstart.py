"""How long is it from a grant to the first published position, when all cameras start cold?

A real server, cameras over RTSP from GStreamer's server (`benchmarks.looped_cameras`), and somebody
who opens an exercise over HTTP and follows its events. No feed is open beforehand. A trial ends
when the follower has read an answer that names a subject; then the incident is closed, and it is
looked at whether a worker or a connection to a camera is left a second later. Trials with an engine
that waits (`--standby`) and without one are done in turn. When in a second a trial begins is drawn
anew each time, so key frames are waited for as long as they would be.

The stages are seconds since the request to open was sent:

- `granted`: the request was answered;
- `told`: the worker was told what to watch;
- `first_connect`: the first connection to a camera came in;
- `first_play`, `last_play`: the first and the last camera was asked to play;
- `first_frame`, `all_frames`: a frame of the first camera, and of all cameras, was decoded;
- `first_observation`: the first frame had been looked at and placed on the floor;
- `first_position`: the first answer that names somebody was published;
- `seen`: whoever follows had read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import numpy as np
import psutil

from api.machine import machine_facts, package_versions

from .coldstart_server import timed_server
from .looped_cameras import FPS, KEY_FRAMES_S, looped_cameras, write_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vision.detect import Device

    from .coldstart_server import Timed
    from .looped_cameras import Cameras

FEEDS = 16
GROWTH = (1, 4, 16, 32, 64)
TRIALS, GROWTH_TRIALS = 20, 5
WARM_UPS = 2
SEED = 0
GOAL_P95_S = 2.0 + KEY_FRAMES_S
STAGES = (
    "granted", "told", "first_connect", "first_play", "last_play", "first_frame", "all_frames",
    "first_observation", "first_position", "seen",
)  # fmt: skip

_WARM_PATIENCE_S = 120.0
_SEEN_PATIENCE_S = 60.0
_ALL_PATIENCE_S = 6.0
_LEFT_S = 1.0

Trial = dict[str, float | None]


def measure(
    *,
    feeds: int = FEEDS,
    trials: int = TRIALS,
    growth: Sequence[int] = GROWTH,
    growth_trials: int = GROWTH_TRIALS,
    device: Device = "auto",
    on_progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Figures with a standby and without, and how they grow with the number of feeds.

    Args:
        feeds: cameras of the site on which both are compared.
        trials: how often each is done.
        growth: cameras of the other sites, with a standby; may be empty.
        growth_trials: how often each of these is done.
        device: where the detector runs.
        on_progress: takes a line about what is done now.

    Raises:
        NotHereError: GStreamer's RTSP server is not on this machine.
    """
    draw = random.Random(SEED)
    load = os.getloadavg()[0]
    sizes = sorted({feeds, *growth})
    with _cameras(max(sizes)) as (folder, cameras):
        sites = [write_site(folder / _site(size), size, cameras.port) for size in sizes]
        with (
            timed_server(sites, folder / "warm", 1, device) as warm,
            timed_server(sites, folder / "cold", 0, device) as cold,
        ):
            _wait_until_warm(warm)
            servers = {"standby": warm, "no_standby": cold}
            found: dict[str, list[Trial]] = {name: [] for name in servers}
            for number in range(WARM_UPS + trials):
                for name, server in servers.items():
                    on_progress(f"{feeds} feeds, {name}, trial {number + 1}")
                    trial = _trial(server, cameras, feeds, draw, warm=name == "standby")
                    if number >= WARM_UPS:
                        found[name].append(trial)
            grown: dict[int, list[Trial]] = {feeds: found["standby"]} if growth else {}
            others = [size for size in growth if size != feeds]
            for number in range(growth_trials):
                for size in others:
                    on_progress(f"{size} feeds, trial {number + 1}")
                    trial = _trial(warm, cameras, size, draw, warm=True)
                    grown.setdefault(size, []).append(trial)
    return {
        "benchmark": "coldstart",
        "machine": machine_facts(),
        "versions": package_versions(),
        "load_average": {"before": round(load, 1), "after": round(os.getloadavg()[0], 1)},
        "seed": SEED,
        "feeds": feeds,
        "fps": FPS,
        "key_frames_s": KEY_FRAMES_S,
        "goal_p95_s": GOAL_P95_S,
        **{name: summary(trials_) for name, trials_ in found.items()},
        "growth": {str(size): summary(grown[size]) for size in sorted(grown)},
    }


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Percentiles of every stage over the trials that reached it, seconds since the request."""
    told: dict[str, Any] = {"trials": len(trials)}
    for stage in STAGES:
        reached = [at_s for trial in trials if (at_s := trial[stage]) is not None]
        if reached:
            p50, p95 = np.percentile(reached, (50, 95))
            told[stage] = {
                "p50": round(float(p50), 3),
                "p95": round(float(p95), 3),
                "max": round(max(reached), 3),
            }
    told["not_all_frames"] = sum(trial["all_frames"] is None for trial in trials)
    told["left_after_close"] = sum(bool(trial["left"]) for trial in trials)
    return told


@contextlib.contextmanager
def _cameras(count: int) -> Iterator[tuple[Path, Cameras]]:
    """A folder for a while, and cameras whose recordings lie there."""
    with (
        tempfile.TemporaryDirectory() as folder,
        looped_cameras(count, Path(folder)) as cameras,
    ):
        yield Path(folder), cameras


def _site(size: int) -> str:
    return f"feeds-{size}"


def _wait_until_warm(server: Timed) -> None:
    until_s = time.monotonic() + _WARM_PATIENCE_S
    while not server.warm():
        if time.monotonic() > until_s:
            raise RuntimeError("the engine is not loaded")
        time.sleep(0.1)


def _trial(
    server: Timed, cameras: Cameras, feeds: int, draw: random.Random, *, warm: bool
) -> Trial:
    """One incident: opened, followed until somebody is named, and closed."""
    if warm:
        _wait_until_warm(server)
    time.sleep(draw.uniform(0.0, KEY_FRAMES_S))
    server.again(feeds)
    cameras.forget()
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=_SEEN_PATIENCE_S) as client:
        request = {"site": _site(feeds), "kind": "exercise", "reason": "A benchmark"}
        asked_s = time.time()
        answer = client.post("/v1/incidents", json=request)
        granted_s = time.time()
        answer.raise_for_status()
        path = f"/v1/incidents/{answer.json()['incident']}"
        try:
            seen_s = _named(client, path)
            until_s = time.monotonic() + _ALL_PATIENCE_S
            while server.stages().all_frames is None and time.monotonic() < until_s:
                time.sleep(0.1)
            stages = server.stages()
            connected, played = list(cameras.connected), list(cameras.played)
        finally:
            closed = client.delete(path, params={"reason": "The benchmark is over"})
            closed.raise_for_status()
    time.sleep(_LEFT_S)
    reached = {
        "granted": granted_s,
        "told": stages.told,
        "first_connect": min(connected, default=None),
        "first_play": min(played, default=None),
        "last_play": max(played, default=None) if len(played) >= feeds else None,
        "first_frame": stages.first_frame,
        "all_frames": stages.all_frames,
        "first_observation": stages.first_observation,
        "first_position": stages.first_position,
        "seen": seen_s,
    }
    since = {stage: None if at_s is None else at_s - asked_s for stage, at_s in reached.items()}
    return {**since, "left": float(_connections(server.pid, cameras.port))}


def _named(client: httpx2.Client, path: str) -> float:
    """When an answer that names a subject was read, Unix seconds."""
    until_s = time.monotonic() + _SEEN_PATIENCE_S
    with client.stream("GET", f"{path}/events") as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("data:") and json.loads(line[5:]).get("subjects"):
                return time.time()
            if time.monotonic() > until_s:
                break
    raise RuntimeError("nobody was named")


def _connections(pid: int, port: int) -> int:
    """How many connections to the cameras the server and its workers hold."""
    server = psutil.Process(pid)
    return sum(
        bool(connection.raddr) and connection.raddr.port == port
        for process in (server, *server.children(recursive=True))
        for connection in process.net_connections("tcp")
    )
