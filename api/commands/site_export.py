"""`lastseen site export`: a site's floor plan as an IMDF archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_site_archive(
    folder: Annotated[Path, typer.Argument(metavar="SITE", help="Site or drill folder.")],
    target: Annotated[Path, typer.Argument(metavar="DST", help="The .zip to write.")],
    country: Annotated[
        str, typer.Option(metavar="CODE", help="Country of the address, ISO 3166, e.g. US.")
    ] = "US",
    locality: Annotated[
        str,
        typer.Option(metavar="TEXT", help="City or town; else the end of the site's address."),
    ] = "",
    province: Annotated[
        str, typer.Option(metavar="CODE", help="State or province, ISO 3166-2, e.g. US-IN.")
    ] = "",
    postal_code: Annotated[str, typer.Option(metavar="TEXT", help="Postal code.")] = "",
) -> None:
    """Write a site's plan as an archive of IMDF 1.0.0 (OGC 20-094), for other systems.

    Door numbers stand in each door's alt_name, locked and blocked doors in its access_control.
    `lastseen site import` brings the archive back as it was. Cameras and agreements are not in it.

    Examples:

      lastseen site export my-school out/my-school-imdf.zip

      lastseen site export my-school school.zip --locality Springfield --province US-IN
    """
    from datetime import UTC, datetime

    from api.site_export import export_site
    from calibration.export_imdf import PostalAddress

    postal = PostalAddress(locality, country, province, postal_code)
    written = export_site(folder, target, postal, datetime.now(UTC))
    typer.echo(f"{target}: {written} files of IMDF 1.0.0")
