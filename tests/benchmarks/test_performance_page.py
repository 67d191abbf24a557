"""The page about speed says what was measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.performance_page import KEPT, PAGE, TABLES, filled

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_says_what_was_measured() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run: python -m benchmarks.performance_page"
    assert all(f"<!-- figures: {name} -->" in page for name in TABLES)


def test_a_table_is_made_from_its_figures_and_nothing_else_is_touched(tmp_path: Path) -> None:
    figures = json.loads((KEPT / "attention.json").read_text(encoding="utf-8"))
    figures["capacities"][0]["bound_s"] = 99.9
    (tmp_path / "attention.json").write_text(json.dumps(figures))
    page = "# Words\n\n<!-- figures: attention -->\nold\n<!-- end -->\n\nMore words.\n"
    made = filled(page, tmp_path)
    assert made.startswith("# Words\n\n<!-- figures: attention -->\n\n| frames a second |")
    assert made.endswith("<!-- end -->\n\nMore words.\n")
    assert "(99.9)" in made
    assert "old" not in made
    assert filled(made, tmp_path) == made


def test_a_table_that_nobody_makes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing.json").write_text("{}")
    with pytest.raises(KeyError):
        filled("<!-- figures: nothing -->\n<!-- end -->", tmp_path)
