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
3. **What is left is a new, tentative subject.** It is confirmed when one track has shown it for
   long enough for how sure its boxes were, and when the cameras that should see it agree that it is
   a body (`existence`), before it is unseen for longer than a camera may blink; else it was a false
   box and is forgotten. Only confirmed subjects get a number and are told to anybody, and not those
   that other cameras have come to contradict, unless they are armed or were pointed out.
4. **A subject out of view lives on.** A newly confirmed subject may turn out to be its
   continuation; `handover` has the rules.
5. **Two subjects in view that are one body** (born apart because two cameras disagreed): the
   younger one merges into the older; `duplicates` has the rules.
6. **Evidence belongs to tracks.** What a track gathered with one subject stays there when the
   track moves to another, and goes along where its body walks away from that subject.

Cameras deliver with different delays. A frame that is older than a subject's state by up to
`LATE_S` still corrects it (the state is compared with what it was then, at a larger covariance);
an older one no longer moves it, but its evidence counts.

Everything is a deterministic function of the frames in the order given; no clock is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .camera_tracks import CameraTrack, by_level, seen_steadily
from .clock_offsets import ClockOffsets
from .continuity import ARMED_LLR, straight_line_m
from .duplicates import (
    SAME_PLACE_M,
    Duplicates,
    are_two,
    hand_on_apart,
    note_apart,
    shown_elsewhere,
)
from .existence import USUAL_DETECTION
from .frame_times import FrameTimes
from .handover import SETTLING_S, Scene, crowd_of, same_bodies, strangers_m2
from .matching import expect, match, sight
from .stakes import Stakes
from .subject import Subject, SubjectState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .answer import TrackKey
    from .camera_views import CameraViews
    from .clock_offsets import ClockOffset
    from .continuity import WalkDistance
    from .handover import Densities
    from .matching import Expected
    from .positions import FloorPositions

STRIKES = 3

MISPLACED_M = 3.0
"""Farther than this no foot point is wrong because feet were hidden; then it is another body."""

SURE_LLR = -0.3
"""Log-odds of being a body from which on a subject may be confirmed."""

AGREED_LLR = 3.0
"""Log-odds from which on two cameras that agree confirm a subject at first sight (20 : 1)."""

DOUBTED_LLR = -0.5
"""Log-odds under which a confirmed subject is told to nobody, unless it is armed."""

FORGET_S = 120.0
"""Harmless subjects that nobody has seen for so long are dropped (the newest of all is kept)."""

BRIEF_S, FORGET_BRIEF_S = 2.0, 10.0
"""Harmless subjects that were seen for no longer than the first are dropped after the second: they
are false boxes that lasted, or glimpses that nobody needs."""

UPKEEP_S = 0.05
"""Subjects are confirmed, joined and forgotten no more often than this, in capture time."""

_NOWHERE_M: NDArray[np.float64] = np.zeros((0, 2))


