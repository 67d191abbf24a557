"""Two cameras that show the time, a server that opens them, and somebody who may watch.

What the stream benchmarks stand on: `benchmarks.clock_camera` as cameras over RTSP, a site folder
that names them, and a server in a process of its own whose CPU time can be told from that of those
who watch.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import tomli_w
import uvicorn

from api.app import create_app
from api.record import opened_record
from api.run_factory import run_factory
from api.server import Server, listen
from api.targets import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

DRILLS = Path(__file__).parent / "drills"
CAMERA_PROGRAM = Path(__file__).parent / "clock_camera.py"
DEBIAN_PYTHON = "/usr/bin/python3"
CAMERAS = ("cam-01", "cam-02")
USER = "watcher"
_PATIENCE_S = 60.0
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class NotHereError(RuntimeError):
    """What the benchmark needs is not on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A server on which the cameras are open.

    Attributes:
        url: where it is.
        password: of `USER`.
        token: of `USER`, for `Authorization: Bearer`.
        incident: id of the exercise that is open.
        pid: process id of the server; its worker is a child of it.
    """

    url: str
    password: str
    token: str
    incident: str
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds that the server and its worker have used."""
        return sum(_cpu_s(pid) for pid in (self.pid, *_children(self.pid)))

    def rss_mib(self) -> float:
        """Memory that the server holds itself, MiB."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 2**20


@contextlib.contextmanager
def clock_cameras(count: int) -> Iterator[int]:
    """The RTSP port of `count` test cameras.

    Raises:
        NotHereError: GStreamer's RTSP server is not installed.
    """
    program = [DEBIAN_PYTHON, str(CAMERA_PROGRAM), str(count)]
    try:
        cameras = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise NotHereError(f"no {DEBIAN_PYTHON} to run the test cameras: {error}") from error
    assert cameras.stdin is not None  # noqa: S101 - both are pipes
    assert cameras.stdout is not None  # noqa: S101
    try:
        words = cameras.stdout.readline().split()
        if not words:
            raise NotHereError(
                "the test cameras need GStreamer's RTSP server: "
                "bash scripts/system-packages.sh rtsp"
            )
        yield int(words[1])
    finally:
        cameras.stdin.close()
        try:
            cameras.wait(5)
        except subprocess.TimeoutExpired:
            cameras.kill()
            cameras.wait()
        cameras.stdout.close()


@contextlib.contextmanager
def watched_site() -> Iterator[Watched]:
    """A server with an exercise open on two test cameras, for as long as the context lasts.

    Raises:
        NotHereError: what it needs is not on this machine.
    """
    with tempfile.TemporaryDirectory() as folder, clock_cameras(len(CAMERAS)) as rtsp_port:
        site = _site(Path(folder) / "clocks", rtsp_port)
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        stop = context.Event()
        password = secrets.token_urlsafe(16)
        server = context.Process(  # no daemon: it starts a worker of its own
            target=_serve, args=(site, Path(folder) / "state", password, tell, stop)
        )
        server.start()
        tell.close()
        try:
            if not told.poll(_PATIENCE_S) or not server.is_alive():
                raise RuntimeError("the server did not start")
            watched = _opened(told.recv(), password, server.pid or 0)
            yield watched
            _close(watched)
        finally:
            stop.set()
            server.join(10)
            if server.is_alive():
                server.kill()
                server.join()


def _site(folder: Path, rtsp_port: int) -> Path:
    """A site like the built-in drill's, whose cameras are the test cameras."""
    wing = DRILLS / "wing"
    (folder / "cameras").mkdir(parents=True)
    for name in ("site.toml", "floor_plan.geojson"):
        shutil.copy(wing / name, folder / name)
    for number, camera in enumerate(CAMERAS, 1):
        address = tomli_w.dumps({"address": f"rtsp://127.0.0.1:{rtsp_port}/camera-{number}"})
        rest = (wing / "cameras" / f"{camera}.toml").read_text(encoding="utf-8")
        (folder / "cameras" / f"{camera}.toml").write_text(address + rest, encoding="utf-8")
    return folder


def _serve(site: Path, state: Path, password: str, tell: Connection, stop: Event) -> None:
    """Serve the site until told to stop; the process of `watched_site`."""
    target = load_target(site)
    with listen("127.0.0.1", 0) as listener, opened_record(state, own=True) as record:
        app = create_app({target.id: target}, record=record, run_factory=run_factory())
        app.state.services.accounts.add(
            USER, role="dispatcher", password=password, second_factor=False, by="benchmark",
            now_s=time.time(),
        )  # fmt: skip
        server = Server(uvicorn.Config(app, log_level="warning", access_log=False), app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        host, port = listener.getsockname()[:2]
        tell.send(f"http://{host}:{port}")
        stop.wait()
        server.should_exit = True
        thread.join()


def _opened(url: str, password: str, pid: int) -> Watched:
    """Open an exercise and wait until both cameras are live."""
    with httpx2.Client(base_url=url, timeout=30.0) as client:
        answer = client.post("/v1/sign-in", json={"name": USER, "password": password})
        answer.raise_for_status()
        token = answer.json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        opened = client.post(
            "/v1/incidents", json={"site": "clocks", "kind": "exercise", "reason": "A benchmark"}
        )
        opened.raise_for_status()
        incident = opened.json()["incident"]
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            cameras = client.get(f"/v1/incidents/{incident}/cameras").json()["cameras"]
            if len(cameras) == len(CAMERAS) and all(one["phase"] == "live" for one in cameras):
                return Watched(url, password, token, incident, pid)
            if time.monotonic() > until_s:
                raise RuntimeError(f"the cameras do not come up: {json.dumps(cameras)}")
            time.sleep(0.2)


def _close(watched: Watched) -> None:
    headers = {"Authorization": f"Bearer {watched.token}"}
    with httpx2.Client(base_url=watched.url, headers=headers, timeout=30.0) as client:
        path = f"/v1/incidents/{watched.incident}"
        client.delete(path, params={"reason": "The benchmark is over"}).raise_for_status()


def _cpu_s(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0  # it has ended
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            words = (task / "children").read_text(encoding="ascii").split()
            found += [int(word) for word in words]
    return [one for child in found for one in (child, *_children(child))]
