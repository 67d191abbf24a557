"""The workers of one run: cameras dealt among them, and moved when one dies or falls silent."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from .fleet_member import Member
from .fleet_moves import Moves
from .fleet_slots import Slot
from .sharding import dealt
from .worker_messages import (
    Attend,
    Ended,
    Failed,
    Feeds,
    Labels,
    Observed,
    Pictured,
    Ready,
    Show,
    WorkerJob,
)
from .worker_silence import HANGS_S, QUIET_S, not_live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vision.overlay import TrackLabel
    from vision.stream_parts import StreamPart

    from .fleet_member import Inbox
    from .run_news import CamerasMoved
    from .runs import CameraStatus
    from .worker_messages import CameraJob, Engine, FromWorker, WorkerSite
    from .workers import WorkerMaker

MOST_WAITING = 512
"""Messages that wait to be taken; beyond them the workers are held up, and drop frames."""

MOVES_S = 2.0
"""Where others can take them, the cameras of a worker that has said nothing for so long move. A
worker tells twice a second how it is."""

TRUSTS_AGAIN_S = 10.0
"""A worker that lost its cameras so gets some again once it has not fallen silent for so long: one
that stutters would have them opened and closed all the time."""

_FRAMES_A_SECOND = 10.0


class Fleet:
    """Works on the cameras of a run with one worker or several.

    Every camera has one worker at a time. What a worker says of a camera that it has lost is not
    heard, so observations of a camera never come from two sides. All methods are called from the
    run's thread, but `show` and `label`, which may be called from any.

    Args:
        make: makes a worker.
        engine: what each loads.
        site: what they must know of the site.
        cameras: what they watch.
        take_pictures: takes the parts of streams, from several threads.
        duration_s: length of a drill, seconds; None for live cameras.
        size: how many workers there are.
        tell: takes what happens to cameras; it is quick.
        started_at_s: when recordings started, Unix seconds; None starts them once a worker is
            ready.
        incident: its id, for the lines of the log.
        now: the clock, Unix seconds.

    Attributes:
        backend: what the detectors run on; "" until the first worker is ready.
        changes: how often a worker was told other cameras than before.
        restarts: workers that died or hung, so far.
        batches: how many batches of which size in frames were detected in, since it was emptied.
    """

    def __init__(
        self,
        make: WorkerMaker,
        engine: Engine,
        site: WorkerSite,
        cameras: tuple[CameraJob, ...],
        take_pictures: Callable[[StreamPart], None],
        *,
        duration_s: float | None = None,
        size: int = 1,
        tell: Callable[[CamerasMoved], None] = lambda _: None,
        started_at_s: float | None = None,
        incident: str = "",
        now: Callable[[], float],
    ) -> None:
        self._make = make
        self._engine = engine
        self._site = site
        self._cameras = {camera.camera: camera for camera in cameras}
        self._take_pictures = take_pictures
        self._duration_s = duration_s
        self._tell = tell
        self._now = now
        self._inbox: Inbox = queue.Queue(MOST_WAITING)
        self._slots = [Slot(now()) for _ in range(size)]
        self._incident = incident
        self._job: WorkerJob | None = None
        if started_at_s is not None:
            self._job = WorkerJob(site, started_at_s, duration_s, incident)
        self._holders: dict[str, Member] = {}
        self._able: frozenset[int] = frozenset()
        self._moves = Moves()
        self._before: dict[str, Counter[str]] = {camera: Counter() for camera in self._cameras}
        self._told: dict[str, CameraStatus] = {}
        self._born = 0
        self._show: Show | None = None
        self._over = False
        self.backend = ""
        self.changes = 0
        self.restarts = 0
        self.batches: Counter[int] = Counter()

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the workers; their feeds are opened as soon as the first is ready."""
        self.look_after()

    def count_from(self, number: int) -> None:
        """Number the workers from this one on, so that tracks of those before stay their own.

        To be called before any worker is heard.
        """
        for member in self._members():
            member.number += number
        self._born += number

    @property
    def next_number(self) -> int:
        """Number of the next worker."""
        return self._born

    @property
    def started_at_s(self) -> float | None:
        """When the feeds were opened first, Unix seconds; None before."""
        return None if self._job is None else self._job.started_at_s

    @property
    def moved(self) -> int:
        """Cameras that went from one worker to another, so far."""
        return self._moves.count

    @property
    def ended(self) -> bool:
        """Whether all recordings have played to their end."""
        held = self._job is not None and len(self._holders) == len(self._cameras)
        return held and all(member.ended for member in self._members())

    @property
    def given_up(self) -> int:
        """How many workers failed one after the other until all were given up; 0 if not so."""
        return min(slot.deaths if slot.given_up else 0 for slot in self._slots)

    @property
    def staleness_bound_s(self) -> float | None:
        """The longest that any camera goes without a look, seconds; None while all frames fit."""
        bounds = [one.bound_s for one in self._members() if one.bound_s is not None]
        return max(bounds, default=None)

    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the workers now, a sentence each."""
        return tuple(slot.trouble for slot in self._slots if slot.trouble)

    def stop(self) -> None:
        """End all workers; nothing is heard of them any more."""
        self._over = True
        members = self._members()
        ending = [threading.Thread(target=member.stop) for member in members[1:]]
        for thread in ending:
            thread.start()
        for member in members[:1]:
            member.stop()
        for thread in ending:
            thread.join()

    # -- listening ---------------------------------------------------------------------------

    def receive(self, timeout_s: float) -> Iterator[Observed | Pictured]:
        """What the workers saw, waiting up to `timeout_s` for the first; tracks as of the run."""
        try:
            member, message = self._inbox.get(timeout=timeout_s)
            for _ in range(MOST_WAITING):
                yield from self._take(member, message)
                member, message = self._inbox.get_nowait()
            yield from self._take(member, message)
        except queue.Empty:
            return

    def _take(self, member: Member, message: FromWorker | None) -> Iterator[Observed | Pictured]:
        match message:
            case Observed():
                positions = message.positions
                if self._holders.get(positions.camera) is member and self._moves.is_news(
                    message, self._now()
                ):
                    shifted = positions.track_id + member.first_track
                    yield replace(message, positions=replace(positions, track_id=shifted))
            case Pictured():
                own = tuple(
                    replace(picture, track_id=picture.track_id + member.first_track)
                    for picture in message.pictures
                    if self._holders.get(picture.camera) is member
                )
                if own:
                    yield Pictured(own)
            case Feeds():
                states = {state.id: state for state in message.cameras}
                member.bound_s = message.bound_s
                self.batches.update(dict(message.batches))
                member.states.update(
                    {id_: state for id_, state in states.items() if id_ in member.cameras}
                )
            case Ready():
                self._begin(member, message.backend)
            case Ended():
                member.has_ended(message.watch)
            case Failed():
                member.failure = message.reason
            case None:
                member.gone = True

    def _begin(self, member: Member, backend: str) -> None:
        member.backend = self.backend = backend
        if self._job is None:
            self._job = WorkerJob(self._site, self._now(), self._duration_s, self._incident)
        for slot in self._slots:
            if slot.member is member:
                slot.trouble = ""
        self._deal()

    # -- looking after -----------------------------------------------------------------------

    def look_after(self) -> None:
        """Start who is due, end who hangs, and move the cameras of those who cannot see to them.

        To be called often: a step of it takes no time but where a worker that hangs is ended.
        """
        for slot in self._slots:
            member = slot.member
            if member is None:
                if slot.due(self._now()) and not self._over:
                    self._spawn(slot)
            elif member.gone or member.silence.lasts(HANGS_S):
                reason = member.failure or (member.worker.why_ended if member.gone else "it hangs")
                member.gone = True
                self._drop(member, f"died ({reason})")
                self._deal()  # before it is ended, which takes a moment where it hangs
                member.stop()
                slot.died(reason, self._now())
                self.restarts += 1
        for member in self._members():
            if member.silence.lasts(MOVES_S):
                member.doubted_until_s = self._now() + TRUSTS_AGAIN_S
        if frozenset(member.number for member in self._can_work()) != self._able:
            self._deal()

    def _spawn(self, slot: Slot) -> None:
        member = Member(self._make(self._engine), self._born, self._now())
        self._born += 1
        slot.member = member
        member.start(self._inbox, self._take_pictures)

    def _members(self) -> list[Member]:
        return [slot.member for slot in self._slots if slot.member is not None]

    def _can_work(self) -> list[Member]:
        """Those who are ready and steady; where nobody is, those who are heard, or just ready."""
        ready = [member for member in self._members() if member.ready]
        heard = [member for member in ready if not member.silence.lasts(MOVES_S)]
        return [one for one in heard if one.doubted_until_s <= self._now()] or heard or ready

    def _deal(self) -> None:
        """Give every camera a worker that can see to it, as far as there is one."""
        if self._job is None or self._over:
            return
        ready = [member for member in self._members() if member.ready]
        numbers = {member.number: member for member in self._can_work()}
        self._able = frozenset(numbers)
        now_dealt = dealt(
            {camera: self._load(camera) for camera in self._cameras},
            {camera: member.number for camera, member in self._holders.items()},
            list(numbers),
        )
        wanted = {member: set[str]() for member in ready}
        for camera, number in now_dealt.items():
            wanted[numbers[number]].add(camera)
            self._hand(camera, numbers[number])
        for member in sorted(wanted, key=lambda one: len(wanted[one])):
            if frozenset(wanted[member]) != member.cameras or not member.began:
                jobs = tuple(job for job in self._cameras.values() if job.camera in wanted[member])
                member.watch(self._job, jobs)
                self.changes += 1
        if self._show is not None:
            self.show(self._show)
        for moved in self._moves.arrive(self._holders, self._now()):
            self._tell(moved)

    def _hand(self, camera: str, to: Member) -> None:
        """Give a camera to a worker, if it has another or none."""
        holder = self._holders.get(camera)
        if holder is to:
            return
        if holder is not None:
            self._let_go(camera, holder)
            why = "said nothing" if holder.silence.lasts(MOVES_S) else ""
            self._moves.leave(camera, holder, why, self._now())
        self._holders[camera] = to

    def _load(self, camera: str) -> float:
        member = self._holders.get(camera)
        state = None if member is None else member.states.get(camera)
        return (state.fps if state is not None else None) or _FRAMES_A_SECOND

    def _drop(self, member: Member, why: str) -> None:
        """Take the cameras away from a worker that is no more."""
        for camera in [one for one, holder in self._holders.items() if holder is member]:
            self._let_go(camera, member)
            self._moves.leave(camera, member, why, self._now())
            del self._holders[camera]
        member.cameras = frozenset()

    def _let_go(self, camera: str, member: Member) -> None:
        """Keep what the worker counted of a camera that it has no longer."""
        state = member.states.get(camera)
        if state is not None:
            self._before[camera].update(_counts(state))

    # -- asking and telling ------------------------------------------------------------------

    def statuses(self) -> dict[str, CameraStatus]:
        """What is known of every camera that a worker has told of, by id."""
        for camera in self._cameras:
            member = self._holders.get(camera)
            state = None if member is None else member.states.get(camera)
            if member is not None and state is not None:
                before = self._before[camera]
                told = replace(
                    state,
                    frames_in=state.frames_in + before["frames_in"],
                    frames_used=state.frames_used + before["frames_used"],
                    frames_dropped=state.frames_dropped + before["frames_dropped"],
                )
                silent = member.silence.lasts(QUIET_S)
                self._told[camera] = not_live(told, "its worker says nothing") if silent else told
            elif camera in self._told:
                self._told[camera] = not_live(self._told[camera], "its worker died")
        return dict(self._told)

    def show(self, show: Show) -> None:
        """Let every worker encode what is wanted of its cameras."""
        self._show = show
        for member in self._members():
            if member.began:
                mine = frozenset(one for one in show.wanted if one.camera in member.cameras)
                member.worker.tell(Show(mine, show.drawing))

    def label(self, camera: str, labels: Mapping[int, TrackLabel]) -> None:
        """Let the camera's worker write beside tracks, numbered as of the run, who they are."""
        member = self._holders.get(camera)
        if member is not None:
            first = member.first_track
            mine = {track - first: label for track, label in labels.items() if track >= first}
            member.worker.tell(Labels(camera, mine))

    def attend(self, fps: Mapping[str, float]) -> None:
        """Tell how many frames a second are wanted of which cameras; of others the least."""
        for member in self._members():
            if member.began:
                mine = {camera: rate for camera, rate in fps.items() if camera in member.cameras}
                member.worker.tell(Attend(mine))


def _counts(state: CameraStatus) -> dict[str, int]:
    return {
        "frames_in": state.frames_in,
        "frames_used": state.frames_used,
        "frames_dropped": state.frames_dropped,
    }
