"""The category lists of IMDF 1.0.0 that an archive may use (OGC 20-094, "Categories")."""

from __future__ import annotations

from typing import Final

UNIT: Final = frozenset(
    {
        "auditorium",
        "brick",
        "classroom",
        "column",
        "concrete",
        "conferenceroom",
        "drywall",
        "elevator",
        "escalator",
        "fieldofplay",
        "firstaid",
        "fitnessroom",
        "foodservice",
        "footbridge",
        "glass",
        "huddleroom",
        "kitchen",
        "laboratory",
        "library",
        "lobby",
        "lounge",
        "mailroom",
        "mothersroom",
        "movietheater",
        "movingwalkway",
        "nonpublic",
        "office",
        "opentobelow",
        "parking",
        "phoneroom",
        "platform",
        "privatelounge",
        "ramp",
        "recreation",
        "restroom",
        "restroom.family",
        "restroom.female",
        "restroom.female.wheelchair",
        "restroom.male",
        "restroom.male.wheelchair",
        "restroom.transgender",
        "restroom.transgender.wheelchair",
        "restroom.unisex",
        "restroom.unisex.wheelchair",
        "restroom.wheelchair",
        "road",
        "room",
        "serverroom",
        "shower",
        "smokingarea",
        "stairs",
        "steps",
        "storage",
        "structure",
        "terrace",
        "theater",
        "unenclosedarea",
        "unspecified",
        "vegetation",
        "waitingroom",
        "walkway",
        "walkway.island",
        "wood",
    }
)

FIXTURE: Final = frozenset(
    {
        "baggagecarousel",
        "boardinggate.desk",
        "checkin.desk",
        "checkin.kiosk",
        "desk",
        "equipment",
        "furniture",
        "immigration.desk",
        "inspection.desk",
        "obstruction",
        "securityequipment",
        "stage",
        "vegetation",
        "wall",
    }
)

RELATIONSHIP: Final = frozenset({"elevator", "escalator", "ramp", "stairs", "traversal"})

OTHER_UNIT: Final = "unspecified"
OTHER_FIXTURE: Final = "obstruction"
VENUE: Final = "governmentfacility"
"""IMDF knows no schools; this is what comes nearest to a public one."""
