"""The pictures of a run: what looked like a weapon, and streams for those who watch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from vision.overlay import TrackLabel

from .worker_messages import Show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from calibration.answer import Answer, RankedSubject, TrackKey
    from vision.evidence import EvidencePicture
    from vision.stream_parts import Drawing, StreamPart, StreamWanted

MOST_PICTURES = 256
"""Tracks whose picture is kept, each of some 15 kB."""

LIKELY = 0.5
"""A subject that is so likely to be the intruder is one of interest."""


class EvidencePictures:
    """The clearest picture of each of the newest tracks that may show a weapon."""

    def __init__(self) -> None:
        self._kept: dict[TrackKey, EvidencePicture] = {}

    def keep(self, picture: EvidencePicture) -> None:
        """Keep a track's clearest picture, and those of the newest tracks only."""
        track = (picture.camera, picture.track_id)
        kept = {key: one for key, one in self._kept.items() if key != track}
        kept[track] = picture
        while len(kept) > MOST_PICTURES:
            del kept[next(iter(kept))]
        # Replaced as a whole: other threads read it.
        self._kept = kept

    def get(self, track: TrackKey) -> EvidencePicture | None:
        """The picture of a track; None where there is none."""
        return self._kept.get(track)

    def clear(self) -> None:
        """Forget all."""
        self._kept = {}


class Encoders(Protocol):
    """Those who encode streams; tracks are numbered as of the run."""

    def show(self, show: Show) -> None:
        """Encode exactly what is wanted."""

    def label(self, camera: str, labels: Mapping[int, TrackLabel]) -> None:
        """Write beside the tracks of a camera who they are."""


class RunStreams:
    """What a run's workers are to encode, and what they are to write beside whom.

    Methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._encoders: Encoders | None = None
        self._show: Show | None = None
        self._take: Callable[[StreamPart], None] | None = None
        self._tracks: dict[str, tuple[int, ...]] = {}
        self._told: dict[str, Mapping[int, TrackLabel]] = {}

    def show(
        self,
        wanted: frozenset[StreamWanted],
        take: Callable[[StreamPart], None],
        drawing: Drawing,
    ) -> None:
        """Encode exactly what is wanted; see `api.runs.Run.show`."""
        with self._lock:
            self._show, self._take = Show(wanted, drawing), take
            self._told = {}
            if self._encoders is not None:
                self._encoders.show(self._show)

    def serve(self, encoders: Encoders | None) -> None:
        """Go on with others, or with other cameras; None where nobody encodes for now."""
        with self._lock:
            self._encoders = encoders
            self._told, self._tracks = {}, {}
            if encoders is not None and self._show is not None:
                encoders.show(self._show)

    def hand_on(self, part: StreamPart) -> None:
        """Hand a part to who watches; one that comes too late is watched by nobody."""
        take = self._take
        if take is not None:
            take(part)

    def see(self, camera: str, tracks: Iterable[int]) -> None:
        """Note which tracks the newest frame of a camera shows."""
        show = self._show
        if show is not None and any(one.camera == camera for one in show.wanted):
            self._tracks[camera] = tuple(tracks)

    def tell(self, answer: Answer, subject_of: Callable[[TrackKey], str | None]) -> None:
        """Tell who is who in the pictures that are watched, where that is new.

        Args:
            answer: the newest one.
            subject_of: the subject that a track belongs to; None where it is not known.
        """
        for camera, tracks in tuple(self._tracks.items()):
            labels = labels_of(answer, {track: subject_of((camera, track)) for track in tracks})
            with self._lock:
                if self._encoders is None or self._told.get(camera) == labels:
                    continue
                self._told[camera] = labels
                self._encoders.label(camera, labels)


def labels_of(answer: Answer, owners: Mapping[int, str | None]) -> dict[int, TrackLabel]:
    """What is written beside the tracks whose subject is in the answer, by track id.

    Args:
        answer: the newest one.
        owners: subject of each track; None where it is not known.
    """
    subjects = {one.subject: one for one in answer.subjects}
    known = {track: subjects.get(owner or "") for track, owner in owners.items()}
    return {track: _label(one) for track, one in known.items() if one is not None}


def _label(subject: RankedSubject) -> TrackLabel:
    pointed_out = any(mark.kind in {"confirm", "designate"} for mark in subject.marks)
    ranked = subject.status == "ranked"
    notes = {"rejected": "ruled out", "responder": "responder", "ranked": ""}
    confirmed = any(mark.kind == "confirm" for mark in subject.marks)
    return TrackLabel(
        subject=subject.subject,
        place=subject.space_name,
        armed_probability=round(subject.armed_probability, 2),
        of_interest=ranked and (pointed_out or subject.probability >= LIKELY),
        note="confirmed" if ranked and confirmed else notes[subject.status],
    )
