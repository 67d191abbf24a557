"""What each figure of a report is called and means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Term:
    """One figure.

    Attributes:
        label: its name on the page.
        meaning: its definition, one or two sentences.
        unit: s, m, "share" or "" for a count.
    """

    label: str
    meaning: str
    unit: str = "share"


DEFINITIONS: Final = {
    "time_to_first_position_s": Term(
        "Time to first position",
        "From the moment a camera could first see the intruder until an answer held a subject, of "
        "any rank, within 1 m of where the intruder was at the time of that sighting.",
        "s",
    ),
    "time_to_first_correct_room_s": Term(
        "Time to first correct room",
        "From the same moment until the top-ranked subject was in the intruder's room.",
        "s",
    ),
    "time_to_first_armed_alert_s": Term(
        "Time to first armed alert",
        "From the same moment until a subject within 1 m of the intruder was armed with a "
        "probability of 0.9 or more.",
        "s",
    ),
    "position_error_m": Term(
        "Position error",
        "Distance between the published place of the top-ranked subject and where the intruder was "
        "at the time of that sighting, over the moments at which a camera could see the intruder.",
        "m",
    ),
    "position_error_now_m": Term(
        "Position error now",
        "The same, against where the intruder is at the moment the answer is read: whatever the "
        "answer is late by counts.",
        "m",
    ),
    "ce95_coverage": Term(
        "95 % radius holds",
        "Share of the moments with an answer, the intruder seen or not, at which the published "
        "95 % radius held the intruder at the time the answer speaks of. Right is 95 %; more is "
        "too cautious.",
    ),
    "room_correct": Term(
        "Room correct",
        "Share of the time a camera could see the intruder in which the top-ranked subject's room "
        "was the room the intruder was in at that moment. No answer is a wrong answer.",
    ),
    "room_correct_at_capture": Term(
        "Room correct at capture",
        "The same, against the room the intruder was in at the time of the reported sighting.",
    ),
    "level_correct": Term("Level correct", "As room correct, for the level."),
    "entrance_correct": Term(
        "Door correct",
        "Share of the time from the first position on, the intruder seen or not, in which the "
        "recommended door was the one with the shortest walk to where the intruder was.",
    ),
    "entrance_regret_m": Term(
        "Door regret",
        "How much farther the recommended door was than the nearest one, on foot, on average over "
        "the same time.",
        "m",
    ),
    "search_area_coverage": Term(
        "Search area holds",
        "Share of the time in which a person, once seen, was out of view of all cameras and the "
        "95 % area of their subject reached into the room they were in.",
    ),
    "moda": Term(
        "MODA",
        "1 minus missed persons and false subjects per visible person (CLEAR), all subjects in "
        "view against all visible persons, matched within 0.5 m, ten times a second or as often as "
        "the truth was written down.",
    ),
    "idf1": Term(
        "IDF1",
        "F1 of the best one-to-one matching of subjects to persons over the whole run, within 1 m.",
    ),
    "identity_switches": Term(
        "Identity switches", "How often a person went on as another subject, within 1 m.", ""
    ),
    "subjects": Term("Subjects", "How many different bodies were told apart.", ""),
    "most_in_view": Term("Most in view", "Largest number of subjects in view at once.", ""),
    "armed_alerts": Term(
        "Armed alerts", "Subjects that were ever armed with a probability of 0.9 or more.", ""
    ),
    "false_armed_alerts": Term(
        "False armed alerts",
        "Those of them that were so called while no armed person was within 1 m of their place.",
        "",
    ),
    "armed_calibration_error": Term(
        "Armed calibration error",
        "How far the probabilities of being armed, of all subjects in view, are from the share of "
        "them that were (expected calibration error, ten bins, ten times a second).",
    ),
}
STAGE_LABELS: Final = {
    "captured_to_decoded": "Captured to decoded",
    "decoded_to_detected": "Decoded to detected",
    "detected_to_placed": "Detected to placed",
    "placed_to_published": "Placed to published",
    "capture_to_published": "Capture to published",
}
VISIBLE: Final = (
    "A camera could see a person where the drill's truth says that at least half of the body "
    "showed in a picture or, without that, where the person stood on a camera's visible floor."
)


def in_words(value: float | None, unit: str) -> str:
    """A figure as the page shows it; a dash for None."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash is meant
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "m":
        return f"{value:.2f} m"
    if unit == "s":
        return f"{value:.1f} s"
    return f"{value:g}"
