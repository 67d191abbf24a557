"""The lines that `lastseen detect` writes: sources on the command line in, frames out."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import supervision as sv
from scipy.special import expit, logit

from calibration.last_seen import ARMED_PRIOR
from vision.decode import decode_file
from vision.errors import UnreadableVideoError
from vision.frames import Frame
from vision.looked_at import look_at
from vision.track import NOT_TRACKED
from vision.video_file import probe_file
from vision.weapons import SAME_WEAPON_IOU

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from vision.detections import Detections
    from vision.pipeline import Pipeline, TrackedFrame

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".avi", ".mkv", ".mov", ".m4v", ".ts", ".webm", ".mpg", ".mpeg"})

USUAL_FPS = 25.0
"""Assumed for a video whose header names no rate."""


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person: box in pixels, the detector's confidence, identity and chance of being armed.

    `track` is None before a track has begun and in single pictures; `armed` (0..1, from all looks
    at the track so far) is None with it.
    """

    xyxy: list[float]
    confidence: float
    track: int | None
    armed: float | None


@dataclass(frozen=True, slots=True)
class WeaponLine:
    """One weapon: box in pixels, confidence, kind."""

    xyxy: list[float]
    confidence: float
    label: str


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One frame; `frame` counts from 0 in its file, `t` is seconds from the file's first frame."""

    source: str
    frame: int
    t: float
    width: int
    height: int
    persons: list[PersonLine]
    weapons: list[WeaponLine]

    def as_json(self) -> dict[str, Any]:
        """Return the keys that the documentation promises."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to look at."""

    path: Path

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.path)

    @property
    def is_picture(self) -> bool:
        """Whether it is a single picture rather than a video."""
        return self.path.suffix.lower() in PICTURES

    def frames(self, every: int) -> int | None:
        """Return how many frames will be looked at, where the header tells.

        Raises:
            MediaError: if the file is missing or is no video.
        """
        if self.is_picture:
            return 1
        told = probe_file(self.path).frames
        return None if told is None else -(-told // every)


def find_sources(paths: Sequence[Path]) -> tuple[list[Source], list[str]]:
    """Return the files that the paths name, folders opened, and what is wrong with the others."""
    sources: list[Source] = []
    problems: list[str] = []
    for path in paths:
        if not path.is_dir():
            sources.append(Source(path))
            continue
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES | VIDEOS)
        sources += [Source(p) for p in inside]
        if not inside:
            problems.append(f"{path}: no pictures or videos in this folder")
    return sources, problems


def lines_of(
    source: Source,
    models: Pipeline,
    shown: Mapping[str, float],
    every: int = 1,
) -> Iterator[FrameLine]:
    """Yield a line for every `every`-th frame of a video, or one for a picture.

    Args:
        source: the file.
        models: a pipeline whose models look at the file; it keeps no track of it.
        shown: label → confidence from which a weapon of the whole frame is written; those of the
            second look have their own.
        every: take every n-th frame.

    Raises:
        MediaError: if the file cannot be used; after the last good frame if it is damaged.
    """
    if source.is_picture:
        yield _line(source, models.glance(_picture(source.path)), models, shown)
        return
    fps = (probe_file(source.path).fps or USUAL_FPS) / every
    with closing(decode_file(source.path, "file", threads=0)) as frames:
        taken = (frame for frame in frames if frame.index % every == 0)
        for seen in look_at(taken, models.fresh(fps)):
            yield _line(source, seen, models, shown)


def _picture(path: Path) -> Frame:
    if not path.is_file():
        raise UnreadableVideoError(f"{path}: no such picture")
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableVideoError(f"{path}: not a readable picture")
    return Frame("file", 0, 0.0, "drill", time.time(), np.asarray(image, np.uint8))


def _line(
    source: Source, seen: TrackedFrame, models: Pipeline, shown: Mapping[str, float]
) -> FrameLine:
    width, height = seen.frame.size_px
    points = (shown, models.second_look.shown if models.second_look else {})
    weapons = [
        weapon
        for found, least in zip(seen.weapons, points, strict=False)
        for weapon in _weapons(found, least)
    ]
    armed = np.full(len(seen.persons), np.nan)
    armed[seen.track_id != NOT_TRACKED] = expit(seen.tracks.armed_llr + logit(ARMED_PRIOR))
    return FrameLine(
        source=source.name,
        frame=seen.frame.index,
        t=round(seen.frame.captured_at_s, 4),
        width=width,
        height=height,
        persons=[
            PersonLine(
                xyxy,
                confidence,
                track if track != NOT_TRACKED else None,
                None if np.isnan(probability) else round(probability, 4),
            )
            for xyxy, confidence, track, probability in zip(
                _rounded(seen.persons.xyxy_px, 1),
                _rounded(seen.persons.confidence, 4),
                seen.track_id.tolist(),
                armed.tolist(),
                strict=True,
            )
        ],
        weapons=_once(weapons),
    )


def _weapons(found: Detections, shown: Mapping[str, float]) -> Iterator[WeaponLine]:
    least = np.array([shown.get(name, np.inf) for name in found.class_names])
    sure = found.where(found.confidence >= least[found.class_id])
    for xyxy, confidence, number in zip(
        _rounded(sure.xyxy_px, 1),
        _rounded(sure.confidence, 4),
        sure.class_id.tolist(),
        strict=True,
    ):
        yield WeaponLine(xyxy, confidence, sure.class_names[number])


def _once(weapons: list[WeaponLine]) -> list[WeaponLine]:
    """The weapons without those that both the whole frame and the second look showed."""
    if not weapons:
        return []
    rows = np.array([[*weapon.xyxy, weapon.confidence] for weapon in weapons])
    keep = sv.box_non_max_suppression(rows, SAME_WEAPON_IOU)
    return [weapon for weapon, kept in zip(weapons, keep.tolist(), strict=True) if kept]


def _rounded(column: np.ndarray[Any, np.dtype[np.float32]], digits: int) -> Iterable[Any]:
    """Python numbers that print as short as they are exact: float64 after rounding."""
    values: list[Any] = np.round(column.astype(np.float64), digits).tolist()
    return values
