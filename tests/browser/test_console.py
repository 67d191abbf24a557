"""The screen of an incident in a real browser."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from calibration.answer import Answer
from tests.api.replayed import Console, answer, evidence, subject
from tests.browser.steps import (
    ANSWER_EVERY_S,
    TEXT,
    Talker,
    arrive,
    keep,
    open_exercise,
    two_people,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.conftest import Cable, Watched

pytestmark = pytest.mark.browser


@pytest.fixture
def talker(quiet_page: Page, cable: Cable, console: Console) -> Iterator[Talker]:
    """Signed in, an exercise open, answers coming."""
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    expect(quiet_page.locator("#cameras li")).to_have_count(2)
    made = Talker(console.runs.made[0])
    expect(quiet_page.locator("body")).to_have_attribute("data-fresh", "live")
    yield made
    made.stop()


def test_the_answer_is_on_the_screen(talker: Talker, quiet_page: Page) -> None:
    page = quiet_page
    expect(page.locator("#kind")).to_have_text("EXERCISE not a real incident")
    expect(page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
    expect(page.locator("#spoken")).to_have_text(TEXT)  # for screen readers
    expect(page.locator("#badge-text")).to_contain_text("Live")

    # the plan: both subjects, a ring for the suspect (none for who is harmless and out of view),
    # the suspect's trail, room and route
    expect(page.locator("#plan .subject")).to_have_count(2)
    suspect = page.locator('#plan .subject[data-subject="S1"]')
    expect(suspect).to_be_visible()
    expect(suspect.locator(".diamond")).to_be_visible()
    expect(page.locator("#plan .ring[data-suspect]")).to_have_count(1)
    expect(page.locator("#plan .ring")).to_have_count(1)
    expect(page.locator("#plan .trail[data-suspect]")).to_be_visible()
    expect(page.locator("#plan .route-line")).to_be_visible()
    expect(page.locator("#plan .unit[data-here]")).to_have_attribute("data-id", "west")
    expect(page.get_by_role("heading", name="Take this door")).to_be_visible()
    expect(page.locator("#plan .door[data-best] .number")).to_have_text("1")
    expect(page.locator('#plan .view[data-phase="live"]')).to_have_count(2)

    # the mark stands where the subject is: at (4, 8) of a plan 20 m wide and 12 m high
    room = page.locator('#plan .unit[data-id="west"]').bounding_box()
    mark = suspect.locator(".diamond").bounding_box()
    assert room is not None
    assert mark is not None
    assert (mark["x"] + mark["width"] / 2 - room["x"]) / room["width"] == pytest.approx(
        0.4, abs=0.02
    )
    assert (mark["y"] + mark["height"] / 2 - room["y"]) / room["height"] == pytest.approx(
        0.5, abs=0.02
    )

    # the lists
    ranked = page.locator("#ranked > li")
    expect(ranked).to_have_count(2)
    expect(ranked.nth(0)).to_contain_text("West room")
    expect(ranked.nth(0)).to_contain_text("90 %")
    expect(ranked.nth(0)).to_contain_text("in view now")
    expect(ranked.nth(0)).to_contain_text("a <b>rifle</b> was seen in 8 of 10 looks")
    expect(ranked.nth(1)).to_contain_text("last seen 12 s ago")
    expect(page.locator("#door-number")).to_have_text("1")
    expect(page.locator("#door-walk")).to_have_text("12 m on foot")
    expect(page.locator("#steps li")).to_have_count(3)
    expect(page.locator("#doors li")).to_have_count(1)
    expect(page.locator("#doors li")).to_contain_text("7 m longer on foot")
    keep(page, "console")


def test_nobody_is_shown_as_the_intruder_before_the_odds_say_so(
    talker: Talker, quiet_page: Page
) -> None:
    talker.stop()
    at_s = time.time()
    talker.run.say(answer(at_s, subject("S1", at_s=at_s, probability=0.05), text="Nobody armed"))
    expect(quiet_page.get_by_role("heading", level=1, name="Nobody armed")).to_be_visible()
    expect(quiet_page.locator("[data-suspect]")).to_have_count(0)
    expect(quiet_page.locator("#plan .subject .disc")).to_be_visible()
    expect(quiet_page.get_by_role("heading", name="Closest to S1")).to_be_visible()


def test_the_clearest_look_is_shown_with_the_weapon_framed(
    talker: Talker, quiet_page: Page
) -> None:
    page = quiet_page
    first = page.locator("#ranked > li").nth(0)
    expect(first.locator(".evidence")).to_be_hidden()
    talker.run.pictures = {("cam-01", 4): evidence("cam-01", 4, time.time(), 0.8)}
    expect(first.locator(".evidence")).to_be_visible()
    expect(first.locator(".evidence figcaption")).to_contain_text("judge for yourself")
    picture = first.locator(".evidence img")
    expect(picture).to_have_js_property("naturalWidth", 64)
    frame, shown = first.locator(".evidence rect").bounding_box(), picture.bounding_box()
    assert frame is not None
    assert shown is not None
    assert (frame["x"] - shown["x"]) / shown["width"] == pytest.approx(0.25, abs=0.03)
    assert frame["width"] / shown["width"] == pytest.approx(0.5, abs=0.05)
    expect(page.locator("#ranked > li").nth(1).locator(".evidence")).to_be_hidden()
    keep(page, "evidence")


def test_what_a_person_has_opened_stays_open(talker: Talker, quiet_page: Page) -> None:
    second = quiet_page.locator("#ranked > li").nth(1)
    expect(second.locator(".reasons")).to_be_hidden()
    second.locator("summary").click()
    for count in range(3):  # answers keep coming and redraw the list
        frames = talker.run.frames
        quiet_page.wait_for_function("() => true")
        while talker.run.frames < frames + 2:
            quiet_page.wait_for_timeout(20)
        expect(second.locator(".reasons"), f"after {count}").to_be_visible()


def test_stale_data_is_greyed_and_says_so(talker: Talker, quiet_page: Page) -> None:
    page = quiet_page
    opacity = "() => Number(getComputedStyle(document.querySelector('#plan')).opacity)"
    assert page.evaluate(opacity) == 1
    talker.stop()
    expect(page.locator("body")).to_have_attribute("data-fresh", "stale", timeout=4000)
    expect(page.locator("#badge-text")).to_contain_text("STALE: no new data for")
    expect(page.locator("#ranked > li").nth(0)).to_contain_text("last seen")
    assert page.evaluate(opacity) < 0.6
    keep(page, "stale")
    talker.run.say(two_people(time.time()))
    expect(page.locator("body")).to_have_attribute("data-fresh", "live")
    assert page.evaluate(opacity) == 1


def test_old_pictures_are_stale_although_answers_keep_coming(
    talker: Talker, quiet_page: Page
) -> None:
    talker.stop()
    late = threading.Event()

    def talk_of_old_pictures() -> None:
        taken_s = time.time() - 9.0
        while not late.wait(ANSWER_EVERY_S):
            now_s = time.time()
            talker.run.say(Answer(now_s, (), (), "No pictures", two_people(taken_s).times))

    thread = threading.Thread(target=talk_of_old_pictures)
    thread.start()
    try:
        expect(quiet_page.locator("#badge-text")).to_contain_text("STALE: newest picture is")
    finally:
        late.set()
        thread.join(5)


def test_a_lost_connection_is_shown_and_resumed(page: Page, cable: Cable, console: Console) -> None:
    arrive(page, cable)
    open_exercise(page)
    talker = Talker(console.runs.made[0])
    try:
        expect(page.locator("body")).to_have_attribute("data-fresh", "live")
        cable.cut()
        expect(page.locator("#badge-text")).to_contain_text("connection lost")
        expect(page.locator("body")).to_have_attribute("data-fresh", "stale")
        cable.mend()
        expect(page.locator("body")).to_have_attribute("data-fresh", "live", timeout=15_000)
        assert cable.resumed_from  # the server was asked for what was missed
        assert min(cable.resumed_from) > 2
    finally:
        talker.stop()


def test_camera_trouble_is_visible(talker: Talker, quiet_page: Page) -> None:
    talker.run.phase = "stalled"
    talker.run.trouble = ("camera Corridor: stalled: no picture for 3.2 s",)
    expect(quiet_page.locator("#problems li")).to_have_text(talker.run.trouble[0])
    expect(quiet_page.locator('#cameras li[data-phase="stalled"]')).to_have_count(2)
    expect(quiet_page.locator('#plan .camera[data-phase="stalled"] .cross')).to_have_count(2)
    expect(quiet_page.locator("#plan .camera .cross").first).to_be_visible()


def test_closing_asks_why_and_keeps_the_last_answer(talker: Talker, quiet_page: Page) -> None:
    page = quiet_page
    page.get_by_role("button", name="Close exercise").click()
    page.get_by_role("button", name="Keep it open").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Close exercise").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Close exercise").click()  # a reason is required
    expect(dialog).to_be_visible()
    assert talker.run.cameras()[0].phase == "live"
    dialog.get_by_label("Why is it closed?").fill("all rooms are clear")
    keep(page, "closing")
    dialog.get_by_role("button", name="Close exercise").click()
    expect(page.locator("#closed")).to_contain_text("by Ivy: all rooms are clear")
    expect(page.locator("body")).to_have_attribute("data-fresh", "closed")
    expect(page.locator("#left-time")).to_have_text("Closed")
    assert talker.run.stopped
    expect(page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
    expect(page.get_by_role("button", name="Close exercise")).to_be_hidden()
    page.get_by_role("link", name="All sites").click()
    expect(page.get_by_role("button", name="Open exercise")).to_be_visible()


def test_a_reload_comes_back_to_the_open_exercise(talker: Talker, quiet_page: Page) -> None:
    quiet_page.reload()
    expect(quiet_page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
    quiet_page.goto(quiet_page.url.partition("#")[0])  # without the address of the exercise
    expect(quiet_page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()


def test_the_plan_can_be_zoomed(talker: Talker, quiet_page: Page) -> None:
    plan = quiet_page.locator("#plan")
    whole = plan.get_attribute("viewBox")
    assert whole is not None
    quiet_page.get_by_role("button", name="Zoom in").click()
    closer = plan.get_attribute("viewBox")
    assert closer is not None
    assert float(closer.split()[2]) == pytest.approx(float(whole.split()[2]) / 1.5, rel=0.01)
    quiet_page.get_by_role("button", name="Whole plan").click()
    assert plan.get_attribute("viewBox") == whole


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_screen_fits_a_phone(
    browser: Browser, cable: Cable, console: Console, watched: Watched, scheme: str
) -> None:
    with browser.new_context(
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=True,
        device_scale_factor=2,
    ) as context:
        page = context.new_page()
        watched.watch(page)
        arrive(page, cable)
        open_exercise(page)
        console.runs.made[0].say(two_people(time.time()))
        expect(page.locator("#door-number")).to_have_text("1")
        expect(page.locator("#plan .subject[data-suspect]")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        red = page.evaluate(
            "Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
        )
        assert (red < 60) is (scheme == "dark")
        keep(page, f"phone-{scheme}")
    assert watched.complaints == []


def test_the_reference_of_the_api_needs_no_other_host(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    arrive(quiet_page, cable)
    quiet_page.get_by_role("link", name="API").click()
    expect(quiet_page.get_by_text("/v1/incidents/{incident_id}/last-seen")).to_be_visible()
