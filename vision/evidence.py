"""The best picture of each track's weapon, for a person to judge: what the evidence was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.person_crops import cut_square, look_squares

from .armed import owners

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .detections import Detections
    from .frames import Frame

LEAST_GAIN = 0.05
"""A new picture must score this much more than the one before, so that few are made."""

MOST_SIDE_PX = 320
"""Larger squares are made smaller: enough to judge, and some 15 kB."""

_JPEG_QUALITY = 85
_MOST_TRACKS = 512

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True, eq=False)
class EvidencePicture:
    """The square around a person in whose hands a weapon was found.

    Attributes:
        camera: camera id.
        track_id: the person's identity in that camera.
        captured_at_s: capture time, Unix seconds.
        confidence: score of the weapon box, 0..1; a score, not a probability.
        weapon_box: left, top, right, bottom of the weapon, shares of the picture's sides.
        jpeg: the picture as it was filmed, nothing drawn on it.
        persons: boxes of all persons in the picture, in the same shares; they may reach out of it.
    """

    camera: str
    track_id: int
    captured_at_s: float
    confidence: float
    weapon_box: Box
    jpeg: bytes
    persons: tuple[Box, ...] = ()


class BestPictures:
    """Makes a picture whenever a look at a track of one camera is its clearest yet.

    Args:
        shown_from: score from which a weapon may be shown to people.
    """

    def __init__(self, shown_from: float) -> None:
        self._shown_from = shown_from
        self._best: dict[int, float] = {}

    def better(
        self,
        frame: Frame,
        track_id: NDArray[np.int64],
        persons_xyxy_px: NDArray[np.float32],
        weapons: Detections,
        everybody_xyxy_px: NDArray[np.float32] | None = None,
    ) -> tuple[EvidencePicture, ...]:
        """The pictures that one frame adds.

        Args:
            frame: the frame.
            track_id: `(N,)` identities.
            persons_xyxy_px: `(N, 4)` their boxes.
            weapons: what was found in the frame.
            everybody_xyxy_px: `(M, 4)` boxes of all persons in the frame; None: of those.
        """
        everybody = persons_xyxy_px if everybody_xyxy_px is None else everybody_xyxy_px
        owner = owners(persons_xyxy_px, weapons)
        owned = np.flatnonzero((owner >= 0) & (weapons.confidence >= self._shown_from))
        made = []
        # The surest first, so that a track's second weapon of one frame is no better.
        for weapon in owned[np.argsort(-weapons.confidence[owned], kind="stable")].tolist():
            row = int(owner[weapon])
            track, score = int(track_id[row]), float(weapons.confidence[weapon])
            if score < self._best.get(track, -1.0) + LEAST_GAIN:
                continue
            self._best.pop(track, None)
            self._best[track] = score
            made.append(_picture(frame, track, persons_xyxy_px[row], weapons, weapon, everybody))
        while len(self._best) > _MOST_TRACKS:
            del self._best[next(iter(self._best))]
        return tuple(made)


def _picture(
    frame: Frame,
    track_id: int,
    person_px: NDArray[np.float32],
    weapons: Detections,
    weapon: int,
    everybody_px: NDArray[np.float32],
) -> EvidencePicture:
    [square] = look_squares(person_px[None])
    cut, left, top = cut_square(frame.image, square)
    corner = np.array([left, top, left, top], np.float32)
    box = (weapons.xyxy_px[weapon] - corner) / len(cut)
    bodies = (everybody_px - corner) / len(cut)
    inside = (bodies[:, :2] < 1.0).all(axis=1) & (bodies[:, 2:] > 0.0).all(axis=1)
    if len(cut) > MOST_SIDE_PX:
        cut = np.asarray(
            cv2.resize(cut, (MOST_SIDE_PX, MOST_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8
        )
    _, packed = cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    x0, y0, x1, y1 = np.clip(box, 0.0, 1.0).tolist()
    return EvidencePicture(
        frame.camera,
        track_id,
        frame.captured_at_s,
        float(weapons.confidence[weapon]),
        (x0, y0, x1, y1),
        packed.tobytes(),
        tuple((body[0], body[1], body[2], body[3]) for body in bodies[inside].tolist()),
    )
