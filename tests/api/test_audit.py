"""The chain of the audit: no bend goes unnoticed, no writer forks it, no crash breaks it."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.audit import AuditFile
from api.audit_chain import FIRST_PREV, Broken, Head, link, verify
from api.commands.audit import app
from api.errors import AuditError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

WRITERS, EACH = 4, 25


def chain(length: int) -> list[bytes]:
    lines, head = [], Head()
    for number in range(length):
        line, head = link(head, "2026-03-02T09:00:00+00:00", "step", {"number": number, "a": "ü"})
        lines.append(line)
    return lines


def test_a_whole_chain_gives_its_head() -> None:
    lines = chain(5)
    head = verify(lines)
    assert isinstance(head, Head)
    assert head.seq == 5
    assert head.hash == json.loads(lines[-1])["hash"]
    assert verify([]) == Head(0, FIRST_PREV)


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
        (lambda c: [*c[:1], b"[1]\n", *c[1:]], 2, "no JSON object"),
        (lambda c: [b'{"number":7,' + c[0][1:], *c[1:]], 1, "not as entries are written"),
        (lambda c: [c[0].replace(b'":"', b'": "', 1), *c[1:]], 1, "not as entries are written"),
        (lambda c: [b'{"seq":1}\n', *c[1:]], 1, "'action' is missing"),
    ],
)
def test_every_bend_is_found_where_it_is(bend: object, line: int, said: str) -> None:
    assert callable(bend)
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


def test_facts_cannot_pose_as_the_chain() -> None:
    with pytest.raises(ValueError, match="'hash' is a name"):
        link(Head(), "2026-03-02", "step", {"hash": "x"})


def write(path: Path, writer: int) -> None:
    audit = AuditFile(path)
    for number in range(EACH):
        audit.append("step", 0.0, {"writer": writer, "number": number})


def test_writers_in_several_processes_never_fork_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write, args=(path, number)) for number in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    head = AuditFile(path).verify()
    assert isinstance(head, Head)
    assert head.seq == WRITERS * EACH
    told = [json.loads(line) for line in path.read_text().splitlines()]
    for writer in range(WRITERS):
        numbers = [entry["number"] for entry in told if entry["writer"] == writer]
        assert numbers == list(range(EACH))


def acknowledge(path: Path, connection: Connection) -> None:
    audit = AuditFile(path)
    number = 0
    while True:
        audit.append("step", 0.0, {"number": number, "process": os.getpid()})
        connection.send(number)
        number += 1


@pytest.mark.parametrize(
    "crashes", [10, pytest.param(200, marks=pytest.mark.slow, id="200 crashes")]
)
def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path, crashes: int) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    for _ in range(crashes):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=acknowledge, args=(path, theirs))
        process.start()
        theirs.close()
        assert ours.poll(30)
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
        AuditFile(path).append("after", 0.0, {})  # the next writer mends what was cut off
        assert isinstance(AuditFile(path).verify(), Head)
        told = [json.loads(line) for line in path.read_text().splitlines()]
        kept = {e["number"] for e in told if e.get("process") == process.pid}
        assert set(acknowledged) <= kept


def test_a_line_that_was_cut_off_is_taken_away_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path)
    audit.append("first", 0.0, {})
    with path.open("ab") as file:
        file.write(b'{"seq":2,"at":"20')
    found = audit.verify()
    assert isinstance(found, Broken)
    assert "never acknowledged" in found.what
    audit.append("second", 1.0, {})
    assert audit.verify() == Head(2, json.loads(path.read_text().splitlines()[1])["hash"])


def test_nothing_is_built_upon_an_end_that_was_bent(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path)
    audit.append("first", 0.0, {"who": "A"})
    path.write_text(path.read_text().replace('"A"', '"B"'))
    with pytest.raises(AuditError, match="cannot be built upon"):
        audit.append("second", 1.0, {})


def test_a_noted_hash_shows_that_the_end_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path)
    for name in ("first", "second", "third"):
        audit.append(name, 0.0, {})
    lines = path.read_bytes().splitlines(keepends=True)
    noted = json.loads(lines[1])["hash"]
    assert isinstance(audit.verify(noted), Head)
    path.write_bytes(lines[0])
    assert isinstance(audit.verify(), Head)  # what is left is a chain
    found = audit.verify(noted)
    assert isinstance(found, Broken)
    assert "cut off or made anew" in found.what


def test_the_command_says_where_and_exits_with_1(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audit = AuditFile(path)
    audit.append("first", 0.0, {"who": "A"})
    audit.append("second", 0.0, {})
    good = CliRunner().invoke(app, ["verify", str(path), "--json"])
    assert (good.exit_code, json.loads(good.stdout)["seq"]) == (0, 2)
    path.write_text(path.read_text().replace('"A"', '"B"'))
    bent = CliRunner().invoke(app, ["verify", str(path)])
    assert bent.exit_code == 1
    assert "line 1: entry 1 was changed" in bent.stdout
    none = CliRunner().invoke(app, ["verify", str(tmp_path / "none.jsonl")])
    assert "cannot be read" in str(none.exception)
