"""The school wing that both built-in drills take place in.

Two corridors cross at (27.5, 10.5). Door 2 leads into the band room, whose door to the main
corridor is locked: from most of that corridor Door 2 is the nearest entrance through the wall,
and the farthest but one on foot, around through the gym and the east hall.
"""

from __future__ import annotations

from .building import Building, Entrance, Opening, furniture, line, room
from .lens import Camera, mount

UNITS = (
    room("lobby", "Lobby", "lobby", 0, 5, 10, 14),
    room("office", "Main office", "office", 0, 0, 10, 5),
    room("main-corridor", "Main corridor", "walkway", 10, 9, 42, 12),
    room("room-101", "Room 101", "classroom", 10, 0, 18, 9),
    room("restroom", "Restroom", "restroom", 18, 0, 21, 9),
    room("band-room", "Band room", "classroom", 21, 0, 31, 9),
    room("gym", "Small gym", "gymnasium", 31, 0, 42, 9),
    room("east-hall", "East hall", "lobby", 42, 0, 48, 12),
    room("north-corridor", "North corridor", "walkway", 26, 12, 29, 32),
    room("custodian", "Custodian", "storage", 10, 12, 16, 14),
    room("cafeteria", "Cafeteria", "cafeteria", 0, 14, 16, 32),
    room("room-103", "Room 103", "classroom", 16, 12, 26, 20),
    room("library", "Library", "library", 16, 20, 26, 32),
    room("room-104", "Room 104", "classroom", 29, 12, 37, 20),
    room("science-lab", "Science lab", "laboratory", 29, 20, 39, 32),
    room("staff-room", "Staff room", "office", 37, 12, 48, 20),
)

OPENINGS = (
    Opening("lobby-corridor", "open", line(10, 9, 10, 12)),
    Opening("corridors", "open", line(26, 12, 29, 12)),
    Opening("corridor-hall", "open", line(42, 9, 42, 12)),
    Opening("office-door", "pedestrian", line(6, 5, 7.1, 5), "Office door"),
    Opening("door-101", "pedestrian", line(15.4, 9, 16.5, 9), "Door of Room 101"),
    Opening("restroom-door", "pedestrian", line(18.9, 9, 19.9, 9), "Restroom door"),
    Opening(
        "band-door", "pedestrian", line(22, 9, 23.2, 9), "Band room corridor door", locked=True
    ),
    Opening("band-gym", "pedestrian", line(31, 4, 31, 5.2), "Band room to gym"),
    Opening("gym-hall", "pedestrian", line(42, 3, 42, 4.6), "Gym to east hall"),
    Opening("custodian-door", "pedestrian", line(12, 12, 13, 12), "Custodian's door", locked=True),
    Opening("lobby-cafeteria", "pedestrian", line(4.6, 14, 6.2, 14), "Cafeteria doors"),
    Opening("door-103", "pedestrian", line(26, 13.9, 26, 15), "Door of Room 103"),
    Opening("103-library", "pedestrian", line(21.5, 20, 22.6, 20), "Room 103 to library"),
    Opening("library-door", "pedestrian", line(26, 26.3, 26, 27.6), "Library door"),
    Opening("door-104", "pedestrian", line(29, 17, 29, 18.1), "Door of Room 104"),
    Opening("lab-door", "pedestrian", line(29, 23, 29, 24.1), "Science lab door"),
    Opening("staff-door", "pedestrian", line(39, 12, 40.1, 12), "Staff room door"),
)

ENTRANCES = (
    Entrance("entrance-1", "1", "Main entrance", line(0, 9.1, 0, 11.9)),
    Entrance("entrance-2", "2", "Band room outer door", line(24.2, 0, 25.8, 0)),
    Entrance("entrance-3", "3", "East entrance", line(48, 9.6, 48, 11.4)),
    Entrance("entrance-4", "4", "North entrance", line(26.7, 32, 28.3, 32)),
    Entrance("entrance-5", "5", "Cafeteria entrance", line(0, 22, 0, 23.6)),
)

