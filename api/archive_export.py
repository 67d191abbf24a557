"""A copy of what is kept of an incident, in the open, in a folder of its own.

`sightings.jsonl` and `confirmations.jsonl` have one record a line, `{"number", "at_s", "said"}`;
`journal.jsonl` the lines of the journal; `evidence/` the pictures; `manifest.json` says what each
file is, with its SHA-256, and what was lost. The folder takes its name only when all of it is
written and the audit knows of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .errors import NotPermittedError, ReportError
from .journal_parts import unpacked
from .kept_records import KeptPicture, KeptRecord, LostRecord
from .retention_rows import purged_at

if TYPE_CHECKING:
    from pathlib import Path

    from .actors import Actor
    from .archive import Archive
    from .audit import Audit

MANIFEST = "manifest.json"
EVIDENCE = "evidence"
_FILES = {
    "sighting": "sightings.jsonl",
    "confirmation": "confirmations.jsonl",
    "journal": "journal.jsonl",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        records: how many records.
        lost: those that could not be read.
        manifest: SHA-256 of the manifest.
    """

    records: int
    lost: tuple[LostRecord, ...]
    manifest: str


def export_records(
    archive: Archive, audit: Audit, incident: str, to: Path, *, actor: Actor, now_s: float
) -> Exported:
    """Write the records of an incident into the new folder `to`; return what was written.

    Raises:
        NotPermittedError: there is no such incident, or it was purged.
        AuditError: the entry could not be written; there is no folder.
        ReportError: the folder is there already or cannot be written; no half of it stays.
    """
    need_records(archive, incident)
    if to.exists():
        raise ReportError(f"{to}: is there already; name a new folder")
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
    try:
        part.mkdir(mode=0o700, parents=True)
        told = _written(archive, incident, part, actor, now_s)
        need_records(archive, incident)  # a purge meanwhile ends what is read, without a word
        facts = {
            "incident": incident,
            "actor": actor.name,
            "records": told.records,
            "lost": sum(lost.last - lost.number + 1 for lost in told.lost),
            "manifest_sha256": told.manifest,
        }
        audit.append("kept-records-exported", now_s, facts)
        part.rename(to)
    except OSError as error:
        raise ReportError(f"{to}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return told


def need_records(archive: Archive, incident: str) -> None:
    """Return where there is such an incident and it was not purged.

    Raises:
        NotPermittedError: there is none, or it was purged.
    """
    about = archive.about(incident)
    if about is None:
        raise NotPermittedError(f"there is no incident {incident}")
    if about.purged_s is not None:
        raise NotPermittedError(f"incident {incident} was purged at {purged_at(about.purged_s)}")


def _written(archive: Archive, incident: str, folder: Path, actor: Actor, now_s: float) -> Exported:
    lost: list[LostRecord] = []
    pictures: list[dict[str, Any]] = []
    records = 0
    (folder / EVIDENCE).mkdir()
    lines = {kind: (folder / name).open("wb") for kind, name in _FILES.items()}
    try:
        for found in archive.read(incident):
            if isinstance(found, LostRecord):
                lost.append(found)
                continue
            records += 1
            if found.kind == "evidence":
                pictures.append(_picture(folder, found))
            elif found.kind == "journal":
                lines["journal"].write(unpacked(found.data).encode())
            else:
                lines[found.kind].write(_line(found))
    finally:
        for file in lines.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
    manifest = {
        "incident": incident,
        "exported_at": datetime.fromtimestamp(now_s, UTC).isoformat(),
        "exported_by": actor.name,
        "records": records,
        "files": [
            *({"file": name, "sha256": _sha256(folder / name)} for name in _FILES.values()),
            *pictures,
        ],
        "lost": [asdict(one) for one in lost],
    }
    text = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    _write(folder / MANIFEST, text)
    return Exported(records, tuple(lost), hashlib.sha256(text).hexdigest())


def _line(kept: KeptRecord) -> bytes:
    said = {"number": kept.number, "at_s": kept.at_s, "said": json.loads(kept.data)}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _picture(folder: Path, kept: KeptRecord) -> dict[str, Any]:
    """Write a picture; return what the manifest says of it."""
    picture = KeptPicture.from_data(kept.data)
    camera = "".join(c if c.isalnum() or c in "-_" else "_" for c in picture.camera)
    name = f"{EVIDENCE}/{kept.number:06d}-{camera}-{picture.track}.jpg"
    _write(folder / name, picture.jpeg)
    return {
        "file": name,
        "sha256": hashlib.sha256(picture.jpeg).hexdigest(),
        "number": kept.number,
        "camera": picture.camera,
        "track": picture.track,
        "captured_at_s": picture.captured_at_s,
        "confidence": picture.confidence,
    }


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
