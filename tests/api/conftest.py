"""What the tests of the location API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.api.replayed import Clock, Console, build_console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def console(tmp_path: Path, clock: Clock) -> Console:
    return build_console(tmp_path, clock)


@pytest.fixture
def client(console: Console) -> Iterator[TestClient]:
    """A client with the token, the lifespan of the application around it."""
    with TestClient(console.app, headers=console.bearer, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def stranger(console: Console) -> TestClient:
    """A client without a token."""
    return TestClient(console.app, raise_server_exceptions=False, follow_redirects=False)