FIXTURES = (
    *furniture("lockers", 1.8, (13.4, 11.6, 18.2, 12), (10.6, 9, 14.8, 9.4), (31.6, 9, 38, 9.4)),
    *furniture("lockers", 1.8, (28.6, 18.7, 29, 22.5), (26, 21, 26.4, 25.6)),
    *furniture("desk", 1.05, (7.0, 12.0, 9.6, 12.7)),
    *furniture("bench", 0.45, (1.2, 5.1, 3.4, 5.55), (43.5, 11.4, 46, 11.85), (33, 11.6, 35, 12)),
    *furniture("cabinet", 1.9, (0.9, 13.5, 3.4, 14), (25.0, 31.5, 26, 32)),
    *furniture("bin", 0.8, (0.15, 7.6, 0.55, 8.0), (20.4, 11.55, 20.8, 11.95)),
    *furniture("bin", 0.8, (26.1, 16.2, 26.5, 16.6), (28.5, 29.0, 28.9, 29.4)),
    *furniture("shelf", 1.9, (16, 20.5, 16.4, 31.6), (18.2, 20.0, 20.8, 20.4)),
    *furniture("shelf", 1.3, (18.0, 25.8, 20.6, 26.3)),
    *furniture("table", 0.75, (18.2, 22.2, 19.8, 23.2), (18.6, 28.6, 20.2, 29.8)),
    *furniture("table", 0.75, (22.4, 29.0, 24.0, 30.2)),
    *furniture("table", 0.75, (17, 13, 18.2, 13.6), (17, 14.8, 18.2, 15.4), (17, 16.6, 18.2, 17.2)),
    *furniture("table", 0.75, (20, 13, 21.2, 13.6), (20, 14.8, 21.2, 15.4), (20, 16.6, 21.2, 17.2)),
    *furniture("table", 0.75, (11.5, 2, 12.7, 2.6), (11.5, 4, 12.7, 4.6), (14, 2, 15.2, 2.6)),
    *furniture("table", 0.75, (31, 14, 32.2, 14.6), (33.5, 14, 34.7, 14.6), (33.5, 16, 34.7, 16.6)),
    *furniture("table", 0.75, (3, 25, 5, 26), (8, 25, 10, 26), (3, 19, 5, 20), (11, 20, 13, 21)),
    *furniture("desk", 0.75, (1, 1, 2.6, 1.8), (39, 16, 40.6, 16.8), (32, 26, 35, 27)),
)

SCHOOL = Building(UNITS, OPENINGS, ENTRANCES, FIXTURES)

LOBBY_CAMERA = mount("cam-01", "Lobby", (9.55, 5.4, 2.7), (3.4, 10.7, 0.75), hfov_deg=92)
WEST_CAMERA = mount("cam-02", "Main corridor west", (25.4, 11.7, 2.6), (16.5, 10.0, 0.6))
EAST_CAMERA = mount(
    "cam-03", "Main corridor east", (41.3, 11.1, 2.6), (32.5, 10.3, 0.6), hfov_deg=88
)
JUNCTION_CAMERA = mount(
    "cam-04", "Junction", (27.5, 9.2, 2.75), (27.6, 15.5, 0.6), hfov_deg=94, k1=-0.11
)
LIBRARY_CAMERA = mount("cam-05", "Library", (25.7, 31.3, 2.7), (21.5, 24.5, 0.6), hfov_deg=92)
NORTH_CAMERA = mount("cam-06", "North corridor", (26.4, 31.7, 2.6), (27.7, 24.0, 0.5), k1=-0.09)
CAMERAS: tuple[Camera, ...] = (
    LOBBY_CAMERA,
    WEST_CAMERA,
    EAST_CAMERA,
    JUNCTION_CAMERA,
    LIBRARY_CAMERA,
    NORTH_CAMERA,
)
