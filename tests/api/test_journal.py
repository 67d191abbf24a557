"""An incident's journal: written aside, sealed, replayed equal after a kill, gone on with."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from api.archive import Archive
from api.errors import StoreError
from api.going_on import go_on
from api.input_log import AnswerNote, Observation
from api.journal import WRITE_EVERY_S, Journal
from api.journal_parts import (
    Gap,
    Head,
    changed_files,
    entry_line,
    packed,
    read_parts,
    site_hashes,
)
from api.kept_records import KeptRecord, LostRecord
from api.store import open_store
from api.store_tables import RECORDS
from calibration.answer import StageTimes
from calibration.inputs import Mark
from calibration.locator import Locator
from calibration.site import load_site
from tests.api.box_drill import make_box_drill
from tests.api.kept_incident import START_S, kept_in
from tests.api.replayed import Console, opened_by
from tests.api.scored_drill import Says, answer, observation, site, site_folder
from tests.calibration.corridor import seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.input_log import Replayable

ROOT = Path(__file__).parents[2]
INCIDENT = "20260302-090000-9f3a61c2"


class Shelf:
    """Takes parts, as a keeper does."""

    def __init__(self) -> None:
        self.parts: list[tuple[float, bytes]] = []
        self.now_s = 0.0

    def journal(self, at_s: float, part: bytes) -> None:
        self.parts.append((at_s, part))

    def records(self) -> list[KeptRecord | LostRecord]:
        return [
            KeptRecord(number, "journal", at_s, part)
            for number, (at_s, part) in enumerate(self.parts, start=1)
        ]


def read(shelf: Shelf) -> list[Head | Gap | Replayable]:
    return list(read_parts(shelf.records()))


def begun(shelf: Shelf, *, resumed: bool = False) -> Journal:
    journal = Journal(shelf, monotonic=lambda: shelf.now_s)
    journal.begin(SITE, resumed=resumed, now_s=START_S)
    return journal


@pytest.fixture(scope="module", autouse=True)
def two_rooms(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The two rooms, whose files stay where they are."""
    globals()["SITE"] = load_site(site_folder(tmp_path_factory.mktemp("site") / "two-rooms"))


SITE = site()


def test_what_was_logged_is_read_in_its_order() -> None:
    shelf = Shelf()
    journal = begun(shelf)
    said = Mark("confirm", "S1", START_S + 0.2, 1, "dispatcher")
    told = answer(0.3, [Says((1.0, 2.0))], "1")
    for entry in (observation(0.1), said, told):
        journal.log(entry)
    journal.flush()
    head, seen, mark, note = read(shelf)
    assert isinstance(head, Head)
    assert isinstance(seen, Observation)
    assert seen.positions.captured_at_s == observation(0.1).positions.captured_at_s
    assert mark == said
    assert isinstance(note, AnswerNote)
    assert (note.at_s, note.text) == (told.at_s, told.text)
    assert note.published_s == told.at_s


def test_a_crash_loses_less_than_the_last_second() -> None:
    assert WRITE_EVERY_S <= 0.5
    shelf = Shelf()
    journal = begun(shelf)
    for k in range(100):  # one entry each 0.1 s; the process dies after any of them
        shelf.now_s = k * 0.1
        journal.log(observation(k * 0.1))
        kept = sum(isinstance(entry, Observation) for entry in read(shelf))
        assert (k + 1 - kept) * 0.1 <= WRITE_EVERY_S + 0.1


def test_a_part_that_grows_large_does_not_wait() -> None:
    shelf = Shelf()
    journal = begun(shelf)
    for _ in range(4000):
        journal.log(observation(0.1))
    assert len(shelf.parts) > 1


def test_a_part_is_small() -> None:
    lines = [entry_line(observation(k / 5)) for k in range(1000)]
    assert len(packed(1, lines)) / len(lines) < 60


def test_what_cannot_be_written_is_a_gap_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    journal = begun(shelf)
    journal.log(observation(0.1))
    journal.log(replace(answer(0.2, [], None), text=object()))  # type: ignore[arg-type]
    journal.log(observation(0.3))
    journal.flush()
    kinds = [type(entry) for entry in read(shelf)]
    assert kinds == [Head, Observation, Gap, Observation]
    assert "could not be written" in caplog.text


