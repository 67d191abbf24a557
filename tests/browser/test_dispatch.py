"""What a dispatcher does at the screen of an incident: marks, chooses, reads out, looks back."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from calibration.inputs import Mark, Unmark
from calibration.marks import NOTHING_SAID, Marks
from tests.api.replayed import ReplayedRun, answer, subject
from tests.browser.steps import (
    ANSWER_EVERY_S,
    Talker,
    account,
    arrive,
    bound,
    keep,
    open_exercise,
    open_real,
    sign_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

    from calibration.answer import Answer, RankedSubject, SubjectStatus
    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

pytestmark = pytest.mark.browser

TEXT = "Last seen now in the West room, armed. Take door 1, 12 m on foot."


class School(Talker):
    """Three people, and marks that do what they do: ranked first what was pointed out."""

    def __init__(self, run: ReplayedRun) -> None:
        self.armed = {"S1"}
        self.seen_s: float | None = None  # when the suspect was seen last, if not now
        super().__init__(run)

    def talk(self) -> None:
        while not self.ended.wait(ANSWER_EVERY_S):
            self.run.say(self.answer(time.time()))

    def person(self, name: str, at_s: float, marks: Marks) -> RankedSubject:
        places = {"S1": (4.0, 8.0), "S2": (15.0, 2.0), "S3": (16.0, 8.0)}
        standing = marks.standing().get(name, NOTHING_SAID)
        status: SubjectStatus = "ranked"
        if standing.is_aside and standing.verdict is not None:
            status = "responder" if standing.verdict.kind == "responder" else "rejected"
        armed = name in self.armed
        made = subject(
            name,
            at_s=at_s,
            xy_m=places[name],
            rank=1,
            probability=0.9 if armed else 0.04,
            armed_probability=0.95 if armed else 0.02,
            armed_tracks=(),
            marks=standing.marks,
            status=status,
            look_again=status == "rejected" and armed and name != "S1",
            space_name={"S1": "West room", "S2": "Corridor", "S3": "East room"}[name],
        )
        if name == "S1" and self.seen_s is not None:
            age_s = at_s - self.seen_s
            made = replace(made, seen_at_s=self.seen_s, age_s=age_s)
        return made

    def answer(self, at_s: float) -> Answer:
        marks = Marks()
        for word in tuple(self.run.told):
            if isinstance(word, Mark):
                marks = marks.with_mark(word)
            elif isinstance(word, Unmark):
                marks = marks.without(word)
        standing = marks.standing()
        people = [self.person(name, at_s, marks) for name in ("S1", "S2", "S3")]
        people.sort(
            key=lambda one: (
                one.status != "ranked",
                not standing.get(one.subject, NOTHING_SAID).is_followed,
                -one.probability,
            )
        )
        ranked = [replace(one, rank=place + 1) for place, one in enumerate(people)]
        made = answer(at_s, *ranked, text=TEXT)
        first, second = made.entrances
        return replace(
            made,
            entrances=(
                replace(
                    first, expected_m=14.0, worst_m=31.0, approach_m=85.0, locked=True,
                    in_sight=True,
                ),
                replace(second, expected_m=20.0, worst_m=44.0),
            ),
        )  # fmt: skip


@pytest.fixture
def school(quiet_page: Page, cable: Cable, console: Console) -> Iterator[School]:
    """Signed in, an exercise open, answers coming."""
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    made = School(console.runs.made[0])
    expect(quiet_page.locator("#ranked > li")).to_have_count(3)
    yield made
    made.stop()


def person(page: Page, name: str) -> Locator:
    """Somebody in the ranked list."""
    return page.locator(f'#ranked > li[data-subject="{name}"]')


def told(run: ReplayedRun) -> list[tuple[str, str]]:
    """What was marked, and of whom; "unmark" for what was taken back."""
    marked = {word.number: word.subject for word in run.told if isinstance(word, Mark)}
    return [
        (word.kind, word.subject) if isinstance(word, Mark) else ("unmark", marked[word.number])
        for word in run.told
        if isinstance(word, (Mark, Unmark))
    ]


def test_a_confirmation_says_who_and_when_and_can_be_taken_back(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    first = person(page, "S1")
    first.locator("[data-mark=confirm]").click()
    expect(page.locator("#marked-text")).to_have_text("S1 confirmed as the intruder.")
    expect(first.locator(".held")).to_have_text(
        re.compile(r"Confirmed by Ivy \(dispatcher\), \d\d:\d\d:\d\d")
    )
    expect(first.locator("[data-mark=confirm]")).to_have_attribute("aria-pressed", "true")
    keep(page, "marked")
    first.get_by_role("button", name="Take back").click()
    expect(page.locator("#marked-text")).to_contain_text("taken back")
    expect(first.locator(".held li")).to_have_count(0)
    assert told(school.run) == [("confirm", "S1"), ("unmark", "S1")]


def test_ruling_out_the_first_asks_in_place_and_can_be_undone(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    first = person(page, "S1")
    first.get_by_role("button", name="Rule out").click()
    asked = first.get_by_role("group", name="Rule out S1? It leaves the ranking.")
    expect(asked).to_be_visible()
    expect(asked.get_by_role("button", name="Leave it")).to_be_focused()
    keep(page, "rule-out")
    page.keyboard.press("Enter")  # pressed once too often
    expect(asked).to_be_hidden()
    assert told(school.run) == []
    first.get_by_role("button", name="Rule out").click()
    asked.get_by_role("button", name="Rule out S1").click()
    expect(first).to_have_count(0)
    expect(page.locator("#aside-title")).to_have_text("Not ranked: 1 ruled out")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(first).to_be_visible()
    expect(page.locator("#aside")).to_be_hidden()
    assert told(school.run) == [("reject", "S1"), ("unmark", "S1")]


def test_who_does_not_matter_is_ruled_out_at_once_and_kept_in_view(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    person(page, "S3").get_by_role("button", name="Responder").click()
    expect(page.locator("#aside-title")).to_have_text("Not ranked: 1 responder")
    page.locator("#aside > summary").click()
    item = page.locator('#aside-list li[data-subject="S3"]')
    expect(item).to_contain_text("East room, responder")
    expect(item).to_contain_text("Responder by Ivy (dispatcher)")
    expect(item).to_contain_text("in view now")
    item.get_by_role("button", name="Take back").click()
    expect(person(page, "S3")).to_be_visible()


def test_a_second_suspect_that_was_ruled_out_and_looks_armed_is_loud(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    person(page, "S2").get_by_role("button", name="Rule out").click()
    expect(person(page, "S2")).to_have_count(0)
    expect(page.locator("#again")).to_be_hidden()
    school.armed.add("S2")
    alert = page.get_by_role("alert").filter(has_text="LOOK AGAIN")
    expect(alert).to_contain_text("S2 was ruled out, and was seen since with what looks like")
    keep(page, "look-again")
    alert.get_by_role("button", name="Show S2").click()
    item = page.locator('#aside-list li[data-subject="S2"]')
    expect(item).to_be_focused()
    expect(item).to_contain_text("Look again")
    expect(page.locator("#timeline")).to_contain_text("Look again: S2 was ruled out")


def test_following_somebody_puts_them_first_and_a_moved_button_takes_no_click(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    person(page, "S3").get_by_role("button", name="Follow").click()
    expect(page.locator("#ranked > li").first).to_have_attribute("data-subject", "S3")
    person(page, "S1").locator("[data-mark=confirm]").click(no_wait_after=True)
    refusal = person(page, "S1").get_by_role("alert")
    expect(refusal).to_have_text("The list has just changed. Look, and press again.")
    page.wait_for_timeout(800)
    person(page, "S1").locator("[data-mark=confirm]").click()
    expect(page.locator("#marked-text")).to_have_text("S1 confirmed as the intruder.")


def test_everything_goes_by_keyboard(quiet_page: Page, cable: Cable, console: Console) -> None:
    """From signing in through opening, choosing and marking to closing."""
    page = quiet_page
    page.goto(cable.url)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ivy")
    page.keyboard.press("Tab")
    page.keyboard.type("plum harbour lantern ferry")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Open exercise")).to_be_visible()
    tab_to(page, "document.activeElement.textContent === 'Open exercise'")
    page.keyboard.press("Enter")
    expect(page.locator("#kind")).to_be_focused()
    talker = School(console.runs.made[0])
    try:
        expect(page.locator("#ranked > li")).to_have_count(3)
        tab_to(page, "document.activeElement.closest('#ranked li') !== null")
        page.keyboard.press("Enter")
        expect(person(page, "S1")).to_have_attribute("data-chosen", "true")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("p")
        expect(page.locator("#marked-text")).to_contain_text("S2 marked as a responder")
        page.keyboard.press("Tab")
        tab_to(page, "document.activeElement.closest('#ranked li') !== null")
        page.keyboard.press("c")
        expect(page.locator("#marked-text")).to_have_text("S1 confirmed as the intruder.")
        expect(person(page, "S1").locator(".held li")).to_have_count(1)
        page.keyboard.press("u")
        expect(page.locator("#marked-text")).to_contain_text("S1: taken back")
        page.keyboard.press("r")  # the focus is on Undo, which is no person
        assert told(talker.run)[-1][0] == "unmark"
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
        page.keyboard.press("Escape")
        tab_to(page, "document.activeElement.id === 'close'", back=True)
        page.keyboard.press("Enter")
        page.keyboard.type("all rooms are clear")
        page.keyboard.press("Enter")
        expect(page.locator("#closed")).to_contain_text("all rooms are clear")
        expect(page.locator(".mark-buttons").first).to_be_hidden()
    finally:
        talker.stop()


def tab_to(page: Page, arrived: str, *, back: bool = False) -> None:
    """Press Tab until the focus is where it should be."""
    for _ in range(60):
        if page.evaluate(arrived):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"the focus never came to where {arrived}")


def test_the_focus_stays_while_the_list_is_sorted_anew(school: School, quiet_page: Page) -> None:
    page = quiet_page
    third = person(page, "S3")
    third.locator(".choose").focus()
    page.keyboard.press("f")
    expect(page.locator("#ranked > li").first).to_have_attribute("data-subject", "S3")
    expect(third.locator(".choose")).to_be_focused()


def test_choosing_is_shared_with_the_plan(school: School, quiet_page: Page) -> None:
    page = quiet_page
    person(page, "S2").locator(".choose").click()
    expect(person(page, "S2")).to_have_attribute("data-chosen", "true")
    expect(person(page, "S2").locator(".choose")).to_have_attribute("aria-pressed", "true")
    mark = page.locator('#plan .subject[data-subject="S2"]')
    expect(mark).to_have_attribute("aria-pressed", "true")
    person(page, "S2").locator(".choose").click()
    expect(page.locator("#ranked > li[data-chosen]")).to_have_count(0)


def test_the_answer_is_read_slowly_with_an_age_that_counts(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    page.get_by_role("button", name="Read slowly").click()
    lines = page.locator("#slowly li")
    expect(lines.nth(0)).to_have_text("Exercise, exercise, exercise.")
    expect(lines.nth(1)).to_have_text("Last seen now in the West room, armed.")
    expect(lines.nth(2)).to_have_text("Take door 1, 12 m on foot.")
    expect(lines.nth(3)).to_have_text("Seen now.")
    expect(lines.nth(4)).to_have_text(re.compile(r"Grid [A-Z]\w+ \d+\."))
    school.seen_s = time.time() - 3.0
    expect(page.locator("#voice-age")).to_have_text(re.compile(r"Seen [45] seconds ago\."))
    keep(page, "slowly")
    school.stop()  # nothing comes any more: it counts on, and says that it is not live
    expect(page.locator("#voice-age")).to_have_text(re.compile(r"Seen [78] seconds ago\."))
    expect(lines.nth(1)).to_have_text("Attention: this is not live.")


def test_the_line_is_copied(school: School, quiet_page: Page) -> None:
    page = quiet_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#copied")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"Exercise, exercise, exercise. {TEXT} Seen now. Grid ")


def test_the_door_says_how_far_and_what_is_in_the_way(school: School, quiet_page: Page) -> None:
    page = quiet_page
    door = page.get_by_role("region", name="Take this door")
    expect(door.locator("#door-walk")).to_have_text("14 m on foot")
    expect(door.locator("#door-facts")).to_have_text(
        "at worst 31 m · 85 m outside, from where officers arrive"
    )
    expect(door).to_contain_text("Kept locked: bring a key or a tool")
    expect(door).to_contain_text("They probably see this door")
    expect(page.locator("#doors li")).to_have_count(1)
    expect(page.locator("#doors li")).to_contain_text("East: 7 m longer on foot")
    expect(page.locator("#doors li")).to_contain_text("at worst 44 m")


def test_the_timeline_is_whole_for_who_joins_late(
    school: School, quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    person(page, "S1").locator("[data-mark=confirm]").click()
    first = page.locator("#timeline li").first
    expect(first).to_contain_text("S1 confirmed as the intruder (dispatcher)")
    school.run.phase = "stalled"
    expect(first).to_contain_text("lost: stalled")
    account(console, "omar")
    sign_in(second_page, cable, "omar")
    late = second_page.locator("#timeline li")
    expect(late.last).to_contain_text("Exercise opened by Ivy: Drill")
    kinds = [item.get_attribute("data-kind") for item in late.all()]
    assert kinds == [
        "camera-lost", "camera-lost", "marked", "door", "armed", "suspect", "first-seen", "opened",
    ]  # fmt: skip
    person(second_page, "S1").get_by_role("button", name="Take back").click()
    expect(first).to_contain_text("taken back (dispatcher)")
    page.get_by_role("button", name="Close exercise").click()
    page.get_by_label("Why is it closed?").fill("over")
    page.keyboard.press("Enter")
    expect(late.first).to_contain_text("Closed by Ivy: over")


@bound
def test_who_may_not_mark_sees_what_stands_and_no_buttons(
    quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "olga", "tactical", acts_as="officer")
    arrive(quiet_page, cable)
    open_real(quiet_page)
    school = School(console.runs.made[0])
    try:
        person(quiet_page, "S1").locator("[data-mark=confirm]").click()
        sign_in(second_page, cable, "olga")
        held = person(second_page, "S1").locator(".held")
        expect(held).to_have_text(re.compile(r"Confirmed by dispatcher, "))
        expect(person(second_page, "S1").locator("[data-mark=confirm]")).to_be_hidden()
        expect(held.get_by_role("button")).to_be_hidden()
    finally:
        school.stop()


@bound
def test_a_mark_that_is_refused_says_why_beside_the_button(
    page: Page, cable: Cable, console: Console
) -> None:
    arrive(page, cable)
    open_real(page)
    school = School(console.runs.made[0])
    try:
        expect(page.locator("#ranked > li")).to_have_count(3)
        page.route("**/marks", lambda route: route.fulfill(
            status=403, content_type="application/problem+json",
            body='{"type": "urn:lastseen:problem:not-permitted", "title": "Not permitted", '
            '"status": 403, "detail": "clause 2 lets no dispatcher mark", "instance": "/"}',
        ))  # fmt: skip
        person(page, "S1").locator("[data-mark=confirm]").click()
        refusal = person(page, "S1").locator(".refusal")
        expect(refusal).to_have_text("Clause 2 lets no dispatcher mark")
        expect(refusal).to_be_focused()
    finally:
        school.stop()


def test_everything_that_gets_old_is_grey_within_two_seconds_of_a_cut(
    page: Page, cable: Cable, console: Console
) -> None:
    arrive(page, cable)
    open_exercise(page)
    school = School(console.runs.made[0])
    greyed = """() => ['.voice', '#plan', '.door-main', '.steps', '#ranked', '#doors'].every(
        (one) => Number(getComputedStyle(document.querySelector(one)).opacity) < 0.6)"""
    try:
        expect(page.locator("body")).to_have_attribute("data-fresh", "live")
        assert not page.evaluate(greyed)
        cable.cut()
        began_s = time.monotonic()
        page.wait_for_function(greyed, polling=20)
        assert time.monotonic() - began_s < 2.0
        expect(page.locator("#badge-text")).to_have_text(
            re.compile(
                r"STALE: connection lost \d+\.\d s ago, reconnecting\. Data is \d+\.\d s old"
            )
        )
        assert "(STALE)" in page.title()
        expect(page.locator("#fresh-said")).to_have_text("Attention: what is shown is not live")
        keep(page, "lost")
        cable.mend()
        expect(page.locator("body")).to_have_attribute("data-fresh", "live", timeout=15_000)
        expect(page.locator("#fresh-said")).to_have_text("Live again")
        assert not page.evaluate(greyed)
    finally:
        school.stop()


def test_pictures_that_come_late_are_not_called_live(school: School, quiet_page: Page) -> None:
    school.stop()
    until_s = time.monotonic() + 3.0
    badge = quiet_page.locator("#badge-text")
    while time.monotonic() < until_s and "LATE" not in (badge.text_content() or ""):
        now_s = time.time()
        made = school.answer(now_s)
        assert made.times is not None
        school.run.say(replace(made, times=replace(made.times, captured_s=now_s - 3.0)))
        time.sleep(ANSWER_EVERY_S)
    expect(badge).to_contain_text("LATE: pictures are 3.")


KINDS = {"real": "/console/icon-real.svg", "exercise": "/console/icon-exercise.svg"}


@pytest.mark.parametrize("kind", KINDS)
@bound
def test_what_kind_it_is_shows_in_title_icon_banner_and_frame(
    quiet_page: Page, cable: Cable, console: Console, kind: str
) -> None:
    page = quiet_page
    page.set_viewport_size({"width": 360, "height": 740})
    arrive(page, cable)
    (open_real if kind == "real" else open_exercise)(page)
    title = {"real": "REAL EMERGENCY", "exercise": "EXERCISE"}[kind]
    expect(page.locator("#kind-title")).to_have_text(title)
    assert page.title().startswith(title)
    expect(page.locator("#icon")).to_have_attribute("href", KINDS[kind])
    assert page.request.get(cable.url + KINDS[kind]).ok
    page.mouse.wheel(0, 1500)
    page.wait_for_timeout(200)
    expect(page.locator("#kind")).to_be_in_viewport()  # wherever the page is scrolled to
    page.get_by_role("button", name="Close").first.click()
    page.get_by_label("Why is it closed?").fill("over")
    page.keyboard.press("Enter")
    expect(page.locator("#icon")).to_have_attribute("href", "/console/icon.svg")
    assert page.title().startswith("Closed")


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080), (3840, 2160)], ids=str)
def test_what_matters_is_on_one_screen(
    school: School, quiet_page: Page, size: tuple[int, int]
) -> None:
    page = quiet_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for one in ("#answer", "#door-number", "#plan", "#badge", "#left-time", "#timeline"):
        expect(page.locator(one)).to_be_in_viewport(ratio=0.2)
    expect(person(page, "S1").locator("[data-mark=confirm]")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    grown = page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('#answer')).fontSize)"
    )
    assert grown >= size[0] / 60  # 32 px on a wall of 1920
    keep(page, f"screen-{size[0]}")


@pytest.mark.parametrize(
    ("size", "order"),
    [((360, 740), ["answer", "door-number", "left", "plan", "ranked", "timeline"])],
    ids=["phone"],
)
def test_a_phone_has_the_answer_and_the_door_first(
    school: School, quiet_page: Page, size: tuple[int, int], order: list[str]
) -> None:
    page = quiet_page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    tops = page.evaluate(
        "(ids) => ids.map((id) => document.getElementById(id).getBoundingClientRect().top)", order
    )
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    small = page.evaluate("""() => [...document.querySelectorAll(
        '#incident button, #incident summary, #incident input')]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.5)
        .map((one) => one.textContent || one.id)""")
    assert [one for one in small if one not in {"", "plan"}] == []
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_screen_reader_is_told_what_is_new_and_not_every_figure(
    school: School, quiet_page: Page
) -> None:
    page = quiet_page
    expect(page.locator("#spoken")).to_have_text(TEXT)
    school.stop()
    page.wait_for_timeout(4500)  # soon is four seconds
    made = school.answer(time.time())
    school.run.say(replace(made, text="Last seen now in the West room (±0.7 m)"))
    expect(page.locator("#answer")).to_contain_text("0.7")
    expect(page.locator("#spoken")).to_have_text(TEXT)
    moved = replace(made.subjects[0], space="east", space_name="East room")
    school.run.say(replace(made, subjects=(moved, *made.subjects[1:]), text="In the East room"))
    expect(page.locator("#spoken")).to_have_text("In the East room")


def test_the_theme_is_kept_and_stronger_than_the_machine(
    browser: Browser, cable: Cable, console: Console
) -> None:
    dark = "getComputedStyle(document.body).backgroundColor"
    with browser.new_context(color_scheme="light") as context:
        page = context.new_page()
        arrive(page, cable)
        light = page.evaluate(dark)
        toggle = page.get_by_role("button", name="Theme:")
        toggle.click()
        expect(toggle).to_have_text("Theme: light")
        toggle.click()
        expect(toggle).to_have_text("Theme: dark")
        assert page.evaluate(dark) != light
        page.reload()
        expect(toggle).to_have_text("Theme: dark")
        assert page.evaluate(dark) != light
        toggle.click()
        expect(toggle).to_have_text("Theme: auto")
        assert page.evaluate(dark) == light


def test_one_sheet_is_printed_to_hand_over(school: School, quiet_page: Page) -> None:
    page = quiet_page
    page.emulate_media(media="print")
    for one in (
        "#kind-title",
        "#answer",
        "#door-number",
        "#plan",
        "#ranked",
        "#timeline",
        "#clock",
    ):
        expect(page.locator(one)).to_be_visible()
    for one in ("#sign-out", "#close", "#copy", ".mark-buttons >> nth=0", "#agency-form"):
        expect(page.locator(one)).to_be_hidden()
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert pages == 1


def test_the_way_to_other_pages_is_shown_to_who_may_go_there(
    school: School, quiet_page: Page, second_page: Page, cable: Cable, console: Console
) -> None:
    account(console, "olga", "tactical")
    sign_in(second_page, cable, "olga")
    expect(second_page.locator("#pages a")).to_have_text(["Console", "Tactical"])
    expect(second_page.locator("#pages a").first).to_have_attribute("aria-current", "page")
    expect(quiet_page.locator("#pages a")).to_contain_text(["Console", "Tactical", "Drills"])


def test_the_skip_link_leads_to_the_answer(school: School, quiet_page: Page) -> None:
    page = quiet_page
    page.evaluate("document.activeElement.blur()")
    before = page.url
    skip = page.locator("#skip")
    skip.focus()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_focused()
    assert page.url == before
