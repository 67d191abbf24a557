"""How long each stage took, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .scoring_figures import Percentiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .run_record import RunRecord

CAPTURE_TO_PUBLISHED: Final = "capture_to_published"
_CAPTURED, _DECODED, _DETECTED, _PLACED, _PUBLISHED = range(5)
STAGES: Final = {
    "captured_to_decoded": (_CAPTURED, _DECODED),
    "decoded_to_detected": (_DECODED, _DETECTED),
    "detected_to_placed": (_DETECTED, _PLACED),
    "placed_to_published": (_PLACED, _PUBLISHED),
    CAPTURE_TO_PUBLISHED: (_CAPTURED, _PUBLISHED),
}
"""Names of the measured spans and the stage ends (columns of `stage_ends_s`) between which they
lie. Waiting is part of a span: a frame that lies in its slot counts as being detected."""


def stage_ends_s(record: RunRecord) -> NDArray[np.float64]:
    """Return `(F, 5)` Unix seconds at which each used frame was captured, decoded, … published.

    A frame is published by the first answer that was begun after the frame was placed and whose
    newest frame is at least as new, unless its own times say when. NaN where unknown. At full
    speed capture times are the drill's and all others the wall clock's, so captured and published
    stay NaN: only spans that were worked, not waited, are left.
    """
    ends = np.array(
        [
            [
                np.nan if time_s is None else time_s
                for time_s in (
                    seen.times.captured_s,
                    seen.times.decoded_s,
                    seen.times.detected_s,
                    seen.times.placed_s,
                    seen.times.published_s,
                )
            ]
            for seen in record.observations
        ],
        np.float64,
    ).reshape(-1, 5)
    if record.speed == "max":
        ends[:, [_CAPTURED, _PUBLISHED]] = np.nan
        return ends
    unpublished = np.isnan(ends[:, _PUBLISHED]) & ~np.isnan(ends[:, _PLACED])
    ends[unpublished, _PUBLISHED] = _first_published_s(
        record, ends[unpublished, _CAPTURED], ends[unpublished, _PLACED]
    )
    return ends


def spans_ms(ends_s: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the measured milliseconds of every span of `STAGES`, unmeasured frames left out."""
    spans = {
        name: (ends_s[:, end] - ends_s[:, begin]) * 1e3 for name, (begin, end) in STAGES.items()
    }
    return {name: values[~np.isnan(values)] for name, values in spans.items()}


def histogram_edges_ms() -> NDArray[np.float64]:
    """Return the edges of the bins of `histograms`: the same for every run, evenly spaced in log.

    Twenty bins a decade from 0.1 ms to 100 s; what lies outside is in the first and last bin.
    """
    return np.round(10 ** (np.arange(-20, 101) / 20), 4)


def histograms(spans: Mapping[str, NDArray[np.float64]]) -> dict[str, list[int]]:
    """Return how many frames of every measured span lie in each bin of `histogram_edges_ms`."""
    edges_ms = histogram_edges_ms()
    made = {}
    for name, values_ms in spans.items():
        if len(values_ms):
            within_ms = np.clip(values_ms, edges_ms[0], np.nextafter(edges_ms[-1], 0))
            made[name] = np.histogram(within_ms, edges_ms)[0].tolist()
    return made


def percentiles(values: Sequence[float] | NDArray[np.float64]) -> Percentiles:
    """Return the 50th, 95th and 99th percentile (linear interpolation); None of nothing."""
    if not len(values):
        return Percentiles()
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
    return Percentiles(p50, p95, p99)


def _first_published_s(
    record: RunRecord, captured_s: NDArray[np.float64], placed_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    published = sorted(
        (answer.at_s, answer.times.captured_s, answer.times.published_s)
        for answer in record.answers
        if answer.times is not None and answer.times.published_s is not None
    )
    if not published:
        return np.full(len(placed_s), np.nan)
    begun_s, newest_s, published_s = np.array(published, np.float64).T
    # the newest frame of an answer is never older than that of an earlier one
    newest_s = np.maximum.accumulate(newest_s)
    first = np.maximum(np.searchsorted(begun_s, placed_s), np.searchsorted(newest_s, captured_s))
    found = first < len(published)
    return np.where(found, published_s[np.where(found, first, 0)], np.nan)
