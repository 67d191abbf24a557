"""Pictures lie under the plan where two points say, and SVG drawings cannot do anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from calibration.errors import SiteError
from calibration.safe_svg import SvgError, safe_svg, svg_size
from calibration.site import load_site
from calibration.underlay import (
    Placement,
    north_on_picture_deg,
    placement_of_points,
    scale_of_points,
)

from .small_site import SmallSite

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.site import Site

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="0 0 320 120">{}</svg>'
)


def with_underlay(folder: Path, **table: Any) -> Site:
    site = SmallSite()
    site.site["underlays"] = [{"level": "L1", "file": "plan.png", **table}]
    folder.mkdir(exist_ok=True)
    Image.new("L", (320, 120), 255).save(folder / "plan.png")
    return load_site(site.write(folder))


def test_the_lower_left_corner_lies_on_the_origin(tmp_path: Path) -> None:
    site = with_underlay(tmp_path, metres_per_pixel=0.05)

    (underlay,) = site.underlays
    assert (underlay.media_type, underlay.size_px) == ("image/png", (320.0, 120.0))
    assert underlay.corners_m() == pytest.approx(np.array([(0, 6), (16, 6), (16, 0), (0, 0)]))


@pytest.mark.parametrize(
    ("table", "pixel", "place"),
    [
        pytest.param(
            {"pixels": [[0, 0], [100, 0]], "distance_m": 10.0, "origin_px": [0, 0],
             "origin_m": [2.0, 3.0]},
            (50, 20), (7.0, 1.0), id="two points and their distance",
        ),
        pytest.param(
            {"pixels": [[0, 0], [100, 0]], "metres": [[2.0, 3.0], [12.0, 3.0]]},
            (50, 20), (7.0, 1.0), id="two points and their places",
        ),
        pytest.param(
            {"metres_per_pixel": 0.1, "rotation_deg": 90.0, "origin_px": [0, 0]},
            (50, 0), (0.0, 5.0), id="turned to the left",
        ),
    ],
)  # fmt: skip
def test_ways_to_say_where_a_picture_lies(
    tmp_path: Path, table: dict[str, Any], pixel: tuple[float, float], place: tuple[float, float]
) -> None:
    (underlay,) = with_underlay(tmp_path, **table).underlays

    assert underlay.placement.to_site(np.array([pixel], dtype=float))[0] == pytest.approx(place)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "underlays[0]: give the scale in one way"),
        ({"metres_per_pixel": 0.1, "distance_m": 3.0}, "give the scale in one way"),
        ({"metres_per_pixel": 0.1, "pixels": [[0, 0], [1, 1]]}, "give the scale in one way"),
        ({"distance_m": 3.0}, "give the scale in one way"),
        ({"metres_per_pixel": 0}, "underlays[0].metres_per_pixel: should be greater than 0"),
        ({"metres_per_pixel": 0.1, "level": "L9"}, "unknown level 'L9'; there are L1"),
        ({"metres_per_pixel": 0.1, "file": "x.gif"}, "an underlay is one of .png, .jpg"),
        ({"metres_per_pixel": 0.1, "file": "x.png"}, "x.png: is not there"),
        ({"metres_per_pixel": 0.1, "file": "../x.png"}, "lies outside the site folder"),
        ({"metres_per_pixel": 0.1, "file": "site.jpg"}, "is no JPEG picture"),
        ({"pixels": [[5, 5], [5, 5]], "distance_m": 1.0}, "the two points are the same"),
        (
            {"pixels": [[0, 0], [9, 9]], "metres": [[0, 0], [1, 1]], "rotation_deg": 3.0},
            "two points with their places say all; leave out rotation_deg",
        ),
        ({"metres_per_pixel": 0.1, "scale": 3}, "underlays[0].scale: unknown key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, table: dict[str, Any], said: str) -> None:
    (tmp_path / "site.jpg").write_bytes(b"no picture")

    with pytest.raises(SiteError) as error:
        with_underlay(tmp_path, **table)

    assert said in str(error.value)


def test_a_level_has_one_underlay(tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "plan.png")
    site = SmallSite()
    table = {"level": "L1", "file": "plan.png", "metres_per_pixel": 0.1}
    site.site["underlays"] = [table, table]

    with pytest.raises(SiteError, match="'L1' has two underlays; keep one"):
        load_site(site.write(tmp_path))


finite = st.floats(-500, 500)


@given(
    scale=st.floats(0.001, 1.0),
    turn_deg=st.floats(-179, 179),
    origin_px=st.tuples(finite, finite),
    origin_m=st.tuples(finite, finite),
    other_px=st.tuples(finite, finite),
)
def test_two_points_give_the_placement_back(
    scale: float,
    turn_deg: float,
    origin_px: tuple[float, float],
    origin_m: tuple[float, float],
    other_px: tuple[float, float],
) -> None:
    placement = Placement(scale, turn_deg, origin_px, origin_m)
    px = np.array([origin_px, other_px], dtype=float)
    if np.hypot(*(px[1] - px[0])) < 2.0:
        px[1] += 50.0
    xy_m = placement.to_site(px)

    assert placement_of_points(px, xy_m).matrix() == pytest.approx(placement.matrix(), abs=1e-6)
    assert scale_of_points(px, float(np.hypot(*(xy_m[1] - xy_m[0])))) == pytest.approx(scale)
    assert placement.to_pixels(xy_m) == pytest.approx(px, abs=1e-6)


@pytest.mark.parametrize(
    ("tip_px", "bearing_deg"),
    [
        pytest.param((0, -10), 90.0, id="north is up: x points east"),
        pytest.param((10, 0), 0.0, id="north is right: x points north"),
        pytest.param((0, 10), 270.0, id="north is down: x points west"),
        pytest.param((-10, -10), 135.0, id="north is up and left: x points south-east"),
    ],
)
def test_true_north_on_a_picture(tip_px: tuple[float, float], bearing_deg: float) -> None:
    assert north_on_picture_deg(np.array([(0, 0), tip_px], dtype=float)) == pytest.approx(
        bearing_deg
    )


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<rect onload="alert(1)" width="1" height="1"/>',
        '<image href="https://example.org/spy.png"/>',
        '<image xlink:href="file:///etc/passwd"/>',
        '<use href="other.svg#a"/>',
        '<a href="javascript:alert(1)"><rect/></a>',
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>alert</body></foreignObject>",
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>rect { fill: url(https://example.org/x) }</style>",
        '<rect style="fill:url(https://example.org/x#alert)"/>',
        '<rect style="fill:u\\72l(https://example.org/x)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<image href="data:text/html;base64,PHNjcmlwdD4="/>',
        '<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        "<g><g><script>alert(1)</script></g></g>",
        '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>',
        "<?xml-stylesheet href='https://example.org/x.css'?>",
    ],
)
def test_drawings_cannot_do_anything(evil: str) -> None:
    kept = safe_svg(SVG.format(f'<path d="M0 0L9 9"/>{evil}').encode())

    for word in (b"alert", b"example.org", b"javascript", b"passwd", b"other.svg", b"PHN"):
        assert word not in kept
    assert b'd="M0 0L9 9"' in kept


def test_drawings_keep_what_draws() -> None:
    inside = (
        '<style>.w { stroke: #000 }</style><defs><linearGradient id="a"/></defs>'
        '<rect class="w" style="fill:url(#a)" width="3" height="4" transform="scale(2)"/>'
        '<use href="#a"/><text x="1">Room 1</text><image href="data:image/png;base64,iVBORw0="/>'
    )

    kept = safe_svg(SVG.format(inside).encode()).decode()

    for word in ("stroke: #000", "url(#a)", 'href="#a"', "Room 1", "base64,iVBORw0=", "scale(2)"):
        assert word in kept


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0,0 320 120"/>', (320.0, 120.0)),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="-5 3 30 10" width="1"/>', (30.0, 10.0)),
        ('<svg xmlns="http://www.w3.org/2000/svg" width="96px" height="1in"/>', (96.0, 96.0)),
        ('<svg xmlns="http://www.w3.org/2000/svg" width="25.4mm" height="72pt"/>', (96.0, 96.0)),
    ],
)
def test_size_of_a_drawing(text: str, size: tuple[float, float]) -> None:
    assert svg_size(text.encode()) == pytest.approx(size)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<svg", "is not valid XML"),
        ("<svg/>", "its outermost element is 'svg'; it must be svg"),
        ("<html/>", "its outermost element is 'html'"),
        ('<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="9"/>', "tells no width"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 a b"/>', "is not four numbers"),
        ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 0 9"/>', "has the size 0 x 9"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "declares entities"),
    ],
)
def test_what_is_no_drawing_is_refused(text: str, said: str) -> None:
    with pytest.raises(SvgError) as error:
        svg_size(text.encode())

    assert said in str(error.value)


def test_an_svg_lies_by_its_view_box(tmp_path: Path) -> None:
    (tmp_path / "plan.svg").write_text(SVG.format("<script>alert(1)</script>"))
    site = with_underlay(tmp_path, file="plan.svg", metres_per_pixel=0.05)

    (underlay,) = site.underlays
    assert underlay.corners_m() == pytest.approx(np.array([(0, 6), (16, 6), (16, 0), (0, 0)]))
    assert b"alert" not in underlay.content()
