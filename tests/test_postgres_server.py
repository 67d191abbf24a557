"""The PostgreSQL that tests get is real, durable, and gone afterwards."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from tests.postgres import connected, drop_database, find_server, new_database, running_postgres


def ask(url: str, query: str) -> str:
    """The one value that a query answers with."""
    with connected(url) as connection:
        return str(connection.exec_driver_sql(query).scalar_one())


@pytest.fixture
def binaries(postgres_url: str) -> Path:
    """PostgreSQL's programs, for a test that starts a server of its own."""
    found = find_server()
    assert found is not None
    return found


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("query", "begins"),
    [
        pytest.param("SELECT version()", "PostgreSQL ", id="it is PostgreSQL"),
        pytest.param("SHOW fsync", "on", id="commits reach the disk"),
        pytest.param("SHOW synchronous_commit", "on", id="before they are confirmed"),
        pytest.param("SHOW full_page_writes", "on", id="whole after a crash"),
    ],
)
def test_the_server_answers(postgres_url: str, query: str, begins: str) -> None:
    assert ask(postgres_url, query).startswith(begins)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["second", "Zweite \"50%\" 'Ähre'"])
def test_databases_are_separate(postgres_url: str, postgres_database: str, name: str) -> None:
    other = new_database(postgres_url, name)
    assert ask(other, "SELECT current_database()") == name
    with connected(postgres_database) as connection:
        connection.exec_driver_sql("CREATE TABLE seen (id integer)")
    assert ask(postgres_database, "SELECT count(*) FROM seen") == "0"
    with pytest.raises(ProgrammingError, match="does not exist"):
        ask(other, "SELECT count(*) FROM seen")
    drop_database(postgres_url, name)
    with pytest.raises(OperationalError, match="does not exist"):
        ask(other, "SELECT 1")


@pytest.mark.postgres
def test_every_test_gets_an_empty_database(postgres_database: str) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert ask(postgres_database, tables) == "0"


@pytest.mark.postgres
def test_the_server_is_gone_afterwards_though_a_client_stayed(binaries: Path) -> None:
    with contextlib.ExitStack() as stays:
        with running_postgres(binaries) as url:
            folder = Path(str(make_url(url).query["host"]))
            process, *_ = ask(url, "SELECT pg_read_file('postmaster.pid')").splitlines()
            os.kill(int(process), 0)
            assert (folder / "data").is_dir()
            stays.enter_context(connected(url))
        with pytest.raises(ProcessLookupError):
            os.kill(int(process), 0)
        assert not folder.exists()


def fail_within(binaries: Path, folders: list[Path]) -> None:
    with running_postgres(binaries) as url:
        folders.append(Path(str(make_url(url).query["host"])))
        raise ZeroDivisionError


@pytest.mark.postgres
def test_a_failure_within_leaves_nothing_behind(binaries: Path) -> None:
    folders: list[Path] = []
    with pytest.raises(ZeroDivisionError):
        fail_within(binaries, folders)
    assert [folder.exists() for folder in folders] == [False]


@pytest.mark.postgres
def test_a_server_that_does_not_start_says_why(binaries: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r'status 1:[^"]*"no_such_setting"'),
        running_postgres(binaries, no_such_setting="1"),
    ):
        pytest.fail("it started")


@pytest.mark.parametrize(
    ("programs", "on_path", "found"),
    [
        pytest.param([], False, None, id="nothing is installed"),
        pytest.param(["9.6/bin/initdb", "9.6/bin/postgres"], False, "9.6/bin", id="one version"),
        pytest.param(
            [
                f"{version}/bin/{name}"
                for version in (9.6, 17, 15)
                for name in ("initdb", "postgres")
            ],
            False,
            "17/bin",
            id="the newest by number, not by letter",
        ),
        pytest.param(
            ["15/bin/initdb", "15/bin/postgres", "17/bin/psql"],
            False,
            "15/bin",
            id="the newer is only a client",
        ),
        pytest.param(["path/initdb", "path/postgres"], True, "path", id="only on the path"),
        pytest.param(["path/initdb"], True, None, id="half of it on the path"),
    ],
)
def test_programs_are_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: list[str],
    on_path: bool,
    found: str | None,
) -> None:
    for program in programs:
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path") if on_path else str(tmp_path))
    assert find_server(tmp_path) == (tmp_path / found if found else None)
