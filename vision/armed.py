"""Armed evidence: from weapon boxes frame by frame to a log-likelihood ratio per track.

A look is one frame of one tracked person; its outcome is the confidence of the best weapon box
that belongs to the person. Looks close in time are not independent proof: an armed person's
weapon is hidden for seconds behind the body, and a harmless object that resembles a weapon
resembles it frame after frame. Both are modelled by states that last:

    armed:    hidden <-> shown          shown fires like a weapon in view
    unarmed:  plain  <-> flash          fires like a weapon, for a frame or two
              plain  <-> twin           fires like a weapon for as long as it is in view
              plain  <-> lookalike      fires half like a weapon and half like none, as long

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
from scipy.linalg import block_diag

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

_NEVER = 1e-300
"""In the place of probability 0, whose logarithm has no value: rounding, or the other chain."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A state that comes and goes.

    Attributes:
        first: probability of being in it at the first look at a person.
        begins: rate at which it begins where it is not, per second.
        ends: rate at which it ends, per second.
    """

    first: float
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Spells:
    """How often and for how long the hidden states last.

    Attributes:
        shown: an armed person's weapon in view. Judgement, not measurement: a person walking under
            several cameras turns within a few seconds.
        flash: an unarmed person who fires like an armed one for a moment. In 1,650 s of tracks of
            unarmed people (MEVA, PETS 2009, Intel sample, WiseNET, the quiet drill) scores of 0.5
            and more came 22 times, 8 of them at a track's first look; 21 times the next look was
            below again.
        lookalike: an unarmed person with something that resembles a weapon by half, such as a
            cordless drill: in the quiet drill 2 of 52 tracks scored 0.2 to 0.5 for ten seconds and
            more, one of them somebody who points such a drill.
        twin: an unarmed person with something that fires just like a weapon for as long as it is
            in view, such as a replica. Judgement: none was seen in those tracks, of which there
            are far too few to say how rare it is.
        correlation_s: looks closer together than this count in part only.
    """

    shown: Spell = Spell(first=0.5, begins=0.15, ends=0.15)
    flash: Spell = Spell(first=0.03, begins=0.005, ends=3.0)
    lookalike: Spell = Spell(first=0.05, begins=0.02, ends=0.15)
    twin: Spell = Spell(first=0.001, begins=0.0003, ends=0.15)
    correlation_s: float = 0.3


def assign_weapons(
    persons_xyxy_px: NDArray[np.float32], weapons: Detections
) -> NDArray[np.float32]:
    """The confidence of the best weapon box of each person, `(N,)` float32, 0 for none.

    Args:
        persons_xyxy_px: `(N, 4)` person boxes.
        weapons: weapon boxes of the same frame; see `owners`.
    """
    best = np.zeros(len(persons_xyxy_px), np.float32)
    owner = owners(persons_xyxy_px, weapons)
    owned = owner >= 0
    np.maximum.at(best, owner[owned], weapons.confidence[owned])
    return best


def owners(persons_xyxy_px: NDArray[np.float32], weapons: Detections) -> NDArray[np.intp]:
    """The row of the person to whom each weapon belongs, `(M,)`; -1 where it is nobody's.

    A weapon belongs to at most one person: the one whose hands-and-torso zone
    (`models.person_crops.zones`) covers at least half of the weapon box, and among several the one
    to whose torso the weapon is nearest in units of that person's size.

    Args:
        persons_xyxy_px: `(N, 4)` person boxes.
        weapons: weapon boxes of the same frame.
    """
    if not len(persons_xyxy_px) or not len(weapons):
        return np.full(len(weapons), -1, np.intp)
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
    nearest: NDArray[np.intp] = reach.argmin(axis=0)
    return np.where(np.isfinite(reach.min(axis=0)), nearest, -1)


class _Chain:
    """A continuous-time Markov chain, ready to be asked for many lengths of time at once.

    Args:
        rates: `(S, S)` rate from the state of the row to that of the column, per second; the
            diagonal is filled in. Its eigenvalues must be real: they are where every state goes
            to and from one other, as here.
    """

    def __init__(self, rates: NDArray[np.float64]) -> None:
        generator = rates - np.diag(rates.sum(axis=1))
        values, self._right = np.linalg.eig(generator)
        if np.iscomplexobj(values):
            raise ValueError("rates: a chain that turns in circles has complex eigenvalues")
        self._values, self._left = values, np.linalg.inv(self._right)

    def log_transition(self, since_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log P(state r -> state s) over each time, `(N, S, S)`; P(t) = exp(generator * t)."""
        decay = np.exp(self._values[None] * np.maximum(since_s, 1e-3)[:, None])
        matrix = (self._right[None] * decay[:, None, :]) @ self._left
        log_matrix: NDArray[np.float64] = np.log(np.maximum(matrix, _NEVER))
        return log_matrix


