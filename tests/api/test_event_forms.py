"""The forms in which an event is told: whole or what changed, with the cameras or without."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from api.event_forms import Form
from api.events import EventLog
from tests.api.test_events import WHAT_CHANGED, told


def counting(number: int) -> str:
    return json.dumps(message(number))


def message(number: int, *cameras: str) -> dict[str, object]:
    return {
        "schema_version": 1, "sequence": number, "incident": "i", "exercise": True,
        "published_at": f"at {number}", "count": number, "cameras": list(cameras) or ["secret"],
        "same": "for ever",
    }  # fmt: skip


def nothing_secret(_name: str, data: str) -> str:
    return data.replace("secret", "-")


def data_of(part: bytes) -> list[dict[str, object]]:
    return [json.loads(found) for found in re.findall(r"^data: (.*)$", part.decode(), re.MULTILINE)]


def heard_of(
    log: EventLog, cursor: int, form: Form
) -> tuple[list[object], list[dict[str, object]]]:
    async def follow() -> bytes:
        parts = log.follow(cursor, form, heartbeat_s=30.0, heartbeat=str)
        return b"".join([part async for part in parts])

    heard = asyncio.run(asyncio.wait_for(follow(), 10.0))
    return [name for name, _ in told(heard)], data_of(heard)


def test_changes_are_against_the_message_of_the_same_name_before() -> None:
    log = EventLog(counting)
    for name in ("last-seen", "cameras", "last-seen", "incident", "cameras"):
        log.append(name, counting)
    log.append("closed", counting, last=True)
    names, messages = heard_of(log, 0, WHAT_CHANGED)
    # the first of a name has nothing before it, and incidents are told whole
    assert names == [
        "last-seen", "cameras", "last-seen-delta", "incident", "cameras-delta", "closed",
    ]  # fmt: skip
    assert messages[2] == {
        "schema_version": 1, "sequence": 3, "incident": "i", "exercise": True,
        "published_at": "at 3", "base": 1, "patch": {"count": 3},
    }  # fmt: skip
    assert messages[4]["base"] == 2


def test_a_message_without_its_base_in_the_ring_still_has_its_change() -> None:
    log = EventLog(counting, ring_size=2)
    log.append("last-seen", counting)
    for _ in range(4):
        log.append("incident", counting)
    log.append("last-seen", counting)
    log.append("closed", counting, last=True)
    names, messages = heard_of(log, 5, WHAT_CHANGED)
    assert names == ["last-seen-delta", "closed"]
    assert messages[0]["base"] == 1


@pytest.mark.parametrize("deltas", [False, True])
def test_who_may_not_be_told_cameras_hears_of_none(deltas: bool) -> None:
    log = EventLog(counting, less=nothing_secret)
    for _ in range(2):
        log.append("last-seen", counting)
    log.append("last-seen", lambda n: json.dumps(message(n, "secret", "more secret")))
    log.append("closed", counting, last=True)
    names, messages = heard_of(log, 0, Form(cameras_told=False, deltas=deltas))
    assert "secret" not in json.dumps(messages)
    if deltas:
        assert names[1:3] == ["last-seen-delta"] * 2
        assert messages[2]["patch"] == {"count": 3, "cameras": ["-", "more -"]}
    told_all = json.dumps(heard_of(log, 0, Form(deltas=deltas)))
    assert "more secret" in told_all


def test_forms_are_made_once_and_only_of_what_somebody_reads() -> None:
    less: list[str] = []

    def counted(name: str, data: str) -> str:
        less.append(name)
        return data

    log = EventLog(counting, less=counted)
    both = (Form(cameras_told=False), Form(cameras_told=False, deltas=True))

    async def hear(form: Form) -> None:
        await anext(log.follow(log.last_id - 1, form, heartbeat_s=1.0, heartbeat=str))

    for _ in range(3):
        log.append("last-seen", counting)
        asyncio.run(hear(WHAT_CHANGED))
    assert less == []
    for form in both:
        asyncio.run(hear(form))
    less.clear()
    log.append("last-seen", counting)
    for form in both * 3:
        asyncio.run(hear(form))
    assert less == ["last-seen"]


def test_what_few_read_is_not_kept_in_all_forms() -> None:
    log = EventLog(counting, max_lag=3)
    for _ in range(10):
        log.append("incident", counting)
    heard = log.since(0, live=False)

    async def follow() -> None:
        await anext(log.follow(0, heartbeat_s=1.0, heartbeat=str))

    asyncio.run(follow())
    log.append("incident", counting)
    for _ in range(9):
        log.append("incident", counting)
    assert [bool(event.made) for event in heard] == [True] * 7 + [False] * 3
