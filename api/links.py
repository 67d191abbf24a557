"""Short-lived addresses of pictures and streams: good for one viewer, one incident and one thing.

A link is a JSON Web Token (RFC 7519, HS256) that this server signed. It opens nothing by itself:
each time it is followed the account of the viewer it names is looked up again, and the gate is
asked. So one to a stream may last long: it is over with the grant, or with the account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import jwt

from .actors import ROLES, Actor, Role
from .errors import ProblemError

if TYPE_CHECKING:
    from .accounts import Accounts
    from .keys import Keys

LINK_S = 60.0
"""How long a link is good for, if its viewer has an account here."""

OTHERS_LINK_S = 30.0
"""How long where an identity provider knows the viewer, and cannot be asked again."""

STREAM_LINK_S = 12 * 3600.0
"""How long a link to a stream is good for at most; the grant ends before."""

OTHERS_STREAM_LINK_S = 900.0
"""How long where an identity provider knows the viewer, and cannot be asked again."""

StreamMeans = Literal["hls", "mjpeg", "still"]
"""What a link to a stream leads to."""

_MEANS: tuple[str, ...] = get_args(StreamMeans)
_AUDIENCE = "lastseen link"
_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class PictureLink:
    """The evidence picture of one track.

    Attributes:
        incident: incident id.
        camera: camera id.
        track: track of that camera.
    """

    incident: str
    camera: str
    track: int


@dataclass(frozen=True, slots=True)
class StreamLink:
    """The stream of one camera.

    Attributes:
        incident: incident id.
        camera: camera id.
        stream: by which means it is watched.
    """

    incident: str
    camera: str
    stream: StreamMeans


class Links:
    """Makes and reads links.

    Args:
        keys: the server's keys.
    """

    def __init__(self, keys: Keys) -> None:
        self._key = keys.derived("links")

    def make(self, what: PictureLink | StreamLink, actor: Actor, now_s: float) -> tuple[float, str]:
        """Return until when the link is good, Unix seconds, and the link."""
        others = _is_others(actor.name)
        if isinstance(what, StreamLink):
            lasts_s = OTHERS_STREAM_LINK_S if others else STREAM_LINK_S
            leads_to: dict[str, object] = {"stream": what.stream}
        else:
            lasts_s = OTHERS_LINK_S if others else LINK_S
            leads_to = {"track": what.track}
        until_s = float(int(now_s + lasts_s))
        claims = {
            "aud": _AUDIENCE,
            "exp": int(until_s),
            "sub": actor.name,
            "role": actor.role,
            "acts_as": actor.acts_as,
            "agency": actor.agency,
            "sites": None if actor.sites is None else sorted(actor.sites),
            "incident": what.incident,
            "camera": what.camera,
            **leads_to,
        }
        return until_s, jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, link: str, now_s: float) -> tuple[PictureLink | StreamLink, Actor]:
        """Return what a link leads to, and whose it is.

        Raises:
            ProblemError: it is none of this server's, or it lapsed.
        """
        try:
            claims: dict[str, Any] = jwt.decode(
                link,
                self._key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                options={"verify_exp": False, "require": ["exp", "sub", "aud"]},
            )
            what = _thing(claims)
            role, sites, until_s = claims["role"], claims["sites"], float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise _bad("it is none of this server's") from error
        if now_s >= until_s or role not in ROLES:
            raise _bad("it has lapsed; ask for another with POST /v1/incidents/{id}/links")
        actor = Actor(
            claims["sub"],
            cast("Role", role),
            claims["acts_as"],
            claims["agency"],
            None if sites is None else frozenset(sites),
            by="link",
        )
        return what, actor


def _thing(claims: dict[str, Any]) -> PictureLink | StreamLink:
    incident, camera = claims["incident"], claims["camera"]
    if "stream" not in claims:
        return PictureLink(incident, camera, int(claims["track"]))
    if claims["stream"] not in _MEANS:
        raise ValueError(claims["stream"])
    return StreamLink(incident, camera, cast("StreamMeans", claims["stream"]))


def still_good_for(actor: Actor, accounts: Accounts) -> Actor:
    """Return the viewer of a link, looked up again.

    Raises:
        ProblemError: there is no such account any more, it is disabled, or it is another by now.
        StoreError: the database does not answer.
    """
    if _is_others(actor.name):
        return actor
    account = accounts.get(actor.name)
    now = None if account is None or account.disabled else account.actor("link")
    if now is None or replace(now, full_name=actor.full_name) != actor:
        raise _bad("the account that it was made for is not what it was, or is disabled")
    return now


def _is_others(name: str) -> bool:
    """Whether whoever is called so has no account here; no account has a colon in its name."""
    return ":" in name


def _bad(why: str) -> ProblemError:
    return ProblemError(401, "link-invalid", "This link is not good any more", why)
