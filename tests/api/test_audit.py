"""The audit in the database: no writer forks it, no crash breaks it, no bend goes unnoticed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from api.audit import Audit
from api.audit_chain import FIRST_PREV, Broken, Head, link, verify
from api.errors import AccountError, AuditError, StoreError
from api.store import open_store
from api.store_tables import AGREEMENTS, AUDIT

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection as Pipe
    from pathlib import Path

    from sqlalchemy import Connection

    from api.audit_batch import Waiting
    from api.store import Store

THREADS, PROCESSES, EACH = 16, 4, 25
MOMENT = "2026-03-02T09:00:00+00:00"
AT_S = 1_772_442_000.0


def chain(length: int) -> list[bytes]:
    lines, head = [], Head()
    for number in range(length):
        line, head = link(head, MOMENT, "step", {"number": number, "a": "ü"})
        lines.append(line)
    return lines


def forged(**said: object) -> bytes:
    """The first line of a chain by somebody who can make hashes."""
    from api.audit_chain import entry_hash

    entry = {"seq": 1, "at": MOMENT, "action": "step", "prev": FIRST_PREV, **said}
    entry["hash"] = entry_hash(entry)
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def test_a_whole_chain_gives_its_head() -> None:
    lines = chain(5)
    head = verify(lines)
    assert isinstance(head, Head)
    assert head.seq == 5
    assert head.hash == json.loads(lines[-1])["hash"]
    assert verify([]) == Head(0, FIRST_PREV)
    assert isinstance(verify([forged()]), Head)


@pytest.mark.parametrize(
    ("bend", "line", "said"),
    [
        (lambda c: [*c[:2], c[2].replace(b'"number":2', b'"number":9'), *c[3:]], 3, "was changed"),
        (lambda c: [*c[:2], *c[3:]], 3, "removed, inserted or reordered"),
        (lambda c: c[1:], 1, "removed, inserted or reordered"),
        (lambda c: [*c[:2], c[1], *c[2:]], 3, "removed, inserted or reordered"),
        (lambda c: [c[0], c[2], c[1], *c[3:]], 2, "removed, inserted or reordered"),
        (lambda c: [*c[:4], c[4][:-9]], 5, "cut off"),
        (lambda c: [*c[:1], b"grant-opened\n", *c[1:]], 2, "not JSON"),
        (lambda c: [*c[:1], b"[" * 100_000 + b"\n", *c[1:]], 2, "not JSON"),
        (lambda c: [*c[:1], b'{"a":"\\ud800"}\n', *c[1:]], 2, "not JSON"),
        (lambda c: [*c[:1], b"[1]\n", *c[1:]], 2, "no JSON object"),
        (lambda c: [b'{"number":7,' + c[0][1:], *c[1:]], 1, "not as entries are written"),
        (lambda c: [c[0].replace(b'":"', b'": "', 1), *c[1:]], 1, "not as entries are written"),
        (lambda c: [b'{"seq":1}\n', *c[1:]], 1, "'action' is missing"),
        (lambda _: [forged(seq=True)], 1, "its number or its action is none"),
        (lambda _: [forged(seq=1.0)], 1, "its number or its action is none"),
        (lambda _: [forged(action=["step"])], 1, "its number or its action is none"),
    ],
)
def test_every_bend_is_found_where_it_is(
    bend: Callable[[list[bytes]], list[bytes]], line: int, said: str
) -> None:
    found = verify(bend(chain(5)))
    assert isinstance(found, Broken)
    assert found.line == line
    assert said in found.what
    assert found.good.seq == line - 1


@given(st.integers(0, 5), st.data())
def test_no_flipped_byte_goes_unnoticed(entry: int, data: st.DataObject) -> None:
    lines = chain(6)
    place = data.draw(st.integers(0, len(lines[entry]) - 1))
    changed = bytearray(lines[entry])
    changed[place] ^= data.draw(st.integers(1, 255))
    found = verify([*lines[:entry], bytes(changed), *lines[entry + 1 :]])
    assert isinstance(found, Broken)
    assert found.line == entry + 1


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"hash": "x"}, "'hash' is a name"),
        ({"share": float("nan")}, "not JSON compliant"),
        ({"who": "\ud800"}, "surrogates not allowed"),
        ({"incident": "i" * 65}, "at most 64"),
        ({"incident": "i\0"}, "no NUL"),
    ],
)
def test_facts_that_cannot_be_kept_are_refused(
    store: Store, facts: dict[str, object], said: str
) -> None:
    audit = Audit(store)
    with pytest.raises(ValueError, match=said):
        audit.append("step", AT_S, facts)
    assert audit.append("step", AT_S, {"who": "\0'\"\\\n\u2028"}).seq == 1
    assert audit.verify() == audit.head()


def test_entries_come_back_in_order_and_by_incident(store: Store) -> None:
    audit = Audit(store)
    heads = [
        audit.append("opened" if number < 3 else "closed", AT_S, {"incident": f"i{number % 3}"})
        for number in range(6)
    ]
    audit.append("server-started", AT_S, {"incident": 7})  # no text, so of no incident
    assert [head.seq for head in heads] == [1, 2, 3, 4, 5, 6]
    assert [entry["seq"] for entry in audit.entries()] == [1, 2, 3, 4, 5, 6, 7]
    assert [entry["seq"] for entry in audit.entries("i1")] == [2, 5]
    assert [entry["seq"] for entry in audit.entries("i1", actions={"closed"})] == [5]
    assert [entry["seq"] for entry in audit.entries(actions=["opened"], last=2)] == [2, 3]
    assert list(audit.entries("none")) == []
    assert audit.incidents(2) == ("i2", "i1")
    assert audit.incidents(9) == ("i2", "i1", "i0")
    assert audit.head_at(6) == heads[5]
    assert audit.head_at(8) is None
    first = next(audit.entries())
    assert (first["at"], first["prev"]) == (MOMENT, FIRST_PREV)
    assert audit.verify() == audit.head()
    assert verify(audit.lines()) == audit.head()
    assert audit.verify(after=heads[3]) == audit.head()


def test_an_audit_without_entries_is_whole(store: Store) -> None:
    audit = Audit(store)
    assert audit.head() == audit.verify() == Head()
    assert audit.incidents(5) == ()


def test_threads_never_fork_the_chain(store: Store) -> None:
    audits = [Audit(store), Audit(store)]

    def write(writer: int) -> None:
        for number in range(EACH):
            audits[writer % 2].append("step", AT_S, {"writer": writer, "number": number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert_whole(audits[0], THREADS)


def assert_whole(audit: Audit, writers: int) -> None:
    head = audit.verify()
    assert isinstance(head, Head)
    assert head.seq == writers * EACH
    told = list(audit.entries())
    for writer in range(writers):
        numbers = [entry["number"] for entry in told if entry["writer"] == writer]
        assert numbers == list(range(EACH))


def write_many(state: Path, url: str | None, writer: int) -> None:
    store = open_store(state, url)
    audit = Audit(store)
    for number in range(EACH):
        audit.append("step", AT_S, {"writer": writer, "number": number})
    store.close()


def test_processes_never_fork_the_chain(
    store: Store, tmp_path: Path, database_url: str | None
) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=write_many, args=(tmp_path / "state", database_url, number))
        for number in range(PROCESSES)
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join(120)
        assert process.exitcode == 0
    assert_whole(Audit(store), PROCESSES)


def remember(name: str) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        row = {"sha256": name, "terms": {}, "first_used_s": AT_S}
        connection.execute(insert(AGREEMENTS), row)

    return change


def remembered(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(
            connection.execute(select(AGREEMENTS.c.sha256).order_by(AGREEMENTS.c.sha256)).scalars()
        )


def fail_after(name: str, error: Exception) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        remember(name)(connection)
        raise error

    return change


def broken_statement(connection: Connection) -> None:
    connection.execute(text("SELECT nothing FROM nowhere"))


def append_in_one_batch(
    audit: Audit, asked: list[tuple[str, Callable[[Connection], None] | None]]
) -> dict[str, BaseException | None]:
    """Append by a thread each, all of which wait while another entry is being written."""
    told: dict[str, BaseException | None] = {}
    begun, go_on = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        begun.set()
        assert go_on.wait(60)

    def run(name: str, change: Callable[[Connection], None] | None) -> None:
        try:
            audit.append("step", AT_S, {"name": name}, change=change)
            told[name] = None
        except BaseException as error:  # noqa: BLE001 - what the caller was told is the result
            told[name] = error

    first = threading.Thread(target=run, args=("first", hold), daemon=True)
    first.start()
    assert begun.wait(60)
    threads = [threading.Thread(target=run, args=one, daemon=True) for one in asked]
    for thread in threads:
        thread.start()
    while len(audit._waiting) < len(asked):
        threading.Event().wait(0.001)
    go_on.set()
    for thread in [first, *threads]:
        thread.join(20)
        assert not thread.is_alive()
    return told


def test_a_change_that_fails_takes_no_neighbour_with_it(store: Store) -> None:
    audit = Audit(store)
    audit.append("step", AT_S, {"name": "before"}, change=remember("before"))
    refused = AccountError("no such account")
    told = append_in_one_batch(
        audit,
        [
            ("good 1", remember("good 1")),
            ("refused", fail_after("refused", refused)),
            ("twice", remember("before")),
            ("no such table", broken_statement),
            ("good 2", remember("good 2")),
            ("plain", None),
        ],
    )
    good = {"first", "good 1", "good 2", "plain"}
    assert {name for name, error in told.items() if error is None} == good
    assert told["refused"] is refused
    assert isinstance(told["twice"], IntegrityError)
    assert isinstance(told["no such table"], AuditError)
    assert remembered(store) == ["before", "good 1", "good 2"]
    assert {entry["name"] for entry in audit.entries()} == good | {"before"}
    assert audit.verify() == audit.head()


def test_a_failing_transaction_acknowledges_none_of_a_batch(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries were linked and the changes made, and then the disk does not take them."""
    audit = Audit(store)
    audit.append("step", AT_S, {"name": "before"})
    monkeypatch.setattr("api.audit.insert", lambda _table: text("INSERT INTO nowhere VALUES (1)"))
    with pytest.raises(AuditError, match="cannot write the audit entry"):
        audit.append("step", AT_S, {}, change=remember("lost"))
    told = append_in_one_batch(audit, [("one", remember("one")), ("two", None)])
    assert all(isinstance(error, AuditError) for error in told.values())
    monkeypatch.undo()
    assert remembered(store) == []
    assert audit.verify() == audit.head()
    assert audit.append("step", AT_S, {}).seq == 2


