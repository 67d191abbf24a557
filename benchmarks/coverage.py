"""Do the ellipses of floor positions hold the people who were seen?

Each box of a drill is matched to the true box that it overlaps (so that how it is placed has no
say), placed on the floor, and compared with where that person was. A covariance is honest where its
95 % ellipse holds 95 of 100, and where the squared distance in units of it is 2 on average.

    python -m benchmarks.coverage benchmarks/drills/wing out/cmc out/wildtrack

Videos are looked at with the shipped detector, every tenth frame unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from shapely import Point, Polygon

from api.drill_files import load_drill
from api.recorded_frames import recorded_frames
from api.truth import load_truth
from calibration.floor_plan import FloorPlan, Level
from calibration.projection import to_floor_positions
from calibration.synthetic import Imperfection, Scene, Walker, mounted_camera
from vision.frames import Frame
from vision.tracks import Tracks
from vision.yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from api.drill_files import Drill
    from api.truth import TrueBoxes, Truth
    from calibration.camera import CameraModel
    from vision.detections import Detections
    from vision.sources import AnyFrame
    from vision.yolo import YoloDetector

LEAST_IOU = 0.2
"""Less overlap than this is not the same person."""

INSIDE = 5.991
"""Squared distance that 95 of 100 pairs of normal numbers stay below (chi-square, 2 degrees)."""

GROSS_M = 1.5
"""A box placed farther off than this was of something else than the truth says."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Boxes whose person is known, of one data set.

    Attributes:
        error_m: `(N, 2)` along the line of sight (positive = too far away) and across it.
        squared: `(N,)` squared distance from the truth in units of the covariance.
        from_head: `(N,)` bool, placed by the head.
        away_m: `(N,)` distance from the camera.
        expected_m: `(N,)` root mean square error that the covariance tells.
        unplaced: boxes of known people without a position.
    """

    error_m: NDArray[np.float64]
    squared: NDArray[np.float64]
    from_head: NDArray[np.bool_]
    away_m: NDArray[np.float64]
    expected_m: NDArray[np.float64]
    unplaced: int

    def figures(self) -> dict[str, Any]:
        """Counts, errors in metres, coverage and mean squared distance, as JSON."""
        away_m = np.linalg.norm(self.error_m, axis=1)
        if not len(away_m):
            return {"boxes": 0, "unplaced": self.unplaced}
        return {
            "boxes": len(away_m),
            "unplaced": self.unplaced,
            "from_head": round(float(self.from_head.mean()), 3),
            "median_m": round(float(np.median(away_m)), 3),
            "p95_m": round(float(np.quantile(away_m, 0.95)), 3),
            "bias_along_m": round(float(np.median(self.error_m[:, 0])), 3),
            "bias_across_m": round(float(np.median(self.error_m[:, 1])), 3),
            "expected_m": round(float(np.median(self.expected_m)), 3),
            "coverage_95": round(float(np.mean(self.squared < INSIDE)), 3),
            "nees_half": round(float(np.mean(self.squared) / 2), 3),
            "nees_half_trimmed": round(float(_trimmed(self.squared) / 2), 3),
            "gross": round(float(np.mean(away_m > GROSS_M)), 3),
        }


def _trimmed(squared: NDArray[np.float64]) -> float:
    """Mean without the largest 2 %, which are often boxes of somebody else."""
    kept = np.sort(squared)[: max(1, int(0.98 * len(squared)))]
    return float(kept.mean())


def measure_drill(folder: Path, every: int = 10, device: str = "auto") -> dict[str, Placed]:
    """Boxes of a drill that has a truth with boxes, by camera.

    Args:
        folder: the drill.
        every: take every so many frames of a video; all of recorded boxes.
        device: where the detector runs.
    """
    drill = load_drill(folder)
    truth = load_truth(folder, drill.site)
    if truth is None or not truth.boxes:
        raise SystemExit(f"{folder}: has no truth with boxes; this measures nothing")
    detector = None
    if any(feed.has_pixels for feed in drill.feeds):
        detector = load_detector(device)  # type: ignore[arg-type]
    return {
        feed.camera: _placed(_samples(drill, feed.camera, truth, every, detector))
        for feed in drill.feeds
        if feed.camera in truth.boxes
    }


def _samples(
    drill: Drill, camera_id: str, truth: Truth, every: int, detector: YoloDetector | None
) -> Iterator[tuple[CameraModel, Tracks, NDArray[np.float64], FloorPlan, str]]:
    """Of each frame: its boxes, and where the person of each was; not a number where unknown."""
    camera = drill.site.cameras[camera_id]
    [feed] = [feed for feed in drill.feeds if feed.camera == camera_id]
    boxes = truth.boxes[camera_id]
    paths = {path.person: path for path in truth.people}
    for frame in recorded_frames(feed, camera.model, 0.0, drill.duration_s):
        if feed.has_pixels and frame.index % every:
            continue
        persons = _persons(frame, detector)
        rows, people = _known(persons.xyxy_px, boxes, frame.index + 1)
        t_s = np.array([frame.captured_at_s])
        where = [paths[person].at(t_s) for person in people]
        kept = [
            k
            for k, one in enumerate(where)
            if one.present[0]
            and one.level[0] == camera.level
            and (truth.area is None or truth.area.covers(Point(one.xy_m[0])))
        ]
        if kept:
            # Boxes of others are placed, too: they may hide somebody's feet.
            truth_m = np.full((len(persons), 2), np.nan)
            truth_m[[rows[k] for k in kept]] = [where[k].xy_m[0] for k in kept]
            yield (
                camera.model,
                _tracks(camera_id, frame, persons),
                truth_m,
                drill.site.plan,
                camera.level,
            )


def _persons(frame: AnyFrame, detector: YoloDetector | None) -> Detections:
    if isinstance(frame, Frame):
        assert detector is not None  # noqa: S101 - loaded where a feed has pixels
        return detector.detect([frame.image])[0].persons()
    return frame.detections.persons()


def _known(
    xyxy_px: NDArray[np.float32], truth: TrueBoxes, frame: int
) -> tuple[list[int], list[str]]:
    """Rows of boxes that overlap a true box of the frame, one each, and whose it is."""
    of_frame = np.flatnonzero(truth.frame == frame)
    overlap = _iou(xyxy_px.astype(np.float64), truth.xyxy_px[of_frame])
    rows, columns = linear_sum_assignment(-overlap)
    pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= LEAST_IOU]
    return [int(r) for r, _ in pairs], [str(truth.person[of_frame[c]]) for _, c in pairs]


def _iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    found: NDArray[np.float64] = both / np.maximum(areas[0][:, None] + areas[1] - both, 1e-9)
    return found


def _tracks(camera_id: str, frame: AnyFrame, persons: Detections) -> Tracks:
    n = len(persons)
    return Tracks(
        camera=camera_id,
        frame_index=frame.index,
        captured_at_s=frame.captured_at_s,
        size_px=frame.size_px,
        xyxy_px=persons.xyxy_px,
        confidence=persons.confidence,
        track_id=np.arange(n, dtype=np.int64),
        armed_llr=np.zeros(n),
    )


def measure_synthetic(seed: int = 0, walks: int = 150) -> Placed:
    """People of the shipped scene under cameras whose calibration errs as it says it does."""
    rng = np.random.default_rng(seed)
    plan = FloorPlan([Level("L1", "Ground", 0, 0.0, Polygon())], [])
    samples = []
    for k in range(walks):
        model = mounted_camera(
            (0.0, 0.0, rng.uniform(2.3, 3.5)), (rng.uniform(4, 9), rng.uniform(-1, 1), 0.5),
            hfov_deg=rng.uniform(60, 100), k1=rng.uniform(-0.15, 0.0),
        )  # fmt: skip
        ends = rng.uniform((3, -3), (14, 3), (2, 2))
        walker = Walker(
            "p", (tuple(ends[0].tolist()), tuple(ends[1].tolist())),
            start_s=-1.0, stature_m=float(rng.normal(1.70, 0.09)),
        )  # fmt: skip
        scene = Scene({"cam": model}, [walker], errors=Imperfection(miss_rate=0.0), seed=seed + k)
        off_m = rng.normal(0, model.floor_error_m, 2)
        for tracks in scene.frames(0.4):
            if len(tracks):
                place_m = walker.place(tracks.captured_at_s)[0] + off_m
                samples.append((model, tracks, place_m[None], plan, "L1"))
    return _placed(samples)


def _placed(
    samples: Iterable[tuple[CameraModel, Tracks, NDArray[np.float64], FloorPlan, str]],
) -> Placed:
    errors, squared, heads, away, expected, unplaced = [], [], [], [], [], 0
    for model, tracks, truth_m, plan, level in samples:
        placed = to_floor_positions(tracks, model, "cam", level, plan)
        rows = np.searchsorted(np.sort(tracks.track_id), placed.track_id)
        told = np.isfinite(truth_m[:, 0])
        unplaced += int(told.sum() - told[rows].sum())
        rows, kept = rows[told[rows]], told[rows]
        off_m = placed.xy_m[kept] - truth_m[rows]
        centre_m = model.centre_m
        assert centre_m is not None  # noqa: S101 - all that are measured have one
        sight = truth_m[rows] - centre_m[:2]
        range_m = np.linalg.norm(sight, axis=1)
        sight = sight / np.maximum(range_m, 1e-9)[:, None]
        across = np.column_stack([-sight[:, 1], sight[:, 0]])
        errors.append(np.column_stack([(off_m * sight).sum(1), (off_m * across).sum(1)]))
        squared.append(np.einsum("ni,nij,nj->n", off_m, np.linalg.inv(placed.cov_m2[kept]), off_m))
        heads.append(placed.from_head[kept])
        away.append(range_m)
        expected.append(np.sqrt(np.trace(placed.cov_m2[kept], axis1=1, axis2=2)))
    columns = [np.concatenate(c) if c else np.zeros(0) for c in (squared, heads, away, expected)]
    error_m = np.concatenate(errors) if errors else np.zeros((0, 2))
    squared_all, heads_all, away_m, expected_m = columns
    return Placed(error_m, squared_all, heads_all.astype(np.bool_), away_m, expected_m, unplaced)


def together(parts: Sequence[Placed]) -> Placed:
    """Several cameras as one."""
    return Placed(
        error_m=np.concatenate([part.error_m for part in parts]),
        squared=np.concatenate([part.squared for part in parts]),
        from_head=np.concatenate([part.from_head for part in parts]),
        away_m=np.concatenate([part.away_m for part in parts]),
        expected_m=np.concatenate([part.expected_m for part in parts]),
        unplaced=sum(part.unplaced for part in parts),
    )


def main() -> None:
    """Print a line of figures for the shipped scene and for each drill."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("drills", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--every", type=int, default=10, help="frames of videos to take")
    parser.add_argument("--cameras", action="store_true", help="a line for each camera, too")
    chosen = parser.parse_args()
    print(json.dumps({"set": "synthetic"} | measure_synthetic().figures()), flush=True)
    for folder in chosen.drills:
        by_camera = measure_drill(folder, chosen.every)
        print(json.dumps({"set": folder.name} | together(list(by_camera.values())).figures()),
              flush=True)  # fmt: skip
        if chosen.cameras:
            for camera, placed in by_camera.items():
                print(json.dumps({"camera": camera} | placed.figures()), flush=True)


if __name__ == "__main__":
    main()
