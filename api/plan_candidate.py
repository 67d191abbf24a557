"""The site as it would be with a draft's plan: its files, and what is wrong with it."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shapely
import tomli_w

from calibration.errors import Problem
from calibration.site import SITE_FILE

from .errors import StateError
from .site_check import SiteCheck, check_site
from .site_underlay import PICTURES
from .whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from calibration.site import Site

    from .plan_draft_file import DraftFile, PictureTable
    from .plan_drafts import PlanDrafts

_DIGITS: Final = 4
_PLAN_HEAD: Final = (
    '{"type": "FeatureCollection",\n "lastseen": {"schema": 1, "coordinates": "site-metres"},\n'
)
_FEATURE = re.compile(r"feature (['\"])(?P<id>.+?)\1")
_LEVEL = re.compile(r"level (['\"])(?P<id>.+?)\1")
_CAMERA = re.compile(r"cameras/(?P<id>.+)\.toml")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """The files that publishing a draft writes.

    Attributes:
        site_text: all of `site.toml`; None where it stays as it is.
        plan_text: the floor plan.
        plan_file: its name within the folder.
        pictures: name within the folder and bytes of each picture.
        check: what is wrong with the site that has them; problems of the draft itself among it.
    """

    site_text: str | None
    plan_text: str
    plan_file: str
    pictures: Mapping[str, bytes]
    check: SiteCheck


@dataclass(frozen=True, slots=True)
class Found:
    """A problem, and where on the plan it is; each None where it is nowhere in particular."""

    problem: Problem
    feature: str | None
    level: str | None
    at_m: tuple[float, float] | None


def candidate(site: Site, drafts: PlanDrafts, draft: DraftFile) -> Candidate:
    """The site's files with the draft's plan, checked as `lastseen site check` does.

    Args:
        site: the site as its folder has it now.
        drafts: where the draft lies.
        draft: what takes its plan's place.

    Raises:
        StateError: a file of the site or of the draft cannot be read, or none can be written.
    """
    before = _read_text(site.folder / SITE_FILE)
    table = tomllib.loads(before)
    pictures = {
        _picture_file(level, picture): drafts.picture(draft, level)[1]
        for level, picture in draft.pictures.items()
        if picture.measured
    }
    wanted = _site_table(table, draft)
    site_text = None if wanted == table else tomli_w.dumps(wanted)
    plan_text = _plan_text(draft)
    plan_file = site.plan_file
    with _copied(site) as folder:
        for name, content in {
            SITE_FILE: (site_text or before).encode(),
            plan_file: plan_text.encode(),
            **pictures,
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        found = check_site(folder)
    own = _of_the_draft(draft, plan_file)
    problems = sorted((*own, *found.problems), key=lambda problem: problem.severity)
    check = SiteCheck(found.site, found.levels, tuple(problems))
    return Candidate(site_text, plan_text, plan_file, pictures, check)


def located(check: SiteCheck, draft: DraftFile) -> tuple[Found, ...]:
    """The problems of a check with the features that they speak of."""
    features = {feature["id"]: feature for feature in draft.features}
    levels = {level.id for level in draft.levels}
    found = []
    for problem in check.problems:
        feature = level = at_m = None
        if (match := _FEATURE.search(problem.field)) and match["id"] in features:
            feature = match["id"]
            level = _level_of(features[feature])
            at_m = _middle(features[feature])
        elif (match := _LEVEL.search(problem.field)) and match["id"] in levels:
            level = match["id"]
        elif (match := _CAMERA.fullmatch(problem.file)) and check.site is not None:
            camera = check.site.cameras.get(match["id"])
            level = None if camera is None else camera.level
            centre_m = None if camera is None else camera.model.centre_m
            if centre_m is not None:
                at_m = (round(float(centre_m[0]), 3), round(float(centre_m[1]), 3))
        found.append(Found(problem, feature, level, at_m))
    return tuple(found)


def _site_table(table: dict[str, Any], draft: DraftFile) -> dict[str, Any]:
    """The table of `site.toml` with the draft's levels, anchor and pictures."""
    wanted = {key: value for key, value in table.items() if key != "underlays"}
    anchor = draft.anchor.model_dump()
    # What an unchanged number was written as (90 or 90.0) is no change.
    wanted["anchor"] = table["anchor"] if table["anchor"] == anchor else anchor
    levels = [level.model_dump() for level in draft.levels]
    wanted["levels"] = table["levels"] if table["levels"] == levels else levels
    underlays = [
        {
            "level": level,
            "file": _picture_file(level, picture),
            "metres_per_pixel": picture.placement.metres_per_pixel,
            "rotation_deg": picture.placement.rotation_deg,
            "origin_px": list(picture.placement.origin_px),
            "origin_m": list(picture.placement.origin_m),
        }
        for level, picture in draft.pictures.items()
        if picture.measured
    ]
    if underlays:
        wanted["underlays"] = underlays
    return wanted


