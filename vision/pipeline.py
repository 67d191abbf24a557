"""From frames to tracks: one detector for all cameras, one tracker and armed evidence each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.looks import read_look_rates
from models.registry import second_look_name

from .appearance import RunningAppearance
from .armed import ArmedEvidence
from .columns import no_appearance
from .detections import Detections
from .evidence import BestPictures
from .frames import BoxFrame, Frame
from .track import NOT_TRACKED, CameraTracker
from .tracks import Tracks
from .view import View
from .view_watch import ViewWatch
from .weapons import LOOKS_A_FRAME, load_second_look, most_urgent, urgency
from .yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.looks import LookRates

    from .detect import Detector, Device
    from .evidence import EvidencePicture
    from .view_features import ViewFeatures
    from .weapons import SecondLook
    from .yolo import YoloDetector


NEVER_SHOWN = 2.0
"""A score that no box has: without a second look there are no pictures of evidence."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """What one frame showed.

    Attributes:
        frame: the frame (or recorded boxes) itself.
        persons: all person boxes.
        weapons: weapon boxes, those of the whole frame first, those of the second look after them
            where there was one.
        track_id: `(N,)` int64 identity of each person, `NOT_TRACKED` where there is none.
        tracks: the persons with an identity.
        detected_at_s: when detection and tracking of the frame ended, Unix seconds.
        pictures: of persons whose weapon is seen more clearly than ever before.
    """

    frame: Frame | BoxFrame
    persons: Detections
    weapons: tuple[Detections, ...]
    track_id: NDArray[np.int64]
    tracks: Tracks
    detected_at_s: float
    pictures: tuple[EvidencePicture, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """A frame whose persons have their identities, before anybody is looked at for weapons."""

    frame: Frame | BoxFrame
    detections: Detections
    persons: Detections
    identity: NDArray[np.int64]

    @property
    def known(self) -> NDArray[np.bool_]:
        return np.not_equal(self.identity, NOT_TRACKED)

    @property
    def boxes_px(self) -> NDArray[np.float32]:
        return self.persons.xyxy_px[self.known]

    @property
    def track_id(self) -> NDArray[np.int64]:
        return self.identity[self.known]


class _CameraTracks:
    """Tracker, armed evidence with its pictures, and appearance of one camera."""

    def __init__(
        self, tracker: CameraTracker, armed: ArmedEvidence, pictures: BestPictures
    ) -> None:
        self._tracker = tracker
        self._last_captured_at_s = -np.inf
        self._pictures = pictures
        self._appearance = RunningAppearance()
        self.armed = armed

    def follow(self, frame: Frame | BoxFrame, detections: Detections) -> _Followed:
        """Identities of the frame's persons; a frame older than the last one has none."""
        persons = detections.persons()
        if frame.captured_at_s <= self._last_captured_at_s:
            identity = np.full(len(persons), NOT_TRACKED, np.int64)
        else:
            self._last_captured_at_s = frame.captured_at_s
            identity = self._tracker.identify(persons, frame.captured_at_s)
        return _Followed(frame, detections, persons, identity)

    def picture(
        self, followed: _Followed, weapons: Detections, looked: NDArray[np.bool_]
    ) -> tuple[EvidencePicture, ...]:
        """Pictures of those looked at whose weapon was never seen so clearly."""
        if not isinstance(followed.frame, Frame) or not len(weapons):
            return ()
        return self._pictures.better(
            followed.frame,
            followed.track_id[looked],
            followed.boxes_px[looked],
            weapons,
            followed.persons.xyxy_px,
        )

    def weigh(
        self, followed: _Followed, weapons: Detections, looked: NDArray[np.bool_], view: View
    ) -> Tracks:
        """The tracks of the frame, with what the looks at some of them add to the evidence."""
        frame, known = followed.frame, followed.known
        return Tracks(
            camera=frame.camera,
            frame_index=frame.index,
            captured_at_s=frame.captured_at_s,
            size_px=frame.size_px,
            xyxy_px=followed.boxes_px,
            confidence=followed.persons.confidence[known],
            track_id=followed.track_id,
            armed_llr=self.armed.look(
                followed.track_id, followed.boxes_px, weapons, frame.captured_at_s, looked
            ),
            appearance=self._look_of(followed),
            view=view,
        )

    def _look_of(self, followed: _Followed) -> NDArray[np.float32]:
        """What the clothes of the frame's tracks look like; recorded boxes show none."""
        frame = followed.frame
        if not isinstance(frame, Frame):
            return no_appearance()
        return self._appearance.look(
            frame.image,
            followed.track_id,
            followed.boxes_px,
            followed.persons.xyxy_px,
            frame.captured_at_s,
        )


