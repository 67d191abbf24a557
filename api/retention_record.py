"""What the audit says of what is kept of an incident: the table beside it is not believed alone.

A key that is destroyed comes back by no repair. So it is destroyed on the word of the audit, which
cannot be bent unseen, and not on that of a table, which whoever writes the database bends as they
like.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from .audit_chain import read_entry
from .errors import AuditError
from .grant_rows import terms_of
from .store_tables import AUDIT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from .actors import Actor
    from .agreements import Agreement, Fact
    from .audit import Audit

_ACTIONS = ("grant-opened", "grant-closed", "hold-set", "hold-released", "purge-begun")


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the entries of an incident say of what is kept of it.

    Attributes:
        opened: the entry that opened it; None where there is none.
        closed_s: when it was closed last, Unix seconds; None where it was not.
        held: whether it is on hold.
        begun: whether its purge has begun.
        since: number of the earliest of these entries; 1 where there is none.
    """

    opened: Mapping[str, Any] | None
    closed_s: float | None
    held: bool
    begun: bool
    since: int

    def refusal_to_purge(self) -> str | None:
        """Return why it may not be purged; None where it may, sooner or later."""
        if self.opened is None:
            return "the audit has no grant of it"
        if self.closed_s is None:
            return "the audit does not have that it was closed"
        if self.held:
            return "it is on legal hold: the audit does not have that it was released"
        return None


def on_record(connection: Connection, incident: str) -> OnRecord:
    """Return what the audit says; bent entries too, see `Record.whole`."""
    wanted = (
        select(AUDIT.c.seq, AUDIT.c.line)
        .where(AUDIT.c.incident == incident, AUDIT.c.action.in_(_ACTIONS))
        .order_by(AUDIT.c.seq)
    )
    opened: Mapping[str, Any] | None = None
    closings_s: list[float] = []
    held = begun = False
    rows = connection.execute(wanted).all()
    for row in rows:
        line = row.line if isinstance(row.line, bytes) else row.line.encode()
        entry = read_entry(line + b"\n") or {}
        match entry.get("action"):
            case "grant-opened":
                opened = opened or entry
            case "grant-closed":
                closings_s += _seconds(entry)
            case "hold-set" | "hold-released" as action:
                held = action == "hold-set"
            case "purge-begun":
                begun = True
    # By the row, not by what stands in its line: that is still to be verified.
    since = rows[0].seq if rows else 1
    return OnRecord(opened, max(closings_s, default=None), held, begun, since)


def _seconds(entry: Mapping[str, Any]) -> tuple[float, ...]:
    """When an entry was written, Unix seconds; none where it was bent."""
    try:
        return (datetime.fromisoformat(entry["at"]).astimezone(UTC).timestamp(),)
    except (ValueError, OverflowError):
        return ()


@dataclass(frozen=True, slots=True)
class TermsOnRecord:
    """The agreement that an incident was decided under.

    Attributes:
        agreement: its terms; None where there are none, or where they are not known.
        known: whether they are known, so that None says that there are none.
    """

    agreement: Agreement | None
    known: bool

    def tell(self, fact: Fact, actor: Actor) -> bool:
        """Whether somebody may be told a fact. Auditors are told all; nobody else by guess."""
        if actor.role == "auditor":
            return True
        if self.agreement is None:
            return self.known
        return self.agreement.tells(fact, actor.acts_as)


def terms_on_record(
    audit: Audit, asked: Mapping[str, Any] | None, today: Agreement | None = None
) -> TermsOnRecord:
    """Return the terms that an entry names by their hash.

    Args:
        audit: whose database keeps the terms.
        asked: the entry that granted or refused a request; None where there is none.
        today: an agreement that is known from elsewhere; counts where it has that hash.
    """
    match asked:
        case {"agreement": None}:
            return TermsOnRecord(None, known=True)
        case {"agreement": {"sha256": str(sha256)}}:
            if today is not None and today.sha256 == sha256:
                return TermsOnRecord(today, known=True)
            try:
                return TermsOnRecord(terms_of(audit, sha256), known=True)
            except AuditError:  # they are not there, or are not what was hashed
                return TermsOnRecord(None, known=False)
    return TermsOnRecord(None, known=False)
