"""A panic button and an identity provider, each the whole way to a grant."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.oidc import OidcVerifier
from api.signed_messages import sign
from api.sources import Sources
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Clock, Console, ReplayedRuns, build_console
from tests.identity_provider import running_identity_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx2 import Response

    from api.agreements import Channel

BUTTON = AGREEMENT.replace(
    "[incidents.count]", 'caller = "Whoever presses a panic button"\n\n[incidents.count]'
).replace(
    'roles = ["dispatcher", "principal"]\nchannels',
    'roles = ["dispatcher", "principal", "caller"]\nchannels',
)


@pytest.fixture
def pressed(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    made = build_console(tmp_path, clock, agreement=BUTTON)
    yield made
    made.record.store.close()


class Button:
    """A panic button of the site, or its dispatch system."""

    def __init__(
        self,
        console: Console,
        name: str = "button",
        acts_as: str = "caller",
        channel: Channel = "panic-app",
    ) -> None:
        record, self.console, self.name = console.record, console, name
        self.client = TestClient(console.app, raise_server_exceptions=False)
        self.secret = Sources(record.store, record.keys, record.audit).add(
            name, site="small", acts_as=acts_as, channel=channel, by="test", now_s=console.clock()
        )

    def send(self, event: str, secret: str | None = None, **said: Any) -> Response:
        body = json.dumps(said).encode()
        now_s = self.console.clock()
        headers = {
            "webhook-id": event,
            "webhook-timestamp": str(int(now_s)),
            "webhook-signature": sign(secret or self.secret, event, now_s, body),
        }
        return self.client.post(f"/v1/activations/{self.name}", content=body, headers=headers)


EMERGENCY = {
    "type": "emergency",
    "emergency": "active-shooter",
    "by": "Room 12",
    "reason": "the button was pressed",
}


def test_a_panic_button_opens_and_the_last_agency_that_leaves_closes(pressed: Console) -> None:
    button, cad = Button(pressed), Button(pressed, "cad", "dispatcher", "cad")
    other = Button.send(button, "e0", "whsec_" + "A" * 43 + "=", **EMERGENCY)
    assert other.status_code == 401
    assert pressed.runs.made == []
    early = cad.send("e1", type="agency-responding", agency="Town Police")
    assert early.status_code == 404  # it overtook the emergency's message
    first = button.send("e2", **EMERGENCY)
    assert first.status_code == 201, first.text
    assert button.send("e2", **EMERGENCY).content == first.content  # the network lost the answer
    assert cad.send("e1", type="agency-responding", agency="Town Police").status_code == 200
    again = button.send("e3", **EMERGENCY)
    assert (again.status_code, again.json()["already_open"]) == (200, True)
    assert len(pressed.runs.made) == 1
    (entry,) = pressed.audited("grant-opened")
    assert (entry["channel"], entry["role"], entry["opened_by"], entry["actor"]) == (
        "panic-app", "caller", "Room 12", "source:button",
    )  # fmt: skip
    refused = button.send("e4", type="closed", by="Room 12", reason="never mind")
    assert refused.status_code == 403  # a caller may not close, by this agreement
    left = button.send("e7", type="agency-left", agency="Town Police")
    assert left.status_code == 403  # nor in this way
    assert cad.send("e5", type="agency-left", agency="Town Police").status_code == 200
    assert pressed.runs.made[0].stopped
    refusal = button.send("e6", **{**EMERGENCY, "emergency": "food-fight"})
    assert refusal.status_code == 403
    assert "no life-safety emergency" in refusal.json()["detail"]


@pytest.mark.oidc
def test_a_token_of_an_identity_provider_opens_what_its_claims_allow(tmp_path: Path) -> None:
    console = build_console(tmp_path, time.time, agreement=AGREEMENT)
    real = {
        "site": "small", "kind": "real", "emergency": "active-shooter", "channel": "911",
        "reason": "shots heard",
    }  # fmt: skip
    with running_identity_provider(tmp_path / "provider") as provider:
        app = create_app(
            {"small": console.target},
            record=console.record,
            run_factory=ReplayedRuns(),
            verifier=OidcVerifier(provider.issuer, "lastseen"),
        )

        def as_(subject: str, audience: str = "lastseen", **claims: Any) -> dict[str, str]:
            token = provider.token(subject, audience=audience, **claims)
            return {"Authorization": f"Bearer {token}"}

        told = {"lastseen_role": "dispatcher", "lastseen_sites": "*"}
        dispatcher = as_(
            "ivy",
            lastseen_role="dispatcher",
            lastseen_acts_as="dispatcher",
            lastseen_sites=["small"],
        )
        officer = as_("ola", **{**told, "lastseen_role": "tactical"}, lastseen_acts_as="officer")
        with TestClient(app, raise_server_exceptions=False) as client:
            assert client.get("/v1/me", headers=dispatcher).json()["name"] == "oidc:ivy"
            assert client.post("/v1/incidents", json=real, headers=officer).status_code == 403
            opened = client.post("/v1/incidents", json=real, headers=dispatcher)
            assert opened.status_code == 201, opened.text
            path = f"/v1/incidents/{opened.json()['incident']}"
            assert client.get(f"{path}/last-seen", headers=officer).status_code == 200
            for stranger in (
                as_("eve", audience="another", **told),
                as_("eve"),
                as_("eve", **{**told, "lastseen_role": "janitor"}),
                as_("eve", exp=int(time.time()) - 60, **told),
            ):
                assert client.get("/v1/me", headers=stranger).status_code == 401
            assert client.delete(path, headers=officer).status_code == 403
            assert client.delete(path, headers=dispatcher).json()["state"] == "closed"
    (entry,) = console.audited("grant-opened")
    assert entry["actor"] == "oidc:ivy"
    console.record.store.close()
