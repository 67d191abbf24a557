"""Take the pictures of every page for the documentation: light and dark, desktop and phone.

    .venv/bin/python scripts/screenshots.py [--only PAGE …] [--out docs/images/pages]

A real server plays the built-in drill on loopback, with the real detector, and a real Chromium
looks at it, so that the pictures show what people get. The incident is photographed while it runs,
so the pages of one incident are a few seconds apart. Needs Chromium (LASTSEEN_CHROMIUM, or the one
on the path) and takes some three minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import secrets
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from api.app import create_app
from api.record import opened_record
from api.run_factory import run_factory
from api.server import Server, listen
from api.targets import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from playwright.sync_api import Browser, Page, StorageState

    from api.actors import Role

ROOT = Path(__file__).parents[1]
DRILL = ROOT / "benchmarks" / "drills" / "wing"
AGREEMENT = ROOT / "docs" / "agreements" / "one-town" / "agreement.toml"
OUT = ROOT / "docs" / "images" / "pages"
SCHEMES = ("light", "dark")
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
PEOPLE: dict[str, Role] = {
    "ivy": "dispatcher",
    "omar": "tactical",
    "petra": "installer",
    "ana": "analyst",
}
QUALITY = 82
SEEN_S = 14.0
"""So long after the start the intruder of the drill is in the building and known to be armed."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One page.

    Attributes:
        name: of the picture.
        who: who looks at it.
        path: where it is; `{incident}` is the one that is open.
        ready: brings the page to what is to be seen.
    """

    name: str
    who: str | None
    path: str
    ready: Callable[[Page], None]


def _console(page: Page) -> None:
    page.locator('body[data-fresh="live"]').wait_for()
    page.locator("#ranked > li").first.wait_for()
    _wait_for_video(page, "#pictures")


def _tactical(page: Page) -> None:
    _wait_for_video(page, "body")


def _calibrate(page: Page) -> None:
    page.locator("#picture").wait_for()
    _settled(page)


def _draw(page: Page) -> None:
    page.get_by_role("button", name="Change the present plan").click()
    page.locator("#editor").wait_for()
    _settled(page)


def _wait_for_video(page: Page, within: str) -> None:
    """Until a picture is shown, so that it is not black."""
    with contextlib.suppress(Exception):  # the page without it tells, too
        page.wait_for_function(
            "(within) => [...document.querySelectorAll(`${within} video`)]"
            ".some((video) => video.readyState >= 2 && video.videoWidth > 0)",
            arg=within,
            timeout=10_000,
        )
    page.wait_for_timeout(800)


def _settled(page: Page) -> None:
    with contextlib.suppress(Exception):
        page.wait_for_load_state("networkidle", timeout=4000)
    page.wait_for_timeout(600)


BEFORE = (
    Shot("sign-in", None, "/", _settled),
    Shot("sites", "ivy", "/#/", _settled),
    Shot("calibrate", "petra", "/calibrate#/wing/cam-01", _calibrate),
    Shot("plan-editor", "petra", "/plan-editor#/cedar-hollow", _draw),
    Shot("drills", "ana", "/drills", _settled),
    Shot("report", "ana", "{report}", _settled),
    Shot("comparison", "ana", "{comparison}", _settled),
    Shot("api", "ivy", "/docs", _settled),
)
DURING = (
    Shot("console", "ivy", "/#/incidents/{incident}", _console),
    Shot("tactical", "omar", "/tactical#/incidents/{incident}", _tactical),
)
AFTER = (Shot("closed", "ivy", "/#/incidents/{incident}", _settled),)


@contextlib.contextmanager
def serving(passwords: dict[str, str]) -> Iterator[str]:
    """The address of a server with the built-in drill and an account for each of `PEOPLE`."""
    with tempfile.TemporaryDirectory() as folder:
        drill = load_target(Path(shutil.copytree(DRILL, Path(folder) / DRILL.name)))
        site = load_target(_site(Path(folder) / "cedar-hollow"))
        with (
            listen("127.0.0.1", 0) as listener,
            opened_record(Path(folder) / "state", own=True) as record,
        ):
            app = create_app(
                {site.id: site, drill.id: drill},
                record=record,
                run_factory=run_factory(),
            )
            for name, role in PEOPLE.items():
                app.state.services.accounts.add(
                    name, role=role, password=passwords[name], second_factor=False,
                    by="screenshots", now_s=time.time(), full_name=name.title(),
                )  # fmt: skip
            server = Server(uvicorn.Config(app, log_level="warning", access_log=False), app)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join()


def _site(folder: Path) -> Path:
    """A site like that of the drill, bound by an agreement."""
    shutil.copytree(DRILL, folder, ignore=shutil.ignore_patterns("drill.toml", "video", "truth*"))
    terms = AGREEMENT.read_text(encoding="utf-8")
    terms = terms.replace("[roles]", '[roles]\ninstaller = "Installer of the district"', 1)
    terms += '\n[survey]\nroles = ["installer"]\ninterior = true\n'
    (folder / "agreement.toml").write_text(terms, encoding="utf-8")
    file = folder / "site.toml"
    lines = file.read_text(encoding="utf-8").replace("(wing drill)", "").splitlines()
    lines.insert(1, 'agreement = "agreement.toml"')
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


class Photographer:
    """Takes the pictures.

    Args:
        browser: Chromium.
        url: address of the server.
        passwords: of each of `PEOPLE`.
        out: folder of the pictures.
        only: names of the pages wanted; all if empty.
    """

    def __init__(
        self, browser: Browser, url: str, passwords: dict[str, str], out: Path, only: list[str]
    ) -> None:
        self._browser = browser
        self._url = url
        self._passwords = passwords
        self._out = out
        self._only = only
        self._states: dict[str, StorageState] = {}
        self.paths: dict[str, str] = {}

    def wants(self, *names: str) -> bool:
        """Whether one of these pages is wanted."""
        return not self._only or bool(set(names) & set(self._only))

    def take(
        self, shots: tuple[Shot, ...], opened: Callable[[], AbstractContextManager[str]]
    ) -> None:
        """Take each page in every scheme and size, and say so.

        Args:
            shots: the pages.
            opened: an incident to be looked at, open for as long as its context lasts.
        """
        for shot in shots:
            if not self.wants(shot.name):
                continue
            for scheme in SCHEMES:
                for size, pixels in SIZES.items():
                    with opened() as incident:
                        self._one(shot, scheme, size, pixels, incident)

    def _signed_in(self, who: str | None) -> StorageState | None:
        """What a browser keeps in which somebody has signed in; they do that once."""
        if who is None:
            return None
        if who not in self._states:
            with self._browser.new_context() as context:
                page = context.new_page()
                page.goto(self._url)
                page.get_by_label("Name").fill(who)
                page.get_by_label("Password").fill(self._passwords[who])
                page.get_by_role("button", name="Sign in").click()
                page.locator("#me-name").get_by_text(who.title()).wait_for()
                self._states[who] = context.storage_state()
        return self._states[who]

    def _one(
        self, shot: Shot, scheme: str, size: str, pixels: tuple[int, int], incident: str
    ) -> None:
        phone = size == "phone"
        context = self._browser.new_context(
            viewport={"width": pixels[0], "height": pixels[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            storage_state=self._signed_in(shot.who),
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
        )
        with context:
            page = context.new_page()
            page.goto(self._url + shot.path.format(incident=incident, **self.paths))
            shot.ready(page)
            file = self._out / f"{shot.name}-{size}-{scheme}.webp"
            with Image.open(io.BytesIO(page.screenshot())) as picture:
                small = picture if not phone else picture.resize(pixels)
                small.convert("RGB").save(file, quality=QUALITY, method=6)
            print(f"{file}  {file.stat().st_size // 1024} kB", flush=True)  # noqa: T201 - progress


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="PAGE")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    chromium = os.environ.get("LASTSEEN_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("no Chromium here: bash scripts/system-packages.sh browser")
    given.out.mkdir(parents=True, exist_ok=True)
    passwords = {name: secrets.token_urlsafe(16) for name in PEOPLE}
    with serving(passwords) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        photographer = Photographer(browser, url, passwords, given.out, given.only)
        if photographer.wants("drills", "report", "comparison"):
            photographer.paths = two_runs(url, passwords)
        else:
            photographer.paths = {"report": "/", "comparison": "/"}
        photographer.take(BEFORE, lambda: contextlib.nullcontext(""))
        with httpx2.Client(base_url=url, timeout=30.0) as client:
            signed_in = client.post(
                "/v1/sign-in", json={"name": "ivy", "password": passwords["ivy"]}
            )
            client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
            photographer.take(DURING, lambda: exercise(client))
            with exercise(client) as incident:
                pass
            photographer.take(AFTER, lambda: contextlib.nullcontext(incident))
        browser.close()


def two_runs(url: str, passwords: dict[str, str]) -> dict[str, str]:
    """Addresses of a report and of a comparison: the drill is played twice, at full speed."""
    with httpx2.Client(base_url=url, timeout=60.0) as client:
        signed_in = client.post("/v1/sign-in", json={"name": "ana", "password": passwords["ana"]})
        client.headers["Authorization"] = f"Bearer {signed_in.json()['token']}"
        runs = f"/v1/drills/{DRILL.name}/runs"
        for count in (1, 2):
            client.post(runs, json={"speed": "max"}).raise_for_status()
            until_s = time.monotonic() + 400.0
            while len(kept := client.get(runs).json()["runs"]) < count:
                if time.monotonic() > until_s:
                    raise SystemExit("the drill could not be played")
                time.sleep(2.0)
        first, second = (one["run"] for one in kept[:2])
    return {
        "report": f"{runs}/{first}/report",
        "comparison": f"/v1/drills/{DRILL.name}/comparison?a={second}&b={first}",
    }


@contextlib.contextmanager
def exercise(client: httpx2.Client) -> Iterator[str]:
    """An exercise that has come to where the intruder is known; closed at the end."""
    wanted = {"drill": DRILL.name, "kind": "exercise", "reason": "Autumn exercise"}
    opened = client.post("/v1/incidents", json=wanted)
    opened.raise_for_status()
    incident = opened.json()["incident"]
    _wait_until_seen(client, incident)
    yield incident
    client.delete(f"/v1/incidents/{incident}", params={"reason": "Exercise over"})


def _wait_until_seen(client: httpx2.Client, incident: str) -> None:
    """Until the drill has come to where the intruder is known."""
    until_s = time.monotonic() + 60.0
    first_s: float | None = None
    while time.monotonic() < until_s:
        said = client.get(f"/v1/incidents/{incident}/last-seen").json()
        if said["at"] is not None:
            first_s = first_s or time.monotonic()
            if time.monotonic() - first_s >= SEEN_S:
                return
        time.sleep(0.3)
    raise SystemExit("the drill shows nobody; is the detector's model there?")


if __name__ == "__main__":
    main()
