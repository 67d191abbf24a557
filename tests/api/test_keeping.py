"""The listener of an incident: it keeps what it should, and never holds up what it listens to."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from api.errors import NotPermittedError, StoreError
from api.keeping import CLOSE_WITHIN_S, Keeper
from api.kept_records import KeptPicture, KeptRecord, NewRecord
from tests.api.kept_incident import START_S, kept_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from api.store import Store

AT_ONCE_S = 0.5
"""More than any call may take, on a busy machine; a disk that is waited for takes longer."""


class Shelf:
    """An archive in memory, whose disk can be made to hang, fail or refuse."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.batches = 0
        self.error: Exception | None = None
        self.asked = threading.Event()
        self.works = threading.Event()
        self.works.set()

    def keep_many(self, incident: str, records: Sequence[NewRecord]) -> range:
        assert incident == "i1"
        self.asked.set()
        self.works.wait(30.0)
        if self.error is not None:
            raise self.error
        self.batches += 1
        self.records.extend(records)
        return range(len(records))

    def kinds(self) -> list[str]:
        return [record.kind for record in self.records]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    made = Shelf()
    yield made
    made.works.set()


@pytest.fixture
def keeper(shelf: Shelf) -> Iterator[Keeper]:
    made = Keeper(shelf, "i1", lambda: START_S)
    yield made
    shelf.error = None
    shelf.works.set()
    made.close()


def message(subject: str | None = "S1", space: str | None = "104", door: str | None = "3") -> str:
    subjects = [] if subject is None else [{"id": subject, "space": space and {"id": space}}]
    entrances = [] if door is None else [{"door_number": door}, {"door_number": "9"}]
    return json.dumps({"text": "ü", "subjects": subjects, "entrances": entrances})


def in_time(told: Callable[[], object]) -> None:
    """Return once `told` is true; fail where it does not become so."""
    ends_s = time.monotonic() + 10.0
    while not told():
        assert time.monotonic() < ends_s
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([(0.0, message()), (0.2, message()), (0.9, message()), (1.0, message())], [0.0, 1.0]),
        ([(0.0, message()), (0.1, message("S2")), (0.2, message("S2"))], [0.0, 0.1]),
        (
            [(0.0, message()), (0.1, message(space="gym")), (0.2, message(space=None))],
            [0, 0.1, 0.2],
        ),
        ([(0.0, message()), (0.1, message(door="2")), (0.2, message(door=None))], [0, 0.1, 0.2]),
        ([(0.0, message(None)), (0.1, message()), (0.2, message(None))], [0.0, 0.1, 0.2]),
        ([(5.0, message()), (1.0, message()), (1.5, message())], [5.0, 1.0]),  # a clock set back
        ([(0.0, '{"subjects": 3}'), (0.1, "{}"), (0.2, '{"subjects": [1]}')], [0.0]),
    ],
    ids=["each second", "subject", "space", "door", "nobody", "clock", "of another make"],
)
def test_which_sightings_are_kept(
    shelf: Shelf, keeper: Keeper, said: list[tuple[float, str]], kept: list[float]
) -> None:
    for after_s, text in said:
        keeper.answer(text, START_S + after_s)
    keeper.close()
    assert [record.at_s - START_S for record in shelf.records] == pytest.approx(kept)
    texts = {START_S + after_s: text for after_s, text in said}
    assert all(record.data.decode() == texts[record.at_s] for record in shelf.records)
    assert keeper.problems() == ()


def test_only_clearer_pictures_are_kept(shelf: Shelf, keeper: Keeper) -> None:
    for camera, track, confidence in (
        ("c1", 7, 0.5),
        ("c1", 7, 0.5),  # the same, published once more
        ("c1", 7, 0.4),
        ("c1", 7, 0.9),
        ("c1", 8, 0.3),
        ("c2", 7, 0.2),
        ("c2", 7, float("nan")),
    ):
        keeper.picture(camera, track, START_S + confidence, confidence, b"\xff\xd8\n")
    keeper.close()
    pictures = [KeptPicture.from_data(record.data) for record in shelf.records]
    assert [(p.camera, p.track, p.confidence) for p in pictures] == [
        ("c1", 7, 0.5),
        ("c1", 7, 0.9),
        ("c1", 8, 0.3),
        ("c2", 7, 0.2),
    ]
    assert [record.at_s for record in shelf.records] == [p.captured_at_s for p in pictures]
    assert all(picture.jpeg == b"\xff\xd8\n" for picture in pictures)


