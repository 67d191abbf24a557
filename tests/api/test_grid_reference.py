"""Squares of a plan: names that are short, stable and the same for page and voice."""

from __future__ import annotations

import pytest

from api.grid_reference import LETTERS, MOST_ROWS, grid_over

SCHOOL = grid_over(0.0, 0.0, 64.0, 38.0)  # 7 squares by 4


@pytest.mark.parametrize(
    ("xy_m", "square"),
    [
        pytest.param((0.5, 39.5), "A1", id="upper left"),
        pytest.param((35.0, 35.0), "D1", id="along x"),
        pytest.param((35.0, 5.0), "D4", id="down from the top"),
        pytest.param((20.0, 30.0), "C2", id="on the lines: right and lower"),
        pytest.param((64.0, 0.0), "G4", id="the plan's far corner"),
        pytest.param((70.0, 0.0), "G4", id="the grid's far corner"),
        pytest.param((-2.5, 20.5), "A2", id="on the doorstep"),
        pytest.param((-3.5, 20.5), None, id="outside to the left"),
        pytest.param((35.0, 43.5), None, id="outside above"),
        pytest.param((73.5, 20.0), None, id="outside to the right"),
        pytest.param((35.0, -3.5), None, id="outside below"),
    ],
)
def test_a_place_has_the_square_it_lies_in(xy_m: tuple[float, float], square: str | None) -> None:
    assert SCHOOL.square(xy_m) == square


@pytest.mark.parametrize(
    ("bounds", "edge_m", "columns", "rows"),
    [
        pytest.param((0.0, 0.0, 20.0, 12.0), 10.0, 2, 2, id="a small school"),
        pytest.param((-4.0, -4.0, 4.0, 4.0), 10.0, 2, 2, id="around the origin"),
        pytest.param((0.0, 0.0, 240.0, 100.0), 10.0, 24, 10, id="as many letters as there are"),
        pytest.param((0.0, 0.0, 241.0, 100.0), 20.0, 13, 5, id="one more"),
        pytest.param((0.0, 0.0, 100.0, 301.0), 20.0, 5, 16, id="too many numbers"),
        pytest.param((0.0, 0.0, 2000.0, 900.0), 100.0, 20, 9, id="a campus"),
        pytest.param((5.0, 5.0, 5.0, 5.0), 10.0, 1, 1, id="a point"),
    ],
)
def test_squares_grow_with_the_site(
    bounds: tuple[float, float, float, float], edge_m: float, columns: int, rows: int
) -> None:
    grid = grid_over(*bounds)
    assert (grid.edge_m, len(grid.columns), len(grid.rows)) == (edge_m, columns, rows)
    assert len(grid.columns) <= len(LETTERS)
    assert len(grid.rows) <= MOST_ROWS
    assert grid.columns == tuple(LETTERS[:columns])
    assert grid.rows == tuple(str(number + 1) for number in range(rows))


def test_small_corrections_of_a_plan_rename_no_square() -> None:
    corrected = grid_over(0.4, 0.2, 63.1, 37.4)
    assert corrected == SCHOOL


def test_no_letter_is_heard_as_a_digit() -> None:
    assert not {"I", "O"} & set(LETTERS)
