"""What really happened in a drill: who stood where, when, and what each camera could see of it.

`truth.csv` of a drill folder holds one line per person and moment
(`t,person,level,x,y,role,armed`). Rendered drills also hold the body boxes
`truth/boxes/<camera>.csv` and the weapon boxes `truth/weapons/<camera>.csv`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from vision.errors import MediaError
from vision.video_file import probe_file

from .drill_files import is_drill, load_drill
from .errors import TruthError
from .truth_rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely import Polygon

    from calibration.site import Site

    from .drill_files import Drill
    from .truth_rows import Row

POSITIONS_FILE: Final = "truth.csv"
INTRUDER: Final = "intruder"
ROLES: Final = (INTRUDER, "student", "staff", "responder")
LONGEST_GAP_S: Final = 1.0
"""Longest pause between two truth lines of a person that a straight line bridges: in it a walking
person leaves the line by less than the metre that scoring allows."""
_SAME_MOMENT_S: Final = 1e-3
"""Unix seconds in double precision are good to a quarter of a microsecond, frames far apart."""
VISIBLE_SHARE: Final = 0.5
"""A person counts as visible where at least this share of the body shows in the picture."""

_POSITION_COLUMNS = ("t", "person", "level", "x", "y", "role", "armed")
_BOX_COLUMNS = ("frame", "id", "left", "top", "width", "height", "visible")
_WEAPON_COLUMNS = (*_BOX_COLUMNS, "kind")
WEAPON_KINDS: Final = ("handgun", "rifle")


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When the frames of one feed were taken: frame n (from 1) at `offset_s + (n - 1) / fps`."""

    fps: float
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """One person at M moments.

    Attributes:
        present: `(M,)` bool, False where the truth says nothing of this person.
        xy_m: `(M, 2)` float64, site metres; meaningless where not present.
        level: `(M,)` object, level id; "" where not present.
        armed: `(M,)` bool; False where not present.
    """

    present: NDArray[np.bool_]
    xy_m: NDArray[np.float64]
    level: NDArray[np.object_]
    armed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class TruePath:
    """Where one person was, by time.

    Attributes:
        person: id, the same in all truth files.
        role: intruder, student, staff or responder.
        t_s: `(N,)` float64, seconds from the start of the drill, rising.
        xy_m: `(N, 2)` float64, site metres.
        level: `(N,)` object, level id.
        armed: `(N,)` bool.
    """

    person: str
    role: str
    t_s: NDArray[np.float64]
    xy_m: NDArray[np.float64]
    level: NDArray[np.object_]
    armed: NDArray[np.bool_]

    def at(self, t_s: NDArray[np.float64]) -> Whereabouts:
        """Return where the person is at each of `t_s`, `(M,)` seconds from the drill's start.

        Between two lines at most `LONGEST_GAP_S` apart and on one level the place is on the
        straight line, and the level and the weapon are those of the earlier line. A moment on
        the far side of a longer pause, or where the level changes, has no place but at the
        lines themselves.
        """
        last = len(self.t_s) - 1
        before = np.clip(np.searchsorted(self.t_s, t_s, side="right") - 1, 0, last)
        after = np.clip(before + 1, 0, last)
        gap_s = self.t_s[after] - self.t_s[before]
        share = np.clip(
            np.divide(t_s - self.t_s[before], gap_s, out=np.zeros_like(t_s), where=gap_s > 0), 0, 1
        )
        on_line = np.isclose(t_s, self.t_s[before], rtol=0, atol=_SAME_MOMENT_S)
        between = (
            (t_s > self.t_s[before])
            & (t_s <= self.t_s[after])
            & (gap_s <= LONGEST_GAP_S)
            & (self.level[before] == self.level[after])
        )
        present = on_line | between
        xy_m = self.xy_m[before] + share[:, None] * (self.xy_m[after] - self.xy_m[before])
        level = np.where(present, self.level[before], "")
        return Whereabouts(present, xy_m, level, self.armed[before] & present)


