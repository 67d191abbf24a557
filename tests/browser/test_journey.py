"""The whole way in a real browser, with the real detector on the built-in drill.

A dispatcher opens an exercise, sees where the intruder is and which door is closest, watches a
camera, confirms the intruder, and closes; a standard player shows the same camera by HLS.
"""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from api.app import create_app
from api.record import opened_record
from api.run_factory import run_factory
from api.targets import load_target
from api.truth import load_truth
from calibration.entrances import EntranceRoutes
from tests.api.replayed import serving
from tests.browser.steps import PASSWORD, keep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator

    from api.incident_run import IncidentRun
    from api.targets import Target
    from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

DRILL = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"
RIGHT_DOOR = 0.7
"""Share of moments at which the door on the screen must be right. It is 0.99 where the machine has
nothing else to do; here two cores detect, encode, and play videos in a browser as well."""
SAME_WALK_M = 3.0
SOON_MS, LATE_MS, WATCHED_MS = 30_000, 90_000, 25_000

CLOCK = """(video) => {
  const CELL = 8, CELLS = 40, high = video.videoHeight;
  const canvas = new OffscreenCanvas(CELL * CELLS, CELL);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, high - CELL, CELL * CELLS, CELL, 0, 0, CELL * CELLS, CELL);
  const atMs = Date.now();
  const { data } = context.getImageData(0, CELL / 2, CELL * CELLS, 1);
  const octets = [0, 0, 0, 0, 0];
  for (let i = 0; i < CELLS; i++) {
    octets[i >> 3] = octets[i >> 3] * 2 + (data[(i * CELL + CELL / 2) * 4] > 128 ? 1 : 0);
  }
  const [a, b, c, d, check] = octets;
  if ((a ^ b ^ c ^ d ^ 0xa5) !== check) return null;
  return (atMs - (((a * 256 + b) * 256 + c) * 256 + d)) % 2 ** 32;
}"""
"""Age of what a video shows, milliseconds, by the clock in the picture; null where it has none."""

BLACK_AFTER = """() => {
  const screens = [...document.querySelectorAll("#pictures .screen")];
  window.blackAfterMs = null;
  const pressed = performance.now();
  const look = () => {
    if (screens.every((one) => !one.isConnected || one.hasAttribute("data-black"))) {
      window.blackAfterMs = performance.now() - pressed;
    } else requestAnimationFrame(look);
  };
  document.getElementById("close-yes").addEventListener("click", () => look(), { once: true });
  window.screensWatched = screens.length;
}"""


DOORS = """() => {
  window.doors = [];
  setInterval(() => {
    window.doors.push([Date.now() / 1000, document.getElementById("door-number").textContent]);
  }, 200);
}"""
"""Notes what the screen says, five times a second."""


@dataclass(frozen=True, slots=True)
class Played:
    """A server with the built-in drill and its real engine.

    Attributes:
        url: its address.
        target: the drill.
        runs: those that were opened.
    """

    url: str
    target: Target
    runs: list[IncidentRun]

    def right_share(self, doors: list[tuple[float, str]]) -> float:
        """At how many of the moments the door was that of the shortest true walk, 0..1.

        Args:
            doors: Unix seconds and the number of the door on the screen.
        """
        truth = load_truth(DRILL, self.target.site)
        started_s = self.runs[0].started_at_s
        assert truth is not None
        assert truth.intruder is not None
        assert started_s is not None
        t_s = np.array([at_s for at_s, _ in doors]) - started_s
        there = truth.intruder.at(t_s)
        routes = EntranceRoutes(self.target.site.plan)
        right = []
        for row in np.flatnonzero(there.present).tolist():
            ranked = routes.rank(there.level[row], tuple(there.xy_m[row].tolist()))
            walk_m = {one.door_number: one.walk_m or math.inf for one in ranked if one.usable}
            right.append(walk_m.get(doors[row][1], math.inf) <= min(walk_m.values()) + SAME_WALK_M)
        assert len(right) > 50
        return float(np.mean(right))


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    """The built-in drill on a server on which Ivy, a dispatcher, has an account."""
    target = load_target(DRILL)
    runs: list[IncidentRun] = []
    with opened_record(tmp_path / "state", own=True) as record:
        factory = run_factory(on_made=runs.append)
        app = create_app({target.id: target}, record=record, run_factory=factory)
        app.state.services.accounts.add(
            "ivy", role="dispatcher", password=PASSWORD, second_factor=False, by="test",
            now_s=time.time(), full_name="Ivy",
        )  # fmt: skip
        with serving(app) as url:
            yield Played(url, target, runs)


