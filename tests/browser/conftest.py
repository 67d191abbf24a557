"""A real Chromium before a real server on loopback, and a cable between them to cut."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.api.replayed import Console, build_console, serving
from tests.browser.steps import account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Request


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the machine has it (LASTSEEN_CHROMIUM, or the one on the path)."""
    path = os.environ.get("LASTSEEN_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on this machine (LASTSEEN_CHROMIUM names none)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def console(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Console]:
    """The application over a small site, on the real clock: the page measures ages.

    No agreement binds the site unless the test is `bound`. Ivy, a dispatcher, has an account.
    """
    made = build_console(tmp_path, time.time, agreement=getattr(request, "param", None))
    account(made, "ivy")
    yield made
    made.record.store.close()


@dataclass
class Cable:
    """Forwards connections to a server until it is cut; hears where event streams resume."""

    port: int
    whole: bool = True
    ends: list[socket.socket] = field(default_factory=list)
    resumed_from: list[int] = field(default_factory=list)
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:  # the server is not there
                near.close()
                continue
            self.ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                asked = re.findall(rb"(?i)^last-event-id: (\d+)\r$", data, re.MULTILINE)
                self.resumed_from += [int(number) for number in asked]
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        self.whole = False
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.whole = True

    def close(self) -> None:
        self.cut()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            end.close()


@contextlib.contextmanager
def plugged(url: str) -> Iterator[Cable]:
    """A cable to the server at an address."""
    made = Cable(port_of(url))
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join(5)


def port_of(url: str) -> int:
    """The port of an address on loopback."""
    return int(url.rpartition(":")[2])


@pytest.fixture
def cable(console: Console) -> Iterator[Cable]:
    """The way from the browser to the server."""
    with serving(console.app) as url, plugged(url) as made:
        yield made


@dataclass
class Watched:
    """What a page complained of and where it went."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme != "data":
            self.hosts.add(parts.netloc)

    def watch(self, page: Page) -> None:
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self.see)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def page(browser: Browser, cable: Cable, watched: Watched) -> Iterator[Page]:
    """A page on a dispatcher's screen; must reach no other host."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        made = context.new_page()
        watched.watch(made)
        yield made
        assert watched.hosts <= {urlsplit(cable.url).netloc}


@pytest.fixture
def second_page(browser: Browser, cable: Cable, watched: Watched) -> Iterator[Page]:
    """The page of somebody else, at another machine."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        made = context.new_page()
        watched.watch(made)
        yield made


@pytest.fixture
def quiet_page(page: Page, watched: Watched) -> Iterator[Page]:
    """A page that must not complain."""
    yield page
    assert watched.complaints == []
