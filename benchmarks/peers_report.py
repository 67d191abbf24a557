"""The figures of `benchmarks.peers` for people: as text, and as tables for a page."""

from __future__ import annotations

from typing import Any

CASES = {
    "own_capacity": "twice what fits each by itself",
    "capacity_of_ours": "twice what fits ours, for all",
}


def as_text(figures: dict[str, Any]) -> str:
    """What a terminal shows."""
    lines = [f"machine: {figures['machine']}"]
    for name, title in figures["systems"].items():
        row = figures["throughput"][name]
        speed, same = row["frames_per_s"], row["agreement"]
        lines += [
            f"{title} ({row['backend']})",
            (
                f"  {speed['median']:.1f} frames/s ({speed['low']:.1f} to {speed['high']:.1f}); "
                f"{row['cpu_s_per_1000_frames']['median']:.1f} CPU s per 1,000; "
                f"{row['memory_mib']['median']:.0f} MiB; {same['match_rate']:.1%} of boxes as "
                f"ours, {same['count_difference']:+.1%} boxes"
            ),
        ]
        for case, age in figures["overload"].get(name, {}).items():
            frame, known = age["frame_age_ms"], age["age_of_information_ms"]
            lines.append(
                f"  {age['cameras']} cameras ({CASES[case]}): frame age p50 {_ms(frame['p50'])}, "
                f"p95 {_ms(frame['p95'])}, max {_ms(frame['max'])}; age of information p95 "
                f"{_ms(known['p95'])}; {age['frames_per_s']:.1f} frames/s"
            )
    for name, ratio in figures["ratios"].items():
        spread = ratio["throughput"]
        lines.append(
            f"ours to {name}: {spread['median']:.2f} times the frames ({spread['low']:.2f} to "
            f"{spread['high']:.2f}); "
            + ", ".join(f"{key} {value}" for key, value in ratio.items() if key != "throughput")
        )
    left_out = {**figures["missing"], **{n: f"failed: {w}" for n, w in figures["failed"].items()}}
    lines += [f"{name}: {why}" for name, why in left_out.items()]
    return "\n".join(lines)


def as_markdown(figures: dict[str, Any]) -> str:
    """Two tables for a page."""
    lines = [
        "| system | runs on | frames a second | CPU s per 1,000 frames | memory | boxes as ours |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, title in figures["systems"].items():
        row = figures["throughput"][name]
        speed, same = row["frames_per_s"], row["agreement"]
        lines.append(
            f"| {title} | {row['backend']} | {speed['median']:.0f} ({speed['low']:.0f} to "
            f"{speed['high']:.0f}) | {row['cpu_s_per_1000_frames']['median']:.1f} | "
            f"{row['memory_mib']['median']:.0f} MiB | {same['match_rate']:.1%} |"
        )
    for case, words in CASES.items():
        rows = {name: ages[case] for name, ages in figures["overload"].items() if case in ages}
        if not rows:
            continue
        lines += [
            "",
            (
                f"| {words} | cameras | frame age p50 | p95 | most | age of information p95 "
                "| frames a second |"
            ),
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for name, age in rows.items():
            frame = age["frame_age_ms"]
            lines.append(
                f"| {figures['systems'][name]} | {age['cameras']} | {_ms(frame['p50'])} | "
                f"{_ms(frame['p95'])} | {_ms(frame['max'])} | "
                f"{_ms(age['age_of_information_ms']['p95'])} | {age['frames_per_s']:.0f} |"
            )
    return "\n".join(lines)


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f} ms"
