"""Public recordings as drills: imported, played, scored, and located again in another way.

The accuracy suite defends figures on them, and `ablations` tells what parts of the locator are
worth. The data are not part of this project; where they lie, `LASTSEEN_DATA` says.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from api.drill_files import load_drill
from api.drill_import import ImportRequest, importer
from api.drill_play import exercise_permit, play_at_full_speed
from api.gate import Gate
from api.input_log import Observation
from api.record import opened_record
from api.scoring import score
from api.scoring_everybody import LATELY_S, PAIR_M
from api.scoring_people import distances_m, scenes
from api.scoring_timeline import spaces_of, timeline_of, visible_to_cameras
from api.truth import load_truth
from calibration.answer import Answer
from calibration.box_noise import BoxNoise
from calibration.search_area import WORTH_TELLING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from api.drill_files import Drill
    from api.run_record import RunRecord
    from api.scoring import Score
    from api.scoring_people import Scenes
    from api.scoring_timeline import Timeline
    from api.truth import Truth
    from calibration.answer import RankedSubject
    from calibration.locator import Locator
    from calibration.positions import FloorPositions

_FAR_M = 1e6


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of a public data set.

    Attributes:
        data_set: the importer's name.
        folder: the data set's folder in the folder of all data.
        source: who made it and under what licence, for whoever reads a figure.
        options: further parts of the `ImportRequest`.
    """

    data_set: str
    folder: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def with_seed(self, seed: int) -> Recording:
        """The recording with another draw of the simulated detector's errors."""
        return replace(self, options={**self.options, "noise": BoxNoise(seed=seed)})

    def import_to(self, data: Path, target: Path) -> Path:
        """Return the drill folder that `lastseen drill import` makes of it.

        Args:
            data: the folder of all data.
            target: the drill folder to be.

        Raises:
            DrillImportError: the data set's folder lacks something, or is not there.
        """
        request = ImportRequest(data / self.folder, target, **self.options)
        return importer(self.data_set)(request, lambda _: None).folder


RECORDINGS = {
    "citic": Recording(
        "citic",
        "citic-mtmc",
        "CITIC-MTMC capture 1 (Carro-Lagoa et al., Internet of Things 24, 2023), CC BY-NC-SA 4.0",
    ),
    "cmc": Recording(
        "cmc",
        "cmc-indoor",
        "CMC J_1_1 (Ong et al., IEEE TPAMI 44(5), 2022), no licence stated",
    ),
    "wildtrack": Recording(
        "wildtrack",
        "wildtrack",
        "WILDTRACK (Chavdarova et al., CVPR 2018), no licence stated",
        {"boxes": "gt"},
    ),
    "multiviewx": Recording(
        "multiviewx",
        "multiviewx-sample",
        "MultiviewX, sample (Hou, Zheng and Gould, ECCV 2020), rendered, no licence stated",
        {"boxes": "gt"},
    ),
    "pets": Recording(
        "pets",
        "pets2009-s2l1",
        "PETS 2009 S2.L1 (Ferryman and Shahrokni, 2009) with places of MOT15, research",
        {"boxes": "gt"},
    ),
}


