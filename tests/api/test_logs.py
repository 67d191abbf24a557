"""What is written into the log: one form for all loggers, what a line is about, and no secrets."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from api import logs
from api.logs import LogSettings, about, configure
from api.scrubbing import scrubbed
from vision.address import CameraAddress
from vision.errors import AddressError

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "lastseen_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1v"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkYW5hIn0.c2lnbmF0dXJl"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the log holds; the loggers are as they were afterwards."""
    root = logging.getLogger()
    names = (*logs.NOISY, "uvicorn.error", "uvicorn.access")
    named = {name: logging.getLogger(name) for name in names}
    before = (
        root.handlers[:],
        root.level,
        {n: (one.level, one.propagate) for n, one in named.items()},
    )
    yield io.StringIO()
    logging.captureWarnings(capture=False)
    root.handlers[:], level, others = before
    root.setLevel(level)
    for name, (its_level, propagate) in others.items():
        named[name].setLevel(its_level)
        named[name].propagate = propagate
    logs._current = None


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_of_json_says_when_who_and_what(written: io.StringIO) -> None:
    configure(LogSettings("json", "info"), written)
    logging.getLogger("vision.feeds").info("camera %s: %s", "cam-01", "stalled")
    (line,) = lines(written)
    assert list(line)[:4] == ["time", "level", "logger", "message"]
    assert (line["level"], line["logger"]) == ("info", "vision.feeds")
    assert line["message"] == "camera cam-01: stalled"
    at = datetime.fromisoformat(line["time"])
    assert at.tzinfo == UTC
    assert abs((datetime.now(UTC) - at).total_seconds()) < 10.0


def test_a_line_is_about_what_it_is_logged_within(written: io.StringIO) -> None:
    configure(LogSettings("json", "info", worker="worker 3"), written)
    log = logging.getLogger("api.x")
    with about(incident="i-1"):
        log.warning("one")
        with about(request="r-9", camera="cam-01"):
            log.warning("two", extra={"camera": "cam-02"})
        log.warning("three")
    log.warning("four")
    found = [{name: line.get(name) for name in logs.ABOUT} for line in lines(written)]
    alone = {"incident": None, "camera": None, "worker": "worker 3", "request": None}
    assert found == [
        alone | {"incident": "i-1"},
        alone | {"incident": "i-1", "camera": "cam-02", "request": "r-9"},
        alone | {"incident": "i-1"},
        alone,
    ]


def test_another_thread_is_about_something_else(written: io.StringIO) -> None:
    configure(LogSettings("json"), written)
    with about(incident="i-1"):
        thread = threading.Thread(target=lambda: logging.getLogger("x").warning("apart"))
        thread.start()
        thread.join()
    assert "incident" not in lines(written)[0]


def test_a_line_cannot_be_about_a_person() -> None:
    with pytest.raises(ValueError, match="not about \\['subject'\\]"), about(subject="S1"):
        pass


def test_a_traceback_is_in_its_line(written: io.StringIO) -> None:
    configure(LogSettings("json"), written)
    try:
        CameraAddress("rtsp://viewer:hunter2@10.0.0.7/live?token=abc").path.open()
    except AddressError as error:
        error.add_note("rtsp://viewer:hunter2@10.0.0.7/live?token=abc")
        logging.getLogger("x").exception("a feed failed")
    (line,) = lines(written)
    assert "AddressError" in line["traceback"]
    assert "rtsp://10.0.0.7/live" in line["traceback"]
    assert "hunter2" not in written.getvalue()
    assert "abc" not in written.getvalue()


