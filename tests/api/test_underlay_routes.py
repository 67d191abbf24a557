"""The picture under a level of the plan, over the API, and what the plan says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from api.site_underlay import UnderlayRequest, lay_under
from calibration.answer import Answer
from tests.api.replayed import START_S, Console, answer, build_console, slug_of, subject, write_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.api.replayed import Clock

DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 120">
<script>alert(1)</script><rect width="200" height="120" onclick="alert(2)"/></svg>"""


@pytest.fixture(params=["ground.png", "ground.svg"])
def drawn(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Console]:
    """An application over a site with a picture of 200 x 120 at 0.1 m a pixel under its level."""
    site = write_site(tmp_path / "small")
    picture = tmp_path / request.param
    if picture.suffix == ".png":
        Image.new("L", (200, 120), 255).save(picture)
    else:
        picture.write_text(DRAWING)
    lay_under(UnderlayRequest(site, picture, "L1", metres_per_pixel=0.1))
    made = build_console(tmp_path, clock)
    yield made
    made.record.store.close()


def test_the_plan_says_where_the_picture_lies(drawn: Console) -> None:
    client = TestClient(drawn.app, headers=drawn.bearer)
    (told,) = client.get("/v1/sites/small/plan").json()["lastseen"]["underlays"]
    assert (told["level"], told["picture"]) == ("L1", "/v1/sites/small/underlays/L1")
    left, top, right, bottom = told["box_px"]
    to_site = np.array(told["to_site"])
    assert to_site @ (left, bottom, 1.0) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert to_site @ (right, top, 1.0) == pytest.approx((20.0, 12.0), abs=1e-6)


def test_the_picture_comes_without_scripts(drawn: Console) -> None:
    client = TestClient(drawn.app, headers=drawn.bearer)
    response = client.get("/v1/sites/small/underlays/L1")
    assert response.status_code == 200
    assert response.headers["content-type"] in {"image/png", "image/svg+xml"}
    assert "sandbox" in response.headers["content-security-policy"]
    assert b"alert" not in response.content
    if response.headers["content-type"] == "image/png":
        assert response.content.startswith(b"\x89PNG")
    else:
        assert b"<rect" in response.content


def test_it_is_for_those_who_may_see_plans(drawn: Console) -> None:
    client = TestClient(drawn.app)
    path = "/v1/sites/small/underlays/L1"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=drawn.key_of("tess", "tactical")).status_code == 200
    assert client.get(path, headers=drawn.key_of("audrey", "auditor")).status_code == 403


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/v1/sites/small/underlays/L9", "underlay-not-found"),
        ("/v1/sites/none/underlays/L1", "site-not-found"),
    ],
)
def test_what_is_not_there_is_said(drawn: Console, path: str, slug: str) -> None:
    response = TestClient(drawn.app, headers=drawn.bearer).get(path)
    assert (response.status_code, slug_of(response)) == (404, slug)


def test_a_picture_that_was_taken_away_is_said(drawn: Console) -> None:
    (underlay,) = drawn.target.site.underlays
    underlay.path.unlink()
    response = TestClient(drawn.app, headers=drawn.bearer).get("/v1/sites/small/underlays/L1")
    assert (response.status_code, slug_of(response)) == (404, "underlay-not-found")
    assert "cannot be shown any more" in response.json()["detail"]


def test_the_answer_tells_the_square_and_where_officers_arrive(
    console: Console, client: TestClient
) -> None:
    body = {"site": "small", "kind": "exercise", "reason": "drill"}
    incident = client.post("/v1/incidents", json=body).json()["incident"]
    said = answer(
        START_S, subject(at_s=START_S), subject("S2", at_s=START_S, rank=2, xy_m=(90.0, 2.0))
    )
    console.runs.made[-1].publish(said)
    told = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert [one["grid"] for one in told["subjects"]] == ["A2", None]
    assert told["arrival"] is None
    there = Answer(said.at_s, said.subjects, said.entrances, said.text, said.times, (-12.0, 4.0))
    console.runs.made[-1].publish(there)
    told = client.get(f"/v1/incidents/{incident}/last-seen").json()
    assert told["arrival"]["site_m"]["coordinates"] == [-12.0, 4.0]
