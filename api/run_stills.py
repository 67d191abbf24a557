"""What was taken for a weapon, as a run keeps it: one small picture a track, all heads covered.

Pictures are kept of those only who were called armed, because those have to be judged. Whoever was
called so by mistake is a bystander, so nobody's head can be made out in any of them; hands, and
what is in them, can.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from vision.heads import head_boxes, pixelate

from .scoring_people import ALERT_PROBABILITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from calibration.answer import Answer, RankedSubject, TrackKey
    from vision.evidence import Box, EvidencePicture

MOST_OF_A_SUBJECT: Final = 3
"""So many pictures are kept of one subject, those of its strongest tracks."""

_MOST_TRACKS: Final = 512
_JPEG_QUALITY: Final = 82


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """The clearest look at what one track was called armed for.

    Attributes:
        camera: camera id.
        track_id: identity of the person in that camera.
        captured_at_s: capture time, Unix seconds.
        confidence: score of the weapon box, 0..1; a score, not a probability.
        weapon_box: left, top, right, bottom of it, shares of the picture's sides.
        jpeg: the square around the person, all heads in it covered.
    """

    camera: str
    track_id: int
    captured_at_s: float
    confidence: float
    weapon_box: Box
    jpeg: bytes

    @property
    def track(self) -> TrackKey:
        """Whose it is."""
        return self.camera, self.track_id


class StillsOfAlerts:
    """Collects the pictures of a run and keeps those of whoever was called armed."""

    def __init__(self) -> None:
        self._pictures: dict[TrackKey, EvidencePicture] = {}

    def take(self, pictures: Iterable[EvidencePicture]) -> None:
        """Remember the clearest picture of each track."""
        for picture in pictures:
            track = (picture.camera, picture.track_id)
            before = self._pictures.pop(track, None)
            better = before is None or picture.confidence >= before.confidence
            self._pictures[track] = picture if better or before is None else before
            if len(self._pictures) > _MOST_TRACKS:
                del self._pictures[next(iter(self._pictures))]

    def look(
        self, answer: Answer | None, picture_of: Callable[[TrackKey], EvidencePicture | None]
    ) -> None:
        """Ask for the pictures of all that an answer calls armed."""
        for subject in _armed(answer):
            found = [picture_of(track) for track in subject.armed_tracks[:MOST_OF_A_SUBJECT]]
            self.take(picture for picture in found if picture is not None)

    def stills(self, answers: Iterable[Answer]) -> tuple[Still, ...]:
        """Return the pictures of all that were called armed, heads covered, by time."""
        wanted: dict[TrackKey, None] = {}
        for tracks in tracks_of_alerts(answers).values():
            there = [track for track in tracks if track in self._pictures]
            wanted.update(dict.fromkeys(there[:MOST_OF_A_SUBJECT]))
        made = [covered(self._pictures[track]) for track in wanted]
        return tuple(
            sorted((s for s in made if s is not None), key=lambda s: (s.captured_at_s, s.track))
        )


def tracks_of_alerts(answers: Iterable[Answer]) -> dict[str, tuple[TrackKey, ...]]:
    """Return by subject that was called armed its tracks with evidence, the latest answer's first.

    Within one answer the strongest comes first.
    """
    found: dict[str, dict[TrackKey, None]] = {}
    for answer in sorted(answers, key=lambda answer: -answer.at_s):
        for subject in _armed(answer):
            found.setdefault(subject.subject, {}).update(dict.fromkeys(subject.armed_tracks))
    return {subject: tuple(tracks) for subject, tracks in found.items()}


def covered(picture: EvidencePicture) -> Still | None:
    """Return a picture with all heads in coarse blocks; None where it does not say who is in it.

    Without the boxes of its persons nobody knows where a head is.
    """
    if not picture.persons:
        return None
    image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        return None
    pixels = np.asarray(image, np.uint8)
    height, width = pixels.shape[:2]
    sides = np.array([width, height, width, height], np.float32)
    pixelate(pixels, head_boxes(np.array(picture.persons, np.float32) * sides))
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return Still(
        picture.camera,
        picture.track_id,
        picture.captured_at_s,
        picture.confidence,
        picture.weapon_box,
        packed.tobytes(),
    )


def still_line(still: Still) -> dict[str, object]:
    """Return a still as the object of its line in a saved run."""
    return {
        "kind": "still",
        "camera": still.camera,
        "track_id": still.track_id,
        "captured_at_s": still.captured_at_s,
        "confidence": still.confidence,
        "weapon_box": still.weapon_box,
        "jpeg": base64.b64encode(still.jpeg).decode(),
    }


def read_still(values: Mapping[str, Any]) -> Still:
    """Return the still of a line, as `still_line` wrote it.

    Raises:
        KeyError: a part is missing.
        ValueError: a part is not what was written.
        TypeError: the same.
    """
    left, top, right, bottom = (float(edge) for edge in values["weapon_box"])
    return Still(
        str(values["camera"]),
        int(values["track_id"]),
        float(values["captured_at_s"]),
        float(values["confidence"]),
        (left, top, right, bottom),
        base64.b64decode(values["jpeg"], validate=True),
    )


def _armed(answer: Answer | None) -> list[RankedSubject]:
    return [
        subject
        for subject in (answer.subjects if answer is not None else ())
        if subject.armed_probability >= ALERT_PROBABILITY
    ]
