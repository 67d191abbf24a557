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
    """

    camera: str
    source: CameraAddress | DrillFeed


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
class WorkerJob:
    """Everything a worker needs to know before it begins.

    Attributes:
        site: the site whose plan and cameras are used, as it was when the incident was opened:
            what is written into its folder later is for the next one.
        cameras: what to watch.
        device: "auto", "cpu" or "cuda".
        duration_s: recordings stop at this time after their start; None plays them to the end.
    """

    site: WorkerSite
    cameras: tuple[CameraJob, ...]
    device: Device = "auto"
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The engine is loaded and warm; feeds are opened on `Begin`, not before."""

    backend: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Open the feeds; recordings start at this Unix time."""

    started_at_s: float


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
    """State of all cameras of the worker, sent about twice a second and at the end."""

    cameras: tuple[CameraStatus, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """All recordings have played to their end."""


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


ToWorker = Begin | Show | Labels
FromWorker = Ready | Observed | Pictured | Feeds | Ended | Failed
