"""What is kept of the video of one camera: the newest few seconds, in groups of pictures.

A group is a keyframe and what follows it until the next: what a player can begin with, and one
segment of HLS. Groups are numbered for as long as the incident lasts, also where encoding begins
anew. A reader is a `Cursor` and nothing more; one whose place is not kept any more, or who is too
far behind, is taken to the newest keyframe.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vision.stream_parts import Fragment, StreamHead

KEPT_S = 24.0
"""How much is kept, seconds: what a playlist names, and as long again for who fetches it late."""

KEPT_BYTES = 24_000_000
"""How much is kept at most, whatever the pictures look like."""

MAX_LAG_S = 1.0
"""How far behind a reader may be before it is taken to a newer keyframe, if there is one."""


@dataclass(slots=True)
class Group:
    """A keyframe and what follows it.

    Attributes:
        number: its ordinal in the incident's stream of the camera, from 0.
        head: what a player must have first.
        breaks: how often encoding began anew in the groups before it.
        fragments: its pictures so far; they only get more.
        complete: whether it gets no more.
        duration_s: how long its pictures are shown together, seconds.
        size_bytes: how large they are together.
    """

    number: int
    head: StreamHead
    breaks: int
    fragments: list[Fragment] = field(default_factory=list)
    complete: bool = False
    duration_s: float = 0.0
    size_bytes: int = 0

    def add(self, fragment: Fragment) -> None:
        """Take its next picture."""
        self.fragments.append(fragment)
        self.duration_s += fragment.duration_s
        self.size_bytes += len(fragment.data)


@dataclass(frozen=True, slots=True)
class Segment:
    """A group as it was at one moment.

    Attributes:
        number: as of the group, as are the others.
        head: what a player must have first.
        breaks: how often encoding began anew before.
        fragments: its pictures.
        complete: whether these are all.
    """

    number: int
    head: StreamHead
    breaks: int
    fragments: tuple[Fragment, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a reader: what it was given last.

    Attributes:
        group: number of the group.
        index: ordinal of the fragment in it.
    """

    group: int
    index: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader is given next.

    Attributes:
        head: the head of the fragment.
        fragment: the fragment.
        cursor: where the reader is with it.
        skipped: whether pictures before it were left out.
    """

    head: StreamHead
    fragment: Fragment
    cursor: Cursor
    skipped: bool


class Tape:
    """The newest video of one camera. Whoever shares one between threads holds a lock.

    Args:
        kept_s: how much is kept, seconds.
        kept_bytes: and at most so many bytes; the group that is growing counts, too.
    """

    def __init__(self, *, kept_s: float = KEPT_S, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_s = kept_s
        self._kept_bytes = kept_bytes
        self._groups: deque[Group] = deque()
        self._head: StreamHead | None = None
        self._grouped: StreamHead | None = None  # the head of the newest group there was
        self._breaks = -1
        self._next_number = 0

    def segments(self) -> tuple[Segment, ...]:
        """Return all that is kept, as it is now."""
        return tuple(
            Segment(group.number, group.head, group.breaks, tuple(group.fragments), group.complete)
            for group in self._groups
        )

    @property
    def head(self) -> StreamHead | None:
        """The newest head; None before the first, and where the tape was wiped."""
        return self._head

    @property
    def newest(self) -> Fragment | None:
        """The newest fragment that is kept."""
        return self._groups[-1].fragments[-1] if self._groups else None

    def add_head(self, head: StreamHead) -> None:
        """Take a head: fragments belong to it from now on."""
        self._finish()
        self._head = head

    def add(self, fragment: Fragment) -> bool:
        """Take a fragment; False where no player could show it.

        That is one of another head, and one that follows a fragment that never came: what is
        between it and the next keyframe would be shown broken.
        """
        if self._head is None or fragment.epoch != self._head.epoch:
            return False
        if fragment.keyframe:
            self._finish()
            if self._head is not self._grouped:
                self._grouped = self._head
                self._breaks += 1
            self._groups.append(Group(self._next_number, self._head, self._breaks))
            self._next_number += 1
        elif not self._groups or self._groups[-1].complete:
            return False
        elif fragment.number != self._groups[-1].fragments[-1].number + 1:
            self._finish()
            return False
        self._groups[-1].add(fragment)
        self._forget_oldest()
        return bool(self._groups)

    def wipe(self) -> None:
        """Forget all pictures and the head; numbers go on."""
        self._groups.clear()
        self._head = None

    def after(self, cursor: Cursor | None) -> Found | None:
        """Return what a reader is given next, None where it has everything.

        Args:
            cursor: where it is; None for a new reader, who begins with the newest keyframe.
        """
        if not self._groups:
            return None
        newest, oldest = self._groups[-1], self._groups[0].number
        if cursor is None or cursor.group < oldest:
            return _found(newest, 0, skipped=cursor is not None)
        if cursor.group > newest.number:
            return None
        place, index = cursor.group - oldest, cursor.index + 1
        if index >= len(self._groups[place].fragments):
            place, index = place + 1, 0
        if place == len(self._groups):
            return None
        group = self._groups[place]
        lag_s = newest.fragments[-1].encoded_at_s - group.fragments[index].encoded_at_s
        if group is not newest and lag_s > MAX_LAG_S:
            return _found(newest, 0, skipped=True)
        return _found(group, index, skipped=False)

    def _finish(self) -> None:
        if self._groups:
            self._groups[-1].complete = True

    def _forget_oldest(self) -> None:
        kept_s, kept_bytes = 0.0, 0
        keep = 0
        for group in reversed(self._groups):
            kept_s += group.duration_s
            kept_bytes += group.size_bytes
            if keep and (kept_s > self._kept_s or kept_bytes > self._kept_bytes):
                break
            keep += 1
        while len(self._groups) > keep:
            self._groups.popleft()
        growing = self._groups[-1]
        if growing.duration_s > self._kept_s or growing.size_bytes > self._kept_bytes:
            self._groups.clear()  # no keyframe comes; none of it may grow without end


def _found(group: Group, index: int, *, skipped: bool) -> Found:
    return Found(group.head, group.fragments[index], Cursor(group.number, index), skipped)
