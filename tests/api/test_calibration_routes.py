"""Calibrating a camera over the API: looking, fitting, saving, comparing, going back."""

from __future__ import annotations

import threading
import time
import tomllib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from calibration.camera_loading import reference_file
from calibration.site import load_site
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Clock, build_console, opened_by, slug_of
from tests.api.surveyed_drill import corners_in_view, floor_error_m, spread_out, survey_console
from tests.rtsp import USER, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.api.replayed import Console

CAMERA = "/v1/sites/quiet/cameras/cam-01"


@pytest.fixture
def drill(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    made = survey_console(tmp_path, clock)
    yield made
    made.record.store.close()


@pytest.fixture
def ina(drill: Console) -> Iterator[TestClient]:
    """An installer at the drill."""
    key = drill.key_of("ina", "installer")
    with TestClient(drill.app, headers=key, raise_server_exceptions=False) as made:
        yield made


def clicks(drill: Console, *, count: int = 16, noise_px: float = 0.7) -> list[dict[str, Any]]:
    """Points of cam-01, clicked a pixel beside (root mean square of the distance)."""
    site = drill.target.site
    camera = site.cameras["cam-01"]
    xyz_m = corners_in_view(site, camera)
    px, _ = camera.model.to_image(xyz_m)
    rows = spread_out(xyz_m, px, count)
    px = px + np.random.default_rng(3).normal(0, noise_px, px.shape)
    return [
        {"pixel": px[row].round(1).tolist(), "metres": xyz_m[row].tolist(), "name": f"p{k}"}
        for k, row in enumerate(rows)
    ]


def saved(client: TestClient, points: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    body = {"points": points, "based_on": None, **more}
    response = client.post(f"{CAMERA}/versions", json=body)
    assert response.status_code == 201, response.text
    told: dict[str, Any] = response.json()
    return told


def camera_file(drill: Console) -> str:
    return (drill.target.folder / "cameras" / "cam-01.toml").read_text()


def picture_of(jpeg: bytes) -> NDArray[np.int16]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.int16)


def test_clicks_become_the_calibration_of_the_next_incident(
    drill: Console, ina: TestClient
) -> None:
    truth = drill.target.site
    points = clicks(drill)
    fit = ina.post(f"{CAMERA}/fit", json={"points": points}).json()["fit"]
    assert fit["measured"]
    assert max(point["off_m"] for point in fit["points"]) < 0.3
    assert all(point["believed"] for point in fit["points"])
    assert len(fit["overlay"]["grid_px"]) > 8
    assert len(fit["overlay"]["horizon_px"]) >= 2
    assert "cam-01.toml" not in str(fit)
    assert camera_file(drill) == (truth.folder / "cameras" / "cam-01.toml").read_text()

    told = saved(ina, points, note="first survey")
    assert (told["use"], told["version"]["number"], told["comments_kept"]) == ("in-use", 2, True)
    for site in (load_site(drill.target.folder), drill.services.incidents.targets["quiet"].site):
        off_m = floor_error_m(truth, truth.cameras["cam-01"], site.cameras["cam-01"].model)
        assert np.median(off_m) < 0.06
        assert np.percentile(off_m, 95) < 0.1
    [entry] = drill.audited("calibration-saved")
    assert entry.items() >= {"camera": "cam-01", "version": 2, "actor": "ina"}.items()
    now = ina.get(CAMERA).json()
    assert now["version"] == 2
    assert [p["name"] for p in now["points"]] == [p["name"] for p in points]


def test_versions_are_kept_compared_and_restored(drill: Console, ina: TestClient) -> None:
    before = camera_file(drill)
    points = clicks(drill)
    saved(ina, points)
    worse = [{**point, "pixel": [point["pixel"][0] + 6, point["pixel"][1]]} for point in points]
    saved(ina, worse, based_on=2)
    listed = ina.get(f"{CAMERA}/versions").json()["versions"]
    assert [(v["number"], v["saved_by"], v["current"]) for v in listed] == [
        (3, "ina", True), (2, "ina", False), (1, "", False),
    ]  # fmt: skip
    told = ina.get(f"{CAMERA}/versions/2/comparison?with=3").json()
    assert 0.02 < told["moved"]["median_m"] < 1.0
    assert told["moved"]["arrows_m"]
    answer = ina.post(f"{CAMERA}/versions/1/restoration", json={"based_on": 3})
    assert answer.status_code == 201, answer.text
    assert answer.json()["version"]["restored_from"] == 1
    # It is again what it was, but for the order of its tables.
    assert tomllib.loads(camera_file(drill)) == tomllib.loads(before)
    assert ina.get(f"{CAMERA}/versions/9/comparison?with=3").status_code == 404
    assert slug_of(ina.post(f"{CAMERA}/versions/9/restoration", json={"based_on": 4})) == (
        "version-not-found"
    )
    folder = drill.target.folder / "cameras" / "versions" / "cam-01"
    assert sorted(path.name for path in folder.iterdir()) == [f"{n}.toml" for n in (1, 2, 3, 4)]


def test_who_began_from_another_calibration_is_told(drill: Console, ina: TestClient) -> None:
    points = clicks(drill)
    saved(ina, points)
    again = ina.post(f"{CAMERA}/versions", json={"points": points, "based_on": None})
    assert (again.status_code, slug_of(again)) == (409, "calibration-changed")
    assert "version 2 now" in again.json()["detail"]
    path = drill.target.folder / "cameras" / "cam-01.toml"
    path.write_text(path.read_text().replace('name = "Lobby"', 'name = "Foyer"'))
    assert ina.get(CAMERA).json()["version"] == 2  # its calibration is what it was
    path.write_text(path.read_text().replace("k1 = -0.1", "k1 = -0.09"))
    assert ina.get(CAMERA).json()["version"] is None
    told = saved(ina, points)
    assert told["version"]["number"] == 4  # what was changed by hand was kept as 3
    assert "Foyer" in path.read_text()


def test_no_password_is_copied_and_a_mode_stays(drill: Console, ina: TestClient) -> None:
    path = drill.target.folder / "cameras" / "cam-01.toml"
    address = 'address = "rtsp://user:secret-word@10.0.0.5/stream1"'
    path.write_text(path.read_text().replace('level = "L1"', f'level = "L1"\n{address}'))
    path.chmod(0o600)
    saved(ina, clicks(drill))
    assert address in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    for version in path.parent.glob("versions/**/*.toml"):
        assert "secret-word" not in version.read_text()


def test_an_open_incident_keeps_what_it_began_with(drill: Console, ina: TestClient) -> None:
    incident = opened_by(
        TestClient(drill.app, headers=drill.bearer),
        {"drill": "quiet", "kind": "exercise", "reason": "practice"},
    )
    told = saved(ina, clicks(drill))
    assert told["use"] == "put-off"
    assert ina.get(CAMERA).json()["put_off"]
    ina.delete(f"/v1/incidents/{incident}", headers=drill.bearer)
    drill.services.reloads.tick()
    assert not ina.get(CAMERA).json()["put_off"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda points: points[:3], "3 points do not fix a camera"),
        (lambda points: [{**p, "metres": [k, 2.0]} for k, p in enumerate(points)], "on one line"),
        (lambda points: [*points, points[0]], "the same"),
        (lambda points: [{**p, "used": k < 3} for k, p in enumerate(points)], "3 points do not"),
        (
            lambda points: [{**p, "metres": [-p["metres"][0], p["metres"][1]]} for p in points],
            "mirror image",
        ),
    ],
    ids=["three", "one line", "twice", "set aside", "mirrored"],
)
def test_a_bad_set_is_refused_with_the_reason(
    drill: Console, ina: TestClient, change: Any, why: str
) -> None:
    points = change([p for p in clicks(drill) if p["metres"][2] == 0.0])
    told = ina.post(f"{CAMERA}/fit", json={"points": points}).json()
    assert told["fit"] is None
    assert why in told["refusal"]
    before = camera_file(drill)
    refused = ina.post(f"{CAMERA}/versions", json={"points": points, "based_on": None})
    assert (refused.status_code, slug_of(refused)) == (422, "points-fix-nothing")
    assert camera_file(drill) == before
    assert drill.audited("calibration-saved") == []


