"""Where the picture of a plan lies, by two of its points and what is known of them.

A site whose cameras are calibrated keeps its axes, and the picture is turned to them. A site that
only begins takes the picture's axes, so that walls run along them, and north is told by the
anchor's bearing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from .geodesy import Anchor, SiteFrame
from .underlay import Placement, corners_px, placement_of_points, scale_of_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

Axes = Literal["site", "picture"]

_FARTHEST_M: Final = 10_000.0
"""As for everything on a plan, see `plan_loading`."""

_FINEST_M: Final = 1e-4
_COARSEST_M: Final = 5.0
_EAST_DEG: Final = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class TwoPoints:
    """Two points of a picture, and what was measured of them: exactly one of three things.

    Attributes:
        px: `(2, 2)` float64, pixels.
        distance_m: how far apart they are.
        places_m: `(2, 2)` where they are, site metres.
        places_deg: `(2, 2)` where they are on earth, WGS84 longitude and latitude.
        x_bearing_deg: compass bearing of the picture's x axis, where it was measured; belongs to
            `distance_m`.
    """

    px: NDArray[np.float64]
    distance_m: float | None = None
    places_m: NDArray[np.float64] | None = None
    places_deg: NDArray[np.float64] | None = None
    x_bearing_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """Where a picture lies, and where the plan's origin then lies on earth."""

    placement: Placement
    anchor: Anchor


def x_bearing_of_line_deg(px: NDArray[np.float64], bearing_deg: float) -> float:
    """Compass bearing of the picture's x axis, of `(2, 2)` a line's ends and its own bearing.

    Raises:
        ValueError: the ends are the same.
    """
    step_px = px[1] - px[0]
    if float(np.hypot(*step_px)) < 1.0:
        raise ValueError("the two points are the same; choose two that lie far apart")
    return (bearing_deg + math.degrees(math.atan2(-step_px[1], step_px[0]))) % 360.0


def lay_picture(
    points: TwoPoints,
    *,
    size_px: tuple[float, float],
    media_type: str,
    before: Placement | None,
    anchor: Anchor,
    axes: Axes,
) -> Laid:
    """Where the picture lies by what was measured of two of its points.

    Args:
        points: what was measured.
        size_px: width and height of the picture.
        media_type: e.g. "image/png".
        before: where it lay by an earlier measurement; None where it is measured first. Its first
            point then stays where it was, else the picture's lower left corner lies on (0, 0).
        anchor: where the plan's origin lies on earth.
        axes: "site" keeps the plan's axes and turns the picture, "picture" takes the picture's,
            so that the anchor's bearing changes.

    Raises:
        ValueError: the points are the same, or no plan has such a scale; says what would be right.
    """
    if points.places_m is not None:
        laid = Laid(placement_of_points(points.px, points.places_m), anchor)
    elif points.places_deg is not None:
        laid = _on_earth(points.px, points.places_deg, size_px, media_type, anchor, axes)
    else:
        laid = _by_distance(points, size_px, media_type, before, anchor, axes)
    scale = laid.placement.metres_per_pixel
    if not _FINEST_M <= scale <= _COARSEST_M:
        raise ValueError(
            f"a pixel would be {scale:.3g} m wide; check the distance (metres) and the two points"
        )
    corners_m = laid.placement.to_site(corners_px(size_px, media_type))
    if not np.isfinite(corners_m).all() or np.abs(corners_m).max() > _FARTHEST_M:
        raise ValueError(
            f"the picture would lie more than {_FARTHEST_M / 1000:.0f} km from the plan's origin; "
            "check the places, the anchor and the order (longitude first, then latitude)"
        )
    return laid


def carried(xy_m: NDArray[np.float64], before: Placement, after: Placement) -> NDArray[np.float64]:
    """`(N, 2)` site metres of what was drawn over a picture that has been laid anew since."""
    return after.to_site(before.to_pixels(xy_m))


def _by_distance(
    points: TwoPoints,
    size_px: tuple[float, float],
    media_type: str,
    before: Placement | None,
    anchor: Anchor,
    axes: Axes,
) -> Laid:
    scale = scale_of_points(points.px, points.distance_m or 0.0)
    if axes == "picture":
        turn_deg = 0.0
        if points.x_bearing_deg is not None:
            bearing_deg = points.x_bearing_deg
            anchor = Anchor(anchor.longitude_deg, anchor.latitude_deg, bearing_deg)
    elif points.x_bearing_deg is not None:
        turn_deg = _half_turn(anchor.x_axis_bearing_deg - points.x_bearing_deg)
    else:
        turn_deg = 0.0 if before is None else before.rotation_deg
    if before is None:
        corner = corners_px(size_px, media_type)[3]
        kept_px, kept_m = (float(corner[0]), float(corner[1])), (0.0, 0.0)
    else:
        kept_px = (float(points.px[0][0]), float(points.px[0][1]))
        there_m = before.to_site(points.px[:1])[0]
        kept_m = (float(there_m[0]), float(there_m[1]))
    return Laid(Placement(scale, turn_deg, kept_px, kept_m), anchor)


def _on_earth(
    px: NDArray[np.float64],
    places_deg: NDArray[np.float64],
    size_px: tuple[float, float],
    media_type: str,
    anchor: Anchor,
    axes: Axes,
) -> Laid:
    if axes == "site":
        return Laid(placement_of_points(px, SiteFrame(anchor).to_site(places_deg)), anchor)
    longitude_deg, latitude_deg = (float(value) for value in places_deg[0])
    upright = SiteFrame(Anchor(longitude_deg, latitude_deg, _EAST_DEG))
    scale = scale_of_points(px, float(np.hypot(*upright.to_site(places_deg)[1])))
    # With x to the east, a picture that lies right is turned by as much as its x axis is off east.
    turned = placement_of_points(px, upright.to_site(places_deg))
    bearing_deg = (_EAST_DEG - turned.rotation_deg) % 360.0
    along = SiteFrame(Anchor(longitude_deg, latitude_deg, bearing_deg))
    corner = corners_px(size_px, media_type)[3]
    from_first = Placement(scale, 0.0, (float(px[0][0]), float(px[0][1])), (0.0, 0.0))
    origin_deg = along.to_wgs84(from_first.to_site(corner[None]))[0]
    there = Anchor(float(origin_deg[0]), float(origin_deg[1]), bearing_deg)
    return Laid(Placement(scale, 0.0, (float(corner[0]), float(corner[1])), (0.0, 0.0)), there)


def _half_turn(angle_deg: float) -> float:
    """The same angle in (-180, 180]."""
    return -((-angle_deg + 180.0) % 360.0 - 180.0)
