"""Sessions: how long each kind holds, what is kept of it, and what it may be shown as."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from api.accounts import Accounts
from api.actors import Actor
from api.audit import Audit
from api.errors import AccountError, StoreError
from api.keys import Keys
from api.recognise import Recogniser
from api.sessions import DAY_S, IDLE_S, SHIFT_S, TOKEN_S, SessionKind, Sessions, make_key
from api.store_tables import SESSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from api.store import Store

NOW_S = 1_772_442_000.0


@pytest.fixture
def audit(store: Store) -> Audit:
    return Audit(store)


@pytest.fixture
def sessions(store: Store, audit: Audit, tmp_path: Path) -> Sessions:
    """Of accounts "ivy" and "uma"."""
    accounts = Accounts(store, Keys(tmp_path), audit)
    for name in ("ivy", "uma"):
        accounts.add(
            name, role="dispatcher", sites=["north"], password=None, by="root", now_s=NOW_S
        )
    return Sessions(store)


def row_of(store: Store) -> Any:
    with store.reading() as connection:
        return connection.execute(select(SESSIONS)).one()


def test_a_session_is_its_accounts(sessions: Sessions) -> None:
    for kind, by in (("browser", "session"), ("token", "token")):
        secret = sessions.begin("ivy", kind, NOW_S).secret  # type: ignore[arg-type]
        assert sessions.actor_of(secret, NOW_S) == Actor(
            "ivy", "dispatcher", "dispatcher", "", frozenset({"north"}), "ivy", by
        )
        assert len(secret) >= 43
        assert "." not in secret  # it would be taken for a JWT
    assert sessions.begin("ivy", "key", NOW_S, days=1).secret.startswith("lastseen_")


@pytest.mark.parametrize("shown", ["", " ", "x", "lastseen_", "ü", "\udcff", "x" * 9999])
def test_anything_else_is_nobodys(sessions: Sessions, shown: str) -> None:
    secret = sessions.begin("ivy", "token", NOW_S).secret
    assert sessions.actor_of(shown, NOW_S) is None
    assert sessions.actor_of(secret + shown, NOW_S) is None or shown == ""
    assert sessions.actor_of(secret[:-1], NOW_S) is None


def test_what_is_kept_cannot_be_presented(sessions: Sessions, store: Store) -> None:
    new = sessions.begin("ivy", "token", NOW_S)
    kept = row_of(store)
    assert new.secret not in repr(tuple(kept)) + repr(new)
    assert sessions.actor_of(kept.digest, NOW_S) is None


@pytest.mark.parametrize(
    ("kind", "used_at", "holds", "over"),
    [
        ("browser", [], IDLE_S - 1, IDLE_S),
        ("browser", [IDLE_S - 1], 2 * IDLE_S - 2, 2 * IDLE_S - 1),
        ("browser", [n * 1000 for n in range(1, 43)], SHIFT_S - 1, SHIFT_S),
        ("token", [], TOKEN_S - 1, TOKEN_S),
        ("token", [TOKEN_S - 1], TOKEN_S - 1, TOKEN_S),
        ("key", [], 90 * DAY_S - 1, 90 * DAY_S),
    ],
)
def test_how_long_each_kind_holds(
    sessions: Sessions, kind: SessionKind, used_at: list[float], holds: float, over: float
) -> None:
    secret = sessions.begin("ivy", kind, NOW_S, days=90).secret
    for after_s in used_at:
        assert sessions.actor_of(secret, NOW_S + after_s) is not None
    assert sessions.actor_of(secret, NOW_S + over) is None
    assert sessions.actor_of(secret, NOW_S + holds) is not None


@pytest.mark.parametrize("days", [None, 0, -1, 366.1, 1e9])
def test_keys_hold_for_a_year_at_most(sessions: Sessions, days: float | None) -> None:
    with pytest.raises(AccountError, match="1 to 366"):
        sessions.begin("ivy", "key", NOW_S, days=days)


def test_that_it_was_used_is_written_once_a_minute(sessions: Sessions, store: Store) -> None:
    secret = sessions.begin("ivy", "browser", NOW_S).secret
    for after_s, noted in [(59, 0), (60, 60), (61, 60), (119, 60), (120, 120)]:
        assert sessions.actor_of(secret, NOW_S + after_s) is not None
        assert row_of(store).used_s == NOW_S + noted


def test_a_use_that_cannot_be_written_turns_nobody_away(
    sessions: Sessions, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = sessions.begin("ivy", "browser", NOW_S).secret

    def full() -> None:
        raise StoreError("disk full")

    monkeypatch.setattr(store, "writing", full)
    assert sessions.actor_of(secret, NOW_S + 90) is not None


def test_sessions_outlive_the_server(sessions: Sessions, store: Store) -> None:
    secret = sessions.begin("ivy", "token", NOW_S).secret
    assert Sessions(store).actor_of(secret, NOW_S + 1) is not None


def test_ending_one_ends_no_other(sessions: Sessions) -> None:
    one, two = (sessions.begin("ivy", "token", NOW_S).secret for _ in range(2))
    sessions.end(one)
    sessions.end("no session")
    assert sessions.actor_of(one, NOW_S) is None
    assert sessions.actor_of(two, NOW_S) is not None


def test_a_token_is_renewed_until_the_shift_is_over(sessions: Sessions) -> None:
    secret, now_s, renewed = sessions.begin("ivy", "token", NOW_S).secret, NOW_S, 0
    while (new := sessions.renew(secret, now_s + 600.0)) is not None:
        now_s += 600.0
        assert sessions.actor_of(secret, now_s) is None
        assert sessions.actor_of(new.secret, now_s) is not None
        assert new.until_s == min(now_s + TOKEN_S, NOW_S + SHIFT_S)
        secret, renewed = new.secret, renewed + 1
    assert renewed == SHIFT_S / 600.0 - 1
    assert sessions.actor_of(secret, NOW_S + SHIFT_S) is None


def test_only_live_tokens_are_renewed_and_only_once(sessions: Sessions) -> None:
    token = sessions.begin("ivy", "token", NOW_S).secret
    browser = sessions.begin("ivy", "browser", NOW_S).secret
    key = sessions.begin("ivy", "key", NOW_S, days=1).secret
    for other in (browser, key, "nothing"):
        assert sessions.renew(other, NOW_S) is None
    assert sessions.actor_of(browser, NOW_S) is not None
    assert sessions.renew(token, NOW_S + TOKEN_S) is None
    made: list[object] = []
    token = sessions.begin("ivy", "token", NOW_S).secret
    threads = [
        threading.Thread(target=lambda: made.append(sessions.renew(token, NOW_S + 1)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in made) == 1


def test_what_is_over_is_not_kept(sessions: Sessions, store: Store) -> None:
    for _ in range(3):
        sessions.begin("ivy", "token", NOW_S)
    sessions.begin("uma", "token", NOW_S + TOKEN_S)
    assert row_of(store).user == "uma"


def test_a_session_is_shown_only_as_what_it_is(sessions: Sessions) -> None:
    recogniser = Recogniser(sessions)
    browser = sessions.begin("ivy", "browser", NOW_S).secret
    token = sessions.begin("ivy", "token", NOW_S).secret
    key = sessions.begin("ivy", "key", NOW_S, days=1).secret
    assert recogniser.by_bearer(browser, NOW_S) is None
    assert recogniser.by_cookie(browser, NOW_S) is not None
    for secret in (token, key):
        assert recogniser.by_bearer(secret, NOW_S) is not None
        assert recogniser.by_cookie(secret, NOW_S) is None
    assert recogniser.by_bearer("a.b.c", NOW_S) is None  # no identity provider
    assert recogniser.by_bearer("x" * 100_000, NOW_S) is None


def test_a_key_is_in_the_audit_and_its_secret_is_not(sessions: Sessions, audit: Audit) -> None:
    made = make_key(sessions, audit, "ivy", label="dispatch", days=90, by="root", now_s=NOW_S)
    assert made.until_s == NOW_S + 90 * DAY_S
    actor = sessions.actor_of(made.secret, NOW_S + 80 * DAY_S)
    assert actor is not None
    assert actor.by == "key"
    entry = next(iter(audit.entries(actions=["key-made"])))
    assert (entry["account"], entry["label"], entry["by"]) == ("ivy", "dispatch", "root")
    assert made.secret not in repr(entry)
    for user, label in [("nobody", "x"), ("ivy", " "), ("ivy", "x" * 201)]:
        with pytest.raises(AccountError):
            make_key(sessions, audit, user, label=label, days=1, by="root", now_s=NOW_S)
