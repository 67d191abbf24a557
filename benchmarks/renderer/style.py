"""How a place and its cameras look: paint, floors, lamps, exposure. Random but seeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .cast import Rgb


@dataclass(frozen=True, slots=True)
class Style:
    """Colours in sRGB 0..1; `lamp_power` and `ambient` scale the light, `exposure` the sensor.

    `wainscot` is the paint below 1.05 m. `dead_lamps` is the share of lamps that are off. `noise`
    is the standard deviation of the sensor's noise, picture values 0..1.
    """

    seed: int = 0
    wall: Rgb = (0.80, 0.79, 0.74)
    wainscot: Rgb = (0.56, 0.66, 0.68)
    stripe: Rgb = (0.33, 0.42, 0.52)
    tiles: Rgb = (0.62, 0.61, 0.57)
    carpet: Rgb = (0.36, 0.38, 0.42)
    doors: Rgb = (0.52, 0.39, 0.28)
    lockers: Rgb = (0.28, 0.38, 0.50)
    lamp_rgb: Rgb = (1.0, 0.98, 0.93)
    lamp_power: float = 1.0
    ambient: float = 1.0
    daylight: float = 1.0
    dead_lamps: float = 0.06
    exposure: float = 0.85
    noise: float = 0.010
    ceiling_m: float = 3.0
    sharpen: float = 0.5
    print_strength: float = 1.0
    colour_gain: Rgb = field(default=(1.0, 1.0, 1.0))


WING_STYLE = Style(seed=1)
QUIET_STYLE = Style(
    seed=1,
    lamp_power=0.92,
    daylight=1.25,
    exposure=0.9,
    noise=0.0075,
    print_strength=0.5,
    colour_gain=(1.01, 1.0, 0.98),
)


def _colour(rng: np.random.Generator, low: float, high: float, spread: float) -> Rgb:
    red, green, blue = np.clip(rng.uniform(low, high) + rng.normal(0, spread, 3), 0.03, 0.95)
    return float(red), float(green), float(blue)


def random_style(seed: int) -> Style:
    """A style for a training scene."""
    rng = np.random.default_rng([seed, 5])
    warm = float(rng.uniform(-0.08, 0.08))
    return Style(
        seed=seed,
        wall=_colour(rng, 0.55, 0.86, 0.05),
        wainscot=_colour(rng, 0.3, 0.8, 0.12),
        stripe=_colour(rng, 0.1, 0.7, 0.15),
        tiles=_colour(rng, 0.3, 0.72, 0.04),
        carpet=_colour(rng, 0.15, 0.5, 0.07),
        doors=_colour(rng, 0.2, 0.6, 0.10),
        lockers=_colour(rng, 0.15, 0.65, 0.15),
        lamp_rgb=(1.0 + warm, 0.98, 0.94 - warm),
        lamp_power=float(rng.uniform(0.45, 1.25)),
        ambient=float(rng.uniform(0.7, 1.3)),
        daylight=float(rng.uniform(0.3, 1.4)),
        dead_lamps=float(rng.uniform(0.0, 0.3)),
        exposure=float(rng.uniform(0.65, 1.15)),
        noise=float(rng.uniform(0.004, 0.026)),
        ceiling_m=float(rng.uniform(2.8, 3.4)),
        sharpen=float(rng.uniform(0.0, 0.9)),
        print_strength=float(rng.uniform(0.3, 1.0)),
        colour_gain=(1.0 + float(rng.normal(0, 0.03)), 1.0, 1.0 + float(rng.normal(0, 0.04))),
    )
