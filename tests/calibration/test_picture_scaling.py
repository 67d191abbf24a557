"""Where a picture lies by two of its points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from calibration.geodesy import Anchor, SiteFrame
from calibration.picture_scaling import TwoPoints, carried, lay_picture, x_bearing_of_line_deg
from calibration.underlay import Placement

ANCHOR = Anchor(-85.5, 39.0, 90.0)
SIZE = (800.0, 600.0)


def lay(points: TwoPoints, **changed: Any) -> Any:
    given: dict[str, Any] = {
        "size_px": SIZE, "media_type": "image/png", "before": None, "anchor": ANCHOR,
        "axes": "site",
    }  # fmt: skip
    return lay_picture(points, **{**given, **changed})


def px(*points: tuple[float, float]) -> Any:
    return np.array(points, dtype=np.float64)


RIGHT = px((100, 300), (500, 300))
UP = px((100, 500), (100, 100))


@pytest.mark.parametrize(
    ("line", "bearing_deg", "x_axis_deg"),
    [
        pytest.param(RIGHT, 90.0, 90.0, id="to the right and east: x is east"),
        pytest.param(UP, 0.0, 90.0, id="up and north: x is east"),
        pytest.param(UP, 90.0, 180.0, id="up and east: x is south"),
        pytest.param(RIGHT[::-1], 90.0, 270.0, id="to the left and east: x is west"),
    ],
)
def test_bearing_of_the_picture(line: Any, bearing_deg: float, x_axis_deg: float) -> None:
    assert x_bearing_of_line_deg(line, bearing_deg) == pytest.approx(x_axis_deg)


def test_first_measured_its_lower_left_corner_is_the_origin() -> None:
    laid = lay(TwoPoints(RIGHT, distance_m=20.0))
    assert laid.placement.metres_per_pixel == pytest.approx(0.05)
    assert laid.placement.to_site(px((-0.5, 599.5)))[0] == pytest.approx([0, 0])
    assert laid.placement.to_site(px((799.5, -0.5)))[0] == pytest.approx([40, 30])
    assert laid.anchor == ANCHOR


def test_a_site_keeps_its_axes_and_turns_the_picture() -> None:
    # the picture's right-hand side is south; the site's x axis is east
    laid = lay(TwoPoints(RIGHT, distance_m=20.0, x_bearing_deg=180.0))
    assert laid.placement.rotation_deg == pytest.approx(-90.0)
    first, second = laid.placement.to_site(RIGHT)
    assert second - first == pytest.approx([0, -20])
    assert laid.anchor == ANCHOR


def test_a_new_site_takes_the_pictures_axes() -> None:
    laid = lay(TwoPoints(RIGHT, distance_m=20.0, x_bearing_deg=120.0), axes="picture")
    assert laid.placement.rotation_deg == 0.0
    assert laid.anchor.x_axis_bearing_deg == 120.0


def test_measured_again_the_first_point_stays() -> None:
    before = lay(TwoPoints(RIGHT, distance_m=20.0)).placement
    after = lay(TwoPoints(RIGHT, distance_m=40.0), before=before).placement
    assert after.to_site(RIGHT[:1]) == pytest.approx(before.to_site(RIGHT[:1]))
    drawn_m = before.to_site(px((300, 200)))
    assert carried(drawn_m, before, after) == pytest.approx(after.to_site(px((300, 200))))


def test_two_places_say_all() -> None:
    places_m = np.array([(10.0, 5.0), (10.0, 25.0)])
    laid = lay(TwoPoints(RIGHT, places_m=places_m))
    assert laid.placement.to_site(RIGHT) == pytest.approx(places_m)


@pytest.mark.parametrize("axes", ["site", "picture"])
@pytest.mark.parametrize("true_deg", [90.0, 37.0, 251.0])
def test_two_places_on_earth(axes: Any, true_deg: float) -> None:
    truth = SiteFrame(Anchor(-85.5, 39.0, true_deg))
    line = px((120, 480), (640, 90))
    flat_m = np.column_stack([line[:, 0], -line[:, 1]]) * 0.05
    lonlat_deg = truth.to_wgs84(flat_m)
    laid = lay(TwoPoints(line, places_deg=lonlat_deg), axes=axes)
    assert laid.placement.metres_per_pixel == pytest.approx(0.05, rel=1e-6)
    again_deg = SiteFrame(laid.anchor).to_wgs84(laid.placement.to_site(line))
    assert again_deg == pytest.approx(lonlat_deg, abs=1e-9)
    if axes == "picture":
        assert laid.placement.rotation_deg == 0.0
        assert laid.anchor.x_axis_bearing_deg == pytest.approx(true_deg, abs=1e-3)  # meridians meet
        assert laid.placement.to_site(px((-0.5, 599.5)))[0] == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("points", "said"),
    [
        pytest.param(TwoPoints(px((1, 1), (1, 1)), distance_m=5.0), "the same", id="one point"),
        pytest.param(
            TwoPoints(RIGHT, distance_m=0.01), "a pixel would be 2.5e-05 m", id="centimetres"
        ),
        pytest.param(TwoPoints(RIGHT, distance_m=9e4), "a pixel would be 225 m", id="a country"),
        pytest.param(
            TwoPoints(RIGHT, places_deg=np.array([(39.0, -85.5), (39.0001, -85.5)])),
            "more than 10 km from the plan's origin",
            id="latitude first",
        ),
        pytest.param(
            TwoPoints(RIGHT, places_m=np.array([(1.0, 1.0), (1.0, 1.0)])), "the same", id="a place"
        ),
    ],
)
def test_what_cannot_be(points: TwoPoints, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        lay(points)


def test_a_placement_is_undone() -> None:
    placement = Placement(0.05, 30.0, (3.0, 4.0), (5.0, 6.0))
    assert placement.to_pixels(placement.to_site(RIGHT)) == pytest.approx(RIGHT)
