"""Keys of accounts, which programs hold: which there are, and the end of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from .errors import AccountError
from .store_tables import SESSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .audit import Audit
    from .store import Store

_ID_DIGITS = 12


@dataclass(frozen=True, slots=True)
class AccountKey:
    """One key, without what is presented.

    Attributes:
        id: what it is called by here: the beginning of its hash.
        label: what people know it by.
        begun_s: when it was made, Unix seconds.
        used_s: when it was last used, to the minute.
        until_s: when it ends by itself.
    """

    id: str
    label: str
    begun_s: float
    used_s: float
    until_s: float


def keys_of(store: Store, user: str, now_s: float) -> tuple[AccountKey, ...]:
    """Return the live keys of an account, the newest first.

    Raises:
        StoreError: the database does not answer.
    """
    wanted = (
        select(SESSIONS)
        .where(SESSIONS.c.user == user, SESSIONS.c.kind == "key", SESSIONS.c.until_s > now_s)
        .order_by(SESSIONS.c.begun_s.desc())
    )
    with store.reading() as connection:
        rows = connection.execute(wanted).all()
    return tuple(
        AccountKey(row.digest[:_ID_DIGITS], row.label, row.begun_s, row.used_s, row.until_s)
        for row in rows
    )


def end_key(audit: Audit, user: str, key: str, *, by: str, now_s: float) -> None:
    """End one key of an account; its sessions and other keys go on.

    Args:
        audit: told of it.
        user: name of the account.
        key: its id, as `keys_of` gives it.
        by: who ends it.
        now_s: Unix seconds.

    Raises:
        AccountError: there is no such key.
        AuditError: it was not ended.
    """

    def change(connection: Connection) -> None:
        ours = (SESSIONS.c.user == user, SESSIONS.c.kind == "key")
        found = [
            digest
            for digest in connection.execute(select(SESSIONS.c.digest).where(*ours)).scalars()
            if digest[:_ID_DIGITS] == key
        ]
        if len(found) != 1:
            raise AccountError(
                f"account {user[:64]!r} has no key {key[:64]!r}; 'lastseen users keys' lists them"
            )
        connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == found[0]))

    facts = {"account": user, "key": key, "by": by}
    audit.append("key-ended", now_s, facts, change=change)
