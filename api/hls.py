"""Low-latency HLS of what is kept of a camera: playlists, and the bytes of what they name.

As RFC 8216bis has it (draft-pantos-hls-rfc8216bis, sections 4.4 and 6.2.5): a segment is a group of
pictures, which begins with a keyframe, and a part is half a second of it. All comes from the same
fragments that browsers get. Where encoding began anew there is a discontinuity and another map.

Everything here is a function of what is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vision.stream_parts import Fragment

    from .stream_tape import Segment

PART_S = 0.5
"""A part has as many pictures as it takes to be shown so long, seconds."""

PART_TARGET_S = 0.55
"""No part is longer; with 10 to 15 pictures a second none but the last is shorter than 85 % of it,
which is what the draft asks (4.4.4.9)."""

TARGET_S = 2
"""No segment is longer, rounded: keyframes come every two seconds."""

PART_HOLD_BACK_S = 3 * PART_TARGET_S
HOLD_BACK_S = 3 * TARGET_S
LISTED = 6
"""Whole segments that a playlist names: twice as many seconds, three target durations and more."""

_CONTROL = (
    f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={PART_HOLD_BACK_S:.3f},"
    f"HOLD-BACK={HOLD_BACK_S:.1f}"
)
_PARTS_LISTED = 3
_TOO_FAR = 2
_BREAK = "#EXT-X-DISCONTINUITY"
_NAME = re.compile(r"(init|segment|part)-(\d{1,15})(?:-(\d{1,4}))?\.(mp4|m4s)")
_ONLY_LIVE = ("#EXT-X-PART", "#EXT-X-PRELOAD-HINT", "#EXT-X-SERVER-CONTROL")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a segment.

    Attributes:
        fragments: its pictures.
        duration_s: how long they are shown.
    """

    fragments: tuple[Fragment, ...]
    duration_s: float

    @property
    def data(self) -> bytes:
        """Its bytes."""
        return b"".join(fragment.data for fragment in self.fragments)


@dataclass(frozen=True, slots=True)
class Named:
    """What a name in a playlist stands for.

    Attributes:
        what: "init", "segment" or "part".
        number: epoch of the head, or number of the segment.
        part: ordinal of the part in the segment, from 0; -1 for what is none.
    """

    what: str
    number: int
    part: int = -1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a player that asks for a playlist waits for: `_HLS_msn` and `_HLS_part`.

    Attributes:
        segment: number of the segment that must be in it.
        part: ordinal of the part that must be; None for all of the segment.
    """

    segment: int
    part: int | None = None


def name_of(named: Named) -> str:
    """Return the name by which a playlist calls something."""
    if named.what == "init":
        return f"init-{named.number}.mp4"
    part = f"-{named.part}" if named.what == "part" else ""
    return f"{named.what}-{named.number}{part}.m4s"


def named_by(name: str) -> Named | None:
    """Return what a name stands for; None where no playlist has such a one."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    named = Named(found[1], int(found[2]), -1 if found[3] is None else int(found[3]))
    return named if name_of(named) == name else None


def parts_of(segment: Segment) -> tuple[Part, ...]:
    """Return the parts of a segment that are whole; all of them once it is complete."""
    parts: list[Part] = []
    rest: list[Fragment] = []
    length_s = 0.0
    for fragment in segment.fragments:
        rest.append(fragment)
        length_s += fragment.duration_s
        if length_s >= PART_S - 1e-6:
            parts.append(Part(tuple(rest), length_s))
            rest, length_s = [], 0.0
    if rest and segment.complete:
        parts.append(Part(tuple(rest), length_s))
    return tuple(parts)


def far(segments: Sequence[Segment], wanted: Wanted) -> bool:
    """Whether a player asks for what will not be there soon, so that waiting is in vain."""
    return bool(segments) and wanted.segment > segments[-1].number + _TOO_FAR


