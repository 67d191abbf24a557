"""What the tests of the location API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from api.record import opened_record
from api.store import open_store
from tests.api.agreed import AGREEMENT
from tests.api.replayed import Clock, Console, build_console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from api.record import Record
    from api.store import Store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """The address of a new, empty database; None stands for SQLite in the state folder."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_database")
    return url


@pytest.fixture
def store(tmp_path: Path, database_url: str | None) -> Iterator[Store]:
    """A new database, SQLite and PostgreSQL in turn."""
    opened = open_store(tmp_path / "state", database_url)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    """The database, keys and audit of a new state folder."""
    with opened_record(tmp_path / "state") as opened:
        yield opened


@pytest.fixture
def console(tmp_path: Path, clock: Clock) -> Iterator[Console]:
    """An application over a small site that no agreement binds."""
    made = build_console(tmp_path, clock)
    yield made
    made.record.store.close()


@pytest.fixture
def bound(tmp_path: Path, clock: Clock, database_url: str | None) -> Iterator[Console]:
    """An application over a small site that an agreement binds, on each database."""
    made = build_console(tmp_path, clock, agreement=AGREEMENT, database_url=database_url)
    yield made
    made.record.store.close()


@pytest.fixture
def client(console: Console) -> Iterator[TestClient]:
    """A client with the token, the lifespan of the application around it."""
    with TestClient(console.app, headers=console.bearer, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def stranger(console: Console) -> TestClient:
    """A client without a token."""
    return TestClient(console.app, raise_server_exceptions=False, follow_redirects=False)
