"""Which worker gets which cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def dealt(
    loads: Mapping[str, float], holders: Mapping[str, int], workers: Sequence[int]
) -> dict[str, int]:
    """Return the worker of each camera: evenly by load, and moving as few as that needs.

    Cameras without a worker go, the heaviest first, to whoever has least (longest processing time
    first, Graham, SIAM J. Appl. Math. 1969). After that a camera moves from the worker with most
    to the one with least for as long as that brings the two nearer together. The result does not
    depend on the order of the arguments.

    Args:
        loads: work that each camera makes, by id; above 0, in any unit.
        holders: worker that has a camera now, by camera; one that is not among `workers` has lost
            it.
        workers: numbers of those who can work; none gives nobody anything.
    """
    if not workers:
        return {}
    here = sorted(set(workers))
    cameras = sorted(loads, key=lambda camera: (-loads[camera], camera))
    dealt_to = {camera: holders[camera] for camera in cameras if holders.get(camera) in here}
    burden = dict.fromkeys(here, 0.0)
    for camera, worker in dealt_to.items():
        burden[worker] += loads[camera]
    for camera in cameras:
        if camera not in dealt_to:
            worker = min(here, key=lambda one: (burden[one], one))
            dealt_to[camera] = worker
            burden[worker] += loads[camera]
    while (moved := _step(cameras, loads, dealt_to, burden)) is not None:
        camera, worker = moved
        burden[dealt_to[camera]] -= loads[camera]
        burden[worker] += loads[camera]
        dealt_to[camera] = worker
    return dealt_to


def _step(
    cameras: Sequence[str],
    loads: Mapping[str, float],
    dealt_to: Mapping[str, int],
    burden: Mapping[int, float],
) -> tuple[str, int] | None:
    """The heaviest camera whose move from most to least makes the greater of the two smaller."""
    most = max(burden, key=lambda one: (burden[one], -one))
    least = min(burden, key=lambda one: (burden[one], one))
    gap = burden[most] - burden[least]
    for camera in cameras:
        # A move of a camera nearly as heavy as the gap only swaps the two.
        if dealt_to[camera] == most and loads[camera] <= 0.75 * gap:
            return camera, least
    return None
