"""Live feeds against a real RTSP server, GStreamer's, and against servers that misbehave.

Needs Debian's packages (bookworm or later):

    python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
    gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly

base has the test picture, good the RTP payloaders, bad x265enc and ugly x264enc. The server runs
under /usr/bin/python3, where python3-gi lives. Tests that need it skip where it is missing; those
against a plain socket run everywhere.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.rtsp import PASSWORD, USER, Server
from vision.address import CameraAddress
from vision.decode_plan import Backlog
from vision.feeds import Feed, FeedState, FeedTiming, live_source, stop_feeds
from vision.frames import Frame
from vision.latest import LatestFrames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vision.sources import AnyFrame

WRONG = "wrong horse"


@pytest.fixture
def server(gstreamer: None) -> Iterator[Server]:
    """A server of the test's own, to be maltreated."""
    server = Server()
    yield server
    server.end()


@dataclass
class Watched:
    """Feeds of one test with everything that came out of them."""

    latest: LatestFrames[AnyFrame] = field(default_factory=LatestFrames)
    feeds: dict[str, Feed] = field(default_factory=dict)
    taken: dict[str, list[Frame]] = field(default_factory=dict)

    def add(self, camera: str, url: str, timing: FeedTiming | None = None) -> Feed:
        source = live_source(camera, CameraAddress(url), 0.0)
        feed = Feed(camera, source, self.latest, timing=timing)
        self.feeds[camera], self.taken[camera] = feed, []
        feed.start()
        return feed

    def state(self, camera: str) -> FeedState:
        return self.feeds[camera].state(time.time())

    def until(self, what: Callable[[], bool], within_s: float) -> float:
        """Take frames until it is so; returns how long that took in seconds."""
        began_s = time.monotonic()
        while not what():
            waited_s = time.monotonic() - began_s
            states = [self.state(camera) for camera in self.feeds]
            assert waited_s < within_s, f"not within {within_s} s: {states}"
            for frame in self.latest.take(8, 0.02):
                assert isinstance(frame, Frame)
                self.taken[frame.camera].append(frame)
        return time.monotonic() - began_s


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    assert stop_feeds(made.feeds.values(), 12.0), "a thread outlived its feed"
    for camera, frames in made.taken.items():
        counts = made.latest.counts(camera)
        assert counts.waiting == 0
        assert counts.received == counts.taken + counts.dropped
        assert counts.taken == len(frames)
        if len(frames) > 1:
            assert min(np.diff([frame.captured_at_s for frame in frames])) > 0
            assert min(np.diff([frame.index for frame in frames])) > 0


@pytest.mark.rtsp
def test_both_codecs_with_the_cameras_own_clock(rtsp_server: Server, watched: Watched) -> None:
    for codec in ("h264", "h265"):
        watched.add(codec, f"rtsp://127.0.0.1:{rtsp_server.port}/{codec}")
    watched.until(lambda: all(watched.state(c).clock == "stream" for c in watched.feeds), 15)
    watched.until(lambda: all(f[-1].clock == "stream" for f in watched.taken.values()), 1)
    for camera, codec in (("h264", "h264"), ("h265", "hevc")):
        state, frames = watched.state(camera), watched.taken[camera]
        assert (state.phase, state.reason, state.attempts) == ("live", "", 0)
        assert (state.codec, state.size_px) == (codec, (320, 240))
        assert state.fps == pytest.approx(15, rel=0.3)
        assert frames[0].clock == "arrival"
        assert frames[-1].image.std() > 5, "the picture is blank"
        # Server and test share a clock: what the camera says is when it was, give or take.
        assert abs(frames[-1].decoded_at_s - frames[-1].captured_at_s) < 1.0


