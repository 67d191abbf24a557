"""A test camera that draws the time into its picture: RTSP, H.264, run by Debian's own Python.

    /usr/bin/python3 clock_camera.py [CAMERAS]

It prints `ready PORT` and serves /camera-1, /camera-2, … on 127.0.0.1: 640x360, 10 frames a
second, a key frame every second, each frame with the strip of `vision.clock_strip` along its lower
edge: the moment at which it was made. Whoever reads the strip back from a screen knows the delay
from glass to glass. It ends when its standard input closes.
"""

from __future__ import annotations

import sys
import threading
import time

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
# The import below must come after the versions it is to use.
from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

WIDTH, HEIGHT, FPS = 640, 360, 10
CELL, CELLS = 8, 40  # as in vision.clock_strip, which this interpreter cannot import
DARK, BRIGHT = bytes([16]), bytes([235])
LAUNCH = (
    "( appsrc name=clock is-live=true format=time do-timestamp=true"
    f" caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1"
    f" ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={FPS} bitrate=1500"
    " ! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def background() -> bytes:
    """Return the picture above the strip, I420 luma: a room of grey stripes."""
    row = bytes(60 + (x // 40) % 4 * 30 for x in range(WIDTH))
    return row * (HEIGHT - CELL)


def strip(now_s: float) -> bytes:
    """Return the luma of the lowest rows."""
    octets = (round(now_s * 1000) % 2**32).to_bytes(4, "big")
    check = 0xA5
    for octet in octets:
        check ^= octet
    bits = "".join(f"{octet:08b}" for octet in (*octets, check))
    row = b"".join((BRIGHT if bit == "1" else DARK) * CELL for bit in bits)
    return (row + DARK * (WIDTH - CELL * CELLS)) * CELL


def film(source: Gst.Element) -> None:
    """Give `source` a frame every so often until it takes no more."""
    above, chroma = background(), bytes([128]) * (WIDTH * HEIGHT // 2)
    due_s = time.monotonic()
    while True:
        picture = above + strip(time.time()) + chroma
        if source.emit("push-buffer", Gst.Buffer.new_wrapped(picture)) != Gst.FlowReturn.OK:
            return
        due_s += 1 / FPS
        time.sleep(max(due_s - time.monotonic(), 0))


def configured(_factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
    """Begin to film when somebody connects."""
    source = media.get_element().get_by_name("clock")
    threading.Thread(target=film, args=(source,), daemon=True).start()


def main() -> None:
    """Serve until standard input closes."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for number in range(1, int(sys.argv[1] if len(sys.argv) > 1 else "2") + 1):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(LAUNCH)
        factory.set_shared(True)
        factory.set_latency(0)
        factory.connect("media-configure", configured)
        server.get_mount_points().add_factory(f"/camera-{number}", factory)
    if not server.attach(None):
        raise SystemExit("cannot listen")
    loop = GLib.MainLoop()

    def until_closed() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=until_closed, daemon=True).start()
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


main()
