"""Where a plan that is drawn on the earth gets its site metres: origin and axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from .geodesy import Anchor, SiteFrame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

_BEARING_DIGITS: Final = 6
_DEGREE_DIGITS: Final = 9


def frame_along_walls(shapes_deg: Sequence[BaseGeometry]) -> SiteFrame:
    """The frame whose axes run along the walls and whose origin is the plan's lower left corner.

    The x axis is the building's main direction that lies nearest to east, so north stays about
    up. Nothing of `shapes_deg` has a negative coordinate in it, up to a millimetre.

    Args:
        shapes_deg: everything drawn, WGS84 longitude and latitude in degrees; not empty.
    """
    drawn_deg = np.vstack([shapely.get_coordinates(shape) for shape in shapes_deg])
    middle_deg = (drawn_deg.min(axis=0) + drawn_deg.max(axis=0)) / 2
    upright = SiteFrame(Anchor(float(middle_deg[0]), float(middle_deg[1]), 90.0))
    turn_rad = main_direction_rad([_moved(shape, upright) for shape in shapes_deg])
    bearing_deg = round(90.0 - math.degrees(turn_rad), _BEARING_DIGITS)
    turned = SiteFrame(
        Anchor(upright.anchor.longitude_deg, upright.anchor.latitude_deg, bearing_deg)
    )
    corner_deg = turned.to_wgs84(turned.to_site(drawn_deg).min(axis=0)[None])[0]
    longitude_deg, latitude_deg = np.round(corner_deg, _DEGREE_DIGITS).tolist()
    return SiteFrame(Anchor(longitude_deg, latitude_deg, bearing_deg))


def main_direction_rad(shapes_m: Sequence[BaseGeometry]) -> float:
    """The direction of most wall length, counter-clockwise from x, in (-45, 45] degrees.

    Directions that differ by a right angle count alike: it is the mean of the edges' directions,
    each as long as its edge, on a circle of 90 degrees. 0 where nothing has a direction.

    Args:
        shapes_m: lines and polygons, metres.
    """
    total = 0j
    for shape in shapes_m:
        for part in shapely.get_parts(shape):
            for ring in shapely.get_rings(part) if part.geom_type == "Polygon" else [part]:
                step_m = np.diff(shapely.get_coordinates(ring), axis=0)
                step = step_m[:, 0] + 1j * step_m[:, 1]
                length_m = np.abs(step)
                long_enough = length_m > 0
                # A unit vector to the fourth power has four times the angle.
                unit = step[long_enough] / length_m[long_enough]
                total += complex((length_m[long_enough] * unit**4).sum())
    return math.atan2(total.imag, total.real) / 4 if abs(total) > 0 else 0.0


def _moved(shape: BaseGeometry, frame: SiteFrame) -> BaseGeometry:
    return shapely.transform(shape, frame.to_site)


def in_site_metres(shape_deg: BaseGeometry, frame: SiteFrame) -> BaseGeometry:
    """`shape_deg` (WGS84 degrees, longitude first) in site metres."""

    def to_site(lonlat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        return frame.to_site(np.ascontiguousarray(lonlat_deg[:, :2], dtype=np.float64))

    return shapely.transform(shape_deg, to_site)
