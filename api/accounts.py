"""Accounts: who may sign in, and what they are. Every change is an entry of the audit.

What changes an account so that somebody else should hold it from now on, or nobody (password,
second factor, role, disabling), ends all of its sessions in the same transaction.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from . import second_factor
from .account_rows import Account, Credentials, account_of_row, checked_facts
from .errors import AccountError, SealError
from .passwords import Passwords, check_password
from .sealing import seal, unseal
from .store_tables import SESSIONS, USERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Row

    from .actors import Role
    from .audit import Audit
    from .keys import Keys
    from .store import Store

_SEALED_FOR = "second factors"

_log = logging.getLogger(__name__)


class Accounts:
    """The accounts of a server. Safe to use from any thread and process.

    Args:
        store: the database.
        keys: seal the secrets of second factors.
        audit: told of every change.
        passwords: hashes them; made where not given.
    """

    def __init__(
        self, store: Store, keys: Keys, audit: Audit, passwords: Passwords | None = None
    ) -> None:
        self._store = store
        self._keys = keys
        self._audit = audit
        self._passwords = passwords or Passwords()

    def add(
        self,
        name: str,
        *,
        role: Role,
        password: str | None,
        by: str,
        now_s: float,
        acts_as: str | None = None,
        agency: str = "",
        sites: Collection[str] | None = None,
        full_name: str = "",
        second_factor: bool = True,
    ) -> str | None:
        """Make an account; return what an authenticator app reads, None without a second factor.

        Args:
            name: unique name.
            role: what they are to this program.
            password: None where it is recognised by keys only.
            by: who makes it.
            now_s: Unix seconds.
            acts_as: their role in agreements; as `role` where not given.
            agency: the agency or district they belong to.
            sites: ids of the sites they may ask about; None for all.
            full_name: as people call them; the name where not given.
            second_factor: whether signing in takes a code; never without a password.

        Raises:
            AccountError: there is one of this name, or something is not as it must be.
            AuditError: it was not made.
        """
        facts = checked_facts(
            name, {"role": role, "acts_as": acts_as or role, "agency": agency,
                   "sites": sites, "full_name": full_name or name},
        )  # fmt: skip
        if password is not None:
            check_password(password, (name, facts["full_name"], agency))
        secret = self._new_secret(name) if second_factor and password is not None else None
        row = {
            **facts,
            "name": name,
            "password_hash": None if password is None else self._passwords.hash(password),
            "totp_sealed": None if secret is None else secret.sealed,
            "totp_used": 0,
            "disabled": False,
            "created_s": now_s,
        }

        def change(connection: Connection) -> None:
            if connection.execute(select(USERS.c.name).where(USERS.c.name == name)).first():
                raise AccountError(f"account {name}: is there already; choose another name")
            connection.execute(insert(USERS).values(row))

        told = {"second_factor": secret is not None, "password": password is not None}
        self._audit.append(
            "account-added", now_s, {"account": name, **facts, **told, "by": by}, change=change
        )
        return None if secret is None else secret.uri

    def get(self, name: str) -> Account | None:
        """Return the account of that name; None where there is none."""
        row = self._row(name)
        return None if row is None else account_of_row(row)

    def list(self) -> tuple[Account, ...]:
        """Return all accounts, by name."""
        with self._store.reading() as connection:
            rows = connection.execute(select(USERS).order_by(USERS.c.name)).all()
        return tuple(account_of_row(row) for row in rows)

    def change(  # noqa: D417 - the others are those of an account
        self,
        name: str,
        *,
        by: str,
        now_s: float,
        role: Role | None = None,
        acts_as: str | None = None,
        agency: str | None = None,
        sites: Collection[str] | None = None,
        all_sites: bool = False,
        full_name: str | None = None,
    ) -> Account:
        """Change what an account is, end its sessions, and return it.

        Args:
            all_sites: it may ask about all sites; `sites` is not looked at then.

        Raises:
            AccountError: there is none of this name, or something is not as it must be.
            AuditError: it was not changed.
        """
        named = {"role": role, "acts_as": acts_as, "agency": agency, "full_name": full_name}
        asked: dict[str, Any] = {key: value for key, value in named.items() if value is not None}
        if all_sites or sites is not None:
            asked["sites"] = None if all_sites else sites
        if not asked:
            raise AccountError(f"account {name}: nothing to change was named")
        facts = checked_facts(name, asked)
        self._change(name, facts, facts, by=by, now_s=now_s)
        return self._known(name)

    def set_password(self, name: str, password: str, *, by: str, now_s: float) -> None:
        """Give an account another password and end its sessions.

        Raises:
            AccountError: there is none of this name, or the password will not do.
            AuditError: it was not changed.
        """
        account = self._known(name)
        check_password(password, (name, account.full_name, account.agency))
        row = {"password_hash": self._passwords.hash(password)}
        self._change(name, row, {"changed": "password"}, by=by, now_s=now_s)

    def renew_second_factor(self, name: str, *, by: str, now_s: float) -> str:
        """Return what an authenticator app reads; codes of the app before do not hold any more.

        Raises:
            AccountError: there is none of this name.
            AuditError: it was not changed.
        """
        secret = self._new_secret(name)
        row = {"totp_sealed": secret.sealed, "totp_used": 0}
        self._change(name, row, {"changed": "second factor"}, by=by, now_s=now_s)
        return secret.uri

    def disable(self, name: str, *, by: str, now_s: float) -> None:
        """Let nobody in by this account any more.

        Raises:
            AccountError: there is none of this name.
            AuditError: it was not changed.
        """
        self._change(name, {"disabled": True}, {"disabled": True}, by=by, now_s=now_s)

    def enable(self, name: str, *, by: str, now_s: float) -> None:
        """Let people in by this account again.

        Raises:
            AccountError: there is none of this name.
            AuditError: it was not changed.
        """
        self._change(name, {"disabled": False}, {"disabled": False}, by=by, now_s=now_s)

    def sign_out(self, name: str, *, by: str, now_s: float) -> None:
        """End all sessions and keys of an account.

        Raises:
            AccountError: there is none of this name.
            AuditError: they were not ended.
        """
        self._change(name, {}, {"changed": "sessions ended"}, by=by, now_s=now_s)

    def credentials(self, name: str) -> Credentials | None:
        """Return what signing in is checked against; None where nobody can sign in."""
        row = self._row(name)
        if row is None or row.disabled or row.password_hash is None:
            return None
        secret = None
        if row.totp_sealed is not None:
            try:
                secret = unseal(self._sealing_key(), row.totp_sealed, name).decode()
            except SealError:
                _log.error("account %s: its second factor does not open; renew it", name)
                return None
        return Credentials(account_of_row(row), row.password_hash, secret, row.totp_sealed)

    def _known(self, name: str) -> Account:
        account = self.get(name)
        if account is None:
            raise AccountError(f"account {name[:64]!r}: there is none; `lastseen users list`")
        return account

    def _row(self, name: str) -> Row[Any] | None:
        with self._store.reading() as connection:
            return connection.execute(select(USERS).where(USERS.c.name == name)).first()

    def _change(
        self, name: str, row: dict[str, Any], facts: dict[str, Any], *, by: str, now_s: float
    ) -> None:
        self._known(name)

        def change(connection: Connection) -> None:
            if row:
                connection.execute(update(USERS).where(USERS.c.name == name).values(row))
            connection.execute(delete(SESSIONS).where(SESSIONS.c.user == name))

        self._audit.append(
            "account-changed", now_s, {"account": name, **facts, "by": by}, change=change
        )

    def _sealing_key(self) -> bytes:
        return self._keys.derived(_SEALED_FOR)

    def _new_secret(self, name: str) -> _NewSecret:
        secret = second_factor.new_secret()
        sealed = seal(self._sealing_key(), secret.encode(), name)
        return _NewSecret(sealed, second_factor.provisioning_uri(secret, name))


@dataclass(frozen=True, slots=True)
class _NewSecret:
    """A second factor that was made just now."""

    sealed: bytes = field(repr=False)
    uri: str = field(repr=False)
