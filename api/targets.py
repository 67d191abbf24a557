"""The sites and drills a server is started with: the only places an incident can be opened on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calibration.errors import SiteError
from calibration.site import load_site

from .drill_files import is_drill, load_drill
from .errors import DrillError, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from calibration.site import Site

    from .schemas import TargetKind


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One site or drill folder, checked and loaded.

    Attributes:
        id: name of the folder, unique in the server.
        kind: "drill" where the folder holds a drill file, else "site".
        name: name of the drill or site.
        description: what the drill shows, "" for a site.
        folder: where it lies.
        site: the loaded site.
    """

    id: str
    kind: TargetKind
    name: str
    description: str
    folder: Path
    site: Site


def load_target(folder: Path) -> Target:
    """Return the site or drill of a folder.

    Raises:
        TargetError: it is no such folder, or what it holds has problems; all of them are named.
    """
    if not folder.is_dir():
        raise TargetError(f"{folder}: no such folder; name a site or drill folder")
    try:
        if is_drill(folder):
            drill = load_drill(folder)
            kind: TargetKind = "drill"
            name, description, site = drill.name, drill.description, drill.site
        else:
            site = load_site(folder)
            kind, name, description = "site", site.name, ""
    except SiteError as error:
        raise TargetError(f"{folder}: {error}") from error
    except DrillError as error:  # names its files with the folder
        raise TargetError(str(error)) from error
    return Target(folder.resolve().name, kind, name, description, folder, site)


def load_targets(folders: Iterable[Path]) -> dict[str, Target]:
    """Return the targets by id, in the order given.

    Raises:
        TargetError: as `load_target`, or two folders of the same name.
    """
    targets: dict[str, Target] = {}
    for folder in folders:
        target = load_target(folder)
        if target.id in targets:
            other = targets[target.id].folder
            raise TargetError(
                f"{folder}: {other} has the same name; folder names are the ids of the location "
                "API and must differ"
            )
        targets[target.id] = target
    return targets
