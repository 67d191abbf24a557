"""The memorandum between a district and its agencies as data: read, checked and hashed.

An agreement is a list of clauses. Each says what it does where its conditions hold:

- `open`: interior (and other) cameras may be opened for an emergency, by a grant;
- `standing`: cameras may be watched at any time, without an emergency;
- `refuse`: whatever another clause would allow is refused.

What no clause allows is refused. Which clause decides is worked out in `api.decisions`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import date  # noqa: TC003 - pydantic reads the annotation
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from calibration.validation import FileModel, Model, check, read_toml
from vision.stream_parts import HeadPolicy  # noqa: TC001 - pydantic reads the annotation

from .errors import AgreementError

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    from calibration.errors import Problem

AGREEMENT_FILE = "agreement.toml"

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
"""A word of an agreement, such as `active-shooter`: small letters, digits and hyphens."""

Channel = Literal["911", "cad", "hotline", "panic-app", "administrator", "break-glass", "console"]
"""How a request comes in: a 911 call, an event of the dispatch system, a dedicated landline, a
panic app, an administrator who contacts the agency, a dispatcher's own decision with a reason, or
somebody at the console (standing access)."""

Placement = Literal["interior", "exterior"]
Effect = Literal["open", "standing", "refuse"]
Need = Literal["reason", "second-person"]
Fact = Literal["retention", "camera-count", "camera-places"]


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise ValueError("is empty; write the clause as the memorandum has it")
    return text


Sentence = Annotated[str, AfterValidator(_sentence)]


class Clause(FileModel):
    """One rule; an empty list of roles, channels or incidents stands for any of them."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.§-]*$", max_length=20)]
    text: Sentence
    effect: Effect
    roles: tuple[Slug, ...] = ()
    channels: tuple[Channel, ...] = ()
    incidents: tuple[Slug, ...] = ()
    """Of an opening clause: all that count, where empty."""
    handled_by_staff: bool | None = None
    """Only where the requester says that staff are, or are not, handling it."""
    cameras: tuple[Placement, ...] = ()
    needs: tuple[Need, ...] = ()
    longest_min: Annotated[float, Field(gt=0)] | None = None
    """Longest grant by this clause, minutes; that of `[grant]` where missing."""

    @model_validator(mode="after")
    def _fits_its_effect(self) -> Self:
        if self.effect == "refuse":
            if self.cameras or self.needs or self.longest_min is not None:
                raise ValueError(
                    "a clause that refuses has no cameras, needs or longest_min; it refuses all"
                )
            if not (self.roles or self.channels or self.incidents) and (
                self.handled_by_staff is None
            ):
                raise ValueError("this clause would refuse everything; name what it refuses")
        elif not self.cameras:
            raise ValueError('name the cameras: ["interior"], ["exterior"] or both')
        if self.effect == "standing" and (self.channels or self.incidents):
            raise ValueError("standing access needs no emergency: no channels and no incidents")
        if self.effect == "standing" and not self.roles:
            raise ValueError("standing access for everybody is no agreement; name the roles")
        if self.effect == "open" and not self.roles:
            raise ValueError("name the roles that may ask; an opening clause for anybody is none")
        return self


class Incidents(FileModel):
    """`[incidents]`: what is a life-safety emergency, and what never is."""

    count: dict[Slug, Sentence] = Field(min_length=1)
    never: dict[Slug, Sentence] = Field(default_factory=dict)


class Cameras(FileModel):
    """`[cameras]`: what no clause opens."""

    excluded_spaces: tuple[Slug, ...] = ()
    """Categories of spaces, as in the floor plan, whose cameras stay closed."""
    excluded: tuple[str, ...] = ()
    """Camera ids that stay closed."""


class GrantTerms(FileModel):
    """`[grant]`: how long, and who ends it."""

    longest_min: Annotated[float, Field(gt=0, le=24 * 60)]
    extend_min: Annotated[float, Field(gt=0, le=24 * 60)] | None = None
    extend_by: tuple[Slug, ...] = ()
    most_extensions: Annotated[int, Field(ge=0)] = 0
    close_by: tuple[Slug, ...] = Field(min_length=1)
    close_when_all_left: bool = True
    """Whether it closes when every responding agency has left."""

    @model_validator(mode="after")
    def _extensions_agree(self) -> Self:
        parts = (self.extend_min is not None, bool(self.extend_by), self.most_extensions > 0)
        if any(parts) and not all(parts):
            raise ValueError("an extension needs extend_min, extend_by and most_extensions")
        return self


class Sharing(FileModel):
    """`[sharing]`: with whom what is seen may be shared during a grant."""

    agencies: tuple[str, ...] = ()
    relay_to_officers: bool = False
    devices: tuple[Literal["console", "vehicle", "phone"], ...] = ("console",)


class Retention(FileModel):
    """`[retention]`: how long what was kept of an incident is kept."""

    days: Annotated[float, Field(ge=0)]
    legal_hold_by: tuple[Slug, ...] = ()


class Confidential(FileModel):
    """`[confidential]`: facts that only some roles may be told."""

    facts: tuple[Fact, ...] = ()
    told_to: tuple[Slug, ...] = ()

    @model_validator(mode="after")
    def _somebody_knows(self) -> Self:
        if self.facts and not self.told_to:
            raise ValueError("told_to: facts that nobody may know cannot be kept to")
        return self


