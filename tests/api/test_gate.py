"""Default deny: nothing without a grant, no grant without its audit entry on the disk."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from api.audit import AuditFile
from api.errors import AuditError, NotPermittedError
from api.gate import Activation, Gate, IncidentKind, Permit

if TYPE_CHECKING:
    from pathlib import Path

CAMERAS = frozenset({"cam-01", "cam-02"})


def ask(
    kind: IncidentKind = "exercise", opened_by: str = "me", reason: str = "drill"
) -> Activation:
    return Activation(kind, "wing", opened_by, reason)


def entries(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_grant_is_live_from_opening_until_its_time_is_over(tmp_path: Path) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"), longest_s=60.0)
    permit = gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=100.0)
    rows = [
        (99.9, "cam-01", False),  # before it began
        (100.0, "cam-01", True),
        (159.9, "cam-02", True),
        (160.0, "cam-01", False),  # its time is over
        (120.0, "cam-03", False),  # a camera that was not granted
    ]
    for now_s, camera, allowed in rows:
        assert gate.allows(permit, camera, now_s) is allowed, (now_s, camera)


def test_closing_revokes(tmp_path: Path) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
    permit = gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=100.0)
    gate.close("i1", closed_by="me", reason="over", now_s=110.0)
    assert not gate.allows(permit, "cam-01", 111.0)
    assert [entry["action"] for entry in entries(tmp_path / "audit.jsonl")] == [
        "grant-opened",
        "grant-closed",
    ]


def test_showing_needs_a_live_grant_and_is_recorded(tmp_path: Path) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"), longest_s=60.0)
    permit = gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=100.0)
    gate.show(permit, "cam-01", "evidence", now_s=110.0)
    for camera, now_s in (("cam-03", 110.0), ("cam-01", 160.0)):
        with pytest.raises(NotPermittedError, match="no live grant"):
            gate.show(permit, camera, "evidence", now_s=now_s)
    told = entries(tmp_path / "audit.jsonl")
    assert [entry["action"] for entry in told] == ["grant-opened", "picture-shown"]


def test_a_permit_of_another_gate_opens_nothing(tmp_path: Path) -> None:
    gate, other = (Gate(AuditFile(tmp_path / name)) for name in ("a", "b"))
    gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)
    foreign = other.open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)
    assert not gate.allows(foreign, "cam-01", 1.0)


def test_a_permit_cannot_be_made_or_changed_outside_the_gate(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="made by the gate only"):
        Permit("i1", CAMERAS, 0.0, 1.0, seal=object())
    permit = Gate(AuditFile(tmp_path / "a")).open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        permit.until_s = 1e12  # type: ignore[misc]
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(permit, until_s=1e12)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("activation", "cameras", "said"),
    [
        (ask("real"), CAMERAS, "agreement"),
        (ask(opened_by="  "), CAMERAS, "who"),
        (ask(reason=""), CAMERAS, "why"),
        (ask(), frozenset[str](), "no cameras"),
    ],
    ids=["real incident", "nobody asks", "no reason", "no cameras"],
)
def test_refusals_are_recorded(
    tmp_path: Path, activation: Activation, cameras: frozenset[str], said: str
) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
    with pytest.raises(NotPermittedError, match=said):
        gate.open(activation, incident="i1", cameras=cameras, now_s=0.0)
    (entry,) = entries(tmp_path / "audit.jsonl")
    assert entry["action"] == "grant-refused"
    assert said in str(entry["refusal"])


def test_one_grant_for_one_incident(tmp_path: Path) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
    gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)
    with pytest.raises(NotPermittedError, match="already"):
        gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=1.0)


def test_no_audit_no_grant(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    gate = Gate(AuditFile(tmp_path / "file" / "audit.jsonl"))
    with pytest.raises(AuditError, match=r"audit\.jsonl"):
        gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)


def test_the_entry_is_on_the_disk_before_the_permit_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    synced: list[int] = []
    really = os.fsync

    def fsync(file: int) -> None:
        really(file)
        synced.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    Gate(AuditFile(path)).open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)
    assert synced
    assert synced[0] == path.stat().st_size > 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (entry,) = entries(path)
    assert entry["opened_by"] == "me"
    assert entry["cameras"] == ["cam-01", "cam-02"]


def test_a_disk_that_fills_up_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path)
    audit.append("first", 0.0, {})
    really = os.write
    monkeypatch.setattr(os, "write", lambda file, data: really(file, data[: len(data) // 2]))
    with pytest.raises(AuditError, match="No space left"):
        audit.append("second", 1.0, {})
    monkeypatch.setattr(os, "write", really)
    audit.append("third", 2.0, {})
    assert [entry["action"] for entry in entries(path)] == ["first", "third"]


def test_open_stays_open_until_its_time_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    gate = Gate(AuditFile(path), longest_s=60.0)
    permits = {
        name: gate.open(ask(), incident=name, cameras=CAMERAS, now_s=at_s)
        for name, at_s in (("early", 100.0), ("closed", 130.0), ("open", 140.0))
    }
    other = Activation("exercise", "wing", "me", "drill", "command line")
    gate.open(other, incident="elsewhere", cameras=CAMERAS, now_s=150.0)
    gate.close("closed", closed_by="me", reason="over", now_s=150.0)

    reborn = Gate(AuditFile(path), longest_s=999.0)
    assert not reborn.allows(permits["open"], "cam-01", 170.0)  # of another process
    [(activation, permit)] = reborn.resume("location API", 170.0)
    assert activation == ask()
    assert permit.incident == "open"
    assert permit.cameras == CAMERAS
    assert permit.from_s == pytest.approx(140.0)
    assert permit.until_s == pytest.approx(200.0)  # not a second longer
    assert reborn.allows(permit, "cam-01", 199.9)
    assert not reborn.allows(permit, "cam-01", 200.0)
    last = [(entry["action"], entry["incident"]) for entry in entries(path)[-2:]]
    assert last == [("grant-closed", "early"), ("grant-resumed", "open")]
    # Once more, at once: nothing is closed or opened twice.
    assert len(Gate(AuditFile(path)).resume("location API", 171.0)) == 1
    assert Gate(AuditFile(path)).resume("location API", 500.0) == ()
    assert Gate(AuditFile(path)).resume("location API", 501.0) == ()
    closed = [str(e["incident"]) for e in entries(path) if e["action"] == "grant-closed"]
    assert sorted(closed) == ["closed", "early", "open"]


def test_nothing_is_resumed_from_a_bent_audit(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    Gate(AuditFile(path)).open(ask(), incident="i1", cameras=CAMERAS, now_s=100.0)
    path.write_text(path.read_text().replace("cam-02", "cam-09"))
    with pytest.raises(AuditError, match="bent in line 1"):
        Gate(AuditFile(path)).resume("location API", 101.0)


def test_a_first_start_has_nothing_to_resume(tmp_path: Path) -> None:
    assert Gate(AuditFile(tmp_path / "audit.jsonl")).resume("location API", 0.0) == ()
    assert not (tmp_path / "audit.jsonl").exists()


def test_closing_revokes_also_where_the_audit_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(AuditFile(tmp_path / "audit.jsonl"))
    permit = gate.open(ask(), incident="i1", cameras=CAMERAS, now_s=0.0)

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AuditError):
        gate.close("i1", closed_by="me", reason="over", now_s=1.0)
    assert not gate.allows(permit, "cam-01", 1.0)
