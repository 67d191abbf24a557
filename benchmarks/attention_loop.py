"""The loop around the choice of frames: slots, detector, tracks, locator, and wishes back again.

Slots, choice, locator and wanted rates are those of the product. The detector is replaced by its
measured rates of finding people, and time passes as fast as its speed says: a batch of m frames
takes m / capacity seconds. Tracks follow the tracker's rules: somebody is placed from the second
frame on, and only if it comes within `LOST_TRACK_S` of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from calibration.answer import StageTimes
from calibration.positions import FloorPositions
from calibration.wanted_rates import wanted_rates
from vision.attention import Attention
from vision.latest import LatestFrames, longest_unserved
from vision.track import LOST_TRACK_S
from vision.weapons import UNDECIDED_LLR

from .attention_world import FPS, START_S
from .crowd import jittered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from calibration.answer import Answer
    from calibration.locator import Locator
    from calibration.wanted_rates import AttentionGround
    from vision.latest import Choose, Waiting

    from .attention_world import World

Policy = Literal["attention", "round_robin", "oracle", "no_cue", "seldom_cue", "no_rates"]
"""How frames are chosen: attention as it is, the cameras in turn, by the truth, or attention
without the cue that something moves, with one that sees key frames alone, or without wanted
rates."""

KEY_INTERVAL_S = 2.0
"""Between key frames: all that is decoded of a camera that rests (`vision.decode_plan`)."""

ANSWER_EVERY_S = 0.25
MESSAGE_S = 0.05
"""From an answer until the rates made of it are with the worker."""

LOOK_RATE, LOOK_GAIN, LOOK_LOSS = 0.3, 0.6, -0.05
"""As in `benchmarks.crowd`: how often a look shows the weapon, and what looks add."""

FALSE_LOOK_RATE = 0.01
_STRONGEST_LLR, _WEAKEST_LLR = 7.0, -3.0
_IDLE_S = 0.005
NEAR_M = 4.0
"""The first subject of an answer counts as right within this distance of the gunman."""


@dataclass(frozen=True, slots=True)
class _Item:
    camera: str
    captured_at_s: float
    row: int
    frame: int


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What was looked at, a row for each frame taken, and what came of it.

    Attributes:
        camera: `(R,)` row of the camera.
        captured_s: `(R,)` when the frame was captured, seconds since the grant.
        taken_s: `(R,)` when it was taken.
        done_s: `(R,)` when its detection ended.
        found: `(R,)` whether the gunman was found in it.
        placed: `(R,)` whether the gunman's track was confirmed, so that it has a position.
        answer_s: `(A,)` when answers were given; empty without a locator.
        right: `(A,)` whether the first subject was where the gunman was.
    """

    camera: NDArray[np.int64]
    captured_s: NDArray[np.float64]
    taken_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    found: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    answer_s: NDArray[np.float64]
    right: NDArray[np.bool_]


