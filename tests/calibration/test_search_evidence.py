from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.camera_loading import Camera
from calibration.detection_rates import MOST, DetectionRates
from calibration.search_area import smallest_area
from calibration.search_evidence import (
    CameraView,
    Looks,
    WellWithin,
    learn_from,
    missed,
    spare,
)
from calibration.search_lookalikes import BESIDE_M, lookalike_cells
from calibration.search_motion import HIDDEN, MODES
from calibration.synthetic import mounted_camera
from calibration.walk_grid import WalkGrid

from .search_plans import LEVEL, door, long_corridor, lost, two_rooms

if TYPE_CHECKING:
    from numpy.typing import NDArray

CORRIDOR = WalkGrid.of(long_corridor(40.0))


def camera(
    name: str, at_m: tuple[float, float, float], look_at_m: tuple[float, float, float]
) -> Camera:
    """An interior camera of the ground level."""
    model = mounted_camera(at_m, look_at_m)
    return Camera(name, name, LEVEL, "interior", None, model, "pose")


WEST = camera("west", (0.2, 1.5, 2.8), (8.0, 1.5, 1.0))
EAST = camera("east", (39.8, 1.5, 2.8), (32.0, 1.5, 1.0))


def drawn_view(name: str, cells: list[int], rates: list[float]) -> CameraView:
    """A view of some cells, as a test draws it."""
    order = np.argsort(cells)
    return CameraView(
        name,
        np.array(cells, np.int32)[order],
        np.array(rates, np.float32)[order],
        np.ones(len(cells), np.bool_),
        np.ones(len(cells), np.bool_),
    )


@st.composite
def views(draw: st.DrawFn, cells: int = 20) -> CameraView:
    seen = draw(st.lists(st.integers(0, cells - 1), min_size=1, max_size=cells, unique=True))
    rates = draw(st.lists(st.floats(0.05, 0.95), min_size=len(seen), max_size=len(seen)))
    return drawn_view("a", seen, rates)


def test_a_camera_shows_the_floor_before_it() -> None:
    view = CameraView.of(WEST, CORRIDOR)
    shown_m = CORRIDOR.xy_m[view.cells]
    assert 0.5 < shown_m[:, 0].min() < 4.0
    assert shown_m[:, 0].max() <= 0.2 + 25.0
    assert (view.expected > 0).all()
    assert (view.expected <= MOST).all()
    near, far = (view.expected[np.abs(shown_m[:, 0] - x) < 1].mean() for x in (6.0, 24.0))
    assert near > far
    assert not view.well_within[np.argmax(shown_m[:, 0])]
    assert view.well_within.any()


def test_a_camera_does_not_look_through_walls() -> None:
    plan = two_rooms(door("d", (6, 2), (6, 3)))
    grid = WalkGrid.of(plan)
    view = CameraView.of(camera("a", (0.2, 3.0, 2.8), (6.0, 3.0, 0.5)), grid)
    assert set(grid.space[view.cells].tolist()) == {0}


def test_who_stands_at_the_border_of_what_is_shown_is_not_surely_shown() -> None:
    view = CameraView.of(WEST, CORRIDOR)
    x_m, y_m = CORRIDOR.xy_m[view.cells].T
    border_m = 0.2 + 25.0  # the range of the view
    assert not view.sure.all()
    # The picture's lower edge in the west, the range in the east.
    assert ((x_m < 6.0) | (x_m > border_m - 0.5))[~view.sure].all()
    # Along the walls the border is the corridor's own, and nobody can stand beyond it.
    along = (x_m > 6.0) & (x_m < 20.0) & ((y_m < 0.3) | (y_m > 2.7))
    assert along.any()
    assert view.sure[along].all()
    inside = (x_m > 6.0) & (x_m < border_m - 0.5) & (np.abs(y_m - 1.5) < 1.0)
    assert view.sure[inside].all()


