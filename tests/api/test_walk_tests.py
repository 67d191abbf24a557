"""A walk test over the API: somebody of the recording walks straight, and is placed on the line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.api.replayed import Clock, slug_of
from tests.api.surveyed_drill import corners_in_view, survey_console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.replayed import Console

WALKS = "/v1/sites/quiet/cameras/cam-01/walk-tests"
# Somebody crosses the lobby on a straight line between 67 and 73 s.
WALK = {"places": [[1.43, 10.49], [9.47, 10.44]], "from_s": 66.5, "seconds": 7.5}


@pytest.fixture
def drill(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    made = survey_console(tmp_path, clock, boxes=True)
    yield made
    made.record.store.close()


@pytest.fixture
def ina(drill: Console) -> Iterator[TestClient]:
    """An installer at the drill."""
    key = drill.key_of("ina", "installer")
    with TestClient(drill.app, headers=key, raise_server_exceptions=False) as made:
        yield made


def over(client: TestClient, begun: dict[str, Any]) -> dict[str, Any]:
    """A walk test once it is over."""
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        told: dict[str, Any] = client.get(f"{WALKS}/{begun['id']}").json()
        if told["state"] in {"done", "failed", "stopped"}:
            return told
        time.sleep(0.05)
    raise AssertionError(f"still {told['state']}")


def test_the_true_camera_puts_the_walker_on_the_line(drill: Console, ina: TestClient) -> None:
    response = ina.post(WALKS, json=WALK)
    assert response.status_code == 201, response.text
    told = over(ina, response.json())
    assert (told["state"], told["problem"]) == ("done", "")
    assert told["people"] >= 1
    result = told["result"]
    assert result["median_m"] < 0.2
    assert result["p95_m"] < 0.5
    assert result["covered"] > 0.8
    assert result["worst_m"] == pytest.approx(max(step[3] for step in result["path"]), abs=0.01)
    [entry] = drill.audited("survey-permitted")
    assert (entry["purpose"], entry["seconds"]) == ("walk test", 7.5)


def test_a_worse_fit_shows_before_it_is_saved(drill: Console, ina: TestClient) -> None:
    good = over(ina, ina.post(WALKS, json=WALK).json())["result"]
    camera = drill.target.site.cameras["cam-01"]
    xyz_m = corners_in_view(drill.target.site, camera)
    px, _ = camera.model.to_image(xyz_m)
    shifted = xyz_m + np.array([0.0, 0.8, 0.0])  # everything 0.8 m too far up the plan
    points = [{"pixel": p.tolist(), "metres": m.tolist()} for p, m in zip(px, shifted, strict=True)]
    begun = ina.post(WALKS, json={**WALK, "by": {"points": points}}).json()
    told = over(ina, begun)["result"]
    assert told["shift_m"][1] - good["shift_m"][1] == pytest.approx(0.8, abs=0.15)
    assert told["median_m"] > good["median_m"] + 0.4


def test_where_nobody_walks_it_says_so(drill: Console, ina: TestClient) -> None:
    body = {**WALK, "places": [[1.0, 8.0], [2.0, 12.0], [9.0, 8.0]], "seconds": 3.0}
    told = over(ina, ina.post(WALKS, json=body).json())
    assert (told["state"], told["result"]) == ("failed", None)
    assert "nobody was seen walking" in told["problem"]


def test_what_is_wrong_is_refused(drill: Console, ina: TestClient) -> None:
    assert slug_of(ina.post(WALKS, json={**WALK, "places": [[1, 2]]})) == "invalid-request"
    assert slug_of(ina.post(WALKS, json={**WALK, "by": {"points": []}})) == "points-fix-nothing"
    assert slug_of(ina.get(f"{WALKS}/none")) == "walk-test-not-found"
    assert slug_of(ina.post(WALKS, json=WALK, headers=drill.bearer)) == "forbidden"
    assert drill.audited("survey-permitted") == []
