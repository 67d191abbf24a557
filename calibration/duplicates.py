"""Which subjects in view are two bodies, and which are one that two cameras disagreed about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .association import GATE, squared_distances
from .matching import expect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .matching import Expected
    from .positions import FloorPositions
    from .subject import Subject

TWO_BODIES: Final = 0.5
"""Two boxes of one frame this far apart on the floor (squared Mahalanobis distance) are two bodies;
nearer ones may be two boxes of one."""

APART_FRAMES: Final = 3
"""In so many frames two subjects must have been shown as two bodies before they never are one."""

SAME_PLACE_S: Final = 1.0
SAME_PLACE_M: Final = 1.5
"""Two vague subjects can be within the gate at any distance; one body is not so far apart."""

DISAGREE_M: Final = 2.0
"""Two cameras place one body no farther apart than this: hidden feet, a clock that is off."""

_PAIR: Final = 2


def are_two(a: Subject, b: Subject) -> bool:
    """Whether one camera had both in view at the same time, as two bodies."""
    return a.apart.get(b.serial, 0) >= APART_FRAMES


def note_apart(owners: Sequence[Subject | None], positions: FloorPositions) -> None:
    """Remember which subjects a frame shows as two bodies.

    Args:
        owners: the subject of each observation, None where it was not taken in.
        positions: the observations of the frame.
    """
    shown = [
        (row, owner)
        for row, owner in enumerate(owners)
        if owner is not None and owner.seen_at_s >= positions.captured_at_s
    ]
    if len(shown) < _PAIR:
        return
    rows = [row for row, _ in shown]
    xy_m, cov_m2 = positions.xy_m[rows], positions.cov_m2[rows]
    squared, _ = squared_distances(xy_m, cov_m2, xy_m, cov_m2)
    for i, j in np.argwhere(np.triu(squared >= TWO_BODIES, 1)):
        a, b = shown[i][1], shown[j][1]
        if a is not b:
            a.apart[b.serial] = b.apart[a.serial] = a.apart.get(b.serial, 0) + 1


def shown_elsewhere(
    positions: FloorPositions, expected: Expected, chosen: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """`(S,)` whether a box near a subject may be that subject, placed wrongly.

    A camera that disagrees about the place of a body does not deny the body. A box within
    `DISAGREE_M` counts unless its own subject is older, or another camera sees that one, too: of
    several that contradict each other the oldest stays.

    Args:
        positions: the frame.
        expected: where it should show the subjects.
        chosen: `(N,)` the column of each observation, -1 for none.
    """
    serials = np.array([subject.serial for subject in expected.subjects], np.float64)
    if not len(chosen) or not len(serials):
        return np.zeros(len(serials), np.bool_)
    seen_by_others = np.array(
        [bool(s.cameras_s.keys() - {positions.camera}) for s in expected.subjects], np.bool_
    )
    row_serial = np.where(chosen >= 0, serials[chosen], np.inf)
    row_alone = (chosen < 0) | ~seen_by_others[chosen]
    away_m = np.linalg.norm(positions.xy_m[:, None] - expected.xy_m[None], axis=2)
    may_be = (away_m <= DISAGREE_M) & row_alone[:, None] & (row_serial[:, None] > serials[None])
    return np.asarray(may_be.any(axis=0), np.bool_)


def hand_on_apart(older: Subject, newer: Subject, others: Sequence[Subject]) -> None:
    """Let what is known of a subject apply to the one that it was joined with."""
    for other in others:
        frames = other.apart.pop(newer.serial, 0)
        if frames and other is not older:
            other.apart[older.serial] = other.apart.get(older.serial, 0) + frames
            older.apart[other.serial] = other.apart[older.serial]


class Duplicates:
    """Finds subjects that stay at one place for `SAME_PLACE_S` without ever being shown as two."""

    def __init__(self) -> None:
        self._since_s: dict[tuple[int, int], float] = {}

    def found(
        self,
        seen: Sequence[Subject],
        newest_s: float,
        at_s: float,
        forbidden: Callable[[Subject, Subject], bool],
    ) -> list[tuple[Subject, Subject]]:
        """Pairs (older, newer) that are one body, each subject at most once as the newer.

        Args:
            seen: confirmed subjects in view, oldest first.
            newest_s: capture time of the newest frame, to which all are brought.
            at_s: capture time of the frame at hand.
            forbidden: whether two subjects must stay two whatever their places say.
        """
        since_s: dict[tuple[int, int], float] = {}
        if len(seen) >= _PAIR:
            expected = expect(seen, newest_s, np.ones(len(seen), np.bool_))
            xy_m, cov_m2 = expected.xy_m, expected.cov_m2
            squared, _ = squared_distances(xy_m, cov_m2, xy_m, cov_m2)
            apart_m = np.linalg.norm(xy_m[:, None] - xy_m[None], axis=2)
            close = np.triu((squared <= GATE) & (apart_m <= SAME_PLACE_M), 1)
            for i, j in np.argwhere(close):
                older, newer = seen[i], seen[j]
                two = are_two(older, newer) or forbidden(older, newer)
                if older.level == newer.level and not two:
                    pair = (older.serial, newer.serial)
                    since_s[pair] = self._since_s.get(pair, at_s)
        self._since_s = since_s
        by_serial = {subject.serial: subject for subject in seen}
        pairs = []
        for (older_serial, newer_serial), first_s in since_s.items():
            steady = at_s - first_s >= SAME_PLACE_S
            if steady and {older_serial, newer_serial} <= by_serial.keys():
                pairs.append((by_serial[older_serial], by_serial.pop(newer_serial)))
        return pairs
