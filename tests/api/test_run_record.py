"""A saved run comes back as it was, and anything else is refused with its line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.errors import RunRecordError
from api.input_log import note_of
from api.run_record import load_run, save_run
from api.scoring import score
from calibration.inputs import Mark
from tests.api.scored_drill import START_S, observation, perfect, record, site, truth

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_scores_the_same_after_being_saved(tmp_path: Path) -> None:
    seen = observation(1.0, (0.01, 0.1, 0.11, None))
    places = replace(
        seen.positions,
        xy_m=np.array([[1.25, 2.5]]),
        cov_m2=np.array([[[0.04, 0.01], [0.01, 0.05]]]),
        from_head=np.array([True]),
        confidence=np.array([0.5], np.float32),
        track_id=np.array([7], np.int64),
        armed_llr=np.array([1.5]),
        unplaced=2,
    )
    run = record(perfect(0.3), [replace(seen, positions=places), observation(1.1)])
    save_run(run, tmp_path / "run.jsonl")
    back = load_run(tmp_path / "run.jsonl")
    assert back.answers == run.answers
    assert back.frames == run.frames
    assert (back.machine, back.versions, back.problems) == (
        run.machine,
        run.versions,
        run.problems,
    )
    first = back.observations[0]
    np.testing.assert_array_equal(first.positions.cov_m2, places.cov_m2)
    assert (first.positions.unplaced, first.positions.track_id.tolist()) == (2, [7])
    assert first.times.captured_s == seen.times.captured_s
    assert score(back, site(), truth()).figures == score(run, site(), truth()).figures


def test_numbers_are_kept_to_the_last_bit_and_order_as_it_was(tmp_path: Path) -> None:
    said = Mark("confirm", "S1", START_S + 0.1, 1, "dispatcher")
    late = replace(perfect()[3], at_s=1_772_442_000.1234567)
    run = replace(record([]), log=(observation(0.3), late, said, observation(0.1 + 0.2), late))
    save_run(run, tmp_path / "run.jsonl")
    back = load_run(tmp_path / "run.jsonl")
    assert [type(entry) for entry in back.log] == [type(entry) for entry in run.log]
    assert back.answers == (late, late)
    assert back.log[2] == said
    assert back.observations[1].positions.captured_at_s == START_S + (0.1 + 0.2)


def test_trails_are_left_out_and_the_digest_knows_them(tmp_path: Path) -> None:
    plain = perfect()[3]
    walked = replace(plain, subjects=(replace(plain.subjects[0], trail_m=((1.0, 2.0),)),))
    save_run(record([walked]), tmp_path / "run.jsonl")
    back = load_run(tmp_path / "run.jsonl")
    assert back.answers[0].subjects[0].trail_m == ()
    assert back.digests == (note_of(walked).digest,)
    assert note_of(walked).digest != note_of(back.answers[0]).digest


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"kind": "answer"}', "line 2: answer: is missing"),
        ('{"kind": "gossip"}', "line 2: unknown kind 'gossip'"),
        ('{"kind": "answer", "answer": {"at_s": "x"}}', "line 2: at_s:"),
        ('{"kind": "answer", "ans', "line 2: is not of a saved run"),
        ("[1]", "line 2: is not of a saved run"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "run.jsonl"
    save_run(record([]), path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(RunRecordError) as caught:
        load_run(path)
    assert message in str(caught.value)


def test_a_file_of_another_schema_or_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    save_run(record([]), path)
    head = json.loads(path.read_text())
    path.write_text(json.dumps({**head, "schema": 1}) + "\n")
    with pytest.raises(RunRecordError, match="line 1: schema"):
        load_run(path)
    path.write_text("")
    with pytest.raises(RunRecordError, match="is empty"):
        load_run(path)
    with pytest.raises(RunRecordError, match="cannot be read"):
        load_run(tmp_path / "absent.jsonl")
    with pytest.raises(RunRecordError, match="cannot be written: No such file"):
        save_run(record([]), tmp_path / "absent" / "run.jsonl")
