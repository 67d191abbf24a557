"""Sources of activations: panic buttons and dispatch systems that may ask for one site.

A source signs what it sends with a secret of its own (see `api.signed_messages`). It is shown once,
when it is made, and lies encrypted in the database: a signature cannot be checked against a hash.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import insert, select, update

from .actors import Actor
from .agreements import Channel
from .errors import AccountError, SealError
from .sealing import KEY_BYTES, seal, unseal
from .signed_messages import is_signed, new_secret
from .store_tables import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Row

    from .audit import Audit
    from .keys import Keys
    from .signed_messages import SignedMessage
    from .store import Store

CHANNELS: tuple[Channel, ...] = tuple(
    channel for channel in get_args(Channel) if channel != "console"
)
"""How a source's requests may come in: a console is where a person sits."""

_MOST_NAME = 64
_MOST_ROLE = 60
_MOST_SITE = 200
_PURPOSE = "activation sources"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A panic button or dispatch system that was made known.

    Attributes:
        name: its unique name.
        site: id of the site it may ask for.
        acts_as: its role in the agreement.
        channel: how its requests come in, as the agreement names it.
        disabled: whether nothing of it is listened to.
        created_s: when it was made known, Unix seconds.
    """

    name: str
    site: str
    acts_as: str
    channel: Channel
    disabled: bool
    created_s: float

    def actor(self, said_by: str = "") -> Actor:
        """Return who is asking, `said_by` being whom the source names."""
        return Actor(
            f"source:{self.name}",
            "system",
            self.acts_as,
            sites=frozenset({self.site}),
            full_name=said_by or self.name,
            by="signed webhook",
        )


class Sources:
    """The sources that may send activations. Safe to use from any thread and process.

    Args:
        store: the database.
        keys: seals the secrets.
        audit: where every change is recorded.
    """

    def __init__(self, store: Store, keys: Keys, audit: Audit) -> None:
        self._store = store
        self._keys = keys
        self._audit = audit
        # Whoever names a source that is not there waits as long for the answer as anybody else.
        self._nobodys_key = os.urandom(KEY_BYTES)
        self._nobodys_secret = seal(self._nobodys_key, new_secret().encode(), _about(""))

    def add(
        self, name: str, *, site: str, acts_as: str, channel: str, by: str, now_s: float
    ) -> str:
        """Return the secret of a new source; it cannot be shown again.

        Args:
            name: small letters, digits and hyphens.
            site: id of the site it may ask for.
            acts_as: its role in the agreement.
            channel: one of `CHANNELS`.
            by: who makes it known.
            now_s: Unix seconds.

        Raises:
            AccountError: one of these is not what it should be, or the name is taken.
            AuditError: it could not be recorded; nothing was changed.
        """
        _check(name, site, acts_as, channel)
        secret = new_secret()
        row = {
            "name": name,
            "site": site,
            "acts_as": acts_as,
            "channel": channel,
            "secret_sealed": self._sealed(name, secret),
            "disabled": False,
            "created_s": now_s,
        }

        def change(connection: Connection) -> None:
            if _row(connection, name) is not None:
                raise AccountError(
                    f"source {name} is there already; choose another name, or renew its secret"
                )
            connection.execute(insert(SOURCES).values(row))

        facts = {"source": name, "site": site, "acts_as": acts_as, "channel": channel, "by": by}
        self._audit.append("source-added", now_s, facts, change=change)
        return secret

    def renew_secret(self, name: str, *, by: str, now_s: float) -> str:
        """Return a new secret of a source; what is signed with the old one is refused from now on.

        Raises:
            AccountError: there is no such source.
            AuditError: it could not be recorded; the old secret holds.
        """
        secret = new_secret()
        values = {"secret_sealed": self._sealed(name, secret)}
        self._change("source-secret-renewed", name, values, by=by, now_s=now_s)
        return secret

    def disable(self, name: str, *, by: str, now_s: float) -> None:
        """Listen to nothing of a source any more; what it opened stays open.

        Raises:
            AccountError: there is no such source.
            AuditError: it could not be recorded; nothing was changed.
        """
        self._change("source-disabled", name, {"disabled": True}, by=by, now_s=now_s)

    def enable(self, name: str, *, by: str, now_s: float) -> None:
        """Listen to a source again; its secret is the one it had.

        Raises:
            AccountError: there is no such source.
            AuditError: it could not be recorded; nothing was changed.
        """
        self._change("source-enabled", name, {"disabled": False}, by=by, now_s=now_s)

    def get(self, name: str) -> Source | None:
        """Return a source; None where there is none of that name.

        Raises:
            StoreError: the database does not answer.
        """
        row = self._row(name)
        return None if row is None else _source(row)

    def list(self) -> tuple[Source, ...]:
        """Return all sources in the order of their names.

        Raises:
            StoreError: the database does not answer.
        """
        with self._store.reading() as connection:
            rows = connection.execute(select(SOURCES).order_by(SOURCES.c.name)).all()
        return tuple(_source(row) for row in rows)

    def signed_by(self, name: str, message: SignedMessage) -> bool:
        """Whether a message is signed with the secret of that source, whenever it was sent.

        Raises:
            StoreError: the database does not answer.
            StateError: the server's key cannot be read.
        """
        row, key = self._row(name), self._keys.derived(_PURPOSE)
        sealed, about = self._nobodys_secret, _about("")
        if row is None:
            key = self._nobodys_key
        else:
            sealed, about = row.secret_sealed, _about(name)
        try:
            secret = unseal(key, sealed, about).decode()
        except SealError:
            _log.exception("the secret of source %s cannot be opened; renew it", name)
            return False
        return is_signed(secret, message) and row is not None

    def _change(
        self, action: str, name: str, values: Mapping[str, object], *, by: str, now_s: float
    ) -> None:
        def change(connection: Connection) -> None:
            if _row(connection, name) is None:
                raise AccountError(f"there is no source {name!r}; 'lastseen sources list' has all")
            connection.execute(update(SOURCES).where(SOURCES.c.name == name).values(values))

        self._audit.append(action, now_s, {"source": name, "by": by}, change=change)

    def _row(self, name: str) -> Row[*tuple[Any, ...]] | None:
        with self._store.reading() as connection:
            return _row(connection, name if _is_name(name) else "")

    def _sealed(self, name: str, secret: str) -> bytes:
        return seal(self._keys.derived(_PURPOSE), secret.encode(), _about(name))


def _about(name: str) -> str:
    return f"activation source {name}"


def _is_name(name: str) -> bool:
    return len(name) <= _MOST_NAME and _SLUG.fullmatch(name) is not None


def _check(name: str, site: str, acts_as: str, channel: str) -> None:
    slug = "small letters, digits and hyphens"
    if not _is_name(name):
        raise AccountError(f"name {name!r}: expected {slug}, at most {_MOST_NAME}")
    if not _SLUG.fullmatch(acts_as) or len(acts_as) > _MOST_ROLE:
        raise AccountError(f"role {acts_as!r}: expected {slug}, at most {_MOST_ROLE}")
    if not 0 < len(site) <= _MOST_SITE or not site.isprintable():
        raise AccountError(f"site {site!r}: expected the id of a site")
    if channel not in CHANNELS:
        raise AccountError(f"channel {channel!r}: expected one of {', '.join(CHANNELS)}")


def _row(connection: Connection, name: str) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(select(SOURCES).where(SOURCES.c.name == name)).first()


def _source(row: Row[*tuple[Any, ...]]) -> Source:
    return Source(
        row.name, row.site, row.acts_as, row.channel, row.disabled, created_s=row.created_s
    )
