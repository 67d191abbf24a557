"""Signing in: who gets in, what a guesser learns, and that nobody can shut somebody else out."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from pyotp.totp import TOTP

from api.account_rows import use_credentials
from api.accounts import Accounts
from api.audit import Audit
from api.device_cookies import DEVICE_S, DeviceCookies
from api.errors import ProblemError
from api.keys import Keys
from api.passwords import Passwords
from api.request_limits import Limit, Limits, MovingWindow, address_key
from api.sessions import Sessions
from api.sign_in import WRONG, Asked, SignedIn, SignIn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from api.store import Store

NOW_S = 1_772_442_000.0
WORDS = "umbrella trombone lattice"
HOME = "192.0.2.1"


class Door:
    """A sign-in with accounts behind it: "ivy" with a second factor, "uma" and "ed" without.

    "ed" is disabled, "cad" has keys only.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.audit = Audit(store)
        keys = Keys(folder)
        self.passwords = CountedPasswords()
        self.accounts = Accounts(store, keys, self.audit, self.passwords)
        self.sessions = Sessions(store)
        self.keys = keys
        self.store = store
        self.now_s = NOW_S
        uri = self.add("ivy", second_factor=True)
        assert uri is not None
        app = pyotp.parse_uri(uri)
        assert isinstance(app, TOTP)
        self.totp = app
        for name in ("uma", "ed"):
            self.add(name)
        self.add("cad", password=None)
        self.accounts.disable("ed", by="root", now_s=NOW_S)
        self.sign_in = SignIn(self.accounts, self.sessions, keys, self.audit, self.passwords)

    def add(self, name: str, **changed: Any) -> str | None:
        asked = {"password": WORDS, "second_factor": False, **changed}
        return self.accounts.add(name, role="dispatcher", by="root", now_s=NOW_S, **asked)

    def code(self, offset_s: float = 0.0) -> str:
        return self.totp.at(int(self.now_s + offset_s))

    def ask(
        self,
        name: str = "uma",
        password: str = WORDS,
        code: str = "",
        *,
        address: str = HOME,
        device: str | None = None,
    ) -> SignedIn:
        asked = Asked(name, password, code, address, device)
        return self.sign_in.attempt(asked, "browser", self.now_s)

    def refusal(self, *shown: str, **where: Any) -> ProblemError:
        with pytest.raises(ProblemError) as refused:
            self.ask(*shown, **where)
        return refused.value

    def told(self, action: str = "sign-in-refused") -> list[dict[str, Any]]:
        return list(self.audit.entries(actions=[action]))


class CountedPasswords(Passwords):
    """Passwords that say how often, and how often at once, they were checked."""

    def __init__(self) -> None:
        super().__init__()
        self.checked = self.at_once = self.most_at_once = 0
        self.slow_s = 0.0
        self._counting = threading.Lock()

    def verify(self, kept: str | None, password: str) -> bool:
        with self._counting:
            self.checked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.slow_s)
        try:
            return super().verify(kept, password)
        finally:
            with self._counting:
                self.at_once -= 1


class QuickPasswords(CountedPasswords):
    """Passwords that are checked without work, where thousands are tried."""

    def verify(self, kept: str | None, password: str) -> bool:
        self.checked += 1
        return kept is not None and password == WORDS


@pytest.fixture
def door(store: Store, tmp_path: Path) -> Door:
    return Door(store, tmp_path)


def quickly(door: Door) -> QuickPasswords:
    quick = QuickPasswords()
    door.passwords = quick
    door.sign_in = SignIn(door.accounts, door.sessions, door.keys, door.audit, quick)
    return quick


# Who gets in


def test_name_password_and_code_get_in(door: Door) -> None:
    signed_in = door.ask("ivy", WORDS, door.code())
    assert signed_in.account.name == "ivy"
    actor = door.sessions.actor_of(signed_in.session.secret, NOW_S)
    assert actor is not None
    assert actor.by == "session"
    assert actor is not None
    assert actor.name == "ivy"
    for hidden in (signed_in.session.secret, signed_in.device):
        assert hidden not in repr(signed_in)
    (entry,) = door.told("signed-in")
    assert entry.items() >= {"account": "ivy", "address": HOME, "session": "browser"}.items()
    assert signed_in.session.secret not in repr(entry)


