"""A small site, a run that says what a test tells it to, and a server to put them behind."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import uvicorn
from starlette.testclient import TestClient

from api.app import create_app
from api.errors import RunError
from api.record import record_in
from api.runs import CameraPhase, CameraStatus
from api.server import Server, listen
from api.store import open_store
from api.targets import Target, load_target
from calibration.answer import (
    XY,
    Answer,
    EntranceOption,
    RankedSubject,
    StageTimes,
    TrackKey,
)
from tests.api.filmed import Film
from vision.evidence import EvidencePicture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from httpx2 import Response

    from api.actors import Role
    from api.gate import Permit
    from api.journal import Journal
    from api.operations import Operations
    from api.record import Record
    from api.services import Services
    from calibration.inputs import OperatorInput
    from calibration.search_picture import SearchPicture
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

PASSWORD = "correct horse battery staple"  # noqa: S105 - of the accounts of tests
START_S = 1_772_442_000.0  # 2026-03-02 09:00:00 UTC

_SITE = """
schema = 1
name = "Small school"
address = "1 Test Road"
floor_plan = "floor_plan.geojson"
[anchor]
longitude_deg = -85.5
latitude_deg = 39.0
x_axis_bearing_deg = 90.0
[[levels]]
id = "L1"
name = "Ground floor"
ordinal = 0
elevation_m = 0.0
"""

# Looks straight down from 8 m above (4, 3): image right is +x, image down is -y.
_CAMERA = """
schema = 1
id = "{id}"
name = "{name}"
placement = "interior"
level = "L1"
[lens]
width_px = 640
height_px = 360
fx = 300.0
fy = 300.0
cx = 319.5
cy = 179.5
[pose]
R = [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]]
t = [-{x}, {y}, 8.0]
"""


# The district's: a principal and dispatchers may open, the town's officers may watch.


def _unit(unit: str, name: str, category: str, box: tuple[float, float, float, float]) -> object:
    x0, y0, x1, y1 = box
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    return {
        "type": "Feature",
        "id": unit,
        "feature_type": "unit",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"category": category, "level_id": "L1", "name": name},
    }


def _line(feature: str, kind: str, ends: list[list[float]], **properties: object) -> object:
    return {
        "type": "Feature",
        "id": feature,
        "feature_type": kind,
        "geometry": {"type": "LineString", "coordinates": ends},
        "properties": {"level_id": "L1", **properties},
    }


def write_site(folder: Path, *, agreement: str | None = None) -> Path:
    """A corridor (20 x 4 m) below two rooms (10 x 8 m each), two outer doors, two cameras."""
    (folder / "cameras").mkdir(parents=True)
    named = "" if agreement is None else 'agreement = "agreement.toml"'
    (folder / "site.toml").write_text(_SITE.replace("[anchor]", f"{named}\n[anchor]"))
    if agreement is not None:
        (folder / "agreement.toml").write_text(agreement)
    for camera, name, x, y in (("cam-01", "West room", 4, 8), ("cam-02", "Corridor", 10, 2)):
        text = _CAMERA.format(id=camera, name=name, x=x, y=y)
        (folder / "cameras" / f"{camera}.toml").write_text(text)
    features = [
        _unit("corridor", "Corridor", "walkway", (0, 0, 20, 4)),
        _unit("west", "West room", "classroom", (0, 4, 10, 12)),
        _unit("east", "East room", "classroom", (10, 4, 20, 12)),
        _line("west-door", "opening", [[7, 4], [8, 4]], category="pedestrian"),
        _line("east-door", "opening", [[12, 4], [13, 4]], category="pedestrian"),
        _line("entrance-1", "entrance", [[0, 1], [0, 3]], door_number="1", name="West"),
        _line("entrance-2", "entrance", [[20, 1], [20, 3]], door_number="2", name="East"),
    ]
    plan = {
        "type": "FeatureCollection",
        "lastseen": {"schema": 1, "coordinates": "site-metres"},
        "features": features,
    }
    (folder / "floor_plan.geojson").write_text(json.dumps(plan))
    return folder


def subject(
    name: str = "S1", *, at_s: float, xy_m: XY = (4.0, 8.0), rank: int = 1, **changed: object
) -> RankedSubject:
    """One body in the west room, seen 0.3 s before `at_s`."""
    values: dict[str, object] = {
        "probability": 0.9 if rank == 1 else 0.04,
        "armed_probability": 0.95 if rank == 1 else 0.02,
        "level": "L1",
        "cov_m2": ((0.2, 0.1), (0.1, 0.3)),
        "ce95_m": 1.3,
        "space": "west",
        "space_name": "West room",
        "seen_at_s": at_s - 0.3,
        "age_s": 0.3,
        "visibility": "in view",
        "cameras": ("cam-01",),
        "reasons": ("a rifle was seen in 8 of 10 looks",),
        "trail_m": ((2.0, 2.0), (7.5, 3.0), xy_m),
        "armed_tracks": (("cam-01", 4), ("cam-02", 9)) if rank == 1 else (),
    }
    return RankedSubject(subject=name, rank=rank, xy_m=xy_m, **{**values, **changed})  # type: ignore[arg-type]


def answer(
    at_s: float, *subjects: RankedSubject, text: str = "In the West room. Take door 1."
) -> Answer:
    """An answer that prefers door 1, with the stage times of a frame 0.4 s old."""
    entrances = (
        EntranceOption(
            "1", "West", True, 12.4, 8.1, ((0.0, 2.0), (7.5, 3.0), (4.0, 8.0)),
            ("enter by door 1", "7 m along the corridor", "left into the West room"), "",
        ),
        EntranceOption(
            "2", "East", True, 19.8, 17.1, ((20.0, 2.0), (7.5, 3.0), (4.0, 8.0)),
            ("enter by door 2", "12 m along the corridor", "right into the West room"),
            "7 m longer on foot",
        ),
    )  # fmt: skip
    times = StageTimes(at_s - 0.4, at_s - 0.35, at_s - 0.2, at_s - 0.1)
    return Answer(at_s, subjects, entrances if subjects else (), text, times)


def evidence(camera: str, track_id: int, at_s: float, confidence: float) -> EvidencePicture:
    """A grey picture with a weapon in its middle."""
    _, packed = cv2.imencode(".jpg", np.full((64, 64, 3), 120, np.uint8))
    box = (0.25, 0.4, 0.75, 0.6)
    return EvidencePicture(camera, track_id, at_s, confidence, box, packed.tobytes())


@dataclass
class Clock:
    """A clock that a test moves."""

    now_s: float = START_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class ReplayedRun:
    """A run that says what the test tells it to."""

    permit: Permit
    publish: Callable[[Answer], None]
    on_end: Callable[[str], None]
    refuse: str = ""
    started: bool = False
    stopped: bool = False
    phase: CameraPhase = "connecting"
    trouble: tuple[str, ...] = ()
    frames: int = 0
    pictures: dict[TrackKey, EvidencePicture] = field(default_factory=dict)
    told: list[OperatorInput] = field(default_factory=list)
    searched: dict[str, SearchPicture] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    wanted: frozenset[StreamWanted] = frozenset()
    drawing: Drawing | None = None
    take: Callable[[StreamPart], None] | None = None
    films: bool = True

    def __post_init__(self) -> None:
        self._film = Film(self.clock, lambda: self.phase == "live")

    def start(self) -> None:
        if self.refuse:
            raise RunError(self.refuse)
        self.started = True
        self.phase = "live"

    def stop(self) -> None:
        self.stopped = True
        self._film.stop()
        self.pictures.clear()
        self.phase = "stopped"

    def cameras(self) -> tuple[CameraStatus, ...]:
        return tuple(
            CameraStatus(camera, f"Camera {camera}", self.phase, "", 10.0, self.frames,
                         self.frames, 0, 0.1)
            for camera in sorted(self.permit.cameras)
        )  # fmt: skip

    def problems(self) -> tuple[str, ...]:
        return self.trouble

    def search_picture(self, subject: str) -> SearchPicture | None:
        return self.searched.get(subject)

    def tell(self, *told: OperatorInput) -> None:
        self.told.extend(told)

    def picture(self, track: TrackKey) -> EvidencePicture | None:
        return self.pictures.get(track)

    def show(
        self,
        wanted: frozenset[StreamWanted],
        take: Callable[[StreamPart], None],
        drawing: Drawing,
    ) -> None:
        self.wanted, self.take, self.drawing = wanted, take, drawing
        if self.films and not self.stopped:
            self._film.show(wanted, take)

    def say(self, said: Answer) -> None:
        """Publish as the engine would, unless stopped."""
        if not self.stopped:
            self.frames += 1
            self.publish(said)


@dataclass
class ReplayedRuns:
    """A run factory that keeps what it made."""

    made: list[ReplayedRun] = field(default_factory=list)
    journals: list[Journal | None] = field(default_factory=list)
    refuse: str = ""
    clock: Callable[[], float] = time.time
    films: bool = True

    def __call__(
        self,
        permit: Permit,
        target: Target,
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        journal: Journal | None = None,
    ) -> ReplayedRun:
        assert permit.cameras <= set(target.site.cameras)
        run = ReplayedRun(permit, publish, on_end, self.refuse, clock=self.clock, films=self.films)
        self.made.append(run)
        self.journals.append(journal)
        return run


@dataclass
class Console:
    """An application over a small site, with all that a test may move."""

    app: FastAPI
    token: str
    runs: ReplayedRuns
    clock: Callable[[], float]
    state: Path
    target: Target
    record: Record

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a dispatcher who may ask about all sites."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def key_of(
        self,
        name: str,
        role: Role,
        *,
        acts_as: str | None = None,
        agency: str = "",
        sites: tuple[str, ...] | None = None,
    ) -> dict[str, str]:
        """The header of somebody whose account is made here."""
        now_s = self.clock()
        self.services.accounts.add(
            name,
            role=role,
            password=None,
            by="test",
            now_s=now_s,
            acts_as=acts_as,
            agency=agency,
            sites=sites,
            full_name=name.title(),
            second_factor=False,
        )
        key = self.services.sessions.begin(name, "key", now_s, label="test", days=2)
        return {"Authorization": f"Bearer {key.secret}"}

    def browser_of(self, name: str) -> TestClient:
        """A browser in which somebody has signed in, who is made a dispatcher where unknown."""
        if self.services.accounts.get(name) is None:
            self.services.accounts.add(
                name,
                role="dispatcher",
                password=PASSWORD,
                by="test",
                now_s=self.clock(),
                second_factor=False,
            )
        client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        form = {"name": name, "password": PASSWORD}
        response = client.post("/session", data=form, headers={"Origin": "http://testserver"})
        assert response.status_code == 303, response.text
        return client

    def audited(self, *actions: str) -> list[dict[str, Any]]:
        """The entries of the audit, of these actions if any are named."""
        return [e for e in self.record.audit.entries() if not actions or e["action"] in actions]


def build_console(
    folder: Path,
    clock: Callable[[], float],
    *,
    tick_s: float = 0.05,
    agreement: str | None = None,
    database_url: str | None = None,
    monotonic: Callable[[], float] | None = None,
    operations: Operations | None = None,
) -> Console:
    """The application over `folder`/small, its state in `folder`/state. Close its store."""
    site = folder / "small"
    target = load_target(site if site.exists() else write_site(site, agreement=agreement))
    state = folder / "state"
    record = record_in(open_store(state, database_url), state)
    runs = ReplayedRuns(clock=clock)
    app = create_app(
        {target.id: target},
        record=record,
        run_factory=runs,
        clock=clock,
        monotonic=monotonic or clock,
        tick_s=tick_s,
        heartbeat_s=0.2,
        operations=operations,
    )
    console = Console(app, "", runs, clock, state, target, record)
    if console.services.accounts.get("dana") is None:
        bearer = console.key_of("dana", "dispatcher")
        console.token = bearer["Authorization"].removeprefix("Bearer ")
    return console


def slug_of(response: Response) -> str:
    """The kind of problem that a response tells of."""
    slug: str = response.json()["type"].rpartition(":")[2]
    return slug


def opened_by(client: TestClient, body: dict[str, Any]) -> str:
    """The id of the incident that a client opens."""
    response = client.post("/v1/incidents", json=body)
    assert response.status_code == 201, response.text
    incident: str = response.json()["incident"]
    return incident


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """A real server on loopback; yields its address, without the last slash."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=3)
    server = Server(config, app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "the server did not stop"
