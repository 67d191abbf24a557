"""The record by the API: who is told what of it, how often, and what it costs everybody else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from sqlalchemy import func, update
from starlette.testclient import TestClient

from api import verdicts as verdicts_module
from api.checkpoints import verify_all
from api.record_readers import PER_READER
from api.store_tables import AGREEMENTS, AUDIT, CHECKPOINTS
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, Clock, Console, build_console, opened_by, serving, slug_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.audit_chain import Broken, Head

REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots near cam-01",
}
DAY_S = 86_400.0


@pytest.fixture
def client(bound: Console) -> Iterator[TestClient]:
    with TestClient(bound.app, headers=bound.bearer, raise_server_exceptions=False) as made:
        yield made


def opened(client: TestClient, **changed: object) -> str:
    return opened_by(client, {**REAL, **changed})


def test_the_whole_audit_is_for_auditors_only(client: TestClient, bound: Console) -> None:
    """It has the cameras and the days that disclosure records keep from others."""
    opened(client)
    pat = bound.key_of("pat", "school-administrator", acts_as="principal")
    auditor = bound.key_of("aud", "auditor")
    for path in ("/v1/audit", "/v1/audit/verdict"):
        refused = client.get(path, headers=pat)
        assert (refused.status_code, slug_of(refused)) == (403, "forbidden")
        assert "for auditors" in refused.json()["detail"]
        assert "cam-01" not in refused.text
        assert client.get(path, headers=auditor).status_code == 200
    assert [entry["actor"] for entry in bound.audited("audit-read")] == ["aud"]


def told(client: TestClient, incident: str, key: dict[str, str]) -> Any:
    response = client.get(f"/v1/incidents/{incident}/disclosure", headers=key)
    assert response.status_code == 200, response.text
    return response.json()


def purged(client: TestClient, bound: Console, clock: Clock) -> str:
    incident = opened(client)
    client.delete(f"/v1/incidents/{incident}")
    clock.now_s += 31 * DAY_S
    bound.services.housekeeping.tick(clock())
    assert len(bound.audited("purged")) == 1
    return incident


def test_a_record_hides_what_the_agreement_keeps_from_a_role(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    incident = purged(client, bound, clock)
    # Who acts as officer is told neither cameras nor retention, an auditor whoever they act as.
    sam = bound.key_of("sam", "school-administrator", acts_as="officer")
    less = told(client, incident, sam)
    assert (less["cameras_hidden"], less["retention_hidden"]) == (True, True)
    assert less["whole"] is True
    assert (less["purged_at"], less["kept"]) == (None, [])
    assert "cam-0" not in json.dumps(less)
    for word in ("days", "purge", "2026-04"):
        assert word not in json.dumps([less["kept"], less["steps"], less["because"]]), word
    of_the_end = {entry["seq"] for entry in bound.audited("purge-begun", "purged")}
    assert len(of_the_end) == 2
    assert not of_the_end & set(less["entries"])
    for key in (
        bound.key_of("pat", "school-administrator", acts_as="principal"),
        bound.key_of("aud", "auditor", acts_as="officer"),
    ):
        record = told(client, incident, key)
        assert (record["cameras_hidden"], record["retention_hidden"]) == (False, False)
        assert record["cameras"] == ["cam-01", "cam-02"]
        assert "30 days" in json.dumps(record["kept"])
        assert record["purged_at"].startswith("2026-04-02")


def test_the_terms_are_those_that_it_was_decided_under(
    tmp_path: Path, clock: Clock, database_url: str | None
) -> None:
    """A later agreement that tells more, or less, says nothing of what was before it."""
    before = build_console(tmp_path, clock, agreement=AGREEMENT, database_url=database_url)
    with TestClient(before.app, headers=before.bearer) as client:
        incident = opened(client)
        client.delete(f"/v1/incidents/{incident}")
    before.record.store.close()
    open_to_all = AGREEMENT.replace(
        'facts = ["retention", "camera-count", "camera-places"]', "facts = []"
    )
    (tmp_path / "small" / "agreement.toml").write_text(open_to_all)
    console = build_console(tmp_path, clock, database_url=database_url)
    sam = console.key_of("sam", "school-administrator", acts_as="officer")
    pat = console.key_of("pat", "school-administrator", acts_as="principal")
    aud = console.key_of("aud", "auditor")
    with TestClient(console.app) as client:

        def cameras(key: dict[str, str]) -> list[str]:
            found: list[str] = told(client, incident, key)["cameras"]
            return found

        assert [len(cameras(key)) for key in (sam, pat, aud)] == [0, 2, 2]
        # Where the terms are not those that were hashed, nobody is told by them.
        with console.record.store.writing() as connection:
            terms = console.target.terms.agreement
            assert terms is not None
            said = terms.model_dump(mode="json", by_alias=True)
            connection.execute(update(AGREEMENTS).values(terms=said))
        assert [len(cameras(key)) for key in (sam, pat, aud)] == [0, 0, 2]
    console.record.store.close()


@pytest.mark.parametrize("refused", [False, True])
def test_a_refused_request_and_an_exercise_have_records(
    client: TestClient, bound: Console, refused: bool
) -> None:
    if refused:
        asked = {**REAL, "emergency": "food-fight", "reason": "at cam-01"}
        assert client.post("/v1/incidents", json=asked).status_code == 403
        [entry] = bound.audited("grant-refused")
        incident = entry["incident"]
    else:
        incident = opened(client, kind="exercise")
    pat = bound.key_of("pat", "school-administrator", acts_as="principal")
    assert told(client, incident, pat)["cameras_hidden"] is False
    sam = bound.key_of("sam", "school-administrator", acts_as="officer")
    assert told(client, incident, sam)["cameras_hidden"] is True


def test_by_a_bent_entry_nobody_is_told_more(client: TestClient, bound: Console) -> None:
    incident = opened(client)
    sam = bound.key_of("sam", "school-administrator", acts_as="officer")
    line = func.replace(AUDIT.c.line, '"agreement":{', '"agreement":null,"was":{')
    with bound.record.store.writing() as connection:
        connection.execute(update(AUDIT).where(AUDIT.c.action == "grant-opened").values(line=line))
    record = told(client, incident, sam)
    assert (record["whole"], record["cameras_hidden"], record["cameras"]) == (False, True, [])


def test_what_is_not_theirs_looks_like_what_is_not_there(
    client: TestClient, bound: Console
) -> None:
    incident = opened(client)
    far = bound.key_of("far", "auditor", sites=("other",))

    def answer(wanted: str) -> Any:
        response = client.get(f"/v1/incidents/{wanted}/disclosure", headers=far)
        assert response.status_code == 404
        said: dict[str, Any] = response.json()
        return {key: str(value).replace(wanted, "ID") for key, value in said.items()}

    assert answer(incident) == answer("20260302-090000-00000000")
    assert bound.audited("disclosure-read") == []


def test_a_bent_checkpoint_is_a_verdict_and_no_failure(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    bound.record.checkpoints.sign(clock())
    bent = func.replace(CHECKPOINTS.c.document, '"hash": "', '"hash": "0')
    with bound.record.store.writing() as connection:
        connection.execute(update(CHECKPOINTS).values(document=bent))
    auditor = bound.key_of("aud", "auditor")
    response = client.get("/v1/audit/verdict", headers=auditor)
    assert response.status_code == 200, response.text
    verdict = response.json()
    assert (verdict["whole"], verdict["checkpoint"]) == (False, None)
    assert "no entry" in verdict["what"]


def test_a_verdict_names_the_newest_checkpoint(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    signed = bound.record.checkpoints.sign(clock())
    verdict = client.get("/v1/audit/verdict", headers=bound.key_of("aud", "auditor")).json()
    assert verdict["checkpoint"] == signed.document()
    assert (verdict["public_key"], verdict["other_keys"]) == (signed.public_key, [])
    assert verdict["entries"] == bound.record.audit.head().seq


def test_that_a_verdict_was_asked_for_is_told_once_a_minute(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    keys = [bound.key_of(name, "auditor") for name in ("aud", "ada")]
    for after_s in (0, 30, 59, 60):
        clock.now_s = START_S + after_s
        for key in keys:
            assert client.get("/v1/audit/verdict", headers=key).json()["whole"] is True
    assert sorted(entry["actor"] for entry in bound.audited("audit-verified")) == [
        "ada", "ada", "aud", "aud",
    ]  # fmt: skip


def test_the_record_is_looked_at_only_so_often(
    client: TestClient, bound: Console, clock: Clock
) -> None:
    auditor = bound.key_of("aud", "auditor")
    incident = opened(client)
    paths = (
        "/v1/audit",
        "/v1/audit/verdict",
        f"/v1/incidents/{incident}/disclosure",
        "/v1/archive",
    )
    statuses = [
        client.get(paths[n % len(paths)], headers=auditor).status_code
        for n in range(PER_READER.most + 4)
    ]
    assert statuses == [200] * PER_READER.most + [429] * 4
    refused = client.get("/v1/audit", headers=auditor)
    assert (slug_of(refused), refused.headers["Retry-After"]) == ("too-many-requests", "60")
    assert client.get("/v1/me", headers=auditor).status_code == 200  # of all else there is more
    assert client.get("/v1/audit", headers=bound.key_of("ada", "auditor")).status_code == 200
    clock.now_s += 60
    assert client.get("/v1/audit", headers=auditor).status_code == 200


def test_verdicts_hold_up_no_emergency(bound: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """More ask than a server has threads, and a look at the whole chain takes for ever."""
    began, go_on = threading.Event(), threading.Event()
    looks: list[int] = []

    def hold_up(*arguments: Any, **more: Any) -> Head | Broken:
        looks.append(1)
        began.set()
        go_on.wait(60)
        return verify_all(*arguments, **more)

    monkeypatch.setattr(verdicts_module, "verify_all", hold_up)
    auditors = [bound.key_of(f"aud{n}", "auditor") for n in range(4)]

    async def ask(base: str) -> tuple[float, list[int]]:
        limits = httpx2.Limits(max_connections=200)
        async with httpx2.AsyncClient(base_url=base, timeout=60.0, limits=limits) as client:
            asked = [
                asyncio.create_task(client.get("/v1/audit/verdict", headers=auditors[n % 4]))
                for n in range(100)
            ]
            await asyncio.to_thread(began.wait, 20)
            await asyncio.sleep(0.5)  # until all of them wait
            begun_s = time.monotonic()
            response = await client.post("/v1/incidents", json=REAL, headers=bound.bearer)
            took_s = time.monotonic() - begun_s
            assert response.status_code == 201
            assert not any(one.done() for one in asked)
            go_on.set()
            return took_s, [one.status_code for one in await asyncio.gather(*asked)]

    with serving(bound.app) as base:
        try:
            took_s, statuses = asyncio.run(ask(base))
        finally:
            go_on.set()
    assert took_s < 2.0
    assert statuses == [200] * 100
    assert len(looks) <= 2


def test_records_of_incidents_wait_for_one_look_too(
    client: TestClient, bound: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def look(*arguments: Any, **more: Any) -> Head | Broken:
        looks.append(1)
        return verify_all(*arguments, **more)

    monkeypatch.setattr(verdicts_module, "verify_all", look)
    incident = opened(client)
    keys = [bound.key_of(f"aud{n}", "auditor") for n in range(3)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: told(client, incident, keys[n % 3])["whole"], range(24)))
    assert found == [True] * 24
    assert len(looks) == 1
