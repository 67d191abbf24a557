"""Drills, their reports and comparisons, in a real browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from api.compare import compared, write_comparison
from api.compare_runs import load_compared
from api.report import write_report
from tests.api import scored_drill
from tests.api.drilled import DRILL, HeldPlayer, a_run, build_drills
from tests.api.replayed import serving
from tests.browser.conftest import plugged
from tests.browser.steps import account, keep, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable, Watched

pytestmark = pytest.mark.browser

LOOKS = [
    (scheme, size)
    for scheme in ("light", "dark")
    for size in ((1440, 900), (360, 740))
]  # fmt: skip


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with reports of two runs, the second with a false alarm, and their comparison."""
    folder = tmp_path_factory.mktemp("reports")
    site, truth = scored_drill.site(), scored_drill.truth()
    write_report(a_run(), site, truth, folder / "a")
    write_report(a_run(0.4, false_alarm=True), site, truth, folder / "b")
    a, b = load_compared(folder / "a"), load_compared(folder / "b")
    write_comparison(a, b, compared(a, b), folder)
    return folder


@pytest.fixture
def offline(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file with the network cut; it must ask for nothing and complain of nothing."""
    asked: list[str] = []
    complaints: list[str] = []
    contexts = []

    def open_file(path: Path, scheme: str = "light", size: tuple[int, int] = (1440, 900)) -> Page:
        context = browser.new_context(
            offline=True, color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": size[0], "height": size[1]},
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        assert asked.pop(0) == path.as_uri()
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith("data:")] == []
    assert complaints == []


def serious(page: Page) -> list[str]:
    """What is in the way of people with disabilities on a page, in words."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def no_sideways(page: Page) -> bool:
    found: bool = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return found


def test_a_report_opens_from_the_disk_and_asks_for_nothing(
    reports: Path, offline: Callable[..., Page]
) -> None:
    page = offline(reports / "b" / "report.html")
    expect(page.get_by_role("heading", level=1)).to_have_text("two rooms")
    expect(page.locator("#time-line svg .band.right").first).to_be_visible()
    expect(page.locator("#time-line svg .alert.false")).to_have_count(1)
    expect(page.locator("svg.plan .vector").first).to_be_attached()
    expect(page.locator("svg.histogram")).to_have_count(5)
    keep(page, "report")


def test_a_false_alarms_picture_is_one_click_away(
    reports: Path, offline: Callable[..., Page]
) -> None:
    page = offline(reports / "b" / "report.html")
    alarm = page.locator("#alarms li.false")
    expect(alarm).to_have_count(1)
    expect(alarm).to_contain_text("FALSE")
    expect(alarm).to_contain_text("student 4, not armed")
    alarm.get_by_role("button", name="Enlarge").click()
    large = page.get_by_role("dialog", name="Picture of an armed alert")
    expect(large).to_be_visible()
    expect(large.locator("img")).to_have_js_property("naturalWidth", 96)
    frame, picture = large.locator("rect").bounding_box(), large.locator("img").bounding_box()
    assert frame is not None
    assert picture is not None
    assert (frame["x"] - picture["x"]) / picture["width"] == pytest.approx(0.3, abs=0.02)
    expect(large).to_contain_text("score 0.81")
    keep(page, "false_alarm")
    page.keyboard.press("Escape")
    expect(large).to_be_hidden()
    expect(alarm.get_by_role("button", name="Enlarge")).to_be_focused()


def test_the_timeline_is_moved_over_zoomed_and_spoken(
    reports: Path, offline: Callable[..., Page]
) -> None:
    page = offline(reports / "b" / "report.html")
    line = page.get_by_role("slider", name="Moment of the run")
    line.focus()
    page.keyboard.press("Home")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "2.0")
    expect(line).to_have_attribute("aria-valuetext", r"2.0 s. Truth: Room A, visible. "
        "Answer: S1, Room A (right). Door 1 (right). Error 0.40 m. Armed 99 %. "
        "2 visible, 0 missed, 0 too many.")  # fmt: skip
    expect(page.locator(".now-true")).to_be_visible()
    expect(page.locator(".now-told")).to_be_visible()
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(page.locator("#time-line .axis", has_text="10 s")).to_have_count(0)
    page.get_by_role("button", name="Whole run").click()
    expect(page.locator("#time-line .axis", has_text="10 s")).to_have_count(1)
    # with the mouse, and from a list
    where = line.bounding_box()
    assert where is not None
    page.mouse.move(where["x"] + where["width"] * 0.9, where["y"] + 30)
    expect(page.locator("#readout")).to_contain_text("Room B")
    page.locator("#alarms").get_by_role("button", name="Show 3.0 s on the timeline").first.click()
    expect(line).to_have_attribute("aria-valuenow", "3.0")
    expect(line).to_be_focused()


