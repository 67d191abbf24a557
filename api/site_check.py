"""Checks a site folder and tells what `lastseen site check` shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calibration.coverage import LevelCoverage, coverage
from calibration.entrances import EntranceRoutes
from calibration.errors import Problem, SiteError
from calibration.site import Site, load_site

from .errors import TargetError
from .targets import agreement_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class SiteCheck:
    """What was found in a site folder.

    Attributes:
        site: the loaded site; None where it has errors.
        levels: what is watched and reachable, level by level; empty where it has errors.
        problems: errors first, then warnings.
    """

    site: Site | None
    levels: tuple[LevelCoverage, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether the site can be used: no errors, warnings allowed."""
        return all(problem.severity != "error" for problem in self.problems)


def check_site(folder: Path) -> SiteCheck:
    """The check of one folder; never raises for what is wrong inside it."""
    try:
        site = load_site(folder)
    except SiteError as error:
        ordered = sorted(error.problems, key=lambda problem: problem.severity)
        return SiteCheck(None, (), tuple(ordered))
    unbound = agreement_problem(site)
    levels = coverage(site, EntranceRoutes(site.plan))
    found = (*site.warnings, *_gaps(site, levels))
    return SiteCheck(site, levels, found if unbound is None else (unbound, *found))


def agreement_problem(site: Site) -> Problem | None:
    """Return what is wrong with the agreement that a site names; None where nothing is."""
    try:
        agreement_of(site)
    except TargetError as error:
        return Problem("site.toml", "agreement", str(error), "error")
    return None


def check_as_json(check: SiteCheck) -> dict[str, Any]:
    """The check as plain data: `ok`, `problems`, `cameras`, `levels`, `spaces`, `entrances`.

    Lengths are metres, areas square metres, `watched` a fraction of 1.
    """
    site = check.site
    return {
        "ok": check.ok,
        "site": None if site is None else site.name,
        "problems": [
            {
                "severity": problem.severity,
                "file": problem.file,
                "field": problem.field,
                "message": problem.message,
            }
            for problem in check.problems
        ],
        "cameras": [] if site is None else _cameras(site, check.levels),
        "levels": [
            {
                "id": level.level.id,
                "name": level.level.name,
                "walkable_m2": round(level.walkable_m2, 2),
                "watched_m2": round(level.watched_m2, 2),
                "watched": round(level.watched, 4),
            }
            for level in check.levels
        ],
        "spaces": [
            {
                "id": entry.space.id,
                "name": entry.space.name,
                "level": entry.space.level,
                "area_m2": round(entry.area_m2, 2),
                "watched": round(entry.watched, 4),
                "reachable": entry.reachable,
                "needs_key": entry.needs_key,
            }
            for level in check.levels
            for entry in level.spaces
        ],
        "entrances": [
            {
                "id": entrance.id,
                "door_number": entrance.door_number or None,
                "name": entrance.name,
                "level": entrance.level,
                "usable": entrance.usable,
                "locked": entrance.locked,
            }
            for entrance in (() if site is None else site.plan.entrances)
        ],
    }


def _cameras(site: Site, levels: tuple[LevelCoverage, ...]) -> list[dict[str, Any]]:
    seen = {camera: area for level in levels for camera, area in level.seen.items()}
    return [
        {
            "id": camera.id,
            "name": camera.name,
            "level": camera.level,
            "placement": camera.placement,
            "calibrated_by": camera.calibrated_by,
            "floor_error_m": round(camera.model.floor_error_m, 4),
            "watched_m2": round(seen[camera.id].area, 2),
        }
        for camera in site.cameras.values()
    ]


def _gaps(site: Site, levels: tuple[LevelCoverage, ...]) -> Iterator[Problem]:
    """Warnings that only the routes can tell."""
    for level in levels:
        usable = [e for e in site.plan.entrances if e.level == level.level.id and e.usable]
        if level.spaces and not usable and site.plan.entrances:
            yield Problem(
                site.plan_file,
                f"level {level.level.id!r}",
                "has no usable entrance; routes between levels are not computed yet, so no door "
                "can be named for it",
                "warning",
            )
            continue
        for entry in level.spaces:
            if usable and not entry.reachable:
                yield Problem(
                    site.plan_file,
                    f"feature {entry.space.id!r}",
                    f"no way leads to {entry.space.name} from any usable entrance; add the opening "
                    "of its door",
                    "warning",
                )