def three_parts() -> list[KeptRecord | LostRecord]:
    shelf = Shelf()
    journal = begun(shelf)
    for t_s in (0.1, 0.2):
        journal.log(observation(t_s))
        journal.flush()
    return shelf.records()


LOST = LostRecord(2, 2, "does not open: it was changed or moved")


@pytest.mark.parametrize(
    ("records", "kinds", "why"),
    [
        (lambda r: r, [Head, Observation, Observation], None),
        (lambda r: [r[0], LOST, r[2]], [Head, Gap, Observation], "records 2 to 2: does not open"),
        (lambda r: [r[0], r[2]], [Head, Gap, Observation], "parts 2 to 2 were never written"),
        (lambda r: [*r[:2], LOST], [Head, Observation, Gap], "records 2 to 2"),
        (lambda r: [r[0], LOST, *r[1:]], [Head, Observation, Observation], None),
        (lambda r: r[1:], [Gap, Observation, Observation], "parts 1 to 1 were never written"),
        (lambda r: [*r, *r], [Head, Observation, Observation] * 2, None),
        (
            lambda r: [r[0], replace(r[1], data=r[1].data[:-4]), r[2]],
            [Head, Gap, Observation],
            "record 2: a part of the journal does not end",
        ),
        (
            lambda r: [r[0], replace(r[1], data=b"no part of it"), r[2]],
            [Head, Gap, Observation],
            "record 2: a part of the journal cannot be unpacked",
        ),
        (
            lambda r: [r[0], replace(r[1], data=packed(2, ['{"kind": "gossip"}'])), r[2]],
            [Head, Gap, Observation],
            "record 2: line 2: unknown kind 'gossip'",
        ),
    ],
    ids=[
        "whole",
        "a part that does not open",
        "a part that was dropped",
        "the tail does not open",
        "something else does not open",
        "the beginning is missing",
        "two processes",
        "cut off",
        "not packed",
        "of a newer version",
    ],
)
def test_what_is_damaged_is_a_gap_in_its_place(
    records: Any, kinds: list[type], why: str | None
) -> None:
    found = list(read_parts(records(three_parts())))
    assert [type(entry) for entry in found] == kinds
    gaps = [entry for entry in found if isinstance(entry, Gap)]
    assert [gap.why.startswith(why or "") for gap in gaps] == ([True] if why else [])


def test_the_head_knows_the_site_and_no_password(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "two-rooms")
    then = site_hashes(load_site(folder))
    camera = folder / "cameras" / "cam.toml"
    text = camera.read_text()
    addresses = 'address = "rtsp://a:b@192.0.2.1/1"\nsub_address = "rtsp://a:b@192.0.2.1/2"'
    camera.write_text(text.replace("schema = 1", f"schema = 1\n{addresses}"))
    assert changed_files(then, site_hashes(load_site(folder))) == ()
    camera.write_text(text.replace("3.0]", "3.1]"))
    (folder / "floor_plan.geojson").write_text(
        (folder / "floor_plan.geojson").read_text().replace("Room A", "Room Z")
    )
    changed = changed_files(then, site_hashes(load_site(folder)))
    assert changed == ("cameras/cam.toml", "floor_plan.geojson")


def past_of(entries: list[Head | Gap | Replayable]) -> Journal:
    """The journal of a new process, with what the one before wrote."""
    return Journal(Shelf(), past=lambda: iter(entries))


def written() -> list[Head | Gap | Replayable]:
    shelf = Shelf()
    journal = begun(shelf)
    for k in range(20):
        positions = seen("cam", START_S + k / 10, (7, 2.0, 2.5), level="L1")
        journal.log(Observation(positions, StageTimes(START_S + k / 10)))
    journal.flush()
    return read(shelf)


def fresh() -> Locator:
    return Locator.for_site(SITE)


def test_a_run_goes_on_with_the_subjects_of_the_journal() -> None:
    begun = go_on(SITE, fresh, past_of(written()), now_s=START_S, stop=lambda: False)
    assert [one.subject for one in begun.locator.answer(START_S + 2.0).subjects] == ["S1"]
    assert (begun.newest_track, begun.trouble) == (7, "")


