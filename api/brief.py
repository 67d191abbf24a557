"""The answer in as few bytes as it takes, for links over which all of it would not come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from . import schemas

MOST_CAMERAS: Final = 4


def brief(said: schemas.LastSeen) -> schemas.LastSeen:
    """Return an answer with its first ranked subject and the best door, and less of each.

    What is left out is empty, as where there is none: trail, reasons, search area and marks of the
    subject; what is said of other doors; cameras after the first `MOST_CAMERAS`.
    """
    first = next((one for one in said.subjects if one.status == "ranked"), None)
    best = next((one for one in said.entrances if one.usable and one.walk_m is not None), None)
    subjects: tuple[schemas.Subject, ...] = ()
    if first is not None:
        nothing = {
            "reasons": (),
            "plain_reasons": (),
            "evidence": None,
            "trail": None,
            "search": None,
            "marks": (),
        }
        subjects = (first.model_copy(update=nothing),)
    entrances = () if best is None else (best.model_copy(update={"route_by_level": ()}),)
    return said.model_copy(
        update={
            "subjects": subjects,
            "entrances": entrances,
            "cameras_now": said.cameras_now[:MOST_CAMERAS],
        }
    )
