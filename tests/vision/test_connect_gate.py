"""The order in which cameras connect, and how many do at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from vision.connect_gate import ConnectGate
from vision.errors import FeedLostError
from vision.feeds import Feed, FeedTiming, stop_feeds
from vision.latest import LatestFrames
from vision.video_file import StreamInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from vision.sources import AnyFrame, Session


class Entering:
    """Cameras that wait at a gate, each in a thread of its own."""

    def __init__(self, gate: ConnectGate) -> None:
        self.gate = gate
        self.entered: list[str] = []
        self.refused: list[str] = []
        self.threads: list[threading.Thread] = []

    def come(self, camera: str, *, again: bool = False) -> None:
        def wait() -> None:
            may = self.gate.enter(camera, again=again)
            (self.entered if may else self.refused).append(camera)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        self.threads.append(thread)
        thread.join(0.05)

    def until(self, what: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 5
        while not what():
            assert time.monotonic() < deadline_s, (self.entered, self.refused)
            time.sleep(0.002)


def test_the_most_important_first_a_few_at_a_time() -> None:
    cameras = Entering(ConnectGate(["door", "hall"], at_once=2, grace_s=60))
    for camera in ("attic", "barn", "cellar", "hall", "door"):
        cameras.come(camera)
    assert cameras.entered == ["attic", "barn"]
    for n, camera in enumerate(("attic", "barn", "door"), 3):
        cameras.gate.leave(camera)
        cameras.until(lambda n=n: len(cameras.entered) == n)  # type: ignore[misc]
    assert cameras.entered == ["attic", "barn", "door", "hall", "cellar"]
    cameras.gate.leave("attic")  # again: nothing happens


def test_a_new_order_counts_for_those_who_wait() -> None:
    cameras = Entering(ConnectGate(["a", "b", "c"], at_once=1, grace_s=60))
    for camera in ("a", "b", "c"):
        cameras.come(camera)
    cameras.gate.prefer(["c"])
    cameras.gate.leave("a")
    cameras.until(lambda: len(cameras.entered) == 2)
    assert cameras.entered == ["a", "c"]
    cameras.gate.withdraw("b")
    cameras.until(lambda: cameras.refused == ["b"])


def test_who_failed_before_comes_last() -> None:
    cameras = Entering(ConnectGate(["a", "b"], at_once=1, grace_s=60))
    cameras.come("first")
    cameras.come("a", again=True)
    cameras.come("new")
    cameras.gate.leave("first")
    cameras.until(lambda: len(cameras.entered) == 2)
    assert cameras.entered == ["first", "new"]
    cameras.gate.leave("new")
    cameras.until(lambda: len(cameras.entered) == 3)


def test_cameras_that_do_not_answer_hold_up_nobody_for_long() -> None:
    cameras = Entering(ConnectGate(at_once=1, grace_s=0.05))
    for camera in ("dead", "dead too", "alive"):
        cameras.come(camera)
    cameras.until(lambda: cameras.entered == ["dead", "dead too", "alive"])


def test_feeds_connect_through_it_and_stop_while_they_wait() -> None:
    """One at a time: the first connects, the second fails, the third and fourth wait."""
    gate = ConnectGate(["a", "b", "c", "d"], at_once=1, grace_s=60)
    tried: list[str] = []
    go_on = {camera: threading.Event() for camera in "abcd"}

    def source_of(camera: str) -> Callable[[Session], Generator[AnyFrame, None, None]]:
        def source(session: Session) -> Generator[AnyFrame, None, None]:
            tried.append(camera)
            go_on[camera].wait(10)
            if camera == "b":
                raise FeedLostError("nobody there")
            session.opened(StreamInfo())
            session.stop.wait()
            yield from ()

        return source

    feeds = [
        Feed(
            camera,
            source_of(camera),
            LatestFrames(),
            timing=FeedTiming(first_retry_s=60),
            gate=gate,
        )
        for camera in "abcd"
    ]
    for feed in feeds:
        feed.start()
        time.sleep(0.05)
    waiting = Entering(gate)
    waiting.until(lambda: tried == ["a"])
    go_on["a"].set()
    waiting.until(lambda: tried == ["a", "b"])
    go_on["b"].set()
    waiting.until(lambda: tried == ["a", "b", "c"])
    assert feeds[1].state(time.time()).reason == "nobody there"
    began_s = time.monotonic()
    go_on["c"].set()
    feeds[3].stop()
    assert stop_feeds(feeds)
    assert time.monotonic() - began_s < 1.0
