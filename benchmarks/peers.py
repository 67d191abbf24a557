"""How does this project's worker compare with what people use today?

On the same clips, with the same weights, on the same machine, in one run: our worker, ultralytics'
multi-stream tracking (as it comes, and exported to OpenVINO), Roboflow's `InferencePipeline` with
our network inside, and a plain loop over OpenCV's captures. Each is a program of its own.

**Throughput.** Recordings as fast as each takes them, every frame counts. Round by round, in turn;
the first frames of each camera warm up and do not count. Whether all find the same is checked box
by box. CPU time and memory are those of all processes of a system, seen from outside.

**Age under overload.** The same recordings as cameras over RTSP, 10 frames a second, twice as many
as fit: once twice what fits each system by its own throughput, once for all twice what fits ours.
Which picture it is, every system reads from the very picture that it detected on.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from api.machine import machine_facts, package_versions
from benchmarks.peers_age import ages_of_information, quantiles_ms, rate
from benchmarks.peers_clips import FPS, clips, loops, recordings
from benchmarks.peers_matching import agreement, by_picture
from benchmarks.peers_process import PeerFailedError, run_peer, served
from benchmarks.peers_protocol import Job
from benchmarks.peers_systems import OURS, SAME_OBJECT_IOU, Peer, peers_here
from models.registry import checkpoint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers_age import Timed
    from benchmarks.peers_process import Cameras, Run

WARM_UP_FRAMES = 4
"""Of each camera, at the beginning of each run."""

LIMIT_S = 25.0
"""A system that takes longer for a round's frames is measured on those that it had until then."""

