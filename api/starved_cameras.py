"""Which cameras are starved of looks, in words: what an overloaded worker says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .runs import CameraStatus

MOST_NAMED: Final = 6


def starved_problems(cameras: Sequence[CameraStatus]) -> tuple[str, ...]:
    """Return the sentence that names the starved cameras; none where there are none.

    It holds no figures, which change with every look: a problem that changes is told at once. They
    are in the state of each camera.
    """
    names = [camera.name for camera in cameras if camera.starved is not None]
    if not names:
        return ()
    named = ", ".join(names[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    which = "cameras" if len(names) > 1 else "camera"
    return (f"the workers are overloaded: fewer frames than wanted of {which} {named}{more}",)
