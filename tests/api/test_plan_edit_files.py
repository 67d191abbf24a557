"""What is brought to a draft of a floor plan: pictures, pages, archives, and what is none."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from api.errors import UploadError
from api.plan_reading import read_picture
from api.site_check import check_site
from api.site_export import export_site
from calibration.export_imdf import PostalAddress
from calibration.underlay import Placement
from tests.api.replayed import START_S, Console, slug_of
from tests.calibration.drawn_house import DrawnHouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

DRAFTS = "/v1/sites/small/plan-drafts"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 300">{}</svg>'


@pytest.fixture
def ines(console: Console) -> Iterator[TestClient]:
    """A client of an installer, the lifespan of the application around it."""
    bearer = console.key_of("ines", "installer")
    with TestClient(console.app, headers=bearer, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def draft(ines: TestClient) -> dict[str, Any]:
    made: dict[str, Any] = ines.post(DRAFTS, json={"begin": "empty"}).json()
    return made


def packed(kind: str = "PNG", size: tuple[int, int] = (400, 300), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


def pages(count: int) -> bytes:
    file = io.BytesIO()
    first, *more = [Image.new("RGB", (200 + 100 * i, 150), "white") for i in range(count)]
    first.save(file, "PDF", save_all=True, append_images=more)
    return file.getvalue()


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password, as the standard security handler (revision 2) does."""
    parts = [
        b"1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n",
        b"2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj\n",
        b"3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>> endobj\n",
        b"4 0 obj <</Filter/Standard/V 1/R 2/Length 40/P -4/O<" + b"11" * 32
        + b">/U<" + b"22" * 32 + b">>> endobj\n",
    ]  # fmt: skip
    body, places = b"%PDF-1.4\n", []
    for part in parts:
        places.append(len(body))
        body += part
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    ids = b"/ID[<" + b"33" * 16 + b"><" + b"33" * 16 + b">]"
    return (
        body + b"xref\n0 5\n0000000000 65535 f \n" + table
        + b"trailer <</Size 5/Root 1 0 R/Encrypt 4 0 R" + ids + b">>\nstartxref\n"
        + str(len(body)).encode() + b"\n%%EOF\n"
    )  # fmt: skip


