"""How often does the cue that something moves miss somebody, and how often is it wrong?

On the drills truth says who is in a picture; on public recordings, which have no truth, our own
whole-frame detector says it. An arrival is somebody who comes into a picture in which nobody was
just before (and, in drills, also whoever comes where others are). It is noticed where the cue says
so within half a second. Times at which nobody was near are empty: whatever stirs then is false.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from vision.decode import decode_file
from vision.stir import QUIET_S, Stir
from vision.yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from vision.detect import Detector, Device
    from vision.frames import Frame

ARRIVES_AFTER_S = 3.0
"""Somebody arrives who was not seen for so long."""

NOTICED_S = 0.5
NEAR_S = 1.5
VISIBLE = 0.3
"""Share of a body that has to show before it counts as there; any of it counts as near."""

SURE, ANY = 0.5, 0.1
BATCH = 8
RECORDINGS = {  # file, pictures a second it was taken at (None: as it says), and every nth is used
    "wisenet": ("wisenet/3.avi", None, 3),
    "meva-school": (
        "meva-school/2018-03-11.16-20-00.16-25-00.school.G330.annotated.mp4",
        7.5,
        1,
    ),
    "intel": ("intel-sample-videos/one-by-one-person-detection.mp4", None, 1),
}


@dataclass(slots=True)
class Counted:
    """Sums over pictures.

    Attributes:
        arrivals: somebody came.
        noticed: of them, those that the cue noticed in time.
        quiet_arrivals: arrivals where nothing had moved for `QUIET_S`.
        quiet_noticed: of them, those noticed as something that begins to move.
        delay_s: from each arrival noticed to the cue; below 0 where less than `VISIBLE` of the
            body was enough.
        empty_s: seconds in which nobody was near.
        empty_moving_s: of them, those in which the cue said that something moves.
        false_onsets: onsets in them.
        peopled_s: seconds in which somebody showed.
        peopled_moving_s: of them, those in which the cue said that something moves.
    """

    arrivals: int = 0
    noticed: int = 0
    quiet_arrivals: int = 0
    quiet_noticed: int = 0
    delay_s: list[float] = field(default_factory=list)
    empty_s: float = 0.0
    empty_moving_s: float = 0.0
    false_onsets: int = 0
    peopled_s: float = 0.0
    peopled_moving_s: float = 0.0

    def add(
        self,
        at_s: np.ndarray[Any, Any],
        cue: Sequence[str],
        near: np.ndarray[Any, Any],
        arrivals_s: Iterable[float],
    ) -> None:
        """Take in one video: times of its pictures, what was said, and who was there."""
        step_s = float(np.median(np.diff(at_s)))
        moving_s = at_s[[one != "still" for one in cue]]
        onsets_s = at_s[[one == "stirs" for one in cue]]
        near_s = at_s[near]
        gap_s = np.abs(at_s[:, None] - near_s[None]).min(axis=1) if len(near_s) else np.inf
        empty = np.broadcast_to(gap_s > NEAR_S, at_s.shape)
        self.empty_s += float(empty.sum()) * step_s
        self.empty_moving_s += float(np.isin(moving_s, at_s[empty]).sum()) * step_s
        self.false_onsets += int(np.isin(onsets_s, at_s[empty]).sum())
        self.peopled_s += len(near_s) * step_s
        self.peopled_moving_s += float(np.isin(moving_s, near_s).sum()) * step_s
        for came_s in arrivals_s:
            within = (moving_s > came_s - NEAR_S) & (moving_s <= came_s + NOTICED_S)
            before = (moving_s > came_s - QUIET_S - NEAR_S) & (moving_s <= came_s - NEAR_S)
            self.arrivals += 1
            self.noticed += bool(within.any())
            if within.any():
                self.delay_s.append(float(moving_s[within][0] - came_s))
            if not before.any():
                self.quiet_arrivals += 1
                onset = (onsets_s > came_s - NEAR_S) & (onsets_s <= came_s + NOTICED_S)
                self.quiet_noticed += bool(onset.any())

    def figures(self) -> dict[str, Any]:
        """The rates, with what they were counted from."""
        hours = self.empty_s / 3600.0
        return {
            "arrivals": self.arrivals,
            "noticed_share": round(self.noticed / self.arrivals, 3) if self.arrivals else None,
            "quiet_arrivals": self.quiet_arrivals,
            "quiet_noticed_share": (
                round(self.quiet_noticed / self.quiet_arrivals, 3) if self.quiet_arrivals else None
            ),
            "delay_s_median": (round(float(np.median(self.delay_s)), 2) if self.delay_s else None),
            "peopled_moving_share": (
                round(self.peopled_moving_s / self.peopled_s, 3) if self.peopled_s else None
            ),
            "empty_s": round(self.empty_s, 1),
            "empty_moving_share": (
                round(self.empty_moving_s / self.empty_s, 4) if self.empty_s else None
            ),
            "false_onsets": self.false_onsets,
            "false_onsets_an_hour": round(self.false_onsets / hours, 1) if hours else None,
            # Rule of three and its kin: the exact upper limit of a Poisson rate at 95 %.
            "false_onsets_an_hour_at_most": (
                round(_poisson_upper(self.false_onsets) / hours, 1) if hours else None
            ),
        }


def measure(
    drills: Iterable[Path], data: Path | None, device: Device = "cpu"
) -> dict[str, dict[str, Any]]:
    """Rates by drill and recording, of all drills and of everything; plus what a look costs.

    Args:
        drills: drill folders with videos and truth/boxes.
        data: folder of public recordings; those that are not there are left out.
        device: where the detector runs that says who is in a recording.
    """
    figures: dict[str, dict[str, Any]] = {}
    everything, in_drills, cost_us = Counted(), Counted(), []
    for drill in drills:
        one = Counted()
        for video in sorted((drill / "video").glob("*.mp4")):
            at_s, cue, spent_us = cues(decode_file(video, video.stem))
            near, arrivals_s = _in_truth(drill / "truth" / "boxes" / f"{video.stem}.csv", at_s)
            for counted in (one, in_drills, everything):
                counted.add(at_s, cue, near, arrivals_s)
            cost_us += spent_us
        figures[drill.name] = one.figures()
    figures["drills"] = in_drills.figures()
    for name, (file, fps, every) in RECORDINGS.items():
        path = data / file if data is not None else None
        if path is not None and path.is_file():
            one = Counted()
            seen = _recording(path, fps, every, load_detector(device))
            for counted in (one, everything):
                counted.add(*seen)
            figures[name] = one.figures()
    figures["all"] = everything.figures()
    figures["cost_us_a_frame"] = {"median": round(float(np.median(cost_us)), 1)}
    return figures


def cues(frames: Iterator[Frame]) -> tuple[np.ndarray[Any, Any], list[str], list[float]]:
    """Times of the pictures, what the cue says of each, and microseconds that it took."""
    stir, at_s, said, spent_us = Stir(), [], [], []
    for frame in frames:
        began_ns = time.thread_time_ns()
        said.append(str(stir.look(frame.luma(), frame.captured_at_s)))
        spent_us.append((time.thread_time_ns() - began_ns) / 1e3)
        at_s.append(frame.captured_at_s)
    return np.array(at_s), said, spent_us


def _in_truth(path: Path, at_s: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], list[float]]:
    """In which pictures anybody shows, and when somebody arrived."""
    near = np.zeros(len(at_s), np.bool_)
    seen: dict[str, list[int]] = defaultdict(list)
    with path.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            frame, visible = int(row["frame"]) - 1, float(row["visible"])
            near[frame] |= visible > 0
            if visible >= VISIBLE:
                seen[row["id"]].append(frame)
    arrivals_s = []
    for frames in seen.values():
        times_s = at_s[sorted(frames)]
        since_s = np.diff(times_s, prepend=at_s[0] - ARRIVES_AFTER_S)
        came = (since_s >= ARRIVES_AFTER_S) & (times_s > at_s[0] + QUIET_S)
        arrivals_s += times_s[came].tolist()
    return near, arrivals_s


def _recording(
    path: Path, fps: float | None, every: int, detector: Detector
) -> tuple[np.ndarray[Any, Any], list[str], np.ndarray[Any, Any], list[float]]:
    """What `Counted.add` takes of a recording, who is there being what the detector says."""
    stir, at_s, said, most = Stir(), [], [], []
    with closing(decode_file(path, path.stem, fps=fps)) as frames:
        batch: list[Frame] = []
        for frame in frames:
            if frame.index % every:
                continue
            at_s.append(frame.captured_at_s)
            said.append(str(stir.look(frame.luma(), frame.captured_at_s)))
            batch.append(frame)
            if len(batch) == BATCH:
                most += _surest(batch, detector)
                batch = []
        if batch:
            most += _surest(batch, detector)
    times_s, surest = np.array(at_s), np.array(most)
    sure_s = times_s[surest >= SURE]
    since_s = np.diff(sure_s, prepend=times_s[0] - ARRIVES_AFTER_S)
    came = (since_s >= ARRIVES_AFTER_S) & (sure_s > times_s[0] + QUIET_S)
    return times_s, said, surest >= ANY, sure_s[came].tolist()


def _surest(frames: list[Frame], detector: Detector) -> list[float]:
    found = detector.detect([frame.image for frame in frames])
    return [float(one.persons().confidence.max(initial=0.0)) for one in found]


def _poisson_upper(count: int) -> float:
    return float(chi2.ppf(0.95, 2 * (count + 1)) / 2)
