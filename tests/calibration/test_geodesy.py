from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from calibration.geodesy import Anchor, SiteFrame

WGS84 = Geod(ellps="WGS84")


@pytest.mark.parametrize(
    ("bearing_deg", "xy_m", "azimuth_deg"),
    [
        pytest.param(90.0, (100.0, 0.0), 90.0, id="x points east"),
        pytest.param(90.0, (0.0, 100.0), 0.0, id="then y points north"),
        pytest.param(0.0, (100.0, 0.0), 0.0, id="x points north"),
        pytest.param(0.0, (0.0, 100.0), -90.0, id="then y points west"),
        pytest.param(78.0, (100.0, 0.0), 78.0, id="x points along its bearing"),
        pytest.param(78.0, (-100.0, 0.0), -102.0, id="and -x the other way"),
    ],
)
def test_axes_point_along_the_compass(
    bearing_deg: float, xy_m: tuple[float, float], azimuth_deg: float
) -> None:
    frame = SiteFrame(Anchor(-85.52, 39.05, bearing_deg))

    ((lon, lat),) = frame.to_wgs84(np.array([xy_m])).tolist()
    azimuth, _, metres = WGS84.inv(-85.52, 39.05, lon, lat)

    assert metres == pytest.approx(100.0, abs=1e-6)
    assert azimuth == pytest.approx(azimuth_deg, abs=1e-6)


def test_origin_is_the_anchor() -> None:
    frame = SiteFrame(Anchor(-85.52, 39.05, 33.0))

    assert frame.to_wgs84(np.zeros((1, 2)))[0] == pytest.approx([-85.52, 39.05], abs=1e-9)


@given(
    longitude=st.floats(-179, 179),
    latitude=st.floats(-80, 80),
    bearing=st.floats(0, 360),
    x=st.floats(-1500, 1500),
    y=st.floats(-1500, 1500),
)
def test_there_and_back(
    longitude: float, latitude: float, bearing: float, x: float, y: float
) -> None:
    frame = SiteFrame(Anchor(longitude, latitude, bearing))

    back_m = frame.to_site(frame.to_wgs84(np.array([[x, y]])))

    # PROJ takes what is nearer to the anchor than a tenth of a millimetre for the anchor itself.
    assert back_m[0] == pytest.approx([x, y], abs=1e-4)


def test_distances_across_a_campus_are_true() -> None:
    frame = SiteFrame(Anchor(-85.52, 39.05, 78.0))
    (a, b) = frame.to_wgs84(np.array([[900.0, 100.0], [-300.0, 700.0]])).tolist()

    _, _, metres = WGS84.inv(*a, *b)

    assert metres == pytest.approx(np.hypot(1200, 600), rel=1e-7)


def test_no_points() -> None:
    frame = SiteFrame(Anchor(0.0, 0.0, 90.0))

    assert frame.to_wgs84(np.zeros((0, 2))).shape == (0, 2)
    assert frame.to_site(np.zeros((0, 2))).shape == (0, 2)