def huge_png() -> bytes:
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    side = (60_000).to_bytes(4, "big")
    head = chunk(b"IHDR", side + side + bytes([1, 0, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def lay(client: TestClient, draft: dict[str, Any], data: bytes, **more: Any) -> Response:
    return client.put(
        f"{DRAFTS}/{draft['draft']}/levels/L1/picture",
        params={"version": draft["version"], **more},
        content=data,
        headers={"Content-Type": "application/octet-stream"},
    )


def scale(client: TestClient, draft: dict[str, Any], **measured: Any) -> Response:
    body = {"version": draft["version"], "points_px": [[100, 200], [300, 200]], **measured}
    return client.put(f"{DRAFTS}/{draft['draft']}/levels/L1/scale", json=body)


def bring(client: TestClient, draft: dict[str, Any], data: bytes) -> Response:
    return client.post(
        f"{DRAFTS}/{draft['draft']}/import",
        params={"version": draft["version"]},
        content=data,
        headers={"Content-Type": "application/octet-stream"},
    )


@pytest.mark.parametrize(
    ("data", "page", "media_type", "size_px"),
    [
        pytest.param(packed(), 1, "image/png", [400, 300], id="png"),
        pytest.param(packed(mode="LA"), 1, "image/png", [400, 300], id="transparent png"),
        pytest.param(packed(mode="I;16"), 1, "image/png", [400, 300], id="16 bits"),
        pytest.param(packed("JPEG"), 1, "image/jpeg", [400, 300], id="jpeg"),
        pytest.param(packed("JPEG", mode="CMYK"), 1, "image/jpeg", [400, 300], id="cmyk"),
        pytest.param(pages(2), 1, "image/png", [556, 417], id="first page"),
        pytest.param(pages(2), 2, "image/png", [834, 417], id="second page"),
        pytest.param(SVG.format("").encode(), 1, "image/svg+xml", [400, 300], id="svg"),
        pytest.param(packed(size=(8000, 6000), mode="1"), 1, "image/png", [5657, 4243], id="large"),
    ],
)
def test_pictures(
    ines: TestClient,
    draft: dict[str, Any],
    data: bytes,
    page: int,
    media_type: str,
    size_px: list[int],
) -> None:
    response = lay(ines, draft, data, page=page)
    assert response.status_code == 200, response.text
    [picture] = response.json()["pictures"]
    assert (picture["media_type"], picture["measured"]) == (media_type, False)
    assert picture["size_px"] == pytest.approx(size_px, abs=2)
    assert picture["placement"]["metres_per_pixel"] == pytest.approx(60 / picture["size_px"][0])
    shown = ines.get(f"{DRAFTS}/{draft['draft']}/levels/L1/picture")
    assert shown.headers["content-type"] == media_type
    assert "sandbox" in shown.headers["content-security-policy"]
    if media_type != "image/svg+xml":
        assert Image.open(io.BytesIO(shown.content)).mode in {"L", "RGB"}  # nothing transparent


def test_a_drawing_is_shown_without_what_runs(ines: TestClient, draft: dict[str, Any]) -> None:
    drawing = SVG.format('<script>alert(1)</script><a href="http://x.example"><rect/></a><path/>')
    assert lay(ines, draft, drawing.encode()).status_code == 200
    shown = ines.get(f"{DRAFTS}/{draft['draft']}/levels/L1/picture").text
    assert "script" not in shown
    assert "x.example" not in shown
    assert "path" in shown


BOMB = b"""<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1">&b;</svg>"""


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        pytest.param(b"", {}, "the file is empty", id="empty"),
        pytest.param(b"MZ\x90\x00 program", {}, "of a kind that is not known", id="program"),
        pytest.param(b"PK\x03\x04 zip", {}, "a zip archive; a picture of a plan is", id="zip"),
        pytest.param(packed()[:90], {}, "the PNG picture is damaged", id="half a png"),
        pytest.param(packed("JPEG")[:300], {}, "the JPEG picture is damaged", id="half a jpeg"),
        pytest.param(huge_png(), {}, "larger than 150,000,000 pixels", id="huge png"),
        pytest.param(packed(), {"page": 2}, "a picture has one page", id="page of a picture"),
        pytest.param(pages(2), {"page": 3}, "the PDF has 2 pages, no page 3", id="no such page"),
        pytest.param(pages(1)[:200], {}, "the PDF is damaged", id="half a pdf"),
        pytest.param(encrypted_pdf(), {}, "the PDF is encrypted", id="encrypted pdf"),
        pytest.param(BOMB, {}, "declares entities", id="entities"),
        pytest.param(
            BOMB.decode().replace('<?xml version="1.0"?>', "").encode("utf-16"), {},
            "declares entities", id="entities in utf-16",
        ),
        pytest.param(b"<svg><open>", {}, "is not valid XML", id="half an svg"),
        pytest.param(b"<html></html>", {}, "its outermost element is 'html'", id="a page"),
        pytest.param(
            SVG.format("<g>" * 20_000 + "</g>" * 20_000).encode(), {}, "nested too deeply",
            id="deep svg",
        ),
        pytest.param(
            b'<svg xmlns="http://www.w3.org/2000/svg"/>', {}, "tells no width", id="no size"
        ),
    ],
)  # fmt: skip
def test_pictures_that_are_refused(
    ines: TestClient, draft: dict[str, Any], data: bytes, more: dict[str, Any], said: str
) -> None:
    response = lay(ines, draft, data, **more)
    assert (response.status_code, slug_of(response)) == (422, "plan-file-refused"), response.text
    assert said in response.json()["detail"]
    assert ines.get(f"{DRAFTS}/{draft['draft']}").json()["version"] == 1


def test_a_file_may_be_large_but_not_endless(ines: TestClient, draft: dict[str, Any]) -> None:
    noise = io.BytesIO()
    Image.effect_noise((700, 700), 90).save(noise, "PNG")  # far more than other requests may have
    assert len(noise.getvalue()) > 200_000
    draft = lay(ines, draft, noise.getvalue()).json()
    endless = lay(ines, draft, b"\x89PNG\r\n\x1a\n" + bytes(64 * 1024 * 1024))
    assert (endless.status_code, slug_of(endless)) == (413, "request-too-large")
    small = ines.post(DRAFTS, content=b" " * 70_000, headers={"Content-Type": "application/json"})
    assert small.status_code == 413


def test_a_level_that_is_not_there(ines: TestClient, draft: dict[str, Any]) -> None:
    response = ines.put(f"{DRAFTS}/{draft['draft']}/levels/L9/picture?version=1", content=packed())
    assert (response.status_code, slug_of(response)) == (404, "level-not-found")
    none = ines.get(f"{DRAFTS}/{draft['draft']}/levels/L1/picture")
    assert (none.status_code, slug_of(none)) == (404, "no-plan-picture")


def test_scale_north_and_publication(
    ines: TestClient, draft: dict[str, Any], console: Console
) -> None:
    draft = lay(ines, draft, packed()).json()
    guessed = ines.get(f"{DRAFTS}/{draft['draft']}/check").json()["problems"]
    assert any("has no scale" in problem["message"] for problem in guessed)
    # 200 pixels are 10 m, the picture's right-hand side lies to the south
    response = scale(ines, draft, distance_m=10.0, bearing_deg=180.0, axes="picture")
    assert response.status_code == 200, response.text
    draft = response.json()
    [picture] = draft["pictures"]
    assert picture["measured"]
    assert picture["placement"]["metres_per_pixel"] == pytest.approx(0.05)
    assert draft["anchor"]["x_axis_bearing_deg"] == 180.0
    assert picture["to_site"][0] == pytest.approx([0.05, 0, 0.025])
    for camera in (console.target.folder / "cameras").iterdir():
        camera.unlink()
    room = {
        "type": "Feature", "id": "hall", "feature_type": "unit",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [20, 0], [20, 15], [0, 15],
                                                         [0, 0]]]},
        "properties": {"category": "lobby", "level_id": "L1"},
    }  # fmt: skip
    door = {
        "type": "Feature", "id": "d1", "feature_type": "entrance",
        "geometry": {"type": "LineString", "coordinates": [[0, 5], [0, 6]]},
        "properties": {"level_id": "L1", "door_number": "1"},
    }  # fmt: skip
    body = {"version": draft["version"], "levels": draft["levels"], "features": [room, door]}
    draft = ines.put(f"{DRAFTS}/{draft['draft']}", json=body).json()
    done = ines.post(f"{DRAFTS}/{draft['draft']}/publication", json={"version": draft["version"]})
    assert done.status_code == 200, done.text
    assert "a picture lies under level L1" in done.json()["changes"]
    found = check_site(console.target.folder)
    assert found.ok
    assert found.site is not None
    [underlay] = found.site.underlays
    assert underlay.placement.to_site(underlay.corners_m()) is not None
    assert underlay.corners_m()[2].tolist() == pytest.approx([20, 0])


