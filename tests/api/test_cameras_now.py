"""The cameras to look at, as the location API tells them, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.brief import MOST_CAMERAS, brief
from api.examples import LAST_SEEN
from tests.api.agreed import AGREEMENT
from tests.api.replayed import answer, build_console, opened_by, slug_of, subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.actors import Role
    from tests.api.replayed import Clock, Console

REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "Shots",
}


@pytest.fixture
def bound(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    made = build_console(tmp_path, clock, agreement=AGREEMENT)
    for target in made.services.incidents.targets.values():
        target.prepared.prepare()
    yield made
    made.record.store.close()


@pytest.fixture
def incident(bound: Console, clock: Clock) -> str:
    """A real incident: the first subject in the west room, another in the corridor."""
    client = TestClient(bound.app)
    client.headers.update(bound.key_of("dora", "dispatcher", acts_as="dispatcher"))
    made = opened_by(client, REAL)
    now_s = clock()
    bound.runs.made[0].say(
        answer(
            now_s,
            subject(at_s=now_s),
            subject("S2", at_s=now_s, rank=2, xy_m=(10.0, 2.0), cameras=("cam-02",)),
        )
    )
    return made


def asked(bound: Console, role: Role, acts_as: str) -> TestClient:
    client = TestClient(bound.app)
    client.headers.update(bound.key_of(f"{role}-{acts_as}", role, acts_as=acts_as))
    return client


def test_dispatchers_are_told_where_to_look(bound: Console, incident: str) -> None:
    client = asked(bound, "dispatcher", "dispatcher")
    said = client.get(f"/v1/incidents/{incident}/last-seen").json()
    first, second = said["cameras_now"]
    assert (first["id"], first["name"], first["sight"]) == ("cam-01", "West room", "sees")
    assert (second["id"], second["sight"]) == ("cam-02", "next")
    assert 0.0 < second["soonest_s"] < second["walk_s"]
    of_other = client.get(f"/v1/incidents/{incident}/subjects/S2/cameras").json()
    assert [one["id"] for one in of_other["cameras"]] == ["cam-02", "cam-01"]
    assert (of_other["subject"], of_other["exercise"]) == ("S2", False)


def test_officers_are_not(bound: Console, incident: str) -> None:
    client = asked(bound, "tactical", "officer")
    assert client.get(f"/v1/incidents/{incident}/last-seen").json()["cameras_now"] == []
    of_first = client.get(f"/v1/incidents/{incident}/subjects/S1/cameras").json()
    assert of_first["cameras"] == []


def test_a_subject_that_nobody_knows(bound: Console, incident: str) -> None:
    client = asked(bound, "dispatcher", "dispatcher")
    response = client.get(f"/v1/incidents/{incident}/subjects/S9/cameras")
    assert (response.status_code, slug_of(response)) == (404, "subject-not-found")


def test_a_brief_answer_has_the_first_subject_and_the_best_door(
    bound: Console, incident: str
) -> None:
    client = asked(bound, "dispatcher", "dispatcher")
    whole = client.get(f"/v1/incidents/{incident}/last-seen").json()
    short = client.get(f"/v1/incidents/{incident}/last-seen?brief=true")
    said = short.json()
    assert len(short.content) < 2600
    assert said["text"] == whole["text"]
    assert [one["id"] for one in said["subjects"]] == ["S1"]
    assert [one["door_number"] for one in said["entrances"]] == ["1"]
    assert said["entrances"][0]["steps"] == whole["entrances"][0]["steps"]
    assert said["cameras_now"] == whole["cameras_now"]


def test_brief_leaves_out_what_is_long() -> None:
    many = LAST_SEEN.model_copy(update={"cameras_now": LAST_SEEN.cameras_now * 3})
    said = brief(many)
    (first,) = said.subjects
    assert (first.trail, first.search, first.evidence, first.reasons) == (None, None, None, ())
    assert len(said.cameras_now) == MOST_CAMERAS
    nobody = LAST_SEEN.model_copy(update={"subjects": (), "entrances": ()})
    assert brief(nobody).subjects == ()
