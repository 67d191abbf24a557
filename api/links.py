"""Short-lived addresses of pictures: good for one viewer, one incident and one thing.

A link is a JSON Web Token (RFC 7519, HS256) that this server signed. It opens nothing by itself:
when it is followed the account of the viewer it names is looked up again, and the gate is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

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


class Links:
    """Makes and reads links.

    Args:
        keys: the server's keys.
    """

    def __init__(self, keys: Keys) -> None:
        self._key = keys.derived("links")

    def make(self, what: PictureLink, actor: Actor, now_s: float) -> tuple[float, str]:
        """Return until when the link is good, Unix seconds, and the link."""
        lasts_s = OTHERS_LINK_S if _is_others(actor.name) else LINK_S
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
            "track": what.track,
        }
        return until_s, jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, link: str, now_s: float) -> tuple[PictureLink, Actor]:
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
            what = PictureLink(claims["incident"], claims["camera"], int(claims["track"]))
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
