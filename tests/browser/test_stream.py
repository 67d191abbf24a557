"""How the page follows an incident: by what changed, over gaps and breaks, in a real browser."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from api.deltas import apply, delta, delta_message
from tests.api.test_deltas import said
from tests.browser.steps import TEXT, Talker, arrive, open_exercise, two_people

if TYPE_CHECKING:
    from playwright.sync_api import Request

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

pytestmark = pytest.mark.browser

APPLY = """async ([before, patch]) => {
    const { applied } = await import("/console/deltas.js");
    const untouched = JSON.stringify(before);
    const after = applied(before, patch);
    return [after, JSON.stringify(before) === untouched];
}"""

# An EventSource that says what the test tells it to, and what is handed on of it.
STUB = """async () => {
    const made = [];
    window.EventSource = class extends EventTarget {
        static OPEN = 1;
        static CLOSED = 2;
        constructor(url) {
            super();
            this.url = url;
            this.readyState = 1;
            made.push(this);
        }
        close() { this.readyState = 2; }
    };
    const { follow } = await import("/console/stream.js");
    window.heard = [];
    window.made = made;
    const hear = (name, message) => window.heard.push([name, message]);
    follow("i", { hear, link: () => {}, gone: () => {} });
    window.say = (name, message) => made.at(-1).dispatchEvent(
        new MessageEvent(name, { data: JSON.stringify(message) }));
}"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 1, "b": {"c": None, "d": 2}}, {"a": None, "b": {"c": {"e": 1}, "d": 3}}),
        ({"a": {"b": 1}}, {"a": None}),
        (
            {"a": [{"id": "x", "n": 1}, {"id": "y", "n": 2}]},
            {"a": [{"id": "z", "n": 3}, {"id": "y", "n": None}]},
        ),
        ({"a": [{"door_number": "2"}, {"door_number": "1"}]}, {"a": [{"door_number": "1"}]}),
        ({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 3}]}),
        ({"a": [[0, 0], [1, 0], [2, 0]]}, {"a": [[1, 0], [2, 0], [3, 0]]}),
        ({"a": ["x"], "b": []}, {"a": [], "b": [{"id": "x"}]}),
    ],
)
def test_the_page_applies_what_changed_as_the_server_does(
    quiet_page: Page, cable: Cable, before: dict[str, Any], after: dict[str, Any]
) -> None:
    arrive(quiet_page, cable)
    patch = delta(before, after)
    assert patch is not None
    assert apply(before, patch) == after
    assert quiet_page.evaluate(APPLY, [before, patch]) == [after, True]


def messages(count: int) -> list[dict[str, Any]]:
    """Answers in which somebody walks; the third has somebody new."""
    people: list[list[Any]] = [[("S1", (1.0 + n, 2.0), ((1.0, 2.0),), {})] for n in range(count)]
    for later in people[2:]:
        later.append(("S2", (9.0, 2.0), (), {}))
    return [said(n, one).model_dump(mode="json") for n, one in enumerate(people, start=1)]


def changes(full: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = (delta_message(a, b) for a, b in itertools.pairwise(full))
    return [one for one in found if one is not None]


def test_full_messages_are_handed_on_whatever_comes(quiet_page: Page, cable: Cable) -> None:
    arrive(quiet_page, cable)
    quiet_page.evaluate(STUB)
    full = messages(4)
    snapshot = {"sequence": 1, "last_seen": full[0], "cameras": {"sequence": 1}}
    say = "([name, message]) => window.say(name, message)"
    quiet_page.evaluate(say, ["snapshot", snapshot])
    quiet_page.evaluate(say, ["last-seen-delta", changes(full)[0]])
    quiet_page.evaluate(say, ["heartbeat", {}])
    quiet_page.evaluate(say, ["last-seen", full[2]])  # a full one may come at any time
    quiet_page.evaluate(say, ["last-seen-delta", changes(full)[2]])
    assert quiet_page.evaluate("window.heard") == [
        ["snapshot", snapshot], ["last-seen", full[1]], ["heartbeat", {}],
        ["last-seen", full[2]], ["last-seen", full[3]],
    ]  # fmt: skip
    assert quiet_page.evaluate("window.made.map((one) => one.url)") == [
        "/v1/incidents/i/events?deltas=true"
    ]


def test_a_gap_is_closed_by_a_snapshot_on_a_new_connection(quiet_page: Page, cable: Cable) -> None:
    arrive(quiet_page, cable)
    quiet_page.evaluate(STUB)
    full = messages(4)
    say = "([name, message]) => window.say(name, message)"
    quiet_page.evaluate(say, ["snapshot", {"last_seen": full[0], "cameras": {"sequence": 1}}])
    quiet_page.evaluate(say, ["last-seen-delta", changes(full)[1]])  # changes what never came
    quiet_page.evaluate(say, ["last-seen-delta", changes(full)[2]])  # on a connection that ended
    assert [name for name, _ in quiet_page.evaluate("window.heard")] == ["snapshot"]
    quiet_page.wait_for_function("() => window.made.length === 2")
    assert quiet_page.evaluate("window.made[0].readyState") == 2
    quiet_page.evaluate(say, ["snapshot", {"last_seen": full[2], "cameras": {"sequence": 1}}])
    quiet_page.evaluate(say, ["last-seen-delta", changes(full)[2]])
    name, message = quiet_page.evaluate("window.heard.at(-1)")
    assert (name, message) == ("last-seen", full[3])


def test_the_page_lives_on_what_changed(quiet_page: Page, cable: Cable, console: Console) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    quiet_page.on("request", note)
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    talker = Talker(console.runs.made[0])
    try:
        page = quiet_page
        expect(page.locator("body")).to_have_attribute("data-fresh", "live")
        expect(page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
        expect(page.locator("#plan .subject")).to_have_count(2)
    finally:
        talker.stop()
    assert any(url.endswith("/events?deltas=true") for url in asked)


def test_what_was_missed_in_a_break_is_on_the_screen_after_it(
    page: Page, cable: Cable, console: Console
) -> None:
    arrive(page, cable)
    open_exercise(page)
    run = console.runs.made[0]
    run.say(two_people(time.time()))
    expect(page.locator("#plan .subject")).to_have_count(2)
    cable.cut()
    for _ in range(3):  # fewer than the server keeps: they come as what changed
        run.say(two_people(time.time()))
    cable.mend()
    deadline_s = time.monotonic() + 15.0
    while not cable.resumed_from and time.monotonic() < deadline_s:
        page.wait_for_timeout(100)
    assert cable.resumed_from
    run.say(two_people(time.time()))
    expect(page.locator("body")).to_have_attribute("data-fresh", "live")
    for _ in range(60):  # more than a reader of changes is given: it begins anew, and goes on
        run.say(two_people(time.time()))
    cable.cut()
    for _ in range(60):
        run.say(two_people(time.time()))
    cable.mend()
    expect(page.locator("#badge-text")).to_contain_text("STALE")
    seen = len(cable.resumed_from)
    while len(cable.resumed_from) == seen and time.monotonic() < deadline_s + 15.0:
        page.wait_for_timeout(100)
    run.say(two_people(time.time()))
    expect(page.locator("body")).to_have_attribute("data-fresh", "live")
    expect(page.locator("#plan .subject")).to_have_count(2)