def play(
    world: World,
    policy: Policy,
    *,
    capacity_fps: float,
    batch: int,
    locator: Locator,
    ground: AttentionGround,
    seed: int,
) -> Played:
    """Play a world to its end.

    Args:
        world: what there is to see.
        policy: how frames are chosen.
        capacity_fps: frames detected a second.
        batch: frames of a batch at most.
        locator: a locator of the school that has consumed nothing.
        ground: what wanted rates are made from.
        seed: of what the detector finds, the same whoever chooses.
    """
    cameras = sorted(world.school.seen)
    slots: LatestFrames[_Item] = LatestFrames(cameras)
    detector = _Detector(world, cameras, seed)
    now = [0.0]
    attention = Attention(now=lambda: START_S + now[0])
    choose = _chooser(policy, world, cameras, attention)
    heeds = policy not in {"round_robin", "oracle"}
    offered = _Offered(world, cameras, policy)
    rows: list[tuple[int, float, float, float, bool, bool]] = []
    answers: list[tuple[float, bool]] = []
    waiting_rates: tuple[float, dict[str, float]] | None = None
    if heeds and policy != "no_rates":
        attention.attend(wanted_rates(None, ground, allowed=world.school.seen), START_S)
    answer_s = ANSWER_EVERY_S
    end_s = float(world.at_s[-1])
    while now[0] < end_s:
        offered.put(slots, now[0])
        taken = slots.take(batch, 0.0, choose)
        taken_s = now[0]
        now[0] += len(taken) / capacity_fps if taken else _IDLE_S
        for item in taken:
            positions, times, look = detector.detect(item, now[0])
            locator.consume(positions, times)
            if heeds:
                attention.saw(
                    item.camera, START_S + now[0], persons=look.persons, is_open=look.is_open
                )
            captured_s = item.captured_at_s - START_S
            rows.append((item.row, captured_s, taken_s, now[0], look.found, look.placed))
        if waiting_rates is not None and now[0] >= waiting_rates[0]:
            attention.attend(waiting_rates[1], START_S + now[0])
            waiting_rates = None
        if now[0] >= answer_s:
            answer_s += ANSWER_EVERY_S
            answer = locator.answer(START_S + now[0])
            answers.append((now[0], _right(answer, world, now[0])))
            if heeds and policy != "no_rates":
                rates = wanted_rates(answer, ground, allowed=world.school.seen)
                waiting_rates = (now[0] + MESSAGE_S, rates)
    table = np.array(rows, np.float64)
    return Played(
        camera=table[:, 0].astype(np.int64),
        captured_s=table[:, 1],
        taken_s=table[:, 2],
        done_s=table[:, 3],
        found=table[:, 4] > 0,
        placed=table[:, 5] > 0,
        answer_s=np.array([at_s for at_s, _ in answers]),
        right=np.array([right for _, right in answers], np.bool_),
    )


def _right(answer: Answer, world: World, at_s: float) -> bool:
    first = next((one for one in answer.subjects if one.status == "ranked"), None)
    if first is None or first.visibility != "in view":
        return False
    frame = min(int(at_s * FPS), len(world.at_s) - 1)
    level = world.school.levels[int(world.level[frame, 0])]
    away_m = np.linalg.norm(np.asarray(first.xy_m) - world.xy_m[frame, 0])
    return first.level == level and bool(away_m <= NEAR_M)


def _chooser(policy: Policy, world: World, cameras: Sequence[str], attention: Attention) -> Choose:
    if policy == "round_robin":
        return longest_unserved
    if policy != "oracle":
        return attention.choose
    row = {camera: k for k, camera in enumerate(cameras)}

    def by_the_truth(waiting: Sequence[Waiting], max_frames: int) -> list[str]:
        def shows(one: Waiting) -> float:
            k = row[one.camera]
            frame = round((one.captured_at_s - START_S - world.phase_s[k]) * FPS)
            return float(world.finds[frame, 0, k])

        def key(one: Waiting) -> tuple[float, int, str]:
            return (-shows(one), one.served_turn, one.camera)

        return [one.camera for one in sorted(waiting, key=key)[:max_frames]]

    return by_the_truth


class _Offered:
    """Puts the frames into the slots that have been captured by a moment."""

    def __init__(self, world: World, cameras: Sequence[str], policy: Policy) -> None:
        self._world = world
        self._cameras = cameras
        self._put = np.full(len(cameras), -1)
        said = np.zeros_like(world.cue) if policy == "no_cue" else world.cue
        if policy == "seldom_cue":
            said = at_key_frames(said)
        self._moves = said > 0
        self._onsets = np.vstack(
            [np.zeros((1, len(cameras)), np.int64), np.cumsum(said > 1, axis=0)]
        )

    def put(self, slots: LatestFrames[_Item], at_s: float) -> None:
        """Put each camera's newest frame, if it is new, with what began to move up to it."""
        world = self._world
        newest = np.floor((at_s - world.phase_s) * FPS + 1e-9).astype(np.int64)
        newest = np.minimum(newest, len(world.at_s) - 1)
        for k in np.flatnonzero(newest > self._put).tolist():
            frame = int(newest[k])
            begun = self._onsets[frame + 1, k] > self._onsets[self._put[k] + 1, k]
            captured_s = START_S + float(world.at_s[frame] + world.phase_s[k])
            slots.put(
                _Item(self._cameras[k], captured_s, k, frame),
                "stirs" if begun else "moves" if self._moves[frame, k] else "still",
            )
            self._put[k] = frame