def test_a_new_incident_begins_without_trouble() -> None:
    begun = go_on(SITE, fresh, past_of([]), now_s=START_S, stop=lambda: False)
    assert (begun.newest_track, begun.trouble) == (-1, "")


def test_a_journal_that_takes_too_long_is_left_and_that_is_told() -> None:
    ticks = itertools.count(0.0, 2.0)
    begun = go_on(
        SITE, fresh, past_of(written()), now_s=START_S, stop=lambda: False,
        within_s=30.0, monotonic=lambda: next(ticks),
    )  # fmt: skip
    assert begun.locator.answer(START_S + 2.0).subjects == ()
    assert "within 30 s, and subjects are numbered anew" in begun.trouble
    assert begun.newest_track == 7  # its tracks are still nobody's of the new worker


def test_what_is_lost_of_a_journal_is_told_and_the_rest_is_gone_on_with() -> None:
    gap = Gap(START_S, "records 2 to 2: missing: taken out of the database")
    begun = go_on(SITE, fresh, past_of([*written(), gap]), now_s=START_S, stop=lambda: False)
    assert [one.subject for one in begun.locator.answer(START_S + 2.0).subjects] == ["S1"]
    assert "all is known until 09:00:00 UTC: records 2 to 2: missing" in begun.trouble


def test_a_journal_that_cannot_be_read_holds_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse() -> Iterator[Head | Gap | Replayable]:
        raise StoreError("database: gone")

    journal = Journal(Shelf(), past=refuse)
    begun = go_on(SITE, fresh, journal, now_s=START_S, stop=lambda: False)
    assert begun.locator.answer(START_S).subjects == ()
    assert begun.trouble.endswith("subjects are numbered anew: database: gone")
    assert "could not be gone on with" in caplog.text


def test_without_an_agreement_there_is_no_journal(console: Console) -> None:
    with TestClient(console.app, headers=console.bearer) as client:
        opened_by(client, {"site": "small", "kind": "exercise", "reason": "a test"})
    assert console.runs.journals == [None]


def test_an_agreement_that_keeps_things_keeps_the_journal(bound: Console) -> None:
    real = {"emergency": "active-shooter", "channel": "911", "kind": "real"}
    with TestClient(bound.app, headers=bound.bearer) as client:
        incident = opened_by(client, {"site": "small", "reason": "a test", **real})
        [journal] = bound.runs.journals
        assert journal is not None
        journal.begin(bound.target.site, resumed=False, now_s=START_S)
        journal.log(observation(0.1))
        journal.log(observation(0.2))
        client.delete(f"/v1/incidents/{incident}")  # what waits is handed on
    kept = list(read_parts(bound.services.archive.read(incident)))
    assert [type(entry) for entry in kept] == [Head, Observation, Observation]
    with TestClient(bound.app, headers=bound.key_of("ada", "auditor")) as client:
        records = client.get(f"/v1/archive/{incident}").json()["records"]
        parts = [record for record in records if record["kind"] == "journal"]
        assert [record["said"] for record in parts] == [None, None]
        shown = client.get(f"/v1/archive/{incident}/{parts[0]['number']}")
    assert shown.headers["content-type"].startswith("application/jsonl")
    assert [json.loads(line)["kind"] for line in shown.text.splitlines()] == ["part", "head"]


