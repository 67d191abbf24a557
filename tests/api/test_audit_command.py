"""`lastseen audit`: what a person is told of the record, and with which exit status."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, update
from typer.testing import CliRunner, Result

from api.audit import Audit, machine_user
from api.audit_chain import Head, verify
from api.checkpoint_document import sign_head
from api.commands.audit import app
from api.errors import ApiError, AuditError, ReportError, StateError
from api.keys import Keys
from api.store_tables import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.store import Store

AT_S = 1_772_442_000.0
OPENED = {
    "incident": "i1",
    "kind": "exercise",
    "target": "wing",
    "opened_by": "Dispatcher <7>",
    "actor": "disp-7",
    "reason": "shots on cam-01",
    "cameras": ["cam-01", "cam-02"],
    "until_s": AT_S + 600,
}


@pytest.fixture
def audit(store: Store) -> Audit:
    """An incident that was opened and closed, and one that was refused."""
    audit = Audit(store)
    audit.append("grant-opened", AT_S, OPENED)
    audit.append("grant-refused", AT_S, {"incident": "i2", "refusal": "no", "actor": "x"})
    audit.append("grant-closed", AT_S, {"incident": "i1", "closed_by": "disp-8", "reason": "over"})
    return audit


@pytest.fixture
def asked(
    audit: Audit, tmp_path: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs the command on the state folder of the test."""
    if database_url is not None:
        monkeypatch.setenv("LASTSEEN_DATABASE", database_url)
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path / "state"))

    def ask(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(one) for one in arguments])

    return ask


def said(result: Result) -> str:
    """What was said on one line: tables and messages break lines where they like."""
    return " ".join(result.output.split())


def failed(result: Result, kind: type[ApiError], words: str) -> None:
    """Assert that the command line would say this as one error, with exit status 1."""
    assert isinstance(result.exception, kind)
    assert words in str(result.exception)


def bend(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(incident=None))


def test_a_whole_audit_is_said_to_be_whole(asked: Callable[..., Result], audit: Audit) -> None:
    plain, told = asked("verify"), asked("verify", "--json")
    assert (plain.exit_code, told.exit_code) == (0, 0)
    assert f"3 entries, none bent; the last has the hash {audit.head().hash}" in said(plain)
    assert "no checkpoint was held against it" in said(plain)
    assert json.loads(told.stdout) == {
        "ok": True,
        "seq": 3,
        "hash": audit.head().hash,
        "checkpoints": [],
    }
    assert asked("verify", "--noted", audit.head().hash).exit_code == 0
    assert asked("verify", "--noted", "f" * 64).exit_code == 1


def test_a_bent_audit_is_said_where_with_status_1(
    asked: Callable[..., Result], store: Store
) -> None:
    bend(store)
    plain, told = asked("verify"), asked("verify", "--json")
    assert (plain.exit_code, told.exit_code) == (1, 1)
    assert "entry 2: the columns beside entry 2 were changed" in said(plain)
    assert "1 entries before it fit" in said(plain)
    assert (json.loads(told.stdout)["line"], json.loads(told.stdout)["good"]["seq"]) == (2, 1)


def test_a_checkpoint_that_is_kept_elsewhere_shows_what_was_cut_off(
    asked: Callable[..., Result], store: Store, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / "checkpoint.json"
    signed = asked("checkpoint", "--to", elsewhere)
    assert (signed.exit_code, "entry 3" in signed.stdout) == (0, True)
    printed = json.loads(asked("checkpoint").stdout)
    assert printed == json.loads(elsewhere.read_text())
    public = asked("key").stdout.strip()
    assert public == printed["public_key"]
    whole = asked("verify", "--checkpoint", elsewhere, "--key", public)
    assert whole.exit_code == 0
    assert f"2 checkpoints fit, up to entry 3, signed by {public}" in said(whole)
    with store.writing() as connection:
        connection.execute(delete(AUDIT).where(AUDIT.c.seq > 2))
        connection.exec_driver_sql("DELETE FROM audit_checkpoints")
    missed = asked("verify")  # where the keys are, what was signed last is known
    assert (missed.exit_code, "entry 3: the checkpoint of entry 3" in said(missed)) == (1, True)
    failed(asked("checkpoint"), AuditError, "not signed")
    (tmp_path / "state" / "keys" / "last-checkpoint.json").unlink()
    assert asked("verify").exit_code == 0
    cut = asked("verify", "--checkpoint", elsewhere)
    assert cut.exit_code == 1
    assert "entry 3: the checkpoint of entry 3" in said(cut)


def test_a_copy_is_checked_without_our_database(
    asked: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, copy = tmp_path / "checkpoint.json", tmp_path / "copies" / "audit.jsonl"
    asked("checkpoint", "--to", checkpoint)
    key = asked("key").stdout.strip()
    assert asked("export", "--to", copy).exit_code == 0
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path / "another machine"))
    monkeypatch.delenv("LASTSEEN_DATABASE", raising=False)
    held = ("--checkpoint", checkpoint, "--key", key)
    assert asked("verify", copy, *held).exit_code == 0
    assert "4 entries, none bent" in said(asked("verify", copy))
    copy.write_bytes(copy.read_bytes().replace(b"disp-8", b"disp-9"))
    assert "entry 3: entry 3 was changed" in said(asked("verify", copy))
    copy.write_bytes(b"".join(copy.read_bytes().splitlines(keepends=True)[:2]))
    assert asked("verify", copy).exit_code == 0
    assert "lies beyond the end" in said(asked("verify", copy, *held))
    copy.write_bytes(copy.read_bytes()[:-5])
    assert "entry 2: the line is cut off" in said(asked("verify", copy))
    failed(asked("verify", tmp_path / "none"), AuditError, "none: cannot be read")
    assert not (tmp_path / "another machine").exists()


