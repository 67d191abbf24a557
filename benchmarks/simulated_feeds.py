"""Hundreds of cameras whose pictures are decoded already, and a detector that takes a GPU's time.

For machines without a GPU: everything of a worker is real (feeds and their threads, attention,
batches, trackers, second looks, evidence, floor positions, messages) but two things. Pictures come
from memory, with what is to be found in them; and the detector, in the place of computing, waits
for as long as a GPU was measured to take, one batch after the other as a GPU does. People walk
about in the synthetic school; boxes jitter and are missed. All cameras show one picture of the
built-in drill.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely

from api.drill_files import load_drill
from api.worker import run_worker
from models.looks import LookRates
from vision.decode import decode_file
from vision.detections import Detections
from vision.frames import Frame
from vision.pipeline import Pipeline
from vision.video_file import StreamInfo
from vision.weapons import SecondLook

from .crowd import FPS, MISS_RATE, walk_about
from .looped_site import WING
from .school import make_school

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    from api.worker_messages import CameraJob, Engine, WorkerJob
    from api.worker_pipes import ToRun
    from calibration.camera import CameraModel
    from vision.sources import AnyFrame, Session, Source
    from vision.stream_parts import StreamPart

    from .crowd import Walks
    from .school import School

CLASSES = ("person", "firearm")
SIZE_PX = (640, 360)

_STATURE_M = 1.7
_RADIUS_M = 0.25
_JITTER = 0.02
_LEAST_PX = 24.0


@dataclass(frozen=True, slots=True)
class Gpu:
    """How long a GPU takes for a picture, as its measurer published it.

    Attributes:
        name: the card.
        picture_s: seconds a picture of 640x640, in batches of 8, half precision.
        source: who measured what.
    """

    name: str
    picture_s: float
    source: str


_TABLE = (
    "Ultralytics, documentation of the TensorRT integration, YOLOv8n, FP16, 640 px, batch 8 "
    "(YOLO11n, which ships here, has 6.5 GFLOPs to its 8.7)"
)
GPUS = {
    gpu.name: gpu for gpu in (Gpu("A100", 0.34e-3, _TABLE), Gpu("RTX 3060 12 GB", 0.86e-3, _TABLE))
}
LOOK_COST = 0.25
"""What a second look at 160 px costs of a picture of 640 px. It has a sixteenth of the pixels; more
is charged because small pictures use a GPU less well. Judgement."""


class Shown(np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]):
    """A picture that knows what a detector finds in it."""

    boxes: Detections


class GpuInMind:
    """A detector that answers what the picture says, when a GPU would have.

    Args:
        picture_s: what a picture costs.
        empty: find nothing, as the second look at people without weapons.
    """

    class_names = CLASSES
    batches = (8, 16, 32, 64)

    def __init__(self, picture_s: float, *, empty: bool = False) -> None:
        self._picture_s = picture_s
        self._empty = empty
        self._free_at_s = 0.0
        self._turn = threading.Lock()

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the boxes of each image once they would have been found."""
        return self.submit(images).result()

    def submit(self, images: Sequence[NDArray[np.uint8]]) -> Answer:
        """Begin to look; what was submitted first is done first."""
        with self._turn:
            begins_s = max(time.perf_counter(), self._free_at_s)
            self._free_at_s = begins_s + self._picture_s * len(images)
            done_at_s = self._free_at_s
        nothing = Detections.empty(CLASSES)
        found = [
            image.boxes if isinstance(image, Shown) and not self._empty else nothing
            for image in images
        ]
        return Answer(found, done_at_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """Boxes that are known at a moment of `time.perf_counter`."""

    found: list[Detections]
    done_at_s: float

    def result(self) -> list[Detections]:
        """Return the boxes, then."""
        left_s = self.done_at_s - time.perf_counter()
        if left_s > 0:
            time.sleep(left_s)
        return self.found


@dataclass(frozen=True, slots=True)
class _InMemory:
    """A picture as a decoder leaves it: brightness at hand, colours on demand."""

    luma_px: NDArray[np.uint8]
    bgr_px: NDArray[np.uint8]
    boxes: Detections

    @property
    def size_px(self) -> tuple[int, int]:
        return SIZE_PX

    def luma(self) -> NDArray[np.uint8]:
        return self.luma_px

    def bgr(self) -> NDArray[np.uint8]:
        shown = self.bgr_px.view(Shown)
        shown.boxes = self.boxes
        return shown


@dataclass(frozen=True)
class SimulatedWork:
    """What a worker does in the place of `run_worker`; it is made anew in the worker's process.

    Attributes:
        cameras: cameras of the school.
        people: who walk about.
        seconds: after so long they do the same again.
        picture_s: what a picture costs the GPU, seconds.
        seed: of all that is drawn.
    """

    cameras: int
    people: int
    seconds: float
    picture_s: float
    seed: int = 0

    def __call__(self, engine: Engine, run: ToRun, hand_on: Callable[[StreamPart], None]) -> None:
        """Work until the other end is closed."""
        run_worker(engine, run, hand_on, build=self.build, source=self.source)

    def build(self, engine: Engine) -> tuple[Pipeline, str]:  # noqa: ARG002 - the same for all
        """The pipeline of a worker, with a GPU in mind."""
        _drawn = self._shown  # before it is ready, not while it is watched
        look = SecondLook(GpuInMind(self.picture_s * LOOK_COST, empty=True), {"firearm": 0.5})
        pipeline = Pipeline(GpuInMind(self.picture_s), LookRates.silent(), look, nominal_fps=FPS)
        return pipeline, f"a GPU in mind, {self.picture_s * 1e3:.2f} ms a picture"

    def source(self, camera: CameraJob, job: WorkerJob, _: float) -> Source:
        """The pictures of a camera, five a second, phases spread."""
        boxes, luma, bgr = self._shown
        mine = boxes[camera.camera]
        phase = list(boxes).index(camera.camera) / len(boxes)

        def play(session: Session) -> Generator[AnyFrame, None, None]:
            session.opened(StreamInfo("in memory", SIZE_PX, FPS))
            index = session.first_index
            began_s = max(job.started_at_s, time.time())
            while True:
                captured_s = began_s + (index + phase) / FPS
                if session.stop.wait(max(0.0, captured_s - time.time())):
                    return
                picture = _InMemory(luma, bgr, mine[index % len(mine)])
                yield Frame(camera.camera, index, captured_s, "drill", time.time(), picture)
                index += 1

        return play

    @cached_property
    def _shown(self) -> tuple[dict[str, list[Detections]], NDArray[np.uint8], NDArray[np.uint8]]:
        """Boxes by camera and tick, and one picture for all: brightness and colours."""
        school = make_school(cameras=self.cameras)
        walks = walk_about(school, self.people, self.seconds, self.seed)
        rng = np.random.default_rng([self.seed, self.cameras])
        drill = load_drill(WING)
        with contextlib.closing(decode_file(drill.feeds[0].path, "any")) as frames:
            picture = next(frames)
        bgr = picture.image
        bgr.flags.writeable = False
        return boxes_of(school, walks, rng), picture.luma(), bgr


def boxes_of(school: School, walks: Walks, rng: np.random.Generator) -> dict[str, list[Detections]]:
    """What a detector finds of people who walk about, by camera, tick by tick."""
    ticks = len(walks.xy_m)
    seen: dict[str, list[tuple[int, int]]] = {camera: [] for camera in school.seen}
    for number, level in enumerate(school.levels):
        here = [camera for camera in school.seen if school.site.cameras[camera].level == level]
        tree = shapely.STRtree([school.seen[camera] for camera in here])
        tick, person = np.nonzero(walks.level == number)
        points = shapely.points(walks.xy_m[tick, person])
        for point, camera in tree.query(points, predicate="intersects").T.tolist():
            seen[here[camera]].append((int(tick[point]), int(person[point])))
    return {
        camera: _found(school.site.cameras[camera].model, shown, walks, ticks, rng)
        for camera, shown in seen.items()
    }


def _found(
    model: CameraModel,
    shown: list[tuple[int, int]],
    walks: Walks,
    ticks: int,
    rng: np.random.Generator,
) -> list[Detections]:
    rows = np.array(shown, np.int64).reshape(-1, 2)
    rows = rows[rng.random(len(rows)) >= MISS_RATE]
    boxes_px = _boxes_px(model, walks.xy_m[rows[:, 0], rows[:, 1]])
    tall_px = boxes_px[:, 3] - boxes_px[:, 1]
    boxes_px += rng.normal(size=boxes_px.shape) * (_JITTER * tall_px)[:, None]
    limit_px = np.array([*SIZE_PX, *SIZE_PX], np.float64)
    boxes_px = np.clip(boxes_px, 0.0, limit_px)
    whole = (tall_px >= _LEAST_PX) & (boxes_px[:, 2] - boxes_px[:, 0] > 1.0)
    told = []
    for tick in range(ticks):
        mine = boxes_px[whole & (rows[:, 0] == tick)].astype(np.float32)
        score = np.full(len(mine), 0.8, np.float32)
        told.append(Detections(mine, score, np.zeros(len(mine), np.int16), CLASSES))
    return told


def _boxes_px(model: CameraModel, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes `(N, 4)` around upright cylinders that stand at `(N, 2)` places, site metres."""
    if not len(xy_m):
        return np.zeros((0, 4))
    turn = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    rim_m = _RADIUS_M * np.column_stack([np.cos(turn), np.sin(turn)])
    ring_m = xy_m[:, None, :] + rim_m[None]
    points_m = np.concatenate(
        [
            np.concatenate([ring_m, np.full((*ring_m.shape[:2], 1), z_m)], axis=2)
            for z_m in (0.0, _STATURE_M)
        ],
        axis=1,
    )
    px, _ = model.to_image(points_m.reshape(-1, 3))
    px = px.reshape(len(xy_m), -1, 2)
    return np.concatenate([px.min(axis=1), px.max(axis=1)], axis=1)
