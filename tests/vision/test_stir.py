"""What counts as something that begins to move, and what does not."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vision.stir import QUIET_S, Stir

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

FPS = 10.0
SIZE = (360, 640)


@lru_cache
def scene(seed: int = 0) -> NDArray[np.float32]:
    """A corridor's worth of dark and bright surfaces."""
    rng = np.random.default_rng(seed)
    blocks = rng.uniform(20, 200, (12, 16))
    return np.kron(blocks, np.ones((30, 40))).astype(np.float32)


NOISE = np.random.default_rng(7).normal(0.0, 3.0, (9, *SIZE)).astype(np.float32)


def picture(grey: NDArray[np.float32], n: int) -> NDArray[np.uint8]:
    """The picture as the camera takes it; green is what counts."""
    shown = np.zeros((*SIZE, 3), np.uint8)
    shown[:, :, 1] = np.clip(grey + NOISE[n % len(NOISE)], 0, 255)
    return shown


def with_body(grey: NDArray[np.float32], left: int, level: float = 230.0) -> NDArray[np.float32]:
    """Somebody 45 px high and 16 px wide, as seen from some 15 m."""
    shown = grey.copy()
    shown[150:195, left : left + 16] = level
    return shown


def said(shown: Callable[[int], NDArray[np.uint8]], pictures: int) -> list[str]:
    stir = Stir()
    return [str(stir.look(shown(n)[..., 1], 1000.0 + n / FPS)) for n in range(pictures)]


@pytest.mark.parametrize(
    "grey",
    [
        pytest.param(lambda _: scene(), id="noise"),
        pytest.param(lambda n: scene() * (1.0 if n < 50 else 1.25), id="exposure jumps"),
        pytest.param(lambda n: scene() * (1.0 + 0.06 * (n % 2)), id="flickering light"),
        pytest.param(lambda n: scene() * (1.0 - 0.004 * n), id="dusk"),
        pytest.param(lambda n: scene(0 if n < 50 else 1), id="the camera was turned"),
        pytest.param(
            lambda n: with_body(scene(), 300, 120.0 + min(n, 40) * 0.3), id="the sun moves on"
        ),
    ],
)
def test_nothing_moves(grey: Callable[[int], NDArray[np.float32]]) -> None:
    assert set(said(lambda n: picture(grey(n), n), 100)) == {"still"}


def test_who_walks_in_is_noticed_once_and_again_after_quiet() -> None:
    def grey(n: int) -> NDArray[np.float32]:
        walks = 20 <= n < 50 or 90 <= n < 120
        return with_body(scene(), 100 + (n % 70) * 6) if walks else scene()

    words = said(lambda n: picture(grey(n), n), 130)
    assert set(words[:20]) == {"still"}
    first = words.index("stirs")
    assert first <= 20 + 0.5 * FPS
    assert words[first + 2 : 50].count("moves") > 15
    assert words[first + 1 : 85].count("stirs") == 0
    assert set(words[55 : int(50 + QUIET_S * FPS)]) == {"still"}
    assert "stirs" in words[90:97]


def test_who_stands_still_is_no_motion_and_leaves_no_shadow() -> None:
    def grey(n: int) -> NDArray[np.float32]:
        if n < 20 or n >= 120:
            return scene()
        return with_body(scene(), 100 + min(n - 20, 20) * 8)

    words = said(lambda n: picture(grey(n), n), 150)
    assert "stirs" in words[20:26]
    assert set(words[60:118]) == {"still"}
    assert set(words[135:]) == {"still"}


def test_a_screen_is_learnt_as_noise() -> None:
    def grey(n: int) -> NDArray[np.float32]:
        shown = scene()
        shown[60:110, 400:480] = np.random.default_rng(n).uniform(60, 200, (50, 80))
        return shown

    words = said(lambda n: picture(grey(n), n), 400)
    assert words[:20].count("still") < 20
    assert set(words[-100:]) == {"still"}


def test_another_size_begins_anew_and_the_smallest_picture_is_taken() -> None:
    stir = Stir()
    for n in range(10):
        stir.look(picture(scene(), n)[..., 1], n / FPS)
    for n, size in enumerate([(180, 320), (2, 2), (1, 400), (180, 320)]):
        assert stir.look(np.full(size, 99, np.uint8), 1.0 + n / FPS) == "still"