OVERLOAD = 2.0
GOAL_THROUGHPUT, GOAL_AGE = 2.0, 5.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        cameras: files at once.
        frames: of each file.
        rounds: how often all systems have their turn.
        seconds: how long ages are measured; 0 leaves them out.
        settle_s: how long each system runs before that.
        most_cameras: never more cameras than this over RTSP.
    """

    cameras: int = 16
    frames: int = 44
    rounds: int = 3
    seconds: float = 30.0
    settle_s: float = 8.0
    most_cameras: int = 64


def measure(
    sizes: Sizes,
    *,
    names: Sequence[str] = (),
    ultralytics_python: str | None = None,
    inference_python: str | None = None,
    on_progress: Callable[[str], None] = lambda _what: None,
) -> dict[str, Any]:
    """Figures of all systems that are here, and of the others why they are not.

    Args:
        sizes: how much is measured.
        names: only these systems, and ours; all if empty.
        ultralytics_python: interpreter that has ultralytics and `lap`; this one if None.
        inference_python: interpreter that has Roboflow's `inference`.
        on_progress: told what is done next.

    Raises:
        benchmarks.peers_process.NotHereError: the RTSP server is missing (ages only).
        benchmarks.peers_process.PeerFailedError: a system failed.
    """
    here, missing = peers_here(names, ultralytics_python, inference_python)
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(sizes, here, Path(folder), on_progress)
        told = bench.throughput()
        fits = {name: row["frames_per_s"]["median"] / FPS for name, row in told.items()}
        ages = bench.overload(fits) if sizes.seconds > 0 else {}
    return {
        "benchmark": "peers",
        "machine": machine_facts(),
        "versions": package_versions(),
        "clips": {
            "recordings": len(recordings()),
            "cameras": sizes.cameras,
            "frames_a_camera": sizes.frames,
            "fps": FPS,
            "size_px": [640, 360],
            "input_px": [640, 384],
        },
        "weights": bench.checkpoint.name,
        "confidence": dict(bench.checkpoint.confidence),
        "same_object_iou": SAME_OBJECT_IOU,
        "missing": missing,
        "failed": bench.failed,
        "systems": {peer.name: peer.title for peer in here if peer.name in told},
        "throughput": told,
        "overload": ages,
        "ratios": _ratios(told, ages),
        "goals": {"throughput": GOAL_THROUGHPUT, "age_p95": GOAL_AGE},
    }


class _Bench:
    """One run of the benchmark: what stays the same from system to system."""

    def __init__(
        self, sizes: Sizes, here: list[Peer], folder: Path, on_progress: Callable[[str], None]
    ) -> None:
        self._sizes = sizes
        self._here = here
        self._folder = folder
        self._say = on_progress
        self.failed: dict[str, str] = {}
        self.checkpoint = checkpoint_of(None)

    def _run(self, peer: Peer, sources: Sequence[str], *, live: bool, limit_s: float) -> Run | None:
        """One run; None where the system failed, now or before: the others go on.

        Raises:
            PeerFailedError: it was ours.
        """
        if peer.name in self.failed:
            return None
        try:
            job = self._job(peer, sources, live=live, limit_s=limit_s)
            return run_peer(peer.program, peer.python, job)
        except PeerFailedError as error:
            if peer.name == OURS:
                raise
            self.failed[peer.name] = str(error)
            self._say(f"{peer.title} failed: {error}")
            return None

    def _job(self, peer: Peer, sources: Sequence[str], *, live: bool, limit_s: float) -> Job:
        points = self.checkpoint.confidence
        return Job(
            sources=tuple(sources),
            live=live,
            weights=peer.weights(self.checkpoint.path, len(sources)),
            confidence=tuple(points[name] for name in self.checkpoint.classes),
            same_object_iou=SAME_OBJECT_IOU,
            input_px=(640, 384),
            fps=float(FPS),
            most_results=None,
            limit_s=limit_s,
            results=str(self._folder / f"{peer.name}.npz"),
            options=dict(peer.options),
        )

    def throughput(self) -> dict[str, Any]:
        """Frames a second, CPU time, memory and agreement of each system."""
        sizes = self._sizes
        self._say("writing clips")
        files = [str(path) for path in clips(self._folder, sizes.cameras, sizes.frames)]
        warm_up = WARM_UP_FRAMES * sizes.cameras
        runs: dict[str, list[Run]] = {peer.name: [] for peer in self._here}
        for round_ in range(sizes.rounds):
            turn = round_ % len(self._here)
            for peer in self._here[turn:] + self._here[:turn]:
                self._say(f"round {round_ + 1} of {sizes.rounds}: {peer.title}")
                run = self._run(peer, files, live=False, limit_s=LIMIT_S)
                if run is not None:
                    runs[peer.name].append(run)
        for name in self.failed:
            del runs[name]
        ours = by_picture(run.results for run in runs[OURS])
        told = {}
        for name, rounds in runs.items():
            rates = [rate(run.results.moment_s, warm_up) for run in rounds]
            cpu_s = [
                1000.0 * run.cpu_between_s(began_s, ended_s) / (len(run.results.camera) - warm_up)
                for run, (_, began_s, ended_s) in zip(rounds, rates, strict=True)
            ]
            same = agreement(ours, by_picture(run.results for run in rounds))
            told[name] = {
                "backend": rounds[0].backend,
                "settings": rounds[0].settings,
                "versions": rounds[0].versions,
                "frames_per_s": _spread([per_s for per_s, _, _ in rates]),
                "cpu_s_per_1000_frames": _spread(cpu_s),
                "memory_mib": _spread([run.memory_mib for run in rounds]),
                "memory_shared_once_mib": _spread([run.shared_once_mib for run in rounds]),
                "frames_a_round": [len(run.results.camera) for run in rounds],
                "agreement": {
                    "pictures": same.pictures,
                    "boxes_of_ours": same.boxes,
                    "boxes": same.other_boxes,
                    "match_rate": round(same.match_rate, 4),
                    "count_difference": round(same.count_difference, 4),
                },
                "pictures_unreadable": sum(int((run.results.stamp < 0).sum()) for run in rounds),
            }
        return told

    def overload(self, fits: dict[str, float]) -> dict[str, Any]:
        """Ages at twice as many cameras as fit, of each system by itself and of ours."""
        most = self._sizes.most_cameras
        self._say("encoding cameras (once a machine)")
        found = loops(len(recordings()))
        own = {name: min(most, cameras_that_overload(fit)) for name, fit in fits.items()}
        told: dict[str, Any] = {}
        for peer in self._here:
            if peer.name not in own:
                continue
            rows: dict[int, dict[str, Any]] = {}
            for cameras in dict.fromkeys((own[peer.name], own[OURS])):
                self._say(f"{cameras} cameras: {peer.title}")
                with served(found, cameras) as live:
                    limit_s = self._sizes.settle_s + self._sizes.seconds
                    run = self._run(peer, live.addresses, live=True, limit_s=limit_s)
                if run is not None:
                    rows[cameras] = age_figures(run, live, self._sizes.settle_s)
            cases = {"own_capacity": own[peer.name], "capacity_of_ours": own[OURS]}
            told[peer.name] = {
                case: rows[cameras] for case, cameras in cases.items() if cameras in rows
            }
        return told


def cameras_that_overload(fits: float) -> int:
    """Twice as many cameras as fit, to the next multiple of four: an export serves one number."""
    return max(4, 4 * round(OVERLOAD * fits / 4))


def age_figures(run: Run, live: Cameras, settle_s: float) -> dict[str, Any]:
    """How old results were in a run over RTSP, once it had settled."""
    results: Timed = run.results
    cameras = len(live.addresses)
    legible = results.stamp >= 0
    camera, moment_s = results.camera[legible], results.moment_s[legible]
    captured_s = live.clock.captured_s(camera, results.stamp[legible], moment_s)
    window_s = (float(results.moment_s[0]) + settle_s, float(results.moment_s[-1]))
    inside = moment_s >= window_s[0]
    ages_s = (moment_s - captured_s)[inside]
    length_s = max(window_s[1] - window_s[0], 1e-9)
    thirds = np.minimum((moment_s[inside] - window_s[0]) / length_s * 3, 2).astype(int)
    information_s = ages_of_information(
        camera, captured_s, moment_s, cameras, window_s, run.begun_s
    )
    return {
        "cameras": cameras,
        "seconds": round(length_s, 1),
        "frames_per_s": round(float(inside.sum()) / length_s, 1),
        "frame_age_ms": quantiles_ms(ages_s),
        "frame_age_p95_ms_by_third": [quantiles_ms(ages_s[thirds == n])["p95"] for n in range(3)],
        "age_of_information_ms": quantiles_ms(information_s),
        "least_frames_of_a_camera": int(np.bincount(camera[inside], minlength=cameras).min()),
        "cores": round(run.cpu_between_s(*window_s) / length_s, 2),
        "memory_mib": round(run.memory_mib, 1),
        "pictures_unreadable": int((~legible).sum()),
        "cameras_took_cores": round(live.cpu_cores, 3),
        "cameras_sent_late_p99_ms": live.late_p99_ms,
        "settings": run.settings,
    }


def _ratios(told: dict[str, Any], ages: dict[str, Any]) -> dict[str, Any]:
    """How many times more frames a second ours has, and how many times older others' frames are."""
    ratios: dict[str, Any] = {}
    for name, row in told.items():
        if name == OURS:
            continue
        pairs = zip(told[OURS]["frames_per_s"]["each"], row["frames_per_s"]["each"], strict=True)
        ratios[name] = {"throughput": _spread([ours / other for ours, other in pairs])}
        for case, theirs in ages.get(name, {}).items():
            for figure in ("frame_age_ms", "age_of_information_ms"):
                other, ours = theirs[figure]["p95"], ages[OURS][case][figure]["p95"]
                known = other is not None and bool(ours)
                ratios[name][f"{figure.removesuffix('_ms')}_p95_{case}"] = (
                    round(other / ours, 2) if known else None
                )
    return ratios


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least and most over the rounds, and each of them."""
    return {
        "median": round(float(np.median(values)), 3),
        "low": round(float(np.min(values)), 3),
        "high": round(float(np.max(values)), 3),
        "each": [round(float(value), 3) for value in values],
    }
