"""The disclosure record says what the audit says, and whether it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from api.audit import AuditFile
from api.commands.audit import app
from api.errors import NotPermittedError
from api.gate import Activation, Gate

if TYPE_CHECKING:
    from pathlib import Path

CAMERAS = frozenset({"cam-01", "cam-02"})


@pytest.fixture
def audit_file(tmp_path: Path) -> Path:
    """Two incidents and a refusal, as the gate records them."""
    path = tmp_path / "audit.jsonl"
    gate = Gate(AuditFile(path))
    asked = Activation("exercise", "wing", "Dispatcher <7>", "shots & smoke")
    permit = gate.open(asked, incident="i1", cameras=CAMERAS, now_s=1_772_442_000.0)
    gate.open(asked, incident="i2", cameras=CAMERAS, now_s=1_772_442_001.0)
    gate.show(permit, "cam-02", "evidence of track 4", now_s=1_772_442_010.0)
    gate.close("i1", closed_by="Dispatcher 8", reason="over", now_s=1_772_442_060.0)
    with pytest.raises(NotPermittedError):
        gate.open(
            Activation("real", "wing", "me", "shots"), incident="i3", cameras=CAMERAS, now_s=0
        )
    return path


def report(incident: str, audit_file: Path, to: Path) -> Result:
    return CliRunner().invoke(app, ["report", incident, "--to", str(to), "--file", str(audit_file)])


def test_the_record_of_an_incident(audit_file: Path, tmp_path: Path) -> None:
    result = report("i1", audit_file, tmp_path / "out")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "out" / "disclosure-i1.json").read_text())
    assert (told["kind"], told["target"], told["channel"]) == ("exercise", "wing", "location API")
    assert (told["asked_by"], told["reason"]) == ("Dispatcher <7>", "shots & smoke")
    assert told["cameras"] == ["cam-01", "cam-02"]
    assert told["opened_at"] == "2026-03-02T09:00:00+00:00"
    assert (told["closed_at"], told["closed_by"]) == ("2026-03-02T09:01:00+00:00", "Dispatcher 8")
    assert [(one["camera"], one["what"]) for one in told["shown"]] == [
        ("cam-02", "evidence of track 4")
    ]
    assert told["entries"] == [1, 3, 4]
    assert told["whole"] is True
    page = (tmp_path / "out" / "disclosure-i1.html").read_text()
    assert "Dispatcher &lt;7&gt;" in page
    assert "<script" not in page
    assert "No entry of the audit was bent" in page


def test_an_open_one_and_a_refused_one(audit_file: Path, tmp_path: Path) -> None:
    assert report("i2", audit_file, tmp_path).exit_code == 0
    told = json.loads((tmp_path / "disclosure-i2.json").read_text())
    assert (told["closed_at"], told["refusal"]) == (None, None)
    assert report("i3", audit_file, tmp_path).exit_code == 0
    told = json.loads((tmp_path / "disclosure-i3.json").read_text())
    assert told["opened_at"] is None
    assert "agreement" in told["refusal"]
    assert "Refused" in (tmp_path / "disclosure-i3.html").read_text()


def test_a_bent_audit_is_said_on_the_record(audit_file: Path, tmp_path: Path) -> None:
    audit_file.write_text(audit_file.read_text().replace("Dispatcher 8", "Dispatcher 9"))
    result = report("i1", audit_file, tmp_path)
    assert result.exit_code == 1
    told = json.loads((tmp_path / "disclosure-i1.json").read_text())
    assert told["whole"] is False
    assert "entry 4 was changed" in told["record"]


def test_an_unknown_incident_names_those_there_are(audit_file: Path, tmp_path: Path) -> None:
    result = report("i9", audit_file, tmp_path)
    assert "not in this audit; its latest are: i1, i2, i3" in str(result.exception)
    assert not list(tmp_path.glob("disclosure*"))


def test_a_record_that_cannot_be_written_is_named(audit_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = report("i1", audit_file, tmp_path / "file")
    assert "disclosure-i1.json: cannot be written" in str(result.exception)
