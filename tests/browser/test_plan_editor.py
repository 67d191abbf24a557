"""The floor-plan page in a real browser: drawn over a picture, checked, published."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import (  # type: ignore[import-untyped]
    Axe,
)
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from api.site_check import check_site
from api.site_export import export_site
from calibration.export_imdf import PostalAddress
from tests.browser.steps import PASSWORD, account, arrive, keep, sign_in

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

pytestmark = pytest.mark.browser

XY = tuple[float, float]


def plan_picture() -> bytes:
    """Two rooms side by side, 16 m by 8 m together, at 5 cm a pixel; 40 pixels of margin."""
    picture = Image.new("RGB", (400, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((40, 40, 360, 200), outline="black", width=3)
    pen.line((200, 40, 200, 200), fill="black", width=3)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def place(page: Page, at_m: XY) -> XY:
    """Where a place of the plan is on the screen."""
    found = page.evaluate(
        """([x, y]) => {
          const to = document.querySelector("#canvas").getScreenCTM();
          const p = new DOMPoint(x, -y).matrixTransform(to);
          return [p.x, p.y];
        }""",
        list(at_m),
    )
    return float(found[0]), float(found[1])


def click(page: Page, *places_m: XY) -> None:
    for at_m in places_m:
        x, y = place(page, at_m)
        page.mouse.move(x, y)
        page.mouse.click(x, y)


def ground(page: Page, px: XY) -> XY:
    """The place of the plan under a pixel of the picture, by the picture's own drawing."""
    found = page.evaluate(
        """([x, y]) => {
          const image = document.querySelector("#canvas image");
          const root = document.querySelector("#canvas");
          const to = root.getScreenCTM().inverse().multiply(image.getScreenCTM());
          const p = new DOMPoint(x, y).matrixTransform(to);
          return [p.x, -p.y];
        }""",
        list(px),
    )
    return float(found[0]), float(found[1])


def begin(page: Page, cable: Cable, console: Console, how: str) -> None:
    """Sign in as an installer and begin a draft."""
    account(console, "ines", "installer")
    sign_in(page, cable, "ines")
    expect(page.locator("#me-name")).to_be_attached()  # signed in
    page.goto(f"{cable.url}/plan-editor")
    page.get_by_role("button", name=how).click()
    expect(page.locator("#editor")).to_be_visible()


def bring_picture(page: Page, content: bytes, name: str = "plan.png") -> None:
    mime = "image/png" if name.endswith("png") else "application/pdf"
    page.locator("#picture-file").set_input_files(
        {"name": name, "mimeType": mime, "buffer": content}
    )


def no_cameras(console: Console) -> None:
    for camera in (console.target.folder / "cameras").iterdir():
        camera.unlink()


def drawn(page: Page, console: Console) -> list[dict[str, Any]]:
    """The features of the newest draft on the server, once all is saved."""
    expect(page.locator("#saved")).to_have_attribute("data-state", "saved", timeout=10_000)
    draft = console.services.drafts.list("small")[0]
    return list(draft.features)


def set_scale(page: Page) -> None:
    """Scale and north by two points: the outer wall at the bottom runs 16 m to the east."""
    expect(page.get_by_role("heading", name="Scale and north")).to_be_visible()
    expect(page.locator("#picture-state")).to_contain_text("guess")
    click(page, ground(page, (40, 200)), ground(page, (360, 200)))
    page.get_by_label("Distance A to B, metres").fill("16")
    page.locator("[name=direction]").select_option("bearing")
    page.get_by_label("Bearing from A to B").fill("100")
    page.get_by_label("The picture's: walls run").check()
    keep(page, "plan-editor-scale")
    page.get_by_role("button", name="Set scale").click()
    expect(page.locator("#scale-form")).to_be_hidden()
    expect(page.locator("#picture-state")).to_contain_text("One pixel is 5.0 cm")


def draw_two_rooms(page: Page) -> None:
    """Two rooms, the second snapped to the first, a door between them and an entrance."""
    left, bottom = ground(page, (40, 200))
    page.keyboard.press("r")
    click(page, (left, bottom), (left + 8, bottom + 8))
    page.get_by_label("Name", exact=True).fill("West room")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Rectangle").click()
    click(page, (left + 8.05, bottom + 0.05), (left + 16, bottom + 8.04))
    page.get_by_label("Name", exact=True).fill("East room")
    page.get_by_label("Name", exact=True).press("Tab")

    page.get_by_role("button", name="Door", exact=False).first.click()
    click(page, (left + 8, bottom + 4))
    expect(page.locator("#selected .measure")).to_contain_text("West room and East room")
    page.get_by_role("button", name="Entrance").first.click()
    click(page, (left, bottom + 3))
    page.get_by_label("Number on the door").fill("4")
    page.get_by_label("Number on the door").press("Enter")


