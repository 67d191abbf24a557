"""A real PostgreSQL for tests: a server of their own that leaves nothing behind.

It listens on a Unix socket in a private folder and on no port, so it meets neither a server that
the machine runs already nor another test session, and it needs no password: only the account it
runs under, and root, can reach the socket. Its settings are PostgreSQL's own, so what is committed
is on the disk: a test that kills a client, or the server, sees what production would.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, NullPool, create_engine, make_url
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

DEBIAN_VERSIONS = Path("/usr/lib/postgresql")
"""Debian and Ubuntu keep each major version in a folder here, off the path."""
START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
LOG_LINES_TOLD = 20


def find_server(versions: Path = DEBIAN_VERSIONS) -> Path | None:
    """The folder with `initdb` and `postgres`: Debian's newest, else one on the path, or None."""
    installed = sorted(
        versions.glob("[0-9]*/bin"),
        key=lambda folder: [int(number) for number in re.findall(r"\d+", folder.parent.name)],
        reverse=True,
    )
    on_path = shutil.which("initdb")
    candidates = [*installed, *([Path(on_path).parent] if on_path else [])]
    for folder in candidates:
        if all((folder / program).is_file() for program in ("initdb", "postgres")):
            return folder
    return None


@contextlib.contextmanager
def running_postgres(binaries: Path, **settings: str) -> Iterator[str]:
    """A new server while the context lasts; yields the address of its main database.

    Args:
        binaries: The folder with `initdb` and `postgres`, as `find_server` gives it.
        settings: Server settings that shall differ from PostgreSQL's own.

    Yields:
        A SQLAlchemy URL whose user may do everything.

    Raises:
        RuntimeError: The server could not be made or does not answer; with its last log lines.
    """
    with tempfile.TemporaryDirectory(prefix="lastseen-postgres-") as name:
        folder = Path(name)
        account = server_account()
        if account:
            shutil.chown(folder, account, account)
        make_cluster(binaries, folder)
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        server = started(
            [binaries / "postgres", "-D", folder / "data", "-k", folder, "-h", "", *options], folder
        )
        try:
            url = URL.create(
                "postgresql+psycopg",
                username="postgres",
                database="postgres",
                query={"host": str(folder)},
            ).render_as_string()
            wait_for_answer(server, url, folder)
            yield url
        finally:
            stop(server)


def new_database(url: str, name: str) -> str:
    """The address of a new, empty database called `name`, on the server that `url` leads to."""
    with connected(url) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.exec_driver_sql(f"CREATE DATABASE {quoted}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str, name: str) -> None:
    """Remove the database called `name` on the server at `url`, whoever is connected to it."""
    with connected(url) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.exec_driver_sql(f"DROP DATABASE {quoted} WITH (FORCE)")


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """One connection in which every statement commits by itself, closed at the end."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 10},
    )
    with engine.connect() as connection:
        yield connection


def server_account() -> str | None:
    """The account that the server needs instead of this one: it refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def make_cluster(binaries: Path, folder: Path) -> None:
    """Write the files of an empty server into `folder / "data"`."""
    process = started(
        [
            binaries / "initdb", "--pgdata", folder / "data", "--username=postgres",
            "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions",
        ],
        folder,
    )  # fmt: skip
    try:
        status = process.wait(START_LIMIT_S)
    finally:
        stop(process)
    if status != 0:
        raise RuntimeError(f"initdb ended with status {status}:\n{last_lines(folder)}")


def started(arguments: list[str | Path], folder: Path) -> subprocess.Popen[bytes]:
    """A program of PostgreSQL, running in `folder`, whose output becomes the log there."""
    account = server_account()
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=account,
            group=account,
            extra_groups=[] if account else None,
        )


def wait_for_answer(server: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    """Return once the server accepts connections; raise where it ended or takes too long."""
    deadline_s = time.monotonic() + START_LIMIT_S
    while server.poll() is None and time.monotonic() < deadline_s:
        try:
            with connected(url):
                return
        except OperationalError:
            time.sleep(0.02)
    status = server.poll()
    trouble = (
        f"does not answer after {START_LIMIT_S:g} s"
        if status is None
        else f"ended with status {status}"
    )
    raise RuntimeError(f"PostgreSQL {trouble}:\n{last_lines(folder)}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the process, if it still runs: without waiting for clients, then without mercy."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(folder: Path) -> str:
    """The end of the log."""
    lines = (folder / "log").read_text(errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES_TOLD:])
