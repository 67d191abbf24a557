"""Do clothes tell whether two tracks are one body, and do they say how sure that is?

A drill with true boxes is played through detector and tracker. Each track is given the body that
most of its boxes lie on; then all pairs of tracks are compared by what travels with them. Where
there are pictures of MultiviewX they are measured, too (`appearance_multiview`).
"""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import supervision as sv

from api.drill_files import load_drill
from api.drill_play import batches_of
from api.errors import DrillError
from api.machine import machine_facts, package_versions
from api.recorded_frames import recorded_frames
from api.worker import build_pipeline
from calibration.appearance import distances, known, same_body_llr
from vision.appearance import RunningAppearance
from vision.frames import Frame

from .pair_figures import area_under_curve, equal_error_rate, first_is_right, ratio_cost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from api.drill_files import Drill
    from vision.detect import Device
    from vision.pipeline import TrackedFrame
    from vision.tracks import Tracks

EVERY = 2
"""Every second frame is used: five a second, what a busy machine gives a camera."""

SAME_BOX_IOU = 0.5
LEAST_VOTES, LEAST_AGREEMENT = 3, 0.7
"""A track belongs to a body if it lay on true boxes so often, and on that body's in this share."""


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Tracks with the body that each is.

    Attributes:
        embedding: `(N, D)` float32.
        body: N ids.
        camera: N camera ids.
        born_s: `(N,)` capture time of the first frame.
        died_s: `(N,)` of the last.
    """

    embedding: NDArray[np.float32]
    body: list[int]
    camera: list[str]
    born_s: NDArray[np.float64]
    died_s: NDArray[np.float64]


def measure(
    drill_folder: Path, device: Device = "auto", say: Callable[[float], None] = lambda _share: None
) -> dict[str, Any]:
    """Figures of pairs of tracks across cameras and within one, and what they cost.

    Args:
        drill_folder: a drill with videos and `truth/boxes`.
        device: "auto", "cpu" or "cuda".
        say: told the share that is done.

    Raises:
        DrillError: the drill has no true boxes.
    """
    drill = load_drill(drill_folder)
    bodies, backend, cost = _follow(drill, device, say)
    crowd = one_of_each(bodies)
    apart = distances(bodies.embedding, bodies.embedding)
    llr = same_body_llr(bodies.embedding, bodies.embedding, crowd)
    body, camera = np.array(bodies.body), np.array(bodies.camera)
    across = camera[:, None] != camera[None]
    # Two tracks of one camera that overlap in time are two bodies without looking.
    within = ~across & (bodies.died_s[:, None] < bodies.born_s[None])
    same = body[:, None] == body[None]
    return {
        "benchmark": "appearance",
        "machine": machine_facts(detector=backend),
        "versions": package_versions(),
        "drill": drill.name,
        "tracks": len(body),
        "bodies": len(set(bodies.body)),
        "across_cameras": pairs(apart, llr, same, np.triu(across), _first(-apart, bodies)),
        "within_a_camera": pairs(apart, llr, same, within, []),
        "cost": cost,
    }


def pairs(
    apart: NDArray[np.float64],
    llr: NDArray[np.float64],
    same: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    first: list[bool],
) -> dict[str, float | int | None]:
    """Figures of the pairs that are counted; None where there are too few.

    Args:
        apart: `(N, N)` distances.
        llr: `(N, N)` log-likelihood ratios of one body against two.
        same: `(N, N)` where both are one body.
        counted: `(N, N)` which pairs count, each once.
        first: for each query whether the nearest was the right one.
    """
    one, two = same & counted, ~same & counted
    enough = bool(one.any() and two.any())
    return {
        "same": int(one.sum()),
        "different": int(two.sum()),
        "auc": round(area_under_curve(-apart[one], -apart[two]), 4) if enough else None,
        "equal_error_rate": round(equal_error_rate(-apart[one], -apart[two]), 4)
        if enough
        else None,
        "rank_1": round(float(np.mean(first)), 4) if first else None,
        "ratio_cost_bits": round(ratio_cost(llr[one], llr[two]), 4) if enough else None,
    }


def one_of_each(bodies: Bodies) -> NDArray[np.float32]:
    """One embedding of each body, the crowd that a locator would know."""
    rows = {body: row for row, body in enumerate(bodies.body)}
    return bodies.embedding[list(rows.values())]


def _first(score: NDArray[np.float64], bodies: Bodies) -> list[bool]:
    """For each track and each other camera: whether the best there is the right one."""
    camera = np.array(bodies.camera)
    right: list[bool] = []
    for one in sorted(set(bodies.camera)):
        for other in sorted(set(bodies.camera) - {one}):
            rows, columns = np.flatnonzero(camera == one), np.flatnonzero(camera == other)
            right += first_is_right(
                score[np.ix_(rows, columns)],
                [bodies.body[row] for row in rows],
                [bodies.body[column] for column in columns],
            )
    return right


def _follow(
    drill: Drill, device: Device, say: Callable[[float], None]
) -> tuple[Bodies, str, dict[str, float]]:
    """All tracks whose body is known, the detector's backend, and what the looks cost."""
    truth = {feed.camera: _true_boxes(drill.folder, feed.camera) for feed in drill.feeds}
    pipeline, backend = build_pipeline(device, pixels=True)
    feeds = [
        recorded_frames(
            feed, drill.site.cameras[feed.camera].model, drill.start_s, drill.duration_s
        )
        for feed in drill.feeds
    ]
    votes: defaultdict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    seen: dict[tuple[str, int], tuple[NDArray[np.float32], float, float]] = {}
    shadows: defaultdict[str, RunningAppearance] = defaultdict(RunningAppearance)
    pipeline_s, looks_s, frames = 0.0, 0.0, 0
    for batch in batches_of(feeds):
        used = [frame for frame in batch if not frame.index % EVERY]
        began_s = time.perf_counter()
        done = pipeline.process(used)
        pipeline_s += time.perf_counter() - began_s
        frames += len(used)
        for one in done:
            looks_s += _look_again(one, shadows)
            _vote(one.tracks, truth[one.tracks.camera], votes)
            for track, embedding in zip(
                one.tracks.track_id.tolist(), one.tracks.appearance, strict=True
            ):
                key = (one.tracks.camera, track)
                born_s = seen[key][1] if key in seen else one.tracks.captured_at_s
                seen[key] = (embedding, born_s, one.tracks.captured_at_s)
        say((batch[-1].captured_at_s - drill.start_s) / drill.duration_s)
    cost = {
        "ms_a_frame": round(1000 * looks_s / max(frames, 1), 3),
        "share_of_the_pipeline": round(looks_s / max(pipeline_s, 1e-9), 4),
    }
    return _decided(votes, seen), backend, cost


