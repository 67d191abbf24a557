"""Doing several things at once, each in a thread of its own, so that none keeps another waiting."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_log = logging.getLogger(__name__)


def begun(act: Callable[..., None], *arguments: Any) -> threading.Thread | None:  # noqa: ANN401 - of any kind
    """Begin an act in a thread of its own and return that; None where it had to be done here.

    What it raises is logged. A machine that can start no more threads still closes cameras: the
    act is done before this returns.
    """

    def logged() -> None:
        try:
            act(*arguments)
        except Exception:  # noqa: BLE001 - outermost frame of a thread
            _log.exception("something could not be done; it is tried again if it must be")

    thread = threading.Thread(target=logged, name="closing", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        logged()
        return None
    return thread


def at_once(
    acts: Sequence[tuple[Callable[..., None], tuple[Any, ...]]], *, wait_s: float = 10.0
) -> None:
    """Do all of these side by side; return when all are done, or after a time.

    Args:
        acts: what to do, each with its arguments.
        wait_s: return after so long at the latest, seconds; what is not done goes on.
    """
    threads = [begun(act, *arguments) for act, arguments in acts]
    until_s = time.monotonic() + wait_s
    for thread in threads:
        if thread is not None:
            thread.join(max(0.0, until_s - time.monotonic()))
