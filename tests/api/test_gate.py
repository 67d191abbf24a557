"""Default deny: nothing without a grant, no grant without its audit entry on the disk."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from api.actors import MACHINE, Actor
from api.agreements import Agreement
from api.audit import Audit
from api.decisions import CameraFacts
from api.errors import AuditError, NotPermittedError
from api.gate import Activation, Gate, Grant, Permit, Terms
from api.grant_rules import MOST_AGENCIES
from api.record import record_in
from api.store_tables import AGREEMENTS, GRANTS
from tests.api.agreed import AGREEMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.agreements import Channel
    from api.grant_rules import IncidentKind
    from api.store import Store

NOW_S = 1_772_442_000.0  # 2026-03-02 09:00:00 UTC
BOUND = Agreement.model_validate(tomllib.loads(AGREEMENT))
CAMERAS = (
    CameraFacts("cam-01", "interior"),
    CameraFacts("cam-02", "interior"),
    CameraFacts("cam-03", "exterior"),
    CameraFacts("cam-99", "interior"),
)
FREE, SIGNED = Terms(None, CAMERAS), Terms(BOUND, CAMERAS)
DANA = Actor("dana", "dispatcher", "dispatcher")
PAT = Actor("pat", "school-administrator", "principal")
OLA = Actor("ola", "tactical", "officer")
ALL = frozenset({"cam-01", "cam-02", "cam-03", "cam-99"})


def ask(
    kind: IncidentKind = "exercise", opened_by: str = "me", reason: str = "drill", **more: Any
) -> Activation:
    return Activation(kind, "wing", opened_by, reason, **more)


def emergency(role: str = "dispatcher", channel: Channel = "911", **more: Any) -> Activation:
    return ask("real", role=role, channel=channel, **{"emergency": "active-shooter", **more})


def opened(
    gate: Gate, incident: str = "i1", *, now_s: float = NOW_S, activation: Activation | None = None
) -> Grant:
    return gate.open(activation or emergency(), SIGNED, actor=DANA, incident=incident, now_s=now_s)


def actions(store: Store) -> list[str]:
    return [entry["action"] for entry in Audit(store).entries()]


def test_a_grant_is_live_from_opening_until_its_time_is_over(store: Store) -> None:
    gate = Gate(Audit(store), longest_s=60.0)
    grant = gate.open(ask(), FREE, actor=DANA, incident="i1", now_s=NOW_S)
    rows = [
        (-0.1, "cam-01", False),  # before it began
        (0.0, "cam-01", True),
        (59.9, "cam-02", True),
        (60.0, "cam-01", False),  # its time is over
        (20.0, "cam-04", False),  # a camera that was not granted
    ]
    for after_s, camera, allowed in rows:
        assert gate.allows(grant.permit, camera, NOW_S + after_s) is allowed, (after_s, camera)


@pytest.mark.parametrize(
    ("activation", "terms", "clause", "cameras", "minutes"),
    [
        (emergency(), SIGNED, "2", {"cam-01", "cam-02", "cam-03"}, 10),
        (emergency("principal", "administrator"), SIGNED, "2", {"cam-01", "cam-02", "cam-03"}, 10),
        (
            emergency(channel="break-glass", confirmed_by="Kim"),
            SIGNED,
            "3",
            {"cam-01", "cam-02"},
            5,
        ),
        (ask("standing", role="officer"), SIGNED, "1", {"cam-03"}, 12 * 60),
        (ask(role="dispatcher"), SIGNED, "exercises", {"cam-01", "cam-02", "cam-03"}, 60),
        (ask(), FREE, "", ALL, 60),
    ],
    ids=["911", "principal", "two dispatchers", "exterior full time", "exercise", "unbound"],
)
def test_what_the_agreement_allows_is_granted_and_no_more(
    store: Store,
    activation: Activation,
    terms: Terms,
    clause: str,
    cameras: set[str],
    minutes: float,
) -> None:
    gate = Gate(Audit(store))
    grant = gate.open(activation, terms, actor=DANA, incident="i1", now_s=NOW_S)
    assert grant.clause == clause
    assert grant.permit.cameras == frozenset(cameras)
    assert grant.until_s == pytest.approx(NOW_S + minutes * 60)
    (entry,) = Audit(store).entries()
    assert entry["action"] == "grant-opened"
    assert (entry["actor"], entry["clause"], entry["cameras"]) == ("dana", clause, sorted(cameras))
    with store.reading() as connection:
        row = connection.execute(select(GRANTS)).one()
        kept = connection.execute(select(AGREEMENTS.c.terms)).scalars().all()
    assert (row.until_s, row.closed_s, row.clause) == (grant.until_s, None, clause)
    assert row.retention_days == (30.0 if terms is SIGNED else None)
    assert [Agreement.model_validate(terms) for terms in kept] == (
        [BOUND] if terms is SIGNED else []
    )


@pytest.mark.parametrize(
    ("activation", "terms", "said"),
    [
        (emergency(), FREE, "agreement"),
        (emergency(), Terms(BOUND, CAMERAS, recorded=True), "recorded drill"),
        (emergency(emergency="food-fight"), SIGNED, "no life-safety emergency"),
        (emergency(emergency="lost-cat"), SIGNED, "not among what counts"),
        (emergency(emergency=None), SIGNED, "which class"),
        (emergency("officer"), SIGNED, "no clause allows it"),
        (emergency("journalist"), SIGNED, "no role of this agreement"),
        (emergency(channel="hotline"), SIGNED, "no clause allows it"),
        (emergency(channel="break-glass"), SIGNED, "second person"),
        (emergency(channel="break-glass", confirmed_by="ME"), SIGNED, "second person is the first"),
        (ask("standing", role="principal"), SIGNED, "no clause allows it"),
        (ask(role="officer"), SIGNED, "exercises are opened by"),
        (ask(opened_by="  "), FREE, "who"),
        (ask(reason=""), FREE, "why"),
        (ask(), Terms(None, ()), "no cameras"),
        (emergency(), Terms(BOUND, CAMERAS[3:]), "no cameras"),
    ],
)
def test_refusals_are_recorded(
    store: Store, activation: Activation, terms: Terms, said: str
) -> None:
    gate = Gate(Audit(store))
    with pytest.raises(NotPermittedError, match=said):
        gate.open(activation, terms, actor=DANA, incident="i1", now_s=NOW_S)
    (entry,) = Audit(store).entries()
    assert entry["action"] == "grant-refused"
    assert said in entry["refusal"]
    assert entry["actor"] == "dana"
    assert gate.grant_of("i1") is None


def test_closing_revokes(store: Store) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate)
    gate.close("i1", actor=PAT, reason="over", now_s=NOW_S + 10)
    gate.close("i1", actor=PAT, reason="again", now_s=NOW_S + 11)
    assert not gate.allows(grant.permit, "cam-01", NOW_S + 11)
    assert actions(store) == ["grant-opened", "grant-closed"]
    with store.reading() as connection:
        assert connection.execute(select(GRANTS.c.closed_s)).scalar_one() == NOW_S + 10


@pytest.mark.parametrize(
    ("activation", "actor", "closes"),
    [
        (emergency(), DANA, True),
        (emergency(), OLA, False),
        (emergency(), MACHINE, True),
        (ask(role="dispatcher"), PAT, True),
        (ask(role="dispatcher"), OLA, False),
        (ask("standing", role="dispatcher"), DANA, True),
    ],
)
def test_the_agreement_says_who_may_close(
    store: Store, activation: Activation, actor: Actor, closes: bool
) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate, activation=activation)
    if closes:
        gate.close("i1", actor=actor, reason="over", now_s=NOW_S)
    else:
        with pytest.raises(NotPermittedError, match="is closed by dispatcher, principal"):
            gate.close("i1", actor=actor, reason="over", now_s=NOW_S)
        assert actions(store)[-1] == "close-refused"
    assert gate.allows(grant.permit, "cam-03", NOW_S + 1) is not closes


def test_extensions_are_counted(store: Store) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate)
    with pytest.raises(NotPermittedError, match="extended by dispatcher"):
        gate.extend("i1", actor=PAT, now_s=NOW_S)
    for number in (1, 2):
        longer = gate.extend("i1", actor=DANA, now_s=NOW_S)
        assert (longer.extensions, longer.until_s) == (number, NOW_S + 600 + number * 300)
    assert gate.allows(grant.permit, "cam-01", NOW_S + 1199)  # the same permit, longer
    with pytest.raises(NotPermittedError, match="allows no more"):
        gate.extend("i1", actor=DANA, now_s=NOW_S)
    with pytest.raises(NotPermittedError, match="no live grant"):
        gate.extend("i1", actor=DANA, now_s=NOW_S + 1200)
    gate.close("i1", actor=DANA, reason="over", now_s=NOW_S)
    with pytest.raises(NotPermittedError, match="no live grant"):
        gate.extend("i1", actor=DANA, now_s=NOW_S)
    assert actions(store) == [
        "grant-opened",
        "extension-refused",
        "grant-extended",
        "grant-extended",
        "extension-refused",
        "grant-closed",
    ]


def test_it_is_told_when_all_agencies_that_came_have_left(store: Store) -> None:
    gate = Gate(Audit(store))
    opened(gate)
    rows = [
        ("Town Police", False, False),
        ("Fire", False, False),
        ("Town Police", True, False),
        ("Town Police", False, False),  # they came back
        ("Fire", True, False),
        ("Fire", True, False),  # told twice
        ("Town Police", True, True),
    ]
    for agency, left, all_left in rows:
        told = gate.respond("i1", agency, left=left, actor=DANA, now_s=NOW_S)
        assert told is all_left, (agency, left)
    assert actions(store).count("agency-left") == 3
    with pytest.raises(NotPermittedError, match="no live grant"):
        gate.respond("i2", "Fire", left=False, actor=DANA, now_s=NOW_S)


@pytest.mark.parametrize(
    ("actor", "agency", "left", "refusal"),
    [
        (OLA, "Fire", False, ""),
        (DANA, "Fire", True, ""),
        (Actor("fay", "dispatcher", "firefighter", agency="Fire"), "Fire", True, ""),
        (OLA, "Fire", True, "it is said by dispatcher, principal, or by Fire itself"),
        (Actor("eve", "analyst", "nobody"), "Fire", False, "it is said by dispatcher, officer"),
        (Actor("eve", "analyst", "nobody"), "Fire", True, "it is said by"),
        (DANA, "Town Police", True, "has not responded here"),
        (DANA, "Rescue 99", False, "none of the agreement's agencies: Town Police, Fire"),
    ],
)
def test_who_may_say_that_an_agency_is_there_or_gone(
    store: Store, actor: Actor, agency: str, left: bool, refusal: str
) -> None:
    gate = Gate(Audit(store))
    opened(gate)
    gate.respond("i1", "Fire", left=False, actor=DANA, now_s=NOW_S)
    if not refusal:
        gate.respond("i1", agency, left=left, actor=actor, now_s=NOW_S)
        return
    with pytest.raises(NotPermittedError, match=refusal):
        gate.respond("i1", agency, left=left, actor=actor, now_s=NOW_S)
    assert actions(store)[-1] == "agency-refused"


def test_without_an_agreement_agencies_are_counted(store: Store) -> None:
    gate = Gate(Audit(store))
    gate.open(ask(), FREE, actor=DANA, incident="i1", now_s=NOW_S)
    for number in range(MOST_AGENCIES):
        gate.respond("i1", f"A{number}", left=False, actor=DANA, now_s=NOW_S)
    with pytest.raises(NotPermittedError, match="no more than 64"):
        gate.respond("i1", "one more", left=False, actor=DANA, now_s=NOW_S)


def test_a_permit_of_another_gate_opens_nothing(store: Store) -> None:
    gate, other = Gate(Audit(store)), Gate(Audit(store))
    foreign = opened(other)
    assert not gate.allows(foreign.permit, "cam-01", NOW_S + 1)


def test_a_permit_cannot_be_made_or_changed_outside_the_gate(store: Store) -> None:
    with pytest.raises(TypeError, match="made by the gate only"):
        Permit("i1", ALL, 0.0, seal=object())
    permit = opened(Gate(Audit(store))).permit
    with pytest.raises(dataclasses.FrozenInstanceError):
        permit.cameras = ALL  # type: ignore[misc]
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(permit, cameras=ALL)  # type: ignore[call-arg]


def test_one_grant_for_one_incident(store: Store) -> None:
    gate = Gate(Audit(store))
    opened(gate)
    with pytest.raises(NotPermittedError, match="already"):
        opened(gate)


def test_no_audit_no_grant(store: Store) -> None:
    gate = Gate(Audit(store))
    with store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    with pytest.raises(AuditError, match="cannot write"):
        opened(gate)
    assert gate.grant_of("i1") is None


def test_the_entry_is_kept_before_the_permit_exists(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    really = Permit.__post_init__

    def post_init(permit: Permit, seal: object) -> None:
        really(permit, seal)
        made.append(sum(1 for _ in Audit(store).entries(actions=["grant-opened"])))

    gate = Gate(Audit(store))
    monkeypatch.setattr(Permit, "__post_init__", post_init)
    assert gate.grant_of("i1") is None
    grant = opened(gate)
    assert gate.grant_of("i1") is grant
    assert made == [1]


def test_open_stays_open_until_its_time_after_a_crash(store: Store) -> None:
    gate = Gate(Audit(store))
    early = opened(gate, "early", now_s=NOW_S - 500)
    opened(gate, "closed", now_s=NOW_S)
    still = opened(gate, "open", now_s=NOW_S)
    longer = opened(gate, "longer", now_s=NOW_S - 500)
    gate.extend("longer", actor=DANA, now_s=NOW_S)
    Gate(Audit(store), holder="command line").open(
        ask(), FREE, actor=DANA, incident="elsewhere", now_s=NOW_S
    )
    gate.close("closed", actor=DANA, reason="over", now_s=NOW_S)

    reborn = Gate(Audit(store), longest_s=999.0)
    assert not reborn.allows(still.permit, "cam-01", NOW_S + 200)  # of another process
    resumed = {grant.permit.incident: grant for grant in reborn.resume(NOW_S + 200)}
    assert resumed.keys() == {"open", "longer"}
    grant = resumed["open"]
    assert grant == dataclasses.replace(still, permit=grant.permit)
    assert grant.permit.cameras == still.permit.cameras
    assert grant.until_s == pytest.approx(still.until_s)  # not a second longer
    assert resumed["longer"].until_s == pytest.approx(longer.until_s + 300)
    assert resumed["longer"].extensions == 1
    assert reborn.allows(grant.permit, "cam-01", NOW_S + 599.9)
    assert not reborn.allows(grant.permit, "cam-01", NOW_S + 600)
    closed = {e["incident"] for e in Audit(store).entries(actions=["grant-closed"])}
    assert closed == {"closed", early.permit.incident}
    # Once more, at once: nothing is closed or opened twice.
    assert len(Gate(Audit(store)).resume(NOW_S + 201)) == 2
    assert Gate(Audit(store)).resume(NOW_S + 5000) == ()
    assert Gate(Audit(store)).resume(NOW_S + 5001) == ()
    closed_ids = [e["incident"] for e in Audit(store).entries(actions=["grant-closed"])]
    assert sorted(closed_ids) == ["closed", "early", "elsewhere", "longer", "open"]


def test_nothing_is_resumed_from_a_bent_audit(store: Store) -> None:
    opened(Gate(Audit(store)))
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET line = replace(line, 'cam-02', 'cam-99')")
    with pytest.raises(AuditError, match="bent at entry 1"):
        Gate(Audit(store)).resume(NOW_S + 1)


def test_what_is_relied_on_is_verified_however_many_checkpoints_came_after(
    store: Store, tmp_path: Path
) -> None:
    record = record_in(store, tmp_path / "state")
    opened(Gate(record.audit))
    for number in range(3):
        record.audit.append("step", NOW_S, {"number": number})
        record.checkpoints.sign(NOW_S + number)
    assert len(Gate(record.audit, whole=record.whole).resume(NOW_S + 1)) == 1
    with store.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE audit SET line = replace(line, 'cam-02', 'cam-99') WHERE seq = 1"
        )
    with pytest.raises(AuditError, match="bent at entry 1"):
        Gate(record.audit, whole=record.whole).resume(NOW_S + 1)


@pytest.mark.parametrize(
    "terms",
    [
        lambda terms: terms | {"grant": terms["grant"] | {"most_extensions": 9999}},
        lambda terms: terms | {"retention": {"days": 0.0}},
        lambda _: {},
    ],
    ids=["longer", "shorter", "none"],
)
def test_a_grant_whose_terms_were_changed_is_not_taken_up(
    store: Store, terms: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    opened(Gate(Audit(store)))
    assert len(Gate(Audit(store)).resume(NOW_S + 1)) == 1
    with store.writing() as connection:
        kept = connection.execute(select(AGREEMENTS.c.terms)).scalar_one()
        connection.execute(update(AGREEMENTS).values(terms=terms(kept)))
    assert Gate(Audit(store)).resume(NOW_S + 1) == ()


def test_the_terms_are_those_of_the_entry_whatever_the_table_names(store: Store) -> None:
    opened(Gate(Audit(store)))
    with store.writing() as connection:
        connection.execute(update(GRANTS).values(agreement=None))
    (grant,) = Gate(Audit(store)).resume(NOW_S + 1)
    assert grant.agreement == BOUND


def test_the_table_alone_opens_nothing(store: Store) -> None:
    """Whoever writes a longer time, or an open grant, into the table bends no rule."""
    gate = Gate(Audit(store))
    opened(gate, "closed")
    gate.close("closed", actor=DANA, reason="over", now_s=NOW_S)
    opened(gate, "open")
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE grants SET closed_s = NULL, until_s = 9e9")
    (grant,) = Gate(Audit(store)).resume(NOW_S + 1)
    assert (grant.permit.incident, grant.until_s) == ("open", NOW_S + 600)


def test_closing_revokes_also_where_the_audit_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate)

    def full(*_: object, **__: object) -> None:
        raise AuditError("no space left")

    monkeypatch.setattr(Audit, "append", full)
    with pytest.raises(AuditError):
        gate.close("i1", actor=DANA, reason="over", now_s=NOW_S + 1)
    assert not gate.allows(grant.permit, "cam-01", NOW_S + 1)
    with pytest.raises(AuditError):
        gate.settle()
    monkeypatch.undo()
    gate.settle()  # what is owed is written when it can be, so that closed stays closed
    gate.settle()
    assert actions(store) == ["grant-opened", "grant-closed"]
    assert Gate(Audit(store)).resume(NOW_S + 2) == ()


def test_what_nobody_holds_any_more_is_closed_when_its_time_is_over(store: Store) -> None:
    gate = Gate(Audit(store), holder="command line", longest_s=60.0)
    gate.open(ask(), FREE, actor=DANA, incident="i1", now_s=NOW_S)
    assert Gate(Audit(store)).resume(NOW_S + 59) == ()
    assert actions(store) == ["grant-opened"]  # whoever holds it may live
    assert Gate(Audit(store)).resume(NOW_S + 60) == ()
    assert actions(store) == ["grant-opened", "grant-closed"]
