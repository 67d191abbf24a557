"""A process killed at any instant: what it had opened is open, what it had closed is not."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tomllib
from typing import TYPE_CHECKING

import pytest

from api.actors import Actor
from api.agreements import Agreement
from api.audit import Audit
from api.audit_chain import Head
from api.decisions import CameraFacts
from api.gate import Activation, Gate, Terms
from api.store import open_store
from tests.api.agreed import AGREEMENT

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from api.store import Store

NOW_S = 1_772_442_000.0
TERMS = Terms(
    Agreement.model_validate(tomllib.loads(AGREEMENT)), (CameraFacts("cam-01", "interior"),)
)
DANA = Actor("dana", "dispatcher", "dispatcher")
ASKED = Activation("real", "wing", "Dana", "shots", "911", "dispatcher", "active-shooter")


def open_and_close(state: Path, url: str | None, begin: int, connection: Connection) -> None:
    """Open, extend and close for ever; tell each step before it is begun and when it is done."""
    gate = Gate(Audit(open_store(state, url)))
    number = begin
    while True:
        name = f"i{number}"
        connection.send(("opening", name))
        gate.open(ASKED, TERMS, actor=DANA, incident=name, now_s=NOW_S)
        connection.send(("opened", name))
        if number % 3 == 0:
            gate.extend(name, actor=DANA, now_s=NOW_S)
            connection.send(("extended", name))
        if number % 2 == 0:
            connection.send(("closing", name))
            gate.close(name, actor=DANA, reason="over", now_s=NOW_S)
            connection.send(("closed", name))
        number += 1


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_open_stays_open_and_closed_stays_closed(
    store: Store, database_url: str | None, tmp_path: Path, rounds: int
) -> None:
    context = multiprocessing.get_context("spawn")
    chance = random.Random(11)
    told: dict[str, str] = {}
    extended: set[str] = set()
    for round_ in range(rounds):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=open_and_close,
            args=(tmp_path / "state", database_url, round_ * 100_000, theirs),
        )
        process.start()
        theirs.close()
        assert ours.poll(30)
        process.join(chance.uniform(0.0, 0.08))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(10)
        try:
            while ours.poll(0):
                what, name = ours.recv()
                if what == "extended":
                    extended.add(name)
                else:
                    told[name] = what
        except EOFError:
            pass
    audit = Audit(store)
    assert isinstance(audit.verify(), Head)
    resumed = {grant.permit.incident: grant for grant in Gate(audit).resume(NOW_S + 1.0)}
    must = {name for name, what in told.items() if what == "opened"}
    may = must | {name for name, what in told.items() if what in {"opening", "closing"}}
    assert must <= resumed.keys() <= may
    assert len(must) > rounds / 2
    assert sum(what == "closed" for what in told.values()) > rounds / 2
    for name in extended & resumed.keys():
        assert resumed[name].until_s == NOW_S + 600 + 300
