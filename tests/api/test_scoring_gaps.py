"""What a report says of times in which a run stood still, and of workers that were lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.report import write_report
from api.run_news import CamerasMoved
from api.run_record import FrameCounts, load_run, save_run
from api.scoring import score
from tests.api import scored_drill
from tests.api.scored_drill import START_S, Says, answer, observation

if TYPE_CHECKING:
    from pathlib import Path

    from api.input_log import Observation
    from api.run_record import RunRecord
    from calibration.answer import Answer

LOST = CamerasMoved(
    START_S + 5.0, ("cam",), "worker 2 on node-b", "worker 1", "died (node-b was lost)", 2.0
)


def played(
    frames_t_s: list[float], answers_t_s: list[float], moves: tuple[CamerasMoved, ...] = ()
) -> RunRecord:
    """Ten seconds with frames and answers at these times."""
    entries: list[tuple[float, Observation | Answer]] = [
        (t_s, observation(t_s)) for t_s in frames_t_s
    ]
    entries += [(t_s + 0.01, answer(t_s + 0.01, [Says((2.0, 2.5))], "1")) for t_s in answers_t_s]
    record = scored_drill.record([])
    log = tuple(entry for _, entry in sorted(entries, key=lambda one: one[0]))
    return replace(record, log=log, frames={"cam": FrameCounts(90, 90, 0)}, moves=moves)


def steady(*pauses: tuple[float, float]) -> list[float]:
    every = np.arange(0.05, 10.0, 0.1).tolist()
    return [t_s for t_s in every if not any(begin < t_s < end for begin, end in pauses)]


@pytest.mark.parametrize(
    ("frames", "answers", "moves", "expected", "why"),
    [
        (steady(), steady(), (), [], "nothing stood still"),
        (
            steady((3, 6)),
            steady((3, 6)),
            (),
            [
                (None, 3.0, 6.1, "no answer was published"),
                ("cam", 3.0, 6.1, "no frames were used"),
            ],
            "everything did",
        ),
        (
            steady((3, 6)),
            steady(),
            (LOST,),
            [
                (None, 3.0, 6.1, "no camera gave anything new"),
                (
                    "cam",
                    3.0,
                    6.1,
                    f"no frames were used: {LOST.text}",
                ),
            ],
            "answers went on, and the camera's worker was lost",
        ),
        (
            steady((7, 11)),
            steady((7, 11)),
            (LOST,),
            [
                (None, 7.0, 10.0, "no answer was published"),
                ("cam", 7.0, 10.0, "no frames were used"),
            ],
            "a move at another time explains nothing, and what stopped is out to the end",
        ),
        (steady((3, 4.2)), steady(), (), [], "a pause of a second is none"),
    ],
)
def test_gaps(
    frames: list[float],
    answers: list[float],
    moves: tuple[CamerasMoved, ...],
    expected: list[tuple[str | None, float, float, str]],
    why: str,
) -> None:
    gaps = score(played(frames, answers, moves), scored_drill.site(), None).figures.gaps
    by_camera = sorted(gaps, key=lambda gap: gap.camera or "")
    found = [(gap.camera, gap.why) for gap in by_camera]
    assert found == [(camera, told) for camera, _, _, told in expected], why
    for gap, (_, from_s, until_s, _) in zip(by_camera, expected, strict=True):
        assert gap.from_t_s == pytest.approx(from_s, abs=0.11), why
        assert gap.until_t_s == pytest.approx(until_s, abs=0.11), why


def test_a_run_without_anything_is_one_gap() -> None:
    gaps = score(played([], []), scored_drill.site(), None).figures.gaps
    assert [(gap.camera, gap.from_t_s, gap.until_t_s) for gap in gaps] == [
        (None, 0.0, 10.0),
        ("cam", 0.0, 10.0),
    ]


def test_a_saved_run_keeps_what_was_moved_and_the_page_shows_it(tmp_path: Path) -> None:
    record = played(steady((3, 6)), steady(), (LOST,))
    save_run(record, tmp_path / "run.jsonl")
    kept = load_run(tmp_path / "run.jsonl")
    assert kept.moves == (LOST,)
    write_report(kept, scored_drill.site(), None, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "cam went to worker 1 after 2.0 s" in page
    assert '"gaps":[{"camera":null' in page, "the timeline has a row of it"


def test_a_move_in_words() -> None:
    assert replace(LOST, cameras=("a", "b")).text == (
        "worker 2 on node-b died (node-b was lost); 2 cameras went to worker 1 after 2.0 s"
    )
    shared = CamerasMoved(START_S, ("a",), "worker 1", "worker 2")
    assert shared.text == "a went from worker 1 to worker 2"
