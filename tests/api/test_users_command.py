"""`lastseen users`: accounts are made, changed and shown; secrets are printed once."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pyotp
import pytest
from pyotp.totp import TOTP
from typer.testing import CliRunner, Result

from api.accounts import Accounts
from api.audit import machine_user
from api.commands.users import app
from api.errors import AccountError, ApiError
from api.passwords import Passwords
from api.record import opened_record
from api.sessions import DAY_S, Sessions

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "umbrella trombone lattice"
OTHER = "granite violin pelican"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("LASTSEEN_DATABASE", raising=False)
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path / "elsewhere"))
    return tmp_path / "state"


def run(state: Path, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, [*arguments, "--state", str(state)], input=typed)


def made(state: Path, name: str = "ivy", *more: str) -> Result:
    result = run(
        state, "add", name, "--role", "dispatcher", "--password-stdin", *more, typed=f"{WORDS}\n"
    )
    assert result.exit_code == 0, result.output
    return result


def listed(state: Path) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run(state, "list", "--json").stdout)
    return rows


def test_an_account_is_made_and_its_second_factor_shown_once(own_state: Path) -> None:
    result = made(
        own_state, "ivy", "--acts-as", "watch", "--agency", "County", "--full-name", "Ivy Doe",
        "--site", "north", "--site", "east",
    )  # fmt: skip
    (uri,) = re.findall(r"^otpauth://\S+$", result.stdout, re.MULTILINE)
    assert "█" in result.stdout  # drawn for a phone's camera
    assert WORDS not in result.output
    (row,) = listed(own_state)
    assert row.items() >= {
        "name": "ivy", "role": "dispatcher", "acts_as": "watch", "agency": "County",
        "full_name": "Ivy Doe", "sites": ["east", "north"], "has_second_factor": True,
    }.items()  # fmt: skip
    assert pyotp.parse_uri(uri).secret not in run(own_state, "list").output
    with opened_record(own_state) as record:
        kept = Accounts(record.store, record.keys, record.audit).credentials("ivy")
        assert kept is not None
        assert kept.totp_secret == pyotp.parse_uri(uri).secret
        assert Passwords().verify(kept.password_hash, WORDS)
        (entry,) = record.audit.entries()
    assert (entry["action"], entry["by"]) == ("account-added", machine_user())


def test_a_password_is_asked_for_twice_and_not_shown(own_state: Path) -> None:
    arguments = ("add", "ivy", "--role", "auditor")
    result = run(own_state, *arguments, typed=f"{WORDS}\n{OTHER}\n{WORDS}\n{WORDS}\n")
    assert result.exit_code == 0, result.output
    assert result.output.count("Password:") == 2
    assert "do not match" in result.output
    assert WORDS not in result.output


def test_without_a_second_factor_it_warns(own_state: Path) -> None:
    result = made(own_state, "ivy", "--without-second-factor")
    assert "WARNING" in result.stderr
    assert "otpauth" not in result.output
    assert listed(own_state)[0]["has_second_factor"] is False


def test_a_program_has_keys_only(own_state: Path) -> None:
    result = run(own_state, "add", "cad", "--role", "system", "--keys-only")
    assert result.exit_code == 0, result.output
    assert "lastseen users key cad" in result.output
    assert "keys only" in run(own_state, "list").stdout
    shown = run(own_state, "key", "cad", "--label", "console server", "--days", "30")
    (key,) = re.findall(r"\blastseen_\S+", shown.stdout)
    told = json.loads(run(own_state, "key", "cad", "--label", "other", "--json").stdout)
    now_s = time.time()
    with opened_record(own_state) as record:
        sessions = Sessions(record.store)
        for secret, days in ((key, 30), (told["key"], 90)):
            actor = sessions.actor_of(secret, now_s + days * DAY_S - 60)
            assert actor is not None
            assert (actor.name, actor.role, actor.by) == ("cad", "system", "key")
            assert sessions.actor_of(secret, now_s + days * DAY_S + 60) is None
        assert key not in b"".join(record.audit.lines()).decode()


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("add", "Ivy", "--role", "auditor", "--password-stdin"), WORDS, "a name has"),
        (("add", "uma", "--role", "auditor", "--password-stdin"), "short", "12 to 128"),
        (("add", "ivy", "--role", "auditor", "--password-stdin"), WORDS, "is there already"),
        (("password", "nobody", "--password-stdin"), WORDS, "there is none"),
        (("second-factor", "nobody"), "", "there is none"),
        (("disable", "nobody"), "", "there is none"),
        (("key", "nobody", "--label", "x"), "", "there is none"),
        (("key", "ivy", "--label", " "), "", "label"),
        (("change", "ivy"), "", "nothing to change"),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    own_state: Path, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    made(own_state)
    result = run(own_state, *arguments, typed=f"{typed}\n")
    assert isinstance(result.exception, AccountError)
    assert isinstance(result.exception, ApiError)
    assert said in str(result.exception)
    assert [row["name"] for row in listed(own_state)] == ["ivy"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "uma", "--role", "chief"),
        ("key", "ivy", "--label", "x", "--days", "0"),
        ("key", "ivy", "--label", "x", "--days", "367"),
    ],
)
def test_options_out_of_bounds_are_refused(own_state: Path, arguments: tuple[str, ...]) -> None:
    made(own_state)
    assert run(own_state, *arguments).exit_code == 2


def test_changes_are_made_and_end_keys(own_state: Path) -> None:
    first = made(own_state)
    app_before = pyotp.parse_uri(re.findall(r"^otpauth://\S+$", first.stdout, re.MULTILINE)[0])
    changes: list[tuple[tuple[str, ...], str]] = [
        (("password", "ivy", "--password-stdin"), OTHER),
        (("second-factor", "ivy"), ""),
        (("change", "ivy", "--role", "auditor", "--site", "north"), ""),
        (("sign-out", "ivy"), ""),
        (("disable", "ivy"), ""),
    ]
    for arguments, typed in changes:
        shown = run(own_state, "key", "ivy", "--label", "x", "--json").stdout
        key = json.loads(shown)["key"]
        result = run(own_state, *arguments, typed=f"{typed}\n")
        assert result.exit_code == 0, result.output
        with opened_record(own_state) as record:
            assert Sessions(record.store).actor_of(key, time.time()) is None, arguments
    (row,) = listed(own_state)
    assert (row["role"], row["sites"], row["disabled"]) == ("auditor", ["north"], True)
    assert "(disabled)" in run(own_state, "list").stdout
    assert run(own_state, "enable", "ivy").exit_code == 0
    with opened_record(own_state) as record:
        kept = Accounts(record.store, record.keys, record.audit).credentials("ivy")
    assert kept is not None
    assert Passwords().verify(kept.password_hash, OTHER)
    assert isinstance(app_before, TOTP)
    assert kept.totp_secret != app_before.secret


def test_no_account_is_said_so(own_state: Path) -> None:
    assert "There are none" in run(own_state, "list").stderr
    assert listed(own_state) == []


def test_one_key_ends_and_the_others_go_on(own_state: Path) -> None:
    made(own_state)
    secrets = [run(own_state, "key", "ivy", "--label", f"desk {n}").stdout.strip() for n in (1, 2)]
    listed_keys = json.loads(run(own_state, "keys", "ivy", "--json").stdout)
    assert [one["label"] for one in listed_keys] == ["desk 2", "desk 1"]
    assert not any(secret in json.dumps(listed_keys) for secret in secrets)
    first = listed_keys[1]["id"]
    assert "has ended" in run(own_state, "end-key", "ivy", first).stdout
    again = run(own_state, "end-key", "ivy", first)
    assert isinstance(again.exception, AccountError)
    with opened_record(own_state) as record:
        sessions = Sessions(record.store)
        assert [sessions.actor_of(one, time.time()) is not None for one in secrets] == [False, True]
        (entry,) = record.audit.entries(actions=["key-ended"])
    assert (entry["account"], entry["key"]) == ("ivy", first)
    assert "desk 1" not in run(own_state, "keys", "ivy").stdout
