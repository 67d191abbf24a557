"""Whether a camera still looks where it looked when it was calibrated.

About once a second the background of its picture is compared with a reference: the corners saved
when it was calibrated or, without such a file, those that the first seconds of an incident agree
on. A camera that was bumped or turned shifts the whole picture; people and doors do not.

That costs more than all else that is done with an ordinary frame, so a camera that stands still is
compared every few seconds only, and glanced at in between: some thousand pixels are held against
the same pixels of the picture compared last. A bump changes edges all over the picture; then it is
compared at once.

What is not believed at once: a single odd picture (the median of three checks counts), and a
picture in which nothing is found again (five in a row, sharp, bright and not full of people, mean
that the camera looks elsewhere). A dark or blurred picture tells nothing about the shift: the last
known one stays, and the trouble is told instead.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from .view import View
from .view_features import ViewFeatures, view_features
from .view_shift import find_shift, match_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .view import Condition
    from .view_shift import Shift

CHECK_EVERY_S: Final = 1.0
"""Time between two checks of one camera: 7 ms of one core each, measured on 640x360."""

CALM_EVERY_S: Final = 10.0
"""The same for a camera that stood still at the last checks and looks as it did then."""

CHANGED_LEVELS: Final = 12.0
CHANGED_SHARE: Final = 0.075
"""A picture looks otherwise where this share of its pixels differ by more than so many grey levels
from the last one compared, less what all differ by. In ten rendered cameras with people walking,
5 s apart, at most 0.072 of the pixels do; shifted by 8 px of 640, 0.104 and more; by 4 px, 0.066
and more, so that the smallest shifts are told a few seconds later than the others."""

URGENT: Final = 100.0
"""How much sooner than others a camera is checked that may have been moved."""

NOISE_SHARE: Final = 0.0025
"""Shifts below this share of the picture's width (1.6 px of 640) are taken for none. An unmoved
camera measures 0.0-0.3 px over compression, changed light and people."""

MOVED_SHARE: Final = 0.01
"""From this share of the picture's diagonal on (7.3 px of 640x360) the calibration is not used:
about half a metre on the floor at 8 m from a camera in 2.7 m height, and growing with the square
of the distance."""

_COUNTED: Final = 3
_NOTHING_KNOWN: Final = 5
_LEAST_CORNERS: Final = 40
_COVERED_CONTRAST: Final = 14.0
_BLURRED: Final = 0.3
"""Sharpness against the reference's below which a picture is out of focus: blur of 4 px leaves
0.10, compression to the limit and shifts 0.60 or more."""

_LEAST_SHARP: Final = 0.5
_LEAST_SEEN: Final = 0.5
_SAME_PLACE_SHARE: Final = 0.003
_GLANCE_ROWS: Final = 36


class Steadiness:
    """Compares one camera's pictures with its reference.

    Args:
        reference: corners saved at calibration; None takes them from the first pictures.

    Attributes:
        view: how the camera stood at the last check, in pixels of pictures of `size_px`.
        size_px: (width, height) of the first picture checked; None before. Those of another size,
            from the camera's other stream, are taken as scaled to it.
        checked_at_s: capture time of the picture checked last; minus infinity before.
    """

    def __init__(self, reference: ViewFeatures | None = None) -> None:
        self._reference = reference
        self._first: list[ViewFeatures] = []
        self.checked_at_s = -math.inf
        self._shifts: deque[Shift] = deque(maxlen=_COUNTED)
        self._lost = 0
        self._elsewhere = False
        self._poor: deque[Condition] = deque(maxlen=_COUNTED)
        self._compared = np.zeros((0, 0), np.float32)
        self._glanced_at_s = -math.inf
        self._calm = self._in_doubt = False
        self._looks_otherwise = False
        self.view = View()
        self.size_px: tuple[int, int] | None = None

    def overdue_s(
        self, image: NDArray[np.uint8], people_px: NDArray[np.float32], now_s: float
    ) -> float:
        """How long a picture should have been checked already, seconds; negative if it need not be.

        Where the camera looks otherwise than at its last check, or that check was in doubt, each
        second counts for `URGENT`.

        Args:
            image: `(H, W, 3)` uint8 BGR.
            people_px: `(N, 4)` boxes of persons in it.
            now_s: when it was taken, any clock.
        """
        since_s = now_s - self.checked_at_s
        if self._in_doubt and since_s >= CHECK_EVERY_S:
            return URGENT * since_s
        if not self._calm or since_s < CHECK_EVERY_S:
            return since_s - CHECK_EVERY_S
        if now_s - self._glanced_at_s >= CHECK_EVERY_S:
            self._glanced_at_s = now_s
            self._looks_otherwise = _differs(self._compared, _glance(image, people_px))
        return URGENT * since_s if self._looks_otherwise else since_s - CALM_EVERY_S

    def look(self, image: NDArray[np.uint8], people_px: NDArray[np.float32], now_s: float) -> View:
        """Check a picture, whether it is due or not.

        Args:
            image: `(H, W, 3)` uint8 BGR.
            people_px: `(N, 4)` boxes of persons in it, left out of the comparison.
            now_s: when it was taken.
        """
        self.checked_at_s = self._glanced_at_s = now_s
        self._compared, self._looks_otherwise = _glance(image, people_px), False
        features = view_features(image, people_px)
        if self.size_px is None:
            self.size_px = features.size_px
        if features.size_px != self.size_px:
            features = features.for_picture(self.size_px)
        if self._reference is None:
            self._begin(features)
            return self.view
        self.view = self._judged(features, self._reference)
        self._settle(NOISE_SHARE * self.size_px[0])
        return self.view

    def _settle(self, noise_px: float) -> None:
        """Calm if all of the last checks found a steady camera so, in doubt if the last did not."""
        steady = self.view.condition == "steady"
        still = [shift.shift_px < noise_px for shift in self._shifts]
        sound = [poor == "unknown" for poor in self._poor]
        self._calm = steady and not self._lost and len(still) == _COUNTED and all(still + sound)
        self._in_doubt = steady and bool(self._lost or not still[-1] or not sound[-1])

    def _begin(self, features: ViewFeatures) -> None:
        """Take as reference what a picture and one of the two before show in the same place."""
        if features.contrast < _COVERED_CONTRAST or len(features) < _LEAST_CORNERS:
            return
        self._first.append(features)
        if len(self._first) < _COUNTED:
            return
        last = self._first.pop()
        seen = np.zeros(len(last), np.int64)
        for other in self._first:
            seen[_in_place(last, other)] += 1
        lasting = last.only(seen > 0)
        if len(lasting) >= _LEAST_CORNERS:
            self._reference = lasting
            self.view = View("steady", agreeing=len(lasting))
            self._first = []
        else:
            self._first = [*self._first[1:], last]

    def _judged(self, features: ViewFeatures, reference: ViewFeatures) -> View:
        shift = find_shift(reference, features)
        poor = _why_poor(features, reference, shift)
        self._poor.append(poor)
        if shift.known:
            self._shifts.append(shift)
            self._lost, self._elsewhere = 0, False
        elif poor == "unknown" and _is_full_picture(features, reference):
            self._lost += 1
        else:
            self._lost = 0
        if self._lost >= _NOTHING_KNOWN or self._elsewhere:
            self._elsewhere = True
            self._shifts.clear()
            diagonal_px = math.hypot(*features.size_px)
            return View("moved", diagonal_px, agreeing=shift.agreeing, elsewhere=True)
        standing = self._standing(features.size_px, shift.agreeing)
        if len(self._poor) == _COUNTED and len(set(self._poor)) == 1 and poor != "unknown":
            return replace(standing, condition=poor) if standing.usable else standing
        return standing

    def _standing(self, size_px: tuple[int, int], agreeing: int) -> View:
        """The view by the median of the last shifts; a single one is not believed."""
        if not self._shifts:
            return View(agreeing=agreeing)
        middle = sorted(self._shifts, key=lambda shift: shift.shift_px)[
            (len(self._shifts) - 1) // 2
        ]
        shift_px = middle.shift_px
        if shift_px < NOISE_SHARE * size_px[0]:
            return View("steady", agreeing=agreeing)
        moved = shift_px >= MOVED_SHARE * math.hypot(*size_px)
        return View(
            "moved" if moved else "shifted", shift_px, middle.turn_deg, middle.scale, agreeing
        )


def reference_from(image: NDArray[np.uint8], people_px: NDArray[np.float32]) -> ViewFeatures | None:
    """The reference that one still picture gives; None where it shows too little to tell by."""
    features = view_features(image, people_px)
    if features.contrast < _COVERED_CONTRAST or len(features) < _LEAST_CORNERS:
        return None
    return features


def _glance(image: NDArray[np.uint8], people_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Single pixels all over the picture, grey levels; NaN where a person is."""
    step_px = max(image.shape[0] // _GLANCE_ROWS, 1)
    cells = image[step_px // 2 :: step_px, step_px // 2 :: step_px, 1].astype(np.float32)
    for left, top, right, bottom in (people_px / step_px).tolist():
        rows = slice(max(0, int(top)), max(0, int(bottom) + 1))
        cells[rows, max(0, int(left)) : max(0, int(right) + 1)] = np.nan
    return cells


def _differs(before: NDArray[np.float32], now: NDArray[np.float32]) -> bool:
    """Whether so many pixels are otherwise that the camera may have been moved."""
    if before.shape != now.shape:
        return True
    change = now - before
    change = change[np.isfinite(change)]
    if not len(change):
        return False
    away = np.abs(change - np.median(change)) > CHANGED_LEVELS
    return bool(away.mean() > CHANGED_SHARE)


def _in_place(one: ViewFeatures, other: ViewFeatures) -> NDArray[np.intp]:
    """Rows of `one` that `other` shows in the same place."""
    pairs = match_codes(one.codes, other.codes)
    away_px = np.linalg.norm(one.xy_px[pairs[:, 0]] - other.xy_px[pairs[:, 1]], axis=1)
    rows: NDArray[np.intp] = pairs[away_px <= _SAME_PLACE_SHARE * one.size_px[0], 0]
    return rows


def _why_poor(features: ViewFeatures, reference: ViewFeatures, shift: Shift) -> Condition:
    """`covered` or `blurred` for a picture that shows too little by itself, else `unknown`."""
    if features.contrast < _COVERED_CONTRAST:
        return "covered"
    if not shift.known and features.sharpness < _BLURRED * reference.sharpness:
        return "blurred"
    return "unknown"


def _is_full_picture(features: ViewFeatures, reference: ViewFeatures) -> bool:
    """Whether so much is seen that some of the reference would be among it."""
    enough = len(features) >= max(_LEAST_CORNERS, _LEAST_SEEN * len(reference))
    sharp = features.sharpness >= _LEAST_SHARP * reference.sharpness
    light = features.contrast >= _LEAST_SEEN * reference.contrast
    return enough and sharp and light
