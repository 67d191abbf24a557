"""Sessions: what a browser or a program holds once it was recognised. They survive a restart.

Only the SHA-256 of what is presented is kept: it is 256 random bits, so there is nothing to guess
and nothing to slow down, and who reads the database holds nothing to present. Looking a hash up
does leak timing, of a hash, which helps nobody.

- "browser": a cookie; ends after half an hour unused, and after one shift;
- "token": of a program or a phone that signed in; short, renewed until one shift is over;
- "key": made on the command line for a program that nobody sits at; ends at a set date.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import delete, insert, select, update

from .account_rows import account_of_row
from .errors import AccountError, StoreError
from .store_tables import SESSIONS, USERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from .actors import Actor
    from .audit import Audit
    from .store import Store

SessionKind = Literal["browser", "token", "key"]
KINDS: tuple[SessionKind, ...] = get_args(SessionKind)

SHIFT_S = 12 * 3600.0
"""How long a session lasts at most: one shift."""

IDLE_S = 30 * 60.0
"""A browser's session that nobody used for so long is over."""

TOKEN_S = 15 * 60.0
"""How long a token holds until it must be renewed."""

MOST_KEY_DAYS = 366
DAY_S = 86_400.0
_MOST_LABEL = 200
_KEY_PREFIX = "lastseen_"  # lets secret scanners recognise a leaked key
_USED_AGAIN_S = 60.0
_BY = {"browser": "session", "token": "token", "key": "key"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session that was begun just now.

    Attributes:
        secret: what is presented; shown once and kept by nobody here.
        until_s: when it ends by itself, Unix seconds.
    """

    secret: str = field(repr=False)
    until_s: float


class Sessions:
    """The live sessions of a server. Safe to use from any thread and process.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(
        self,
        user: str,
        kind: SessionKind,
        now_s: float,
        *,
        label: str = "",
        days: float | None = None,
        within: Connection | None = None,
    ) -> NewSession:
        """Begin a session of an account.

        Args:
            user: name of the account; who it is was checked before.
            kind: what it is for.
            now_s: Unix seconds.
            label: what people know it by.
            days: how long a key holds.
            within: the transaction that it belongs to; its own where None.

        Raises:
            AccountError: a key for no time, or too long.
            StoreError: it was not begun.
        """
        lasts_s = {"browser": SHIFT_S, "token": TOKEN_S, "key": (days or 0.0) * DAY_S}[kind]
        if kind == "key" and not 0.0 < lasts_s <= MOST_KEY_DAYS * DAY_S:
            raise AccountError(f"key: holds for 1 to {MOST_KEY_DAYS} days")
        prefix = _KEY_PREFIX if kind == "key" else ""
        new = NewSession(prefix + secrets.token_urlsafe(32), now_s + lasts_s)
        row = {
            "digest": _digest(new.secret),
            "user": user,
            "kind": kind,
            "label": label,
            "begun_s": now_s,
            "used_s": now_s,
            "until_s": new.until_s,
        }
        if within is not None:
            _insert(within, row, now_s)
        else:
            with self._store.writing() as connection:
                _insert(connection, row, now_s)
        return new

    def actor_of(
        self, secret: str, now_s: float, *, kinds: Collection[SessionKind] = KINDS
    ) -> Actor | None:
        """Return whose live session it is; None where it is none, or of another kind.

        Raises:
            StoreError: the database does not answer.
        """
        digest = _digest(secret)
        with self._store.reading() as connection:
            row = connection.execute(
                select(SESSIONS, USERS)
                .join(USERS, USERS.c.name == SESSIONS.c.user)
                .where(SESSIONS.c.digest == digest, USERS.c.disabled.is_(False))
            ).first()
        if row is None or row.kind not in kinds or now_s >= row.until_s:
            return None
        if row.kind == "browser" and now_s >= row.used_s + IDLE_S:
            return None
        if now_s >= row.used_s + _USED_AGAIN_S:
            self._note_use(digest, now_s)
        return account_of_row(row).actor(_BY[row.kind])

    def renew(self, secret: str, now_s: float) -> NewSession | None:
        """Return the session that takes a token's place, which is over; None where it cannot.

        Raises:
            StoreError: nothing was changed.
        """
        with self._store.writing() as connection:
            old = connection.execute(
                delete(SESSIONS)
                .where(
                    SESSIONS.c.digest == _digest(secret),
                    SESSIONS.c.kind == "token",
                    SESSIONS.c.until_s > now_s,
                )
                .returning(SESSIONS.c.user, SESSIONS.c.label, SESSIONS.c.begun_s)
            ).first()
            if old is None:
                return None
            until_s = min(now_s + TOKEN_S, old.begun_s + SHIFT_S)
            new = NewSession(secrets.token_urlsafe(32), until_s)
            row = {
                "digest": _digest(new.secret),
                "user": old.user,
                "kind": "token",
                "label": old.label,
                "begun_s": old.begun_s,
                "used_s": now_s,
                "until_s": until_s,
            }
            _insert(connection, row, now_s)
        return new

    def end(self, secret: str, *, within: Connection | None = None) -> None:
        """End a session; one that is not live is left alone.

        Args:
            secret: what is presented.
            within: the transaction that it belongs to; its own where None.

        Raises:
            StoreError: it was not ended.
        """
        ending = delete(SESSIONS).where(SESSIONS.c.digest == _digest(secret))
        if within is not None:
            within.execute(ending)
            return
        with self._store.writing() as connection:
            connection.execute(ending)

    def _note_use(self, digest: str, now_s: float) -> None:
        try:
            with self._store.writing() as connection:
                connection.execute(
                    update(SESSIONS).where(SESSIONS.c.digest == digest).values(used_s=now_s)
                )
        except StoreError as error:
            # A full disk must not take the picture from whoever is watching.
            _log.warning("the use of a session is not noted: %s", error)


def make_key(
    sessions: Sessions, audit: Audit, user: str, *, label: str, days: float, by: str, now_s: float
) -> NewSession:
    """Return a new key of an account, whose making is in the audit.

    Args:
        sessions: where it is kept.
        audit: told of it.
        user: name of the account.
        label: what people know it by.
        days: how long it holds.
        by: who makes it.
        now_s: Unix seconds.

    Raises:
        AccountError: there is no such account or it is disabled, or for no time, or too long.
        AuditError: it was not made.
    """
    made: list[NewSession] = []
    if not label.strip() or len(label) > _MOST_LABEL or not label.isprintable():
        raise AccountError(f"key: label: 1 to {_MOST_LABEL} printable characters")

    def change(connection: Connection) -> None:
        of_user = select(USERS.c.name).where(USERS.c.name == user, USERS.c.disabled.is_(False))
        if connection.execute(of_user).first() is None:
            raise AccountError(f"account {user[:64]!r}: there is none, or it is disabled")
        made.append(sessions.begin(user, "key", now_s, label=label, days=days, within=connection))

    facts = {"account": user, "label": label, "days": days, "by": by}
    audit.append("key-made", now_s, facts, change=change)
    return made[0]


def _insert(connection: Connection, row: dict[str, Any], now_s: float) -> None:
    connection.execute(delete(SESSIONS).where(SESSIONS.c.until_s <= now_s))
    connection.execute(insert(SESSIONS).values(row))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
