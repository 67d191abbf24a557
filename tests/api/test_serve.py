"""The server on a real socket: event streams, clear errors, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from api.accounts import Accounts
from api.errors import ServeError
from api.record import opened_record
from api.server import is_loopback, listen
from api.sessions import Sessions
from tests.api.replayed import START_S, Console, answer, serving, subject, write_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPEN = {"site": "small", "kind": "exercise", "opened_by": "me", "reason": "drill"}
LASTSEEN = [sys.executable, "-c", "from api.cli import main; main()"]


@pytest.fixture
def served(console: Console) -> Iterator[httpx2.Client]:
    """A client of a real server with `console`'s application."""
    with (
        serving(console.app) as url,
        httpx2.Client(base_url=url, headers=console.bearer, timeout=10.0) as client,
    ):
        yield client


def read_events(lines: Iterator[str], count: int) -> list[tuple[str, str, Any]]:
    """(name, id, message) of the next `count` events that are no heartbeats."""
    events: list[tuple[str, str, Any]] = []
    fields: dict[str, str] = {}
    while len(events) < count:
        line = next(lines)
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if fields.get("event", "heartbeat") != "heartbeat":
            events.append((fields["event"], fields["id"], json.loads(fields["data"])))
        fields = {}
    return events


def following(client: httpx2.Client, incident: str, last: str | None = None) -> Any:
    headers = {} if last is None else {"Last-Event-ID": last}
    return client.stream("GET", f"/v1/incidents/{incident}/events", headers=headers)


def test_events_arrive_and_go_on_where_they_were(console: Console, served: httpx2.Client) -> None:
    incident = served.post("/v1/incidents", json=OPEN).json()["incident"]
    (run,) = console.runs.made
    with following(served, incident) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        ((name, first, snapshot),) = read_events(lines, 1)
        assert name == "snapshot"
        assert snapshot["about"]["state"] == "open"
        run.say(answer(START_S, subject("S1", at_s=START_S)))
        ((name, last, message),) = read_events(lines, 1)
        assert (name, message["subjects"][0]["id"]) == ("last-seen", "S1")
        assert int(last) == int(first) + 1 == message["sequence"]

    for person in ("S2", "S3"):  # nobody listens
        run.say(answer(START_S, subject(person, at_s=START_S)))
    with following(served, incident, last) as response:
        missed = read_events(response.iter_lines(), 2)
    assert [message["subjects"][0]["id"] for _, _, message in missed] == ["S2", "S3"]
    assert [int(number) for _, number, _ in missed] == [int(last) + 1, int(last) + 2]

    with following(served, incident, "999999") as response:  # not ours: begin again
        ((name, _, snapshot),) = read_events(response.iter_lines(), 1)
    assert name == "snapshot"
    assert snapshot["last_seen"]["subjects"][0]["id"] == "S3"


def test_closing_ends_the_stream_of_every_reader(console: Console, served: httpx2.Client) -> None:
    incident = served.post("/v1/incidents", json=OPEN).json()["incident"]
    with following(served, incident) as one, following(served, incident) as two:
        streams = [one.iter_lines(), two.iter_lines()]
        for lines in streams:
            read_events(lines, 1)
        served.delete(f"/v1/incidents/{incident}")
        for lines in streams:
            heard = read_events(lines, 2)
            assert [name for name, _, _ in heard] == ["cameras", "closed"]
            assert heard[-1][2]["closing_reason"] == "closed by request"
            assert list(lines) == []  # the server has ended it


def test_a_reader_that_does_not_read_costs_the_others_nothing(
    console: Console, served: httpx2.Client
) -> None:
    incident = served.post("/v1/incidents", json=OPEN).json()["incident"]
    (run,) = console.runs.made
    said = answer(START_S, subject(at_s=START_S, reasons=("x" * 40_000,)))
    with following(served, incident) as sleeper, following(served, incident) as reader:
        asleep, awake = sleeper.iter_lines(), reader.iter_lines()
        read_events(asleep, 1)
        read_events(awake, 1)
        for _ in range(400):  # 16 MB for one that does not read
            run.say(said)
            read_events(awake, 1)
        last = served.get(f"/v1/incidents/{incident}").json()["sequence"]
        names: list[str] = []
        number = 0
        while number < last:
            ((name, at, _),) = read_events(asleep, 1)
            names.append(name)
            number = int(at)
    assert "snapshot" in names  # it was taken to the newest state
    assert len(names) < 400


def test_stopping_the_server_stops_runs_and_ends_streams(console: Console) -> None:
    heard: list[str] = []
    with serving(console.app) as url:
        client = httpx2.Client(base_url=url, headers=console.bearer, timeout=10.0)
        incident = client.post("/v1/incidents", json=OPEN).json()["incident"]
        ready = threading.Event()

        def listen_on() -> None:
            with following(client, incident) as response:
                lines = response.iter_lines()
                read_events(lines, 1)
                ready.set()
                heard.extend(name for name, _, _ in read_events(lines, 2))

        listener = threading.Thread(target=listen_on)
        listener.start()
        assert ready.wait(10)
    listener.join(10)
    client.close()
    assert heard == ["cameras", "incident"]  # open still: the next process goes on with it
    assert console.runs.made[0].stopped
    assert console.audited("grant-closed") == []


