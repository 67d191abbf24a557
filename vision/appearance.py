"""What the clothes of each tracked person look like: 64 numbers, none of them of a head.

The uppermost quarter of a person's box is cut away before anything is computed; what is left is cut
into torso and legs, and of each the shares of lightness and of two colour axes (CIE L*a*b*) are
counted. Such numbers tell a red jumper from a grey one. They cannot tell who somebody is, and two
people who dress alike have the same ones; `calibration.appearance` says how much they are worth.

The light differs from camera to camera, so each picture is first brought to the same mean colour,
in part: grey-world correction (Buchsbaum, J. Franklin Inst. 310, 1980) to the power
`LIGHT_CORRECTION`, because a green floor is not green light. That mean is the only thing that is
taken of a whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EMBEDDING_LENGTH = 64
"""Numbers an embedding has: for torso and legs 10 of lightness and 11 of each colour axis."""

HEAD_SHARE = 0.25
"""The upper share of a person's box that is thrown away unseen: head and neck are a sixth of an
adult's stature and a fifth of a child's, and seen from above they fill up to a quarter of the
box."""

LEAST_HEIGHT_PX = 40.0
"""A person smaller than this is not looked at: 30 rows of clothes, blurred into each other."""

LEAST_ASPECT = 1.5
"""A box that is less high than this share of its width does not hold somebody who stands in full
view: where is the torso, and where the head?"""

MOST_HIDDEN = 0.25
"""A person of whom nearer boxes cover more is not looked at: half the clothes would be theirs."""

LOOK_EVERY_S = 0.5
"""Clothes do not change; a look every half second costs little and finds the whole views."""

LOOKS_A_FRAME = 6
"""Most looks in one frame, the most overdue first, so that a crowd does not slow the camera."""

REMEMBERED_LOOKS = 8.0
"""A track's embedding is the mean of about so many whole-weight looks, older ones fade."""

LIGHT_CORRECTION = 0.7
"""Power of the grey-world gains. Measured on two rendered sets, 0.5 to 0.7 is best on both."""

LEAST_COLOUR = 3.0
"""A picture whose channels differ by less than this on average, of 255, shows no colours: a camera
that sees by infrared at night. Then nobody is looked at; grey clothes in daylight are another
thing."""

LEAST_LIGHT = 20.0
"""Mean level, of 255, below which a picture is too dark for its colours to be those of cloth."""

_STEPS = 1024.0
"""A track's embedding is rounded to such parts of 1, so that what is kept of it packs to half."""

_FULL_HEIGHT_PX = 120.0
_FORGET_S = 30.0
_BORDER_PX = 2.0

_BODY_PX = (24, 45)
"""(width, height) that the body below the head is shrunk to."""

_SIDES = 0.12
_FEET_SHARE = 0.97
_TORSO_ROWS, _LEG_ROWS = slice(0, 17), slice(19, 45)
_LIGHT_BINS, _COLOUR_BINS = 10, 11
_LIGHTNESS = (5.0, 90.0)
_STRONGEST_COLOUR = 30.0
_GREY_LEVEL = 110.0


