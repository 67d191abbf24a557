"""Whether the audit is whole: found out once for all who ask, and by one thread at a time.

To verify a long chain takes seconds of computing. However many ask, one thread of its own does it,
with rests in which others come first; whoever asks meanwhile waits for it without holding a thread
that incidents are opened by, and gets the same verdict.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .audit_chain import Broken, Head
from .checkpoints import resting, verify_all
from .errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .audit import Audit
    from .checkpoints import Checkpoint, Checkpoints

FRESH_S = 600.0
"""So long the look at old entries counts for records of incidents; then all are looked at anew."""

_Ending = tuple[Head, int]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at the whole chain found.

    Attributes:
        found: its end, or the first entry that is bent.
        checkpoint: the newest that our own key signed; None where there is none, or it is bent.
        other_keys: keys besides ours that signed checkpoints; they fit, and nobody here vouches
            for whose they are.
        at_s: when all entries were looked at, Unix seconds.
    """

    found: Head | Broken
    checkpoint: Checkpoint | None
    other_keys: tuple[str, ...]
    at_s: float

    @property
    def good(self) -> Head:
        """The end of what fits."""
        return self.found.good if isinstance(self.found, Broken) else self.found


def verify_now(
    audit: Audit,
    checkpoints: Checkpoints,
    now_s: float,
    *,
    each: Callable[[], None] | None = None,
) -> Verified:
    """Return what a look at the whole chain finds, at once and by this thread.

    Args:
        audit: the chain.
        checkpoints: those beside it.
        now_s: Unix seconds.
        each: called for each entry, see `resting`.

    Raises:
        AuditError: the audit cannot be read.
        StateError: the signing key, or what was signed here last, cannot be read.
    """
    found = verify_all(audit, checkpoints, each=each)
    if isinstance(found, Broken):
        return Verified(found, None, (), now_s)
    return Verified(found, checkpoints.latest(), checkpoints.other_keys(), now_s)


class Verdicts:
    """Verdicts on one audit. Safe to use from any thread and event loop.

    Args:
        audit: the chain.
        checkpoints: those beside it.
    """

    def __init__(self, audit: Audit, checkpoints: Checkpoints) -> None:
        self._audit = audit
        self._checkpoints = checkpoints
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._running: dict[bool, Future[Verified]] = {}
        self._last: tuple[_Ending, Verified] | None = None

    async def whole(self, now_s: float) -> Verified:
        """Return the verdict on the whole chain.

        One that is being found out is waited for. The last one is given again where the chain's end
        and the newest checkpoint are still those, for `FRESH_S` at most.

        Args:
            now_s: Unix seconds.

        Raises:
            AuditError: the audit cannot be read.
            StateError: the signing key, or what was signed here last, cannot be read.
        """
        return await self._asked(now_s, anew=True)

    async def covering(self, seq: int, now_s: float) -> Verified:
        """Return a verdict that holds for entry `seq`, with little to be done for it.

        Where the last one is fresh, only what was added since is looked at.

        Args:
            seq: number of an entry that there is.
            now_s: Unix seconds.

        Raises:
            AuditError: the audit cannot be read.
            StateError: the signing key, or what was signed here last, cannot be read.
        """
        verified = await self._asked(now_s, anew=False)
        if isinstance(verified.found, Head) and verified.found.seq < seq:
            verified = await self._asked(now_s, anew=False)  # that one had begun before
        return verified

    async def _asked(self, now_s: float, *, anew: bool) -> Verified:
        with self._lock:
            promise = self._running.get(anew)
            if promise is None:
                promise = self._running[anew] = Future()
                threading.Thread(
                    target=self._run,
                    args=(promise, now_s),
                    kwargs={"anew": anew},
                    name="verdict",
                    daemon=True,  # one that takes long keeps no server from stopping
                ).start()
        # Whoever goes away takes nothing from the others that wait.
        return await asyncio.shield(asyncio.wrap_future(promise))

    def _run(self, promise: Future[Verified], now_s: float, *, anew: bool) -> None:
        """The outermost frame of a thread."""
        found: Verified | None = None
        error: Exception | None = None
        try:
            with self._turn:
                found = self._verified(now_s, anew=anew)
        except Exception as raised:  # noqa: BLE001 - told to all who wait
            error = raised
        with self._lock:
            del self._running[anew]
        if found is None:
            promise.set_exception(error or AuditError("the audit was not verified"))
        else:
            promise.set_result(found)

    def _verified(self, now_s: float, *, anew: bool) -> Verified:
        ending = self._ending()
        verified: Verified | None = None
        if self._last is not None and ending is not None:
            known_ending, known = self._last
            fresh = 0.0 <= now_s - known.at_s < FRESH_S
            if fresh and known_ending == ending:
                return known
            if fresh and not anew:
                verified = self._longer(known)
        if verified is None:
            verified = verify_now(self._audit, self._checkpoints, now_s, each=resting())
        if ending is not None and isinstance(verified.found, Head):
            ending = (verified.found, ending[1])  # it may have grown while we looked
        self._last = None if ending is None else (ending, verified)
        return verified

    def _ending(self) -> _Ending | None:
        """The chain's end and the number of the newest checkpoint; None where the end is bent."""
        try:
            head = self._audit.head()
        except AuditError:
            return None
        newest = next(self._checkpoints.documents(newest_first=True), None)
        return head, 0 if newest is None else newest[0]

    def _longer(self, known: Verified) -> Verified | None:
        """A verdict with what was added since; None where all must be looked at."""
        newest = self._checkpoints.latest()
        ours = [] if newest is None else [Head(newest.seq, newest.hash)]
        if isinstance(known.found, Broken) or any(
            self._audit.head_at(end.seq) != end for end in (known.found, *ours)
        ):
            return None
        rest = resting()
        found = self._audit.verify(after=known.found, check=lambda _: rest())
        if isinstance(found, Broken):
            return None
        return replace(known, found=found, checkpoint=newest)
