"""Agreements are read whole or refused with every problem, and hashed by what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w

from api.agreements import AGREEMENT_FILE, load_agreement
from api.errors import AgreementError

if TYPE_CHECKING:
    from pathlib import Path


def terms() -> dict[str, Any]:
    return {
        "schema": 1,
        "title": "Memorandum",
        "version": "1",
        "district": "District",
        "agencies": ["Police"],
        "effective": "2026-01-01",
        "roles": {"principal": "of a school", "dispatcher": "of the police"},
        "incidents": {"count": {"fire": "a fire"}, "never": {"prank": "no emergency"}},
        "clauses": [
            {
                "id": "1",
                "text": "A principal may ask.",
                "effect": "open",
                "roles": ["principal"],
                "cameras": ["interior"],
            }
        ],
        "grant": {"longest_min": 30, "close_by": ["principal"]},
        "retention": {"days": 7},
    }


def write(folder: Path, table: dict[str, Any]) -> Path:
    (folder / AGREEMENT_FILE).write_text(tomli_w.dumps(table), encoding="utf-8")
    return folder


def test_a_folder_and_its_file_are_the_same_agreement(tmp_path: Path) -> None:
    folder = write(tmp_path, terms())
    assert load_agreement(folder) == load_agreement(folder / AGREEMENT_FILE)


def test_the_hash_is_of_what_it_says_not_of_how_it_is_written(tmp_path: Path) -> None:
    first = load_agreement(write(tmp_path, terms())).sha256
    reordered = dict(reversed(terms().items())) | {"title": "  Memorandum\n"}
    assert load_agreement(write(tmp_path, reordered)).sha256 == first
    other = terms() | {"retention": {"days": 8}}
    assert load_agreement(write(tmp_path, other)).sha256 != first


def test_what_is_not_written_of_later_sections_leaves_the_hash_as_it_was(tmp_path: Path) -> None:
    of_before = "b9cfe8790a943a669c0cbee064b0323d5ac843efbd6635cc2a85878cf981e718"
    assert load_agreement(write(tmp_path, terms())).sha256 == of_before
    for section in ({"survey": {"roles": ["principal"]}}, {"streams": {"heads": "clear"}}):
        assert load_agreement(write(tmp_path, terms() | section)).sha256 != of_before


@pytest.mark.parametrize(
    ("day", "in_force"),
    [("2025-12-31", False), ("2026-01-01", True), ("2026-06-30", True), ("2026-07-01", False)],
)
def test_it_holds_from_its_first_to_its_last_day(tmp_path: Path, day: str, in_force: bool) -> None:
    agreement = load_agreement(write(tmp_path, terms() | {"expires": "2026-06-30"}))
    moment = datetime.fromisoformat(f"{day}T23:59:00").replace(tzinfo=UTC)
    assert agreement.in_force(moment) is in_force


def clause(**changes: Any) -> dict[str, Any]:
    return {"clauses": [{**terms()["clauses"][0], **changes}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clauses": []}, "clauses"),
        ({"titel": "x"}, "titel: unknown key; did you mean 'title'"),
        (clause(roles=["principle"]), r"clause 1: roles: 'principle' is not in \[roles\]"),
        (clause(roles=[]), "an opening clause for anybody is none"),
        (clause(cameras=[]), "name the cameras"),
        (clause(incidents=["flood"]), r"clause 1: incidents: 'flood' is not in \[incidents\]"),
        (clause(incidents=["prank"]), r"'prank' is not in \[incidents\]"),
        (clause(channels=["telegram"]), "channels"),
        (clause(effect="standing", channels=["911"]), "standing access needs no emergency"),
        (clause(effect="standing", roles=[]), "standing access for everybody"),
        (clause(effect="refuse"), "a clause that refuses has no cameras"),
        (clause(effect="refuse", cameras=[], roles=[]), "would refuse everything"),
        ({"clauses": terms()["clauses"] * 2}, "id '1' is used twice"),
        ({"incidents": {"count": {"a": "b"}, "never": {"a": "b"}}}, "both counts and never"),
        ({"expires": "2025-01-01"}, "lies before the agreement takes effect"),
        ({"grant": {"longest_min": 0, "close_by": ["principal"]}}, "grant.longest_min"),
        ({"grant": {"longest_min": 9, "close_by": []}}, "grant.close_by"),
        (
            {"grant": {"longest_min": 9, "close_by": ["principal"], "extend_min": 5}},
            "an extension needs",
        ),
        ({"confidential": {"facts": ["retention"]}}, "told_to"),
        ({"retention": {"days": -1}}, "retention.days"),
        ({"streams": {"heads": "pixelate"}}, "streams.heads"),
        ({"streams": {"roles": ["officer"]}}, "streams.roles: 'officer' is not in"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(AgreementError, match=message) as raised:
        load_agreement(write(tmp_path, terms() | change))
    assert AGREEMENT_FILE in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgreementError, match=r"agreement\.toml: is missing"):
        load_agreement(tmp_path)
