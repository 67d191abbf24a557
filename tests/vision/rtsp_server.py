"""A real RTSP server for the tests: GStreamer's, run by Debian's own Python as a process.

    /usr/bin/python3 rtsp_server.py [PORT]

It prints one line, `ready OPEN DIGEST BASIC`, with the ports of three servers on 127.0.0.1: one
that lets everybody in (on PORT, if given), one behind digest and one behind basic authentication
(user `camera`, password `right horse`). Each has the mounts /h264 and /h265: 320x240, 15 frames a
second, a key frame every second; and those of a camera with two streams, /main of 960x540 and /sub
of 640x360, which show the same colour bars. It ends when its standard input closes.

To break it off, kill the process; to have it again, start one with the same PORT; to make it
hang, send SIGSTOP.
"""

from __future__ import annotations

import sys
import threading

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
# The import below must come after the versions it is to use.
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

USER, PASSWORD = "camera", "right horse"
ENCODERS = {"h264": "x264enc", "h265": "x265enc"}
MOUNTS = {
    "h264": ("h264", "ball", 320, 240),
    "h265": ("h265", "ball", 320, 240),
    "main": ("h264", "smpte", 960, 540),
    "sub": ("h264", "smpte", 640, 360),
}
LAUNCH = (
    "( videotestsrc is-live=true pattern={pattern}"
    " ! video/x-raw,format=I420,width={width},height={height},framerate=15/1"
    " ! {encoder} tune=zerolatency speed-preset=ultrafast key-int-max=15"
    " ! rtp{codec}pay name=pay0 pt=96 config-interval=1 )"
)


def serve(port: int, method: GstRtsp.RTSPAuthMethod | None) -> GstRtspServer.RTSPServer:
    """Return a listening server; 0 asks for any free port."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    if method is not None:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(method)
        if method == GstRtsp.RTSPAuthMethod.BASIC:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, PASSWORD), token)
        else:
            auth.add_digest(USER, PASSWORD, token)
        server.set_auth(auth)
    for mount, (codec, pattern, width, height) in MOUNTS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            LAUNCH.format(
                codec=codec, encoder=ENCODERS[codec], pattern=pattern, width=width, height=height
            )
        )
        factory.set_shared(True)
        factory.set_latency(0)
        if method is not None:
            permissions = GstRtspServer.RTSPPermissions()
            for right in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role("viewer", right, True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{mount}", factory)
    if not server.attach(None):
        raise SystemExit(f"cannot listen on port {port}")
    return server


def main() -> None:
    """Serve until standard input closes."""
    Gst.init(None)
    methods = (None, GstRtsp.RTSPAuthMethod.DIGEST, GstRtsp.RTSPAuthMethod.BASIC)
    ports = (int(sys.argv[1]) if len(sys.argv) > 1 else 0, 0, 0)
    servers = [serve(port, method) for port, method in zip(ports, methods)]  # noqa: B905 - 3.9
    loop = GLib.MainLoop()

    def until_closed() -> None:
        sys.stdin.read()
        loop.quit()

    threading.Thread(target=until_closed, daemon=True).start()
    print("ready", *(server.get_bound_port() for server in servers), flush=True)  # noqa: T201
    loop.run()


main()