def test_names_are_read_as_phones_write_them(door: Door) -> None:
    assert door.ask(" Uma ").account.name == "uma"


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("ivy", WORDS + "x", "right"),
        ("ivy", "", "right"),
        ("ivy", WORDS, "wrong"),
        ("ivy", WORDS, ""),
        ("ivy", WORDS[:-1], "wrong"),
        ("uma", WORDS + "x", ""),
        ("uma", "x" * 5000, ""),
        ("ed", WORDS, ""),
        ("cad", "", ""),
        ("nobody", WORDS, ""),
        ("", "", ""),
        ("not a name at all", WORDS, "123456"),
        ("x" * 200, WORDS, ""),
        ("\ud800", "\ud800", "\ud800"),
    ],
)
def test_whatever_is_wrong_the_answer_and_the_work_are_the_same(
    door: Door, name: str, password: str, code: str
) -> None:
    code = {"right": door.code(), "wrong": door.code(-3600)}.get(code, code)
    refused = door.refusal(name, password, code)
    assert (refused.status, refused.slug, refused.detail) == (401, "sign-in-refused", WRONG)
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert door.passwords.checked == 1
    (entry,) = door.told()
    assert entry["address"] == HOME
    assert len(entry["account"]) <= 64
    assert not password or password not in repr(entry)


def test_what_is_no_name_is_not_recorded_as_one(door: Door) -> None:
    door.refusal("my secret, typed into the wrong field")
    door.refusal("nobody")
    assert [entry["account"] for entry in door.told()] == ["(not a name)", "nobody"]


def test_a_wrong_name_takes_as_long_as_a_wrong_password(door: Door) -> None:
    door.refusal("nobody")  # the hash that is compared with instead is made once

    def took_s(name: str, address: str) -> float:
        begun_s = time.perf_counter()
        door.refusal(name, "wrong wrong wrong", address=address)
        return time.perf_counter() - begun_s

    known, unknown = zip(
        *((took_s("uma", f"192.0.2.{n}"), took_s("nobody", f"198.51.100.{n}")) for n in range(7)),
        strict=True,
    )
    ratio = sorted(known)[3] / sorted(unknown)[3]
    assert 0.5 < ratio < 2.0, (known, unknown)  # without a hash it would be hundreds


def test_a_code_is_used_once(door: Door) -> None:
    code = door.code()
    door.ask("ivy", WORDS, code)
    assert door.refusal("ivy", WORDS, code).status == 401
    door.now_s += 20
    assert door.refusal("ivy", WORDS, code).status == 401
    assert door.refusal("ivy", WORDS, door.code(-30)).status == 401  # older, not used yet
    door.now_s += 30
    door.ask("ivy", WORDS, door.code())
    assert len(door.told("signed-in")) == 2


def test_of_many_with_one_code_at_once_one_gets_in(door: Door) -> None:
    code = door.code()
    got_in: list[bool] = []

    def one(number: int) -> None:
        try:
            door.ask("ivy", WORDS, code, address=f"192.0.2.{number}")
        except ProblemError:
            got_in.append(False)
        else:
            got_in.append(True)

    run_all([partial(one, number) for number in range(6)])
    assert sorted(got_in) == [False] * 5 + [True]


def test_a_wrong_password_does_not_use_the_code_up(door: Door) -> None:
    door.refusal("ivy", "wrong", door.code())
    door.ask("ivy", WORDS, door.code())


def test_a_password_that_was_changed_meanwhile_does_not_get_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed_first(connection: Connection, *shown: Any, **more: Any) -> bool:
        from api.store_tables import USERS

        connection.execute(USERS.update().values({"password_hash": "another"}))
        return use_credentials(connection, *shown, **more)

    monkeypatch.setattr("api.sign_in.use_credentials", changed_first)
    assert door.refusal("uma").status == 401
    monkeypatch.undo()
    door.ask("uma")  # what was tried inside the transaction is undone, too


