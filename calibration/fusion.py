"""Floor positions of all cameras into subjects: one body, one subject, across cameras.

The rules, in the order in which they are applied to each frame:

1. **A known track keeps its subject.** A track of a camera stays with the subject it was given
   unless it drifts apart from it in `STRIKES` frames in a row; until then a frame that is too far
   away is not believed. If nobody else sees the subject, and it is not too far, the subject had
   been misplaced (its feet were hidden) and is moved to where its track is. A known track that
   comes back after a gap keeps its subject if the way can be run in that time.
2. **Everything else is assigned on the floor**: to the subjects in view, within the 99 % gate, at
   least total cost; a second camera's view of the same body lands here. One frame never gives one
   subject two boxes.
3. **What is left is a new, tentative subject.** It is confirmed by 3 frames of one
   track, or by 2 that lie `STEADY_S` apart, before it is unseen for longer than a camera may
   blink; else it was a false box and is forgotten. (Two false boxes near one place have two
   tracks.) Only confirmed subjects get a number and are told to anybody.
4. **A subject out of view lives on.** A newly confirmed subject may turn out to be its
   continuation; `continuity` has the rules.
5. **Two subjects in view that are one body** (born apart because two cameras disagreed): if they
   stay within the gate for `SAME_PLACE_S` and no camera ever saw both at once, the younger one
   merges into the older.
6. **Evidence belongs to tracks.** What a track gathered with one subject stays there when the
   track moves to another.

Cameras deliver with different delays. A frame that is older than a subject's state by up to
`LATE_S` still corrects it (the state is compared with what it was then, at a larger covariance);
an older one no longer moves it, but its evidence counts.

Everything is a deterministic function of the frames in the order given; no clock is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import kalman
from .association import GATE, squared_distances
from .continuity import (
    ARMED_LLR,
    Sighted,
    continuations,
    straight_line_m,
)
from .matching import LATE_S, expect, match, sight
from .stakes import Stakes
from .subject import Subject, SubjectState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .answer import TrackKey
    from .continuity import WalkDistance
    from .positions import FloorPositions

UNSEEN_S = 0.7
"""A subject is out of view when no camera has seen it for this long (or for three frames of a slow
camera): detectors miss a visible person for a few frames, hardly ever for longer."""

STRIKES = 3
MISPLACED_M = 3.0
"""Farther than this no foot point is wrong because feet were hidden; then it is another body."""

SURE_FRAMES, STEADY_S = 3, 0.4
SAME_PLACE_S = 1.0
SETTLING_S = 3.0
"""For so long after its birth an unarmed subject may still be recognised as a continuation."""

FORGET_S = 120.0
"""Harmless subjects that nobody has seen for so long are dropped (the newest of all is kept)."""

SAME_PLACE_M = 1.5
"""Two vague subjects can be within the gate at any distance; one body is not so far apart."""

BRIEF_S, FORGET_BRIEF_S = 2.0, 10.0
"""Harmless subjects that were seen for no longer than the first are dropped after the second: they
are false boxes that lasted, or glimpses that nobody needs."""

_LONGEST_BLINK_S = 3.0
_HOPELESSLY_LATE_S = 30.0


@dataclass(slots=True, eq=False)
class _Track:
    """One track of one camera: whose it is and how much of its evidence has been handed on."""

    key: TrackKey
    owner: Subject | None = None
    handed_on_llr: float = 0.0
    strikes: int = 0

    def take(self, subject: Subject, at_s: float, llr: float) -> None:
        """Give the subject this track's frame and the evidence gathered since the one before."""
        self.owner = subject
        self.strikes = 0
        subject.look(self.key, at_s, llr - self.handed_on_llr)
        self.handed_on_llr = llr