def hidden_share(xyxy_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The share of each box that the boxes of nearer persons cover, `(N,)`, at most 1.

    Nearer is whose bottom edge is lower in the picture. Where several cover the same part it is
    counted for each of them: too careful rather than too bold.

    Args:
        xyxy_px: `(N, 4)` boxes of all persons of one frame.
    """
    boxes = np.asarray(xyxy_px, np.float64)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=2)
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    area = np.clip(boxes[:, 2:] - boxes[:, :2], 1e-6, None).prod(axis=1)
    covered: NDArray[np.float64] = np.minimum((common * nearer).sum(axis=1) / area, 1.0)
    return covered


def look_weight(
    xyxy_px: NDArray[np.floating[Any]],
    hidden: NDArray[np.float64],
    size_px: tuple[int, int],
) -> NDArray[np.float64]:
    """What a look at each person is worth, `(N,)`, 0 (not whole enough to be looked at) to 1.

    Args:
        xyxy_px: `(N, 4)` boxes.
        hidden: `(N,)` share of each that others cover, from `hidden_share`.
        size_px: (width, height) of the picture.
    """
    left, top, right, bottom = np.asarray(xyxy_px, np.float64).T
    width, height = np.maximum(right - left, 1e-6), bottom - top
    inside = (left > _BORDER_PX) & (top > _BORDER_PX)
    inside &= (right < size_px[0] - _BORDER_PX) & (bottom < size_px[1] - _BORDER_PX)
    whole = inside & (height >= LEAST_HEIGHT_PX) & (height / width >= LEAST_ASPECT)
    whole &= hidden <= MOST_HIDDEN
    worth = np.minimum(height / _FULL_HEIGHT_PX, 1.0) * (1.0 - hidden)
    return np.where(whole, worth, 0.0)


def body_below_head(
    image: NDArray[np.uint8], box_px: NDArray[np.floating[Any]]
) -> NDArray[np.uint8]:
    """The pixels of a person that an embedding is made of, `(45, 24, 3)`: no row of the head.

    Args:
        image: `(H, W, 3)` uint8 BGR.
        box_px: left, top, right, bottom; at least a pixel of its lower part is in the picture.
    """
    left, top, right, bottom = (float(edge) for edge in box_px)
    width, height = right - left, bottom - top
    first = max(0, int(np.ceil(top + HEAD_SHARE * height)))
    last = max(first + 1, round(top + _FEET_SHARE * height))
    begin = max(0, round(left + _SIDES * width))
    end = max(begin + 1, round(right - _SIDES * width))
    cut = image[first:last, begin:end]
    return np.asarray(cv2.resize(cut, _BODY_PX, interpolation=cv2.INTER_AREA), np.uint8)


def light_gains(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Factors `(3,)` for blue, green and red that bring a picture near to mean grey."""
    mean = np.maximum(image[::16, ::16].reshape(-1, 3).mean(axis=0), 8.0)
    return np.asarray((_GREY_LEVEL / mean) ** LIGHT_CORRECTION, np.float32)


def shows_colours(image: NDArray[np.uint8]) -> bool:
    """Whether a picture is light enough, and in colour, so that clothes can be told by them.

    Args:
        image: `(H, W, 3)` uint8 BGR.
    """
    sample = image[::16, ::16].reshape(-1, 3).astype(np.int16)
    spread = (sample.max(axis=1) - sample.min(axis=1)).mean()
    return bool(spread >= LEAST_COLOUR and sample.mean() >= LEAST_LIGHT)


def embed(bodies: NDArray[np.uint8], gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embeddings `(N, 64)` of bodies, each of length 1.

    Square roots of the shares, so that a scalar product compares two distributions as
    Bhattacharyya's coefficient does. A value between two bins counts for both in part.

    Args:
        bodies: `(N, 45, 24, 3)` uint8 BGR, from `body_below_head`.
        gains: `(3,)` of the picture they are from, or `(N, 3)`.
    """
    count = len(bodies)
    if not count:
        return np.zeros((0, EMBEDDING_LENGTH), np.float32)
    width, height = _BODY_PX
    factor = np.broadcast_to(gains, (count, 3))[:, None, None, :] / np.float32(255.0)
    lit = np.minimum(bodies.astype(np.float32) * factor, np.float32(1.0))
    lab = cv2.cvtColor(lit.reshape(count * height, width, 3), cv2.COLOR_BGR2Lab)
    lab = lab.reshape(count, height, width, 3)
    parts = []
    for rows in (_TORSO_ROWS, _LEG_ROWS):
        weight = np.broadcast_to(_ACROSS, (rows.stop - rows.start, width))
        weight = (weight / weight.sum()).ravel()
        part = lab[:, rows].reshape(count, -1, 3)
        low, high = _LIGHTNESS
        lightness = (part[..., 0] - low) / (high - low)
        colour = part[..., 1:] / _STRONGEST_COLOUR
        # Finer where colours are faint: most clothes are.
        colour = 0.5 + 0.5 * np.sign(colour) * np.sqrt(np.abs(colour))
        parts.append(_shares(lightness, weight, _LIGHT_BINS))
        parts.extend(_shares(colour[..., axis], weight, _COLOUR_BINS) for axis in (0, 1))
    # Each of the six histograms sums to 1, so that the roots together have the length sqrt(6).
    embedding: NDArray[np.float64] = np.sqrt(np.concatenate(parts, axis=1) / len(parts))
    return embedding.astype(np.float32)


_ACROSS = np.exp(-0.5 * ((np.arange(_BODY_PX[0]) - (_BODY_PX[0] - 1) / 2) / 6.0) ** 2)
"""Weight of the columns of a body: what is beside the middle is background more often."""


def _shares(
    values: NDArray[np.floating[Any]], weight: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """Weighted histograms `(N, bins)` of `(N, P)` values in 0..1, shared between neighbours."""
    count = len(values)
    place = np.clip(values, 0.0, 1.0) * (bins - 1)
    lower = np.minimum(place.astype(np.intp), bins - 2)
    upper_share = (place - lower) * weight
    cells = lower + (np.arange(count) * bins)[:, None]
    cells = np.concatenate([cells.ravel(), cells.ravel() + 1])
    amounts = np.concatenate([(weight - upper_share).ravel(), upper_share.ravel()])
    summed = np.bincount(cells, weights=amounts, minlength=count * bins)
    return np.maximum(summed, 0.0).reshape(count, bins)


@dataclass(slots=True)
class _Seen:
    """The mean of the looks at one track.

    Attributes:
        mean: `(64,)` float64, weighted mean of the embeddings.
        told: `(64,)` float32, that mean as it is handed on.
        weight: weight of that mean, at most `REMEMBERED_LOOKS`.
        looked_at_s: capture time of the last look.
        seen_at_s: capture time of the track's last frame.
    """

    mean: NDArray[np.float64]
    told: NDArray[np.float32]
    weight: float
    looked_at_s: float
    seen_at_s: float

    @classmethod
    def nothing(cls, at_s: float) -> _Seen:
        """Of a track that is looked at for the first time."""
        told = np.zeros(EMBEDDING_LENGTH, np.float32)
        return cls(np.zeros(EMBEDDING_LENGTH), told, 0.0, at_s, at_s)

    def take(self, embedding: NDArray[np.float32], worth: float) -> None:
        """Take one look into the mean."""
        total = self.weight + worth
        self.mean += (worth / total) * (embedding - self.mean)
        unit = self.mean / np.linalg.norm(self.mean)
        self.told = (np.round(unit * _STEPS) / _STEPS).astype(np.float32)
        self.weight = min(total, REMEMBERED_LOOKS)


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Tracks of one frame that are to be looked at.

    Attributes:
        tracks: their `N` identities.
        worth: what each look is worth, 0..1.
        bodies: `(N, 45, 24, 3)` uint8 BGR, from `body_below_head`.
        gains: `(3,)` of their picture, from `light_gains`.
        at_s: capture time.
    """

    tracks: tuple[int, ...]
    worth: tuple[float, ...]
    bodies: NDArray[np.uint8]
    gains: NDArray[np.float32]
    at_s: float


def embed_all(looks: Sequence[Looks | None]) -> list[NDArray[np.float32]]:
    """The embeddings `(N, 64)` of each frame's looks, all worked out at once; none for None."""
    there = [one for one in looks if one is not None]
    if not there:
        return [np.zeros((0, EMBEDDING_LENGTH), np.float32) for _ in looks]
    counts = [0 if one is None else len(one.tracks) for one in looks]
    gains = np.repeat([one.gains for one in there], [len(one.tracks) for one in there], axis=0)
    found = embed(np.concatenate([one.bodies for one in there]), gains)
    return np.split(found, np.cumsum(counts)[:-1])


class RunningAppearance:
    """The appearance of all tracks of one camera, from the whole views of each.

    For each frame in order of time: `due`, `embed_all` of what is due, and `take`.
    """

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._forgot_at_s = -np.inf

    def due(
        self,
        image: NDArray[np.uint8],
        track_id: NDArray[np.int64],
        tracks_xyxy_px: NDArray[np.float32],
        persons_xyxy_px: NDArray[np.float32],
        captured_at_s: float,
    ) -> Looks | None:
        """Whom of a frame's tracks to look at; None if nobody.

        Args:
            image: `(H, W, 3)` uint8 BGR.
            track_id: `(N,)` identities.
            tracks_xyxy_px: `(N, 4)` their boxes.
            persons_xyxy_px: `(M, 4)` all person boxes of the frame, those of the tracks among them.
            captured_at_s: capture time, Unix seconds, later than at the last call.
        """
        tracks, at_s = track_id.tolist(), captured_at_s
        since_s = np.array([at_s - self._looked_at_s(track) for track in tracks])
        due = np.flatnonzero(since_s >= LOOK_EVERY_S)
        if not len(due):
            return None
        size_px = (image.shape[1], image.shape[0])
        # A track's own box is among the persons' but never below itself: it hides nothing.
        everybody_px = np.concatenate([tracks_xyxy_px[due], persons_xyxy_px])
        hidden = hidden_share(everybody_px)[: len(due)]
        worth = look_weight(tracks_xyxy_px[due], hidden, size_px)
        order = np.argsort(-since_s[due], kind="stable")
        chosen = order[worth[order] > 0][:LOOKS_A_FRAME]
        if not len(chosen) or not shows_colours(image):
            return None
        looked_at = [tracks[row] for row in due[chosen]]
        for track in looked_at:
            # So that the same batch's next frame of the camera does not look again.
            self._seen.setdefault(track, _Seen.nothing(at_s)).looked_at_s = at_s
        bodies = np.stack([body_below_head(image, tracks_xyxy_px[row]) for row in due[chosen]])
        return Looks(
            tuple(looked_at), tuple(worth[chosen].tolist()), bodies, light_gains(image), at_s
        )

    def take(
        self,
        looks: Looks | None,
        embeddings: NDArray[np.float32],
        track_id: NDArray[np.int64],
        captured_at_s: float,
    ) -> NDArray[np.float32]:
        """The embeddings `(N, 64)` of a frame's tracks as known now, zeros where nothing is.

        Their length is 1 to within 0.005.

        Args:
            looks: what was `due` in the frame.
            embeddings: of these looks, from `embed_all`.
            track_id: `(N,)` identities.
            captured_at_s: capture time of the frame, Unix seconds.
        """
        if looks is not None:
            for track, worth, embedding in zip(looks.tracks, looks.worth, embeddings, strict=True):
                self._seen[track].take(embedding, worth)
        known = np.zeros((len(track_id), EMBEDDING_LENGTH), np.float32)
        for row, track in enumerate(track_id.tolist()):
            seen = self._seen.get(track)
            if seen is not None:
                seen.seen_at_s = captured_at_s
                known[row] = seen.told
        self._forget(captured_at_s)
        return known

    def look(
        self,
        image: NDArray[np.uint8],
        track_id: NDArray[np.int64],
        tracks_xyxy_px: NDArray[np.float32],
        persons_xyxy_px: NDArray[np.float32],
        captured_at_s: float,
    ) -> NDArray[np.float32]:
        """All steps for one frame by itself; arguments as of `due`, result as of `take`."""
        looks = self.due(image, track_id, tracks_xyxy_px, persons_xyxy_px, captured_at_s)
        [embeddings] = embed_all([looks])
        return self.take(looks, embeddings, track_id, captured_at_s)

    def _looked_at_s(self, track: int) -> float:
        seen = self._seen.get(track)
        return seen.looked_at_s if seen is not None else -np.inf

    def _forget(self, at_s: float) -> None:
        if at_s - self._forgot_at_s < 1.0:
            return
        self._forgot_at_s = at_s
        gone = [track for track, seen in self._seen.items() if at_s - seen.seen_at_s > _FORGET_S]
        for track in gone:
            del self._seen[track]
