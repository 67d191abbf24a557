"""`report.json` and `report.html`: one drill's figures for machines, and for people to look at."""

from __future__ import annotations

import json
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import jinja2
import matplotlib as mpl

from .errors import ReportError
from .report_charts import certainty_figure, latency_figure, rooms_figure
from .report_plan import plan_figure
from .report_svg import SVG_STYLE, svg
from .report_terms import DEFINITIONS, STAGE_LABELS, VISIBLE, in_words
from .scoring import score
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from calibration.site import Site

    from .run_record import RunRecord
    from .scoring import Score
    from .truth import Truth

JSON_NAME: Final = "report.json"
HTML_NAME: Final = "report.html"
_DECIMALS: Final = 6


def write_report(record: RunRecord, site: Site, truth: Truth | None, out_dir: Path) -> Score:
    """Write `report.json` and `report.html` into `out_dir`, each wholly or not at all.

    The page holds its styles and pictures, asks nothing of a network and runs no script.

    Args:
        record: the run.
        site: the site it played in.
        truth: what really happened; None where the drill does not know.
        out_dir: made where absent.

    Returns:
        The figures and series that were written.

    Raises:
        ReportError: where a file cannot be written, e.g. for want of space.
    """
    scored = score(record, site, truth)
    contents = {
        JSON_NAME: json.dumps(_plain(scored.figures.as_json()), indent=2, allow_nan=False) + "\n",
        HTML_NAME: _page(record, site, scored),
    }
    path = out_dir
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            path = out_dir / name
            write_whole(path, text.encode())
    except OSError as error:
        why = error.strerror or str(error)
        raise ReportError(
            f"{path}: the report cannot be written: {why}; make room or name another folder with "
            "--report"
        ) from error
    return scored


def _page(record: RunRecord, site: Site, scored: Score) -> str:
    figures, series = scored.figures, scored.series
    values = figures.as_json()
    final = max(record.answers, key=lambda answer: answer.at_s, default=None)
    with mpl.rc_context(SVG_STYLE):
        latency = latency_figure(series.spans_ms)
        pictures = {
            "plan": svg(plan_figure(record, site, series)),
            "rooms": svg(rooms_figure(series, site.plan)),
            "certainty": svg(certainty_figure(series)),
            "latency": svg(latency) if latency is not None else None,
        }
    template = files(__name__.rpartition(".")[0]).joinpath("report_templates/report.html.j2")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["in_words"] = in_words
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        figures=figures,
        values=values,
        terms=DEFINITIONS,
        stages=STAGE_LABELS,
        visible=VISIBLE,
        pictures=pictures,
        site=site,
        door=final.entrances[0] if final is not None and final.entrances else None,
        subject=final.subjects[0] if final is not None and final.subjects else None,
        unmeasured=_by_reason(figures.nulls),
        has_truth=series.compared is not None,
    )


def _by_reason(nulls: Mapping[str, str]) -> dict[str, list[str]]:
    """Labels of the figures that are null, by why."""
    grouped: dict[str, list[str]] = {}
    for key, why in nulls.items():
        if key in DEFINITIONS:
            grouped.setdefault(why, []).append(DEFINITIONS[key].label)
    return grouped


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """JSON without infinities, numbers rounded to a millionth."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return round(value, _DECIMALS) if math.isfinite(value) else None
    return value
