"""The player: close to what happens now, honest about its age, black when it is over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .filming import put_player, shown, state_of, with_capture_clock
from .steps import arrive

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.api.replayed import Console, ReplayedRun

    from .conftest import Cable

pytestmark = pytest.mark.browser

BODY = {"site": "small", "kind": "exercise", "reason": "test"}


@pytest.fixture(autouse=True)
def _clock_in_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with_capture_clock(monkeypatch)


@pytest.fixture
def incident(console: Console, cable: Cable, page: Page) -> str:
    """An open exercise, and somebody at the console."""
    arrive(page, cable)
    response = page.request.post(
        f"{cable.url}/v1/incidents", data=BODY, headers={"Origin": cable.url}
    )
    assert response.status == 201, response.text()
    made: str = response.json()["incident"]
    return made


def run_of(console: Console) -> ReplayedRun:
    return console.runs.made[-1]


def close(page: Page, cable: Cable, incident: str) -> None:
    response = page.request.delete(
        f"{cable.url}/v1/incidents/{incident}?reason=over", headers={"Origin": cable.url}
    )
    assert response.ok


def test_the_picture_is_live_and_its_age_is_true(quiet_page: Page, incident: str) -> None:
    put_player(quiet_page, incident)
    assert state_of(quiet_page, "live") < 3.0
    quiet_page.wait_for_timeout(2500)
    found = []
    for _ in range(20):
        quiet_page.wait_for_timeout(50)
        found.append(shown(quiet_page))
    assert {one["state"] for one in found} == {"live"}
    assert {(one["black"], one["grey"]) for one in found} == {(False, False)}
    ages_s = sorted(one["true_age_s"] for one in found if one["true_age_s"] is not None)
    assert len(ages_s) >= 15
    assert ages_s[len(ages_s) // 2] < 0.6
    # What it says is what stands in the picture.
    off_s = sorted(abs(one["ageS"] - one["true_age_s"]) for one in found if one["true_age_s"])
    assert off_s[len(off_s) // 2] < 0.15
    behind_s = sorted(one["behindS"] for one in found)
    assert 0.02 < behind_s[len(behind_s) // 2] < 0.5


def test_it_is_black_within_a_second_of_the_closing(
    quiet_page: Page, cable: Cable, incident: str
) -> None:
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    close(quiet_page, cable, incident)
    assert state_of(quiet_page, "closed", within_s=1.5) < 1.0
    found = shown(quiet_page)
    assert (found["black"], found["src"], found["ms"]) == (True, None, None)
    assert found["note"].startswith("Closed.")
    quiet_page.wait_for_timeout(1500)
    assert shown(quiet_page)["state"] == "closed"


def test_a_camera_that_stalls_is_never_shown_as_live(
    quiet_page: Page, console: Console, incident: str
) -> None:
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    run_of(console).phase = "stalled"
    stalled_s = time.monotonic()
    state_of(quiet_page, "stale", "waiting", within_s=4.0)
    assert time.monotonic() - stalled_s < 2.8
    quiet_page.wait_for_timeout(800)
    found = shown(quiet_page)
    assert (found["state"], found["grey"], found["black"]) == ("waiting", True, False)
    assert "No new picture" in found["note"]
    assert found["ageS"] > 2.0
    run_of(console).phase = "live"
    assert state_of(quiet_page, "live") < 3.0
    assert not shown(quiet_page)["grey"]


def test_it_goes_on_when_the_network_comes_back(page: Page, cable: Cable, incident: str) -> None:
    put_player(page, incident)
    state_of(page, "live")
    cable.cut()
    state_of(page, "lost", within_s=1.5)
    page.wait_for_timeout(700)
    found = shown(page)
    assert (found["grey"], found["black"]) == (True, False)
    assert "No connection" in found["note"]
    page.wait_for_timeout(5000)
    found = shown(page)  # nobody can say any more that it may be shown
    assert (found["state"], found["black"], found["src"]) == ("lost", True, None)
    cable.mend()
    assert state_of(page, "live", within_s=8.0) < 6.0
    page.wait_for_timeout(600)
    assert shown(page)["true_age_s"] < 1.0


def test_a_new_encoding_goes_on_without_a_gap(
    quiet_page: Page, console: Console, incident: str
) -> None:
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    quiet_page.wait_for_timeout(500)
    before = quiet_page.evaluate("window.told.length")
    for _ in range(3):
        run_of(console)._film._encoders.clear()
        quiet_page.wait_for_timeout(700)
        found = shown(quiet_page)
        assert (found["state"], found["true_age_s"] < 1.0) == ("live", True)
    assert quiet_page.evaluate("window.told.length") == before


@pytest.fixture
def only_managed(page: Page) -> None:
    """A browser that has ManagedMediaSource only, as iPhones do."""
    page.add_init_script(
        "window.ManagedMediaSource = window.MediaSource; delete window.MediaSource;"
    )


@pytest.mark.usefixtures("only_managed")
def test_a_browser_with_a_managed_source_only(quiet_page: Page, incident: str) -> None:
    quiet_page.reload()
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    quiet_page.wait_for_timeout(500)
    found = shown(quiet_page)
    assert (found["way"], found["true_age_s"] < 1.0) == ("video", True)
    assert quiet_page.evaluate("document.querySelector('.screen video').disableRemotePlayback")


def without_media_sources(page: Page, *more: str) -> None:
    script = "delete window.MediaSource; delete window.ManagedMediaSource;"
    page.add_init_script("".join([script, *more]))
    page.reload()


def test_a_browser_that_plays_no_fragments_gets_pictures(quiet_page: Page, incident: str) -> None:
    without_media_sources(quiet_page)
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    found = shown(quiet_page)
    assert (found["way"], found["black"]) == ("stills", False)
    quiet_page.wait_for_timeout(2500)
    found = shown(quiet_page)
    assert found["state"] == "live"
    assert found["true_age_s"] is not None
    assert abs(found["ageS"] - found["true_age_s"]) < 0.3


def test_a_browser_that_says_when_hls_was_filmed_plays_that(page: Page, incident: str) -> None:
    without_media_sources(
        page,
        "HTMLMediaElement.prototype.getStartDate ??= function () {"
        "  return new Date(Date.now() - 1500 - 1000 * this.currentTime); };",
    )
    put_player(page, incident)
    state_of(page, "live", within_s=15.0)
    found = shown(page)
    assert (found["way"], found["black"]) == ("hls", False)
    page.wait_for_timeout(2000)
    assert shown(page)["ms"] is not None  # it is the camera's picture


def test_in_the_background_nothing_is_fetched(
    quiet_page: Page, console: Console, incident: str
) -> None:
    put_player(quiet_page, incident)
    state_of(quiet_page, "live")
    quiet_page.evaluate("window.player.pause()")
    found = shown(quiet_page)
    assert (found["state"], found["black"], found["src"]) == ("paused", True, None)
    deadline_s = time.monotonic() + 6.0
    while run_of(console).wanted and time.monotonic() < deadline_s:
        quiet_page.wait_for_timeout(100)
    assert not run_of(console).wanted
    quiet_page.evaluate("window.player.resume()")
    assert state_of(quiet_page, "live") < 3.0


def test_who_may_not_watch_is_told_why(quiet_page: Page, incident: str) -> None:
    put_player(quiet_page, incident, camera="no-such-camera")
    state_of(quiet_page, "refused")
    found = shown(quiet_page)
    assert (found["black"], found["ageS"]) == (True, None)
    assert found["note"].startswith("Not shown.")
