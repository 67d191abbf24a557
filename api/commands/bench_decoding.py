"""`lastseen bench decode`: what decoding costs, and what leaving out saves and loses."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from .bench_checkout import benchmark, say_playing


def decode(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that count.")] = 3,
    at_once: Annotated[
        bool, typer.Option("--feeds/--no-feeds", help="Also play up to 64 feeds at once.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What does decoding cost, what of it can be left out, and what is lost then?

    Clips at three sizes, decoded in several ways; then 1 to 64 recordings at the pace of cameras.
    Some three minutes on two cores, one of them for the feeds.

    Examples:
      lastseen bench decode

      lastseen bench decode --no-feeds --json > decode.json
    """
    module = benchmark("decode")
    figures = module.measure(rounds=rounds, feeds=module.FEEDS if at_once else (), say=say_playing)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
        return
    typer.echo(f"machine: {figures['machine']}")
    for clip, told in figures["streams"].items():
        typer.echo(f"{clip}, {told['kbit_a_second']} kbit/s:")
        for way, row in told["ways"].items():
            cost, share = row["cpu_s_a_1000"], row["of_all_converted"]
            typer.echo(
                f"  {way}: {cost['median']} CPU s for 1,000 sent ({cost['low']} to {cost['high']}"
                f"), {share['median']:.0%} of all converted; a picture at least every "
                f"{row['longest_gap_s']} s"
            )
    for count, told in figures["feeds"].items():
        typer.echo(f"{count} feeds, {told['taken_a_second']:.0f} frames taken a second:")
        for way, row in told["ways"].items():
            typer.echo(
                f"  {way}: {row['cpu_s_a_1000']['median']} CPU s for 1,000 sent; age when taken "
                f"p50 {row['age_p50_ms']['median']:.0f} ms, p95 {row['age_p95_ms']['median']:.0f} "
                f"ms; {row['mib_a_feed']['median']:.1f} MiB a feed"
            )
