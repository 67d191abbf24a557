"""The page for a phone: swipes, a network that comes and goes, little data, black when closed."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from .filming import with_capture_clock
from .steps import TEXT, Talker, account, bound, keep, open_real, sign_in

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.api.replayed import Console

    from .conftest import Cable, Watched

pytestmark = pytest.mark.browser

PHONES = {"390x844": (390, 844), "360x740": (360, 740)}
PICTURE = "document.querySelector('#screen').dataset.picture"


@pytest.fixture(autouse=True)
def _clock_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with_capture_clock(monkeypatch)


@pytest.fixture(params=list(PHONES.values()), ids=list(PHONES))
def phone(
    request: pytest.FixtureRequest, browser: Browser, watched: Watched
) -> Iterator[BrowserContext]:
    """A phone, held upright."""
    yield from held(browser, watched, *request.param)


@pytest.fixture
def one_phone(browser: Browser, watched: Watched) -> Iterator[BrowserContext]:
    """A phone of one size."""
    yield from held(browser, watched, 390, 844)


def held(browser: Browser, watched: Watched, width: int, height: int) -> Iterator[BrowserContext]:
    with browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, is_mobile=True,
        device_scale_factor=2,
    ) as context:  # fmt: skip
        context.on("page", watched.watch)
        yield context


def open_incident(page: Page, cable: Cable, kind: str = "exercise") -> str:
    body = {"site": "small", "kind": kind, "reason": "test"}
    made = page.request.post(f"{cable.url}/v1/incidents", data=body, headers={"Origin": cable.url})
    assert made.status == 201, made.text()
    incident: str = made.json()["incident"]
    return incident


def close(page: Page, cable: Cable, incident: str) -> None:
    path = f"{cable.url}/v1/incidents/{incident}?reason=over"
    assert page.request.delete(path, headers={"Origin": cable.url}).ok


def enter(context: BrowserContext, cable: Cable, name: str = "ivy") -> tuple[Page, str]:
    """Sign in, open an exercise, go to the page."""
    page = context.new_page()
    sign_in(page, cable, name)
    page.wait_for_selector("#sign-out", state="attached")
    incident = open_incident(page, cable)
    page.goto(f"{cable.url}/tactical")
    return page, incident


def wait_picture(page: Page, *states: str, within_s: float = 8.0) -> float:
    begun_s = time.monotonic()
    page.wait_for_function(
        f"(states) => states.includes({PICTURE})", arg=list(states), timeout=within_s * 1000,
        polling=20,
    )  # fmt: skip
    return time.monotonic() - begun_s


@pytest.fixture
def talking(console: Console) -> Iterator[list[Talker]]:
    """Talkers that are stopped at the end."""
    made: list[Talker] = []
    yield made
    for talker in made:
        talker.stop()


def swipe(page: Page, by_px: int) -> None:
    """One finger over the picture."""
    box = page.locator("#screen").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    touch = [{"x": x - by_px / 2, "y": y}]
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch})
    for share in (0.3, 0.6, 1.0):
        moved = [{"x": x - by_px / 2 + by_px * share, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": moved})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def no_sideways_scroll(page: Page) -> bool:
    fits: bool = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return fits


def serious(page: Page) -> list[Any]:
    found = Axe().run(page).response["violations"]
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_one_picture_the_line_and_the_door(
    phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker], watched: Watched
) -> None:
    page, _ = enter(phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    expect(page.locator("#kind-title")).to_have_text("EXERCISE")
    expect(page.locator("#answer")).to_have_text(TEXT)
    expect(page.locator("#door-number")).to_have_text("1")
    expect(page.locator("#steps li")).to_have_count(3)
    expect(page.locator("#camera-name")).to_have_text("Camera cam-01")
    expect(page.locator("#camera-why")).to_have_text("In its picture now")
    expect(page.locator("#camera-age")).to_contain_text("s old")
    expect(page.locator("body")).to_have_attribute("data-fresh", "live")
    expect(page.locator("#map .m-mark[data-suspect]")).to_be_visible()
    assert no_sideways_scroll(page)
    size = page.viewport_size
    assert size is not None
    keep(page, f"tactical-{size['width']}")
    for name in ("before", "next", "follow", "low", "full"):
        box = page.locator(f"#{name}").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44, name
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert serious(page) == []
        keep(page, f"tactical-{size['width']}-{scheme}")
    page.set_viewport_size({"width": size["height"], "height": size["width"]})
    page.wait_for_timeout(400)
    keep(page, f"tactical-{size['width']}-landscape")
    assert no_sideways_scroll(page)
    screen = page.locator("#screen").bounding_box()
    assert screen is not None
    assert (screen["width"], screen["height"]) == (size["height"], size["width"])
    assert watched.complaints == []


def test_a_swipe_goes_to_the_next_camera_and_follow_comes_back(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    name = page.locator("#camera-name")
    expect(name).to_have_text("Camera cam-01")
    swipe(page, -160)
    expect(name).to_have_text("Camera cam-02")
    expect(page.locator("#follow")).to_have_attribute("aria-pressed", "false")
    wait_picture(page, "live")
    expect(page.locator('#map .m-views [data-camera="cam-02"]')).to_have_attribute(
        "data-shown", "true"
    )
    page.wait_for_timeout(6000)  # it stays, though another camera sees the person
    expect(name).to_have_text("Camera cam-02")
    swipe(page, 160)
    expect(name).to_have_text("Camera cam-01")
    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("Camera cam-02")
    page.locator("#follow").tap()
    expect(name).to_have_text("Camera cam-01")
    expect(page.locator("#follow")).to_have_attribute("aria-pressed", "true")


def test_closing_makes_it_black_within_a_second(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, incident = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    close(page, cable, incident)
    assert wait_picture(page, "closed", within_s=2.0) < 1.0
    expect(page.locator("#answer")).to_contain_text("Closed: closed at")
    assert page.evaluate(
        "getComputedStyle(document.querySelector('#screen video')).visibility"
    ) == ("hidden")
    keep(page, "tactical-closed")


def test_it_goes_on_after_the_network_was_away(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    cable.cut()
    wait_picture(page, "lost", within_s=2.5)
    expect(page.locator("body")).to_have_attribute("data-fresh", "stale", timeout=3000)
    keep(page, "tactical-lost")
    page.wait_for_timeout(1500)
    cable.mend()
    wait_picture(page, "live", within_s=10.0)
    expect(page.locator("body")).to_have_attribute("data-fresh", "live", timeout=10_000)


def test_the_browser_says_that_it_is_offline(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    one_phone.set_offline(True)
    wait_picture(page, "lost", within_s=4.0)
    one_phone.set_offline(False)
    wait_picture(page, "live", within_s=8.0)


HIDE = """(hidden) => {
  Object.defineProperty(document, "visibilityState", {
    configurable: true, get: () => (hidden ? "hidden" : "visible") });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_in_the_background_nothing_is_fetched(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    page.evaluate(HIDE, True)
    wait_picture(page, "paused")
    run = console.runs.made[-1]
    deadline_s = time.monotonic() + 7.0
    while run.wanted and time.monotonic() < deadline_s:
        page.wait_for_timeout(100)
    assert not run.wanted
    page.evaluate(HIDE, False)
    wait_picture(page, "live")
    expect(page.locator("body")).to_have_attribute("data-fresh", "live", timeout=5000)


def received(page: Page) -> list[int]:
    """Counts the bytes that a page gets over the network from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    counted = [0]

    def count(event: dict[str, Any]) -> None:
        counted[0] += int(event.get("encodedDataLength", 0))

    session.on("Network.loadingFinished", count)
    session.on(
        "Network.webSocketFrameReceived",
        lambda event: counted.__setitem__(0, counted[0] + len(event["response"]["payloadData"])),
    )
    return counted


def test_low_data_is_under_100_kbit_a_second(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from tests.api import filmed
    from vision.stream_parts import Still

    def still(camera: str, number: int, captured_at_s: float) -> Still:
        """As large as stills may be."""
        made = plain(camera, number, captured_at_s)
        return Still(
            camera, captured_at_s, made.size_px, made.jpeg + bytes(11_000 - len(made.jpeg))
        )

    plain = filmed.still
    monkeypatch.setattr(filmed, "still", still)
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    page.locator("#low").tap()
    page.wait_for_selector("#screen canvas:not([hidden])")
    wait_picture(page, "live")
    page.wait_for_timeout(2000)
    counted = received(page)
    seen: set[str] = set()
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < 15.0:
        page.wait_for_timeout(250)
        seen.add(page.evaluate("document.querySelector('#screen canvas').toDataURL().slice(-400)"))
    spent_s = time.monotonic() - begun_s
    assert counted[0] * 8 / spent_s < 100_000
    assert len(seen) >= 11  # about one a second
    assert page.evaluate(PICTURE) == "live"
    expect(page.locator("#answer")).to_have_text(TEXT)
    expect(page.locator("#fresh-text")).to_contain_text("Low data")
    keep(page, "tactical-low")
    page.locator("#low").tap()
    page.wait_for_selector("#screen video:not([hidden])")
    wait_picture(page, "live")


def test_low_data_is_offered_where_the_video_comes_late(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The network keeps every picture back for two seconds, though the camera has newer ones."""
    page, _ = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    pump = type(cable).pump

    def late(self: Cable, source: socket.socket, sink: socket.socket) -> None:
        waiting: queue.Queue[tuple[float, bytes]] = queue.Queue()

        def deliver() -> None:
            with contextlib.suppress(OSError):
                while True:
                    due_s, data = waiting.get()
                    time.sleep(max(0.0, due_s - time.monotonic()))
                    sink.sendall(data)

        if source.getpeername()[1] != self.port:
            pump(self, source, sink)
            return
        threading.Thread(target=deliver, daemon=True).start()
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                waiting.put((time.monotonic() + 2.2, data))

    monkeypatch.setattr(type(cable), "pump", late)
    cable.cut()
    wait_picture(page, "lost", within_s=3.0)
    cable.mend()
    expect(page.locator("#offer")).to_be_visible(timeout=25_000)
    keep(page, "tactical-offer")
    page.locator("#offer-yes").tap()
    expect(page.locator("#low")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#offer")).to_be_hidden()


def test_low_data_is_black_when_it_is_closed(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker]
) -> None:
    page, incident = enter(one_phone, cable)
    talking.append(Talker(console.runs.made[-1]))
    wait_picture(page, "live")
    page.locator("#low").tap()
    page.wait_for_selector("#screen canvas:not([hidden])")
    wait_picture(page, "live")
    close(page, cable, incident)
    assert wait_picture(page, "refused", "closed", within_s=4.0) < 2.5


@bound
def test_officers_who_may_not_be_told_cameras_get_the_door(
    one_phone: BrowserContext, cable: Cable, console: Console, talking: list[Talker], page: Page
) -> None:
    account(console, "olga", "tactical", acts_as="officer")
    sign_in(page, cable)
    page.wait_for_selector("#sign-out", state="attached")
    open_real(page)
    talking.append(Talker(console.runs.made[-1]))
    theirs = one_phone.new_page()
    sign_in(theirs, cable, "olga")
    theirs.wait_for_selector("#sign-out", state="attached")
    theirs.goto(f"{cable.url}/tactical")
    expect(theirs.locator("#answer")).to_have_text(TEXT)
    expect(theirs.locator("#kind-title")).to_have_text("REAL EMERGENCY")
    expect(theirs.locator("#door-number")).to_have_text("1")
    expect(theirs.locator("#stage")).to_be_hidden()
    assert theirs.locator("#map .m-eyes circle").count() == 0
    keep(theirs, "tactical-real")


def test_nothing_is_open(one_phone: BrowserContext, cable: Cable) -> None:
    page = one_phone.new_page()
    sign_in(page, cable)
    page.wait_for_selector("#sign-out", state="attached")
    page.goto(f"{cable.url}/tactical")
    expect(page.locator("#none")).to_contain_text("No incident is open that you may watch")
    keep(page, "tactical-nothing")
    open_incident(page, cable)
    wait_picture(page, "connecting", "waiting", "live", within_s=8.0)