def test_layers_of_the_plan_are_switched(reports: Path, offline: Callable[..., Page]) -> None:
    page = offline(reports / "b" / "report.html")
    heat = page.locator("svg.plan .layer-heat")
    expect(heat).to_be_visible()
    page.get_by_label("heat of the error").uncheck()
    expect(heat).to_be_hidden()


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
@pytest.mark.parametrize("name", ["b/report.html", "compare.html"])
def test_reports_and_comparisons_are_for_everybody(
    reports: Path, offline: Callable[..., Page], name: str, scheme: str, size: tuple[int, int]
) -> None:
    page = offline(reports / name, scheme, size)
    expect(page.locator("#time-line svg .band").first).to_be_attached()
    assert serious(page) == []
    assert no_sideways(page)
    keep(page, f"{name.replace('/', '-')}-{scheme}-{size[0]}")


def test_a_comparison_shows_both_timelines_and_what_is_worse(
    reports: Path, offline: Callable[..., Page]
) -> None:
    page = offline(reports / "compare.html")
    expect(page.locator("#time-line .run-label")).to_have_text(["A: a", "B: b"])
    expect(page.locator("svg.histogram .bars.run1").first).to_be_attached()
    row = page.get_by_role("row", name="Position error, median")
    expect(row).to_contain_text("+0.30 m")
    line = page.get_by_role("slider", name="Moment of both runs")
    line.focus()
    page.keyboard.press("End")
    page.keyboard.press("PageDown")
    expect(page.locator("#readout")).to_contain_text("A: a: Truth: Room B")
    expect(page.locator("#readout")).to_contain_text("B: b: Truth: Room B")


@pytest.fixture
def player() -> Iterator[HeldPlayer]:
    made = HeldPlayer()
    yield made
    made.go.set()


@pytest.fixture
def console(tmp_path: Path, player: HeldPlayer) -> Iterator[Console]:
    """A server with a drill, and an analyst."""
    made = build_drills(tmp_path, time.time, player)
    account(made, "ana", "analyst")
    yield made
    made.record.store.close()


@pytest.fixture
def cable(console: Console) -> Iterator[Cable]:
    with serving(console.app) as url, plugged(url) as made:
        yield made


def arrive_at_drills(page: Page, cable: Cable) -> None:
    sign_in(page, cable, "ana")
    page.wait_for_url(f"{cable.url}/")
    page.goto(f"{cable.url}/drills")
    expect(page.get_by_role("heading", name="Two rooms", exact=True)).to_be_visible()


def play(page: Page, player: HeldPlayer, count: int) -> None:
    """Play the drill, and wait until it is the `count`th run."""
    player.go.clear()
    page.get_by_role("button", name="Play at full speed: Two rooms").click()
    expect(page.locator("#playing")).to_be_visible()
    player.go.set()
    expect(page.locator(".runs tbody tr")).to_have_count(count, timeout=10_000)


