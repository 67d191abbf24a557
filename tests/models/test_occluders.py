"""Things stand before persons; the persons keep their boxes, what is hidden loses its own."""

from __future__ import annotations

import numpy as np

from models.labels import Labels
from models.occluders import stand_before

GREY = np.full((120, 160, 3), 90, np.uint8)
PERSON = np.array([[60.0, 20.0, 90.0, 110.0]])


def test_persons_keep_their_boxes_and_are_hidden_in_part() -> None:
    image = np.random.default_rng(1).integers(0, 255, GREY.shape, np.uint8)
    labels = Labels(PERSON, np.array([0]))
    shares = []
    for seed in range(40):
        seen, kept = stand_before(image, labels, 0, np.random.default_rng(seed))
        np.testing.assert_array_equal(kept.xyxy_px, PERSON)
        changed = (seen != image).any(axis=2)[20:110, 60:90]
        shares.append(float(changed.mean()))
    untouched = sum(share == 0 for share in shares)
    assert 8 < untouched < 32  # one in two
    assert 0.1 < np.mean([share for share in shares if share]) < 0.8


def test_the_picture_itself_is_not_changed() -> None:
    for seed in range(5):
        stand_before(GREY, Labels(PERSON, np.array([0])), 0, np.random.default_rng(seed))
    assert (GREY == 90).all()


def test_a_hidden_firearm_is_no_longer_labelled() -> None:
    image = np.random.default_rng(1).integers(0, 255, GREY.shape, np.uint8)
    gun = np.array([[70.0, 60.0, 80.0, 66.0]])
    labels = Labels(np.vstack([PERSON, gun]), np.array([0, 1]))
    lost = kept_in_view = 0
    for seed in range(60):
        seen, kept = stand_before(image, labels, 0, np.random.default_rng(seed))
        covered = (seen != image).any(axis=2)[60:66, 70:80].mean()
        if 1 in kept.class_id:
            kept_in_view += 1
            assert covered <= 0.6
        else:
            lost += 1
            assert covered > 0.55  # a surface can have a pixel's own colour
    assert lost
    assert kept_in_view


def test_nobody_to_stand_before() -> None:
    gun = Labels(np.array([[70.0, 60.0, 80.0, 66.0]]), np.array([1]))
    seen, kept = stand_before(GREY, gun, 0, np.random.default_rng(0))
    assert seen is GREY
    assert kept is gun
