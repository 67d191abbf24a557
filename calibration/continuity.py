"""Who continues whom: the rules by which a new subject takes up the identity of an unseen one.

A *beginning* is a newly confirmed subject, an *ending* a subject that no camera sees any more. To
join them wrongly is dangerous when one of them is the intruder: officers would be sent to a
bystander. So the rules are strict where the intruder's identity is at stake and never guess among
several candidates:

1. Possible at all: the beginning came after the ending (or overlaps it by at most `OVERLAP_S`, at
   the same place), and the way between the two places can be run in the time between.
2. **Armed joins armed**: a beginning that is itself seen to be armed continues the armed ending it
   can have come from, whatever the gap; of several, the one seen last. One armed person who walked
   unseen is likelier than two.
3. **Close**: within `CLOSE_S` and `CLOSE_M` a beginning continues an ending, armed or not, if
   neither has another candidate: the same body that a camera lost for a moment.
4. **Walked on**: after up to `WALKED_ON_S`, if the beginning appears where the ending's last
   velocity leads and moves on in the same direction at the same pace, and neither has another
   candidate: a body that crossed a blind part of a corridor.
5. **Harmless joins harmless**: after up to `HARMLESS_S`, if it can be walked and neither has
   another candidate. Nobody is sent anywhere by this one; it keeps bystanders few.

Rules 3-5 never give an armed ending to a beginning whose own looks speak against a weapon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    WalkDistance = Callable[[str, NDArray[np.float64], str, NDArray[np.float64]], float]
    """Metres on foot between two places, each a level id and `(2,)` site metres; inf where there is
    no way."""

ARMED_LLR = 2.5
"""From here on a subject counts as seen to be armed for these rules (12 : 1)."""

UNARMED_LLR = -1.0
"""From here down a subject's looks speak against a weapon."""

RUN_MPS = 5.0
"""A school corridor at a run. Sprinters do 7-10 m/s, but not around corners and through doors."""

BRISK_MPS = 2.0
"""Brisk walking; 95 % of adults walk slower (Bohannon, Age and Ageing 26, 1997: comfortable
1.2-1.5 m/s, fastest 1.7-2.5 m/s)."""

PLACE_MARGIN_M = 1.0
OVERLAP_S = 1.0
CLOSE_S, CLOSE_M = 2.0, 3.0
WALKED_ON_S = 6.0
HARMLESS_S = 6.0
LEVEL_CHANGE_M = 15.0
"""Added to the straight line between two levels: one flight of stairs and the way to it."""

_PACE_TOLERANCE_MPS = 0.7
_ROUTE_TOLERANCE = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """The end or the beginning of a subject.

    Attributes:
        level: level id.
        xy_m: `(2,)` place, site metres.
        velocity_mps: `(2,)` velocity, site metres per second.
        at_s: capture time of the last (first) sighting.
        armed_llr: the subject's evidence so far.
    """

    level: str
    xy_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    at_s: float
    armed_llr: float


def straight_line_m(
    level_a: str, a_m: NDArray[np.float64], level_b: str, b_m: NDArray[np.float64]
) -> float:
    """The distance as the crow flies, and the stairs: the least that any way on foot can be."""
    return float(np.hypot(*(b_m - a_m))) + (0.0 if level_a == level_b else LEVEL_CHANGE_M)


def continuations(
    beginnings: Sequence[Sighted],
    endings: Sequence[Sighted],
    apart: NDArray[np.bool_],
    walk_m: WalkDistance = straight_line_m,
    *,
    harmless_s: float = HARMLESS_S,
) -> list[tuple[int, int]]:
    """Pairs (beginning, ending) that are the same body; each appears at most once.

    Args:
        beginnings: newly confirmed subjects, at their first sighting; velocity as known now.
        endings: subjects out of view, at their last sighting.
        apart: `(B, E)` where the two are known to be two bodies.
        walk_m: walking distance between two places.
        harmless_s: for so long rule 5 holds; 0 where maps tell more, see `handover`.
    """
    if not beginnings or not endings:
        return []
    gap_s = np.array([b.at_s for b in beginnings])[:, None] - [e.at_s for e in endings]
    unseen_s = np.maximum(gap_s, 0.0)
    run_m, brisk_m = (pace * unseen_s + PLACE_MARGIN_M for pace in (RUN_MPS, BRISK_MPS))
    in_turn = ~apart & (gap_s >= -OVERLAP_S)
    just_now = gap_s <= max(WALKED_ON_S, harmless_s)
    b_armed = np.array([b.armed_llr >= ARMED_LLR for b in beginnings])
    e_armed = np.array([e.armed_llr >= ARMED_LLR for e in endings])

    # A way is measured only where a rule asks for it and the straight line does not forbid it:
    # many who are lost and found at once are many pairs.
    straight_m = np.linalg.norm(
        np.array([b.xy_m for b in beginnings])[:, None] - np.array([e.xy_m for e in endings]),
        axis=2,
    )
    asked = (b_armed[:, None] & e_armed & (straight_m <= run_m)) | (
        just_now & (straight_m <= brisk_m)
    )
    way_m = np.full(gap_s.shape, np.inf)
    for b, e in np.argwhere(in_turn & asked):
        ending, beginning = endings[e], beginnings[b]
        way_m[b, e] = walk_m(ending.level, ending.xy_m, beginning.level, beginning.xy_m)
    possible = in_turn & (way_m <= run_m)
    recent = possible & (way_m <= brisk_m) & just_now

    pairs: list[tuple[int, int]] = []
    free_b, free_e = np.ones(len(beginnings), np.bool_), np.ones(len(endings), np.bool_)
    for b in np.flatnonzero(b_armed):
        candidates = np.flatnonzero(possible[b] & e_armed & free_e)
        if len(candidates):
            e = int(candidates[np.argmin(gap_s[b, candidates])])
            pairs.append((int(b), e))
            free_b[b] = free_e[e] = False

    cleared = np.array([b.armed_llr <= UNARMED_LLR for b in beginnings])
    alone = recent & (recent.sum(axis=1, keepdims=True) == 1) & (recent.sum(axis=0) == 1)
    close = (gap_s <= CLOSE_S) & (way_m <= CLOSE_M)
    walked_on = np.zeros(gap_s.shape, np.bool_)
    for b, e in np.argwhere(alone & (gap_s <= WALKED_ON_S)):
        walked_on[b, e] = _walked_on(endings[e], beginnings[b])
    harmless = (gap_s <= harmless_s) & ~e_armed & ~b_armed[:, None]
    joined = alone & (close | walked_on | harmless) & ~(e_armed & cleared[:, None])
    joined &= free_b[:, None] & free_e
    pairs.extend((int(b), int(e)) for b, e in np.argwhere(joined))
    return pairs


def _walked_on(ending: Sighted, beginning: Sighted) -> bool:
    """Whether the beginning lies where the ending was heading, at its pace and direction."""
    gap_s = beginning.at_s - ending.at_s
    if ending.level != beginning.level or gap_s < 0:
        return False
    led_m = ending.velocity_mps * gap_s
    missed_m = float(np.hypot(*(ending.xy_m + led_m - beginning.xy_m)))
    change_mps = float(np.hypot(*(beginning.velocity_mps - ending.velocity_mps)))
    moving = float(np.hypot(*ending.velocity_mps)) > _PACE_TOLERANCE_MPS
    near = missed_m <= PLACE_MARGIN_M + _ROUTE_TOLERANCE * float(np.hypot(*led_m))
    return moving and near and change_mps <= _PACE_TOLERANCE_MPS