def _picture_file(level: str, picture: PictureTable) -> str:
    """A name that tells the level where that is fit to be a file's, and always the content."""
    said = re.sub(r"[^A-Za-z0-9_-]", "", level)[:40]
    return f"{PICTURES}/{said}-{picture.file.removeprefix('picture-')}"


def _plan_text(draft: DraftFile) -> str:
    """The draft's features as `floor_plan.geojson`, one a line, in site metres."""
    ordinals = {level.id: level for level in draft.levels}
    lines = []
    for feature in draft.features:
        written = {**feature, "geometry": _rounded(feature["geometry"])}
        level = ordinals.get(feature["id"])
        if feature["feature_type"] == "level" and level is not None:
            said = {"name": level.name, "ordinal": level.ordinal}
            written["properties"] = {**feature["properties"], **said}
        lines.append(json.dumps(written, ensure_ascii=False))
    joined = ",\n".join(lines)
    return f'{_PLAN_HEAD} "features": [\n{joined}\n]}}\n'


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def to_digits(value: Any) -> Any:  # noqa: ANN401 - nested lists of numbers
        if isinstance(value, (list, tuple)):
            return [to_digits(part) for part in value]
        return round(float(value), _DIGITS) + 0.0  # no negative zero

    return {**geometry, "coordinates": to_digits(geometry["coordinates"])}


def _of_the_draft(draft: DraftFile, file: str) -> Iterator[Problem]:
    """What only the draft knows: pictures whose scale was guessed."""
    drawn = {_level_of(feature) for feature in draft.features}
    for level, picture in draft.pictures.items():
        if not picture.measured:
            yield Problem(
                file,
                f"level {level!r}",
                "its picture has no scale, so what is drawn over it has the wrong size; set scale "
                "and north by two points, or take the picture away",
                "error" if level in drawn else "warning",
            )


def _level_of(feature: dict[str, Any]) -> str | None:
    level = feature["id"] if feature["feature_type"] == "level" else None
    found = feature["properties"].get("level_id", level)
    return None if found is None else str(found)


def _middle(feature: dict[str, Any]) -> tuple[float, float] | None:
    try:
        shape = shapely.geometry.shape(feature["geometry"])
        place = shape.centroid if shape.geom_type == "LineString" else shape.representative_point()
    except (ValueError, TypeError, IndexError, KeyError, shapely.errors.GEOSException):
        return None
    return None if place.is_empty else (round(place.x, 3), round(place.y, 3))


@contextmanager
def _copied(site: Site) -> Iterator[Path]:
    """A folder with what of a site's is not its plan: cameras and the agreement."""
    folder = site.folder
    named = () if site.agreement_file is None else (folder / site.agreement_file,)
    with tempfile.TemporaryDirectory(prefix="lastseen-plan-") as made:
        into = Path(made)
        try:
            for path in (*folder.glob("cameras/*.toml"), *named):
                if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
                    continue  # the check says so
                copy = into / path.relative_to(folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            yield into
        except OSError as error:
            raise StateError(f"{error.filename or folder}: {error.strerror or error}") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"{path}: cannot be read: {error}") from error
