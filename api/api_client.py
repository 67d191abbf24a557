"""Asks a running server by its location API, as any other client would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx2

from .errors import ProblemError, ServeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_TIMEOUT_S = 20.0
_SILENCE_S = 30.0  # a stream says something every two seconds
_MOST_KEY_BYTES = 16_384


class ApiClient:
    """A client of one server; use it as a context manager.

    Args:
        server: its address, such as "https://lastseen.example".
        key: a key or token of an account there.

    Raises:
        ServeError: the address is none.
    """

    def __init__(self, server: str, key: str) -> None:
        try:
            url = httpx2.URL(server)
        except httpx2.InvalidURL as error:
            raise ServeError(f"server {server!r}: {error}") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise ServeError(
                f"server {server!r}: expected an address like https://lastseen.example"
            )
        headers = {"Authorization": f"Bearer {key}"}
        self._server = server.rstrip("/")
        self._client = httpx2.Client(base_url=self._server, headers=headers, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close its connections."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and the message that the server answered.

        Raises:
            ProblemError: it answered with a problem document.
            ServeError: it cannot be reached, or is no lastseen server.
        """
        try:
            response = self._client.request(method, path, json=body, params=query)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        return response.status_code, self._read(response)

    def events(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield the name and the JSON text of each server-sent event until the stream ends.

        Raises:
            ProblemError: it answered with a problem document.
            ServeError: it cannot be reached, or falls silent.
        """
        try:
            with self._client.stream("GET", path, timeout=_SILENCE_S) as response:
                if not response.is_success:
                    response.read()
                    self._read(response)
                name = ""
                for line in response.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        yield name, value
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _read(self, response: httpx2.Response) -> dict[str, Any]:
        try:
            said = response.json() if response.content else {}
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ServeError(f"{self._server}: answers, but is no lastseen server")
        if not response.is_success:
            slug = str(said.get("type", "")).rpartition(":")[2]
            title = str(said.get("title", response.reason_phrase))
            detail = str(said.get("detail", title))
            raise ProblemError(response.status_code, slug, title, detail)
        return said

    def _unreachable(self, error: Exception) -> ServeError:
        return ServeError(f"{self._server}: cannot be reached: {error or type(error).__name__}")


def read_key(path: Path) -> str:
    """Return the key in a file.

    Raises:
        ServeError: it cannot be read, or holds none.
    """
    try:
        with path.open("rb") as file:
            key = file.read(_MOST_KEY_BYTES).decode("ascii").strip()
    except OSError as error:
        raise ServeError(f"{path}: {error.strerror}; name the file that holds the key") from error
    except UnicodeDecodeError as error:
        raise ServeError(f"{path}: holds no key, or more than a key") from error
    if not key or any(character.isspace() for character in key):
        raise ServeError(f"{path}: holds no key, or more than a key")
    return key
