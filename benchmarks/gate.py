"""How many decisions a second does the gate make, each durably in the audit?

Round by round, in turn: the bare database (one row of the same size inserted and committed,
nothing else), and the gate (agreement asked, entry hashed into the chain, grant kept, all on the
disk before the permit exists). Both with one caller and with many at once, on the same file system
in the same run. The ratio of gate to bare insert is the figure: it holds on noisy machines, the
absolute numbers only on this one. Many callers share transactions in the gate, which a bare insert
cannot.
"""

from __future__ import annotations

import itertools
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, insert

from api.actors import Actor
from api.agreements import load_agreement
from api.audit import Audit
from api.audit_chain import Head
from api.decisions import CameraFacts
from api.gate import Activation, Gate, Terms
from api.machine import machine_facts, package_versions
from api.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.store import Store

AGREEMENT = Path(__file__).parents[1] / "docs" / "agreements" / "one-town"
CAMERAS = 70  # of one school of a district of some 400
CALLERS = 32
ROUNDS = 7
ROUND_S = 1.5
AT_S = 1_788_000_000.0  # August 2026: the agreement is in force

_BARE = Table(
    "bare_inserts",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("action", String(60), nullable=False),
    Column("incident", String(64), index=True),
    Column("line", Text, nullable=False),
)


def measure(database: str | None = None, folder: Path | None = None) -> dict[str, Any]:
    """Decisions and bare inserts a second, with one caller and with many, per round.

    Args:
        database: address of an empty PostgreSQL database; SQLite where None.
        folder: where the SQLite file goes, on the disk to be measured; a temporary one if None.
    """
    with tempfile.TemporaryDirectory(dir=folder) as state:
        store = open_store(Path(state), database)
        try:
            return _measure(store)
        finally:
            with store.writing() as connection:
                _BARE.drop(connection, checkfirst=True)
            store.close()


def _measure(store: Store) -> dict[str, Any]:
    with store.writing() as connection:
        _BARE.create(connection)
    gate = Gate(Audit(store))
    terms = Terms(
        load_agreement(AGREEMENT),
        tuple(CameraFacts(f"cam-{n:03d}", "interior") for n in range(CAMERAS)),
    )
    numbers = itertools.count()
    dana = Actor("dana", "dispatcher", "dispatcher")
    asked = Activation(
        "real", "school", "Dana", "shots heard", "911", "dispatcher", "active-shooter"
    )

    def decide() -> None:
        gate.open(asked, terms, actor=dana, incident=f"b-{next(numbers)}", now_s=AT_S)

    decide()
    (line,) = Audit(store).lines()
    row = {"action": "grant-opened", "incident": "b", "line": line.decode()}

    def bare() -> None:
        with store.writing() as connection:
            connection.execute(insert(_BARE).values(row))

    rates: dict[str, list[float]] = {}
    for round_ in range(ROUNDS + 1):  # the first round warms up and does not count
        for callers in (1, CALLERS):
            for name, act in (("bare", bare), ("gate", decide)):
                rate = _rate(act, callers)
                if round_:
                    rates.setdefault(f"{name}_{callers}", []).append(rate)
    found = Audit(store).verify()
    if not isinstance(found, Head):
        raise TypeError(f"the chain is broken: {found}")
    spread = {name: np.array(values) for name, values in rates.items()}
    return {
        "benchmark": "gate",
        "database": store.dialect,
        "machine": machine_facts(detector=""),
        "versions": package_versions(),
        "bytes_an_entry": len(line),
        "callers": CALLERS,
        "decisions_in_the_chain": found.seq,
        "bare_inserts_per_s_one_caller": _spread(spread["bare_1"]),
        "decisions_per_s_one_caller": _spread(spread["gate_1"]),
        "ratio_one_caller": _spread(spread["gate_1"] / spread["bare_1"]),
        "bare_inserts_per_s_many_callers": _spread(spread[f"bare_{CALLERS}"]),
        "decisions_per_s_many_callers": _spread(spread[f"gate_{CALLERS}"]),
        "ratio_many_callers": _spread(spread[f"gate_{CALLERS}"] / spread["bare_1"]),
    }


def _rate(act: Callable[[], None], callers: int) -> float:
    """Acts a second of some threads that do nothing else for a while."""
    done = [0] * callers
    began_s = time.perf_counter()
    until_s = began_s + ROUND_S

    def work(index: int) -> None:
        while time.perf_counter() < until_s:
            act()
            done[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began_s)


def _spread(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 3),
        "low": round(float(values.min()), 3),
        "high": round(float(values.max()), 3),
        "rounds": len(values),
    }