class Pipeline:
    """Detects in frames of many cameras as one batch and tracks in each camera by itself.

    Weapons are sought with a second look at those tracked persons for whom it is most urgent.
    Without a second look, and in recorded boxes, the weapons of the whole frame count.

    Args:
        detector: finds the boxes; may be None where all feeds replay recorded boxes.
        look_rates: how much one look tells about a weapon.
        second_look: finds weapons around persons.
        now: the clock that `detected_at_s` is read from, Unix seconds.
        nominal_fps: frames a second expected of each camera.
    """

    def __init__(
        self,
        detector: Detector | None,
        look_rates: LookRates,
        second_look: SecondLook | None = None,
        *,
        now: Callable[[], float] = time.time,
        nominal_fps: float = 10.0,
    ) -> None:
        self.detector = detector
        self.look_rates = look_rates
        self.second_look = second_look
        self._now = now
        self._nominal_fps = nominal_fps
        self._cameras: dict[str, _CameraTracks] = {}
        self._views = ViewWatch()

    def hold_against(self, references: Mapping[str, ViewFeatures]) -> None:
        """Compare these cameras' pictures, by id, with the corners saved at calibration."""
        self._views = ViewWatch(references)

    def fresh(self, nominal_fps: float) -> Pipeline:
        """A pipeline with the same models and clock that has seen nothing yet."""
        return Pipeline(
            self.detector,
            self.look_rates,
            self.second_look,
            now=self._now,
            nominal_fps=nominal_fps,
        )

    def warm_up(self, images: Sequence[NDArray[np.uint8]]) -> None:
        """Compile for such pictures, and for persons in them, before the first frame."""
        if self.detector is not None:
            self.detector.detect(images)
        if self.second_look is not None:
            anybody = np.array([[0.0, 0.0, 40.0, 100.0]], np.float32)
            self.second_look.look(images, [anybody] * len(images))

    def glance(self, frame: Frame) -> TrackedFrame:
        """What a single picture shows: nobody has an identity, everybody is looked at."""
        [detections] = self._detect([frame])
        persons = detections.persons()
        weapons = [detections.weapons()]
        if self.second_look is not None:
            weapons += self.second_look.look([frame.image], [persons.xyxy_px])
        nobody = np.full(len(persons), NOT_TRACKED, np.int64)
        none = _Followed(frame, detections, persons, nobody)
        tracks = self._new_camera().weigh(none, Detections.empty(), np.zeros(0, bool), View())
        return TrackedFrame(frame, persons, tuple(weapons), nobody, tracks, self._now())

    def process(self, frames: Sequence[Frame | BoxFrame]) -> list[TrackedFrame]:
        """The tracks of each frame, in the order given.

        Args:
            frames: frames of any cameras; those of one camera in order of time.

        Raises:
            ValueError: if a frame has pixels and there is no detector.
        """
        followed = [
            self._camera(frame.camera).follow(frame, detections)
            for frame, detections in zip(frames, self._detect(frames), strict=True)
        ]
        self._views.check(frames, [one.persons.xyxy_px for one in followed])
        return [self._weighed(*looked_at) for looked_at in self._look(followed)]

    def _weighed(
        self, one: _Followed, found: Detections | None, looked: NDArray[np.bool_]
    ) -> TrackedFrame:
        """What a frame showed, once the second look (None where there was none) is over."""
        camera = self._camera(one.frame.camera)
        whole_frame = one.detections.weapons()
        told = whole_frame if found is None else found
        return TrackedFrame(
            one.frame,
            one.persons,
            (whole_frame,) if found is None else (whole_frame, found),
            one.identity,
            camera.weigh(one, told, looked, self._views.view(one.frame.camera)),
            self._now(),
            camera.picture(one, told, looked),
        )

    def _look(
        self, followed: list[_Followed]
    ) -> list[tuple[_Followed, Detections | None, NDArray[np.bool_]]]:
        """Each frame with the weapons of the second look and whom it looked at."""
        second_look = self.second_look
        if second_look is None:
            return [(one, None, np.ones(len(one.track_id), bool)) for one in followed]
        in_pixels = [one for one in followed if isinstance(one.frame, Frame)]
        chosen = self._choose(in_pixels)
        found = second_look.look(
            [one.frame.image for one in in_pixels if isinstance(one.frame, Frame)],
            [one.boxes_px[looked] for one, looked in zip(in_pixels, chosen, strict=True)],
        )
        looks = iter(zip(found, chosen, strict=True))
        return [
            (one, *next(looks))
            if isinstance(one.frame, Frame)
            else (one, None, np.ones(len(one.track_id), bool))
            for one in followed
        ]

    def _choose(self, followed: list[_Followed]) -> list[NDArray[np.bool_]]:
        """Whom to look at in each frame of a batch."""
        overdue = []
        # A batch may hold several frames of one camera, whose looks are all still to come.
        due_at_s: dict[tuple[str, int], float] = {}
        for one in followed:
            camera, captured_at_s = one.frame.camera, one.frame.captured_at_s
            llr, since_s = self._camera(camera).armed.standing(one.track_id, captured_at_s)
            for row, track in enumerate(one.track_id.tolist()):
                chosen_at_s = due_at_s.get((camera, track), -np.inf)
                since_s[row] = min(since_s[row], captured_at_s - chosen_at_s)
            height_px = (one.boxes_px[:, 3] - one.boxes_px[:, 1]).astype(np.float64)
            wanted = urgency(llr, since_s, height_px)
            for track in one.track_id[wanted >= 1.0].tolist():
                due_at_s[camera, track] = captured_at_s
            overdue.append(wanted)
        return most_urgent(overdue, round(LOOKS_A_FRAME * len(followed)))

    def _camera(self, name: str) -> _CameraTracks:
        camera = self._cameras.get(name)
        if camera is None:
            camera = self._cameras[name] = self._new_camera()
        return camera

    def _new_camera(self) -> _CameraTracks:
        shown = self.second_look.shown.values() if self.second_look is not None else ()
        return _CameraTracks(
            CameraTracker(nominal_fps=self._nominal_fps),
            ArmedEvidence(self.look_rates),
            BestPictures(min(shown, default=NEVER_SHOWN)),
        )

    def _detect(self, frames: Sequence[Frame | BoxFrame]) -> list[Detections]:
        pictures = [frame.image for frame in frames if isinstance(frame, Frame)]
        if pictures and self.detector is None:
            raise ValueError("frames with pixels need a detector")
        found = iter(self.detector.detect(pictures) if self.detector and pictures else ())
        return [
            frame.detections if isinstance(frame, BoxFrame) else next(found) for frame in frames
        ]


def load_pipeline(
    device: Device = "auto", weights: str | Path | None = None
) -> tuple[Pipeline, YoloDetector]:
    """The pipeline with its models loaded, and its whole-frame detector.

    Args:
        device: see `vision.yolo.load_detector`.
        weights: of the whole-frame detector; the registered ones if None.

    Raises:
        CheckpointError: if weights are unknown, missing or changed.
        ExportError: if an OpenVINO model cannot be made.
        LookRatesError: if the rates of the second look are missing or malformed.
    """
    detector = load_detector(device, weights)
    rates = read_look_rates(second_look_name())
    second_look = load_second_look(device, rates.faintest)
    return Pipeline(detector, rates, second_look), detector
