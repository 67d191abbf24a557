"""The form of an incident's journal: parts of lines, each part a record of what is kept of it.

A part is JSON lines, compressed. Its first line says which part it is; of the first part of each
process, the line after that is the head: on which site, with what code and on what machine the
answers came about. Each line after is an input of the locator or what an answer is known again by.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.answer import Answer
from calibration.validation import ADDRESS_FIELDS

from .errors import JournalError
from .exact_json import canonical_json, exact_json
from .input_log import AnswerNote, Observation, input_line, note_of, read_input
from .kept_records import KeptRecord, LostRecord
from .machine import machine_facts, package_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from calibration.inputs import OperatorInput
    from calibration.site import Site

    from .input_log import Logged, Replayable

SCHEMA: Final = 1
_MOST_BYTES: Final = 1 << 28
"""More than a part can be when it is unpacked: what is larger was not written here."""


@dataclass(frozen=True, slots=True)
class Head:
    """How the answers of one process came about.

    Attributes:
        site: SHA-256 of each file that the answers depend on, by name.
        versions: of the libraries that matter.
        machine: processor, memory, operating system.
        resumed: whether the locator had first been brought to where the process before it was.
    """

    site: Mapping[str, str]
    versions: Mapping[str, str] = field(default_factory=package_versions)
    machine: Mapping[str, str] = field(default_factory=machine_facts)
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Some of the journal is missing.

    Attributes:
        after_s: the moment of the last part before it; None where there is none.
        why: in words.
    """

    after_s: float | None
    why: str

    def __str__(self) -> str:
        since = "at the beginning"
        if self.after_s is not None:
            since = f"after {datetime.fromtimestamp(self.after_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"some of the journal is missing {since}: {self.why}"


class _HeadLine(BaseModel):
    """The line of a head."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: int = Field(alias="schema", ge=SCHEMA, le=SCHEMA)
    site: dict[str, str]
    versions: dict[str, str]
    machine: dict[str, str]
    resumed: bool


def site_hashes(site: Site) -> dict[str, str]:
    """Return the SHA-256 of each file of a site that answers depend on, by its name.

    A camera's addresses are left out: they may be changed at any time, and hold a password.

    Raises:
        JournalError: a file cannot be read any more.
    """
    names = ["site.toml", site.plan_file]
    try:
        hashes = {
            name: hashlib.sha256((site.folder / name).read_bytes()).hexdigest() for name in names
        }
        for path in sorted((site.folder / "cameras").glob("*.toml")):
            table = tomllib.loads(path.read_text(encoding="utf-8"))
            for field in ADDRESS_FIELDS:
                table.pop(field, None)
            written = canonical_json(table).encode()
            hashes[f"cameras/{path.name}"] = hashlib.sha256(written).hexdigest()
    except (OSError, ValueError) as error:
        raise JournalError(f"{site.folder}: cannot be read: {error}") from error
    return hashes


def changed_files(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Return the files of a site that are not as they were, are new, or are gone."""
    return tuple(sorted(name for name in {*then, *now} if then.get(name) != now.get(name)))


def head_line(head: Head) -> str:
    """Return the line of a head."""
    return exact_json(
        {
            "kind": "head",
            "schema": SCHEMA,
            "site": head.site,
            "versions": head.versions,
            "machine": head.machine,
            "resumed": head.resumed,
        }
    )


def entry_line(entry: Logged) -> str:
    """Return the line of what a locator took or gave."""
    if not isinstance(entry, Answer):
        return exact_json(input_line(entry))
    note = note_of(entry)
    return exact_json(
        {
            "kind": "answer",
            "at_s": note.at_s,
            "published_s": note.published_s,
            "digest": note.digest,
            "parts": note.parts,
            "text": note.text,
        }
    )


def moment_of(entry: Logged) -> float:
    """Return the moment that an entry speaks of, Unix seconds."""
    return entry.positions.captured_at_s if isinstance(entry, Observation) else entry.at_s


def packed(number: int, lines: Iterable[str]) -> bytes:
    """Return the record of a part.

    Args:
        number: which part it is of those that its process wrote, from 1.
        lines: its lines.
    """
    text = "\n".join([exact_json({"kind": "part", "number": number}), *lines]) + "\n"
    return zlib.compress(text.encode(), 1)


def unpacked(data: bytes) -> str:
    """Return the lines of a part.

    Raises:
        JournalError: it is no part of a journal.
    """
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data, _MOST_BYTES)
        if not inflate.eof:
            raise JournalError("a part of the journal does not end")
        return text.decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise JournalError(f"a part of the journal cannot be unpacked: {error}") from error


def read_parts(
    records: Iterable[KeptRecord | LostRecord],
) -> Iterator[Head | Gap | Replayable]:
    """Yield the entries of a journal from all records of an incident, and gaps in their place.

    Whatever is damaged is a gap, never an error: what is there counts.
    """
    expected, lost = 1, ""
    after_s: float | None = None
    for record in records:
        if isinstance(record, LostRecord):
            lost = f"records {record.number} to {record.last}: {record.why}"
            continue
        if record.kind != "journal":
            continue
        try:
            number, entries = _read_part(record)
        except JournalError as error:
            lost = f"record {record.number}: {error}"
            continue
        first = number == 1 and bool(entries) and isinstance(entries[0], Head)
        if (number != expected and not first) or (first and lost):
            yield Gap(after_s, lost or f"parts {expected} to {number - 1} were never written")
        yield from entries
        expected, after_s, lost = number + 1, record.at_s, ""
    if lost:  # whoever changed it may have changed what it says it is
        yield Gap(after_s, lost)


def _read_part(record: KeptRecord) -> tuple[int, list[Head | Replayable]]:
    number, entries = 0, list[Any]()
    for place, line in enumerate(unpacked(record.data).splitlines(), start=1):
        try:
            values = json.loads(line)
            if place == 1:
                number = int(values["number"])
            else:
                entries.append(_read_line(values))
        except ValidationError as error:
            first = error.errors()[0]
            raise JournalError(f"line {place}: {first['loc'][0]}: {first['msg']}") from error
        except KeyError as error:
            raise JournalError(f"line {place}: {error.args[0]}: is missing") from error
        except (TypeError, ValueError) as error:
            raise JournalError(f"line {place}: {error}") from error
    return number, entries


def _read_line(values: Mapping[str, Any]) -> Head | Replayable:
    kind = values["kind"]
    if kind == "head":
        told = _HeadLine.model_validate({k: v for k, v in values.items() if k != "kind"})
        return Head(told.site, told.versions, told.machine, told.resumed)
    if kind == "answer":
        return AnswerNote(
            float(values["at_s"]),
            values["published_s"],
            str(values["digest"]),
            dict(values["parts"]),
            str(values["text"]),
        )
    given: Observation | OperatorInput | None = read_input(kind, values)
    if given is None:
        raise ValueError(f"unknown kind {kind!r}; a newer lastseen wrote it")
    return given
