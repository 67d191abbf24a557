"""Which cameras' newest frames are detected next, where not all of them can be.

Every batch is filled in three steps:

1. The floor: a reserved share of the frames goes to the cameras that were not looked at for
   longest, whatever else is wanted. It carries the bound on staleness, see `staleness_bound_s`.
2. Wants: cameras whose next look is due by their wanted rate, the most overdue first. How overdue
   is time since the last look over wanted time between looks, so when more is wanted than fits,
   all wants are met to the same share. (Earliest deadline first is optimal as long as all deadlines
   can be met, Liu and Layland, J. ACM 20(1), 1973, but under overload it may miss all of them;
   equal slowing down is the elastic task model of Buttazzo et al., RTSS 1998. Serving what has the
   largest weighted age is the max-weight policy of Kadota et al., IEEE/ACM Trans. Networking
   26(6), 2018, for the age of information.)
3. Whatever is left, so that nothing idles: the cameras not looked at for longest, where those in
   which something goes on moving grow old `MOVES_AGE` times as fast. It is no want, because in a
   school in which everybody is afoot it would drown all others.

A camera is wanted because somebody outside says so (`Attention.attend`: a suspect is there or can
walk there next; pruning cameras by where a person can appear is what ReXCam does, Jain et al.,
arXiv:1811.01268), because its own last look left a question open (`Attention.saw`), or, for one
look, because something began to move in it. Without any of these the cameras take turns.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .latest import Waiting

FLOOR_FPS: Final = 1.0
"""Looks a second that every camera gets where they fit into the floor's share."""

FLOOR_SHARE: Final = 0.4
"""Share of the frames that the floor may claim. Judgement: 400 cameras at 95 frames/s are each
looked at every 11 s at the latest, and more than half is free to follow somebody."""

OPEN_FPS: Final = 5.0
"""Looks a second wanted while a track of the last look may be armed or is not confirmed yet."""

OPEN_S: Final = 2.0
"""A question that was left open is dropped after this time without a look."""

STIR_FPS: Final = 10.0
"""A camera in which something began to move is overdue as if this were wanted of it."""

MOVES_AGE: Final = 4.0
"""Where something goes on moving, time since the last look counts for so much, at most. Judgement:
of 400 cameras over 50 people some 100 show motion, and then get as many looks as all others."""

MOST_HALVINGS: Final = 5
"""Each look at something that moves and is nobody halves what motion is worth in that camera, at
most so often: a screen, a flag or a tree."""

FORGIVEN_S: Final = 30.0
"""After so long without such a look motion is worth its whole again."""

WANT_LASTS_S: Final = 10.0
"""Wanted rates that are not renewed are dropped after this time."""

WINDOW_S: Final = 5.0
"""Capacity and starved cameras are told over the last so many seconds."""

_STEP_S: Final = 0.5
_FIRST_AGE_S: Final = 10.0


def staleness_bound_s(
    cameras: int,
    capacity_fps: float,
    *,
    max_frames: int,
    slowest_fps: float = 5.0,
    floor_fps: float = FLOOR_FPS,
    floor_share: float = FLOOR_SHARE,
) -> float:
    """Most seconds between two looks at a camera that keeps sending frames, whatever is wanted.

        B = max(1 / slowest_fps, 1 / floor_fps) + ((N + 1) / floor_share + 2 M) / capacity_fps

    After a look the camera waits until it has sent another frame and its floor is due, then for the
    batch under way (M frames). From there each k frames hold at least `floor_share` k - 1 looks of
    the floor, each at the camera not looked at for longest; fewer than N others come before this
    one, and none comes twice. The last M frames are those of its own batch. (Bounds of this form
    are those of latency-rate servers: Stiliadis and Varma, IEEE/ACM Trans. Networking 6(5), 1998.)

    Args:
        cameras: N, cameras that send frames.
        capacity_fps: frames detected a second, of all cameras together.
        max_frames: M, frames of the largest batch.
        slowest_fps: frames a second that the camera sends at least.
        floor_fps: as in `Attention`.
        floor_share: as in `Attention`.
    """
    waits_s = max(1.0 / slowest_fps, 1.0 / floor_fps)
    return waits_s + ((cameras + 1) / floor_share + 2 * max_frames) / capacity_fps


