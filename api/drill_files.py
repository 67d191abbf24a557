"""A drill folder: a site folder with recorded feeds, replayed as if live."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from shapely import Polygon

from calibration.site import load_site

from .errors import DrillError

if TYPE_CHECKING:
    from calibration.site import Site

DRILL_FILE = "drill.toml"
_Text = Annotated[str, Field(min_length=1)]


class _FeedTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    camera: _Text
    video: Path | None = None
    boxes: Path | None = None
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    offset_s: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.video is None) == (self.boxes is None):
            raise ValueError(f"feed of camera {self.camera!r}: give either 'video' or 'boxes'")
        if self.boxes is not None and self.fps is None:
            raise ValueError(f"feed of camera {self.camera!r}: 'boxes' need 'fps'")
        return self


class _EventTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    t: Annotated[float, Field(ge=0)]
    text: _Text


class _DrillTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: Annotated[Literal[1], Field(alias="schema")]
    name: _Text
    description: str = ""
    exercise: bool = True
    start: datetime
    duration_s: Annotated[float, Field(gt=0)]
    feeds: Annotated[list[_FeedTable], Field(min_length=1)]
    events: list[_EventTable] = []
    truth_area: Annotated[list[tuple[float, float]], Field(min_length=3)] | None = None

    @model_validator(mode="after")
    def _an_area(self) -> Self:
        if self.truth_area is not None and not Polygon(self.truth_area).is_valid:
            raise ValueError("truth_area: crosses or touches itself; draw its outline once around")
        return self


@dataclass(frozen=True, slots=True)
class DrillFeed:
    """The recording of one camera.

    Attributes:
        camera: camera id, one of the site's.
        path: the video or box file.
        has_pixels: True for a video, False for a box file.
        fps: frames a second; None takes the container's (videos only).
        offset_s: the first frame lies this many seconds after the drill's start.
    """

    camera: str
    path: Path
    has_pixels: bool
    fps: float | None
    offset_s: float


@dataclass(frozen=True, slots=True)
class DrillEvent:
    """Something that the script of the drill says, `t_s` seconds after its start."""

    t_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Drill:
    """A recorded exercise.

    Attributes:
        folder: where it lies.
        name: its name.
        description: what it shows.
        exercise: False only for recordings of real incidents.
        start_s: recorded start, Unix seconds.
        duration_s: length, seconds.
        feeds: recordings, one a camera.
        events: the script, in order of time.
        site: the site it plays in.
        truth_area: where `truth.csv` tells of everybody, site metres; None: everywhere.
    """

    folder: Path
    name: str
    description: str
    exercise: bool
    start_s: float
    duration_s: float
    feeds: tuple[DrillFeed, ...]
    events: tuple[DrillEvent, ...]
    site: Site
    truth_area: Polygon | None = None


def is_drill(folder: Path) -> bool:
    """Whether the folder holds a drill file."""
    return (folder / DRILL_FILE).is_file()


def load_drill(folder: Path) -> Drill:
    """Return the drill of a folder, checked against its site.

    Raises:
        DrillError: all that is wrong with `drill.toml`: syntax, unknown or missing fields, a
            feed whose camera the site does not have, a camera with two feeds, a missing file.
        calibration.errors.SiteError: all that is wrong with the site.
    """
    path = folder / DRILL_FILE
    table = _read(path)
    site = load_site(folder)
    problems = []
    seen: set[str] = set()
    for i, feed in enumerate(table.feeds):
        where = f"{path}: feeds[{i}]"
        if feed.camera not in site.cameras:
            known = ", ".join(sorted(site.cameras)) or "none"
            problems.append(f"{where}.camera: no camera {feed.camera!r} here; known: {known}")
        if feed.camera in seen:
            problems.append(f"{where}.camera: camera {feed.camera!r} has a feed already")
        seen.add(feed.camera)
        source = feed.video or feed.boxes
        if source is not None and not (folder / source).is_file():
            field = "video" if feed.video else "boxes"
            problems.append(f"{where}.{field}: there is no file {source} in the drill folder")
    if table.start.tzinfo is None:
        problems.append(f"{path}: start: say the time zone, e.g. {table.start.isoformat()}Z")
    if problems:
        raise DrillError("\n".join(problems))
    return Drill(
        folder=folder,
        name=table.name,
        description=table.description,
        exercise=table.exercise,
        start_s=table.start.timestamp(),
        duration_s=table.duration_s,
        feeds=tuple(_feed(folder, feed) for feed in table.feeds),
        events=tuple(
            DrillEvent(event.t, event.text) for event in sorted(table.events, key=lambda e: e.t)
        ),
        site=site,
        truth_area=None if table.truth_area is None else Polygon(table.truth_area),
    )


def _feed(folder: Path, feed: _FeedTable) -> DrillFeed:
    source = feed.video or feed.boxes
    if source is None:  # the table's validator has refused this already
        raise DrillError(f"feed of camera {feed.camera!r}: give either 'video' or 'boxes'")
    return DrillFeed(
        camera=feed.camera,
        path=folder / source,
        has_pixels=feed.video is not None,
        fps=feed.fps,
        offset_s=feed.offset_s,
    )


def _read(path: Path) -> _DrillTable:
    try:
        return _DrillTable.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DrillError(f"{path}: not found; a drill folder holds a file {DRILL_FILE}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DrillError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise DrillError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            field = "".join(
                f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
            ).lstrip(".")
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{path}: {field + ': ' if field else ''}{message}")
        raise DrillError("\n".join(lines)) from None