def newest_whole(segments: Sequence[Segment]) -> int:
    """Return the number of the newest segment that is complete; -1 where there is none."""
    return max((segment.number for segment in segments if segment.complete), default=-1)


def has(segments: Sequence[Segment], wanted: Wanted | None) -> bool:
    """Whether a playlist of these segments has what is waited for.

    Whoever waits for nothing in particular gets one with a whole segment: players that know no
    parts give up on a playlist without any.
    """
    if wanted is None:
        return any(segment.complete for segment in segments)
    for segment in segments:
        if segment.number == wanted.segment:
            if wanted.part is None:
                return segment.complete
            if len(parts_of(segment)) > wanted.part:
                return True
        elif segment.number > wanted.segment:
            return bool(parts_of(segment))  # also for a part that the one before has not got
    return False


def find(segments: Iterable[Segment], named: Named) -> tuple[bytes | None, bool]:
    """Return the bytes of something, None if it is not there, and whether it may come yet."""
    last = None
    for segment in segments:
        last = segment
        if named.what == "init":
            if segment.head.epoch == named.number:
                return segment.head.init, False
        elif segment.number == named.number:
            return _find_in(segment, named)
    may_come = last is not None and named.what != "init" and named.number == last.number + 1
    return None, may_come


def _find_in(segment: Segment, named: Named) -> tuple[bytes | None, bool]:
    if named.what == "segment":
        if not segment.complete:
            return None, True
        return b"".join(fragment.data for fragment in segment.fragments), False
    parts = parts_of(segment)
    if named.part < len(parts):
        return parts[named.part].data, False
    return None, not segment.complete and named.part == len(parts)


def playlist(segments: Sequence[Segment]) -> str:
    """Return the media playlist of what is kept, a segment at least.

    The times of `EXT-X-PROGRAM-DATE-TIME` are those at which the pictures were taken.
    """
    listed = segments[-LISTED - 1 :]
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:9",
        f"#EXT-X-TARGETDURATION:{TARGET_S}",
        _CONTROL,
        f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET_S:.3f}",
        f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{listed[0].breaks}",
    ]
    before: Segment | None = None
    for segment in listed:
        lines += _lines_of(
            segment, before, with_parts=segment.number >= segments[-1].number - _PARTS_LISTED
        )
        before = segment
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{name_of(_next(segments[-1]))}"')
    return "\n".join(lines) + "\n"


def ended(last: str) -> str:
    """Return a playlist, as it was last, of a stream that is over."""
    lines = [line for line in last.splitlines() if not line.startswith(_ONLY_LIVE)]
    while lines[-1].startswith(("#EXT-X-PROGRAM", "#EXT-X-MAP")) or lines[-1] == _BREAK:
        lines.pop()  # of the segment that was not whole yet
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _lines_of(segment: Segment, before: Segment | None, *, with_parts: bool) -> list[str]:
    parts = parts_of(segment)
    if not parts:
        return []
    lines = []
    if before is not None and before.head is not segment.head:
        lines.append(_BREAK)
    if before is None or before.head is not segment.head:
        init = name_of(Named("init", segment.head.epoch))
        lines.append(f'#EXT-X-MAP:URI="{init}"')
    taken = datetime.fromtimestamp(segment.fragments[0].captured_at_s, UTC)
    moment = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{moment}")
    if with_parts:
        for index, part in enumerate(parts):
            name = name_of(Named("part", segment.number, index))
            independent = "" if index else ",INDEPENDENT=YES"
            lines.append(f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="{name}"{independent}')
    if segment.complete:
        length_s = sum(part.duration_s for part in parts)
        lines += [f"#EXTINF:{length_s:.5f},", name_of(Named("segment", segment.number))]
    return lines


def _next(newest: Segment) -> Named:
    """The part that comes next."""
    if newest.complete:
        return Named("part", newest.number + 1, 0)
    return Named("part", newest.number, len(parts_of(newest)))