@dataclass(frozen=True, slots=True)
class Starved:
    """A camera that is looked at less often than wanted, because others are.

    Attributes:
        wanted_fps: looks a second that were wanted, on average over the last seconds.
        got_fps: looks a second that it got.
    """

    wanted_fps: float
    got_fps: float


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Sums up to one moment, by camera: looks wanted, looks given, looks due and not given."""

    at_s: float
    asked: NDArray[np.float64]
    got: NDArray[np.float64]
    passed: NDArray[np.float64]


class Attention:
    """Chooses cameras for `LatestFrames.take`; see the module for the rules.

    It must be asked and told in one thread. It remembers when cameras were looked at and what is
    wanted of them, nothing of people. The same calls at the same times make the same choices.

    Args:
        floor_fps: looks a second that every camera gets where they fit into the floor's share.
        floor_share: share of the frames that the floor may claim, above 0, up to 1.
        now: the clock, Unix seconds.

    Raises:
        ValueError: the floor is not above 0, or its share not within 0..1.
    """

    def __init__(
        self,
        *,
        floor_fps: float = FLOOR_FPS,
        floor_share: float = FLOOR_SHARE,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not floor_fps > 0:
            raise ValueError(f"floor_fps: expected more than 0, got {floor_fps}")
        if not 0 < floor_share <= 1:
            raise ValueError(f"floor_share: expected above 0 and at most 1, got {floor_share}")
        self._floor_fps = floor_fps
        self._floor_share = floor_share
        self._now = now
        self._rows: dict[str, int] = {}
        self._by_name: NDArray[np.int64] = np.zeros(0, np.int64)
        # One column each, by row of the camera.
        self._looked_s: NDArray[np.float64] = np.zeros(0)
        self._attend_fps: NDArray[np.float64] = np.zeros(0)
        self._open_until_s: NDArray[np.float64] = np.zeros(0)
        self._in_motion: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._nobody: NDArray[np.float64] = np.zeros(0)
        self._nobody_s: NDArray[np.float64] = np.zeros(0)
        self._asked: NDArray[np.float64] = np.zeros(0)
        self._got: NDArray[np.float64] = np.zeros(0)
        self._passed: NDArray[np.float64] = np.zeros(0)
        self._attend_until_s = -math.inf
        self._credit = 0.0
        self._told: deque[_Told] = deque()
        self._batches: deque[tuple[float, int, bool]] = deque()
        self._largest = 1

    def attend(self, rates: Mapping[str, float], now_s: float) -> None:
        """Want these looks a second of these cameras from now on, and none more of all others.

        Args:
            rates: looks a second by camera id; unknown cameras are kept for when they come.
            now_s: the moment, Unix seconds. After `WANT_LASTS_S` without news they are dropped.
        """
        rows = self._rows_of(list(rates), now_s)
        self._attend_fps[:] = 0.0
        self._attend_fps[rows] = np.maximum(np.fromiter(rates.values(), float, len(rates)), 0.0)
        self._attend_until_s = now_s + WANT_LASTS_S

    def saw(self, camera: str, now_s: float, *, persons: int, is_open: bool) -> None:
        """Take in what the last look at a camera showed.

        Args:
            camera: camera id.
            now_s: the moment, Unix seconds.
            persons: how many persons were found.
            is_open: whether the look left a question: a track that may be armed and is not decided,
                or a person that is not confirmed by a second frame yet.
        """
        [row] = self._rows_of([camera], now_s)
        self._open_until_s[row] = now_s + OPEN_S if is_open else -math.inf
        if persons:
            self._nobody[row] = 0.0
        elif self._in_motion[row]:
            forgiven = now_s - self._nobody_s[row] > FORGIVEN_S
            before = 0.0 if forgiven else self._nobody[row]
            self._nobody[row] = min(before + 1.0, MOST_HALVINGS)
            self._nobody_s[row] = now_s

    def choose(self, waiting: Sequence[Waiting], max_frames: int) -> list[str]:
        """The cameras to look at now, as `vision.latest.Choose`; all that wait where they fit."""
        now_s = self._now()
        rows = self._rows_of([one.camera for one in waiting], now_s)
        moves = np.fromiter((one.moves for one in waiting), bool, len(waiting))
        stirred = np.fromiter((one.stirred for one in waiting), bool, len(waiting))
        wanted_fps = self._wanted_fps(now_s)
        age_s = np.maximum(now_s - self._looked_s[rows], 0.0)
        worth = self._motion_worth(rows, now_s)
        stir_fps = np.where(stirred, STIR_FPS * worth, 0.0)
        overdue = age_s * np.maximum(wanted_fps[rows], stir_fps)
        turn = np.fromiter((one.served_turn for one in waiting), int, len(waiting))
        captured_s = np.fromiter((one.captured_at_s for one in waiting), float, len(waiting))
        in_turn = np.lexsort((self._by_name[rows], captured_s, turn))
        frames = min(max_frames, len(waiting))

        floor = self._floor(in_turn, age_s, frames)
        rest = in_turn[~np.isin(in_turn, floor)]
        late = np.where(overdue[rest] >= 1.0, overdue[rest], 0.0)
        grown_s = age_s * np.where(moves, 1.0 + (MOVES_AGE - 1.0) * worth, 1.0)
        by_need = rest[np.lexsort((-grown_s[rest], -late))]
        chosen = np.concatenate([floor, by_need])[:frames]

        due = overdue >= 1.0
        due[chosen] = False
        self._passed[rows[due]] += 1.0
        self._note(now_s, wanted_fps, rows[chosen], full=frames < len(waiting))
        self._looked_s[rows[chosen]] = now_s
        self._in_motion[rows[chosen]] = (moves | stirred)[chosen]
        self._largest = max(self._largest, max_frames)
        return [waiting[one].camera for one in chosen.tolist()]

    @property
    def capacity_fps(self) -> float | None:
        """Frames a second that were detected in the last `WINDOW_S`, of all cameras.

        None unless cameras were left waiting all that time: then nobody knows what would fit.
        """
        if not self._batches or not all(full for _, _, full in self._batches):
            return None
        first_s, last_s = self._batches[0][0], self._batches[-1][0]
        served = sum(frames for _, frames, _ in self._batches) - self._batches[-1][1]
        return served / (last_s - first_s) if last_s > first_s else None

    def bound_s(self, *, slowest_fps: float = 5.0) -> float | None:
        """Most seconds between two looks at a camera that is live, at the capacity measured.

        None while all cameras fit: each new frame is then taken with the next batch.

        Args:
            slowest_fps: frames a second that each camera sends at least.
        """
        capacity_fps = self.capacity_fps
        if capacity_fps is None:
            return None
        return staleness_bound_s(
            len(self._rows),
            capacity_fps,
            max_frames=self._largest,
            slowest_fps=slowest_fps,
            floor_fps=self._floor_fps,
            floor_share=self._floor_share,
        )

    def starved(self, now_s: float) -> dict[str, Starved]:
        """Cameras that others kept from what was wanted of them in the last `WINDOW_S`, by id.

        Args:
            now_s: the moment, Unix seconds.
        """
        if not self._told or now_s <= self._told[0].at_s:
            return {}
        then, size = self._told[0], len(self._told[0].got)
        over_s = now_s - then.at_s
        wanted_fps = (self._asked[:size] - then.asked) / over_s
        got_fps = (self._got[:size] - then.got) / over_s
        short = (got_fps < 0.9 * wanted_fps) & (self._passed[:size] > then.passed)
        return {
            camera: Starved(round(float(wanted_fps[row]), 2), round(float(got_fps[row]), 2))
            for camera, row in self._rows.items()
            if row < size and short[row]
        }

    def _floor(
        self, in_turn: NDArray[np.int64], age_s: NDArray[np.float64], frames: int
    ) -> NDArray[np.int64]:
        """Those that the floor takes of the batch, by place in `waiting`."""
        self._credit += self._floor_share * frames
        due = in_turn[age_s[in_turn] >= 1.0 / self._floor_fps]
        floor = due[: int(self._credit)]
        # What the floor did not need is no debt of others.
        self._credit = min(self._credit - len(floor), 1.0)
        return floor

    def _wanted_fps(self, now_s: float) -> NDArray[np.float64]:
        """Looks a second wanted of each camera known, motion left out."""
        attended = self._attend_fps if now_s < self._attend_until_s else 0.0
        return np.maximum(attended, np.where(now_s < self._open_until_s, OPEN_FPS, 0.0))

    def _motion_worth(self, rows: NDArray[np.int64], now_s: float) -> NDArray[np.float64]:
        """What motion is worth in the waiting cameras, 0..1: less where it was nobody before."""
        forgiven = now_s - self._nobody_s[rows] > FORGIVEN_S
        return np.exp2(-np.where(forgiven, 0.0, self._nobody[rows]))

    def _note(
        self,
        now_s: float,
        wanted_fps: NDArray[np.float64],
        served: NDArray[np.int64],
        *,
        full: bool,
    ) -> None:
        """Keep the sums that `capacity_fps` and `starved` are told from."""
        before_s = self._batches[-1][0] if self._batches else now_s
        self._asked += wanted_fps * max(now_s - before_s, 0.0)
        if not self._told or now_s - self._told[-1].at_s >= _STEP_S:
            self._told.append(
                _Told(now_s, self._asked.copy(), self._got.copy(), self._passed.copy())
            )
        while len(self._told) > 1 and self._told[1].at_s <= now_s - WINDOW_S:
            self._told.popleft()
        self._got[served] += 1.0
        self._batches.append((now_s, len(served), full))
        while self._batches[0][0] < now_s - WINDOW_S:
            self._batches.popleft()

    def _rows_of(self, cameras: Sequence[str], now_s: float) -> NDArray[np.int64]:
        """Rows of cameras, new ones added."""
        new = [camera for camera in dict.fromkeys(cameras) if camera not in self._rows]
        if new:
            for camera in new:
                self._rows[camera] = len(self._rows)
            ranks = {name: rank for rank, name in enumerate(sorted(self._rows))}
            self._by_name = np.array([ranks[name] for name in self._rows], np.int64)
            none, never = np.zeros(len(new)), np.full(len(new), -math.inf)
            self._looked_s = np.append(self._looked_s, none + (now_s - _FIRST_AGE_S))
            self._open_until_s = np.append(self._open_until_s, never)
            self._nobody_s = np.append(self._nobody_s, never)
            self._in_motion = np.append(self._in_motion, np.zeros(len(new), np.bool_))
            self._attend_fps = np.append(self._attend_fps, none)
            self._nobody = np.append(self._nobody, none)
            self._asked = np.append(self._asked, none)
            self._got = np.append(self._got, none)
            self._passed = np.append(self._passed, none)
        return np.fromiter((self._rows[camera] for camera in cameras), np.int64, len(cameras))
