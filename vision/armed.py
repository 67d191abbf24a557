"""Armed evidence: from weapon boxes frame by frame to a log-likelihood ratio per track.

A look is one frame of one tracked person; its outcome is the confidence of the best weapon box
that belongs to the person. Looks close in time are not independent proof: an armed person's
weapon is hidden for seconds behind the body, and a harmless object that resembles a weapon
resembles it frame after frame. Both are modelled by a state that lasts:

    armed:    hidden  <-> shown        shown fires like a weapon in view
    unarmed:  plain   <-> confusable   confusable fires like a weapon in view, too

The evidence of a track is the ratio of the likelihoods of all its looks under these two hidden
Markov models (forward algorithm; Rabiner, Proc. IEEE 77(2), 1989). One bad frame is therefore
worth little, a steady view of a weapon is worth much, and time without a view of the weapon costs
only a little. Since the model itself can be wrong (an identity that jumped, an object never
measured), the ratio is kept within `WEAKEST_LLR` and `STRONGEST_LLR`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.person_crops import zones

from .track import NOT_TRACKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.looks import LookRates

    from .detections import Detections

WEAKEST_LLR, STRONGEST_LLR = -3.0, 7.0
"""No sequence of looks counts for more than this, natural logarithm: about 1 : 20 against, since
a weapon can be hidden throughout, and about 1,100 : 1 for."""

_MINIMUM_COVER = 0.5
"""At least this share of a weapon box must lie in a person's zone for it to belong there."""

