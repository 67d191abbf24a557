"""What the workers of a drill or a site have to watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration.connect_order import nearest_to_entrances

from .drill_files import DrillFeed
from .worker_messages import CameraJob

if TYPE_CHECKING:
    from calibration.site import Site

    from .drill_files import Drill


def drill_jobs(drill: Drill) -> tuple[CameraJob, ...]:
    """The recordings of a drill as work for a worker."""
    return tuple(CameraJob(feed.camera, feed) for feed in drill.feeds)


def site_jobs(site: Site) -> tuple[CameraJob, ...]:
    """The live cameras of a site that have an address, those to connect first at the front."""
    order = nearest_to_entrances(site.cameras.values(), site.plan)
    return tuple(
        CameraJob(camera.id, camera.address, camera.sub_address)
        for camera in (site.cameras[camera] for camera in order)
        if camera.address is not None
    )


def has_pixels(job: CameraJob) -> bool:
    """Whether there is something to detect on; not so where recorded boxes are replayed."""
    return not isinstance(job.source, DrillFeed) or job.source.has_pixels
