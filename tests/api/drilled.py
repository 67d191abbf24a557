"""A server with a small drill, and a player that plays it as a test says."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from api.app import create_app
from api.drill_run_process import Played
from api.record import record_in
from api.report import write_report
from api.run_record import RUN_FILE, FrameCounts, save_run
from api.run_stills import Still
from api.store import open_store
from api.targets import load_target
from calibration.answer import Answer
from tests.api import scored_drill
from tests.api.replayed import Console, ReplayedRuns

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from api.drill_run_process import DrillJob
    from api.run_record import RunRecord

DRILL = "two-rooms"
_DRILL_TOML = """
schema = 1
name = "Two rooms"
description = "The intruder goes from room A to room B."
start = 2026-03-02T09:00:00Z
duration_s = 10.0
[[feeds]]
camera = "cam"
boxes = "boxes.csv"
fps = 10
"""


def write_drill(folder: Path, *, agreement: str | None = None) -> Path:
    """Write the two rooms as a drill folder."""
    scored_drill.site_folder(folder)
    (folder / "drill.toml").write_text(_DRILL_TOML)
    (folder / "boxes.csv").write_text("1,-1,10,10,20,40,1\n")
    lines = ["t,person,level,x,y,role,armed"]
    lines += [f"{t / 2},9,L1,{2 if t < 10 else 8},2.5,intruder,1" for t in range(21)]
    lines += [f"{t / 2},4,L1,1,4,student,0" for t in range(21)]
    (folder / "truth.csv").write_text("\n".join(lines) + "\n")
    if agreement is not None:
        (folder / "agreement.toml").write_text(agreement)
        site = folder / "site.toml"
        site.write_text(
            site.read_text().replace("[anchor]", 'agreement = "agreement.toml"\n[anchor]')
        )
    return folder


def a_run(shift_m: float = 0.1, *, false_alarm: bool = False) -> RunRecord:
    """A run whose answers are off by `shift_m`, with a picture of a false alarm where asked."""
    answers = scored_drill.perfect(shift_m)
    frames = [scored_drill.observation(t / 10, (0.01, 0.1, 0.11, 0.3)) for t in range(90)]
    record = scored_drill.record(answers, frames)
    record = replace(record, frames={"cam": FrameCounts(100, 90, 10)})
    return with_false_alarm(record) if false_alarm else record


def with_false_alarm(record: RunRecord) -> RunRecord:
    """The run in which the student was called armed for two seconds, and a picture of it."""
    log = tuple(_accusing(e) if isinstance(e, Answer) else e for e in record.log)
    image = np.full((96, 96, 3), 150, np.uint8)
    image[:, 32:64] = (60, 90, 60)
    _, packed = cv2.imencode(".jpg", image)
    still = Still("cam", 5, record.start_s + 3.1, 0.81, (0.3, 0.5, 0.8, 0.65), packed.tobytes())
    return replace(record, log=log, stills=(still,))


def _accusing(answer: Answer) -> Answer:
    t_s = answer.at_s - scored_drill.START_S
    if not 3.0 <= t_s <= 5.0:
        return answer
    student = replace(answer.subjects[1], armed_probability=0.96, armed_tracks=(("cam", 5),))
    return replace(answer, subjects=(answer.subjects[0], student))


@dataclass
class HeldPlayer:
    """Plays for as long as the test holds it, then writes the report of `record`."""

    record: RunRecord = field(default_factory=a_run)
    why: str = ""
    go: threading.Event = field(default_factory=threading.Event)
    jobs: list[DrillJob] = field(default_factory=list)
    stops: int = 0

    def __call__(
        self, job: DrillJob, tell: Callable[[Played], None], stopped: Callable[[], bool]
    ) -> str:
        self.jobs.append(job)
        tell(Played(4.0, "In view now in Room A.", ("camera cam: stalled",)))
        while not self.go.wait(0.02):
            if stopped():
                self.stops += 1
                return "it was stopped"
        if self.why:
            return self.why
        target = load_target(job.folder)
        save_run(self.record, job.out / RUN_FILE)
        write_report(self.record, target.site, scored_drill.truth(), job.out)
        return ""


def build_drills(
    folder: Path,
    clock: Callable[[], float],
    player: HeldPlayer,
    *,
    agreement: str | None = None,
    **more: Any,
) -> Console:
    """A server over the small drill, its state in `folder`/state. Close its store."""
    site = folder / DRILL
    target = load_target(site if site.exists() else write_drill(site, agreement=agreement))
    state = folder / "state"
    record = record_in(open_store(state, None), state)
    runs = ReplayedRuns()
    app = create_app(
        {target.id: target},
        record=record,
        run_factory=runs,
        clock=clock,
        monotonic=clock,
        tick_s=0.05,
        heartbeat_s=0.2,
        drill_player=player,
        **more,
    )
    console = Console(app, "", runs, clock, state, target, record)
    if console.services.accounts.get("dana") is None:
        bearer = console.key_of("dana", "dispatcher")
        console.token = bearer["Authorization"].removeprefix("Bearer ")
    return console
