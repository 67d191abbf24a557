"""From an answer in site metres to the messages of the location API. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from . import schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from calibration.answer import (
        XY,
        Answer,
        EntranceOption,
        RankedSubject,
        SearchArea,
        StageTimes,
        TrackKey,
    )
    from calibration.geodesy import SiteFrame
    from calibration.next_cameras import CameraNow
    from vision.evidence import EvidencePicture

    from .grid_reference import ReferenceGrid
    from .runs import CameraStatus

    FindPicture = Callable[[TrackKey], EvidencePicture | None]

_LEAST_LINE_POINTS = 2
_DEGREE_DIGITS = 8  # about a millimetre
_METRE_DIGITS = 3
_SHARE_DIGITS = 6

NOBODY_YET = "Nobody has been seen yet."


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every message of an incident carries.

    Attributes:
        sequence: number of the message.
        incident: incident id.
        exercise: whether it is an exercise.
        published_s: Unix seconds.
    """

    sequence: int
    incident: str
    exercise: bool
    published_s: float


@dataclass(frozen=True, slots=True)
class Places:
    """What turns ids and metres of one site into names and degrees.

    Attributes:
        frame: site metres to WGS84 and back.
        level_names: level id to name.
        camera_names: camera id to name.
        grid: the plan's reference grid; None where there is none.
    """

    frame: SiteFrame
    level_names: Mapping[str, str]
    camera_names: Mapping[str, str] = field(default_factory=dict)
    grid: ReferenceGrid | None = None


def utc(at_s: float) -> datetime:
    """Return Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(at_s, UTC)


def last_seen_message(
    answer: Answer | None,
    places: Places,
    envelope: Envelope,
    find_picture: FindPicture = lambda _: None,
    cameras_now: Sequence[CameraNow] = (),
) -> schemas.LastSeen:
    """Return the answer as a message; before the first answer, one that says so.

    Args:
        answer: the answer in site metres.
        places: of the same site.
        envelope: what every message carries.
        find_picture: the clearest picture of a track's weapon.
        cameras_now: the cameras to look at for the first subject.
    """
    if answer is None:
        return schemas.LastSeen(
            sequence=envelope.sequence,
            incident=envelope.incident,
            exercise=envelope.exercise,
            published_at=utc(envelope.published_s),
            at=None,
            times=None,
            text=NOBODY_YET,
            subjects=(),
            entrances=(),
        )
    first = next((one for one in answer.subjects if one.status == "ranked"), None)
    level = "" if first is None else first.level
    return schemas.LastSeen(
        sequence=envelope.sequence,
        incident=envelope.incident,
        exercise=envelope.exercise,
        published_at=utc(envelope.published_s),
        at=utc(answer.at_s),
        times=_times(answer.times, envelope.published_s),
        text=answer.text,
        subjects=tuple(
            _subject(subject, places, _evidence(subject, envelope.incident, find_picture))
            for subject in answer.subjects
        ),
        entrances=tuple(_entrance(option, level, places) for option in answer.entrances),
        cameras_now=tuple(camera_now_message(one, places.camera_names) for one in cameras_now),
        arrival=None if answer.arrival_m is None else _place(answer.arrival_m, places),
    )


def entrances_message(last_seen: schemas.LastSeen) -> schemas.Entrances:
    """Return the doors of an answer as a message of their own."""
    return schemas.Entrances(
        sequence=last_seen.sequence,
        incident=last_seen.incident,
        exercise=last_seen.exercise,
        published_at=last_seen.published_at,
        at=last_seen.at,
        times=last_seen.times,
        subject=next((one.id for one in last_seen.subjects if one.status == "ranked"), None),
        entrances=last_seen.entrances,
    )


def cameras_message(
    cameras: Sequence[CameraStatus], problems: Sequence[str], envelope: Envelope
) -> schemas.Cameras:
    """Return the states of an incident's cameras as a message."""
    return schemas.Cameras(
        sequence=envelope.sequence,
        incident=envelope.incident,
        exercise=envelope.exercise,
        published_at=utc(envelope.published_s),
        cameras=tuple(
            schemas.Camera(
                id=camera.id,
                name=camera.name,
                phase=camera.phase,
                reason=camera.reason,
                fps=camera.fps,
                frames_in=camera.frames_in,
                frames_used=camera.frames_used,
                frames_dropped=camera.frames_dropped,
                last_frame_age_s=camera.last_frame_age_s,
                starved=_starved(camera),
                stream=camera.stream,
            )
            for camera in cameras
        ),
        problems=tuple(problems),
    )


def _starved(camera: CameraStatus) -> schemas.Starved | None:
    short = camera.starved
    if short is None:
        return None
    return schemas.Starved(wanted_fps=short.wanted_fps, got_fps=short.got_fps)


def _times(times: StageTimes | None, published_s: float) -> schemas.StageTimes | None:
    if times is None:
        return None

    def stage(at_s: float | None) -> datetime | None:
        return None if at_s is None else utc(at_s)

    return schemas.StageTimes(
        captured=utc(times.captured_s),
        decoded=stage(times.decoded_s),
        detected=stage(times.detected_s),
        placed=stage(times.placed_s),
        published=utc(published_s if times.published_s is None else times.published_s),
    )


def _evidence(
    subject: RankedSubject, incident: str, find_picture: FindPicture
) -> schemas.Evidence | None:
    """The clearest of the pictures of a subject's tracks; the strongest track's of equal ones."""
    found = [p for p in map(find_picture, subject.armed_tracks) if p is not None]
    if not found:
        return None
    best = max(found, key=lambda picture: picture.confidence)
    # The time makes it another address when the picture is another one.
    where = f"/v1/incidents/{incident}/evidence/{quote(best.camera, safe='')}/{best.track_id}"
    return schemas.Evidence(
        camera=best.camera,
        captured_at=utc(best.captured_at_s),
        score=best.confidence,
        weapon_box=best.weapon_box,
        picture=f"{where}?at={best.captured_at_s:.3f}",
    )


