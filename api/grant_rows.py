"""The table of grants: what each decision of the gate changes in it, in the entry's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import bindparam, func, insert, select, update

from .agreements import Agreement
from .errors import AuditError
from .store_tables import AGENCIES, AGREEMENTS, GRANTS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .audit import Audit
    from .audit_batch import Change
    from .gate import Grant
    from .grant_rules import Activation


# Built once: to build and compile a statement costs more than to run it.
_INSERT_GRANT = insert(GRANTS)
_KNOWN_TERMS = select(AGREEMENTS.c.sha256).where(AGREEMENTS.c.sha256 == bindparam("wanted"))


def opened(
    activation: Activation,
    incident: str,
    agreement: Agreement | None,
    clause: str,
    times_s: tuple[float, float],
) -> Change:
    """Return the change that keeps a new grant, and the terms that it is made under.

    Args:
        activation: who asked for what.
        incident: its id.
        agreement: the terms; None where there are none.
        clause: the clause that allows it.
        times_s: begin and end, Unix seconds.
    """
    from_s, until_s = times_s
    row = {
        "incident": incident,
        "kind": activation.kind,
        "target": activation.target,
        "channel": activation.channel,
        "agreement": None if agreement is None else agreement.sha256,
        "clause": clause,
        "from_s": from_s,
        "until_s": until_s,
        "extensions": 0,
        "retention_days": None if agreement is None else agreement.retention.days,
    }

    def change(connection: Connection) -> None:
        if agreement is not None:
            _keep_terms(connection, agreement, from_s)
        connection.execute(_INSERT_GRANT, row)

    return change


def extended(grant: Grant) -> Change:
    """Return the change that keeps an extension."""
    incident = grant.permit.incident
    values = {"until_s": grant.until_s, "extensions": grant.extensions}

    def change(connection: Connection) -> None:
        connection.execute(update(GRANTS).where(GRANTS.c.incident == incident).values(values))

    return change


def closed(incident: str, now_s: float) -> Change:
    """Return the change that closes a grant."""

    def change(connection: Connection) -> None:
        rows = update(GRANTS).where(GRANTS.c.incident == incident, GRANTS.c.closed_s.is_(None))
        connection.execute(rows.values(closed_s=now_s))

    return change


def responds(incident: str, agency: str, left_s: float | None, remaining: list[int]) -> Change:
    """Return the change that keeps whether an agency is there.

    Args:
        incident: incident id.
        agency: its name.
        left_s: when it left, Unix seconds; None while it responds.
        remaining: takes how many agencies are still there.
    """

    def change(connection: Connection) -> None:
        key = (AGENCIES.c.incident == incident, AGENCIES.c.agency == agency)
        found = connection.execute(update(AGENCIES).where(*key).values(left_s=left_s))
        if not found.rowcount:
            row = {"incident": incident, "agency": agency, "left_s": left_s}
            connection.execute(insert(AGENCIES).values(row))
        there = (AGENCIES.c.incident == incident, AGENCIES.c.left_s.is_(None))
        count = connection.execute(select(func.count()).select_from(AGENCIES).where(*there))
        remaining[:] = [count.scalar_one()]

    return change


def agencies_of(audit: Audit, incident: str) -> dict[str, float | None]:
    """Return the agencies that responded: when each left, Unix seconds; None while it is there.

    Raises:
        AuditError: the database cannot be read.
    """
    wanted = select(AGENCIES.c.agency, AGENCIES.c.left_s).where(AGENCIES.c.incident == incident)
    with audit.reading() as connection:
        return {row.agency: row.left_s for row in connection.execute(wanted)}


def unclosed(audit: Audit) -> tuple[str, ...]:
    """Return the incidents that the table holds as open, the earliest first.

    Raises:
        AuditError: the database cannot be read.
    """
    wanted = select(GRANTS.c.incident).where(GRANTS.c.closed_s.is_(None)).order_by(GRANTS.c.from_s)
    with audit.reading() as connection:
        return tuple(connection.execute(wanted).scalars())


def terms_of(audit: Audit, sha256: str | None) -> Agreement | None:
    """Return the terms that a grant was made under; None where it was made under none.

    Args:
        audit: whose database keeps the terms.
        sha256: their hash, as the grant's entry has it.

    Raises:
        AuditError: they are not there, or are not what was hashed.
    """
    if sha256 is None:
        return None
    with audit.reading() as connection:
        wanted = select(AGREEMENTS.c.terms).where(AGREEMENTS.c.sha256 == sha256)
        terms = connection.execute(wanted).scalar()
    try:
        agreement = Agreement.model_validate(terms)
    except ValidationError as error:
        raise AuditError(f"the terms of agreement {sha256[:16]} cannot be read") from error
    if agreement.sha256 != sha256:
        raise AuditError(f"the terms of agreement {sha256[:16]} were changed after they were kept")
    return agreement


def _keep_terms(connection: Connection, agreement: Agreement, now_s: float) -> None:
    if connection.execute(_KNOWN_TERMS, {"wanted": agreement.sha256}).first() is None:
        terms = agreement.model_dump(mode="json", by_alias=True)
        row = {"sha256": agreement.sha256, "terms": terms, "first_used_s": now_s}
        connection.execute(insert(AGREEMENTS).values(row))
