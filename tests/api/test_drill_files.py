"""Drill folders: what is read, and every way in which one can be wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.drill_files import is_drill, load_drill
from api.errors import DrillError

WING = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"


@pytest.fixture
def drill_dir(tmp_path: Path) -> Path:
    """A copy of the built-in drill without its videos, replaced by empty files."""
    folder = tmp_path / "drill"
    shutil.copytree(WING, folder, ignore=shutil.ignore_patterns("*.mp4", "truth"))
    (folder / "video").mkdir(exist_ok=True)
    for feed in range(1, 7):
        (folder / "video" / f"cam-0{feed}.mp4").touch()
    return folder


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "drill.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_built_in_drill_is_read(drill_dir: Path) -> None:
    drill = load_drill(drill_dir)
    assert is_drill(drill_dir)
    assert drill.exercise
    assert drill.duration_s == 60
    assert len(drill.feeds) == 6
    assert {feed.camera for feed in drill.feeds} == set(drill.site.cameras)
    assert all(feed.has_pixels for feed in drill.feeds)
    assert [event.t_s for event in drill.events] == sorted(e.t_s for e in drill.events)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('camera = "cam-02"', 'camera = "cam-77"', "no camera 'cam-77' here; known: cam-01"),
        ('camera = "cam-02"', 'camera = "cam-01"', "camera 'cam-01' has a feed already"),
        ("video/cam-03.mp4", "video/gone.mp4", "feeds\\[2\\].video: there is no file video/gone"),
        ('video = "video/cam-01.mp4"', "", "give either 'video' or 'boxes'"),
        ('video = "video/cam-01.mp4"', 'boxes = "b.csv"', "'boxes' need 'fps'"),
        ("duration_s = 60.0", "duration_s = -1", "duration_s: Input should be greater than 0"),
        ("09:00:00Z", "09:00:00", "start: say the time zone"),
        ("schema = 1", "schema = 2", "schema: Input should be 1"),
        ("exercise = true", "exercise = true\nexcercise = 1", "excercise: Extra inputs"),
        ("schema = 1", "schema = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(drill_dir: Path, old: str, new: str, message: str) -> None:
    rewrite(drill_dir, old, new)
    with pytest.raises(DrillError, match=message) as caught:
        load_drill(drill_dir)
    assert "drill.toml" in str(caught.value)


def test_all_problems_are_listed_at_once(drill_dir: Path) -> None:
    rewrite(drill_dir, 'camera = "cam-02"', 'camera = "cam-77"')
    rewrite(drill_dir, "video/cam-03.mp4", "video/gone.mp4")
    with pytest.raises(DrillError) as caught:
        load_drill(drill_dir)
    assert len(str(caught.value).splitlines()) == 2


def test_a_folder_without_drill_file_says_so(tmp_path: Path) -> None:
    assert not is_drill(tmp_path)
    with pytest.raises(DrillError, match="a drill folder holds a file"):
        load_drill(tmp_path)
