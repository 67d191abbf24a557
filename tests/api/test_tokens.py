"""The token: made once, shown once, kept as a hash in a private file."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from api.errors import StateError
from api.sessions import SESSION_S, Sessions
from api.tokens import TOKEN_FILE, ensure_token

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_start_makes_a_token_and_later_ones_do_not_show_it(tmp_path: Path) -> None:
    check, token = ensure_token(tmp_path / "state")
    assert token is not None
    assert len(token) > 40
    assert check.accepts(token)

    again, shown = ensure_token(tmp_path / "state")
    assert shown is None
    assert again.accepts(token)


def test_the_file_is_private_and_does_not_hold_the_token(tmp_path: Path) -> None:
    _, token = ensure_token(tmp_path / "state")
    path = tmp_path / "state" / TOKEN_FILE
    assert token is not None
    assert token not in path.read_text()
    assert token.removeprefix("lastseen_") not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [TOKEN_FILE]


def test_a_new_token_voids_the_old_one(tmp_path: Path) -> None:
    _, old = ensure_token(tmp_path)
    check, new = ensure_token(tmp_path, renew=True)
    assert old is not None
    assert new is not None
    assert check.accepts(new)
    assert not check.accepts(old)


@pytest.mark.parametrize("wrong", ["", " ", "lastseen_", "x" * 10_000, "ü", "\udcff"])
def test_anything_else_is_refused(tmp_path: Path, wrong: str) -> None:
    check, token = ensure_token(tmp_path)
    assert token is not None
    assert not check.accepts(wrong)
    assert not check.accepts(token + wrong or "x") or wrong == ""
    assert not check.accepts(token[:-1])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "not json",
        json.dumps({"schema_version": 1, "sha256": "abc", "created_at": "2026-01-01T00:00:00Z"}),
        json.dumps({"schema_version": 9, "sha256": "a" * 64, "created_at": "2026-01-01T00:00:00Z"}),
    ],
)
def test_a_damaged_file_is_refused_and_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / TOKEN_FILE).write_text(content)
    with pytest.raises(StateError, match=r"token\.json.*--new-token"):
        ensure_token(tmp_path)


def test_a_state_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="--state"):
        ensure_token(tmp_path / "file" / "state")


def test_sessions_end_by_hand_and_by_time() -> None:
    sessions = Sessions()
    one, two = sessions.begin(0.0), sessions.begin(10.0)
    assert one != two
    assert sessions.accepts(one, SESSION_S - 1)
    assert not sessions.accepts(one, SESSION_S)
    assert sessions.accepts(two, SESSION_S)
    sessions.end(two)
    assert not sessions.accepts(two, 11.0)
    assert not sessions.accepts("", 0.0)


def test_the_oldest_session_ends_where_there_are_too_many() -> None:
    sessions = Sessions()
    first = sessions.begin(0.0)
    later = [sessions.begin(1.0 + n) for n in range(256)]
    assert not sessions.accepts(first, 300.0)
    assert all(sessions.accepts(session, 300.0) for session in later)
