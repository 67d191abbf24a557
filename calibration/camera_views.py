"""What each camera should see of the floor, and whom other bodies hide from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .body import STATURE_M

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from .camera_loading import Camera
    from .search import SearchMaps

HIDDEN_SHARE: Final = 0.5
"""A body of which others hide more than this, from the feet up, need not be found."""

_HALF_WIDTH_M: Final = 0.25
_NEARER_M: Final = 0.3
_MARGIN_M: Final = 1.0
_NONE_M: NDArray[np.float64] = np.zeros((0, 2))


class CameraViews:
    """Tells for places on the floor whether a camera should show a body there.

    Args:
        cameras: the cameras.
        maps: the search maps, whose grid, views and detection rates are used. Making them costs
            seconds on a large site; that is paid on first use unless they were prepared.
    """

    def __init__(self, cameras: Iterable[Camera], maps: SearchMaps) -> None:
        self._cameras = {camera.id: camera for camera in cameras}
        self._maps = maps
        self._watched_m2: float | None = None
        self._bounds_m: dict[str, NDArray[np.float64]] = {}

    @property
    def watched_m2(self) -> float:
        """Floor that some camera shows, square metres."""
        if self._watched_m2 is None:
            grid = self._maps.grid
            watched = np.zeros(len(grid), np.bool_)
            for view in self._maps.views.values():
                watched[view.cells] = True
            self._watched_m2 = float(grid.area_m2[watched].sum())
        return self._watched_m2

    def may_show(self, camera: str, xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """`(N,)` whether places lie in the rectangle about the floor that a camera shows; quick."""
        bounds_m = self._bounds_m.get(camera)
        if bounds_m is None:
            view = self._maps.views.get(camera)
            empty = view is None or not len(view.cells)
            cells_m = _NONE_M if empty or view is None else self._maps.grid.xy_m[view.cells]
            bounds_m = self._bounds_m[camera] = _bounds_m(cells_m)
        return np.asarray(((xy_m >= bounds_m[0]) & (xy_m <= bounds_m[1])).all(axis=1), np.bool_)

    def detection(self, camera: str, level: str, xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(N,)` probability that a frame of a camera shows a box for bodies at `(N, 2)` places.

        Zero on other levels, outside the floor that it shows and at that floor's border, for a body
        that another one of `xy_m` hides, and for a camera that is not known.
        """
        known = self._cameras.get(camera)
        if known is None or known.level != level or not len(xy_m):
            return np.zeros(len(xy_m))
        view = self._maps.views[camera]
        if not len(view.cells):
            return np.zeros(len(xy_m))
        cells = self._maps.grid.nearest(level, xy_m)
        rows = np.minimum(np.searchsorted(view.cells, cells), len(view.cells) - 1)
        shown = (view.cells[rows] == cells) & view.well_within[rows]
        eye_m = known.model.centre_m
        if eye_m is not None and shown.any() and len(xy_m) > 1:
            shown &= ~hidden_by_others(eye_m, xy_m)
        expected = self._maps.rates.corrected(camera, view.expected[rows])
        return np.where(shown, expected, 0.0).astype(np.float64)


def _bounds_m(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(2, 2)` lower and upper corner about places, a bit farther out; of nothing: nowhere."""
    if not len(xy_m):
        return np.array([[np.inf, np.inf], [-np.inf, -np.inf]])
    return np.stack([xy_m.min(axis=0) - _MARGIN_M, xy_m.max(axis=0) + _MARGIN_M])


def hidden_by_others(eye_m: NDArray[np.float64], xy_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """`(N,)` whether another body stands between an eye and each body, feet to `HIDDEN_SHARE`.

    Args:
        eye_m: `(3,)` site metres, z above the floor.
        xy_m: `(N, 2)` where the bodies stand.
    """
    offset_m = xy_m - eye_m[:2]
    away_m = np.maximum(np.hypot(offset_m[:, 0], offset_m[:, 1]), 1e-3)
    bearing = np.arctan2(offset_m[:, 1], offset_m[:, 0])
    apart = np.abs((bearing[:, None] - bearing[None] + np.pi) % (2 * np.pi) - np.pi)
    before = away_m[None] < away_m[:, None] - _NEARER_M
    in_line = apart < np.arctan2(_HALF_WIDTH_M, away_m)[None]
    # The ray over the nearer head meets the farther body at this height.
    over_m = eye_m[2] - (eye_m[2] - STATURE_M) * (away_m[:, None] / away_m[None])
    covered = before & in_line & (over_m > HIDDEN_SHARE * STATURE_M)
    return np.asarray(covered.any(axis=1), np.bool_)
