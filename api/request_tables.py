"""Tables of requests and the answers that an agreement must give: the agreement's own tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads the annotation
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, Field

from calibration.validation import FileModel

from .agreements import Channel, Placement, Slug, read_terms
from .decisions import AccessRequest, Decision, decide

if TYPE_CHECKING:
    from pathlib import Path

    from .agreements import Agreement

REQUESTS_FILE = "requests.toml"


class ExpectedAnswer(FileModel):
    """One `[[requests]]`: a request, and what must be answered."""

    says: str
    role: Slug
    channel: Channel
    incident: Slug | None = None
    by: str = ""
    reason: str = ""
    handled_by_staff: bool = False
    confirmed_by: str = ""
    exercise: bool = False
    at: AwareDatetime | None = None
    """The moment of the request; now if missing."""
    allowed: bool
    clause: str
    """Id of the clause that decides; "" where no clause allows it."""
    cameras: tuple[Placement, ...] | None = None
    longest_min: float | None = None

    def request(self) -> AccessRequest:
        """The request without what is expected of it."""
        return AccessRequest(
            role=self.role,
            channel=self.channel,
            incident=self.incident,
            by=self.by,
            reason=self.reason,
            handled_by_staff=self.handled_by_staff,
            confirmed_by=self.confirmed_by,
            exercise=self.exercise,
        )


class RequestTable(FileModel):
    """All of `requests.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    requests: tuple[ExpectedAnswer, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Answered:
    """One row of a table with the agreement's answer.

    Attributes:
        expected: the row.
        decision: the answer.
        differences: how it differs from what is expected, a phrase each.
    """

    expected: ExpectedAnswer
    decision: Decision
    differences: tuple[str, ...]


def load_requests(path: Path) -> RequestTable:
    """Return the table in a file.

    Raises:
        AgreementError: with every problem, each naming file and field.
    """
    return read_terms(RequestTable, path)


def answer_all(agreement: Agreement, table: RequestTable, now: datetime) -> tuple[Answered, ...]:
    """Return what the agreement answers to every row, and where that is not as expected."""
    answered = []
    for row in table.requests:
        decision = decide(agreement, row.request(), row.at or now)
        answered.append(Answered(row, decision, tuple(_differences(row, decision))))
    return tuple(answered)


def _differences(row: ExpectedAnswer, decision: Decision) -> list[str]:
    found = []
    if decision.allowed is not row.allowed:
        found.append(f"it is {'allowed' if decision.allowed else 'refused'}")
    if decision.clause != row.clause:
        found.append(f"clause {decision.clause or 'none'} decides, not {row.clause or 'none'}")
    if row.cameras is not None and decision.placements != set(row.cameras):
        found.append(f"cameras: {', '.join(sorted(decision.placements)) or 'none'}")
    longest_min = None if decision.longest_s is None else decision.longest_s / 60
    if row.longest_min is not None and longest_min != row.longest_min:
        found.append(f"longest grant: {longest_min} min")
    return found