def test_looks_say_nothing_at_the_border_of_what_a_camera_shows() -> None:
    view = drawn_view("a", [0, 1, 2], [0.5, 0.8, 0.9])
    border = replace(view, sure=np.array([True, False, True]))
    kept = missed({"a": border}, {"a"}, DetectionRates(), 4)
    assert kept == pytest.approx(np.array([0.5, 1.0, 0.1, 1.0]), abs=1e-6)
    # Another camera that shows the place well still looks there.
    both = {"a": border, "b": drawn_view("b", [1], [0.5])}
    kept = missed(both, {"a", "b"}, DetectionRates(), 4)
    assert kept == pytest.approx(np.array([0.5, 0.5, 0.1, 1.0]), abs=1e-6)


def test_rows_of_a_view() -> None:
    view = drawn_view("a", [7, 3], [0.5, 0.25])
    assert [view.row(cell) for cell in (3, 7, 5, 99)] == [0, 1, None, None]


def test_looks_of_a_tick_count_once_and_late_ones_in_the_next() -> None:
    looks = Looks()
    for at_s in (10.05, 10.15, 10.5):
        looks.note("a", at_s, done_tick=20)
    looks.note("b", 10.51, done_tick=20)
    assert looks.during(21) == {"a"}
    assert looks.during(22) == {"b"}
    assert looks.take_late() == frozenset()
    looks.note("late", 9.9, done_tick=21)
    looks.note("much too late", 5.0, done_tick=21)
    assert looks.during(20) == {"late"}
    assert looks.take_late() == {"late"}
    assert looks.take_late() == frozenset()
    looks.forget_before(45)
    assert looks.during(21) == frozenset()


def test_each_camera_takes_its_share() -> None:
    both = {"a": drawn_view("a", [0, 1], [0.5, 0.8]), "b": drawn_view("b", [1, 2], [0.5, 0.25])}
    rates = DetectionRates()
    assert missed(both, {"a", "b"}, rates, 5) == pytest.approx(
        np.array([0.5, 0.1, 0.75, 1.0, 1.0]), abs=1e-6
    )
    assert missed(both, {"b"}, rates, 5) == pytest.approx(np.array([1, 0.5, 0.75, 1, 1]))


@pytest.mark.parametrize("cameras", [(), ("down",)], ids=["no frame", "a camera without a place"])
def test_who_delivers_nothing_removes_nothing(cameras: tuple[str, ...]) -> None:
    known = {"a": drawn_view("a", [0, 1], [0.5, 0.8])}
    assert missed(known, cameras, DetectionRates(), 5) is None


@settings(deadline=None)
@given(view=views(), seed=st.integers(0, 999), looks=st.integers(1, 30))
def test_looks_keep_ratios_where_nobody_looked(view: CameraView, seed: int, looks: int) -> None:
    share = np.random.default_rng(seed).random(20) + 0.01
    kept = missed({"a": view}, {"a"}, DetectionRates(), 20)
    assert kept is not None
    after = share * kept.astype(np.float64) ** looks
    unseen = np.setdiff1d(np.arange(20), view.cells)
    np.testing.assert_allclose(after[unseen], share[unseen])
    assert (after[view.cells] < share[view.cells]).all()
    if len(unseen):
        gained = (after / after.sum())[unseen] > (share / share.sum())[unseen]
        assert gained.all()


@settings(deadline=None)
@given(view=views())
def test_looking_again_never_widens_the_area_of_who_stands_still(view: CameraView) -> None:
    kept = missed({"a": view}, {"a"}, DetectionRates(), 20)
    assert kept is not None
    share, area_m2 = np.full(20, 0.05), np.ones(20, np.float32)
    sizes = []
    for _ in range(12):
        sizes.append(int(smallest_area(share.astype(np.float32), area_m2, 0.95).sum()))
        share = share * kept
        share /= share.sum()
    assert sizes == sorted(sizes, reverse=True)


