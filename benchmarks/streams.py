"""How old is what people see of a camera, and what does each more of them cost?

**Delay from glass to glass.** Two test cameras draw the time into their pictures, 10 a second, and
send them over RTSP (`benchmarks.clock_camera`); the server decodes, detects, draws and encodes as
in an incident; two viewers, each a page of a real Chromium, play both cameras with the console's
own player. Whenever the browser presents a picture it reads both clocks back from the pixels: the
camera's own, from the moment the picture was made, and the one that the server drew, which is the
capture time as the server knows it. Their difference to the time at which the browser expects to
show the picture is the delay. Camera, server and browsers share two cores and one clock.

**Cost of viewers.** Round by round in one run: nobody, one, and many viewers of one camera over
WebSocket; CPU seconds of the server and its worker, detection included, per second of wall clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from websockets.asyncio.client import connect

from api.machine import machine_facts, package_versions
from benchmarks.watched_site import CAMERAS, USER, NotHereError, Watched, watched_site

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.synchronize import Event

VIEWERS = 2
DELAY_S = 30.0
MANY = 50
ROUNDS = 3
ROUND_S = 10.0
SETTLE_S = 4.0
GOAL_P95_MS, GOAL_RATIO = 700.0, 1.5

_BAND_PX = 40  # of vision.overlay, below the camera's own picture
_WATCH = """
async ({ incident, cameras, band }) => {
  const { Player } = await import("/console/player.js");
  const CELL = 8, CELLS = 40, TURN = 2 ** 32;
  const read = (context, y) => {
    const { data } = context.getImageData(0, y, CELL * CELLS, CELL);
    const octets = [0, 0, 0, 0, 0];
    for (let i = 0; i < CELLS; i++) {
      const at = ((CELL / 2) * CELL * CELLS + i * CELL + CELL / 2) * 4;
      octets[i >> 3] = octets[i >> 3] * 2 + (data[at] > 128 ? 1 : 0);
    }
    const [a, b, c, d, check] = octets;
    if ((a ^ b ^ c ^ d ^ 0xa5) !== check) return null;
    const number = ((a * 256 + b) * 256 + c) * 256 + d;
    const now = Date.now();
    return number + Math.round((now - number) / TURN) * TURN;
  };
  window.delays = [];
  window.players = cameras.map((camera) => {
    const screen = document.body.appendChild(document.createElement("div"));
    const base = `/v1/incidents/${incident}/streams/${camera}`;
    const paths = {
      live: `${base}/live`, hls: `${base}/hls/index.m3u8`, still: `${base}/still.jpg`,
    };
    const player = new Player(screen, paths, { name: camera });
    const context = new OffscreenCanvas(CELL * CELLS, 2 * CELL)
      .getContext("2d", { willReadFrequently: true });
    const { video } = player;
    const next = (_, { expectedDisplayTime }) => {
      const height = video.videoHeight;
      for (const [row, y] of [[0, height - band - CELL], [CELL, height - CELL]]) {
        context.drawImage(video, 0, y, CELL * CELLS, CELL, 0, row, CELL * CELLS, CELL);
      }
      const [glass, capture] = [read(context, 0), read(context, CELL)];
      const shown = performance.timeOrigin + expectedDisplayTime;
      window.delays.push({
        camera, shown, state: player.state,
        glass: glass && shown - glass, capture: capture && shown - capture,
      });
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
    return player;
  });
}
"""


def measure(
    *,
    delay_s: float = DELAY_S,
    viewers: int = VIEWERS,
    many: int = MANY,
    rounds: int = ROUNDS,
    round_s: float = ROUND_S,
) -> dict[str, Any]:
    """Figures of both questions.

    Args:
        delay_s: how long the delay is measured, seconds.
        viewers: pages that play both cameras meanwhile.
        many: viewers of one camera whose cost is compared with that of one.
        rounds: how often nobody, one and many are compared.
        round_s: how long each of them is measured, seconds.

    Raises:
        NotHereError: the test cameras or the browser are not on this machine.
    """
    with watched_site() as watched:
        delay = _delay(watched, delay_s, viewers)
        cost = _cost(watched, many, rounds, round_s)
    return {
        "benchmark": "streams",
        "machine": machine_facts(detector=""),
        "versions": package_versions(),
        "delay": delay,
        "cost": cost,
    }


def _delay(watched: Watched, delay_s: float, viewers: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - of the development tools

    chromium = os.environ.get("LASTSEEN_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise NotHereError("no Chromium: bash scripts/system-packages.sh browser")
    seen: list[dict[str, Any]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        pages = []
        for _ in range(viewers):
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            page.goto(watched.url)
            page.get_by_label("Name").fill(USER)
            page.get_by_label("Password").fill(watched.password)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{watched.url}/")
            page.goto(f"{watched.url}/docs")
            page.evaluate(
                _WATCH,
                {"incident": watched.incident, "cameras": list(CAMERAS), "band": _BAND_PX},
            )
            pages.append(page)
        pages[0].wait_for_timeout(1000.0 * SETTLE_S)
        for page in pages:
            page.evaluate("window.delays.length = 0")
        cpu_before_s, began_s = watched.cpu_s(), time.monotonic()
        pages[0].wait_for_timeout(1000.0 * delay_s)
        cpu_s = (watched.cpu_s() - cpu_before_s) / (time.monotonic() - began_s)
        for page in pages:
            seen += page.evaluate("window.delays")
        browser.close()
    read = [one for one in seen if one["glass"] is not None and one["capture"] is not None]
    return {
        "viewers": viewers,
        "cameras": len(CAMERAS),
        "seconds": delay_s,
        "pictures_shown": len(seen),
        "pictures_read": len(read),
        "shown_per_second_and_video": len(seen) / delay_s / viewers / len(CAMERAS),
        "glass_to_glass_ms": _quantiles([one["glass"] for one in read]),
        "capture_to_glass_ms": _quantiles([one["capture"] for one in read]),
        "live_share": float(np.mean([one["state"] == "live" for one in seen])) if seen else 0.0,
        "server_cores": cpu_s,
        "goal_p95_ms": GOAL_P95_MS,
    }


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
    return {"p50": p50, "p95": p95, "p99": p99, "max": max(values), "count": float(len(values))}


def _cost(watched: Watched, many: int, rounds: int, round_s: float) -> dict[str, Any]:
    table: dict[int, list[float]] = {0: [], 1: [], many: []}
    fragments: dict[int, list[float]] = {0: [], 1: [], many: []}
    for _ in range(rounds):
        for count, cores in table.items():
            used, received = _with_viewers(watched, count, round_s)
            cores.append(used)
            fragments[count].append(received / round_s / count if count else 0.0)
    nobody, one, all_of_them = (np.array(table[count]) for count in (0, 1, many))
    return {
        "rounds": rounds,
        "seconds": round_s,
        "many": many,
        "cores": {str(count): _spread(np.array(cores)) for count, cores in table.items()},
        "fragments_per_second": {
            str(count): float(np.median(rates)) for count, rates in fragments.items()
        },
        "many_to_one": _spread(all_of_them / one),
        "many_to_one_without_detection": _spread((all_of_them - nobody) / (one - nobody)),
        "one_more_viewer_cores": _spread((all_of_them - one) / (many - 1)),
        "goal_ratio": GOAL_RATIO,
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {
        "median": float(np.median(values)),
        "least": float(values.min()),
        "most": float(values.max()),
    }


def _with_viewers(watched: Watched, count: int, round_s: float) -> tuple[float, int]:
    """Cores that the server used while `count` viewers were there, and fragments they got."""
    if count == 0:
        time.sleep(SETTLE_S)
        before_s, began_s = watched.cpu_s(), time.monotonic()
        time.sleep(round_s)
        return (watched.cpu_s() - before_s) / (time.monotonic() - began_s), 0
    context = multiprocessing.get_context("spawn")
    count_it, stop = context.Event(), context.Event()
    received = context.Queue()
    address = watched.url.replace("http", "ws", 1)
    address += f"/v1/incidents/{watched.incident}/streams/{CAMERAS[0]}/live"
    viewers = context.Process(
        target=_view, args=(address, watched.token, count, count_it, stop, received), daemon=True
    )
    viewers.start()
    try:
        received.get(timeout=60.0)  # all are there
        time.sleep(SETTLE_S)
        before_s, began_s = watched.cpu_s(), time.monotonic()
        count_it.set()
        time.sleep(round_s)
        cores = (watched.cpu_s() - before_s) / (time.monotonic() - began_s)
        stop.set()
        return cores, received.get(timeout=30.0)
    finally:
        viewers.kill()
        viewers.join()


def _view(
    address: str,
    token: str,
    count: int,
    count_it: Event,
    stop: Event,
    received: multiprocessing.Queue[int],
) -> None:
    """Watch with many sockets, and tell how many fragments came; the viewers' own process."""
    there = 0

    async def one() -> int:
        nonlocal there
        got, began = 0, False
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(
            address, additional_headers=headers, compression=None, max_size=None
        ) as socket:
            async for message in socket:
                if stop.is_set():
                    return got
                if not isinstance(message, bytes) or message[4:8] != b"prft":
                    continue
                got += count_it.is_set()
                if not began:
                    began, there = True, there + 1
                    if there == count:
                        received.put(0)
        raise RuntimeError(f"the stream ended: {socket.close_code} {socket.close_reason}")

    async def everybody() -> int:
        return sum(await asyncio.gather(*(one() for _ in range(count))))

    received.put(asyncio.run(everybody()))


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-s", type=float, default=DELAY_S)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--round-s", type=float, default=ROUND_S)
    given = parser.parse_args()
    figures = measure(delay_s=given.delay_s, rounds=given.rounds, round_s=given.round_s)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
