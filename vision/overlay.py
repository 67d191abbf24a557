"""What is drawn into the pictures of a stream: who is who, where, when, and how old it is.

The picture keeps its own pixels but for boxes, labels and covered heads. What is to be read stands
in a band below it, so that no writing hides what the camera shows: the camera's name, where it
looks, the time of capture, how old the picture is, and whether this is an exercise. The lowest rows
are the capture clock for machines (`vision.clock_strip`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .clock_strip import CELL_PX, WIDTH_PX, draw_strip
from .frames import Frame
from .heads import RecentHeads, head_boxes, pixelate
from .track import NOT_TRACKED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .pipeline import TrackedFrame
    from .stream_parts import HeadPolicy

STALE_S = 2.0
"""A picture that is older is marked as stale: it is grey, and the band says so."""

MOST_WIDE_PX = 960
"""Larger pictures are made smaller: who must see more asks the camera for it."""

_BAND_PX = 40
_COLOUR_OF_INTEREST = (0, 110, 255)  # BGR: vermilion, for the colour-blind apart from sky blue
_COLOUR_OTHER = (233, 180, 86)
_COLOUR_EXERCISE = (0, 196, 245)
_WHITE, _BLACK, _SOFT, _ALARM = (255, 255, 255), (0, 0, 0), (190, 180, 170), (80, 80, 255)
_EMPTY = 48
_NOTE_AT = (16, 32)


@dataclass(frozen=True, slots=True)
class TrackLabel:
    """What is known of one track beyond its camera.

    Attributes:
        subject: subject id, e.g. "S3".
        place: name of the space it is in; "" where unknown.
        armed_probability: probability of being armed, 0..1.
        of_interest: whether it is looked for: its head is shown, its frame is bold.
        note: what people say of it, e.g. "responder"; "" where nothing.
    """

    subject: str
    place: str
    armed_probability: float
    of_interest: bool
    note: str = ""

    @property
    def text(self) -> str:
        """The label in one line."""
        parts = [self.subject, self.note, f"armed {self.armed_probability:.0%}", self.place]
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Caption:
    """What the band says of a camera.

    Attributes:
        name: the camera's name.
        exercise: whether this is an exercise.
        zone: time zone in which the clock is written.
    """

    name: str
    exercise: bool
    zone: tzinfo


class Overlay:
    """Draws the pictures of one camera.

    Args:
        caption: what the band says.
        policy: whose heads are covered.
    """

    def __init__(self, caption: Caption, policy: HeadPolicy) -> None:
        self._caption = caption
        self._policy: HeadPolicy = policy
        self._recent = RecentHeads()
        self._font = cv2.FontFace("sans")
        self._last: tuple[TrackedFrame, Mapping[int, TrackLabel], NDArray[np.uint8]] | None = None

    def draw(
        self, tracked: TrackedFrame, labels: Mapping[int, TrackLabel], now_s: float
    ) -> NDArray[np.uint8]:
        """The picture to encode, `(H, W, 3)` uint8 BGR, sides even, at most `MOST_WIDE_PX` wide.

        Args:
            tracked: the newest frame and what it showed.
            labels: what is known of its tracks, by track id.
            now_s: the moment, Unix seconds.
        """
        last = self._last
        if last is not None and last[0] is tracked and last[1] is labels:
            picture = last[2]
        else:
            picture = self._picture(tracked, labels)
            self._last = tracked, labels, picture
        captured_at_s = tracked.frame.captured_at_s
        age_s = now_s - captured_at_s
        if age_s > STALE_S:
            picture = _grey(picture)
        height, width = picture.shape[:2]
        image = np.zeros((height + _BAND_PX, width, 3), np.uint8)
        image[:height] = picture
        self._band(image[height:], captured_at_s, age_s)
        draw_strip(image, captured_at_s)
        return image

    def _picture(
        self, tracked: TrackedFrame, labels: Mapping[int, TrackLabel]
    ) -> NDArray[np.uint8]:
        frame = tracked.frame
        size_px, scale = fitted(frame.size_px)
        boxes_px = tracked.persons.xyxy_px * np.float32(scale)
        if isinstance(frame, Frame):
            smaller = cv2.resize(frame.image, size_px, interpolation=cv2.INTER_AREA)
            image = np.asarray(smaller, np.uint8)
            shown = self._shown(tracked.track_id, labels)
            heads_px = head_boxes(boxes_px[~shown])
            if self._policy != "clear":
                pixelate(image, self._recent.with_recent(heads_px, frame.captured_at_s))
        else:
            image = np.full((size_px[1], size_px[0], 3), _EMPTY, np.uint8)
            self._write(image, "Recorded boxes, no picture", _NOTE_AT, _SOFT)
        for box_px, track in zip(boxes_px.tolist(), tracked.track_id.tolist(), strict=True):
            self._person(image, box_px, track, labels.get(track))
        return image

    def _shown(
        self, track_id: NDArray[np.int64], labels: Mapping[int, TrackLabel]
    ) -> NDArray[np.bool_]:
        """Whose heads are not covered, `(N,)`."""
        return np.array(
            [
                self._policy == "pixelate-others" and track in labels and labels[track].of_interest
                for track in track_id.tolist()
            ],
            np.bool_,
        )

    def _person(
        self,
        image: NDArray[np.uint8],
        box_px: tuple[float, float, float, float],
        track: int,
        label: TrackLabel | None,
    ) -> None:
        left, top, right, bottom = (round(edge) for edge in box_px)
        wanted = label is not None and label.of_interest
        colour = _COLOUR_OF_INTEREST if wanted else _COLOUR_OTHER
        cv2.rectangle(image, (left, top), (right, bottom), colour, 3 if wanted else 1, cv2.LINE_AA)
        number = "" if track == NOT_TRACKED else f"#{track}"
        text = number if label is None else f"{label.text} · {number}"
        if text:
            self._tag(image, text, (left, top), colour, 17 if wanted else 13)

    def _tag(
        self,
        image: NDArray[np.uint8],
        text: str,
        corner_px: tuple[int, int],
        colour: tuple[int, int, int],
        size_px: int,
    ) -> None:
        """Writing on its own ground above a box, moved into the picture where it would leave it."""
        height, width = image.shape[:2]
        wide = self._width(text, size_px) + 8
        high = size_px + 7
        left = int(np.clip(corner_px[0], 0, max(width - wide, 0)))
        top = int(np.clip(corner_px[1] - high, 0, max(height - high, 0)))
        cv2.rectangle(image, (left, top), (left + wide, top + high), colour, cv2.FILLED)
        self._write(image, text, (left + 4, top + size_px + 1), _BLACK, size_px)

    def _band(self, band: NDArray[np.uint8], captured_at_s: float, age_s: float) -> None:
        width = band.shape[1]
        stale = age_s > STALE_S
        clock = datetime.fromtimestamp(captured_at_s, self._caption.zone)
        age = f"STALE {age_s:.0f} s" if stale else f"{max(age_s, 0.0):.1f} s old"
        time_text = f"{clock:%H:%M:%S}.{clock.microsecond // 100_000}"
        right = width - self._width(age, 17) - 8
        self._write(band, age, (right, 22), _ALARM if stale else _WHITE)
        right -= self._width(time_text, 17) + 14
        self._write(band, time_text, (right, 22), _WHITE)
        left = 8
        if self._caption.exercise:
            wide = self._width("EXERCISE", 15) + 10
            cv2.rectangle(band, (0, 0), (wide, _BAND_PX - CELL_PX - 1), _COLOUR_EXERCISE, -1)
            self._write(band, "EXERCISE", (5, 21), _BLACK, 15)
            left = wide + 8
        name = self._shortened(self._caption.name, right - left - 10)
        self._write(band, name, (left, 22), _WHITE)

    def _shortened(self, text: str, most_px: int) -> str:
        if self._width(text, 17) <= most_px:
            return text
        while text and self._width(f"{text}…", 17) > most_px:
            text = text[:-1]
        return f"{text}…" if text else ""

    def _width(self, text: str, size_px: int) -> int:
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._font, size_px)[2])

    def _write(
        self,
        image: NDArray[np.uint8],
        text: str,
        at_px: tuple[int, int],
        colour: tuple[int, int, int],
        size_px: int = 17,
    ) -> None:
        cv2.putText(image, text, at_px, colour, self._font, size_px, 500)


def fitted(size_px: tuple[int, int]) -> tuple[tuple[int, int], float]:
    """The size at which a picture is streamed, sides even, and its scale.

    Args:
        size_px: (width, height) of the camera's picture.
    """
    width = min(max(size_px[0], WIDTH_PX), MOST_WIDE_PX) // 2 * 2
    scale = width / size_px[0]
    return (width, max(round(size_px[1] * scale / 2.0) * 2, 2)), scale


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture without colour, and darker: it is not what is there now."""
    dim = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) // 2 + 30
    return np.repeat(dim[:, :, None], 3, axis=2).astype(np.uint8)
