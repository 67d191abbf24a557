"""Checks a site folder and tells what `lastseen site check` shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from calibration.connectors import plan_connectors
from calibration.coverage import LevelCoverage, coverage
from calibration.errors import Problem, SiteError
from calibration.site import Site, load_site

from .errors import TargetError
from .targets import agreement_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

_CUT_OFF_M2: Final = 2.0
"""Smaller corners behind furniture are not told."""


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
    def unreachable(self) -> frozenset[str]:
        """Ids of the walkable spaces to which no way leads."""
        return frozenset(
            entry.space.id for level in self.levels for entry in level.spaces if not entry.reachable
        )

    @property
    def walkable_m2(self) -> float:
        """The walkable floor of all levels."""
        return sum(level.walkable_m2 for level in self.levels)

    @property
    def watched(self) -> float:
        """Share of the walkable floor of all levels that some camera shows, 0..1."""
        watched_m2 = sum(level.watched_m2 for level in self.levels)
        return watched_m2 / self.walkable_m2 if self.walkable_m2 else 0.0

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
    levels = coverage(site)
    found = [*_gaps(site, levels), *site.warnings]
    if unbound is not None:
        found.insert(0, unbound)
    found.sort(key=lambda problem: problem.severity)
    return SiteCheck(site, levels, tuple(found))


def agreement_problem(site: Site) -> Problem | None:
    """Return what is wrong with the agreement that a site names; None where nothing is."""
    try:
        agreement_of(site)
    except TargetError as error:
        return Problem("site.toml", "agreement", str(error), "error")
    return None


def check_as_json(check: SiteCheck) -> dict[str, Any]:
    """The check as plain data.

    `ok`, `problems`, `cameras`, `levels`, `spaces`, `entrances`, `connectors` and the totals.

    Lengths are metres, areas square metres, `watched` a fraction of 1.
    """
    site = check.site
    return {
        "ok": check.ok,
        "site": None if site is None else site.name,
        "walkable_m2": round(check.walkable_m2, 2),
        "watched": round(check.watched, 4),
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
                "watched_twice_m2": round(level.twice_m2, 2),
                "reachable": sum(entry.reachable for entry in level.spaces),
                "spaces": len(level.spaces),
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
                "cut_off_m2": round(entry.cut_off.area, 2),
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
        "connectors": [] if site is None else _connectors(site),
    }


def _connectors(site: Site) -> list[dict[str, Any]]:
    return [
        {
            "kind": found.kind,
            "name": found.lower.name,
            "lower": found.lower.id,
            "upper": found.upper.id,
            "levels": [found.lower.level, found.upper.level],
            "walk_m": round(found.length_m, 2),
            "seconds": round(found.seconds, 1),
        }
        for found in plan_connectors(site.plan)
    ]


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
    """What keeps officers from a room, as only the whole plan can tell."""
    file = site.plan_file
    if not site.plan.entrances:  # told when the plan was loaded
        return
    if not any(entrance.usable for entrance in site.plan.entrances):
        yield Problem(file, "features", "no entrance is usable, so no way leads into the building")
        return
    for level in levels:
        lost = [entry for entry in level.spaces if not entry.reachable]
        if lost and len(lost) == len(level.spaces):
            yield Problem(
                file,
                f"level {level.level.id!r}",
                "no way leads to any of its spaces from a usable entrance; draw its stairs over "
                "those of the next level, name them in properties.connects, or add its entrance",
            )
            continue
        for entry in lost:
            yield Problem(
                file,
                f"feature {entry.space.id!r}",
                f"no way leads to {entry.space.name} ({level.level.name}, about "
                f"{_place(entry.space.polygon)}) from any usable entrance; add the opening of its "
                "door",
            )
        for entry in level.spaces:
            if entry.reachable and entry.cut_off.area > _CUT_OFF_M2:
                yield Problem(
                    file,
                    f"feature {entry.space.id!r}",
                    f"no way leads to {entry.cut_off.area:.0f} m2 of {entry.space.name} about "
                    f"{_place(entry.cut_off)}; look for fixtures or walls that close it off",
                    "warning",
                )


def _place(area: BaseGeometry) -> str:
    place = area.representative_point()
    return f"({place.x:.1f}, {place.y:.1f})"