def test_what_is_drawn_goes_with_its_picture(ines: TestClient, draft: dict[str, Any]) -> None:
    draft = scale(ines, lay(ines, draft, packed()).json(), distance_m=10.0).json()
    wall = {
        "type": "Feature", "id": "w", "feature_type": "wall",
        "geometry": {"type": "LineString", "coordinates": [[4, 3], [8, 3]]},
        "properties": {"level_id": "L1"},
    }  # fmt: skip
    body = {"version": draft["version"], "levels": draft["levels"], "features": [wall]}
    before = ines.put(f"{DRAFTS}/{draft['draft']}", json=body).json()
    after = scale(ines, before, distance_m=20.0, carry=True).json()

    def on_picture(draft: dict[str, Any]) -> Any:
        table = draft["pictures"][0]["placement"]
        placement = Placement(
            table["metres_per_pixel"], table["rotation_deg"], tuple(table["origin_px"]),
            tuple(table["origin_m"]),
        )  # fmt: skip
        import numpy as np

        return placement.to_pixels(np.array(draft["features"][0]["geometry"]["coordinates"], float))

    assert on_picture(after) == pytest.approx(on_picture(before), abs=0.01)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        ({}, "give one of distance_m, places_m"),
        ({"distance_m": 5, "places_m": [[0, 0], [1, 1]]}, "give one of"),
        ({"places_m": [[0, 0], [1, 1]], "bearing_deg": 3}, "two places tell the direction"),
        ({"distance_m": 5, "bearing_deg": 3, "north_px": [[0, 0], [0, 9]]}, "not both"),
        ({"distance_m": 5, "north_px": [[4, 4], [4, 4]]}, "the two points are the same"),
        ({"distance_m": 5000}, "a pixel would be 25 m wide"),
        ({"distance_m": 5, "points_px": [[4, 4], [4, 4]]}, "the two points are the same"),
        ({"places_deg": [[39, -85.5], [39.0001, -85.5]]}, "more than 10 km"),
    ],
)
def test_scales_that_are_refused(
    ines: TestClient, draft: dict[str, Any], measured: dict[str, Any], said: str
) -> None:
    draft = lay(ines, draft, packed()).json()
    response = scale(ines, draft, **measured)
    assert (response.status_code, slug_of(response)) == (422, "scale-refused"), response.text
    assert said in response.json()["detail"]


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def imdf_of(site: Path, into: Path) -> bytes:
    from datetime import UTC, datetime

    export_site(site, into, PostalAddress("Town"), datetime.fromtimestamp(START_S, UTC))
    return into.read_bytes()