def _prior_and_chain(spells: Spells) -> tuple[NDArray[np.float64], _Chain]:
    """Log-probabilities of the states at the first look, and the chain through all of them."""
    hypotheses = ((spells.shown,), (spells.flash, spells.lookalike, spells.twin))
    first: list[float] = []
    blocks = []
    for others in hypotheses:
        first += [1.0 - sum(spell.first for spell in others), *(spell.first for spell in others)]
        block = np.zeros((1 + len(others), 1 + len(others)))
        block[0, 1:] = [spell.begins for spell in others]
        block[1:, 0] = [spell.ends for spell in others]
        blocks.append(block)
    log_first: NDArray[np.float64] = np.log(first)
    return log_first, _Chain(block_diag(*blocks))


def _halfway(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-rates of what is as like the one as the other: their geometric mean, row by row.

    It lies as far from both (Chernoff's divergence at 1/2), and where the two are the same, which
    is where looks tell nothing, so is it.
    """
    mean = (one + other) / 2
    normalised: NDArray[np.float64] = mean - np.logaddexp.reduce(mean, axis=1)[:, None]
    return normalised


_ARMED, _UNARMED = slice(0, 2), slice(2, 6)
"""Places of the states of the two hypotheses: hidden, shown; plain, flash, lookalike, twin."""


class ArmedEvidence:
    """The armed evidence of all tracks of one camera.

    Args:
        rates: look rates of the checkpoint that finds the weapons.
        spells: how long the hidden states last.
    """

    def __init__(self, rates: LookRates, spells: Spells | None = None) -> None:
        self._rates = rates
        self._spells = spells or Spells()
        shown, plain = rates.log_rates()
        between = _halfway(plain, shown)
        # (rows, columns of the rates, states), see `_ARMED` and `_UNARMED`.
        self._log_emission = np.stack([plain, shown, plain, shown, between, shown], axis=2)
        self._log_first, self._chain = _prior_and_chain(self._spells)
        self._ids: NDArray[np.int64] = np.zeros(0, np.int64)
        # (tracks, states): joint log-likelihoods, those of unarmed adding up to 1.
        self._log_alpha: NDArray[np.float64] = np.zeros((0, len(self._log_first)))
        self._ratio: NDArray[np.float64] = np.zeros(0)
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
        if looked is None:
            confidence = assign_weapons(persons_xyxy_px, weapons)
            return self._update(track_id, persons_xyxy_px, confidence, captured_at_s)
        ratio, _ = self.standing(track_id, captured_at_s)
        if not looked.any():
            return ratio
        confidence = assign_weapons(persons_xyxy_px, weapons)
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
        ratio, since_s = np.zeros(len(track_id)), np.full(len(track_id), np.inf)
        if not len(track_id) or not len(self._ids):
            return ratio, since_s
        slot, there = self._slots(track_id)
        ratio[there] = self._ratio[slot[there]]
        since_s[there] = now_s - self._looked_at_s[slot[there]]
        return ratio, since_s

    def _slots(self, track_id: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each track is kept, if it is, and whether it is."""
        if not len(self._ids):
            return np.zeros(len(track_id), np.intp), np.zeros(len(track_id), np.bool_)
        slot = np.minimum(np.searchsorted(self._ids, track_id), len(self._ids) - 1)
        return slot, np.equal(self._ids[slot], track_id)

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
        weight = np.where(first, 1.0, 1.0 - np.exp(-since_s / self._spells.correlation_s))
        emission = weight[:, None] * self._log_emission[row, column]

        # Forward step: alpha'(s) = sum_r alpha(r) P(r -> s) * P(outcome | s).
        carried = np.logaddexp.reduce(
            self._log_alpha[slot][:, :, None] + self._chain.log_transition(since_s), axis=1
        )
        alpha = np.where(first[:, None], self._log_first, carried) + emission
        # Only the ratio of the hypotheses matters: scale unarmed to 1 and armed to the ratio.
        armed = np.logaddexp.reduce(alpha[:, _ARMED], axis=1)
        unarmed = np.logaddexp.reduce(alpha[:, _UNARMED], axis=1)
        ratio: NDArray[np.float64] = np.clip(armed - unarmed, WEAKEST_LLR, STRONGEST_LLR)
        alpha[:, _ARMED] += (ratio - armed)[:, None]
        alpha[:, _UNARMED] -= unarmed[:, None]
        self._log_alpha[slot] = alpha
        self._ratio[slot] = ratio
        self._looked_at_s[slot] = captured_at_s
        return ratio

    def _make_room(self, track_id: NDArray[np.int64], now_s: float) -> None:
        """Add new tracks and forget those not looked at for long; `_ids` stays sorted."""
        slot, there = self._slots(track_id)
        recent = now_s - self._looked_at_s < _FORGET_S
        recent[slot[there]] = True
        new = track_id[~there]
        if recent.all() and not len(new):
            return
        ids = np.concatenate([self._ids[recent], new])
        order = np.argsort(ids)
        self._ids = ids[order]
        self._log_alpha = np.concatenate(
            [self._log_alpha[recent], np.zeros((len(new), len(self._log_first)))]
        )[order]
        self._ratio = np.concatenate([self._ratio[recent], np.zeros(len(new))])[order]
        self._looked_at_s = np.concatenate([self._looked_at_s[recent], np.full(len(new), -np.inf)])[
            order
        ]
