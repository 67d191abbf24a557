"""Tokens of an identity provider: what is accepted, what is not, and what the provider is asked."""

from __future__ import annotations

import json
import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from api.actors import Actor
from api.errors import ProblemError, ServeError
from api.oidc import MAX_AGE_S, OidcVerifier
from api.provider_keys import ASK_AGAIN_S, FRESH_S, STALE_S
from api.settings import Settings
from tests.identity_provider import running_identity_provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_S = 1_772_442_000.0
AUDIENCE = "lastseen"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def published(key: Any, kid: str, **more: str) -> dict[str, Any]:
    """The public half of a key, as providers publish it."""
    makers = {
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
        ed25519.Ed25519PrivateKey: OKPAlgorithm,
    }
    maker: Any = next(made for kind, made in makers.items() if isinstance(key, kind))
    return {**json.loads(maker.to_jwk(key.public_key())), "kid": kid, **more}


@dataclass
class Provider:
    """What the small server on loopback says, and what it was asked."""

    issuer: str = ""
    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [
            published(RSA_KEY, "rsa"), published(EC_KEY, "ec"), published(ED_KEY, "ed"),
        ]
    )  # fmt: skip
    status: int = 200
    discovery: dict[str, Any] = field(default_factory=dict)
    keys_body: bytes | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> bytes:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            said = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.discovery}
            return json.dumps(said).encode()
        return self.keys_body or json.dumps({"keys": self.keys}).encode()

    @property
    def times_asked(self) -> int:
        return self.asked.count("/.well-known/openid-configuration")


