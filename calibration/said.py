"""What people and other systems have told a locator, and what is known of subjects by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import numpy as np

from .door_events import DoorEvents, door_distance
from .friendly import Friendlies
from .inputs import Arrival, DoorEvent, FriendlyReport, Mark, Unmark
from .marks import NOTHING_SAID, Marks, subject_now
from .stakes import Stakes
from .suspicion import Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .answer import XY
    from .entrances import EntranceRoutes
    from .floor_plan import FloorPlan
    from .fusion import Fusion
    from .inputs import OperatorInput
    from .subject import SubjectState


class Said:
    """Takes what is told, in its order among the frames; no clock is read.

    Args:
        plan: floor plan.
        routes: walking distances from the entrances of the same plan.
    """

    def __init__(self, plan: FloorPlan, routes: EntranceRoutes) -> None:
        self._marks = Marks()
        self._armed_llr_then: dict[int, float] = {}
        self._doors = DoorEvents(plan, door_distance(plan, routes))
        self._friendlies = Friendlies(several_levels=len(plan.levels) > 1)
        self._arrival: Arrival | None = None
        self._tells_who_is_who = False

    @property
    def arrival_m(self) -> XY | None:
        """Where officers come from, site metres; None where it is not known."""
        return None if self._arrival is None else self._arrival.xy_m

    def take(self, told: OperatorInput, fusion: Fusion) -> None:
        """Take in one thing that was told.

        Args:
            told: what was told.
            fusion: the subjects as they are in this moment.
        """
        match told:
            case Mark():
                self._marks = self._marks.with_mark(told)
                body = subject_now(told.subject, fusion.merged_into)
                of = [s for s in _now(fusion) if s.id == body]
                self._armed_llr_then[told.number] = of[0].armed_llr if of else 0.0
            case Unmark():
                self._marks = self._marks.without(told)
            case FriendlyReport():
                self._friendlies.take(told)
            case DoorEvent():
                self._doors.take(told)
            case Arrival():
                self._arrival = told
            case _:
                assert_never(told)
        self.look(fusion)

    def look(self, fusion: Fusion) -> None:
        """Compare what was told with what cameras have seen by now; to be called for each frame."""
        newest_s = fusion.newest_s
        doors, units = self._doors.waits_for(newest_s), self._friendlies.waits_for(newest_s)
        if doors or units:
            subjects = _now(fusion)
            self._doors.look(subjects, newest_s)
            self._friendlies.look(subjects, newest_s, fusion.merged_into)
        if self._tells_who_is_who or self._marks.given or self._friendlies:
            self._tells_who_is_who = bool(self._marks.given or self._friendlies)
            fusion.heed(self._stakes(fusion))

    def known(
        self, subjects: Sequence[SubjectState], fusion: Fusion, now_s: float
    ) -> dict[str, Known]:
        """What is known beside what cameras see, of those of whom anything is, by id.

        Args:
            subjects: the subjects.
            fusion: where they are from.
            now_s: the moment to speak of, Unix seconds.
        """
        standing = self._marks.standing(fusion.merged_into)
        friendly = self._friendlies.known(now_s)
        doors = self._doors.evidence(subjects, fusion.merged_into) if self._doors else {}
        return {
            subject: Known(
                said := standing.get(subject, NOTHING_SAID),
                friendly.get(subject),
                doors.get(subject),
                None if said.verdict is None else self._armed_llr_then.get(said.verdict.number),
            )
            for subject in {*standing, *friendly, *doors}
        }

    def _stakes(self, fusion: Fusion) -> Stakes:
        standing = self._marks.standing(fusion.merged_into)
        now_s = fusion.newest_s
        units = {s for s, one in self._friendlies.known(now_s).items() if one.sure}
        followed = frozenset(s for s, one in standing.items() if one.is_followed)
        aside = frozenset(s for s, one in standing.items() if one.is_aside)
        return Stakes(followed, aside | (units - followed))


def _now(fusion: Fusion) -> tuple[SubjectState, ...]:
    return fusion.subjects(fusion.newest_s) if np.isfinite(fusion.newest_s) else ()