def test_an_imdf_archive_comes_in(
    ines: TestClient, draft: dict[str, Any], console: Console, tmp_path: Path
) -> None:
    response = bring(ines, draft, imdf_of(console.target.folder, tmp_path / "small.zip"))
    assert response.status_code == 200, response.text
    after = response.json()
    assert {feature["id"] for feature in after["features"]} >= {"west", "east", "entrance-1"}
    assert ines.get(f"{DRAFTS}/{draft['draft']}/check").json()["ok"]


def test_an_indoor_map_comes_in(ines: TestClient, draft: dict[str, Any]) -> None:
    response = bring(ines, draft, zipped(**DrawnHouse().files()))
    assert response.status_code == 200, response.text
    after = response.json()
    assert len(after["levels"]) == 2
    assert any("every storey is taken to be 3.5 m" in note for note in after["notes"])


def test_geojson_comes_in(ines: TestClient, draft: dict[str, Any]) -> None:
    def square(x: float) -> dict[str, Any]:
        ring = [[x, 39.0], [x + 1e-4, 39.0], [x + 1e-4, 39.0001], [x, 39.0001], [x, 39.0]]
        return {"type": "Polygon", "coordinates": [ring]}

    features: list[dict[str, Any]] = [
        {"type": "Feature", "id": "L1", "feature_type": "level", "geometry": square(-85.5),
         "properties": {"ordinal": 0, "name": {"en": "Ground"}}},
        {"type": "Feature", "id": "r1", "feature_type": "unit", "geometry": square(-85.5),
         "properties": {"level_id": "L1", "category": "room", "name": {"en": "Room 1"}}},
    ]  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": features})
    after = bring(ines, draft, text.encode())
    assert after.status_code == 200, after.text
    assert [f["properties"].get("name") for f in after.json()["features"]] == ["Ground", "Room 1"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(packed(), "a PNG picture; a plan is", id="a picture"),
        pytest.param(b"PK\x03\x04 broken", "is no zip archive", id="half a zip"),
        pytest.param(zipped(**{"a.txt": b"x"}), "holds no .json", id="nothing in it"),
        pytest.param(
            zipped(**{"../../etc/plan.json": b"{}"}),
            "plan.json: features: is missing", id="paths that lead out are names only",
        ),
        pytest.param(zipped(**{"a/u.json": b"{}", "b/u.json": b"{}"}), "twice", id="twice"),
        pytest.param(b"{ not json", "is not valid JSON", id="no json"),
        pytest.param(b'{"a":' * 100_000, "nested too deeply", id="deep json"),
        pytest.param(b'{"type": "FeatureCollection", "features": []}', "no feature", id="no plan"),
        pytest.param(
            b'{"type": "FeatureCollection", "lastseen": {"schema": 1, "coordinates": '
            b'"site-metres"}, "features": []}', "", id="site metres",
        ),
    ],
)  # fmt: skip
def test_plans_that_are_refused(
    ines: TestClient, draft: dict[str, Any], data: bytes, said: str
) -> None:
    response = bring(ines, draft, data)
    assert (response.status_code, slug_of(response)) == (422, "plan-file-refused"), response.text
    assert said in response.json()["detail"]
    assert "/tmp" not in response.json()["detail"]  # noqa: S108 - nothing of the server is told


def test_a_zip_that_grows_is_refused(ines: TestClient, draft: dict[str, Any]) -> None:
    bomb = zipped(**{"unit.geojson": bytes(300 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    response = bring(ines, draft, bomb)
    assert response.status_code == 422
    assert "holds 300 MiB; a plan has 256 at most" in response.json()["detail"]


@pytest.mark.parametrize(
    ("program", "patience_s", "said"),
    [
        pytest.param("/bin/false", 10.0, "the file cannot be read", id="the reader dies"),
        pytest.param("/bin/sleep", 0.2, "could not be read within", id="it takes too long"),
    ],
)
def test_a_reader_that_breaks_breaks_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, patience_s: float, said: str
) -> None:
    stand_in = tmp_path / "reader"
    stand_in.write_text(f"#!/bin/sh\nexec {program} 5\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr("api.plan_reading.sys.executable", str(stand_in))
    monkeypatch.setattr("api.plan_reading._PATIENCE_S", patience_s)
    with pytest.raises(UploadError, match=said):
        read_picture(packed())


def test_a_reader_has_bounds() -> None:
    """In a process of its own, or the bounds would hold for the tests."""
    program = (
        "import resource; from api.plan_reading_child import bound; bound()\n"
        "print(*(resource.getrlimit(of)[0] for of in (resource.RLIMIT_AS, resource.RLIMIT_CPU)))\n"
        "bytearray(4 * 2**30)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert run.stdout.split() == [str(3 * 2**30), "75"]
    assert "MemoryError" in run.stderr
