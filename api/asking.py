"""Asking for an incident: opened at once, or once a second person has confirmed it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from .errors import ForbiddenError, NotPermittedError
from .grant_rules import needs_second_person, second_person_words
from .pending import Pending, PendingRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from .actors import Actor
    from .gate import Activation, Gate
    from .incident import Incident
    from .incidents import Incidents
    from .targets import Target


class Asking:
    """Takes requests for incidents. Safe to use from any thread.

    Args:
        incidents: where they are opened.
        gate: decides.
        clock: Unix seconds now.
        still: whether somebody who asked a while ago could ask now.
    """

    def __init__(
        self,
        incidents: Incidents,
        gate: Gate,
        clock: Callable[[], float],
        still: Callable[[Actor], bool] = lambda _: True,
    ) -> None:
        self._incidents = incidents
        self._gate = gate
        self._clock = clock
        self._still = still
        self._pending = PendingRequests()

    def waiting(self) -> tuple[Pending, ...]:
        """Return the requests that wait for a second person, oldest first."""
        return self._pending.waiting(self._clock())

    def ask(self, activation: Activation, target: Target, actor: Actor) -> Incident | Pending:
        """Open an incident, or note the request where a second person must confirm it.

        Raises:
            As `Incidents.open`.
        """
        now_s = self._clock()
        decision = self._gate.decide(activation, target.terms, now_s)
        if not needs_second_person(decision):
            return self._incidents.open(activation, target, actor)
        waiting = self._pending.note(activation, actor, second_person_words(decision), now_s)
        facts = {"request": waiting.id, "actor": actor.name, **asdict(activation)}
        try:
            self._gate.note("request-waits", now_s, facts)
        except BaseException:
            self._pending.drop(waiting)
            raise
        return waiting

    def confirm(self, request: str, actor: Actor) -> Incident:
        """Open what another person asked for, confirmed by this one.

        What cannot be opened after all waits on.

        Raises:
            ProblemError: there is no such request, it lapsed, or it is their own.
            ForbiddenError: their role cannot ask for cameras.
            NotPermittedError: they could not have asked for it, or the first one could not now.
            As `Incidents.open`.
        """

        def check(pending: Pending) -> None:
            self._check(pending, actor)

        pending = self._pending.take(request, actor, self._clock(), check=check)
        try:
            name = f"{actor.full_name} ({actor.name})" if actor.full_name else actor.name
            confirmed = replace(pending.activation, confirmed_by=name)
            facts = {"request": request, "actor": actor.name, "asked_by": pending.actor.name}
            self._gate.note("request-confirmed", self._clock(), facts)
            target = self._incidents.targets[confirmed.target]
            return self._incidents.open(confirmed, target, pending.actor)
        except BaseException:
            self._pending.put_back(pending)
            raise

    def _check(self, pending: Pending, actor: Actor) -> None:
        """Raise unless the second person could have asked, and the first still could."""
        if actor.role == "system":
            raise ForbiddenError("a second person is a person; a program does not confirm")
        if not self._still(pending.actor):
            raise NotPermittedError(
                f"{pending.actor.name} could not ask any more; ask anew in another name"
            )
        theirs = replace(pending.activation, role=actor.acts_as)
        target = self._incidents.targets[theirs.target]
        decision = self._gate.decide(theirs, target.terms, self._clock())
        if not (decision.allowed or needs_second_person(decision)):
            raise NotPermittedError(
                f"{actor.name} acts as {actor.acts_as}, who could not have asked: "
                f"{decision.because}"
            )
