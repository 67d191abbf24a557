"""What is taken away is away, and with nothing taken away the locator is the one that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from shapely import LineString

from api.input_log import note_of
from benchmarks.ablations import PARTS, _open_maps, as_markdown
from benchmarks.accuracy import apart_across_cameras_m
from benchmarks.recordings import Played, play
from calibration.entrances import EntranceRoutes
from calibration.search import SearchMaps
from calibration.site import load_site
from tests.api.box_drill import make_box_drill

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.ablations import Part
    from calibration.answer import Answer

by_name = {part.name: part for part in PARTS}


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("drills")
    return play(make_box_drill(folder / "walker", duration_s=6.0), folder / "state")


def answers_without(part: Part, run: Played) -> tuple[Answer, ...]:
    site = run.drill.site
    locator = part.locator(site, EntranceRoutes(site.plan))
    return run.located_again(locator, part.seen_as).record.answers


def test_without_nothing_the_answers_are_the_published_ones(walker: Played) -> None:
    again = answers_without(by_name["nothing"], walker)
    assert len(again) > 50
    assert [note_of(a).digest for a in again] == [note_of(a).digest for a in walker.record.answers]


def test_without_covariance_another_radius_is_told(walker: Played) -> None:
    told = answers_without(by_name["covariance"], walker)[-1].subjects[0]
    assert told.ce95_m != walker.record.answers[-1].subjects[0].ce95_m


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_one_walker_is_found_without_any_part(walker: Played, part: Part) -> None:
    assert answers_without(part, walker)[-1].subjects


def test_without_walls_the_outer_ones_stand_and_cameras_see_as_before(wing_dir: Path) -> None:
    site = load_site(wing_dir)
    true, opened = SearchMaps(site.plan, site.cameras.values()), _open_maps(site)
    level = site.plan.levels[0].id
    walls, left = site.plan.walls(level), opened.grid.plan.walls(level)
    outline = site.plan.footprint(level).boundary
    assert left.length < 0.7 * walls.length
    assert left.difference(outline.buffer(0.05)).is_empty
    inner = walls.difference(outline.buffer(0.1))
    assert inner.length > 10
    assert left.intersection(LineString(outline.coords).buffer(0.05)).length > 20
    for camera, view in true.views.items():
        here = true.grid.area_m2[view.cells].sum()
        there = opened.grid.area_m2[opened.views[camera].cells].sum()
        assert there == pytest.approx(here, rel=0.1)


def test_the_table_has_a_row_for_each_part_and_no_column_without_a_figure() -> None:
    row = dict.fromkeys(
        ("median_m", "p95_m", "moda", "idf1", "room_correct", "entrance_correct"), 0.5
    ) | dict.fromkeys(
        ("ce95_coverage", "search_area_coverage", "true_room_probability", "area95_m2")
    )
    table = as_markdown({"recordings": {"citic": {"nothing": row, "walls": row}}})
    assert "| walls | 0.500 | 0.500 | 50.0 % | 50.0 % | 50.0 % | 50.0 % |" in table
    assert "area" not in table


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ([(0, 0)], [(1, 0)], [1.0]),
        ([(0, 0)], [(2, 0)], []),
        ([(0, 0), (0.5, 0)], [(0.6, 0)], [0.1]),
        ([], [(0, 0)], []),
    ],
)
def test_bodies_of_two_cameras_are_each_others_nearest(
    one: list[tuple[float, float]], other: list[tuple[float, float]], found: list[float]
) -> None:
    places = [np.array(xy_m, np.float64).reshape(-1, 2) for xy_m in (one, other)]
    assert apart_across_cameras_m({3: places[0]}, {3: places[1]}) == pytest.approx(found)
    assert not len(apart_across_cameras_m({3: places[0]}, {4: places[1]}))
