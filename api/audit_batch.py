"""Entries that wait to be written, put into one transaction without harming each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from .audit_chain import Head, link
from .errors import AuditError
from .store_tables import AUDIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    Change = Callable[[Connection], None]


@dataclass(slots=True)
class Waiting:
    """An entry that is not on the disk yet."""

    action: str
    at: str
    facts: Mapping[str, object]
    change: Change | None
    head: Head | None = None
    error: BaseException | None = None


def link_all(connection: Connection, batch: list[Waiting], head: Head) -> list[dict[str, object]]:
    """Return the rows of a batch after `head`, its changes made; what fails is told its error.

    Raises:
        SQLAlchemyError: the transaction is lost, and with it the whole batch.
    """
    rows: list[dict[str, object]] = []
    for one in batch:
        try:
            line, end = link(head, one.at, one.action, one.facts)
            row = {"action": one.action, "incident": incident_of(one.facts)}
            for column, value in row.items():
                _fits(column, value)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked for it
            one.error = error
            continue
        one.error = _changed(connection, one.change)
        if one.error is None:
            one.head = head = end
            rows.append({"seq": end.seq, **row, "line": line.decode().removesuffix("\n")})
    return rows


def _changed(connection: Connection, change: Change | None) -> Exception | None:
    """Make a change, or leave no trace of it and return why."""
    if change is None:
        return None
    alone = connection.begin_nested()  # what fails takes nothing else with it
    try:
        change(connection)
    except Exception as error:  # noqa: BLE001 - handed to whoever asked for it
        # On a full disk SQLite ends the whole transaction by itself: then this raises, too.
        alone.rollback()
        if isinstance(error, SQLAlchemyError) and not isinstance(error, IntegrityError):
            told = AuditError(
                f"what changes with the audit entry cannot be written ({_said(error)})"
            )
            told.__cause__ = error
            return told
        return error
    alone.commit()
    return None


def _said(error: SQLAlchemyError) -> str:
    """The driver's own words on one line, without the values that PostgreSQL adds below them."""
    driver = str(getattr(error, "orig", "")).splitlines()
    return driver[0] if driver else type(error).__name__


def incident_of(facts: Mapping[str, Any]) -> str | None:
    """Return the incident that an entry belongs to, if any."""
    incident = facts.get("incident")
    return incident if isinstance(incident, str) else None


def _fits(column: str, value: str | None) -> None:
    """Raise where a column cannot hold a value, which would cost the whole batch its transaction.

    Raises:
        ValueError: it is too long, or holds a character that PostgreSQL has not.
    """
    most = getattr(AUDIT.c[column].type, "length", None)
    if value is not None and ("\0" in value or (most is not None and len(value) > most)):
        raise ValueError(f"{column} {value!r}: at most {most} characters, and no NUL")
