"""What the calibration routes stand on: permits, pictures, saving and walk tests, put together."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from calibration.camera_loading import lens_of, model_of
from calibration.site_files import CameraFile
from calibration.validation import check, read_toml
from vision.steadiness import reference_from

from .calibrating import camera_path
from .calibration_versions import current_of, part_of, versions_of
from .errors import CalibrateError, ProblemError
from .survey_frames import STILL_PATIENCE_S, still_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.camera import CameraModel
    from calibration.errors import Problem
    from calibration.fisheye import AnyLens
    from calibration.site import Camera
    from vision.view_features import ViewFeatures

    from .actors import Actor
    from .calibration_saving import CalibrationSaving
    from .calibration_versions import Version
    from .surveying import Surveys
    from .targets import Target
    from .walk_tests import WalkTests

_JPEG_QUALITY: Final = 92
_MOST_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class CameraFiles:
    """A camera by its file, which may be newer than what is in use.

    Attributes:
        file: its content.
        model: the camera as the file has it.
        lens: its lens.
        versions: what it had before, the newest first.
        current: the version that the file is; None for one that was changed by hand.
    """

    file: CameraFile
    model: CameraModel
    lens: AnyLens
    versions: tuple[Version, ...]
    current: Version | None


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a camera.

    Attributes:
        jpeg: the picture.
        captured_at_s: when it was captured, Unix seconds.
        size_px: (width, height).
    """

    jpeg: bytes
    captured_at_s: float
    size_px: tuple[int, int]


class Calibrating:
    """Shows cameras to those who calibrate them. Safe to use from any thread.

    Attributes:
        surveys: permits looks.
        saving: saves and restores.
        walks: tests calibrations by walking.

    Args:
        surveys: permits looks.
        saving: saves and restores.
        walks: tests calibrations by walking.
        clock: Unix seconds now.
    """

    def __init__(
        self,
        surveys: Surveys,
        saving: CalibrationSaving,
        walks: WalkTests,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.surveys = surveys
        self.saving = saving
        self.walks = walks
        self._clock = clock
        self._shown: dict[tuple[str, str], ViewFeatures] = {}
        self._lock = threading.Lock()

    def files_of(self, target: Target, camera_id: str) -> CameraFiles:
        """A camera by its file.

        Raises:
            ProblemError: its file, or one of its versions, cannot be read.
        """
        try:
            path = camera_path(target.folder, camera_id)
            problems: list[Problem] = []
            table = read_toml(path, path.name, problems)
            file = None if table is None else check(CameraFile, table, path.name, problems)
            model = None if file is None else model_of(file, path.name, problems)
            versions = versions_of(target.folder, camera_id)
        except CalibrateError as error:
            raise _unreadable(str(error).replace(f"{target.folder}/", "")) from error
        if file is None or table is None or model is None:
            raise _unreadable(str(problems[0]))
        current = current_of(versions, part_of(table))
        return CameraFiles(file, model, lens_of(file.lens), versions, current)

    def still(self, target: Target, camera: Camera, actor: Actor, at_s: float) -> Still:
        """A picture of a camera, after the gate permitted it.

        What can be recognised in it again is remembered, in memory, until the next one.

        Args:
            target: the site or drill.
            camera: the camera.
            actor: who wants to see it.
            at_s: moment of a drill, seconds since its start.

        Raises:
            NotPermittedError: the agreement refuses.
            ProblemError: the camera shows no picture.
        """
        permit = self.surveys.permit(
            target.id,
            target.terms,
            target.facts_of(camera.id),
            actor=actor,
            purpose="calibration still",
            lasts_s=STILL_PATIENCE_S + 1.0,
            now_s=self._clock(),
        )
        frame = still_of(permit, target, camera, at_s=at_s, clock=self._clock)
        features = reference_from(frame.image, np.zeros((0, 4), np.float32))
        with self._lock:
            self._shown.pop((target.id, camera.id), None)
            if features is not None:
                self._shown[target.id, camera.id] = features
            while len(self._shown) > _MOST_REMEMBERED:
                del self._shown[next(iter(self._shown))]
        done, packed = cv2.imencode(".jpg", frame.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not done:
            raise ProblemError(
                409,
                "camera-shows-nothing",
                "The camera shows no picture",
                "it cannot be packed as JPEG",
            )
        return Still(packed.tobytes(), frame.captured_at_s, frame.size_px)

    def shown_by(self, target: Target, camera: Camera) -> ViewFeatures | None:
        """Corners of the last still of a camera; None without one, or of other proportions."""
        with self._lock:
            features = self._shown.get((target.id, camera.id))
        if features is None:
            return None
        width_px, height_px = features.size_px
        lens_px = camera.model.size_px
        off_px = abs(width_px * lens_px[1] - height_px * lens_px[0])
        return features if off_px <= max(lens_px) else None


def _unreadable(detail: str) -> ProblemError:
    return ProblemError(409, "calibration-unreadable", "The camera's files cannot be read", detail)