def test_from_a_picture_to_a_published_plan(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    begin(page, cable, console, "Begin an empty plan")
    bring_picture(page, plan_picture())

    set_scale(page)
    draw_two_rooms(page)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#check-state")).to_have_text(
        "Nothing is wrong. 2 of 2 spaces reached.", timeout=10_000
    )
    keep(page, "plan-editor-drawn")
    page.get_by_role("button", name="Publish…").click()
    expect(page.locator("#changes")).to_contain_text("2 spaces new: East room, West room")
    expect(page.locator("#changes")).to_contain_text("entrance-1: number 4, was 1")
    keep(page, "plan-editor-publish")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator("#saved")).to_contain_text("Published")

    found = check_site(console.target.folder)
    assert found.ok
    assert found.problems == ()
    assert found.site is not None
    plan = found.site.plan
    assert sorted(space.name for space in plan.spaces) == ["East room", "West room"]
    assert [space.polygon.area for space in plan.spaces] == pytest.approx([64, 64], abs=1.5)
    assert [entrance.door_number for entrance in plan.entrances] == ["4"]
    assert found.site.anchor.x_axis_bearing_deg == pytest.approx(100, abs=0.3)
    assert found.site.underlays[0].placement.metres_per_pixel == pytest.approx(0.05, rel=0.01)

    # the console shows it
    account(console, "dan")
    page.context.clear_cookies()
    arrive(page, cable, "dan")
    page.get_by_role("button", name="Open exercise").click()
    expect(page.locator("#plan .unit")).to_have_count(2)
    expect(page.locator("#plan .door .number").first).to_have_text("4")


def test_what_is_wrong_is_shown_where_it_is(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    begin(page, cable, console, "Change the present plan")
    expect(page.locator(".room-shape")).to_have_count(3)
    page.locator("#features-panel summary").click()
    page.locator("#features").get_by_role("button", name="Door west-door").click()
    page.get_by_role("button", name="Delete").last.click()
    page.get_by_role("button", name="Check", exact=True).click()
    problem = page.locator("#problems").get_by_role("button")
    expect(problem).to_contain_text("Error: West room: no way leads to West room", timeout=10_000)
    expect(page.locator('.mark[data-severity="error"]')).to_be_visible()
    keep(page, "plan-editor-problem")
    page.get_by_role("button", name="Publish…").click()
    expect(page.locator("#publish-state")).to_contain_text("cannot be published")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Not yet").click()
    problem.click()
    expect(page.locator('.room-shape[data-id="west"]')).to_have_attribute("data-selected", "true")
    expect(page.locator("#canvas")).to_be_focused()

    # undone, it is whole again
    page.keyboard.press("Control+z")
    expect(page.locator(".opening-line")).to_have_count(2)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#check-state")).to_contain_text("Nothing is wrong", timeout=10_000)
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".opening-line")).to_have_count(1)


def test_corners_are_dragged_and_neighbours_follow(
    quiet_page: Page, cable: Cable, console: Console
) -> None:
    page = quiet_page
    begin(page, cable, console, "Change the present plan")
    expect(page.locator(".room-shape")).to_have_count(3)
    page.wait_for_timeout(200)
    click(page, (4, 8))  # the west room
    expect(page.locator("#selected code")).to_have_text("west")
    start, end = place(page, (10, 12)), place(page, (9, 12))
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, end[1], steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    features = {feature["id"]: feature for feature in drawn(page, console)}
    for room in ("west", "east"):
        assert [9, 12] in [
            [round(v, 1) for v in p] for p in features[room]["geometry"]["coordinates"][0]
        ], room
    page.get_by_role("button", name="Undo").click()
    features = {feature["id"]: feature for feature in drawn(page, console)}
    assert [10, 12] in features["east"]["geometry"]["coordinates"][0]

    # a room is cut in two
    page.keyboard.press("k")
    click(page, (0, 8), (10, 8))
    expect(page.locator(".room-shape")).to_have_count(4)
    areas = page.locator(".ed-labels .floor").all_text_contents()
    assert areas.count("40.0 m²") == 2


