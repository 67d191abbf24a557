"""What is kept of an incident, as values: records, what of them is lost, and the overview."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

RecordKind = Literal["sighting", "evidence", "confirmation", "journal"]
"""A last-seen message, a picture (see `KeptPicture`), what a person said of it, or a part of the
journal (see `journal_parts`); messages and what was said are JSON."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """Something to keep.

    Attributes:
        kind: what it is.
        at_s: the moment it speaks of, Unix seconds.
        data: its bytes.
    """

    kind: RecordKind
    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as it was kept.

    Attributes:
        number: its number in the incident, from 1.
        kind: what it is.
        at_s: the moment it speaks of, Unix seconds.
        data: its bytes.
    """

    number: int
    kind: RecordKind
    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class LostRecord:
    """One or more records that should be there and cannot be read.

    Attributes:
        number: the first of them.
        last: the last of them; the same for a record that is there and does not open.
        why: in words.
    """

    number: int
    last: int
    why: str


@dataclass(frozen=True, slots=True)
class KeptIncident:
    """What there is of one incident.

    Attributes:
        incident: incident id.
        target: the site or drill.
        kind: "exercise" or "real".
        from_s: begin, Unix seconds.
        closed_s: end; None while it is open.
        retention_days: how long its records are kept; None where nothing is.
        purge_s: when they are purged; None while that is not known: it is open or held.
        hold: why they are held; None where they are not.
        records: how many there are.
        bytes: their size, sealed.
        purged_s: when they were purged; None where they were not.
    """

    incident: str
    target: str
    kind: str
    from_s: float
    closed_s: float | None
    retention_days: float | None
    purge_s: float | None
    hold: str | None
    records: int
    bytes: int
    purged_s: float | None


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture as a record: one line of JSON (UTF-8, ended by a newline), then the JPEG.

    Attributes:
        camera: camera id.
        track: the person's identity in that camera.
        captured_at_s: capture time, Unix seconds.
        confidence: score of the weapon box, 0..1; a score, not a probability.
        jpeg: the picture as it was filmed.
    """

    camera: str
    track: int
    captured_at_s: float
    confidence: float
    jpeg: bytes

    def as_data(self) -> bytes:
        """Return the bytes of its record."""
        header = {
            "camera": self.camera,
            "track": self.track,
            "captured_at_s": self.captured_at_s,
            "confidence": self.confidence,
        }
        return json.dumps(header).encode() + b"\n" + self.jpeg

    @classmethod
    def from_data(cls, data: bytes) -> KeptPicture:
        """Return the picture of a record.

        Raises:
            ValueError: the record is of another make.
        """
        line, _, jpeg = data.partition(b"\n")
        match json.loads(line):
            case {
                "camera": str(camera),
                "track": int(track),
                "captured_at_s": float() | int() as captured_at_s,
                "confidence": float() | int() as confidence,
            }:
                return cls(camera, track, float(captured_at_s), float(confidence), jpeg)
        raise ValueError("its first line does not say what the picture is")
