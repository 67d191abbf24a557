"""Whatever is sent, the server answers as its OpenAPI document says, and never with a 5xx.

Requests are made up from the document by schemathesis, valid ones and invalid ones, for each role
and for a stranger; what exists (an incident, a site, an account's request) is named in half of
them, so that they get further than "not found".
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.access import PROBES
from api.actors import Actor
from api.links import PictureLink
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, Console, answer, build_console, evidence, serving, subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.actors import Role

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots",
}
DANA = Actor("dana", "dispatcher", "dispatcher")
WHO: dict[Role, str] = {
    "dispatcher": "dispatcher",
    "tactical": "officer",
    "school-administrator": "principal",
    "analyst": "analyst",
    "auditor": "auditor",
    "installer": "principal",
    "system": "dispatcher",
}


NOTHING_TO_GET_WRONG = {path for _, path in PROBES} | {"/metrics"}
"""They take no parameter and no body, and ask for no token that the document tells of."""


class Passing:
    """A clock that goes on with every look, so that no rate limit is met."""

    def __init__(self) -> None:
        self._ticks = itertools.count()

    def __call__(self) -> float:
        return START_S + next(self._ticks) * 0.1


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, httpx2.Client]]:
    folder: Path = tmp_path_factory.mktemp("contract")
    console = build_console(
        folder, Passing(), agreement=AGREEMENT, monotonic=lambda: 0.0, tick_s=3600.0
    )
    with serving(console.app) as url, httpx2.Client(base_url=url, timeout=20.0) as client:
        yield console, client
    console.record.store.close()


def one_of_each(console: Console, client: httpx2.Client) -> dict[str, list[Any]]:
    """What there is by the names of path parameters; opened anew where it was closed."""
    services = console.services
    there = services.incidents.open_on("small")
    closed = [one for one in services.incidents if not one.open]
    if not closed:
        made = client.post("/v1/incidents", json=REAL, headers=console.bearer).json()["incident"]
        console.runs.made[-1].say(answer(START_S, subject(at_s=START_S)))
        client.delete(f"/v1/incidents/{made}", headers=console.bearer)
        closed = [one for one in services.incidents if not one.open]
    if there is None:
        made = client.post("/v1/incidents", json=REAL, headers=console.bearer).json()["incident"]
        there = services.incidents.get(made)
        console.runs.made[-1].pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}
        console.runs.made[-1].say(answer(START_S, subject(at_s=START_S)))
    drafts = services.drafts.list("small") or (
        services.drafts.begin("small", console.target.site, empty=False, by="dana", now_s=START_S),
    )
    draft = drafts[0].draft
    waiting = services.asking.waiting()
    assert there is not None
    return {
        "incident_id": [there.id, closed[0].id],
        "incident": [closed[0].id],
        "site_id": ["small"],
        "camera": ["cam-01"],
        "camera_id": ["cam-01"],
        "test_id": ["none"],
        "track": [4],
        "number": [1],
        "agency": ["Town Police"],
        "request": [one.id for one in waiting] or ["none"],
        "source": ["button"],
        "subject": ["S1"],
        "name": ["segment-0.m4s"],
        "level": ["L1"],
        "draft": [draft],
        "drill": ["small"],
        "run": ["none"],
        "link": [services.links.make(PictureLink(there.id, "cam-01", 4), DANA, START_S)[1]],
    }


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("who", [*WHO, None], ids=str)
@pytest.mark.parametrize("examples", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_every_request_gets_a_documented_answer(
    served: tuple[Console, httpx2.Client], who: Role | None, mode: GenerationMode, examples: int
) -> None:
    console, client = served
    headers: dict[str, str] = {}
    if who is not None:
        name = f"{who}-{mode.value}-{examples}"
        headers = console.key_of(name, who, acts_as=WHO[who])
    schema = schemathesis.openapi.from_dict(console.app.openapi())
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) > 25

    for operation in operations:
        if operation.path.endswith(("/events", "/mjpeg")):
            continue  # streams have no end; their messages are checked elsewhere
        if mode is GenerationMode.NEGATIVE and operation.path in NOTHING_TO_GET_WRONG:
            continue

        @given(case=operation.as_strategy(generation_mode=mode), named=st.sampled_from([0, 1, 2]))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def run(case: Any, named: int) -> None:
            known = one_of_each(console, client)
            for parameter in case.path_parameters or {}:
                if named:  # the open incident, or the closed one
                    case.path_parameters[parameter] = known[parameter][-named:][0]
            response = case.call(base_url=str(client.base_url), headers=headers)
            case.validate_response(response, checks=CHECKS, headers=headers)

        run()
