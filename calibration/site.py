"""Loads a site folder: where the school stands, its floor plan and its calibrated cameras."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from .camera_loading import Camera, load_cameras
from .errors import Problem, SiteError
from .geodesy import Anchor, SiteFrame
from .plan_loading import build_plan
from .site_files import SiteFile
from .underlay import Underlay, load_underlays
from .validation import check, read_json, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .floor_plan import FloorPlan, Level

__all__ = ["Camera", "Site", "load_site"]

SITE_FILE: Final = "site.toml"


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """One campus, checked.

    Attributes:
        name: the site's name.
        address: its postal address; may be empty.
        folder: where its files lie.
        anchor: where the plan's origin lies on earth.
        frame: site metres to WGS84 and back.
        levels: the storeys, in the order of the file.
        plan_file: the floor plan's file, relative to `folder`.
        plan: the floor plan.
        agreement_file: file of the agreement that binds the site, relative to `folder`; None
            where there is none.
        cameras: by id, sorted.
        warnings: what is not as it should be but keeps nothing from working.
        underlays: pictures of the plan, at most one a level.
    """

    name: str
    address: str
    folder: Path
    anchor: Anchor
    frame: SiteFrame
    levels: tuple[Level, ...]
    plan_file: str
    plan: FloorPlan
    agreement_file: str | None
    cameras: Mapping[str, Camera]
    warnings: tuple[Problem, ...]
    underlays: tuple[Underlay, ...] = ()


def load_site(folder: Path) -> Site:
    """The site of a folder that holds `site.toml`, a floor plan and `cameras/*.toml`.

    Args:
        folder: the site folder, or a drill folder.

    Raises:
        SiteError: with every problem of every file.
    """
    problems: list[Problem] = []
    if not folder.is_dir():
        raise SiteError([Problem(str(folder), "", "is no folder; give the folder of site.toml")])
    table = read_toml(folder / SITE_FILE, SITE_FILE, problems)
    file = None if table is None else check(SiteFile, table, SITE_FILE, problems)
    plan = frame = None
    underlays: tuple[Underlay, ...] = ()
    if file is not None:
        frame = SiteFrame(Anchor(**file.anchor.model_dump()))
        plan = _load_plan(folder, file, frame, problems)
        underlays = load_underlays(folder, file.underlays, file.levels, SITE_FILE, problems)
    levels = None if file is None else frozenset(level.id for level in file.levels)
    cameras = load_cameras(folder, levels, plan, problems)
    if (
        file is None
        or plan is None
        or frame is None
        or any(problem.severity == "error" for problem in problems)
    ):
        raise SiteError(problems)
    return Site(
        name=file.name,
        address=file.address,
        folder=folder,
        anchor=frame.anchor,
        frame=frame,
        levels=plan.levels,
        plan_file=file.floor_plan,
        plan=plan,
        agreement_file=file.agreement,
        cameras=MappingProxyType(cameras),
        warnings=tuple(problems),
        underlays=underlays,
    )


def _load_plan(
    folder: Path, file: SiteFile, frame: SiteFrame, problems: list[Problem]
) -> FloorPlan | None:
    seen: set[str] = set()
    for i, level in enumerate(file.levels):
        if level.id in seen:
            problems.append(
                Problem(SITE_FILE, f"levels[{i}].id", f"{level.id!r} is used twice; ids are unique")
            )
        seen.add(level.id)
    path = folder / file.floor_plan
    if not path.resolve().is_relative_to(folder.resolve()):
        problems.append(
            Problem(SITE_FILE, "floor_plan", f"{file.floor_plan!r} lies outside the site folder")
        )
        return None
    data = read_json(path, file.floor_plan, problems)
    if data is None:
        return None
    return build_plan(data, file.floor_plan, file.levels, frame, problems)
