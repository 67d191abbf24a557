"""A site with many file feeds: the cameras of the built-in drill, again and again.

The recordings of the drill are written out as often as needed, one after the other, as files of a
given frame rate; no picture is encoded anew. Several cameras of the site play the same file from
the same place, so what they see agrees.
"""

from __future__ import annotations

import itertools
import shutil
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import tomli_w

from api.drill_files import load_drill

if TYPE_CHECKING:
    from av.video.stream import VideoStream

WING = Path(__file__).parent / "drills" / "wing"


def looped_site(folder: Path, feeds: int, fps: float, seconds: float) -> Path:
    """Write a site of `feeds` cameras that play files for `seconds`; the site's folder.

    Args:
        folder: where to; must not exist.
        feeds: how many cameras.
        fps: frames a second of each.
        seconds: how long they play at least.
    """
    drill = load_drill(WING)
    (folder / "cameras").mkdir(parents=True)
    for name in ("site.toml", "floor_plan.geojson"):
        shutil.copy(WING / name, folder / name)
    films = {}
    for feed in drill.feeds[:feeds]:
        films[feed.camera] = folder / f"{feed.camera}.mp4"
        loop_film(feed.path, films[feed.camera], fps, seconds)
    for number, camera in zip(range(1, feeds + 1), itertools.cycle(films), strict=False):
        told = tomllib.loads((WING / "cameras" / f"{camera}.toml").read_text(encoding="utf-8"))
        name = f"feed-{number:02d}"
        told |= {"id": name, "name": f"Feed {number}", "address": str(films[camera])}
        (folder / "cameras" / f"{name}.toml").write_text(tomli_w.dumps(told), encoding="utf-8")
    return folder


def loop_film(source: Path, target: Path, fps: float, seconds: float) -> None:
    """Write the pictures of a film again and again, at `fps` frames a second, for `seconds`."""
    with av.open(source) as given, av.open(target, "w") as made:
        film = given.streams.video[0]
        out = made.add_stream_from_template(film)
        packets = [packet for packet in given.demux(film) if packet.size]
        step = _step(film, fps)
        base = out.time_base = Fraction(1, 90_000)
        loop_s = len(packets) / Fraction(fps).limit_denominator(1000)
        for number in range(int(seconds / float(loop_s)) + 1):
            given.seek(0)
            for packet in given.demux(film):
                if not packet.size or packet.pts is None or packet.dts is None:
                    continue
                packet.pts = round((packet.pts * step + number * loop_s) / base)
                packet.dts = round((packet.dts * step + number * loop_s) / base)
                packet.time_base = base
                packet.stream = out
                made.mux(packet)


def _step(film: VideoStream, fps: float) -> Fraction:
    """Seconds that a tick of the film's time base becomes."""
    if film.time_base is None or not film.average_rate:
        raise ValueError("the film has no frame rate")
    return film.time_base * film.average_rate / Fraction(fps).limit_denominator(1000)