@pytest.mark.rtsp
def test_passwords(
    rtsp_server: Server,
    watched: Watched,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    ports = {"digest": rtsp_server.digest_port, "basic": rtsp_server.basic_port}
    for method, port in ports.items():
        for kind, user in (("right", PASSWORD), ("wrong", WRONG)):
            login = f"{USER}:{user.replace(' ', '%20')}@"
            watched.add(f"{kind} {method}", f"rtsp://{login}127.0.0.1:{port}/h264")
        watched.add(f"no {method}", f"rtsp://127.0.0.1:{port}/h264")

    expected = {c: "live" if c.startswith("right") else "refused" for c in watched.feeds}
    watched.until(lambda: {c: watched.state(c).phase for c in watched.feeds} == expected, 15)

    for camera, phase in expected.items():
        if phase == "refused":
            assert watched.state(camera).reason == "the camera refuses the user and password"
            assert watched.latest.counts(camera).received == 0
    states = [watched.state(camera) for camera in watched.feeds]
    printed = f"{states} {capfd.readouterr()} {caplog.text}"
    assert not [word for word in (PASSWORD, WRONG, "horse", f"{USER}:") if word in printed]


@pytest.mark.rtsp
def test_unknown_path(rtsp_server: Server, watched: Watched) -> None:
    watched.add("cam", f"rtsp://127.0.0.1:{rtsp_server.port}/none")
    watched.until(lambda: "404" in watched.state("cam").reason, 10)
    assert watched.state("cam").phase == "connecting"


@pytest.mark.rtsp
def test_killed_in_mid_stream_and_started_again(server: Server, watched: Watched) -> None:
    feed = watched.add("cam", f"rtsp://127.0.0.1:{server.port}/h264")
    watched.until(lambda: len(watched.taken["cam"]) > 5, 15)
    server.end()
    watched.until(lambda: watched.state("cam").phase in {"stalled", "connecting"}, 3)
    watched.until(lambda: "Connection refused" in watched.state("cam").reason, 10)
    received = watched.latest.counts("cam").received
    last = watched.taken["cam"][-1]

    again = Server(server.port)
    try:
        watched.until(lambda: watched.taken["cam"][-1].index > received, 15)
        assert watched.state("cam").phase == "live"
        assert watched.state("cam").attempts == 0
        assert watched.latest.counts("cam").received > received
        assert watched.taken["cam"][-1].captured_at_s > last.captured_at_s
        assert feed.stop()
    finally:
        again.end()


@pytest.mark.rtsp
def test_a_camera_that_hangs_and_goes_on(server: Server, watched: Watched) -> None:
    """It stalls within 3 s; when it goes on, so does the same connection."""
    watched.add("cam", f"rtsp://127.0.0.1:{server.port}/h264")
    watched.until(lambda: len(watched.taken["cam"]) > 5, 15)
    server.signal(signal.SIGSTOP)
    last_frame_at_s = watched.state("cam").last_frame_at_s or 0.0
    watched.until(lambda: watched.state("cam").phase == "stalled", 4)
    assert time.time() - last_frame_at_s < 3.0
    server.signal(signal.SIGCONT)
    watched.until(lambda: watched.state("cam").phase == "live", 3)
    assert watched.state("cam").attempts == 0


@pytest.mark.rtsp
def test_a_camera_that_hangs_for_long_gets_a_new_connection(
    server: Server, watched: Watched
) -> None:
    timing = FeedTiming(stall_after_s=0.5, reconnect_after_s=1.0)
    watched.add("cam", f"rtsp://127.0.0.1:{server.port}/h264", timing)
    watched.until(lambda: len(watched.taken["cam"]) > 5, 15)
    server.signal(signal.SIGSTOP)
    watched.until(lambda: watched.state("cam").reason == "the camera fell silent", 5)
    last = watched.taken["cam"][-1]
    server.signal(signal.SIGCONT)
    watched.until(lambda: watched.taken["cam"][-1] is not last, 10)
    assert watched.state("cam").phase == "live"


@pytest.mark.rtsp
def test_a_hanging_camera_does_not_delay_the_stop(server: Server, watched: Watched) -> None:
    feed = watched.add("cam", f"rtsp://127.0.0.1:{server.port}/h265")
    watched.until(lambda: len(watched.taken["cam"]) > 5, 15)
    server.signal(signal.SIGSTOP)
    watched.until(lambda: watched.state("cam").phase == "stalled", 4)
    began_s = time.monotonic()
    assert feed.stop()
    assert time.monotonic() - began_s < 1.0
    assert watched.state("cam").phase == "stopped"


def listen(answer: Callable[[socket.socket], None]) -> tuple[socket.socket, int]:
    """A TCP server that treats each client in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=treat, args=(client,), daemon=True).start()

    def treat(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            answer(client)

    threading.Thread(target=serve, daemon=True).start()
    return listener, listener.getsockname()[1]


def silent(client: socket.socket) -> None:
    while client.recv(4096):
        pass


def hang_up(client: socket.socket) -> None:
    client.recv(4096)


def junk(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(os.urandom(100_000))


def web_page(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


def broken(client: socket.socket) -> None:
    while client.recv(4096):
        client.sendall(b"RTSP/1.0 500 Internal Server Error\r\nCSeq: 1\r\n\r\n")


def rtsp_then(client: socket.socket, description: bytes | None) -> None:
    """Answer OPTIONS as a server should; then fall silent, or describe nonsense."""
    while request := client.recv(4096):
        number = next(line for line in request.split(b"\r\n") if line.startswith(b"CSeq:"))
        if request.startswith(b"OPTIONS"):
            client.sendall(b"RTSP/1.0 200 OK\r\n" + number + b"\r\nPublic: DESCRIBE\r\n\r\n")
        elif description is not None:
            head = f"Content-Type: application/sdp\r\nContent-Length: {len(description)}"
            client.sendall(
                b"RTSP/1.0 200 OK\r\n"
                + number
                + b"\r\n"
                + head.encode()
                + b"\r\n\r\n"
                + description
            )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(silent, "", id="accepts and never answers"),
        pytest.param(hang_up, "hung up without an answer", id="hangs up"),
        pytest.param(junk, "does not speak RTSP", id="junk"),
        pytest.param(web_page, "does not speak RTSP", id="a web page"),
        pytest.param(broken, "connection failed: Server returned 5XX", id="broken inside"),
        pytest.param(lambda c: rtsp_then(c, os.urandom(400)), "", id="nonsense description"),
        pytest.param(lambda c: rtsp_then(c, b"v=0\r\n"), "", id="describes no stream"),
    ],
)
def test_what_is_not_a_camera_never_goes_live(
    answer: Callable[[socket.socket], None], reason: str, watched: Watched
) -> None:
    listener, port = listen(answer)
    with listener:
        feed = watched.add("cam", f"rtsp://{USER}:s3cr3t@127.0.0.1:{port}/h264")
        if answer is not silent:
            watched.until(lambda: watched.state("cam").reason != "", 8)
        else:
            time.sleep(0.3)  # nothing will ever happen; give the feed time to be in the wait
        state = watched.state("cam")
        assert state.phase == "connecting"
        assert reason in state.reason
        assert "s3cr3t" not in state.reason
        began_s = time.monotonic()
        assert feed.stop()
        assert time.monotonic() - began_s < 1.0
    assert watched.latest.counts("cam").received == 0


def test_a_server_that_falls_silent_while_opening_does_not_delay_the_stop(
    watched: Watched,
) -> None:
    """FFmpeg cannot be broken off here: the thread is left to end by itself, which it does."""
    asked = threading.Event()

    def answer(client: socket.socket) -> None:
        rtsp_then(client, None)
        asked.set()

    listener, port = listen(answer)
    with listener:
        feed = watched.add("cam", f"rtsp://127.0.0.1:{port}/h264")
        assert asked.wait(5)  # the first connection, our own, is over; FFmpeg's has begun
        time.sleep(0.2)
        began_s = time.monotonic()
        assert not feed.stop(0.5)
        assert time.monotonic() - began_s < 1.0
        assert watched.state("cam").phase == "stopped"
        assert feed.stop(11.0)
    assert watched.latest.counts("cam").received == 0


def test_nobody_listens(watched: Watched) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    watched.add("cam", f"rtsp://127.0.0.1:{port}/h264")
    watched.until(lambda: watched.state("cam").attempts > 1, 5)
    assert watched.state("cam").reason == f"cannot connect to 127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize(
    ("packets", "decoded"),
    [
        pytest.param([(0.0, 0, 0.0), (0.1, 0, 0.1)], "dd", id="in time"),
        pytest.param([(2.0, 0, 0.0), (2.0, 0, 0.1), (0.1, 0, 0.2)], "---", id="late, no key frame"),
        pytest.param(
            [(2.0, 0, 0.0), (1.9, 1, 0.1), (1.8, 0, 0.2)], "-d-", id="key frame while late"
        ),
        pytest.param([(2.0, 0, 0.0), (0.1, 1, 0.1), (0.1, 0, 0.2)], "-dd", id="current again"),
        pytest.param(
            [(2.0, 0, 0.0), (0.1, 0, 4.9), (0.1, 0, 5.1)], "--d", id="no key frames at all"
        ),
    ],
)
def test_backlog_is_passed_over(packets: list[tuple[float, int, float]], decoded: str) -> None:
    backlog = Backlog(late_s=1.5, patience_s=5.0)
    assert decoded == "".join(
        "-" if backlog.passes_over(late_s, bool(key), now_s) else "d"
        for late_s, key, now_s in packets
    )
