"""Accounts: what is taken, what is kept of it, what the audit hears, and what ends sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from pyotp.totp import TOTP
from sqlalchemy import select, text

from api.accounts import Accounts
from api.audit import Audit
from api.errors import AccountError, AuditError
from api.keys import Keys
from api.passwords import Passwords, check_password
from api.second_factor import STEP_S, new_secret, provisioning_uri, step_of
from api.sessions import Sessions
from api.store_tables import USERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.store import Store

NOW_S = 1_772_442_000.0
WORDS = "umbrella trombone lattice"
OTHER = "granite violin pelican"


@pytest.fixture
def audit(store: Store) -> Audit:
    return Audit(store)


@pytest.fixture
def accounts(store: Store, audit: Audit, tmp_path: Path) -> Accounts:
    return Accounts(store, Keys(tmp_path), audit)


def add(accounts: Accounts, name: str = "ivy", **changed: Any) -> str | None:
    asked: dict[str, Any] = {
        "role": "dispatcher", "acts_as": "dispatch", "agency": "County", "full_name": "Ivy Doe",
        "sites": ["north", "east"], "password": WORDS, "by": "root", "now_s": NOW_S,
    }  # fmt: skip
    return accounts.add(name, **(asked | changed))


def test_an_account_is_what_was_asked_for(accounts: Accounts) -> None:
    uri = add(accounts)
    assert uri is not None
    assert uri.startswith("otpauth://totp/lastseen:ivy?secret=")
    account = accounts.get("ivy")
    assert account is not None
    assert (account.role, account.acts_as, account.agency) == ("dispatcher", "dispatch", "County")
    assert account.sites == frozenset({"north", "east"})
    assert account.has_password
    assert account.has_second_factor
    assert not account.disabled
    actor = account.actor("session")
    assert (actor.name, actor.full_name, actor.by) == ("ivy", "Ivy Doe", "session")
    assert actor.may("open", "north")
    assert not actor.may("open", "south")
    assert accounts.get("nobody") is None


def test_defaults_are_the_careful_ones_but_for_the_sites(accounts: Accounts) -> None:
    add(accounts, acts_as=None, full_name="", sites=None)
    assert add(accounts, "bare", second_factor=False) is None
    assert add(accounts, "cad", role="system", password=None) is None
    bare, cad, ivy = accounts.list()
    assert (ivy.acts_as, ivy.full_name, ivy.sites) == ("dispatcher", "ivy", None)
    assert (bare.has_password, bare.has_second_factor) == (True, False)
    assert (cad.has_password, cad.has_second_factor) == (False, False)


def test_nothing_that_opens_an_account_lies_readable(
    accounts: Accounts, store: Store, audit: Audit
) -> None:
    uri = add(accounts)
    assert uri is not None
    secret = pyotp.parse_uri(uri).secret
    with store.reading() as connection:
        row = connection.execute(select(USERS)).one()
    assert row.password_hash.startswith("$argon2id$")
    kept = repr(tuple(row)) + b"".join(audit.lines()).decode()
    for hidden in (WORDS, secret):
        assert hidden not in kept
    credentials = accounts.credentials("ivy")
    assert credentials is not None
    assert credentials.totp_secret == secret
    assert secret not in repr(credentials)
    assert "argon2" not in repr(credentials)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": ""}, "a name has"),
        ({"name": "Ivy"}, "a name has"),
        ({"name": ".ivy"}, "a name has"),
        ({"name": "ivy\n"}, "a name has"),
        ({"name": "i" * 64}, "a name has"),
        ({"name": "oidc:ivy"}, "a name has"),
        ({"name": "lastseen"}, "this program's own"),
        ({"role": "chief"}, "one of dispatcher"),
        ({"acts_as": "School Principal"}, "as agreements do"),
        ({"acts_as": "x" * 61}, "as agreements do"),
        ({"full_name": "I" * 201}, "full_name"),
        ({"agency": "a\x1b[31m"}, "agency"),
        ({"password": "short"}, "12 to 128"),
        ({"password": "ivyivyivyivy"}, "choose another"),
        ({"password": "x" * 129}, "12 to 128"),
    ],
)
def test_what_will_not_do_is_refused_whole(
    accounts: Accounts, audit: Audit, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(AccountError, match=said) as refused:
        add(accounts, **changed)
    assert changed.get("password", "no password") not in str(refused.value)
    assert accounts.list() == ()
    assert list(audit.entries()) == []


def test_a_name_is_taken_once(accounts: Accounts, audit: Audit) -> None:
    add(accounts, "i" * 63)
    with pytest.raises(AccountError, match="is there already"):
        add(accounts, "i" * 63, full_name="Another")
    assert [account.full_name for account in accounts.list()] == ["Ivy Doe"]
    assert len(list(audit.entries())) == 1


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("password1234", "password"),
        ("aaaaaaaaaaaaaaaa", "password"),
        ("qwertyuiop123456", "password"),
        ("county dispatch 1", "password"),  # what stands near the account
        ("elevenchars", "has 11 characters"),
    ],
)
def test_what_is_guessed_first_is_no_password(password: str, said: str) -> None:
    with pytest.raises(AccountError, match=said) as refused:
        check_password(password, ("ivy", "Ivy Doe", "county dispatch"))
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [WORDS, "zebrafinch lodge 7", "пингвин балкон арбуз", "correct horse battery staple " * 4,
     "umbrella trombone lattice" + "x" * 103],
)  # fmt: skip
def test_any_characters_will_do_where_they_are_many(password: str) -> None:
    check_password(password, ("ivy",))


def test_every_character_of_a_password_counts() -> None:
    passwords = Passwords()
    long = "umbrella trombone lattice " * 4 + "and so on to the end"
    assert 100 < len(long) <= 128
    kept = passwords.hash(long)
    assert passwords.verify(kept, long)
    assert not passwords.verify(kept, long[:-1])
    assert not passwords.verify(kept, long + "x" * 100)
    assert not passwords.verify(None, long)
    assert not passwords.verify("no hash at all", long)
    assert not passwords.verify(kept, "\ud800")
    assert not passwords.outdated(kept)
    assert passwords.outdated(kept.replace("t=3", "t=2"))


def test_a_letter_is_the_same_from_any_keyboard() -> None:
    passwords = Passwords()
    assert passwords.verify(passwords.hash("caf\u00e9 umbrella"), "cafe\u0301 umbrella")


ENDING: dict[str, tuple[Callable[[Accounts], object], dict[str, object]]] = {
    "password": (
        lambda a: a.set_password("ivy", OTHER, by="root", now_s=NOW_S + 1),
        {"changed": "password"},
    ),
    "second factor": (
        lambda a: a.renew_second_factor("ivy", by="root", now_s=NOW_S + 1),
        {"changed": "second factor"},
    ),
    "role": (
        lambda a: a.change("ivy", role="auditor", by="root", now_s=NOW_S + 1),
        {"role": "auditor"},
    ),
    "sites": (
        lambda a: a.change("ivy", sites=["south"], by="root", now_s=NOW_S + 1),
        {"sites": ["south"]},
    ),
    "disabled": (lambda a: a.disable("ivy", by="root", now_s=NOW_S + 1), {"disabled": True}),
    "signed out": (
        lambda a: a.sign_out("ivy", by="root", now_s=NOW_S + 1),
        {"changed": "sessions ended"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ENDING)
def test_a_change_ends_sessions_and_is_in_the_audit(
    accounts: Accounts, audit: Audit, store: Store, what: str
) -> None:
    change, told = ENDING[what]
    add(accounts)
    add(accounts, "uma")
    sessions = Sessions(store)
    hers = [sessions.begin("ivy", kind, NOW_S).secret for kind in ("browser", "token")]
    hers.append(sessions.begin("ivy", "key", NOW_S, days=9).secret)
    others = sessions.begin("uma", "token", NOW_S).secret
    change(accounts)
    assert [sessions.actor_of(secret, NOW_S + 2) for secret in hers] == [None] * 3
    assert sessions.actor_of(others, NOW_S + 2) is not None
    entry = list(audit.entries())[-1]
    assert entry["action"] == "account-changed"
    assert entry.items() >= {"account": "ivy", "by": "root", **told}.items()


def test_disabled_accounts_have_no_credentials_until_they_are_enabled(accounts: Accounts) -> None:
    add(accounts)
    accounts.disable("ivy", by="root", now_s=NOW_S)
    assert accounts.credentials("ivy") is None
    accounts.enable("ivy", by="root", now_s=NOW_S)
    assert accounts.credentials("ivy") is not None


def test_changes_of_nobody_and_of_nothing_are_refused(accounts: Accounts, audit: Audit) -> None:
    with pytest.raises(AccountError, match="there is none"):
        accounts.disable("nobody", by="root", now_s=NOW_S)
    with pytest.raises(AccountError, match="there is none"):
        accounts.renew_second_factor("nobody", by="root", now_s=NOW_S)
    add(accounts)
    with pytest.raises(AccountError, match="nothing to change"):
        accounts.change("ivy", by="root", now_s=NOW_S)
    with pytest.raises(AccountError, match="one of dispatcher"):
        accounts.change("ivy", role="chief", by="root", now_s=NOW_S)  # type: ignore[arg-type]
    assert len(list(audit.entries())) == 1
    assert accounts.change("ivy", all_sites=True, by="root", now_s=NOW_S).sites is None


def test_an_account_that_cannot_be_recorded_is_not_made(accounts: Accounts, store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("DROP TABLE audit"))
    with pytest.raises(AuditError):
        add(accounts)
    assert accounts.list() == ()


def test_a_second_factor_of_another_key_lets_nobody_in(
    accounts: Accounts, store: Store, audit: Audit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(accounts)
    assert Accounts(store, Keys(tmp_path / "other"), audit).credentials("ivy") is None
    assert "second factor does not open" in caplog.text


def test_a_second_factor_moved_to_another_account_does_not_open(
    accounts: Accounts, store: Store
) -> None:
    add(accounts)
    add(accounts, "uma")
    with store.writing() as connection:
        sealed = select(USERS.c.totp_sealed).where(USERS.c.name == "uma").scalar_subquery()
        connection.execute(USERS.update().where(USERS.c.name == "ivy").values(totp_sealed=sealed))
    assert accounts.credentials("ivy") is None


def test_codes_hold_one_step_around_now() -> None:
    secret = new_secret()
    step = int(NOW_S // STEP_S)
    made = TOTP(secret)
    for offset, found in [(-2, None), (-1, step - 1), (0, step), (1, step + 1), (2, None)]:
        assert step_of(secret, made.at(int(NOW_S) + offset * STEP_S), NOW_S) == found
    code = made.at(int(NOW_S))
    assert step_of(secret, f" {code[:3]} {code[3:]} ", NOW_S) == step
    for wrong in ("", code[:5], code + "0", "abcdef", "١٢٣٤٥٦", "-" + code[1:]):
        assert step_of(secret, wrong, NOW_S) is None


def test_codes_are_those_of_rfc_6238() -> None:
    # Appendix B, SHA-1, the last six of eight digits; the secret is "12345678901234567890".
    shared = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for at_s, code in [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]:
        assert step_of(shared, code, at_s) == at_s // 30
    app = pyotp.parse_uri(provisioning_uri(shared, "ivy"))
    assert isinstance(app, TOTP)
    assert app.at(59) == "287082"
