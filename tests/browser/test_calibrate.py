"""The calibration page, by clicks and by keys, against a drill whose true cameras are known."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect
from starlette.testclient import TestClient

from calibration.site import load_site
from tests.api.replayed import opened_by, serving
from tests.api.surveyed_drill import corners_in_view, floor_error_m, spread_out, survey_console
from tests.browser.steps import account, keep, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Locator, Page

    from tests.api.replayed import Console
    from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

CLICK_PX = 0.7
"""Standard deviation of a click along x and along y: about a pixel in all."""


@dataclass
class School:
    """A drill behind a server, and the places of its lobby that an installer would choose."""

    console: Console
    url: str
    xyz_m: NDArray[np.float64]
    px: NDArray[np.float64]

    def error_m(self) -> NDArray[np.float64]:
        """How far off the lobby's camera puts the floor that it truly shows."""
        truth = self.console.target.site
        found = load_site(self.console.target.folder).cameras["cam-01"].model
        return floor_error_m(truth, truth.cameras["cam-01"], found)


def school_in(folder: Path, *, boxes: bool = False) -> Iterator[School]:
    console = survey_console(folder, time.time, boxes=boxes)
    account(console, "ina", "installer")
    account(console, "ivy")
    site = console.target.site
    xyz_m = corners_in_view(site, site.cameras["cam-01"])
    px, _ = site.cameras["cam-01"].model.to_image(xyz_m)
    rows = spread_out(xyz_m, px, 16)
    clicked_px = px[rows] + np.random.default_rng(1).normal(0, CLICK_PX, (len(rows), 2))
    with serving(console.app) as url:
        yield School(console, url, xyz_m[rows], clicked_px)
    console.record.store.close()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    yield from school_in(tmp_path)


@pytest.fixture
def page(browser: Browser, watched: Watched, school: School) -> Iterator[Page]:
    """An installer's screen, closed before the server is; it must not complain."""
    del school
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        made = context.new_page()
        watched.watch(made)
        yield made
    assert watched.complaints == []


@dataclass
class Plug:
    """What `sign_in` asks of a cable."""

    url: str


def arrive(page: Page, school: School, *, name: str = "ina", camera: str = "cam-01") -> None:
    """Sign in, and see the lobby's camera with its picture."""
    sign_in(page, Plug(school.url), name)  # type: ignore[arg-type]
    expect(page.locator("#me-name, #sites, h1").first).to_be_attached()
    page.goto(f"{school.url}/calibrate#/quiet/{camera}")
    expect(page.locator("#picture-none")).to_be_hidden()
    page.wait_for_load_state("networkidle")


def spot(page: Page, surface: str, x: float, y: float) -> tuple[float, float]:
    """Where a place of a drawing lies on the screen."""
    at: list[float] = page.evaluate(
        """([id, x, y]) => {
            const root = document.getElementById(id);
            root.scrollIntoView({ block: "center" });
            const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(root.getScreenCTM());
            return [left, top];
        }""",
        [surface, x, y],
    )
    return at[0], at[1]


def click_both(page: Page, px: NDArray[np.float64], xyz_m: NDArray[np.float64]) -> None:
    """Click a place in the picture, then on the plan."""
    page.mouse.click(*spot(page, "picture", float(px[0]), float(px[1])))
    expect(page.locator("#step")).to_contain_text("Now click the same place on the plan")
    if xyz_m[2]:
        page.get_by_label("Height of the next point").fill(f"{xyz_m[2]:g}")
    page.mouse.click(*spot(page, "plan", float(xyz_m[0]), float(-xyz_m[1])))
    expect(page.locator("#step")).to_contain_text("Click the next place")


def rows(page: Page) -> Locator:
    return page.locator("#rows tr")


def saved(page: Page) -> None:
    told = page.locator("#save-told")
    # The site is loaded and prepared anew before it is said.
    expect(told).to_contain_text("The next incident uses it", timeout=30_000)


