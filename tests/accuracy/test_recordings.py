"""Public recordings, imported and played frame by frame: goals, and figures that must not fall.

`lastseen bench accuracy` measures the same; what it found last stands in `benchmarks/figures/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import motmetrics
import numpy as np
import pytest

from api.scoring_people import FOUND_M, GATE_M
from benchmarks.accuracy import MEVA, SEEDS, gym_agreement
from benchmarks.recordings import RECORDINGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.scoring_people import Scenes
    from benchmarks.recordings import Played

    Measured = Callable[..., dict[str, Any]]

pytestmark = [pytest.mark.accuracy, pytest.mark.data, pytest.mark.timeout(900)]

SLACK_SHARE, SLACK_M = 0.03, 0.03
"""Worse than recorded by more than this is a real change: other processors round differently."""

BETTER_HIGH = (
    "moda",
    "idf1",
    "room_correct",
    "entrance_correct",
    "search_area_coverage",
)
BETTER_LOW = ("median_m",)

AGREES = 0.005


def drops(found: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """What is clearly worse than it was, in words; also what is no longer measured."""
    worse = []
    for name in (*BETTER_HIGH, *BETTER_LOW):
        was, now = before.get(name), found.get(name)
        if was is None:
            continue
        if now is None:
            worse.append(f"{name} was {was} and is not measured any more")
        elif name in BETTER_LOW and now > was + SLACK_M:
            worse.append(f"{name} was {was} m and is {now} m")
        elif name in BETTER_HIGH and now < was - SLACK_SHARE:
            worse.append(f"{name} was {was} and is {now}")
    return worse


@pytest.mark.parametrize("seed", SEEDS)
def test_citic_meets_its_goals_with_every_draw_of_the_detector(
    figures: Measured, seed: int
) -> None:
    found = figures("citic", None if seed == SEEDS[0] else seed)
    assert found["room_correct"] >= 0.95
    assert found["entrance_correct"] >= 0.95
    assert found["median_m"] <= 0.5
    assert found["idf1"] >= 0.85
    assert found["search_area_coverage"] >= 0.90


def test_cmc_meets_its_goals(figures: Measured) -> None:
    found = figures("cmc")
    assert found["moda"] >= 0.85
    assert found["median_m"] <= 0.25


def test_wildtrack_places_people(figures: Measured) -> None:
    assert figures("wildtrack")["median_m"] <= 0.12


@pytest.mark.xfail(strict=False, reason="IDF1 is 0.906, at two frames a second")
def test_wildtrack_keeps_people_apart(figures: Measured) -> None:
    assert figures("wildtrack")["idf1"] >= 0.95


def test_multiviewx_is_measured_on_its_true_boxes_only(
    played: Callable[..., Played], data_dir: Path, tmp_path: Path
) -> None:
    """The ten published pictures do not show the ten annotated moments, see the importer's note."""
    assert played("multiviewx").truth is not None
    pictures = RECORDINGS["multiviewx"]
    told = type(pictures)(pictures.data_set, pictures.folder, pictures.source, {})
    folder = told.import_to(data_dir, tmp_path / "pictures")
    assert not (folder / "truth.csv").exists()
    assert "older than its ten annotations" in (folder / "drill.toml").read_text()


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_no_figure_falls_clearly_below_the_recorded_one(
    figures: Measured, recorded: Callable[[str], dict[str, Any]], name: str
) -> None:
    assert drops(figures(name), recorded(name)) == []


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_moda_and_idf1_are_what_py_motmetrics_says(
    figures: Measured, played: Callable[..., Played], name: str
) -> None:
    """The report's come from `trackers.eval`; this is another implementation of the same papers."""
    seen = played(name).scenes()
    found = accumulated(seen, FOUND_M)
    lost = found["num_misses"] + found["num_false_positives"]
    moda = 1 - lost / found["num_objects"]
    idf1 = accumulated(seen, GATE_M)["idf1"]
    mine = figures(name)
    print(f"{name}: MODA {mine['moda']} and {moda:.4f}, IDF1 {mine['idf1']} and {idf1:.4f}")  # noqa: T201 -- the accuracy suite prints what it found
    assert mine["moda"] == pytest.approx(moda, abs=AGREES)
    assert mine["idf1"] == pytest.approx(idf1, abs=AGREES)


def accumulated(seen: Scenes, gate_m: float) -> dict[str, float]:
    """What py-motmetrics counts; pairs farther apart than the gate cannot be one body."""
    kept = motmetrics.MOTAccumulator(auto_id=True)
    for persons, subjects, apart_m in zip(seen.persons, seen.subjects, seen.apart_m, strict=True):
        kept.update(persons, subjects, np.where(apart_m <= gate_m, apart_m, np.nan))
    names = ["num_objects", "num_misses", "num_false_positives", "idf1"]
    counted: dict[str, float] = motmetrics.metrics.create().compute(
        kept, metrics=names, return_dataframe=False
    )
    return counted


def test_two_cameras_of_a_real_gym_agree_on_where_people_stand(
    recorded: Callable[[str], dict[str, Any]], data_dir: Path, tmp_path: Path
) -> None:
    if not (data_dir / MEVA.folder).is_dir():
        pytest.skip(f"no MEVA data at {data_dir / MEVA.folder}")
    found = gym_agreement(MEVA.import_to(data_dir, tmp_path / "gym"))
    print(found)  # noqa: T201 -- the accuracy suite prints what it found
    assert found["median_m"] <= 0.6
    assert found["median_m"] <= 0.7 * found["by_chance_median_m"]
    assert drops(found, recorded("meva")) == []
