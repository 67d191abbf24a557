"""The ring: numbers, resuming, slow readers, the end of a stream."""

from __future__ import annotations

import asyncio

import pytest

from api.events import Event, EventLog, event_cursor


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


def test_following_wakes_for_news_from_another_thread_and_ends_with_the_log() -> None:
    log = log_of(1)

    async def follow() -> list[tuple[str, int | None]]:
        heard = []
        async for event in log.follow(None, heartbeat_s=30.0, heartbeat=str):
            heard.append((event.name, event.id))
            if event.name == "snapshot":
                await asyncio.to_thread(log.append, "cameras", str)
            elif event.name == "cameras":
                await asyncio.to_thread(log.append, "closed", str, last=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard == [("snapshot", 1), ("cameras", 2), ("closed", 3)]


def test_silence_is_broken_by_heartbeats_that_do_not_move_the_cursor() -> None:
    log = log_of(2)

    async def follow() -> list[tuple[str, int | None]]:
        heard: list[tuple[str, int | None]] = []
        async for event in log.follow(2, heartbeat_s=0.01, heartbeat=lambda: "beat"):
            heard.append((event.name, event.id))
            if len(heard) == 2:
                log.append("closed", str, last=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    assert heard[:2] == [("heartbeat", None)] * 2
    assert heard[-1] == ("closed", 3)


def test_a_reader_that_dawdles_is_taken_to_the_newest_state() -> None:
    log = log_of(1)

    async def follow() -> list[object]:
        heard: list[object] = []
        async for event in log.follow(1, heartbeat_s=0.01, heartbeat=str):
            if event.name == "heartbeat":  # caught up; now 40 messages pass it by
                for _ in range(40):
                    log.append("last-seen", str)
                continue
            heard += ids((event,))
            log.append("closed", str, last=True)
        return heard

    assert asyncio.run(asyncio.wait_for(follow(), 10.0)) == ["snapshot 41", 42]


def test_a_reader_that_leaves_is_forgotten() -> None:
    log = log_of(1)

    async def look_once() -> None:
        reader = log.follow(None, heartbeat_s=30.0, heartbeat=str)
        await anext(reader)
        assert len(log._wakers) == 1
        await reader.aclose()

    asyncio.run(look_once())
    assert not log._wakers
    log.append("last-seen", str)  # with the loop gone, nobody is in the way
