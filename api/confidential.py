"""Messages for people who may not be told which cameras there are, and where.

An agreement may keep the number and the places of cameras from some roles. They still get the
answer: where somebody was last seen, how sure that is, and the door.
"""

from __future__ import annotations

from . import schemas
from .timeline import tells_no_camera
from .timeline_schemas import Timeline

_SOME_TROUBLE = "some cameras are not as they should be"


def without_cameras(said: schemas.LastSeen) -> schemas.LastSeen:
    """Return an answer without the cameras behind it."""
    subjects = tuple(
        subject.model_copy(
            update={"cameras": (), "evidence": None, "reasons": subject.plain_reasons}
        )
        for subject in said.subjects
    )
    return said.model_copy(update={"subjects": subjects, "cameras_now": ()})


def unnamed(said: schemas.Cameras) -> schemas.Cameras:
    """Return camera states without the cameras: whether there is trouble, and no more."""
    return said.model_copy(
        update={"cameras": (), "problems": (_SOME_TROUBLE,) if said.problems else ()}
    )


def told_less(name: str, data: str) -> str:
    """Return the JSON text of an event of an incident, by the event's name, without its cameras."""
    match name:
        case "last-seen":
            less: schemas.Message = without_cameras(schemas.LastSeen.model_validate_json(data))
        case "timeline":
            what = Timeline.model_validate_json(data)
            less = what.model_copy(update={"entries": tells_no_camera(what.entries)})
        case "cameras":
            less = unnamed(schemas.Cameras.model_validate_json(data))
        case "snapshot":
            said = schemas.Snapshot.model_validate_json(data)
            less = said.model_copy(
                update={
                    "last_seen": without_cameras(said.last_seen),
                    "cameras": unnamed(said.cameras),
                }
            )
        case _:
            return data
    return less.model_dump_json()