def test_an_interrupted_writer_leaves_no_caller_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(store)

    write, batches = audit._write, []

    def interrupted(batch: list[Waiting]) -> None:
        batches.append(len(batch))
        if len(batches) == 2:
            raise KeyboardInterrupt
        write(batch)

    monkeypatch.setattr(audit, "_write", interrupted)
    told = append_in_one_batch(audit, [("one", None), ("two", None)])
    assert batches == [1, 2]
    assert told["first"] is None
    assert {type(told[name]) for name in ("one", "two")} == {KeyboardInterrupt, AuditError}
    assert audit.append("step", AT_S, {}).seq == 2


def acknowledge(state: Path, url: str | None, pipe: Pipe) -> None:
    audit = Audit(open_store(state, url))
    number = 0
    while True:
        name = f"{os.getpid()}-{number}"
        facts = {"number": number, "process": os.getpid()}
        audit.append("step", AT_S, facts, change=remember(name))
        pipe.send(number)
        number += 1


@pytest.mark.parametrize(
    "crashes", [10, pytest.param(200, marks=pytest.mark.slow, id="200 crashes")]
)
@pytest.mark.timeout(1800)
def test_a_killed_writer_loses_nothing_that_was_acknowledged(
    store: Store, tmp_path: Path, database_url: str | None, crashes: int
) -> None:
    audit = Audit(store)
    context = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    for _ in range(crashes if database_url is None else crashes // 4):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (tmp_path / "state", database_url, theirs)
        process = context.Process(target=acknowledge, args=arguments)
        process.start()
        theirs.close()
        assert ours.poll(60)
        process.join(chance.uniform(0.0, 0.05))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        acknowledged = []
        try:
            while ours.poll(0):
                acknowledged.append(ours.recv())
        except EOFError:
            pass
        audit.append("after", AT_S, {})
        assert audit.verify() == audit.head()
        kept = [e["number"] for e in audit.entries() if e.get("process") == process.pid]
        assert set(acknowledged) <= set(kept)
        assert kept == list(range(len(kept)))
        names = {name for name in remembered(store) if name.startswith(f"{process.pid}-")}
        assert names == {f"{process.pid}-{number}" for number in kept}  # neither without the other


def set_line(connection: Connection, seq: int, line: str) -> None:
    connection.execute(update(AUDIT).where(AUDIT.c.seq == seq).values(line=line))


def change_line(connection: Connection) -> None:
    changed = func.replace(AUDIT.c.line, '"number":2', '"number":9')
    connection.execute(update(AUDIT).values(line=changed))


def remove(connection: Connection) -> None:
    connection.execute(AUDIT.delete().where(AUDIT.c.seq == 3))


def close_the_gap(connection: Connection) -> None:
    remove(connection)
    connection.execute(update(AUDIT).where(AUDIT.c.seq == 4).values(seq=3))


def swap(connection: Connection) -> None:
    lines = {row.seq: row.line for row in connection.execute(select(*AUDIT.c))}
    set_line(connection, 3, lines[4])
    set_line(connection, 4, lines[3])


def put_in(connection: Connection) -> None:
    row = connection.execute(select(*AUDIT.c).where(AUDIT.c.seq == 5)).mappings().one()
    connection.execute(insert(AUDIT), {**row, "seq": 6})


def hide_from_its_incident(connection: Connection) -> None:
    connection.execute(update(AUDIT).where(AUDIT.c.seq == 3).values(incident=None))


def pass_off_as_another(connection: Connection) -> None:
    connection.execute(update(AUDIT).where(AUDIT.c.seq == 3).values(action="walk"))


def lengthen(connection: Connection) -> None:
    connection.execute(update(AUDIT).where(AUDIT.c.seq == 3).values(line=AUDIT.c.line + " "))


@pytest.mark.parametrize(
    ("bend", "line", "said"),
    [
        (change_line, 3, "entry 3 was changed"),
        (lengthen, 3, "not as entries are written"),
        (remove, 3, "removed, inserted or reordered"),
        (close_the_gap, 3, "removed, inserted or reordered"),
        (swap, 3, "removed, inserted or reordered"),
        (put_in, 6, "removed, inserted or reordered"),
        (hide_from_its_incident, 3, "the columns beside entry 3"),
        (pass_off_as_another, 3, "the columns beside entry 3"),
    ],
)
def test_a_bent_row_is_found_where_it_is(
    store: Store, bend: Callable[[Connection], None], line: int, said: str
) -> None:
    audit = Audit(store)
    for number in range(5):
        audit.append("step", AT_S, {"number": number, "incident": "i1"})
    with store.writing() as connection:
        bend(connection)
    found = audit.verify()
    assert isinstance(found, Broken)
    assert (found.line, found.good.seq) == (line, line - 1)
    assert said in found.what


def test_a_column_that_was_bent_into_bytes_is_read_all_the_same(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    audit = Audit(store)
    audit.append("step", AT_S, {})
    with store.writing() as connection:
        connection.execute(text("UPDATE audit SET line = x'00ff'"))
    found = audit.verify()
    assert isinstance(found, Broken)
    assert found.what == "the line is not JSON"
    store.close()


@pytest.mark.parametrize(
    ("bent", "said"),
    [
        (lambda line: line.replace('"A"', '"B"'), "was changed after it was written"),
        (lambda line: line[:20], "not JSON"),
        (lambda _: link(Head(6), MOMENT, "step", {})[0].decode().strip(), "row 1 holds entry 7"),
    ],
)
def test_nothing_is_built_upon_an_end_that_was_bent(
    store: Store, bent: Callable[[str], str], said: str
) -> None:
    audit = Audit(store)
    audit.append("first", AT_S, {"who": "A"})
    line = next(audit.lines()).decode().strip()
    with store.writing() as connection:
        set_line(connection, 1, bent(line))
    with pytest.raises(AuditError, match=said):
        audit.append("second", AT_S, {}, change=remember("second"))
    with pytest.raises(AuditError, match="cannot be built upon"):
        audit.head()
    assert remembered(store) == []
    assert audit.head_at(1) is None


def test_a_noted_hash_shows_that_the_end_was_cut_off(store: Store) -> None:
    audit = Audit(store)
    heads = [audit.append(name, AT_S, {}) for name in ("first", "second", "third")]
    assert audit.verify(heads[1].hash) == heads[2]
    with store.writing() as connection:
        connection.execute(AUDIT.delete().where(AUDIT.c.seq > 1))
    assert audit.verify() == heads[0]  # what is left is a chain
    found = audit.verify(heads[1].hash)
    assert isinstance(found, Broken)
    assert (found.line, found.good) == (2, heads[0])
    assert "cut off or made anew" in found.what


def test_a_hash_that_an_entry_only_speaks_of_is_not_that_of_an_entry(store: Store) -> None:
    audit = Audit(store)
    noted = "f" * 64
    audit.append("checkpoint-signed", AT_S, {"of": {"hash": noted}})
    assert isinstance(audit.verify(noted), Broken)


def fill(connection: Connection, rows: int, bytes_each: int) -> None:
    for number in range(rows):
        terms = {"filler": "x" * bytes_each}
        row = {"sha256": f"filler {number}", "terms": terms, "first_used_s": AT_S}
        connection.execute(insert(AGREEMENTS), row)


def limit_pages(store: Store, more: int) -> None:
    """A disk that has room for so many pages more; on the one connection that is in the pool."""
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + more}")


@pytest.mark.parametrize(
    ("facts", "change"),
    [
        ({"big": "x" * 100_000}, remember("lost")),
        ({}, lambda connection: fill(connection, 1, 100_000)),
    ],
    ids=["for the entry", "for its change"],
)
def test_a_full_disk_acknowledges_nothing(
    tmp_path: Path, facts: dict[str, object], change: Callable[[Connection], None]
) -> None:
    store = open_store(tmp_path)
    audit = Audit(store)
    audit.append("first", AT_S, {}, change=remember("first"))
    limit_pages(store, 2)
    with pytest.raises(AuditError, match="full"):
        audit.append("big", AT_S, facts, change=change)
    assert remembered(store) == ["first"]
    assert [entry["action"] for entry in audit.entries()] == ["first"]
    limit_pages(store, 10_000)
    audit.append("second", AT_S, {})
    assert audit.verify() == audit.head()
    assert audit.head().seq == 2
    store.close()


def test_a_full_disk_in_one_change_leaves_no_neighbour_half_written(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    audit = Audit(store)
    audit.append("before", AT_S, {"name": "before"})
    limit_pages(store, 2)
    told = append_in_one_batch(
        audit,
        [
            ("a", remember("a")),
            ("full", lambda c: fill(c, 1, 100_000)),
            ("b", remember("b")),
            ("c", None),
        ],
    )
    acknowledged = {name for name, error in told.items() if error is None}
    assert isinstance(told["full"], AuditError)
    assert {entry["name"] for entry in audit.entries()} == acknowledged | {"before"}
    assert set(remembered(store)) == acknowledged & {"a", "b"}
    assert audit.verify() == audit.head()
    store.close()


def test_a_transaction_that_ends_by_itself_takes_its_batch_with_it(tmp_path: Path) -> None:
    """SQLite rolls back by itself on some errors; what followed would be written one by one."""
    store = open_store(tmp_path)
    audit = Audit(store)

    def ended(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")
        raise StoreError("the disk is full")

    told = append_in_one_batch(audit, [("ended", ended), ("a", remember("a")), ("b", None)])
    assert all(isinstance(told[name], AuditError | StoreError) for name in ("ended", "a", "b"))
    assert [entry["name"] for entry in audit.entries()] == ["first"]
    assert remembered(store) == []
    store.close()


def test_a_database_that_may_only_be_read_acknowledges_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    audit = Audit(store)
    audit.append("first", AT_S, {})
    with store.reading() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(AuditError, match="readonly"):
        audit.append("second", AT_S, {}, change=remember("second"))
    assert [entry["action"] for entry in audit.entries()] == ["first"]
    store.close()


def test_a_table_that_is_gone_is_told_as_such(store: Store) -> None:
    audit = Audit(store)
    audit.append("first", AT_S, {})
    with store.writing() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    with pytest.raises(AuditError, match="cannot write the audit entry"):
        audit.append("second", AT_S, {}, change=remember("second"))
    assert remembered(store) == []
    asked: list[Callable[[], object]] = [
        audit.head,
        audit.verify,
        lambda: list(audit.entries()),
        lambda: audit.incidents(1),
        lambda: audit.head_at(1),
    ]
    for ask in asked:
        with pytest.raises(AuditError, match="the audit cannot be read"):
            ask()


@pytest.mark.postgres
def test_a_lost_connection_acknowledges_nothing(postgres_database: str, tmp_path: Path) -> None:
    store = open_store(tmp_path, postgres_database)
    audit = Audit(store)
    audit.append("first", AT_S, {"name": "first"})

    def lose(connection: Connection) -> None:
        remember("lost")(connection)
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    told = append_in_one_batch(audit, [("a", remember("a")), ("lost", lose), ("b", None)])
    assert isinstance(told["lost"], AuditError)
    acknowledged = {name for name, error in told.items() if error is None}
    assert {entry["name"] for entry in audit.entries()} == acknowledged | {"first"}
    assert set(remembered(store)) == acknowledged & {"a"}
    assert isinstance(audit.append("after", AT_S, {"name": "after"}), Head)
    assert audit.verify() == audit.head()
    store.close()


def test_verifying_years_takes_little_memory(store: Store) -> None:
    audit = Audit(store)
    count, facts = 20_000, {"incident": "i1", "camera": "cam-01", "what": "evidence " * 10}
    size, head, rows = 0, Head(), []
    for _ in range(count):
        line, head = link(head, MOMENT, "picture-shown", facts)
        row = {"seq": head.seq, "action": "picture-shown", "incident": "i1"}
        rows.append({**row, "line": line.decode().strip()})
        size += len(line)
    with store.writing() as connection:
        connection.execute(insert(AUDIT), rows)
    rows.clear()
    tracemalloc.start()
    try:
        assert audit.verify() == head
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 7_000_000
    assert most < size / 2
