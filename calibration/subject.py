"""One body on the floor, followed across cameras, and the evidence that belongs to it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from . import kalman
from .appearance import GALLERY_LENGTH
from .existence import Witness, existence_llr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .answer import TrackKey

STRONGEST_LLR = 7.0
"""All looks at a subject together count for no more than this, the most that one track can say
(about 1,100 : 1). An umbrella that looks like a rifle does so in every camera: its tracks are not
independent proof, so they may reach the strongest evidence together but not exceed it."""

WEAKEST_LLR = -2.0
"""All tracks without a sign of a weapon together lower the evidence by no more than this: a weapon
under a coat is missed in every camera, and broken tracks would count the same miss many times."""

ANCHOR_M = 0.25

PLAINLY_S = 2.0
"""What was surely seen for so long is no false box: those live for a second."""

_DOUBTFUL, _PLAIN = 0.4, 0.8
"""Confidence at which a detector hardly believes its box, and from which on it is sure."""

_LEAST_SURE = 0.22
_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.1, 0.3
_LOOK_GAIN = 0.05
_SAME_SIGHTING_S = 0.5
_CORRELATION_S = 0.3
_MOST_INFLATION = 2.0
_TRAIL_STEP_S = 0.5
_TRAIL_LENGTH = 60


@dataclass(slots=True)
class TrackShare:
    """What one track of one camera contributes to a subject.

    Attributes:
        first_s: capture time of the track's first frame with this subject.
        frames: how many frames it was.
        last_s: of the last one.
        llr: the evidence that the track gathered with this subject; what it gathered with another
            subject stays there.
        sure_s: for how long it showed the subject, seconds; what the detector doubts counts less.
        looks: frames in which the evidence rose.
        first_look_s: capture time of the first of them.
        last_look_s: and of the last.
    """

    first_s: float
    last_s: float
    frames: int = 0
    llr: float = 0.0
    sure_s: float = 0.0
    looks: int = 0
    first_look_s: float = np.inf
    last_look_s: float = -np.inf

    def join(self, other: TrackShare) -> None:
        """Add what the same track contributed to a subject that is merged into this one."""
        self.first_s = min(self.first_s, other.first_s)
        self.last_s = max(self.last_s, other.last_s)
        self.frames += other.frames
        self.llr += other.llr
        self.sure_s += other.sure_s
        self.looks += other.looks
        self.first_look_s = min(self.first_look_s, other.first_look_s)
        self.last_look_s = max(self.last_look_s, other.last_look_s)

    def look(self, at_s: float, gained_llr: float, confidence: float) -> None:
        """Take in the change of the track's evidence at a frame, and how sure its box was."""
        since_s = min(at_s - self.last_s, _LONGEST_LOOK_S) if self.frames else _FIRST_LOOK_S
        sure = np.clip((confidence - _DOUBTFUL) / (_PLAIN - _DOUBTFUL), _LEAST_SURE, 1.0)
        self.sure_s += float(sure) ** 2 * max(since_s, 0.0)
        if gained_llr > _LOOK_GAIN:
            self.looks += 1
            self.first_look_s = min(self.first_look_s, at_s)
            self.last_look_s = max(self.last_look_s, at_s)
        self.frames += 1
        self.llr += gained_llr
        self.last_s = max(self.last_s, at_s)


