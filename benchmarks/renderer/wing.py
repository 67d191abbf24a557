"""The built-in drill: a rifle in a school wing, 60 s.

The intruder enters by Door 1, crosses the lobby, walks the main corridor, disappears in Room 103,
comes out in the library and turns back south down the north corridor.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .exercise import Event, Exercise, Part
from .motion import Stand, Walk
from .school import CAMERAS, SCHOOL

DOOR_3_OUT = (53.0, 10.5)
DOOR_4_OUT = (27.5, 36.0)

PARTS = (
    Part(
        1,
        "intruder",
        "gunman",
        -2.6,
        (-4.0, 10.5),
        (0.0, 10.5),
        (
            Walk(((4.6, 10.4),), 1.25),
            Stand(1.6, (5.5, 6.5)),
            Walk(((9.5, 10.5), (20.0, 10.4)), 1.25),
            Stand(2.2, (19.4, 9.0)),
            Walk(
                (
                    (25.4, 10.5),
                    (27.3, 11.8),
                    (27.3, 13.6),
                    (26.7, 14.45),
                    (25.2, 14.45),
                    (24.2, 15.8),
                ),
                1.2,
            ),
            Stand(3.0, (19.0, 16.0)),
            Walk(((22.9, 17.8), (22.05, 19.0), (22.05, 21.2), (22.4, 23.6)), 1.15),
            Stand(1.8, (20.0, 30.0)),
            Walk(
                (
                    (23.4, 26.2),
                    (24.6, 26.95),
                    (27.0, 26.95),
                    (27.6, 25.6),
                    (27.5, 14.0),
                    (28.0, 11.4),
                    (30.5, 10.5),
                    (37.0, 10.6),
                ),
                1.5,
            ),
        ),
        carries="rifle",
        hold="low-ready",
    ),
    Part(
        2,
        "staff",
        "receptionist",
        -5.0,
        (8.2, 13.4),
        (5.0, 10.0),
        (Stand(10.6, (2.0, 10.4)), Walk(((6.4, 13.2), (5.5, 13.6), (5.4, 15.0), (7.0, 18.0)), 2.0)),
    ),
    Part(
        3,
        "student",
        "girl-red",
        -5.0,
        (4.4, 7.0),
        (5.1, 7.6),
        (Stand(7.4), Stand(1.4, (0.0, 10.5)), Walk(((6.5, 6.2), (6.55, 4.2), (3.4, 2.6)), 2.8)),
    ),
    Part(
        4,
        "student",
        "boy-hoodie",
        -5.0,
        (5.2, 7.6),
        (4.4, 7.0),
        (
            Stand(8.4),
            Stand(1.4, (1.0, 10.5)),
            Walk(((6.4, 6.6), (6.55, 4.4), (5.4, 2.6), (7.5, 2.4)), 2.6),
        ),
        carries="phone",
        hold="look",
    ),
    Part(
        5,
        "student",
        "boy-cap",
        -5.0,
        (18.5, 10.9),
        (10.0, 10.9),
        (
            Walk(((10.6, 11.2), (8.8, 11.1)), 1.25),
            Stand(0.8, (3.0, 10.5)),
            Walk(((11.5, 10.9), (24.0, 10.5), (34.0, 10.6), (44.0, 10.5), DOOR_3_OUT), 3.2),
        ),
        leaves=True,
    ),
    Part(
        6,
        "student",
        "girl-skirt",
        -5.0,
        (12.0, 10.0),
        (20.0, 10.0),
        (
            Walk(((20.0, 9.9), (23.5, 9.9)), 1.2),
            Stand(0.8, (10.0, 10.5)),
            Walk(((26.0, 10.3), (30.0, 10.4), (43.0, 10.1), DOOR_3_OUT), 3.0),
        ),
        carries="book",
        hold="hug",
        leaves=True,
    ),
    Part(
        7,
        "staff",
        "teacher-grey",
        -5.0,
        (14.0, 5.5),
        (16.0, 8.0),
        (
            Stand(11.5),
            Walk(((15.95, 7.6), (15.95, 9.75)), 1.3),
            Stand(1.0, (8.0, 10.5)),
            Walk(((15.95, 8.0), (14.6, 6.0)), 1.8),
        ),
    ),
    Part(
        8,
        "student",
        "girl-denim",
        -5.0,
        (19.2, 11.5),
        (19.2, 12.0),
        (
            Stand(13.6),
            Stand(0.9, (10.0, 10.5)),
            Walk(((21.5, 11.0), (26.6, 11.3), (27.6, 13.0), (27.6, 24.0), DOOR_4_OUT), 2.9),
        ),
        leaves=True,
    ),
    Part(
        9,
        "student",
        "boy-tall",
        -5.0,
        (30.2, 11.55),
        (27.0, 10.0),
        (
            Stand(22.0),
            Walk(((33.0, 10.8), (38.8, 11.0), (39.55, 11.7), (39.55, 13.0), (41.0, 15.0)), 2.7),
        ),
    ),
    Part(
        10,
        "staff",
        "teacher-blue",
        -5.0,
        (27.8, 30.6),
        (27.8, 20.0),
        (
            Walk(((27.7, 26.0), (27.6, 15.4)), 1.15),
            Stand(2.0, (27.5, 10.0)),
            Walk(((27.6, 21.0), (28.2, 23.5), (30.2, 23.55), (31.5, 24.6)), 1.9),
        ),
        carries="radio",
        hold="swing",
    ),
    Part(
        11,
        "staff",
        "librarian",
        -5.0,
        (17.4, 24.4),
        (22.0, 26.0),
        (Stand(40.8), Stand(2.0, (22.0, 22.0)), Walk(((17.3, 27.5), (17.3, 30.9)), 1.9)),
    ),
    Part(
        12,
        "student",
        "girl-green",
        -5.0,
        (20.6, 22.7),
        (19.0, 22.7),
        (
            Stand(33.0),
            Walk(((21.6, 24.2), (24.2, 26.9), (26.9, 27.0), (27.6, 28.6), DOOR_4_OUT), 2.2),
        ),
        leaves=True,
    ),
    Part(
        13,
        "student",
        "boy-backpack",
        -5.0,
        (23.2, 30.7),
        (23.2, 29.0),
        (Stand(41.6), Stand(1.5, (22.2, 22.5)), Walk(((21.0, 31.0), (18.2, 31.2)), 2.0)),
    ),
    Part(
        14,
        "student",
        "girl-blonde",
        -5.0,
        (46.0, 10.2),
        (30.0, 10.2),
        (
            Walk(((41.0, 10.2), (30.8, 10.3)), 1.3),
            Stand(3.0, (20.0, 10.4)),
            Walk(((36.0, 10.2), (44.0, 10.4), DOOR_3_OUT), 3.1),
        ),
        leaves=True,
    ),
    Part(
        15,
        "staff",
        "custodian",
        -5.0,
        (28.9, 9.4),
        (22.0, 10.4),
        (
            Stand(19.0),
            Walk(((28.2, 12.0), (27.8, 16.6), (28.4, 17.5), (30.4, 17.55), (32.4, 18.6)), 1.9),
        ),
        carries="drill",
        hold="side",
    ),
)

WING = Exercise(
    name="wing",
    title="Rifle in the school wing",
    description=(
        "An armed intruder enters by Door 1, walks the main corridor, is lost in Room 103 and "
        "comes out in the library. Door 2 is near through the wall and far on foot."
    ),
    start=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    duration_s=60.0,
    fps=10,
    crf=27,
    seed=20260302,
    building=SCHOOL,
    cameras=CAMERAS,
    parts=PARTS,
    events=(
        Event(2.0, "Exercise: intruder with a rifle enters by Door 1"),
        Event(6.0, "Exercise: main office calls 911"),
        Event(31.0, "Exercise: intruder goes into Room 103, no camera there"),
        Event(40.0, "Exercise: intruder comes out in the library"),
    ),
)
