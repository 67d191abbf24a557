"""When a grant is over, its decoders, streams and sockets are gone within a second.

With real feeds: two cameras of a real RTSP server behind a password, one with a wrong password, the
real engine in its worker process, and a reader of the event stream. What the cameras' addresses
hold is looked for in everything that comes out.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from api.app import create_app
from api.record import opened_record
from api.run_factory import run_factory
from api.targets import load_target
from tests.api.agreed import AGREEMENT
from tests.api.replayed import serving, write_site
from tests.rtsp import PASSWORD, USER, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

WRONG = "battery staple"
SECRETS = (PASSWORD, "right%20horse", WRONG, "battery%20staple", f"//{USER}:")
REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots heard",
}
WITHIN_S = 1.0


class Times:
    """The clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Live:
    """A served site with live cameras, as its tests need it."""

    def __init__(self, app: FastAPI, client: httpx2.Client, port: int, clock: Times) -> None:
        self.app, self.client, self.port, self.clock = app, client, port, clock
        self.heard: list[tuple[str, str]] = []
        self.stream_ended = threading.Event()

    def open(self) -> str:
        response = self.client.post("/v1/incidents", json=REAL)
        assert response.status_code == 201, response.text
        incident: str = response.json()["incident"]
        return incident

    def follow(self, incident: str) -> None:
        def read() -> None:
            path = f"/v1/incidents/{incident}/events"
            with self.client.stream("GET", path, timeout=60) as response:
                name = ""
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    if line.startswith("data: "):
                        self.heard.append((name, line))
            self.stream_ended.set()

        threading.Thread(target=read, daemon=True).start()

    def cameras(self, incident: str) -> dict[str, str]:
        said = self.client.get(f"/v1/incidents/{incident}/cameras").json()
        return {camera["id"]: camera["phase"] for camera in said["cameras"]}

    def sockets(self) -> int:
        """TCP connections of this machine to the cameras that are not ended."""
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        ended = {"06", "07", "0A"}  # time-wait and close (nobody's any more), listen
        return sum(
            row.split()[2].endswith(f":{self.port:04X}") and row.split()[3] not in ended
            for row in rows
        )


def workers() -> set[int]:
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has ended meanwhile
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return {pid for pid in found if b"spawn_main" in command_of(pid)}


def command_of(pid: int) -> bytes:
    """How a process was started; nothing of one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def wait_for(what: Callable[[], bool], within_s: float) -> float:
    began_s = time.monotonic()
    while not what():
        assert time.monotonic() - began_s < within_s, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - began_s


@pytest.fixture
def live(tmp_path: Path, rtsp_server: Server) -> Iterator[Live]:
    site = write_site(tmp_path / "small", agreement=AGREEMENT)
    passwords = {"cam-01": PASSWORD, "cam-02": WRONG}
    for camera, password in passwords.items():
        file = site / "cameras" / f"{camera}.toml"
        address = (
            f"rtsp://{USER}:{password.replace(' ', '%20')}@127.0.0.1:{rtsp_server.digest_port}/h264"
        )
        text = file.read_text().replace('level = "L1"', f'level = "L1"\naddress = "{address}"', 1)
        file.write_text(text)
    target = load_target(site)
    clock = Times()
    with opened_record(tmp_path / "state") as record:
        app = create_app(
            {target.id: target}, record=record, run_factory=run_factory("cpu"), clock=clock
        )
        services = app.state.services
        services.accounts.add(
            "dana", role="dispatcher", password=None, by="test", now_s=clock(), second_factor=False
        )
        key = services.sessions.begin("dana", "key", clock(), days=30).secret
        headers = {"Authorization": f"Bearer {key}"}
        with (
            serving(app) as url,
            httpx2.Client(base_url=url, headers=headers, timeout=20.0) as client,
        ):
            yield Live(app, client, rtsp_server.digest_port, clock)


def closed_by_hand(live: Live, incident: str) -> None:
    live.client.delete(f"/v1/incidents/{incident}")


def its_time_is_over(live: Live, incident: str) -> None:
    live.clock.ahead_s = 601.0


def all_have_left(live: Live, incident: str) -> None:
    path = f"/v1/incidents/{incident}/agencies/Town%20Police"
    for state in ("responding", "left"):
        assert live.client.put(path, json={"state": state}).status_code == 200


@pytest.mark.rtsp
@pytest.mark.parametrize("end", [closed_by_hand, its_time_is_over, all_have_left])
def test_decoders_streams_and_sockets_are_gone(
    live: Live, end: Callable[[Live, str], None]
) -> None:
    before = workers()
    assert live.sockets() == 0
    incident = live.open()
    live.follow(incident)
    wait_for(lambda: live.cameras(incident)["cam-01"] == "live", 60.0)
    wait_for(lambda: bool(live.heard), 5.0)
    assert live.sockets() > 0
    assert workers() - before

    began_s = time.monotonic()
    threading.Thread(target=end, args=(live, incident)).start()
    wait_for(lambda: live.sockets() == 0, WITHIN_S)
    wait_for(lambda: workers() <= before, WITHIN_S)
    assert live.stream_ended.wait(WITHIN_S)
    took_s = time.monotonic() - began_s
    assert took_s < WITHIN_S
    assert live.heard[-1][0] == "closed"
    said = live.client.get(f"/v1/incidents/{incident}").json()
    assert said["state"] == "closed"
    time.sleep(1.0)  # nothing comes back by itself
    assert live.sockets() == 0
    assert workers() <= before


@pytest.mark.rtsp
def test_the_cameras_passwords_are_in_nothing_that_comes_out(
    live: Live, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    incident = live.open()
    live.follow(incident)
    wait_for(lambda: live.cameras(incident)["cam-01"] == "live", 60.0)
    wait_for(lambda: live.cameras(incident)["cam-02"] == "refused", 30.0)
    came_out: dict[str, str] = {}
    for pid in (*workers(), os.getpid()):
        for what in ("cmdline", "environ"):
            came_out[f"{what} of process {pid}"] = Path(f"/proc/{pid}/{what}").read_text()
    paths = [
        "/v1/sites", "/v1/sites/small/plan", "/v1/incidents", f"/v1/incidents/{incident}",
        *(f"/v1/incidents/{incident}/{what}" for what in ("last-seen", "cameras", "entrances")),
        f"/v1/incidents/{incident}/evidence/cam-02/1", "/openapi.json", "/v1/sites/none/plan",
    ]  # fmt: skip
    for path in paths:
        came_out[path] = live.client.get(path).text
    services: Any = live.app.state.services
    held = services.incidents.get(incident)
    came_out["repr"] = repr([held.grant, held.target, held._run, vars(held._run), held.target.site])
    came_out["cameras' repr"] = repr(list(held.target.site.cameras.values()))
    live.client.delete(f"/v1/incidents/{incident}")
    assert live.stream_ended.wait(5.0)
    came_out["events"] = json.dumps(live.heard)
    came_out["audit"] = json.dumps(list(services.audit.entries()))
    came_out["log"] = caplog.text
    came_out["out"], came_out["err"] = capfd.readouterr()
    for file in (tmp_path / "state").rglob("*"):
        if file.is_file():
            came_out[str(file)] = file.read_bytes().decode("latin-1")
    assert "cam-02" in came_out["events"]  # what is looked through tells of these cameras
    for where, text in came_out.items():
        for secret in SECRETS:
            assert secret not in text, where
