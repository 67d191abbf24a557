"""Drafts of a floor plan: begun, saved, checked and published."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.errors import TargetError
from api.site_check import check_site
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Console, slug_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx2 import Response

DRAFTS = "/v1/sites/small/plan-drafts"


@pytest.fixture
def ines(console: Console) -> Iterator[TestClient]:
    """A client of an installer, the lifespan of the application around it."""
    bearer = console.key_of("ines", "installer")
    with TestClient(console.app, headers=bearer, raise_server_exceptions=False) as made:
        yield made


def begin(client: TestClient, how: str = "plan") -> dict[str, Any]:
    response = client.post(DRAFTS, json={"begin": how})
    assert response.status_code == 201, response.text
    draft: dict[str, Any] = response.json()
    return draft


def save(client: TestClient, draft: dict[str, Any], **changed: Any) -> Response:
    body = {key: draft[key] for key in ("version", "levels", "features")}
    return client.put(f"{DRAFTS}/{draft['draft']}", json={**body, **changed})


def saved(client: TestClient, draft: dict[str, Any], **changed: Any) -> dict[str, Any]:
    response = save(client, draft, **changed)
    assert response.status_code == 200, response.text
    after: dict[str, Any] = response.json()
    return after


def check(client: TestClient, draft: dict[str, Any]) -> dict[str, Any]:
    response = client.get(f"{DRAFTS}/{draft['draft']}/check")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def publish(client: TestClient, draft: dict[str, Any], **more: Any) -> Response:
    body = {"version": draft["version"], **more}
    return client.post(f"{DRAFTS}/{draft['draft']}/publication", json=body)


def box(x0: float, y0: float, x1: float, y1: float) -> dict[str, Any]:
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    return {"type": "Polygon", "coordinates": [ring]}


def unit(unit_id: str, shape: dict[str, Any], level: str = "L1", **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature", "id": unit_id, "feature_type": "unit", "geometry": shape,
        "properties": {"category": "classroom", "level_id": level, **more},
    }  # fmt: skip


def way(
    way_id: str, kind: str, ends: list[list[float]], level: str = "L1", **more: Any
) -> dict[str, Any]:
    return {
        "type": "Feature", "id": way_id, "feature_type": kind,
        "geometry": {"type": "LineString", "coordinates": ends},
        "properties": {"level_id": level, **more},
    }  # fmt: skip


def without(draft: dict[str, Any], *ids: str) -> list[dict[str, Any]]:
    return [feature for feature in draft["features"] if feature["id"] not in ids]


def test_a_draft_of_the_present_plan_is_sound_and_changes_nothing(
    ines: TestClient, console: Console
) -> None:
    draft = begin(ines)
    assert draft["version"] == 1
    assert (draft["created_by"], draft["cameras"], draft["outdated"]) == ("ines", 2, False)
    assert len(draft["features"]) == 7
    found = check(ines, draft)
    assert (found["ok"], found["changes"]) == (True, [])
    assert (found["reached"], found["spaces"]) == (3, 3)
    before = (console.target.folder / "site.toml").read_bytes()
    assert publish(ines, draft).status_code == 200
    assert (console.target.folder / "site.toml").read_bytes() == before


def test_what_is_published_is_the_sites_plan(ines: TestClient, console: Console) -> None:
    draft = begin(ines)
    annex = unit("annex", box(20, 4, 26, 12), name="Annex")
    door = way("annex-door", "opening", [[20, 6], [20, 7]])
    draft = saved(ines, draft, features=[*draft["features"], annex, door])
    new_door = "1 door or passage new: annex-door"
    assert check(ines, draft)["changes"] == ["1 space new: Annex", new_door]
    old = (console.target.folder / "floor_plan.geojson").read_bytes()
    response = publish(ines, draft)
    assert response.status_code == 200, response.text
    done = response.json()
    assert done["in_use"] == "in-use"
    kept = console.target.folder / done["kept"]
    assert (kept / "floor_plan.geojson").read_bytes() == old
    assert json.loads((kept / "replaced-by.json").read_text())["actor"] == "ines"
    found = check_site(console.target.folder)
    assert found.ok
    assert {space.id for space in found.site.plan.spaces} >= {"annex"} if found.site else False
    shown = ines.get("/v1/sites/small/plan").json()
    assert "annex" in {feature["id"] for feature in shown["features"]}
    [entry] = console.audited("plan-published")
    assert (entry["actor"], entry["site"], entry["draft"]) == ("ines", "small", draft["draft"])
    assert entry["sha256"] == done["sha256"]
    # the draft is now of what the site has
    again = ines.get(f"{DRAFTS}/{draft['draft']}").json()
    assert again["outdated"] is False
    assert again["published_at"] is not None


def test_levels_and_north_go_into_site_toml(ines: TestClient, console: Console) -> None:
    folder = console.target.folder
    draft = begin(ines)
    levels = [
        {"id": "L1", "name": "Ground", "ordinal": 0, "elevation_m": 0.0},
        {"id": "L2", "name": "Upstairs", "ordinal": 1, "elevation_m": 3.5},
    ]
    stairs = [
        unit("stairs", box(20, 0, 23, 4), category="stairs", name="Stairs"),
        unit("stairs-2", box(20, 0, 23, 4), level="L2", category="stairs", name="Stairs"),
        way("to-stairs", "opening", [[20, 3.2], [20, 3.8]]),
        unit("attic", box(10, 0, 20, 4), level="L2", name="Attic"),
        way("attic-door", "opening", [[20, 1], [20, 2]], level="L2"),
    ]
    features = [*without(draft, "entrance-2"), *stairs]
    draft = saved(
        ines, draft, levels=levels, features=features,
        anchor={"longitude_deg": -85.5, "latitude_deg": 39.0, "x_axis_bearing_deg": 80.0},
    )  # fmt: skip
    found = check(ines, draft)
    assert found["ok"], found["problems"]
    assert "level Upstairs (L2) is new" in found["changes"]
    assert "1 entrance removed: door 2" in found["changes"]
    assert any(text.startswith("true north: ") for text in found["changes"])
    assert publish(ines, draft).status_code == 200
    table = tomllib.loads((folder / "site.toml").read_text())
    assert [level["id"] for level in table["levels"]] == ["L1", "L2"]
    assert table["anchor"]["x_axis_bearing_deg"] == 80.0
    assert table["floor_plan"] == "floor_plan.geojson"
    assert sorted(path.name for path in folder.glob("*.geojson")) == ["floor_plan.geojson"]
    assert check_site(folder).ok


@pytest.mark.parametrize(
    ("remove", "add", "feature", "severity", "said"),
    [
        pytest.param(
            ("west-door",), [], "west", "error", "no way leads to West room", id="no door"
        ),
        pytest.param(
            (), [unit("over", box(1, 5, 3, 7), name="Over")], "west", "error",
            "overlaps 'over' by 4.00 m2", id="overlap",
        ),
        pytest.param(
            ("entrance-2",), [way("entrance-2", "entrance", [[20, 1], [20, 3]])], "entrance-2",
            "warning", "has no door number", id="no number",
        ),
        pytest.param(
            ("entrance-2",), [way("e2", "entrance", [[20, 1], [20, 3]], door_number="1")], "e2",
            "error", "is also the number of", id="number twice",
        ),
        pytest.param(
            ("west-door",), [way("west-door", "opening", [[7, 6], [8, 6]])], "west-door", "error",
            "lies on no boundary", id="door within a room",
        ),
        pytest.param(
            (), [unit("bow", {"type": "Polygon", "coordinates": [
                [[30, 0], [34, 4], [34, 0], [30, 4], [30, 0]]]})], "bow", "error",
            "crosses or touches itself", id="outline crosses itself",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is(
    ines: TestClient,
    remove: tuple[str, ...],
    add: list[dict[str, Any]],
    feature: str,
    severity: str,
    said: str,
) -> None:
    draft = begin(ines)
    draft = saved(ines, draft, features=[*without(draft, *remove), *add])
    found = check(ines, draft)
    problem = next(p for p in found["problems"] if said in p["message"])
    assert (problem["feature"], problem["severity"], problem["level"]) == (feature, severity, "L1")
    assert problem["at_m"] is not None
    assert found["ok"] is (severity == "warning")
    response = publish(ines, draft)
    if severity == "error":
        assert (response.status_code, slug_of(response)) == (409, "plan-has-errors")
    else:
        assert response.json()["warnings"] == 1


def test_a_camera_off_the_plan_is_said(ines: TestClient) -> None:
    draft = begin(ines)
    draft = saved(ines, draft, features=without(draft, "west", "west-door", "east", "east-door"))
    messages = [p["message"] for p in check(ines, draft)["problems"]]
    assert any("outside every space of level L1" in message for message in messages), messages


def test_nothing_is_written_where_the_plan_has_errors(ines: TestClient, console: Console) -> None:
    before = {p.name: p.read_bytes() for p in console.target.folder.iterdir() if p.is_file()}
    draft = begin(ines)
    draft = saved(ines, draft, features=without(draft, "west-door"))
    assert publish(ines, draft).status_code == 409
    after = {p.name: p.read_bytes() for p in console.target.folder.iterdir() if p.is_file()}
    assert after == before
    assert console.audited("plan-published") == []
    assert not (console.target.folder / "plan-versions").exists()


def test_two_people_do_not_overwrite_each_other(ines: TestClient) -> None:
    draft = begin(ines)
    first = saved(ines, draft)
    assert first["version"] == 2
    late = save(ines, draft)
    assert (late.status_code, slug_of(late)) == (409, "draft-changed")
    assert "version 2 was saved by ines" in late.json()["detail"]
    old = ines.get(f"{DRAFTS}/{draft['draft']}", params={"version": 1}).json()
    assert (old["version"], old["features"]) == (1, draft["features"])
    assert [saved["version"] for saved in first["history"]] == [1]


def test_a_plan_that_was_changed_meanwhile_is_not_replaced_unasked(
    ines: TestClient, console: Console
) -> None:
    one, other = begin(ines), begin(ines)
    assert publish(ines, saved(ines, one, features=without(one, "entrance-2"))).status_code == 200
    assert ines.get(f"{DRAFTS}/{other['draft']}").json()["outdated"] is True
    refused = publish(ines, other)
    assert (refused.status_code, slug_of(refused)) == (409, "plan-changed")
    assert publish(ines, other, replace=True).status_code == 200
    assert len(list((console.target.folder / "plan-versions").iterdir())) == 2


def test_an_agreement_in_a_folder_of_its_own_binds_the_site_still(
    ines: TestClient, console: Console
) -> None:
    folder = console.target.folder
    (folder / "terms").mkdir()
    (folder / "terms" / "memo.toml").write_text(AGREEMENT)
    text = (folder / "site.toml").read_text()
    (folder / "site.toml").write_text(
        text.replace("[anchor]", 'agreement = "terms/memo.toml"\n[anchor]')
    )
    draft = begin(ines)
    draft = saved(ines, draft, features=without(draft, "entrance-2"))
    assert check(ines, draft)["problems"] == []
    assert publish(ines, draft).status_code == 200
    assert console.services.incidents.targets["small"].terms.agreement is not None


def test_a_plan_is_not_for_those_whom_the_agreement_does_not_tell_the_cameras(
    bound: Console,
) -> None:
    bearer = bound.key_of("ines", "installer")
    with TestClient(bound.app, headers=bearer, raise_server_exceptions=False) as ines:
        for response in (ines.get(DRAFTS), ines.post(DRAFTS, json={"begin": "plan"})):
            assert (response.status_code, slug_of(response)) == (403, "not-permitted")
            assert "which cameras there are" in response.json()["detail"]


def test_an_open_incident_goes_on_with_its_plan(ines: TestClient, console: Console) -> None:
    opened = ines.post(
        "/v1/incidents",
        json={"site": "small", "kind": "exercise", "reason": "Drill"},
        headers=console.bearer,
    )
    assert opened.status_code == 201, opened.text
    draft = begin(ines)
    draft = saved(ines, draft, features=without(draft, "entrance-2"))
    assert publish(ines, draft).json()["in_use"] == "put-off"
    plan = console.services.incidents.targets["small"].site.plan
    assert len(plan.entrances) == 2
    # a draft begun now is of what was published
    assert len(begin(ines)["features"]) == 6


def test_who_publishes_hears_that_the_server_could_not_take_it_up(
    ines: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(_: object) -> None:
        raise TargetError("small: cameras/cam-01.toml: was changed meanwhile")

    monkeypatch.setattr(console.services.reloads, "_load", unable)
    response = publish(ines, begin(ines))
    assert (response.status_code, slug_of(response)) == (409, "site-has-errors")
    assert "goes on with the one before" in response.json()["detail"]


def test_drafts_are_listed_and_deleted(ines: TestClient, console: Console) -> None:
    one, other = begin(ines), begin(ines, "empty")
    assert other["features"] == []
    assert [level["id"] for level in other["levels"]] == ["L1"]
    listed = ines.get(DRAFTS).json()["drafts"]
    assert {draft["draft"] for draft in listed} == {one["draft"], other["draft"]}
    assert ines.delete(f"{DRAFTS}/{one['draft']}").status_code == 204
    gone = ines.get(f"{DRAFTS}/{one['draft']}")
    assert (gone.status_code, slug_of(gone)) == (404, "draft-not-found")
    assert len(list((console.state / "plan-drafts" / "small").iterdir())) == 1


@pytest.mark.parametrize("draft", ["..", "%2e%2e", "0" * 16, "draft.json", "..%2fsmall"])
def test_no_other_path_is_a_draft(ines: TestClient, draft: str) -> None:
    begin(ines)
    assert ines.get(f"{DRAFTS}/{draft}").status_code == 404


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"features": [{"id": "a"}]}, "feature 'a'.feature_type"),
        ({"features": [unit("a", box(0, 0, 1, 1), colour="red")]}, "properties.colour"),
        ({"features": [unit("a", box(0, 0, 1, 1))] * 2}, "used twice"),
        ({"features": [unit("a b", box(0, 0, 1, 1))]}, "is no id"),
        ({"levels": []}, "levels"),
        ({"levels": [{"id": "L1", "name": "A", "ordinal": 0, "elevation_m": 0.0}] * 2}, "twice"),
        ({"anchor": {"longitude_deg": 999, "latitude_deg": 0, "x_axis_bearing_deg": 0}}, "anchor"),
    ],
)
def test_what_is_no_feature_is_not_saved(
    ines: TestClient, changed: dict[str, Any], said: str
) -> None:
    response = save(ines, begin(ines), **changed)
    assert response.status_code == 422
    assert said in response.json()["detail"]


@pytest.mark.parametrize("role", ["dispatcher", "tactical", "analyst", "auditor", "system"])
def test_only_installers_draw_plans(console: Console, stranger: TestClient, role: Any) -> None:
    bearer = console.key_of(f"some-{role}", role)
    for response in (
        stranger.get(DRAFTS, headers=bearer),
        stranger.post(DRAFTS, json={}, headers=bearer),
        stranger.put(f"{DRAFTS}/x/levels/L1/picture?version=1", content=b"x", headers=bearer),
    ):
        assert (response.status_code, slug_of(response)) == (403, "forbidden")
    assert stranger.get(DRAFTS).status_code == 401


def test_an_installer_of_another_site_sees_nothing(console: Console, stranger: TestClient) -> None:
    bearer = console.key_of("omar", "installer", sites=("elsewhere",))
    assert stranger.get(DRAFTS, headers=bearer).status_code == 404


def test_a_disk_that_is_full_leaves_the_site_as_it_was(
    ines: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = begin(ines)
    draft = saved(ines, draft, features=without(draft, "entrance-2"))
    before = (console.target.folder / "floor_plan.geojson").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.plan_publishing._write", full)
    assert publish(ines, draft).status_code == 503
    assert (console.target.folder / "floor_plan.geojson").read_bytes() == before
    [entry] = console.audited("plan-not-written")
    assert "No space left" in entry["reason"]


@pytest.mark.parametrize("stops_at", [1, 2, 3, 4])
def test_whatever_stops_it_the_site_loads(
    ines: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch, stops_at: int
) -> None:
    draft = begin(ines)
    levels = [{"id": "G", "name": "Ground", "ordinal": 0, "elevation_m": 0.0}]
    features = [
        {**f, "properties": {**f["properties"], "level_id": "G"}} for f in draft["features"]
    ]
    for camera in (console.target.folder / "cameras").iterdir():
        camera.unlink()  # they are of the level that goes
    draft = saved(ines, draft, levels=levels, features=features)
    assert check(ines, draft)["ok"]
    from api.whole_files import write_whole

    written: list[str] = []

    def stopping(path: Any, content: bytes) -> None:
        if "plan-versions" not in path.parts:
            written.append(path.name)
            if len(written) == stops_at:
                raise OSError(28, "No space left on device")
        write_whole(path, content)

    monkeypatch.setattr("api.plan_publishing.write_whole", stopping)
    assert publish(ines, draft).status_code == 503
    assert check_site(console.target.folder).ok
