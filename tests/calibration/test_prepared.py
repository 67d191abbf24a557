from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from calibration import prepared
from calibration.answer import StageTimes
from calibration.entrances import EntranceRoutes
from calibration.locator import Locator
from calibration.prepared import PreparedSite
from calibration.search_ground import SearchGround
from calibration.site import load_site

from .corridor import seen, ticks
from .small_site import SmallSite

if TYPE_CHECKING:
    from pathlib import Path

    from calibration.answer import Answer
    from calibration.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return load_site(SmallSite().write(tmp_path))


def lost_in_the_room(locator: Locator) -> list[Answer]:
    """Answers while somebody armed walks out of the hall, and after that."""
    answers = []
    for t in ticks(0, 10):
        rows = [(1, 3.0 + t, 2.5, 6.0)] if t < 6 else []
        locator.consume(seen("cam-01", t, *rows, level="L1"), StageTimes(t))
        answers.append(locator.answer(t))
    return answers


def test_a_prepared_site_changes_no_answer(site: Site) -> None:
    ahead = PreparedSite(site)
    ahead.prepare()
    expected = lost_in_the_room(Locator.for_site(site))
    assert expected[-1].subjects[0].visibility == "out of view"
    # The second incident on a site begins like the first, and like one on a site not prepared.
    assert lost_in_the_room(ahead.locator()) == expected
    assert lost_in_the_room(ahead.locator()) == expected
    assert lost_in_the_room(PreparedSite(site).locator()) == expected


def test_nothing_that_was_asked_is_handed_on(site: Site) -> None:
    routes = EntranceRoutes(site.plan)
    routes.rank("L1", (3.0, 2.5))
    of_next = routes.unasked()
    assert (routes._rank.cache_info().currsize, of_next._rank.cache_info().currsize) == (1, 0)
    assert of_next.rank("L1", (3.0, 2.5)) == routes.rank("L1", (3.0, 2.5))
    of_next.rank("L1", (4.0, 2.5))
    assert routes._rank.cache_info().currsize == 1


def test_what_is_shared_is_made_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    waited_for: list[list[str]] = []
    both = threading.Barrier(2)

    class Counted(SearchGround):
        @classmethod
        def of(cls, *given: object) -> SearchGround:
            made.append("ground")
            return SearchGround.of(*given)  # type: ignore[arg-type]

    def routes_of(plan: object) -> EntranceRoutes:
        made.append("routes")
        return EntranceRoutes(plan)  # type: ignore[arg-type]

    monkeypatch.setattr(prepared, "SearchGround", Counted)
    monkeypatch.setattr(prepared, "EntranceRoutes", routes_of)
    ahead = PreparedSite(site)

    def play() -> None:
        both.wait()
        locator = ahead.locator()
        waited_for.append(list(made))
        both.wait()
        locator.prepare()

    threads = [threading.Thread(target=play) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waited_for == [["routes"], ["routes"]]
    assert made == ["routes", "ground"]
