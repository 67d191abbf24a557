"""Truth files are read with every fault named, and places are found between their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.errors import TruthError
from api.truth import FrameClock, Truth, load_truth, read_truth
from tests.api.scored_drill import site, site_folder

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "t,person,level,x,y,role,armed\n"
GOOD = (
    "0,9,L1,1,2,intruder,0\n0,4,L1,3,3,student,0\n0.5,9,L1,2,2,intruder,1\n1,9,L1,2,4,intruder,1\n"
)
CLOCKS = {"cam": FrameClock(10.0, offset_s=1.0)}


def read(folder: Path, lines: str, **boxes: str) -> Truth:
    (folder / "truth.csv").write_text(HEADER + lines)
    for kind, text in boxes.items():
        (folder / "truth" / kind).mkdir(parents=True)
        (folder / "truth" / kind / "cam.csv").write_text(text)
    found = read_truth(folder, {"L1", "L2"}, CLOCKS)
    assert found is not None
    return found


def test_people_come_in_order_with_the_intruder_known(tmp_path: Path) -> None:
    truth = read(tmp_path, GOOD)
    assert [(p.person, p.role, len(p.t_s)) for p in truth.people] == [
        ("9", "intruder", 3),
        ("4", "student", 1),
    ]
    assert truth.intruder is truth.people[0]
    assert read_truth(tmp_path / "elsewhere", {"L1"}, {}) is None


def test_the_last_line_holds_for_a_moment_rounded_in_unix_seconds(tmp_path: Path) -> None:
    intruder = read(tmp_path, GOOD).people[0]
    start_s = 1_772_442_000.0
    for moment in (intruder.t_s[0], intruder.t_s[-1]):
        rounded = (start_s + moment + np.array([-4e-7, 0.0, 4e-7])) - start_s
        assert intruder.at(rounded).present.all()


def test_places_between_lines_lie_on_the_straight_line(tmp_path: Path) -> None:
    intruder = read(tmp_path, GOOD).people[0]
    there = intruder.at(np.array([-0.1, 0.0, 0.25, 0.5, 0.75, 1.0, 1.1]))
    np.testing.assert_array_equal(there.present, [False, True, True, True, True, True, False])
    np.testing.assert_allclose(
        there.xy_m[1:6], [[1.0, 2.0], [1.5, 2.0], [2.0, 2.0], [2.0, 3.0], [2.0, 4.0]], atol=1e-12
    )
    np.testing.assert_array_equal(there.armed, [False, False, False, True, True, True, False])
    assert there.level.tolist() == ["", "L1", "L1", "L1", "L1", "L1", ""]


@pytest.mark.parametrize(
    ("lines", "present"),
    [
        ("0,9,L1,0,0,staff,0\n1.0,9,L1,1,0,staff,0\n", True),  # the longest gap that is bridged
        ("0,9,L1,0,0,staff,0\n1.1,9,L1,1,0,staff,0\n", False),  # a longer one is not
        ("0,9,L1,0,0,staff,0\n1.0,9,L2,1,0,staff,0\n", False),  # nor is a change of level
    ],
)
def test_gaps_and_stairs_are_not_bridged(tmp_path: Path, lines: str, present: bool) -> None:
    there = read(tmp_path, lines).people[0].at(np.array([0.5]))
    assert there.present.tolist() == [present]


def test_lines_may_come_in_any_order(tmp_path: Path) -> None:
    lines = "1,9,L1,2,0,staff,0\n0,9,L1,1,0,staff,0\n"
    assert read(tmp_path, lines).people[0].xy_m.tolist() == [[1, 0], [2, 0]]


BOXES = "frame,id,left,top,width,height,visible\n1,9,10,20,30,60,0.75\n2,9,10,20,30,60,0.25\n"


def test_boxes_say_what_shows_in_the_nearest_frame(tmp_path: Path) -> None:
    weapons = "frame,id,left,top,width,height,visible,kind\n1,9,12,30,5,5,1,rifle\n"
    truth = read(tmp_path, GOOD, boxes=BOXES, weapons=weapons)
    boxes = truth.boxes["cam"]
    # the first frame is at 1.0 s, the second at 1.1 s, and there is no third
    moments = np.array([0.9, 1.0, 1.04, 1.1, 1.2])
    np.testing.assert_allclose(boxes.shown("9", moments), [0, 0.75, 0.75, 0.25, 0])
    np.testing.assert_allclose(boxes.shown("4", moments), 0)
    assert boxes.xyxy_px.tolist()[0] == [10, 20, 40, 80]
    assert truth.weapons["cam"].kind.tolist() == ["rifle"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0,9,L1,1,2,robber,0\n", "line 2: role: 'robber' is unknown (known: intruder"),
        ("0,9,L9,1,2,staff,0\n", "line 2: level: 'L9' is unknown (known: L1, L2)"),
        ("0,9,L1,,2,staff,0\n", "line 2: x: is missing"),
        ("0,9,L1,1,b,staff,0\n", "line 2: y: 'b' is not a number"),
        ("0,9,L1,1,inf,staff,0\n", "line 2: y: 'inf' is not a finite number"),
        ("0,9,L1,1,2,staff,yes\n", "line 2: armed: 'yes' is unknown (known: 0, 1)"),
        ("0,9,L1,1,2,staff,0\n0,9,L1,1,2,staff,0\n", "line 3: t: '9' has a second line for 0 s"),
        (
            "0,9,L1,1,2,staff,0\n1,9,L1,1,2,student,0\n",
            "line 3: role: '9' is 'staff' in line 2",
        ),
        ("0,8,L1,1,2,intruder,0\n0,9,L1,1,2,intruder,0\n", "2 persons are 'intruder' (8, 9)"),
    ],
)
def test_a_fault_is_named_with_its_line_and_field(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(TruthError) as caught:
        read(tmp_path, lines)
    assert message in str(caught.value)
    assert str(tmp_path / "truth.csv") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOXES + "1,77,1,1,1,1,1\n", "line 4: id: '77' is unknown (known: 4, 9)"),
        (BOXES + "0,9,1,1,1,1,1\n", "line 4: frame: must be from 1"),
        (BOXES + "1.5,9,1,1,1,1,1\n", "line 4: frame: must be a whole number, got 1.5"),
        (BOXES + "1,9,1,1,1,1,1.5\n", "line 4: visible: must be from 0 to 1, got 1.5"),
        ("frame,id,left\n", "line 1: column 'top' is missing"),
    ],
)
def test_a_fault_in_a_box_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TruthError) as caught:
        read(tmp_path, GOOD, boxes=text)
    assert message in str(caught.value)


def test_boxes_of_a_camera_without_feed_are_refused(tmp_path: Path) -> None:
    read(tmp_path, GOOD, boxes=BOXES)
    with pytest.raises(TruthError, match=r"no feed of camera 'cam' \(feeds: none\)"):
        read_truth(tmp_path, {"L1"}, {})


def test_frame_clocks_come_from_the_drill(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "drill")
    (folder / "truth.csv").write_text(HEADER + GOOD)
    (folder / "cam.csv").write_text("1,1,0,0,5,5\n")
    (folder / "truth" / "boxes").mkdir(parents=True)
    (folder / "truth" / "boxes" / "cam.csv").write_text(BOXES)
    (folder / "drill.toml").write_text(
        'schema = 1\nname = "d"\nstart = 2026-03-02T09:00:00Z\nduration_s = 10.0\n'
        '[[feeds]]\ncamera = "cam"\nboxes = "cam.csv"\nfps = 5.0\noffset_s = 2.0\n'
    )
    truth = load_truth(folder, site())
    assert truth is not None
    assert truth.boxes["cam"].clock == FrameClock(5.0, 2.0)
