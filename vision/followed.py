"""The persons of one camera from frame to frame: identity, armed evidence, pictures, clothes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .appearance import RunningAppearance
from .columns import no_appearance
from .frames import BoxFrame, Frame
from .track import NOT_TRACKED, CameraTracker
from .tracks import Tracks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .appearance import Looks
    from .armed import ArmedEvidence
    from .detections import Detections
    from .evidence import BestPictures, EvidencePicture
    from .view import View


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A frame whose persons have their identities, before anybody is looked at for weapons.

    Attributes:
        frame: the frame.
        detections: all that was found in it.
        persons: the `N` persons among that.
        identity: `(N,)` int64, `NOT_TRACKED` where there is none.
        known: `(N,)` who has an identity: the tracks.
        boxes_px: `(T, 4)` boxes of the tracks.
        track_id: `(T,)` their identities.
    """

    frame: Frame | BoxFrame
    detections: Detections
    persons: Detections
    identity: NDArray[np.int64]
    known: NDArray[np.bool_]
    boxes_px: NDArray[np.float32]
    track_id: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        frame: Frame | BoxFrame,
        detections: Detections,
        persons: Detections,
        identity: NDArray[np.int64],
    ) -> Followed:
        """The frame, its tracks picked out."""
        known = np.not_equal(identity, NOT_TRACKED)
        boxes_px, track_id = persons.xyxy_px[known], identity[known]
        return cls(frame, detections, persons, identity, known, boxes_px, track_id)


class CameraTracks:
    """Tracker, armed evidence with its pictures, and appearance of one camera."""

    def __init__(
        self, tracker: CameraTracker, armed: ArmedEvidence, pictures: BestPictures
    ) -> None:
        self._tracker = tracker
        self._last_captured_at_s = -np.inf
        self._size_px: tuple[int, int] | None = None
        self._pictures = pictures
        self._appearance = RunningAppearance()
        self.armed = armed

    def follow(self, frame: Frame | BoxFrame, detections: Detections) -> Followed:
        """Identities of the frame's persons; a frame older than the last one has none."""
        persons = detections.persons()
        if frame.captured_at_s <= self._last_captured_at_s:
            identity = np.full(len(persons), NOT_TRACKED, np.int64)
        else:
            self._last_captured_at_s = frame.captured_at_s
            identity = self._tracker.identify(
                self._as_at_first(persons, frame.size_px), frame.captured_at_s
            )
        return Followed.of(frame, detections, persons, identity)

    def _as_at_first(self, persons: Detections, size_px: tuple[int, int]) -> Detections:
        """The boxes in pixels of the first frame: a camera may change to its other stream."""
        first_px = self._size_px = self._size_px or size_px
        if size_px == first_px:
            return persons
        scale = np.tile(np.array(first_px, np.float32) / np.array(size_px, np.float32), 2)
        return replace(persons, xyxy_px=(persons.xyxy_px * scale).astype(np.float32))

    def picture(
        self, followed: Followed, weapons: Detections, looked: NDArray[np.bool_]
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

    def look_due(self, followed: Followed) -> Looks | None:
        """Whose clothes to look at; recorded boxes show none."""
        frame = followed.frame
        if not isinstance(frame, Frame) or not len(followed.track_id):
            return None
        return self._appearance.due(
            frame.image,
            followed.track_id,
            followed.boxes_px,
            followed.persons.xyxy_px,
            frame.captured_at_s,
        )

    def appearance(
        self, followed: Followed, looks: Looks | None, embeddings: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What is known of the clothes of the frame's tracks, these looks included."""
        frame = followed.frame
        if not isinstance(frame, Frame):
            return no_appearance()
        return self._appearance.take(looks, embeddings, followed.track_id, frame.captured_at_s)

    def weigh(
        self,
        followed: Followed,
        weapons: Detections,
        looked: NDArray[np.bool_],
        appearance: NDArray[np.float32],
        view: View,
    ) -> Tracks:
        """The tracks of the frame, with what the looks at some of them add to the evidence."""
        frame = followed.frame
        return Tracks(
            camera=frame.camera,
            frame_index=frame.index,
            captured_at_s=frame.captured_at_s,
            size_px=frame.size_px,
            xyxy_px=followed.boxes_px,
            confidence=followed.persons.confidence[followed.known],
            track_id=followed.track_id,
            armed_llr=self.armed.look(
                followed.track_id, followed.boxes_px, weapons, frame.captured_at_s, looked
            ),
            appearance=appearance,
            view=view,
        )