@pytest.fixture
def screen(browser: Browser, played: Played, watched: Watched) -> Iterator[Page]:
    """A dispatcher's screen at the sites, signed in; it must not complain or reach other hosts."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        watched.watch(page)
        page.goto(played.url)
        page.get_by_label("Name").fill("ivy")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        yield page
        assert watched.complaints == []
        assert watched.hosts == {played.url.removeprefix("http://")}


def age_ms(page: Page, within: str) -> float:
    """Age of the picture of the first video that has one, by its own clock."""
    video = page.locator(f"{within} video").first
    until_s = time.monotonic() + SOON_MS / 1000
    while time.monotonic() < until_s:
        if video.evaluate("(one) => one.readyState >= 2 && one.videoWidth > 0"):
            age = video.evaluate(CLOCK)
            if age is not None:
                return float(age)
        page.wait_for_timeout(100)
    pytest.fail(f"no clock could be read from {within}")


def confirm(page: Page, suspect: Locator) -> None:
    """Confirm the intruder; where the list has just changed the page wants a second look."""
    confirmed = page.locator("#ranked").get_by_text("Confirmed by Ivy")
    for _ in range(8):
        suspect.get_by_role("button", name="Confirm").click()
        page.wait_for_timeout(1000)
        if confirmed.count():
            break
    expect(confirmed.first).to_be_visible()


def test_from_the_grant_to_the_black_picture(screen: Page, played: Played) -> None:
    page = screen
    page.get_by_role("button", name="Open exercise").click()
    expect(page.locator("#kind-title")).to_have_text("EXERCISE")
    suspect = page.locator("#ranked > li[data-suspect]").first
    expect(suspect).to_be_visible(timeout=LATE_MS)
    expect(page.locator("#door-number")).to_have_text(re.compile(r"\d"))
    page.evaluate(DOORS)

    live = page.locator('#pictures .screen[data-picture="live"]').first
    expect(live).to_be_visible(timeout=SOON_MS)
    assert 0.0 < age_ms(page, "#pictures") < 5000.0

    confirm(page, suspect)
    page.wait_for_timeout(WATCHED_MS)
    keep(page, "journey")
    assert played.right_share(page.evaluate("window.doors")) >= RIGHT_DOOR

    page.locator("#close").click()
    page.locator("#close-reason").fill("The exercise is over")
    page.evaluate(BLACK_AFTER)
    assert page.evaluate("window.screensWatched") > 0
    page.locator("#close-yes").click()
    expect(page.locator("#closed-text")).to_be_visible()
    page.wait_for_function("window.blackAfterMs !== null", timeout=SOON_MS)
    black_after_ms: float = page.evaluate("window.blackAfterMs")
    assert black_after_ms < 1000.0


PLAY_HLS = """async (address) => {
  const video = document.body.appendChild(document.createElement("video"));
  video.id = "hls";
  video.muted = true;
  video.src = address;
  await video.play();
  return { wide: video.videoWidth, high: video.videoHeight };
}"""


def test_a_standard_player_plays_the_low_latency_hls(screen: Page, played: Played) -> None:
    page, site = screen, played.url
    page.get_by_role("button", name="Open exercise").click()
    expect(page.locator("#ranked > li").first).to_be_visible(timeout=LATE_MS)
    incident = page.url.rpartition("/")[2]
    streams: dict[str, Any] = page.request.get(f"{site}/v1/incidents/{incident}/streams").json()
    address = streams["cameras"][0]["hls"]
    page.goto(f"{site}/docs")
    size = page.evaluate(PLAY_HLS, address)
    assert size["wide"] == 640
    assert size["high"] == 400
    first_s: float = page.evaluate("document.getElementById('hls').currentTime")
    page.wait_for_function(
        "(first) => document.getElementById('hls').currentTime > first + 3", arg=first_s,
        timeout=SOON_MS,
    )  # fmt: skip
    assert 0.0 < age_ms(page, "body") < 15_000.0
