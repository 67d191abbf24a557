"""What is kept of streams, who is given what of it, and that nothing outlives the incident."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from api.stream_tape import Cursor, Tape
from api.streams import LINGER_S, STILL_LASTS_S, Live, Skipped, Streams, Waiting
from api.wakers import Wakers
from tests.api.replayed import Clock
from vision.stream_parts import Fragment, Still, StreamHead, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from api.streams import Given
    from vision.stream_parts import StreamPart

FPS = 10
EVERY = 20


def head(epoch: int = 1, camera: str = "c1") -> StreamHead:
    return StreamHead(camera, epoch, "avc1.42C014", (320, 180), f"init {epoch}".encode())


def fragment(
    number: int, epoch: int = 1, camera: str = "c1", *, at_s: float | None = None, size: int = 10
) -> Fragment:
    """The picture of that ordinal, a keyframe every two seconds, captured as it is encoded."""
    at_s = number / FPS if at_s is None else at_s
    return Fragment(
        camera, epoch, number, number % EVERY == 0, number / FPS, 1 / FPS, at_s, at_s, bytes(size)
    )


def taped(count: int, **limits: Any) -> Tape:
    tape = Tape(**limits)
    tape.add_head(head())
    for number in range(count):
        tape.add(fragment(number))
    return tape


def kept(tape: Tape) -> list[tuple[int, int]]:
    """(number, pictures) of each group that is kept."""
    return [(one.number, len(one.fragments)) for one in tape.segments()]


@pytest.mark.parametrize(
    ("pictures", "cursor", "given", "skipped"),
    [
        (0, None, None, False),  # nothing came yet
        (1, None, 0, False),
        (50, None, 40, False),  # a new reader begins with the newest keyframe
        (50, Cursor(2, 3), 44, False),  # the next picture
        (50, Cursor(2, 9), None, False),  # has everything
        (42, Cursor(1, 19), 40, False),  # over the border of groups
        (48, Cursor(1, 17), 38, False),  # 0.9 s behind is quick enough
        (50, Cursor(1, 17), 40, True),  # more is not, and there is a newer keyframe
        (50, Cursor(2, 0), 41, False),  # as slow, but nothing newer to begin with
        (700, Cursor(3, 3), 680, True),  # its place is not kept any more
        (50, Cursor(9, 0), None, False),  # a place that is none
    ],
)
def test_what_a_reader_is_given(
    pictures: int, cursor: Cursor | None, given: int | None, skipped: bool
) -> None:
    found = taped(pictures).after(cursor)
    assert (None if found is None else found.fragment.number) == given
    assert found is None or found.skipped is skipped
    assert found is None or found.head.epoch == 1


@pytest.mark.parametrize(
    ("limits", "groups"),
    [
        ({"kept_s": 5.0}, [(13, 20), (14, 10)]),
        ({"kept_s": 3.1}, [(13, 20), (14, 10)]),
        ({"kept_s": 2.9}, [(14, 10)]),
        ({"kept_bytes": 310}, [(13, 20), (14, 10)]),
        ({"kept_bytes": 290}, [(14, 10)]),
        ({"kept_bytes": 90}, []),  # one that grows without end is not kept either
    ],
)
def test_little_is_kept(limits: dict[str, Any], groups: list[tuple[int, int]]) -> None:
    assert kept(taped(290, **limits)) == groups


def test_what_no_player_could_show_is_left_out() -> None:
    tape = Tape()
    assert not tape.add(fragment(0))  # no head
    tape.add_head(head(2))
    assert not tape.add(fragment(0, epoch=1))  # of another head
    assert not tape.add(fragment(1, epoch=2))  # no keyframe before it
    assert tape.add(fragment(20, epoch=2))
    assert not tape.add(fragment(22, epoch=2))  # 21 never came
    assert not tape.add(fragment(23, epoch=2))
    assert tape.add(fragment(40, epoch=2))
    assert kept(tape) == [(0, 1), (1, 1)]


def test_numbers_go_on_where_encoding_begins_anew() -> None:
    tape = taped(25)
    tape.wipe()
    assert kept(tape) == []
    assert tape.head is None
    assert tape.after(Cursor(1, 4)) is None
    tape.add_head(head(7))
    tape.add(fragment(0, epoch=7))
    (one,) = tape.segments()
    assert (one.number, one.breaks, one.head.epoch) == (2, 1, 7)
    found = tape.after(Cursor(1, 4))
    assert found is not None
    assert found.skipped


# Who watches


class Encoders:
    """Takes what is wanted, in place of a run."""

    def __init__(self) -> None:
        self.asked: list[frozenset[StreamWanted]] = []
        self.take: Callable[[StreamPart], None] = lambda _: None

    def show(self, wanted: frozenset[StreamWanted], take: Callable[[StreamPart], None]) -> None:
        self.asked.append(wanted)
        self.take = take

    def film(
        self, numbers: range, *, epoch: int = 1, camera: str = "c1", begin: bool = True
    ) -> None:
        if begin:
            self.take(head(epoch, camera))
        for number in numbers:
            self.take(fragment(number, epoch, camera))


C1, C2, S1 = StreamWanted("c1"), StreamWanted("c2"), StreamWanted("c1", "still")


def hub(clock: Clock, **more: Any) -> tuple[Streams, Encoders]:
    streams = Streams(("c1", "c2"), clock, lambda _: ("stalled", "no picture"), **more)
    encoders = Encoders()
    streams.begin(encoders.show)
    return streams, encoders


def test_only_what_somebody_watches_is_encoded_and_a_while_longer() -> None:
    clock = Clock(0.0)
    streams, encoders = hub(clock)
    streams.watch(C1)
    streams.watch(C1)
    streams.watch(S1)
    streams.watch(C2)
    streams.leave(C2)
    assert streams.watchers("c1") == 3
    clock.now_s = LINGER_S - 0.1
    streams.tick()
    streams.leave(C1)
    clock.now_s = LINGER_S
    streams.tick()
    assert encoders.asked == [{C1}, {C1, S1}, {C1, C2, S1}, {C1, S1}]
    streams.leave(C1)
    clock.now_s += LINGER_S - 0.1
    streams.tick()
    streams.watch(C1)  # comes back in time: nothing is begun anew
    clock.now_s += LINGER_S
    streams.tick()
    assert encoders.asked[4:] == []
    streams.leave(C1)
    clock.now_s -= 1000.0  # a clock that is set back keeps no camera on
    streams.tick()
    assert encoders.asked[4:] == [{S1}]


def test_what_nobody_watches_any_more_is_not_kept() -> None:
    clock = Clock(0.0)
    streams, encoders = hub(clock)
    streams.watch(C1)
    encoders.film(range(5))
    streams.leave(C1)
    clock.now_s = LINGER_S
    streams.tick()
    encoders.film(range(5, 9), begin=False)  # on its way when it was told to end
    streams.watch(C1)

    async def look() -> Given:
        given = asyncio.ensure_future(anext(streams.follow("c1", lambda: True)))
        await asyncio.sleep(0)
        clock.now_s += 1.0
        return await given

    assert run(look()) == Waiting("stalled", "no picture")


def test_a_camera_that_is_not_open_cannot_be_watched() -> None:
    streams, encoders = hub(Clock(0.0))
    with pytest.raises(KeyError):
        streams.watch(StreamWanted("c3"))
    encoders.take(head(camera="c3"))
    assert encoders.asked == []


# Readers


async def first(given: Any, count: int) -> list[Given]:
    """The first things that a reader is given."""
    parts: list[Given] = []
    async with asyncio.timeout(10):
        async for part in given:
            parts.append(part)
            if len(parts) == count:
                break
    await given.aclose()
    return parts


def told(parts: list[Given]) -> list[object]:
    """Parts in short: a head by its epoch, a fragment by its number."""
    return [
        f"head {part.epoch}" if isinstance(part, StreamHead)
        else part.number if isinstance(part, Fragment)
        else type(part).__name__
        for part in parts
    ]  # fmt: skip


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_a_reader_gets_the_head_and_all_since_the_last_keyframe() -> None:
    streams, encoders = hub(Clock(2.5))
    streams.watch(C1)
    encoders.film(range(25))
    assert told(run(first(streams.follow("c1", lambda: True), 6))) == [
        "head 1", 20, 21, 22, 23, 24,
    ]  # fmt: skip


def test_a_new_head_comes_before_its_pictures() -> None:
    streams, encoders = hub(Clock(0.3))
    streams.watch(C1)
    encoders.film(range(2))

    async def follow() -> list[object]:
        reader = streams.follow("c1", lambda: True)
        before = [await anext(reader) for _ in range(3)]
        encoders.film(range(2), epoch=5)
        return told([*before, *[await anext(reader) for _ in range(3)]])

    assert run(follow()) == ["head 1", 0, 1, "head 5", 0, 1]


def test_a_slow_reader_is_taken_to_the_newest_keyframe_and_holds_nobody_up() -> None:
    streams, encoders = hub(Clock(4.4))
    streams.watch(C1)
    encoders.film(range(2))

    async def follow() -> list[list[object]]:
        slow, quick = (streams.follow("c1", lambda: True) for _ in range(2))
        slow_got = [await anext(slow) for _ in range(2)]
        quick_got = [await anext(quick) for _ in range(3)]
        for number in range(2, 45):
            encoders.film(range(number, number + 1), begin=False)
            quick_got.append(await anext(quick))
        slow_got += [await anext(slow) for _ in range(3)]
        return [told(slow_got), told(quick_got)]

    slow, quick = run(follow())
    assert slow == ["head 1", 0, "Skipped", 40, 41]
    assert quick == ["head 1", *range(45)]


def test_a_reader_is_told_that_there_is_nothing_new_and_when_there_is() -> None:
    clock = Clock(0.0)
    streams, encoders = hub(clock)
    streams.watch(C1)
    encoders.film(range(1))

    async def follow() -> list[Given]:
        reader = streams.follow("c1", lambda: True)
        given = [await anext(reader) for _ in range(2)]
        clock.now_s = 2.1  # the picture is repeated, as old as it is
        encoders.take(fragment(1, at_s=0.0))
        given += [await anext(reader) for _ in range(2)]
        clock.now_s = 2.2
        encoders.take(fragment(2, at_s=2.2))
        return [*given, *[await anext(reader) for _ in range(2)]]

    given = run(follow())
    assert told(given) == ["head 1", 0, 1, "Waiting", 2, "Live"]
    assert given[3] == Waiting("stalled", "no picture")
    assert isinstance(given[5], Live)
    assert not any(isinstance(part, Skipped) for part in given)


@pytest.mark.parametrize("how", ["end", "not allowed"])
def test_readers_end_at_once(how: str) -> None:
    streams, encoders = hub(Clock(0.5))
    streams.watch(C1)
    encoders.film(range(3))
    allowed = [True]

    async def follow() -> list[object]:
        loop = asyncio.get_running_loop()
        reader = streams.follow("c1", lambda: allowed[0])
        given = [await anext(reader) for _ in range(2)]
        began_s = loop.time()
        if how == "end":
            loop.call_later(
                0.1, lambda: threading.Thread(target=streams.end, args=["closed"]).start()
            )
        else:
            allowed[0] = False
        given += [part async for part in reader]
        assert loop.time() - began_s < 1.0
        return told(given)

    assert run(follow()) == (["head 1", 0, 1, 2] if how == "end" else ["head 1", 0])
    if how == "end":
        encoders.film(range(3), epoch=2)
        assert streams.over == "closed"
        assert run(first(streams.follow("c1", lambda: True), 1)) == []


def test_stills_are_given_once_each() -> None:
    streams, encoders = hub(Clock(0.0))
    streams.watch(S1)
    pictures = [Still("c1", float(n), (2, 2), b"%d" % n) for n in range(3)]
    encoders.take(pictures[0])
    encoders.take(pictures[1])

    async def follow() -> list[Still]:
        reader = streams.stills("c1", lambda: True)
        given = [await anext(reader)]
        encoders.take(pictures[2])
        given.append(await anext(reader))
        await asyncio.to_thread(streams.end, "stopping")
        return given + [still async for still in reader]

    assert run(follow()) == pictures[1:]


def test_a_still_that_came_long_ago_is_given_to_nobody() -> None:
    clock = Clock(0.0)
    streams, encoders = hub(clock)
    streams.watch(S1)
    old, new = (Still("c1", at_s, (2, 2), b"") for at_s in (0.0, 9.0))
    encoders.take(old)
    assert streams.still("c1") is old
    clock.now_s = STILL_LASTS_S  # its worker is being started again
    assert streams.still("c1") is None

    async def follow() -> list[Still]:
        reader = streams.stills("c1", lambda: True)
        asyncio.get_running_loop().call_later(0.1, encoders.take, new)
        return [await anext(reader)]

    assert run(follow()) == [new]


def test_many_readers_are_woken_by_one_call_into_their_loop() -> None:
    wakers = Wakers()

    async def wait() -> tuple[int, list[bool]]:
        loop = asyncio.get_running_loop()
        calls = 0
        plain = loop.call_soon_threadsafe

        def counted(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            return plain(*arguments, **more)

        tasks = [asyncio.create_task(wakers.news(wakers.stamp, 10.0)) for _ in range(100)]
        await asyncio.sleep(0)
        loop.call_soon_threadsafe = counted  # type: ignore[assignment,method-assign]
        wakers.wake()
        wakers.wake()
        return calls, await asyncio.gather(*tasks)

    assert run(wait()) == (1, [True] * 100)
    assert len(wakers) == 0


def test_news_that_came_before_the_wait_is_not_missed_and_none_is_no_news() -> None:
    wakers = Wakers()
    stamp = wakers.stamp
    wakers.wake()
    assert run(wakers.news(stamp, 10.0))
    assert not run(wakers.news(wakers.stamp, 0.01))
    assert len(wakers) == 0
    wakers.wake()  # with the loop gone, nobody is in the way
