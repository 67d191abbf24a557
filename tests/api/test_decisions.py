"""What agreements answer: the five of the documentation row by row, and rules that always hold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.agreements import Channel, load_agreement
from api.decisions import AccessRequest, CameraFacts, cameras_of, decide
from api.request_tables import ExpectedAnswer, answer_all, load_requests

if TYPE_CHECKING:
    from api.agreements import Agreement

AGREEMENTS = Path(__file__).parents[2] / "docs" / "agreements"
NAMES = ("one-town", "large-district", "county", "administrators-call", "school-officials")
NOW = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)

LOADED = {name: load_agreement(AGREEMENTS / name) for name in NAMES}


def rows() -> list[object]:
    return [
        pytest.param(name, row, id=f"{name}: {row.says}")
        for name in NAMES
        for row in load_requests(AGREEMENTS / name / "requests.toml").requests
    ]


@pytest.mark.parametrize(("name", "row"), rows())
def test_the_agreements_answer_as_they_must(name: str, row: ExpectedAnswer) -> None:
    decision = decide(LOADED[name], row.request(), row.at or NOW)
    assert (decision.allowed, decision.clause) == (row.allowed, row.clause), decision.because


def test_a_table_says_where_an_answer_differs() -> None:
    table = load_requests(AGREEMENTS / "one-town" / "requests.toml")
    answered = answer_all(LOADED["large-district"], table, NOW)
    assert any(one.differences for one in answered)
    assert not any(one.differences for one in answer_all(LOADED["one-town"], table, NOW))


def test_a_refusal_names_the_closest_clause_and_what_it_lacks() -> None:
    request = AccessRequest("headquarters", "break-glass", "armed-person", by="Watch 1")
    decision = decide(LOADED["county"], request, NOW)
    assert decision.lacks == ("no reason is given", "a second person has not confirmed it")
    assert "clause II.2" in decision.because


def test_cameras_that_stay_closed_stay_closed() -> None:
    agreement = LOADED["one-town"]
    cameras = [
        CameraFacts("hall", "interior", frozenset({"walkway"})),
        CameraFacts("lockers", "interior", frozenset({"walkway", "locker-room"})),
        CameraFacts("yard", "exterior"),
    ]
    opened = decide(agreement, AccessRequest("dispatcher", "911", "active-shooter"), NOW)
    assert cameras_of(agreement, opened, cameras) == {"hall", "yard"}
    standing = decide(agreement, AccessRequest("officer", "console"), NOW)
    assert cameras_of(agreement, standing, cameras) == {"yard"}
    refused = decide(agreement, AccessRequest("custodian", "console"), NOW)
    assert cameras_of(agreement, refused, cameras) == frozenset()


@st.composite
def requests(draw: st.DrawFn) -> tuple[Agreement, AccessRequest]:
    agreement = LOADED[draw(st.sampled_from(NAMES))]
    incidents = [*agreement.incidents.count, *agreement.incidents.never, "unheard-of", None]
    return agreement, AccessRequest(
        role=draw(st.sampled_from([*agreement.roles, "stranger"])),
        channel=draw(st.sampled_from(get_args(Channel))),
        incident=draw(st.sampled_from(incidents)),
        by=draw(st.sampled_from(["", "A"])),
        reason=draw(st.sampled_from(["", "shots"])),
        handled_by_staff=draw(st.booleans()),
        confirmed_by=draw(st.sampled_from(["", "A", "a ", "B"])),
        exercise=draw(st.booleans()),
    )


@given(requests())
def test_what_is_allowed_rests_on_a_clause_that_fits(
    asked: tuple[Agreement, AccessRequest],
) -> None:
    agreement, request = asked
    decision = decide(agreement, request, NOW)
    assert decision.because.startswith("allowed" if decision.allowed else "refused")
    if not decision.allowed:
        assert decision.kind is None
        assert not decision.placements
        return
    assert request.role in agreement.roles
    assert request.incident not in agreement.incidents.never
    if decision.kind == "exercise":
        assert request.exercise
        return
    [clause] = [clause for clause in agreement.clauses if clause.id == decision.clause]
    assert clause.effect == ("standing" if request.incident is None else "open")
    assert request.role in clause.roles
    assert not clause.channels or request.channel in clause.channels
    assert request.incident is None or request.incident in agreement.incidents.count
    if "second-person" in clause.needs:
        assert request.confirmed_by.strip().casefold() not in {"", request.by.strip().casefold()}
    if decision.longest_s is not None:
        assert decision.longest_s <= agreement.grant.longest_min * 60


@given(requests())
def test_staff_who_handle_it_never_open_more(asked: tuple[Agreement, AccessRequest]) -> None:
    agreement, request = asked
    if agreement is LOADED["administrators-call"] and request.handled_by_staff:
        assert not decide(agreement, request, NOW).allowed