def test_clicks_alone_calibrate_a_camera(page: Page, school: School) -> None:
    arrive(page, school)
    for k, (px, xyz_m) in enumerate(zip(school.px, school.xyz_m, strict=True)):
        click_both(page, px, xyz_m)
        expect(rows(page)).to_have_count(k + 1)
    expect(page.locator("#verdict")).to_contain_text("left out")
    assert page.locator("#result").get_attribute("data-grade") in {"good", "usable"}
    for drawn in (".lines .grid:not(.casing)", ".lines .walls:not(.casing)", ".lines .horizon"):
        assert (page.locator(f"#picture {drawn}").first.get_attribute("d") or "").startswith("M")
    assert page.locator("#plan .floor path").count() >= 1
    names = [str(row.input_value()) for row in page.locator("#rows .name").all()]
    assert any("Door 1" in name for name in names)
    keep(page, "calibrate")
    page.get_by_label("Note").fill("first survey")
    page.get_by_role("button", name="Save as a new version").click()
    saved(page)
    off_m = school.error_m()
    assert np.median(off_m) <= 0.06
    assert np.percentile(off_m, 95) <= 0.1
    expect(page.locator("#versions li")).to_have_count(2)
    expect(page.locator("#versions li").first).to_contain_text("by ina")
    expect(page.locator("#versions li").first).to_contain_text("first survey")
    [entry] = school.console.audited("calibration-saved")
    assert entry["actor"] == "ina"
    assert school.console.audited("survey-permitted")


def test_what_changes_is_seen_at_once(page: Page, school: School) -> None:
    arrive(page, school)
    for px, xyz_m in zip(school.px[:8], school.xyz_m[:8], strict=True):
        click_both(page, px, xyz_m)
    expect(page.locator("#verdict")).to_contain_text("left out")
    before = page.locator("#verdict").inner_text()
    took_ms = page.evaluate(
        """(before) => new Promise((done) => {
            const input = document.querySelector("#rows input[data-key=px]");
            const begun = performance.now();
            new MutationObserver(() => {
                const told = document.getElementById("verdict").textContent;
                if (told !== before) done(performance.now() - begun);
            }).observe(document.getElementById("verdict"), {
                childList: true, characterData: true, subtree: true,
            });
            input.value = Number(input.value) + 25;
            input.dispatchEvent(new Event("input", { bubbles: true }));
        })""",
        before,
    )
    assert took_ms < 1500  # some 250 ms on a machine that does nothing else


