"""What is each part of the locator worth? The same runs, located again with one part taken away.

Every recording is played once; what cameras saw then goes, frame by frame, through locators that
lack a part. So all differences are the locator's, and none is a detector's. Parts are taken away by
what goes into a constructor or by a thin subclass here; the product has no switch for any.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from api.machine import machine_facts, package_versions
from calibration.camera import VIEW_RANGE_M
from calibration.camera_loading import Camera
from calibration.camera_views import CameraViews
from calibration.continuity import straight_line_m
from calibration.entrances import EntranceRoutes
from calibration.floor_plan import FloorPlan
from calibration.frame_times import FrameTimes
from calibration.fusion import Fusion
from calibration.locator import Locator
from calibration.search import SearchMaps
from vision.columns import no_appearance

from .accuracy import SEEDS, figures_of
from .recordings import RECORDINGS, play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from shapely import MultiLineString
    from shapely.geometry.base import BaseGeometry

    from calibration.positions import FloorPositions
    from calibration.site import Site

    from .recordings import Played

EQUAL_ERROR_M: Final = 0.3
"""One standard deviation of every position where covariance is taken away: about the mean of what
the cameras of the recordings have."""

RUNS: Final = ("citic", "cmc", "wildtrack", "wing")
"""What can be measured."""

_OUTER_M: Final = 0.02
WING: Final = Path(__file__).parent / "drills" / "wing"

SHOWN: Final = {
    "median_m": "median, m",
    "p95_m": "95th, m",
    "moda": "MODA",
    "idf1": "IDF1",
    "room_correct": "room",
    "entrance_correct": "door",
    "ce95_coverage": "in 95 % radius",
    "search_area_coverage": "in search area",
    "true_room_probability": "true room",
    "area95_m2": "area, m²",
}
"""Figures of the table and their headings."""

_SHARES: Final = frozenset(SHOWN) - {"median_m", "p95_m", "area95_m2"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the locator and what is there in its place.

    Attributes:
        name: what is taken away.
        without: what happens instead, for whoever reads the table.
        seen_as: what the locator gets in place of a frame's positions.
        maps: the search maps.
        looks: whether the search maps have cameras, or fusion needs others to know what they show.
        walls: whether fusion's walking distance heeds walls.
        handover: whether fusion asks the search maps who comes back.
        views: what fusion takes each camera to show.
        times: what tells how far frames are apart, by which trackers are believed.
    """

    name: str
    without: str
    seen_as: Callable[[FloorPositions], FloorPositions] = lambda positions: positions
    maps: Callable[[Site], SearchMaps] = lambda site: SearchMaps(site.plan, site.cameras.values())
    looks: bool = True
    walls: bool = True
    handover: bool = True
    views: Callable[[Iterable[Camera], SearchMaps], CameraViews] = CameraViews
    times: Callable[[], FrameTimes] | None = None

    def locator(self, site: Site, routes: EntranceRoutes) -> Locator:
        """A locator of the site without this part."""
        return _Lacking(site, routes, self)


class _Lacking(Locator):
    """A locator with some of what it is made of replaced."""

    def __init__(self, site: Site, routes: EntranceRoutes, part: Part) -> None:
        super().__init__(
            site.plan,
            routes,
            cameras=site.cameras.values(),
            camera_names={camera.id: camera.name for camera in site.cameras.values()},
            x_axis_bearing_deg=site.anchor.x_axis_bearing_deg,
        )
        self._search = part.maps(site)
        known = tuple(site.cameras.values())
        looking = self._search if part.looks else SearchMaps(site.plan, known)
        self._fusion = _LackingFusion(
            routes.walks.walk_m if part.walls else straight_line_m,
            views=part.views(known, looking),
            densities_m2=self._search.densities_m2 if part.handover else None,
        )
        if part.times is not None:
            self._fusion.tell_time_by(part.times())


class _LackingFusion(Fusion):
    def tell_time_by(self, times: FrameTimes) -> None:
        self._times = times