@pytest.mark.parametrize(
    ("written", "key", "words"),
    [
        (None, None, "checkpoint.json: cannot be read"),
        ("{}", None, "checkpoint.json: a checkpoint is an object of"),
        ("changed", None, "its signature does not fit"),
        ("good", "AAAA", "the key has 3 bytes"),
        ("good", "A" * 43 + "=", "not by AAAA"),
    ],
)
def test_a_checkpoint_that_is_none_is_said_to_be_so(
    asked: Callable[..., Result], tmp_path: Path, written: str | None, key: str | None, words: str
) -> None:
    path = tmp_path / "checkpoint.json"
    good = asked("checkpoint").stdout
    if written is not None:
        path.write_text(
            {"good": good, "changed": good.replace('": 3', '": 2')}.get(written, written)
        )
    more = [] if key is None else ["--key", key]
    failed(asked("verify", "--checkpoint", path, *more), AuditError, words)


def test_a_key_without_anything_signed_is_refused(
    asked: Callable[..., Result], tmp_path: Path
) -> None:
    copy = tmp_path / "audit.jsonl"
    asked("export", "--to", copy)
    result = asked("verify", copy, "--key", "A" * 43 + "=")
    assert result.exit_code == 2
    assert "--checkpoint" in result.output


def test_an_export_is_whole_and_in_the_audit(
    asked: Callable[..., Result], audit: Audit, tmp_path: Path
) -> None:
    copy = tmp_path / "audit.jsonl"
    result = asked("export", "--to", copy)
    assert result.exit_code == 0
    lines = copy.read_bytes().splitlines(keepends=True)
    assert lines == list(audit.lines())
    assert verify(lines) == audit.head()
    exported = json.loads(lines[-1])
    assert (exported["action"], exported["actor"]) == ("audit-exported", machine_user())
    assert exported["to"] == str(copy)
    assert f"4 entries; that of this export, 4, has the hash {exported['hash']}" in said(result)
    (tmp_path / "file").write_text("")
    failed(asked("export", "--to", tmp_path / "file" / "x"), ReportError, "x: cannot be written")
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {"state"} == {"audit.jsonl", "file"}


def test_a_bent_audit_is_not_signed(asked: Callable[..., Result], store: Store) -> None:
    bend(store)
    failed(asked("checkpoint"), AuditError, "entry 2 of the audit was bent")


def test_a_report_tells_one_incident(asked: Callable[..., Result], tmp_path: Path) -> None:
    asked("checkpoint")
    result = asked("report", "i1", "--to", tmp_path / "out")
    assert result.exit_code == 0
    told = json.loads((tmp_path / "out" / "disclosure-i1.json").read_text())
    assert (told["asked_by"], told["cameras"]) == ("Dispatcher <7>", ["cam-01", "cam-02"])
    assert (told["entries"], told["whole"], told["signed_until"]) == ([1, 3], True, 3)
    page = (tmp_path / "out" / "disclosure-i1.html").read_text()
    assert "Dispatcher &lt;7&gt;" in page
    asked("report", "i1", "--to", tmp_path / "hidden", "--hide-cameras")
    for ending in ("json", "html"):
        assert "cam-0" not in (tmp_path / "hidden" / f"disclosure-i1.{ending}").read_text()
    assert json.loads((tmp_path / "hidden" / "disclosure-i1.json").read_text())["cameras_hidden"]
    asked("report", "i1", "--to", tmp_path / "less", "--hide-retention")
    less = json.loads((tmp_path / "less" / "disclosure-i1.json").read_text())
    assert (less["cameras_hidden"], less["retention_hidden"]) == (False, True)


