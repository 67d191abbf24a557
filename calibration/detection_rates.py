"""How likely a camera finds a person who stands in its view: measured, then learnt while it runs.

The prior is the detector's measured recall by the height of the person's box. It is corrected per
camera by what happens: whenever other cameras place a subject well within this camera's view, it
either sees it too or it does not. A lens full of dust or a dim corridor shows itself in that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .body import standing_boxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .camera import CameraModel

DETECTOR_PX: Final = 640
"""Longer side of the picture that the detector is given."""

HEIGHTS_PX: Final = np.array([20.0, 28.0, 48.0, 96.0])
RECALLS: Final = np.array([0.0, 0.08, 0.77, 0.89])
"""Recall of persons by box height at the live operating point. From the model card of
`person-firearm` ("Recall by the long side of the object's box"), objects of PETS 2009, of the
roboflow-weapon-cctv validation part and of rendered scenes pooled: 16-24 px 0.00 of 2, 24-32 px
0.08 of 13, 32-64 px 0.77 of 338, 64-128 px 0.91 of 1,624, above 0.85 of 961. Given at the middles
of the classes, those above 64 px as one."""

UNKNOWN_HEIGHT: Final = 0.5
"""Where nobody knows how tall a body appears, because the camera is known by its floor alone."""

CUT_SHARE: Final = 0.5
"""A body of which the picture shows less than this share is not counted on to be found."""

MOST: Final = 0.95
"""No look finds more: somebody may stand behind somebody else."""

PRIOR_TRIALS: Final = 10.0
"""The card's figures weigh as much as so many trials on the spot."""

_FEWEST: Final = 0.02


def recall(height_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` probability that a person is found, by the height of the box given to the detector."""
    return np.asarray(np.interp(height_px, HEIGHTS_PX, RECALLS))


def expected_rates(camera: CameraModel, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(N,)` probability that one look finds a body that stands at each of `(N, 2)` floor points.

    Walls are not looked at: ask for places that the camera shows.

    Args:
        camera: the camera; where its pose is unknown, so is the height of bodies.
        xy_m: site metres.
    """
    boxes = standing_boxes(camera, xy_m)
    width_px, height_px = camera.size_px
    to_detector = min(1.0, DETECTOR_PX / max(width_px, height_px))
    top, bottom = boxes.xyxy_px[:, 1], boxes.xyxy_px[:, 3]
    tall = np.maximum(bottom - top, 1e-6)
    shown = np.clip(bottom, 0.0, height_px) - np.clip(top, 0.0, height_px)
    rate = recall(shown * to_detector) * np.clip(shown / tall / CUT_SHARE - 1.0, 0.0, 1.0)
    rate = np.where(boxes.whole, rate, UNKNOWN_HEIGHT)
    return np.where(boxes.valid, rate, 0.0)


class DetectionRates:
    """How each camera's hits compare with what its picture promises."""

    def __init__(self) -> None:
        self._trials: dict[str, float] = {}
        self._expected: dict[str, float] = {}
        self._hits: dict[str, float] = {}

    def learn(self, camera: str, expected: float, *, hit: bool, weight: float = 1.0) -> None:
        """Take in one trial: a body stood in the camera's view, as others saw.

        Args:
            camera: the camera.
            expected: the probability that it finds the body, by the prior.
            hit: whether it did.
            weight: how much the trial counts; less than 1 where it repeats the one before.
        """
        self._trials[camera] = self._trials.get(camera, 0.0) + weight
        self._expected[camera] = self._expected.get(camera, 0.0) + weight * expected
        self._hits[camera] = self._hits.get(camera, 0.0) + weight * hit

    def corrected(self, camera: str, expected: NDArray[np.float32]) -> NDArray[np.float32]:
        """`(N,)` the prior probabilities of a camera, corrected by its trials.

        The camera's rate over its trials has a Beta posterior, whose prior has the mean promised
        for these trials and the weight of `PRIOR_TRIALS`. All places are corrected alike, by the
        ratio of its mean to the promise.
        """
        trials = self._trials.get(camera, 0.0)
        if trials == 0.0:
            return np.asarray(np.minimum(expected, np.float32(MOST)))
        promised = max(self._expected[camera] / trials, _FEWEST)
        mean = (PRIOR_TRIALS * promised + self._hits[camera]) / (PRIOR_TRIALS + trials)
        corrected = expected * np.float32(mean / promised)
        return np.asarray(np.minimum(corrected, np.float32(MOST)))

    def trials(self, camera: str) -> float:
        """The weight of all trials of a camera."""
        return self._trials.get(camera, 0.0)
