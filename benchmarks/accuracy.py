"""How right is the whole way on public recordings, each imported, played and scored?

The figures lie in `figures/<name>.json`; `tests/accuracy/test_recordings.py` holds goals and these
figures against every change.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from api.drill_files import load_drill
from api.errors import DrillImportError
from api.recorded_frames import recorded_frames

from .recordings import RECORDINGS, Recording, play

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .recordings import Played

SEEDS = (1, 2, 3, 4)
"""The simulated detector of CITIC draws its errors by these; the importer's own comes first."""

MEVA = Recording(
    "meva",
    "meva-school",
    "MEVA, school gym, boxes of 2018-03-15 15:00 (Corona et al., WACV 2021), CC BY 4.0",
    {"boxes": "2018-03-15"},
)
GYM = ("G299", "G330")
SAME_BODY_M = 1.5
"""Floor points of two cameras farther apart than this are two bodies."""
OTHER_MOMENT_S = 60
"""By chance: the boxes of one camera against those that the other had so much later."""

DIGITS = 4


def figures_of(played: Played) -> dict[str, Any]:
    """Return what the accuracy suite compares of a run; None where there is nothing to measure.

    Args:
        played: a run of a drill with a truth.
    """
    figures = played.score().figures
    people = figures.people
    told = {
        "moda": figures.moda,
        "idf1": figures.idf1,
        "identity_switches": figures.identity_switches,
        "median_m": people.position_error_m.median,
        "p95_m": people.position_error_m.p95,
        "ce95_coverage": people.ce95_coverage,
        "room_correct": people.room_correct,
        "entrance_correct": people.entrance_correct,
        "search_area_coverage": people.search_area_coverage,
        "unseen_s": people.unseen_s,
        **played.search_figures(),
    }
    return {
        name: round(value, DIGITS) if isinstance(value, float) else value
        for name, value in told.items()
    }


def measure(
    data: Path, names: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the figures of recordings by name; of those that are not there, why.

    Args:
        data: the folder of all data.
        names: of `RECORDINGS`, or "meva"; empty for all.
        say: told which one is being played.
    """
    found: dict[str, Any] = {}
    for name in names or (*RECORDINGS, "meva"):
        say(name)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found[name] = _measured(name, data, Path(folder))
            except DrillImportError as error:
                found[name] = {"left_out": str(error)}
    return found


def _measured(name: str, data: Path, folder: Path) -> dict[str, Any]:
    if name == "meva":
        return {"source": MEVA.source} | gym_agreement(MEVA.import_to(data, folder / "drill"))
    recording = RECORDINGS[name]
    seeds = SEEDS if recording.data_set == "citic" else ()
    first = figures_of(play(recording.import_to(data, folder / "drill"), folder / "state"))
    by_seed = {
        str(seed): figures_of(
            play(
                recording.with_seed(seed).import_to(data, folder / f"drill-{seed}"),
                folder / f"state-{seed}",
            )
        )
        for seed in seeds[1:]
    }
    return {"source": recording.source} | first | ({"other_seeds": by_seed} if by_seed else {})


def gym_agreement(drill_folder: Path) -> dict[str, Any]:
    """Return how far two cameras put the same body apart, from the annotated boxes of a gym.

    No identity is known across the cameras, so points that are each other's nearest within
    `SAME_BODY_M` count as one body: farther ones cannot show, and chance has a figure too. It is
    told beside, from boxes that were `OTHER_MOMENT_S` apart.

    Args:
        drill_folder: the imported drill.
    """
    drill = load_drill(drill_folder)
    frames: dict[str, dict[int, NDArray[np.float64]]] = {}
    for feed in drill.feeds:
        if feed.camera not in GYM:
            continue
        model = drill.site.cameras[feed.camera].model
        frames[feed.camera] = {}
        for frame in recorded_frames(feed, model, 0.0, drill.duration_s):
            xyxy_px = frame.detections.xyxy_px  # type: ignore[union-attr]
            feet_px = np.column_stack([xyxy_px[:, [0, 2]].mean(axis=1), xyxy_px[:, 3]])
            xy_m, valid = model.to_floor(feet_px.astype(np.float64))
            moment = round(frame.captured_at_s * (feed.fps or 1.0))
            frames[feed.camera][moment] = xy_m[valid]
    one, other = (frames[camera] for camera in GYM)
    later = round(OTHER_MOMENT_S * (drill.feeds[0].fps or 1.0))
    now_m = apart_across_cameras_m(one, other)
    chance_m = apart_across_cameras_m(one, {moment - later: xy_m for moment, xy_m in other.items()})
    return {
        "pairs": len(now_m),
        "median_m": round(float(np.median(now_m)), DIGITS),
        "p95_m": round(float(np.percentile(now_m, 95)), DIGITS),
        "by_chance_pairs": len(chance_m),
        "by_chance_median_m": round(float(np.median(chance_m)), DIGITS),
    }


def apart_across_cameras_m(
    one: dict[int, NDArray[np.float64]], other: dict[int, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the distances between floor points of two cameras that are the same body's.

    Args:
        one: by moment, `(N, 2)` places that one camera shows then, site metres.
        other: the same of the other camera, by the same clock.
    """
    found: list[float] = []
    for moment, mine_m in one.items():
        theirs_m = other.get(moment)
        if theirs_m is None or not len(mine_m) or not len(theirs_m):
            continue
        apart_m = np.linalg.norm(mine_m[:, None] - theirs_m[None], axis=2)
        nearest, back = apart_m.argmin(axis=1), apart_m.argmin(axis=0)
        mutual = np.flatnonzero(back[nearest] == np.arange(len(mine_m)))
        found += apart_m[mutual, nearest[mutual]].tolist()
    distances_m = np.array(found, np.float64)
    return distances_m[distances_m <= SAME_BODY_M]
