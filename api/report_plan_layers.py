"""What a report draws on its plan: paths, error vectors, heat of the error, faults."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .scoring import Series
    from .scoring_figures import Figures

CELL_M: Final = 1.0
"""Side of the squares that the heat of the error is drawn in."""
HEAT_M: Final = (0.25, 0.5, 1.0, 2.0)
"""Median errors, metres, at which the heat takes its next colour."""
_VECTOR_EVERY_S: Final = 0.5
_MOST_VECTORS: Final = 6000
_BREAK_M: Final = 1.5
"""A line of places is broken where it jumps farther than this within a tenth of a second: the
answer changed its mind, nobody ran there."""


def paths(series: Series, level: str) -> Iterator[str]:
    """Yield the lines of all subjects, of the intruder, and of the answers."""
    others = [
        line
        for xy_m in _tracks_of_others(series, level).values()
        if (line := _line(_broken(xy_m), "other"))
    ]
    yield f'<g class="layer-others">{"".join(others)}</g>'
    if series.compared is None:
        yield f'<g class="layer-truth">{"".join(_true_paths(series, level))}</g>'
    else:
        there = series.compared.there
        on_level = there.present & (there.level == level)
        seen, unseen = (
            _line(np.where((on_level & flag)[:, None], there.xy_m, np.nan), kind)
            for flag, kind in (
                (series.compared.visible, "true seen"),
                (~series.compared.visible, "true unseen"),
            )
        )
        yield f'<g class="layer-truth">{seen}{unseen}</g>'
    top = series.top
    told_m = np.where((top.known & (top.level == level))[:, None], top.xy_m, np.nan)
    yield f'<g class="layer-answers">{_line(_broken(told_m), "told")}</g>'


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Places on one level and where the answers put them: `(N,)` seconds, `(N, 2)` metres."""

    t_s: NDArray[np.float64]
    true_m: NDArray[np.float64]
    told_m: NDArray[np.float64]

    @property
    def error_m(self) -> NDArray[np.float64]:
        apart_m = self.told_m - self.true_m
        return np.asarray(np.hypot(apart_m[:, 0], apart_m[:, 1]), np.float64)


def _errors(series: Series, level: str) -> _Errors | None:
    """The intruder beside the first subject; without an intruder everybody beside theirs."""
    compared, placed = series.compared, series.placed
    if compared is not None:
        counted = compared.visible & np.isfinite(compared.error_m) & (series.top.level == level)
        return _Errors(
            series.timeline.t_s[counted],
            compared.at_capture.xy_m[counted],
            series.top.xy_m[counted],
        )
    if placed is None:
        return None
    here = placed.level == level
    return _Errors(placed.t_s[here], placed.true_m[here], placed.told_m[here])


def vectors(series: Series, level: str) -> Iterator[str]:
    """Yield a line from where somebody was to where the answer put them, now and then."""
    errors = _errors(series, level)
    if errors is None:
        return
    # Every half second, less often where there are very many; the same moments for everybody.
    every_s = max(_VECTOR_EVERY_S, _VECTOR_EVERY_S * np.ceil(len(errors.t_s) / _MOST_VECTORS))
    shown = np.isclose(np.round(errors.t_s / every_s) * every_s, errors.t_s, rtol=0, atol=1e-3)
    for t_s, true_m, told_m, error_m in zip(
        errors.t_s[shown].tolist(),
        errors.true_m[shown].tolist(),
        errors.told_m[shown].tolist(),
        errors.error_m[shown].tolist(),
        strict=True,
    ):
        (x0, y0), (x1, y1) = true_m, told_m
        yield (
            f'<line class="vector h{_step(error_m)}" x1="{x0:.2f}" y1="{-y0:.2f}" x2="{x1:.2f}" '
            f'y2="{-y1:.2f}"><title>{t_s:.1f} s: {error_m:.2f} m off</title></line>'
        )


