"""The ring: numbers, resuming, slow readers, the end of a stream."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from api.event_forms import Form
from api.events import Event, EventLog, event_cursor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

WHAT_CHANGED = Form(deltas=True)


def snapshot(number: int) -> str:
    return f"all as of {number}"


def log_of(count: int, *, ring_size: int = 5, max_lag: int = 3, closed: bool = False) -> EventLog:
    log = EventLog(snapshot, ring_size=ring_size, max_lag=max_lag)
    for n in range(1, count + 1):
        log.append("last-seen", lambda number: f"m{number}", last=closed and n == count)
    return log


def ids(events: tuple[Event, ...]) -> list[object]:
    return [event.id if event.name != "snapshot" else f"snapshot {event.id}" for event in events]


@pytest.mark.parametrize(
    ("count", "cursor", "live", "given"),
    [
        (0, None, False, ["snapshot 0"]),  # nothing said yet
        (4, None, False, ["snapshot 4"]),  # a new reader starts from the newest state
        (4, 4, False, []),  # has everything
        (4, 2, False, [3, 4]),  # comes back, the ring holds what it missed
        (5, 0, False, [1, 2, 3, 4, 5]),  # the ring holds just everything
        (6, 0, False, ["snapshot 6"]),  # message 1 has left the ring
        (4, 9, False, ["snapshot 4"]),  # a number this incident never gave
        (9, 6, True, [7, 8, 9]),  # a live reader, just quick enough
        (9, 5, True, ["snapshot 9"]),  # too slow: to the newest state
        (9, 4, False, [5, 6, 7, 8, 9]),  # the same gap is fine for one that comes back
    ],
)
def test_what_a_reader_gets(
    count: int, cursor: int | None, live: bool, given: list[object]
) -> None:
    assert ids(log_of(count).since(cursor, live=live)) == given


@pytest.mark.parametrize(
    ("count", "cursor", "given"),
    [
        (9, None, ["snapshot 9"]),
        (9, 6, [7, 8, 9]),  # comes back soon: only what changed
        (9, 5, ["snapshot 9"]),  # so many changes are more than a snapshot
    ],
)
def test_what_a_reader_of_changes_gets_when_it_comes_back(
    count: int, cursor: int | None, given: list[object]
) -> None:
    assert ids(log_of(count).since(cursor, live=False, deltas=True)) == given


def test_a_snapshot_is_made_once_for_all_who_come_between_two_messages() -> None:
    made: list[int] = []

    def snapshot(number: int) -> str:
        made.append(number)
        return "all"

    log = EventLog(snapshot)
    for _ in range(3):
        log.since(None, live=False)
    log.append("incident", str)
    log.since(None, live=False)
    assert made == [0, 1]


def test_a_late_reader_of_a_closed_incident_gets_the_state_and_the_end() -> None:
    assert ids(log_of(7, closed=True).since(None, live=False)) == ["snapshot 7", 7]


def test_nothing_is_appended_after_the_end() -> None:
    log = log_of(3, closed=True)
    assert not log.append("last-seen", str)
    assert log.last_id == 3


def test_a_message_that_cannot_be_made_leaves_no_gap_in_the_ring() -> None:
    log = log_of(2)

    def broken(_number: int) -> str:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        log.append("last-seen", broken)
    log.append("last-seen", lambda number: f"m{number}")
    assert [event.data for event in log.since(2, live=True)] == ["m3"]


@pytest.mark.parametrize(
    ("header", "cursor"),
    [
        (None, None),
        ("", None),
        ("17", 17),
        ("0", 0),
        ("-1", None),
        ("1e3", None),
        ("²", None),
        ("99999999999999999999", None),
        ("x; DROP", None),
    ],
)
def test_only_our_numbers_are_cursors(header: str | None, cursor: int | None) -> None:
    assert event_cursor(header) == cursor


def told(part: bytes) -> list[tuple[str, int | None]]:
    """Name and number of each server-sent event in what was yielded."""
    found = []
    for one in part.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in one.split("\n"))
        found.append((fields["event"], int(fields["id"]) if "id" in fields else None))
    return found


def following(
    log: EventLog, cursor: int | None, form: Form = WHAT_CHANGED
) -> AsyncGenerator[bytes]:
    return log.follow(cursor, form, heartbeat_s=30.0, heartbeat=str)


def test_following_wakes_for_news_from_another_thread_and_ends_with_the_log() -> None:
    log = log_of(1)

    async def follow() -> list[tuple[str, int | None]]:
        heard = []
        async for part in following(log, None, Form()):
            heard += told(part)
            name, _ = heard[-1]
            if name == "snapshot":
                await asyncio.to_thread(log.append, "cameras", str)
            elif name == "cameras":
                await asyncio.to_thread(log.append, "closed", str, last=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == [("snapshot", 1), ("cameras", 2), ("closed", 3)]


def test_the_bytes_of_an_event() -> None:
    log = EventLog(snapshot)
    log.append("incident", lambda _: '{"a":"\u00fc"}')
    log.append("closed", lambda _: "{}", last=True)

    async def follow() -> bytes:
        return b"".join([part async for part in log.follow(0, heartbeat_s=1.0, heartbeat=str)])

    assert asyncio.run(follow()).decode() == (
        'event: incident\ndata: {"a":"\u00fc"}\nid: 1\n\n'
        "event: closed\ndata: {}\nid: 2\nretry: 3600000\n\n"
    )


def test_silence_is_broken_by_heartbeats_that_do_not_move_the_cursor() -> None:
    log = log_of(2)

    async def follow() -> list[tuple[str, int | None]]:
        heard: list[tuple[str, int | None]] = []
        async for part in log.follow(2, heartbeat_s=0.01, heartbeat=lambda: "beat"):
            heard += told(part)
            if len(heard) == 2:
                log.append("closed", str, last=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard[:2] == [("heartbeat", None)] * 2
    assert heard[-1] == ("closed", 3)


def test_a_heartbeat_is_made_once_for_all_and_not_while_there_is_news() -> None:
    log = log_of(1)
    beats: list[int] = []

    def beat() -> str:
        beats.append(len(beats) + 1)
        return str(beats[-1])

    async def hear() -> bytes:
        parts = log.follow(1, heartbeat_s=0.3, heartbeat=beat)
        return await anext(parts)

    async def follow() -> list[bytes]:
        readers = [asyncio.create_task(hear()) for _ in range(5)]
        return await asyncio.gather(*readers)

    assert set(asyncio.run(asyncio.wait_for(follow(), 10.0))) == {b"event: heartbeat\ndata: 1\n\n"}

    async def follow_talk() -> None:
        parts = log.follow(1, heartbeat_s=0.3, heartbeat=beat)
        for _ in range(12):  # 0.6 s, no 0.3 s of which are silent
            await asyncio.sleep(0.05)
            log.append("incident", str)
            await anext(parts)

    asyncio.run(asyncio.wait_for(follow_talk(), 10.0))
    assert beats == [1]


def test_a_reader_that_dawdles_is_taken_to_the_newest_state() -> None:
    log = log_of(1)

    async def follow() -> list[object]:
        heard: list[object] = []
        async for part in log.follow(1, heartbeat_s=0.01, heartbeat=str):
            if told(part)[0][0] == "heartbeat":  # caught up; now 40 messages pass it by
                for _ in range(40):
                    log.append("last-seen", str)
                continue
            heard += told(part)
            log.append("closed", str, last=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == [("snapshot", 41), ("closed", 42)]


def test_one_that_does_not_take_what_it_is_given_keeps_nobody_waiting() -> None:
    log = log_of(1)

    async def follow() -> tuple[int, list[tuple[str, int | None]]]:
        slow, quick = following(log, 1), following(log, 1)
        log.append("incident", str)
        await anext(slow)  # and is not asked again until the end
        heard = 0
        async for part in quick:
            heard += len(told(part))
            if heard == 100:
                break
            log.append("incident", str)
        return heard, told(await anext(slow))

    heard, late = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == 100
    assert late == [("snapshot", 101)]


def test_all_who_wait_in_one_event_loop_are_woken_by_one_call() -> None:
    log = log_of(1)
    calls: list[object] = []

    async def follow() -> list[bytes]:
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counted(callback: object, *args: object) -> object:
            calls.append(callback)
            return wake(callback, *args)  # type: ignore[arg-type]

        readers = [asyncio.create_task(anext(following(log, 1))) for _ in range(50)]
        await asyncio.sleep(0.05)
        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        thread = threading.Thread(target=log.append, args=("incident", str))
        thread.start()
        heard = await asyncio.gather(*readers)
        loop.call_soon_threadsafe = wake  # type: ignore[method-assign]
        await asyncio.to_thread(thread.join)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == [b"event: incident\ndata: 2\nid: 2\n\n"] * 50
    assert len(calls) == 1
    assert len({id(one) for one in heard}) == 1  # the same bytes, made once


def test_what_comes_together_is_handed_out_together_up_to_a_size() -> None:
    log = EventLog(snapshot, max_lag=100)
    for _ in range(20):
        log.append("incident", lambda _: "x" * 10_000)

    async def follow() -> list[bytes]:
        parts = following(log, 0)
        return [await anext(parts) for _ in range(4)]

    parts = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert [len(told(part)) for part in parts] == [6, 6, 6, 2]


def test_a_live_reader_that_takes_its_time_is_not_given_all_that_it_missed() -> None:
    log = EventLog(snapshot, max_lag=10)
    log.append("incident", str)

    async def follow() -> list[list[tuple[str, int | None]]]:
        parts = following(log, 0)
        heard = [told(await anext(parts))]
        for _ in range(10):
            log.append("incident", lambda _: "x" * 10_000)
        heard.append(told(await anext(parts)))  # six fit into one part; while it takes them …
        for _ in range(10):
            log.append("incident", str)
        heard.append(told(await anext(parts)))
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert [part[0] for part in heard] == [("incident", 1), ("incident", 2), ("snapshot", 21)]


def test_a_slow_reader_still_hears_the_end() -> None:
    log = EventLog(lambda _: "x" * 70_000, max_lag=3)
    log.append("incident", str)

    async def follow() -> list[tuple[str, int | None]]:
        heard = []
        async for part in following(log, 0):
            heard += told(part)
            if len(heard) == 1:
                for n in range(9):
                    log.append("incident", str, last=n == 8)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == [("incident", 1), ("snapshot", 10), ("incident", 10)]


def test_a_reader_that_leaves_is_forgotten() -> None:
    log = log_of(1)

    async def look_once() -> None:
        readers = [following(log, None) for _ in range(2)]
        for reader in readers:
            await anext(reader)
        assert [waiting.readers for waiting in log._waiting.values()] == [2]
        for reader in readers:
            await reader.aclose()

    asyncio.run(look_once())
    assert not log._waiting
    log.append("last-seen", str)  # with the loop gone, nobody is in the way
