"""What happened in an incident: which messages make which entries, and who is told of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from api import schemas
from api.locations import Envelope, Places, cameras_message, last_seen_message, utc
from api.runs import CameraPhase, CameraStatus
from api.timeline import TimelineMaker, tells_no_camera
from calibration.geodesy import Anchor, SiteFrame
from calibration.inputs import Arrival, DoorEvent, FriendlyReport, Mark, Unmark
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, answer, build_console, opened_by, subject

if TYPE_CHECKING:
    from pathlib import Path

    from api.timeline_schemas import TimelineEntry
    from calibration.answer import EntranceOption, RankedSubject
    from tests.api.replayed import Clock, Console

PLACES = Places(SiteFrame(Anchor(-85.5, 39.0, 90.0)), {"L1": "Ground floor"})
REAL = {
    "site": "small",
    "kind": "real",
    "emergency": "active-shooter",
    "channel": "911",
    "reason": "shots",
}


def said(
    after_s: float, *subjects: RankedSubject, doors: tuple[EntranceOption, ...] | None = None
) -> schemas.LastSeen:
    """The message of an answer so long after the start."""
    at_s = START_S + after_s
    made = answer(at_s, *subjects)
    if doors is not None:
        made = replace(made, entrances=doors)
    return last_seen_message(made, PLACES, Envelope(1, "i", True, at_s))


def seen(after_s: float, **changed: Any) -> schemas.LastSeen:
    """The message of an answer with one subject."""
    return said(after_s, subject(at_s=START_S + after_s, **changed))


def about(after_s: float = 0.0, **changed: Any) -> schemas.Incident:
    values: dict[str, Any] = {
        "sequence": 1,
        "incident": "i",
        "exercise": False,
        "published_at": utc(START_S + after_s),
        "state": "open",
        "kind": "real",
        "target": {"id": "small", "kind": "site", "name": "Small school"},
        "opened_by": "Ivy",
        "role": "dispatcher",
        "reason": "Shots",
        "opened_at": utc(START_S),
        "until": utc(START_S + 600.0),
        "closed_at": None,
        "closed_by": None,
        "closing_reason": None,
    }
    return schemas.Incident.model_validate({**values, **changed})


def cameras(after_s: float, *phases: CameraPhase) -> schemas.Cameras:
    states = tuple(
        CameraStatus(f"cam-{i}", f"Camera {i}", phase, "", 10.0, 1, 1, 0, 0.1)
        for i, phase in enumerate(phases)
    )
    return cameras_message(states, (), Envelope(1, "i", True, START_S + after_s))


def kinds(entries: tuple[TimelineEntry, ...]) -> list[str]:
    return [entry.kind for entry in entries]


def test_the_grant_from_its_opening_to_its_end() -> None:
    maker = TimelineMaker()
    (opened,) = maker.take_about(about())
    assert opened.text == "REAL EMERGENCY opened by Ivy: Shots"
    assert (opened.at, opened.role, opened.number) == (utc(START_S), "dispatcher", 1)
    assert maker.take_about(about(1.0)) == ()
    (extended,) = maker.take_about(about(2.0, until=utc(START_S + 900.0)))
    assert (extended.kind, extended.text) == ("extended", "extended by 5 min")
    there = about(3.0, until=utc(START_S + 900.0), agencies=({"name": "Fire", "left_at": None},))
    assert kinds(maker.take_about(there)) == ["agency-responds"]
    gone = there.model_copy(
        update={"agencies": (schemas.Agency(name="Fire", left_at=utc(START_S)),)}
    )
    assert kinds(maker.take_about(gone)) == ["agency-left"]
    (closed,) = maker.take_about(
        gone.model_copy(
            update={"closed_at": utc(START_S + 9), "closed_by": "Ivy", "closing_reason": "over"}
        )
    )
    assert (closed.kind, closed.text) == ("closed", "closed by Ivy: over")
    assert [entry.number for entry in maker.entries()] == [1, 2, 3, 4, 5]
    assert kinds(maker.entries(after=4)) == ["closed"]


def test_an_incident_that_goes_on_says_that_its_past_is_elsewhere() -> None:
    assert kinds(TimelineMaker().take_about(about(60.0))) == ["opened", "resumed"]


def test_the_first_sighting_and_the_first_sign_of_a_weapon_are_told_once() -> None:
    maker = TimelineMaker()
    harmless = {"probability": 0.1, "armed_probability": 0.05}
    assert kinds(maker.take_answer(seen(0.0, **harmless))) == ["first-seen", "door"]
    assert maker.take_answer(seen(0.1, **harmless)) == ()
    first = maker.take_answer(seen(0.2))
    assert kinds(first) == ["suspect", "armed"]
    assert first[1].text == "S1 is probably armed, West room, Ground floor"
    assert maker.take_answer(seen(0.3)) == ()
    assert maker.take_answer(seen(0.4, armed_probability=0.3)) == ()
    assert maker.take_answer(seen(0.5)) == ()


@pytest.mark.parametrize(
    ("ages_s", "told"),
    [
        ([0.5, 1.0, 2.0], []),  # behind a pillar
        ([2.0, 3.5, 9.0], ["out-of-view"]),
        ([3.5, 0.0, 0.0], ["out-of-view", "in-view"]),
    ],
)
def test_out_of_view_is_told_once_it_has_lasted(ages_s: list[float], told: list[str]) -> None:
    maker = TimelineMaker()
    maker.take_answer(seen(0.0))
    made: list[str] = []
    for number, age_s in enumerate(ages_s):
        visibility = "out of view" if age_s else "in view"
        made += kinds(
            maker.take_answer(seen(1.0 + 0.1 * number, age_s=age_s, visibility=visibility))
        )
    assert made == told


def test_coming_and_going_of_the_harmless_is_not_told() -> None:
    maker = TimelineMaker()
    maker.take_answer(seen(0.0))
    pupil = subject(
        "S2", at_s=START_S, rank=2, visibility="out of view", age_s=60.0
    )  # fmt: skip
    assert maker.take_answer(said(1.0, subject(at_s=START_S + 1.0), pupil)) == ()


def test_a_move_and_a_change_of_door_are_told_once_they_have_lasted() -> None:
    maker = TimelineMaker()
    other = tuple(reversed(answer(START_S, subject(at_s=START_S)).entrances))
    maker.take_answer(seen(0.0))

    def moved(after_s: float) -> list[str]:
        there = subject(at_s=START_S + after_s, space="corridor", space_name="Corridor")
        return kinds(maker.take_answer(said(after_s, there, doors=other)))

    assert moved(1.0) == []
    assert maker.take_answer(seen(1.5)) == ()  # it flickered
    assert moved(2.0) == []
    assert moved(3.9) == []
    assert moved(4.1) == ["moved", "door"]
    assert moved(5.0) == []


def test_a_camera_that_is_lost_and_back() -> None:
    maker = TimelineMaker()
    assert maker.take_cameras(cameras(0.0, "connecting", "live")) == ()
    (lost,) = maker.take_cameras(cameras(1.0, "stalled", "live"))
    assert (lost.kind, lost.camera, lost.text) == (
        "camera-lost",
        "cam-0",
        "camera Camera 0 lost: stalled",
    )
    assert maker.take_cameras(cameras(2.0, "connecting", "live")) == ()  # it is tried again
    assert maker.take_cameras(cameras(3.0, "refused", "live")) == ()
    assert kinds(maker.take_cameras(cameras(4.0, "live", "live"))) == ["camera-back"]
    maker.take_answer(seen(5.0))
    assert not {"camera-lost", "camera-back"} & set(kinds(tells_no_camera(maker.entries())))
    assert len(tells_no_camera(maker.entries())) == len(maker.entries()) - 2


def test_what_people_tell() -> None:
    maker = TimelineMaker({"entrance-1": "door 1"})
    (marked,) = maker.take_word(Mark("reject", "S2", START_S, 4), "dispatcher")
    assert (marked.text, marked.subject, marked.role) == ("S2 ruled out", "S2", "dispatcher")
    (back,) = maker.take_word(Unmark(4, START_S + 1), "dispatcher")
    assert back.text == "mark of S2 (ruled out) taken back"
    (door,) = maker.take_word(DoorEvent("forced", "entrance-1", START_S, 5), "system")
    assert door.text == "door 1 was forced open"
    assert kinds(maker.take_word(Arrival((1.0, 2.0), START_S), "dispatcher")) == ["arrival"]
    assert maker.take_word(FriendlyReport("Unit 1", "L1", (0, 0), 2.0, START_S), "system") == ()


def test_a_mark_that_was_given_before_a_restart_is_told_from_the_answer() -> None:
    maker = TimelineMaker()
    held = Mark("confirm", "S1", START_S - 60.0, 3, "dispatcher")
    told = maker.take_answer(seen(0.0, marks=(held,)))
    assert "marked" in kinds(told)
    assert maker.take_answer(seen(0.1, marks=(held,))) == ()


def test_who_was_ruled_out_and_looks_armed_is_told_loudly_and_once() -> None:
    maker = TimelineMaker()
    out = {"status": "rejected", "look_again": True}
    assert "look-again" in kinds(maker.take_answer(seen(0.0, **out)))
    assert maker.take_answer(seen(0.1, **out)) == ()
    maker.take_answer(seen(0.2, status="rejected"))
    assert kinds(maker.take_answer(seen(0.3, **out))) == ["look-again"]


def test_what_matters_is_kept_longest() -> None:
    maker = TimelineMaker(most=20)
    maker.take_about(about())
    for number in range(40):
        maker.take_cameras(cameras(float(number), "stalled" if number % 2 else "live"))
    assert len(maker.entries()) == 20
    assert maker.entries()[0].kind == "opened"
    assert maker.entries()[-1].number == 40


def test_news_are_told_once() -> None:
    maker = TimelineMaker()
    maker.take_about(about())
    maker.take_answer(seen(0.0, probability=0.1, armed_probability=0.1))
    assert kinds(maker.news()) == ["opened", "first-seen", "door"]
    assert maker.news() == ()
    maker.take_cameras(cameras(0.0, "stalled"))
    assert kinds(maker.news()) == ["camera-lost"]


def test_the_timeline_is_there_for_whoever_joins_late(
    console: Console, client: TestClient, clock: Clock
) -> None:
    incident = opened_by(client, {"site": "small", "kind": "exercise", "reason": "drill"})
    run = console.runs.made[0]
    run.say(answer(START_S, subject(at_s=START_S)))
    response = client.post(f"/v1/incidents/{incident}/subjects/S1/marks", json={"mark": "confirm"})
    assert response.status_code == 201
    client.delete(f"/v1/incidents/{incident}?reason=over")
    told = client.get(f"/v1/incidents/{incident}/timeline").json()
    assert told["incident"] == incident
    assert [entry["kind"] for entry in told["entries"]] == [
        "opened", "first-seen", "suspect", "armed", "door", "marked", "closed",
    ]  # fmt: skip
    newest = told["entries"][-2]["number"]
    late = client.get(f"/v1/incidents/{incident}/timeline?after={newest}").json()
    assert [entry["kind"] for entry in late["entries"]] == ["closed"]
    events = console.services.incidents.get(incident)
    assert events is not None
    names = [event.name for event in events.events.since(0, live=False)]
    assert "timeline" in names


def test_who_may_not_be_told_the_cameras_gets_no_entry_of_them(
    tmp_path: Path, clock: Clock
) -> None:
    console = build_console(tmp_path, clock, agreement=AGREEMENT)
    officer = console.key_of("olga", "tactical", acts_as="officer")
    with TestClient(console.app) as client:
        incident = opened_by_with(client, console)
        run = console.runs.made[0]
        run.phase = "stalled"
        there = console.services.incidents.get(incident)
        assert there is not None
        there.poll(START_S + 2.0)
        path = f"/v1/incidents/{incident}/timeline"
        full = client.get(path, headers=console.bearer).json()["entries"]
        less = client.get(path, headers=officer).json()["entries"]
    assert [entry["kind"] for entry in full] == ["opened", "camera-lost", "camera-lost"]
    assert [entry["kind"] for entry in less] == ["opened"]
    console.record.store.close()


def opened_by_with(client: TestClient, console: Console) -> str:
    response = client.post("/v1/incidents", json=REAL, headers=console.bearer)
    assert response.status_code == 201, response.text
    incident: str = response.json()["incident"]
    return incident
