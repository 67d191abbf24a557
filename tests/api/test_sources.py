"""Sources of activations: made known, renewed, disabled, and told apart from strangers."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook

from api.audit import Audit
from api.errors import AccountError
from api.keys import Keys
from api.signed_messages import SignedMessage, is_signed, new_secret, sign
from api.sources import CHANNELS, Sources
from api.store_tables import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from api.store import Store

NOW_S = 1_795_000_000.0
BODY = b'{"type":"agency-left","agency":"Police"}'


@pytest.fixture
def audit(store: Store) -> Audit:
    return Audit(store)


@pytest.fixture
def sources(store: Store, audit: Audit, tmp_path: Path) -> Sources:
    return Sources(store, Keys(tmp_path / "state"), audit)


def add(sources: Sources, name: str = "north-panic", **changed: str) -> str:
    given: dict[str, Any] = {"site": "north", "acts_as": "principal", "channel": "panic-app"}
    return sources.add(name, **{**given, **changed}, by="installer", now_s=NOW_S)


def signed(secret: str, **changed: Any) -> SignedMessage:
    signature = sign(secret, "e1", NOW_S, BODY)
    given = {"id": "e1", "timestamp": str(int(NOW_S)), "signatures": signature, "body": BODY}
    return SignedMessage(**{**given, **changed})


# Made known


def test_a_source_gets_a_secret_as_the_specification_writes_them(sources: Sources) -> None:
    secret = add(sources)
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != add(sources, "south-panic")


def test_a_source_is_what_was_said_of_it(sources: Sources) -> None:
    add(sources)
    found = sources.get("north-panic")
    assert found is not None
    assert (found.site, found.acts_as, found.channel) == ("north", "principal", "panic-app")
    assert (found.disabled, found.created_s) == (False, NOW_S)
    assert [source.name for source in sources.list()] == ["north-panic"]
    assert sources.get("south-panic") is None


def test_a_source_acts_for_its_site_only(sources: Sources) -> None:
    add(sources)
    source = sources.get("north-panic")
    assert source is not None
    actor = source.actor("Jane Doe")
    assert (actor.name, actor.role, actor.acts_as) == ("source:north-panic", "system", "principal")
    assert (actor.full_name, actor.by) == ("Jane Doe", "signed webhook")
    assert actor.may("open", "north")
    assert not actor.may("open", "south")
    assert source.actor().full_name == "north-panic"


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("North", {}, "name 'North': expected small letters"),
        ("", {}, "name ''"),
        ("a b", {}, "name 'a b'"),
        ("a\n", {}, "name"),
        ("a" * 65, {}, "at most 64"),
        ("a", {"channel": "console"}, "channel 'console': expected one of 911"),
        ("a", {"channel": "telegram"}, "channel 'telegram'"),
        ("a", {"acts_as": "The Principal"}, "role 'The Principal'"),
        ("a", {"acts_as": "a" * 61}, "at most 60"),
        ("a", {"site": ""}, "site ''"),
        ("a", {"site": "a\0"}, "site"),
        ("a", {"site": "a" * 201}, "site"),
    ],
)
def test_what_is_no_source_is_refused(
    sources: Sources, audit: Audit, name: str, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(AccountError, match=said):
        add(sources, name, **changed)
    assert not list(audit.entries())
    assert not sources.list()


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_but_the_console_is_one(sources: Sources, channel: str) -> None:
    add(sources, channel=channel)


def test_a_name_is_given_once(sources: Sources, audit: Audit) -> None:
    secret = add(sources)
    with pytest.raises(AccountError, match="there already"):
        add(sources, site="south")
    assert sources.signed_by("north-panic", signed(secret))
    assert len(list(audit.entries())) == 1


# Changes and their record


def test_every_change_is_in_the_audit_and_no_secret(sources: Sources, audit: Audit) -> None:
    shown = [add(sources), sources.renew_secret("north-panic", by="chief", now_s=NOW_S + 1)]
    sources.disable("north-panic", by="chief", now_s=NOW_S + 2)
    sources.enable("north-panic", by="chief", now_s=NOW_S + 3)
    entries = list(audit.entries())
    assert [(entry["action"], entry["by"]) for entry in entries] == [
        ("source-added", "installer"),
        ("source-secret-renewed", "chief"),
        ("source-disabled", "chief"),
        ("source-enabled", "chief"),
    ]
    assert {entry["source"] for entry in entries} == {"north-panic"}
    record = b"".join(audit.lines()).decode() + repr(sources.list()) + repr(sources)
    for secret in shown:
        assert secret.removeprefix("whsec_") not in record


def test_a_secret_lies_encrypted(sources: Sources, store: Store) -> None:
    secret = add(sources)
    with store.reading() as connection:
        sealed = connection.execute(select(SOURCES.c.secret_sealed)).scalar_one()
    assert secret.encode() not in sealed
    assert base64.b64decode(secret.removeprefix("whsec_")) not in sealed


@pytest.mark.parametrize("change", ["renew_secret", "disable", "enable"])
def test_what_is_not_there_cannot_be_changed(sources: Sources, audit: Audit, change: str) -> None:
    with pytest.raises(AccountError, match="no source 'north-panic'"):
        getattr(sources, change)("north-panic", by="chief", now_s=NOW_S)
    assert not list(audit.entries())


# Signatures


def test_the_library_verifies_what_is_signed_here() -> None:
    secret, now_s = new_secret(), time.time()
    headers = {
        "webhook-id": "e1",
        "webhook-timestamp": str(int(now_s)),
        "webhook-signature": sign(secret, "e1", now_s, BODY),
    }
    assert Webhook(secret).verify(BODY, headers)["agency"] == "Police"


def test_a_signature_is_that_of_the_published_example() -> None:
    secret, body = (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        b'{"event_type":"ping","data":{"success":true}}',
    )
    signature = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert sign(secret, "msg_loFOjxBNrRLzqYUf", 1731705121, body) == signature


SECRET = new_secret()
GOOD = sign(SECRET, "e1", NOW_S, BODY)


@pytest.mark.parametrize(
    ("says", "changed", "fits"),
    [
        ("as it was signed", {}, True),
        ("one of several", {"signatures": f"v1,AAAA v1a,BBBB {GOOD}"}, True),
        ("no id", {"id": ""}, False),
        ("no timestamp", {"timestamp": ""}, False),
        ("no signature", {"signatures": ""}, False),
        ("another id", {"id": "e2"}, False),
        ("another second", {"timestamp": str(int(NOW_S) + 1)}, False),
        ("a byte of the body", {"body": BODY.replace(b"Police", b"police")}, False),
        ("a blank more", {"body": BODY + b" "}, False),
        ("another version", {"signatures": GOOD.replace("v1,", "v2,")}, False),
        ("asymmetric version", {"signatures": GOOD.replace("v1,", "v1a,")}, False),
        ("no version", {"signatures": GOOD.removeprefix("v1,")}, False),
        ("cut off", {"signatures": GOOD[:-1]}, False),
        ("commas only", {"signatures": ",,, ,"}, False),
        ("not ASCII", {"signatures": "v1,\u00e9\udcff"}, False),
        ("a fraction", {"timestamp": f"{NOW_S}"}, False),
        ("a sign", {"timestamp": f"+{int(NOW_S)}"}, False),
        ("leading zero", {"timestamp": f"0{int(NOW_S)}"}, False),
        ("other digits", {"timestamp": "\u0661\u0662"}, False),
        ("beyond any calendar", {"timestamp": "99999999999"}, False),
        ("far beyond", {"timestamp": "9" * 400}, False),
        ("no UTF-8", {"body": b"\xff"}, False),
    ],
)
def test_only_what_is_signed_as_it_is_fits(says: str, changed: dict[str, Any], fits: bool) -> None:
    assert is_signed(SECRET, signed(SECRET, **changed)) is fits


def test_each_source_has_a_secret_of_its_own(sources: Sources) -> None:
    north, south = add(sources), add(sources, "south-panic")
    assert sources.signed_by("north-panic", signed(north))
    assert not sources.signed_by("north-panic", signed(south))
    assert not sources.signed_by("south-panic", signed(north))
    for name in ("", "nobody", "north-panic\0", "a" * 100_000, "é", "NORTH-PANIC"):
        assert not sources.signed_by(name, signed(north))
        assert sources.get(name) is None


def test_a_renewed_secret_voids_the_old_one(sources: Sources) -> None:
    old = add(sources)
    new = sources.renew_secret("north-panic", by="chief", now_s=NOW_S)
    assert not sources.signed_by("north-panic", signed(old))
    assert sources.signed_by("north-panic", signed(new))


def test_a_secret_moved_to_another_source_opens_nothing(
    sources: Sources, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    north = add(sources)
    add(sources, "south-panic")
    with store.writing() as connection:
        sealed = connection.execute(
            select(SOURCES.c.secret_sealed).where(SOURCES.c.name == "north-panic")
        ).scalar_one()
        connection.execute(update(SOURCES).values(secret_sealed=sealed))
    assert sources.signed_by("north-panic", signed(north))
    assert not sources.signed_by("south-panic", signed(north))
    assert "south-panic cannot be opened; renew it" in caplog.text
    assert north not in caplog.text