def test_a_disk_that_hangs_holds_nobody_up_and_sightings_go_first(
    shelf: Shelf, keeper: Keeper
) -> None:
    shelf.works.clear()
    keeper.answer(message("S2"), START_S)
    assert shelf.asked.wait(10.0)  # the writer has the first, and waits
    begun_s = time.monotonic()
    for number in range(400):
        keeper.answer(message(), START_S + number)
    for track in range(300):
        keeper.picture("c1", track, START_S, 0.5, b"jpeg")
    assert time.monotonic() - begun_s < AT_ONCE_S
    shelf.works.set()
    keeper.close()
    assert shelf.kinds() == ["sighting"] + ["evidence"] * 256
    assert shelf.batches == 5
    assert keeper.problems() == (
        "400 sightings could not be kept",
        "44 pictures could not be kept",
    )


def test_a_picture_that_found_no_room_is_taken_when_it_comes_again(
    shelf: Shelf, keeper: Keeper
) -> None:
    shelf.works.clear()
    for track in range(400):
        keeper.picture("c1", track, START_S, 0.5, b"jpeg")
    shelf.works.set()
    in_time(lambda: len(shelf.records) >= 256)
    keeper.picture("c1", 399, START_S, 0.5, b"jpeg")
    keeper.close()
    assert KeptPicture.from_data(shelf.records[-1].data).track == 399


def test_a_disk_that_fails_is_told_and_tried_again(shelf: Shelf, keeper: Keeper) -> None:
    for error in (StoreError("database: disk is full"), OSError("no"), ValueError()):
        shelf.error = error
        keeper.answer(message(), START_S)
        in_time(keeper.problems)
        [said] = keeper.problems()
        assert said.startswith("nothing is written to the archive since 09:00:00 UTC: ")
        assert (str(error) or "ValueError") in said
        shelf.error = None
        in_time(lambda: not keeper.problems())
        keeper.answer(message("S2"), START_S)
    in_time(lambda: len(shelf.records) == 6)
    assert [json.loads(r.data)["subjects"][0]["id"] for r in shelf.records] == ["S1", "S2"] * 3


def test_where_nothing_may_be_kept_it_says_so_and_stops(shelf: Shelf, keeper: Keeper) -> None:
    shelf.error = NotPermittedError("nothing is kept of incident i1: no agreement")
    keeper.answer(message(), START_S)
    in_time(keeper.problems)
    assert keeper.problems() == (
        "nothing is kept of incident i1: no agreement",
        "1 sightings could not be kept",
    )
    shelf.error = None
    keeper.answer(message("S2"), START_S)
    keeper.close()
    assert shelf.records == []


@pytest.mark.parametrize("error", [None, StoreError("disk is full")], ids=["hangs", "fails"])
def test_closing_waits_no_longer_than_it_may(
    shelf: Shelf, keeper: Keeper, error: Exception | None
) -> None:
    shelf.error = error
    if error is None:
        shelf.works.clear()
    for number in range(100):
        keeper.answer(message(), START_S + number)
    begun_s = time.monotonic()
    keeper.close()
    assert time.monotonic() - begun_s < CLOSE_WITHIN_S + AT_ONCE_S
    assert any("sightings could not be kept" in said for said in keeper.problems())
    keeper.answer(message("S2"), START_S)  # late, and into nothing
    keeper.close()
    assert shelf.records == []


def test_no_message_raises_or_is_kept(shelf: Shelf, keeper: Keeper) -> None:
    for text in ("", "no JSON", "[]", "[" * 100_000):
        keeper.answer(text, START_S)
    keeper.close()
    assert shelf.records == []
    assert keeper.problems() == ("4 sightings could not be kept",)


def test_many_threads_talk_to_it_at_once(store: Store, tmp_path: Path) -> None:
    kept = kept_in(store, tmp_path / "state")
    kept.opened("i1")
    keeper = Keeper(kept.archive, "i1", lambda: START_S)

    def talk(track: int) -> None:
        for number in range(20):
            keeper.answer(message(f"S{track}"), START_S + number * 2.0)
            keeper.picture("c1", track, START_S, number / 20.0, b"jpeg")

    threads = [threading.Thread(target=talk, args=(track,)) for track in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keeper.close()
    found = list(kept.archive.read("i1"))
    assert all(isinstance(record, KeptRecord) for record in found)
    assert sum(isinstance(r, KeptRecord) and r.kind == "evidence" for r in found) == 60
    assert [record.number for record in found] == list(range(1, len(found) + 1))
    assert keeper.problems() == ()
