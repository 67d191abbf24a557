"""Signing in: a name, a password and a code become a session.

Whoever guesses learns nothing: the words, and the work that is done, are the same whichever of the
three is wrong, and whether or not there is such an account. Hashing takes memory on purpose, so
one is made at a time for strangers, and one for devices that signed in before: a flood of strangers
delays no owner of an account who comes back.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import second_factor
from .account_rows import NAME, use_credentials
from .device_cookies import DeviceCookies
from .errors import AccountError, ProblemError
from .passwords import Passwords
from .request_limits import Limit, Limits
from .sign_in_limits import SignInLimits, TooMany

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from .account_rows import Account, Credentials
    from .accounts import Accounts
    from .audit import Audit
    from .device_cookies import Device
    from .keys import Keys
    from .sessions import NewSession, SessionKind, Sessions
    from .sign_in_limits import Taken

WRONG = "The name, the password or the code is not right."
"""All that is said of what was wrong."""

_MOST_NAME = 64
_MOST_STRANGERS_WAITING = 8
_BUSY_S = 2.0
_MINUTES_FROM_S = 120
_TOLD_OF_A_LIMIT = Limit(1, 60.0)
_TOLD_ALTOGETHER = Limit(60, 60.0)  # entries of failures; 30 MB a day at the very worst


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who wants to sign in.

    Attributes:
        name: the account's name, as it was typed.
        password: as it was typed.
        code: of the second factor; "" where none was given.
        address: where from.
        device: the device cookie; None without one.
    """

    name: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody who has signed in.

    Attributes:
        account: whom.
        session: what they hold from now on.
        device: the device cookie from now on.
    """

    account: Account
    session: NewSession
    device: str = field(repr=False)


class SignIn:
    """Lets people in. Safe to use from any thread.

    Args:
        accounts: whom.
        sessions: begun for whoever gets in.
        keys: sign device cookies.
        audit: told of every attempt.
        passwords: checks them; made where not given.
    """

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        keys: Keys,
        audit: Audit,
        passwords: Passwords | None = None,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._audit = audit
        self._cookies = DeviceCookies(keys.derived("device cookies"))
        self._passwords = passwords or Passwords()
        self._limits = SignInLimits()
        self._told = Limits({"limit": _TOLD_OF_A_LIMIT, "all": _TOLD_ALTOGETHER})
        self._untold = 0
        self._untold_lock = threading.Lock()
        self._for_strangers = threading.Lock()
        self._for_known = threading.Lock()
        self._places = threading.BoundedSemaphore(_MOST_STRANGERS_WAITING + 1)
        self._no_secret = second_factor.new_secret()

    def attempt(self, asked: Asked, kind: SessionKind, now_s: float) -> SignedIn:
        """Return the session of whoever showed all that it takes.

        Args:
            asked: what they showed.
            kind: "browser" or "token".
            now_s: Unix seconds.

        Raises:
            ProblemError: 401 where something is wrong, 429 where it was tried too often.
            AuditError: nobody is let in without an entry of the audit.
        """
        name = asked.name.strip().lower()[:_MOST_NAME]
        device = self._cookies.read(asked.device)
        known = device if device is not None and device.knows(name, now_s) else None
        taken = self._limits.take(name, asked.address, known.id if known else None, now_s)
        if isinstance(taken, TooMany):
            if self._told.take([("limit", " ".join(taken.place))], now_s) == 0.0:
                self._tell_refusal(name, asked, known, now_s, why=f"limit by {taken.place[0]}")
            raise _too_many(taken.wait_s)
        with self._turn(known, taken):
            credentials = self._accounts.credentials(name) if NAME.fullmatch(name) else None
            new_hash, step = self._check(credentials, asked, now_s)
        if credentials is not None and new_hash is not None:
            session = self._begin(credentials, asked, kind, now_s, step, new_hash)
            if session is not None:
                self._limits.succeeded(taken)
                cookie = self._cookies.write(device, name, now_s)
                return SignedIn(credentials.account, session, cookie)
        self._tell_refusal(name, asked, known, now_s, why="")
        raise ProblemError(
            401,
            "sign-in-refused",
            "Nobody was signed in",
            WRONG,
            {"WWW-Authenticate": 'Bearer realm="lastseen"'},
        )

    def device_of(self, cookie: str | None, now_s: float) -> str | None:
        """Return the id of a device that signed in to any account lately; None for any other.

        Args:
            cookie: the device cookie; None without one.
            now_s: Unix seconds.
        """
        device = self._cookies.read(cookie)
        known = device and any(device.knows(name, now_s) for name in device.signed_in_s)
        return device.id if device and known else None

    def sign_out(self, account: str, secret: str, now_s: float) -> None:
        """End a session, by whoever holds it.

        Raises:
            AuditError: it was not ended.
        """
        self._audit.append(
            "signed-out",
            now_s,
            {"account": account},
            change=lambda connection: self._sessions.end(secret, within=connection),
        )

    def _check(
        self, credentials: Credentials | None, asked: Asked, now_s: float
    ) -> tuple[str | None, int | None]:
        """The hash to keep, None where something is wrong, and the time step of the code."""
        kept = credentials.password_hash if credentials else None
        secret = credentials.totp_secret if credentials else None
        right = self._passwords.verify(kept, asked.password)
        step = second_factor.step_of(secret or self._no_secret, asked.code, now_s)
        if secret is None:
            step = None
        elif step is None:
            right = False
        if not right or kept is None:
            return None, None
        outdated = self._passwords.outdated(kept)
        return self._passwords.hash(asked.password) if outdated else kept, step

    def _begin(
        self,
        credentials: Credentials,
        asked: Asked,
        kind: SessionKind,
        now_s: float,
        step: int | None,
        new_hash: str,
    ) -> NewSession | None:
        """The session; None where the code was used before or the account changed meanwhile."""
        begun: list[NewSession] = []
        name = credentials.account.name

        def change(connection: Connection) -> None:
            if not use_credentials(connection, credentials, step=step, new_hash=new_hash):
                raise AccountError(f"account {name}: the code was used, or the account changed")
            begun.append(self._sessions.begin(name, kind, now_s, within=connection))

        facts = {"account": name, "address": asked.address, "session": kind}
        try:
            self._audit.append("signed-in", now_s, facts, change=change)
        except AccountError:
            return None
        return begun[0]

    def _tell_refusal(
        self, name: str, asked: Asked, known: Device | None, now_s: float, *, why: str
    ) -> None:
        """Write a refusal into the audit, unless there are so many that they are only counted."""
        with self._untold_lock:
            if self._told.take([("all", "")], now_s) > 0.0:
                self._untold += 1
                return
            untold, self._untold = self._untold, 0
        facts = {
            # What is no name may be a password that was typed into the wrong field.
            "account": name if NAME.fullmatch(name) else "(not a name)",
            "address": asked.address,
            "known_device": known is not None,
            **({"because": why} if why else {}),
            **({"others_untold": untold} if untold else {}),
        }
        self._audit.append("sign-in-refused", now_s, facts)

    @contextmanager
    def _turn(self, known: Device | None, taken: Taken) -> Iterator[None]:
        """Wait for one's turn to have a password checked.

        Raises:
            ProblemError: too many strangers wait already.
        """
        if known is not None:
            with self._for_known:
                yield
            return
        if not self._places.acquire(blocking=False):
            self._limits.give_back(taken)
            raise _too_many(_BUSY_S)
        try:
            with self._for_strangers:
                yield
        finally:
            self._places.release()


def _too_many(wait_s: float) -> ProblemError:
    wait = max(math.ceil(wait_s), 1)
    words = f"{wait} s" if wait < _MINUTES_FROM_S else f"{math.ceil(wait / 60)} min"
    return ProblemError(
        429,
        "too-many-attempts",
        "Too many attempts",
        f"Signing in was tried too often. Try again in {words}.",
        {"Retry-After": str(wait)},
    )
