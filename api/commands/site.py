"""`lastseen site`: bring a floor plan, and check a site folder before an emergency does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .site_export import export_site_archive
from .site_import import import_site_folder
from .site_underlay import underlay_site

if TYPE_CHECKING:
    from rich.table import Table

    from api.site_check import SiteCheck
    from calibration.camera_loading import Camera

_MOST_ROWS = 60

app = typer.Typer(
    help="Bring, check and pass on a site's plan, doors and cameras.", no_args_is_help=True
)
app.command("import")(import_site_folder)
app.command("export")(export_site_archive)
app.command("underlay")(underlay_site)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Site or drill folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write the check as JSON.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the check as a page with a drawing per level."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw all levels into this .png.")
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Draw plan and coverage into this .png, .svg or .html."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit status 1 for warnings, too.")
    ] = False,
) -> None:
    """Check a site folder: problems, ways to every room, door numbers, watched floor.

    Every room must be reached from a usable entrance, over any stairs and lifts; a room that is not
    is an error, and a usable entrance without a number a warning. Exit status 1 where the site has
    errors, 0 where it has none or only warnings.

    Examples:

      lastseen site check benchmarks/drills/wing

      lastseen site check my-school --html out/my-school.html

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
    drawings = [u for u in (found.site.underlays if found.site else ()) if u.is_drawing]
    for target in (png, map_file):
        if target is not None and target.suffix.lower() == ".png" and drawings:
            files = ", ".join(underlay.file for underlay in drawings)
            Console(stderr=True).print(f"note: a .png cannot show {files}; .svg and .html can")
    for target in (html, png, map_file):
        if target is not None and found.site is not None:
            write_site_map(target, found)
            if not as_json:
                console.print(f"map: {target}", highlight=False, markup=False)
    if not found.ok or (strict and found.problems):
        raise typer.Exit(1)


def _tables(check: SiteCheck) -> list[Table]:
    tables = [_problem_table(check)] if check.problems else []
    if check.site is not None:
        tables += [_camera_table(check), _level_table(check), _space_table(check)]
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
    for name in ("camera", "name", "level", "calibrated by", "streams"):
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
            _streams(camera),
            f"{camera.model.floor_error_m:.2f} m",
            f"{seen[camera.id].area:.0f} m²",
        )
    return table


def _streams(camera: Camera) -> str:
    """Which addresses a camera has, without them."""
    if camera.address is None:
        return ""
    return "main" if camera.sub_address is None else "main, sub"


def _level_table(check: SiteCheck) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Levels", title_justify="left")
    table.add_column("level")
    for name in ("floor", "watched", "by two or more", "spaces", "reached"):
        table.add_column(name, justify="right")
    for level in check.levels:
        reached = sum(entry.reachable for entry in level.spaces)
        colour = "green" if reached == len(level.spaces) else "red"
        table.add_row(
            escape(level.level.name),
            f"{level.walkable_m2:.0f} m²",
            f"{level.watched:.0%}",
            f"{level.twice:.0%}",
            str(len(level.spaces)),
            f"[{colour}]{reached}[/]",
        )
    return table


def _space_table(check: SiteCheck) -> Table:
    """The spaces; of a large site only those that are not plainly reached."""
    from rich.markup import escape
    from rich.table import Table

    entries = [(level, entry) for level in check.levels for entry in level.spaces]
    title = "Spaces"
    if len(entries) > _MOST_ROWS:
        entries = [(lv, entry) for lv, entry in entries if entry.needs_key or not entry.reachable]
        title = "Spaces that are not simply reached (all of them: --html or --json)"
    table = Table(title=title, title_justify="left")
    for name in ("space", "level"):
        table.add_column(name)
    table.add_column("floor", justify="right")
    table.add_column("watched", justify="right")
    table.add_column("from an entrance")
    for level, entry in entries:
        way = "through a locked door" if entry.needs_key else "yes"
        table.add_row(
            escape(entry.space.name),
            escape(level.level.name),
            f"{entry.area_m2:.0f} m²",
            f"{entry.watched:.0%}",
            way if entry.reachable else "[red]no way[/]",
        )
    return table


def _summary(check: SiteCheck) -> str:
    errors = sum(problem.severity == "error" for problem in check.problems)
    warnings = len(check.problems) - errors
    counted = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    if check.site is None:
        return f"[red]{counted}[/]"
    spaces = [entry for level in check.levels for entry in level.spaces]
    reached = sum(entry.reachable for entry in spaces)
    usable = [entrance for entrance in check.site.plan.entrances if entrance.usable]
    numbered = sum(bool(entrance.door_number) for entrance in usable)
    return (
        f"{counted}. {check.watched:.0%} of {check.walkable_m2:.0f} m² watched; {reached} of "
        f"{_count(len(spaces), 'space')} reached; {numbered} of "
        f"{_count(len(usable), 'usable entrance')} numbered"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
