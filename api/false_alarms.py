"""False armed alerts in footage where nobody is armed, and what so little of it can prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .detect_lines import lines_of
from .scoring_people import ALERT_PROBABILITY, poisson_rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vision.pipeline import Pipeline

    from .detect_lines import FrameLine, Source
    from .scoring_figures import Rate


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alerts in one recording or in all of them.

    Attributes:
        source: the recording; "" for all.
        seconds: how long it is.
        alerts: tracks that were called armed (`scoring_people.ALERT_PROBABILITY`) at any moment.
        highest: highest probability that anybody had; None where nobody was tracked.
        weapon_frames: share of frames in which a weapon would have been shown.
    """

    source: str
    seconds: float
    alerts: int
    highest: float | None
    weapon_frames: float

    @property
    def rate(self) -> Rate | None:
        """Alerts a camera-hour with its 95 % interval; None for no footage."""
        return poisson_rate(self.alerts, self.seconds / 3600) if self.seconds > 0 else None


def alarms_of(lines: Iterable[FrameLine], source: str) -> Alarms:
    """Count the alerts in the frames of one recording."""
    frames = with_weapons = 0
    first_t = last_t = 0.0
    highest: dict[int, float] = {}
    for line in lines:
        first_t = line.t if not frames else first_t
        frames, last_t = frames + 1, line.t
        with_weapons += bool(line.weapons)
        for person in line.persons:
            if person.track is not None and person.armed is not None:
                highest[person.track] = max(person.armed, highest.get(person.track, 0.0))
    return Alarms(
        source,
        # The last frame lasts as long as the others.
        (last_t - first_t) * frames / (frames - 1) if frames > 1 else 0.0,
        sum(probability >= ALERT_PROBABILITY for probability in highest.values()),
        max(highest.values(), default=None),
        with_weapons / frames if frames else 0.0,
    )


def alarms_in(
    source: Source, models: Pipeline, shown: Mapping[str, float], every: int = 1
) -> Alarms:
    """Look through one recording and count the alerts; see `detect_lines.lines_of`."""
    return alarms_of(lines_of(source, models, shown, every), source.name)


def together(parts: Iterable[Alarms]) -> Alarms:
    """The alerts of all recordings as one."""
    listed = list(parts)
    seconds = sum(part.seconds for part in listed)
    shown = sum(part.weapon_frames * part.seconds for part in listed)
    return Alarms(
        "",
        seconds,
        sum(part.alerts for part in listed),
        max((part.highest for part in listed if part.highest is not None), default=None),
        shown / seconds if seconds else 0.0,
    )
