"""How likely each subject is to be the intruder: log-odds of what cameras, doors and people say.

Each subject's log-odds are a prior plus its evidence, in natural logarithms:

| evidence | log-likelihood ratio |
| --- | --- |
| looks at a weapon | measured, at most `subject.STRONGEST_LLR` |
| a door opened as it should not be | judged, see `door_events.EVENT_ODDS` |
| a person's word that it is, or is not | ± `HUMAN_LLR` |
| a unit's own reports of its position | - `FRIENDLY_LLR` |

The prior is one intruder among those who were seen lately and are ranked, never more than
`ARMED_PRIOR`; subjects are judged one by one, not against each other, because there can be several
intruders or none. So as long as nothing speaks against anybody, every probability is low, and it is
right that it is. To designate a subject moves the list, not the figure: it says whom to follow, not
that it is the intruder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from .marks import NOTHING_SAID, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .answer import SubjectStatus
    from .door_events import DoorEvidence
    from .friendly import Friendly
    from .subject import SubjectState

ARMED_PRIOR = 0.05
"""Probability that somebody on camera during an emergency is armed, before any look. Judgement:
one in twenty on the cameras that watch the place; it decides how many looks it takes to say so."""

HUMAN_LLR = 12.0
"""A person's word (160,000 : 1). Judgement: it outweighs all that cameras and doors say together
(7 and 3) and the prior in a crowd of a thousand, so that the figure says what the person said."""

FRIENDLY_LLR = 9.0
"""Agreement with a unit's reports (8,000 : 1). Judgement: more than looks at a weapon can say,
because officers carry them; less than a person's word, which always overrules it."""

RECENT_S = 60.0

LOOK_AGAIN_LLR = 2.0
"""A rejected subject whose evidence of a weapon has grown by this since (7 : 1) is pointed out."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one subject beside what cameras see.

    Attributes:
        standing: what people say of it.
        friendly: what the reports of units say; None where nothing.
        door: what door events say; None where nothing.
        armed_llr_then: its evidence of a weapon when it was last marked; None without a mark.
    """

    standing: Standing = NOTHING_SAID
    friendly: Friendly | None = None
    door: DoorEvidence | None = None
    armed_llr_then: float | None = None

    @property
    def status(self) -> SubjectStatus:
        """Whether the subject is ranked; a person's word goes before a unit's reports."""
        verdict = self.standing.verdict
        if verdict is not None and self.standing.is_aside:
            return "responder" if verdict.kind == "responder" else "rejected"
        is_unit = self.friendly is not None and self.friendly.sure
        return "responder" if is_unit and not self.standing.is_followed else "ranked"

    @property
    def llr(self) -> float:
        """Log-likelihood ratio of all of it."""
        llr = 0.0 if self.door is None else self.door.llr
        if self.standing.is_confirmed:
            return llr + HUMAN_LLR
        if self.standing.is_aside:
            return llr - HUMAN_LLR
        return llr - FRIENDLY_LLR if self.status == "responder" else llr

    def deserves_another_look(self, subject: SubjectState) -> bool:
        """Whether a subject that was rejected has been seen with a weapon since."""
        then = self.armed_llr_then
        grown = then is not None and subject.armed_llr - then >= LOOK_AGAIN_LLR
        return self.status == "rejected" and grown


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True, eq=False)
class Suspicion:
    """How likely subjects are to be the intruder, as columns.

    Attributes:
        llr: `(N,)` float64, log-likelihood ratio of all evidence, the prior left out.
        probability: `(N,)` float64, of being the intruder.
        armed: `(N,)` float64, probability of being armed from the looks alone.
    """

    llr: NDArray[np.float64]
    probability: NDArray[np.float64]
    armed: NDArray[np.float64]


def suspicion(
    subjects: Sequence[SubjectState], known: Mapping[str, Known], now_s: float
) -> Suspicion:
    """How likely each of the subjects is to be the intruder.

    Args:
        subjects: the subjects, N of them.
        known: what is known of them beside what cameras see, by id.
        now_s: the moment to speak of, Unix seconds.
    """
    of = [known.get(subject.id, NOTHING_KNOWN) for subject in subjects]
    recent = sum(
        now_s - subject.seen_at_s <= RECENT_S and one.status == "ranked"
        for subject, one in zip(subjects, of, strict=True)
    )
    prior = min(ARMED_PRIOR, 1.0 / max(recent, 1))
    looks_llr = np.array([subject.armed_llr for subject in subjects], np.float64)
    llr = looks_llr + np.array([one.llr for one in of], np.float64)
    return Suspicion(
        llr,
        expit(llr + np.log(prior / (1 - prior))),
        expit(looks_llr + np.log(ARMED_PRIOR / (1 - ARMED_PRIOR))),
    )