def test_by_the_keyboard_alone(quiet_page: Page, cable: Cable, console: Console) -> None:
    page = quiet_page
    no_cameras(console)
    begin(page, cable, console, "Begin an empty plan")
    page.locator("#canvas").focus()
    page.keyboard.press("p")
    expect(page.locator("#canvas")).to_be_focused()
    page.keyboard.press("ArrowRight")  # the crosshair begins in the middle of what is shown
    start = page.locator("#said").text_content() or ""
    x, y = (float(value) for value in re.findall(r"-?\d+\.\d+", start))
    page.keyboard.press("Enter")
    for keys in (["Shift+ArrowRight"] * 6, ["Shift+ArrowUp"] * 4, ["Shift+ArrowLeft"] * 6):
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
    page.keyboard.press("Backspace")  # the last corner, and again
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    expect(page.locator(".room-shape")).to_have_count(1)
    expect(page.locator("#selected .measure")).to_contain_text("24.0 m², 4 corners")

    # a second room by its coordinates, then an entrance into the wall at the left
    page.get_by_text("Draw by numbers").click()
    page.keyboard.press("p")
    form = page.get_by_role("form", name="Place a point by its coordinates")
    for corner in ((x + 6, y), (x + 9, y), (x + 9, y + 4), (x + 6, y + 4)):
        form.get_by_label("x, m").fill(f"{corner[0]:.2f}")
        form.get_by_label("y, m").fill(f"{corner[1]:.2f}")
        form.get_by_label("y, m").press("Enter")
    page.get_by_role("button", name="Close room").press("Enter")
    expect(page.locator(".room-shape")).to_have_count(2)
    for tool, at_m in (("d", (x + 6, y + 2)), ("e", (x, y + 2))):
        page.locator("#canvas").focus()
        page.keyboard.press(tool)
        form.get_by_label("x, m").fill(f"{at_m[0]:.2f}")
        form.get_by_label("y, m").fill(f"{at_m[1]:.2f}")
        form.get_by_label("y, m").press("Enter")
    expect(page.locator(".opening-line")).to_have_count(1)
    expect(page.locator(".entrance text")).to_have_text("1")
    features = drawn(page, console)
    assert [f["feature_type"] for f in features] == ["unit", "unit", "opening", "entrance"]

    # arrows move what is selected
    page.locator("#canvas").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.locator("#features-panel summary").press("Enter")
    page.locator("#features").get_by_role("button", name="Room Room 2").press("Enter")
    page.locator("#canvas").focus()
    page.keyboard.press("Shift+ArrowUp")
    moved = {f["id"]: f for f in drawn(page, console)}["room-2"]
    ys = [p[1] for p in moved["geometry"]["coordinates"][0]]
    assert max(ys) == pytest.approx(y + 5, abs=0.01)


def test_levels(quiet_page: Page, cable: Cable, console: Console) -> None:
    page = quiet_page
    begin(page, cable, console, "Change the present plan")
    page.get_by_text("Levels", exact=True).click()
    page.get_by_role("button", name="Add a level").click()
    name = page.get_by_label("Name of the level").first
    name.fill("Upstairs")
    name.press("Tab")
    expect(page.locator("#levels").get_by_role("button", name="Upstairs")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".room-shape")).to_have_count(0)
    drawn(page, console)
    draft = console.services.drafts.list("small")[0]
    assert [(level.name, level.ordinal) for level in draft.levels] == [
        ("Ground floor", 0), ("Upstairs", 1),
    ]  # fmt: skip
    page.get_by_role("button", name="Delete level").first.click()
    page.get_by_role("button", name="Delete", exact=True).last.click()
    expect(page.locator(".room-shape")).to_have_count(3)


