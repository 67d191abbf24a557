"""States of cameras as they were told last: what differs, and how one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import schemas
    from .runs import CameraPhase, CameraStatus


def phases(
    cameras: tuple[CameraStatus, ...] | tuple[schemas.Camera, ...],
) -> tuple[tuple[str, str, str], ...]:
    """Return of each camera what is told at once when it changes: id, phase and reason."""
    return tuple((camera.id, camera.phase, camera.reason) for camera in cameras)


def state_of(said: schemas.Cameras, camera: str) -> tuple[CameraPhase, str]:
    """Return the phase of a camera's feed and the reason in words."""
    state = next((state for state in said.cameras if state.id == camera), None)
    return ("connecting", "") if state is None else (state.phase, state.reason)