@dataclass(frozen=True, slots=True, eq=False)
class TrueBoxes:
    """Boxes of one camera, of bodies or of weapons.

    Attributes:
        clock: when the frames were taken.
        frame: `(N,)` int64, from 1.
        person: `(N,)` object, ids as in `TruePath.person`.
        xyxy_px: `(N, 4)` float64, left, top, right, bottom, pixels of the frame.
        visible: `(N,)` float64, the share that shows, 0..1.
        kind: `(N,)` object, handgun or rifle; "" for bodies.
    """

    clock: FrameClock
    frame: NDArray[np.int64]
    person: NDArray[np.object_]
    xyxy_px: NDArray[np.float64]
    visible: NDArray[np.float64]
    kind: NDArray[np.object_]

    def shown(self, person: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of `person` that shows at each of `t_s`, `(M,)`, in the nearest frame.

        0 where the frame has no box of the person and beyond either end of the feed.
        """
        nearest = np.rint((t_s - self.clock.offset_s) * self.clock.fps).astype(np.int64) + 1
        mine = self.person == person
        count = int(self.frame.max(initial=0))
        by_frame = np.zeros(count + 1)
        by_frame[self.frame[mine]] = self.visible[mine]
        known = (nearest >= 1) & (nearest <= count)
        return np.where(known, by_frame[np.where(known, nearest, 0)], 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """All that is known for certain of a drill.

    Attributes:
        people: every person of `truth.csv`, in the order of their first line.
        boxes: body boxes by camera id; cameras without a file have no entry.
        weapons: weapon boxes by camera id.
        area: where the truth tells of everybody, site metres; None: everywhere. Who is told of
            elsewhere is neither right nor wrong.
    """

    people: tuple[TruePath, ...]
    boxes: Mapping[str, TrueBoxes] = field(default_factory=dict)
    weapons: Mapping[str, TrueBoxes] = field(default_factory=dict)
    area: Polygon | None = None

    @property
    def moments_per_s(self) -> float:
        """How often the truth was written down: from the median pause between a person's lines."""
        pauses_s = [np.diff(path.t_s) for path in self.people if len(path.t_s) > 1]
        if not pauses_s:
            return float("inf")
        return round(float(1.0 / np.median(np.concatenate(pauses_s))), 3)

    @property
    def intruder(self) -> TruePath | None:
        """The person to be found; None where the drill has no intruder."""
        return next((path for path in self.people if path.role == INTRUDER), None)


def load_truth(folder: Path, site: Site) -> Truth | None:
    """Return the truth of the drill in `folder`, None where it has no `truth.csv`.

    Args:
        folder: the drill folder; its `drill.toml` says when the frames of box files were taken.
        site: its site.

    Raises:
        TruthError: naming file, line and field, for the first thing that is wrong.
        api.errors.DrillError: where there are box files and `drill.toml` is wrong.
    """
    if not (folder / POSITIONS_FILE).is_file():
        return None
    drill = load_drill(folder) if is_drill(folder) else None
    clocks = frame_clocks(drill) if drill is not None and (folder / "truth").is_dir() else {}
    truth = read_truth(folder, frozenset(level.id for level in site.levels), clocks)
    if truth is None or drill is None:
        return truth
    return replace(truth, area=drill.truth_area)


def frame_clocks(drill: Drill) -> dict[str, FrameClock]:
    """Return the frame clock of each feed of `drill` by camera id.

    A video that cannot be opened plays no frame, which the run reports; so that the truth about
    its camera can still be read, it is taken to have the rate of the other feeds.

    Raises:
        TruthError: where no feed tells its rate.
    """
    rates = {feed.camera: feed.fps or _rate_fps(feed.path) for feed in drill.feeds}
    known = [rate for rate in rates.values() if rate]
    if not known:
        raise TruthError(f"{drill.folder}: no video has a frame rate; give a feed an 'fps'")
    return {
        feed.camera: FrameClock(rates[feed.camera] or max(known), feed.offset_s)
        for feed in drill.feeds
    }


def _rate_fps(video: Path) -> float | None:
    try:
        return probe_file(video).fps
    except MediaError:
        return None


def read_truth(
    folder: Path, levels: Collection[str], clocks: Mapping[str, FrameClock]
) -> Truth | None:
    """Return the truth of the drill in `folder`, None where it has no `truth.csv`.

    Args:
        folder: the drill folder.
        levels: ids of the site's levels.
        clocks: frame clock of each feed by camera id; box files of other cameras are refused.

    Raises:
        TruthError: naming file, line and field, for the first thing that is wrong.
    """
    positions = folder / POSITIONS_FILE
    if not positions.is_file():
        return None
    people = _people(positions, read_rows(positions, _POSITION_COLUMNS), levels)
    known = {path.person for path in people}
    return Truth(
        people=people,
        boxes=_box_files(folder / "truth" / "boxes", _BOX_COLUMNS, known, clocks),
        weapons=_box_files(folder / "truth" / "weapons", _WEAPON_COLUMNS, known, clocks),
    )


def _people(path: Path, rows: Sequence[Row], levels: Collection[str]) -> tuple[TruePath, ...]:
    by_person: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        person = row.text("person")
        first = by_person[person][0] if by_person[person] else row
        if row.one_of("role", ROLES) != first.text("role"):
            raise row.error(
                "role",
                f"{person!r} is {first.text('role')!r} in line {first.number}; one role each",
            )
        row.one_of("level", levels)
        row.one_of("armed", ("0", "1"))
        by_person[person].append(row)
    people = tuple(_path(person, lines) for person, lines in by_person.items())
    intruders = [person.person for person in people if person.role == INTRUDER]
    if len(intruders) > 1:
        raise TruthError(
            f"{path}: role: {len(intruders)} persons are {INTRUDER!r} ({', '.join(intruders)}); "
            "a drill is scored on one"
        )
    return people


def _path(person: str, rows: list[Row]) -> TruePath:
    t_s = np.array([row.number_of("t") for row in rows])
    order = np.argsort(t_s, kind="stable")
    doubled = np.flatnonzero(np.diff(t_s[order]) <= 0)
    if len(doubled):
        row = rows[int(order[doubled[0] + 1])]
        raise row.error("t", f"{person!r} has a second line for {row.text('t')} s")
    rows = [rows[i] for i in order]
    return TruePath(
        person=person,
        role=rows[0].text("role"),
        t_s=t_s[order],
        xy_m=np.array([[row.number_of("x"), row.number_of("y")] for row in rows]),
        level=np.array([row.text("level") for row in rows], dtype=object),
        armed=np.array([row.text("armed") == "1" for row in rows]),
    )


def _box_files(
    folder: Path,
    columns: tuple[str, ...],
    people: Collection[str],
    clocks: Mapping[str, FrameClock],
) -> dict[str, TrueBoxes]:
    files = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    for path in files:
        if path.stem not in clocks:
            raise TruthError(
                f"{path}: the drill has no feed of camera {path.stem!r} "
                f"(feeds: {', '.join(sorted(clocks)) or 'none'})"
            )
    return {path.stem: _boxes(path, columns, people, clocks[path.stem]) for path in files}


def _boxes(
    path: Path, columns: tuple[str, ...], people: Collection[str], clock: FrameClock
) -> TrueBoxes:
    rows = read_rows(path, columns)
    frames = [row.whole("frame", least=1) for row in rows]
    persons = [row.one_of("id", people) for row in rows]
    left_top = np.array([[r.number_of("left"), r.number_of("top")] for r in rows]).reshape(-1, 2)
    size = np.array([[r.number_of("width"), r.number_of("height")] for r in rows]).reshape(-1, 2)
    kinds = [row.one_of("kind", WEAPON_KINDS) if "kind" in columns else "" for row in rows]
    return TrueBoxes(
        clock=clock,
        frame=np.array(frames, np.int64),
        person=np.array(persons, dtype=object),
        xyxy_px=np.concatenate([left_top, left_top + size], axis=1),
        visible=np.array([row.number_of("visible", least=0, most=1) for row in rows], np.float64),
        kind=np.array(kinds, dtype=object),
    )