def test_a_misread_point_is_named(drill: Console, ina: TestClient) -> None:
    points = clicks(drill)
    points[4]["metres"][0] += 1.5
    fit = ina.post(f"{CAMERA}/fit", json={"points": points}).json()["fit"]
    assert [k for k, point in enumerate(fit["points"]) if not point["believed"]] == [4]
    assert "contradicts the others" in fit["points"][4]["suspect"]


def test_the_lens_is_fitted_where_it_is_a_guess(drill: Console, ina: TestClient) -> None:
    truth = drill.target.site.cameras["cam-01"].model.lens
    body = {
        "points": clicks(drill, count=14, noise_px=0.3),
        "lens": {"fx": truth.fx * 1.06, "fy": truth.fy * 1.06, "k1": 0.0},
        "refine_lens": True,
    }
    fit = ina.post(f"{CAMERA}/fit", json=body).json()["fit"]
    assert fit["lens"]["fx"] == pytest.approx(truth.fx, rel=0.02)
    assert fit["lens"]["k1"] == pytest.approx(truth.k1, abs=0.03)


def test_a_floor_can_be_mapped_without_a_known_lens(drill: Console, ina: TestClient) -> None:
    points = [p for p in clicks(drill) if p["metres"][2] == 0.0]
    told = saved(ina, points, way="homography")
    assert told["version"]["way"] == "homography"
    table = tomllib.loads(camera_file(drill))
    assert "homography" in table
    assert "landmarks" not in table
    assert len(ina.get(CAMERA).json()["points"]) == len(points)


