"""A scene with known truth: people walk on a plan and cameras see them as a detector would.

The shipped fake of everything before projection. A walker has moving legs and arms, so that boxes
show what real boxes show: the nearest shoe at the bottom, a lean at the sides of the picture, cuts
at its borders. On top come seeded jitter, missed and false boxes, broken tracks and looks for a
weapon. Tests and benchmarks share it.

It does not know how projection inverts any of this: the body here is a walking figure, there a set
of rings, and the two meet only in the camera model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from vision.tracks import Tracks

from .camera import CameraModel, Pose
from .lens import Lens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from .floor_plan import FloorPlan

STEP_M = 0.70
"""Length of one step at walking pace."""


def mounted_camera(
    at_m: tuple[float, float, float],
    look_at_m: tuple[float, float, float],
    *,
    hfov_deg: float = 85.0,
    k1: float = 0.0,
    size_px: tuple[int, int] = (640, 360),
) -> CameraModel:
    """A level camera that hangs at a point and looks at another.

    Args:
        at_m: (x, y, z) of the lens, site metres, z above the floor.
        look_at_m: (x, y, z) of the point in the middle of the picture.
        hfov_deg: horizontal field of view, before distortion.
        k1: radial distortion.
        size_px: (width, height) of the picture.
    """
    centre_m = np.array(at_m)
    forward = np.array(look_at_m) - centre_m
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    width_px, height_px = size_px
    focal_px = width_px / 2 / float(np.tan(np.radians(hfov_deg / 2)))
    middle_px = ((width_px - 1) / 2, (height_px - 1) / 2)
    lens = Lens(width_px, height_px, focal_px, focal_px, *middle_px, k1=k1)
    return CameraModel.from_pose(lens, Pose(rotation, -rotation @ centre_m))


@dataclass(frozen=True, slots=True)
class Walker:
    """A person who walks along points and stops at the last.

    Attributes:
        name: who it is.
        path_m: points (x, y), site metres; at least one.
        speed_mps: walking speed.
        start_s: when it sets off; before, it stands at the first point.
        appears_s: it does not exist before this moment.
        leaves_s: nor from this moment on.
        stature_m: height with shoes.
        armed: whether looks show a weapon.
    """

    name: str
    path_m: tuple[tuple[float, float], ...]
    speed_mps: float = 1.3
    start_s: float = 0.0
    appears_s: float = -np.inf
    leaves_s: float = np.inf
    stature_m: float = 1.70
    armed: bool = False

    def walked_m(self, t_s: float) -> float:
        """Metres walked until `t_s`."""
        length_m = float(np.linalg.norm(np.diff(self._path(), axis=0), axis=1).sum())
        return float(np.clip((t_s - self.start_s) * self.speed_mps, 0.0, length_m))

    def place(self, t_s: float) -> tuple[NDArray[np.float64], float]:
        """Place `(2,)` in site metres and heading in radians, anticlockwise from +x, at `t_s`."""
        path_m = self._path()
        if len(path_m) == 1:
            return path_m[0].copy(), 0.0
        legs_m = np.diff(path_m, axis=0)
        ends_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(legs_m, axis=1))])
        done_m = self.walked_m(t_s)
        leg = min(int(np.searchsorted(ends_m, done_m, side="right")) - 1, len(legs_m) - 1)
        share = (done_m - ends_m[leg]) / max(ends_m[leg + 1] - ends_m[leg], 1e-9)
        heading = float(np.arctan2(legs_m[leg, 1], legs_m[leg, 0]))
        return path_m[leg] + share * legs_m[leg], heading

    def _path(self) -> NDArray[np.float64]:
        return np.array(self.path_m, np.float64).reshape(-1, 2)

    def is_there(self, t_s: float) -> bool:
        """Whether the walker is in the scene at `t_s`."""
        return self.appears_s <= t_s < self.leaves_s


def figure_m(walker: Walker, t_s: float) -> NDArray[np.float64]:
    """Points `(M, 3)` on the outline of a walking figure, site metres, z up.

    Proportions of stature after Drillis and Contini (Winter, "Biomechanics and motor control of
    human movement", table 4.1); ankles swing half a step to either side of the pelvis.
    """
    xy_m, heading = walker.place(t_s)
    moving = walker.start_s < t_s and walker.walked_m(t_s) < walker.walked_m(np.inf)
    phase = np.pi * walker.walked_m(t_s) / STEP_M
    swing_m = (STEP_M / 2 if moving else 0.0) * np.sin(phase)
    tall = walker.stature_m
    points: list[tuple[float, float, float]] = []
    for side, along_m in ((-1.0, swing_m), (1.0, -swing_m)):
        lifted_m = 0.08 * max(0.0, -side * np.cos(phase)) if moving else 0.0
        points += [
            (along_m + toe_m, side * 0.09 + half_m, lifted_m)
            for toe_m in (-0.07, 0.06, 0.19)
            for half_m in (-0.04, 0.04)
        ]
        points += [
            (along_m * 0.5, side * 0.12, 0.285 * tall),
            (0.0, side * 0.17, 0.53 * tall),
            (-along_m * 0.7, side * 0.27, 0.43 * tall),
            (-along_m * 0.3, side * 0.26, 0.62 * tall),
            (0.0, side * 0.22, 0.81 * tall),
            (0.0, side * 0.08, 0.93 * tall),
            (side * 0.10, 0.0, 0.93 * tall),
            (side * 0.13, 0.0, 0.72 * tall),
        ]
    points.append((0.0, 0.0, tall))
    local_m = np.array(points)
    cos, sin = np.cos(heading), np.sin(heading)
    turned_m = local_m[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([xy_m + turned_m, local_m[:, 2]])


@dataclass(frozen=True, slots=True)
class Imperfection:
    """How the simulated detector and tracker err.

    Attributes:
        edge_px: jitter of each box edge that does not depend on size, one standard deviation.
        edge_share: jitter as a share of the box's height.
        edge_bias_share: constant error of each edge per walker and camera, as a share of height.
        miss_rate: probability that a visible walker has no box in a frame.
        false_rate: expected false boxes per frame; each lives `false_frames` frames.
        false_frames: frames that a false box lasts.
        smallest_px: walkers whose box is lower than this are not detected.
        lost_s: a walker unseen by a camera for so long comes back as a new track.
        look_gain: evidence that one look at an armed walker brings when it shows the weapon.
        look_rate: probability that it does.
        look_loss: evidence that every other look brings.
        strongest_llr: no track has more evidence than this.
        weakest_llr: nor less than this.
    """

    edge_px: float = 0.7
    edge_share: float = 0.015
    edge_bias_share: float = 0.01
    miss_rate: float = 0.05
    false_rate: float = 0.0
    false_frames: int = 2
    smallest_px: float = 24.0
    lost_s: float = 1.0
    look_gain: float = 0.6
    look_rate: float = 0.3
    look_loss: float = -0.05
    strongest_llr: float = 7.0
    weakest_llr: float = -3.0


PERFECT = Imperfection(
    edge_px=0.0, edge_share=0.0, edge_bias_share=0.0, miss_rate=0.0, look_rate=1.0
)


@dataclass(slots=True)
class _SeenTrack:
    track_id: int
    seen_s: float
    llr: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Walkers on one level and the cameras that watch them.

    Attributes:
        cameras: camera models by id.
        walkers: the people.
        plan: walls of this plan hide people behind them; None: nothing hides anybody.
        level: level of all of it.
        fps: frames a second of each camera.
        start_s: capture time of the scene's second 0, Unix seconds.
        errors: how detector and tracker err.
        seed: same seed, same boxes. Noise depends on the order of the cameras, not on their ids.
    """

    cameras: Mapping[str, CameraModel]
    walkers: Sequence[Walker]
    plan: FloorPlan | None = None
    level: str = "L1"
    fps: float = 10.0
    start_s: float = 0.0
    errors: Imperfection = field(default_factory=Imperfection)
    seed: int = 0

    def truth_m(self, t_s: float) -> dict[str, NDArray[np.float64]]:
        """Places `(2,)` of all walkers that are there, `t_s` seconds after the start."""
        return {w.name: w.place(t_s)[0] for w in self.walkers if w.is_there(t_s)}

    def frames(self, duration_s: float, from_s: float = 0.0) -> Iterator[Tracks]:
        """The tracks of all cameras' frames in order of capture time.

        Cameras do not run in step: each starts a fraction of a frame after the one before.
        """
        views = [
            _View(self, camera_id, model, index)
            for index, (camera_id, model) in enumerate(self.cameras.items())
        ]
        for k in range(round(from_s * self.fps), round(duration_s * self.fps)):
            for index, view in enumerate(views):
                yield view.frame(k, (k + index / len(views)) / self.fps)

    def visible(self, camera: CameraModel, t_s: float) -> list[Walker]:
        """The walkers that no wall hides from the camera and whose middle is in its picture."""
        there = [walker for walker in self.walkers if walker.is_there(t_s)]
        if not there:
            return []
        places_m = np.array([walker.place(t_s)[0] for walker in there])
        middles_m = np.column_stack([places_m, np.full(len(there), 1.0)])
        _, shown = camera.to_image(middles_m)
        if self.plan is not None and camera.centre_m is not None:
            eye_m = np.broadcast_to(camera.centre_m[:2], places_m.shape)
            sights = shapely.linestrings(np.stack([eye_m, places_m], axis=1))
            shown = shown & ~shapely.intersects(self.plan.walls(self.level), sights)
        return [walker for walker, seen in zip(there, shown, strict=True) if seen]


class _View:
    """One camera of a scene, frame by frame."""

    def __init__(self, scene: Scene, camera_id: str, model: CameraModel, index: int) -> None:
        self._scene = scene
        self._id = camera_id
        self._model = model
        self._index = index
        self._tracks: dict[str, _SeenTrack] = {}
        self._ids = 0
        self._false: list[tuple[int, int, NDArray[np.float64]]] = []
        rng = np.random.default_rng([scene.seed, index])
        self._bias = {w.name: rng.normal(size=4) for w in scene.walkers}

    def frame(self, k: int, t_s: float) -> Tracks:
        """Frame number `k`, taken `t_s` seconds after the start."""
        scene, errors = self._scene, self._scene.errors
        rng = np.random.default_rng([scene.seed, self._index, k, 1])
        boxes, ids, llrs = [], [], []
        seen = {walker.name for walker in scene.visible(self._model, t_s)}
        for walker in scene.walkers:
            # Draw for every walker, seen or not, so that one walker's way leaves the noise of the
            # others alone.
            jitter, missed, look = rng.normal(size=4), rng.random(), rng.random()
            if walker.name not in seen or missed < errors.miss_rate:
                continue
            box = self._box(walker, t_s, jitter)
            if box is None:
                continue
            track = self._track(walker, t_s)
            shown = walker.armed and look < errors.look_rate
            gain = errors.look_gain if shown else errors.look_loss
            track.llr = float(np.clip(track.llr + gain, errors.weakest_llr, errors.strongest_llr))
            boxes.append(box)
            ids.append(track.track_id)
            llrs.append(track.llr)
        for track_id, box in self._false_boxes(k, rng):
            boxes.append(box)
            ids.append(track_id)
            llrs.append(0.0)
        return Tracks(
            camera=self._id,
            frame_index=k,
            captured_at_s=scene.start_s + t_s,
            size_px=self._model.size_px,
            xyxy_px=np.array(boxes, np.float32).reshape(-1, 4),
            confidence=np.full(len(boxes), 0.8, np.float32),
            track_id=np.array(ids, np.int64),
            armed_llr=np.array(llrs, np.float64),
        )

    def _box(
        self, walker: Walker, t_s: float, jitter: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """The walker's box, cut at the picture's borders; None if too little of it is in there."""
        errors = self._scene.errors
        px, shown = self._model.to_image(figure_m(walker, t_s))
        px = px[shown | (px != 0.0).any(axis=1)] + 0.5
        if not len(px):
            return None
        box = np.concatenate([px.min(axis=0), px.max(axis=0)])
        height_px = box[3] - box[1]
        sigma_px = np.hypot(errors.edge_px, errors.edge_share * height_px)
        box = box + jitter * sigma_px
        box += self._bias[walker.name] * errors.edge_bias_share * height_px
        size_px = np.array(self._model.size_px, np.float64)
        box = np.clip(box, 0.0, np.tile(size_px, 2))
        wide, high = box[2:] - box[:2]
        return box if high >= errors.smallest_px and wide >= errors.smallest_px / 5 else None

    def _track(self, walker: Walker, t_s: float) -> _SeenTrack:
        track = self._tracks.get(walker.name)
        if track is None or t_s - track.seen_s > self._scene.errors.lost_s:
            self._ids += 1
            track = self._tracks[walker.name] = _SeenTrack(self._ids, t_s)
        track.seen_s = t_s
        return track

    def _false_boxes(
        self, k: int, rng: np.random.Generator
    ) -> list[tuple[int, NDArray[np.float64]]]:
        width_px, height_px = self._model.size_px
        for _ in range(int(rng.poisson(self._scene.errors.false_rate))):
            high_px = rng.uniform(0.15, 0.5) * height_px
            foot_px = (rng.uniform(0.1, 0.9) * width_px, rng.uniform(0.55, 0.95) * height_px)
            half_px = 0.2 * high_px
            box = (foot_px[0] - half_px, foot_px[1] - high_px, foot_px[0] + half_px, foot_px[1])
            self._ids += 1
            ends = k + self._scene.errors.false_frames
            self._false.append((self._ids, ends, np.array(box)))
        self._false = [false for false in self._false if false[1] > k]
        return [(track_id, box) for track_id, _, box in self._false]
