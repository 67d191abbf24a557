from __future__ import annotations

import numpy as np
import pytest
import shapely

from calibration.answer import StageTimes
from calibration.entrances import EntranceRoutes
from calibration.locator import Locator
from calibration.search_picture import SearchPicture, search_picture

from .corridor import LEVEL, corridor_plan, seen, ticks

PLAN = corridor_plan()
ROUTES = EntranceRoutes(PLAN)


def unseen(for_s: float) -> tuple[Locator, SearchPicture]:
    """Somebody who walked east until x = 6 m, then went out of view."""
    here = Locator(PLAN, ROUTES)
    for t in ticks(0, 4.0):
        here.consume(seen("a", t, (1, 2 + t, 1.5)), StageTimes(t))
    for t in ticks(4.0, 4.0 + for_s):
        here.consume(seen("a", t), StageTimes(t))
    here.answer(4.0 + for_s)
    picture = here.search_picture("S1")
    assert picture is not None
    return here, picture


def test_all_of_the_map_is_in_the_picture() -> None:
    here, picture = unseen(12.0)
    (level,) = picture.levels
    assert (picture.subject, level.level) == ("S1", LEVEL)
    assert level.probability.sum() + picture.left_building == pytest.approx(1.0, abs=5e-3)
    search = here.answer(16.0).subjects[0].search
    assert search is not None
    assert picture.left_building == pytest.approx(search.left_building, abs=1e-5)
    assert level.area95.area >= level.area50.area > 0.0
    assert level.area95.contains(level.area50)


def test_the_picture_lies_where_the_cells_are() -> None:
    here, picture = unseen(6.0)
    (level,) = picture.levels
    weights, grid = here.search.weights("S1"), here.search.grid
    assert weights is not None
    likeliest = grid.xy_m[int(np.argmax(weights))]
    row, column = np.unravel_index(int(np.argmax(level.probability)), level.probability.shape)
    x_m, y_m = np.array(level.origin_m) + picture.cell_m * np.array([column, row])
    assert x_m <= likeliest[0] <= x_m + picture.cell_m
    assert y_m <= likeliest[1] <= y_m + picture.cell_m
    assert level.area50.covers(shapely.Point(likeliest))


def test_the_area_holds_what_it_says() -> None:
    _, picture = unseen(12.0)
    (level,) = picture.levels
    rows, columns = np.indices(level.probability.shape)
    middles = np.stack([columns, rows], axis=-1) * picture.cell_m + picture.cell_m / 2
    inside = shapely.contains_xy(level.area95, *(middles + np.array(level.origin_m)).T)
    held = float(level.probability.T[inside].sum()) / float(level.probability.sum())
    assert 0.95 <= held < 0.99


def test_nobody_in_view_has_a_picture() -> None:
    here = Locator(PLAN, ROUTES)
    for t in ticks(0, 4.0):
        here.consume(seen("a", t, (1, 2 + t, 1.5)), StageTimes(t))
    here.answer(4.0)
    assert here.search_picture("S1") is None
    assert search_picture(here.search, "S9") is None
