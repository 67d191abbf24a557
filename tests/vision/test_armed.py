"""Armed evidence: association of weapons with persons, and how evidence grows and fades."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.looks import LookRates
from vision.armed import ArmedEvidence, assign_weapons
from vision.detections import Detections

# One height row; a weapon in view fires 60 times in 100, an unarmed person once in 100.
RATES = LookRates(
    np.zeros(0), np.array([0.3]), np.array([[40.0, 60.0]]), np.array([[99.0, 1.0]]), "made up"
)
PERSON = np.array([[100, 100, 160, 300]], np.float32)
FIRES = Detections(
    np.array([[120, 160, 150, 180]], np.float32),
    np.array([0.8], np.float32),
    np.array([1], np.int16),
    ("person", "firearm"),
)
NOTHING = Detections.empty(("person", "firearm"))


def evidence_after(looks: str, fps: float = 5.0) -> float:
    """The log-likelihood ratio after looks that fire ("x") or do not (".")."""
    armed = ArmedEvidence(RATES)
    ratio = 0.0
    for i, look in enumerate(looks):
        weapons = FIRES if look == "x" else NOTHING
        ratio = float(armed.look(np.array([7], np.int64), PERSON, weapons, 100 + i / fps)[0])
    return ratio


@pytest.mark.parametrize(
    ("looks", "low", "high", "shows"),
    [
        (".", -1.5, 0.0, "one empty look says a little against"),
        ("." * 300, -6.0, -0.5, "a minute of empty looks never becomes certainty"),
        ("x", 1.0, 4.2, "one firing look is a hint"),
        ("x" * 10, 4.0, 9.0, "two seconds of firing looks are strong evidence"),
        ("x" * 3000, 4.0, 9.0, "endless firing is bounded by how common lookalikes are"),
        ("." * 50 + "x" + "." * 50, -6.0, 0.5, "one bad frame in twenty seconds is forgotten"),
        ("x" * 10 + "." * 50, 1.0, 8.0, "ten seconds with the weapon hidden keep the evidence"),
    ],
)
def test_evidence_of_a_sequence_of_looks(looks: str, low: float, high: float, shows: str) -> None:
    assert low <= evidence_after(looks) <= high, shows


def test_evidence_depends_on_time_more_than_on_frame_rate() -> None:
    slow, fast = evidence_after("x" * 10, fps=5), evidence_after("x" * 40, fps=20)
    assert fast == pytest.approx(slow, abs=1.0)


def test_tracks_do_not_share_evidence() -> None:
    armed = ArmedEvidence(RATES)
    boxes = np.array([[100, 100, 160, 300], [400, 100, 460, 300]], np.float32)
    for i in range(8):
        ratio = armed.look(np.array([1, 2], np.int64), boxes, FIRES, i * 0.2)
    assert ratio[0] > 3
    assert ratio[1] < 0
    swapped = armed.look(np.array([2, 1], np.int64), boxes[::-1].copy(), FIRES, 1.6)
    assert swapped[1] > swapped[0]


def test_a_track_that_comes_back_late_begins_anew() -> None:
    armed = ArmedEvidence(RATES)
    one = np.array([1], np.int64)
    for i in range(8):
        before = armed.look(one, PERSON, FIRES, i * 0.2)
    armed.look(np.array([2], np.int64), PERSON, NOTHING, 60.0)
    after = armed.look(one, PERSON, NOTHING, 61.0)
    assert before[0] > 3 > after[0]


def test_no_tracks_is_no_trouble() -> None:
    ratio = ArmedEvidence(RATES).look(
        np.zeros(0, np.int64), np.zeros((0, 4), np.float32), FIRES, 0.0
    )
    assert ratio.shape == (0,)


def weapon_at(*xyxy: float) -> Detections:
    return Detections(
        np.array([xyxy], np.float32),
        np.array([0.7], np.float32),
        np.array([1], np.int16),
        ("person", "firearm"),
    )


@pytest.mark.parametrize(
    ("weapon", "owner", "shows"),
    [
        (weapon_at(120, 160, 150, 180), 0, "in front of the torso of the first"),
        (weapon_at(60, 160, 110, 180), 0, "held out to the left of the first"),
        (weapon_at(165, 160, 185, 170), 0, "between two persons: the nearer torso"),
        (weapon_at(260, 160, 290, 180), 1, "in front of the second"),
        (weapon_at(500, 160, 530, 180), None, "near nobody"),
        (weapon_at(120, 20, 150, 60), None, "above the head"),
        (weapon_at(120, 270, 150, 300), None, "at the feet: the foot of a table"),
    ],
)
def test_a_weapon_belongs_to_the_right_person(
    weapon: Detections, owner: int | None, shows: str
) -> None:
    persons = np.array([[100, 100, 160, 300], [240, 100, 300, 300]], np.float32)
    confidence = assign_weapons(persons, weapon)
    expected = np.zeros(2, np.float32)
    if owner is not None:
        expected[owner] = 0.7
    np.testing.assert_allclose(confidence, expected, err_msg=shows)


def test_rates_refuse_counts_of_the_wrong_shape() -> None:
    with pytest.raises(ValueError, match="armed: expected shape"):
        LookRates(np.zeros(1), np.array([0.3]), np.ones((1, 2)), np.ones((2, 2)), "made up")


def test_ratio_of_the_first_look_is_bayes_rule() -> None:
    # Shown half the time; a flash 0.03, a twin 0.001 and a lookalike 0.05 of the time.
    p, q = 60.5 / 101, 1.5 / 101
    half = math.sqrt(p * q) / (math.sqrt(p * q) + math.sqrt((1 - p) * (1 - q)))
    unarmed = (0.03 + 0.001) * p + 0.05 * half + (1 - 0.081) * q
    assert evidence_after("x") == pytest.approx(math.log((0.5 * p + 0.5 * q) / unarmed))


def test_a_flash_is_worth_less_than_the_same_looks_one_by_one() -> None:
    assert evidence_after("xx" + "." * 20) < 1.5
    assert evidence_after("xx....." * 4) > 1.5 + evidence_after("xx" + "." * 26)


def test_what_fires_half_like_a_weapon_for_long_stays_undecided() -> None:
    # Weapons score high in 60 looks of 100 and middling in 30, unarmed people in 1 and 20.
    rates = LookRates(
        np.zeros(0),
        np.array([0.2, 0.6]),
        np.array([[10.0, 30.0, 60.0]]),
        np.array([[79.0, 20.0, 1.0]]),
        "made up",
    )
    told = {}
    for score in (0.4, 0.8):
        armed = ArmedEvidence(rates)
        fires = Detections(
            FIRES.xyxy_px, np.array([score], np.float32), FIRES.class_id, FIRES.class_names
        )
        for i in range(50):
            ratio = armed.look(np.array([7], np.int64), PERSON, fires, i * 0.2)
        told[score] = float(ratio[0])
    assert told[0.4] < 2.0
    assert told[0.8] > 5.0


def test_a_source_that_sees_no_weapons_says_nothing() -> None:
    armed = ArmedEvidence(LookRates.silent())
    for i in range(20):
        ratio = armed.look(np.array([1], np.int64), PERSON, NOTHING, i * 0.2)
    assert ratio[0] == pytest.approx(0.0, abs=1e-9)
