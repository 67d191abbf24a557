"""Who is asking, and what their role may ask for at all.

A role opens doors of the API; what may then be seen is decided by the gate, from the agreement.
The two are not the same: a dispatcher may ask for cameras to be opened, and be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from .errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal[
    "dispatcher",
    "tactical",
    "school-administrator",
    "analyst",
    "auditor",
    "installer",
    "system",
]
"""What somebody is to this program."""

Ability = Literal[
    "open",  # ask for cameras to be opened in an emergency, or by standing access
    "relay",  # ask in the name of somebody who telephoned
    "exercise",  # ask for an exercise
    "end",  # extend and close, say which agencies respond and which have left
    "watch",  # see what an open incident says and shows
    "watch-exercise",  # the same of exercises only
    "mark",  # say which subject is the intruder, is none, or a responder; where officers come from
    "report",  # hand on what other systems know: positions of units, doors that were forced
    "sites",  # see floor plans
    "record",  # read the audit and disclosure records
    "archive",  # read what is kept of incidents, put it on hold
    "survey",  # calibrate cameras, draw floor plans
]

ABILITIES: Mapping[Role, frozenset[Ability]] = {
    "dispatcher": frozenset(
        {"open", "relay", "exercise", "end", "watch", "mark", "report", "sites"}
    ),
    "tactical": frozenset({"watch", "sites"}),
    "school-administrator": frozenset({"open", "exercise", "end", "watch", "sites", "record"}),
    "analyst": frozenset({"exercise", "end", "watch-exercise", "sites"}),
    "auditor": frozenset({"record", "archive"}),
    # Nobody else: whoever places a camera wrongly misplaces everybody in the next emergency.
    "installer": frozenset({"sites", "survey"}),
    "system": frozenset({"open", "end", "report", "sites"}),
}

ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, or a program, that was recognised.

    Attributes:
        name: unique name, as it stands in the audit.
        role: what they are to this program.
        acts_as: their role in agreements.
        agency: the agency or district they belong to; "" where none is known.
        sites: ids of the sites they may ask about; None for all.
        full_name: as people call them.
        by: how they were recognised, e.g. "session" or "identity provider".
    """

    name: str
    role: Role
    acts_as: str
    agency: str = ""
    sites: frozenset[str] | None = None
    full_name: str = ""
    by: str = ""

    def may(self, ability: Ability, site: str | None = None) -> bool:
        """Whether the role has this ability, on this site if one is named."""
        here = site is None or self.sites is None or site in self.sites
        return here and ability in ABILITIES[self.role]

    def need(self, ability: Ability, site: str | None = None) -> None:
        """Return if `may`.

        Raises:
            ForbiddenError: the role lacks the ability, or the site is not theirs.
        """
        if ability not in ABILITIES[self.role]:
            able = sorted(role for role in ROLES if ability in ABILITIES[role])
            raise ForbiddenError(
                f"{self.name} is {self.role}, and this is for {', '.join(able)} only"
            )
        if not self.may(ability, site):
            raise ForbiddenError(f"{site} is not among the sites of {self.name}")


MACHINE = Actor("lastseen", "system", "system", full_name="this program", by="itself")
"""The program itself: it closes what is over and goes on with what was open."""


def at_the_machine(user: str) -> Actor:
    """Return who works at the command line of the machine that holds the state folder."""
    return Actor(user, "dispatcher", "command-line", full_name=user, by="command line")
