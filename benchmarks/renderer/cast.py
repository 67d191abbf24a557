"""Who appears: bodies, skin, hair and clothes of the drills' characters, and random others.

The drills' characters are written here by name. Training scenes draw theirs from `strangers`, whose
body shapes are others than those of the drills.
"""

# ruff: noqa: PLR2004 - the numbers are bodies and colours
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .shapes import Phenotype

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks. Colours are sRGB 0..1.

    `hair`: short, long, bun, bald, cap, hood. `top`: sweater, tee, hoodie, jacket. `legs`:
    trousers, skirt, shorts. `pattern`: plain, stripes, check, panel. `backpack`: its colour, or
    None.
    """

    name: str
    phenotype: Phenotype
    skin: Rgb
    hair_rgb: Rgb
    hair: str
    top: str
    top_rgb: Rgb
    legs: str
    legs_rgb: Rgb
    shoes_rgb: Rgb
    pattern: str = "plain"
    backpack: Rgb | None = None
    seed: int = 0


PALE, FAIR, OLIVE, TAN, BROWN, DARK = (
    (0.88, 0.71, 0.62),
    (0.82, 0.63, 0.52),
    (0.72, 0.53, 0.41),
    (0.60, 0.42, 0.31),
    (0.45, 0.30, 0.22),
    (0.31, 0.20, 0.15),
)
BLACK_HAIR, BROWN_HAIR, BLONDE, RED, GREY = (
    (0.06, 0.05, 0.05),
    (0.24, 0.15, 0.09),
    (0.62, 0.48, 0.28),
    (0.42, 0.19, 0.09),
    (0.55, 0.54, 0.52),
)
JEANS, BLACK_CLOTH, KHAKI, NAVY = (
    (0.22, 0.29, 0.42),
    (0.11, 0.11, 0.12),
    (0.58, 0.50, 0.37),
    (0.14, 0.17, 0.28),
)
WHITE_SHOES, BLACK_SHOES, BROWN_SHOES = (0.82, 0.82, 0.80), (0.08, 0.08, 0.08), (0.30, 0.19, 0.12)

DRILL_CAST: tuple[Look, ...] = (
    Look(
        "gunman",
        (1.0, 0.64, 0.55, 0.55, 0.60),
        FAIR,
        BLACK_HAIR,
        "short",
        "jacket",
        (0.43, 0.44, 0.38),
        "trousers",
        (0.17, 0.17, 0.19),
        BLACK_SHOES,
        seed=3,
    ),
    Look(
        "receptionist",
        (0.0, 0.82, 0.25, 0.62, 0.35),
        PALE,
        RED,
        "bun",
        "jacket",
        (0.60, 0.30, 0.36),
        "trousers",
        BLACK_CLOTH,
        BLACK_SHOES,
        seed=5,
    ),
    Look(
        "girl-red",
        (0.0, 0.52, 0.40, 0.45, 0.40),
        FAIR,
        BROWN_HAIR,
        "long",
        "sweater",
        (0.66, 0.17, 0.17),
        "trousers",
        JEANS,
        WHITE_SHOES,
        backpack=(0.18, 0.27, 0.42),
        seed=7,
    ),
    Look(
        "boy-hoodie",
        (0.9, 0.50, 0.46, 0.46, 0.42),
        BROWN,
        BLACK_HAIR,
        "short",
        "hoodie",
        (0.36, 0.38, 0.42),
        "trousers",
        (0.18, 0.18, 0.22),
        WHITE_SHOES,
        seed=8,
    ),
    Look(
        "boy-cap",
        (1.0, 0.55, 0.50, 0.60, 0.45),
        TAN,
        BLACK_HAIR,
        "cap",
        "tee",
        (0.86, 0.80, 0.58),
        "shorts",
        NAVY,
        WHITE_SHOES,
        pattern="panel",
        seed=9,
    ),
    Look(
        "girl-skirt",
        (0.0, 0.50, 0.40, 0.42, 0.40),
        OLIVE,
        BLACK_HAIR,
        "long",
        "sweater",
        (0.84, 0.83, 0.80),
        "skirt",
        (0.17, 0.20, 0.33),
        BLACK_SHOES,
        seed=10,
    ),
    Look(
        "teacher-grey",
        (1.0, 0.92, 0.45, 0.66, 0.40),
        PALE,
        GREY,
        "bald",
        "sweater",
        (0.50, 0.53, 0.56),
        "trousers",
        KHAKI,
        BROWN_SHOES,
        pattern="check",
        seed=11,
    ),
    Look(
        "girl-denim",
        (0.1, 0.53, 0.36, 0.55, 0.45),
        DARK,
        BLACK_HAIR,
        "bun",
        "jacket",
        (0.33, 0.44, 0.60),
        "trousers",
        BLACK_CLOTH,
        WHITE_SHOES,
        seed=12,
    ),
    Look(
        "boy-tall",
        (1.0, 0.57, 0.60, 0.40, 0.50),
        FAIR,
        BLONDE,
        "short",
        "hoodie",
        (0.16, 0.36, 0.27),
        "trousers",
        JEANS,
        BLACK_SHOES,
        seed=13,
    ),
    Look(
        "teacher-blue",
        (0.0, 0.75, 0.28, 0.50, 0.45),
        BROWN,
        BLACK_HAIR,
        "long",
        "sweater",
        (0.22, 0.36, 0.62),
        "trousers",
        (0.42, 0.40, 0.38),
        BROWN_SHOES,
        seed=14,
    ),
    Look(
        "librarian",
        (0.0, 0.95, 0.26, 0.55, 0.30),
        PALE,
        GREY,
        "bun",
        "sweater",
        (0.58, 0.47, 0.62),
        "skirt",
        (0.30, 0.27, 0.25),
        BROWN_SHOES,
        seed=15,
    ),
    Look(
        "girl-green",
        (0.0, 0.48, 0.36, 0.50, 0.40),
        TAN,
        BROWN_HAIR,
        "long",
        "tee",
        (0.30, 0.56, 0.38),
        "trousers",
        JEANS,
        WHITE_SHOES,
        pattern="stripes",
        seed=16,
    ),
    Look(
        "boy-backpack",
        (0.8, 0.46, 0.38, 0.45, 0.40),
        PALE,
        RED,
        "short",
        "tee",
        (0.78, 0.45, 0.18),
        "trousers",
        KHAKI,
        WHITE_SHOES,
        backpack=(0.16, 0.16, 0.18),
        seed=17,
    ),
    Look(
        "girl-blonde",
        (0.0, 0.55, 0.33, 0.40, 0.45),
        PALE,
        BLONDE,
        "long",
        "hoodie",
        (0.72, 0.58, 0.66),
        "trousers",
        (0.26, 0.26, 0.30),
        WHITE_SHOES,
        backpack=(0.42, 0.20, 0.26),
        seed=18,
    ),
    Look(
        "custodian",
        (1.0, 0.80, 0.44, 0.72, 0.60),
        OLIVE,
        BLACK_HAIR,
        "cap",
        "jacket",
        (0.24, 0.32, 0.40),
        "trousers",
        (0.22, 0.28, 0.35),
        BLACK_SHOES,
        seed=19,
    ),
)

STRANGER_SHAPES: tuple[Phenotype, ...] = tuple(
    (
        round(float(gender), 3),
        round(float(age), 3),
        round(float(height), 3),
        round(float(weight), 3),
        round(float(muscle), 3),
    )
    for gender, age, height, weight, muscle in np.random.default_rng(4711).uniform(
        (0.0, 0.45, 0.12, 0.30, 0.30), (1.0, 0.95, 0.52, 0.78, 0.70), (18, 5)
    )
)


def _shade(rng: np.random.Generator, *, dull: float) -> Rgb:
    base = rng.uniform(0.06, 0.9)
    tint = rng.normal(0.0, 0.22, 3) * (1 - dull)
    red, green, blue = np.clip(base + tint, 0.04, 0.92)
    return float(red), float(green), float(blue)


def strangers(count: int, seed: int) -> list[Look]:
    """Random looks for training scenes, none of them in a drill."""
    rng = np.random.default_rng([seed, 99])
    skins = (PALE, FAIR, OLIVE, TAN, BROWN, DARK)
    hairs = (BLACK_HAIR, BROWN_HAIR, BLONDE, RED, GREY)
    looks: list[Look] = []
    for index in range(count):
        shape = STRANGER_SHAPES[int(rng.integers(len(STRANGER_SHAPES)))]
        female = shape[0] < 0.5
        hair = rng.choice(
            ["long", "long", "bun", "short"] if female else ["short", "short", "bald", "cap"]
        )
        legs = rng.choice(
            ["trousers", "trousers", "skirt", "shorts"]
            if female
            else ["trousers", "trousers", "trousers", "shorts"]
        )
        backpack = _shade(rng, dull=0.5) if rng.random() < 0.3 else None
        skin = np.clip(np.array(skins[int(rng.integers(6))]) + rng.normal(0, 0.03, 3), 0.1, 0.95)
        looks.append(
            Look(
                f"stranger-{seed}-{index}",
                shape,
                (float(skin[0]), float(skin[1]), float(skin[2])),
                hairs[int(rng.integers(5))],
                str(hair),
                str(rng.choice(["sweater", "tee", "hoodie", "jacket"])),
                _shade(rng, dull=0.0),
                str(legs),
                _shade(rng, dull=0.6),
                _shade(rng, dull=0.8),
                pattern=str(rng.choice(["plain", "plain", "stripes", "check", "panel"])),
                backpack=backpack,
                seed=int(rng.integers(1_000_000)),
            )
        )
    return looks
