"""The floor plan of an incident in a real browser, with what is drawn and done on it."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from calibration.answer import Answer, EntranceOption, RankedSubject, StageTimes
from calibration.inputs import Arrival, Mark
from tests.api.replayed import Console, ReplayedRun, build_console, subject
from tests.browser.plan_school import search_area, search_picture, write_school
from tests.browser.steps import account, arrive, keep, open_exercise, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Route

    from tests.browser.conftest import Cable, Watched

pytestmark = pytest.mark.browser

ROUTE = ((25.0, 0.0), (24.5, 18.0), (4.5, 18.0), (5.0, 22.0))


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """The application over a school of two levels with a picture under the lower one."""
    write_school(tmp_path / "small")
    made = build_console(tmp_path, time.time)
    made.target.prepared.camera_reach()  # else made for the first answer, which would be late
    account(made, "ivy")
    yield made
    made.record.store.close()


def first(at_s: float, **changed: Any) -> RankedSubject:
    """The likely intruder, in the library."""
    values: dict[str, Any] = {
        "xy_m": (5.0, 22.0), "space": "n0-L1", "space_name": "Library",
        "trail_m": ((2.0, 18.0), (4.5, 18.5), (5.0, 22.0)),
    }  # fmt: skip
    return subject("S1", at_s=at_s, **{**values, **changed})


def others(at_s: float) -> tuple[RankedSubject, ...]:
    """One of each kind: upstairs, ruled out, an officer."""
    hall = {"space": "hall-L1", "space_name": "Main corridor"}
    return (
        subject("S6", at_s=at_s, rank=2, xy_m=(20.0, 18.0), level="L2", probability=0.6),
        subject("S2", at_s=at_s, rank=3, xy_m=(45.0, 18.0), **hall),
        subject("S3", at_s=at_s, rank=4, xy_m=(15.0, 28.0), status="rejected"),
        subject("S4", at_s=at_s, rank=5, xy_m=(33.0, 18.5), status="responder", unit="Unit 12"),
    )


def said(at_s: float, *subjects: RankedSubject, arrival_m: Any = None) -> Answer:
    """An answer that prefers door 12."""
    doors = (
        EntranceOption(
            "12", "South", True, 22.4, 18.1, ROUTE, ("enter by door 12",), "",
            route_by_level_m=(("L1", ROUTE),),
        ),
    )  # fmt: skip
    times = StageTimes(at_s - 0.4, at_s - 0.35, at_s - 0.2, at_s - 0.1)
    return Answer(at_s, subjects, doors, "In the Library. Take door 12.", times, arrival_m)


def in_view(at_s: float) -> Answer:
    return said(
        at_s, first(at_s, marks=(Mark("confirm", "S1", at_s, 1, "dispatcher"),)), *others(at_s)
    )


def out_of_view(at_s: float) -> Answer:
    lost = first(at_s, visibility="out of view", age_s=41.0, search=search_area(at_s))
    return said(at_s, lost, *others(at_s))


@dataclass
class Speaker:
    """Lets a run publish what `make` says, seven times a second; silent while it is None."""

    run: ReplayedRun
    make: Callable[[float], Answer] | None = in_view
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self) -> None:
        while not self.ended.wait(0.15):
            now_s = time.time()
            self.run.searched = {"S1": search_picture("S1", now_s)}
            if self.make is not None:
                self.run.say(self.make(now_s))

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(5)


@pytest.fixture
def speaker(quiet_page: Page, cable: Cable, console: Console) -> Iterator[Speaker]:
    """Signed in, an exercise open, answers coming."""
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    made = Speaker(console.runs.made[0])
    try:
        expect(quiet_page.locator("body")).to_have_attribute("data-fresh", "live", timeout=20_000)
        yield made
    finally:
        made.stop()


def tools(page: Page) -> None:
    page.get_by_role("button", name="Plan tools").click()


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_marks_say_by_their_shape_what_is_known(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    marks = page.locator("#plan .subject")
    expect(marks).to_have_count(4)  # S6 is upstairs
    shapes = {"S1": "diamond", "S2": "disc", "S3": "slash", "S4": "shield"}
    for name, shape in shapes.items():
        mark = page.locator(f'#plan .subject[data-subject="{name}"]')
        expect(mark.locator(f".{shape}")).to_be_visible()
    expect(page.locator('#plan .subject[data-subject="S1"] .corners')).to_be_visible()  # confirmed
    for name in ("S3", "S4"):
        expect(page.locator(f'#plan .subject[data-subject="{name}"]')).to_have_css("opacity", "0.6")
    expect(page.locator('#plan .subject[data-subject="S4"] .rank')).to_have_text("R")
    expect(page.locator('#plan .subject[data-subject="S4"]')).to_have_attribute(
        "aria-label", "S4, responder, unit Unit 12, West room, D3"
    )

    # who is on another level is told on its button, and to who hears the page
    upstairs = page.get_by_role("button", name="Upper floor 1, S6 is here")
    expect(upstairs).to_contain_text("S6")
    upstairs.click()
    expect(page.locator('#plan .subject[data-subject="S6"] .diamond')).to_be_visible()
    expect(page.locator("#plan .route-line")).to_have_count(0)  # it is all on the ground floor
    time.sleep(0.5)
    expect(upstairs).to_have_attribute("aria-pressed", "true")  # answers do not take it back
    page.get_by_role("button", name="Ground floor, S1 is here").click()
    expect(page.locator("#plan .route-line")).to_be_visible()
    expect(page.locator("#plan .door[data-best] .number")).to_have_text("12")


def test_where_an_unseen_subject_can_be_is_drawn(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    expect(page.locator("#plan .search path")).to_have_count(0)
    expect(page.locator("#search-note")).to_be_hidden()
    speaker.make = out_of_view
    expect(page.locator("#plan .search .band-1")).to_be_visible()
    expect(page.locator("#plan .search .area-50")).to_be_visible()
    expect(page.locator("#plan .search .area-95")).to_be_visible()
    assert page.locator("#plan .search path").count() <= 6  # few elements, however many cells
    expect(page.locator("#search-note")).to_contain_text(
        "S1 can be in Library 42 %; Main corridor 31"
    )
    expect(page.locator("#search-note")).to_contain_text("Main corridor (Upper floor 1) 10 %")
    expect(page.locator("#search-note")).to_contain_text("left the building 5 %")
    expect(page.locator('#plan .room[data-unit="n0-L1"] .share')).to_have_text("42 %")
    expect(page.locator('#plan .ring[data-subject="S1"]')).to_have_count(0)  # its map is drawn
    expect(page.locator("#place-line")).to_have_text(
        "S1 in A2, Library, Ground floor, Door 12, seen 41 s ago"
    )
    keep(page, "plan-search")

    # on the other level is its part of the map, and its share on the button
    page.get_by_role("button", name="Upper floor 1, S1 is here with 10 %").click()
    expect(page.locator("#plan .search .area-95")).to_be_visible()
    expect(page.locator("#plan .search .area-50")).to_have_count(0)
    page.get_by_role("button", name="Ground floor, S1 is here with 85 %").click()

    # silence: nothing is shown as if it were of now
    speaker.make = None
    expect(page.locator("#plan .search[data-old]")).to_have_count(1, timeout=2500)
    expect(page.locator("#search-note")).to_contain_text("not live")
    expect(page.locator("#place-line")).to_contain_text("Not live, as of ")

    # a camera sees the subject again: the map is gone with that answer
    speaker.make = in_view
    expect(page.locator("#plan .search path")).to_have_count(0)
    expect(page.locator("#search-note")).to_be_hidden()
    expect(page.locator('#plan .ring[data-subject="S1"]')).to_have_count(1)


def hold(_: Route) -> None:
    """Answer nothing."""


def test_a_map_that_cannot_be_fetched_grows_old(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    speaker.make = out_of_view
    expect(page.locator("#plan .search .band-1")).to_be_visible()
    page.route("**/search/S1", hold)
    expect(page.locator("#plan .search[data-old]")).to_have_count(1)
    expect(page.locator("#search-areas")).to_contain_text("not live")
    expect(page.locator("body")).to_have_attribute("data-fresh", "live")
    page.unroute("**/search/S1")  # which lets go what was held
    expect(page.locator("#plan .search[data-old]")).to_have_count(0)


def test_a_subject_is_chosen_by_click_and_by_key(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    mark = page.locator('#plan .subject[data-subject="S2"]')
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(mark.locator(".halo")).to_be_visible()
    mark.click()
    expect(mark).to_have_attribute("aria-pressed", "false")
    # arrow keys go from mark to mark, Enter chooses
    mark.focus()
    before = page.evaluate("document.activeElement.dataset.subject")
    page.keyboard.press("ArrowRight")
    after = page.evaluate("document.activeElement.dataset.subject")
    assert before == "S2"
    assert after != before
    page.keyboard.press("Enter")
    chosen = page.locator(f'#plan .subject[data-subject="{after}"]')
    expect(chosen).to_have_attribute("aria-pressed", "true")
    time.sleep(0.5)
    assert page.evaluate("document.activeElement.dataset.subject") == after  # answers keep it


def test_cameras_tell_their_state_and_show_their_view(
    speaker: Speaker, quiet_page: Page, console: Console
) -> None:
    page = quiet_page
    camera = page.locator('#plan .camera[data-camera="cam-001"]')
    camera.focus()
    expect(page.locator("#plan-tip")).to_have_text("Camera Camera 1: live")
    expect(page.locator('#plan .view[data-camera="cam-001"]')).to_have_attribute("data-lit", "true")
    expect(camera).to_have_attribute("aria-label", "Camera Camera 1, live")
    camera.blur()
    expect(page.locator("#plan-tip")).to_be_hidden()
    expect(page.locator("#plan .view[data-lit]")).to_have_count(0)

    # a camera that is down covers nothing
    page.evaluate("document.querySelector('#plan-legend').open = true")
    blind = page.locator("#plan .blind")
    expect(page.locator("#legend-blind-text")).to_contain_text("% of this level")
    covered = blind.get_attribute("d")
    console.runs.made[0].phase = "stalled"
    expect(camera).to_have_attribute("data-phase", "stalled")
    expect(camera.locator(".cross")).to_be_visible()
    expect(blind).not_to_have_attribute("d", covered or "")
    expect(page.locator("#legend-blind-text")).to_contain_text("100 %")
    expect(page.locator("#plan")).to_have_attribute("aria-label", holding("4 cameras, 0 live"))


def holding(text: str) -> re.Pattern[str]:
    """A pattern of a text that holds another one."""
    return re.compile(re.escape(text))


def upright(page: Page, selector: str) -> list[float]:
    """By how many degrees each text is turned on the screen."""
    turned: list[float] = page.locator(selector).evaluate_all(
        "all => all.filter(one => one.getClientRects().length).map(one => {"
        " const m = one.getScreenCTM(); return Math.atan2(m.b, m.a) * 180 / Math.PI; })"
    )
    return turned


def test_the_plan_is_turned_and_stays_readable(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    tools(page)
    west, south = '#plan .door[data-door="1"] .badge', '#plan .door[data-door="12"] .badge'
    assert middle(page, west)[1] < middle(page, south)[1]
    page.get_by_role("button", name="North up").click()
    tools(page)  # away again: they cover some of it
    # The x axis points to 60 degrees: up and to the right. North is up.
    assert middle(page, west)[1] > middle(page, '#plan .door[data-door="2"] .badge')[1]
    assert page.locator("#plan-north").evaluate(
        "one => getComputedStyle(one).getPropertyValue('--north')"
    ) in {"0deg", "-0deg"}
    for selector in ("#plan .number", "#plan .rank", "#plan .age", "#plan .squares text"):
        angles = upright(page, selector)
        assert angles
        assert all(abs(angle) < 0.5 for angle in angles), selector
    assert all(-90 < angle <= 90.5 for angle in upright(page, "#plan .room .name"))
    keep(page, "plan-north")

    # what was clicked on is still what is meant, and the mark still stands in its room
    page.locator('#plan .subject[data-subject="S2"]').click()
    expect(page.locator('#plan .subject[data-subject="S2"]')).to_have_attribute(
        "aria-pressed", "true"
    )
    page.locator('#plan .subject[data-subject="S2"]').click()
    inside = page.evaluate(
        """() => {
          const mark = document.querySelector('#plan .subject[data-subject="S1"] .rank');
          const { left, top, width, height } = mark.getBoundingClientRect();
          return document.elementsFromPoint(left + width / 2, top + height / 2)
            .some(one => one.dataset?.id === "n0-L1");
        }"""
    )
    assert inside

    # officers come from the west: the west door is at the bottom, also after a reload
    speaker.make = lambda at_s: said(at_s, first(at_s), arrival_m=(-30.0, 18.0))
    expect(page.locator("#plan .arrival")).to_contain_text("Officers arrive")
    tools(page)
    page.get_by_role("button", name="Arriving side down").click()
    assert middle(page, west)[1] > middle(page, south)[1]
    page.reload()
    tools(page)
    expect(page.get_by_role("button", name="Arriving side down")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("#plan .subject")).to_have_count(1)
    assert middle(page, west)[1] > middle(page, south)[1]
    page.get_by_role("button", name="As drawn").click()
    assert middle(page, west)[1] < middle(page, south)[1]
    assert middle(page, west)[0] < middle(page, '#plan .door[data-door="2"] .badge')[0]


def test_keys_zoom_and_move_the_plan(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    plan = page.locator("#plan")
    tools(page)
    page.get_by_role("button", name="North up").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Plan tools")).to_be_focused()
    whole = plan.get_attribute("viewBox")
    plan.focus()
    page.keyboard.press("ArrowRight")
    assert plan.get_attribute("viewBox") == whole  # all of it is there already
    page.keyboard.press("+")
    page.keyboard.press("+")
    zoomed = plan.get_attribute("viewBox")
    assert zoomed != whole
    x, y = middle(page, '#plan .door[data-door="12"] .badge')
    page.keyboard.press("ArrowRight")
    moved_x, moved_y = middle(page, '#plan .door[data-door="12"] .badge')
    assert (x - moved_x, y - moved_y) == pytest.approx((60, 0), abs=2)
    # a drag moves it with the pointer, and is no click
    box = plan.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 230, box["y"] + 150, steps=4)
    page.mouse.up()
    assert middle(page, '#plan .door[data-door="12"] .badge')[0] == pytest.approx(
        moved_x + 30, abs=3
    )
    expect(page.locator('#plan .subject[aria-pressed="true"]')).to_have_count(0)
    # letters and numbers of the grid are still at the edges
    labels = page.locator("#plan .squares .edge text").all_text_contents()
    assert labels
    for label in page.locator("#plan .squares .edge circle").all():
        there = label.bounding_box()
        assert there is not None
        assert box["x"] - 2 <= there["x"] <= box["x"] + box["width"]
        assert box["y"] - 2 <= there["y"] <= box["y"] + box["height"]
    page.keyboard.press("0")
    assert plan.get_attribute("viewBox") == whole


def test_the_place_is_copied(speaker: Speaker, quiet_page: Page) -> None:
    page = quiet_page
    expect(page.locator("#place-line")).to_have_text("S1 in A2, Library, Ground floor, Door 12")
    squares = page.locator("#plan .squares .edge text")
    assert {"A", "F", "1", "4"} <= set(squares.all_text_contents())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy place").click()
    expect(page.get_by_role("status").filter(has_text="Copied").first).to_be_attached()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "S1 in A2, Library, Ground floor, Door 12"
    )
    # without TLS a browser has no clipboard for scripts
    page.evaluate("navigator.clipboard.writeText('')")
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }"
    )
    expect(page.locator("#place-copy")).to_have_text("Copy place")
    page.locator("#place-copy").click()
    expect(page.locator("#place-copy")).to_have_text("Copied")
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == "S1 in A2, Library, Ground floor, Door 12"
    )
    tools(page)
    page.get_by_role("button", name="Grid").click()
    expect(squares.first).to_be_hidden()
    page.reload()
    tools(page)
    expect(page.get_by_role("button", name="Grid")).to_have_attribute("aria-pressed", "false")


def test_officers_arrive_where_somebody_clicks(
    speaker: Speaker, quiet_page: Page, console: Console
) -> None:
    page = quiet_page
    run = console.runs.made[0]
    tools(page)
    page.get_by_role("button", name="Officers arrive").click()
    expect(page.locator("#plan-asks")).to_contain_text("Click where officers arrive")
    # on a room, at its middle: site metres of that place, whatever lies there
    x, y = middle(page, '#plan .unit[data-id="s4-L1"]')
    page.mouse.click(x, y)
    expect(page.locator("#plan-asks")).to_contain_text("Taken")
    expect(page.locator("#plan-options")).to_be_visible()  # back again after the aim
    (told,) = [one for one in run.told if isinstance(one, Arrival)]
    assert told.xy_m == pytest.approx((45.0, 8.0), abs=0.3)
    expect(page.locator('#plan .subject[aria-pressed="true"]')).to_have_count(0)

    # with keys, on a plan that is turned
    page.get_by_role("button", name="North up").click()
    page.get_by_role("button", name="Officers arrive").click()
    expect(page.locator("#plan")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    aim = middle(page, "#plan .aim circle")
    page.keyboard.press("Enter")
    expect(page.locator("#plan .aim")).to_have_count(0)
    told = [one for one in run.told if isinstance(one, Arrival)][-1]
    assert told.xy_m is not None
    speaker.make = lambda at_s: said(at_s, first(at_s), arrival_m=told.xy_m)
    expect(page.locator("#plan .arrival")).to_have_count(1)
    pin = page.locator("#plan .arrival .pin").bounding_box()
    assert pin is not None
    assert (pin["x"] + pin["width"] / 2, pin["y"] + pin["height"]) == pytest.approx(aim, abs=4)

    page.get_by_role("button", name="Take arrival back").click()
    expect(page.locator("#plan-asks")).to_contain_text("Taken back")
    assert [one for one in run.told if isinstance(one, Arrival)][-1].xy_m is None

    # Escape leaves, and sends nothing
    page.get_by_role("button", name="Officers arrive").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Officers arrive")).to_be_focused()
    assert len([one for one in run.told if isinstance(one, Arrival)]) == 3


def test_a_refused_arrival_is_explained(
    page: Page, watched: Watched, cable: Cable, console: Console
) -> None:
    arrive(page, cable)
    open_exercise(page)
    tools(page)
    page.route(
        "**/arrival",
        lambda route: route.fulfill(
            status=403,
            content_type="application/problem+json",
            json={"title": "Not permitted", "detail": "clause II.1 names dispatchers only"},
        ),
    )
    page.get_by_role("button", name="Officers arrive").click()
    page.keyboard.press("Enter")
    refusal = page.locator("#plan-refusal")
    expect(refusal).to_have_text(
        "Where officers arrive was not taken. Clause II.1 names dispatchers only"
    )
    expect(refusal).to_be_focused()
    assert console.runs.made[0].told == []
    assert len(watched.complaints) == 1  # the browser's own line of the 403


def test_who_may_not_mark_sees_the_plan_and_no_button(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "tess", "tactical")
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    quiet_page.context.clear_cookies()
    sign_in(quiet_page, cable, "tess")  # who is led to what is open
    expect(quiet_page.locator("#incident")).to_be_visible()
    tools(quiet_page)
    expect(quiet_page.get_by_role("button", name="North up")).to_be_visible()
    expect(quiet_page.locator("#arrive")).to_be_hidden()


def test_the_picture_of_the_plan_is_shown_when_asked_for(
    speaker: Speaker, quiet_page: Page
) -> None:
    page = quiet_page
    tools(page)
    picture = page.locator("#plan .underlay")
    expect(picture).to_be_hidden()
    assert picture.get_attribute("href") is None  # nothing was loaded
    with page.expect_response("**/v1/sites/small/underlays/L1") as response:
        page.get_by_role("button", name="Picture").click()
    assert response.value.ok
    expect(picture).to_be_visible()
    # 1200 x 720 pixels of 5 cm from the origin: as large as the school
    away = page.evaluate(
        """() => {
          const [a, b] = ["#plan .underlay", "#plan .walls"]
            .map(one => document.querySelector(one).getBoundingClientRect());
          return ["left", "top", "right", "bottom"].map(side => a[side] - b[side]);
        }"""
    )
    assert away == pytest.approx([0, 0, 0, 0], abs=2)


def unreachable(page: Page) -> list[str]:
    """Buttons of the plan that are smaller than a finger."""
    small: list[str] = page.locator(".plan button:visible, .plan summary:visible").evaluate_all(
        "all => all.filter(one => { const { width, height } = one.getBoundingClientRect();"
        " return width < 44 || height < 44; }).map(one => one.textContent)"
    )
    return small


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)])
def test_it_is_accessible_and_fits(
    browser: Browser, cable: Cable, console: Console, width: int, height: int, scheme: Any
) -> None:
    with browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    ) as context:
        page = context.new_page()
        arrive(page, cable)
        open_exercise(page)
        speaker = Speaker(console.runs.made[0], make=out_of_view)
        try:
            expect(page.locator("#plan .search .band-1")).to_be_visible()
            tools(page)
            page.locator("#plan-legend summary").click()
            found = Axe().run(page, context=".plan").response["violations"]
            serious = [
                (one["id"], [node["target"] for node in one["nodes"]])
                for one in found
                if one["impact"] in {"serious", "critical"}
            ]
            assert serious == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width < 500:
                assert unreachable(page) == []
                plan = page.locator("#plan").bounding_box()
                assert plan is not None
                assert plan["width"] > 0.85 * width
            keep(page, f"plan-{scheme}-{width}")
        finally:
            speaker.stop()
