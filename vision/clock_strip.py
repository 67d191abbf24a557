"""The capture clock of a stream in a form that a machine reads back from the picture itself.

Players buffer, networks delay, and a time stamp beside a picture says when it was sent, not which
picture is on the screen. So each picture carries the time at which it was captured as a row of
black and white cells along its lower edge, large enough to survive compression and scaling. Whoever
looks at the picture, however it came, can know how old it is; delay from glass to glass is
measured by it.

The row holds 40 cells from the left, white for 1: the milliseconds of Unix time modulo 2^32, most
significant bit first, then a check byte, which is the exclusive or of the other four and 0xA5. It
repeats every 49.7 days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELL_PX = 8
"""Width and height of a cell in the encoded picture: a block of its transform, so that the cells do
not bleed into each other."""

CELLS = 40
WIDTH_PX = CELL_PX * CELLS

_MODULUS_MS = 1 << 32
_KEY = 0xA5
_DARK, _BRIGHT = 16, 235
_MIDDLE = 128


def draw_strip(image: NDArray[np.uint8], captured_at_s: float) -> None:
    """Draw the strip over the lowest rows of a picture, in place.

    Args:
        image: `(H, W, 3)` uint8, at least `WIDTH_PX` wide.
        captured_at_s: Unix seconds.
    """
    number = round(captured_at_s * 1000.0) % _MODULUS_MS
    octets = np.array([*number.to_bytes(4, "big"), _check(number)], np.uint8)
    row = np.where(np.repeat(np.unpackbits(octets), CELL_PX), _BRIGHT, _DARK)
    image[-CELL_PX:] = _DARK
    image[-CELL_PX:, :WIDTH_PX] = row[None, :, None]


def read_strip(image: NDArray[np.uint8], near_s: float) -> float | None:
    """When a picture was captured, Unix seconds; None where it holds no strip, or a damaged one.

    Args:
        image: `(H, W, 3)` uint8, as encoded, not scaled.
        near_s: some moment within three weeks of it.
    """
    if image.shape[0] < CELL_PX or image.shape[1] < WIDTH_PX:
        return None
    middle = CELL_PX // 2
    cells = image[-CELL_PX:, :WIDTH_PX].mean(axis=2).reshape(CELL_PX, CELLS, CELL_PX)
    bits = cells[middle - 2 : middle + 2, :, middle - 2 : middle + 2].mean(axis=(0, 2)) > _MIDDLE
    *octets, check = np.packbits(bits).tolist()
    number = int.from_bytes(bytes(octets), "big")
    if check != _check(number):
        return None
    near_ms = near_s * 1000.0
    return (number + round((near_ms - number) / _MODULUS_MS) * _MODULUS_MS) / 1000.0


def _check(number: int) -> int:
    check = _KEY
    for octet in number.to_bytes(4, "big"):
        check ^= octet
    return check
