"""The pose, and if asked the lens, that explain where surveyed places are seen.

Poses come from small groups of landmarks (so that a misread one spoils some groups only), the one
with which most landmarks agree is kept, and all that agree refine it in pixels.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from .camera import Pose
from .pose_error import LENS_NUMBERS, POSE_NUMBERS, pixel_by_calibration, seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .fisheye import AnyLens

GROUP: Final = 4
"""Landmarks that fix a camera whose lens is known."""

_MOST_GROUPS: Final = 400
_STEPS: Final = 30
_SETTLED: Final = 1e-11
_FOCAL_PRIOR: Final = 0.3
_K1_PRIOR: Final = 0.3
"""One standard deviation of the logarithm of the focal length and of k1 around what the file says:
wide enough for any lens whose maker told the field of view, and finite, so that landmarks that say
nothing about the lens leave it alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """Landmarks: `(N, 2)` pixels, their undistorted points and `(N, 3)` places, site metres."""

    lens: AnyLens
    px: NDArray[np.float64]
    rays: NDArray[np.float64]
    xyz_m: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.px)

    def only(self, rows: NDArray[np.intp]) -> Survey:
        """The landmarks of these rows."""
        return Survey(self.lens, self.px[rows], self.rays[rows], self.xyz_m[rows])

    def residuals_px(self, lens: AnyLens, pose: Pose) -> NDArray[np.float64]:
        """`(N, 2)` from each landmark's pixel to where the pose puts it; infinite behind it."""
        camera_m = seen_by(pose, self.xyz_m)
        ahead = camera_m[:, 2] > 0
        depth_m = np.where(ahead, camera_m[:, 2], 1.0)
        px, unfolded = lens.to_pixels(camera_m[:, :2] / depth_m[:, None])
        return np.where((ahead & unfolded)[:, None], px - self.px, np.inf)

    def away_px(self, lens: AnyLens, pose: Pose) -> NDArray[np.float64]:
        """`(N,)` length of `residuals_px`."""
        return np.asarray(np.linalg.norm(self.residuals_px(lens, pose), axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A lens and a pose that were fitted.

    Attributes:
        lens: as given, or with another focal length and k1.
        pose: where the camera stands.
        information: `(P, P)` JᵀJ in pixels: its inverse times the variance of a pixel coordinate
            is the covariance of the numbers of `pose_error`; P is 6, or 8 with the lens.
        cost_px2: sum of squared residuals.
    """

    lens: AnyLens
    pose: Pose
    information: NDArray[np.float64]
    cost_px2: float


def agreed_pose(survey: Survey, limit_px: float) -> Pose | None:
    """The pose above the floor with which most landmarks agree, each up to `limit_px`.

    That of all landmarks where they all agree with it. Otherwise the best pose of groups of four:
    every group where they are few, some hundred where there are many; scored by the sum of squared
    residuals, none counted beyond the limit (MSAC: Torr and Zisserman 2000). Deterministic.
    """
    best = solved_pose(survey)
    least = math.inf
    if best is not None:
        away_px = survey.away_px(survey.lens, best)
        if (away_px <= limit_px / 2).all():
            return best
        least = float(np.minimum(away_px, limit_px) @ np.minimum(away_px, limit_px))
    for rows in _groups(len(survey)):
        for pose in _poses(survey.only(rows)):
            capped_px = np.minimum(survey.away_px(survey.lens, pose), limit_px)
            cost = float(capped_px @ capped_px)
            if cost < least:
                best, least = pose, cost
    return best


def _groups(count: int) -> Iterator[NDArray[np.intp]]:
    if count <= GROUP:
        return
    if math.comb(count, GROUP) <= _MOST_GROUPS:
        for rows in itertools.combinations(range(count), GROUP):
            yield np.array(rows)
        return
    rng = np.random.default_rng(0)
    for _ in range(_MOST_GROUPS):
        yield np.sort(rng.choice(count, GROUP, replace=False))


def solved_pose(survey: Survey) -> Pose | None:
    """The pose above the floor with the least residual in pixels; None where there is none."""
    best, least = None, math.inf
    for pose in _poses(survey):
        fitted = refined(survey, survey.lens, pose)
        if fitted is not None and fitted.cost_px2 < least:
            best, least = fitted.pose, fitted.cost_px2
    return best


def _poses(survey: Survey) -> Iterator[Pose]:
    """Poses above the floor that two solvers find.

    SQPnP (Terzakis and Lourakis 2020) knows no preferred arrangement of points but returns one
    of the two poses that nearly flat arrangements allow; IPPE (Collins and Bartoli 2014) returns
    both for points of one plane.
    """
    for method in (cv2.SOLVEPNP_SQPNP, cv2.SOLVEPNP_IPPE):
        try:
            _, turns, shifts, _ = cv2.solvePnPGeneric(
                survey.xyz_m, survey.rays, np.eye(3), np.zeros(5), flags=method
            )
        except cv2.error:  # IPPE refuses points that are not of one plane
            continue
        for turn, shift in zip(turns, shifts, strict=True):
            pose = Pose(
                rotation=np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64),
                translation=np.asarray(shift, dtype=np.float64).reshape(3),
            )
            if _is_sound(pose, survey):
                yield pose


def refined(
    survey: Survey, lens: AnyLens, pose: Pose, *, with_lens: bool = False, steps: int = _STEPS
) -> Fitted | None:
    """The least squares of the pixels from a start (Levenberg-Marquardt); None where it fails.

    Args:
        survey: landmarks that are believed.
        lens: lens to begin with.
        pose: pose to begin with.
        with_lens: fit focal length and k1, too, held to `lens` by a wide prior.
        steps: at most.
    """
    numbers = POSE_NUMBERS + (LENS_NUMBERS if with_lens else 0)
    prior = np.zeros(numbers)
    # In units of one pixel of residual, the prior being worth one pixel at its own sigma.
    prior[POSE_NUMBERS:] = (1 / _FOCAL_PRIOR, 1 / _K1_PRIOR)[: numbers - POSE_NUMBERS]
    moved = np.zeros(numbers)
    damping, now = 1e-6, (lens, pose)
    residual = survey.residuals_px(*now)
    if not np.isfinite(residual).all():
        return None
    cost = _cost(residual, prior, moved)
    information = np.zeros((numbers, numbers))
    for _ in range(steps):
        jacobian = pixel_by_calibration(now[0], seen_by(now[1], survey.xyz_m), numbers)
        flat = jacobian.reshape(-1, numbers)
        information = flat.T @ flat + np.diag(prior**2)
        gradient = flat.T @ residual.ravel() + prior**2 * moved
        for _ in range(12):
            damped = information + damping * np.diag(np.diag(information) + 1e-12)
            step = -np.linalg.solve(damped, gradient).astype(np.float64)
            there = stepped(*now, step)
            new_residual = survey.residuals_px(*there)
            new_cost = _cost(new_residual, prior, moved + step)
            if new_cost <= cost:
                break
            damping = max(damping, 1e-9) * 8
        else:
            break
        settled = cost - new_cost <= _SETTLED * max(cost, 1e-12)
        now, residual, cost, moved = there, new_residual, new_cost, moved + step
        damping /= 8
        if settled or float(np.abs(step).max()) < _SETTLED:
            break
    if not _is_sound(now[1], survey):
        return None
    jacobian = pixel_by_calibration(now[0], seen_by(now[1], survey.xyz_m), numbers)
    flat = jacobian.reshape(-1, numbers)
    information = flat.T @ flat + np.diag(prior**2)
    return Fitted(*now, information, float((residual**2).sum()))


def stepped(lens: AnyLens, pose: Pose, step: NDArray[np.float64]) -> tuple[AnyLens, Pose]:
    """Lens and pose after a step of the numbers of `pose_error`."""
    turn = np.asarray(cv2.Rodrigues(step[:3])[0], dtype=np.float64)
    moved = Pose(
        rotation=turn @ pose.rotation, translation=turn @ pose.translation + step[3:POSE_NUMBERS]
    )
    if len(step) == POSE_NUMBERS:
        return lens, moved
    grown = math.exp(float(np.clip(step[6], -1.0, 1.0)))
    return replace(lens, fx=lens.fx * grown, fy=lens.fy * grown, k1=lens.k1 + float(step[7])), moved


def _cost(
    residual: NDArray[np.float64], prior: NDArray[np.float64], moved: NDArray[np.float64]
) -> float:
    return float((residual**2).sum() + ((prior * moved) ** 2).sum())


def _is_sound(pose: Pose, survey: Survey) -> bool:
    """Whether the camera hangs above the floor with all landmarks in front of it."""
    return bool(pose.centre_m[2] > 0 and (seen_by(pose, survey.xyz_m)[:, 2] > 0).all())
