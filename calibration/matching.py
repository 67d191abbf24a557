"""A frame's observations against the subjects it may show: expectation, assignment, correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import kalman
from .association import assign, squared_distances
from .continuity import PLACE_MARGIN_M, RUN_MPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .positions import FloorPositions
    from .subject import Subject

LATE_S = 1.0
"""A frame that is older than a subject's state by more than this no longer moves it."""

TENTATIVE_COST = 2.0
"""A confirmed subject is preferred to a tentative one that explains an observation as well."""


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Where a frame should show the subjects, as columns.

    A frame older than a subject's state is compared with the place where the subject was then;
    what is not known of the way since (`lag_cov_m2`) is added to the errors. That is simpler and
    more careful than exact smoothing: a late frame counts a little less than it could.

    Attributes:
        subjects: the subjects, S of them.
        ahead_s: `(S,)` how much newer the frame is than the subject's state.
        mean: `(S, 4)` the states, brought to the frame's time if that is newer.
        cov: `(S, 4, 4)` their covariances.
        lag_shift_m: `(S, 2)` way from the frame's time to the state's, if that is newer.
        lag_cov_m2: `(S, 2, 2)` its covariance.
        fresh: `(S,)` where the comparison is sound: neither unseen for long nor far newer.
    """

    subjects: Sequence[Subject]
    ahead_s: NDArray[np.float64]
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    lag_shift_m: NDArray[np.float64]
    lag_cov_m2: NDArray[np.float64]
    fresh: NDArray[np.bool_]

    @property
    def xy_m(self) -> NDArray[np.float64]:
        """`(S, 2)` expected places."""
        return self.mean[:, :2] - self.lag_shift_m

    @property
    def cov_m2(self) -> NDArray[np.float64]:
        """`(S, 2, 2)` their covariances."""
        return self.cov[:, :2, :2] + self.lag_cov_m2


def expect(subjects: Sequence[Subject], at_s: float, fresh: NDArray[np.bool_]) -> Expected:
    """Where a frame taken at `at_s` should show the subjects.

    Args:
        subjects: the subjects, S of them.
        at_s: capture time of the frame.
        fresh: `(S,)` where the filter's state may be compared with a frame of that time.
    """
    ahead_s = np.array([at_s - subject.time_s for subject in subjects])
    mean = np.array([subject.mean for subject in subjects]).reshape(-1, 4)
    cov = np.array([subject.cov for subject in subjects]).reshape(-1, 4, 4)
    lag_s = np.clip(-ahead_s, 0.0, LATE_S)
    mean, cov = kalman.predict(mean, cov, np.maximum(ahead_s, 0.0))
    shift_m, shift_cov_m2 = kalman.look_back(mean, cov, lag_s)
    return Expected(subjects, ahead_s, mean, cov, shift_m, shift_cov_m2, fresh)


def match(
    positions: FloorPositions,
    owners: Sequence[Subject | None],
    expected: Expected,
    frame_s: float = 0.0,
) -> NDArray[np.intp]:
    """The column of `expected.subjects` for each observation, -1 for none.

    Args:
        positions: the observations.
        owners: the subject that each one's track had, None without one.
        expected: where the subjects should be seen.
        frame_s: how far the camera's frames are apart, seconds.
    """
    subjects = expected.subjects
    known = np.array([[o is s for s in subjects] for o in owners], np.bool_)
    known = known.reshape(len(owners), len(subjects))
    squared, spread = squared_distances(
        positions.xy_m, positions.cov_m2, expected.xy_m, expected.cov_m2
    )
    last_xy_m = np.array([s.mean[:2] for s in subjects]).reshape(-1, 2)
    # A known track back from a gap: the filter cannot say where the body is, its legs can.
    apart_m = np.linalg.norm(positions.xy_m[:, None] - last_xy_m[None], axis=2)
    reached = apart_m <= RUN_MPS * np.abs(expected.ahead_s) + PLACE_MARGIN_M
    squared = np.where(expected.fresh, squared, np.where(reached, 0.0, np.inf))
    spread = spread + np.array([TENTATIVE_COST * (s.number is None) for s in subjects])
    return assign(squared, spread, known, known | expected.fresh, frame_s)


def sight(expected: Expected, column: int, positions: FloorPositions, row: int) -> Subject:
    """Take one observation into the subject that it was assigned to."""
    subject = expected.subjects[column]
    at_s, camera = positions.captured_at_s, positions.camera
    xy_m, cov_m2 = positions.xy_m[row], positions.cov_m2[row]
    if expected.fresh[column]:
        subject.mean, subject.cov = expected.mean[column], expected.cov[column]
        subject.time_s = max(subject.time_s, at_s)
        now_xy_m = xy_m + expected.lag_shift_m[column]
        subject.sight(camera, at_s, now_xy_m, cov_m2, expected.lag_cov_m2[column])
    elif expected.ahead_s[column] > 0:
        subject.restart(camera, at_s, xy_m, cov_m2)
    return subject
