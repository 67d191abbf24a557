"""`lastseen agreement`: answers in words and JSON, an exit status to build on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.commands.agreement import app

AGREEMENTS = Path(__file__).parents[2] / "docs" / "agreements"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def ask(name: str, request: str, *more: str) -> Result:
    return run("explain", AGREEMENTS / name, "--request", request, "--at", "2026-09-01", *more)


@pytest.mark.parametrize(
    ("request_words", "status", "said"),
    [
        ("role=principal channel=911 incident=fire", 0, "allowed by clause 3.2"),
        ("role=principal channel=911 incident=scuffle", 3, "never counts"),
        ("role=officer channel=console", 0, "clause 2.1"),
        ("role=custodian channel=console", 3, "refused: no clause allows it"),
    ],
)
def test_the_answer_and_its_clause(request_words: str, status: int, said: str) -> None:
    result = ask("one-town", request_words)
    assert result.exit_code == status, result.output
    assert said in " ".join(result.output.split())


def test_json_holds_the_decision_and_which_agreement_it_is_of() -> None:
    result = ask("one-town", "role=principal channel=911 incident=fire", "--json")
    told = json.loads(result.stdout)
    assert (told["allowed"], told["clause"], told["kind"]) == (True, "3.2", "grant")
    assert told["longest_s"] == 3600
    assert told["agreement"]["version"] == "2026-1"
    assert len(told["agreement"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("role=principal", "channel is missing"),
        ("channel=911", "role is missing"),
        ("role=principal chanel=911", "'chanel=911': expected KEY=VALUE"),
        ("role=principal role=officer channel=911", "role is given twice"),
        ("role=principal channel=telegram", "expected one of 911"),
        ("role=principal channel=911 exercise=perhaps", "expected yes or no"),
        ('role=principal channel=911 by="Jane', "quote values"),
    ],
)
def test_words_that_are_no_request_are_named(words: str, message: str) -> None:
    assert message in str(ask("one-town", words).exception)


def test_check_passes_on_its_own_table_and_fails_on_anothers() -> None:
    assert run("check", AGREEMENTS / "county").exit_code == 0
    other = AGREEMENTS / "one-town" / "requests.toml"
    result = run("check", AGREEMENTS / "county", "--requests", other, "--json")
    assert result.exit_code == 1
    assert any(row["differences"] for row in json.loads(result.stdout)["requests"])
