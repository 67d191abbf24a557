"""`lastseen archive`: copies that can be checked, holds and purges, all of it in the audit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from api.archive_export import export_records
from api.audit import Audit
from api.commands.archive import app
from api.errors import AuditError, NotPermittedError, ReportError
from api.kept_records import KeptPicture
from api.store_tables import RECORDS
from tests.api.kept_incident import AUDITOR, START_S, Kept, kept_in

if TYPE_CHECKING:
    from api.store import Store

JPEG = b"\xff\xd8\n\x00picture\xff\xd9"


@pytest.fixture
def state(tmp_path: Path, database_url: str | None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder, and the environment that leads to the same database."""
    if database_url is None:
        monkeypatch.delenv("LASTSEEN_DATABASE", raising=False)
    else:
        monkeypatch.setenv("LASTSEEN_DATABASE", database_url)
    return tmp_path / "state"


@pytest.fixture
def kept(store: Store, state: Path) -> Kept:
    made = kept_in(store, state)
    made.closed("i1")
    picture = KeptPicture("wing/cam-02", 7, START_S + 0.25, 0.88, JPEG)
    made.archive.keep("i1", "evidence", START_S + 0.25, picture.as_data())
    return made


def run(state: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*(str(a) for a in arguments), "--state", str(state)])


def test_an_export_is_whole_and_can_be_checked(kept: Kept, state: Path, tmp_path: Path) -> None:
    to = tmp_path / "copies" / "case 7"
    done = run(state, "export", "i1", "--to", to)
    assert done.exit_code == 0, done.output
    names = {str(path.relative_to(to)) for path in to.rglob("*") if path.is_file()}
    picture = "evidence/000003-wing_cam-02-7.jpg"
    lines = {"sightings.jsonl", "confirmations.jsonl", "journal.jsonl"}
    assert names == {*lines, "manifest.json", picture}
    manifest = json.loads((to / "manifest.json").read_text())
    hashes = {one["file"]: one["sha256"] for one in manifest["files"]}
    assert hashes == {
        name: hashlib.sha256((to / name).read_bytes()).hexdigest()
        for name in names - {"manifest.json"}
    }
    assert (manifest["incident"], manifest["records"], manifest["lost"]) == ("i1", 3, [])
    assert (to / picture).read_bytes() == JPEG
    [line] = (to / "sightings.jsonl").read_text().splitlines()
    assert json.loads(line) == {"number": 1, "at_s": START_S, "said": {"text": "Room 104"}}
    [entry] = kept.told("kept-records-exported")
    assert (
        entry["manifest_sha256"] == hashlib.sha256((to / "manifest.json").read_bytes()).hexdigest()
    )
    assert (entry["incident"], entry["records"], entry["lost"]) == ("i1", 3, 0)
    assert to.stat().st_mode & 0o077 == 0
    assert [path.name for path in to.parent.iterdir()] == ["case 7"]


def test_an_export_names_what_is_lost(kept: Kept, state: Path, tmp_path: Path) -> None:
    with kept.store.writing() as connection:
        connection.execute(RECORDS.delete().where(RECORDS.c.number == 1))
    done = run(state, "export", "i1", "--to", tmp_path / "copy")
    assert done.exit_code == 1
    assert "records 1 to 1: missing" in done.output
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text())
    assert [(one["number"], one["last"]) for one in manifest["lost"]] == [(1, 1)]
    assert kept.told("kept-records-exported")[0]["lost"] == 1


def raising(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("broken", "error", "wanted"),
    [
        ((Audit, "append"), AuditError("the disk is full"), AuditError),
        ((Path, "rename"), OSError(28, "No space left on device"), ReportError),
        ((KeptPicture, "from_data"), KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_no_half_of_an_export_stays(
    kept: Kept,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: tuple[type, str],
    error: Exception,
    wanted: type[BaseException],
) -> None:
    monkeypatch.setattr(*broken, raising(error))
    (tmp_path / "copies").mkdir()
    to = tmp_path / "copies" / "copy"
    with pytest.raises(wanted):
        export_records(kept.archive, kept.audit, "i1", to, actor=AUDITOR, now_s=START_S)
    assert list(to.parent.iterdir()) == []


def test_an_export_writes_over_nothing(kept: Kept, state: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    done = run(state, "export", "i1", "--to", tmp_path / "there")
    assert isinstance(done.exception, ReportError)
    assert "is there already" in str(done.exception)
    assert kept.told() == []


def test_a_hold_and_its_release(kept: Kept, state: Path) -> None:
    assert run(state, "hold", "i1", "--reason", " case\n7 ").exit_code == 0
    assert kept.grant("i1").hold == "case 7"
    assert run(state, "list").output == (
        "i1  north  real  from 2026-03-02 09:00 UTC  3 records, 0 kB  on hold: case 7\n"
    )
    assert isinstance(run(state, "purge", "i1", "--reason", "asked").exception, NotPermittedError)
    assert run(state, "hold", "i1", "--reason", " ").exit_code == 2
    assert run(state, "release", "i1").exit_code == 0
    assert kept.grant("i1").hold is None
    [held] = kept.told("hold-set")
    assert (held["acts_as"], held["reason"]) == ("command-line", "case 7")


def test_purging(kept: Kept, state: Path) -> None:
    kept.opened("i2")
    kept.archive.keep("i2", "sighting", START_S, b"{}")
    kept.close("i2", 4e9)  # its time is not over, whenever this runs
    assert run(state, "purge", "--dry-run").output == "i1 would be purged\n"
    assert run(state, "purge", "i2", "--reason", "asked", "--dry-run").output == (
        "i2 would be purged: 1 records\n"
    )
    assert kept.told() == []
    assert run(state, "purge").output == "i1 was purged\n"
    assert run(state, "purge").output == "Nothing is due.\n"
    for wrong in (("i2",), ("--reason", "asked")):
        assert run(state, "purge", *wrong).exit_code == 2
    done = run(state, "purge", "i2", "--reason", "asked")
    [of_i1, of_i2] = kept.told("purged")
    assert f"SHA-256 {of_i2['sha256']}, key destroyed" in done.output
    assert (of_i1["by"], of_i2["reason"]) == ("lastseen", "asked")
    assert isinstance(run(state, "export", "i2", "--to", state / "x").exception, NotPermittedError)


def test_the_list_as_json(kept: Kept, state: Path) -> None:
    [told] = json.loads(run(state, "list", "--json").output)["incidents"]
    assert (told["incident"], told["records"], told["purged_s"]) == ("i1", 3, None)
    assert told["purge_s"] == START_S + 600.0 + 30 * 86_400.0
    kept.opened("i2")
    run(state, "purge", "i1", "--reason", "asked")
    shown = run(state, "list").output.splitlines()
    assert "  0 records, 0 kB  purged 20" in shown[0]
    assert shown[1].endswith("  30 days after its end")
