"""Fills the tables of `docs/performance.md` from the figures that were kept.

    python -m benchmarks.performance_page

What stands between `<!-- figures: NAME -->` and `<!-- end -->` is made anew; the rest of the page
is written by hand. A test holds the page against the figures, so the two cannot part.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "performance.md"
KEPT = CHECKOUT / "benchmarks" / "figures" / "amd-epyc-2-cores" / "0.1.0"

Figures = dict[str, Any]

_BLOCK = re.compile(r"(<!-- figures: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, kept: Path = KEPT) -> str:
    """Return the page with its tables made from the figures of a folder.

    Raises:
        KeyError: the page names a table that nobody makes.
    """

    def table(block: re.Match[str]) -> str:
        name = block["name"]
        figures = json.loads((kept / f"{name}.json").read_text(encoding="utf-8"))
        return f"{block[1]}\n{TABLES[name](figures)}\n\n{block[3]}"

    return _BLOCK.sub(table, page)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spread(figure: Figures, digits: int = 2) -> str:
    low, high = figure["low"], figure["high"]
    return f"{figure['median']:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def pipeline(figures: Figures) -> str:
    """What share of the bare detector's speed is kept."""
    drills = figures["drills"]
    ways = {
        "worker": "worker_of_bare_ahead",
        "both networks alone": "both_networks_of_bare",
        "worker, of both networks alone": "worker_of_both_networks",
        "worker, subjects and ranking in one process": "located_of_bare",
        "worker that also decodes on these cores": "decoding_worker_of_bare",
    }
    rows = [
        (name, *(_spread(drill["ratios"][key]) for drill in drills.values()))
        for name, key in ways.items()
    ]
    rows.append(
        (
            "frames a second, bare detector",
            *(_spread(d["frames_per_s"]["bare_ahead"], 0) for d in drills.values()),
        )
    )
    rows.append(
        (
            "frames a second, worker",
            *(_spread(d["frames_per_s"]["worker"], 0) for d in drills.values()),
        )
    )
    return _rows(("of the bare detector", *(f"drill `{name}`" for name in drills)), rows)


def peers(figures: Figures) -> str:
    """This project's worker beside others."""
    rows = []
    for name, title in figures["systems"].items():
        fast = figures["throughput"][name]
        ratio = figures["ratios"].get(name)
        ages = figures["overload"].get(name, {})
        both = [ages.get(case) for case in ("own_capacity", "capacity_of_ours")]
        rows.append(
            (
                title,
                _spread(fast["frames_per_s"], 0),
                "" if ratio is None else f"{ratio['throughput']['median']:.2f}",
                f"{fast['cpu_s_per_1000_frames']['median']:.1f}",
                f"{fast['memory_mib']['median']:.0f}",
                f"{100 * fast['agreement']['match_rate']:.1f} %",
                *(
                    "" if age is None else f"{age['frame_age_ms']['p95']:.0f} ({age['cameras']})"
                    for age in both
                ),
            )
        )
    return _rows(
        (
            "system",
            "frames a second",
            "ours has … times as many",
            "CPU s per 1,000",
            "MiB",
            "boxes as ours",
            "95 % of frame ages, ms, twice what fits it (cameras)",
            "the same, twice what fits ours",
        ),
        rows,
    )


def scale(figures: Figures) -> str:
    """Many feeds."""
    rows = []
    for title, name in (
        ("recordings, real detector", "files"),
        ("in memory, a GPU's time", "simulated"),
    ):
        row = figures[name]
        bound = row["stated_bound_s"]
        rows.append(
            (
                f"{row.get('feeds', row.get('cameras'))} {title}",
                f"{row['frames_used_a_second']:.0f} of {row['frames_sent_a_second']:.0f}",
                f"{row['age_ms']['capture_to_published']['p50']:.0f}",
                f"{row['age_ms']['capture_to_published']['p95']:.0f}",
                f"{row['between_looks_s']['most']:.1f}",
                "all fit" if bound is None else f"{bound['least']:.1f} to {bound['most']:.1f}",
                f"{row['seconds']:.0f}",
                f"{row['memory_growth_mib_a_minute']:+.2f}",
            )
        )
    return _rows(
        (
            "feeds",
            "frames a second detected",
            "capture to published, median ms",
            "95 %",
            "longest without a look, s",
            "bound stated meanwhile, s",
            "seconds",
            "MiB a minute, second half",
        ),
        rows,
    )


def coldstart(figures: Figures) -> str:
    """From a grant to the first position."""
    rows = [
        (
            f"{feeds} feeds",
            f"{row['first_frame']['p50']:.2f}",
            f"{row['seen']['p50']:.2f}",
            f"{row['seen']['p95']:.2f}",
            str(row["trials"]),
        )
        for feeds, row in figures["growth"].items()
    ]
    cold = figures["no_standby"]
    rows.append(
        (
            f"{figures['feeds']} feeds, no engine in waiting",
            f"{cold['first_frame']['p50']:.2f}",
            f"{cold['seen']['p50']:.2f}",
            f"{cold['seen']['p95']:.2f}",
            str(cold["trials"]),
        )
    )
    return _rows(
        ("", "first frame, median s", "first position read, median s", "95 %", "incidents"), rows
    )


def attention(figures: Figures) -> str:
    """Attention beside taking the cameras in turn."""
    rows = []
    for row in figures["capacities"]:
        better = row["times_better_than_round_robin"]
        rows.append(
            (
                f"{row['capacity_fps']:.0f}",
                *(
                    f"{better[key]['pairs_median']:.1f} ({better[key]['pairs_quarter']:.1f} to "
                    f"{better[key]['pairs_three_quarters']:.1f})"
                    for key in (
                        "first_found_s",
                        "hand_over_median_s",
                        "hand_over_p95_s",
                        "seen_within_half_a_second",
                    )
                ),
                f"{row['staleness_most_of_all_plays_s']:.1f} ({row['bound_s']:.1f})",
            )
        )
    return _rows(
        (
            "frames a second",
            "found sooner",
            "first look after a hand-over, median",
            "the slowest twentieth",
            "share of time seen",
            "longest without a look, s (bound)",
        ),
        rows,
    )


TABLES: dict[str, Callable[[Figures], str]] = {
    "pipeline": pipeline,
    "peers": peers,
    "scale": scale,
    "coldstart": coldstart,
    "attention": attention,
}


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
