"""Whether a camera's sub-stream can stand in for its main stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .errors import FeedLostError

if TYPE_CHECKING:
    from .stream_choice import StreamName

LEAST_WIDTH_PX: Final = 640
"""Width in which detectors look at whole frames, and in which a view is held against its
calibration. In a narrower sub-stream people who are far away would be missed."""

ASPECT_TOLERANCE: Final = 0.01


class UnfitStreamError(FeedLostError):
    """A sub-stream cannot stand in for the main one; the message says what would be right."""


def require_fit(name: StreamName, size_px: tuple[int, int], model_px: tuple[int, int]) -> None:
    """Refuse a sub-stream that does not show what the calibration is for.

    Args:
        name: which stream it is; the main stream always fits.
        size_px: (width, height) of its pictures.
        model_px: (width, height) of the picture that was calibrated.

    Raises:
        UnfitStreamError: it does not fit.
    """
    if name == "main":
        return
    (width, height), (model_width, model_height) = size_px, model_px
    if width < min(LEAST_WIDTH_PX, model_width):
        raise UnfitStreamError(
            f"its pictures are {width}x{height}, too small to find people in who are far away; set "
            f"it to a width of at least {min(LEAST_WIDTH_PX, model_width)}"
        )
    if abs(width * model_height - height * model_width) > ASPECT_TOLERANCE * model_width * height:
        raise UnfitStreamError(
            f"its pictures are {width}x{height}, of another shape than the calibrated "
            f"{model_width}x{model_height}; set it to the same width by height"
        )
