"""A report is two whole files: figures for machines, and a page that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import resource
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from api.errors import ReportError
from api.report import write_report
from api.report_alarms import alarms_shown
from api.report_page import policy_of
from api.report_terms import DEFINITIONS
from api.run_record import load_run, save_run
from api.run_stills import StillsOfAlerts, covered
from api.scoring_alarms import alarms_of
from api.truth import Truth
from tests.api.scored_drill import (
    START_S,
    Says,
    answer,
    observation,
    perfect,
    record,
    site,
    truth,
)
from vision.evidence import EvidencePicture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.run_record import RunRecord
    from calibration.answer import Answer


def a_run() -> RunRecord:
    return record(perfect(0.25), [observation(t / 10, (0.01, 0.1, 0.11, 0.3)) for t in range(90)])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "made"
    write_report(a_run(), site(), truth(), folder)
    return folder


def test_the_figures_are_plain_json(written: Path) -> None:
    figures = json.loads((written / "report.json").read_text())
    assert figures["position_error_m"] == {"median": 0.25, "p95": 0.25}
    assert figures["room_correct"] == 1.0
    assert figures["answer"]["entrance"] == "2"
    assert figures["latency_ms"]["capture_to_published"]["p95"] == pytest.approx(300)
    assert figures["frames"]["cam"] == {"in": 100, "used": 90, "dropped": 10}
    assert figures["search_area_coverage"] is None
    assert figures["nulls"]["search_area_coverage"]


def test_the_page_holds_all_it_needs_and_its_policy_allows_no_more(written: Path) -> None:
    page = (written / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>")
    references = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', page)
    assert all((a or b).startswith(("#", "data:")) for a, b in references)
    assert "<link" not in page
    policy = html.unescape(re.findall(r'Security-Policy" content="([^"]*)"', page)[0])
    for kind in ("style", "script"):
        [text] = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.findall(r'<[^>]* (?:style|on\w+)="', page), "the policy would not allow it"


def test_the_policy_it_is_served_with_puts_it_into_a_sandbox(written: Path) -> None:
    page = (written / "report.html").read_text()
    served = policy_of(page)
    assert served.startswith("sandbox allow-scripts allow-modals; default-src 'none'")
    assert "allow-same-origin" not in served
    said = html.unescape(re.findall(r'Security-Policy" content="([^"]*)"', page)[0])
    assert set(re.findall(r"sha256-[^']+", said)) == set(re.findall(r"sha256-[^']+", served))


def test_the_page_says_answer_door_problems_and_what_every_figure_means(written: Path) -> None:
    page = (written / "report.html").read_text()
    for text in ("EXERCISE", "Somebody, somewhere.", "Two rooms", "stalled for 1 s", "0.25 m"):
        assert text in page
    assert re.search(r'<div class="number">2</div>', page)
    for term in DEFINITIONS.values():
        assert term.label in page
        assert term.meaning in page.replace("&#39;", "'")


def test_texts_of_the_site_and_the_run_cannot_become_markup(tmp_path: Path) -> None:
    run = replace(
        a_run(),
        drill="<script>alert(1)</script>",
        problems=("<img src=x>",),
        log=tuple(replace(a, text="<b>bold</b> $x_1$") for a in perfect()),
    )
    write_report(run, site(), truth(), tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;" in page


def test_a_run_without_truth_or_answers_still_has_a_page(tmp_path: Path) -> None:
    write_report(replace(record([]), exercise=False), site(), None, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "No answer was published." in page
    assert "the drill has no truth.csv" in page
    assert "EXERCISE" not in page


def test_the_same_run_gives_the_same_files(tmp_path: Path, written: Path) -> None:
    write_report(a_run(), site(), truth(), tmp_path)
    for name in ("report.json", "report.html"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Let this process write no file longer than `size` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_room_the_old_report_stays_whole(tmp_path: Path) -> None:
    write_report(a_run(), site(), truth(), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with room_for(1000), pytest.raises(ReportError, match=r"report\.json: the report cannot be"):
        write_report(record(perfect(0.5)), site(), truth(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_in_the_way_of_the_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(ReportError, match="out: the report cannot be written: File exists"):
        write_report(record([]), site(), None, tmp_path / "out")


# A cone of light in the dark: the head of whoever is in it can be told from what was done to it.
_SIDE = 64
_PERSON = (0.2, 0.1, 0.8, 0.95)


def picture(track: int = 1, score: float = 0.8, camera: str = "cam") -> EvidencePicture:
    """A picture whose every column of pixels differs from the next."""
    stripes = np.tile(np.array([0, 255], np.uint8), _SIDE // 2)
    image = np.repeat(np.tile(stripes, (_SIDE, 1))[:, :, None], 3, axis=2)
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return EvidencePicture(
        camera, track, START_S + 2.0, score, (0.4, 0.5, 0.7, 0.6), packed.tobytes(), (_PERSON,)
    )


def armed(subject: str, xy_m: tuple[float, float], tracks: tuple[tuple[str, int], ...]) -> Answer:
    """An answer that calls somebody armed at 2 s."""
    told = answer(2.0, [Says(xy_m, subject=subject)], door="1")
    return replace(told, subjects=(replace(told.subjects[0], armed_tracks=tracks),))


def test_every_false_alarm_is_in_the_page_with_its_picture_and_who_it_was(tmp_path: Path) -> None:
    still = covered(picture(track=7))
    assert still is not None
    alarms = [armed("S2", (1.0, 3.6), (("cam", 7),)), armed("S1", (2.0, 2.5), (("cam", 8),))]
    run = replace(record(alarms), stills=(still,))
    write_report(run, site(), truth(), tmp_path)
    figures = json.loads((tmp_path / "report.json").read_text())
    false, right = figures["alarms"]
    assert (false["subject"], false["false"]) == ("S2", True)
    assert false["really"] == {"person": "4", "role": "student", "armed": False, "away_m": 0.4}
    assert [look["still"] for look in false["looks"]] == [0]
    assert (right["subject"], right["false"], right["looks"]) == ("S1", False, [])
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 1
    assert "student 4, not armed, 0.4 m from there" in page
    assert "no picture was kept of this alert" in page
    assert page.index("FALSE") < page.index("✓ right")


def test_heads_are_covered_in_what_a_run_keeps_and_hands_are_not() -> None:
    still = covered(picture())
    assert still is not None
    kept = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert kept is not None
    head = kept[8:16, 20:44].astype(int)
    hands = kept[32:40, 20:44].astype(int)
    assert np.abs(np.diff(head, axis=1)).max() < 60
    assert np.abs(np.diff(hands, axis=1)).max() > 200


def test_a_picture_that_does_not_say_who_is_in_it_is_not_kept() -> None:
    assert covered(replace(picture(), persons=())) is None


def test_pictures_are_kept_of_those_only_who_were_called_armed() -> None:
    kept = StillsOfAlerts()
    kept.take([picture(1, 0.6), picture(1, 0.8), picture(1, 0.7), picture(2), picture(3)])
    stills = kept.stills([armed("S1", (2.0, 2.5), (("cam", 1), ("cam", 9)))])
    assert [(still.track_id, still.confidence) for still in stills] == [(1, 0.8)]


def test_a_live_run_is_asked_for_the_pictures_of_its_alerts() -> None:
    kept = StillsOfAlerts()
    asked: list[tuple[str, int]] = []

    def picture_of(track: tuple[str, int]) -> EvidencePicture | None:
        asked.append(track)
        return picture(track[1])

    alarm = armed("S1", (2.0, 2.5), (("cam", 4),))
    kept.look(alarm, picture_of)
    kept.look(answer(1.0, [Says((2.0, 2.5), armed=0.5)], door="1"), picture_of)
    kept.look(None, picture_of)
    assert asked == [("cam", 4)]
    assert [still.track_id for still in kept.stills([alarm])] == [4]


def test_stills_survive_being_saved(tmp_path: Path) -> None:
    still = covered(picture(track=7))
    assert still is not None
    save_run(replace(a_run(), stills=(still,)), tmp_path / "run.jsonl")
    [again] = load_run(tmp_path / "run.jsonl").stills
    assert (again.track, again.weapon_box, again.jpeg) == (
        still.track,
        still.weapon_box,
        still.jpeg,
    )


def test_pictures_have_a_bound_and_the_false_ones_come_first(tmp_path: Path) -> None:
    made = [covered(picture(track)) for track in (7, 8)]
    stills = tuple(still for still in made if still is not None)
    alarms = alarms_of(
        [armed("S1", (2.0, 2.5), (("cam", 7),)), armed("S2", (1.0, 3.6), (("cam", 8),))],
        truth(), START_S, stills,
    )  # fmt: skip
    shown, left_out = alarms_shown(alarms, stills, most_bytes=len(stills[0].jpeg))
    assert [(one["alarm"].subject, len(one["pictures"])) for one in shown] == [("S2", 1), ("S1", 0)]
    assert left_out == 1


def test_without_an_intruder_the_plan_shows_everybody_and_how_far_off_they_were(
    tmp_path: Path,
) -> None:
    people = truth().people
    students = Truth(tuple(replace(path, role="student") for path in people), truth().boxes)
    write_report(record(perfect(0.3)), site(), students, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "Where everybody was, and where the answers put them" in page
    assert page.count('class="true everybody"') == 2
    vectors = re.findall(r'<line class="vector h(\d)".*?<title>([\d.]+) s: ([\d.]+) m', page)
    assert {(step, error) for step, _, error in vectors} == {("1", "0.30")}
    # twice a second, both persons
    assert sorted(float(t) for _, t, _ in vectors)[:4] == [0.0, 0.0, 0.5, 0.5]
    assert 'class="heat h1"' in page
