"""The identity provider that other tests rely on is a real one, and does what it is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx2
import jwt
import pytest

from tests.identity_provider import IdentityProvider, running_identity_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.oidc

AUDIENCE = "the-console"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    with running_identity_provider(tmp_path_factory.mktemp("identity-provider")) as running:
        yield running


def published_keys(provider: IdentityProvider) -> set[str]:
    keys = httpx2.get(provider.endpoints["jwks_uri"], timeout=10.0).json()["keys"]
    return {key["kid"] for key in keys}


def key_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def verified(provider: IdentityProvider, token: str) -> dict[str, Any]:
    """The token's claims, checked by PyJWT against the provider's published keys."""
    key = jwt.PyJWKClient(provider.endpoints["jwks_uri"], timeout=10.0)
    claims: dict[str, Any] = jwt.decode(
        token,
        key.get_signing_key_from_jwt(token),
        algorithms=["RS256", "ES256"],
        audience=AUDIENCE,
        issuer=provider.issuer,
        options={"require": ["exp", "iat", "sub", "aud", "iss"]},
    )
    return claims


def test_discovery_names_the_issuer_and_its_endpoints(provider: IdentityProvider) -> None:
    assert provider.issuer == f"http://127.0.0.1:{provider.port}"
    assert provider.endpoints["issuer"] == provider.issuer
    for name in ("jwks_uri", "token_endpoint"):
        assert provider.endpoints[name].startswith(f"{provider.issuer}/")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_is_signed_by_a_published_key_and_says_what_was_asked(
    provider: IdentityProvider, algorithm: str
) -> None:
    claims = {
        "name": "Ivy Doe",
        "lastseen_role": "commander",
        "lastseen_acts_as": ["commander", "viewer"],
    }
    before = int(time.time())
    token = provider.token("ivy", audience=AUDIENCE, lifetime_s=90, algorithm=algorithm, **claims)
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    assert header["kid"] in published_keys(provider)
    said = verified(provider, token)
    assert said.items() >= {"sub": "ivy", "aud": AUDIENCE, **claims}.items()
    assert said["exp"] - said["iat"] == 90
    assert before <= said["iat"] <= time.time()


def test_a_token_can_be_expired_from_the_start(provider: IdentityProvider) -> None:
    token = provider.token("ivy", audience=AUDIENCE, exp=int(time.time()) - 60)
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(provider, token)


def test_keys_stay_published_for_one_rotation(tmp_path: Path) -> None:
    with running_identity_provider(tmp_path) as provider:
        first = provider.token("ivy", audience=AUDIENCE)
        provider.rotate_keys()
        second = provider.token("ivy", audience=AUDIENCE)
        assert key_of(second) != key_of(first)
        assert published_keys(provider) >= {key_of(first), key_of(second)}
        provider.rotate_keys()
        with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
            verified(provider, first)
        assert verified(provider, second)["sub"] == "ivy"


def test_started_again_it_is_the_same_provider(tmp_path: Path) -> None:
    with running_identity_provider(tmp_path / "one") as provider:
        token = provider.token("ivy", audience=AUDIENCE)
    with pytest.raises(httpx2.ConnectError):
        published_keys(provider)
    with running_identity_provider(tmp_path / "one", port=provider.port) as again:
        assert again.issuer == provider.issuer
        assert verified(again, token)["sub"] == "ivy"
    with running_identity_provider(tmp_path / "two", port=provider.port) as impostor:
        assert key_of(token) not in published_keys(impostor)


def test_a_failed_start_shows_why(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("no keys")
    with (
        pytest.raises(RuntimeError, match=r"(?s)its log:.*SyntaxError"),
        running_identity_provider(tmp_path),
    ):
        pass
