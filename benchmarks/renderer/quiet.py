"""The quiet drill: two minutes of an ordinary morning in the same wing, nobody armed.

People carry what detectors mistake for firearms: phones, umbrellas, a cordless drill, radios,
books.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .exercise import Exercise, Part
from .motion import Stand, Walk
from .school import JUNCTION_CAMERA, LIBRARY_CAMERA, LOBBY_CAMERA, SCHOOL, WEST_CAMERA

DOOR_1_OUT = (-5.0, 10.5)
DOOR_3_OUT = (53.0, 10.5)
DOOR_4_OUT = (27.5, 36.0)

PARTS = (
    Part(
        1,
        "staff",
        "receptionist",
        -5.0,
        (8.2, 13.4),
        (5.0, 10.0),
        (
            Stand(60.0, (5.0, 10.5)),
            Walk(((6.3, 13.3), (4.4, 12.0)), 1.1),
            Stand(20.0, (1.0, 10.5)),
            Walk(((6.3, 13.2), (8.0, 13.4)), 1.1),
        ),
        carries="phone",
        hold="ear",
    ),
    Part(
        2,
        "staff",
        "custodian",
        -5.0,
        (25.0, 9.8),
        (10.0, 10.0),
        (
            Walk(((21.2, 9.8),), 1.1),
            Stand(22.0, (21.2, 9.0)),
            Walk(((12.0, 10.3), (8.6, 9.0)), 1.1),
            Stand(25.0, (9.9, 7.0)),
            Walk(((10.5, 10.2), (27.0, 10.2), (27.7, 13.0), (27.7, 19.0)), 1.15),
            Stand(40.0, (28.9, 18.0)),
        ),
        carries="drill",
        hold="aim",
    ),
    Part(
        3,
        "student",
        "girl-red",
        2.0,
        DOOR_1_OUT,
        (0.0, 10.5),
        (
            Walk(((1.5, 10.4), (5.0, 9.6)), 1.2),
            Stand(3.0, (8.0, 13.0)),
            Walk(((9.5, 10.2), (26.0, 10.0), (27.3, 12.0), (27.3, 20.0), DOOR_4_OUT), 1.25),
        ),
        carries="umbrella",
        hold="swing",
        leaves=True,
    ),
    Part(
        4,
        "student",
        "boy-hoodie",
        -5.0,
        (3.4, 7.2),
        (4.2, 7.6),
        (
            Stand(48.0),
            Walk(
                (
                    (3.6, 9.2),
                    (8.6, 10.0),
                    (14.0, 10.6),
                    (25.8, 10.9),
                    (30.0, 11.0),
                    (47.0, 10.9),
                    (53.0, 11.2),
                ),
                1.35,
            ),
        ),
        carries="phone",
        hold="look",
        leaves=True,
    ),
    Part(
        5,
        "student",
        "girl-denim",
        -5.0,
        (4.3, 7.7),
        (3.4, 7.2),
        (
            Stand(70.0),
            Walk(((6.5, 6.0), (6.55, 4.2), (4.0, 2.5)), 1.2),
            Stand(12.0),
            Walk(((6.55, 4.2), (6.6, 6.0), (3.5, 9.8), DOOR_1_OUT), 1.25),
        ),
        carries="book",
        hold="hug",
        leaves=True,
    ),
    Part(
        6,
        "student",
        "boy-backpack",
        8.0,
        DOOR_3_OUT,
        (40.0, 10.5),
        (
            Walk(
                (
                    (44.0, 10.9),
                    (29.5, 10.9),
                    (27.6, 12.6),
                    (27.6, 25.0),
                    (27.0, 26.95),
                    (24.6, 26.95),
                    (22.2, 25.0),
                ),
                1.35,
            ),
            Stand(30.0, (19.5, 23.0)),
            Walk(((24.6, 26.9), (27.2, 27.0), (27.6, 29.0), DOOR_4_OUT), 1.3),
        ),
        carries="phone",
        hold="look",
        leaves=True,
    ),
    Part(
        7,
        "staff",
        "teacher-grey",
        20.0,
        DOOR_1_OUT,
        (0.0, 10.5),
        (
            Walk(((1.5, 10.6), (6.6, 11.4)), 1.1),
            Stand(9.0, (8.0, 13.2)),
            Walk(((9.6, 11.2), (15.2, 10.4), (15.95, 9.4), (15.95, 7.6), (14.0, 5.5)), 1.2),
        ),
        carries="umbrella-open",
        hold="over",
    ),
    Part(
        8,
        "staff",
        "librarian",
        -5.0,
        (17.4, 24.4),
        (22.0, 26.0),
        (
            Stand(14.0),
            Walk(((17.4, 27.4), (21.4, 27.4)), 1.0),
            Stand(25.0, (19.4, 29.0)),
            Walk(((21.6, 24.4), (21.0, 22.6)), 1.0),
            Stand(28.0, (19.0, 22.7)),
            Walk(((17.4, 24.4),), 1.0),
        ),
        carries="book",
        hold="hug",
    ),
    Part(
        9,
        "student",
        "girl-green",
        -5.0,
        (20.4, 22.6),
        (19.0, 22.7),
        (
            Stand(38.0),
            Walk(
                (
                    (22.05, 21.0),
                    (22.05, 18.6),
                    (24.4, 15.2),
                    (25.2, 14.45),
                    (27.0, 14.4),
                    (27.5, 12.0),
                    (28.5, 10.4),
                    (36.0, 10.2),
                    DOOR_3_OUT,
                ),
                1.2,
            ),
        ),
        leaves=True,
    ),
    Part(
        10,
        "staff",
        "teacher-blue",
        30.0,
        DOOR_4_OUT,
        (27.5, 30.0),
        (
            Walk(((27.8, 30.0), (27.8, 17.0), (27.6, 12.4), (26.0, 10.9), (20.0, 11.0)), 1.2),
            Stand(8.0, (14.0, 10.5)),
            Walk(((12.0, 11.0), (6.0, 11.2), (5.4, 13.2), (5.4, 15.2), (7.0, 18.0)), 1.25),
        ),
        carries="radio",
        hold="mouth",
    ),
    Part(
        11,
        "student",
        "girl-skirt",
        62.0,
        DOOR_1_OUT,
        (0.0, 10.5),
        (
            Walk(
                (
                    (1.6, 10.3),
                    (9.5, 10.7),
                    (26.0, 10.6),
                    (27.4, 12.2),
                    (27.4, 13.8),
                    (26.6, 14.45),
                    (25.2, 14.45),
                    (22.05, 18.8),
                    (22.05, 21.4),
                    (21.8, 24.6),
                ),
                1.3,
            ),
            Stand(30.0, (19.0, 29.0)),
        ),
        carries="umbrella",
        hold="side",
    ),
    Part(
        12,
        "student",
        "boy-cap",
        74.0,
        (53.0, 9.7),
        (40.0, 10.0),
        (
            Walk(((49.0, 10.0), (44.0, 9.9), (30.0, 10.0), (12.0, 10.2), (6.0, 9.4)), 1.5),
            Stand(6.0, (3.4, 7.2)),
            Walk(((4.0, 10.4), DOOR_1_OUT), 1.4),
        ),
        carries="phone",
        hold="ear",
        leaves=True,
    ),
)

QUIET = Exercise(
    name="quiet",
    title="An ordinary morning",
    description=(
        "Two minutes in which nobody is armed; people carry phones, umbrellas, books, radios and a "
        "cordless drill. Every armed alert in this drill is false."
    ),
    start=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
    duration_s=120.0,
    fps=8,
    crf=28,
    seed=20260303,
    building=SCHOOL,
    cameras=(LOBBY_CAMERA, WEST_CAMERA, JUNCTION_CAMERA, LIBRARY_CAMERA),
    parts=PARTS,
)
