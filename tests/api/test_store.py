"""The database: the tables of this version, durable, private, and silent about its password."""

from __future__ import annotations

import logging
import multiprocessing
import stat
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, inspect, make_url, select, text

from api.errors import StoreError
from api.settings import Settings
from api.store import DATABASE_FILE, Store, open_store
from api.store_tables import AGREEMENTS, METADATA

if TYPE_CHECKING:
    from pathlib import Path

ROW: dict[str, Any] = {"sha256": "a" * 64, "terms": {"a": [1, "ü"]}, "first_used_s": 1.5}
PASSWORD = "correct-horse"  # noqa: S105 - of no database
PROCESSES = 4


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def count(store: Store) -> int:
    with store.reading() as connection:
        return len(connection.execute(select(AGREEMENTS.c.sha256)).all())


def test_migrations_give_the_tables_of_this_version(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        tables = set(inspect(connection).get_table_names())
    assert tables == {*METADATA.tables, "alembic_version"}


def test_a_migration_that_is_missing_would_be_found(store: Store) -> None:
    """The comparison above sees a table and a column that no migration made."""
    with store.writing() as connection:
        connection.execute(text("ALTER TABLE users ADD COLUMN shoe_size INTEGER"))
        connection.execute(text("CREATE TABLE more (id INTEGER PRIMARY KEY)"))
    with store.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert {one[0] for one in found} == {"remove_table", "remove_column"}


def test_what_was_written_is_there_when_it_is_opened_again(
    store: Store, tmp_path: Path, database_url: str | None
) -> None:
    with store.writing() as connection:
        connection.execute(insert(AGREEMENTS), ROW)
    store.close()
    again = open_store(tmp_path / "state", database_url)
    with again.reading() as connection:
        assert dict(connection.execute(select(*AGREEMENTS.c)).mappings().one()) == ROW
    again.close()


def open_and_write(state: Path, url: str | None, number: int) -> None:
    store = open_store(state, url)
    with store.writing() as connection:
        connection.execute(insert(AGREEMENTS), {**ROW, "sha256": f"{number}"})
    store.close()


@pytest.mark.parametrize("attempt", range(3))
def test_processes_that_open_a_new_one_at_once_agree(
    tmp_path: Path, database_url: str | None, attempt: int
) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "new" / "state", database_url)
    openers = [
        context.Process(target=open_and_write, args=(*arguments, number))
        for number in range(PROCESSES)
    ]
    for process in openers:
        process.start()
    for process in openers:
        process.join(120)
        assert process.exitcode == 0
    store = open_store(*arguments)
    assert count(store) == PROCESSES
    store.close()


def test_a_block_that_fails_writes_nothing(store: Store) -> None:
    def write_and_fail() -> None:
        with store.writing() as connection:
            connection.execute(insert(AGREEMENTS), ROW)
            raise ValueError("by the caller")

    with pytest.raises(ValueError, match="by the caller"):
        write_and_fail()
    assert count(store) == 0


def test_a_database_of_a_newer_version_is_refused(
    store: Store, tmp_path: Path, database_url: str | None
) -> None:
    with store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"made by a newer lastseen \(version 9999 "):
        open_store(tmp_path / "state", database_url)
    with store.reading() as connection:
        assert (
            connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
        )


def test_the_sqlite_file_and_its_folder_are_nobody_elses(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    with store.writing() as connection:
        connection.execute(insert(AGREEMENTS), ROW)
        files = list((tmp_path / "state").iterdir())
        assert {path.name for path in files} >= {DATABASE_FILE, f"{DATABASE_FILE}-wal"}
        assert {mode(path) for path in files} == {0o600}
    assert mode(tmp_path / "state") == 0o700
    store.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL: each transaction waits for the disk
        ("foreign_keys", 1),
        ("secure_delete", 1),
    ],
)
def test_every_sqlite_connection_is_set_up(tmp_path: Path, pragma: str, value: object) -> None:
    store = open_store(tmp_path)
    with store.reading() as one, store.reading() as two, store.writing() as three:
        for connection in (one, two, three):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    store.close()


def test_a_reader_sees_the_state_before_a_writer_is_done(store: Store) -> None:
    with store.writing() as writer:
        writer.execute(insert(AGREEMENTS), ROW)
        assert count(store) == 0
    assert count(store) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "cannot be read"),
        (f"no address but a {PASSWORD}", "cannot be read"),
        (f"postgresql://u:{PASSWORD}@h:port/name", "cannot be read"),
        (f"mysql://u:{PASSWORD}@h/name", "mysql is not supported"),
        ("sqlite:///elsewhere.db", "sqlite is not supported"),
        (f"http://u:{PASSWORD}@h/name", "http is not supported"),
        (f"postgresql://u:{PASSWORD}@/name?host=/nowhere/at/all", "database postgresql"),
        (f"postgresql://u:{PASSWORD}@127.0.0.1:1/name", "database postgresql"),
        (f"postgresql+asyncpg://u:{PASSWORD}@127.0.0.1:1/name", "database postgresql"),
    ],
)
def test_an_address_that_leads_nowhere_is_said_without_its_password(
    tmp_path: Path, url: str, said: str
) -> None:
    with pytest.raises(StoreError, match=said) as told:
        open_store(tmp_path / "state", url)
    assert PASSWORD not in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "state").exists()


@pytest.mark.postgres
def test_a_password_is_never_told(
    postgres_database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = make_url(postgres_database).set(password=PASSWORD)
    store = open_store(tmp_path, address.render_as_string(hide_password=False))
    assert store.name == address.render_as_string(hide_password=True)
    with pytest.raises(StoreError) as told, store.writing() as connection:
        connection.execute(text("SELECT :word FROM nowhere"), {"word": "a secret word"})
    for words in (str(told.value), repr(store), store.name, caplog.text):
        assert PASSWORD not in words
        assert "a secret word" not in words
    store.close()


def test_the_settings_hide_the_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LASTSEEN_DATABASE", f"postgresql://u:{PASSWORD}@127.0.0.1:1/name")
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path))
    settings = Settings()
    assert PASSWORD not in repr(settings)
    with pytest.raises(StoreError) as told:
        settings.open_store()
    assert PASSWORD not in str(told.value)


@pytest.mark.parametrize("column", ["sha256", "terms"])
def test_values_are_not_in_errors(store: Store, column: str) -> None:
    """PostgreSQL's details show the whole row that does not fit, or the key that is there."""
    row = {**ROW, "first_used_s": None, column: "a secret word"}
    with pytest.raises(StoreError) as told, store.writing() as connection:
        connection.execute(insert(AGREEMENTS), row)
    assert "null" in str(told.value).lower()
    assert "a secret word" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/state/lastseen\.db: Not a directory"):
        open_store(tmp_path / "file" / "state")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / DATABASE_FILE
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreError, match=r"lastseen\.db: file is not a database"):
        open_store(tmp_path)
    assert path.read_bytes() == b"not a database " * 100


@pytest.mark.parametrize("name", ["a b", "a?b=c", "50%25", "ü#1", "a;b"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / name)
    assert (tmp_path / name / DATABASE_FILE).stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
    store.close()
