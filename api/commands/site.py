"""`lastseen site`: bring a floor plan, and check a site folder before an emergency does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .site_export import export_site_archive
from .site_import import import_site_folder

if TYPE_CHECKING:
    from rich.table import Table

    from api.site_check import SiteCheck

app = typer.Typer(
    help="Bring, check and pass on a site's plan, doors and cameras.", no_args_is_help=True
)
app.command("import")(import_site_folder)
app.command("export")(export_site_archive)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Site or drill folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write the check as JSON.")] = False,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Draw plan and coverage into this .png, .svg or .html."
        ),
    ] = None,
) -> None:
    """Check a site folder: problems, watched floor, calibration errors, unreachable rooms.

    Exit status 1 where the site has errors, 0 where it has none or only warnings.

    Examples:

      lastseen site check benchmarks/drills/wing

      lastseen site check my-school --map out/my-school.png

      lastseen site check my-school --json
    """
    from rich.console import Console

    from api.site_check import check_as_json, check_site
    from api.site_map import write_site_map

    found = check_site(folder)
    console = Console()
    if as_json:
        typer.echo(json.dumps(check_as_json(found), indent=2, ensure_ascii=False))
    else:
        for table in _tables(found):
            console.print(table)
        console.print(_summary(found), highlight=False)
    if map_file is not None and found.site is not None:
        write_site_map(map_file, found.site, found.levels)
        if not as_json:
            console.print(f"map: {map_file}", highlight=False, markup=False)
    if not found.ok:
        raise typer.Exit(1)


def _tables(check: SiteCheck) -> list[Table]:
    tables = [_problem_table(check)] if check.problems else []
    if check.site is not None:
        tables += [_camera_table(check), _space_table(check)]
    return tables


def _problem_table(check: SiteCheck) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "file", "field", "problem", title="Problems", title_justify="left")
    for problem in check.problems:
        colour = "red" if problem.severity == "error" else "yellow"
        table.add_row(
            f"[{colour}]{problem.severity}[/]",
            escape(problem.file),
            escape(problem.field),
            escape(problem.message),
        )
    return table


def _camera_table(check: SiteCheck) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Cameras", title_justify="left")
    for name in ("camera", "name", "level", "calibrated by"):
        table.add_column(name)
    table.add_column("error on the floor", justify="right")
    table.add_column("watches", justify="right")
    seen = {camera: area for level in check.levels for camera, area in level.seen.items()}
    for camera in check.site.cameras.values() if check.site else ():
        table.add_row(
            escape(camera.id),
            escape(camera.name),
            escape(camera.level),
            camera.calibrated_by,
            f"{camera.model.floor_error_m:.2f} m",
            f"{seen[camera.id].area:.0f} m²",
        )
    return table


def _space_table(check: SiteCheck) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Spaces", title_justify="left")
    for name in ("space", "level"):
        table.add_column(name)
    table.add_column("floor", justify="right")
    table.add_column("watched", justify="right")
    table.add_column("from an entrance")
    for level in check.levels:
        for entry in level.spaces:
            way = "through a locked door" if entry.needs_key else "yes"
            table.add_row(
                escape(entry.space.name),
                escape(level.level.name),
                f"{entry.area_m2:.0f} m²",
                f"{entry.watched:.0%}",
                way if entry.reachable else "[yellow]no way[/]",
            )
    return table


def _summary(check: SiteCheck) -> str:
    errors = sum(problem.severity == "error" for problem in check.problems)
    warnings = len(check.problems) - errors
    counted = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    if not check.levels:
        return f"[red]{counted}[/]"
    shares = "; ".join(
        f"{level.level.name}: {level.watched:.0%} of {level.walkable_m2:.0f} m² watched"
        for level in check.levels
    )
    return f"{counted}. {shares}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
