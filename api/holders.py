"""One process for one name of a server: two would each hold the other's grants.

With SQLite the name is held by a lock on a file of the state folder, with PostgreSQL by an advisory
lock of a connection that lives as long as the server. Both end with the process, however it ends.
"""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlalchemy import text

from .errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .store import Store

_SPACE = 0x6C61  # "la": the first of the two numbers of our advisory locks


@contextmanager
def only_holder(store: Store, state: Path, name: str) -> Iterator[None]:
    """Hold the name of a server.

    Args:
        store: the database that its grants are kept in.
        state: its state folder.
        name: its name.

    Raises:
        ServeError: another process holds it.
        StoreError: the database does not answer.
    """
    key = zlib.crc32(name.encode()) & 0x7FFFFFFF
    if store.dialect == "postgresql":
        with store.reading() as connection:
            asked = text("SELECT pg_try_advisory_lock(:space, :key)")
            held = connection.execute(asked, {"space": _SPACE, "key": key}).scalar_one()
            connection.commit()  # the lock is the session's; no transaction stays open
            if not held:
                raise _taken(name)
            try:
                yield
            finally:  # the connection goes back to its pool, and would hold it on
                given = text("SELECT pg_advisory_unlock(:space, :key)")
                connection.execute(given, {"space": _SPACE, "key": key})
                connection.commit()
        return
    lock = FileLock(state / f"server-{key:08x}.lock", timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as error:
        raise _taken(name) from error
    try:
        yield
    finally:
        lock.release()


def _taken(name: str) -> ServeError:
    return ServeError(
        f"a server called {name!r} runs on this database already; stop it, or give this one a name "
        "of its own by LASTSEEN_SERVER"
    )