@pytest.mark.parametrize("logger", ["uvicorn.error", "uvicorn", "py.warnings", "vision.feeds", "x"])
@pytest.mark.parametrize("kind", ["json", "text"])
def test_nobody_can_write_a_secret(written: io.StringIO, logger: str, kind: Any) -> None:
    configure(LogSettings(kind), written)
    log = logging.getLogger(logger)
    log.error("camera at %s", "rtsp://admin:hunter2@10.0.0.7:554/live")
    log.error({"Authorization": f"Bearer {KEY}"})
    log.error("request with token=%s&x=1", JWT, extra={"what": f"key {KEY}"})
    log.error("extra", extra={"address": ["postgresql+psycopg://lastseen:hunter2@db/lastseen"]})
    for secret in ("hunter2", KEY, JWT, "admin", "c2lnbmF0dXJl"):
        assert secret not in written.getvalue()
    assert written.getvalue().count("\n") == 4


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("rtsp://admin:pass@cam/live, again in 3 s", "rtsp://cam/live, again in 3 s"),
        ("rtsps://cam/a/user=me/b?pw=x failed", "rtsps://cam/a/***/b?*** failed"),
        ("rtsp://u:p@ss@cam/live", "rtsp://cam/live"),
        ("rtsp://u:p/ss@cam/live", "rtsp://***"),
        ("'rtsp://u:p@cam/live': refused", "'rtsp://cam/live': refused"),
        ("https://me:pw@idp.example/keys", "https://***@idp.example/keys"),
        ("http://10.0.0.1:4318/v1/traces is down", "http://10.0.0.1:4318/v1/traces is down"),
        ("Authorization: Basic bWU6cHc=", "Authorization: *** ***"),
        ("device: cuda", "device: cuda"),
        ("Bearer abc.def", "Bearer ***"),
        (f"key {KEY} lapsed", "key *** lapsed"),
        ("whsec_c2VjcmV0 does not fit", "*** does not fit"),
        (f"link {JWT} lapsed", "link *** lapsed"),
        ("GET /x?token=abc&camera=cam-01", "GET /x?token=***&camera=cam-01"),
        ("{'password': 'pw', 'name': 'dana'}", "{'password': '***', 'name': 'dana'}"),
        ("Cookie: lastseen_session=abc; x=1", "Cookie: lastseen_session=***; x=1"),
        ("LASTSEEN_METRICS_TOKEN is too short", "LASTSEEN_METRICS_TOKEN is too short"),
        (
            "lastseen_answer_newest_capture_timestamp_seconds",
            "lastseen_answer_newest_capture_timestamp_seconds",
        ),
        ("account dana: its second factor", "account dana: its second factor"),
    ],
)
def test_what_is_left_of_a_line(text: str, left: str) -> None:
    assert scrubbed(text) == left


def test_text_is_for_people(written: io.StringIO) -> None:
    configure(LogSettings("text", "info"), written)
    with about(incident="i-1"):
        logging.getLogger("api.app").info("it goes on")
    line = written.getvalue().strip()
    assert line.endswith("info    api.app: it goes on [incident=i-1]")
    assert datetime.fromisoformat(line.split()[0]).tzinfo == UTC


@pytest.mark.parametrize(
    ("level", "heard"),
    [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")],
)
def test_the_level_holds_for_all_and_libraries_are_quiet(
    written: io.StringIO, level: Any, heard: str
) -> None:
    configure(LogSettings("json", level), written)
    log = logging.getLogger("calibration.x")
    log.debug("d")
    log.info("i")
    logging.getLogger("httpx").info("HTTP Request: GET …")
    log.warning("w")
    log.error("e")
    assert [line["message"] for line in lines(written)] == list(heard)


def test_a_worker_writes_as_its_server_does(capfd: pytest.CaptureFixture[str]) -> None:
    """Its own process: what it is told is what `current` gave."""
    import subprocess

    code = (
        "import logging, pickle, sys; from api import logs;"
        "logs.configure(pickle.loads(bytes.fromhex(sys.argv[1])));"
        "logging.getLogger('vision.feeds').warning('rtsp://u:hunter2@cam/1 is down')"
    )
    import pickle

    told = LogSettings("json", "info", worker="worker 2")
    subprocess.run([sys.executable, "-c", code, pickle.dumps(told).hex()], check=True)
    line = json.loads(capfd.readouterr().err)
    assert (line["worker"], line["message"]) == ("worker 2", "rtsp://cam/1 is down")


def test_what_was_configured_can_be_handed_on(written: io.StringIO) -> None:
    assert logs.current() is None
    configure(LogSettings("json"), written)
    assert logs.current() == LogSettings("json")
    with contextlib.suppress(ValueError):
        configure(LogSettings("text"), written)
    assert len(logging.getLogger().handlers) == 1
