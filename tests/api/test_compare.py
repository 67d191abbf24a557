"""Two runs of one drill side by side: what differs, and what is no more than luck."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from api.commands.drill import app
from api.compare import compared, comparison_page, write_comparison
from api.compare_likelihood import judged_counts, judged_moments, mean, median, share
from api.compare_runs import ComparedRun, difference_of_drills, load_compared
from api.errors import CompareError
from api.report import write_report
from api.run_record import FrameCounts
from tests.api.scored_drill import observation, perfect, record, site, truth

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.answer import Answer


def run_of(folder: Path, shift_m: float = 0.1, *, late_s: float = 0.2, **changed: Any) -> Path:
    """Write the report of a run that is off by `shift_m`."""
    frames = [observation(t / 10, (0.01, 0.1, 0.11, late_s)) for t in range(90)]
    answers: list[Answer] = perfect(shift_m)
    write_report(replace(record(answers, frames), **changed), site(), truth(), folder)
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[ComparedRun, ComparedRun]:
    folder = tmp_path_factory.mktemp("runs")
    a = run_of(folder / "a")
    b = run_of(
        folder / "b", 0.4, late_s=0.4,
        machine={"processor": "slide rule"}, versions={"lastseen": "1", "numpy": "2"},
        frames={"cam": FrameCounts(100, 80, 20)},
    )  # fmt: skip
    return load_compared(a), load_compared(b)


def row(told: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in told["figures"] if one["key"] == key)
    return found


def long(run: ComparedRun, times: int = 6) -> ComparedRun:
    """The run with every moment told several times: a minute of it."""
    report = json.loads(json.dumps(run.report))
    line = report["timeline"]
    columns = ((line, "latency_ms"), (line, "xy_m"), (line, "ce95_m"))
    truths = ((line["truth"], key) for key, value in line["truth"].items())
    peoples = ((line["people"], key) for key in line["people"])
    for part, key in (*columns, *truths, *peoples):
        if len(part[key]) == line["moments"]:
            part[key] = part[key] * times
    line["moments"] *= times
    return ComparedRun(run.name, report)


def test_differences_are_b_minus_a_and_judged_where_the_drill_is_long_enough(
    pair: tuple[ComparedRun, ComparedRun],
) -> None:
    short = compared(*pair)
    error = row(short, "position_error_m.median")
    assert (error["a"], error["b"]) == (pytest.approx(0.1), pytest.approx(0.4))
    assert error["difference"] == pytest.approx(0.3)
    assert error["verdict"] == "not judged"
    assert "too short" in error["why"]

    told = compared(long(pair[0]), long(pair[1]))
    error = row(told, "position_error_m.median")
    assert error["verdict"] == "worse"
    assert error["low"] == pytest.approx(0.3, abs=0.02)
    assert row(told, "latency_ms.mean")["verdict"] == "worse"
    assert row(told, "latency_ms.mean")["difference"] == pytest.approx(200, abs=1)
    assert row(told, "room_correct")["verdict"] == "not told apart"
    assert row(told, "time_to_first_position_s")["verdict"] == "not judged"
    assert row(told, "false_armed_alerts")["p"] == 1.0


def test_what_changed_in_cameras_machine_and_versions(
    pair: tuple[ComparedRun, ComparedRun],
) -> None:
    told = compared(*pair)
    camera = told["cameras"]["cam"]
    assert (camera["a"]["dropped"], camera["b"]["dropped"]) == (10, 20)
    assert camera["a"]["latency_ms"]["p50"] == pytest.approx(200)
    assert told["machine"] == [
        {"name": "processor", "a": "abacus", "b": "slide rule", "same": False}
    ]
    assert [one["name"] for one in told["versions"] if not one["same"]] == ["lastseen", "numpy"]
    assert told["latency_ms"]["capture_to_published"]["b"]["p95"] == pytest.approx(400)


def test_a_run_beside_itself_shows_no_difference(pair: tuple[ComparedRun, ComparedRun]) -> None:
    a = long(pair[0])
    told = compared(a, a)
    assert {one["verdict"] for one in told["figures"]} <= {"not told apart", "not judged"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"drill": "another"}, "is of 'two rooms'"),
        ({"duration_s": 20.0}, "lasts 10 s"),
        ({"drill_sha256": "0"}, "were changed between the two runs"),
    ],
)
def test_runs_of_different_drills_are_refused_unless_forced(
    pair: tuple[ComparedRun, ComparedRun], changed: dict[str, Any], why: str
) -> None:
    a = ComparedRun("a", {**pair[0].report, "drill_sha256": "1"})
    b = ComparedRun("b", {**pair[1].report, "drill_sha256": "1", **changed})
    assert why in (difference_of_drills(a, b) or "")
    with pytest.raises(CompareError, match="say --force"):
        compared(a, b)
    told = compared(a, b, force=True)
    assert why in told["not_one_drill"]
    assert {one["verdict"] for one in told["figures"]} == {"not judged"}


def test_a_drill_whose_folder_is_gone_is_compared_all_the_same(
    pair: tuple[ComparedRun, ComparedRun],
) -> None:
    assert pair[0].report["drill_sha256"] is None
    assert difference_of_drills(*pair) is None


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "is not a report that can be read"),
        ("[]", "no report of this version"),
        ('{"drill": "x"}', "exercise: field required"),
    ],
)
def test_what_is_no_report_is_one_clear_error(tmp_path: Path, content: str, match: str) -> None:
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(CompareError, match=match):
        load_compared(tmp_path)


def test_a_report_whose_columns_do_not_fit_is_refused(
    tmp_path: Path, pair: tuple[ComparedRun, ComparedRun]
) -> None:
    report = json.loads(json.dumps(pair[0].report))
    report["timeline"]["truth"]["error_m"].pop()
    (tmp_path / "report.json").write_text(json.dumps(report))
    with pytest.raises(CompareError, match=r"timeline\.truth\.error_m: has 99 entries"):
        load_compared(tmp_path)


def test_a_folder_without_a_report_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="name the folder"):
        load_compared(tmp_path)


def test_the_page_holds_both_timelines_and_asks_for_nothing(
    tmp_path: Path, pair: tuple[ComparedRun, ComparedRun]
) -> None:
    told = compared(*pair)
    write_comparison(*pair, told, tmp_path)
    page = (tmp_path / "compare.html").read_text()
    assert json.loads((tmp_path / "compare.json").read_text()) == told
    [data] = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert [run["name"] for run in json.loads(data)["runs"]] == ["A: a", "B: b"]
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert page.count('class="histogram"') == 5
    assert "run1" in page


def test_names_of_runs_cannot_become_markup(pair: tuple[ComparedRun, ComparedRun]) -> None:
    named = ComparedRun("</script><b>x", pair[0].report)
    page = comparison_page(named, pair[1], compared(named, pair[1]))
    assert "</script><b>" not in page
    assert "<b>x" not in page


def noisy(seed: int, shift: float = 0.0, count: int = 600) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Moments that are alike to their neighbours, about `shift`."""
    random = np.random.default_rng(seed)
    return np.repeat(random.normal(size=count // 30), 30) + shift


@pytest.mark.parametrize(
    ("b", "beyond", "why"),
    [
        (noisy(1), False, "the same moments"),
        (noisy(1, 0.1), True, "a small shift of every moment is seen, because moments are paired"),
        (noisy(2), False, "other moments of the same kind"),
    ],
)
def test_a_difference_is_told_from_luck(
    b: np.ndarray[Any, np.dtype[np.float64]], beyond: bool, why: str
) -> None:
    found = judged_moments((noisy(1),), (b,), mean, 0.1)
    assert found is not None
    assert found.beyond is beyond, why


def test_intervals_hold_what_is_true_about_as_often_as_they_say() -> None:
    held = 0
    for seed in range(40):
        a, b = noisy(2 * seed), noisy(2 * seed + 1)
        found = judged_moments((a,), (b,), mean, 0.1)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert 34 <= held <= 40


def test_moments_that_do_not_count_are_left_out() -> None:
    values = np.array([1.0, np.nan, 0.0, 1.0])
    assert share((values,)) == pytest.approx(2 / 3)
    assert median((values,)) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "beyond"), [(0, 0, False), (3, 5, False), (0, 5, False), (0, 6, True), (1, 12, True)]
)
def test_counts_are_told_apart_by_the_exact_test(a: int, b: int, beyond: bool) -> None:
    found = judged_counts(a, b, 1.0, 1.0)
    assert found is not None
    assert found.beyond is beyond


def test_the_command_prints_writes_and_refuses(tmp_path: Path) -> None:
    a, b = run_of(tmp_path / "a"), run_of(tmp_path / "b", 0.4)
    runner = CliRunner()
    done = runner.invoke(app, ["compare", str(a), str(b), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["schema"] == 1
    done = runner.invoke(
        app, ["compare", str(a), str(b / "report.json"), "--report", str(tmp_path / "c")]
    )
    assert done.exit_code == 0, done.output
    assert "Room correct" in done.stdout
    assert (tmp_path / "c" / "compare.html").is_file()
    other = run_of(tmp_path / "other", drill="another")
    refused = runner.invoke(app, ["compare", str(a), str(other)])
    assert isinstance(refused.exception, CompareError)
    assert runner.invoke(app, ["compare", str(a), str(other), "--force"]).exit_code == 0
