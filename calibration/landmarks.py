"""Cameras that are calibrated by surveyed points: places whose pixel is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.columns import require_column

from .camera import SURVEY_ERROR_M, CameraModel
from .errors import DegeneratePoints
from .pose_fit import Fitted, Survey, agreed_pose, refined, solved_pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .fisheye import AnyLens

LEAST_LANDMARKS: Final = 4
LEAST_FOR_LENS: Final = 8
"""Landmarks that are believed, at least, before focal length and k1 are fitted, too."""

UNMEASURED_ERROR_M: Final = 0.30
"""Assumed where there are too few landmarks to leave one out."""

_LEAST_HELD_OUT: Final = 3
NEAR_FLOOR_M: Final = 0.5
"""Up to this height a point counts as one of the floor when the error is measured."""

_LEAST_TO_DROP_ONE: Final = 6
_LEAST_KEPT: Final = 5
_KEPT_SHARE: Final = 0.6

_MISREAD: Final = 0.01
"""A landmark farther off than this share of the picture's diagonal was not merely read loosely."""

_WELL_READ: Final = 0.003
"""A landmark nearer than this share (2.2 px of 640x360) is never called misread, however well all
others agree."""

_OUTLYING: Final = 5.0
"""Between the two, one is misread from so many standard deviations of the others on."""

_CLICK_PX_SHARE: Final = 0.0015
_CLICK_WORTH: Final = 4.0
"""Before any is seen, a landmark's pixel is taken to err by this share of the diagonal (1.1 px of
640x360), on the evidence of so many residuals: few landmarks that agree by chance do not make a
calibration perfect."""

_LEAST_SPREAD: Final = 0.03
"""Least width of the landmarks across their longest line, as a share of its length."""

_LEAST_EXTENT: Final = 0.08
"""Least size of the area in the picture that has landmarks, as a share of its diagonal."""

