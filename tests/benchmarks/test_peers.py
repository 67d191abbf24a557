"""The comparison with other systems: its protocol, its matching, its ages, and its harness."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import peers, peers_process, plots_peers
from benchmarks.peers_age import Clock, Timed, ages_of_information, quantiles_ms, rate
from benchmarks.peers_clips import as_served, clips, loops
from benchmarks.peers_matching import Agreement, agreement, by_picture, matched_boxes
from benchmarks.peers_process import PeerFailedError, Run, run_peer
from benchmarks.peers_protocol import Job, Results, stamp_of
from benchmarks.peers_report import as_markdown, as_text
from benchmarks.peers_systems import peers_here
from vision.clock_strip import draw_strip
from vision.decode import decode_file

PERSON = (0.0, 0.0, 10.0, 10.0, 0.9, 0.0)
MOVED = (4.0, 0.0, 14.0, 10.0, 0.9, 0.0)  # IoU 6 / 14
NEARLY = (2.0, 0.0, 12.0, 10.0, 0.6, 0.0)  # IoU 8 / 12
WEAPON = (0.0, 0.0, 10.0, 10.0, 0.9, 1.0)


def boxes(*rows: tuple[float, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(rows, np.float32).reshape(-1, 6)


@pytest.mark.parametrize(
    ("found", "others", "matched"),
    [
        pytest.param((), (), 0, id="nothing"),
        pytest.param((PERSON,), (), 0, id="one alone"),
        pytest.param((PERSON,), (NEARLY,), 1, id="overlap enough"),
        pytest.param((PERSON,), (MOVED,), 0, id="overlap too little"),
        pytest.param((PERSON,), (WEAPON,), 0, id="another class"),
        pytest.param((PERSON, NEARLY), (NEARLY,), 1, id="one to one"),
        pytest.param((NEARLY, PERSON), (PERSON, NEARLY), 2, id="the best pairs, in any order"),
    ],
)
def test_boxes_are_matched(found: tuple[Any, ...], others: tuple[Any, ...], matched: int) -> None:
    assert matched_boxes(boxes(*found), boxes(*others)) == matched


def timed(camera: list[int], stamp: list[int], moment_s: list[float], *rows: Any) -> Timed:
    owner = [row for row, found in enumerate(rows) for _ in found]
    return Timed(
        np.array(camera),
        np.array(stamp),
        np.array(moment_s),
        np.array(owner, np.int64),
        boxes(*(box for found in rows for box in found)),
    )


def test_only_pictures_that_both_saw_are_compared() -> None:
    ours = by_picture([timed([0, 0, 1], [5, 6, 5], [0.0, 1.0, 2.0], [PERSON], [], [PERSON])])
    theirs = by_picture(
        [timed([0, 1, 1], [5, 5, -1], [0.0, 1.0, 2.0], [NEARLY], [WEAPON, PERSON], [PERSON])]
    )
    same = agreement(ours, theirs)
    assert same == Agreement(pictures=2, boxes=2, other_boxes=3, matched=2)
    assert same.match_rate == pytest.approx(0.8)
    assert same.count_difference == pytest.approx(0.5)


def test_a_number_tells_when_a_picture_was_captured() -> None:
    clock = Clock(np.array([100.0, 100.05]), np.array([0, 7]), 10.0, 600)
    camera = np.array([0, 1, 0, 0])
    stamp = np.array([30, 37, 599, 0])
    moment_s = np.array([103.2, 103.2, 160.1, 160.1])
    captured_s = clock.captured_s(camera, stamp, moment_s)
    assert captured_s == pytest.approx([103.0, 103.05, 159.9, 160.0])
    late_s = clock.captured_s(camera[:1], stamp[:1], np.array([143.0]))
    assert late_s == pytest.approx([103.0]), "a backlog of forty seconds"


def test_rate_leaves_the_warm_up_out() -> None:
    moment_s = np.array([0.0, 0.0, 9.0, 9.0, 10.0, 10.0, 11.0, 11.0])
    assert rate(moment_s, 4) == (2.0, 9.0, 11.0)
    with pytest.raises(ValueError, match="expected more than 8 results, got 8"):
        rate(moment_s, 8)


def test_information_grows_old_between_results() -> None:
    ages_s = ages_of_information(
        np.array([0, 0]), np.array([9.9, 10.9]), np.array([10.0, 11.0]), 1, (10.0, 12.0), 0.0
    )
    assert ages_s.min() == pytest.approx(0.1)
    assert ages_s.max() == pytest.approx(1.1, abs=0.06)


def test_information_of_a_camera_without_results_is_as_old_as_the_run() -> None:
    ages_s = ages_of_information(
        np.array([0]), np.array([9.9]), np.array([10.0]), 2, (10.0, 10.01), 4.0
    )
    assert ages_s == pytest.approx([0.1, 6.0])


def test_an_old_picture_that_comes_late_makes_nothing_younger() -> None:
    ages_s = ages_of_information(
        np.array([0, 0]), np.array([9.9, 5.0]), np.array([10.0, 10.5]), 1, (10.9, 10.91), 0.0
    )
    assert ages_s == pytest.approx([1.0])


def test_quantiles_of_nothing() -> None:
    assert quantiles_ms(np.zeros(0)) == {"p50": None, "p95": None, "max": None}


def test_results_come_back_as_written(tmp_path: Path) -> None:
    results = Results(2, 60.0)
    enough = [results.enough]
    results.add(1, 7, boxes(PERSON, WEAPON), 5.0)
    results.add(0, -1, boxes(), 6.0)
    assert [*enough, results.enough] == [False, True]
    results.write(str(tmp_path / "x.npz"))
    read = Timed.read(tmp_path / "x.npz")
    assert read.camera.tolist() == [1, 0]
    assert read.stamp.tolist() == [7, -1]
    assert read.moment_s.tolist() == [5.0, 6.0]
    assert read.box_result.tolist() == [0, 0]
    assert by_picture([read]).keys() == {(1, 7)}


def test_every_clip_says_which_picture_it_shows(tmp_path: Path) -> None:
    for path in clips(tmp_path, 2, 12):
        numbers = [stamp_of(frame.image) for frame in decode_file(path, "clip")]
        assert numbers == list(range(100, 112))
    assert stamp_of(np.zeros((64, 640, 3), np.uint8)) == -1


def test_cameras_begin_their_loops_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LASTSEEN_CACHE", str(tmp_path))
    monkeypatch.setattr("benchmarks.peers_clips.LOOP_FRAMES", 20)
    [loop] = loops(1)
    assert loop == loops(1)[0], "from the cache"
    assert loop.keys == (0, 10)
    assert sum(loop.sizes) == Path(loop.path).stat().st_size
    assert [one["first"] for one in as_served([loop], 4)] == [0, 5, 10, 15]


PEER = """
import sys
from benchmarks.peers_protocol import Results, Talk, stamp_of
import numpy as np
print("a library that talks")
talk = Talk()
job = talk.job()
talk.ready("nothing", ("numpy",), "none")
if job.options.get("dies"):
    sys.exit("no such network")
