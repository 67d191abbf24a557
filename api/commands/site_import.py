"""`lastseen site import`: a floor plan in a common format as a site folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def import_site_folder(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder, .zip or .geojson file of the plan.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="DST", help="Site folder to make; absent or empty.")
    ],
    plan_format: Annotated[
        Literal["imdf", "geojson", "indoor-map"] | None,
        typer.Option("--format", help="What SRC is; told by its files where left out."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name of the site; else that of the plan.")
    ] = None,
    storey_height: Annotated[
        float,
        typer.Option(metavar="METRES", min=2.0, max=20.0, help="Where the plan tells no heights."),
    ] = 3.5,
    number_doors: Annotated[
        bool,
        typer.Option(
            "--number-doors", help="Number entrances without a number, clockwise from the main one."
        ),
    ] = False,
    main_entrance: Annotated[
        str | None,
        typer.Option(
            metavar="DOOR", help="Id, name or number of the entrance that numbering starts from."
        ),
    ] = None,
) -> None:
    """Make a site folder from a floor plan: IMDF, GeoJSON in its manner, or a WRLD indoor map.

    Coordinates become site metres: the origin is the plan's lower left corner, the x axis runs
    along the building's walls. The folder is there whole and loads, or not at all. What was
    assumed, repaired or not used is listed, and kept in import-notes.txt.

    Examples:

      lastseen site import school-imdf.zip my-school

      lastseen site import plans/westport-house westport --number-doors

      lastseen site import units.geojson annex --format geojson --main-entrance "North door"
    """
    from rich.console import Console
    from rich.markup import escape

    from api.site_import import ImportRequest, import_site
    from calibration.reachability import reach_of

    console = Console(stderr=True)
    request = ImportRequest(
        source, target, plan_format, name, storey_height, number_doors, main_entrance
    )
    with console.status("reading") as status:
        made = import_site(request, lambda text: status.update(escape(text)))
        status.update("walking through the doors")
        reached = reach_of(made.site.plan)
    for note in made.notes:
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    for problem in made.site.warnings:
        console.print(f"warning: {problem}", highlight=False, markup=False, soft_wrap=True)
    plan = made.site.plan
    usable = [entrance for entrance in plan.entrances if entrance.usable]
    typer.echo(
        f"{made.folder}: {made.site.name}; {_count(len(plan.levels), 'level')}, "
        f"{_count(len(plan.spaces), 'space')}, {_count(len(plan.openings), 'opening')}, "
        f"{_count(len(usable), 'usable entrance')}; "
        f"{sum(reach.reachable for reach in reached)} of {len(reached)} walkable spaces reached"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
