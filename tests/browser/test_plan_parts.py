"""What the plan computes, module by module, in a real browser."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from api.page_routes import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser

ORIGIN = "http://console.test"


def serve(route: Route) -> None:
    """Answer with a file of the console, or an empty page."""
    name = route.request.url.removeprefix(f"{ORIGIN}/console/")
    if name.endswith(".js"):
        route.fulfill(path=CONSOLE / name, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html>", content_type="text/html")


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that may import the console's modules, without a server."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route(f"{ORIGIN}/**", serve)
        page.goto(ORIGIN)
        yield page


def run(page: Page, module: str, code: str) -> Any:
    """The value of `code`, in which `m` is a module of the console."""
    return page.evaluate(f"async () => {{ const m = await import('/console/{module}'); {code} }}")


def test_the_plan_is_turned_to_north_and_to_the_arriving_side(modules: Page) -> None:
    table = {
        # x axis to the east: north is up as drawn; x axis to the north: turned a quarter back
        ("north", 90, "null"): 0,
        ("north", 0, "null"): -90,
        ("north", 60, "null"): -30,
        ("north", 270, "null"): 180,
        ("drawn", 60, '"left"'): 0,
        ("arriving", 60, "null"): 0,
        ("arriving", 60, '"bottom"'): 0,
        ("arriving", 60, '"top"'): 180,
        # who comes from the left is at the bottom after a turn to the left
        ("arriving", 60, '"left"'): -90,
        ("arriving", 60, '"right"'): 90,
    }
    for (way, bearing, arriving), degrees in table.items():
        code = f'return m.turnOf("{way}", {{ bearing: {bearing}, arriving: {arriving} }}) + 0;'
        assert run(modules, "plan_turn.js", code) == degrees, (way, bearing, arriving)
    left = run(modules, "plan_turn.js", "return m.turned([-10, 0], -90);")
    assert left == pytest.approx([0, 10])  # down: y grows downwards in an SVG


@pytest.mark.parametrize(
    ("place", "side"),
    [
        ((-30, 5), "left"), ((50, 5), "right"), ((5, 40), "top"), ((5, -4), "bottom"),
        ((38, 22), "top"), ((1, 10), "left"),
    ],
)  # fmt: skip
def test_a_place_is_on_the_side_it_is_farthest_beyond(
    modules: Page, place: tuple[float, float], side: str
) -> None:
    code = f"return m.sideOf([{place[0]}, {place[1]}], [0, 0, 40, 20]);"
    assert run(modules, "plan_turn.js", code) == side


def test_text_is_never_upside_down(modules: Page) -> None:
    code = "return [0, 90, 91, 180, 270, -91, 359].map(m.readable);"
    assert run(modules, "plan_turn.js", code) == [0, 90, -89, 0, 90, 89, -1]


def test_cells_cover_what_was_filled_and_no_more(modules: Page) -> None:
    code = """
      const raster = { left: 0, bottom: 0, size: 1, columns: 6, rows: 4 };
      const cells = new Uint8Array(24);
      const box = (x0, y0, x1, y1) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]];
      m.fill(raster, { type: "Polygon", coordinates: [box(0, 0, 6, 4), box(2, 1, 4, 3)] }, cells);
      const path = m.cellsPath(raster, (c, r) => cells[r * 6 + c]);
      return [[...cells].reduce((a, b) => a + b), path.match(/M/g).length, path];
    """
    count, rectangles, path = run(modules, "cells.js", code)
    assert count == 24 - 4
    assert rectangles == 4  # below, left and right of the hole, above
    assert "M0.00 -1.00h6.00v1.00h-6.00z" in path


def test_the_blind_floor_is_what_no_view_covers(modules: Page) -> None:
    code = """
      const box = (x0, y0, x1, y1) => ({ type: "Polygon",
        coordinates: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] });
      const floor = [box(0, 0, 20, 10)];
      return [
        m.blindFloor(floor, []).share,
        m.blindFloor(floor, [box(0, 0, 5, 10), box(3, 0, 10, 10)]).share,
        m.blindFloor(floor, [box(0, 0, 9.8, 10), box(10, -5, 30, 15)]),
        m.blindFloor([], []).share,
      ];
    """
    whole, half, seam, none = run(modules, "plan_blind.js", code)
    assert whole == 1
    assert half == pytest.approx(0.5, abs=0.01)
    assert (seam["share"], seam["path"]) == (0, "")  # a seam between two views is no blind spot
    assert none == 0


def test_a_large_level_has_larger_cells_and_is_quick(modules: Page) -> None:
    code = """
      const box = (x0, y0, x1, y1) => ({ type: "Polygon",
        coordinates: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] });
      const views = Array.from({ length: 133 }, (_, i) => box(3 * i, 10, 3 * i + 8, 60));
      const began = performance.now();
      const found = m.blindFloor([box(0, 0, 400, 250)], views);
      return [found.areaM2, performance.now() - began];
    """
    area, took_ms = run(modules, "plan_blind.js", code)
    assert area == pytest.approx(400 * 250 - 400 * 50, rel=0.01)
    assert took_ms < 500


def test_bands_hold_the_most_likely_floor_first(modules: Page) -> None:
    code = """
      const levels = [{ rows: [[40, 5], [20, 0]] }, { rows: [[30, 5]] }];
      return [m.thresholds(levels), m.thresholds([{ rows: [[0]] }])];
    """
    # 40 of 100 holds a quarter, 40 + 30 half, 40 + 30 + 20 three quarters, and 5 more 95 of 100
    assert run(modules, "plan_search.js", code) == [[40, 30, 20, 5], []]


def test_lines_of_the_grid_are_labelled_where_they_leave_the_screen(modules: Page) -> None:
    code = """
      const grid = { left_top_m: [0, 40], edge_m: 10, columns: ["A", "B"], rows: ["1", "2"] };
      const all = m.gridLabels(grid, [-10, -50, 30, 10], 0, 0.1);
      const inside = m.gridLabels(grid, [2, -39, 18, -31], 0, 0.02);
      const turned = m.gridLabels(grid, [-50, -50, 50, 50], -30, 0.1);
      const free = m.gridLabels(grid, [-10, -50, 30, 10], 0, 0.1, [[5, -41]]);
      // turned, cut off above: the end of row 1 would lie on column B
      const cut = m.gridLabels(grid, [-50, -32, 50, 50], -45, 0.1);
      return { all, inside, turned, free, cut, path: m.gridPath(grid) };
    """
    found = run(modules, "plan_grid.js", code)
    assert sorted(one["key"] for one in found["all"]) == [
        "cA-0", "cA-1", "cB-0", "cB-1", "r1-0", "r1-1", "r2-0", "r2-1",
    ]  # fmt: skip
    # from within, the labels stand at the edges of what is shown
    for label in found["inside"]:
        x, y = label["at"]
        assert 2 <= x <= 18
        assert -39 <= y <= -31
    assert {label["text"] for label in found["inside"] if label["edge"]} == {"A", "B", "1"}
    assert len(found["turned"]) == 8
    # a label that would cover the number of a door is left to the other end
    assert {one["key"] for one in found["free"]} == {one["key"] for one in found["all"]} - {"cA-0"}
    assert found["path"].count("M") == 6
    places = [one["at"] for one in found["cut"] if one["edge"]]
    apart = [math.dist(a, b) for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) >= 2.4  # 24 pixels


SUBJECT = """const s = { id: "S1", rank: 1, status: "ranked", probability: 0.9, marks: [],
  grid: "D7", level: { id: "L1", name: "Ground floor" }, space: { id: "lib", name: "Library" },
  unit: "", visibility: "in view", age_s: 0.3, look_again: false, search: null };
  const door = { door_number: "4" };"""


@pytest.mark.parametrize(
    ("changed", "how", "line"),
    [
        ("", "levels: 1, live: true", "S1 in D7, Library, Door 4"),
        ("", "levels: 3, live: true", "S1 in D7, Library, Ground floor, Door 4"),
        ("s.space = null; s.grid = null;", "levels: 1, live: true", "S1 outside the grid, Door 4"),
        (
            's.visibility = "out of view"; s.age_s = 41;', "levels: 1, live: true",
            "S1 in D7, Library, Door 4, seen 41 s ago",
        ),
        ("", "levels: 1, live: true, grown: 3", "S1 in D7, Library, Door 4, seen 3.3 s ago"),
        (
            "", 'levels: 1, live: false, clock: "14:03:22"',
            "Not live, as of 14:03:22: S1 in D7, Library, Door 4",
        ),
    ],
)  # fmt: skip
def test_the_place_is_said_in_one_line(modules: Page, changed: str, how: str, line: str) -> None:
    code = f"{SUBJECT} {changed} return m.placeLine(s, {{ door, {how} }});"
    assert run(modules, "plan_words.js", code) == line


def test_what_is_on_the_plan_is_said_in_words(modules: Page) -> None:
    code = f"""{SUBJECT}
      const other = {{ ...s, id: "S2", rank: 2, probability: 0.02 }};
      const above = {{ ...s, id: "S3", rank: 3, level: {{ id: "L2", name: "Upper floor" }} }};
      return m.planWords({{ level: {{ id: "L1", name: "Ground floor" }}, way: "north", door,
        subjects: [s, other, above], doors: 3, blind: 0.18,
        cameras: [{{ phase: "live" }}, {{ phase: "stalled" }}] }});"""
    assert run(modules, "plan_words.js", code) == (
        "Floor plan of Ground floor, turned so that true north is up. S1, likely intruder, "
        "Library, D7, in view now. 1 other person. S3 is on Upper floor. Take door 4. 3 entrances. "
        "2 cameras, 1 live. No live camera looks at 18 % of this level."
    )


def test_a_level_says_who_is_there(modules: Page) -> None:
    code = f"""{SUBJECT}
      const level = (id) => ({{ id, name: "Upper floor" }});
      const unseen = {{ ...s, search: {{ levels: [
        {{ level: {{ id: "L1" }}, probability: 0.85 }},
        {{ level: {{ id: "L2" }}, probability: 0.1 }} ] }} }};
      return [m.levelBadge(level("L1"), [s], null), m.levelBadge(level("L2"), [s], null),
        m.levelBadge(level("L2"), [unseen], unseen)];"""
    assert run(modules, "plan_words.js", code) == [
        {"text": "S1", "words": "Upper floor, S1 is here"},
        {"text": "", "words": "Upper floor"},
        {"text": "S1 10 %", "words": "Upper floor, S1 is here with 10 %"},
    ]


def test_the_scale_bar_has_a_round_length_that_fits(modules: Page) -> None:
    code = "return [0.05, 0.1, 0.5, 0.004].map((scale) => m.scaleBar(scale));"
    bars = run(modules, "plan_words.js", code)
    assert [bar["metres"] for bar in bars] == [5, 10, 50, 0.5]
    assert all(bar["px"] <= 130 for bar in bars)
