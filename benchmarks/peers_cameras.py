"""Cameras that cost next to nothing: recordings encoded beforehand, sent over RTSP as if live.

    /usr/bin/python3 peers_cameras.py      (Debian's own Python with GStreamer's RTSP server)

Standard input begins with one line of JSON: `fps`, `loops` (for each camera: path of its H.264
access units, their sizes, and at which of them it begins). It prints one line of JSON with its port
and when each camera's picture 0 was captured, and serves /camera-0, /camera-1, … on 127.0.0.1.
Cameras begin at different moments of a frame's time, as real ones do. It ends when its standard
input closes and then prints how late it sent.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
# The import below must come after the versions it is to use.
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

LAUNCH = (
    "( appsrc name=source is-live=true format=time do-timestamp=true"
    " caps=video/x-h264,stream-format=byte-stream,alignment=au,framerate={fps}/1"
    " ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )"
)
NICE = -10
"""Cameras have processors of their own: here they are served first where that is allowed."""


class Camera:
    """One camera: its access units and whoever is connected."""

    def __init__(self, path: str, sizes: list[int], keys: list[int], first: int) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - this interpreter may be old
            whole = file.read()
        self.units: list[bytes] = []
        begin = 0
        for size in sizes:
            self.units.append(whole[begin : begin + size])
            begin += size
        self.keys = frozenset(keys)
        self.first = first
        self.sources: list[Gst.Element] = []
        self.waiting: list[Gst.Element] = []

    def connect(self, source: Gst.Element) -> None:
        """Send to `source` from the next key frame on."""
        self.waiting.append(source)

    def send(self, picture: int) -> None:
        """Send picture number `picture`, counted from the start."""
        number = (picture + self.first) % len(self.units)
        if number in self.keys:
            self.sources += self.waiting
            self.waiting = []
        unit = self.units[number]
        for source in list(self.sources):
            if source.emit("push-buffer", Gst.Buffer.new_wrapped(unit)) != Gst.FlowReturn.OK:
                self.sources.remove(source)


def film(cameras: list[Camera], start_s: list[float], fps: float, late_s: list[float]) -> None:
    """Send every picture of every camera at its time, without end."""
    due = sorted(range(len(cameras)), key=lambda one: start_s[one])
    picture = 0
    while True:
        for one in due:
            due_s = start_s[one] + picture / fps
            wait_s = due_s - time.time()
            if wait_s > 0:
                time.sleep(wait_s)
            late_s.append(time.time() - due_s)
            cameras[one].send(picture)
        picture += 1


def main() -> None:
    """Serve until standard input closes."""
    job = json.loads(sys.stdin.readline())
    with contextlib.suppress(OSError):
        os.nice(NICE)
    Gst.init(None)
    fps = float(job["fps"])
    cameras = [Camera(**one) for one in job["loops"]]
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for number, camera in enumerate(cameras):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(LAUNCH.format(fps=round(fps)))
        factory.set_shared(True)
        factory.set_latency(0)

        def configured(
            _factory: GstRtspServer.RTSPMediaFactory,
            media: GstRtspServer.RTSPMedia,
            camera: Camera = camera,
        ) -> None:
            camera.connect(media.get_element().get_by_name("source"))

        factory.connect("media-configure", configured)
        server.get_mount_points().add_factory(f"/camera-{number}", factory)
    if not server.attach(None):
        raise SystemExit("cannot listen")
    now_s = time.time() + 0.2
    start_s = [now_s + number / len(cameras) / fps for number in range(len(cameras))]
    late_s: list[float] = []
    threading.Thread(target=film, args=(cameras, start_s, fps, late_s), daemon=True).start()
    loop = GLib.MainLoop()

    def until_closed() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=until_closed, daemon=True).start()
    print(json.dumps({"port": server.get_bound_port(), "start_s": start_s}), flush=True)
    loop.run()
    ordered = sorted(late_s) or [0.0]
    p99_s = ordered[int(0.99 * (len(ordered) - 1))]
    print(json.dumps({"late_p99_ms": round(p99_s * 1000, 1)}), flush=True)


main()