def data_folder() -> Path:
    """The folder of public data: what `LASTSEEN_DATA` names, else `shared/data` beside this."""
    named = os.environ.get("LASTSEEN_DATA")
    return Path(named) if named else Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A drill and a run of it; the truth is None where the drill has none."""

    drill: Drill
    record: RunRecord
    truth: Truth | None

    def score(self) -> Score:
        """The figures of `report.json` and what lies behind them."""
        return score(self.record, self.drill.site, self.truth)

    def scenes(self) -> Scenes:
        """Who was there and who was told, moment by moment, as MODA and IDF1 take it.

        Raises:
            ValueError: the drill has no truth.
        """
        timeline, truth, visible = self._seen()
        return scenes(timeline, truth, visible)

    def located_again(
        self, locator: Locator, seen_as: Callable[[FloorPositions], FloorPositions]
    ) -> Played:
        """The same run as another locator answers it.

        Args:
            locator: gets what the run's locator got, in the same order, and is asked the same.
            seen_as: what it gets in place of a frame's positions.
        """
        log: list[Any] = []
        for entry in self.record.log:
            if isinstance(entry, Observation):
                changed = replace(entry, positions=seen_as(entry.positions))
                locator.consume(changed.positions, changed.times)
                log.append(changed)
            elif isinstance(entry, Answer):
                log.append(locator.answer(entry.at_s))
            else:
                locator.tell(entry)
                log.append(entry)
        return replace(self, record=replace(self.record, log=tuple(log), digests=()))

    def search_figures(self) -> dict[str, float | None]:
        """How well the search maps held those who were out of view, mean over their moments.

        A person is held against the subject that stood for them when they were last in view, as
        in `search_area_coverage`. `true_room_probability` is what the map gave the space in which
        they were, `true_room_bits` the mean of its binary logarithm, negated (what a reader still
        has to be told), `area95_m2` how much floor the 95 % area took.
        """
        timeline, truth, visible = self._seen()
        there = [path.at(timeline.t_s) for path in truth.people]
        spaces = [spaces_of(self.drill.site.plan, each) for each in there]
        stands_for: dict[int, str] = {}
        probability, area_m2 = [], []
        for moment, answer in enumerate(timeline.answers):
            told = list(answer.subjects) if answer else []
            shown = [visible[path.person][moment] for path in truth.people]
            stands_for |= _standing(truth, told, shown, timeline.start_s)
            by_id = {subject.subject: subject for subject in told}
            for person, name in stands_for.items():
                space = spaces[person][moment]
                if shown[person] or not space:
                    continue
                subject = by_id.get(name)
                probability.append(_probability_of(subject, space))
                if subject is not None and subject.search is not None:
                    area_m2.append(subject.search.area95_m2)
        if not area_m2:
            return dict.fromkeys(("true_room_probability", "true_room_bits", "area95_m2"))
        bits = -np.log2(np.maximum(probability, WORTH_TELLING))
        return {
            "true_room_probability": float(np.mean(probability)),
            "true_room_bits": float(np.mean(bits)),
            "area95_m2": float(np.mean(area_m2)),
        }

    def _seen(self) -> tuple[Timeline, Truth, dict[str, NDArray[np.bool_]]]:
        if self.truth is None:
            raise ValueError(f"{self.drill.name}: has no truth to be held against")
        timeline = timeline_of(self.record, self.truth)
        site = self.drill.site
        cameras = frozenset(self.record.frames) & frozenset(site.cameras)
        return timeline, self.truth, visible_to_cameras(self.truth, site, cameras, timeline.t_s)


def play(folder: Path, state: Path) -> Played:
    """Return the run of a drill folder at full speed.

    Args:
        folder: the drill.
        state: an empty or absent folder for the audit of the exercise.
    """
    drill = load_drill(folder)
    with (
        opened_record(state) as kept,
        exercise_permit(drill, Gate(kept.audit), time.time) as permit,
    ):
        record = play_at_full_speed(drill, permit, lambda _: None)
    return Played(drill, record, load_truth(folder, drill.site))


def _standing(
    truth: Truth, told: list[RankedSubject], shown: list[bool], start_s: float
) -> dict[int, str]:
    """The subject that stands for each person in view, as `scoring_everybody` pairs them."""
    here = [person for person, is_shown in enumerate(shown) if is_shown]
    seen = [subject for subject in told if subject.age_s <= LATELY_S]
    if not here or not seen:
        return {}
    apart_m = distances_m(truth, seen, start_s)[here]
    rows, columns = linear_sum_assignment(np.where(apart_m <= PAIR_M, apart_m, _FAR_M))
    return {
        here[row]: seen[column].subject
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if apart_m[row, column] <= PAIR_M
    }


def _probability_of(subject: RankedSubject | None, space: str) -> float:
    """What the answer gives a space, by the subject's map or, in view, by its place."""
    if subject is None:
        return 0.0
    if subject.search is None:
        return float(subject.space == space)
    return sum(share.probability for share in subject.search.spaces if share.space == space)
