"""Messages for people who may not be told which cameras there are, and where.

An agreement may keep the number and the places of cameras from some roles. They still get the
answer: where somebody was last seen, how sure that is, and the door.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from . import schemas

if TYPE_CHECKING:
    from .events import Event

_SOME_TROUBLE = "some cameras are not as they should be"


def without_cameras(said: schemas.LastSeen) -> schemas.LastSeen:
    """Return an answer without the cameras behind it."""
    subjects = tuple(
        subject.model_copy(
            update={"cameras": (), "evidence": None, "reasons": subject.plain_reasons}
        )
        for subject in said.subjects
    )
    return said.model_copy(update={"subjects": subjects})


def unnamed(said: schemas.Cameras) -> schemas.Cameras:
    """Return camera states without the cameras: whether there is trouble, and no more."""
    return said.model_copy(
        update={"cameras": (), "problems": (_SOME_TROUBLE,) if said.problems else ()}
    )


def told_less(event: Event) -> Event:
    """Return a message of an incident's event stream without its cameras."""
    match event.name:
        case "last-seen":
            less: schemas.Message = without_cameras(
                schemas.LastSeen.model_validate_json(event.data)
            )
        case "cameras":
            less = unnamed(schemas.Cameras.model_validate_json(event.data))
        case "snapshot":
            said = schemas.Snapshot.model_validate_json(event.data)
            less = said.model_copy(
                update={
                    "last_seen": without_cameras(said.last_seen),
                    "cameras": unnamed(said.cameras),
                }
            )
        case _:
            return event
    return replace(event, data=less.model_dump_json())
