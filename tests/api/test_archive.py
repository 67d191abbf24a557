"""What is kept: it comes back as it was, or it is told that it does not; and who may see it."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request
from sqlalchemy import delete, update
from starlette.testclient import TestClient

from api import archive_routes
from api.actors import Actor
from api.audit import Audit
from api.errors import AuditError, NotPermittedError
from api.kept_records import KeptPicture, KeptRecord, LostRecord, NewRecord
from api.problems import install_problem_handlers
from api.record_readers import PER_READER, Readers
from api.store_tables import RECORDS
from tests.api.kept_incident import AUDITOR, CHIEF, DAY_S, PRINCIPAL, START_S, Kept, kept_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.responses import Response

    from api.store import Store

PICTURE = KeptPicture("cam-02", 7, START_S + 0.25, 0.88, b"\xff\xd8\n\x00picture\xff\xd9")


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Kept:
    return kept_in(store, tmp_path / "state")


def test_records_come_back_in_order_as_they_were(kept: Kept) -> None:
    kept.opened("i1")
    assert kept.archive.keep("i1", "sighting", START_S + 0.1, b"{}") == 1
    more = [
        NewRecord("evidence", START_S + 0.25, PICTURE.as_data()),
        NewRecord("confirmation", 5, b'{"by": "\xc3\xbc"}'),
    ]
    assert list(kept.archive.keep_many("i1", more)) == [2, 3]
    assert list(kept.archive.keep_many("i1", [])) == []
    assert list(kept.archive.read("i1")) == [
        KeptRecord(1, "sighting", START_S + 0.1, b"{}"),
        KeptRecord(2, "evidence", START_S + 0.25, PICTURE.as_data()),
        KeptRecord(3, "confirmation", 5.0, b'{"by": "\xc3\xbc"}'),
    ]
    assert [r.number for r in kept.archive.read("i1", after=2)] == [3]
    assert kept.archive.record("i1", 4) is None
    assert kept.archive.count("i1") == 3
    assert kept.archive.size_of("i1") == sum(len(sealed) for sealed in kept.sealed("i1"))


def test_nothing_is_readable_in_the_database(kept: Kept) -> None:
    kept.opened("i1")
    kept.archive.keep("i1", "sighting", START_S, b"last seen in Room 104")
    assert all(b"Room" not in sealed for sealed in kept.sealed("i1"))


def test_a_picture_comes_back_from_its_record() -> None:
    assert KeptPicture.from_data(PICTURE.as_data()) == PICTURE
    assert PICTURE.as_data().startswith(b'{"camera": "cam-02", "track": 7,')
    for data, said in (
        (b"", "Expecting value"),
        (b"\xff\xd8\n", "decode byte"),
        (b'{"camera": "c"}\n\xff', "does not say what the picture is"),
    ):
        with pytest.raises(ValueError, match=said):
            KeptPicture.from_data(data)


CHANGED = "does not open: it was changed or moved"


def change_a_byte(kept: Kept) -> dict[str, Any]:
    sealed = bytearray(kept.sealed("i1")[1])
    sealed[-1] ^= 1
    return {"sealed": bytes(sealed)}


@pytest.mark.parametrize(
    "values",
    [
        change_a_byte,
        lambda kept: {"sealed": kept.sealed("i1")[0]},  # another record in its place
        lambda kept: {"sealed": kept.sealed("i2")[1]},  # of another incident
        lambda _: {"sealed": b""},
        lambda _: {"kind": "confirmation"},
        lambda _: {"at_s": START_S + 1.000001},
        lambda _: {"number": 17},
    ],
    ids=["a byte", "swapped", "of another incident", "emptied", "kind", "time", "number"],
)
def test_a_record_that_was_changed_or_moved_does_not_open(
    kept: Kept, values: Callable[[Kept], dict[str, Any]]
) -> None:
    for incident in ("i1", "i2"):
        kept.opened(incident)
        for number in range(3):
            kept.archive.keep(incident, "sighting", START_S + number, b"the same")
    changes = values(kept)
    row = (RECORDS.c.incident == "i1", RECORDS.c.number == 2)
    with kept.store.writing() as connection:
        connection.execute(update(RECORDS).where(*row).values(changes))
    found = list(kept.archive.read("i1"))
    number = changes.get("number", 2)
    assert LostRecord(number, number, CHANGED) in found
    assert [r.number for r in found if isinstance(r, KeptRecord)] == [1, 3]
    assert kept.archive.record("i1", number) == LostRecord(number, number, CHANGED)


def test_a_gap_in_the_numbers_is_told(kept: Kept) -> None:
    kept.opened("i1")
    kept.archive.keep_many("i1", [NewRecord("sighting", START_S, b"{}")] * 230)
    with kept.store.writing() as connection:
        for low, high in ((1, 1), (100, 101), (150, 205)):
            gap = RECORDS.c.number.between(low, high)
            connection.execute(delete(RECORDS).where(RECORDS.c.incident == "i1", gap))
    found = list(kept.archive.read("i1"))
    lost = [r for r in found if isinstance(r, LostRecord)]
    assert [(r.number, r.last) for r in lost] == [(1, 1), (100, 101), (150, 205)]
    assert all("missing" in r.why for r in lost)
    assert len(found) == 230 - 59 + 3
    assert kept.archive.keep("i1", "sighting", START_S, b"{}") == 231  # no number comes twice


def test_without_its_key_no_record_opens_and_none_is_added(kept: Kept) -> None:
    kept.closed("i1")
    kept.keys.destroy_incident("i1")
    why = "does not open: its key is destroyed"
    assert list(kept.archive.read("i1")) == [LostRecord(1, 1, why), LostRecord(2, 2, why)]
    with pytest.raises(NotPermittedError, match="its key is destroyed"):
        kept.archive.keep("i1", "sighting", START_S, b"{}")
    assert kept.keys.incident("i1") is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"retention_days": None}, "no agreement says"),
        ({"closed_s": START_S, "purged_s": START_S}, "it was purged at 2026-03-02 09:00:00 UTC"),
    ],
)
def test_nothing_is_kept_without_an_agreement_or_after_the_purge(
    kept: Kept, values: dict[str, Any], said: str
) -> None:
    kept.opened("i1")
    assert kept.archive.keeps("i1")
    kept.set("i1", **values)
    assert not kept.archive.keeps("i1")
    with pytest.raises(NotPermittedError, match=said):
        kept.archive.keep("i1", "sighting", START_S, b"{}")
    assert kept.sealed("i1") == []
    assert kept.keys.incident("i1") is None
    with pytest.raises(NotPermittedError, match="no such incident"):
        kept.archive.keep("other", "sighting", START_S, b"{}")


def test_threads_never_take_the_same_number(kept: Kept) -> None:
    kept.opened("i1")
    numbers: list[int] = []
    two = [NewRecord("sighting", START_S, b"{}")] * 2

    def keep() -> None:
        for _ in range(10):
            numbers.extend(kept.archive.keep_many("i1", two))

    threads = [threading.Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 81))
    assert all(isinstance(record, KeptRecord) for record in kept.archive.read("i1"))


def test_the_overview_says_until_when(kept: Kept) -> None:
    kept.opened("open")
    kept.closed("closed", retention_days=0.5)
    kept.closed("held")
    kept.set("held", hold="case 7", from_s=START_S + 5.0)
    kept.opened("exercise without agreement", retention_days=None)
    found = {one.incident: one for one in kept.archive.incidents()}
    assert list(found) == ["held", "closed", "open"]
    assert found["open"].purge_s is found["held"].purge_s is None
    assert found["closed"].purge_s == START_S + 600.0 + 0.5 * DAY_S
    assert found["held"].hold == "case 7"
    assert (found["closed"].records, found["open"].records) == (2, 0)
    assert found["closed"].bytes == kept.archive.size_of("closed") > 0
    assert kept.archive.about("none") is None


class Reader:
    """The routes, asked by whoever `actor` is."""

    def __init__(self, kept: Kept) -> None:
        self.actor: Actor = AUDITOR
        app = FastAPI()
        app.state.services = SimpleNamespace(
            archive=kept.archive,
            retention=kept.retention,
            audit=kept.audit,
            readers=Readers(),
            clock=lambda: START_S + 7200.0,
        )
        install_problem_handlers(app)
        app.include_router(archive_routes.router)

        @app.middleware("http")
        async def recognise(
            request: Request, go_on: Callable[[Request], Awaitable[Response]]
        ) -> Response:
            request.state.actor = self.actor
            return await go_on(request)

        self.app = app
        self.client = TestClient(app, raise_server_exceptions=False)

    def get(self, path: str) -> Any:
        return self.client.get(f"/v1/archive{path}")


@pytest.fixture
def reader(kept: Kept) -> Reader:
    kept.closed("i1")
    kept.archive.keep("i1", "evidence", START_S + 0.25, PICTURE.as_data())
    return Reader(kept)


def test_an_auditor_reads_and_the_audit_has_it(kept: Kept, reader: Reader) -> None:
    [about] = reader.get("").json()["incidents"]
    assert (about["incident"], about["records"], about["hold"]) == ("i1", 3, None)
    assert about["purge_at"] == "2026-04-01T09:10:00Z"
    assert kept.told() == []  # an overview shows nothing of what was seen

    read = reader.get("/i1").json()
    assert [r["kind"] for r in read["records"]] == ["sighting", "confirmation", "evidence"]
    assert read["records"][0]["said"] == {"text": "Room 104"}
    assert read["records"][2]["picture"] == {
        "camera": "cam-02",
        "track": 7,
        "captured_at": "2026-03-02T09:00:00.250000Z",
        "score": 0.88,
    }
    assert (read["lost"], read["next_after"]) == ([], None)
    assert [(e["action"], e["actor"], e["incident"]) for e in kept.told()] == [
        ("kept-records-read", "ada", "i1")
    ]

    picture, message = reader.get("/i1/3"), reader.get("/i1/1")
    assert (picture.headers["content-type"], picture.content) == ("image/jpeg", PICTURE.jpeg)
    assert message.json() == {"text": "Room 104"}
    shown = [(e["number"], e["kind"]) for e in kept.told("kept-record-shown")]
    assert shown == [(3, "evidence"), (1, "sighting")]


def test_a_long_record_is_read_in_pages_with_its_gaps(kept: Kept, reader: Reader) -> None:
    with kept.store.writing() as connection:
        connection.execute(delete(RECORDS).where(RECORDS.c.number == 2))
    first = reader.get("/i1?most=2").json()
    assert [r["number"] for r in first["records"]] == [1]
    assert [(r["first"], r["last"]) for r in first["lost"]] == [(2, 2)]
    second = reader.get(f"/i1?most=2&after={first['next_after']}").json()
    assert [r["number"] for r in second["records"]] == [3]
    assert (second["lost"], second["next_after"]) == ([], None)


def test_what_the_audit_cannot_have_is_not_given(
    kept: Kept, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AuditError("the disk is full")

    monkeypatch.setattr(Audit, "append", fail)
    for path in ("/i1", "/i1/1", "/i1/3"):
        answer = reader.get(path)
        assert (answer.status_code, b"Room" in answer.content) == (503, False)
    assert (
        reader.client.request("PUT", "/v1/archive/i1/hold", json={"reason": "x"}).status_code == 503
    )
    assert kept.grant("i1").hold is None


@pytest.mark.parametrize(
    ("actor", "status"),
    [
        (PRINCIPAL, 403),
        (CHIEF, 403),
        (Actor("ada", "auditor", "auditor", sites=frozenset({"south"})), 404),
        (Actor("ada", "auditor", "auditor", sites=frozenset({"north"})), 200),
    ],
)
def test_who_may_read(kept: Kept, reader: Reader, actor: Actor, status: int) -> None:
    reader.actor = actor
    assert [reader.get(path).status_code for path in ("/i1", "/i1/1")] == [status, status]
    if status == 404:
        assert reader.get("").json()["incidents"] == []
    assert bool(kept.told()) is (status == 200)


def test_holding_by_the_api(kept: Kept, reader: Reader) -> None:
    def ask(method: str, reason: str | None = "case 7") -> int:
        body = None if reason is None else {"reason": reason}
        return reader.client.request(method, "/v1/archive/i1/hold", json=body).status_code

    reader.actor = CHIEF
    assert (ask("PUT"), ask("DELETE", None)) == (403, 403)
    assert len(kept.told("hold-refused")) == 2
    reader.actor = PRINCIPAL  # may not read, but the agreement lets them hold
    assert (ask("PUT", " "), ask("PUT", "a\0b"), ask("PUT")) == (422, 422, 204)
    assert kept.grant("i1").hold == "case 7"
    reader.actor = AUDITOR
    assert (ask("DELETE", None), ask("DELETE", None)) == (204, 403)
    assert kept.grant("i1").hold is None


def test_whoever_may_not_hold_learns_nothing_of_a_purge(kept: Kept, reader: Reader) -> None:
    """Nor does a holder whom the agreement does not tell for how long things are kept, of when."""
    kept.closed("i2", hold_by=("principal", "officer"))
    kept.retention.purge("i2", by="root", reason="asked", now_s=START_S + 7200.0)
    officer = Actor("olga", "tactical", "officer", by="session")
    for actor, status, told in ((CHIEF, 403, False), (officer, 410, False), (PRINCIPAL, 410, True)):
        reader.actor = actor
        for answer in (
            reader.client.put("/v1/archive/i2/hold", json={"reason": "case 7"}),
            reader.client.delete("/v1/archive/i2/hold"),
        ):
            assert (answer.status_code, "2026-03-02" in answer.text) == (status, told), actor
    assert [(e["asked"], e["reason"]) for e in kept.told("hold-refused")] == [
        ("hold", "case 7"),
        ("release", None),
    ]


def test_the_archive_is_looked_at_only_so_often(reader: Reader) -> None:
    for _ in range(PER_READER.most - 1):
        assert reader.get("/i1").status_code == 200
    assert reader.client.delete("/v1/archive/i1/hold").status_code == 403  # counts as well
    refused = reader.get("")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert refused.json()["type"] == "urn:lastseen:problem:too-many-requests"
    assert reader.client.delete("/v1/archive/i1/hold").status_code == 429
    reader.actor = Actor("abe", "auditor", "auditor")
    assert reader.get("").status_code == 200


def test_what_is_not_there_says_so(kept: Kept, reader: Reader) -> None:
    assert reader.get("/none").status_code == 404
    assert reader.get("/i1/4").json()["type"] == "urn:lastseen:problem:record-not-found"
    assert reader.get(f"/i1/{10**30}").status_code == 422
    with kept.store.writing() as connection:
        connection.execute(update(RECORDS).where(RECORDS.c.number == 1).values(sealed=b"x"))
    assert reader.get("/i1/1").json()["type"] == "urn:lastseen:problem:record-lost"
    kept.retention.purge("i1", by="root", reason="the court released it", now_s=START_S + 7200.0)
    for answer in (
        reader.get("/i1"),
        reader.get("/i1/1"),
        reader.client.put("/v1/archive/i1/hold", json={"reason": "too late"}),
        reader.client.delete("/v1/archive/i1/hold"),
    ):
        assert answer.status_code == 410
        assert answer.json()["type"] == "urn:lastseen:problem:purged"
        assert "2026-03-02 11:00:00 UTC" in answer.json()["detail"]
    assert reader.get("").json()["incidents"][0]["purged_at"] == "2026-03-02T11:00:00Z"


def test_the_api_document_has_an_example_for_each(reader: Reader) -> None:
    paths = reader.app.openapi()["paths"]
    assert len(paths) == 4
    for methods in paths.values():
        for about in methods.values():
            content = about["responses"].get("200", {}).get("content", {"": {"example": 1}})
            assert all("example" in one for one in content.values())