# The command


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*LASTSEEN, "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "400", "PYTHONUNBUFFERED": "1"},
    )


def key_in(state: Path) -> dict[str, str]:
    """The header of a dispatcher whose account is made in a state folder."""
    with opened_record(state) as record:
        now_s = time.time()
        accounts = Accounts(record.store, record.keys, record.audit)
        accounts.add(
            "dana", role="dispatcher", password=None, by="test", now_s=now_s, second_factor=False
        )
        key = Sessions(record.store).begin("dana", "key", now_s, days=1)
    return {"Authorization": f"Bearer {key.secret}"}


def wait_for_address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line + (process.stderr.read() if process.stderr else "")
    return found.group().rstrip("/")


def stop(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGTERM)
    try:
        return process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    site, state = write_site(tmp_path / "small"), tmp_path / "state"
    first = start(str(site), "--port", "0", "--state", str(state))
    try:
        url = wait_for_address(first)
        assert first.stdout is not None
        told = "".join(first.stdout.readline() for _ in range(3))
        assert "no agreement binds it" in told
        assert f"lastseen users add NAME --role dispatcher --state {state}" in told
        headers = key_in(state)  # what another process has made counts at once
        sites = httpx2.get(f"{url}/v1/sites", headers=headers, timeout=20).json()["sites"]
        assert [each["id"] for each in sites] == ["small"]
        assert httpx2.get(f"{url}/v1/sites", timeout=20).status_code == 401
        # The real engine finds no address in these cameras, and says so.
        refused = httpx2.post(f"{url}/v1/incidents", headers=headers, json=OPEN, timeout=20)
        assert refused.status_code == 409, refused.text
        assert "address" in refused.json()["detail"]
    finally:
        out, err = stop(first)
    assert first.returncode == 0
    assert "closed" in out
    assert err == ""

    second = start(str(site), "--port", "0", "--state", str(state))
    try:
        wait_for_address(second)
    finally:
        out, _ = stop(second)
    assert "users add" not in out  # somebody can sign in now


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_what_is_open_on_a_site_survives_the_end_of_the_server(
    tmp_path: Path, end: signal.Signals
) -> None:
    site, state = write_site(tmp_path / "small"), tmp_path / "state"
    for camera in (site / "cameras").iterdir():  # an address at which nobody answers
        text = camera.read_text().replace(
            'level = "L1"', 'level = "L1"\naddress = "rtsp://127.0.0.1:9/none"', 1
        )
        camera.write_text(text)
    arguments = (str(site), "--port", "0", "--state", str(state))
    headers = key_in(state)
    first = start(*arguments)
    url = wait_for_address(first)
    opened = httpx2.post(f"{url}/v1/incidents", headers=headers, json=OPEN, timeout=20).json()
    first.send_signal(end)
    out, _ = first.communicate(timeout=20)
    assert ("Still granted until their time" in out) is (end is signal.SIGTERM)

    second = start(*arguments)
    try:
        url = wait_for_address(second)
        incident = f"{url}/v1/incidents/{opened['incident']}"
        again = httpx2.get(incident, headers=headers, timeout=20).json()
        assert (again["state"], again["until"]) == ("open", opened["until"])
        assert again["sequence"] > opened["sequence"]
        closed = httpx2.delete(incident, headers=headers, timeout=20).json()
        assert closed["state"] == "closed"
    finally:
        _, err = stop(second)
    assert "goes on after an interruption" in err

    third = start(*arguments)
    try:
        url = wait_for_address(third)
        listed = httpx2.get(f"{url}/v1/incidents", headers=headers, timeout=20).json()
        assert listed["incidents"] == []  # closed stays closed
    finally:
        stop(third)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{tmp}/nothing"], "no such folder"),
        (["{tmp}/small", "--host", "192.168.0.7"], "--allow-remote"),
        (["{tmp}/small", "--port", "{taken}"], "is in use; choose another with --port"),
        (["{tmp}/small", "{tmp}/other/small"], "same name"),
        (["{tmp}/small", "--state", "{tmp}/small/site.toml"], "--state"),
        (["{tmp}/small", "--host", "192.0.2.1", "--allow-remote"], "no address of this machine"),
        (["{tmp}"], "site.toml"),
    ],
    ids=["no folder", "remote", "port in use", "same name", "state is a file", "host", "no site"],
)
def test_what_cannot_be_served_is_one_clear_message(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    write_site(tmp_path / "small")
    write_site(tmp_path / "other" / "small")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        filled = [text.format(tmp=tmp_path, taken=port) for text in arguments]
        if "--state" not in filled:
            filled += ["--state", str(tmp_path / "state")]
        if "--port" not in filled:
            filled += ["--port", "0"]
        process = start(*filled)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the case under test
        ("::", False),
        ("192.168.0.7", False),
        ("localhost.example.org", False),
    ],
)
def test_what_only_this_machine_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_host_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(ServeError, match="give an address of this machine"):
        listen("no-such-host.invalid", 0)
