"""Incidents as signed sources speak of them: by their site, without knowing an incident's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .activations import Opened
from .errors import ForbiddenError, NotPermittedError, ProblemError
from .pending import Pending

if TYPE_CHECKING:
    from .actors import Actor
    from .asking import Asking
    from .gate import Activation
    from .incident import Incident
    from .incidents import Incidents


class SiteIncidents:
    """Opens, tells of and closes the one incident of a site; see `api.activations.Opener`.

    Args:
        incidents: all incidents of the server.
        asking: takes requests for them.
    """

    def __init__(self, incidents: Incidents, asking: Asking) -> None:
        self._incidents = incidents
        self._asking = asking

    def open_for(self, activation: Activation, actor: Actor) -> Opened:
        """Open an incident, or return the one that an earlier call has opened.

        Raises:
            NotPermittedError: the agreement does not allow it.
            ForbiddenError: the source is not of this site.
            ProblemError: the site is not served here.
            AuditError: nothing can be recorded, so nothing was opened.
            RunError: nothing can be played.
        """
        target = self._incidents.targets.get(activation.target)
        if target is None:
            raise ProblemError(
                404,
                "site-not-found",
                "No such site or drill",
                f"this server was not started with {activation.target!r}",
            )
        # Whoever holds the secret of a source may ask for exercises, too: to try it.
        actor.need("open", target.id)
        there = self._incidents.open_on(target.id)
        # An exercise gives way to an emergency, and to nothing else.
        if there is not None and (
            there.grant.activation.kind == "real" or activation.kind != "real"
        ):
            return Opened(there.id, there.grant.until_s, already_open=True)
        try:
            made = self._asking.ask(activation, target, actor)
        except ProblemError as problem:
            there = self._incidents.open_on(target.id)
            if problem.slug != "incident-already-open" or there is None:
                raise
            return Opened(there.id, there.grant.until_s, already_open=True)  # just now
        if isinstance(made, Pending):
            raise NotPermittedError(
                f"{made.because}; request {made.id} waits for a person who confirms it"
            )
        return Opened(made.id, made.grant.until_s, already_open=False)

    def agency(self, site: str, agency: str, *, left: bool, actor: Actor) -> None:
        """Note that an agency responds to the site's incident, or has left it.

        Raises:
            ProblemError: no incident is open there.
            NotPermittedError: its grant is over.
            AuditError: it could not be recorded.
        """
        incident = self._open_at(site, actor)
        self._incidents.respond(incident, agency, left=left, actor=actor)

    def close_for(self, site: str, *, reason: str, actor: Actor) -> None:
        """Close the site's incident.

        Raises:
            ProblemError: no incident is open there.
            NotPermittedError: the agreement does not let this source close it.
        """
        self._incidents.close(self._open_at(site, actor), actor, reason=reason)

    def _open_at(self, site: str, actor: Actor) -> Incident:
        if not actor.may("end", site):
            raise ForbiddenError(f"{site} is not among the sites of {actor.name}")
        incident = self._incidents.open_on(site)
        if incident is None:
            raise ProblemError(
                404,
                "incident-not-found",
                "No such incident",
                f"no incident is open on {site}",
            )
        return incident
