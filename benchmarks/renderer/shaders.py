"""The GLSL programs: the building (drawn once a camera), people, their shadows, their masks.

The sources lie in `glsl/`; constants that Python shares with them are written in front as defines.
"""

from __future__ import annotations

from pathlib import Path

MAX_LAMPS = 192
NEAR_LAMPS = 6
SHADOW_LAMPS = 3
CAPSULES = 13

FOLDER = Path(__file__).with_name("glsl")
DEFINES = {
    "place": {"LAMPS": MAX_LAMPS},
    "body": {"LAMPS": NEAR_LAMPS},
    "shadow": {"LAMPS": NEAR_LAMPS, "CAPS": CAPSULES},
    "mask": {},
}


def program(name: str) -> tuple[str, str]:
    """Sources of the vertex and the fragment shader of a program of `DEFINES`."""
    defines = "".join(f"#define {key} {value}\n" for key, value in DEFINES[name].items())
    head = f"#version 330\n{defines}"
    noise = (FOLDER / "noise.glsl").read_text()
    vertex = head + (FOLDER / f"{name}.vert").read_text()
    return vertex, head + noise + (FOLDER / f"{name}.frag").read_text()