def tab_to(page: Page, selector: str, *, back: bool = False) -> None:
    """Press Tab, or Tab with Shift, until the element has the focus."""
    for _ in range(120):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Shift+Tab" if back else "Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def step_to(page: Page, now: list[float], to: list[float], coarse: float, fine: float) -> None:
    """Move the crosshair with the arrow keys from one place to another, y down."""
    for axis, (back, forth) in enumerate((("ArrowLeft", "ArrowRight"), ("ArrowUp", "ArrowDown"))):
        away = to[axis] - now[axis]
        key = forth if away > 0 else back
        many = int(abs(away) // coarse)
        for _ in range(many):
            page.keyboard.press(f"Control+{key}")
        for _ in range(round((abs(away) - many * coarse) / fine)):
            page.keyboard.press(key)


def middle(page: Page, surface: str) -> list[float]:
    """The middle of what a drawing shows: where its crosshair begins."""
    box = str(page.locator(f"#{surface}").get_attribute("viewBox"))
    left, top, width, height = (float(part) for part in box.split())
    return [left + width / 2, top + height / 2]


def test_keys_alone_calibrate_a_camera(page: Page, school: School) -> None:
    arrive(page, school)
    low = np.flatnonzero(school.xyz_m[:, 2] == 0.0)[:7]
    at = {"picture": middle(page, "picture"), "plan": middle(page, "plan")}
    for k, row in enumerate(low):
        px, (x, y, _) = school.px[row], school.xyz_m[row]
        tab_to(page, "#picture", back=k > 0)
        to = [float(px[0]), float(px[1])]
        step_to(page, at["picture"], to, 20.0, 1.0)
        page.keyboard.press("Enter")
        tab_to(page, "#plan")
        step_to(page, at["plan"], [float(x), float(-y)], 1.0, 0.1)
        page.keyboard.press("c")  # to the corner there
        page.keyboard.press("Enter")
        expect(rows(page)).to_have_count(k + 1)
        told = [
            float(rows(page).nth(k).locator(f"[data-key={key}]").input_value())
            for key in ("px", "py", "mx", "my")
        ]
        assert told[2:] == pytest.approx([x, y], abs=0.01)
        at = {"picture": told[:2], "plan": [told[2], -told[3]]}
    expect(page.locator("#verdict")).to_contain_text("left out")

    # A point that is chosen moves by a pixel, with Shift by a tenth of one.
    first = rows(page).first.locator("[data-key=px]")
    began = float(first.input_value())
    tab_to(page, "#rows tr:first-child button")
    page.keyboard.press("Enter")
    tab_to(page, "#picture", back=True)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(first).to_have_value(f"{began + 1.2:g}")
    page.keyboard.press("Control+z")
    expect(first).to_have_value(f"{began:g}")

    expect(page.locator("#save")).to_be_enabled()
    tab_to(page, "#save")
    page.keyboard.press("Enter")
    saved(page)
    assert np.median(school.error_m()) < 0.25  # seven points, each to a whole pixel


def test_a_bad_set_says_why_and_a_misread_point_which(page: Page, school: School) -> None:
    arrive(page, school)
    for px, xyz_m in zip(school.px[:3], school.xyz_m[:3], strict=True):
        click_both(page, px, xyz_m)
    expect(page.locator("#refusal")).to_contain_text("3 points do not fix a camera")
    expect(page.locator("#save")).to_be_disabled()
    for px, xyz_m in zip(school.px[3:9], school.xyz_m[3:9], strict=True):
        click_both(page, px, xyz_m)
    expect(page.locator("#refusal")).to_be_hidden()
    wrong = rows(page).nth(4).locator("[data-key=mx]")
    wrong.fill(str(float(wrong.input_value()) + 1.5))
    expect(rows(page).nth(4).locator(".why")).to_contain_text("contradicts the others")
    expect(page.locator("#picture .mark[data-state=suspect]")).to_have_count(1)
    rows(page).nth(4).get_by_role("checkbox").uncheck()
    expect(rows(page).nth(4).locator(".why")).to_have_text("set aside")
    page.get_by_role("button", name="Undo").click()
    expect(rows(page).nth(4).locator(".why")).to_contain_text("contradicts the others")
    page.get_by_role("button", name="Redo").click()
    expect(rows(page).nth(4).get_by_role("checkbox")).not_to_be_checked()
    page.get_by_role("button", name="Remove point 5").click()
    expect(rows(page)).to_have_count(8)
    page.keyboard.press("Control+z")
    expect(rows(page)).to_have_count(9)


def test_what_is_not_saved_survives_a_reload_and_leaving_asks(page: Page, school: School) -> None:
    arrive(page, school)
    for px, xyz_m in zip(school.px[:5], school.xyz_m[:5], strict=True):
        click_both(page, px, xyz_m)
    asked: list[str] = []

    def leave(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", leave)
    page.reload()
    assert asked == ["beforeunload"]
    expect(rows(page)).to_have_count(5)
    expect(page.locator("#save-told")).to_contain_text("is here again")
    page.locator("#camera").select_option("cam-02")
    expect(page.get_by_role("dialog")).to_contain_text("Leave this camera?")
    page.get_by_role("button", name="Cancel", exact=True).last.click()
    expect(rows(page)).to_have_count(5)
    expect(page.locator("#camera")).to_have_value("cam-01")
    page.locator("#camera").select_option("cam-02")
    page.get_by_role("button", name="Leave it").click()
    expect(page.locator("#no-points")).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(5)


def test_two_versions_are_compared_and_one_is_used_again(page: Page, school: School) -> None:
    arrive(page, school)
    for px, xyz_m in zip(school.px[:10], school.xyz_m[:10], strict=True):
        click_both(page, px, xyz_m)
    page.get_by_role("button", name="Save as a new version").click()
    saved(page)
    expect(rows(page)).to_have_count(10)
    page.locator("#versions li").nth(1).get_by_role("button", name="Compare").click()
    page.locator("#versions li").nth(0).get_by_role("button", name="Compare with 1").click()
    expect(page.locator("#compare-told")).to_contain_text("the floor moves by")
    assert page.locator("#picture .lines .other").count() > 0
    assert page.locator("#plan .arrows path").count() > 10
    keep(page, "calibrate-compare")
    page.get_by_role("button", name="Use version 1 again").click()
    page.get_by_role("button", name="Use it again").click()
    expect(page.locator("#save-told")).to_contain_text(
        "Version 1 is used again, as version 3", timeout=30_000
    )
    assert school.error_m().max() < 0.01
    expect(page.locator("#picture .lines .other")).to_have_count(0)


def test_an_open_incident_keeps_its_calibration(page: Page, school: School) -> None:
    arrive(page, school)
    client = TestClient(school.console.app, headers=school.console.bearer)
    opened_by(client, {"drill": "quiet", "kind": "exercise", "reason": "practice"})
    for px, xyz_m in zip(school.px[:8], school.xyz_m[:8], strict=True):
        click_both(page, px, xyz_m)
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.locator("#save-told")).to_contain_text("An incident is open")
    expect(page.locator("#save-told")).to_contain_text("once it is over")


def test_a_picture_file_does_where_no_still_is_allowed(
    page: Page, school: School, tmp_path: Path
) -> None:
    arrive(page, school)
    picture = tmp_path / "still.png"
    page.locator("#picture-canvas").screenshot(path=picture)  # of other proportions
    page.set_input_files("#file", picture)
    expect(page.locator("#still-told")).to_contain_text("other proportions")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    page.set_input_files("#file", bad)
    expect(page.locator("#still-told")).to_contain_text("no picture that can be read")


def test_a_walk_is_compared_with_the_line(
    browser: Browser, watched: Watched, tmp_path: Path
) -> None:
    for school in school_in(tmp_path, boxes=True):
        with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
            page = context.new_page()
            watched.watch(page)
            sign_in(page, Plug(school.url), "ina")  # type: ignore[arg-type]
            page.wait_for_load_state("networkidle")
            page.goto(f"{school.url}/calibrate#/quiet/cam-01")
            expect(page.locator("#still-told")).to_contain_text("no pictures")
            page.get_by_role("button", name="Mark places of a walk").click()
            for x, y in ((1.43, 10.49), (9.47, 10.44)):
                page.mouse.click(*spot(page, "plan", x, -y))
            expect(page.locator("#places li")).to_have_count(2)
            page.get_by_label("From, s").fill("66.5")
            page.get_by_label("For, s").fill("8")
            page.get_by_role("button", name="Begin").click()
            expect(page.locator("#walk-told")).to_contain_text("beside the line", timeout=20_000)
            assert (page.locator("#plan .walked").get_attribute("d") or "").count("L") > 10
            keep(page, "calibrate-walk")
        assert watched.complaints == []


def test_others_are_told_that_it_is_for_installers(page: Page, school: School) -> None:
    sign_in(page, Plug(school.url), "ivy")  # type: ignore[arg-type]
    page.wait_for_load_state("networkidle")
    page.goto(f"{school.url}/calibrate")
    expect(page.locator("#lead")).to_contain_text("calibrated by installers; your role is")
    expect(page.locator("#work")).to_be_hidden()


@pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", (1440, 900)), ("dark", (1440, 900)), ("light", (360, 740)), ("dark", (360, 740)),
     ("light", (820, 1180))],
    ids=["light", "dark", "phone", "dark phone", "tablet"],
)  # fmt: skip
def test_nobody_is_kept_out(
    browser: Browser, school: School, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        arrive(page, school)
        for px, xyz_m in zip(school.px[:7], school.xyz_m[:7], strict=True):
            click_both(page, px, xyz_m)
        wrong = rows(page).nth(4).locator("[data-key=mx]")
        wrong.fill(str(float(wrong.input_value()) + 1.5))
        expect(rows(page).nth(4).locator(".why")).to_be_visible()
        page.locator("details.lens summary").click()
        page.locator("details.help summary").click()
        keep(page, f"calibrate-{scheme}-{size[0]}")
        found = [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in Axe().run(page).response["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        assert found == []
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, "the page must not scroll sideways"
        if size[0] == 360:
            small = page.evaluate(
                """() => [...document.querySelectorAll("button, select, summary, .file")]
                    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)
                    .map((e) => e.textContent.trim())"""
            )
            assert small == []
            assert re.search(r"\d", page.locator("#verdict").inner_text())
