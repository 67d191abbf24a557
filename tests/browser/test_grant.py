"""How an incident is extended and ended at the console, and what others are shown of it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.agreed import AGREEMENT
from tests.api.replayed import build_console, serving
from tests.browser.conftest import plugged, port_of
from tests.browser.steps import (
    TEXT,
    Talker,
    account,
    arrive,
    bound,
    keep,
    open_exercise,
    open_real,
    sign_in,
    two_people,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable, Watched

pytestmark = pytest.mark.browser

SHORT = AGREEMENT.replace("longest_min = 10\n", "longest_min = 4\n")


@bound
def test_extending_says_until_when_and_when_no_more(page: Page, cable: Cable) -> None:
    arrive(page, cable)
    open_real(page)
    left = page.locator("#left-until")
    expect(left).not_to_contain_text("extended")
    before = left.text_content()
    extend = page.get_by_role("button", name="Extend")
    extend.click()
    expect(left).to_contain_text("extended once")
    expect(page.locator("#grant-said")).to_contain_text("Extended until")
    assert left.text_content() != before
    expect(page.locator("#left-time")).to_contain_text("14:")
    extend.click()
    expect(left).to_contain_text("extended 2 times")
    extend.click()
    refusal = page.locator("#grant-refusal")
    expect(refusal).to_have_text("It was extended 2 times, and the agreement allows no more")
    expect(refusal).to_be_focused()
    keep(page, "extended")


@pytest.mark.parametrize("console", [SHORT], indirect=True, ids=["short"])
def test_less_than_five_minutes_are_a_warning(quiet_page: Page, cable: Cable) -> None:
    arrive(quiet_page, cable)
    open_real(quiet_page)
    expect(quiet_page.locator("#left")).to_have_attribute("data-left", "short")
    expect(quiet_page.locator("#grant-said")).to_contain_text("Less than 5 minutes left")
    keep(quiet_page, "short")


@bound
def test_it_closes_when_all_agencies_have_left(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    account(console, "omar")
    arrive(page, cable)
    open_real(page)
    arrive_at_incident(second_page, cable, "omar")
    names = page.locator("#agency-names option")
    assert [names.nth(i).get_attribute("value") for i in range(2)] == ["Town Police", "Fire"]
    for agency in ("Town Police", "Fire"):
        page.get_by_label("Agency").fill(agency)
        page.get_by_role("button", name="Responds").click()
        expect(second_page.locator("#agencies li").filter(has_text=agency)).to_be_visible()
        expect(page.get_by_label("Agency")).to_have_value("")
    keep(page, "agencies")
    expect(page.locator("#last-agency")).to_be_hidden()
    page.get_by_role("button", name="Town Police has left").click()
    expect(second_page.locator("#agencies li").nth(1)).to_contain_text("left at")
    expect(page.locator("#last-agency")).to_be_visible()
    page.get_by_role("button", name="Fire has left").click()
    for one in (page, second_page):
        expect(one.locator("#closed")).to_contain_text("all responding agencies have left")
        expect(one.get_by_role("button", name="Close real emergency")).to_be_hidden()
    assert console.runs.made[0].stopped


def written(console: Console, action: str, within_s: float = 5.0) -> list[dict[str, Any]]:
    """The entries of an action, once there are any."""
    until_s = time.monotonic() + within_s
    while not (entries := console.audited(action)) and time.monotonic() < until_s:
        time.sleep(0.05)
    return entries


@bound
def test_a_real_emergency_is_closed_with_its_reason(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    arrive(page, cable)
    open_real(page)
    page.get_by_role("button", name="Close real emergency").click()
    expect(page.get_by_label("Why is it closed?")).to_be_focused()
    page.keyboard.type("the building was searched")
    page.keyboard.press("Enter")
    expect(page.locator("#closed")).to_contain_text("the building was searched")
    expect(page.get_by_role("dialog")).to_be_hidden()
    # The page hears of it at once, while the entry is being written.
    (closed,) = written(console, "grant-closed")
    assert (closed["reason"], closed["closed_by"]) == ("the building was searched", "ivy")


@bound
def test_an_officer_is_told_the_place_and_no_cameras(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "olga", "tactical", acts_as="officer")
    arrive(quiet_page, cable)
    open_real(quiet_page)
    officer = second_page
    arrive_at_incident(officer, cable, "olga")
    expect(officer.locator("#me-role")).to_have_text("tactical, acts as officer")
    talker = Talker(console.runs.made[0])
    try:
        expect(officer.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
        expect(officer.locator("body")).to_have_attribute("data-fresh", "live")
        expect(officer.locator("#door-number")).to_have_text("1")
        expect(officer.locator("#cameras-untold")).to_have_text("Cameras: not shown to your role.")
        for hidden in ("#cameras li", "#plan .camera", "#plan .view"):
            expect(officer.locator(hidden)).to_have_count(0)
        for name in ("Extend", "Close real emergency", "Responds"):
            expect(officer.get_by_role("button", name=name)).to_be_hidden()
        keep(officer, "officer")
        expect(quiet_page.locator("#cameras li")).to_have_count(2)
        officer.get_by_role("link", name="All sites").click()
        expect(officer.locator("#sites")).to_contain_text("cameras: not shown to your role")
        expect(officer.get_by_role("radio")).to_have_count(0)
        expect(officer.get_by_role("button", name="Follow open real emergency")).to_be_visible()
    finally:
        talker.stop()


@bound
def test_whom_the_agreement_does_not_name_is_told_so(
    page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "mia", "tactical", acts_as="reporter")
    arrive(page, cable)
    open_real(page)
    arrive_refused(second_page, cable, "mia")
    expect(second_page.locator("#notice")).to_contain_text("'reporter' is no role of the agreement")
    expect(second_page.locator("#incident")).to_be_hidden()


def test_an_auditor_sees_no_sites_and_is_told_why(
    page: Page, cable: Cable, console: Console, watched: Watched
) -> None:
    account(console, "ada", "auditor")
    arrive(page, cable, "ada")
    expect(page.locator("#nothing")).to_contain_text("Your role (auditor) sees no sites here.")
    assert watched.complaints == []


@bound
def test_an_analyst_is_offered_exercises_only(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "ann", "analyst", acts_as="dispatcher")
    arrive(quiet_page, cable)
    open_real(quiet_page)
    arrive(second_page, cable, "ann")
    expect(second_page.locator(".running")).to_contain_text("REAL EMERGENCY open since")
    expect(second_page.locator("main").get_by_role("button")).to_have_count(0)
    quiet_page.get_by_role("button", name="Close real emergency").click()
    quiet_page.get_by_label("Why is it closed?").fill("over")
    quiet_page.keyboard.press("Enter")
    expect(second_page.get_by_role("button", name="Open exercise")).to_be_visible()
    expect(second_page.get_by_role("radio")).to_have_count(0)
    open_exercise(second_page)
    expect(second_page.locator("#kind-title")).to_have_text("EXERCISE")


def test_the_page_goes_on_when_the_server_was_restarted(browser: Browser, tmp_path: Path) -> None:
    first = build_console(tmp_path, time.time, agreement=AGREEMENT)
    account(first, "ivy")
    with (
        browser.new_context(viewport={"width": 1440, "height": 900}) as context,
        contextlib.ExitStack() as running,
    ):
        page = context.new_page()
        url = running.enter_context(serving(first.app))
        with plugged(url) as cable:
            arrive(page, cable)
            open_real(page)
            first.runs.made[0].say(two_people(time.time()))
            expect(page.get_by_role("heading", level=1, name=TEXT)).to_be_visible()
            running.close()
            first.record.store.close()
            expect(page.locator("#badge-text")).to_contain_text("STALE")
            expect(page.locator("#kind-title")).to_have_text("REAL EMERGENCY")
            keep(page, "restarting")

            second = build_console(tmp_path, time.time)
            cable.port = port_of(running.enter_context(serving(second.app)))
            while not second.runs.made:
                page.wait_for_timeout(20)
            talker = Talker(second.runs.made[0])
            try:
                live = expect(page.locator("body"))
                live.to_have_attribute("data-fresh", "live", timeout=20_000)
                expect(page.get_by_role("button", name="Close real emergency")).to_be_visible()
            finally:
                talker.stop()
            running.close()
            second.record.store.close()


def arrive_at_incident(page: Page, cable: Cable, name: str) -> None:
    """Sign in where an incident is open: the page goes to it."""
    arrive_refused(page, cable, name)
    expect(page.locator("#incident")).to_be_visible()


def arrive_refused(page: Page, cable: Cable, name: str) -> None:
    """Sign in, whatever comes then."""
    sign_in(page, cable, name)
    expect(page.locator("#me-name")).to_have_text(name.title())
