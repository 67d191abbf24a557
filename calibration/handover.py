"""Who comes back: which unseen subject a newly seen one is, by where each of them can be.

A subject out of view has a search map: how likely it is at each place by now, having walked past no
wall and shown itself to no camera. A newly confirmed subject at a place is then either one of those
who can be there, or a stranger who was never seen before. With p(e) the map's density of ending e
at that place, w(e) how sure it is that e was a body at all, a(e) how much better its clothes agree
than a stranger's would, and s the density of strangers,

    P(e | seen there) = w(e) p(e) a(e) / (s + sum of w p a over all endings),

which is Bayes' rule for one arrival among independent Poisson sources (Bar-Shalom and Li,
"Multitarget-multisensor tracking", 1995, section 3.4). An ending can come back only once, so its
weights over all beginnings of the moment are compared, too. Who stays below the limit is left
alone: a wrong join sends officers to a bystander, a missed one only starts a new number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .appearance import gallery_llr, middle
from .continuity import (
    ARMED_LLR,
    HARMLESS_S,
    OVERLAP_S,
    UNARMED_LLR,
    Sighted,
    continuations,
    straight_line_m,
)
from .duplicates import are_two

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .continuity import WalkDistance
    from .stakes import Stakes
    from .subject import Subject

    Densities = Callable[[str, NDArray[np.float64]], Mapping[str, float]]
    """Level id and place `(2,)`, site metres: how likely each unseen subject is there, 1/m2."""

SETTLING_S = 3.0
"""For so long after its birth an unarmed subject may still be recognised as a continuation."""

SURE = 0.5
"""Probability from which on a beginning continues a harmless ending: likelier than not, as a wrong
join and a missed one cost the same where nobody is sent anywhere."""

SURE_ARMED = 0.9
"""The same for an ending that is armed or was pointed out."""

ARMED_STRANGERS_M2 = 0.01
"""One stranger in 100 m2 at the least, where an armed ending is at stake: behind the next door may
be a class. Then one pupil who comes out of it is not the gunman who went in. Judgement."""

UNKNOWN_SHARE = 0.1
"""Strangers there are for each subject in view, at the same density: people who move about and have
not been seen yet. Judgement; from 0.1 to 0.2 the built-in drill stays the same."""

LEAST_STRANGERS_M2 = 5e-4
"""One stranger in 2,000 m2 at the least, however empty the building looks."""


def strangers_m2(in_view: int, watched_m2: float) -> float:
    """Density of people whom no camera has seen yet, per square metre.

    Args:
        in_view: how many subjects are in view.
        watched_m2: floor that cameras show, square metres.
    """
    return LEAST_STRANGERS_M2 + UNKNOWN_SHARE * in_view / max(watched_m2, 1.0)


def reappearances(
    weight: NDArray[np.float64], strangers: float, stake: NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """Pairs (beginning, ending) that are the same body, each in at most one pair.

    Args:
        weight: `(B, E)` w p a of the module docstring, per square metre; 0 where impossible.
        strangers: density of strangers, per square metre.
        stake: `(E,)` whether the ending is armed or was pointed out.
    """
    if not weight.size:
        return []
    others = np.where(stake, max(strangers, ARMED_STRANGERS_M2), strangers)
    of_beginning = weight / (others + weight.sum(axis=1, keepdims=True))
    of_ending = weight / (others + weight.sum(axis=0, keepdims=True))
    sure = np.minimum(of_beginning, of_ending)
    limit = np.where(stake, SURE_ARMED, SURE)
    return [(int(b), int(e)) for b, e in np.argwhere(sure >= limit)]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the maps and the views say of a moment.

    Attributes:
        densities_m2: how likely each unseen subject is at a place.
        strangers: density of people whom nobody has seen, per square metre.
        crowd: `(K, D)` what is known of the clothes of everybody, one embedding a body; or None.
    """

    densities_m2: Densities
    strangers: float
    crowd: NDArray[np.float32] | None


def crowd_of(subjects: Sequence[Subject]) -> NDArray[np.float32] | None:
    """`(K, D)` one embedding for each subject whose clothes are known; None where nobody's are."""
    bodies = [middle(subject.gallery) for subject in subjects if subject.clothes]
    return np.stack(bodies) if bodies else None


def same_bodies(
    newer: Sequence[Subject],
    endings: Sequence[Subject],
    in_view: Sequence[bool],
    stakes: Stakes,
    scene: Scene | None,
    walk_m: WalkDistance = straight_line_m,
) -> list[tuple[Subject, Subject]]:
    """Pairs (newer, ending) that are the same body; no subject is in two.

    The rules of `continuity` go first; where there are maps, they replace its rule 5.

    Args:
        newer: subjects that may be continuations.
        endings: subjects out of view.
        in_view: whether each of `newer` is in view.
        stakes: whom people pointed out and set aside.
        scene: what the maps say; None where there are none.
        walk_m: walking distance between two places.
    """
    if not newer or not endings:
        return []
    apart = np.array(
        [
            [b is e or are_two(b, e) or stakes.forbid_continuing(b, e) for e in endings]
            for b in newer
        ]
    )
    found = continuations(
        [Sighted(b.level, b.born_xy_m, b.mean[2:], b.born_s, b.armed_llr) for b in newer],
        [Sighted(e.level, e.mean[:2], e.mean[2:], e.seen_at_s, stakes.llr(e)) for e in endings],
        apart,
        walk_m,
        harmless_s=HARMLESS_S if scene is None else 0.0,
    )
    if scene is not None:
        stake = np.array([stakes.llr(ending) >= ARMED_LLR for ending in endings], np.bool_)
        weight = _weights(newer, endings, in_view, stake, scene)
        weight[apart] = 0.0
        for b, e in found:
            weight[b], weight[:, e] = 0.0, 0.0
        found += reappearances(weight, scene.strangers, stake)
    pairs: list[tuple[Subject, Subject]] = []
    joined: set[int] = set()
    for b, e in found:
        # A chain (one subject both begins and ends) is resolved one link a frame.
        if newer[b].serial not in joined and endings[e].serial not in joined:
            pairs.append((newer[b], endings[e]))
            joined |= {newer[b].serial, endings[e].serial}
    return pairs


def _weights(
    newer: Sequence[Subject],
    endings: Sequence[Subject],
    in_view: Sequence[bool],
    stake: NDArray[np.bool_],
    scene: Scene,
) -> NDArray[np.float64]:
    """`(B, E)` w p a of the module docstring, per square metre."""
    weight = np.zeros((len(newer), len(endings)))
    ended_s = np.array([ending.seen_at_s for ending in endings])
    # How real each is takes as long as all the rest, and is the same for all who are newer.
    reality: list[tuple[str, float]] | None = None
    for b, subject in enumerate(newer):
        settled = subject.seen_at_s - subject.born_s > SETTLING_S
        if settled or not in_view[b]:
            continue
        near = scene.densities_m2(subject.level, subject.mean[:2])
        if reality is None:
            reality = [(f"S{e.number}", e.reality) for e in endings]
        weight[b] = [near.get(name, 0.0) * real for name, real in reality]
        weight[b, subject.born_s < ended_s - OVERLAP_S] = 0.0
        if subject.armed_llr <= UNARMED_LLR:
            weight[b, stake] = 0.0
    for b, e in np.argwhere(weight > 0):
        alike = gallery_llr(newer[b].gallery, endings[e].gallery, scene.crowd)
        weight[b, e] *= np.exp(alike)
    return weight