def _subject(
    subject: RankedSubject, places: Places, evidence: schemas.Evidence | None
) -> schemas.Subject:
    space = None
    if subject.space is not None:
        space = schemas.Named(id=subject.space, name=subject.space_name or subject.space)
    return schemas.Subject(
        id=subject.subject,
        rank=subject.rank,
        probability=subject.probability,
        armed_probability=subject.armed_probability,
        position=_point(subject.xy_m, subject.level, places),
        grid=None if places.grid is None else places.grid.square(subject.xy_m),
        uncertainty=schemas.Uncertainty(ce95_m=subject.ce95_m, cov_m2=subject.cov_m2),
        space=space,
        level=schemas.Named(
            id=subject.level, name=places.level_names.get(subject.level, subject.level)
        ),
        seen_at=utc(subject.seen_at_s),
        age_s=subject.age_s,
        visibility=subject.visibility,
        cameras=subject.cameras,
        reasons=subject.reasons,
        plain_reasons=subject.plain_reasons,
        evidence=evidence,
        trail=_line(subject.trail_m, subject.level, places),
        status=subject.status,
        marks=tuple(
            schemas.HeldMark(number=mark.number, mark=mark.kind, at=utc(mark.at_s), role=mark.by)
            for mark in subject.marks
        ),
        unit=subject.unit,
        look_again=subject.look_again,
        search=None if subject.search is None else _search(subject.search, places),
    )


def camera_now_message(one: CameraNow, names: Mapping[str, str]) -> schemas.CameraNow:
    """Return a camera that matters now as a message, called by its name where that is known."""
    return schemas.CameraNow(
        id=one.camera,
        name=names.get(one.camera, one.camera),
        sight=one.sight,
        chance=one.chance,
        soonest_s=one.soonest_s,
        walk_s=one.walk_s,
        reason=one.reason,
    )


def _search(search: SearchArea, places: Places) -> schemas.SearchArea:
    return schemas.SearchArea(
        at=utc(search.at_s),
        spaces=tuple(
            schemas.SpaceShare(
                space=None
                if share.space is None
                else schemas.Named(id=share.space, name=share.name or share.space),
                level=share.level,
                probability=_share(share.probability),
                in_area95=share.in_area95,
            )
            for share in search.spaces
        ),
        levels=tuple(
            schemas.LevelShare(
                level=schemas.Named(
                    id=share.level, name=places.level_names.get(share.level, share.level)
                ),
                probability=_share(share.probability),
                area50_m2=share.area50_m2,
                area95_m2=share.area95_m2,
            )
            for share in search.levels
        ),
        left_building=_share(search.left_building),
        area50_m2=search.area50_m2,
        area95_m2=search.area95_m2,
    )


def _share(probability: float) -> float:
    """A probability that was summed, within what one can be, and no longer than it can mean."""
    return round(min(max(probability, 0.0), 1.0), _SHARE_DIGITS)


def _entrance(option: EntranceOption, level: str, places: Places) -> schemas.EntranceChoice:
    return schemas.EntranceChoice(
        door_number=option.door_number,
        name=option.name,
        usable=option.usable,
        walk_m=option.walk_m,
        straight_m=option.straight_m,
        route=_line(option.route_m, level, places),
        steps=option.steps,
        why_not=option.why_not,
        locked=option.locked,
        expected_m=option.expected_m,
        worst_m=option.worst_m,
        approach_m=option.approach_m,
        in_sight=option.in_sight,
        route_by_level=tuple(
            part
            for of_level, way_m in option.route_by_level_m
            if (part := _line(way_m, of_level, places)) is not None
        ),
    )


def _both(points_m: Sequence[XY], places: Places) -> tuple[tuple[XY, ...], tuple[XY, ...]]:
    """Return the points as (WGS84, site metres), rounded to what they can mean."""
    xy_m = np.asarray(points_m, dtype=np.float64).reshape(-1, 2)
    lonlat = places.frame.to_wgs84(xy_m).round(_DEGREE_DIGITS).tolist()
    metres = xy_m.round(_METRE_DIGITS).tolist()
    return tuple((lon, lat) for lon, lat in lonlat), tuple((x, y) for x, y in metres)


def _point(xy_m: XY, level: str, places: Places) -> schemas.PointFeature:
    wgs84, site_m = _both((xy_m,), places)
    return schemas.PointFeature(
        geometry=schemas.Point(coordinates=wgs84[0]),
        site_m=schemas.Point(coordinates=site_m[0]),
        properties=schemas.LevelProperties(level=level),
    )


def _place(xy_m: XY, places: Places) -> schemas.Outdoors:
    wgs84, site_m = _both((xy_m,), places)
    return schemas.Outdoors(
        geometry=schemas.Point(coordinates=wgs84[0]), site_m=schemas.Point(coordinates=site_m[0])
    )


def _line(points_m: Sequence[XY], level: str, places: Places) -> schemas.LineFeature | None:
    """Return the line as a feature; None below two points, which GeoJSON does not call a line."""
    if len(points_m) < _LEAST_LINE_POINTS:
        return None
    wgs84, site_m = _both(points_m, places)
    return schemas.LineFeature(
        geometry=schemas.LineString(coordinates=wgs84),
        site_m=schemas.LineString(coordinates=site_m),
        properties=schemas.LevelProperties(level=level),
    )
