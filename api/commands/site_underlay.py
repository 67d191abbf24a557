"""`lastseen site underlay`: a picture of the plan under a level, by what is measured on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

XY = tuple[float, float]


def underlay_site(
    folder: Annotated[Path, typer.Argument(metavar="SITE", help="Site folder.")],
    picture: Annotated[Path, typer.Argument(metavar="FILE", help="PNG, JPEG or SVG of the plan.")],
    level: Annotated[str, typer.Option(metavar="ID", help="Id of the level that it shows.")],
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="A pixel of the picture; give it twice."),
    ] = None,
    distance: Annotated[
        float | None, typer.Option(metavar="METRES", min=0.01, help="Between the two points.")
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="Site metres of the two points; give it twice."),
    ] = None,
    metres_per_pixel: Annotated[
        float | None, typer.Option(metavar="METRES", min=1e-6, help="The scale, where known.")
    ] = None,
    rotation: Annotated[
        float | None,
        typer.Option(metavar="DEGREES", help="Of the picture on the plan, counter-clockwise."),
    ] = None,
    north: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="Foot and tip of the picture's north arrow, true north."),
    ] = None,
    origin_px: Annotated[
        str | None, typer.Option(metavar="X,Y", help="A pixel whose place is known.")
    ] = None,
    origin_m: Annotated[str, typer.Option(metavar="X,Y", help="Its site metres.")] = "0,0",
    set_bearing: Annotated[
        bool,
        typer.Option("--set-bearing", help="Take the site's bearing from the picture's north."),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the level's underlay.")
    ] = False,
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the result: .png, .svg or .html.")
    ] = None,
) -> None:
    """Lay a picture of the plan under a level, with its scale and true north from two points each.

    Open the picture in any viewer that shows pixel coordinates. For the scale, take two points far
    apart: with the distance measured between them, or with their places in site metres. For true
    north, the foot and the tip of the north arrow. The picture is copied into the folder, and
    site.toml gets an [[underlays]] table.

    Examples:

      lastseen site underlay my-school ground.png --level L1 --point 212,903 --point 1834,903
      --distance 64.9 --preview check.html

      lastseen site underlay my-school ground.svg --level L1 --point 0,620 --point 940,620
      --place 0,0 --place 64.9,0

      lastseen site underlay my-school ground.png --level L1 --metres-per-pixel 0.04
      --north 80,300 --north 92,210 --set-bearing
    """
    from rich.console import Console

    from api.site_check import check_site
    from api.site_map import write_site_map
    from api.site_underlay import UnderlayRequest, lay_under

    made = lay_under(
        UnderlayRequest(
            folder=folder,
            picture=picture,
            level=level,
            points_px=_two("--point", point),
            distance_m=distance,
            places_m=_two("--place", place),
            metres_per_pixel=metres_per_pixel,
            rotation_deg=rotation,
            north_px=_two("--north", north),
            origin=None
            if origin_px is None
            else (_xy("--origin-px", origin_px), _xy("--origin-m", origin_m)),
            set_bearing=set_bearing,
            replace=replace,
        )
    )
    console = Console(stderr=True)
    for note in made.notes:
        console.print(f"note: {note}", highlight=False, markup=False, soft_wrap=True)
    if preview is not None:
        write_site_map(preview, check_site(folder))
    placed = made.underlay.placement
    width_m, height_m = (placed.metres_per_pixel * size for size in made.underlay.size_px)
    typer.echo(
        f"{made.underlay.file} under {level}: {width_m:.2f} x {height_m:.2f} m, "
        f"{placed.metres_per_pixel:.5f} m a pixel, turned by {placed.rotation_deg:.2f} degrees; "
        f"x axis of the site at bearing {made.site.anchor.x_axis_bearing_deg:.2f}"
    )


def _two(
    option: str, texts: list[str] | None
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The two points of an option that is given twice; None where it is not given."""
    if not texts:
        return None
    if len(texts) != 2:  # noqa: PLR2004 - it says so
        raise typer.BadParameter(f"give {option} twice, or not at all")
    return _xy(option, texts[0]), _xy(option, texts[1])


def _xy(option: str, text: str) -> XY:
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        raise typer.BadParameter(f"{option} is two numbers with a comma, not {text!r}") from None
    return x, y
