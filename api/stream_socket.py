"""`/v1/incidents/{incident_id}/streams/{camera}/live`: a camera's video over a WebSocket.

Text messages are JSON (`api.stream_schemas`), binary ones are fragmented MP4 (ISO/IEC 14496-12):
after a `head` the init segment, then one fragment for each picture. Nothing is taken from clients.

Each reader waits for its own socket: one that is slow is taken to the newest keyframe by
`api.streams`, and one whose socket is stuck when all is over is cut off.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, cast

from anyio import CancelScope, create_task_group, sleep, to_thread
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from vision.stream_parts import Fragment, StreamHead

from . import stream_schemas as schemas
from .actors import Actor
from .errors import ApiError
from .problems import problem_of
from .services import incident_or_404
from .streams import Live, Skipped, Waiting
from .watched_streams import POLICY_VIOLATION
from .watching import begin_watching

if TYPE_CHECKING:
    from .services import Services
    from .stream_schemas import StreamEnd
    from .streams import Given
    from .watching import Watching

router = APIRouter(prefix="/v1")

_NORMAL = 1000
_GOING_AWAY = 1001
_NEVER = frozenset({403, 404})
_TOO_MANY = 429
_LAST_WORDS_S = 0.3
_CODES: dict[StreamEnd, int] = {"closed": _NORMAL, "stopping": _GOING_AWAY}


@router.websocket("/incidents/{incident_id}/streams/{camera}/live")
async def watch_live(websocket: WebSocket, incident_id: str, camera: str) -> None:
    """Send a camera's video until it is over, or until the client leaves."""
    services = cast("Services", websocket.app.state.services)
    actor = getattr(websocket.state, "actor", None)
    if not isinstance(actor, Actor):  # `api.access` lets nobody through whom it does not know
        await websocket.close(POLICY_VIOLATION)
        return
    with contextlib.suppress(WebSocketDisconnect):
        await websocket.accept()
        try:
            begin = functools.partial(_begin, services, actor, incident_id, camera)
            watching = await to_thread.run_sync(begin, limiter=services.seating)
        except ApiError as error:
            await _say_end(websocket, _refused(error))
            return
        try:
            await _send_all(websocket, watching)
        finally:
            why = watching.why_over()
            with CancelScope(shield=True):
                await to_thread.run_sync(watching.end, why, limiter=services.seating)


def _begin(services: Services, actor: Actor, incident_id: str, camera: str) -> Watching:
    """The stream that somebody asks for, being watched."""
    incident = incident_or_404(services, incident_id, actor)
    viewing = services.viewers.admit(incident.grant, actor=actor, now_s=services.clock())
    return begin_watching(services.viewers, incident, viewing, camera, "live", clock=services.clock)


async def _send_all(websocket: WebSocket, watching: Watching) -> None:
    """Send the video until it is over, and then say so."""
    over: list[schemas.StreamOver] = []
    async with create_task_group() as tasks:
        tasks.start_soon(_hear, websocket, tasks.cancel_scope, over)
        tasks.start_soon(_cut_off, watching, tasks.cancel_scope)
        with contextlib.suppress(WebSocketDisconnect):
            given = watching.streams.follow(watching.wanted.camera, watching.allowed)
            async with contextlib.aclosing(given) as parts:
                async for part in parts:
                    await _send(websocket, part, exercise=watching.exercise)
            over.append(_over(watching))
            await _say_end(websocket, over[0])
            over.clear()
        tasks.cancel_scope.cancel()
    for last in over:
        await _say_end(websocket, last)


async def _hear(websocket: WebSocket, sending: CancelScope, over: list[schemas.StreamOver]) -> None:
    """Return when the client has left, or has said something, which ends it."""
    message = await websocket.receive()
    if message["type"] != "websocket.disconnect":
        over.append(
            schemas.StreamOver(
                reason="nothing-is-taken", detail="nothing is taken on this socket", again=False
            )
        )
    sending.cancel()


async def _cut_off(watching: Watching, sending: CancelScope) -> None:
    """End a sending that is stuck when all is over: the client has not read for a while."""
    await watching.streams.ended()
    await sleep(_LAST_WORDS_S)
    sending.cancel()


async def _send(websocket: WebSocket, part: Given, *, exercise: bool) -> None:
    match part:
        case Fragment():
            await websocket.send_bytes(part.data)
        case StreamHead():
            (width, height) = part.size_px
            head = schemas.StreamHead(
                epoch=part.epoch, codec=part.codec, width=width, height=height, exercise=exercise
            )
            await websocket.send_text(head.model_dump_json())
            await websocket.send_bytes(part.init)
        case Skipped():
            said = schemas.StreamSkipped(start_s=part.start_s)
            await websocket.send_text(said.model_dump_json())
        case Waiting():
            waiting = schemas.StreamWaiting(phase=part.phase, reason=part.reason)
            await websocket.send_text(waiting.model_dump_json())
        case Live():
            await websocket.send_text(schemas.StreamLive().model_dump_json())


async def _say_end(websocket: WebSocket, over: schemas.StreamOver) -> None:
    await websocket.send_text(over.model_dump_json())
    await websocket.close(_CODES.get(over.reason, POLICY_VIOLATION))


def _over(watching: Watching) -> schemas.StreamOver:
    over = watching.streams.over
    return schemas.StreamOver(
        reason="not-permitted" if over is None else over,
        detail=watching.why_over(),
        again=over == "stopping",
    )


def _refused(error: ApiError) -> schemas.StreamOver:
    """What is said to somebody who was recognised and may not watch, or cannot now."""
    problem = problem_of(error)
    reason: StreamEnd = "unavailable"
    if problem.status in _NEVER:
        reason = "not-permitted"
    elif problem.status == _TOO_MANY:
        reason = "too-many-streams"
    return schemas.StreamOver(reason=reason, detail=problem.detail, again=reason != "not-permitted")