@contextmanager
def on_loopback(provider: Provider) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = provider.answer(self.path)
            self.send_response(provider.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", f"{provider.issuer}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    with on_loopback(made):
        yield made


@pytest.fixture
def verifier(provider: Provider) -> OidcVerifier:
    return OidcVerifier(provider.issuer, AUDIENCE)


def claims_of(provider: Provider, **changed: Any) -> dict[str, Any]:
    """Claims of a good token; None leaves one out."""
    claims = {
        "iss": provider.issuer, "aud": AUDIENCE, "sub": "u-17", "iat": NOW_S - 10,
        "exp": NOW_S + 300, "lastseen_role": "dispatcher", "lastseen_sites": ["north"],
        **changed,
    }  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def token_of(
    provider: Provider,
    *,
    key: Any = RSA_KEY,
    kid: str | None = "rsa",
    algorithm: str = "RS256",
    headers: dict[str, Any] | None = None,
    **changed: Any,
) -> str:
    shown = {"kid": kid, "typ": "at+jwt", **(headers or {})}
    return jwt.encode(
        claims_of(provider, **changed),
        key,
        algorithm=algorithm,
        headers={name: value for name, value in shown.items() if value is not None},
    )


def test_a_good_token_is_an_actor(provider: Provider, verifier: OidcVerifier) -> None:
    more: dict[str, Any] = {
        "lastseen_acts_as": "watch",
        "lastseen_agency": "County",
        "name": "Ivy Doe",
    }
    assert verifier.actor_of(token_of(provider, **more), NOW_S) == Actor(
        "oidc:u-17", "dispatcher", "watch", "County", frozenset({"north"}), "Ivy Doe",
        "identity provider",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "sites", "acts_as"),
    [
        ({"lastseen_sites": None}, frozenset(), "dispatcher"),
        ({"lastseen_sites": []}, frozenset(), "dispatcher"),
        ({"lastseen_sites": "north"}, frozenset({"north"}), "dispatcher"),
        ({"lastseen_sites": "*"}, None, "dispatcher"),
        ({"lastseen_sites": ["*"]}, None, "dispatcher"),
        ({"lastseen_sites": ["*", "north"]}, frozenset({"*", "north"}), "dispatcher"),
        ({"lastseen_acts_as": "chief"}, frozenset({"north"}), "chief"),
    ],
)
def test_what_is_not_claimed_is_not_given(
    provider: Provider,
    verifier: OidcVerifier,
    changed: dict[str, Any],
    sites: frozenset[str] | None,
    acts_as: str,
) -> None:
    actor = verifier.actor_of(token_of(provider, **changed), NOW_S)
    assert actor is not None
    assert (actor.sites, actor.acts_as) == (sites, acts_as)


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"),
    [(RSA_KEY, "rsa", "RS256"), (RSA_KEY, "rsa", "PS256"), (EC_KEY, "ec", "ES256"),
     (ED_KEY, "ed", "EdDSA")],
)  # fmt: skip
def test_every_algorithm_of_the_list(
    provider: Provider, verifier: OidcVerifier, key: Any, kid: str, algorithm: str
) -> None:
    token = token_of(provider, key=key, kid=kid, algorithm=algorithm)
    assert verifier.actor_of(token, NOW_S) is not None


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"exp": NOW_S - 31}, id="expired"),
        pytest.param({"exp": None}, id="never expires"),
        pytest.param({"exp": "tomorrow"}, id="expires in words"),
        pytest.param({"exp": True}, id="expires is a truth"),
        pytest.param({"exp": math.nan}, id="expires at no number"),
        pytest.param({"exp": math.inf}, id="expires at the end of time"),
        pytest.param({"exp": 10**400}, id="expires beyond all numbers"),
        pytest.param({"iat": math.nan, "exp": math.nan}, id="no numbers"),
        pytest.param({"iat": -(10**400)}, id="made before all numbers"),
        pytest.param({"nbf": math.nan}, id="not before no number"),
        pytest.param({"iat": None}, id="made at no time"),
        pytest.param({"iat": NOW_S + 31}, id="made in the future"),
        pytest.param({"iat": NOW_S - MAX_AGE_S - 31}, id="made too long ago"),
        pytest.param({"nbf": NOW_S + 31}, id="not yet"),
        pytest.param({"nbf": "now"}, id="not before words"),
        pytest.param({"aud": "another"}, id="for another"),
        pytest.param({"aud": ["another", "third"]}, id="for others"),
        pytest.param({"aud": None}, id="for nobody"),
        pytest.param({"aud": ""}, id="for the empty name"),
        pytest.param({"iss": "http://127.0.0.1:1"}, id="of another"),
        pytest.param({"iss": None}, id="of nobody"),
        pytest.param({"sub": None}, id="about nobody"),
        pytest.param({"sub": ""}, id="about the empty name"),
        pytest.param({"sub": "x" * 201}, id="about too long a name"),
        pytest.param({"sub": "a\nb"}, id="about a name of two lines"),
        pytest.param({"lastseen_role": None}, id="no role"),
        pytest.param({"lastseen_role": "chief"}, id="a role that is none"),
        pytest.param({"lastseen_role": ["dispatcher"]}, id="a list of roles"),
        pytest.param({"lastseen_acts_as": 7}, id="acts as a number"),
        pytest.param({"lastseen_sites": 7}, id="a number of sites"),
        pytest.param({"lastseen_sites": [7]}, id="sites by number"),
        pytest.param({"lastseen_sites": {"north": 1}}, id="sites by name"),
        pytest.param({"headers": {"typ": "id+jwt"}}, id="another type"),
        pytest.param({"headers": {"typ": "JWT"}, "nonce": "n"}, id="an ID token"),
        pytest.param({"headers": {"typ": None}, "nonce": ""}, id="an ID token of no type"),
        pytest.param({"headers": {"typ": "logout+jwt"}}, id="a logout token"),
        pytest.param({"headers": {"crit": ["x"], "x": 1}}, id="something critical"),
        pytest.param({"kid": None}, id="no key named"),
        pytest.param({"kid": "unknown"}, id="a key that is not published"),
        pytest.param({"kid": "ec"}, id="a key of another type"),
        pytest.param({"algorithm": "RS512"}, id="an algorithm that is not ours"),
        pytest.param({"key": rsa.generate_private_key(65537, 2048)}, id="another's key"),
    ],
)  # fmt: skip
def test_a_token_that_is_not_as_it_must_be_is_refused(
    provider: Provider, verifier: OidcVerifier, changed: dict[str, Any]
) -> None:
    assert verifier.actor_of(token_of(provider), NOW_S) is not None
    assert verifier.actor_of(token_of(provider, **changed), NOW_S) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": NOW_S - 29}, {"iat": NOW_S + 29}, {"nbf": NOW_S + 29},
        {"iat": NOW_S - MAX_AGE_S - 29}, {"iat": int(NOW_S)}, {"aud": ["another", AUDIENCE]},
        {"headers": {"typ": "JWT"}}, {"headers": {"typ": None}},
        {"headers": {"typ": "application/at+JWT"}}, {"nonce": "n"},
    ],
)  # fmt: skip
def test_clocks_may_be_half_a_minute_apart_and_types_be_old(
    provider: Provider, verifier: OidcVerifier, changed: dict[str, Any]
) -> None:
    assert verifier.actor_of(token_of(provider, **changed), NOW_S) is not None


