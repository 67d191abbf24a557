"""Writing what a public data set knows for certain: places of people and their true boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from calibration.body_sight import visible_shares
from calibration.recorded import first_told, foot_offsets_m

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from calibration.camera import CameraModel
    from calibration.recorded import RecordedBoxes, RecordedPlaces

ROLE: Final = "student"
"""Nobody in these recordings is an intruder or armed; ordinary people of a school are students."""


def person_name(person: int) -> str:
    """Return the id of a person in truth files."""
    return f"p{person}"


def write_truth(path: Path, told: RecordedPlaces, fps: float, level: str) -> list[str]:
    """Write `truth.csv`, frame 0 at 0 s, and return what to know about it, a sentence each."""
    places, doubled = first_told(told)
    lines = ["t,person,level,x,y,role,armed"]
    for row in np.lexsort((places.person, places.frame)).tolist():
        x_m, y_m = places.xy_m[row].tolist()
        lines.append(
            f"{places.frame[row] / fps:.4f},{person_name(int(places.person[row]))},{level},"
            f"{x_m:.4f},{y_m:.4f},{ROLE},0"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not doubled:
        return []
    return [f"{doubled} lines of the truth tell of a person twice in a frame; the first counts."]


def write_true_boxes(
    folder: Path, camera_id: str, camera: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> None:
    """Write `truth/boxes/<camera>.csv` with the share of each body that shows.

    Only boxes of people whose place is known at that frame are written: the others are not scored.

    Args:
        folder: the drill folder.
        camera_id: id of the camera.
        camera: its model, with a pose.
        boxes: true boxes, not cut at the picture's borders.
        places: where people stood.
    """
    rows, distance_m = distances(camera, boxes, places)
    known = boxes[rows]
    shares = visible_shares(known, distance_m, camera.size_px)
    path = folder / "truth" / "boxes" / f"{camera_id}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["frame,id,left,top,width,height,visible"]
    for frame, person, (left, top, right, bottom), share in zip(
        known.frame.tolist(),
        known.person.tolist(),
        known.xyxy_px.tolist(),
        shares.tolist(),
        strict=True,
    ):
        lines.append(
            f"{frame + 1},{person_name(person)},{left:.2f},{top:.2f},{right - left:.2f},"
            f"{bottom - top:.2f},{share:.3f}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def feet_note(
    camera_id: str, camera: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> tuple[str, float]:
    """Return how far feet of true boxes fall from the true places, in words and as metres.

    The metres are the median, infinite where there is nothing to compare.
    """
    offset_m = foot_offsets_m(camera, boxes, places)
    if not len(offset_m):
        return f"{camera_id}: no foot of a true box lies on the floor; nothing to compare.", np.inf
    apart_m = float(np.median(offset_m))
    said = (
        f"feet of true boxes fall {apart_m:.2f} m from the true place (median of {len(offset_m)})"
    )
    return f"{camera_id}: {said}.", apart_m


def distances(
    camera: CameraModel, boxes: RecordedBoxes, places: RecordedPlaces
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows of `boxes` whose person has a place, and its distance from the camera, m."""
    if camera.centre_m is None:
        raise ValueError("only a camera with a pose tells how far away somebody is")
    spots = {
        key: row
        for row, key in enumerate(zip(places.frame.tolist(), places.person.tolist(), strict=True))
    }
    pairs = [
        (row, spots[key])
        for row, key in enumerate(zip(boxes.frame.tolist(), boxes.person.tolist(), strict=True))
        if key in spots
    ]
    rows = np.array([row for row, _ in pairs], np.int64)
    at = np.array([spot for _, spot in pairs], np.int64)
    distance_m = np.linalg.norm(places.xy_m[at] - camera.centre_m[:2], axis=1)
    return rows, np.asarray(distance_m, np.float64)
