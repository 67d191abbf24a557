"""What people, doors and units say of a subject, in words that name no account and no camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inputs import Mark, MarkKind
    from .subject import SubjectState
    from .suspicion import Known

_SAID: dict[MarkKind, str] = {
    "confirm": "confirmed as the intruder",
    "reject": "ruled out",
    "responder": "marked as a responder",
    "designate": "pointed out, to be followed",
}
_VOWELS = "aeiou"


def known_reasons(subject: SubjectState, known: Known, now_s: float) -> Iterator[str]:
    """What is known of the subject beside what cameras see, a line each, the gravest first.

    Args:
        subject: the subject.
        known: what is known of it.
        now_s: the moment to speak of, Unix seconds.
    """
    if known.deserves_another_look(subject):
        yield "look again: what looks like a weapon was seen since it was ruled out"
    for mark in reversed(known.standing.marks):
        yield f"{_SAID[mark.kind]}{_by(mark)} {spoken_duration(now_s - mark.at_s)} ago"
    if known.standing.disputed:
        yield "seen as two subjects that were marked against each other: look again"
    friendly = known.friendly
    if friendly is not None:
        since = spoken_duration(now_s - friendly.since_s)
        if not friendly.sure:
            yield f"may be {friendly.unit}, but so may others beside: not decided"
        elif known.status == "responder":
            yield f"is where {friendly.unit} reports to be, for {since}"
        else:
            yield f"is where {friendly.unit} reports to be, for {since}; a person's word goes first"
    if known.door is not None:
        yield known.door.words


def spoken_duration(seconds: float) -> str:
    """A duration as one would say it: "8 s", "2 min 5 s", "1 h 3 min"."""
    whole = max(int(seconds + 0.5), 0)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - minutes in an hour
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _by(mark: Mark) -> str:
    if not mark.by:
        return ""
    article = "an" if mark.by[0].lower() in _VOWELS else "a"
    return f" by {article} {mark.by}"
