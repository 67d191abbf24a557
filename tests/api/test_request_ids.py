"""Every request has an id, by which its lines in the log and its answer are found together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from api.logs import _ABOUT

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.api.replayed import Console

HEADER = "x-request-id"


def test_every_answer_has_another_id(client: TestClient, stranger: TestClient) -> None:
    answers = [client.get("/v1/sites"), client.get("/v1/sites"), stranger.get("/v1/sites"),
               client.get("/nothing"), stranger.get("/healthz")]  # fmt: skip
    ids = [one.headers[HEADER] for one in answers]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in ids)


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("4bf92f3577b34da6a3ce929d0e0e4736", True),
        ("proxy-00000001", True),
        ("short", False),
        ("a" * 65, False),
        ('{"level": "error"}', False),
        ("a b c d e f g h", False),
    ],
)
def test_the_id_of_a_proxy_is_kept_if_it_cannot_be_mistaken(
    client: TestClient, shown: str, kept: bool
) -> None:
    answer = client.get("/v1/sites", headers={HEADER: shown})
    assert (answer.headers[HEADER] == shown) is kept


def test_what_handlers_log_is_about_the_request_also_in_threads(
    client: TestClient, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def open_on(_target: str) -> None:
        seen.append(_ABOUT.get()["request"])

    monkeypatch.setattr(console.services.incidents, "open_on", open_on)
    answer = client.get("/v1/sites")
    assert seen == [answer.headers[HEADER]]
    assert "request" not in _ABOUT.get()
