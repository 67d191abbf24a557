"""Players in a page: how they are put there, and how old what they really show is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.api import filmed
from vision.clock_strip import draw_strip

if TYPE_CHECKING:
    import numpy as np
    import pytest
    from numpy.typing import NDArray
    from playwright.sync_api import Page

PUT_PLAYER = """async ([paths, options]) => {
  const { Player } = await import("/console/player.js");
  const { ServerClock } = await import("/console/clock.js");
  const clock = new ServerClock();
  clock.hear(new Date().toISOString());
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = "/console/pictures.css";
  document.head.append(sheet);
  const screen = document.createElement("div");
  screen.className = "screen";
  screen.style.setProperty("width", "640px");
  document.body.prepend(screen);
  window.told = [];
  window.screenOf = screen;
  window.player = new Player(screen, paths, {
    name: "Test camera", clock, ...options,
    onstate: (state, words) => window.told.push([performance.now(), state, words]),
    onage: (ageS) => { window.ageS = ageS; },
    onslow: () => { window.slow = true; },
  });
}"""
"""Puts a player at the top of a page."""

SHOWN = """() => {
  const { screenOf, player } = window;
  const video = screenOf.querySelector("video");
  const source = player.way === "stills" ? screenOf.querySelector("canvas") : video;
  const wide = source.videoWidth ?? source.width, high = source.videoHeight ?? source.height;
  const style = getComputedStyle(source);
  const found = {
    state: player.state, ageS: player.ageS, black: style.visibility === "hidden",
    grey: style.filter.includes("grayscale"), note: screenOf.textContent, way: player.way,
    rate: video.playbackRate, behindS: null, ms: null, atMs: Date.now(), bufferedS: 0,
    src: video.getAttribute("src"),
  };
  if (video.buffered.length) {
    found.behindS = video.buffered.end(video.buffered.length - 1) - video.currentTime;
    found.bufferedS = video.buffered.end(video.buffered.length - 1) - video.buffered.start(0);
  }
  if (!wide || (player.way !== "stills" && video.readyState < 2)) return found;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0);
  const row = context.getImageData(0, high - 4, 320, 1).data;
  found.atMs = Date.now();
  const bits = Array.from({ length: 40 }, (_, i) => (row[(i * 8 + 4) * 4] > 128 ? 1 : 0));
  const octets = [0, 1, 2, 3, 4].map(
    (k) => bits.slice(8 * k, 8 * k + 8).reduce((n, bit) => 2 * n + bit, 0));
  if ((octets[0] ^ octets[1] ^ octets[2] ^ octets[3] ^ 0xa5) === octets[4]) {
    found.ms = octets.slice(0, 4).reduce((n, octet) => n * 256 + octet, 0);
  }
  return found;
}"""
"""What a player says, and the capture time that stands in the picture itself (modulo 2^32 ms)."""


def with_capture_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the made-up films carry the capture clock that real streams have."""
    plain = filmed.picture

    def picture(camera: str, number: int) -> NDArray[np.uint8]:
        image = plain(camera, number)
        draw_strip(image, time.time())
        return image

    monkeypatch.setattr(filmed, "picture", picture)


def put_player(page: Page, incident: str, camera: str = "cam-01", **options: object) -> None:
    """Put a player for a camera at the top of a page of the console."""
    base = f"/v1/incidents/{incident}/streams/{camera}"
    paths = {"live": f"{base}/live", "hls": f"{base}/hls/index.m3u8", "still": f"{base}/still.jpg"}
    page.evaluate(PUT_PLAYER, [paths, options])


def shown(page: Page) -> dict[str, Any]:
    """What the player of a page shows; `true_age_s` by the clock in the picture, None without."""
    found: dict[str, Any] = page.evaluate(SHOWN)
    found["true_age_s"] = (
        None if found["ms"] is None else ((found["atMs"] - found["ms"]) % (1 << 32)) / 1000.0
    )
    return found


def state_of(page: Page, *states: str, within_s: float = 8.0) -> float:
    """Wait until the player is in one of these states; seconds that it took."""
    begun_s = time.monotonic()
    page.wait_for_function(
        "(states) => states.includes(window.player.state)", arg=list(states),
        timeout=1000 * within_s, polling=20,
    )  # fmt: skip
    return time.monotonic() - begun_s
