"""How a camera's picture stands against the one that it was calibrated with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Condition = Literal["unknown", "steady", "shifted", "moved", "covered", "blurred"]
"""`unknown`: no reference yet, or nothing to tell by. `shifted`: moved a little, positions are
widened. `moved`: positions are not used. `covered`: covered or dark. `blurred`: out of focus."""


@dataclass(frozen=True, slots=True)
class View:
    """How a camera's picture stands against its calibration.

    Attributes:
        condition: in one word.
        shift_px: how far the picture has moved, pixels of the camera's frames; their diagonal
            where it shows another place altogether, 0 where nothing is known.
        turn_deg: turn about the line of sight, clockwise in the picture.
        scale: growth of the picture.
        agreeing: corners of the reference that the last check found again; None before the first.
        elsewhere: whether it shows another place than it was calibrated for.
    """

    condition: Condition = "unknown"
    shift_px: float = 0.0
    turn_deg: float = 0.0
    scale: float = 1.0
    agreeing: int | None = None
    elsewhere: bool = False

    @property
    def usable(self) -> bool:
        """Whether positions of this camera may be used."""
        return self.condition != "moved"

    @property
    def tells_absence(self) -> bool:
        """Whether nobody in its picture means that nobody is where it was calibrated to look."""
        return self.condition not in {"moved", "covered", "blurred"}

    @property
    def trouble(self) -> str:
        """What people must know of it, to stand after the camera's name; "" if nothing."""
        match self.condition:
            case "moved" if self.elsewhere:
                return "shows another place than it was calibrated for: its positions are not used"
            case "moved":
                return "has been moved: its positions are not used"
            case "shifted":
                return "has moved a little: its positions are less certain"
            case "covered":
                return "shows nothing: its lens is covered, or it is dark there"
            case "blurred":
                return "is blurred: its lens is dirty, sprayed or out of focus"
            case _:
                return ""
