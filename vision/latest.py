"""The newest frame of each camera, handed from the feeds' threads to whoever detects.

Detection is slower than all cameras together, so a queue would only grow old. Each camera has one
slot; a newer frame takes the place of one that nobody took, and the loss is counted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class Item(Protocol):
    """What a slot can hold: a `Frame`, a `BoxFrame` or anything else with camera and time."""

    @property
    def camera(self) -> str:
        """Camera id."""
        ...

    @property
    def captured_at_s(self) -> float:
        """Capture time, Unix seconds."""
        ...


ItemT = TypeVar("ItemT", bound=Item)

Motion = Literal["still", "moves", "stirs"]
"""What a picture shows against those before it: nothing that moves, something that moves, or the
first that moves in a place that was still before; see `vision.stir`."""


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """What became of a camera's frames; `received == taken + dropped + waiting`, always.

    Attributes:
        received: frames the feed delivered or had to pass over.
        taken: frames that were taken.
        dropped: frames that were replaced by a newer one, passed over, or left at the end.
        waiting: 1 while a frame waits, else 0.
    """

    received: int = 0
    taken: int = 0
    dropped: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A camera whose newest frame waits to be taken.

    Attributes:
        camera: camera id.
        captured_at_s: capture time of the waiting frame, Unix seconds.
        served_turn: how many frames had been taken, of all cameras, when one of this camera was
            last; 0 if none was yet. The smaller, the longer ago.
        served_captured_at_s: capture time of the frame served then; None if none was.
        moves: whether something moves in the waiting frame.
        stirred: whether something began to move, in this frame or one that it took the place of,
            since the camera was served.
    """

    camera: str
    captured_at_s: float
    served_turn: int
    served_captured_at_s: float | None
    moves: bool = False
    stirred: bool = False


Choose = Callable[[Sequence[Waiting], int], Sequence[str]]
"""Given the waiting cameras and how many frames are wanted, the ids of those to take, in order.

It runs while the slots are locked: it must be quick and must not use them. Fewer than wanted, or
none, is allowed: the rest goes on waiting for newer frames.
"""


def longest_unserved(waiting: Sequence[Waiting], max_frames: int) -> list[str]:
    """Choose the cameras that were not served for longest; among equals the oldest frame."""
    order = sorted(waiting, key=lambda w: (w.served_turn, w.captured_at_s, w.camera))
    return [w.camera for w in order[:max_frames]]


@dataclass(slots=True)
class _Slot(Generic[ItemT]):
    item: ItemT | None = None
    received: int = 0
    taken: int = 0
    dropped: int = 0
    served_turn: int = 0
    served_captured_at_s: float | None = None
    moves: bool = False
    stirred: bool = False

    def empty(self) -> None:
        if self.item is not None:
            self.item = None
            self.dropped += 1

    def show(self, motion: Motion) -> None:
        self.moves = motion != "still"
        self.stirred |= motion == "stirs"


class LatestFrames(Generic[ItemT]):
    """One slot for each camera, safe to use from any thread.

    Args:
        cameras: ids that have counts from the start; a camera unknown so far is added by `put`.
    """

    def __init__(self, cameras: Iterable[str] = ()) -> None:
        self._changed = threading.Condition()
        self._slots: dict[str, _Slot[ItemT]] = {camera: _Slot() for camera in cameras}
        self._turn = 0
        self._closed = False

    def put(self, item: ItemT, motion: Motion = "still") -> None:
        """Make `item` its camera's newest frame; one that still waits there is dropped.

        After `close` the item itself counts as dropped.

        Args:
            item: the frame.
            motion: whether something moves in it; that something began to move is remembered until
                a frame of the camera is taken.
        """
        with self._changed:
            slot = self._slots.setdefault(item.camera, _Slot())
            slot.empty()
            slot.received += 1
            if self._closed:
                slot.dropped += 1
                return
            slot.item = item
            slot.show(motion)
            self._changed.notify_all()

    def pass_over(self, camera: str, frames: int) -> None:
        """Count frames that the camera sent and that were never decoded."""
        with self._changed:
            slot = self._slots.setdefault(camera, _Slot())
            slot.received += frames
            slot.dropped += frames

    def take(
        self, max_frames: int, timeout_s: float | None = None, choose: Choose = longest_unserved
    ) -> list[ItemT]:
        """Take the newest frames of up to `max_frames` cameras, in the order chosen.

        Args:
            max_frames: at least 1.
            timeout_s: how long to wait for the first frame; None waits until `close`.
            choose: which of the waiting cameras to take.

        Returns:
            At most one frame of each camera; empty after `timeout_s` or once closed.

        Raises:
            ValueError: `choose` named a camera that has no frame waiting, one camera twice, or
                more than `max_frames`.
        """
        with self._changed:
            chosen: Sequence[str] = ()

            def ready() -> bool:
                nonlocal chosen
                waiting = self._waiting()
                chosen = choose(waiting, max_frames) if waiting else ()
                return bool(chosen) or self._closed

            self._changed.wait_for(ready, timeout_s)
            return self._serve(chosen, max_frames)

    def counts(self, camera: str) -> FrameCounts:
        """What became of the camera's frames so far; zeros for one that never had a frame."""
        with self._changed:
            slot: _Slot[ItemT] = self._slots.get(camera) or _Slot()
            return FrameCounts(slot.received, slot.taken, slot.dropped, int(slot.item is not None))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Ids of all cameras known so far."""
        with self._changed:
            return tuple(self._slots)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        with self._changed:
            return self._closed

    def discard(self, camera: str) -> None:
        """Drop the frame that waits for the camera, if one does; for a feed that was stopped."""
        with self._changed:
            if camera in self._slots:
                self._slots[camera].empty()
                self._slots[camera].stirred = False

    def close(self) -> None:
        """Drop all that waits and let every `take` return at once, now and later."""
        with self._changed:
            self._closed = True
            for slot in self._slots.values():
                slot.empty()
            self._changed.notify_all()

    def _waiting(self) -> list[Waiting]:
        return [
            Waiting(
                camera,
                slot.item.captured_at_s,
                slot.served_turn,
                slot.served_captured_at_s,
                slot.moves,
                slot.stirred,
            )
            for camera, slot in self._slots.items()
            if slot.item is not None
        ]

    def _serve(self, chosen: Sequence[str], max_frames: int) -> list[ItemT]:
        waiting = {camera for camera, slot in self._slots.items() if slot.item is not None}
        if len(set(chosen)) != len(chosen) or len(chosen) > max_frames or set(chosen) - waiting:
            raise ValueError(
                f"choose: expected up to {max_frames} of {sorted(waiting)}, got {list(chosen)}"
            )
        served = []
        for camera in chosen:
            slot = self._slots[camera]
            if slot.item is not None:
                self._turn += 1
                served.append(slot.item)
                slot.served_turn, slot.served_captured_at_s = self._turn, slot.item.captured_at_s
                slot.taken += 1
                slot.item = None
                slot.moves = slot.stirred = False
        return served
