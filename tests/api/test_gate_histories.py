"""No history of requests, crashes, clock jumps and restarts allows a look outside a live grant."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from api.audit import AuditFile
from api.audit_chain import Head
from api.errors import NotPermittedError
from api.gate import LOCATION_API, Activation, Gate, Permit

CAMERAS = ("cam-01", "cam-02", "cam-03")
LONGEST_S = 60.0

names = st.sampled_from(["i1", "i2", "i3", "i4"])
some_cameras = st.frozensets(st.sampled_from(CAMERAS), min_size=0)


class Histories(RuleBasedStateMachine):
    """The gate beside a model of what may be watched: incident → (cameras, until)."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="lastseen-gate-"))
        self.now_s = 1_772_442_000.0
        self.granted: dict[str, tuple[frozenset[str], float]] = {}
        self.permits: list[Permit] = []
        self.used: set[str] = set()
        self.gate = self.new_gate()

    def new_gate(self) -> Gate:
        return Gate(AuditFile(self.folder / "audit.jsonl"), longest_s=LONGEST_S)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def first_start(self) -> None:
        assert self.gate.resume(LOCATION_API, self.now_s) == ()

    @rule(
        incident=names,
        cameras=some_cameras,
        kind=st.sampled_from(["exercise", "exercise", "real"]),
        reason=st.sampled_from(["drill", " "]),
    )
    def ask(self, incident: str, cameras: frozenset[str], kind: str, reason: str) -> None:
        activation = Activation("real" if kind == "real" else "exercise", "wing", "me", reason)
        if incident in self.used:
            return  # ids are random in the server: none comes twice
        may = kind == "exercise" and bool(reason.strip()) and bool(cameras)
        try:
            permit = self.gate.open(
                activation, incident=incident, cameras=cameras, now_s=self.now_s
            )
        except NotPermittedError:
            assert not may
            return
        assert may
        self.used.add(incident)
        self.permits.append(permit)
        self.granted[incident] = (cameras, self.now_s + LONGEST_S)

    @rule(incident=names)
    def close(self, incident: str) -> None:
        self.gate.close(incident, closed_by="me", reason="over", now_s=self.now_s)
        self.granted.pop(incident, None)

    @rule(step_s=st.sampled_from([0.0, 1.0, 30.0, 59.9, 60.0, 61.0, -30.0, 86_400.0]))
    def clock_moves(self, step_s: float) -> None:
        self.now_s += step_s

    @rule()
    def crash_and_restart(self) -> None:
        self.gate = self.new_gate()
        for permit in self.permits:  # of the dead process: worth nothing any more
            assert not any(self.gate.allows(permit, camera, self.now_s) for camera in CAMERAS)
        resumed = self.gate.resume(LOCATION_API, self.now_s)
        alive = {name for name, (_, until_s) in self.granted.items() if self.now_s < until_s}
        assert {permit.incident for _, permit in resumed} == alive
        # What was over when it was looked at is closed, whatever the clock says later.
        self.granted = {name: self.granted[name] for name in alive}
        self.permits += [permit for _, permit in resumed]

    @rule()
    def the_disk_loses_the_tail_of_a_line(self) -> None:
        path = self.folder / "audit.jsonl"
        if path.exists():
            with path.open("ab") as file:
                file.write(b'{"seq":99,"at":"2026')
            self.gate.close("nobody", closed_by="me", reason="over", now_s=self.now_s)
            AuditFile(path).append("mended", self.now_s, {})

    @invariant()
    def only_live_grants_allow(self) -> None:
        for permit in self.permits:
            cameras, until_s = self.granted.get(permit.incident, (frozenset(), 0.0))
            for camera in CAMERAS:
                if self.gate.allows(permit, camera, self.now_s):
                    assert camera in cameras
                    assert self.now_s < until_s

    @invariant()
    def the_record_is_whole(self) -> None:
        audit = AuditFile(self.folder / "audit.jsonl")
        if audit.exists():
            assert isinstance(audit.verify(), Head)


Histories.TestCase.settings = settings(max_examples=200, stateful_step_count=30)
TestHistories = Histories.TestCase
