"""What passes between the API's process and a worker's: small, frozen, picklable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from calibration.answer import StageTimes
    from calibration.camera_loading import Camera
    from calibration.floor_plan import FloorPlan
    from calibration.positions import FloorPositions
    from calibration.site import Site
    from vision.address import CameraAddress
    from vision.detect import Device
    from vision.evidence import EvidencePicture
    from vision.overlay import TrackLabel
    from vision.stream_parts import Drawing, StreamWanted

    from .drill_files import DrillFeed
    from .runs import CameraStatus


@dataclass(frozen=True, slots=True)
class CameraJob:
    """One camera for a worker to watch.

    Attributes:
        camera: camera id, one of the site's.
        source: where its frames come from: a live address or a recording.
        sub: where its stream of a lower resolution is, in which it is watched while nobody is
            there; None where it has none.
    """

    camera: str
    source: CameraAddress | DrillFeed
    sub: CameraAddress | None = None


@dataclass(frozen=True, slots=True)
class WorkerSite:
    """What a worker must know of a site.

    Attributes:
        plan: its floor plan.
        cameras: its cameras by id.
    """

    plan: FloorPlan
    cameras: Mapping[str, Camera]

    @classmethod
    def of(cls, site: Site) -> WorkerSite:
        """What a worker must know of this site; it can travel to another process."""
        return cls(site.plan, dict(site.cameras))


@dataclass(frozen=True, slots=True)
class Engine:
    """What a worker loads before it knows what it will watch.

    Attributes:
        device: "auto", "cpu" or "cuda".
        pixels: False where all feeds replay recorded boxes, so that no detector is needed.
    """

    device: Device = "auto"
    pixels: bool = True


@dataclass(frozen=True, slots=True)
class WorkerJob:
    """What the workers of a run work on, whichever cameras each of them has.

    Attributes:
        site: the site whose plan and cameras are used, as it was when the incident was opened:
            what is written into its folder later is for the next one.
        started_at_s: recordings start at this Unix time.
        duration_s: recordings stop at this time after their start; None plays them to the end.
        incident: id of the incident, for the lines of the log; "" where there is none.
    """

    site: WorkerSite
    started_at_s: float
    duration_s: float | None = None
    incident: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded and warm; feeds are opened on `Begin`, not before.

    Attributes:
        backend: what it runs on.
        where: name of the machine; "" for this one.
    """

    backend: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Prove:
    """Show, before `Begin`, that the engine still works: it says `Ready` again."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the feeds of these cameras; `watch` is the number of this order, see `Watch`."""

    job: WorkerJob
    cameras: tuple[CameraJob, ...]
    watch: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch exactly these cameras from now on: open what is new, close what is not among them.

    Attributes:
        cameras: what to watch; may be empty.
        watch: number of the order, higher than the last; `Ended` names the one it holds for.
    """

    cameras: tuple[CameraJob, ...]
    watch: int


@dataclass(frozen=True, slots=True)
class Attend:
    """How many frames a second are wanted of these cameras; of others the least."""

    fps: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Observed:
    """Persons of one frame on the floor, with the times of its stages so far."""

    positions: FloorPositions
    times: StageTimes


@dataclass(frozen=True, slots=True)
class Pictured:
    """Persons whose weapon was never seen so clearly, each a picture of some 15 kB."""

    pictures: tuple[EvidencePicture, ...]


@dataclass(frozen=True, slots=True)
class Feeds:
    """State of all cameras that the worker watches, sent about twice a second and at the end.

    It is also how a worker shows that it does not hang.

    Attributes:
        cameras: the states.
        batches: pairs of a size in frames and how many batches were of it, since the last time.
        capacity_fps: frames detected a second, of all its cameras; None while too few were.
        bound_s: the longest that any of its cameras goes without a look, whatever is wanted; None
            while all frames fit, or too little is known.
    """

    cameras: tuple[CameraStatus, ...]
    batches: tuple[tuple[int, int], ...] = ()
    capacity_fps: float | None = None
    bound_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """All recordings of the order `watch` have played to their end; live cameras never do."""

    watch: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot go on; the reason is one line, without credentials."""

    reason: str


@dataclass(frozen=True, slots=True)
class Show:
    """Encode exactly these streams from now on; their parts come through a pipe of their own."""

    wanted: frozenset[StreamWanted]
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of the tracks of a camera that somebody watches, by track id."""

    camera: str
    labels: Mapping[int, TrackLabel]


ToWorker = Prove | Begin | Watch | Attend | Show | Labels
FromWorker = Ready | Observed | Pictured | Feeds | Ended | Failed