@pytest.mark.parametrize("name", ["ivy", "uma"])
def test_a_second_factor_that_was_renewed_meanwhile_does_not_get_in(
    door: Door, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Ivy had another one before, Uma none."""
    credentials = door.accounts.credentials

    def renewed_then(name: str) -> object:
        checked = credentials(name)
        door.accounts.renew_second_factor(name, by="root", now_s=door.now_s)
        return checked

    monkeypatch.setattr(door.accounts, "credentials", renewed_then)
    assert door.refusal(name, WORDS, door.code()).status == 401
    assert door.told("signed-in") == []


def test_an_old_hash_is_made_anew(door: Door, store: Store) -> None:
    from argon2 import PasswordHasher

    from api.store_tables import USERS

    old = PasswordHasher(time_cost=1).hash(WORDS)
    with store.writing() as connection:
        connection.execute(USERS.update().where(USERS.c.name == "uma").values(password_hash=old))
    door.ask("uma")
    credentials = door.accounts.credentials("uma")
    assert credentials is not None
    assert credentials.password_hash is not None
    assert not door.passwords.outdated(credentials.password_hash)
    door.ask("uma")


def test_signing_out_is_recorded(door: Door) -> None:
    secret = door.ask("uma").session.secret
    door.sign_in.sign_out("uma", secret, NOW_S)
    assert door.sessions.actor_of(secret, NOW_S) is None
    assert door.told("signed-out")[0]["account"] == "uma"


def run_all(tasks: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_hashes_at_once_at_most_and_no_queue_without_end(door: Door) -> None:
    device = door.ask("uma").device
    door.passwords.slow_s = 0.1
    statuses: list[int] = []

    def guess(number: int, device: str | None = None) -> None:
        try:
            door.ask("uma", "wrong", address=f"192.0.2.{number}", device=device)
        except ProblemError as refused:
            statuses.append(refused.status)

    run_all([partial(guess, n) for n in range(14)] + [partial(guess, n, device) for n in range(3)])
    assert door.passwords.most_at_once == 2
    assert statuses.count(429) == 14 - 9
    assert statuses.count(401) == 9 + 3


# Nobody can shut somebody else out


def test_five_failures_at_one_place_then_wait(door: Door) -> None:
    quick = quickly(door)
    for _ in range(5):
        assert door.refusal("uma", "wrong").status == 401
    assert quick.checked == 5
    refused = door.refusal("uma", WORDS)
    assert (refused.status, refused.slug) == (429, "too-many-attempts")
    assert refused.headers["Retry-After"] == "900"
    assert "15 min" in refused.detail
    assert quick.checked == 5  # not looked at
    door.now_s += 60
    assert door.refusal("uma").headers["Retry-After"] == "840"
    assert door.ask("uma", address="192.0.2.2").account.name == "uma"
    door.now_s += 840
    door.ask("uma")


def test_trying_on_while_locked_out_does_not_make_it_longer(door: Door) -> None:
    quickly(door)
    for _ in range(200):
        door.refusal("uma", "wrong")
        door.now_s += 4
    door.now_s = NOW_S + 900 + 20
    door.ask("uma")


def test_names_that_are_nobodys_are_counted_the_same(door: Door) -> None:
    quickly(door)
    statuses = [door.refusal("nobody", "wrong").status for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_one_address_has_thirty_failures_whatever_the_names(door: Door) -> None:
    quickly(door)
    for number in range(30):
        assert door.refusal(f"name{number}", "wrong").status == 401
    assert door.refusal("uma").status == 429
    door.ask("uma", address="192.0.2.2")


def test_ipv6_is_counted_by_the_customer(door: Door) -> None:
    quickly(door)
    for number in range(30):
        door.refusal(f"name{number}", address=f"2001:db8:1:2::{number:x}")
    assert door.refusal("uma", address="2001:db8:1:2:ffff::1").status == 429
    door.ask("uma", address="2001:db8:1:3::1")


def test_success_forgets_the_failures_before_it(door: Door) -> None:
    quickly(door)
    for _ in range(10):
        for _ in range(2):
            door.refusal("uma", "wrong")
        door.ask("uma")


def test_strangers_cannot_shut_an_owner_out(door: Door) -> None:
    quickly(door)
    device = door.ask("uma").device
    statuses = [
        door.refusal("uma", "wrong", address=f"10.{n // 250}.{n % 250}.7").status
        for n in range(1000)
    ]
    assert statuses == [401] * 100 + [429] * 900
    assert door.refusal("uma", address="192.0.2.9").status == 429  # a new device has to wait
    door.ask("uma", device=device)
    assert door.ask("uma", address="192.0.2.9", device=device).account.name == "uma"
    entries = door.told()
    assert len(entries) <= 61
    door.now_s += 61
    door.refusal("uma", address="192.0.2.9")
    assert door.told()[-1]["others_untold"] > 0


def test_a_new_device_gets_in_while_strangers_are_few(door: Door) -> None:
    quickly(door)
    for n in range(90):
        door.refusal("uma", "wrong", address=f"10.0.{n // 4}.7")
    door.ask("uma", address="192.0.2.9")


def test_a_stolen_device_cookie_guesses_no_faster(door: Door) -> None:
    quickly(door)
    device = door.ask("uma").device
    statuses = [
        door.refusal("uma", "wrong", address=f"10.0.{n}.7", device=device).status for n in range(15)
    ]
    assert statuses == [401] * 10 + [429] * 5


def test_a_device_cookie_is_good_for_accounts_that_signed_in_by_it(door: Door) -> None:
    quickly(door)
    hers = door.ask("uma").device
    for _ in range(5):
        door.refusal("ivy", "wrong", device=hers)
    assert door.refusal("ivy", WORDS, door.code(), device=hers).status == 429
    both = door.ask("ivy", WORDS, door.code(), device=hers, address="192.0.2.2").device
    for name, code in (("uma", ""), ("ivy", door.code(30))):
        for n in range(120):
            door.refusal(name, "wrong", address=f"10.1.{n}.7")
        door.ask(name, WORDS, code, device=both)


@pytest.mark.parametrize("bend", ["", "x", "a.b.c", "{}x", "x{}", "none"])
def test_a_device_cookie_that_was_made_up_is_none(door: Door, bend: str) -> None:
    device = bend.format(door.ask("uma").device)
    if bend == "none":
        import jwt

        said = {"jti": "x", "aud": "lastseen device", "in": {"uma": NOW_S}}
        device = jwt.encode(said, None, algorithm="none")  # type: ignore[arg-type]
    quickly(door)
    for _ in range(5):
        door.refusal("uma", "wrong", device=device)
    assert door.refusal("uma", device=device).status == 429


def test_devices_are_known_for_90_days_and_by_their_own_server() -> None:
    cookies = DeviceCookies(b"k" * 32)
    first = cookies.write(None, "uma", NOW_S)
    device = cookies.read(first)
    assert device is not None
    assert device.knows("uma", NOW_S + DEVICE_S - 1)
    assert not device.knows("uma", NOW_S + DEVICE_S)
    assert not device.knows("uma", NOW_S - 1)
    assert not device.knows("ivy", NOW_S)
    assert DeviceCookies(b"o" * 32).read(first) is None
    for n in range(40):
        device = cookies.read(cookies.write(device, f"name{n}", NOW_S + n))
        assert device is not None
    assert len(device.signed_in_s) == 12
    assert device.knows("name39", NOW_S + 50)
    assert not device.knows("uma", NOW_S + 50)


# Windows


def test_a_window_moves() -> None:
    window = MovingWindow(Limit(2, 10.0))
    for at_s, wait_s in [(0.0, 0.0), (4.0, 0.0), (5.0, 5.0), (10.0, 0.0), (11.0, 3.0)]:
        assert window.wait_s("k", at_s) == wait_s
        if wait_s == 0.0:
            window.count("k", at_s)
    assert window.wait_s("other", 11.0) == 0.0


def test_a_clock_that_is_set_back_holds_nobody_up() -> None:
    window = MovingWindow(Limit(1, 10.0))
    window.count("k", 1e6)
    assert window.wait_s("k", 0.0) == 0.0


def test_a_window_forgets_what_is_over_and_who_was_quiet_longest() -> None:
    window = MovingWindow(Limit(2, 10.0), most_keys=3)
    for at_s, key in enumerate("abcd"):
        window.count(key, at_s)
    assert len(window) == 3
    window.count("e", 100.0)
    assert len(window) == 1


def test_several_windows_count_all_or_none() -> None:
    limits = Limits({"small": Limit(1, 10.0), "large": Limit(3, 60.0)})
    assert limits.take([("small", "a"), ("large", "x")], 0.0) == 0.0
    for _ in range(5):
        assert limits.take([("small", "a"), ("large", "x")], 1.0) == 9.0
    assert limits.take([("large", "x")], 1.0) == 0.0
    assert limits.take([("large", "x")], 1.0) == 0.0
    assert limits.take([("large", "x")], 1.0) == 59.0
    limits.give_back([("large", "x")], 0.0)
    assert limits.take([("large", "x")], 1.0) == 0.0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("x" * 900, "x" * 64),
    ],
)
def test_what_an_address_is_counted_as(address: str, key: str) -> None:
    assert address_key(address) == key
