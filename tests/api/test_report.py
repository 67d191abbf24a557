"""A report is two whole files: figures for machines, and a page that needs nothing else."""

from __future__ import annotations

import json
import re
import resource
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.errors import ReportError
from api.report import write_report
from api.report_terms import DEFINITIONS
from tests.api.scored_drill import observation, perfect, record, site, truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.run_record import RunRecord


def a_run() -> RunRecord:
    return record(perfect(0.25), [observation(t / 10, (0.01, 0.1, 0.11, 0.3)) for t in range(90)])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "made"
    write_report(a_run(), site(), truth(), folder)
    return folder


def test_the_figures_are_plain_json(written: Path) -> None:
    figures = json.loads((written / "report.json").read_text())
    assert figures["position_error_m"] == {"median": 0.25, "p95": 0.25}
    assert figures["room_correct"] == 1.0
    assert figures["answer"]["entrance"] == "2"
    assert figures["latency_ms"]["capture_to_published"]["p95"] == pytest.approx(300)
    assert figures["frames"]["cam"] == {"in": 100, "used": 90, "dropped": 10}
    assert figures["search_area_coverage"] is None
    assert figures["nulls"]["search_area_coverage"]


def test_the_page_asks_nothing_of_a_network_and_runs_no_script(written: Path) -> None:
    page = (written / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    references = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page)
    assert all((a or b).startswith("#") for a, b in references)
    assert "<script" not in page
    assert "<link" not in page
    assert page.count("<svg") == page.count("</svg>") == 4


def test_the_page_says_answer_door_problems_and_what_every_figure_means(written: Path) -> None:
    page = (written / "report.html").read_text()
    for text in ("EXERCISE", "Somebody, somewhere.", "Two rooms", "stalled for 1 s", "0.25 m"):
        assert text in page
    assert re.search(r'<div class="number">2</div>', page)
    for term in DEFINITIONS.values():
        assert term.label in page
        assert term.meaning in page.replace("&#39;", "'")


def test_texts_of_the_site_and_the_run_cannot_become_markup(tmp_path: Path) -> None:
    run = replace(
        a_run(),
        drill="<script>alert(1)</script>",
        problems=("<img src=x>",),
        log=tuple(replace(a, text="<b>bold</b> $x_1$") for a in perfect()),
    )
    write_report(run, site(), truth(), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<script>" not in page
    assert "<img" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;" in page


def test_a_run_without_truth_or_answers_still_has_a_page(tmp_path: Path) -> None:
    write_report(replace(record([]), exercise=False), site(), None, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "No answer was published." in page
    assert "the drill has no truth.csv" in page
    assert "EXERCISE" not in page


def test_the_same_run_gives_the_same_files(tmp_path: Path, written: Path) -> None:
    write_report(a_run(), site(), truth(), tmp_path)
    for name in ("report.json", "report.html"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let this process write no file longer than `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_the_old_report_stays_whole(tmp_path: Path) -> None:
    write_report(a_run(), site(), truth(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with room_for(1000), pytest.raises(ReportError, match=r"report\.json: the report cannot be"):
        write_report(record(perfect(0.5)), site(), truth(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_in_the_way_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(ReportError, match="out: the report cannot be written: File exists"):
        write_report(record([]), site(), None, tmp_path / "out")