class _Unasked(CameraViews):
    """Cameras of which none is ever expected to show anybody; how much they watch stays."""

    def may_show(self, camera: str, xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        return super().may_show(camera, xy_m) & False

    def detection(self, camera: str, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        return 0.0 * super().detection(camera, level, xy_m)


class _OpenPlan(FloorPlan):
    """A plan of which only the outer walls stand."""

    @classmethod
    def of(cls, plan: FloorPlan) -> _OpenPlan:
        return cls(plan.levels, plan.spaces, plan.openings, plan.entrances, plan.fixtures)

    def _build_walls(self, level: str) -> MultiLineString:
        outer = shapely.buffer(shapely.boundary(self.footprint(level)), _OUTER_M)
        standing = shapely.intersection(super()._build_walls(level), outer)
        lines = [
            part
            for part in shapely.get_parts(standing)
            if part.geom_type == "LineString" and part.length > _OUTER_M * 2
        ]
        return shapely.MultiLineString(lines)


@dataclass(frozen=True, slots=True, eq=False)
class _WalledView(Camera):
    """A camera for which walls stand wherever the asked plan has none."""

    true_plan: FloorPlan | None = None

    def visible_floor(self, plan: FloorPlan, range_m: float = VIEW_RANGE_M) -> BaseGeometry:
        return Camera.visible_floor(self, self.true_plan or plan, range_m)


def _open_maps(site: Site) -> SearchMaps:
    cameras = [
        _WalledView(
            **{part.name: getattr(camera, part.name) for part in fields(Camera)},
            true_plan=site.plan,
        )
        for camera in site.cameras.values()
    ]
    return SearchMaps(_OpenPlan.of(site.plan), cameras)


class _QuickFrames(FrameTimes):
    """Calls every camera quick, so that its tracker is believed; when bodies blink stays."""

    _blinking = False

    def interval_s(self, camera: str) -> float:
        return super().interval_s(camera) if self._blinking else 0.0

    def blink_s(self, subject: Any) -> float:  # noqa: ANN401 - as its base
        self._blinking = True
        try:
            return super().blink_s(subject)
        finally:
            self._blinking = False


def _alike_uncertain(positions: FloorPositions) -> FloorPositions:
    cov_m2 = np.tile(np.eye(2) * EQUAL_ERROR_M**2, (len(positions), 1, 1))
    return replace(positions, cov_m2=cov_m2)


def _undressed(positions: FloorPositions) -> FloorPositions:
    return replace(positions, appearance=no_appearance())


PARTS: Final = (
    Part("nothing", "the locator as it ships"),
    Part(
        "covariance",
        f"every position errs by {EQUAL_ERROR_M} m in all directions",
        seen_as=_alike_uncertain,
    ),
    Part("witnesses", "no camera contradicts the boxes of another", views=_Unasked),
    Part("handover", "who comes back is not told by where each can be", handover=False),
    Part(
        "looks",
        "cameras that see nobody take nothing from the search map",
        maps=lambda site: SearchMaps(site.plan),
        looks=False,
    ),
    Part(
        "walls",
        "people walk through inner walls, in the search map and between sightings",
        maps=_open_maps,
        walls=False,
    ),
    Part(
        "frame rates",
        "a slow camera's tracker is believed as much as a quick one's",
        times=_QuickFrames,
    ),
    Part("clothes", "nothing is known of clothes", seen_as=_undressed),
)


def measure(
    data: Path, names: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return figures of each recording without each part.

    Of the recording whose detector is simulated the mean over `SEEDS` is told.

    Args:
        data: the folder of public data.
        names: of `RUNS`; empty for all.
        say: told what is being done.

    Raises:
        DrillImportError: a data set is not there.
    """
    found: dict[str, Any] = {}
    for name in names or RUNS:
        say(f"{name}: playing")
        with tempfile.TemporaryDirectory() as folder:
            runs = _runs(name, data, Path(folder))
        found[name] = {}
        for part in PARTS:
            if part.name == "clothes" and not _dressed(runs[0]):
                continue
            say(f"{name}: without {part.name}")
            found[name][part.name] = _mean([_without(part, run) for run in runs])
    return {
        "parts": {part.name: part.without for part in PARTS},
        "recordings": found,
        "machine": machine_facts(),
        "versions": package_versions(),
    }


def _runs(name: str, data: Path, folder: Path) -> list[Played]:
    if name == "wing":
        return [play(WING, folder / "state")]
    recording = RECORDINGS[name]
    seeds = SEEDS if recording.data_set == "citic" else (None,)
    return [
        play(
            (recording if seed is None else recording.with_seed(seed)).import_to(
                data, folder / f"drill-{seed}"
            ),
            folder / f"state-{seed}",
        )
        for seed in seeds
    ]


def _dressed(run: Played) -> bool:
    return any(seen.positions.appearance.size for seen in run.record.observations)


def _without(part: Part, run: Played) -> dict[str, Any]:
    site = run.drill.site
    locator = part.locator(site, EntranceRoutes(site.plan))
    return figures_of(run.located_again(locator, part.seen_as))


def _mean(each: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean of each figure; None where a run has none of it."""
    return {
        name: None
        if any(one[name] is None for one in each)
        else round(float(np.mean([one[name] for one in each])), 4)
        for name in each[0]
    }


def as_markdown(figures: dict[str, Any]) -> str:
    """Return a table for each recording, a row for each part that was taken away."""
    tables = []
    for name, rows in figures["recordings"].items():
        whole = rows["nothing"]
        shown = [key for key in SHOWN if whole[key] is not None]
        lines = [
            f"**{name}**",
            "",
            f"| without | {' | '.join(SHOWN[key] for key in shown)} |",
            f"| --- |{' ---: |' * len(shown)}",
        ]
        lines += [
            f"| {part} | {' | '.join(_told(key, row[key]) for key in shown)} |"
            for part, row in rows.items()
        ]
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def _told(key: str, value: float | None) -> str:
    if value is None:
        return ""
    if key in _SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if key == "area95_m2" else f"{value:.3f}"
