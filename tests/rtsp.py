"""The RTSP server of the tests as a process: `tests/vision/rtsp_server.py` says what it offers."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import signal

SERVER = Path(__file__).parent / "vision" / "rtsp_server.py"
DEBIAN_PYTHON = "/usr/bin/python3"
USER, PASSWORD = "camera", "right horse"

_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0');"
    "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
    "names = ('videotestsrc', 'x264enc', 'x265enc', 'rtph264pay', 'rtph265pay');"
    "raise SystemExit(' '.join(n for n in names if not Gst.ElementFactory.find(n)) or 0)"
)


def why_none() -> str:
    """Why the server cannot run here; "" where it can."""
    try:
        run = subprocess.run(
            [DEBIAN_PYTHON, "-c", _PROBE], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        return f"no {DEBIAN_PYTHON}: {error}"
    last = run.stderr.strip().splitlines()[-1:]
    return f"no GStreamer RTSP server ({last}); see tests/vision/test_rtsp.py" * bool(
        run.returncode
    )


class Server:
    """The server's process; it can be killed, started again on its port, and made to hang."""

    def __init__(self, port: int = 0) -> None:
        arguments = [DEBIAN_PYTHON, str(SERVER), *([str(port)] if port else [])]
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        if not words:
            self.end()
            pytest.fail("the RTSP server did not start")
        self.port, self.digest_port, self.basic_port = map(int, words[1:])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
