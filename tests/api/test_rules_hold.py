"""Who may end, see and confirm; and what happens while the disk writes what they asked for."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.actors import MACHINE, Actor
from api.agreements import Agreement
from api.asking import Asking
from api.audit import Audit
from api.decisions import NO_SECOND_PERSON, AccessRequest, CameraFacts, decide
from api.errors import AuditError, ForbiddenError, NotPermittedError, RunError
from api.gate import Activation, Gate, Grant, Terms
from api.grant_rules import needs_second_person, refusal_to_end
from api.incidents import Incidents
from api.keys import Keys
from api.pending import Pending
from api.retention import Retention
from api.store import DATABASE_FILE, open_store
from api.store_tables import GRANTS
from api.targets import load_target
from api.viewing import Viewers, told_cameras
from tests.api.agreed import AGREEMENT
from tests.api.kept_incident import DAY_S, kept_in
from tests.api.kept_incident import START_S as KEPT_FROM_S
from tests.api.replayed import START_S, Clock, Console, ReplayedRuns, write_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.record import Record
    from api.store import Store
    from api.targets import Target

NOW_S = START_S
TERMS: dict[str, Any] = tomllib.loads(AGREEMENT)
BOUND = Agreement.model_validate(TERMS)
CAMERAS = (
    CameraFacts("cam-01", "interior"),
    CameraFacts("cam-02", "interior"),
    CameraFacts("cam-03", "exterior"),
)
FREE, SIGNED = Terms(None, CAMERAS), Terms(BOUND, CAMERAS)
DANA = Actor("dana", "dispatcher", "dispatcher", full_name="Dana")
KIM = Actor("kim", "dispatcher", "dispatcher", full_name="Kim")
PAT = Actor("pat", "school-administrator", "principal")
OLA = Actor("ola", "tactical", "officer")
TOM = Actor("tom", "tactical", "trooper")
ANN = Actor("ann", "analyst", "officer")

EMERGENCY = Activation("real", "wing", "Dana", "shots", "911", "dispatcher", "active-shooter")
EXERCISE = Activation("exercise", "wing", "Dana", "drill", role="dispatcher")
STANDING = Activation("standing", "wing", "Dana", "a look at the yard", role="dispatcher")


def bound_by(**changed: Any) -> Agreement:
    """The agreement of these tests with some of its tables changed."""
    return Agreement.model_validate({**TERMS, **changed})


def opened(
    gate: Gate,
    activation: Activation = EMERGENCY,
    *,
    terms: Terms = SIGNED,
    actor: Actor = DANA,
    incident: str = "i1",
) -> Grant:
    return gate.open(activation, terms, actor=actor, incident=incident, now_s=NOW_S)


def actions(audit: Audit) -> list[str]:
    return [entry["action"] for entry in audit.entries()]


def meddle(
    audit: Audit,
    action: str,
    *,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> None:
    """Do something right before or after the next entry of an action is written."""
    really = audit.append
    awaited = [action]

    def append(did: str, *rest: Any, **more: Any) -> Any:
        ours = did in awaited
        if ours:
            awaited.clear()
            before()
        head = really(did, *rest, **more)
        if ours:
            after()
        return head

    audit.append = append  # type: ignore[assignment, method-assign]


def fail() -> None:
    raise AuditError("no space left")


# Who may end


@pytest.mark.parametrize(
    ("kind", "opener", "actor", "ends"),
    [
        ("real", "ola", OLA, False),  # to have opened it is not enough in an emergency
        ("real", "ola", DANA, True),
        ("exercise", "ola", OLA, True),
        ("exercise", "dana", OLA, False),
        ("standing", "ola", OLA, True),
        ("standing", "dana", OLA, False),
    ],
)
def test_who_opened_it_may_end_it_but_no_emergency(
    kind: Any, opener: str, actor: Actor, ends: bool
) -> None:
    asked = replace(EMERGENCY, kind=kind)
    assert (refusal_to_end(BOUND, asked, opener, actor) is None) is ends


def test_who_opened_an_emergency_and_may_not_close_is_refused(store: Store) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate, actor=OLA)  # as a source of another role opens in a dispatcher's name
    with pytest.raises(NotPermittedError, match="is closed by dispatcher, principal"):
        gate.close("i1", actor=OLA, reason="over", now_s=NOW_S)
    assert gate.allows(grant.permit, "cam-01", NOW_S)


@pytest.mark.parametrize(
    ("activation", "ends"), [(EXERCISE, True), (EMERGENCY, False), (STANDING, False)]
)
def test_who_may_open_exercises_may_end_those_and_nothing_else(
    activation: Activation, ends: bool
) -> None:
    terms = bound_by(exercises={"roles": ["officer"]})
    assert (refusal_to_end(terms, activation, "dana", OLA) is None) is ends
    assert refusal_to_end(terms, activation, "dana", PAT) is None  # of those who close
    none = bound_by(exercises=None)
    assert refusal_to_end(none, activation, "dana", OLA) is not None


# Who may open


def test_standing_access_is_no_exercise_of_a_recorded_drill(store: Store) -> None:
    gate = Gate(Audit(store))
    recorded = replace(SIGNED, recorded=True)
    for asked in (EMERGENCY, STANDING):
        with pytest.raises(NotPermittedError, match="recorded drill"):
            opened(gate, asked, terms=recorded)
    assert opened(gate, EXERCISE, terms=recorded).clause == "exercises"


def test_two_who_open_the_same_at_once_get_one_grant(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)

    def also() -> None:
        with pytest.raises(NotPermittedError, match="has a live grant already"):
            opened(gate, actor=KIM)

    meddle(audit, "grant-opened", before=also)
    grant = opened(gate)
    assert actions(audit) == ["grant-refused", "grant-opened"]
    assert gate.grant_of("i1") is grant


def test_an_opening_that_may_be_on_record_is_closed_on_record(store: Store) -> None:
    """The commit was in doubt: another process would take the grant up."""
    audit = Audit(store)
    gate = Gate(audit)
    meddle(audit, "grant-opened", after=fail)
    with pytest.raises(AuditError, match="no space left"):
        opened(gate)
    assert gate.grant_of("i1") is None
    assert actions(audit) == ["grant-opened"]
    gate.settle()
    gate.settle()
    assert actions(audit) == ["grant-opened", "grant-closed"]
    (closed,) = audit.entries(actions=["grant-closed"])
    assert (closed["incident"], closed["closed_by"]) == ("i1", MACHINE.name)
    assert Gate(Audit(store)).resume(NOW_S + 1) == ()
    with store.reading() as connection:
        assert connection.execute(select(GRANTS.c.closed_s)).scalar_one() == NOW_S


def test_a_permit_of_before_a_restart_allows_nothing_after_it(store: Store) -> None:
    before = opened(Gate(Audit(store)))
    gate = Gate(Audit(store))
    (after,) = gate.resume(NOW_S + 1)
    assert after.permit == before.permit  # the same to look at
    assert not gate.allows(before.permit, "cam-01", NOW_S + 2)
    assert gate.allows(after.permit, "cam-01", NOW_S + 2)


# Extensions, and what happens meanwhile


def test_what_is_closed_before_its_extension_is_written_is_not_extended(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    grant = opened(gate)
    meddle(
        audit,
        "grant-extended",
        before=lambda: gate.revoke("i1", actor=DANA, reason="over", now_s=NOW_S),
    )
    with pytest.raises(NotPermittedError, match="changed meanwhile"):
        gate.extend("i1", actor=DANA, now_s=NOW_S)
    assert actions(audit) == ["grant-opened"]
    with store.reading() as connection:
        row = connection.execute(select(GRANTS)).one()
    assert (row.until_s, row.extensions) == (grant.until_s, 0)


def test_what_is_closed_while_its_extension_is_written_stays_closed(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    grant = opened(gate)
    meddle(
        audit,
        "grant-extended",
        after=lambda: gate.revoke("i1", actor=DANA, reason="over", now_s=NOW_S),
    )
    with pytest.raises(NotPermittedError, match="no live grant any more"):
        gate.extend("i1", actor=DANA, now_s=NOW_S)
    assert gate.grant_of("i1") is None
    assert not gate.allows(grant.permit, "cam-01", NOW_S)


def test_two_who_extend_at_once_extend_once(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    grant = opened(gate)
    meddle(
        audit,
        "grant-extended",
        before=lambda: gate.extend("i1", actor=KIM, now_s=NOW_S),
    )
    with pytest.raises(NotPermittedError, match="ask again"):
        gate.extend("i1", actor=DANA, now_s=NOW_S)
    now = gate.grant_of("i1")
    assert now is not None
    assert (now.extensions, now.until_s) == (1, grant.until_s + 300)
    assert actions(audit).count("grant-extended") == 1


# Who may see


@pytest.mark.parametrize(
    ("activation", "actor", "error"),
    [
        (STANDING, OLA, None),
        (STANDING, DANA, None),
        (STANDING, PAT, NotPermittedError),  # no standing clause names principals
        (STANDING, TOM, NotPermittedError),
        (EXERCISE, OLA, None),
        (EXERCISE, PAT, None),
        (EXERCISE, TOM, NotPermittedError),  # an exercise shows a school, too
        (EXERCISE, ANN, None),
        (EMERGENCY, ANN, ForbiddenError),
        (EXERCISE, Actor("aud", "auditor", "principal"), ForbiddenError),
        (EXERCISE, Actor("cad", "system", "dispatcher"), ForbiddenError),
        (EXERCISE, Actor("ann", "analyst", "officer", sites=frozenset({"x"})), ForbiddenError),
        (EMERGENCY, Actor("ola", "tactical", "officer", sites=frozenset({"x"})), ForbiddenError),
    ],
)
def test_who_may_see_what(
    store: Store, activation: Activation, actor: Actor, error: type[Exception] | None
) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    grant = opened(gate, activation)
    viewers = Viewers(gate, audit)
    assert viewers.may_see(grant, actor, NOW_S) is (error is None)
    if error is None:
        assert viewers.admit(grant, actor=actor, now_s=NOW_S).actor is actor
    else:
        with pytest.raises(error):
            viewers.admit(grant, actor=actor, now_s=NOW_S)
    told = {None: "viewer-admitted", NotPermittedError: "viewer-refused"}
    assert actions(audit)[1:] == ([told[error]] if error in told else [])


@pytest.mark.parametrize("role", ["auditor", "system"])
def test_an_exercise_without_an_agreement_is_not_for_everybody(store: Store, role: Any) -> None:
    gate = Gate(Audit(store))
    grant = opened(gate, EXERCISE, terms=FREE)
    viewers = Viewers(gate, Audit(store))
    with pytest.raises(ForbiddenError):
        viewers.admit(grant, actor=Actor("x", role, "x"), now_s=NOW_S)
    assert not viewers.may_see(grant, Actor("x", role, "x"), NOW_S)


def test_an_exercise_is_seen_by_those_whom_the_agreement_names(bound: Console) -> None:
    asked = {"site": "small", "kind": "exercise", "reason": "drill"}
    with TestClient(bound.app, headers=bound.bearer, raise_server_exceptions=False) as client:
        incident = client.post("/v1/incidents", json=asked).json()["incident"]
        for name, acts_as, status in (("ola", "officer", 200), ("tom", "trooper", 403)):
            key = bound.key_of(name, "tactical", acts_as=acts_as)
            for what in ("last-seen", "cameras", "entrances"):
                seen = client.get(f"/v1/incidents/{incident}/{what}", headers=key)
                assert seen.status_code == status, (name, what)


def test_each_viewer_is_on_record_once(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    viewers = Viewers(gate, audit)
    for incident in ("i1", "i2"):
        grant = opened(gate, incident=incident)
        for actor in (DANA, KIM, DANA, KIM):
            viewers.admit(grant, actor=actor, now_s=NOW_S)
    admitted = audit.entries(actions=["viewer-admitted"])
    assert [(entry["incident"], entry["actor"]) for entry in admitted] == [
        ("i1", "dana"),
        ("i1", "kim"),
        ("i2", "dana"),
        ("i2", "kim"),
    ]


def test_who_is_not_on_record_is_not_let_in(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    viewers = Viewers(gate, audit)
    grant = opened(gate)
    meddle(audit, "viewer-admitted", before=fail)
    with pytest.raises(AuditError):
        viewers.admit(grant, actor=DANA, now_s=NOW_S)
    viewers.admit(grant, actor=DANA, now_s=NOW_S)  # and is not taken for known
    assert actions(audit) == ["grant-opened", "viewer-admitted"]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ((), True),
        (("retention",), True),
        (("camera-count",), False),  # how many there are can be counted from their names
        (("camera-places",), False),
    ],
)
def test_either_fact_about_cameras_keeps_them_from_who_may_not_be_told(
    facts: tuple[str, ...], told: bool
) -> None:
    kept = {"facts": facts, "told_to": ["dispatcher"]} if facts else {}
    agreement = bound_by(confidential=kept)
    assert told_cameras(agreement, OLA) is told
    assert told_cameras(agreement, DANA) is True


@pytest.mark.parametrize(
    ("camera", "after_s", "shown"),
    [
        ("cam-01", 0.0, True),
        ("cam-01", 599.9, True),
        ("cam-01", 600.0, False),  # its time is over
        ("cam-99", 0.0, False),  # another camera
    ],
)
def test_a_picture_is_shown_under_the_grant_only(
    store: Store, camera: str, after_s: float, shown: bool
) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    viewers = Viewers(gate, audit)
    viewing = viewers.admit(opened(gate), actor=DANA, now_s=NOW_S)
    if shown:
        viewers.show(viewing, camera, "track 4", now_s=NOW_S + after_s)
    else:
        with pytest.raises(NotPermittedError, match=f"no live grant for camera {camera}"):
            viewers.show(viewing, camera, "track 4", now_s=NOW_S + after_s)
    assert actions(audit).count("picture-shown") == int(shown)


def test_a_picture_is_not_shown_where_it_was_closed_while_the_disk_wrote(store: Store) -> None:
    audit = Audit(store)
    gate = Gate(audit)
    viewers = Viewers(gate, audit)
    viewing = viewers.admit(opened(gate), actor=DANA, now_s=NOW_S)
    meddle(
        audit,
        "picture-shown",
        after=lambda: gate.revoke("i1", actor=DANA, reason="over", now_s=NOW_S),
    )
    with pytest.raises(NotPermittedError, match="no live grant"):
        viewers.show(viewing, "cam-01", "track 4", now_s=NOW_S)


# A second person


ALONE_NOT = [clause for clause in TERMS["clauses"] if clause["id"] in {"1", "3"}]
"""The clauses by which only two may open interior cameras, by their own decision."""


@pytest.fixture
def runs() -> ReplayedRuns:
    return ReplayedRuns()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    loaded = load_target(write_site(tmp_path / "wing"))
    return replace(loaded, terms=replace(loaded.terms, agreement=bound_by(clauses=ALONE_NOT)))


@pytest.fixture
def asking(record: Record, target: Target, runs: ReplayedRuns, clock: Clock) -> Asking:
    gate = Gate(record.audit)
    incidents = Incidents(
        {target.id: target}, gate=gate, run_factory=runs, clock=clock, monotonic=clock
    )
    return Asking(incidents, gate, clock)


BREAK_GLASS = replace(EMERGENCY, channel="break-glass")


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": " "},
        {"channel": "hotline"},
        {"role": "principal"},
        {"emergency": "food-fight"},
        {"confirmed_by": "DANA"},
    ],
)
def test_what_a_second_person_could_not_mend_does_not_wait_for_one(
    asking: Asking, target: Target, record: Record, changed: dict[str, Any]
) -> None:
    with pytest.raises(NotPermittedError):
        asking.ask(replace(BREAK_GLASS, **changed), target, DANA)
    assert asking.waiting() == ()
    assert actions(record.audit) == ["grant-refused"]
    assert isinstance(asking.ask(BREAK_GLASS, target, DANA), Pending)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (AccessRequest("dispatcher", "break-glass", "armed-person", "me", "shots"), True),
        (AccessRequest("dispatcher", "break-glass", "armed-person", "me", ""), False),
        (AccessRequest("dispatcher", "hotline", "armed-person", "me", "shots"), False),
    ],
    ids=["nothing", "a reason", "the channel"],
)
def test_only_who_lacks_nothing_else_waits_for_a_second_person(
    asked: AccessRequest, waits: bool
) -> None:
    decision = decide(bound_by(clauses=ALONE_NOT), asked, datetime.fromtimestamp(NOW_S, UTC))
    assert NO_SECOND_PERSON in decision.lacks
    assert needs_second_person(decision) is waits


def test_a_request_that_is_not_on_record_does_not_wait(
    asking: Asking, target: Target, record: Record
) -> None:
    meddle(record.audit, "request-waits", before=fail)
    with pytest.raises(AuditError):
        asking.ask(BREAK_GLASS, target, DANA)
    assert asking.waiting() == ()


def test_a_request_that_could_not_be_opened_waits_on(
    asking: Asking, target: Target, record: Record, runs: ReplayedRuns
) -> None:
    pending = asking.ask(BREAK_GLASS, target, DANA)
    assert isinstance(pending, Pending)
    runs.refuse = "no camera has an address"
    with pytest.raises(RunError):
        asking.confirm(pending.id, KIM)
    assert asking.waiting() == (pending,)
    meddle(record.audit, "request-confirmed", before=fail)
    with pytest.raises(AuditError):
        asking.confirm(pending.id, KIM)
    assert asking.waiting() == (pending,)
    assert len(runs.made) == 1
    runs.refuse = ""
    assert asking.confirm(pending.id, KIM).open
    assert asking.waiting() == ()


# What is kept


def test_what_could_not_be_emptied_is_emptied_by_the_next_tick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.store._WAIT_S", 0.05)  # how long SQLite waits for a reader
    state = tmp_path / "state"
    log = state / f"{DATABASE_FILE}-wal"
    store = open_store(state)
    kept = kept_in(store, state)
    kept.closed("i1", retention_days=0.0)
    with store.reading() as connection:
        connection.execute(select(GRANTS)).all()  # a snapshot, held
        assert kept.retention.purge_due(KEPT_FROM_S + DAY_S) == ("i1",)
        assert log.stat().st_size > 0
        assert kept.retention.purge_due(KEPT_FROM_S + DAY_S) == ()  # still busy
    assert log.stat().st_size > 0
    assert kept.retention.purge_due(KEPT_FROM_S + DAY_S) == ()
    assert log.stat().st_size == 0
    kept.audit.append("step", NOW_S, {})
    assert kept.retention.purge_due(KEPT_FROM_S + DAY_S) == ()
    assert log.stat().st_size > 0  # nothing is owed any more
    store.close()


def test_nothing_is_kept_of_what_is_being_purged(store: Store, tmp_path: Path) -> None:
    kept = kept_in(store, tmp_path / "state")
    kept.opened("i1")
    kept.close("i1")
    kept.begin_purge("i1")
    with pytest.raises(NotPermittedError, match="its purge began"):
        kept.archive.keep("i1", "sighting", KEPT_FROM_S, b"{}")
    assert (kept.sealed("i1"), Keys(tmp_path / "state").incident("i1")) == ([], None)
    ours = Retention(store, kept.keys, kept.audit)
    assert ours.purge_due(KEPT_FROM_S + 601.0) == ("i1",)
