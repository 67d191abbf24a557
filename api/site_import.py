"""Makes a site folder of a floor plan in somebody else's format."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import tomli_w

from calibration.door_numbers import main_entrance_of, numbered_clockwise
from calibration.errors import SiteError
from calibration.import_imdf import MANIFEST_FILE, import_imdf
from calibration.import_indoor_map import MAIN_FILE, import_indoor_map
from calibration.imported_plan import PlanSourceError
from calibration.plan_archive import read_archive
from calibration.plan_writing import plan_text, site_table
from calibration.site import SITE_FILE, Site, load_site

from .new_folder import new_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from calibration.floor_plan import Entrance
    from calibration.imported_plan import ImportedSite

Format = Literal["imdf", "geojson", "indoor-map"]

PLAN_FILE: Final = "floor_plan.geojson"
NOTES_FILE: Final = "import-notes.txt"
STOREY_M: Final = 3.5
"""Height of a storey where neither the plan nor the user tells: a common one of schools."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import and how.

    Attributes:
        source: a folder, a .zip or a .geojson file.
        target: the site folder to make; absent or empty.
        format: the source's format; None to tell it by its files.
        name: name of the site; None for the source's own.
        storey_m: height of a storey where the source tells none, metres.
        number_doors: whether to number the entrances that have no number, clockwise.
        main_entrance: id, name or number of the entrance where counting starts; None for the
            source's main entrance, else the widest.
    """

    source: Path
    target: Path
    format: Format | None = None
    name: str | None = None
    storey_m: float = STOREY_M
    number_doors: bool = False
    main_entrance: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SiteImport:
    """What was made: the site as it loads from `folder`, and what to know about it."""

    folder: Path
    site: Site
    notes: tuple[str, ...]


def import_site(request: ImportRequest, progress: Callable[[str], None]) -> SiteImport:
    """The site folder made from a plan; it is there whole and loads, or not at all.

    Args:
        request: what to import.
        progress: receives what is being done.

    Raises:
        calibration.imported_plan.PlanSourceError: the source cannot be used.
        SiteWriteError: the target is in use or cannot be written.
    """
    files = read_archive(request.source)
    imported = _read(files, request, progress)
    if request.number_doors or request.main_entrance is not None:
        imported = _with_numbers(imported, request.main_entrance)
    name = request.name or imported.name
    progress("writing and checking")
    with new_folder(request.target) as folder:
        table = site_table(name, imported.address, imported.anchor, imported.plan, PLAN_FILE)
        head = f"# Made by lastseen site import from {request.source.name}; see {NOTES_FILE}.\n"
        (folder / SITE_FILE).write_text(head + tomli_w.dumps(table), encoding="utf-8")
        (folder / PLAN_FILE).write_text(plan_text(imported.plan), encoding="utf-8")
        notes = "".join(f"- {note}\n" for note in imported.notes)
        (folder / NOTES_FILE).write_text(notes, encoding="utf-8")
        try:
            site = load_site(folder)
        except SiteError as error:
            raise PlanSourceError(f"{request.source}: makes no sound plan: {error}") from error
    return SiteImport(request.target, replace(site, folder=request.target), imported.notes)


def _read(
    files: Mapping[str, bytes], request: ImportRequest, progress: Callable[[str], None]
) -> ImportedSite:
    kind = request.format or _format_of(files, request.source)
    if kind == "indoor-map":
        return import_indoor_map(files, storey_m=request.storey_m, progress=progress)
    return import_imdf(files, storey_m=request.storey_m, archive=kind == "imdf", progress=progress)


def _format_of(files: Mapping[str, bytes], source: Path) -> Format:
    if MANIFEST_FILE in files:
        return "imdf"
    if MAIN_FILE in files:
        return "indoor-map"
    if all(name.endswith((".geojson", ".json")) for name in files):
        return "geojson"
    raise PlanSourceError(
        f"{source}: has neither {MANIFEST_FILE} (IMDF) nor {MAIN_FILE} (WRLD indoor map); "
        "say what it is by --format"
    )


def _with_numbers(imported: ImportedSite, wanted: str | None) -> ImportedSite:
    """The site with numbers on all usable entrances of the ground level."""
    main = _main_entrance(imported, wanted)
    if main is None:
        note = f"level {imported.ground_level!r} has no entrance that could be numbered"
        return replace(imported, notes=(*imported.notes, note))
    plan, given = numbered_clockwise(imported.plan, main)
    start = main.name or main.id
    note = (
        f"{given} entrances were numbered clockwise from {start!r}; these are not the numbers on "
        "the doors: paint them, or write the painted ones into the plan"
    )
    return replace(imported, plan=plan, notes=(*imported.notes, note))


def _main_entrance(imported: ImportedSite, wanted: str | None) -> Entrance | None:
    entrances = [e for e in imported.plan.entrances if e.usable]
    if wanted is not None:
        for entrance in entrances:
            if wanted in {entrance.id, entrance.name, entrance.door_number}:
                return entrance
        known = ", ".join(e.name or e.id for e in entrances) or "none"
        raise PlanSourceError(
            f"main entrance: no usable entrance is called {wanted!r}; there are {known}"
        )
    own = next((e for e in entrances if e.id == imported.main_entrance), None)
    return own or main_entrance_of(imported.plan, imported.ground_level)
