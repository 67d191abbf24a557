"""The database: SQLite in the state folder by default, PostgreSQL where an address is given.

What a transaction wrote is on the disk when it ends: SQLite runs in WAL mode with
`synchronous=FULL`, and PostgreSQL's own default waits for its log. Schema changes are migrations
(Alembic), applied when the store is opened, so that a server is never newer than its tables.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from .errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

DATABASE_FILE = "lastseen.db"
"""Name of the SQLite file in the state folder."""

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_WAIT_S = 10.0
_POOL = 8
_MIGRATION_LOCK = 0x6C617374  # "last"; any number that nothing else locks
WRITING = "lastseen_writing"


class Store:
    """A database, opened and of the right version. Safe to use from any thread.

    Args:
        engine: as `open_store` makes it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**{WRITING: True})

    @property
    def name(self) -> str:
        """Which database it is, without a password."""
        return self._engine.url.render_as_string(hide_password=True)

    @property
    def dialect(self) -> str:
        """Either "sqlite" or "postgresql"."""
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read by.

        Raises:
            StoreError: the database does not answer.
        """
        with self._told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends, or has done nothing.

        Raises:
            StoreError: the database does not answer, or could not keep it.
        """
        with self._told(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"database {self.name}: {said_by(error)}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"database {self.name}: {type(error).__name__}") from error


def said_by(error: DBAPIError) -> str:
    """Return the driver's own words, on one line and without values.

    SQLAlchemy's words would repeat the statement and its values, PostgreSQL's details the row.
    """
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(primary or error.orig).split())


def open_store(state: Path, url: str | None = None) -> Store:
    """Return the database, made and migrated where it must be.

    Args:
        state: state folder, made with mode 0700 where absent; holds the SQLite file.
        url: address of a database as SQLAlchemy writes it; the SQLite file where None.

    Raises:
        StoreError: it cannot be opened, is of a newer version, or is none that is supported.
    """
    engine = _sqlite(state) if url is None else _engine_of(url)
    store = Store(engine)
    try:
        with store.writing() as connection:
            _migrate(connection)
    except BaseException:
        store.close()
        raise
    return store


def _engine_of(url: str) -> Engine:
    wanted = "postgresql+psycopg://USER:PASSWORD@HOST/NAME"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise StoreError(f"the database's address cannot be read; give {wanted}") from error
    if parsed.get_backend_name() != "postgresql":
        raise StoreError(
            f"{parsed.get_backend_name()} is not supported; give {wanted}, or none for SQLite"
        )
    try:
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=_POOL,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",  # the chain's end is read after its lock is had
            connect_args={
                "connect_timeout": int(_WAIT_S),
                # A server that hangs must not hang this one.
                "options": "-c statement_timeout=15000 -c lock_timeout=10000 "
                "-c idle_in_transaction_session_timeout=60000",
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 2,
                "tcp_user_timeout": 15_000,
            },
        )
    except NoSuchModuleError as error:
        raise StoreError(f"the database's address: {error}; give {wanted}") from error


def _sqlite(state: Path) -> Engine:
    path = state / DATABASE_FILE
    try:
        state.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        # Made here, so that it, and the files SQLite lays beside it, are nobody else's to read.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE))
    except OSError as error:
        raise StoreError(
            f"{path}: {error.strerror}; make the folder writable or choose another with --state"
        ) from error
    address = URL.create("sqlite", database=str(path))  # a path may hold ? and %
    engine = create_engine(address, pool_size=_POOL, connect_args={"timeout": _WAIT_S})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI's
        connection.isolation_level = None  # the driver's own BEGIN comes too late, see below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A writer takes the lock at once: one that began as a reader cannot be made to wait.
        writing = connection.get_execution_options().get(WRITING)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _migrate(connection: Connection) -> None:
    """Bring the tables to the version of this code; nothing is done where they are."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415 - needed here only, and slow to import
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    with as_file(files(__name__.rpartition(".")[0]) / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        scripts = ScriptDirectory.from_config(config)
        found = MigrationContext.configure(connection).get_current_revision()
        if found == scripts.get_current_head():
            return
        known = {script.revision for script in scripts.walk_revisions()}
        if found is not None and found not in known:
            raise StoreError(
                f"database {connection.engine.url.render_as_string(hide_password=True)}: was made "
                f"by a newer lastseen (version {found} of its tables); install that one"
            )
        command.upgrade(config, "head")
