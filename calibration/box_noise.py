"""A simulated detector: true boxes with jitter that lasts, misses in a row and false boxes.

For recordings that tell where people were but have no pictures. What is simulated is stated beside
every figure made with it; a real detector's errors depend on light, clothes and crowding, too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from .recorded import RecordedBoxes

if TYPE_CHECKING:
    from numpy.typing import NDArray

JITTER_LASTS_S: Final = 0.5
"""Time in which an edge's error falls to 1/e: boxes of neighbouring frames err alike."""
MISS_LASTS_S: Final = 0.4
"""Mean length of a row of misses."""
FALSE_LASTS_S: Final = 1.0
"""Mean length of a false box's life."""
EDGE_PX: Final = 1.0
"""The part of an edge's jitter that does not grow with the box, one standard deviation."""
SHOWN_SHARE: Final = 0.5
"""A body of which less shows is never found."""

_SURE: Final = (0.80, 0.08)
_UNSURE: Final = (0.55, 0.10)
_CONFIDENCE: Final = (0.30, 0.99)
_FALSE_SCALE: Final = (0.7, 1.2)


@dataclass(frozen=True, slots=True)
class BoxNoise:
    """How a simulated detector errs.

    Attributes:
        seed: of all its chances.
        jitter: standard deviation of each edge, as a share of the box's height, besides `EDGE_PX`.
        miss_rate: share of the frames in which a body that shows is not found.
        false_per_min: false boxes that appear per minute and camera.
    """

    seed: int = 1
    jitter: float = 0.02
    miss_rate: float = 0.10
    false_per_min: float = 2.0

    def __post_init__(self) -> None:
        limits = {"jitter": 0.5, "miss_rate": 0.95, "false_per_min": 600.0}
        for field in fields(self):
            value, most = getattr(self, field.name), limits.get(field.name, 2**63)
            if not 0 <= value <= most:
                raise ValueError(f"{field.name}: must be from 0 to {most:g}, got {value:g}")

    def in_words(self) -> str:
        """What is simulated, with all numbers."""
        return (
            f"Boxes are simulated (seed {self.seed}): edges jitter by {EDGE_PX:g} px and "
            f"{self.jitter:.1%} of the height, correlated over {JITTER_LASTS_S:g} s; "
            f"{self.miss_rate:.0%} of boxes are missed, {MISS_LASTS_S:g} s in a row on average; "
            f"{self.false_per_min:g} false boxes a minute and camera live {FALSE_LASTS_S:g} s on "
            f"average; bodies of which less than {SHOWN_SHARE:.0%} shows are not found; "
            f"confidences are drawn around {_SURE[0]:g} (true) and {_UNSURE[0]:g} (false)."
        )


def detected(
    true: RecordedBoxes,
    shares: NDArray[np.float64],
    bystanders: RecordedBoxes,
    noise: BoxNoise,
    *,
    fps: float,
    frames: int,
    rng: np.random.Generator,
) -> RecordedBoxes:
    """Return what a simulated detector finds in one camera, in order of frames, without identity.

    Args:
        true: boxes of everybody in view, not cut at the borders.
        shares: `(N,)` float64, the share of each that shows.
        bystanders: boxes of bodies where nobody is; false boxes are drawn from them.
        noise: how it errs.
        fps: frames a second.
        frames: length of the recording.
        rng: its chances.
    """
    order = np.lexsort((true.frame, true.person))
    sorted_boxes = true[order]
    breaks = (np.diff(sorted_boxes.person, prepend=-2) != 0) | (
        np.diff(sorted_boxes.frame, prepend=-2) != 1
    )
    xyxy_px = sorted_boxes.xyxy_px + _jitter_px(sorted_boxes.xyxy_px, breaks, noise, fps, rng)
    found = ~_missed(breaks, noise, fps, rng) & (shares[order] >= SHOWN_SHARE)
    false = _false_boxes(bystanders, noise, fps, frames, rng)
    frame = np.concatenate([sorted_boxes.frame[found], false.frame])
    by_frame = np.argsort(frame, kind="stable")
    boxes_px = np.concatenate([xyxy_px[found], false.xyxy_px])
    confidence = np.concatenate(
        [_confidences(_SURE, int(found.sum()), rng), _confidences(_UNSURE, len(false.frame), rng)]
    )
    return RecordedBoxes(
        frame[by_frame],
        np.full(len(frame), -1, np.int64),
        boxes_px[by_frame],
        confidence[by_frame],
    )


def _jitter_px(
    xyxy_px: NDArray[np.float64],
    breaks: NDArray[np.bool_],
    noise: BoxNoise,
    fps: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Errors of the edges: a first-order autoregressive process per body, stationary."""
    kept = float(np.exp(-1.0 / (fps * JITTER_LASTS_S)))
    fresh = rng.standard_normal(xyxy_px.shape)
    unit = np.zeros_like(fresh)
    for i, new in enumerate(breaks.tolist()):
        unit[i] = fresh[i] if new else kept * unit[i - 1] + np.sqrt(1 - kept**2) * fresh[i]
    height_px = xyxy_px[:, 3] - xyxy_px[:, 1]
    sigma_px: NDArray[np.float64] = np.hypot(EDGE_PX, noise.jitter * height_px)
    return unit * sigma_px[:, None]


def _missed(
    breaks: NDArray[np.bool_], noise: BoxNoise, fps: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """A chain of two states, found and missed, with the wanted share and mean length of misses."""
    ends = min(1.0, 1.0 / (fps * MISS_LASTS_S))
    begins = min(1.0, ends * noise.miss_rate / (1.0 - noise.miss_rate))
    chance = rng.random(len(breaks))
    missed = np.zeros(len(breaks), np.bool_)
    for i, new in enumerate(breaks.tolist()):
        if new:
            missed[i] = chance[i] < noise.miss_rate
        else:
            missed[i] = chance[i] >= ends if missed[i - 1] else chance[i] < begins
    return missed


def _false_boxes(
    bystanders: RecordedBoxes,
    noise: BoxNoise,
    fps: float,
    frames: int,
    rng: np.random.Generator,
) -> RecordedBoxes:
    """Boxes of bystanders, larger or smaller, each for a while at its place."""
    count = (
        int(rng.poisson(noise.false_per_min * frames / fps / 60)) if len(bystanders.frame) else 0
    )
    rows = []
    boxes = []
    for _ in range(count):
        left, top, right, bottom = bystanders.xyxy_px[rng.integers(len(bystanders.frame))].tolist()
        scale = rng.uniform(*_FALSE_SCALE)
        half, height = (right - left) / 2 * scale, (bottom - top) * scale
        middle = (left + right) / 2
        begin = int(rng.integers(frames))
        length = max(1, round(float(rng.exponential(FALSE_LASTS_S)) * fps))
        for frame in range(begin, min(begin + length, frames)):
            shake = rng.standard_normal(4) * (EDGE_PX + noise.jitter * height)
            boxes.append(np.array([middle - half, bottom - height, middle + half, bottom]) + shake)
            rows.append(frame)
    return RecordedBoxes(
        np.array(rows, np.int64),
        np.full(len(rows), -1, np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
        np.ones(len(rows)),
    )


def _confidences(
    around: tuple[float, float], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    mean, sigma = around
    return np.asarray(np.clip(rng.normal(mean, sigma, count), *_CONFIDENCE).round(3), np.float64)