def test_a_drill_shows_its_recording(drill: Console, ina: TestClient) -> None:
    pictures = []
    for at_s in (0.0, 60.0, 9999.0):
        response = ina.post(f"{CAMERA}/still", json={"at_s": at_s})
        assert response.headers["content-type"] == "image/jpeg"
        pictures.append(picture_of(response.content))
    assert [picture.shape for picture in pictures] == [(360, 640, 3)] * 3
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.2
    told = drill.audited("survey-permitted")
    assert [(e["camera"], e["purpose"], e["recorded"]) for e in told] == [
        ("cam-01", "calibration still", True)
    ] * 3
    saved(ina, clicks(drill))
    assert (drill.target.folder / "cameras" / reference_file("cam-01")).exists()
    saved(ina, clicks(drill), based_on=2, recognise=False)
    assert not (drill.target.folder / "cameras" / reference_file("cam-01")).exists()


def test_a_live_camera_is_shown_as_the_agreement_says(tmp_path: Path, clock: Clock) -> None:
    survey = '\n[survey]\nroles = ["principal"]\ninterior = true\n'
    console = build_console(tmp_path, clock, agreement=AGREEMENT + survey)
    try:
        ina = console.key_of("ina", "installer", acts_as="principal")
        sam = console.key_of("sam", "installer", acts_as="officer")
        with TestClient(console.app, raise_server_exceptions=False) as client:
            path = "/v1/sites/small/cameras/cam-01"
            refused = client.post(f"{path}/still", json={}, headers=sam)
            assert slug_of(refused) == "not-permitted"
            assert console.audited("survey-refused", "survey-permitted") == []  # not told of any
            told = client.get(path, headers=ina).json()
            assert (told["refusal"], told["recording"]) == ("", None)
            shown = client.post(f"{path}/still", json={}, headers=ina)
            assert slug_of(shown) == "camera-shows-nothing"  # it has no address
            [entry] = console.audited("survey-permitted")
            assert entry["purpose"] == "calibration still"
    finally:
        console.record.store.close()


def test_a_file_of_a_camera_is_shown_as_a_still(tmp_path: Path) -> None:
    drill = survey_console(tmp_path / "drill", time.time)
    video = drill.target.folder / "video" / "cam-01.mp4"
    survey = '\n[survey]\nroles = ["principal"]\ninterior = true\n'
    made = build_console(tmp_path, time.time, agreement=AGREEMENT + survey)
    made.record.store.close()
    path = tmp_path / "small" / "cameras" / "cam-01.toml"
    path.write_text(path.read_text().replace('level = "L1"', f'level = "L1"\naddress = "{video}"'))
    console = build_console(tmp_path, time.time)
    try:
        ina = console.key_of("ina", "installer", acts_as="principal")
        client = TestClient(console.app, headers=ina, raise_server_exceptions=False)
        shown = client.post("/v1/sites/small/cameras/cam-01/still", json={})
        assert shown.status_code == 200, shown.text
        assert picture_of(shown.content).shape == (360, 640, 3)
    finally:
        console.record.store.close()
        drill.record.store.close()


def test_others_are_kept_out(drill: Console, ina: TestClient) -> None:
    far = drill.key_of("far", "installer", sites=("elsewhere",))
    for headers, status in ((drill.bearer, 403), (far, 404)):
        for method, path in (("GET", ""), ("GET", "/cam-01"), ("POST", "/cam-01/still")):
            url = f"/v1/sites/quiet/cameras{path}"
            answer = ina.request(method, url, headers=headers, json={})
            assert answer.status_code == status, (method, path)
    assert slug_of(ina.get("/v1/sites/quiet/cameras/cam-9")) == "camera-not-found"
    listed = ina.get("/v1/sites/quiet/cameras").json()["cameras"]
    assert [camera["id"] for camera in listed] == ["cam-01", "cam-02", "cam-04", "cam-05"]


@pytest.mark.rtsp
@pytest.mark.parametrize(("password", "status"), [("right%20horse", 200), ("wrong", 409)])
def test_a_still_of_a_live_camera_leaves_nothing_open(
    tmp_path: Path, rtsp_server: Server, password: str, status: int
) -> None:
    survey = '\n[survey]\nroles = ["principal"]\ninterior = true\n'
    build_console(tmp_path, time.time, agreement=AGREEMENT + survey).record.store.close()
    path = tmp_path / "small" / "cameras" / "cam-01.toml"
    address = f"rtsp://{USER}:{password}@127.0.0.1:{rtsp_server.digest_port}/h264"
    path.write_text(
        path.read_text().replace('level = "L1"', f'level = "L1"\naddress = "{address}"')
    )
    console = build_console(tmp_path, time.time)
    try:
        ina = console.key_of("ina", "installer", acts_as="principal")
        client = TestClient(console.app, headers=ina, raise_server_exceptions=False)
        before = {thread.name for thread in threading.enumerate()}
        shown = client.post("/v1/sites/small/cameras/cam-01/still", json={})
        assert shown.status_code == status, shown.text
        if status == 200:
            assert picture_of(shown.content).size
            assert abs(float(shown.headers["captured-at"]) - time.time()) < 20
        else:
            assert slug_of(shown) == "camera-shows-nothing"
            assert password not in shown.text
        assert "feed cam-01" not in {thread.name for thread in threading.enumerate()} - before
        assert [e["action"] for e in console.audited("survey-permitted")] == ["survey-permitted"]
    finally:
        console.record.store.close()
