from __future__ import annotations

import pytest

from benchmarks.renderer.boxes import Truth
from benchmarks.renderer.scene import open_doors
from benchmarks.renderer.training import label_lines, training_building, training_cameras

BOX = (100.0, 50.0, 140.0, 150.0)


@pytest.mark.parametrize(
    ("truth", "lines"),
    [
        (Truth(1, "person", BOX, BOX, 0.9), ["0 0.187500 0.277778 0.062500 0.277778"]),
        (Truth(1, "person", BOX, BOX, 0.2), []),  # hidden for the most part
        (Truth(1, "person", BOX, (100, 50, 140, 62), 0.9), []),  # too small
        (Truth(1, "person", BOX, None, 0.0), []),  # not to be seen at all
        (
            Truth(1, "rifle", BOX, (100, 50, 108, 53), 0.3),
            ["1 0.162500 0.143056 0.012500 0.008333"],
        ),
        (Truth(1, "rifle", BOX, (100, 50, 105, 53), 0.3), []),  # under six pixels
        (Truth(1, "phone", BOX, BOX, 1.0), []),  # no firearm
    ],
)
def test_label_lines(truth: Truth, lines: list[str]) -> None:
    assert label_lines([truth], (640, 360)) == lines


@pytest.mark.parametrize("seed", [1000, 1001, 1002, 1003])
def test_training_buildings_are_sound(seed: int) -> None:
    building = training_building(seed)
    area = sum(unit.polygon.area for unit in building.units)
    assert building.outline().area == pytest.approx(area), "units touch and do not overlap"
    assert len(training_cameras(building, seed)) == 4
    assert open_doors(building, []) == set()
