"""Writing a drill folder: all of it, or nothing."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import tomli_w

from calibration.errors import SiteError

from .drill_files import load_drill
from .errors import DrillError, DrillImportError, TruthError
from .new_folder import new_folder
from .truth import load_truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from shapely import Polygon

    from calibration.camera import CameraModel
    from calibration.recorded import RecordedBoxes

FLOOR_PLAN: Final = "floor_plan.geojson"
UNKNOWN_ANCHOR: Final = {"longitude_deg": 0.0, "latitude_deg": 0.0, "x_axis_bearing_deg": 90.0}
"""Written where a data set does not say where on earth it was filmed; only metres count then."""
UNKNOWN_START: Final = datetime(2000, 1, 1, 12, tzinfo=UTC)
"""Written where a data set does not say when it was filmed."""

_LENS: Final = ("width_px", "height_px", "fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")


@contextmanager
def new_drill_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its name when the block ends well.

    Raises:
        DrillImportError: where `target` is in use, the disk is full or not writable, or what was
            written into the folder does not load as a drill.
    """

    def sound(building: Path) -> None:
        _check(building, target)

    with new_folder(target, refuses=DrillImportError, check=sound) as building:
        yield building


def _check(building: Path, target: Path) -> None:
    """Raise unless what was built loads as a drill with its truth."""
    try:
        drill = load_drill(building)
        load_truth(building, drill.site)
    except (DrillError, TruthError, SiteError) as error:
        said = str(error).replace(f"{building}/", "")
        raise DrillImportError(f"{target}: the source makes no sound drill: {said}") from error


def write_toml(path: Path, table: Mapping[str, Any], comment: str = "") -> None:
    """Write `table` to `path`, below `comment`, whose lines need no marks."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines + tomli_w.dumps(table), encoding="utf-8")


def write_camera(
    folder: Path,
    camera_id: str,
    name: str,
    level: str,
    model: CameraModel,
    comment: str,
    placement: Literal["interior", "exterior"] = "interior",
) -> None:
    """Write `cameras/<id>.toml` for a camera with a known pose."""
    if model.pose is None:
        raise ValueError(f"camera {camera_id}: only a camera with a pose can be written")
    write_toml(
        folder / "cameras" / f"{camera_id}.toml",
        {
            "schema": 1,
            "id": camera_id,
            "name": name,
            "placement": placement,
            "level": level,
            "floor_error_m": model.floor_error_m,
            "lens": {name: getattr(model.lens, name) for name in _LENS},
            "pose": {"R": model.pose.rotation.tolist(), "t": model.pose.translation.tolist()},
        },
        comment,
    )


def write_site(
    folder: Path,
    *,
    name: str,
    level: str,
    level_name: str,
    comment: str,
    anchor: Mapping[str, float] = UNKNOWN_ANCHOR,
) -> None:
    """Write `site.toml` of a site with one level."""
    write_toml(
        folder / "site.toml",
        {
            "schema": 1,
            "name": name,
            "address": "",
            "floor_plan": FLOOR_PLAN,
            "anchor": dict(anchor),
            "levels": [{"id": level, "name": level_name, "ordinal": 0, "elevation_m": 0.0}],
        },
        comment,
    )


def write_drill(
    folder: Path,
    *,
    name: str,
    description: str,
    duration_s: float,
    feeds: Sequence[Mapping[str, Any]],
    comment: str,
    start: datetime = UNKNOWN_START,
    truth_area: Polygon | None = None,
) -> None:
    """Write `drill.toml`; `truth_area` is where the truth tells of everybody, site metres."""
    outline = (
        {} if truth_area is None else {"truth_area": [list(xy) for xy in _corners(truth_area)]}
    )
    write_toml(
        folder / "drill.toml",
        {
            "schema": 1,
            "name": name,
            "description": description,
            "exercise": True,
            "start": start,
            "duration_s": round(duration_s, 3),
            **outline,
            "feeds": [dict(feed) for feed in feeds],
        },
        comment,
    )


def _corners(area: Polygon) -> list[tuple[float, ...]]:
    return list(area.exterior.coords)[:-1]


def write_one_space_plan(
    path: Path, *, level: str, level_name: str, space: str, category: str, floor: Polygon
) -> None:
    """Write a floor plan of one level that is one space, in site metres."""
    shape = {"type": "Polygon", "coordinates": [[list(xy) for xy in floor.exterior.coords]]}
    features: list[dict[str, Any]] = [
        {
            "type": "Feature",
            "id": level,
            "feature_type": "level",
            "geometry": shape,
            "properties": {"name": level_name, "ordinal": 0},
        },
        {
            "type": "Feature",
            "id": f"{level}-{category}",
            "feature_type": "unit",
            "geometry": shape,
            "properties": {"category": category, "level_id": level, "name": space},
        },
    ]
    collection = {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": "site-metres"},
        "features": features,
    }
    path.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")


def write_mot_boxes(path: Path, boxes: RecordedBoxes, size_px: tuple[int, int]) -> None:
    """Write what shows of `boxes` in a picture of (width, height), in the MOT format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    inside = boxes.clipped(size_px)
    lines = ["frame,id,left,top,width,height,conf"]
    for row in np.argsort(inside.frame, kind="stable").tolist():
        left, top, right, bottom = inside.xyxy_px[row].tolist()
        lines.append(
            f"{inside.frame[row] + 1},{inside.person[row]},{left:g},{top:g},{right - left:g},"
            f"{bottom - top:g},{inside.confidence[row]:g}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def copy_file(source: Path, target: Path) -> None:
    """Copy a recording, as a new file of the user's own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def only_one(paths: Sequence[Path], what: str, where: Path) -> Path:
    """Return the one path in `paths`.

    Raises:
        DrillImportError: where there is none, or more than one.
    """
    if len(paths) != 1:
        found = ", ".join(path.name for path in paths) or "none"
        raise DrillImportError(f"{where}: expected one {what}, found {found}")
    return paths[0]
