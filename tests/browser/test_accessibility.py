"""Pages keep nobody out: axe finds nothing serious, in light and dark, on a desk and a phone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    account,
    arrive,
    bound,
    fill_in_real,
    keep,
    open_exercise,
    two_people,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from api.actors import Role
    from tests.api.replayed import Console
    from tests.browser.conftest import Cable

pytestmark = pytest.mark.browser


@dataclass
class Visit:
    """A page, and what is behind it."""

    page: Page
    cable: Cable
    console: Console

    def arrive(self, role: Role = "dispatcher") -> None:
        """Sign in as somebody of a role."""
        if role != "dispatcher":
            account(self.console, role, role)
        arrive(self.page, self.cable, "ivy" if role == "dispatcher" else role)

    def go(self, path: str, role: Role = "dispatcher") -> None:
        """Sign in and go to a page of the server."""
        self.arrive(role)
        self.page.goto(self.cable.url + path)
        self.page.wait_for_load_state("networkidle")


def sign_in_form(visit: Visit) -> None:
    visit.page.goto(visit.cable.url)


def start(visit: Visit) -> None:
    visit.arrive()


def form(visit: Visit) -> None:
    visit.arrive()
    fill_in_real(visit.page)
    expect(visit.page.locator(".would")).to_contain_text("Would be opened")


def refused(visit: Visit) -> None:
    visit.arrive()
    fill_in_real(visit.page, emergency="food-fight", reason="Food is thrown")
    visit.page.get_by_role("button", name="Open REAL EMERGENCY").click()
    expect(visit.page.locator(".asking [role=alert]")).to_contain_text("never counts")


def incident(visit: Visit) -> None:
    visit.arrive()
    open_exercise(visit.page)
    visit.console.runs.made[0].say(two_people(time.time()))
    expect(visit.page.locator("#ranked > li")).to_have_count(2)
    visit.page.get_by_role("button", name="Read slowly").click()
    visit.page.locator("#ranked > li").first.get_by_role("button", name="Rule out").click()


def shortcuts(visit: Visit) -> None:
    incident(visit)
    visit.page.get_by_role("button", name="Shortcuts").click()


def closing(visit: Visit) -> None:
    visit.arrive()
    open_exercise(visit.page)
    visit.console.runs.made[0].say(two_people(time.time()))
    expect(visit.page.locator("#ranked > li")).to_have_count(2)
    visit.page.get_by_role("button", name="Close").first.click()


def closed(visit: Visit) -> None:
    closing(visit)
    visit.page.get_by_label("Why is it closed?").fill("over")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#closed")).to_contain_text("over")


def reference(visit: Visit) -> None:
    visit.go("/docs")
    expect(visit.page.get_by_text("/v1/incidents/{incident_id}/last-seen")).to_be_visible()


# One line for each page or state of one: what it is called, and how to come to it.
PAGES: dict[str, Callable[[Visit], None]] = {
    "sign-in": sign_in_form,
    "start": start,
    "form": form,
    "refused": refused,
    "incident": incident,
    "shortcuts": shortcuts,
    "closing": closing,
    "closed": closed,
    "reference": reference,
    "drills": lambda visit: visit.go("/drills"),
    "tactical": lambda visit: visit.go("/tactical"),
    "calibrate": lambda visit: visit.go("/calibrate", "installer"),
    "plan-editor": lambda visit: visit.go("/plan-editor", "installer"),
}

SIZES = {"desk": (1440, 900), "phone": (360, 740)}


@pytest.fixture
def visit(
    browser: Browser, cable: Cable, console: Console, size: str, scheme: str
) -> Iterator[Visit]:
    width, height = SIZES[size]
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        has_touch=size == "phone",
    ) as context:
        yield Visit(context.new_page(), cable, console)


@bound
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_nobody_is_kept_out(visit: Visit, name: str, size: str, scheme: str) -> None:
    PAGES[name](visit)
    found = Axe().run(visit.page).response["violations"]
    keep(visit.page, f"{name}-{size}-{scheme}")
    grave = [
        f"{one['id']}: {node['target']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
    assert not grave, "\n".join(grave)
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
