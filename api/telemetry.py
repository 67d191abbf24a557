"""What those who run a server learn of it: metrics always, traces where a collector is named."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from .metrics import Metrics, SiteMetrics
from .tracing import IncidentTraces, Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from calibration.answer import Answer

    from .run_news import RunNews

_MOST_REMEMBERED: Final = 64

_MOST_AT_ONCE: Final = 32
"""Messages that a connection takes at once are not more, save where a snapshot replaces them."""


class Telemetry:
    """Hands out what looks after incidents. Safe to use from any thread.

    Args:
        metrics: where it is counted; new ones where None.
        traces: where frames are traced; none where None.
        clock: Unix seconds now.
    """

    def __init__(
        self,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self.metrics = Metrics() if metrics is None else metrics
        self.traces = traces
        self._incidents: WeakValueDictionary[str, IncidentTelemetry] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, incident: str, site: str) -> IncidentTelemetry:
        """Return what looks after an incident: the same for its run and for what it says.

        Args:
            incident: incident id.
            site: id of its site or drill.
        """
        with self._lock:
            known = self._incidents.get(incident)
            if known is None:
                traced = self.traces
                traces = None if traced is None else IncidentTraces(traced, site, incident)
                known = IncidentTelemetry(SiteMetrics(self.metrics, site), traces, self._clock)
                self._incidents[incident] = known
            return known

    def close(self) -> None:
        """Send what was traced, and no more."""
        if self.traces is not None:
            self.traces.close()


class IncidentTelemetry:
    """Looks after one incident; its methods are quick and never raise.

    Args:
        metrics: counts.
        traces: traces; None where nothing is traced.
        clock: Unix seconds now.
    """

    def __init__(
        self, metrics: SiteMetrics, traces: IncidentTraces | None, clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._metrics = metrics
        self._traces = traces
        self._published_s: OrderedDict[int, float] = OrderedDict()

    def take(self, news: RunNews) -> None:
        """Take what its run tells; an `api.run_news.RunWatch`."""
        self._metrics.take(news)
        if self._traces is not None:
            self._traces.take(news)

    def published(self, number: int, answer: Answer) -> None:
        """Take that an answer is message `number` now."""
        self._metrics.published(answer)
        if self._traces is not None:
            self._traces.published(number, answer)
        self._published_s[number] = self._clock()
        if len(self._published_s) > _MOST_REMEMBERED:
            self._published_s.popitem(last=False)

    def delivered(self, after: int, last: int) -> None:
        """Take that the connection of one who follows took the messages `after` + 1 to `last`.

        It is called some thousand times a second where many follow, so it looks for answers only.
        """
        at_s = self._clock()
        for number in range(max(after, last - _MOST_AT_ONCE) + 1, last + 1):
            published_s = self._published_s.get(number)
            if published_s is not None:
                self._metrics.delivered(at_s - published_s)
                if self._traces is not None:
                    self._traces.delivered(number, at_s)

    def end(self) -> None:
        """Take that the incident is over."""
        if self._traces is not None:
            self._traces.end()
