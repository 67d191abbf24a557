"""Where a run begins: anew, or with the subjects that the process before this one knew."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from .errors import ApiError
from .replay import brought_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.locator import Locator
    from calibration.site import Site

    from .journal import Journal

_log = logging.getLogger(__name__)

WITHIN_S: Final = 30.0
"""No longer than this do live cameras wait for the journal of the process before."""


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """What a run begins with.

    Attributes:
        locator: with all that the journal knows, or fresh.
        newest_track: the highest number that a track has in the journal; -1 where it has none.
        trouble: what could not be gone on with, a sentence; "" where all is well.
    """

    locator: Locator
    newest_track: int = -1
    trouble: str = ""


def go_on(
    site: Site,
    fresh: Callable[[], Locator],
    journal: Journal,
    *,
    now_s: float,
    stop: Callable[[], bool],
    within_s: float = WITHIN_S,
    monotonic: Callable[[], float] = time.monotonic,
) -> Begun:
    """Return the locator to begin with, and begin this process's part of the journal.

    Whatever is wrong with the journal, a run begins: it is told, and never raised. A journal that
    cannot be played in time is left: what is seen now must not wait for what was seen.

    Args:
        site: the site.
        fresh: makes a locator of it that has consumed nothing.
        journal: the journal of the incident.
        now_s: Unix seconds.
        stop: whether the run is being stopped.
        within_s: how long the journal may be played for.
        monotonic: a clock that nobody can set, seconds.
    """
    newest_track, trouble = -1, ""
    ends_s = monotonic() + within_s
    try:
        back = brought_back(fresh, journal.past(), stop=lambda: stop() or monotonic() > ends_s)
        locator, newest_track, resumed = back.locator, back.newest_track, back.upto_s is not None
        if not back.whole:
            locator, resumed = fresh(), False
            trouble = (
                f"what was seen before the restart could not be played again within {within_s:g} "
                "s, and subjects are numbered anew"
            )
        elif back.gaps:
            trouble = (
                "some of what was seen before the restart is lost; "
                f"{_known(back.gaps[0].after_s)}: {back.gaps[0].why}"
            )
    except Exception as error:  # noqa: BLE001 - what is seen now counts more than what was
        _log.exception("the journal could not be gone on with")
        locator, resumed = fresh(), False
        trouble = (
            "what was seen before the restart is lost, and subjects are numbered anew: "
            f"{error if isinstance(error, ApiError) else type(error).__name__}"
        )
    try:
        journal.begin(site, resumed=resumed, now_s=now_s)
    except ApiError as error:
        _log.exception("the journal could not be begun")
        trouble = trouble or f"answers cannot be replayed later: {error}"
    return Begun(locator, newest_track, trouble)


def _known(after_s: float | None) -> str:
    if after_s is None:
        return "nothing before is known"
    return f"all is known until {datetime.fromtimestamp(after_s, UTC):%H:%M:%S} UTC"