def at_key_frames(said: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The cue where only key frames are decoded: each says what there was since the one before."""
    every = round(KEY_INTERVAL_S * FPS)
    frames, cameras = said.shape
    first = np.arange(cameras) * every // max(cameras, 1)  # key frames do not come all at once
    seldom = np.zeros_like(said)
    for k in range(cameras):
        keys = np.arange(first[k], frames, every)
        seldom[keys, k] = said[keys, k]
        begun = np.add.reduceat(said[:, k] > 1, np.concatenate([[0], keys[1:]]))
        held = (said[keys[1:], k] > 0) & (begun[: len(keys) - 1] > 0)
        seldom[keys[1:], k] = np.where(held, 2, seldom[keys[1:], k])
    return seldom


@dataclass(frozen=True, slots=True)
class _Look:
    persons: int
    is_open: bool
    found: bool
    placed: bool


@dataclass(slots=True)
class _Track:
    number: int
    seen_s: float
    frames: int = 1
    llr: float = 0.0


class _Detector:
    """Finds people with the measured rates, tracks them, and places them."""

    def __init__(self, world: World, cameras: Sequence[str], seed: int) -> None:
        self._world = world
        self._seed = seed
        site = world.school.site
        self._levels = [site.cameras[camera].level for camera in cameras]
        centres = [site.cameras[camera].model.centre_m for camera in cameras]
        self._centre_m = [np.zeros(2) if c is None else np.asarray(c)[:2] for c in centres]
        self._tracks: dict[tuple[int, int], _Track] = {}
        self._numbers = [0] * len(cameras)

    def detect(self, item: _Item, done_s: float) -> tuple[FloorPositions, StageTimes, _Look]:
        """What comes of one frame: positions, and what is told to attention."""
        k, at_s = item.row, item.captured_at_s
        rng = np.random.default_rng([self._seed, k, item.frame])
        finds = self._world.finds[item.frame, :, k]
        found = np.flatnonzero(rng.random(len(finds)) < finds)
        placed: list[int] = []
        is_open = False
        for person in found.tolist():
            track = self._tracks.get((k, person))
            if track is None or at_s - track.seen_s > LOST_TRACK_S:
                self._tracks[k, person] = _Track(self._numbers[k], at_s)
                self._numbers[k] += 1
                is_open = True
                continue
            track.seen_s, track.frames = at_s, track.frames + 1
            shows = rng.random() < (LOOK_RATE if person == 0 else FALSE_LOOK_RATE)
            llr = track.llr + (LOOK_GAIN if shows else LOOK_LOSS)
            track.llr = float(np.clip(llr, _WEAKEST_LLR, _STRONGEST_LLR))
            is_open |= UNDECIDED_LLR[0] < track.llr < UNDECIDED_LLR[1]
            placed.append(person)
        true_m = self._world.xy_m[item.frame, placed]
        xy_m, cov_m2 = jittered(true_m, self._centre_m[k], rng)
        n = len(placed)
        tracks = [self._tracks[k, person] for person in placed]
        positions = FloorPositions(
            camera=item.camera,
            level=self._levels[k],
            frame_index=item.frame,
            captured_at_s=at_s,
            xy_m=xy_m,
            cov_m2=cov_m2,
            from_head=np.zeros(n, np.bool_),
            confidence=np.full(n, 0.8, np.float32),
            track_id=np.array([track.number for track in tracks], np.int64),
            armed_llr=np.array([track.llr for track in tracks], np.float64),
        )
        done_at_s = START_S + done_s
        look = _Look(len(found), is_open, 0 in found, 0 in placed)
        return positions, StageTimes(at_s, at_s, done_at_s, done_at_s), look
