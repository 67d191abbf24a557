"""What a server is at the moment, as Prometheus reads it: looked up when somebody asks.

Frames of a camera that were counted by a worker come as totals of one run; they are added up here,
so that a total goes on where a run ends and the next one begins.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from .grant_rules import IncidentKind
from .runs import CameraPhase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Metric

    from .incident import Incident
    from .readiness import Readiness
    from .record_state import RecordWatch
    from .runs import CameraStatus
    from .viewing import Viewers

DECISIONS: Final = (
    "grant-opened",
    "grant-refused",
    "grant-extended",
    "extension-refused",
    "grant-closed",
    "close-refused",
)
"""Actions of audit entries that are decisions of the gate; there from the beginning, with 0."""

_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked up.

    Attributes:
        incidents: all incidents of the server.
        viewers: who may see.
        record: how the database is.
        readiness: whether a grant can be opened.
    """

    incidents: Iterable[Incident]
    viewers: Viewers
    record: RecordWatch
    readiness: Readiness


class MetricsNow(Collector):
    """Looks things up for one server.

    Args:
        looked: where.
    """

    def __init__(self, looked: Looked) -> None:
        self._looked = looked
        self._before: dict[tuple[str, str], tuple[int, int, int]] = {}
        self._totals: Counter[tuple[str, str, str]] = Counter()
        self._adding = threading.Lock()

    def describe(self) -> Iterable[Metric]:
        """Return nothing: names are not to be looked up at the start, when nobody is there."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield everything."""
        incidents = [one for one in self._looked.incidents if not one.stopped]
        newest = {one.target.id: one for one in reversed(incidents) if one.open}
        playing = [(site, one.camera_states()) for site, one in newest.items()]
        yield _gauge("lastseen_build_info", "1, and the version.", {"version": version("lastseen")})
        yield from self._record()
        yield from self._incidents(incidents)
        yield from _cameras(playing)
        yield from self._frames(incidents)

    def _record(self) -> Iterator[Metric]:
        looked = self._looked
        ready = all(check.ok for check in looked.readiness.checks(wait_s=_WAIT_S) if check.needed)
        yield GaugeMetricFamily("lastseen_ready", "Whether an incident can be opened.", ready)
        bent = looked.record.bent()
        whole = float("nan") if bent is None else float(not bent)
        yield GaugeMetricFamily(
            "lastseen_audit_whole", "Whether the audit is whole; NaN where it is not known.", whole
        )
        state = looked.record.state(wait_s=0.0)  # it was waited for above
        if state is not None and state.entries is not None:
            yield CounterMetricFamily(
                "lastseen_audit_entries", "Entries of the audit.", state.entries
            )
        if state is not None and state.free_bytes is not None:
            yield GaugeMetricFamily(
                "lastseen_state_disk_free_bytes",
                "What is free on the disk of the state folder.",
                state.free_bytes,
            )
        decided = CounterMetricFamily(
            "lastseen_audit_actions",
            "Entries of the audit since this server began, by what happened; decisions of the gate "
            "are among them. Where servers share a database, of all of them.",
            labels=("action",),
        )
        for action, count in (dict.fromkeys(DECISIONS, 0) | dict(looked.record.actions())).items():
            decided.add_metric((action,), count)
        yield decided

    def _incidents(self, incidents: list[Incident]) -> Iterator[Metric]:
        unclosed = [one for one in incidents if one.open]
        kinds = Counter(one.grant.activation.kind for one in unclosed)
        opened = GaugeMetricFamily("lastseen_incidents_open", "Open incidents.", labels=("kind",))
        for kind in get_args(IncidentKind):
            opened.add_metric((kind,), kinds[kind])
        yield opened
        followers = GaugeMetricFamily(
            "lastseen_subscribers",
            "Connections that follow the events of open incidents.",
            labels=("site",),
        )
        ends = GaugeMetricFamily(
            "lastseen_grant_end_timestamp_seconds",
            "When the grant of an open incident ends, Unix seconds.",
            labels=("site",),
        )
        # An exercise may still be ending where an emergency was opened: the newest counts.
        for site, one in {one.target.id: one for one in reversed(unclosed)}.items():
            followers.add_metric((site,), one.events.readers)
            ends.add_metric((site,), one.grant.until_s)
        yield followers
        yield ends
        yield GaugeMetricFamily(
            "lastseen_stream_viewers",
            "Live pictures that somebody watches.",
            self._looked.viewers.streams,
        )

    def _frames(self, incidents: list[Incident]) -> Iterator[Metric]:
        """Totals over all runs; closed incidents are kept for a while, so their last are seen."""
        with self._adding:
            for one in incidents:
                for status in one.camera_states():
                    self._add(one, status)
            totals = dict(self._totals)
        for what, documentation in (
            ("received", "Frames that arrived."),
            ("used", "Frames that were detected on."),
            ("dropped", "Frames that a newer one replaced before they were used."),
        ):
            family = CounterMetricFamily(
                f"lastseen_frames_{what}", documentation, labels=("site", "camera")
            )
            for (site, camera, of), total in totals.items():
                if of == what:
                    family.add_metric((site, camera), total)
            yield family

    def _add(self, incident: Incident, status: CameraStatus) -> None:
        now = (status.frames_in, status.frames_used, status.frames_dropped)
        before = self._before.get((incident.id, status.id), (0, 0, 0))
        if now[0] < before[0]:  # a worker was started again and counts anew
            before = (0, 0, 0)
        self._before[incident.id, status.id] = now
        site = incident.target.id
        for what, new, old in zip(("received", "used", "dropped"), now, before, strict=True):
            self._totals[site, status.id, what] += max(new - old, 0)


