"""As many RTSP cameras as are asked for, each playing a part of the built-in drill in a loop.

Their pictures are encoded beforehand, with a key frame every `KEY_FRAMES_S` and the cameras' key
frames spread over that time, and are sent by `benchmarks.looped_camera` in a process of its own.
All cameras show the same moment of the drill at any time.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import av
import tomli_w

from .watched_site import CAMERA_PROGRAM, DEBIAN_PYTHON, DRILLS, NotHereError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.video.frame import VideoFrame

WING = DRILLS / "wing"
FPS = 10
KEY_FRAMES_S = 1.0
LOOP_S = 10
"""The first seconds of the drill: every one of its cameras shows somebody."""

PROGRAM = CAMERA_PROGRAM.with_name("looped_camera.py")
_STEP = 3  # with 10 pictures between key frames: neighbours are 0.3 s apart, and all ten come up


@dataclass(slots=True)
class Cameras:
    """The cameras, as long as they run.

    Attributes:
        port: of their RTSP server on this machine.
        connected: when somebody connected, Unix seconds.
        played: when somebody asked to play, Unix seconds.
    """

    port: int
    connected: list[float] = field(default_factory=list)
    played: list[float] = field(default_factory=list)

    def forget(self) -> None:
        """Forget who connected and played so far."""
        self.connected.clear()
        self.played.clear()


@contextlib.contextmanager
def looped_cameras(count: int, folder: Path) -> Iterator[Cameras]:
    """Cameras /camera-1 to /camera-`count`.

    Args:
        count: how many.
        folder: takes their recordings.

    Raises:
        NotHereError: GStreamer's RTSP server is not installed.
    """
    recordings = _recordings(count, folder)
    try:
        process = subprocess.Popen(
            [DEBIAN_PYTHON, str(PROGRAM), *map(str, recordings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError as error:
        raise NotHereError(f"no {DEBIAN_PYTHON} to run the test cameras: {error}") from error
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    lines = process.stdout
    try:
        words = lines.readline().split()
        if not words:
            raise NotHereError(
                "the test cameras need GStreamer's RTSP server: "
                "bash scripts/system-packages.sh rtsp"
            )
        cameras = Cameras(int(words[1]))

        def listen() -> None:
            for line in lines:
                what, _, at_s = line.split()
                heard = cameras.played if what == "play" else cameras.connected
                heard.append(float(at_s))

        listening = threading.Thread(target=listen, daemon=True)
        listening.start()
        yield cameras
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        lines.close()


def write_site(folder: Path, count: int, port: int) -> Path:
    """A site with the plan of the built-in drill and `count` cameras at the places of its six."""
    (folder / "cameras").mkdir(parents=True)
    for name in ("site.toml", "floor_plan.geojson"):
        shutil.copy(WING / name, folder / name)
    models = _drill_cameras()
    for number in range(1, count + 1):
        source = models[(number - 1) % len(models)]
        text = (WING / "cameras" / f"{source}.toml").read_text(encoding="utf-8")
        text = text.replace(f'id = "{source}"', f'id = "cam-{number:02}"')
        address = tomli_w.dumps({"address": f"rtsp://127.0.0.1:{port}/camera-{number}"})
        (folder / "cameras" / f"cam-{number:02}.toml").write_text(address + text, encoding="utf-8")
    return folder


def _drill_cameras() -> list[str]:
    return sorted(path.stem for path in (WING / "cameras").glob("*.toml"))


def _recordings(count: int, folder: Path) -> list[Path]:
    """The recordings of all cameras; those that would be equal are made once."""
    models = _drill_cameras()
    made: dict[tuple[str, int], Path] = {}
    frames: dict[str, list[VideoFrame]] = {}
    paths = []
    for number in range(count):
        source = models[number % len(models)]
        phase = (number * _STEP) % round(KEY_FRAMES_S * FPS)
        path = folder / f"{source}-{phase}.units"
        if (source, phase) not in made:
            if source not in frames:
                frames[source] = _frames(WING / "video" / f"{source}.mp4")
            path.write_bytes(_encoded(frames[source], phase))
            made[source, phase] = path
        paths.append(path)
    return paths


def _frames(video: Path) -> list[VideoFrame]:
    with av.open(str(video)) as container:
        decoded = container.decode(video=0)
        return [frame for frame, _ in zip(decoded, range(LOOP_S * FPS), strict=False)]


def _encoded(frames: Sequence[VideoFrame], phase: int) -> bytes:
    """A line of JSON that describes the stream, then its pictures.

    The first picture is a key frame and shows number `phase` of the loop.
    """
    file = io.BytesIO()
    every = round(KEY_FRAMES_S * FPS)
    with av.open(file, "w", format="mp4") as writing:
        stream = writing.add_stream("libx264", rate=FPS)
        stream.width, stream.height = frames[0].width, frames[0].height
        stream.pix_fmt = "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "tune": "zerolatency",
            "crf": "24",
            "g": str(every),
            "keyint_min": str(every),
            "sc_threshold": "0",
        }
        for row in range(len(frames)):
            frame = av.VideoFrame.from_ndarray(
                frames[(row + phase) % len(frames)].to_ndarray(format="yuv420p"), format="yuv420p"
            )
            frame.pts = row
            writing.mux(stream.encode(frame))
        writing.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as reading:
        stream_read = reading.streams.video[0]
        context = stream_read.codec_context
        units = [bytes(packet) for packet in reading.demux(stream_read) if packet.size]
        head: dict[str, Any] = {
            "fps": FPS,
            "phase": phase,
            "width": context.width,
            "height": context.height,
            "codec_data": bytes(context.extradata or b"").hex(),
            "sizes": [len(unit) for unit in units],
        }
    return json.dumps(head).encode() + b"\n" + b"".join(units)
