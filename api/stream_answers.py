"""What is answered to those who watch over HTTP: playlists, segments, stills and MJPEG.

The same for whoever shows a token or a cookie and for whoever follows a link; who may watch was
decided before, and is asked again here for each picture.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Literal

from anyio import CancelScope, create_task_group, move_on_after, sleep, to_thread
from starlette.responses import Response

from . import hls
from .errors import NotPermittedError, ProblemError
from .locations import utc
from .watched_streams import LOOK_AGAIN_S
from .watching import begin_watching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio import CapacityLimiter
    from starlette.types import Receive, Scope, Send

    from vision.stream_parts import Still, StreamKind

    from .services import Services, Watched
    from .visits import Visit
    from .watching import Watching

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
MEDIA_TYPE = "video/mp4"
MJPEG_TYPE = "multipart/x-mixed-replace"
CAPTURED_AT = "Lastseen-Captured-At"
"""Header of a still: when the camera took it."""

_BOUNDARY = "lastseen-picture"
_PATIENCE_S = 6.0
"""How long a request is held back for what is to come: three target durations (6.2.5.2)."""

_LAST_WORDS_S = 0.3
_TOO_FAR = "That segment is not there soon"


async def playlist_answer(
    services: Services, watched: Watched, camera: str, msn: int | None, part: int | None
) -> Response:
    """Return the playlist of a camera, as soon as it has what is waited for.

    Args:
        services: of the application.
        watched: the incident, and who may see it.
        camera: camera id.
        msn: number of the segment that is waited for.
        part: ordinal of the part of it; None for all of it.

    Raises:
        NotPermittedError: it may not be shown; but a player is told the end of what it watched.
        ProblemError: what is waited for is too far away, or no picture comes.
    """
    wanted = _wanted(msn, part)
    incident = watched.incident
    visits = services.visits
    try:
        visit = await _visit(services, watched, camera, "hls")
        # A player that waits for nothing and asks again is given what it has not: Chromium takes
        # a playlist that has not changed for a broken one.
        held = hls.Wanted(visit.given + 1) if wanted is None and visit.given >= 0 else wanted
        segments = await incident.streams.segments(
            camera,
            lambda kept: hls.has(kept, held) or (wanted is not None and hls.far(kept, wanted)),
            _PATIENCE_S if held is wanted else hls.TARGET_S + 1.0,
        )
        _check(visit.watching)
    except NotPermittedError:
        last = visits.last_words(incident, watched.viewing, camera)
        if not last:
            raise
        return Response(hls.ended(last), media_type=PLAYLIST_TYPE)
    if segments and wanted is not None and hls.far(segments, wanted):
        raise ProblemError(
            400,
            "segment-too-far",
            _TOO_FAR,
            f"the newest one is {segments[-1].number}; ask for it or for the next",
        )
    if not hls.has(segments, None) or not hls.has(segments, wanted):
        raise _no_picture(camera)
    visit.playlist, visit.given = hls.playlist(segments), hls.newest_whole(segments)
    return Response(visit.playlist, media_type=PLAYLIST_TYPE)


async def media_answer(services: Services, watched: Watched, camera: str, name: str) -> Response:
    """Return what a playlist names, as soon as it is there.

    Raises:
        NotPermittedError: it may not be shown.
        ProblemError: there is nothing of that name, or not any more.
    """
    incident = watched.incident
    named = hls.named_by(name)
    if named is None:
        raise _no_segment(name)
    visit = await _visit(services, watched, camera, "hls")
    segments = await incident.streams.segments(
        camera, lambda kept: not hls.find(kept, named)[1], _PATIENCE_S
    )
    found, _ = hls.find(segments, named)
    _check(visit.watching)
    if found is None:
        raise _no_segment(name)
    return Response(found, media_type=MEDIA_TYPE)


async def still_answer(services: Services, watched: Watched, camera: str) -> Response:
    """Return the newest still of a camera, as soon as there is one.

    Raises:
        NotPermittedError: it may not be shown.
        ProblemError: no picture comes.
    """
    incident = watched.incident
    watching = (await _visit(services, watched, camera, "still")).watching
    still: Still | None = None
    with move_on_after(_PATIENCE_S):
        given = incident.streams.stills(camera, watching.allowed)
        async with contextlib.aclosing(given) as stills:
            still = await anext(stills, None)
    _check(watching)
    if still is None:
        raise _no_picture(camera)
    headers = {CAPTURED_AT: _moment(still.captured_at_s)}
    return Response(still.jpeg, media_type="image/jpeg", headers=headers)


async def mjpeg_answer(
    services: Services,
    watched: Watched,
    camera: str,
    still_good: Callable[[], Awaitable[bool]] | None = None,
) -> Response:
    """Return stills that follow each other, about one a second, until all is over.

    Args:
        services: of the application.
        watched: the incident, and who may see it.
        camera: camera id.
        still_good: tells whether what let the viewer in still holds, where nobody else looks.

    Raises:
        NotPermittedError: it may not be shown.
        ProblemError: they watch too many streams already.
    """
    begin = functools.partial(
        begin_watching,
        services.viewers,
        watched.incident,
        watched.viewing,
        camera,
        "mjpeg",
        clock=services.clock,
        kind="still",
    )
    watching = await to_thread.run_sync(begin, limiter=services.seating)
    return MovingStills(watching, services.seating, still_good)


class MovingStills(Response):
    """A response whose picture is replaced again and again.

    Args:
        watching: the stream; ended when the response has ended.
        seating: see `api.services.Services`.
        still_good: tells whether what let the viewer in still holds.
    """

    media_type = f"{MJPEG_TYPE}; boundary={_BOUNDARY}"

    def __init__(
        self,
        watching: Watching,
        seating: CapacityLimiter,
        still_good: Callable[[], Awaitable[bool]] | None,
    ) -> None:
        super().__init__(None, headers={"X-Accel-Buffering": "no"})  # proxies pass on each at once
        del self.headers["content-length"]
        self._watching = watching
        self._seating = seating
        self._still_good = still_good

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves or all is over; one that is stuck then is cut off."""
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                tasks.start_soon(_until_over, self._watching, tasks.cancel_scope)
                await self._send(send)
                tasks.cancel_scope.cancel()
        finally:
            why = self._watching.why_over()
            with CancelScope(shield=True):
                await to_thread.run_sync(self._watching.end, why, limiter=self._seating)

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        watching, looked_s = self._watching, self._watching.clock()
        given = watching.streams.stills(watching.wanted.camera, watching.allowed)
        async with contextlib.aclosing(given) as stills:
            async for still in stills:
                now_s = watching.clock()
                if self._still_good is not None and now_s >= looked_s + LOOK_AGAIN_S:
                    looked_s = now_s
                    if not await self._still_good():
                        break
                body = _part_of(still)
                await send({"type": "http.response.body", "body": body, "more_body": True})
        last = f"--{_BOUNDARY}--\r\n".encode()
        await send({"type": "http.response.body", "body": last, "more_body": False})


