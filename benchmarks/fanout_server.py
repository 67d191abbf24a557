"""The server of the fan-out benchmark: the real one, with a run that says the wing's answers.

`python -m benchmarks.fanout_server FOLDER ACCOUNTS` says on one line of JSON where it listens and
by which keys, and serves until it is terminated.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from api.app import create_app
from api.record import record_in
from api.runs import CameraStatus
from api.server import listen, serve_on
from api.store import open_store
from api.targets import load_target

from .wing_answers import ANSWERS_A_SECOND, wing_answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from api.gate import Permit
    from api.journal import Journal
    from api.record import Record
    from api.services import Services
    from api.targets import Target
    from calibration.answer import Answer, TrackKey
    from calibration.inputs import OperatorInput
    from calibration.search_picture import SearchPicture
    from vision.evidence import EvidencePicture
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

WING = Path(__file__).parent / "drills" / "wing"
LONGEST_S = 7200.0
FULL_SIZE_FROM_S = 20.0
"""Until then answers grow, as people are found; phases that are compared shall have the same."""


class SayingRun:
    """A run that says one answer after the other, ten a second, over and over.

    Args:
        cameras: camera ids.
        answers: what it says.
        publish: takes it.
    """

    def __init__(
        self, cameras: Sequence[str], answers: Sequence[Answer], publish: Callable[[Answer], None]
    ) -> None:
        self._cameras = cameras
        self._answers: Iterator[Answer] = itertools.cycle(answers)
        self._publish = publish
        self._said = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def start(self) -> None:
        """Begin to talk."""
        self._thread.start()

    def stop(self) -> None:
        """Fall silent."""
        self._ended.set()
        self._thread.join()

    def _talk(self) -> None:
        began_s = time.monotonic()
        while True:
            due_s = began_s + self._said / ANSWERS_A_SECOND
            if self._ended.wait(max(due_s - time.monotonic(), 0.0)):
                return
            self._said += 1
            self._publish(next(self._answers))

    def cameras(self) -> tuple[CameraStatus, ...]:
        """All live."""
        return tuple(
            CameraStatus(camera, camera, "live", "", 10.0, self._said, self._said, 0, 0.1)
            for camera in self._cameras
        )

    def problems(self) -> tuple[str, ...]:
        """None."""
        return ()

    def tell(self, *told: OperatorInput) -> None:
        """Ignored."""

    def search_picture(self, subject: str) -> SearchPicture | None:  # noqa: ARG002 - of the seam
        """None."""
        return None

    def picture(self, track: TrackKey) -> EvidencePicture | None:  # noqa: ARG002 - of the seam
        """None."""
        return None

    def show(
        self,
        wanted: frozenset[StreamWanted],
        take: Callable[[StreamPart], None],
        drawing: Drawing,
    ) -> None:
        """Ignored."""


def serve(folder: Path, accounts: int) -> None:
    """Serve the wing until the process is terminated; its state lies in `folder`."""
    target = load_target(WING)
    answers = wing_answers(target)[round(FULL_SIZE_FROM_S * ANSWERS_A_SECOND) :]
    target.prepared.camera_reach()
    record = record_in(open_store(folder), folder)

    def make_run(
        permit: Permit,
        target: Target,  # noqa: ARG001 - of the seam
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],  # noqa: ARG001 - of the seam
        journal: Journal | None = None,  # noqa: ARG001 - of the seam
    ) -> SayingRun:
        return SayingRun(sorted(permit.cameras), answers, publish)

    app = create_app({target.id: target}, record=record, run_factory=make_run, longest_s=LONGEST_S)
    listener = listen("127.0.0.1", 0)
    keys = [_key(app.state.services, f"console-{n}") for n in range(accounts)]
    told = {"port": listener.getsockname()[1], "drill": target.id, "keys": keys}
    print(json.dumps(told), flush=True)
    try:
        serve_on(app, listener)
    finally:
        _close(record)


def _key(services: Services, name: str) -> str:
    now_s = time.time()
    services.accounts.add(
        name, role="dispatcher", password=None, second_factor=False, by="benchmark", now_s=now_s
    )
    key = services.sessions.begin(name, "key", now_s, label="benchmark", days=1)
    return str(key.secret)


def _close(record: Record) -> None:
    record.store.close()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
