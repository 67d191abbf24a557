from __future__ import annotations

import numpy as np
import pytest
from shapely import LineString, MultiLineString, Point, Polygon, box
from shapely.ops import unary_union

from calibration.visibility import DIRECTIONS, sector_of, segments_of, sight_m, visible_area

ROOM = segments_of(box(-3, -2, 5, 2))
EYE = np.zeros(2)


@pytest.mark.parametrize(
    ("towards", "far_m"),
    [
        pytest.param((1, 0), 5.0, id="right wall"),
        pytest.param((-1, 0), 3.0, id="left wall, where the sectors begin"),
        pytest.param((0, 1), 2.0, id="top wall"),
        pytest.param((1, 1), 2 * np.sqrt(2), id="slanted"),
    ],
)
def test_how_far_one_sees(towards: tuple[float, float], far_m: float) -> None:
    sector = sector_of(np.array([towards], dtype=np.float64))[0]

    assert sight_m(EYE, ROOM)[sector] == pytest.approx(far_m, rel=0.003)


def test_in_a_closed_room_every_look_ends() -> None:
    assert np.isfinite(sight_m(EYE, ROOM)).all()
    assert visible_area(EYE, ROOM, 100.0).area == pytest.approx(32, rel=1e-3)


def test_in_the_open_no_look_ends() -> None:
    nothing = np.zeros((0, 2, 2))

    assert np.isinf(sight_m(EYE, nothing)).all()
    assert visible_area(EYE, nothing, 2.0).area == pytest.approx(np.pi * 4, rel=1e-3)


def test_the_nearest_of_two_walls_counts() -> None:
    walls = segments_of(MultiLineString([[(3, -1), (3, 1)], [(2, -1), (2, 1)]]))

    assert sight_m(EYE, walls)[sector_of(np.array([[1.0, 0.0]]))[0]] == pytest.approx(2, rel=1e-3)


def test_a_wall_seen_edge_on_hides_nothing() -> None:
    along = segments_of(LineString([(1, 0), (4, 0)]))

    assert np.isinf(sight_m(EYE, along)).sum() >= DIRECTIONS - 2


def test_visible_area_is_what_no_wall_cuts_off() -> None:
    walls = unary_union(
        [box(-10, -10, 10, 10).boundary, LineString([(2, -3), (2, 4)]), box(-5, 2, -3, 6).boundary]
    )
    places = np.random.default_rng(2).uniform(-9.9, 9.9, (2000, 2))

    seen = visible_area(EYE, segments_of(walls), 50.0)

    for place in places:
        clear = not LineString([(0, 0), place]).intersects(walls)
        if seen.boundary.distance(Point(place)) > 0.05:
            assert seen.contains(Point(place)) is clear


def test_segments_of_lines_and_areas() -> None:
    assert len(segments_of(box(0, 0, 1, 1))) == 4
    assert len(segments_of(Polygon(box(0, 0, 9, 9).exterior, [box(2, 2, 3, 3).exterior]))) == 8
    assert segments_of(LineString([(0, 0), (1, 0), (1, 1)])).tolist() == [
        [[0, 0], [1, 0]],
        [[1, 0], [1, 1]],
    ]
    assert segments_of(MultiLineString()).shape == (0, 2, 2)