def _cameras(playing: list[tuple[str, tuple[CameraStatus, ...]]]) -> Iterator[Metric]:
    """How the cameras of open incidents are."""
    labels = ("site", "camera")
    phase = GaugeMetricFamily(
        "lastseen_camera_phase",
        "1 for the phase that the camera's feed is in, 0 for the others.",
        labels=(*labels, "phase"),
    )
    age = GaugeMetricFamily(
        "lastseen_camera_newest_frame_age_seconds", "Age of the newest frame.", labels=labels
    )
    fps = GaugeMetricFamily(
        "lastseen_camera_arriving_fps", "Frames per second that arrive.", labels=labels
    )
    starved = GaugeMetricFamily(
        "lastseen_camera_starved",
        "1 where it is looked at less often than wanted, because the workers are overloaded.",
        labels=labels,
    )
    wanted = GaugeMetricFamily(
        "lastseen_camera_wanted_fps", "Looks per second wanted of a starved camera.", labels=labels
    )
    got = GaugeMetricFamily(
        "lastseen_camera_got_fps", "Looks per second that a starved camera got.", labels=labels
    )
    moved = GaugeMetricFamily(
        "lastseen_camera_view_trouble",
        "1 where the camera was moved, is covered or out of focus.",
        labels=labels,
    )
    waiting = GaugeMetricFamily(
        "lastseen_frames_waiting",
        "Frames of cameras that wait for the detector, one a camera at most.",
        labels=("site",),
    )
    for site, cameras in playing:
        for one in cameras:
            here = (site, one.id)
            for name in get_args(CameraPhase):
                phase.add_metric((*here, name), float(one.phase == name))
            if one.last_frame_age_s is not None:
                age.add_metric(here, one.last_frame_age_s)
            if one.fps is not None:
                fps.add_metric(here, one.fps)
            starved.add_metric(here, float(one.starved is not None))
            if one.starved is not None:
                wanted.add_metric(here, one.starved.wanted_fps)
                got.add_metric(here, one.starved.got_fps)
            moved.add_metric(here, float(bool(one.view_trouble)))
        left = sum(one.frames_in - one.frames_used - one.frames_dropped for one in cameras)
        waiting.add_metric((site,), max(left, 0))
    yield from (phase, age, fps, starved, wanted, got, moved, waiting)


def _gauge(name: str, documentation: str, labels: dict[str, str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), 1.0)
    return family
