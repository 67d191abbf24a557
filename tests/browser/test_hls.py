"""A phone's way to watch: a real browser plays low-latency HLS by itself, by a link."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.api.replayed import opened_by
from tests.browser.steps import arrive

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

pytestmark = pytest.mark.browser

EXERCISE = {"site": "small", "kind": "exercise", "opened_by": "me", "reason": "drill"}
_PLAY = """path => new Promise((resolve, reject) => {
  const video = document.createElement("video");
  Object.assign(video, { id: "film", muted: true, autoplay: true, src: path });
  video.addEventListener("error", () => reject(new Error(video.error.message)));
  video.addEventListener("timeupdate", () => {
    const began = video.currentTime > video.buffered.start(0) + 1;
    if (began) resolve([video.videoWidth, video.videoHeight]);
  });
  document.body.append(video);
})"""
_ENDED = 'document.getElementById("film").ended'


def test_a_browser_plays_hls_to_its_end(quiet_page: Page, console: Console, cable: Cable) -> None:
    page = quiet_page
    if not page.evaluate('document.createElement("video").canPlayType("application/x-mpegurl")'):
        pytest.skip("this browser plays no HLS by itself")
    arrive(page, cable)
    with httpx2.Client(base_url=cable.url, headers=console.bearer) as client:
        incident = opened_by(client, EXERCISE)  # type: ignore[arg-type]
        wanted = {"camera": "cam-01", "stream": "hls"}
        path = client.post(f"/v1/incidents/{incident}/links", json=wanted).json()["path"]
        assert page.evaluate(_PLAY, path) == [320, 180]
        assert client.delete(f"/v1/incidents/{incident}").status_code == 200
    until_s = time.monotonic() + 20.0
    while not page.evaluate(_ENDED) and time.monotonic() < until_s:
        page.wait_for_timeout(100)
    assert page.evaluate(_ENDED)