def test_plans_of_others_come_in(
    quiet_page: Page, cable: Cable, console: Console, tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    page = quiet_page
    export_site(
        console.target.folder, tmp_path / "small.zip", PostalAddress("Town"), datetime.now(UTC)
    )
    begin(page, cable, console, "Begin an empty plan")
    page.get_by_text("Bring a plan of others").click()
    page.locator("#plan-file").set_input_files(tmp_path / "small.zip")
    expect(page.locator(".room-shape")).to_have_count(3)
    expect(page.locator(".entrance")).to_have_count(2)

    ring = [[-85.5, 39], [-85.4999, 39], [-85.4999, 39.0001], [-85.5, 39.0001], [-85.5, 39]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    features = [
        {"type": "Feature", "id": "L1", "feature_type": "level", "geometry": shape,
         "properties": {"ordinal": 0, "name": {"en": "Ground"}}},
        {"type": "Feature", "id": "hall", "feature_type": "unit", "geometry": shape,
         "properties": {"level_id": "L1", "category": "room", "name": {"en": "Hall"}}},
    ]  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": features})
    page.locator("#plan-file").set_input_files(
        {"name": "hall.geojson", "mimeType": "application/geo+json", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Replace").click()
    expect(page.locator(".room-shape")).to_have_count(1)
    expect(page.locator(".ed-labels .name")).to_have_text("Hall")


def test_a_file_that_is_none_is_refused_in_words(
    page: Page, cable: Cable, console: Console
) -> None:
    begin(page, cable, console, "Begin an empty plan")
    bring_picture(page, b"%PDF-1.4 broken", "plan.pdf")
    expect(page.locator("#complaint")).to_contain_text("The PDF is damaged")
    page.get_by_role("button", name="Scale").click()
    expect(page.locator("#complaint")).to_contain_text("There is no picture under this level")


def test_who_loses_the_line_loses_nothing(page: Page, cable: Cable, console: Console) -> None:
    begin(page, cable, console, "Change the present plan")
    expect(page.locator(".room-shape")).to_have_count(3)
    page.wait_for_timeout(200)
    cable.cut()
    click(page, (15, 8))
    page.get_by_label("Name", exact=True).fill("Library")
    page.get_by_label("Name", exact=True).press("Tab")
    expect(page.locator("#saved")).to_have_attribute("data-state", "failed", timeout=10_000)
    cable.mend()
    features = {f["id"]: f for f in drawn(page, console)}
    assert features["east"]["properties"]["name"] == "Library"


def test_a_dispatcher_draws_no_plans(page: Page, cable: Cable) -> None:
    arrive(page, cable)
    page.goto(f"{cable.url}/plan-editor")
    expect(page.locator("#choose-empty")).to_contain_text("your role is dispatcher")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (820, 1180), (360, 740)], ids=str)
def test_everybody_can_use_it(
    browser: Browser, cable: Cable, console: Console, scheme: Any, size: tuple[int, int]
) -> None:
    account(console, "ines", "installer")
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    ) as context:
        page = context.new_page()
        sign_in(page, cable, "ines", PASSWORD)
        expect(page.locator("#me-name")).to_be_attached()  # signed in
        page.goto(f"{cable.url}/plan-editor")
        expect(page.get_by_role("button", name="Begin an empty plan")).to_be_visible()
        assert serious(page) == []
        page.get_by_role("button", name="Change the present plan").click()
        expect(page.locator(".room-shape")).to_have_count(3)
        bring_picture(page, plan_picture())
        expect(page.get_by_role("heading", name="Scale and north")).to_be_visible()
        assert serious(page) == []
        keep(page, f"plan-editor-{scheme}-{size[0]}-scale")
        page.get_by_role("button", name="Cancel").first.click()
        for summary in page.locator(".side details > summary").all():
            summary.click()
        page.locator("#features button").first.click()
        expect(page.locator("#selected code")).to_have_text("corridor")
        expect(page.locator("#check-state")).not_to_have_text("Not checked yet.", timeout=10_000)
        assert serious(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        keep(page, f"plan-editor-{scheme}-{size[0]}")


def serious(page: Page) -> list[str]:
    """What axe finds that keeps somebody from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']][:4]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_two_people_and_an_earlier_version(page: Page, cable: Cable, console: Console) -> None:
    begin(page, cable, console, "Change the present plan")
    expect(page.locator(".room-shape")).to_have_count(3)
    page.wait_for_timeout(200)
    drafts = console.services.drafts
    [draft] = drafts.list("small")
    drafts.change(draft, by="omar", now_s=console.clock(), features=draft.features[:3])
    click(page, (15, 8))
    page.get_by_label("Name", exact=True).fill("Library")
    page.get_by_label("Name", exact=True).press("Tab")
    dialog = page.locator("#sure")
    expect(dialog).to_contain_text("saved by omar", timeout=10_000)
    dialog.get_by_role("button", name="Save mine over it").click()
    assert len(drawn(page, console)) == 7
    assert drafts.list("small")[0].version == 3

    # theirs can be taken again, and that can be undone
    page.locator("#versions-panel summary").click()
    page.locator("#versions li").filter(has_text="omar").get_by_role("button").click()
    expect(page.locator(".opening-line")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".opening-line")).to_have_count(2)


def test_leaving_asks_while_something_is_not_saved(
    page: Page, cable: Cable, console: Console
) -> None:
    begin(page, cable, console, "Change the present plan")
    expect(page.locator(".room-shape")).to_have_count(3)
    page.wait_for_timeout(200)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    click(page, (15, 8))
    page.keyboard.press("Delete")
    page.close(run_before_unload=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
