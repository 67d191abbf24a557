"""A site that was changed while the server runs is used as it is now from the next incident on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.actors import Actor
from api.errors import TargetError
from api.gate import Activation
from tests.api.replayed import opened_by

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.api.replayed import Console

EXERCISE = {"site": "small", "kind": "exercise", "reason": "practice"}
DANA = Actor("dana", "dispatcher", "dispatcher")


def rename_camera(console: Console, name: str) -> None:
    path = console.target.folder / "cameras" / "cam-02.toml"
    path.write_text(path.read_text().replace("Corridor", name))


def camera_name(console: Console) -> str:
    return console.services.incidents.targets["small"].site.cameras["cam-02"].name


def test_a_changed_camera_is_used_from_the_next_incident_on(
    console: Console, client: TestClient
) -> None:
    rename_camera(console, "Hall")
    assert camera_name(console) == "Corridor"
    assert console.services.reload("small") == "in-use"
    assert camera_name(console) == "Hall"
    listed = client.get("/v1/sites").json()["sites"][0]["cameras"]
    assert "Hall" in [camera["name"] for camera in listed]
    incident = console.services.incidents.get(opened_by(client, EXERCISE))
    assert incident is not None
    assert incident.target.site.cameras["cam-02"].name == "Hall"


def test_a_change_waits_for_the_end_of_an_incident(console: Console, client: TestClient) -> None:
    services = console.services
    incident = services.incidents.get(opened_by(client, EXERCISE))
    assert incident is not None
    rename_camera(console, "Hall")
    assert services.reload("small") == "put-off"
    services.reloads.tick()
    assert camera_name(console) == "Corridor"
    assert services.reloads.is_put_off("small")
    services.incidents.close(incident, DANA, reason="over")
    services.reloads.tick()
    assert camera_name(console) == "Hall"
    assert not services.reloads.is_put_off("small")


def test_a_change_with_problems_leaves_what_was_loaded(
    console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    services = console.services
    path = console.target.folder / "cameras" / "cam-02.toml"
    path.write_text(path.read_text().replace('level = "L1"', 'level = "L9"'))
    with pytest.raises(TargetError, match="unknown level 'L9'"):
        services.reload("small")
    assert camera_name(console) == "Corridor"
    services.reloads._waiting.add("small")
    services.reloads.tick()
    assert not services.reloads.is_put_off("small")
    assert "is used as it was loaded before" in caplog.text


def test_whoever_asks_with_the_target_of_before_gets_the_new_one(console: Console) -> None:
    services = console.services
    before = services.incidents.targets["small"]
    rename_camera(console, "Hall")
    services.reload("small")
    activation = Activation("exercise", "small", "dana", "practice")
    incident = services.incidents.open(activation, before, DANA)
    assert incident.target.site.cameras["cam-02"].name == "Hall"
    services.incidents.close(incident, DANA, reason="over")


def test_nothing_is_added_by_reloading(console: Console) -> None:
    with pytest.raises(KeyError):
        console.services.reload("elsewhere")
