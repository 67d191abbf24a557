"""Weapons come off plain backgrounds only, and land small, near hands, with the right box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.labels import Labels
from models.pasting import LENGTH_OF_HEIGHT, Cutout, cutouts, paste

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERSON = np.array([60.0, 20, 100, 140])
BOX = np.array([[20.0, 30, 80, 60]])


def photograph(noise: float) -> tuple[NDArray[np.uint8], Labels]:
    """A dark L on a light ground."""
    rng = np.random.default_rng(1)
    image = np.clip(rng.normal(220, noise, (100, 100, 3)), 0, 255).astype(np.uint8)
    image[30:42, 20:80] = 30
    image[30:60, 20:34] = 30
    return image, Labels(BOX, np.zeros(1, np.int64))


def test_a_weapon_comes_off_a_plain_background() -> None:
    [cutout] = cutouts([photograph(noise=2)])
    assert cutout.image.shape[:2] == cutout.alpha.shape
    weapon = cutout.image[cutout.alpha > 0.5]
    assert weapon.mean() < 60
    assert 0.3 < cutout.alpha.mean() < 0.7


def test_it_does_not_come_off_a_busy_one() -> None:
    assert cutouts([photograph(noise=60)]) == []


def test_a_picture_without_an_object_gives_none() -> None:
    blank = np.full((100, 100, 3), 220, np.uint8)
    assert cutouts([(blank, Labels(BOX, np.zeros(1, np.int64)))]) == []
    assert cutouts([(blank, Labels.none())]) == []


@pytest.mark.parametrize("seed", range(8))
def test_the_box_is_where_the_picture_changed(seed: int) -> None:
    [cutout] = cutouts([photograph(noise=2)])
    image = np.full((160, 160, 3), 150, np.uint8)
    pasted = paste(image, PERSON, cutout, np.random.default_rng(seed))
    assert pasted is not None
    new, labels = pasted
    assert (image == 150).all(), "the picture itself stays"
    rows, columns = np.nonzero((np.abs(new.astype(int) - 150) > 20).any(axis=2))
    changed = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(labels.xyxy_px[0], changed, atol=2)
    height = PERSON[3] - PERSON[1]
    longest = (labels.xyxy_px[0, 2:] - labels.xyxy_px[0, :2]).max()
    assert longest <= LENGTH_OF_HEIGHT[1] * height * 1.3 + 2
    middle = (labels.xyxy_px[0, 1] + labels.xyxy_px[0, 3]) / 2
    assert 0.2 < (middle - PERSON[1]) / height < 0.7


def test_into_a_grey_picture_it_goes_grey() -> None:
    colourful = Cutout(np.full((20, 40, 3), (0, 0, 250), np.uint8), np.ones((20, 40), np.float32))
    image = np.full((160, 160, 3), 150, np.uint8)
    pasted = paste(image, PERSON, colourful, np.random.default_rng(3))
    assert pasted is not None
    assert np.abs(pasted[0][..., 0].astype(int) - pasted[0][..., 2]).max() <= 1


def test_where_it_would_not_lie_inside_nothing_is_pasted() -> None:
    [cutout] = cutouts([photograph(noise=2)])
    image = np.full((160, 160, 3), 150, np.uint8)
    outside = np.array([300.0, 20, 340, 140])
    assert paste(image, outside, cutout, np.random.default_rng(3)) is None
