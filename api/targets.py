"""The sites and drills a server is started with: the only places an incident can be opened on."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calibration.errors import SiteError
from calibration.prepared import PreparedSite
from calibration.site import load_site

from .agreements import load_agreement
from .decisions import CameraFacts
from .drill_files import is_drill, load_drill
from .errors import AgreementError, DrillError, TargetError
from .grant_rules import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from calibration.site import Camera, Site

    from .agreements import Agreement
    from .schemas import TargetKind

_log = logging.getLogger(__name__)

_MORE_THAN_A_STRIP_M2 = 1.0
_MORE_THAN_A_STRIP = 0.1
"""A camera looks into a space of which it shows more than this area, or this share. Walls and
closed doors hide what is behind them."""


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
        terms: the agreement that binds it, and what that must know of its cameras.
        prepared: what all locators of the site share.
    """

    id: str
    kind: TargetKind
    name: str
    description: str
    folder: Path
    site: Site
    terms: Terms
    prepared: PreparedSite

    def facts_of(self, camera: str) -> CameraFacts:
        """What an agreement must know of one of its cameras.

        Raises:
            KeyError: it has no such camera.
        """
        for facts in self.terms.cameras:
            if facts.id == camera:
                return facts
        raise KeyError(camera)


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
    terms = Terms(agreement_of(site), _camera_facts(site), recorded=kind == "drill")
    return Target(
        folder.resolve().name, kind, name, description, folder, site, terms, PreparedSite(site)
    )


def agreement_of(site: Site) -> Agreement | None:
    """Return the agreement that a site names; None where it names none.

    Raises:
        TargetError: it cannot be read, or lies outside the site's folder.
    """
    if site.agreement_file is None:
        return None
    path = site.folder / site.agreement_file
    if not path.resolve().is_relative_to(site.folder.resolve()):
        raise TargetError(f"{site.folder}: agreement: {site.agreement_file!r} lies outside of it")
    try:
        return load_agreement(path)
    except AgreementError as error:  # names its file with the folder
        raise TargetError(str(error)) from error


def _camera_facts(site: Site) -> tuple[CameraFacts, ...]:
    return tuple(
        CameraFacts(camera.id, camera.placement, _looks_into(camera, site))
        for camera in site.cameras.values()
    )


def _looks_into(camera: Camera, site: Site) -> frozenset[str]:
    """The categories of the spaces that a camera shows more than a strip of."""
    seen = camera.visible_floor(site.plan)
    return frozenset(
        space.category
        for space in site.plan.spaces_on(camera.level)
        if seen.intersection(space.polygon).area
        > min(_MORE_THAN_A_STRIP_M2, _MORE_THAN_A_STRIP * space.polygon.area)
    )


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


def prepare_ahead(targets: Iterable[Target]) -> threading.Thread:
    """Make in a thread what the locators of all targets need, so that no grant waits for it.

    Returns:
        The thread, begun; the process may end before it does.
    """
    ahead = tuple(targets)

    def prepare() -> None:
        for target in ahead:
            try:
                target.prepared.prepare()
            except Exception:  # noqa: BLE001 - the next site can be prepared all the same
                _log.exception("%s could not be prepared ahead", target.id)

    thread = threading.Thread(target=prepare, name="prepare-ahead", daemon=True)
    thread.start()
    return thread
