"""What all locators of a site share, made once and ahead of the first incident."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from .camera_reach import CameraReach
from .entrances import EntranceRoutes
from .locator import Locator
from .search_ground import SearchGround

if TYPE_CHECKING:
    from collections.abc import Callable

    from .site import Site

_Made = TypeVar("_Made")


class PreparedSite:
    """A site whose locators are at hand at once.

    Grid, movement, views and routes depend on the plan and the cameras only; they take many seconds
    on a large site and hold nothing of people. What a locator learns or is asked for stays its own
    and goes with it. May be used from any thread: whoever comes while something is being made waits
    for that.

    Args:
        site: the site.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._routes = _Once(lambda: EntranceRoutes(site.plan))
        self._ground = _Once(lambda: SearchGround.of(site.plan, site.cameras.values()))
        self._reach = _Once(lambda: CameraReach.of(self._ground()))

    def prepare(self) -> None:
        """Make now what locators need; else it is made when first needed."""
        routes = self._routes()
        routes.walks.prepare()
        routes.measure(self._ground().grid)
        self._reach()

    def locator(self) -> Locator:
        """A locator that has consumed nothing; waits for the routes, and for nothing else."""
        return Locator.for_site(self._site, self._routes().unasked(), ground=self._ground)

    def camera_reach_soon(self) -> CameraReach | None:
        """As `camera_reach`; None while it is being made, which begins now at the latest."""
        return self._reach.soon()

    def camera_reach(self) -> CameraReach:
        """How far it is into the view of each camera; waits for that where it is not made yet."""
        return self._reach()


class _Once(Generic[_Made]):
    """Makes something when first asked for it, once, whichever thread asks."""

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = make
        self._made: list[_Made] = []
        self._making = threading.Lock()
        self._begun = False

    def soon(self) -> _Made | None:
        """What was made; None while it is not there, and then a thread makes it."""
        if self._made:
            return self._made[0]
        if not self._begun:
            self._begun = True
            threading.Thread(target=self, name="prepare", daemon=True).start()
        return None

    def __call__(self) -> _Made:
        with self._making:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]