def test_what_is_spared_is_given_back_once_and_the_hidden_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    before = rng.random((MODES, 4, 2)).astype(np.float32)
    kept = np.array([1.0, 0.5, 0.2, 1.0], np.float32)
    mass = before * kept[:, None]
    mass[HIDDEN] = before[HIDDEN]
    spare(mass, kept, np.array([1, 1, 2]), np.array([0, 0, 1]))
    np.testing.assert_allclose(mass[:, 1, 0], before[:, 1, 0], rtol=1e-6)
    np.testing.assert_allclose(mass[:, 2, 1], before[:, 2, 1], rtol=1e-6)
    np.testing.assert_allclose(mass[2:, 1, 1], 0.5 * before[2:, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(mass[2:, 2, 0], 0.2 * before[2:, 2, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("born_s", "in_view", "may_be"),
    [(12.0, True, True), (9.5, True, True), (2.0, True, False), (12.0, False, False)],
    ids=["came later", "overlaps by a blink", "was there before", "is not seen"],
)
def test_who_may_be_the_searched_one(born_s: float, in_view: bool, may_be: bool) -> None:
    body = lost((10.2, 1.4), seen_at_s=14.0, born_s=born_s, in_view=in_view, name="S2")
    cells, columns = lookalike_cells(CORRIDOR, [10.0, 13.5], [body], 14.0)
    assert (0 in columns) == may_be
    if may_be:
        away_m = np.linalg.norm(CORRIDOR.xy_m[cells] - [10.2, 1.4], axis=1)
        assert away_m.max() <= BESIDE_M


@pytest.mark.parametrize(
    ("cameras", "hit"), [(("east", "west"), True), (("east",), False)], ids=["sees", "misses"]
)
def test_a_camera_is_measured_by_what_others_see(cameras: tuple[str, ...], hit: bool) -> None:
    known = {c.id: CameraView.of(c, CORRIDOR) for c in (WEST, EAST)}
    rates = DetectionRates()
    state = lost((8.0, 1.5), seen_at_s=5.0, in_view=True, cameras=cameras)
    learn_from([state], WellWithin(known, len(CORRIDOR)), {"west", "east"}, rates, CORRIDOR)
    assert rates.trials("west") > 0
    before = DetectionRates().corrected("west", known["west"].expected)
    after = rates.corrected("west", known["west"].expected)
    assert (after[0] > before[0]) == hit
    assert rates.trials("east") == 0.0


@pytest.mark.parametrize(
    ("at_m", "cameras", "sigma_m", "looked"),
    [
        ((8.0, 1.5), ("west",), 0.2, {"west", "east"}),
        ((8.0, 1.5), ("east",), 2.0, {"west", "east"}),
        ((8.0, 1.5), ("east",), 0.2, {"east"}),
        ((30.0, 1.5), ("east",), 0.2, {"west", "east"}),
    ],
    ids=["nobody else sees it", "its place is vague", "did not look", "not in its view"],
)
def test_what_is_no_trial(
    at_m: tuple[float, float], cameras: tuple[str, ...], sigma_m: float, looked: set[str]
) -> None:
    known = {c.id: CameraView.of(c, CORRIDOR) for c in (WEST, EAST)}
    rates = DetectionRates()
    state = lost(at_m, seen_at_s=5.0, in_view=True, cameras=cameras, sigma_m=sigma_m)
    learn_from([state], WellWithin(known, len(CORRIDOR)), looked, rates, CORRIDOR)
    assert rates.trials("west") == 0.0


@given(views(), views(), st.integers(0, 20))
def test_views_turned_about_tell_the_same(one: CameraView, other: CameraView, rim: int) -> None:
    known = {"b": one, "a": replace(other, well_within=other.cells >= rim)}
    shown = WellWithin(known, cells=20)
    for cell in range(20):
        rows = {name: view.row(cell) for name, view in sorted(known.items())}
        assert list(shown.of(cell)) == [
            (name, float(known[name].expected[row]))
            for name, row in rows.items()
            if row is not None and known[name].well_within[row]
        ]
    assert list(shown.of(-1)) == []


def test_columns_of_a_view_are_checked() -> None:
    cells: NDArray[np.int32] = np.array([1, 2], np.int32)
    with pytest.raises(ValueError, match="expected"):
        CameraView(
            "a", cells, np.zeros(1, np.float32), np.zeros(2, np.bool_), np.zeros(2, np.bool_)
        )
