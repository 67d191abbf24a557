"""Whether a subject is a body at all: every camera that should see it is a witness.

A false box stands in one camera's picture: a coat on a chair, a mirror, a poster. Where other
cameras look at the same place and see nobody, it is no body; where they see one, too, it is. Each
camera that covers the place gives a log-likelihood ratio of its k sightings and m misses:

    real:   (1 - h) ((1 - u) b(k, m; d) + u b(k, m; q)) + h b(k, m; e)
    false:  f b(k, m; q) + (1 - f) b(k, m; e)          b(k, m; p) = p^k (1 - p)^m

with d the camera's detection probability there, u the probability that it is better than promised
there, h that something the plan does not know hides the body from this camera all the time, f that
this camera has a false box there, q how often a body in plain view, or a lasting false box, shows,
and e a stray box in any frame. Of the camera whose box gave
birth to the subject it is given that there is something to see, and a false box shows as often as a
body would: its frames say neither, whether they keep their promise or are better. Frames close in
time are nearly the same look and count by the time between them. The ratio of one camera is
bounded: a thousand frames are still one witness.

This is the existence part of integrated probabilistic data association (Musicki, Evans and
Stankovic, IEEE Trans. Automatic Control 39, 1994) with dependent looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = 0.3
"""h. Furniture that is drawn hides nothing from this model, as `sees` knows it; people, open doors
and what is not drawn do. Judgement: three of ten; so no single camera's silence weighs more than
1.2 in favour of a false box."""

BETTER = 0.3
"""u. A camera that sees small bodies better than the detector's figures promise. Judgement."""

FALSE_HERE = 0.03
"""f of a camera that did not give birth: a lasting false box at one given place."""

FALSE_SHOWS = 0.8
"""q of a lasting false box of a camera that did not give birth: as of a body in plain view."""

STRAY = 0.03
"""e. A box of something else in any one frame, within the gate."""

MOST_LLR = 4.0
"""What one camera can say, either way (55 : 1)."""

PRIOR_LLR = 1.5
"""Of what gave birth to a subject being a body: four of five."""

USUAL_DETECTION = 0.8
"""Assumed of a camera that shows a body where it was not expected to."""

LOOK_S = 0.3
"""Looks this far apart are two: a detector's error on a body that moves a third of a step."""

_MOST_LOOKS = 20.0


@dataclass(slots=True)
class Witness:
    """One camera's looks at one subject.

    Attributes:
        detection: mean detection probability of the looks, 0..1.
        hits: looks that showed it, each counted by the time since the one before.
        misses: looks that should have shown it and did not.
        last_s: capture time of the last look.
    """

    detection: float
    hits: float = 0.0
    misses: float = 0.0
    last_s: float = -np.inf

    def look(self, at_s: float, *, hit: bool, detection: float) -> None:
        """Take in one look, weighted by the time since the last one."""
        weight = min(abs(at_s - self.last_s) / LOOK_S, 1.0)
        self.last_s = max(at_s, self.last_s)
        if hit:
            self.hits += weight
        else:
            self.misses += weight
        total = self.hits + self.misses
        if total > 0:
            self.detection += (detection - self.detection) * min(weight / total, 1.0)
        if total > _MOST_LOOKS:  # what a camera sees now counts, not what it saw minutes ago
            self.hits *= _MOST_LOOKS / total
            self.misses *= _MOST_LOOKS / total

    def llr(self, *, gave_birth: bool) -> float:
        """Natural-log likelihood ratio of a body against a false box, within `MOST_LLR`."""
        k, m = self.hits, self.misses
        stray = _log_looks(k, m, STRAY)
        as_expected = _log_looks(k, m, min(max(self.detection, 2 * STRAY), 0.98))
        plainly = _log_looks(k, m, min(max(self.detection, USUAL_DETECTION), 0.98))
        seen = np.logaddexp(np.log1p(-BETTER) + as_expected, np.log(BETTER) + plainly)
        real = np.logaddexp(np.log1p(-HIDDEN) + seen, np.log(HIDDEN) + stray)
        if gave_birth:
            false = seen
        else:
            shows = _log_looks(k, m, FALSE_SHOWS)
            false = np.logaddexp(np.log(FALSE_HERE) + shows, np.log1p(-FALSE_HERE) + stray)
        return float(np.clip(real - false, -MOST_LLR, MOST_LLR))


def existence_llr(witnesses: Mapping[str, Witness], born_in: str) -> float:
    """Log-odds that a subject is a body, from all cameras that could see it.

    Args:
        witnesses: looks by camera id.
        born_in: the camera whose box gave birth to it.
    """
    return PRIOR_LLR + sum(
        witness.llr(gave_birth=camera == born_in) for camera, witness in witnesses.items()
    )


def _log_looks(hits: float, misses: float, probability: float) -> float:
    return float(hits * np.log(probability) + misses * np.log1p(-probability))