def test_a_checkpoint_of_another_key_is_told_as_such(
    asked: Callable[..., Result], audit: Audit, store: Store, tmp_path: Path
) -> None:
    """Of another server on the same database, or of whoever can write to it."""
    theirs = sign_head(Ed25519PrivateKey.generate(), audit.head(), "2026-03-02T09:00:00+00:00")
    row = {"seq": theirs.seq, "document": theirs.as_json()}
    with store.writing() as connection:
        connection.execute(insert(CHECKPOINTS), row)
    asked("key")
    assert f"signed by {theirs.public_key} (another key than ours)" in said(asked("verify"))
    asked("report", "i1", "--to", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "disclosure-i1.json").read_text())
    assert (told["whole"], told["signed_until"], told["signed_with"]) == (True, None, None)


def test_a_report_of_a_bent_audit_says_so(
    asked: Callable[..., Result], store: Store, tmp_path: Path
) -> None:
    bend(store)
    result = asked("report", "i1", "--to", tmp_path)
    assert result.exit_code == 1
    assert "the audit is bent" in said(result)
    assert json.loads((tmp_path / "disclosure-i1.json").read_text())["whole"] is False


def test_a_report_that_cannot_be_made_says_why(
    asked: Callable[..., Result], tmp_path: Path
) -> None:
    failed(asked("report", "i9", "--to", tmp_path), AuditError, "its latest are: i1, i2")
    assert not list(tmp_path.glob("disclosure*"))
    (tmp_path / "file").write_text("")
    words = "disclosure-i1.json: cannot be written"
    failed(asked("report", "i1", "--to", tmp_path / "file"), ReportError, words)


def test_the_newest_entries_are_shown(asked: Callable[..., Result], audit: Audit) -> None:
    audit.append("note", AT_S, {"actor": "eve", "text": "[red]\x1b[2J\u202e[/red]"})
    entries = list(audit.entries())
    assert json.loads(asked("show", "--json").stdout) == entries
    assert json.loads(asked("show", "--json", "--last", 2).stdout) == entries[2:]
    assert json.loads(asked("show", "--json", "--incident", "i1").stdout) == [
        entries[0],
        entries[2],
    ]
    shown = asked("show")
    assert shown.exit_code == 0
    assert "\x1b[2J" not in shown.output
    assert "\u202e" not in shown.output
    for word in ("grant-closed", "disp-8", "eve", "[red]"):
        assert word in shown.output


def test_entries_can_be_read_in_a_narrow_terminal(
    asked: Callable[..., Result], audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    incident, sha256 = "20260302-090000-9f3a61c2", "0123456789abcdef" * 4
    more = {"incident": incident, "actor": "north-office", "agreement": {"sha256": sha256}}
    audit.append("grant-opened", AT_S, {**OPENED, **more, "reason": "shots were heard " * 9})
    lines = asked("show", "--last", 1).output.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[0] == f"4  2026-03-02 09:00:00  grant-opened  {incident}  north-office"
    assert all(line.startswith("    ") for line in lines[1:])
    assert any(sha256 in line for line in lines)
    assert " ".join(" ".join(lines[1:]).split()).count("shots were heard") == 9


@pytest.mark.parametrize(
    "command", [["verify"], ["show"], ["key"], ["checkpoint"], ["export", "--to", "x"]]
)
def test_looking_where_there_is_nothing_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.delenv("LASTSEEN_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*command, "--state", str(tmp_path / "state")])
    failed(result, StateError, "there is no audit here; name the state folder by --state")
    assert list(tmp_path.iterdir()) == []


def test_the_option_names_another_state_folder(
    asked: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path / "another"))
    state = tmp_path / "state"
    assert asked("verify", "--state", state).exit_code == 0
    key = asked("key", "--state", state).stdout.strip()
    private = state / "keys" / "audit-ed25519.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert Keys(state).signing().public_key().public_bytes_raw()
    assert asked("key", "--state", state).stdout.strip() == key
    assert isinstance(verify([]), Head)
