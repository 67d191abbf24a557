"""The five agreements of the documentation, asked through the gate: it opens what they allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from api.actors import Actor
from api.agreements import load_agreement
from api.audit import Audit
from api.decisions import CameraFacts, decide
from api.errors import NotPermittedError
from api.gate import Activation, Gate, Terms
from api.request_tables import REQUESTS_FILE, load_requests
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from api.record import Record
    from api.request_tables import ExpectedAnswer

FOLDERS = sorted((ROOT / "docs" / "agreements").iterdir())
ROWS = [
    pytest.param(folder, row, id=f"{folder.name}: {row.says}")
    for folder in FOLDERS
    for row in load_requests(folder / REQUESTS_FILE).requests
]
CAMERAS = (
    CameraFacts("yard", "exterior"),
    CameraFacts("hall", "interior", frozenset({"walkway"})),
    CameraFacts("restroom", "interior", frozenset({"restroom"})),
    CameraFacts("locker", "interior", frozenset({"locker-room"})),
    CameraFacts("counsellor", "interior", frozenset({"counselor"})),
)


def test_all_five_are_here() -> None:
    assert len(FOLDERS) == 5
    assert len(ROWS) > 50


@pytest.mark.parametrize(("folder", "row"), ROWS)
def test_the_gate_answers_as_the_table_says(
    record: Record, folder: Path, row: ExpectedAnswer
) -> None:
    agreement = load_agreement(folder)
    asked = Activation(
        "exercise" if row.exercise else "real" if row.incident else "standing",
        "school",
        row.by or "Somebody",
        row.reason or "as told",
        row.channel,
        row.role,
        row.incident,
        handled_by_staff=row.handled_by_staff,
        confirmed_by=row.confirmed_by,
    )
    at = row.at or datetime(2026, 11, 2, 12, tzinfo=UTC)
    now_s = at.timestamp()
    gate = Gate(Audit(record.store))
    ivy = Actor("ivy", "dispatcher", row.role)
    if "no reason is given" in decide(agreement, row.request(), at).lacks:
        asked = replace(asked, reason=" ")
    if not row.allowed:
        with pytest.raises(NotPermittedError):
            gate.open(asked, Terms(agreement, CAMERAS), actor=ivy, incident="i1", now_s=now_s)
        assert gate.grant_of("i1") is None
        (entry,) = record.audit.entries()
        assert (entry["action"], entry["clause"]) == ("grant-refused", row.clause)
        return
    grant = gate.open(asked, Terms(agreement, CAMERAS), actor=ivy, incident="i1", now_s=now_s)
    assert grant.clause == row.clause
    seen = grant.permit.cameras
    if row.cameras is not None:
        assert ("yard" in seen) is ("exterior" in row.cameras)
        assert ("hall" in seen) is ("interior" in row.cameras)
    closed = set(agreement.cameras.excluded_spaces)
    assert not any(camera.spaces & closed for camera in CAMERAS if camera.id in seen)
    if row.longest_min is not None:
        assert grant.until_s - now_s == pytest.approx(row.longest_min * 60)