results = Results(job.most_results, job.limit_s)
work = 0
while not results.enough:
    work += sum(range(200_000))
    results.add(0, 3, np.zeros((0, 6), np.float32))
print("it still talks")
talk.measured()
results.write(job.results)
talk.done()
"""


def job_of(folder: Path, **options: Any) -> Job:
    return Job(
        ("a",), False, "w", (0.5, 0.35), 0.55, (640, 384), 10.0, 100, 20.0,
        str(folder / "x.npz"), options,
    )  # fmt: skip


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "peer.py").write_text(PEER.replace('print("a library that talks")\n', ""))
    monkeypatch.setattr(peers_process, "LOOKED_AT_EVERY_S", 0.02)
    return str(tmp_path / "peer.py")


def test_a_peer_is_run_and_watched(tmp_path: Path, program: str) -> None:
    run = run_peer(program, sys.executable, job_of(tmp_path))
    assert run.backend == "nothing"
    assert len(run.results.camera) == 100
    assert run.memory_mib > 5.0
    assert run.shared_once_mib > 1.0
    assert run.cpu_between_s(run.looked_s[0], run.looked_s[-1]) > 0.05


def test_a_peer_that_dies_says_why(tmp_path: Path, program: str) -> None:
    with pytest.raises(PeerFailedError, match="no such network"):
        run_peer(program, sys.executable, job_of(tmp_path, dies=True))


def test_a_job_survives_the_pipe(tmp_path: Path) -> None:
    job = job_of(tmp_path, tracker="x")
    told = {name: getattr(job, name) for name in job.__slots__}
    assert Job.parse(json.dumps(told)) == job


def test_a_system_that_is_not_here_says_how_to_get_it() -> None:
    here, missing = peers_here(["inference", "opencv"], None, "/no/such/python")
    assert [peer.name for peer in here] == ["ours", "opencv"]
    assert "pip install inference" in missing["inference"]
    with pytest.raises(ValueError, match="no system 'yolo'; there are ours, ultralytics"):
        peers_here(["yolo"], None, None)


@pytest.mark.parametrize(
    ("fits", "cameras"), [(0.3, 4), (2.6, 4), (3.1, 8), (13.0, 24), (13.2, 28)]
)
def test_twice_as_many_as_fit(fits: float, cameras: int) -> None:
    assert peers.cameras_that_overload(fits) == cameras


def run_of(results: Timed) -> Run:
    return Run(results, "x", {}, "none", 0.0, np.array([0.0, 9.0]), np.array([0.0, 18.0]), 1.0, 1.0)


def test_figures_of_an_overloaded_run() -> None:
    moment_s = np.arange(40) * 0.1 + 0.25
    stamp = np.arange(40)
    live = peers_process.Cameras(("a",), Clock(np.zeros(1), np.zeros(1, np.int64), 10.0, 600))
    told = peers.age_figures(
        run_of(timed([0] * 40, stamp.tolist(), moment_s.tolist(), *([[]] * 40))), live, 1.0
    )
    assert told["frame_age_ms"] == pytest.approx({"p50": 250.0, "p95": 250.0, "max": 250.0})
    assert told["age_of_information_ms"]["max"] == pytest.approx(350.0, abs=60.0)
    assert told["cores"] == pytest.approx(2.0)
    assert told["frames_per_s"] == pytest.approx(10.0, abs=0.5)


def test_the_whole_is_told_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness with programs that find nothing, files only."""
    (tmp_path / "peer.py").write_text(PEER.replace('print("a library that talks")\n', ""))

    def here(*_: Any) -> tuple[list[Any], dict[str, str]]:
        peer = peers_here(["opencv"], None, None)[0][0]
        rows = [
            type(peer)(name, f"{name}, a stand-in", str(tmp_path / "peer.py"))
            for name in ("ours", "other")
        ]
        rows.append(type(peer)("dies", "one that dies", str(tmp_path / "no-such.py")))
        return rows, {"inference": "not installed here"}

    monkeypatch.setattr(peers, "peers_here", here)
    monkeypatch.setattr(peers, "LIMIT_S", 1.0)
    figures = peers.measure(peers.Sizes(cameras=1, frames=8, rounds=2, seconds=0.0))
    assert figures["throughput"]["other"]["agreement"]["match_rate"] == 1.0
    assert figures["ratios"]["other"]["throughput"]["median"] > 0.0
    json.dumps(figures)
    assert "no-such.py ended before it was done" in figures["failed"]["dies"]
    assert "dies" not in figures["systems"]
    text = as_text(figures)
    assert "other, a stand-in" in text
    assert "not installed here" in text
    assert "| other, a stand-in | nothing |" in as_markdown(figures)
    plots_peers.draw(figures, tmp_path / "peers.svg")
    assert (tmp_path / "peers.svg").read_text().count("a stand-in") >= 2


@pytest.mark.slow
@pytest.mark.rtsp
@pytest.mark.usefixtures("gstreamer")
def test_a_short_run_beside_a_plain_loop() -> None:
    sizes = peers.Sizes(cameras=2, frames=12, rounds=1, seconds=4.0, settle_s=2.0, most_cameras=4)
    figures = peers.measure(sizes, names=["opencv"])
    same = figures["throughput"]["opencv"]["agreement"]
    assert same["pictures"] == 24
    assert same["match_rate"] > 0.95
    for system in ("ours", "opencv"):
        told = figures["overload"][system]["own_capacity"]
        assert told["frame_age_ms"]["p50"] > 0.0
        assert told["pictures_unreadable"] == 0


def test_the_strip_holds_any_number_of_a_loop() -> None:
    picture = np.full((16, 640, 3), 90, np.uint8)
    for number in (0, 1, 599):
        draw_strip(picture, number / 1000.0)
        assert stamp_of(picture) == number
