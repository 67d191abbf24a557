"""The end of what was kept: never early, never under a hold, never by halves, one receipt."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, update

from api.actors import MACHINE, Actor, at_the_machine
from api.audit import Audit
from api.audit_chain import Broken, Head
from api.errors import AuditError, NotPermittedError, StateError
from api.kept_records import KeptRecord, NewRecord
from api.keys import Keys
from api.record import record_in
from api.retention import Receipt, Retention, due_at_s, refusal_to_hold
from api.store import open_store
from api.store_tables import AGREEMENTS, AUDIT
from tests.api.kept_incident import (
    AUDITOR,
    CHIEF,
    DAY_S,
    PRINCIPAL,
    START_S,
    Kept,
    kept_in,
    terms,
)

if TYPE_CHECKING:
    from pathlib import Path

    from api.agreements import Agreement
    from api.store import Store

CLOSED_S = START_S + 600.0
DUE_S = CLOSED_S + 30.0 * DAY_S


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return kept_in(store, tmp_path / "state")


@pytest.mark.parametrize(
    ("closed_s", "days", "due_s"),
    [
        (0.0, 0.0, 0.0),  # nothing is kept longer than the incident
        (100.0, 0.5, 43_300.0),
        (100.0, 1.0, 86_500.0),
        (1_772_442_600.0, 30.0, 1_775_034_600.0),
    ],
)
def test_when_it_is_due(closed_s: float, days: float, due_s: float) -> None:
    assert due_at_s(closed_s, days) == due_s


@pytest.mark.parametrize(
    ("agreement", "actor", "refused"),
    [
        (terms(), AUDITOR, False),
        (terms(), PRINCIPAL, False),
        (terms(), CHIEF, True),
        (None, PRINCIPAL, True),
        (None, AUDITOR, False),
        (terms(), at_the_machine("root"), False),
        (terms(), Actor("x", "dispatcher", "command-line", by="session"), True),  # only says so
        (terms(), MACHINE, True),
    ],
)
def test_who_may_hold(agreement: Agreement | None, actor: Actor, refused: bool) -> None:
    assert (refusal_to_hold(agreement, actor) is not None) is refused


def test_what_is_due_is_purged_and_the_receipt_is_in_the_audit(kept: Kept) -> None:
    kept.closed("i1")
    kept.closed("later", retention_days=31.0)
    kept.opened("open", retention_days=0.0)
    kept.archive.keep("open", "sighting", START_S, b"{}")
    sealed = kept.sealed("i1")
    assert kept.retention.due(DUE_S - 0.001) == kept.retention.purge_due(DUE_S - 0.001) == ()
    assert kept.retention.due(DUE_S) == ("i1",)
    assert kept.retention.purge_due(DUE_S) == ("i1",)
    assert kept.retention.purge_due(DUE_S) == ()
    assert (kept.sealed("i1"), kept.keys.incident("i1")) == ([], None)
    assert kept.grant("i1").purged_s == DUE_S
    [receipt] = kept.told("purged")
    told = {key: receipt[key] for key in Receipt.__dataclass_fields__}
    assert told == {
        "incident": "i1",
        "records": 2,
        "bytes": len(b"".join(sealed)),
        "sha256": hashlib.sha256(b"".join(sealed)).hexdigest(),
        "key": "destroyed",
        "retention_days": 30.0,
        "by": "lastseen",
        "reason": "it was kept for 30 days",
    }
    assert isinstance(kept.audit.verify(), Head)
    for other in ("later", "open"):
        assert all(isinstance(record, KeptRecord) for record in kept.archive.read(other))
        assert kept.archive.count(other)


def test_a_hold_stops_the_purge_and_its_release_starts_it_again(kept: Kept) -> None:
    kept.closed("i1")
    kept.retention.hold("i1", "case 7", actor=PRINCIPAL, now_s=CLOSED_S)
    assert kept.retention.purge_due(DUE_S) == ()
    with pytest.raises(NotPermittedError, match="on legal hold: case 7"):
        kept.retention.purge("i1", by="root", reason="I want to", now_s=DUE_S)
    assert all(isinstance(record, KeptRecord) for record in kept.archive.read("i1"))
    with pytest.raises(NotPermittedError, match="auditors, principal only"):
        kept.retention.release("i1", actor=CHIEF, now_s=DUE_S)
    kept.retention.release("i1", actor=AUDITOR, now_s=DUE_S)
    assert kept.retention.purge_due(DUE_S) == ("i1",)
    assert [(e["action"], e.get("actor", e.get("by"))) for e in kept.told()] == [
        ("hold-set", "pat"),
        ("purge-refused", "root"),
        ("hold-refused", "kim"),
        ("hold-released", "ada"),
        ("purge-begun", "lastseen"),
        ("purged", "lastseen"),
    ]


def test_what_cannot_be_asked(kept: Kept) -> None:
    kept.opened("open")
    kept.closed("begun")
    kept.begin_purge("begun")
    kept.keys.destroy_incident("begun")
    kept.closed("gone")
    kept.retention.purge("gone", by="root", reason="asked", now_s=CLOSED_S)
    now_s = CLOSED_S + 1.0

    def purge(incident: str) -> None:
        kept.retention.purge(incident, by="root", reason="asked", now_s=now_s)

    def hold(incident: str) -> None:
        kept.retention.hold(incident, "case 7", actor=AUDITOR, now_s=now_s)

    def release(incident: str) -> None:
        kept.retention.release(incident, actor=AUDITOR, now_s=now_s)

    for ask, incident, said in (
        (purge, "open", "is open; close it first"),
        (purge, "gone", "was purged at 2026-03-02 09:10:00 UTC"),
        (purge, "none", "there is no incident none"),
        (hold, "begun", "the purge of incident begun has begun"),
        (hold, "gone", "was purged"),
        (hold, "../x" * 40, "there is no incident"),
        (release, "open", "is not on hold"),
    ):
        with pytest.raises(NotPermittedError, match=said):
            ask(incident)
    hold("open")  # what is still being kept can be held
    assert kept.grant("open").hold == "case 7"


def test_a_purge_that_was_interrupted_is_finished_by_the_next(kept: Kept) -> None:
    for incident in ("i1", "held", "open"):
        kept.closed(incident)
        kept.begin_purge(incident)
        kept.keys.destroy_incident(incident)
    kept.set("held", hold="case 7")
    kept.set("open", closed_s=None)
    assert kept.retention.purge_due(CLOSED_S + 1.0) == ("i1",)  # long before its time
    [receipt] = kept.told("purged")
    assert (receipt["records"], receipt["key"]) == (2, "gone")
    assert "did not come to its end" in receipt["reason"]
    assert kept.sealed("i1") == []
    assert len(kept.sealed("held")) == len(kept.sealed("open")) == 2


def test_a_crash_while_the_key_is_written_over_leaves_no_key(kept: Kept, tmp_path: Path) -> None:
    for incident in ("rows", "none"):
        kept.opened(incident)
        kept.keys.make_incident(incident)
    kept.archive.keep("rows", "sighting", START_S, b"{}")
    for incident in ("rows", "none"):
        (tmp_path / "state" / "keys" / "incidents" / f"{incident}.key").write_bytes(bytes(32))
    with pytest.raises(NotPermittedError, match="its key is destroyed"):
        kept.archive.keep("rows", "sighting", START_S, b"{}")
    kept.archive.keep("none", "sighting", START_S, b"{}")
    assert any(kept.keys.incident("none") or b"")  # sealed with a key, not with zeros
    kept.close("rows", CLOSED_S)
    kept.begin_purge("rows")
    assert kept.retention.purge_due(CLOSED_S + 1.0) == ("rows",)


def test_a_key_that_is_missing_alone_purges_nothing(kept: Kept) -> None:
    """A database that was restored without its keys, or one that several servers share."""
    kept.closed("i1")
    kept.keys.destroy_incident("i1")
    assert kept.retention.due(CLOSED_S + 1.0) == ()
    assert kept.retention.purge_due(CLOSED_S + 1.0) == ()
    assert len(kept.sealed("i1")) == 2


@pytest.mark.parametrize("fails", ["receipt", "key"])
def test_what_fails_half_way_is_gone_on_with(
    kept: Kept, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.closed("i1")
    kept.closed("i2")
    with monkeypatch.context() as broken:
        if fails == "receipt":
            append = Audit.append

            def full(audit: Audit, action: str, *rest: Any, **more: Any) -> object:
                if action == "purged":
                    raise AuditError("the disk is full")
                return append(audit, action, *rest, **more)

            broken.setattr(Audit, "append", full)
            with pytest.raises(AuditError):
                kept.retention.purge("i1", by="root", reason="asked", now_s=CLOSED_S + 1.0)
            assert kept.keys.incident("i1") is None
            assert (len(kept.sealed("i1")), kept.grant("i1").purged_s) == (2, None)
        else:
            really = Keys.destroy_incident
            broken.setattr(
                Keys,
                "destroy_incident",
                lambda keys, incident: (
                    raising(StateError("no"))() if incident == "i1" else really(keys, incident)
                ),
            )
            with pytest.raises(StateError, match="no"):
                kept.retention.purge_due(DUE_S)
            assert kept.grant("i1").purged_s is None
            assert kept.grant("i2").purged_s == DUE_S  # one that cannot go keeps no other here
    again_s = CLOSED_S + 2.0 if fails == "receipt" else DUE_S
    assert kept.retention.purge_due(again_s) == ("i1",)
    assert kept.sealed("i1") == []


def raising(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("values", "now_s", "said"),
    [
        ({"purging_s": 1.0}, CLOSED_S, "due at 2026-04-01 09:10:00 UTC"),
        ({"hold": None, "purging_s": 1.0}, DUE_S, "on legal hold"),
        ({"hold": None}, DUE_S, "on legal hold"),
        ({"retention_days": 0.0}, CLOSED_S, "due at 2026-04-01 09:10:00 UTC"),
        ({"closed_s": START_S - 90 * DAY_S}, CLOSED_S, "due at 2026-04-01 09:10:00 UTC"),
        ({"agreement": terms(0.0).sha256, "retention_days": 0.0}, CLOSED_S, "due at 2026-04-01"),
    ],
    ids=["begun", "hold and begun", "hold", "days", "closed", "other terms"],
)
def test_a_table_that_was_bent_destroys_no_key(
    kept: Kept, values: dict[str, Any], now_s: float, said: str
) -> None:
    """By somebody who can write the database, and knows that a server will purge what it says."""
    kept.closed("other", retention_days=0.0)
    kept.retention.purge_due(CLOSED_S)
    kept.closed("i1")
    if "hold" in values:
        kept.retention.hold("i1", "case 7", actor=AUDITOR, now_s=CLOSED_S)
    kept.set("i1", **values)
    for _ in range(3):
        assert kept.retention.due(now_s) == kept.retention.purge_due(now_s) == ()
    assert all(isinstance(record, KeptRecord) for record in kept.archive.read("i1"))
    [refused] = kept.told("purge-refused")  # once, however often it is tried
    assert (refused["incident"], refused["by"]) == ("i1", "lastseen")
    assert said in refused["refusal"]


def test_a_purge_that_is_asked_for_believes_no_table_either(kept: Kept) -> None:
    kept.closed("held")
    kept.retention.hold("held", "case 7", actor=AUDITOR, now_s=CLOSED_S)
    kept.set("held", hold=None)
    kept.opened("open")
    kept.set("open", closed_s=CLOSED_S)
    for incident, said in (("held", "on legal hold"), ("open", "not have that it was closed")):
        kept.keys.make_incident(incident)
        with pytest.raises(NotPermittedError, match=said):
            kept.retention.purge(incident, by="root", reason="asked", now_s=DUE_S)
        assert kept.keys.incident(incident) is not None
    assert [e["incident"] for e in kept.told("purge-refused")] == ["held", "open"]
    kept.retention.release("held", actor=AUDITOR, now_s=DUE_S)  # its row had no hold any more
    kept.retention.purge("held", by="root", reason="asked", now_s=DUE_S)
    assert kept.keys.incident("held") is None


def test_terms_that_were_bent_neither_end_nor_hold_anything(kept: Kept) -> None:
    kept.closed("i1")
    said = terms(0.0).model_dump(mode="json", by_alias=True)
    said["retention"]["legal_hold_by"] = ["officer"]
    with kept.store.writing() as connection:
        connection.execute(update(AGREEMENTS).values(terms=said))
    kept.set("i1", retention_days=0.0)
    officer = Actor("olga", "tactical", "officer", by="session")
    for actor in (officer, PRINCIPAL):
        with pytest.raises(NotPermittedError, match="for auditors only"):
            kept.retention.hold("i1", "case 7", actor=actor, now_s=CLOSED_S)
    assert kept.retention.purge_due(DUE_S) == ()
    assert "terms" in kept.told("purge-refused")[0]["refusal"]
    kept.retention.hold("i1", "case 7", actor=AUDITOR, now_s=CLOSED_S)


@pytest.mark.parametrize("told", [False, True])
def test_what_has_a_key_can_be_held_and_is_not_purged_before_its_time(
    kept: Kept, told: bool
) -> None:
    """Whatever table, or even audit, say of a purge that began: nothing is lost by waiting."""
    kept.closed("i1")
    if told:
        kept.begin_purge("i1")
    else:
        kept.set("i1", purging_s=1.0)
    assert kept.retention.purge_due(CLOSED_S + 1.0) == ()
    kept.retention.hold("i1", "case 7", actor=AUDITOR, now_s=CLOSED_S)
    assert kept.grant("i1").hold == "case 7"


def test_a_bent_audit_destroys_nothing_but_what_came_after_it(kept: Kept) -> None:
    record = record_in(kept.store, kept.keys.checkpoint_file.parents[1])
    for incident in ("old", "bent", "new"):
        kept.closed(incident)
        if incident == "bent":
            kept.retention.hold("bent", "case 7", actor=AUDITOR, now_s=CLOSED_S)
        kept.audit.append("step", CLOSED_S, {})
        record.checkpoints.sign(CLOSED_S)
    # The hold goes from table and audit, and its release is put in its place.
    kept.set("bent", hold=None)
    hold = update(AUDIT).where(AUDIT.c.action == "hold-set")
    line = func.replace(AUDIT.c.line, "hold-set", "hold-released")
    with kept.store.writing() as connection:
        connection.execute(hold.values(action="hold-released", line=line))
    assert kept.retention.due(DUE_S) == ("bent", "new", "old")
    assert kept.retention.purge_due(DUE_S) == ("new",)
    assert kept.retention.purge_due(DUE_S + 60.0) == ()
    assert {e["incident"] for e in kept.told("purge-refused")} == {"old", "bent"}
    for incident in ("old", "bent"):
        with pytest.raises(NotPermittedError, match="bent at entry 6"):
            kept.retention.purge(incident, by="root", reason="asked", now_s=DUE_S)
        assert kept.keys.incident(incident) is not None


def test_a_line_does_not_say_from_where_it_is_looked_at(kept: Kept) -> None:
    record = record_in(kept.store, kept.keys.checkpoint_file.parents[1])
    kept.closed("i1", retention_days=90.0)
    kept.audit.append("step", CLOSED_S, {})
    record.checkpoints.sign(CLOSED_S)
    other = terms(30.0)
    said = other.model_dump(mode="json", by_alias=True)
    line = func.replace(AUDIT.c.line, terms(90.0).sha256, other.sha256)
    line = func.replace(line, '{"seq":1,', '{"seq":1000,')
    with kept.store.writing() as connection:
        row = {"sha256": other.sha256, "terms": said, "first_used_s": START_S}
        connection.execute(insert(AGREEMENTS).values(row))
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 1).values(line=line))
    kept.set("i1", retention_days=30.0)
    assert kept.retention.due(DUE_S) == ("i1",)
    assert kept.retention.purge_due(DUE_S) == ()
    assert "bent at entry 1" in kept.told("purge-refused")[0]["refusal"]


def test_a_bent_audit_is_looked_at_once_an_hour(kept: Kept) -> None:
    looks: list[int | None] = []

    def whole(since: int | None) -> Head | Broken:
        looks.append(since)
        return Broken(3, "bent", Head(2))

    kept.closed("i1")
    ours = Retention(kept.store, kept.keys, kept.audit, whole=whole)
    for after_s in (0.0, 30.0, 3599.0):
        assert ours.purge_due(DUE_S + after_s) == ()
    assert looks == [1]
    assert ours.purge_due(DUE_S + 3600.0) == ()
    assert looks == [1, 1]
    assert len(kept.told("purge-refused")) == 1


def test_two_purgers_leave_one_receipt(kept: Kept, tmp_path: Path) -> None:
    incidents = [kept.closed(f"i{number}") for number in range(6)]
    begin = threading.Barrier(3)
    purged: list[str] = []

    def purge() -> None:
        ours = Retention(kept.store, Keys(tmp_path / "state"), Audit(kept.store))
        begin.wait()
        purged.extend(ours.purge_due(DUE_S))

    threads = [threading.Thread(target=purge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(purged) == incidents
    told = kept.told("purged")
    assert sorted(entry["incident"] for entry in told) == incidents
    assert {(entry["records"], len(entry["sha256"])) for entry in told} == {(2, 64)}


@pytest.mark.parametrize("records", [0, 2])
def test_who_comes_second_while_the_receipt_is_written_is_refused(
    kept: Kept, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.opened("i1")
    kept.archive.keep_many("i1", [NewRecord("sighting", START_S, b"{}")] * records)
    kept.close("i1", CLOSED_S)
    really = Audit.append
    other = iter(["first"])

    def append(audit: Audit, action: str, *rest: Any, **more: Any) -> Head:
        for by in other:
            kept.retention.purge("i1", by=by, reason="asked", now_s=CLOSED_S)
        return really(audit, action, *rest, **more)

    monkeypatch.setattr(Audit, "append", append)
    with pytest.raises(NotPermittedError, match="was purged"):
        kept.retention.purge("i1", by="second", reason="asked", now_s=CLOSED_S + 1.0)
    assert [(e["by"], e["records"]) for e in kept.told("purged")] == [("first", records)]
    assert kept.grant("i1").purged_s == CLOSED_S


def test_what_is_kept_while_it_is_purged_goes_with_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.opened("i1")
    kept.close("i1", CLOSED_S)  # nothing was kept, so there is no key yet
    really = Audit.append
    late = iter([b"late"])

    def append(audit: Audit, action: str, *rest: Any, **more: Any) -> Head:
        for data in late:
            kept.archive.keep("i1", "sighting", CLOSED_S, data)
        return really(audit, action, *rest, **more)

    monkeypatch.setattr(Audit, "append", append)
    receipt = kept.retention.purge("i1", by="root", reason="asked", now_s=DUE_S)
    assert (receipt.records, receipt.key) == (1, "destroyed")
    assert (kept.sealed("i1"), kept.keys.incident("i1")) == ([], None)
    assert len(kept.told("purged")) == 1


def test_after_the_purge_no_file_holds_the_sealed_bytes(tmp_path: Path) -> None:
    state = tmp_path / "state"
    store = open_store(state)
    kept = kept_in(store, state)
    for incident in ("i1", "i2"):
        kept.opened(incident)
    for number in range(40):  # small and large, side by side with those of another incident
        for incident in ("i1", "i2"):
            data = bytes(60 if number % 3 else 20_000)
            kept.archive.keep_many(incident, [NewRecord("sighting", START_S + number, data)] * 2)
    kept.close("i1", CLOSED_S)
    pieces = [
        sealed[at : at + 24] for sealed in kept.sealed("i1") for at in range(0, len(sealed), 400)
    ]
    key = kept.keys.incident("i1") or b""

    def found() -> int:
        files = [path.read_bytes() for path in state.rglob("*") if path.is_file()]
        return sum(any(piece in content for content in files) for piece in [*pieces, key])

    assert found() > 0.9 * len(pieces)  # a piece that lies across two pages is not found
    assert kept.retention.purge_due(DUE_S) == ("i1",)
    assert found() == 0
    assert (state / "lastseen.db-wal").stat().st_size == 0
    assert sum(isinstance(record, KeptRecord) for record in kept.archive.read("i2")) == 80
    store.close()
