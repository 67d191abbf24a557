"""Moving pictures of no camera, really encoded: what a run that is made up shows to who watches."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vision.encode import FPS, Encoder
from vision.stream_parts import Still, StreamWanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from vision.stream_parts import StreamPart

SIZE_PX = (320, 180)


def picture(camera: str, number: int) -> NDArray[np.uint8]:
    """The picture of that ordinal: a bar that wanders, and its number. `(180, 320, 3)`, BGR."""
    width, height = SIZE_PX
    image = np.full((height, width, 3), 60, np.uint8)
    left = number * 4 % width
    image[40:140, left : left + 24] = (40, 180, 240)
    words = f"{camera} {number}"
    cv2.putText(image, words, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 2)
    return image


def still(camera: str, number: int, captured_at_s: float) -> Still:
    """One picture as JPEG."""
    _, packed = cv2.imencode(".jpg", picture(camera, number))
    return Still(camera, captured_at_s, SIZE_PX, packed.tobytes())


class Film:
    """Films what is wanted, in a thread, while anything is. Made for tests.

    Args:
        clock: Unix seconds now.
        live: whether new pictures come; if not, the newest is repeated with its age.
    """

    def __init__(self, clock: Callable[[], float], live: Callable[[], bool]) -> None:
        self._clock = clock
        self._live = live
        self._epochs = itertools.count(1)
        self._wanted: frozenset[StreamWanted] = frozenset()
        self._take: Callable[[StreamPart], None] | None = None
        self._encoders: dict[str, Encoder] = {}
        self._gone: set[str] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def show(self, wanted: frozenset[StreamWanted], take: Callable[[StreamPart], None]) -> None:
        """Film exactly this from now on."""
        with self._lock:
            # Who is wanted again begins anew, however soon.
            self._gone |= {one.camera for one in self._wanted - wanted if one.kind == "video"}
            self._wanted, self._take = wanted, take
            if wanted and self._thread is None:
                self._thread = threading.Thread(target=self._run, name="film", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End; nothing is taken any more when this returns."""
        with self._lock:
            self._wanted = frozenset()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5)

    def _run(self) -> None:
        pause = threading.Event()
        captured_s, shown = self._clock(), 0
        for number in itertools.count():
            with self._lock:
                wanted, take = self._wanted, self._take
                gone, self._gone = self._gone, set()
                if not wanted or take is None:
                    self._thread = None
                    self._encoders.clear()
                    return
            for camera in gone & self._encoders.keys():
                del self._encoders[camera]
            if self._live():
                captured_s, shown = self._clock(), number
            for one in sorted(wanted):
                if one.kind == "video":
                    self._film(one.camera, shown, captured_s, take)
                elif number % FPS == 0:
                    take(still(one.camera, shown, captured_s))
            pause.wait(1.0 / FPS)

    def _film(
        self, camera: str, number: int, captured_s: float, take: Callable[[StreamPart], None]
    ) -> None:
        if camera not in self._encoders:
            encoder = Encoder(camera, next(self._epochs), SIZE_PX)
            self._encoders[camera] = encoder
            take(encoder.head)
        image = picture(camera, number)
        for fragment in self._encoders[camera].encode(image, captured_s, self._clock()):
            take(fragment)
