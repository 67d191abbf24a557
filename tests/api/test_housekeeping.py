"""What a server does beside its incidents: it signs now and then, and never what was bent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, insert, update

from api.audit_chain import Head, link
from api.housekeeping import CHECKPOINT_EVERY_S, Housekeeping
from api.record import record_in
from api.retention import Retention
from api.store_tables import AUDIT, CHECKPOINTS

if TYPE_CHECKING:
    from pathlib import Path

    from api.record import Record
    from api.store import Store

NOW_S = 1_772_442_000.0


@pytest.fixture
def record(store: Store, tmp_path: Path) -> Record:
    made = record_in(store, tmp_path / "state")
    for number in range(3):
        made.audit.append("step", NOW_S, {"number": number})
    return made


@pytest.fixture
def house(record: Record) -> Housekeeping:
    return housekeeping_of(record)


def housekeeping_of(record: Record) -> Housekeeping:
    retention = Retention(record.store, record.keys, record.audit, whole=record.whole)
    return Housekeeping(record, retention)


def signed(record: Record) -> list[int]:
    return [one.seq for one in record.checkpoints.all()]


def test_it_signs_once_an_hour_and_when_it_is_told_to(record: Record, house: Housekeeping) -> None:
    house.tick(NOW_S)
    record.audit.append("step", NOW_S, {})
    house.tick(NOW_S + CHECKPOINT_EVERY_S - 1)
    assert signed(record) == [3]
    house.tick(NOW_S + CHECKPOINT_EVERY_S)
    house.tick(NOW_S + CHECKPOINT_EVERY_S, sign=True)
    assert signed(record) == [3, 4]
    record.audit.append("step", NOW_S, {})
    house.tick(NOW_S + CHECKPOINT_EVERY_S, sign=True)
    assert signed(record) == [3, 4, 5]


def test_a_chain_that_was_made_anew_while_it_was_stopped_is_not_signed(
    record: Record, house: Housekeeping, caplog: pytest.LogCaptureFixture
) -> None:
    house.tick(NOW_S)
    head, rows = Head(), []
    for _ in range(9):
        line, head = link(head, "2026-03-02T09:00:00+00:00", "step", {"who": "B"})
        row = {"seq": head.seq, "action": "step", "incident": None}
        rows.append({**row, "line": line.decode().strip()})
    with record.store.writing() as connection:
        for table in (AUDIT, CHECKPOINTS):
            connection.execute(delete(table))
        connection.execute(insert(AUDIT), rows)
    again = housekeeping_of(record)
    again.tick(NOW_S, sign=True)
    assert signed(record) == []
    assert "cannot be signed: entry 3 of the audit was bent" in caplog.text


def test_a_bent_audit_is_not_looked_at_with_every_tick(
    record: Record, house: Housekeeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    with record.store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 1).values(action="walk"))
    tried: list[float] = []
    really = type(record.checkpoints).sign

    def sign(checkpoints: object, now_s: float) -> object:
        tried.append(now_s - NOW_S)
        return really(checkpoints, now_s)  # type: ignore[arg-type]

    monkeypatch.setattr(type(record.checkpoints), "sign", sign)
    for after_s in range(0, 1260, 30):
        house.tick(NOW_S + after_s)
    assert tried == [0.0, 600.0, 1200.0]
