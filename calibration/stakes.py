"""Whom people pointed out and whom they set aside, so that fusion never mixes the two up.

To join a subject that was set aside with one that is armed, or that was pointed out, would hide the
intruder behind somebody else's mark; a camera that lost a body for a moment is the one exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .continuity import ARMED_LLR, CLOSE_M, CLOSE_S

if TYPE_CHECKING:
    from .subject import Subject


@dataclass(frozen=True, slots=True)
class Stakes:
    """Subjects of which people have said what they are.

    Attributes:
        followed: ids of those that were confirmed or are to be followed.
        aside: ids of those that are known not to be the intruder.
    """

    followed: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    def is_followed(self, subject: Subject) -> bool:
        """Whether somebody pointed the subject out: it is never forgotten."""
        return f"S{subject.number}" in self.followed

    def llr(self, subject: Subject) -> float:
        """Evidence for handing on its identity: who was pointed out counts as seen to be armed."""
        return max(subject.armed_llr, ARMED_LLR if self.is_followed(subject) else -np.inf)

    def forbid_continuing(self, newer: Subject, older: Subject) -> bool:
        """Whether the newer subject must not continue the older one, which is out of view."""
        new_aside, old_aside = (f"S{s.number}" in self.aside for s in (newer, older))
        if new_aside == old_aside:
            return False
        other = older if new_aside else newer
        away_m = float(np.hypot(*(newer.born_xy_m - older.mean[:2])))
        lost_for_s = abs(newer.born_s - older.seen_at_s)
        lost_for_a_moment = old_aside and lost_for_s <= CLOSE_S and away_m <= CLOSE_M
        return self.llr(other) >= ARMED_LLR and not lost_for_a_moment

    def forbid_merging(self, older: Subject, newer: Subject) -> bool:
        """Whether two subjects at one place must stay two.

        So they must where one is set aside and the other is followed, or is armed while the one set
        aside is not: an intruder beside somebody who was ruled out must not vanish into them.
        """
        for aside, other in ((older, newer), (newer, older)):
            if f"S{aside.number}" not in self.aside or f"S{other.number}" in self.aside:
                continue
            armed = other.armed_llr >= ARMED_LLR and aside.armed_llr < ARMED_LLR
            if armed or self.is_followed(other):
                return True
        return False
