"""`lastseen archive`: what is kept of incidents, its copies, its holds and its end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.actors import Actor
    from api.archive import Archive
    from api.audit import Audit
    from api.kept_records import KeptIncident
    from api.retention import Retention

app = typer.Typer(
    help="What is kept of incidents: list, export, hold and purge it.", no_args_is_help=True
)

_Incident = Annotated[str, typer.Argument(metavar="INCIDENT", help="Incident id.")]
_State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIR",
        help="State folder [LASTSEEN_STATE or ~/.local/state/lastseen].",
        show_default=False,
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the commands work with."""

    archive: Archive
    retention: Retention
    audit: Audit
    actor: Actor


@app.command("list")
def list_kept(state: _State = None, as_json: _Json = False) -> None:
    """List the incidents that anything is or was kept of, and until when.

    Examples:

      lastseen archive list

      lastseen archive list --json
    """
    with _opened(state) as here:
        kept = here.archive.incidents()
    if as_json:
        typer.echo(json.dumps({"incidents": [asdict(one) for one in kept]}, indent=2))
        return
    for one in kept:
        typer.echo(
            f"{one.incident}  {one.target}  {one.kind}  from {_moment(one.from_s)}  "
            f"{one.records} records, {one.bytes / 1000:.0f} kB  {_until(one)}"
        )


@app.command()
def export(
    incident: _Incident,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="New folder, made here with the copies.")
    ],
    state: _State = None,
) -> None:
    """Write what is kept of an incident into a folder, for whoever may have it by law.

    It is no longer encrypted there, and no purge reaches it. The folder holds sightings.jsonl,
    evidence/*.jpg, confirmations.jsonl and manifest.json with the SHA-256 of each. Exit status 1
    where records were lost: they are named, the rest is there.

    Examples:

      lastseen archive export 20260302-090000-9f3a61c2 --to case-26-1187
    """
    from api.archive_export import export_records

    with _opened(state) as here:
        told = export_records(
            here.archive, here.audit, incident, to, actor=here.actor, now_s=time.time()
        )
    for lost in told.lost:
        typer.echo(f"records {lost.number} to {lost.last}: {lost.why}", err=True)
    typer.echo(f"{to}: {told.records} records; manifest.json has the SHA-256 {told.manifest}")
    if told.lost:
        raise typer.Exit(1)


@app.command()
def hold(
    incident: _Incident,
    reason: Annotated[str, typer.Option(help="Why it is kept longer.")],
    state: _State = None,
) -> None:
    """Put an incident on legal hold: nothing of it is purged until it is released.

    Examples:

      lastseen archive hold 20260302-090000-9f3a61c2 --reason 'Case 26-1187'
    """
    with _opened(state) as here:
        here.retention.hold(incident, _said(reason), actor=here.actor, now_s=time.time())
    typer.echo(f"{incident} is on hold.")


@app.command()
def release(incident: _Incident, state: _State = None) -> None:
    """Release an incident from its hold: it is purged when its time is over, or was.

    Examples:

      lastseen archive release 20260302-090000-9f3a61c2
    """
    with _opened(state) as here:
        here.retention.release(incident, actor=here.actor, now_s=time.time())
    typer.echo(f"{incident} is released.")


@app.command()
def purge(
    incident: Annotated[
        str | None,
        typer.Argument(metavar="INCIDENT", help="Incident id; all that are due if none."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why it is purged before its time is over.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be purged.")
    ] = False,
    state: _State = None,
) -> None:
    """Destroy what is kept of an incident, or of all that were kept long enough.

    The server does the latter by itself. There is no way back; a hold stops it.

    Examples:

      lastseen archive purge --dry-run

      lastseen archive purge 20260302-090000-9f3a61c2 --reason 'the court released it'
    """
    if (incident is None) != (reason is None):
        raise typer.BadParameter("INCIDENT and --reason go together")
    now_s = time.time()
    with _opened(state) as here:
        if incident is None or reason is None:
            done = here.retention.due(now_s) if dry_run else here.retention.purge_due(now_s)
            for one in done:
                typer.echo(f"{one} would be purged" if dry_run else f"{one} was purged")
            if not done:
                typer.echo("Nothing is due.")
        elif dry_run:
            about = here.archive.about(incident)
            count = 0 if about is None else about.records
            typer.echo(f"{incident} would be purged: {count} records")
        else:
            receipt = here.retention.purge(
                incident, by=here.actor.name, reason=_said(reason), now_s=now_s
            )
            typer.echo(
                f"{incident} was purged: {receipt.records} records, {receipt.bytes} bytes, "
                f"SHA-256 {receipt.sha256}, key {receipt.key}"
            )


@app.command("replay")
def replay_incident(
    incident: _Incident,
    site: Annotated[
        Path, typer.Option("--site", metavar="DIR", help="The site folder, as it was then.")
    ],
    state: _State = None,
) -> None:
    """Make every answer of an incident again and compare it with the one that was published.

    The incident's journal goes through a fresh locator: frames, words of operators and the moments
    of the answers, in their order. Exit status 1 where an answer differs, where parts of the
    journal are missing or were changed, or where there is none.

    Examples:

      lastseen archive replay 20260302-090000-9f3a61c2 --site north
    """
    from rich.console import Console
    from rich.progress import track

    from api.archive_export import need_records
    from api.journal_parts import changed_files, read_parts, site_hashes
    from api.machine import machine_facts, package_versions
    from api.replay import computed_otherwise, replay
    from calibration.entrances import EntranceRoutes
    from calibration.locator import Locator
    from calibration.site import load_site

    from .drill import say_replayed

    known = load_site(site)
    routes = EntranceRoutes(known.plan)
    with _opened(state) as here:
        need_records(here.archive, incident)
        facts = {"incident": incident, "actor": here.actor.name}
        here.audit.append("journal-replayed", time.time(), facts)
        entries = read_parts(here.archive.read(incident))
        shown = track(entries, "replaying", console=Console(stderr=True), transient=True)
        told = replay(lambda: Locator.for_site(known, routes), shown)
    now = {**machine_facts(), **package_versions()}
    otherwise: list[str] = []
    for head in told.heads:
        otherwise += computed_otherwise({**head.machine, **head.versions}, now)
        changed = changed_files(head.site, site_hashes(known))
        otherwise += [f"{name} is not as it was then" for name in changed]
    say_replayed(told, list(dict.fromkeys(otherwise)))


@contextmanager
def _opened(state: Path | None) -> Iterator[_Opened]:
    from api.actors import at_the_machine
    from api.archive import Archive
    from api.audit import machine_user
    from api.record import opened_record
    from api.retention import Retention

    with opened_record(state) as record:
        store, keys, audit = record.store, record.keys, record.audit
        yield _Opened(
            Archive(store, keys),
            Retention(store, keys, audit, whole=record.whole),
            audit,
            at_the_machine(machine_user()),
        )


def _said(reason: str) -> str:
    said = " ".join(reason.split())
    if not said or not said.isprintable():
        raise typer.BadParameter("say why, in words", param_hint="--reason")
    return said


def _until(kept: KeptIncident) -> str:
    if kept.purged_s is not None:
        return f"purged {_moment(kept.purged_s)}"
    if kept.hold is not None:
        return f"on hold: {kept.hold}"
    if kept.purge_s is None:
        return f"{kept.retention_days:g} days after its end"
    return f"until {_moment(kept.purge_s)}"


def _moment(at_s: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"
