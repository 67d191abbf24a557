"""The search map of one subject over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from calibration.search_picture import LevelPicture, SearchPicture
from tests.api.replayed import START_S, Console, answer, opened_by, slug_of, subject

if TYPE_CHECKING:
    from starlette.testclient import TestClient

HOLE = [(2.0, 2.0), (4.0, 2.0), (4.0, 4.0), (2.0, 4.0)]
RING = shapely.MultiPolygon(
    [shapely.Polygon([(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)], [HOLE])]
)
PICTURE = SearchPicture(
    "S1",
    START_S,
    0.5,
    0.0625,
    (
        LevelPicture(
            "L1",
            (2.0, 4.0),
            np.array([[0.5, 0.25, 0.0], [0.125, 0.0625, 0.000004]], np.float32),
            shapely.MultiPolygon(),
            RING,
        ),
    ),
)


@pytest.fixture
def incident(console: Console, client: TestClient) -> str:
    made = opened_by(client, {"site": "small", "kind": "exercise", "reason": "drill"})
    console.runs.made[-1].searched = {"S1": PICTURE}
    return made


def test_the_map_is_told_in_metres_and_degrees(
    console: Console, client: TestClient, incident: str
) -> None:
    said = client.get(f"/v1/incidents/{incident}/search/S1").json()
    assert (said["subject"], said["exercise"], said["left_building"]) == ("S1", True, 0.0625)
    (level,) = said["levels"]
    assert level["level"] == {"id": "L1", "name": "Ground floor"}
    assert level["rows"] == [[50000, 25000, 0], [12500, 6250, 0]]
    assert level["origin_m"]["coordinates"] == [2.0, 4.0]
    corners = console.target.site.frame.to_site(np.array(level["corners"]))
    assert corners == pytest.approx(np.array([(2, 4), (3.5, 4), (3.5, 5), (2, 5)]), abs=0.01)
    (area,) = level["areas"]
    assert area["properties"] == {"level": "L1", "holds": 0.95}
    assert shape(area["site_m"]).equals(RING)
    outer, hole = area["geometry"]["coordinates"][0]
    back = [console.target.site.frame.to_site(np.array(ring)) for ring in (outer, hole)]
    assert [shapely.LinearRing(ring).is_ccw for ring in back] == [True, False]
    assert shapely.Polygon(back[0], [back[1]]).area == pytest.approx(32.0, abs=0.1)


def test_a_subject_that_is_seen_has_none(
    console: Console, client: TestClient, incident: str
) -> None:
    console.runs.made[-1].publish(answer(START_S, subject("S2", at_s=START_S)))
    response = client.get(f"/v1/incidents/{incident}/search/S2")
    assert (response.status_code, response.content) == (204, b"")


def test_nobody_else_has_one_and_nobody_after_the_end(client: TestClient, incident: str) -> None:
    response = client.get(f"/v1/incidents/{incident}/search/S2")
    assert (response.status_code, slug_of(response)) == (404, "no-search-map")
    client.delete(f"/v1/incidents/{incident}")
    response = client.get(f"/v1/incidents/{incident}/search/S1")
    assert slug_of(response) == "no-search-map"


def test_it_is_for_those_who_watch(console: Console, client: TestClient, incident: str) -> None:
    for role, status in (("tactical", 200), ("system", 403), ("auditor", 403)):
        headers = console.key_of(role, role)  # type: ignore[arg-type]
        response = client.get(f"/v1/incidents/{incident}/search/S1", headers=headers)
        assert response.status_code == status