class Exercises(FileModel):
    """`[exercises]`: who may open one."""

    roles: tuple[Slug, ...] = Field(min_length=1)
    longest_min: Annotated[float, Field(gt=0, le=24 * 60)] = 60.0


class Survey(FileModel):
    """`[survey]`: who may look through one camera for moments, to calibrate it, at any time."""

    roles: tuple[Slug, ...] = Field(min_length=1)
    interior: bool = False
    """Whether through interior cameras, too; else through exterior ones only."""
    longest_s: Annotated[float, Field(gt=0, le=600)] = 120.0
    """How long one look lasts at most: a still takes seconds, a walk test as long as the walk."""


class Streams(FileModel):
    """`[streams]`: how live pictures are shown, and to whom."""

    heads: HeadPolicy = "pixelate-others"
    """Whose heads cannot be made out: of everyone who is not a subject of interest
    (`pixelate-others`), of everybody (`pixelate-all`), or of nobody (`clear`)."""
    roles: tuple[Slug, ...] = ()
    """Roles that may watch streams; empty for all who may see an incident and its cameras."""

    def for_role(self, role: str) -> bool:
        """Whether somebody in this role may watch streams."""
        return not self.roles or role in self.roles


_ADDED_LATER = ("survey", "streams")
"""Sections that older agreements cannot have. One that is not written is not hashed, so that terms
that grants were made under keep their hash."""


class Agreement(FileModel):
    """All of `agreement.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    title: Sentence
    version: Sentence
    district: Sentence
    agencies: tuple[Sentence, ...] = Field(min_length=1)
    effective: date
    expires: date | None = None
    roles: dict[Slug, Sentence] = Field(min_length=1)
    incidents: Incidents
    clauses: tuple[Clause, ...] = Field(min_length=1)
    grant: GrantTerms
    cameras: Cameras = Cameras()
    sharing: Sharing = Sharing()
    retention: Retention
    confidential: Confidential = Confidential()
    exercises: Exercises | None = None
    survey: Survey | None = None
    streams: Streams | None = None

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        twice = [name for name, n in Counter(clause.id for clause in self.clauses).items() if n > 1]
        if twice:
            raise ValueError(f"clauses: id {twice[0]!r} is used twice; ids are unique")
        both = sorted(self.incidents.count.keys() & self.incidents.never.keys())
        if both:
            raise ValueError(f"incidents: {both[0]!r} both counts and never counts")
        if self.expires is not None and self.expires < self.effective:
            raise ValueError("expires: lies before the agreement takes effect")
        named = {f"clause {clause.id}: roles": clause.roles for clause in self.clauses} | {
            "grant.extend_by": self.grant.extend_by,
            "grant.close_by": self.grant.close_by,
            "retention.legal_hold_by": self.retention.legal_hold_by,
            "confidential.told_to": self.confidential.told_to,
            "exercises.roles": self.exercises.roles if self.exercises else (),
            "streams.roles": self.streams.roles if self.streams else (),
            "survey.roles": self.survey.roles if self.survey else (),
        }
        for where, roles in named.items():
            _known(where, roles, self.roles.keys(), "[roles]")
        for clause in self.clauses:
            # A clause may refuse what never counts by saying so; only what counts is opened for.
            known = set(self.incidents.count)
            if clause.effect == "refuse":
                known |= self.incidents.never.keys()
            _known(f"clause {clause.id}: incidents", clause.incidents, known, "[incidents]")
        return self

    @cached_property
    def sha256(self) -> str:
        """The hash of what it says: the same for the same terms, however the file is laid out."""
        terms = self.model_dump(mode="json")
        written = {k: v for k, v in terms.items() if not (k in _ADDED_LATER and v is None)}
        said = json.dumps(written, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode()).hexdigest()

    @property
    def streaming(self) -> Streams:
        """How live pictures are shown: as it says, or the defaults where it says nothing."""
        return self.streams or Streams()

    def tells(self, fact: Fact, role: str) -> bool:
        """Whether a role may be told a fact: one that is confidential only to those named."""
        return fact not in self.confidential.facts or role in self.confidential.told_to

    def in_force(self, at: datetime) -> bool:
        """Whether it holds on the day of `at`, in the time zone of `at`."""
        day = at.date()
        return self.effective <= day and (self.expires is None or day <= self.expires)


def load_agreement(path: Path) -> Agreement:
    """Return the agreement in a file, or in the `agreement.toml` of a folder.

    Raises:
        AgreementError: with every problem, each naming file and field.
    """
    return read_terms(Agreement, path / AGREEMENT_FILE if path.is_dir() else path)


def read_terms(model: type[Model], file: Path) -> Model:
    """Return a TOML file of an agreement as `model`.

    Raises:
        AgreementError: with every problem, each naming file and field.
    """
    problems: list[Problem] = []
    table = read_toml(file, str(file), problems)
    found = None if table is None else check(model, table, str(file), problems)
    if found is None:
        raise AgreementError("\n".join(str(problem) for problem in problems))
    return found


def _known(where: str, names: tuple[str, ...], known: Collection[str], table: str) -> None:
    listed = sorted(known)
    strangers = [name for name in names if name not in listed]
    if strangers:
        raise ValueError(f"{where}: {strangers[0]!r} is not in {table}: {', '.join(listed)}")