# ---- a whole incident, in processes of its own -----------------------------------------------


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_box_drill(tmp_path_factory.mktemp("drills") / "walker", duration_s=60.0)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder in which an agreement keeps what is kept of one incident."""
    folder = tmp_path / "state"
    store = open_store(folder)
    kept_in(store, folder).opened(INCIDENT)
    store.close()
    return folder


class Played:
    """A process that plays, and what it said so far."""

    def __init__(self, state: Path, drill: Path, seconds: float, said: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.journalled", state, drill, INCIDENT,
             str(seconds), said],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []

    def until(self, subject: str, answers: int) -> None:
        """Read on until a subject was in so many answers."""
        assert self.process.stdout is not None
        seen = 0
        while seen < answers:
            line = self.process.stdout.readline()
            assert line, "it ended too soon"
            self.lines.append(line)
            seen += subject in line.split()[2:]

    def rest(self) -> None:
        """Read to the end."""
        assert self.process.stdout is not None
        with self.process.stdout:
            self.lines += self.process.stdout.readlines()
        assert self.process.wait(30.0) in {0, -signal.SIGKILL}

    def kill(self) -> None:
        """End it at once, as a power cut does; read what it had said."""
        self.process.kill()
        self.rest()

    @property
    def digests(self) -> list[str]:
        return [line.split()[1] for line in self.lines]


def notes_in(state: Path) -> tuple[list[str], int]:
    """Digests of the answers in the journal, and how many heads it has."""
    store = open_store(state)
    try:
        archive = Archive(store, kept_in(store, state).keys)
        found = list(read_parts(archive.read(INCIDENT)))
    finally:
        store.close()
    notes = [entry.digest for entry in found if isinstance(entry, AnswerNote)]
    return notes, sum(isinstance(entry, Head) for entry in found)


def replayed(state: Path, drill: Path, seed: str = "7") -> subprocess.CompletedProcess[str]:
    lastseen = Path(sys.executable).with_name("lastseen")
    return subprocess.run(
        [lastseen, "archive", "replay", INCIDENT, "--site", drill, "--state", state],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": seed},
    )  # fmt: skip


@pytest.mark.slow
def test_a_killed_incident_replays_equal_and_is_gone_on_with(state: Path, drill: Path) -> None:
    first = Played(state, drill, 60.0)
    try:
        first.until("S1", 15)
    finally:
        first.kill()
    kept, heads = notes_in(state)
    assert heads == 1
    # All but the last second of what was published is there, as it was published.
    assert first.digests[: len(kept)] == kept
    moments = [float(line.split()[0]) for line in first.lines]
    assert moments[len(kept) - 1] >= moments[-1] - 1.0
    assert replayed(state, drill).returncode == 0

    second = Played(state, drill, 4.0, said="S1")
    second.rest()
    both, heads = notes_in(state)
    assert heads == 2
    assert both == kept + second.digests
    # The subject that was known is there from the first answer on, and new ones get new numbers.
    assert "S1" in second.lines[0].split()[2]
    told = replayed(state, drill, "99")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{len(both)} answers, all equal (")
    assert told.stdout.endswith("1 inputs)\n")


def tampered(state: Path, which: int) -> None:
    """Change one byte of the which-th part of the journal."""
    store = open_store(state)
    try:
        of_it = RECORDS.c.incident == INCIDENT
        with store.writing() as connection:
            wanted = select(RECORDS).where(of_it, RECORDS.c.kind == "journal")
            row = connection.execute(wanted.order_by(RECORDS.c.number)).all()[which]
            sealed = bytearray(row.sealed)
            sealed[len(sealed) // 2] ^= 1
            one = update(RECORDS).where(of_it, RECORDS.c.number == row.number)
            connection.execute(one.values(sealed=bytes(sealed)))
    finally:
        store.close()


@pytest.mark.slow
def test_a_changed_byte_is_noticed_and_the_rest_is_replayed(state: Path, drill: Path) -> None:
    played = Played(state, drill, 5.0)
    played.rest()
    tampered(state, 4)
    told = replayed(state, drill)
    assert told.returncode == 1
    assert "some of the journal is missing after 20" in told.stderr
    assert "does not open: it was changed or moved" in told.stderr
    equal = int(told.stdout.split()[0])
    assert 0 < equal < len(played.digests)
    assert "cannot be made again" in told.stderr


@pytest.mark.slow
def test_a_site_that_was_changed_is_told(state: Path, drill: Path, tmp_path: Path) -> None:
    Played(state, drill, 4.0).rest()
    other = make_box_drill(tmp_path / "other")
    plan = json.loads((other / "floor_plan.geojson").read_text())
    for feature in plan["features"]:
        if feature["properties"].get("name") == "Lobby":
            feature["properties"]["name"] = "Foyer"
    (other / "floor_plan.geojson").write_text(json.dumps(plan))
    told = replayed(state, other)
    assert told.returncode == 1
    assert "Lobby" in told.stdout
    assert "Foyer" in told.stdout
    assert "floor_plan.geojson is not as it was then" in told.stderr


def test_nothing_to_replay_is_told(state: Path, drill: Path) -> None:
    told = replayed(state, drill)
    assert told.returncode == 1
    assert "there is nothing to compare" in told.stderr