async def _visit(
    services: Services, watched: Watched, camera: str, how: Literal["hls", "still"]
) -> Visit:
    """The visit of whoever asks; in a thread only where it begins, which waits for the disk."""
    visits, incident, viewing = services.visits, watched.incident, watched.viewing
    known = visits.known(incident, viewing, camera, how)
    if known is not None:
        return known
    kind: StreamKind = "video" if how == "hls" else "still"
    begin = functools.partial(visits.visit, incident, viewing, camera, how, kind)
    return await to_thread.run_sync(begin, limiter=services.seating)


def _wanted(msn: int | None, part: int | None) -> hls.Wanted | None:
    if msn is None and part is not None:
        raise ProblemError(
            400, "segment-too-far", _TOO_FAR, "_HLS_part is a part of _HLS_msn; send both"
        )
    return None if msn is None else hls.Wanted(msn, part)


def _check(watching: Watching) -> None:
    if not watching.allowed():
        raise NotPermittedError(f"camera {watching.wanted.camera} may not be watched any more")


def _part_of(still: Still) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(still.jpeg)}\r\n"
        f"{CAPTURED_AT}: {_moment(still.captured_at_s)}\r\n\r\n"
    )
    return head.encode() + still.jpeg + b"\r\n"


def _moment(at_s: float) -> str:
    return utc(at_s).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _until_gone(receive: Receive, answering: CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answering.cancel()


async def _until_over(watching: Watching, answering: CancelScope) -> None:
    await watching.streams.ended()
    await sleep(_LAST_WORDS_S)
    answering.cancel()


def _no_picture(camera: str) -> ProblemError:
    return ProblemError(
        503,
        "no-picture-yet",
        "The camera gives no picture yet",
        f"nothing of {camera} has been encoded; GET …/cameras says how its feed is",
        {"Retry-After": "2"},
    )


def _no_segment(name: str) -> ProblemError:
    return ProblemError(
        404,
        "segment-not-found",
        "No such segment",
        f"there is no {name[:64]!r}, or not any more; take the names of the newest playlist",
    )