def heat(series: Series, level: str) -> Iterator[str]:
    """Yield squares of floor, coloured by the median error while somebody was on them."""
    errors = _errors(series, level)
    if errors is None:
        return
    cells: dict[tuple[int, int], list[float]] = {}
    places = np.floor(errors.true_m / CELL_M).astype(int).tolist()
    for (x, y), error_m in zip(places, errors.error_m.tolist(), strict=True):
        cells.setdefault((x, y), []).append(error_m)
    for (x, y), errors_m in sorted(cells.items()):
        median_m = float(np.median(errors_m))
        yield (
            f'<rect class="heat h{_step(median_m)}" x="{x * CELL_M:g}" y="{-(y + 1) * CELL_M:g}" '
            f'width="{CELL_M:g}" height="{CELL_M:g}"><title>median {median_m:.2f} m off here, '
            f"{len(errors_m)} moments</title></rect>"
        )


def false_marks(figures: Figures, level: str, letter_m: float) -> Iterator[str]:
    """Yield crosses where a subject was nobody, and triangles where somebody was called armed."""
    arm_m = 0.4 * letter_m
    for fault in figures.false_positions or ():
        if fault.level == level:
            x, y = fault.xy_m[0], -fault.xy_m[1]
            title = escape(
                f"{fault.subject} was one too many, {fault.t_s:.1f} to {fault.until_t_s:.1f} s"
            )
            yield (
                f'<path class="nobody" d="M{x - arm_m:.2f} {y - arm_m:.2f}L{x + arm_m:.2f} '
                f"{y + arm_m:.2f}M{x + arm_m:.2f} {y - arm_m:.2f}L{x - arm_m:.2f} "
                f'{y + arm_m:.2f}"><title>{title}</title></path>'
            )
    for alarm in figures.alarms:
        if alarm.level == level:
            x, y = alarm.xy_m[0], -alarm.xy_m[1]
            kind = "alarm false" if alarm.false else "alarm"
            title = escape(f"{alarm.subject} was called armed at {alarm.t_s:.1f} s")
            yield (
                f'<path class="{kind}" d="M{x:.2f} {y - 2 * arm_m:.2f}L{x + 1.8 * arm_m:.2f} '
                f'{y + arm_m:.2f}L{x - 1.8 * arm_m:.2f} {y + arm_m:.2f}Z"><title>{title}</title>'
                "</path>"
            )


def now_marks(letter_m: float) -> Iterator[str]:
    """Yield what the page moves along with the timeline, not shown before."""
    r = 0.55 * letter_m
    yield f'<circle class="now-true" r="{r:.2f}" hidden=""/>'
    yield f'<path class="now-told" d="M0 {-r:.2f}L{r:.2f} 0L0 {r:.2f}L{-r:.2f} 0Z" hidden=""/>'


def _true_paths(series: Series, level: str) -> Iterator[str]:
    """The true paths of all persons, where none of them is the intruder."""
    for path in series.people:
        there = path.at(series.timeline.t_s)
        here = there.present & (there.level == level)
        yield _line(np.where(here[:, None], there.xy_m, np.nan), "true everybody")


def _step(error_m: float) -> int:
    return int(np.searchsorted(HEAT_M, error_m, side="right"))


def _line(xy_m: NDArray[np.float64], kind: str) -> str:
    """A path through `(M, 2)` places, broken where they are NaN; "" where there are none."""
    parts = []
    pen_up = True
    for (x, y), known in zip(xy_m.tolist(), np.isfinite(xy_m[:, 0]).tolist(), strict=True):
        if known:
            parts.append(f"{'M' if pen_up else 'L'}{x:.2f} {-y:.2f}")
        pen_up = not known
    return f'<path class="{kind}" d="{"".join(parts)}"/>' if parts else ""


def _tracks_of_others(series: Series, level: str) -> dict[str, NDArray[np.float64]]:
    """Places in view of every subject while it was not the top-ranked, `(M, 2)`, NaN elsewhere."""
    tracks: dict[str, NDArray[np.float64]] = {}
    for moment, answer in enumerate(series.timeline.answers):
        for subject in answer.subjects[1:] if answer is not None else ():
            if subject.level == level and subject.visibility == "in view":
                track = tracks.setdefault(
                    subject.subject, np.full((len(series.timeline.t_s), 2), np.nan)
                )
                track[moment] = subject.xy_m
    return tracks


def _broken(xy_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(M, 2)` places with NaN put in where the line would jump."""
    steps_m = np.linalg.norm(np.diff(xy_m, axis=0), axis=1)
    jumps = np.flatnonzero(steps_m > _BREAK_M) + 1
    return np.insert(xy_m, jumps, np.nan, axis=0)
