"""Puts a server together: which part is given which others. The one place that knows them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import CapacityLimiter

from . import grant_rows
from .accounts import Accounts
from .activations import Activations
from .archive import Archive
from .asking import Asking
from .calibration_saving import CalibrationSaving
from .calibration_service import Calibrating
from .drill_run_files import RunFiles
from .drill_runs import DrillRuns
from .gate import Gate
from .housekeeping import Housekeeping
from .incidents import Incidents
from .journal import Journal
from .journal_parts import read_parts
from .keeping import Keeper
from .links import Links
from .metrics_now import Looked, MetricsNow
from .plan_drafts import PlanDrafts
from .readiness import Readiness
from .recognise import Recogniser
from .record_readers import Readers
from .record_state import RecordWatch
from .reloading import Reloads
from .retention import Retention
from .services import Services
from .sessions import Sessions
from .sign_in import SignIn
from .site_incidents import SiteIncidents
from .sources import Sources
from .surveying import Surveys
from .telling import Tellers
from .verdicts import Verdicts
from .viewing import Viewers
from .visits import Visits
from .walk_tests import WalkTests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vision.detect import Detector

    from .actors import Actor
    from .drill_run_process import DrillPlayer
    from .gate import Grant
    from .oidc import OidcVerifier
    from .operations import Operations
    from .record import Record
    from .runs import RunFactory
    from .targets import Target

_CLOSING = 16
_SEATING = 8

DRILL_RUNS = "drill-runs"
"""Folder in the state folder that runs of drills are kept in."""


def assemble(
    targets: Mapping[str, Target],
    *,
    record: Record,
    run_factory: RunFactory,
    verifier: OidcVerifier | None,
    holder: str,
    longest_s: float,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    heartbeat_s: float,
    detector: Callable[[], Detector],
    drill_player: DrillPlayer,
    drill_run_days: float,
    operations: Operations,
) -> Services:
    """Return all parts of a server; see `api.app.create_app` for the arguments.

    Raises:
        StateError: the server's key cannot be read or made.
    """
    store, keys, audit = record.store, record.keys, record.audit
    gate = Gate(audit, holder=holder, longest_s=longest_s, whole=record.whole)
    archive = Archive(store, keys)
    retention = Retention(store, keys, audit, whole=record.whole)

    def keeper_of(grant: Grant) -> Keeper | None:
        # Without an agreement nothing says for how long, so nothing is kept.
        return None if grant.agreement is None else Keeper(archive, grant.permit.incident, clock)

    def journal_of(grant: Grant, keeper: Keeper) -> Journal:
        incident = grant.permit.incident
        return Journal(keeper, past=lambda: read_parts(archive.read(incident)))

    accounts, sessions = Accounts(store, keys, audit), Sessions(store)

    def still(actor: Actor) -> bool:
        account = accounts.get(actor.name)
        # Whoever has no account is of an identity provider, or at the machine.
        return account is None or (not account.disabled and account.actor(actor.by) == actor)

    incidents = Incidents(
        targets,
        gate=gate,
        run_factory=run_factory,
        clock=clock,
        monotonic=monotonic,
        keeper_of=keeper_of,
        journal_of=journal_of,
        agencies_of=lambda incident: grant_rows.agencies_of(audit, incident),
        telemetry=operations.telemetry,
    )
    reloads = Reloads(incidents)
    calibrating = Calibrating(
        Surveys(audit),
        CalibrationSaving(audit, reloads),
        WalkTests(detector, clock=clock),
        clock=clock,
    )
    viewers = Viewers(gate, audit)
    asking = Asking(incidents, gate, clock, still)
    sources = Sources(store, keys, audit)
    record_watch = RecordWatch(record, monotonic=monotonic)
    readiness = Readiness(
        record_watch,
        stopping=lambda: incidents.stopping,
        preparing=operations.preparing,
        warm=operations.warm,
    )
    looked = Looked(incidents, viewers, record_watch, readiness)
    operations.telemetry.metrics.registry.register(MetricsNow(looked))
    return Services(
        incidents=incidents,
        reloads=reloads,
        calibrating=calibrating,
        drafts=PlanDrafts(keys.state),
        asking=asking,
        gate=gate,
        viewers=viewers,
        visits=Visits(viewers, clock),
        tellers=Tellers(gate, audit),
        accounts=accounts,
        sessions=sessions,
        sign_in=SignIn(accounts, sessions, keys, audit),
        recogniser=Recogniser(sessions, verifier),
        activations=Activations(store, sources, audit, SiteIncidents(incidents, asking)),
        links=Links(keys),
        archive=archive,
        retention=retention,
        audit=audit,
        checkpoints=record.checkpoints,
        verdicts=Verdicts(audit, record.checkpoints),
        readers=Readers(),
        housekeeping=Housekeeping(record, retention),
        drill_runs=DrillRuns(
            gate,
            RunFiles(keys.state / DRILL_RUNS),
            drill_player,
            emergency=lambda: any(i.open and i.grant.activation.kind == "real" for i in incidents),
            clock=clock,
            days=drill_run_days,
        ),
        closing=CapacityLimiter(_CLOSING),
        seating=CapacityLimiter(_SEATING),
        operations=operations,
        readiness=readiness,
        clock=clock,
        heartbeat_s=heartbeat_s,
    )