_FORGET_S = 30.0


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long the hidden states last; rates are per second.

    Attributes:
        shows: rate at which a hidden weapon comes into view. Judgement, not measurement: a
            person walking under several cameras turns within a few seconds.
        hides: rate at which a weapon in view becomes hidden.
        first_shown: probability that an armed person's weapon is in view at the first look.
        confuses: rate at which an unarmed person begins to hold something confusable.
        clears: rate at which that ends.
        first_confusable: probability of it at the first look.
        correlation_s: looks closer together than this count in part only.
    """

    shows: float = 0.15
    hides: float = 0.15
    first_shown: float = 0.5
    confuses: float = 0.002
    clears: float = 0.15
    first_confusable: float = 0.004
    correlation_s: float = 0.3


def assign_weapons(
    persons_xyxy_px: NDArray[np.float32], weapons: Detections
) -> NDArray[np.float32]:
    """The confidence of the best weapon box of each person, `(N,)` float32, 0 for none.

    A weapon belongs to at most one person: the one whose hands-and-torso zone
    (`models.person_crops.zones`) covers at least half of the weapon box, and among several the one
    to whose torso the weapon is nearest in units of that person's size.

    Args:
        persons_xyxy_px: `(N, 4)` person boxes.
        weapons: weapon boxes of the same frame.
    """
    best = np.zeros(len(persons_xyxy_px), np.float32)
    if not len(persons_xyxy_px) or not len(weapons):
        return best
    left, top, right, bottom = persons_xyxy_px.T.astype(np.float64)
    height = bottom - top
    zone = zones(persons_xyxy_px)
    guns = weapons.xyxy_px.astype(np.float64)
    low = np.maximum(zone[:, None, :2], guns[None, :, :2])
    high = np.minimum(zone[:, None, 2:], guns[None, :, 2:])
    inside = np.clip(high - low, 0, None).prod(axis=2)
    area = np.clip(guns[:, 2:] - guns[:, :2], 1e-6, None).prod(axis=1)
    torso = np.stack([(left + right) / 2, top + 0.4 * height], 1)
    gun_centre = (guns[:, :2] + guns[:, 2:]) / 2
    reach = np.linalg.norm(torso[:, None] - gun_centre[None], axis=2) / height[:, None]
    reach[inside / area < _MINIMUM_COVER] = np.inf
    owner = reach.argmin(axis=0)
    owned = np.isfinite(reach.min(axis=0))
    np.maximum.at(best, owner[owned], weapons.confidence[owned])
    return best


class ArmedEvidence:
    """The armed evidence of all tracks of one camera.

    Args:
        rates: look rates of the checkpoint that finds the weapons.
        dwell: how long the hidden states last.
    """

    def __init__(self, rates: LookRates, dwell: Dwell | None = None) -> None:
        self._rates = rates
        self._dwell = dwell or Dwell()
        self._log_shown, self._log_plain = rates.log_rates()
        self._ids: NDArray[np.int64] = np.zeros(0, np.int64)
        # (tracks, hypothesis armed | unarmed, state quiet | firing), joint log-likelihoods.
        self._log_alpha: NDArray[np.float64] = np.zeros((0, 2, 2))
        self._looked_at_s: NDArray[np.float64] = np.zeros(0)

    def look(
        self,
        track_id: NDArray[np.int64],
        persons_xyxy_px: NDArray[np.float32],
        weapons: Detections,
        captured_at_s: float,
        looked: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float64]:
        """Take one look at each track and return its log-likelihood ratio so far, `(N,)` float64.

        Args:
            track_id: `(N,)` identities, each at least 0 and at most once.
            persons_xyxy_px: `(N, 4)` boxes of the same persons.
            weapons: weapon boxes of the frame.
            captured_at_s: capture time, Unix seconds.
            looked: `(N,)` who was looked at; the evidence of the others stays. Everybody if None.
        """
        if (track_id == NOT_TRACKED).any():
            raise ValueError("track_id: only tracked persons can be looked at")
        confidence = assign_weapons(persons_xyxy_px, weapons)
        if looked is None:
            return self._update(track_id, persons_xyxy_px, confidence, captured_at_s)
        ratio, _ = self.standing(track_id, captured_at_s)
        ratio[looked] = self._update(
            track_id[looked], persons_xyxy_px[looked], confidence[looked], captured_at_s
        )
        return ratio

    def standing(
        self, track_id: NDArray[np.int64], now_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The log-likelihood ratio of each track and the seconds since its last look, both `(N,)`.

        A track that was never looked at has the ratio 0 and an infinite time.
        """
        slot = np.searchsorted(self._ids, track_id)
        there = np.isin(track_id, self._ids)
        ratio, since_s = np.zeros(len(track_id)), np.full(len(track_id), np.inf)
        likelihood = np.logaddexp.reduce(self._log_alpha[slot[there]], axis=2)
        ratio[there] = likelihood[:, 0] - likelihood[:, 1]
        since_s[there] = now_s - self._looked_at_s[slot[there]]
        return ratio, since_s

    def _update(
        self,
        track_id: NDArray[np.int64],
        persons_xyxy_px: NDArray[np.float32],
        confidence: NDArray[np.float32],
        captured_at_s: float,
    ) -> NDArray[np.float64]:
        self._make_room(track_id, captured_at_s)
        slot = np.searchsorted(self._ids, track_id)
        since_s = np.clip(captured_at_s - self._looked_at_s[slot], 0.0, None)
        first = np.isinf(since_s)
        since_s = np.where(first, 0.0, since_s)

        height_px = persons_xyxy_px[:, 3] - persons_xyxy_px[:, 1]
        row, column = self._rates.outcome_bins(height_px, confidence)
        weight = np.where(first, 1.0, 1.0 - np.exp(-since_s / self._dwell.correlation_s))
        quiet = weight * self._log_plain[row, column]
        firing = weight * self._log_shown[row, column]
        emission = np.stack([quiet, firing], axis=1)[:, None, :]

        # Forward step: alpha'(s) = sum_r alpha(r) P(r -> s) * P(outcome | s).
        carried = np.logaddexp.reduce(
            self._log_alpha[slot][:, :, :, None] + self._log_transition(since_s), axis=2
        )
        alpha = np.where(first[:, None, None], self._log_first(), carried) + emission
        # Only the ratio of the hypotheses matters: scale unarmed to 1 and armed to the ratio.
        likelihood = np.logaddexp.reduce(alpha, axis=2)
        ratio: NDArray[np.float64] = np.clip(
            likelihood[:, 0] - likelihood[:, 1], WEAKEST_LLR, STRONGEST_LLR
        )
        alpha -= likelihood[:, :, None]
        alpha[:, 0] += ratio[:, None]
        self._log_alpha[slot] = alpha
        self._looked_at_s[slot] = captured_at_s
        return ratio

    def _log_first(self) -> NDArray[np.float64]:
        d = self._dwell
        return np.log(
            [
                [1 - d.first_shown, d.first_shown],
                [1 - d.first_confusable, d.first_confusable],
            ]
        )

    def _log_transition(self, since_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log P(state r -> state s) over `since_s`, `(N, 2, 2, 2)`: track, hypothesis, r, s.

        The two-state continuous-time chain with rates on, off has
        P(quiet -> firing) = on / (on + off) * (1 - exp(-(on + off) t)).
        """
        d = self._dwell
        on = np.array([d.shows, d.confuses])
        off = np.array([d.hides, d.clears])
        mixed = 1.0 - np.exp(-(on + off)[None] * np.maximum(since_s, 1e-3)[:, None])
        begins, ends = on / (on + off) * mixed, off / (on + off) * mixed
        matrix = np.stack([np.stack([1 - begins, begins], -1), np.stack([ends, 1 - ends], -1)], 2)
        log_matrix: NDArray[np.float64] = np.log(matrix)
        return log_matrix

    def _make_room(self, track_id: NDArray[np.int64], now_s: float) -> None:
        """Add new tracks and forget those not looked at for long; `_ids` stays sorted."""
        recent = (now_s - self._looked_at_s < _FORGET_S) | np.isin(self._ids, track_id)
        new = np.setdiff1d(track_id, self._ids)
        if recent.all() and not len(new):
            return
        ids = np.concatenate([self._ids[recent], new])
        order = np.argsort(ids)
        self._ids = ids[order]
        self._log_alpha = np.concatenate([self._log_alpha[recent], np.zeros((len(new), 2, 2))])[
            order
        ]
        self._looked_at_s = np.concatenate([self._looked_at_s[recent], np.full(len(new), -np.inf)])[
            order
        ]