class Fusion:
    """Follows subjects across cameras.

    Args:
        walk_m: walking distance between two places of one level; the straight line by default,
            which never refuses a way that exists.
    """

    def __init__(self, walk_m: WalkDistance = straight_line_m) -> None:
        self._walk_m = walk_m
        self._subjects: list[Subject] = []
        self._tracks: dict[TrackKey, _Track] = {}
        self._newest_s = -np.inf
        self._last_frame_s: dict[str, float] = {}
        self._interval_s: dict[str, float] = {}
        self._same_place_since_s: dict[tuple[int, int], float] = {}
        self._births = 0
        self._confirmed = 0
        self._merged_into: dict[str, str] = {}
        self._stakes = Stakes()

    @property
    def newest_s(self) -> float:
        """Capture time of the newest frame so far; minus infinity before the first."""
        return self._newest_s

    @property
    def merged_into(self) -> Mapping[str, str]:
        """The subject that each subject was joined with, by id; that one may have been, too."""
        return self._merged_into

    def heed(self, stakes: Stakes) -> None:
        """Take whom people pointed out and whom they set aside."""
        self._stakes = stakes

    def update(self, positions: FloorPositions) -> None:
        """Take in one frame of one camera; frames of one camera in order of time."""
        at_s = positions.captured_at_s
        self._note_frame(positions.camera, at_s)
        if len(positions):
            self._place(positions)
        self._confirm()
        self._continue_unseen()
        self._merge_duplicates(at_s)
        self._forget()

    def subjects(self, now_s: float) -> tuple[SubjectState, ...]:
        """All confirmed subjects, oldest first.

        Args:
            now_s: the moment to speak of. A subject in view is predicted from its last sighting to
                this moment; one out of view is told where it was last seen.
        """
        return tuple(self._state(s, now_s) for s in self._subjects if s.number is not None)

    def _note_frame(self, camera: str, at_s: float) -> None:
        last_s = self._last_frame_s.get(camera)
        if last_s is not None and at_s > last_s:
            interval_s = self._interval_s.get(camera, at_s - last_s)
            self._interval_s[camera] = 0.8 * interval_s + 0.2 * min(at_s - last_s, 1.0)
        self._last_frame_s[camera] = max(at_s, last_s if last_s is not None else at_s)
        self._newest_s = max(self._newest_s, at_s)

    def _blink_s(self, subject: Subject) -> float:
        """How long the subject may go without a sighting and still count as in view."""
        frame_s = max(self._interval_s.get(camera, 0.0) for camera in subject.cameras_s)
        return min(max(UNSEEN_S, 3.0 * frame_s), _LONGEST_BLINK_S)

    def _place(self, positions: FloorPositions) -> None:
        at_s, level = positions.captured_at_s, positions.level
        tracks = [self._track((positions.camera, int(track))) for track in positions.track_id]
        owners = [_owner(track, at_s, level) for track in tracks]
        serials = {owner.serial for owner in owners if owner is not None}
        subjects = [
            subject
            for subject in self._subjects
            if subject.level == level
            and (subject.serial in serials or self._is_fresh(subject, at_s))
        ]
        fresh = np.array([self._is_fresh(subject, at_s) for subject in subjects], np.bool_)
        expected = expect(subjects, at_s, fresh)
        chosen = match(positions, owners, expected)
        taken = {subjects[column].serial for column in chosen if column >= 0}
        for row, (track, owner) in enumerate(zip(tracks, owners, strict=True)):
            if chosen[row] < 0 and owner is not None and owner.serial not in taken:
                track.strikes += 1
                if track.strikes < STRIKES:
                    continue
                if self._was_misplaced(owner, positions, row):
                    owner.restart(
                        positions.camera, at_s, positions.xy_m[row], positions.cov_m2[row]
                    )
                    track.take(owner, at_s, float(positions.armed_llr[row]))
                    continue
            subject = (
                self._born(positions, row)
                if chosen[row] < 0
                else sight(expected, int(chosen[row]), positions, row)
            )
            track.take(subject, at_s, float(positions.armed_llr[row]))

    def _was_misplaced(self, owner: Subject, positions: FloorPositions, row: int) -> bool:
        """Whether a subject from which its track has drifted apart stood there all along."""
        at_s = positions.captured_at_s
        away_m = float(np.hypot(*(positions.xy_m[row] - owner.mean[:2])))
        others = [s for camera, s in owner.cameras_s.items() if camera != positions.camera]
        alone = all(at_s - last_s > self._blink_s(owner) for last_s in others)
        return alone and away_m <= MISPLACED_M and at_s >= owner.time_s

    def _track(self, key: TrackKey) -> _Track:
        return self._tracks.setdefault(key, _Track(key))

    def _is_fresh(self, subject: Subject, at_s: float) -> bool:
        """Whether the subject's state can be compared with a frame of that time."""
        return -LATE_S <= at_s - subject.seen_at_s <= self._blink_s(subject)

    def _born(self, positions: FloorPositions, row: int) -> Subject:
        subject = Subject.born(
            self._births,
            positions.level,
            positions.captured_at_s,
            positions.xy_m[row],
            positions.cov_m2[row],
        )
        subject.note(positions.camera, positions.captured_at_s)
        self._births += 1
        self._subjects.append(subject)
        return subject

    def _confirm(self) -> None:
        for subject in self._subjects:
            if subject.number is None and any(
                share.frames >= SURE_FRAMES
                or (share.frames > 1 and share.last_s - share.first_s >= STEADY_S)
                for share in subject.shares.values()
            ):
                self._confirmed += 1
                subject.number = self._confirmed

    def _unseen_s(self, subject: Subject) -> float:
        """For how long nobody sees the subject: by the frames of its own cameras since.

        Cameras whose pictures arrive late have not looked yet; a camera that died looks no more,
        so that the frames of the others count after `LATE_S`.
        """
        own_s = max(
            self._last_frame_s[camera]
            for camera, at_s in subject.cameras_s.items()
            if at_s >= subject.seen_at_s - LATE_S
        )
        return max(own_s, self._newest_s - LATE_S) - subject.seen_at_s

    def _continue_unseen(self) -> None:
        confirmed = [s for s in self._subjects if s.number is not None]
        newer = [
            s
            for s in confirmed
            if (s.seen_at_s - s.born_s <= SETTLING_S or s.armed_llr >= ARMED_LLR)
            and not self._is_beside_an_armed_one(s, confirmed)
        ]
        if not newer:
            return
        endings = [s for s in confirmed if self._unseen_s(s) > self._blink_s(s)]
        if not endings:
            return
        apart = np.array([[self._are_apart(b, e) for e in endings] for b in newer])
        found = continuations(
            [Sighted(b.level, b.born_xy_m, b.mean[2:], b.born_s, b.armed_llr) for b in newer],
            [
                Sighted(e.level, e.mean[:2], e.mean[2:], e.seen_at_s, self._stakes.llr(e))
                for e in endings
            ],
            apart,
            self._walk_m,
        )
        joined: set[int] = set()
        for b, e in found:
            # A chain (one subject both begins and ends) is resolved one link a frame.
            if newer[b].serial not in joined and endings[e].serial not in joined:
                self._join(endings[e], newer[b])
                joined |= {newer[b].serial, endings[e].serial}

    def _are_apart(self, newer: Subject, older: Subject) -> bool:
        """Whether the newer subject is known not to continue the older, or must not."""
        two = newer is older or newer.shared_a_camera_with(older)
        return two or self._stakes.forbid_continuing(newer, older)

    def _is_beside_an_armed_one(self, subject: Subject, confirmed: list[Subject]) -> bool:
        """Whether an armed subject may be an older armed one in view, as another camera sees it.

        Until that is decided it continues nobody who was last seen elsewhere.
        """
        if subject.armed_llr < ARMED_LLR:
            return False
        return any(
            other.serial < subject.serial
            and other.level == subject.level
            and other.armed_llr >= ARMED_LLR
            and self._unseen_s(other) <= self._blink_s(other)
            and not other.shared_a_camera_with(subject)
            and float(np.hypot(*(other.mean[:2] - subject.mean[:2]))) <= SAME_PLACE_M
            for other in confirmed
        )

    def _merge_duplicates(self, at_s: float) -> None:
        seen = [
            s for s in self._subjects if s.number is not None and self._is_fresh(s, self._newest_s)
        ]
        since_s: dict[tuple[int, int], float] = {}
        if len(seen) > 1:
            expected = expect(seen, self._newest_s, np.ones(len(seen), np.bool_))
            xy_m, cov_m2 = expected.xy_m, expected.cov_m2
            squared, _ = squared_distances(xy_m, cov_m2, xy_m, cov_m2)
            apart_m = np.linalg.norm(xy_m[:, None] - xy_m[None], axis=2)
            close = np.triu((squared <= GATE) & (apart_m <= SAME_PLACE_M), 1)
            for i, j in np.argwhere(close):
                older, newer = seen[i], seen[j]
                pair = (older.serial, newer.serial)
                two = older.shared_a_camera_with(newer) or self._stakes.forbid_merging(older, newer)
                if older.level == newer.level and not two:
                    since_s[pair] = self._same_place_since_s.get(pair, at_s)
        self._same_place_since_s = since_s
        by_serial = {s.serial: s for s in seen}
        for (older, newer), first_s in since_s.items():
            if at_s - first_s >= SAME_PLACE_S and {older, newer} <= by_serial.keys():
                self._join(by_serial[older], by_serial.pop(newer))

    def _join(self, older: Subject, newer: Subject) -> None:
        older.continue_as(newer)
        self._merged_into[f"S{newer.number}"] = f"S{older.number}"
        self._subjects.remove(newer)
        for track in self._tracks.values():
            if track.owner is newer:
                track.owner = older

    def _forget(self) -> None:
        newest_s = max((s.seen_at_s for s in self._subjects if s.number is not None), default=0.0)
        kept = [s for s in self._subjects if self._is_remembered(s, newest_s)]
        if len(kept) < len(self._subjects):
            self._subjects = kept
            alive = {s.serial for s in kept}
            self._tracks = {
                key: track
                for key, track in self._tracks.items()
                if track.owner is not None and track.owner.serial in alive
            }

    def _is_remembered(self, subject: Subject, newest_s: float) -> bool:
        unseen_s = self._unseen_s(subject)
        if subject.number is None:
            return unseen_s <= self._blink_s(subject)
        if self._stakes.is_followed(subject):
            return True
        brief = subject.seen_at_s - subject.born_s <= BRIEF_S
        forget_s = FORGET_BRIEF_S if brief else FORGET_S
        harmless = subject.armed_llr < ARMED_LLR
        return not harmless or unseen_s <= forget_s or subject.seen_at_s >= newest_s

    def _state(self, subject: Subject, now_s: float) -> SubjectState:
        blink_s = self._blink_s(subject)
        in_view = (
            self._unseen_s(subject) <= blink_s and now_s - subject.seen_at_s <= blink_s + LATE_S
        )
        at_s = max(now_s, subject.time_s) if in_view else subject.time_s
        mean, cov = kalman.predict(
            subject.mean[None], subject.cov[None], np.array([at_s - subject.time_s])
        )
        return subject.state(in_view=in_view, at_s=at_s, mean=mean[0], cov=cov[0])


def _owner(track: _Track, at_s: float, level: str) -> Subject | None:
    owner = track.owner
    if owner is None or owner.level != level or owner.seen_at_s - at_s > _HOPELESSLY_LATE_S:
        return None
    return owner
