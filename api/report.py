"""`report.json` and `report.html`: one drill's figures for machines, and for people to look at."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from .errors import ReportError
from .report_alarms import alarms_shown
from .report_latency import latency_pictures
from .report_page import page_of
from .report_plan import plan_pictures
from .report_plan_layers import HEAT_M
from .report_terms import DEFINITIONS, STAGE_LABELS, VISIBLE
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
MOST_FAULTS: Final = 200
"""So many false positions and switches are listed on the page; `report.json` has all."""
_DECIMALS: Final = 6


def write_report(record: RunRecord, site: Site, truth: Truth | None, out_dir: Path) -> Score:
    """Write `report.json` and `report.html` into `out_dir`, each wholly or not at all.

    The page holds its style, its script, its data and its pictures, and asks nothing of a network.

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
    values = plain(scored.figures.as_json())
    contents = {
        JSON_NAME: a_key_a_line(values),
        HTML_NAME: _page(record, site, scored, values),
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


def _page(record: RunRecord, site: Site, scored: Score, values: Mapping[str, Any]) -> str:
    figures = scored.figures
    final = max(record.answers, key=lambda answer: answer.at_s, default=None)
    alarms, left_out = alarms_shown(figures.alarms, record.stills)
    return page_of(
        "report.html.j2",
        drawn_data([("", values)]),
        figures=figures,
        values=values,
        terms=DEFINITIONS,
        stages=STAGE_LABELS,
        visible=VISIBLE,
        plans=plan_pictures(record, site, scored),
        heat_m=HEAT_M,
        latency=latency_pictures([values]),
        alarms=alarms,
        left_out=left_out,
        most=MOST_FAULTS,
        site=site,
        door=final.entrances[0] if final is not None and final.entrances else None,
        subject=final.subjects[0] if final is not None and final.subjects else None,
        unmeasured=_by_reason(figures.nulls),
        compared=scored.series.compared is not None,
        errors=scored.series.placed is not None,
    )


def drawn_data(runs: list[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return what the script of a page draws its timeline from.

    Args:
        runs: name and `report.json` of each run; the name is "" where there is only one.
    """
    return {
        "runs": [
            {
                "name": name,
                "duration_s": run["duration_s"],
                "timeline": run["timeline"],
                "alarms": [
                    {key: alarm[key] for key in ("subject", "t_s", "until_t_s", "false")}
                    for alarm in run["alarms"]
                ],
                "outages": {
                    camera: about["outages"]
                    for camera, about in run["cameras"].items()
                    if about["outages"]
                },
                "gaps": [gap for gap in run.get("gaps", ()) if gap["camera"] is None],
            }
            for name, run in runs
        ],
    }


def _by_reason(nulls: Mapping[str, str]) -> dict[str, list[str]]:
    """Labels of the figures that are null, by why."""
    grouped: dict[str, list[str]] = {}
    for key, why in nulls.items():
        if key in DEFINITIONS:
            grouped.setdefault(why, []).append(DEFINITIONS[key].label)
    return grouped


def a_key_a_line(values: Mapping[str, Any]) -> str:
    """Return a JSON object with each of its keys on a line of its own: columns stay one line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(values[key], allow_nan=False)}" for key in values]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON without infinities, numbers rounded to a millionth."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return round(value, _DECIMALS) if math.isfinite(value) else None
    return value