class Fusion:
    """Follows subjects across cameras.

    Args:
        walk_m: walking distance between two places; the straight line by default, which never
            refuses a way that exists.
        views: what each camera should see; without it every box counts as somebody.
        densities_m2: where the unseen subjects can be; without it only those come back who were
            out of view for a moment, walked on, or are armed.
        corrects_clocks: whether frames of cameras whose clocks are found to be off are corrected.
    """

    def __init__(
        self,
        walk_m: WalkDistance = straight_line_m,
        views: CameraViews | None = None,
        densities_m2: Densities | None = None,
        *,
        corrects_clocks: bool = True,
    ) -> None:
        self._walk_m = walk_m
        self._views = views
        self._densities_m2 = densities_m2
        self._subjects: list[Subject] = []
        self._tracks: dict[TrackKey, CameraTrack] = {}
        self._times = FrameTimes()
        self._duplicates = Duplicates()
        self._kept_up_s = -np.inf
        self._by_level: dict[str, tuple[list[Subject], NDArray[np.float64]]] = {}
        self._births = 0
        self._confirmed = 0
        self._merged_into: dict[str, str] = {}
        self._stakes = Stakes()
        self._clocks = ClockOffsets(self._owner_of, corrects=corrects_clocks)

    @property
    def newest_s(self) -> float:
        """Capture time of the newest frame so far; minus infinity before the first."""
        return self._times.newest_s

    @property
    def merged_into(self) -> Mapping[str, str]:
        """The subject that each subject was joined with, by id; that one may have been, too."""
        return self._merged_into

    @property
    def clock_offsets(self) -> tuple[ClockOffset, ...]:
        """How far the cameras' clocks are apart, of those that share floor."""
        return self._clocks.told

    def heed(self, stakes: Stakes) -> None:
        """Take whom people pointed out and whom they set aside."""
        self._stakes = stakes

    def update(self, positions: FloorPositions) -> None:
        """Take in one frame of one camera; frames of one camera in order of time."""
        self._clocks.note(positions)
        positions = self._clocks.corrected(positions)
        at_s = positions.captured_at_s
        self._times.note(positions.camera, at_s)
        if len(positions):
            self._place(positions)
        elif positions.tells_absence:
            self._witness_nobody(positions)
        # Upkeep looks at all subjects, and the cameras of a school deliver 2,000 frames a second.
        if self._times.newest_s - self._kept_up_s < UPKEEP_S:
            return
        self._kept_up_s = self._times.newest_s
        self._confirm()
        self._continue_unseen()
        self._merge_duplicates(at_s)
        self._forget()
        self._by_level = by_level(self._subjects)

    def subjects(self, now_s: float) -> tuple[SubjectState, ...]:
        """All confirmed subjects, oldest first.

        Args:
            now_s: the moment to speak of. A subject in view is predicted from its last sighting to
                this moment; one out of view is told where it was last seen.
        """
        return tuple(
            self._state(s, now_s)
            for s in self._subjects
            if s.number is not None and (s.existence_llr >= DOUBTED_LLR or self._is_at_stake(s))
        )

    def _is_at_stake(self, subject: Subject) -> bool:
        """Whether it would be dangerous to leave the subject out."""
        return subject.armed_llr >= ARMED_LLR or self._stakes.is_followed(subject)

    def _place(self, positions: FloorPositions) -> None:
        at_s, level = positions.captured_at_s, positions.level
        tracks = [self._track((positions.camera, int(track))) for track in positions.track_id]
        owners = [track.owner_at(at_s, level) for track in tracks]
        serials = {owner.serial for owner in owners if owner is not None}
        subjects = [
            subject
            for subject in self._subjects
            if subject.level == level
            and (subject.serial in serials or self._times.is_fresh(subject, at_s))
        ]
        fresh = np.array([self._times.is_fresh(subject, at_s) for subject in subjects], np.bool_)
        expected = expect(subjects, at_s, fresh)
        frame_s = self._times.interval_s(positions.camera)
        chosen = match(positions, owners, expected, frame_s)
        taken = {subjects[column].serial for column in chosen if column >= 0}
        self._witness(positions, expected, chosen)
        told = list(zip(positions.armed_llr.tolist(), positions.confidence.tolist(), strict=True))
        for row, (track, owner) in enumerate(zip(tracks, owners, strict=True)):
            if chosen[row] < 0 and owner is not None and owner.serial not in taken:
                track.strikes += 1
                if track.strikes < STRIKES:
                    continue
                if self._was_misplaced(owner, positions, row):
                    owner.restart(
                        positions.camera, at_s, positions.xy_m[row], positions.cov_m2[row]
                    )
                    track.take(owner, at_s, *told[row])
                    continue
            if chosen[row] < 0:
                subject = self._born(positions, row)
                track.part(subject)
            else:
                subject = sight(expected, int(chosen[row]), positions, row)
            track.take(subject, at_s, *told[row])
            subject.wear(track.key, positions.appearance[row])
        note_apart([track.owner for track in tracks], positions)

    def _witness_nobody(self, positions: FloorPositions) -> None:
        """Let a camera say with an empty frame that it shows none of the subjects in its view."""
        if self._views is None:
            return
        subjects, xy_m = self._by_level.get(positions.level, ([], _NOWHERE_M))
        within = np.flatnonzero(self._views.may_show(positions.camera, xy_m))
        at_s = positions.captured_at_s
        near = [s for s in (subjects[i] for i in within) if self._times.is_fresh(s, at_s)]
        if near:
            expected = expect(near, at_s, np.ones(len(near), np.bool_))
            self._witness(positions, expected, np.zeros(0, np.intp))

    def _witness(
        self, positions: FloorPositions, expected: Expected, chosen: NDArray[np.intp]
    ) -> None:
        """Let a camera say which of the subjects in its view it shows, and which it does not."""
        if self._views is None or not positions.tells_absence:
            return
        camera, at_s = positions.camera, positions.captured_at_s
        found = set(chosen.tolist())
        elsewhere = shown_elsewhere(positions, expected, chosen)
        detection = self._views.detection(camera, positions.level, expected.xy_m)
        for column, subject in enumerate(expected.subjects):
            hit = column in found
            if elsewhere[column] and not hit:
                continue
            if expected.fresh[column] and (hit or detection[column] > 0):
                expects = float(detection[column]) or USUAL_DETECTION
                subject.witness(camera, at_s, hit=hit, detection=expects)

    def _was_misplaced(self, owner: Subject, positions: FloorPositions, row: int) -> bool:
        """Whether a subject from which its track has drifted apart stood there all along."""
        at_s = positions.captured_at_s
        away_m = float(np.hypot(*(positions.xy_m[row] - owner.mean[:2])))
        others = [s for camera, s in owner.cameras_s.items() if camera != positions.camera]
        alone = all(at_s - last_s > self._times.blink_s(owner) for last_s in others)
        return alone and away_m <= MISPLACED_M and at_s >= owner.time_s

    def _track(self, key: TrackKey) -> CameraTrack:
        return self._tracks.setdefault(key, CameraTrack(key))

    def subject_of(self, track: TrackKey) -> str | None:
        """Id of the confirmed subject that a track belongs to; None where none is known."""
        owner = self._tracks[track].owner if track in self._tracks else None
        return None if owner is None or owner.number is None else f"S{owner.number}"

    def _owner_of(self, key: TrackKey) -> int | None:
        track = self._tracks.get(key)
        return None if track is None or track.owner is None else track.owner.serial

    def _born(self, positions: FloorPositions, row: int) -> Subject:
        subject = Subject.born(
            self._births,
            positions.level,
            positions.captured_at_s,
            positions.xy_m[row],
            positions.cov_m2[row],
        )
        subject.born_in = positions.camera
        subject.witness(
            positions.camera, positions.captured_at_s, hit=True, detection=USUAL_DETECTION
        )
        subject.note(positions.camera, positions.captured_at_s)
        self._births += 1
        self._subjects.append(subject)
        return subject

    def _confirm(self) -> None:
        for subject in self._subjects:
            if subject.number is None and self._is_sure_of(subject):
                self._confirmed += 1
                subject.number = self._confirmed

    def _is_sure_of(self, subject: Subject) -> bool:
        """Whether a tentative subject is likely a body, or armed; and was seen for long enough."""
        likely_llr = subject.existence_llr
        if likely_llr >= AGREED_LLR and len(subject.cameras_s) > 1:
            return True
        told = likely_llr >= SURE_LLR or self._is_at_stake(subject)
        return told and seen_steadily(subject)

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
        endings = [s for s in confirmed if not self._times.sees(s)]
        in_view = [self._times.sees(s) for s in newer]
        scene = self._scene() if endings and any(in_view) else None
        for b, e in same_bodies(newer, endings, in_view, self._stakes, scene, self._walk_m):
            self._join(e, b)

    def _scene(self) -> Scene | None:
        """What the maps and views say now; None without them."""
        if self._densities_m2 is None or self._views is None:
            return None
        confirmed = [s for s in self._subjects if s.number is not None]
        in_view = sum(self._times.sees(s) for s in confirmed)
        strangers = strangers_m2(in_view, self._views.watched_m2)
        return Scene(self._densities_m2, strangers, crowd_of(confirmed))

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
            and self._times.sees(other)
            and not are_two(other, subject)
            and float(np.hypot(*(other.mean[:2] - subject.mean[:2]))) <= SAME_PLACE_M
            for other in confirmed
        )

    def _merge_duplicates(self, at_s: float) -> None:
        newest_s = self._times.newest_s
        seen = [
            s for s in self._subjects if s.number is not None and self._times.is_fresh(s, newest_s)
        ]
        found = self._duplicates.found(seen, newest_s, at_s, self._stakes.forbid_merging)
        for older, newer in found:
            self._join(older, newer)

    def _join(self, older: Subject, newer: Subject) -> None:
        older.continue_as(newer)
        self._merged_into[f"S{newer.number}"] = f"S{older.number}"
        self._subjects.remove(newer)
        hand_on_apart(older, newer, self._subjects)
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
        if subject.number is None:
            return self._times.sees(subject)
        if self._stakes.is_followed(subject):
            return True
        brief = subject.seen_at_s - subject.born_s <= BRIEF_S
        forget_s = FORGET_BRIEF_S if brief else FORGET_S
        harmless = subject.armed_llr < ARMED_LLR
        return (
            not harmless
            or self._times.unseen_s(subject) <= forget_s
            or subject.seen_at_s >= newest_s
        )

    def _state(self, subject: Subject, now_s: float) -> SubjectState:
        in_view = self._times.sees_at(subject, now_s)
        at_s = now_s if in_view else subject.time_s
        # The newest frame may be newer than now by a clock that has been corrected.
        expected = expect([subject], at_s, np.ones(1, np.bool_))
        mean, cov = expected.mean, expected.cov
        mean[:, :2], cov[:, :2, :2] = expected.xy_m, expected.cov_m2
        return subject.state(in_view=in_view, at_s=at_s, mean=mean[0], cov=cov[0])
