"""What people do at the console, step by step."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.api.agreed import AGREEMENT
from tests.api.replayed import ReplayedRun, answer, subject

if TYPE_CHECKING:
    from api.actors import Role
    from calibration.answer import Answer
    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

PASSWORD = "plum harbour lantern ferry"  # noqa: S105 - of accounts in tests
ANSWER_EVERY_S = 0.15

bound = pytest.mark.parametrize("console", [AGREEMENT], indirect=True, ids=["bound"])
"""A test whose site is bound by an agreement."""

TEXT = "Last seen now in the West room, armed. Take door 1, 12 m on foot."


def account(
    console: Console,
    name: str,
    role: Role = "dispatcher",
    *,
    acts_as: str | None = None,
) -> str:
    """Make an account that signs in with `PASSWORD`; return its name."""
    console.services.accounts.add(
        name, role=role, password=PASSWORD, second_factor=False, by="test",
        now_s=console.clock(), acts_as=acts_as, full_name=name.title(),
    )  # fmt: skip
    return name


def sign_in(page: Page, cable: Cable, name: str = "ivy", password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    page.goto(cable.url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def arrive(page: Page, cable: Cable, name: str = "ivy") -> None:
    """Sign in and see the sites."""
    sign_in(page, cable, name)
    expect(page.locator("#sites > li, #nothing:not(:empty)")).to_be_visible()
    expect(page.locator("#me-name")).to_have_text(name.title())


def open_exercise(page: Page) -> None:
    """Open an exercise at the only site."""
    exercise = page.get_by_role("radio", name="EXERCISE")
    if exercise.is_visible():
        exercise.check()
    page.get_by_role("button", name="Open exercise").click()
    expect(page.locator("#incident")).to_be_visible()


def fill_in_real(
    page: Page, *, emergency: str = "active-shooter", channel: str = "911", reason: str = "Shots"
) -> None:
    """Fill in the form for a real emergency at the only site."""
    page.get_by_role("radio", name="REAL EMERGENCY").check()
    page.get_by_label("What is happening").select_option(emergency)
    page.get_by_label("How the word came").select_option(channel)
    page.get_by_label("Reason").fill(reason)


def open_real(page: Page, reason: str = "Shots in the west wing") -> None:
    """Open a real emergency at the only site."""
    fill_in_real(page, reason=reason)
    page.get_by_role("button", name="Open REAL EMERGENCY").click()
    expect(page.locator("#incident")).to_be_visible()


def keep(page: Page, name: str) -> None:
    """Keep a screenshot where LASTSEEN_SCREENSHOTS names a folder."""
    folder = os.environ.get("LASTSEEN_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def two_people(at_s: float) -> Answer:
    """The suspect in the west room and somebody in the corridor."""
    return answer(
        at_s,
        subject("S1", at_s=at_s, reasons=("a <b>rifle</b> was seen in 8 of 10 looks",)),
        subject(
            "S2", at_s=at_s, rank=2, xy_m=(15.0, 2.0), space="corridor", space_name="Corridor",
            visibility="out of view", age_s=12.0, trail_m=((10.0, 2.0), (15.0, 2.0)),
        ),
        text=TEXT,
    )  # fmt: skip


class Talker:
    """Lets a run publish answers about seven times a second, as the engine does."""

    def __init__(self, run: ReplayedRun) -> None:
        self.run = run
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self) -> None:
        while not self.ended.wait(ANSWER_EVERY_S):
            self.run.say(two_people(time.time()))

    def stop(self) -> None:
        self.ended.set()
        self.thread.join(5)
