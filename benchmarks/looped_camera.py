"""Test cameras that show a recording again and again: RTSP, H.264, run by Debian's own Python.

    /usr/bin/python3 looped_camera.py FILE...

One camera a file, as `benchmarks.looped_cameras` writes them: encoded pictures, so that nothing is
encoded here and many cameras cost little. Each plays on whether or not somebody watches, so who
connects comes in anywhere between two key frames and waits for the next, as with a real camera.
Every connection has a thread of its own, as if each camera were a machine of its own.

It prints `ready PORT`, serves /camera-1, /camera-2, … on 127.0.0.1, prints `connect - TIME` for
every connection and `play PATH TIME` whenever somebody begins to play a camera. It ends when its
standard input closes.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
# The import below must come after the versions it is to use.
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

BEGAN_S = time.time()
TELLING = threading.Lock()


class Camera:
    """One recording, and who plays it.

    Attributes:
        launch: the pipeline that sends it.
    """

    def __init__(self, path: str) -> None:
        head, _, body = Path(path).read_bytes().partition(b"\n")
        told = json.loads(head)
        self._fps, self._phase = told["fps"], told["phase"]
        self._units, at = [], 0
        for size in told["sizes"]:
            self._units.append(Gst.Buffer.new_wrapped(body[at : at + size]))
            at += size
        self._sources: list[Gst.Element] = []
        self.launch = (
            "( appsrc name=film is-live=true format=time do-timestamp=true"
            " caps=video/x-h264,stream-format=avc,alignment=au,"
            f"codec_data=(buffer){told['codec_data']},width={told['width']},"
            f"height={told['height']},framerate={self._fps}/1"
            " ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
        )

    def configured(
        self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia
    ) -> None:
        """Give a new player its pictures from now on."""
        self._sources.append(media.get_element().get_by_name("film"))

    def show(self, shown: int) -> int:
        """Send the picture that is due, if it was not sent; number of the newest one."""
        number = int((time.time() - BEGAN_S) * self._fps)
        if number != shown:
            unit = self._units[(number - self._phase) % len(self._units)]
            for source in list(self._sources):
                # A buffer is stamped when it is pushed, so each needs a copy.
                if source.emit("push-buffer", unit.copy()) != Gst.FlowReturn.OK:
                    self._sources.remove(source)
        return number


def film(cameras: list[Camera]) -> None:
    """Send what is due of all cameras, again and again."""
    shown = [-1] * len(cameras)
    while True:
        for row, camera in enumerate(cameras):
            shown[row] = camera.show(shown[row])
        time.sleep(0.005)


def tell(what: str, path: str) -> None:
    """Say what happened now; from any thread, a line in one piece."""
    with TELLING:
        sys.stdout.write(f"{what} {path} {time.time()}\n")
        sys.stdout.flush()


def connected(_server: GstRtspServer.RTSPServer, client: GstRtspServer.RTSPClient) -> None:
    """Tell when a client connects, and when it begins to play."""
    tell("connect", "-")

    def plays(_client: GstRtspServer.RTSPClient, context: GstRtspServer.RTSPContext) -> None:
        tell("play", context.uri.abspath)

    client.connect("play-request", plays)


def main() -> None:
    """Serve until standard input closes."""
    Gst.init(None)
    cameras = [Camera(path) for path in sys.argv[1:]]
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    server.connect("client-connected", connected)
    server.get_thread_pool().set_max_threads(-1)
    server.set_backlog(256)
    for number, camera in enumerate(cameras, 1):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(camera.launch)
        factory.set_shared(True)
        factory.set_latency(0)
        factory.connect("media-configure", camera.configured)
        server.get_mount_points().add_factory(f"/camera-{number}", factory)
    if not server.attach(None):
        raise SystemExit("cannot listen")
    loop = GLib.MainLoop()

    def until_closed() -> None:
        sys.stdin.read()
        loop.quit()

    for work, arguments in ((film, (cameras,)), (until_closed, ())):
        threading.Thread(target=work, args=arguments, daemon=True).start()
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


main()
