"""The live pictures of the console: those that matter now, where they were, as old as they are."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect

from tests.api.replayed import answer, subject

from .filming import with_capture_clock
from .steps import account, arrive, bound, keep, open_exercise, open_real, sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from calibration.answer import Answer
    from tests.api.replayed import Console, ReplayedRun

    from .conftest import Cable

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _clock_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with_capture_clock(monkeypatch)


class Saying:
    """Lets a run say one answer after the other; what it says can be changed."""

    def __init__(self, run: ReplayedRun, make: Callable[[float], Answer]) -> None:
        self.make = make
        self.run = run
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self) -> None:
        while not self.ended.wait(0.15):
            self.run.say(self.make(time.time()))

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(5)


def in_west_room(at_s: float) -> Answer:
    return answer(at_s, subject(at_s=at_s))


def in_corridor(at_s: float) -> Answer:
    return answer(
        at_s,
        subject(
            at_s=at_s, xy_m=(10.0, 2.0), cameras=("cam-02",), space="corridor",
            space_name="Corridor", trail_m=(),
        ),
    )  # fmt: skip


def two_people(at_s: float) -> Answer:
    second = subject(
        "S2", at_s=at_s, rank=2, xy_m=(10.0, 2.0), cameras=("cam-02",), space="corridor",
        space_name="Corridor", trail_m=(),
    )  # fmt: skip
    return answer(at_s, subject(at_s=at_s), second)


@pytest.fixture
def saying(quiet_page: Page, cable: Cable, console: Console) -> Iterator[Saying]:
    """Signed in, an exercise open, the person in the west room."""
    arrive(quiet_page, cable)
    open_exercise(quiet_page)
    made = Saying(console.runs.made[0], in_west_room)
    expect(quiet_page.locator("#pictures .picture").first).to_be_visible()
    yield made
    made.stop()


def names(page: Page) -> list[str]:
    return page.locator("#pictures .picture-name strong").all_text_contents()


def picture(page: Page, camera: str) -> Any:
    return page.locator(f'#pictures .picture[data-camera="{camera}"]')


def live(page: Page, camera: str) -> None:
    expect(picture(page, camera)).to_have_attribute("data-picture", "live", timeout=8000)


def test_the_cameras_that_matter_are_shown_live(saying: Saying, quiet_page: Page) -> None:
    page = quiet_page
    live(page, "cam-01")
    live(page, "cam-02")
    assert names(page) == ["Camera cam-01", "Camera cam-02"]
    expect(picture(page, "cam-01")).to_have_attribute("data-sight", "sees")
    expect(picture(page, "cam-01").locator(".picture-why")).to_have_text("Sees the person now")
    expect(picture(page, "cam-02").locator(".picture-why")).to_contain_text("at a run")
    expect(picture(page, "cam-01").locator(".picture-why")).to_have_attribute(
        "title", "In its picture now"
    )
    expect(picture(page, "cam-01").locator(".picture-age")).to_contain_text("s old")
    keep(page, "pictures")
    # The other camera sees the person now: no picture changes its place.
    saying.make = in_corridor
    expect(picture(page, "cam-02")).to_have_attribute("data-sight", "sees")
    page.wait_for_timeout(6000)
    assert names(page) == ["Camera cam-01", "Camera cam-02"]


def test_they_follow_whom_somebody_chose(saying: Saying, quiet_page: Page) -> None:
    page = quiet_page
    saying.make = two_people
    live(page, "cam-02")
    expect(picture(page, "cam-01")).to_have_attribute("data-sight", "sees")
    page.locator("#ranked li", has_text="S2").locator(".choose").click()
    expect(picture(page, "cam-02")).to_have_attribute("data-sight", "sees")
    expect(picture(page, "cam-01")).to_have_attribute("data-sight", "next")


def test_a_picture_is_enlarged_and_turned_by_keyboard(saying: Saying, quiet_page: Page) -> None:
    page = quiet_page
    live(page, "cam-01")
    live(page, "cam-02")
    page.get_by_role("button", name="Enlarge Camera cam-01").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Enlarged picture")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading")).to_have_text("Camera cam-01")
    live(page, "cam-01")
    page.wait_for_timeout(500)
    assert page.evaluate("document.querySelector('.picture-holder video').paused") is False
    keep(page, "pictures-large")
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("Camera cam-02")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Enlarge Camera cam-02")).to_be_focused()
    assert page.locator("#pictures .picture-list .screen").count() == 2


def test_a_camera_is_kept_and_chosen_by_hand(saying: Saying, quiet_page: Page) -> None:
    page = quiet_page
    live(page, "cam-02")
    page.get_by_role("combobox", name="Watch another camera").select_option(label="Camera cam-02")
    keep_button = page.get_by_role("button", name="Keep Camera cam-02 here")
    expect(keep_button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Enlarge Camera cam-02")).to_be_focused()
    keep_button.click()
    expect(keep_button).to_have_attribute("aria-pressed", "false")


def test_a_camera_that_gives_no_picture_says_so(saying: Saying, quiet_page: Page) -> None:
    page = quiet_page
    live(page, "cam-01")
    saying.run.phase = "stalled"
    expect(picture(page, "cam-01")).to_have_attribute("data-picture", "waiting", timeout=5000)
    expect(picture(page, "cam-01").locator(".screen-note")).to_contain_text("No new picture")
    keep(page, "pictures-stalled")
    saying.run.phase = "live"
    live(page, "cam-01")


def test_closing_makes_all_black(saying: Saying, quiet_page: Page, cable: Cable) -> None:
    page = quiet_page
    live(page, "cam-01")
    live(page, "cam-02")
    incident = saying.run.permit.incident
    begun_s = time.monotonic()
    page.request.delete(
        f"{cable.url}/v1/incidents/{incident}?reason=over", headers={"Origin": cable.url}
    )
    for camera in ("cam-01", "cam-02"):
        expect(picture(page, camera)).to_have_attribute("data-picture", "closed", timeout=1000)
    assert time.monotonic() - begun_s < 1.5
    assert page.locator("#pictures video[src]").count() == 0
    keep(page, "pictures-closed")


@bound
def test_who_may_not_be_told_cameras_has_no_pictures(
    browser: Any, cable: Cable, console: Console, page: Page
) -> None:
    arrive(page, cable)
    open_real(page)
    made = Saying(console.runs.made[0], in_west_room)
    try:
        account(console, "olga", "tactical", acts_as="officer")
        context: BrowserContext
        with browser.new_context() as context:
            theirs = context.new_page()
            asked: list[str] = []
            theirs.on("request", lambda request: asked.append(request.url))
            theirs.on("websocket", lambda socket: asked.append(socket.url))
            sign_in(theirs, cable, "olga")  # and is taken to the incident
            expect(theirs.locator("#door-number")).to_have_text("1")
            expect(theirs.locator("#pictures")).to_be_hidden()
            assert not [url for url in asked if "/streams" in url]
    finally:
        made.stop()


ARRANGE = """async ([steps, count]) => {
  const { arrange } = await import("/console/places.js");
  let places = [];
  const seen = [];
  for (const [nowMs, wanted, pin, phases] of steps) {
    places = arrange(places, wanted, { count, nowMs, phases: new Map(phases ?? []) });
    for (const place of places) if (place && place.id === pin) place.pinned = true;
    seen.push(places.map((place) => place?.id ?? null));
  }
  return seen;
}"""


def camera(name: str, chance: float = 1.0, sight: str = "next") -> dict[str, object]:
    return {"id": name, "sight": sight, "chance": chance}


A, B, C = camera("a", 0.9), camera("b", 0.6), camera("c", 0.3)
SEES_C = camera("c", 1.0, "sees")


@pytest.mark.parametrize(
    ("steps", "count", "expected"),
    [
        pytest.param([[0, [A, B, C], None]], 2, [["a", "b"]], id="the best"),
        pytest.param([[0, [A], None]], 2, [["a", None]], id="fewer than places"),
        pytest.param(
            [[0, [A, B], None], [100, [B, A], None]],
            2,
            [["a", "b"], ["a", "b"]],
            id="order is kept",
        ),
        pytest.param(
            [[0, [A, B], None], [4000, [SEES_C, A, B], None], [5100, [SEES_C, A, B], None]],
            2,
            [["a", "b"], ["a", "b"], ["a", "c"]],
            id="five seconds, then the least goes",
        ),
        pytest.param(
            [[0, [A, B], None], [9000, [camera("c", 0.7), A, B], None]],
            2,
            [["a", "b"], ["a", "b"]],
            id="a little more is not enough",
        ),
        pytest.param(
            [[0, [A, B], "b"], [9000, [SEES_C, A, B], None]],
            2,
            [["a", "b"], ["c", "b"]],
            id="pinned stays, the better one goes",
        ),
        pytest.param(
            [[0, [A, B], None], [9000, [], None]], 2, [["a", "b"], ["a", "b"]], id="none is better"
        ),
        pytest.param(
            [[0, [A, B], None], [6000, [A, B, C], None, [["b", "stalled"]]]],
            2,
            [["a", "b"], ["a", "c"]],
            id="one that is down",
        ),
    ],
)
def test_pictures_do_not_jump_about(
    quiet_page: Page, cable: Cable, steps: list[Any], count: int, expected: list[list[str | None]]
) -> None:
    arrive(quiet_page, cable)
    assert quiet_page.evaluate(ARRANGE, [steps, count]) == expected
