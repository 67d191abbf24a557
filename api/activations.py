"""What panic buttons and dispatch systems ask for: who may, what it is, what is answered.

Each event is carried out once, see `api.first_answers`. Answers that are the server's own fault
(5xx) are not kept, so that sending again helps. An event that a crash interrupted is carried out
anew; what is open on the site by then is answered as open already.

How often something came in is asked after its signature is checked. What does not fit counts for
its address, and holds up nothing else; what fits counts for its source, and an emergency is
carried out however many there were. So a stranger who shares an address with a panic button does
not silence it. A check is two look-ups in the database and one HMAC over 64 KiB at most, a third of
a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from fastapi.exceptions import RequestValidationError

from . import activation_schemas as events
from .errors import ForbiddenError, NotPermittedError, ProblemError, RunError
from .first_answers import WAIT_S, Answer, EventKey, FirstAnswers
from .gate import Activation
from .locations import utc
from .problems import problem_response
from .refused_activations import Refusals
from .request_limits import (
    PER_FALSE_SENDER,
    PER_SOURCE,
    Limit,
    Limits,
    address_key,
    too_many_requests,
)
from .signed_messages import MESSAGE_ID

if TYPE_CHECKING:
    from .actors import Actor
    from .audit import Audit
    from .first_answers import Change
    from .signed_messages import SignedMessage
    from .sources import Source, Sources
    from .store import Store

TOLERANCE_S = 300
"""How far the clock of a sender may be off; what the specification of the signatures proposes."""

PATH = "/v1/activations/"

_SERVER_FAULT = 500
_NOT_YET = "incident-not-found"
"""An agency's arrival may overtake the emergency: its sender may try again under the same id. What
ends something is not tried again: it would end what was opened since."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an emergency or exercise has opened, or found open.

    Attributes:
        incident: incident id.
        until_s: when the grant ends by itself, Unix seconds.
        already_open: whether it was open before.
    """

    incident: str
    until_s: float
    already_open: bool


class Opener(Protocol):
    """Opens and ends what is asked for; may be asked twice for the same without harm."""

    def open_for(self, activation: Activation, actor: Actor) -> Opened:
        """Return what is open on the site now.

        Raises:
            NotPermittedError: the gate says no.
            ForbiddenError: the role or site is not the actor's.
            AuditError: it could not be recorded; nothing was opened.
            RunError: feeds and workers cannot be started.
            ProblemError: there is no such site.
        """
        ...

    def agency(self, site: str, agency: str, *, left: bool, actor: Actor) -> None:
        """Note that an agency responds to what is open on a site, or has left.

        Raises:
            ProblemError: nothing is open there.
        """

    def close_for(self, site: str, *, reason: str, actor: Actor) -> None:
        """Close what is open on a site.

        Raises:
            NotPermittedError: the agreement does not let this role close it.
            ProblemError: nothing is open there.
        """


class Activations:
    """Receives the events of all sources. Safe to use from any thread.

    Args:
        store: the database.
        sources: who may send.
        audit: where it is recorded what came in and what was refused.
        opener: carries out what is asked for.
        wait_s: how long one who sends an event again waits for the answer to the first, seconds.
        per_false_sender: how many events an address may send whose signature does not fit.
        per_source: how many a source may send.
    """

    def __init__(
        self,
        store: Store,
        sources: Sources,
        audit: Audit,
        opener: Opener,
        *,
        wait_s: float = WAIT_S,
        per_false_sender: Limit = PER_FALSE_SENDER,
        per_source: Limit = PER_SOURCE,
    ) -> None:
        self._sources = sources
        self._audit = audit
        self._opener = opener
        self._answers = FirstAnswers(store, wait_s=wait_s)
        self._refusals = Refusals(audit)
        self._limits = Limits({"false": per_false_sender, "source": per_source})

    def receive(self, name: str, message: SignedMessage, *, address: str, now_s: float) -> Answer:
        """Return the answer to a message that says it comes from the source `name`.

        Args:
            name: as the message was addressed, anything.
            message: what came in.
            address: network address it came from.
            now_s: Unix seconds.

        Raises:
            ProblemError: it is not signed as it must be; it is one of too many; its id belongs to
                another event; the event is being carried out right now; or it cannot be for now.
            RequestValidationError: it is no event.
            AuditError: it could not be recorded; nothing was done.
            StoreError: the database does not answer.
        """
        source = self._recognised(name, message, address, now_s)
        try:
            event = events.read_event(message.body)
        except RequestValidationError:
            self._refusals.record(name, address, "no event", now_s)
            raise
        wait_s = self._limits.take([("source", source.name)], now_s)
        if wait_s > 0.0 and not isinstance(event, events.Emergency):
            raise too_many_requests(wait_s)

        def carry_out(change: Change) -> Answer:
            facts = {
                "source": source.name,
                "event": message.id,
                "what": event.type,
                "site": source.site,
                "channel": source.channel,
            }
            self._audit.append("activation-received", now_s, facts, change=change)
            return self._answered(event, source)

        key = EventKey(source.name, message.id)
        return self._answers.once(key, message.body, now_s, carry_out)

    def _recognised(self, name: str, message: SignedMessage, address: str, now_s: float) -> Source:
        """The source that a message is from.

        Raises:
            ProblemError: 401 or 429, the same for all that a stranger could learn from.
        """
        sent_s = message.sent_s
        if sent_s is not None and abs(now_s - sent_s) > TOLERANCE_S:
            self._count_false(name, address, "clock", now_s)
            raise _not_signed(_clock_differs(now_s - sent_s))
        source, fits = self._sources.get(name), self._sources.signed_by(name, message)
        if source is None or source.disabled or not fits:
            why = "signature" if source is not None else "unknown source"
            why = "disabled" if source is not None and source.disabled else why
            self._count_false(name, address, why, now_s)
            raise _not_signed(
                "sign 'id.timestamp.body' with the secret of a source that is listened to, and "
                "send webhook-id, webhook-timestamp and webhook-signature (Standard Webhooks)"
            )
        if not MESSAGE_ID.fullmatch(message.id):
            raise ProblemError(
                422,
                "invalid-request",
                "The request is not valid",
                "webhook-id: expected 1 to 128 characters of ASCII without blanks",
            )
        return source

    def _count_false(self, name: str, address: str, why: str, now_s: float) -> None:
        """Count what is refused, and record it.

        Raises:
            ProblemError: 429, there were too many.
        """
        wait_s = self._limits.take([("false", address_key(address))], now_s)
        if wait_s > 0.0:
            raise too_many_requests(wait_s)
        self._refusals.record(name, address, why, now_s)

    def _answered(self, event: events.Event, source: Source) -> Answer:
        """The answer of whoever carries it out; a refusal is one."""
        try:
            return self._carried_out(event, source)
        except (NotPermittedError, ForbiddenError, RunError, ProblemError) as error:
            problem = _problem_of(error)
            early = isinstance(event, events.AgencyResponding) and problem.slug == _NOT_YET
            if problem.status >= _SERVER_FAULT or early:
                raise problem from error
            body = problem_response(PATH + source.name, problem).body
            return Answer(problem.status, bytes(body).decode())

    def _carried_out(self, event: events.Event, source: Source) -> Answer:
        match event:
            case events.Emergency() | events.Exercise():
                opened = self._opener.open_for(_activation(event, source), source.actor(event.by))
                told = events.ActivationOpened(
                    incident=opened.incident,
                    until=utc(opened.until_s),
                    already_open=opened.already_open,
                )
                return Answer(200 if opened.already_open else 201, told.model_dump_json())
            case events.AgencyResponding() | events.AgencyLeft():
                left = isinstance(event, events.AgencyLeft)
                self._opener.agency(source.site, event.agency, left=left, actor=source.actor())
            case events.Closed():
                actor = source.actor(event.by)
                self._opener.close_for(source.site, reason=event.reason, actor=actor)
        noted = events.ActivationNoted(type=event.type, site=source.site)
        return Answer(200, noted.model_dump_json())


def _activation(event: events.Emergency | events.Exercise, source: Source) -> Activation:
    asked = Activation(
        "exercise",
        source.site,
        event.by,
        event.reason,
        channel=source.channel,
        role=source.acts_as,
    )
    if isinstance(event, events.Exercise):
        return asked
    return replace(
        asked,
        kind="real",
        emergency=event.emergency,
        handled_by_staff=event.handled_by_staff,
    )


def _not_signed(detail: str) -> ProblemError:
    return ProblemError(
        401,
        "signature-invalid",
        "The request is not signed as it must be",
        detail,
        {"WWW-Authenticate": 'Webhook-Signature realm="lastseen"'},
    )


def _clock_differs(late_s: float) -> str:
    side = "behind" if late_s > 0 else "ahead of"
    return (
        f"webhook-timestamp is {abs(late_s):.0f} s {side} this server's clock, and {TOLERANCE_S} s "
        "are accepted: set the clock of the sender, and sign again where it is sent again"
    )


def _problem_of(
    error: NotPermittedError | ForbiddenError | RunError | ProblemError,
) -> ProblemError:
    """The problem that a sender is answered."""
    match error:
        case NotPermittedError():
            return ProblemError(403, "not-permitted", "The gate does not permit this", str(error))
        case ForbiddenError():
            return ProblemError(403, "forbidden", "This is for another role", str(error))
        case RunError():
            # Of a person who asks it is a conflict; a sender must try again.
            return ProblemError(503, "nothing-to-play", "The incident cannot be played", str(error))
        case _:
            return error
