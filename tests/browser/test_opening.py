"""Signing in, what the sites' forms offer and open, and requests that two people make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from api.errors import AuditError
from tests.browser.steps import (
    PASSWORD,
    account,
    arrive,
    bound,
    fill_in_real,
    keep,
    open_exercise,
    open_real,
    sign_in,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable, Watched

pytestmark = pytest.mark.browser


def test_signing_in_needs_the_right_password(page: Page, cable: Cable, watched: Watched) -> None:
    sign_in(page, cable, "ivy", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("not")
    expect(page.get_by_label("Password")).to_have_value("")
    arrive(page, cable)
    expect(page.locator("#me-role")).to_have_text("dispatcher")
    assert PASSWORD not in page.url
    assert page.evaluate("document.cookie") == ""  # scripts cannot read the session
    assert all("401" in text for text in watched.complaints)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_session_that_has_ended_leads_back_to_the_form(
    page: Page, cable: Cable, console: Console
) -> None:
    arrive(page, cable)
    console.services.accounts.disable("ivy", by="test", now_s=console.clock())
    expect(page.get_by_label("Password")).to_be_visible(timeout=10_000)


def test_without_an_agreement_there_are_exercises_only(quiet_page: Page, cable: Cable) -> None:
    page = quiet_page
    arrive(page, cable)
    expect(page.locator("#sites .binds")).to_have_text("No agreement: exercises only")
    expect(page.get_by_text("REAL EMERGENCY")).to_have_count(0)
    open_exercise(page)
    expect(page.locator("#kind")).to_have_attribute("data-kind", "exercise")
    expect(page.locator("#opener")).to_have_text("Opened by Ivy, dispatcher: “Drill”")
    expect(page.get_by_role("button", name="Extend")).to_be_hidden()  # there are no terms to
    assert page.title().startswith("EXERCISE")


@bound
def test_a_real_emergency_is_opened_on_a_clause(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    arrive(page, cable)
    expect(page.locator("#sites .binds")).to_have_text("Bound by Memorandum for tests, version 1")
    expect(page.locator(".rest")).to_be_hidden()  # what it is must be said first
    keep(page, "sites")
    page.get_by_role("radio", name="EXERCISE").check()
    expect(page.get_by_label("What is happening")).to_be_hidden()
    expect(page.get_by_role("button", name="Open exercise")).to_be_visible()
    keep(page, "opening-exercise")

    fill_in_real(page, reason="")
    would = page.locator(".would")
    expect(would).to_have_text(
        "Would be opened for 10 min: allowed by clause 2: "
        "On a 911 call or an administrator's word the interior cameras are opened."
    )
    page.get_by_role("button", name="Open REAL EMERGENCY").click()  # a reason is required
    expect(page.locator("#start")).to_be_visible()
    assert console.runs.made == []
    page.get_by_label("Reason").fill("Shots in the west wing")
    keep(page, "opening-real")
    page.get_by_role("button", name="Open REAL EMERGENCY").click()

    expect(page.locator("#kind")).to_have_text("REAL EMERGENCY active-shooter, not an exercise")
    expect(page.locator("#kind")).to_have_attribute("data-kind", "real")
    expect(page.locator("#opener")).to_have_text(
        "Opened by Ivy, dispatcher (911 call): “Shots in the west wing”"
    )
    expect(page.locator("#clause")).to_have_text("Clause 2 of Memorandum for tests, version 1")
    expect(page.locator("#left-time")).to_contain_text("left")
    assert page.title().startswith("REAL EMERGENCY")
    (opened,) = console.audited("grant-opened")
    assert (opened["kind"], opened["actor"], opened["channel"]) == ("real", "ivy", "911")


@bound
def test_what_a_caller_asks_is_relayed_in_their_name(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    arrive(page, cable)
    fill_in_real(page, channel="administrator")
    expect(page.get_by_label("Their name")).to_be_hidden()
    page.get_by_label("Who asks").select_option("principal")
    page.get_by_label("Their name").fill("Pat Principal")
    page.get_by_label("Staff say that they are handling it").check()
    page.get_by_role("button", name="Open REAL EMERGENCY").click()
    expect(page.locator("#opener")).to_contain_text("Opened by Pat Principal, principal")
    (opened,) = console.audited("grant-opened")
    assert (opened["role"], opened["handled_by_staff"]) == ("principal", True)


@bound
def test_a_food_fight_is_refused_in_the_words_of_the_agreement(
    page: Page, cable: Cable, console: Console, watched: Watched
) -> None:
    arrive(page, cable)
    fill_in_real(page, emergency="food-fight", reason="Food is thrown")
    words = "efused: food-fight never counts: a food fight is no life-safety emergency"
    expect(page.locator(".would")).to_have_text(f"Would be r{words}")
    page.get_by_role("button", name="Open REAL EMERGENCY").click()
    refusal = page.locator(".asking [role=alert]")
    expect(refusal).to_have_text(f"R{words}")
    expect(refusal).to_be_focused()
    keep(page, "refused")
    assert console.runs.made == []
    assert all("403" in text for text in watched.complaints)
    page.get_by_label("What is happening").select_option("armed-person")
    expect(refusal).to_be_hidden()  # it was about what the form said before
    expect(page.locator(".would")).to_contain_text("Would be opened")


@bound
def test_standing_access_that_opens_nothing_says_so(page: Page, cable: Cable) -> None:
    arrive(page, cable)
    page.get_by_role("radio", name="STANDING ACCESS").check()
    page.get_by_label("Reason").fill("A look at the yard")
    page.get_by_role("button", name="Open standing access").click()
    expect(page.locator(".asking [role=alert]")).to_contain_text("no cameras that may be opened")


@bound
def test_a_second_person_confirms_at_another_machine(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    account(console, "omar")
    arrive(page, cable)
    arrive(second_page, cable, "omar")
    fill_in_real(page, channel="break-glass", reason="Screams on the line")
    expect(page.locator(".would")).to_contain_text("A second person must confirm it")
    page.get_by_role("button", name="Open REAL EMERGENCY").click()

    mine = page.locator("#requests li")
    expect(mine).to_contain_text("REAL EMERGENCY at Small school: active-shooter")
    expect(mine).to_contain_text("You ask: “Screams on the line”")
    expect(mine.get_by_text("Another person must confirm.")).to_be_visible()
    expect(mine.get_by_role("button")).to_be_hidden()
    expect(page.locator("#waiting")).to_be_focused()
    expect(page.get_by_label("Reason")).to_be_hidden()  # so that it is not sent twice
    keep(page, "waiting-own")
    assert console.runs.made == []

    theirs = second_page.locator("#requests li")
    expect(theirs).to_contain_text("Ivy asks: “Screams on the line”")
    expect(theirs.locator(".lapses")).to_have_text("lapses in 10 min")
    keep(second_page, "waiting-other")
    theirs.get_by_role("button", name="Confirm and open").click()
    for one in (second_page, page):  # whoever asked goes on to it by themselves
        expect(one.locator("#kind-title")).to_have_text("REAL EMERGENCY", timeout=10_000)
        expect(one.locator("#opener")).to_contain_text("Opened by Ivy, dispatcher")
        expect(one.locator("#opener")).to_contain_text("confirmed by Omar")
    expect(page.locator("#clause")).to_contain_text("Clause 3")


@bound
def test_a_real_emergency_is_opened_over_an_exercise(quiet_page: Page, cable: Cable) -> None:
    page = quiet_page
    arrive(page, cable)
    open_exercise(page)
    page.get_by_role("link", name="All sites").click()
    expect(page.locator(".running")).to_contain_text("EXERCISE open since")
    expect(page.get_by_role("button", name="Follow open exercise")).to_be_visible()
    expect(page.get_by_role("radio", name="STANDING ACCESS")).to_be_hidden()
    keep(page, "running")
    open_real(page)
    expect(page.locator("#kind-title")).to_have_text("REAL EMERGENCY")
    page.get_by_role("link", name="All sites").click()
    expect(page.get_by_role("button", name="Follow open real emergency")).to_be_visible()
    expect(page.get_by_role("radio")).to_have_count(0)

    page.go_back()  # to the real one, and to the exercise that gave way to it
    page.go_back()
    page.go_back()
    expect(page.locator("#closed")).to_contain_text("a real emergency was opened here")
    expect(page.locator("#kind-title")).to_have_text("EXERCISE")
    page.get_by_role("link", name="Follow what is open here now").click()
    expect(page.locator("#kind-title")).to_have_text("REAL EMERGENCY")
    expect(page.locator("#kind")).to_be_focused()


@bound
def test_the_keyboard_is_enough(quiet_page: Page, cable: Cable) -> None:
    page = quiet_page
    page.goto(cable.url)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ivy")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#sites > li")).to_be_visible()
    focused = []
    while "Sign out" not in focused:
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.textContent"))
        assert len(focused) < 12
    assert focused[:2] == ["Skip to the sites", "lastseen"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first kind: an exercise
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="REAL EMERGENCY")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("active")
    page.keyboard.press("Tab")
    page.keyboard.type("911")
    for _ in range(3):  # past who asks and the staff, to the reason
        page.keyboard.press("Tab")
    page.keyboard.type("Shots")
    page.keyboard.press("Enter")
    expect(page.locator("#kind-title")).to_have_text("REAL EMERGENCY")


def test_a_record_that_cannot_be_written_is_told_in_words(
    page: Page, cable: Cable, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(page, cable)

    def full(*_: object, **__: object) -> None:
        raise AuditError("the disk is full")

    monkeypatch.setattr(console.record.audit, "append", full)
    page.get_by_role("button", name="Open exercise").click()
    expect(page.locator(".asking [role=alert]")).to_contain_text(
        "The audit cannot be written: Nothing is opened without an audit entry"
    )


@bound
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_fit_a_phone(
    browser: Browser, cable: Cable, watched: Watched, scheme: str
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
        fill_in_real(page)
        page.get_by_label("Who asks").select_option("principal")
        page.get_by_label("Their name").fill("Pat Principal")
        expect(page.locator(".would")).to_contain_text("Would be opened")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        keep(page, f"phone-opening-{scheme}")
        page.get_by_role("button", name="Open REAL EMERGENCY").click()
        expect(page.locator("#kind-title")).to_be_visible()
        expect(page.get_by_role("button", name="Extend")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        keep(page, f"phone-real-{scheme}")
    assert watched.complaints == []


@bound
def test_who_follows_an_incident_hears_of_a_request_that_waits(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "omar")
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    sign_in(second_page, cable, "omar")
    expect(second_page.locator("#kind-title")).to_have_text("EXERCISE")
    second_page.get_by_role("link", name="All sites").click()
    fill_in_real(second_page, channel="break-glass")
    second_page.get_by_role("button", name="Open REAL EMERGENCY").click()
    expect(second_page.get_by_text("Another person must confirm.")).to_be_visible()
    quiet_page.get_by_role("link", name="1 waiting for a second person").click()
    quiet_page.get_by_role("button", name="Confirm and open").click()
    expect(quiet_page.locator("#kind-title")).to_have_text("REAL EMERGENCY")