@dataclass(frozen=True, slots=True, eq=False)
class SubjectState:
    """A confirmed subject as others see it.

    Attributes:
        id: stable for the incident, e.g. "S3".
        level: level id.
        xy_m: `(2,)` float64, place in site metres: at `at_s`.
        velocity_mps: `(2,)` float64, site metres per second.
        cov_m2: `(2, 2)` float64, covariance of `xy_m`, square metres.
        at_s: the moment `xy_m` speaks of, Unix seconds: now while in view, else `seen_at_s`.
        born_s: capture time of the first sighting.
        seen_at_s: capture time of the last sighting.
        seen_xy_m: `(2,)` float64, place at the last sighting.
        anchor_xy_m: `(2,)` float64, `seen_xy_m` to within `ANCHOR_M`, but not changing with every
            frame: for what is costly to compute and changes little over such a distance.
        in_view: whether a camera sees the subject now.
        cameras: cameras of the last sighting, sorted.
        armed_llr: natural-log likelihood ratio of armed against unarmed, all cameras.
        armed_looks: frames in which that evidence rose.
        armed_looks_span_s: seconds between the first and the last of them.
        armed_tracks: tracks with evidence of a weapon, the strongest first.
        trail_m: recent places, oldest first, site metres.
        trail_s: capture time of each of them.
        born_level: level id of the first sighting.
        born_xy_m: `(2,)` its place, site metres.
    """

    id: str
    level: str
    xy_m: NDArray[np.float64]
    velocity_mps: NDArray[np.float64]
    cov_m2: NDArray[np.float64]
    at_s: float
    born_s: float
    seen_at_s: float
    seen_xy_m: NDArray[np.float64]
    anchor_xy_m: NDArray[np.float64]
    in_view: bool
    cameras: tuple[str, ...]
    armed_llr: float
    armed_looks: int
    armed_looks_span_s: float
    armed_tracks: tuple[TrackKey, ...]
    trail_m: tuple[tuple[float, float], ...]
    trail_s: tuple[float, ...]
    born_level: str
    born_xy_m: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class Subject:
    """The running state of one subject; only `Fusion` changes it.

    Attributes:
        serial: order of birth.
        number: the published number, given when the subject is confirmed.
        level: level id.
        mean: `(4,)` state of the filter, see `kalman`.
        cov: `(4, 4)` its covariance.
        time_s: the moment the state speaks of: capture time of the newest sighting.
        born_s: capture time of the first sighting.
        born_xy_m: `(2,)` its place.
        born_level: its level id.
        born_in: the camera of the first sighting.
        shares: evidence by track.
        weighed_llr: `armed_llr` as last worked out, None after a change of `shares`.
        clothes: `(D,)` newest embedding of each track that shows them, the newest tracks' last.
        apart: in how many frames one camera showed this and another subject, by serial, as two.
        witnesses: looks of the cameras that should see it, for whether it is a body at all.
        cameras_s: capture time of the last sighting by camera.
        trail: (time, x, y) of recent places.
        anchor_xy_m: `(2,)` a recent place, held until the body has moved `ANCHOR_M` from it.
    """

    serial: int
    level: str
    mean: NDArray[np.float64]
    cov: NDArray[np.float64]
    time_s: float
    born_s: float
    born_xy_m: NDArray[np.float64]
    anchor_xy_m: NDArray[np.float64]
    number: int | None = None
    born_level: str = ""
    born_in: str = ""
    shares: dict[TrackKey, TrackShare] = field(default_factory=dict)
    weighed_llr: float | None = None
    witnesses: dict[str, Witness] = field(default_factory=dict)
    apart: dict[int, int] = field(default_factory=dict)
    clothes: dict[TrackKey, NDArray[np.float32]] = field(default_factory=dict)
    cameras_s: dict[str, float] = field(default_factory=dict)
    trail: deque[tuple[float, float, float]] = field(
        default_factory=lambda: deque(maxlen=_TRAIL_LENGTH)
    )

    @classmethod
    def born(
        cls,
        serial: int,
        level: str,
        at_s: float,
        xy_m: NDArray[np.float64],
        cov_m2: NDArray[np.float64],
    ) -> Subject:
        """A body first seen at `xy_m`."""
        mean, cov = kalman.birth(xy_m, cov_m2)
        first, anchor = mean[:2].copy(), mean[:2].copy()
        return cls(serial, level, mean, cov, at_s, at_s, first, anchor, born_level=level)

    @property
    def seen_at_s(self) -> float:
        """Capture time of the newest sighting."""
        return self.time_s

    @property
    def armed_llr(self) -> float:
        """Evidence of all tracks: for a weapon up to a limit, against it up to another.

        A camera is one witness, however often its track of a body breaks: what looks like a weapon
        in one of its tracks looks so in the next. The strongest of them counts.
        """
        if self.weighed_llr is None:
            strongest: dict[str, float] = {}
            for (camera, _), share in self.shares.items():
                strongest[camera] = max(share.llr, strongest.get(camera, 0.0))
            lost = sum(min(share.llr, 0.0) for share in self.shares.values())
            self.weighed_llr = min(sum(strongest.values()), STRONGEST_LLR) + max(lost, WEAKEST_LLR)
        return self.weighed_llr

    @property
    def existence_llr(self) -> float:
        """Log-odds that this is a body and no false box."""
        return existence_llr(self.witnesses, self.born_in)

    @property
    def reality(self) -> float:
        """Probability that this is a body, less sure of what was seen only briefly."""
        sure_s = sum(share.sure_s for share in self.shares.values())
        return float(expit(self.existence_llr)) * float(np.clip(sure_s / PLAINLY_S, 0.05, 1.0))

    def witness(self, camera: str, at_s: float, *, hit: bool, detection: float) -> None:
        """Take in whether a camera that may see the subject did."""
        found = self.witnesses.setdefault(camera, Witness(detection))
        found.look(at_s, hit=hit, detection=detection)

    def sight(
        self,
        camera: str,
        at_s: float,
        xy_m: NDArray[np.float64],
        cov_m2: NDArray[np.float64],
        lag_cov_m2: NDArray[np.float64],
    ) -> None:
        """Take one observation into the state.

        The errors of one camera's frames a tenth of a second apart are nearly the same error (gait,
        calibration, a cut box), so a frame brings new information only in proportion to the time
        since the last one: its covariance is inflated by up to `_MOST_INFLATION`.

        Args:
            camera: the camera.
            at_s: capture time.
            xy_m: `(2,)` the place seen, brought forward to the state's time if that is newer.
            cov_m2: `(2, 2)` covariance of the place seen.
            lag_cov_m2: `(2, 2)` covariance of the way forward.
        """
        since_s = abs(at_s - self.cameras_s.get(camera, -np.inf))
        inflation = float(np.clip(_CORRELATION_S / max(since_s, 1e-3), 1.0, _MOST_INFLATION))
        noise_m2 = cov_m2 * inflation + lag_cov_m2
        self.mean, self.cov = kalman.update(self.mean, self.cov, xy_m, noise_m2)
        self.note(camera, at_s)

    def restart(
        self, camera: str, at_s: float, xy_m: NDArray[np.float64], cov_m2: NDArray[np.float64]
    ) -> None:
        """Begin the filter anew at `xy_m`: the body was unseen for too long to predict."""
        self.mean, self.cov = kalman.birth(xy_m, cov_m2)
        self.time_s = at_s
        self.note(camera, at_s)

    def look(self, key: TrackKey, at_s: float, gained_llr: float, confidence: float) -> None:
        """Take in the change of one track's evidence at a frame, and how sure its box was."""
        self.shares.setdefault(key, TrackShare(at_s, at_s)).look(at_s, gained_llr, confidence)
        self.weighed_llr = None

    @property
    def gallery(self) -> NDArray[np.float32]:
        """`(K, D)` what is known of the clothes; K and D may be 0."""
        if not self.clothes:
            return np.zeros((0, 0), np.float32)
        return np.stack(list(self.clothes.values()))

    def wear(self, key: TrackKey, embedding: NDArray[np.float32]) -> None:
        """Remember what a track shows of the clothes, `(D,)`; all zeros show nothing."""
        if len(embedding) and embedding.any():
            self.clothes.pop(key, None)
            self.clothes[key] = embedding
            while len(self.clothes) > GALLERY_LENGTH:
                del self.clothes[next(iter(self.clothes))]

    def take_over(self, key: TrackKey, former: Subject) -> None:
        """Take over the share of a track whose body was taken for another subject."""
        self.shares[key] = former.shares.pop(key)
        self.weighed_llr = former.weighed_llr = None

    def note(self, camera: str, at_s: float) -> None:
        """Remember a sighting, after the state has taken it in."""
        self.cameras_s[camera] = max(at_s, self.cameras_s.get(camera, -np.inf))
        if np.hypot(*(self.mean[:2] - self.anchor_xy_m)) >= ANCHOR_M:
            self.anchor_xy_m = self.mean[:2].copy()
        if not self.trail or self.time_s - self.trail[-1][0] >= _TRAIL_STEP_S:
            self.trail.append((self.time_s, float(self.mean[0]), float(self.mean[1])))

    def continue_as(self, newer: Subject) -> None:
        """Take over a newer subject that turned out to be the same body."""
        if newer.time_s >= self.time_s:
            self.mean, self.cov, self.time_s = newer.mean, newer.cov, newer.time_s
            self.level, self.anchor_xy_m = newer.level, newer.anchor_xy_m
        self.weighed_llr = None
        for key, share in newer.shares.items():
            mine = self.shares.setdefault(key, share)
            if mine is not share:
                mine.join(share)
        for camera, at_s in newer.cameras_s.items():
            self.cameras_s[camera] = max(at_s, self.cameras_s.get(camera, -np.inf))
        for key, embedding in newer.clothes.items():
            self.wear(key, embedding)
        merged = sorted([*self.trail, *newer.trail])
        self.trail = deque(merged, maxlen=_TRAIL_LENGTH)

    def state(
        self, *, in_view: bool, at_s: float, mean: NDArray[np.float64], cov: NDArray[np.float64]
    ) -> SubjectState:
        """The subject as others see it.

        Args:
            in_view: whether a camera sees it.
            at_s: the moment to speak of.
            mean: `(4,)` the filter's state at that moment.
            cov: `(4, 4)` its covariance.
        """
        looked = [share for share in self.shares.values() if share.looks]
        return SubjectState(
            id=f"S{self.number}",
            level=self.level,
            xy_m=mean[:2],
            velocity_mps=mean[2:],
            cov_m2=cov[:2, :2],
            at_s=at_s,
            born_s=self.born_s,
            seen_at_s=self.seen_at_s,
            seen_xy_m=self.mean[:2],
            anchor_xy_m=self.anchor_xy_m,
            in_view=in_view,
            cameras=tuple(
                sorted(
                    camera
                    for camera, last_s in self.cameras_s.items()
                    if self.seen_at_s - last_s <= _SAME_SIGHTING_S
                )
            ),
            armed_llr=self.armed_llr,
            armed_looks=sum(share.looks for share in looked),
            armed_looks_span_s=(
                max(share.last_look_s for share in looked)
                - min(share.first_look_s for share in looked)
                if looked
                else 0.0
            ),
            armed_tracks=tuple(
                sorted(
                    (key for key, share in self.shares.items() if share.llr > 0),
                    key=lambda key: (-self.shares[key].llr, key),
                )
            ),
            trail_m=tuple((x, y) for _, x, y in self.trail),
            trail_s=tuple(at_s for at_s, _, _ in self.trail),
            born_level=self.born_level,
            born_xy_m=self.born_xy_m,
        )
