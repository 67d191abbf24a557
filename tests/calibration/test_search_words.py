from __future__ import annotations

import pytest

from calibration.answer import LevelShare, SearchArea, SpaceShare
from calibration.search_words import search_words

NAMES = {"L1": "Ground floor", "L2": "First floor"}


def area(
    *spaces: tuple[str, float], left: float = 0.0, levels: tuple[float, ...] = (1.0,)
) -> SearchArea:
    return SearchArea(
        at_s=0.0,
        spaces=tuple(
            SpaceShare(name.lower(), name, "L1", share, in_area95=True) for name, share in spaces
        ),
        levels=tuple(
            LevelShare(f"L{i}", share, 10.0, 100.0) for i, share in enumerate(levels, start=1)
        ),
        left_building=left,
        area50_m2=10.0,
        area95_m2=100.0,
    )


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (area(("East wing", 0.62), ("Stair 2", 0.21), ("Gym", 0.08), ("Room 4", 0.09)),
         "62 % East wing, 21 % Stair 2, 17 % in 2 other places"),
        (area(("East wing", 0.62), ("Stair 2", 0.29), left=0.09),
         "62 % East wing, 29 % Stair 2; 9 % may have left the building"),
        (area(("East wing", 0.97)), "over 95 % East wing"),
        (area(("East wing", 0.5), ("Stair 2", 0.3), ("Gym", 0.12), ("Room 4", 0.08)),
         "50 % East wing, 30 % Stair 2, 12 % Gym"),
        (area(*[(f"Room {i}", 0.07) for i in range(14)], levels=(0.7, 0.28), left=0.02),
         "70 % Ground floor (14 places), 28 % First floor, likeliest Room 0 with 7 %"),
        (area(("East wing", 0.6), ("Stair 2", 0.2), ("Gym", 0.2)),
         "60 % East wing, 20 % Stair 2, 20 % Gym"),
        (area(("East wing", 0.6), ("Room 4", 0.4)), "60 % East wing, 40 % Room 4"),
        (area(levels=(), left=0.99), "over 95 % may have left the building"),
        (area(("Hall", 0.2), ("Room 4", 0.1), left=0.7, levels=(0.3,)),
         "20 % Hall, 10 % Room 4; 70 % may have left the building"),
    ],
)  # fmt: skip
def test_words(search: SearchArea, said: str) -> None:
    assert search_words(search, NAMES) == said


def test_a_line_is_short_enough_to_be_read_out() -> None:
    rooms = [(f"Corridor of the natural sciences {i}", 1 / 60) for i in range(60)]
    words = search_words(area(*rooms, levels=(0.5, 0.3), left=0.2), NAMES)
    assert len(words) < 160
    assert search_words(area(), {}) == "over 95 % L1"
