"""Accounts as they lie in the database, and the rules of what they may be called and hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import update

from .actors import MACHINE, ROLES, Actor, Role
from .errors import AccountError
from .store_tables import USERS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
"""Names that accounts may have."""

_ACTS_AS = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MOST_TEXT = 200
_MOST_SLUG = 60


@dataclass(frozen=True, slots=True)
class Account:
    """An account, without what it signs in by.

    Attributes:
        name: unique name.
        full_name: as people call them.
        role: what they are to this program.
        acts_as: their role in agreements.
        agency: the agency or district they belong to.
        sites: ids of the sites they may ask about; None for all.
        has_password: whether it can sign in; a program's account may have keys only.
        has_second_factor: whether signing in takes a code.
        disabled: whether it is locked by hand.
        created_s: when it was made, Unix seconds.
    """

    name: str
    full_name: str
    role: Role
    acts_as: str
    agency: str
    sites: frozenset[str] | None
    has_password: bool
    has_second_factor: bool
    disabled: bool
    created_s: float

    def actor(self, by: str) -> Actor:
        """Return who asks when this account does.

        Args:
            by: how it was recognised.
        """
        return Actor(
            self.name, self.role, self.acts_as, self.agency, self.sites, self.full_name, by
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in to an account is checked against; none of it is shown."""

    account: Account
    password_hash: str | None = field(repr=False)
    totp_secret: str | None = field(repr=False)
    totp_sealed: bytes | None = field(repr=False)


def use_credentials(
    connection: Connection, used: Credentials, *, step: int | None, new_hash: str | None
) -> bool:
    """Take the code's time step; whether it was free and the account is as it was checked.

    One statement, so that of two who present the same code at once one is refused.

    Args:
        connection: of the transaction that begins the session.
        used: what was checked.
        step: the time step of the code; None without a second factor.
        new_hash: the password's hash, where it was made anew.
    """
    values: dict[str, Any] = {"password_hash": new_hash or used.password_hash}
    is_ours = [
        USERS.c.name == used.account.name,
        USERS.c.password_hash == used.password_hash,
        USERS.c.disabled.is_(False),
        USERS.c.totp_sealed.is_(None)
        if used.totp_sealed is None
        else USERS.c.totp_sealed == used.totp_sealed,
    ]
    if step is not None:
        values["totp_used"] = step
        is_ours.append(USERS.c.totp_used < step)
    changed = connection.execute(
        update(USERS).where(*is_ours).values(values).returning(USERS.c.name)
    )
    return changed.first() is not None


def account_of_row(row: Row[Any]) -> Account:
    """Return the account that a row of the users is."""
    return Account(
        name=row.name,
        full_name=row.full_name,
        role=cast("Role", row.role),
        acts_as=row.acts_as,
        agency=row.agency,
        sites=None if row.sites is None else frozenset(row.sites),
        has_password=row.password_hash is not None,
        has_second_factor=row.totp_sealed is not None,
        disabled=row.disabled,
        created_s=row.created_s,
    )


def checked_facts(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of an account as they are kept.

    Raises:
        AccountError: one of them is not as it must be.
    """
    if not NAME.fullmatch(name) or name == MACHINE.name:
        raise AccountError(
            f"account {name[:64]!r}: a name has 1 to 63 of a-z 0-9 . _ - and begins with a letter "
            f"or digit; {MACHINE.name!r} is this program's own"
        )
    if facts.get("role", ROLES[0]) not in ROLES:
        raise AccountError(f"account {name}: role {facts['role']!r}: one of {', '.join(ROLES)}")
    acts_as = facts.get("acts_as", "x")
    if not _ACTS_AS.fullmatch(acts_as) or len(acts_as) > _MOST_SLUG:
        raise AccountError(
            f"account {name}: acts as {acts_as[:64]!r}: write it as agreements do, e.g. "
            "school-principal"
        )
    for key in ("full_name", "agency"):
        text = facts.get(key, "")
        if len(text) > _MOST_TEXT or not text.isprintable():
            raise AccountError(f"account {name}: {key}: at most {_MOST_TEXT} printable characters")
    if facts.get("sites") is not None:
        facts = {**facts, "sites": sorted(set(facts["sites"]))}
    return facts
