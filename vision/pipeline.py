"""From frames to tracks: one detector for all cameras, one tracker and armed evidence each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.looks import read_look_rates
from models.registry import second_look_name

from .appearance import embed_all
from .armed import ArmedEvidence
from .columns import no_appearance
from .detect import submit
from .detections import Detections
from .evidence import BestPictures
from .followed import CameraTracks, Followed
from .frames import BoxFrame, Frame
from .track import NOT_TRACKED, CameraTracker
from .view import View
from .view_watch import ViewWatch
from .weapons import LOOKS_A_FRAME, load_second_look, most_urgent, urgency
from .yolo import load_detector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.looks import LookRates

    from .detect import Detector, Device, Pending
    from .evidence import EvidencePicture
    from .tracks import Tracks
    from .view_features import ViewFeatures
    from .weapons import PendingLooks, SecondLook
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
class Begun:
    """Frames in which detection was begun.

    Attributes:
        frames: the frames.
        pending: what will be found in those with pixels; None where there are none.
    """

    frames: tuple[Frame | BoxFrame, ...]
    pending: Pending | None

    def detections(self) -> list[Detections]:
        """The boxes of each frame, as soon as they are known."""
        found = iter(() if self.pending is None else self.pending.result())
        return [
            frame.detections if isinstance(frame, BoxFrame) else next(found)
            for frame in self.frames
        ]


@dataclass(frozen=True, slots=True, eq=False)
class _Looking:
    """The second look at a batch.

    Attributes:
        anew: for each frame whether it is looked at anew; else its own weapons count.
        looked: for each frame, `(N,)` whom of its tracks the weapons are told of.
        pending: what is found in the frames that are looked at anew; None where none is.
    """

    anew: list[bool]
    looked: list[NDArray[np.bool_]]
    pending: PendingLooks | None

    def results(self) -> list[tuple[Detections | None, NDArray[np.bool_]]]:
        """For each frame the weapons found, None where there was no second look, and `looked`."""
        found = iter(() if self.pending is None else self.pending.result())
        return [
            (next(found) if anew else None, looked)
            for anew, looked in zip(self.anew, self.looked, strict=True)
        ]


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
        self._cameras: dict[str, CameraTracks] = {}
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
        [detections] = self.begin([frame]).detections()
        persons = detections.persons()
        weapons = [detections.weapons()]
        if self.second_look is not None:
            weapons += self.second_look.look([frame.image], [persons.xyxy_px])
        nobody = np.full(len(persons), NOT_TRACKED, np.int64)
        none = Followed.of(frame, detections, persons, nobody)
        tracks = self._new_camera().weigh(
            none, Detections.empty(), np.zeros(0, bool), no_appearance(), View()
        )
        return TrackedFrame(frame, persons, tuple(weapons), nobody, tracks, self._now())

    def process(self, frames: Sequence[Frame | BoxFrame]) -> list[TrackedFrame]:
        """The tracks of each frame, in the order given.

        Args:
            frames: frames of any cameras; those of one camera in order of time.

        Raises:
            ValueError: if a frame has pixels and there is no detector.
        """
        return self.finish(self.begin(frames))

    def begin(self, frames: Sequence[Frame | BoxFrame]) -> Begun:
        """Begin to detect in frames and return at once, where the detector can.

        Batches that were begun are to be finished one after another, in the same order.

        Args:
            frames: as in `process`.

        Raises:
            ValueError: if a frame has pixels and there is no detector.
        """
        pictures = [frame.image for frame in frames if isinstance(frame, Frame)]
        if not pictures:
            return Begun(tuple(frames), None)
        if self.detector is None:
            raise ValueError("frames with pixels need a detector")
        return Begun(tuple(frames), submit(self.detector, pictures))

    def finish(self, begun: Begun) -> list[TrackedFrame]:
        """The tracks of each frame that detection was begun with, in that order."""
        followed = [
            self._camera(frame.camera).follow(frame, detections)
            for frame, detections in zip(begun.frames, begun.detections(), strict=True)
        ]
        looking = self._begin_to_look(followed)
        self._views.check(begun.frames, [one.persons.xyxy_px for one in followed])
        clothes = self._clothes(followed)
        return [
            self._weighed(one, found, looked, appearance)
            for one, appearance, (found, looked) in zip(
                followed, clothes, looking.results(), strict=True
            )
        ]

    def _clothes(self, followed: list[Followed]) -> list[NDArray[np.float32]]:
        """What is known of the clothes of each frame's tracks, looked at together."""
        cameras = [self._camera(one.frame.camera) for one in followed]
        due = [camera.look_due(one) for camera, one in zip(cameras, followed, strict=True)]
        return [
            camera.appearance(one, looks, embeddings)
            for camera, one, looks, embeddings in zip(
                cameras, followed, due, embed_all(due), strict=True
            )
        ]

    def _weighed(
        self,
        one: Followed,
        found: Detections | None,
        looked: NDArray[np.bool_],
        appearance: NDArray[np.float32],
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
            camera.weigh(
                one,
                told,
                looked,
                appearance,
                self._views.view(one.frame.camera, one.frame.size_px[0]),
            ),
            self._now(),
            camera.picture(one, told, looked),
        )

    def _begin_to_look(self, followed: list[Followed]) -> _Looking:
        """Begin the second look at those of a batch for whom it is most urgent."""
        in_pixels = [isinstance(one.frame, Frame) for one in followed]
        looked = [np.ones(len(one.track_id), bool) for one in followed]
        if self.second_look is None:
            return _Looking([False] * len(followed), looked, None)
        shown = [one for one, pixels in zip(followed, in_pixels, strict=True) if pixels]
        chosen = self._choose(shown)
        pending = self.second_look.submit(
            [one.frame.image for one in shown if isinstance(one.frame, Frame)],
            [one.boxes_px[rows] for one, rows in zip(shown, chosen, strict=True)],
        )
        choices = iter(chosen)
        return _Looking(
            in_pixels,
            [
                next(choices) if pixels else all_
                for pixels, all_ in zip(in_pixels, looked, strict=True)
            ],
            pending,
        )

    def _choose(self, followed: list[Followed]) -> list[NDArray[np.bool_]]:
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

    def _camera(self, name: str) -> CameraTracks:
        camera = self._cameras.get(name)
        if camera is None:
            camera = self._cameras[name] = self._new_camera()
        return camera

    def _new_camera(self) -> CameraTracks:
        shown = self.second_look.shown.values() if self.second_look is not None else ()
        return CameraTracks(
            CameraTracker(nominal_fps=self._nominal_fps),
            ArmedEvidence(self.look_rates),
            BestPictures(min(shown, default=NEVER_SHOWN)),
        )


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