def test_a_drill_is_played_followed_and_its_report_opened(
    quiet_page: Page, cable: Cable, console: Console, player: HeldPlayer
) -> None:
    page = quiet_page
    player.record = a_run(false_alarm=True)
    arrive_at_drills(page, cable)
    expect(page.locator(".drill-plan .unit")).to_have_count(2)
    expect(page.get_by_text("Not played yet")).to_be_visible()
    page.get_by_role("button", name="Play in real time: Two rooms").click()
    expect(page.locator("#playing-what")).to_contain_text("Two rooms, in real time, started by Ana")
    expect(page.locator("#playing-text")).to_contain_text("4 of 10 s. In view now in Room A.")
    expect(page.locator("#playing-problems li")).to_have_text("camera cam: stalled")
    expect(page.get_by_role("button", name="Play at full speed")).to_be_disabled()
    keep(page, "drills_playing")
    page.reload()  # it goes on without the page
    expect(page.locator("#playing-text")).to_contain_text("4 of 10 s")
    player.go.set()
    expect(page.locator(".runs tbody tr")).to_have_count(1, timeout=10_000)
    expect(page.locator("#spoken")).to_contain_text("is over; its report is there")
    expect(page.locator("#playing")).to_be_hidden()
    with page.expect_popup() as popup:
        page.get_by_text("Report", exact=True).click()
    report = popup.value
    expect(report.get_by_role("heading", level=1)).to_have_text("two rooms")
    report.locator("#alarms").get_by_role("button", name="Enlarge").first.click()
    expect(report.get_by_role("dialog")).to_be_visible()
    # what is in the file has another origin, and cannot ask the server for anything
    assert report.evaluate("self.origin") == "null"
    assert console.audited("drill-run-shown")
    report.close()


def test_two_runs_are_ticked_compared_and_one_deleted(
    quiet_page: Page, cable: Cable, player: HeldPlayer
) -> None:
    page = quiet_page
    arrive_at_drills(page, cable)
    play(page, player, 1)
    player.record = a_run(0.4)
    play(page, player, 2)
    compare = page.get_by_role("link", name="Tick two runs to compare (0 of 2)")
    expect(compare).to_have_attribute("aria-disabled", "true")
    for box in page.get_by_role("checkbox").all():
        box.check()
    keep(page, "drills")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Compare the two ticked runs").click()
    shown = popup.value
    expect(shown.get_by_role("row", name="Position error, median")).to_contain_text("+0.30 m")
    shown.close()
    page.get_by_role("button", name="Delete the run").first.click()
    page.get_by_role("button", name="Delete it").click()
    expect(page.locator(".runs tbody tr")).to_have_count(1)


def test_a_run_is_cancelled_by_keyboard(quiet_page: Page, cable: Cable) -> None:
    page = quiet_page
    arrive_at_drills(page, cable)
    page.get_by_role("button", name="Play at full speed: Two rooms").focus()
    page.keyboard.press("Enter")
    cancel = page.get_by_role("button", name="Cancel the run")
    expect(cancel).to_be_visible()
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".failed")).to_contain_text("came to nothing: cancelled by Ana")


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_the_page_of_drills_is_for_everybody(
    browser: Browser, cable: Cable, player: HeldPlayer, watched: Watched,
    scheme: str, size: tuple[int, int],
) -> None:  # fmt: skip
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
    ) as context:
        page = context.new_page()
        watched.watch(page)
        arrive_at_drills(page, cable)
        play(page, player, 1)
        player.go.clear()
        page.get_by_role("button", name="Play at full speed: Two rooms").click()
        expect(page.locator("#playing-text")).to_contain_text("4 of 10 s")
        assert serious(page) == []
        assert no_sideways(page)
        keep(page, f"drills-{scheme}-{size[0]}")
        assert watched.complaints == []


def test_drills_are_not_for_officers(quiet_page: Page, cable: Cable, console: Console) -> None:
    account(console, "olaf", "tactical")
    sign_in(quiet_page, cable, "olaf")
    quiet_page.wait_for_url(f"{cable.url}/")
    quiet_page.goto(f"{cable.url}/drills")
    expect(quiet_page.locator("#empty")).to_contain_text("who may ask for exercises")
    assert DRILL not in quiet_page.content()
