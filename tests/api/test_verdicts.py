"""One look at the whole chain for all who ask, never two at once, and none that is stale."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, update

from api import verdicts as verdicts_module
from api.audit_chain import Broken, Head
from api.checkpoint_document import public_key_of, sign_head
from api.checkpoints import verify_all
from api.errors import AuditError
from api.record import record_in
from api.store_tables import AUDIT, CHECKPOINTS
from api.verdicts import FRESH_S, Verdicts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.record import Record
    from api.store import Store
    from api.verdicts import Verified

NOW_S = 1_772_442_000.0


@pytest.fixture
def record(store: Store, tmp_path: Path) -> Record:
    made = record_in(store, tmp_path / "state")
    add(made, 5)
    return made


@pytest.fixture
def verdicts(record: Record) -> Verdicts:
    return Verdicts(record.audit, record.checkpoints)


def add(record: Record, count: int) -> None:
    for number in range(count):
        record.audit.append("step", NOW_S, {"number": number})


def bend(record: Record, seq: int) -> None:
    with record.store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == seq).values(action="walk"))


class Looks:
    """Counts looks at the whole chain, and how many there are at once; may hold them up."""

    def __init__(self) -> None:
        self.count = self.most = self._now = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self._lock = threading.Lock()

    def __call__(self, *arguments: object, each: Callable[[], None] | None = None) -> Head | Broken:
        with self._lock:
            self.count += 1
            self._now += 1
            self.most = max(self.most, self._now)
        self.go_on.wait(20)
        try:
            return verify_all(*arguments, each=each)  # type: ignore[arg-type]
        finally:
            with self._lock:
                self._now -= 1


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    made = Looks()
    monkeypatch.setattr(verdicts_module, "verify_all", made)
    return made


def whole(verdicts: Verdicts, now_s: float = NOW_S) -> Verified:
    return asyncio.run(verdicts.whole(now_s))


def covering(verdicts: Verdicts, seq: int, now_s: float = NOW_S) -> Verified:
    return asyncio.run(verdicts.covering(seq, now_s))


def test_the_same_end_is_looked_at_once(record: Record, verdicts: Verdicts, looks: Looks) -> None:
    first = whole(verdicts)
    assert (first.found, first.checkpoint, first.other_keys) == (record.audit.head(), None, ())
    assert whole(verdicts, NOW_S + 1) is first
    assert looks.count == 1
    add(record, 1)
    assert whole(verdicts).good.seq == 6
    record.checkpoints.sign(NOW_S)
    signed = whole(verdicts)
    assert signed.checkpoint == record.checkpoints.latest()
    assert looks.count == 3
    assert whole(verdicts, NOW_S + FRESH_S).at_s == NOW_S + FRESH_S  # old entries may be bent since
    assert whole(verdicts, NOW_S).at_s == NOW_S  # the clock was set back
    assert looks.count == 5


def test_however_many_ask_one_looks(verdicts: Verdicts, looks: Looks) -> None:
    async def all_ask() -> list[Verified]:
        asked = [
            asyncio.create_task(verdicts.whole(NOW_S) if n % 2 else verdicts.covering(5, NOW_S))
            for n in range(60)
        ]
        await asyncio.sleep(0.05)
        asked[1].cancel()  # whoever goes away takes nothing from the others
        looks.go_on.set()
        return await asyncio.gather(*asked[2:])

    looks.go_on.clear()
    found = asyncio.run(all_ask())
    assert len({id(one) for one in found}) == 1
    assert (looks.count, looks.most) == (1, 1)


def test_threads_and_loops_share_it_too(verdicts: Verdicts, looks: Looks) -> None:
    looks.go_on.clear()
    found: list[Verified] = []
    threads = [threading.Thread(target=lambda: found.append(whole(verdicts))) for _ in range(8)]
    for thread in threads:
        thread.start()
    looks.go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(found) == 8
    assert looks.most == 1


def test_a_record_of_an_incident_looks_at_what_was_added(
    record: Record, verdicts: Verdicts, looks: Looks
) -> None:
    whole(verdicts)
    record.checkpoints.sign(NOW_S)
    add(record, 3)
    longer = covering(verdicts, 8, NOW_S + 10)
    assert (longer.found, longer.at_s) == (record.audit.head(), NOW_S)
    assert longer.checkpoint == record.checkpoints.latest()
    assert looks.count == 1
    add(record, 1)
    bend(record, 9)
    assert isinstance(covering(verdicts, 9).found, Broken)
    assert looks.count == 2
    assert isinstance(covering(verdicts, 9).found, Broken)
    assert looks.count == 2  # the same end
    assert covering(verdicts, 9, NOW_S + FRESH_S).at_s == NOW_S + FRESH_S
    assert looks.count == 3


def test_one_that_began_before_is_not_taken_for_what_came_after(
    record: Record, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def hold_up(*arguments: object, each: Callable[[], None] | None = None) -> Head | Broken:
        found = verify_all(*arguments, each=each)  # type: ignore[arg-type]
        began.set()
        go_on.wait(20)
        return found

    monkeypatch.setattr(verdicts_module, "verify_all", hold_up)

    async def ask() -> Verified:
        first = asyncio.create_task(verdicts.covering(5, NOW_S))
        await asyncio.to_thread(began.wait, 20)
        await asyncio.to_thread(add, record, 2)
        second = asyncio.create_task(verdicts.covering(7, NOW_S))
        await asyncio.sleep(0.05)
        go_on.set()
        await first
        return await second

    assert asyncio.run(ask()).found == record.audit.head()


@pytest.mark.parametrize("what", ["old entry", "cut off", "checkpoint"])
def test_what_was_bent_since_is_found(record: Record, verdicts: Verdicts, what: str) -> None:
    add(record, 3)
    record.checkpoints.sign(NOW_S)
    assert isinstance(whole(verdicts).found, Head)
    if what == "old entry":
        bend(record, 2)
        add(record, 1)
        assert whole(verdicts).found == Broken(
            2, "the columns beside entry 2 were changed: they say otherwise", whole(verdicts).good
        )
    elif what == "cut off":
        with record.store.writing() as connection:
            connection.execute(delete(AUDIT).where(AUDIT.c.seq > 6))
        assert isinstance(covering(verdicts, 6).found, Broken)
        assert isinstance(whole(verdicts).found, Broken)
    else:
        with record.store.writing() as connection:
            connection.execute(update(CHECKPOINTS).values(document="{}"))
        add(record, 1)
        verdict = whole(verdicts)
        assert isinstance(verdict.found, Broken)
        assert verdict.checkpoint is None


def test_an_end_that_is_bent_is_a_verdict_and_no_failure(
    record: Record, verdicts: Verdicts
) -> None:
    with record.store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.seq == 5).values(line="{}"))
    for _ in range(2):
        assert whole(verdicts).good.seq == 4
        assert covering(verdicts, 5).good.seq == 4


def test_another_key_is_told_and_vouches_for_nothing(record: Record, verdicts: Verdicts) -> None:
    ours = record.checkpoints.sign(NOW_S)
    add(record, 1)
    other = Ed25519PrivateKey.generate()
    theirs = sign_head(other, record.audit.head(), "2026-03-02T09:00:00+00:00")
    with record.store.writing() as connection:
        row = {"seq": theirs.seq, "document": theirs.as_json()}
        connection.execute(insert(CHECKPOINTS), row)
    verdict = whole(verdicts)
    assert (verdict.found, verdict.checkpoint) == (record.audit.head(), ours)
    assert verdict.other_keys == (public_key_of(other),)


def test_a_database_that_is_away_fails_for_all_and_not_for_ever(
    record: Record, verdicts: Verdicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise AuditError("the audit cannot be read")

    with monkeypatch.context() as broken:
        broken.setattr(verdicts_module, "verify_all", away)
        for _ in range(2):
            with pytest.raises(AuditError, match="cannot be read"):
                whole(verdicts)
    assert whole(verdicts).found == record.audit.head()
