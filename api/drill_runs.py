"""Runs of drills that people start on a server: one at a time, through the gate, kept for a while.

A run is an exercise like any other: the gate opens it by the agreement of the drill's site, the
audit has who asked, and it ends with its grant. It goes on when whoever started it has closed the
page. It gives way to an emergency: while one is open none is started, and one that plays is ended,
because both want the same processors.
"""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from calibration.errors import SiteError

from .actors import MACHINE
from .drill_files import DRILL_FILE, load_drill
from .drill_run_files import purge_at_s
from .drill_run_process import DrillJob, Played
from .errors import ApiError, DrillError, ProblemError
from .gate import Activation
from .grant_rules import refusal_to_see
from .locations import utc
from .truth import POSITIONS_FILE
from .viewing import told_cameras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .actors import Actor
    from .drill_run_files import KeptRun, RunFiles
    from .drill_run_process import DrillPlayer
    from .gate import Gate
    from .run_record import Speed
    from .targets import Target

_log = logging.getLogger(__name__)

MOST_RUNS: Final = 100
"""So many runs of one drill are kept; the oldest goes for a newer one."""
_PATIENCE_S: Final = 3.0
_EMERGENCY: Final = "a real emergency was opened"


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What a list says of a drill beside its site.

    Attributes:
        duration_s: its length, seconds.
        cameras: how many recordings it has.
        truth: whether it knows what really happened.
    """

    duration_s: float
    cameras: int
    truth: bool


@dataclass(frozen=True, slots=True)
class PlayingRun:
    """The run that is being played, or the last one that came to nothing.

    Attributes:
        run: its id, which is that of its grant.
        drill: id of the drill.
        by: who started it, as people call them.
        speed: realtime or max.
        began_s: when, Unix seconds.
        duration_s: length of the drill, seconds.
        played: how far it has come.
        failed: why it came to nothing; "" while it plays.
    """

    run: str
    drill: str
    by: str
    speed: Speed
    began_s: float
    duration_s: float
    played: Played
    failed: str = ""


class DrillRuns:
    """Starts, follows, ends and keeps runs of drills. Safe to use from any thread.

    Args:
        gate: opens every run.
        files: where they are kept.
        player: plays them.
        emergency: whether a real emergency is open.
        clock: Unix seconds now.
        days: for how long a run is kept where no agreement says less.
    """

    def __init__(
        self,
        gate: Gate,
        files: RunFiles,
        player: DrillPlayer,
        *,
        emergency: Callable[[], bool],
        clock: Callable[[], float],
        days: float,
    ) -> None:
        self._gate = gate
        self.files = files
        self._player = player
        self._emergency = emergency
        self._clock = clock
        self._days = days
        self._lock = threading.Lock()
        self._playing: PlayingRun | None = None
        self._failed: dict[str, PlayingRun] = {}
        self._facts: dict[str, tuple[int, DrillFacts]] = {}
        self._ending = ""
        self._cancelling = ""
        self._closing = False
        self._thread: threading.Thread | None = None
        files.drop_unfinished()

    def facts(self, target: Target) -> DrillFacts:
        """Return what a list says of a drill; of one that was broken meanwhile, what it was."""
        path = target.folder / DRILL_FILE
        try:
            changed_ns = path.stat().st_mtime_ns
            known = self._facts.get(target.id)
            if known is None or known[0] != changed_ns:
                drill = load_drill(target.folder)
                truth = (target.folder / POSITIONS_FILE).is_file()
                known = changed_ns, DrillFacts(drill.duration_s, len(drill.feeds), truth)
                self._facts[target.id] = known
        except (OSError, DrillError, SiteError) as error:
            _log.warning("drill %s cannot be read any more: %s", target.id, error)
            known = self._facts.get(target.id)
        return known[1] if known else DrillFacts(0.0, len(target.site.cameras), truth=False)

    def days(self, target: Target) -> float:
        """Return for how many days a run is kept: by the agreement, or the server where less."""
        agreement = target.terms.agreement
        return self._days if agreement is None else min(self._days, agreement.retention.days)

    def playing(self, drill: str | None = None) -> PlayingRun | None:
        """Return the run that is being played, of one drill where it is named."""
        playing = self._playing
        return playing if playing is None or drill in {None, playing.drill} else None

    def failed(self, drill: str) -> PlayingRun | None:
        """Return the last run of a drill, where it came to nothing."""
        return self._failed.get(drill)

    def refusal_to_see(self, target: Target, actor: Actor) -> str | None:
        """Return why somebody may not see what a run of a drill shows; None where they may.

        A report says of each camera what it saw, so it is for those only who are told the cameras.
        """
        agreement = target.terms.agreement
        activation = Activation("exercise", target.id, actor.name, "its report")
        refusal = refusal_to_see(agreement, activation, actor, self._clock())
        if refusal is None and not told_cameras(agreement, actor):
            return f"the agreement does not tell {actor.acts_as} which cameras there are"
        return refusal

    def start(self, target: Target, actor: Actor, speed: Speed) -> PlayingRun:
        """Start a run and return at once.

        Raises:
            ProblemError: one plays already, an emergency is open, or the server is being stopped.
            NotPermittedError: the gate says no; that is in the audit.
            AuditError: the audit entry cannot be written, so nothing was opened.
        """
        files = self.files
        duration_s = self.facts(target).duration_s
        with self._lock:
            self._refuse_while_busy()
            now_s = self._clock()
            run = f"{utc(now_s):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
            by = actor.full_name or actor.name
            reason = f"a run of the drill at {'full speed' if speed == 'max' else 'real time'}"
            grant = self._gate.open(
                Activation("exercise", target.id, by, reason, role=actor.acts_as),
                target.terms,
                actor=actor,
                incident=run,
                now_s=now_s,
            )
            try:
                part = files.being_written(target.id, run)
            except ApiError:
                self._give_back(run, "it could not be started")
                raise
            playing = PlayingRun(run, target.id, by, speed, now_s, duration_s, Played(0.0))
            self._playing, self._ending, self._cancelling = playing, "", ""
            job = DrillJob(target.folder, grant.permit, speed, part)
            self._thread = threading.Thread(
                target=self._play, args=(job, playing, grant.until_s, self.days(target)),
                name="drill-run",
                daemon=True,
            )  # fmt: skip
            self._thread.start()
        return playing

    def cancel(self, run: str, actor: Actor) -> None:
        """End the run that is being played, and return when nothing of it is left.

        Raises:
            NotPermittedError: the agreement does not let them.
        """
        with self._lock:
            playing, thread = self._playing, self._thread
            if playing is None or playing.run != run:
                return
        # Said before it is so: its thread looks whether the grant is there, and asks why not.
        self._cancelling = f"cancelled by {actor.full_name or actor.name}"
        try:
            self._gate.revoke(run, actor=actor, reason="it was cancelled", now_s=self._clock())
        except ApiError:
            self._cancelling = ""
            raise
        self._settle()
        if thread is not None:
            thread.join(_PATIENCE_S)

    def stop(self) -> None:
        """End what plays, because the server stops; nothing is started any more."""
        with self._lock:
            self._closing = True
            thread = self._thread
        if thread is not None:
            thread.join(_PATIENCE_S)

    def delete(self, kept: KeptRun, actor: Actor) -> None:
        """Delete a run, after that is in the audit."""
        self._note("drill-run-deleted", kept, actor)
        self.files.delete(kept)

    def shown(self, kept: KeptRun, actor: Actor, what: str) -> None:
        """Write down that somebody is shown a report, before they are."""
        self._note("drill-run-shown", kept, actor, what=what)

    def purge_due(self, targets: Mapping[str, Target], now_s: float) -> None:
        """Delete the runs whose time is over, and those that are too many."""
        for target in targets.values():
            if target.kind != "drill":
                continue
            for number, kept in enumerate(self.files.runs(target.id)):
                if number >= MOST_RUNS or purge_at_s(kept, self.days(target)) <= now_s:
                    self._note("drill-run-purged", kept, MACHINE)
                    self.files.delete(kept)

    def _refuse_while_busy(self) -> None:
        if self._closing:
            raise ProblemError(
                503,
                "stopping",
                "The server is being stopped",
                "ask again when it has been started again",
                {"Retry-After": "10"},
            )
        if self._emergency():
            raise ProblemError(
                409,
                "emergency-first",
                "A real emergency is open",
                "runs of drills wait until it is closed; they want the same processors",
            )
        if self._playing is not None:
            raise ProblemError(
                409,
                "drill-run-going-on",
                "A run of a drill is going on",
                f"run {self._playing.run} of {self._playing.drill} plays; one plays at a time, so "
                "wait for its end or cancel it",
            )

    def _play(self, job: DrillJob, playing: PlayingRun, until_s: float, days: float) -> None:
        """Play one run to its end; the outermost frame of its thread."""
        files = self.files
        why = ""
        try:
            why = self._player(job, self._tell, lambda: self._over(playing.run, until_s))
            why = self._ending or why
            if not why:
                kept = files.keep(
                    playing.drill, playing.run, by=playing.by, began_s=playing.began_s,
                    ended_s=self._clock(),
                )  # fmt: skip
                _log.info("run %s of %s is kept for %g days", kept.run, kept.drill, days)
        except Exception as error:  # noqa: BLE001 - who waits for it must hear why it ended
            _log.exception("the run %s of a drill met an error", playing.run)
            why = f"{type(error).__name__}: {error}"
        finally:
            files.drop(playing.drill, playing.run)
            self._give_back(playing.run, why or "the run of the drill is over")
            with self._lock:
                last = self._playing or playing
                self._failed.pop(playing.drill, None)
                if why:
                    _log.warning("run %s of %s came to nothing: %s", playing.run, job.folder, why)
                    self._failed[playing.drill] = replace(last, failed=why)
                self._playing = None

    def _over(self, run: str, until_s: float) -> bool:
        """Whether a run has to leave off now; why is kept."""
        grant = self._gate.grant_of(run)
        if self._closing:
            self._ending = "the server was stopped"
        elif self._emergency():
            self._ending = _EMERGENCY
        elif grant is None:
            self._ending = self._ending or self._cancelling or "its grant was closed"
        elif self._clock() >= until_s:
            self._ending = "its grant's time was over before its end"
        return bool(self._ending)

    def _tell(self, played: Played) -> None:
        with self._lock:
            if self._playing is not None:
                self._playing = replace(self._playing, played=played)

    def _give_back(self, run: str, why: str) -> None:
        self._gate.revoke(run, actor=MACHINE, reason=why, now_s=self._clock())
        self._settle()

    def _settle(self) -> None:
        try:
            self._gate.settle()
        except ApiError as error:
            # The grant is over, and the closing is written later.
            _log.error("a closing is not on record yet: %s", error)

    def _note(self, action: str, kept: KeptRun, actor: Actor, **more: str) -> None:
        facts = {"run": kept.run, "target": kept.drill, "actor": actor.name, **more}
        self._gate.note(action, self._clock(), facts)
