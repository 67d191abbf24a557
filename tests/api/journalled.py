"""A process that plays an incident on a drill's boxes and keeps its journal, to be killed or not.

    python -m tests.api.journalled STATE DRILL INCIDENT SECONDS SAID

It prints a line for each answer that it publishes: the moment, the digest, and the subjects.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from api.actors import MACHINE
from api.archive import Archive
from api.decisions import CameraFacts
from api.drill_files import load_drill
from api.gate import Activation, Gate, Terms
from api.incident_run import IncidentRun
from api.input_log import note_of
from api.journal import Journal
from api.journal_parts import read_parts
from api.keeping import Keeper
from api.record import record_in
from api.run_jobs import drill_jobs
from api.store import open_store
from calibration.inputs import Mark

if TYPE_CHECKING:
    from calibration.answer import Answer


def main(state: Path, folder: Path, incident: str, seconds: float, said: str) -> None:
    """Play for so long, and let an operator confirm a subject where one is named."""
    store = open_store(state)
    record = record_in(store, state)
    archive = Archive(store, record.keys)
    drill = load_drill(folder)
    gate = Gate(record.audit)
    cameras = tuple(CameraFacts(feed.camera, "interior") for feed in drill.feeds)
    asked = Activation("exercise", "walker", "a test", "to see it kept")
    grant = gate.open(
        asked,
        Terms(None, cameras),
        actor=MACHINE,
        incident=f"{incident}-{time.time_ns()}",
        now_s=time.time(),
    )
    keeper = Keeper(archive, incident, time.time)
    journal = Journal(keeper, past=lambda: read_parts(archive.read(incident)))

    ended, seen = threading.Event(), threading.Event()

    def publish(answer: Answer) -> None:
        people = ",".join(one.subject for one in answer.subjects)
        print(repr(answer.at_s), note_of(answer).digest, people, flush=True)  # noqa: T201
        if people:
            seen.set()

    run = IncidentRun(
        grant.permit,
        drill.site,
        drill_jobs(drill),
        publish,
        lambda _: ended.set(),
        journal=journal,
        duration_s=drill.duration_s,
    )
    run.start()
    seen.wait(60.0)
    ended.wait(seconds / 2)
    if said:
        run.tell(Mark("confirm", said, time.time(), 1, "dispatcher"))
    ended.wait(seconds / 2)
    run.stop()
    journal.flush()
    keeper.close()
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]), sys.argv[5])
