"""The seam between an incident and the engine that plays it.

An incident owns one `Run`: the feeds, the workers and the locator behind it. The location API
knows nothing of them but the methods below, and an engine knows nothing of HTTP but the
two callbacks it is given. `RunFactory` demands a `Permit`, which only the gate can make, so
feeds cannot be opened by forgetting to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer, TrackKey
    from calibration.inputs import OperatorInput
    from calibration.search_picture import SearchPicture
    from vision.attention import Starved
    from vision.evidence import EvidencePicture
    from vision.stream_choice import StreamName
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

    from .gate import Permit
    from .journal import Journal
    from .targets import Target

CameraPhase = Literal["connecting", "live", "stalled", "refused", "stopped"]
"""Phase of a camera's feed, the words of `vision.feeds`."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera of a run, now.

    Attributes:
        id: camera id.
        name: its name.
        phase: state of its feed.
        reason: why it is in that phase, "" where there is nothing to say; holds no credentials.
        fps: pictures per second that arrive, None before the first.
        frames_in: frames that arrived so far.
        frames_used: frames that were detected on so far.
        frames_dropped: frames that a newer one replaced before they were used.
        last_frame_age_s: age of the newest frame, seconds; None before the first.
        view_trouble: what is wrong with what it shows ("has been moved: its positions are not
            used"), to stand after its name; "" where nothing is, or nothing is known.
        starved: how many looks a second were wanted and how many it got, where the workers are
            overloaded and it got fewer; None where it is not starved.
        stream: which of its two streams is read; None where it has one, and before its first frame.
    """

    id: str
    name: str
    phase: CameraPhase
    reason: str
    fps: float | None
    frames_in: int
    frames_used: int
    frames_dropped: int
    last_frame_age_s: float | None
    view_trouble: str = ""
    starved: Starved | None = None
    stream: StreamName | None = None


class Run(Protocol):
    """One playing incident. Every method may be called from any thread."""

    def start(self) -> None:
        """Begin, and return at once.

        Raises:
            RunError: where nothing can be played at all, e.g. no camera has an address.
        """

    def stop(self) -> None:
        """End: threads, processes and sockets are gone within one second. May be repeated.

        Never called from inside `publish` or `on_end`.
        """

    def cameras(self) -> tuple[CameraStatus, ...]:
        """State of every camera of the permit; answers at once, also after `stop`."""
        ...

    def problems(self) -> tuple[str, ...]:
        """What is degraded now, a sentence each; empty when all is well."""
        ...

    def tell(self, *told: OperatorInput) -> None:
        """Take in what people or other systems say; the answer with it is published at once.

        Ignored after `stop`.
        """

    def search_picture(self, subject: str) -> SearchPicture | None:
        """Where a subject that no camera sees can be; None for one that is seen, after `stop`."""
        ...

    def picture(self, track: TrackKey) -> EvidencePicture | None:
        """The clearest picture of the weapon of one track; None without one, and after `stop`."""
        ...

    def show(
        self,
        wanted: frozenset[StreamWanted],
        take: Callable[[StreamPart], None],
        drawing: Drawing,
    ) -> None:
        """Encode exactly what is `wanted` from now on; cameras outside the permit are ignored.

        Args:
            wanted: all that somebody watches; what is not in it any more ends at once.
            take: takes each part, from one thread at a time; it returns quickly and never raises.
                The head comes before its fragments, and again when encoding begins anew. Not
                called any more once `stop` has returned.
            drawing: how the pictures are drawn, as the agreement says.
        """


class RunFactory(Protocol):
    """Makes the run of an incident without starting it."""

    def __call__(
        self,
        permit: Permit,
        target: Target,
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        journal: Journal | None = None,
    ) -> Run:
        """Return a run that is not started yet.

        Args:
            permit: what may be watched; no camera outside `permit.cameras`.
            target: the site or drill to play.
            publish: takes each new answer, from one thread at a time, about 5 to 10 a second; it
                returns quickly and never raises.
            on_end: called once, from any thread, when the run ends by itself (a drill has
                played to its end, the engine gave up), with the reason in words. Not called
                for `stop`.
            journal: takes what the locator takes and gives, and has what the process before this
                one wrote of the same incident; None where nothing is kept.
        """
        ...