def test_a_token_is_not_accepted_unsigned_nor_signed_with_the_public_key(
    provider: Provider, verifier: OidcVerifier
) -> None:
    import base64
    import hashlib
    import hmac

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    pem = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    payload = part(json.dumps(claims_of(provider)).encode())
    for algorithm in ("none", "None", "HS256", "hs256", ""):
        head = part(json.dumps({"alg": algorithm, "kid": "rsa", "typ": "JWT"}).encode())
        signed = f"{head}.{payload}"
        by_public_key = part(hmac.new(pem, signed.encode(), hashlib.sha256).digest())
        for signature in ("", by_public_key, token_of(provider).rpartition(".")[2]):
            assert verifier.actor_of(f"{signed}.{signature}", NOW_S) is None
    for algorithms in (["none"], ["HS256"], ["RS256", "HS512"]):
        with pytest.raises(ValueError, match="public-key"):
            OidcVerifier(provider.issuer, AUDIENCE, algorithms=algorithms)


@pytest.mark.parametrize(
    "token",
    ["", "..", "a.b.c", "é.é.é", "e30.e30.", "bnVsbA.bnVsbA.x", "W1tb" * 4000 + ".e30.eA"],
)
def test_what_is_no_token_is_refused_unasked(
    provider: Provider, verifier: OidcVerifier, token: str
) -> None:
    assert verifier.actor_of(token, NOW_S) is None
    assert provider.asked == []


def test_a_changed_byte_is_noticed(provider: Provider, verifier: OidcVerifier) -> None:
    token = token_of(provider)
    dots = [place for place, letter in enumerate(token) if letter == "."]
    for place in (5, dots[0] + 9, dots[1] - 9, dots[1] + 9, len(token) - 9):
        other = "A" if token[place] != "A" else "B"
        assert verifier.actor_of(token[:place] + other + token[place + 1 :], NOW_S) is None


def test_an_encryption_key_signs_nothing(provider: Provider, verifier: OidcVerifier) -> None:
    provider.keys = [published(RSA_KEY, "rsa", use="enc"), published(EC_KEY, "ec", use="sig")]
    assert verifier.actor_of(token_of(provider), NOW_S) is None
    ours = token_of(provider, key=EC_KEY, kid="ec", algorithm="ES256")
    assert verifier.actor_of(ours, NOW_S) is not None


def test_a_key_that_is_too_short_is_not_trusted(provider: Provider, verifier: OidcVerifier) -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is tested
    provider.keys = [published(short, "rsa")]
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = token_of(provider, key=short)
    assert verifier.actor_of(token, NOW_S) is None


