"""Links to pictures: whose they are, and when they are good no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete
from starlette.testclient import TestClient

from api.actors import Actor
from api.errors import ProblemError
from api.links import LINK_S, OTHERS_LINK_S, Links, PictureLink
from api.store_tables import SESSIONS, USERS
from tests.api.replayed import START_S, Clock, Console, evidence

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = {
    "site": "small", "kind": "real", "emergency": "active-shooter", "channel": "911",
    "reason": "Shots heard",
}  # fmt: skip
WHAT = PictureLink("2026-1", "cam-01", 4)


def link_of_lea(bound: Console) -> str:
    """The address of a picture that was made for Lea, who watches and no more."""
    client = TestClient(bound.app)
    incident = client.post("/v1/incidents", json=REAL, headers=bound.bearer).json()["incident"]
    bound.runs.made[0].pictures = {("cam-01", 4): evidence("cam-01", 4, START_S, 0.8)}
    lea = bound.key_of("lea", "tactical", acts_as="dispatcher", agency="Police", sites=("small",))
    wanted = {"camera": "cam-01", "track": 4}
    said = client.post(f"/v1/incidents/{incident}/links", json=wanted, headers=lea)
    path: str = said.json()["path"]
    return path


def gone(bound: Console) -> None:
    with bound.record.store.writing() as connection:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.user == "lea"))
        connection.execute(delete(USERS).where(USERS.c.name == "lea"))


def changed(**what: Any) -> Callable[[Console], None]:
    def change(bound: Console) -> None:
        bound.services.accounts.change("lea", by="me", now_s=START_S, **what)

    return change


def disabled(bound: Console) -> None:
    bound.services.accounts.disable("lea", by="me", now_s=START_S)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        pytest.param(changed(full_name="Lea Roe"), 200, id="another full name"),
        pytest.param(changed(role="dispatcher"), 401, id="another role"),
        pytest.param(changed(acts_as="principal"), 401, id="acts in another role"),
        pytest.param(changed(agency="Fire"), 401, id="of another agency"),
        pytest.param(changed(sites=["north"]), 401, id="of another site"),
        pytest.param(changed(all_sites=True), 401, id="of all sites"),
        pytest.param(disabled, 401, id="disabled"),
        pytest.param(gone, 401, id="gone"),
    ],
)
def test_a_link_is_as_good_as_the_account_it_was_made_for(
    bound: Console, what: Callable[[Console], None], status: int
) -> None:
    link, stranger = link_of_lea(bound), TestClient(bound.app)
    assert stranger.get(link).status_code == 200
    what(bound)
    answer = stranger.get(link)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["type"] == "urn:lastseen:problem:link-invalid"
        assert len(bound.audited("picture-shown")) == 1
        return
    assert bound.audited("picture-shown")[-1]["actor"] == "lea"


def test_a_link_of_somebody_who_cannot_be_looked_up_is_short(bound: Console, clock: Clock) -> None:
    links = Links(bound.record.keys)
    lasts_s = {}
    for name in ("lea", "oidc:u-17"):
        until_s, link = links.make(WHAT, Actor(name, "tactical", "officer"), clock())
        lasts_s[name] = until_s - clock()
        assert links.read(link, until_s - 1)[0] == WHAT
        with pytest.raises(ProblemError):
            links.read(link, until_s)
    assert lasts_s == {"lea": LINK_S, "oidc:u-17": OTHERS_LINK_S}
    assert OTHERS_LINK_S < LINK_S


def test_what_is_no_link_is_refused_whatever_it_is(bound: Console) -> None:
    links = Links(bound.record.keys)
    for link in ("", "x", "a.b.c", "W1tb" * 500 + ".e30.eA"):
        with pytest.raises(ProblemError):
            links.read(link, START_S)