def _look_again(tracked: TrackedFrame, shadows: defaultdict[str, RunningAppearance]) -> float:
    """Seconds that the look at the frame's clothes takes, done once more on the side."""
    frame, tracks = tracked.frame, tracked.tracks
    if not isinstance(frame, Frame):
        return 0.0
    began_s = time.perf_counter()
    shadows[frame.camera].look(
        frame.image,
        tracks.track_id,
        tracks.xyxy_px,
        tracked.persons.xyxy_px,
        frame.captured_at_s,
    )
    return time.perf_counter() - began_s


def _true_boxes(
    folder: Path, camera: str
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Ids and boxes of each frame, by the frame's index from 0."""
    path = folder / "truth" / "boxes" / f"{camera}.csv"
    rows: defaultdict[int, list[tuple[int, list[float]]]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                left, top = float(row["left"]), float(row["top"])
                box = [left, top, left + float(row["width"]), top + float(row["height"])]
                rows[int(row["frame"]) - 1].append((int(row["id"]), box))
    except (OSError, KeyError, ValueError) as error:
        raise DrillError(f"{path}: true boxes are needed to measure by: {error}") from error
    return {
        frame: (np.array([n for n, _ in found]), np.array([box for _, box in found], np.float32))
        for frame, found in rows.items()
    }


def _vote(
    tracks: Tracks,
    truth: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]],
    votes: defaultdict[tuple[str, int], Counter[int]],
) -> None:
    if tracks.frame_index not in truth or not len(tracks):
        return
    body, boxes = truth[tracks.frame_index]
    overlap = sv.box_iou_batch(tracks.xyxy_px, boxes)
    for row, track in enumerate(tracks.track_id.tolist()):
        best = int(overlap[row].argmax())
        if overlap[row, best] >= SAME_BOX_IOU:
            votes[tracks.camera, track][int(body[best])] += 1


def _decided(
    votes: dict[tuple[str, int], Counter[int]],
    seen: dict[tuple[str, int], tuple[NDArray[np.float32], float, float]],
) -> Bodies:
    rows = []
    for key, (embedding, born_s, died_s) in sorted(seen.items()):
        counted = votes.get(key, Counter())
        if counted.total() < LEAST_VOTES or not known(embedding[None])[0]:
            continue
        [(body, agreeing)] = counted.most_common(1)
        if agreeing >= LEAST_AGREEMENT * counted.total():
            rows.append((embedding, body, key[0], born_s, died_s))
    if not rows:
        raise DrillError("no track of the drill lies on a true box: there is nothing to measure")
    return Bodies(
        np.stack([row[0] for row in rows]),
        [row[1] for row in rows],
        [row[2] for row in rows],
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
    )