def test_only_what_the_provider_signed_is_worth_a_line_in_the_log(
    provider: Provider, verifier: OidcVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    verifier.actor_of(token_of(provider, kid="unknown"), NOW_S)
    verifier.actor_of("a.b.c", NOW_S)
    assert caplog.text == ""
    token = token_of(provider, lastseen_role=None)
    verifier.actor_of(token, NOW_S)
    assert "lastseen_role" in caplog.text
    assert token not in caplog.text


# What the provider is asked


def test_keys_are_kept_for_five_minutes(provider: Provider, verifier: OidcVerifier) -> None:
    for after_s in (0.0, 1.0, FRESH_S - 1):
        verifier.actor_of(token_of(provider), NOW_S + after_s)
    assert provider.times_asked == 1
    verifier.actor_of(token_of(provider), NOW_S + FRESH_S)
    assert provider.times_asked == 2


def test_strangers_cannot_make_it_hammer_the_provider(
    provider: Provider, verifier: OidcVerifier
) -> None:
    for n in range(200):
        assert verifier.actor_of(token_of(provider, kid=f"made up {n}"), NOW_S + n / 20) is None
    assert provider.times_asked == 1
    assert verifier.actor_of(token_of(provider, kid="made up"), NOW_S + ASK_AGAIN_S) is None
    assert provider.times_asked == 2


def test_a_new_key_is_found_and_an_old_one_forgotten(
    provider: Provider, verifier: OidcVerifier
) -> None:
    assert verifier.actor_of(token_of(provider), NOW_S) is not None
    new = rsa.generate_private_key(65537, 2048)
    provider.keys = [published(new, "new")]
    token = token_of(provider, key=new, kid="new")
    assert verifier.actor_of(token, NOW_S + ASK_AGAIN_S - 1) is None
    assert verifier.actor_of(token, NOW_S + ASK_AGAIN_S) is not None
    assert verifier.actor_of(token_of(provider), NOW_S + ASK_AGAIN_S) is None


def test_keys_go_on_for_an_hour_while_the_provider_is_away(
    provider: Provider, verifier: OidcVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    def token(at_s: float) -> str:
        return token_of(provider, iat=at_s, exp=at_s + 60)

    assert verifier.actor_of(token(NOW_S), NOW_S) is not None
    provider.status = 500
    for after_s in (FRESH_S, FRESH_S + 1, STALE_S - 1):
        assert verifier.actor_of(token(NOW_S + after_s), NOW_S + after_s) is not None
    assert provider.times_asked == 3
    assert "answered 500" in caplog.text
    with pytest.raises(ProblemError) as refused:
        verifier.actor_of(token(NOW_S + STALE_S), NOW_S + STALE_S)
    assert (refused.value.status, refused.value.slug) == (503, "identity-provider-unavailable")
    provider.status = 200
    back_s = NOW_S + STALE_S + ASK_AGAIN_S
    assert verifier.actor_of(token(back_s), back_s) is not None


def test_a_key_that_may_be_new_is_not_called_wrong_while_the_provider_is_away(
    provider: Provider, verifier: OidcVerifier
) -> None:
    verifier.actor_of(token_of(provider), NOW_S)
    provider.status = 503
    with pytest.raises(ProblemError) as refused:
        verifier.actor_of(token_of(provider, kid="new"), NOW_S + ASK_AGAIN_S)
    assert refused.value.status == 503


def test_a_provider_that_is_not_there_is_a_clear_problem() -> None:
    gone = Provider()
    with on_loopback(gone):
        pass
    verifier = OidcVerifier(gone.issuer, AUDIENCE)
    verifier.prefetch(NOW_S)
    with pytest.raises(ProblemError) as refused:
        verifier.actor_of(token_of(gone), NOW_S)
    assert refused.value.slug == "identity-provider-unavailable"
    assert refused.value.headers["Retry-After"] == "10"


@pytest.mark.parametrize(
    "said",
    [
        {"discovery": {"issuer": "http://127.0.0.1:1"}},
        {"discovery": {"jwks_uri": "http://keys.example/keys"}},
        {"discovery": {"jwks_uri": "file:///etc/passwd"}},
        {"discovery": {"jwks_uri": None}},
        {"keys_body": b"[]"},
        {"keys_body": b"not json"},
        {"keys_body": b'{"keys": []}'},
        {"keys_body": b'{"keys": [{"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"}]}'},
        {"keys_body": b" " * 1_000_001},
        {"status": 302},
        {"status": 404},
    ],
)
def test_a_provider_that_says_nonsense_vouches_for_nobody(
    provider: Provider, verifier: OidcVerifier, said: dict[str, Any]
) -> None:
    for name, value in said.items():
        setattr(provider, name, value)
    assert outcome(verifier, token_of(provider)) in {None, 503}
    assert "/elsewhere" not in provider.asked


def outcome(verifier: OidcVerifier, token: str) -> Actor | int | None:
    """Whom it speaks for, or the status of the problem."""
    try:
        return verifier.actor_of(token, NOW_S)
    except ProblemError as problem:
        return problem.status


def test_a_clock_that_is_set_back_stops_nothing(provider: Provider, verifier: OidcVerifier) -> None:
    verifier.prefetch(NOW_S + 1e6)
    provider.keys = [published(RSA_KEY, "new")]
    assert verifier.actor_of(token_of(provider, kid="new"), NOW_S) is not None
    assert provider.times_asked == 2


def test_requests_do_not_wait_while_another_asks(
    provider: Provider, verifier: OidcVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verifier.actor_of(token_of(provider), NOW_S) is not None
    asking, answered = threading.Event(), threading.Event()
    answer = provider.answer

    def slowly(path: str) -> bytes:
        asking.set()
        answered.wait(10)
        return answer(path)

    monkeypatch.setattr(provider, "answer", slowly)
    slow = threading.Thread(target=lambda: verifier.actor_of(token_of(provider), NOW_S + FRESH_S))
    slow.start()
    assert asking.wait(10)
    try:
        assert verifier.actor_of(token_of(provider), NOW_S + FRESH_S - 1) is not None
        fresh = token_of(provider, exp=NOW_S + FRESH_S + 60)
        assert verifier.actor_of(fresh, NOW_S + FRESH_S + 1) is not None
    finally:
        answered.set()
        slow.join()


# Settings


@pytest.mark.parametrize(
    ("issuer", "right"),
    [
        ("https://login.example", True), ("https://login.example/realms/county", True),
        ("http://127.0.0.1:9", True), ("http://[::1]:9", True), ("http://localhost:9", True),
        ("http://login.example", False), ("http://localhost.example", False),
        ("ftp://login.example", False), ("login.example", False), ("", False),
        ("https://", False), ("https://user@login.example", False), ("https://[", False),
        ("https://login.example/?x", False),
    ],
)  # fmt: skip
def test_an_issuer_is_reached_by_https(issuer: str, right: bool) -> None:
    if right:
        OidcVerifier(issuer, AUDIENCE)
        return
    with pytest.raises(ServeError, match="https"):
        OidcVerifier(issuer, AUDIENCE)


@pytest.mark.parametrize(
    ("issuer", "audience", "made"),
    [("https://a.example", "lastseen", True), ("", "", False), (None, None, False)],
)
def test_settings_name_both_or_none(
    monkeypatch: pytest.MonkeyPatch, issuer: str | None, audience: str | None, made: bool
) -> None:
    for name, value in (("ISSUER", issuer), ("AUDIENCE", audience)):
        if value is None:
            monkeypatch.delenv(f"LASTSEEN_OIDC_{name}", raising=False)
        else:
            monkeypatch.setenv(f"LASTSEEN_OIDC_{name}", value)
    assert (Settings().oidc_verifier() is not None) is made


@pytest.mark.parametrize("only", ["ISSUER", "AUDIENCE"])
def test_settings_that_name_one_are_refused(monkeypatch: pytest.MonkeyPatch, only: str) -> None:
    for name in ("ISSUER", "AUDIENCE"):
        monkeypatch.delenv(f"LASTSEEN_OIDC_{name}", raising=False)
    monkeypatch.setenv(f"LASTSEEN_OIDC_{only}", "https://a.example")
    with pytest.raises(ServeError, match="set both or none"):
        Settings().oidc_verifier()


# A real identity provider


@pytest.mark.oidc
def test_tokens_of_a_real_provider(tmp_path: Path) -> None:
    with running_identity_provider(tmp_path) as provider:
        verifier = OidcVerifier(provider.issuer, AUDIENCE)
        now_s = time.time()
        verifier.prefetch(now_s)
        more: dict[str, Any] = {"lastseen_role": "tactical", "lastseen_sites": ["north"]}
        for algorithm in ("RS256", "ES256"):
            token = provider.token("ivy", audience=AUDIENCE, algorithm=algorithm, **more)
            actor = verifier.actor_of(token, now_s)
            assert actor is not None
            assert (actor.name, actor.role, actor.sites) == (
                "oidc:ivy", "tactical", frozenset({"north"}),
            )  # fmt: skip
            assert verifier.actor_of(token, now_s + 340) is None
        for refused in (
            provider.token("ivy", audience="another", **more),
            provider.token("ivy", audience=AUDIENCE),
            provider.token("ivy", audience=AUDIENCE, exp=int(now_s) - 60, **more),
        ):
            assert verifier.actor_of(refused, now_s) is None

        before = provider.token("ivy", audience=AUDIENCE, **more)
        provider.rotate_keys()
        after = provider.token("ivy", audience=AUDIENCE, **more)
        now_s += ASK_AGAIN_S + 1
        assert verifier.actor_of(after, now_s) is not None
        assert verifier.actor_of(before, now_s) is not None  # published until the next rotation


@pytest.mark.oidc
def test_keys_of_a_provider_that_was_set_up_anew_are_picked_up(tmp_path: Path) -> None:
    more: dict[str, Any] = {"lastseen_role": "tactical"}
    with running_identity_provider(tmp_path / "one") as provider:
        verifier = OidcVerifier(provider.issuer, AUDIENCE)
        now_s = time.time()
        before = provider.token("ivy", audience=AUDIENCE, **more)
        assert verifier.actor_of(before, now_s) is not None
    assert verifier.actor_of(before, now_s + ASK_AGAIN_S) is not None  # it is away, and known
    with running_identity_provider(tmp_path / "two", port=provider.port) as again:
        after = again.token("ivy", audience=AUDIENCE, **more)
        now_s += 2 * ASK_AGAIN_S
        assert verifier.actor_of(after, now_s) is not None
        assert verifier.actor_of(before, now_s) is None
