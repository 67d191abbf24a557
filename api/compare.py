"""Two runs of one drill side by side: figures, latencies, cameras, machines, as JSON and a page."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from .compare_figures import figure_rows
from .compare_likelihood import BLOCK_S, RESAMPLES
from .compare_runs import difference_of_drills, write_text
from .errors import CompareError
from .report import drawn_data, plain
from .report_latency import latency_pictures
from .report_page import page_of
from .report_terms import STAGE_LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .compare_runs import ComparedRun

COMPARE_JSON: Final = "compare.json"
COMPARE_HTML: Final = "compare.html"
SCHEMA: Final = 1


def compared(a: ComparedRun, b: ComparedRun, *, force: bool = False) -> dict[str, Any]:
    """Return the comparison as JSON's own values; see `docs/reference/report.md`.

    Args:
        a: the first run, which is the one to be measured by.
        b: the second.
        force: compare runs of different drills too; then nothing is judged.

    Raises:
        CompareError: they are of different drills.
    """
    unlike = difference_of_drills(a, b)
    if unlike is not None and not force:
        raise CompareError(
            f"{unlike}; such runs say nothing of each other. Compare runs of one drill, or say "
            "--force to see the figures side by side, unjudged"
        )
    first, second = a.report, b.report
    result: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "drill": first["drill"],
            "exercise": first["exercise"] and second["exercise"],
            "not_one_drill": unlike,
            "a": _about(a),
            "b": _about(b),
            "figures": [asdict(row) for row in figure_rows(a, b, unlike=unlike)],
            "latency_ms": {
                stage: {"a": first["latency_ms"][stage], "b": second["latency_ms"][stage]}
                for stage in STAGE_LABELS
            },
            "cameras": {
                camera: {"a": _camera(first, camera), "b": _camera(second, camera)}
                for camera in dict.fromkeys([*first["frames"], *second["frames"]])
            },
            "machine": _differences(first["machine"], second["machine"]),
            "versions": _differences(first["versions"], second["versions"]),
        }
    )
    return result


def comparison_page(a: ComparedRun, b: ComparedRun, told: Mapping[str, Any]) -> str:
    """Return the page of a comparison, in one file.

    Args:
        a: the first run.
        b: the second.
        told: what `compared` has said of them.
    """
    names = f"A: {a.name}", f"B: {b.name}"
    return page_of(
        "compare.html.j2",
        drawn_data([(names[0], a.report), (names[1], b.report)]),
        told=told,
        names=names,
        stages=STAGE_LABELS,
        latency=latency_pictures([a.report, b.report]),
        block_s=BLOCK_S,
        resamples=RESAMPLES,
    )


def write_comparison(a: ComparedRun, b: ComparedRun, told: Mapping[str, Any], out: Path) -> None:
    """Write `compare.json` and `compare.html` into a folder, each wholly or not at all.

    Raises:
        CompareError: one cannot be written.
    """
    write_text(out / COMPARE_JSON, json.dumps(told, indent=2, allow_nan=False) + "\n")
    write_text(out / COMPARE_HTML, comparison_page(a, b, told))


def _about(run: ComparedRun) -> dict[str, Any]:
    report = run.report
    return {
        "name": run.name,
        "drill": report["drill"],
        "speed": report["speed"],
        "duration_s": report["duration_s"],
        "problems": report.get("problems", []),
    }


def _camera(report: Mapping[str, Any], camera: str) -> dict[str, Any] | None:
    """What is compared of one camera; None where it was not watched."""
    if camera not in report["frames"] or camera not in report["cameras"]:
        return None
    counts, about = report["frames"][camera], report["cameras"][camera]
    alarms = [alarm for alarm in report["alarms"] if camera in alarm.get("cameras", ())]
    return {
        "in": counts["in"],
        "used": counts["used"],
        "dropped": counts["dropped"],
        "used_per_s": about["used_per_s"],
        "positions": about["positions"],
        "off_m": about["off_m"],
        "latency_ms": about["latency_ms"],
        "out_s": sum(outage["until_t_s"] - outage["from_t_s"] for outage in about["outages"]),
        "armed_alerts": len(alarms),
        "false_armed_alerts": sum(alarm["false"] is True for alarm in alarms),
    }


def _differences(a: Mapping[str, str], b: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "a": a.get(name), "b": b.get(name), "same": a.get(name) == b.get(name)}
        for name in dict.fromkeys([*a, *b])
    ]
