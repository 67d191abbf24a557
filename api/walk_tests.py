"""Walk tests: somebody walks between marked places, and where they are put is compared with it.

One at a time in a server, in a thread of its own. Pictures are detected in as they come and are not
kept; of the people only boxes remain, until the test is over.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.projection import to_floor_positions
from calibration.walk_check import Track, WalkCheck, walk_check
from models.looks import LookRates
from vision.pipeline import Pipeline

from . import calibration_schemas as schemas
from .errors import ApiError, ProblemError
from .problems import problem_of
from .survey_frames import walk_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from calibration.camera import CameraModel
    from calibration.site import Camera
    from vision.detect import Detector, Device
    from vision.detections import Detections
    from vision.tracks import Tracks

    from .surveying import SurveyPermit
    from .targets import Target

_log = logging.getLogger(__name__)

_MOST_KEPT: Final = 16
_MOST_PATH: Final = 400
_NOBODY = (
    "nobody was seen walking from the first marked place to the last; at least half of the way "
    "must be in view, and no more than 2 m beside the line by this calibration"
)


@dataclass(slots=True)
class _Walk:
    id: str
    target: str
    camera: str
    seconds: float
    state: str = "starting"
    watched_s: float = 0.0
    people: frozenset[int] = frozenset()
    problem: str = ""
    result: schemas.WalkResult | None = None
    stop: threading.Event = field(default_factory=threading.Event)


def people_detector(device: Device = "auto") -> Detector:
    """Return the detector that incidents use.

    Args:
        device: where it runs.
    """
    from vision.yolo import load_detector  # noqa: PLC0415 - slow to import, and rarely needed here

    return load_detector(device)


class WalkTests:
    """Runs walk tests and remembers the last ones. Safe to use from any thread.

    Args:
        detector: loads what finds people, when the first test needs it.
        clock: Unix seconds now.
    """

    def __init__(
        self, detector: Callable[[], Detector], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._detector = _WhenNeeded(detector)
        self._clock = clock
        self._walks: dict[str, _Walk] = {}
        self._lock = threading.Lock()

    def begin(
        self,
        permit: SurveyPermit,
        target: Target,
        camera: Camera,
        model: CameraModel,
        places_m: tuple[schemas.Pair, ...],
        *,
        from_s: float,
        seconds: float,
    ) -> schemas.WalkTest:
        """Begin a test and return it at once.

        Args:
            permit: made for this camera and as long as the walk.
            target: the site or drill.
            camera: the camera.
            model: the calibration to try out.
            places_m: the marked places, in their order.
            from_s: begin of the walk in a drill, seconds since its start.
            seconds: how long it takes.

        Raises:
            ProblemError: another one is running.
        """
        walk = _Walk(secrets.token_hex(6), target.id, camera.id, seconds)
        with self._lock:
            if any(other.state in {"starting", "watching"} for other in self._walks.values()):
                raise ProblemError(
                    409,
                    "walk-test-running",
                    "A walk test is running",
                    "this server tests one walk at a time; wait for it or stop it",
                )
            for oldest in tuple(self._walks)[: max(0, len(self._walks) + 1 - _MOST_KEPT)]:
                del self._walks[oldest]
            self._walks[walk.id] = walk

        def work() -> None:
            try:
                seen = self._watch(walk, permit, target, camera, from_s)
                self._judge(walk, target, camera, model, places_m, seen)
            except ApiError as error:
                walk.problem = problem_of(error).detail
                walk.state = "failed"
            except Exception:  # noqa: BLE001 - outermost frame of a thread
                _log.exception("a walk test failed")
                walk.problem = "it failed inside the server; its log says why"
                walk.state = "failed"

        threading.Thread(target=work, name="walk-test", daemon=True).start()
        return _told(walk)

    def get(self, target: str, camera: str, test: str) -> schemas.WalkTest:
        """How a test stands.

        Raises:
            ProblemError: there is no such test of this camera.
        """
        return _told(self._walk(target, camera, test))

    def stop(self, target: str, camera: str, test: str) -> schemas.WalkTest:
        """End a test early; what was seen until then is judged.

        Raises:
            ProblemError: there is no such test of this camera.
        """
        walk = self._walk(target, camera, test)
        walk.stop.set()
        return _told(walk)

    def _walk(self, target: str, camera: str, test: str) -> _Walk:
        walk = self._walks.get(test)
        if walk is None or (walk.target, walk.camera) != (target, camera):
            raise ProblemError(
                404, "walk-test-not-found", "No such walk test", f"there is no walk test {test!r}"
            )
        return walk

    def _watch(
        self, walk: _Walk, permit: SurveyPermit, target: Target, camera: Camera, from_s: float
    ) -> list[Tracks]:
        pipeline = Pipeline(self._detector, LookRates.silent())
        walk.state = "watching"
        seen: list[Tracks] = []
        first_s: float | None = None
        for frame in walk_frames(
            permit,
            target,
            camera,
            from_s=from_s,
            until_s=from_s + walk.seconds,
            stopped=walk.stop.is_set,
            clock=self._clock,
        ):
            first_s = frame.captured_at_s if first_s is None else first_s
            walk.watched_s = frame.captured_at_s - first_s
            for tracked in pipeline.process([frame]):
                seen.append(tracked.tracks)
                walk.people |= {int(one) for one in tracked.tracks.track_id}
        return seen

    def _judge(
        self,
        walk: _Walk,
        target: Target,
        camera: Camera,
        model: CameraModel,
        places_m: tuple[schemas.Pair, ...],
        seen: list[Tracks],
    ) -> None:
        rows: dict[int, list[tuple[float, float, float]]] = {}
        for tracks in seen:
            placed = to_floor_positions(tracks, model, camera.id, camera.level, target.site.plan)
            for track, xy_m in zip(placed.track_id.tolist(), placed.xy_m.tolist(), strict=True):
                rows.setdefault(track, []).append((tracks.captured_at_s, *xy_m))
        everybody = [np.array(one, dtype=np.float64) for one in rows.values()]
        found = walk_check(
            (Track(one[:, 0], one[:, 1:]) for one in everybody), np.array(places_m, np.float64)
        )
        if found is None:
            walk.problem = _NOBODY
            walk.state = "failed"
            return
        walk.result = _result(found)
        walk.state = "stopped" if walk.stop.is_set() else "done"


class _WhenNeeded:
    """A detector that is loaded for its first picture: recorded boxes need none."""

    def __init__(self, load: Callable[[], Detector]) -> None:
        self._load = load
        self._loaded: Detector | None = None

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded.detect(images)


def _result(found: WalkCheck) -> schemas.WalkResult:
    off_m = found.off_m
    median_m, p95_m = float(np.median(off_m)), float(np.percentile(off_m, 95))
    worst = int(np.argmax(off_m))
    shift_m = found.beside_m.mean(axis=0).round(3).tolist()
    shown = np.linspace(0, len(off_m) - 1, min(len(off_m), _MOST_PATH)).astype(np.intp)
    path = np.column_stack([found.t_s, found.xy_m, off_m])[shown].round(3)
    return schemas.WalkResult(
        median_m=round(median_m, 3),
        p95_m=round(p95_m, 3),
        worst_m=round(float(off_m[worst]), 3),
        worst_at_m=tuple(found.xy_m[worst].round(3).tolist()),
        shift_m=tuple(shift_m),
        covered=round(min(found.covered, 1.0), 3),
        path=tuple((a, b, c, d) for a, b, c, d in path.tolist()),
        text=f"On {min(found.covered, 1.0) * 100:.0f} % of the way the walker was placed "
        f"{median_m:.2f} m beside the line (median), 95 % of the time no more than {p95_m:.2f} m.",
    )


def _told(walk: _Walk) -> schemas.WalkTest:
    return schemas.WalkTest.model_validate(
        {
            "id": walk.id,
            "camera": walk.camera,
            "state": walk.state,
            "watched_s": round(walk.watched_s, 1),
            "seconds": walk.seconds,
            "people": len(walk.people),
            "problem": walk.problem,
            "result": walk.result,
        }
    )