_FOCAL_DOUBT: Final = 0.10
"""A focal length that the landmarks leave more uncertain than this share is not refined."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraFit:
    """A camera found from landmarks and how well they agree.

    Attributes:
        camera: the camera; its `floor_error_m` is the root mean square of `held_out_m` over both
            axes, or `UNMEASURED_ERROR_M` where that could not be measured. Where it was measured
            the camera has a `calibration_cov`.
        residual_px: `(N,)` distance between each landmark's pixel and where the camera puts it.
        held_out_m: `(M,)` distances in metres at which single landmarks are placed, at their own
            height, by a camera fitted to all others; infinite where it places one nowhere. Only
            of landmarks that are believed and whose others fix a camera: none of four. Where
            three or more of these are near the floor, only of those: near the camera's own height
            a pixel is metres wide.
        left_out_m: `(N,)` the same distance of each landmark wherever its height is; not a number
            where it was not used or the others fix no camera, infinite where they place it nowhere.
        measured: whether `held_out_m` has at least three distances, all of them finite.
        dropped: rows of landmarks that contradict the others and were not used.
        sigma_px: standard deviation of a landmark's pixel coordinate, of those that were used.
    """

    camera: CameraModel
    residual_px: NDArray[np.float64]
    held_out_m: NDArray[np.float64]
    left_out_m: NDArray[np.float64]
    measured: bool
    dropped: tuple[int, ...]
    sigma_px: float


def fit_camera(
    lens: AnyLens,
    px: NDArray[np.float64],
    xyz_m: NDArray[np.float64],
    *,
    refine_lens: bool = False,
) -> CameraFit:
    """The camera that sees the places `xyz_m` at the pixels `px`.

    With six landmarks or more, those that were misread are found and left out, up to two in five.

    Args:
        lens: lens of the picture.
        px: `(N, 2)` float64 pixels.
        xyz_m: `(N, 3)` float64 site metres, z above the floor.
        refine_lens: fit focal length and k1, too.

    Raises:
        DegeneratePoints: fewer than four landmarks, landmarks on one line, equal landmarks or all
            near one point, or no camera above the floor that sees them; or a lens that they do
            not fix.
    """
    require_column("px", px, shape=(None, 2), dtype=np.float64)
    require_column("xyz_m", xyz_m, shape=(len(px), 3), dtype=np.float64)
    diagonal_px = math.hypot(lens.width_px, lens.height_px)
    require_spread(px, xyz_m)
    require_extent(px, diagonal_px)
    rays, valid = lens.to_rays(px)
    if not valid.all():
        raise DegeneratePoints(
            f"landmark {np.flatnonzero(~valid)[0] + 1} lies where the lens model folds over; "
            "correct [lens] or choose a point nearer to the middle of the picture"
        )
    survey = Survey(lens, px, rays, xyz_m)
    fitted, kept = _believed(survey, diagonal_px)
    if fitted is None:
        raise DegeneratePoints(_why_none(survey, diagonal_px))
    used = survey.only(kept)
    if refine_lens:
        fitted = _with_lens(used, fitted)
    held_out_m, nees = _held_out(used, fitted, refine_lens=refine_lens, diagonal_px=diagonal_px)
    left_out_m = np.full(len(px), np.nan)
    left_out_m[kept] = held_out_m
    low = used.xyz_m[:, 2] <= NEAR_FLOOR_M
    if np.isfinite(held_out_m[low]).sum() >= _LEAST_HELD_OUT:
        held_out_m = np.where(low, held_out_m, np.nan)
    left_out = ~np.isnan(held_out_m)
    held_out_m, nees = held_out_m[left_out], nees[~np.isnan(nees)]
    measured = len(held_out_m) >= _LEAST_HELD_OUT and bool(np.isfinite(held_out_m).all())
    error_m = float(np.sqrt(np.mean(held_out_m**2) / 2)) if measured else UNMEASURED_ERROR_M
    sigma_px = _sigma_px(fitted, len(used), diagonal_px)
    # What left-out landmarks show beyond what the residuals explain, the covariance is to have.
    swollen = max(1.0, float(np.mean(nees)) / 2) if measured else 1.0
    # A sigma from few residuals is itself uncertain: the variance of Student's t with that many.
    worth = _worth(fitted, len(used))
    swollen *= worth / (worth - 2)
    cov = (np.linalg.inv(fitted.information) * sigma_px**2 * swollen).astype(np.float64)
    return CameraFit(
        camera=CameraModel.from_pose(
            fitted.lens, fitted.pose, max(error_m, SURVEY_ERROR_M), cov if measured else None
        ),
        residual_px=survey.away_px(fitted.lens, fitted.pose),
        held_out_m=held_out_m,
        left_out_m=left_out_m,
        measured=measured,
        dropped=tuple(np.setdiff1d(np.arange(len(px)), kept).tolist()),
        sigma_px=sigma_px,
    )


def _believed(survey: Survey, diagonal_px: float) -> tuple[Fitted | None, NDArray[np.intp]]:
    """The camera of all landmarks that agree, and their rows; of all where too few do."""
    everybody = np.arange(len(survey))
    limit_px = _MISREAD * diagonal_px
    pose = agreed_pose(survey, limit_px)
    if pose is None:
        return None, everybody
    if len(survey) >= _LEAST_TO_DROP_ONE:
        kept = np.flatnonzero(survey.away_px(survey.lens, pose) <= limit_px)
        fitted = None
        for _ in range(5):
            if len(kept) < max(_LEAST_KEPT, _KEPT_SHARE * len(survey)) or not _is_spread(
                survey.only(kept)
            ):
                fitted = None
                break
            fitted = refined(survey.only(kept), survey.lens, pose)
            if fitted is None:
                break
            pose = fitted.pose
            away_px = survey.away_px(survey.lens, pose)
            sigma_px = _sigma_px(fitted, len(kept), diagonal_px)
            strict_px = np.clip(
                _OUTLYING * sigma_px, _WELL_READ * diagonal_px, _MISREAD * diagonal_px
            )
            again = np.flatnonzero(away_px <= strict_px)
            if np.array_equal(again, kept):
                break
            kept = again
        if fitted is not None:
            return fitted, kept
    start = solved_pose(survey)
    return (None if start is None else refined(survey, survey.lens, start)), everybody


def _sigma_px(fitted: Fitted, count: int, diagonal_px: float) -> float:
    """Standard deviation of a pixel coordinate: of the residuals, and of experience."""
    expected = _CLICK_WORTH * (_CLICK_PX_SHARE * diagonal_px) ** 2
    return math.sqrt((expected + fitted.cost_px2) / _worth(fitted, count))


def _worth(fitted: Fitted, count: int) -> float:
    """How many residuals `_sigma_px` stands on."""
    return _CLICK_WORTH + max(2 * count - len(fitted.information), 0)


def _with_lens(used: Survey, fitted: Fitted) -> Fitted:
    """The fit with focal length and k1.

    Raises:
        DegeneratePoints: too few landmarks, or they say too little about the lens.
    """
    if len(used) < LEAST_FOR_LENS:
        raise DegeneratePoints(
            f"{len(used)} landmarks that agree are too few to fit the lens, too; survey "
            f"{LEAST_FOR_LENS} or more, or leave the lens as it is"
        )
    both = refined(used, fitted.lens, fitted.pose, with_lens=True)
    if both is None:
        raise DegeneratePoints(
            "no lens near the one in [lens] explains these landmarks; leave the lens as it is"
        )
    diagonal_px = math.hypot(used.lens.width_px, used.lens.height_px)
    sigma_px = _sigma_px(both, len(used), diagonal_px)
    doubt = sigma_px * math.sqrt(float(np.linalg.inv(both.information)[6, 6]))
    if doubt > _FOCAL_DOUBT:
        raise DegeneratePoints(
            f"these landmarks leave the focal length uncertain by {doubt:.0%}; survey points "
            "above the floor and far from each other, or leave the lens as it is"
        )
    return both


def _why_none(survey: Survey, diagonal_px: float) -> str:
    mirrored = Survey(survey.lens, survey.px, survey.rays, survey.xyz_m * (1.0, -1.0, 1.0))
    pose = solved_pose(mirrored)
    if pose is not None and (
        np.median(mirrored.away_px(survey.lens, pose)) <= _MISREAD * diagonal_px
    ):
        return (
            "the metres are a mirror image of what the picture shows; on the plan x is right and "
            "y is up, so exchange x and y or turn the sign of one of them"
        )
    return (
        "no camera above the floor sees these landmarks; check that pixels and metres belong "
        "together and that x is right and y is up on the plan"
    )


def require_spread(px: NDArray[np.float64], xyz_m: NDArray[np.float64]) -> None:
    """Return if landmarks can fix a camera: four or more, none twice, and not on one line.

    Raises:
        DegeneratePoints: they cannot; the message says why.
    """
    n = len(px)
    if n < LEAST_LANDMARKS:
        raise DegeneratePoints(f"{n} landmarks do not fix a camera; survey at least four")
    for name, points in (("metres", xyz_m), ("pixels", px)):
        if len(np.unique(points, axis=0)) < n:
            raise DegeneratePoints(
                f"two landmarks have the same {name}; each must be its own point"
            )
        if _spread(points) < _LEAST_SPREAD:
            raise DegeneratePoints(
                f"all landmarks lie on one line ({name}); survey points to both sides of it"
            )
        for i in range(n):
            if _spread(np.delete(points, i, axis=0)) < _LEAST_SPREAD:
                raise DegeneratePoints(
                    f"all landmarks but number {i + 1} lie on one line ({name}); survey another "
                    "point to the side of it"
                )


def _spread(points: NDArray[np.float64]) -> float:
    """Width of the points across their longest line, as a share of its length; 0 = on a line."""
    sizes = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return float(sizes[1] / sizes[0]) if sizes[0] > 0 else 0.0


def require_extent(px: NDArray[np.float64], diagonal_px: float) -> None:
    """Return if landmarks lie all over enough of a picture of this size from corner to corner.

    Raises:
        DegeneratePoints: they lie near one point of it.
    """
    extent_px = float(np.linalg.norm(np.ptp(px, axis=0)))
    if extent_px < _LEAST_EXTENT * diagonal_px:
        raise DegeneratePoints(
            f"all landmarks lie near one point of the picture ({extent_px:.0f} px of "
            f"{diagonal_px:.0f} from corner to corner); survey points all over the floor that it "
            "shows"
        )


def _is_spread(survey: Survey) -> bool:
    try:
        require_spread(survey.px, survey.xyz_m)
    except DegeneratePoints:
        return False
    return True


def _held_out(
    used: Survey, fitted: Fitted, *, refine_lens: bool, diagonal_px: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each landmark, how far the others place it off, and that squared in units of its variance.

    Not a number where the others fix no camera, infinite where they place it nowhere.
    """
    away_m, nees = [], []
    for i in range(len(used)):
        others = used.only(np.delete(np.arange(len(used)), i))
        if not _is_spread(others):
            away_m.append(np.nan)
            nees.append(np.nan)
            continue
        pose = solved_pose(others)
        again = pose and refined(others, fitted.lens, pose, with_lens=refine_lens)
        if not again:
            away_m.append(np.inf)
            nees.append(np.inf)
            continue
        sigma_px = _sigma_px(again, len(others), diagonal_px)
        model = CameraModel.from_pose(
            again.lens,
            again.pose,
            calibration_cov=(np.linalg.pinv(again.information) * sigma_px**2).astype(np.float64),
        )
        px, height_m = used.px[i : i + 1], float(used.xyz_m[i, 2])
        at_m, valid = model.to_height(px, height_m)
        off_m = at_m[0] - used.xyz_m[i, :2]
        jacobian = model.floor_jacobian(px, height_m)[0]
        cov_m2 = model.calibration_cov_m2(px, height_m)[0] + sigma_px**2 * jacobian @ jacobian.T
        away_m.append(float(np.linalg.norm(off_m)) if valid[0] else np.inf)
        nees.append(float(off_m @ np.linalg.solve(cov_m2, off_m)) if valid[0] else np.inf)
    return np.array(away_m, dtype=np.float64), np.array(nees, dtype=np.float64)
