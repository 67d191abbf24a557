"""`lastseen incidents` against a real server: opens, waits, follows, extends, closes."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from api.actors import MACHINE
from api.commands.incidents import app
from api.errors import ProblemError, ServeError
from tests.api.agreed import AGREEMENT
from tests.api.replayed import START_S, Console, answer, build_console, serving, subject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REAL = ("--emergency", "active-shooter", "--reason", "shots heard")


class At:
    """A command line that knows a server and a key."""

    def __init__(self, console: Console, url: str, key: str) -> None:
        self.console, self.url, self.key = console, url, key

    def run(self, *arguments: str, key: str | None = None) -> Result:
        environment = {"LASTSEEN_URL": self.url, "LASTSEEN_KEY": key or self.key}
        return CliRunner().invoke(app, list(arguments), env=environment)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[At]:
    console = build_console(tmp_path, time.time, agreement=AGREEMENT)
    with serving(console.app) as url:
        yield At(console, url, console.token)
    console.record.store.close()


def key_of(at: At, name: str, acts_as: str) -> str:
    header = at.console.key_of(name, "dispatcher", acts_as=acts_as)["Authorization"]
    return header.removeprefix("Bearer ")


def test_an_emergency_from_its_opening_to_its_end(at: At) -> None:
    assert "There are none" in at.run("list").stderr
    explained = at.run("open", "small", *REAL, "--channel", "911", "--explain")
    assert (explained.exit_code, at.console.runs.made) == (0, [])
    assert "allowed by clause 2" in explained.stdout
    opened = at.run("open", "small", *REAL, "--channel", "911")
    assert opened.exit_code == 0, opened.output
    incident = opened.stdout.split()[0]
    assert "REAL active-shooter  small  open until" in opened.stdout
    assert incident in at.run("list").stdout
    extended = json.loads(at.run("extend", incident, "--json").stdout)
    assert extended["extensions"] == 1
    assert at.run("agency", incident, "Town Police").exit_code == 0
    closed = at.run("close", incident, "--reason", "all clear")
    assert "closed by Dana: all clear" in closed.stdout


def test_following_ends_with_the_incident(at: At) -> None:
    incident = at.run("open", "small", *REAL, "--channel", "911").stdout.split()[0]

    def go_on() -> None:
        while not at.console.audited("viewer-admitted"):
            time.sleep(0.01)
        at.console.runs.made[0].say(answer(START_S, subject(at_s=START_S), text="In the gym."))
        time.sleep(0.2)
        held = at.console.services.incidents.get(incident)
        assert held is not None
        at.console.services.incidents.close(held, MACHINE, reason="all clear")

    going_on = threading.Thread(target=go_on)
    going_on.start()
    followed = at.run("follow", incident)
    going_on.join(10)
    assert followed.exit_code == 0
    assert "UTC  In the gym." in followed.stdout
    assert "closed by this program: all clear" in followed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("open", "small", "--emergency", "food-fight", "--reason", "x"), 3, "no life-safety"),
        (("open", "small", *REAL, "--explain"), 3, "no clause allows it"),
        (("open", "small", *REAL, "--for-role", "principal"), 2, "belong together"),
    ],
    ids=["refused", "would be refused", "half a caller"],
)
def test_what_is_refused(at: At, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = at.run(*arguments)
    assert result.exit_code == code, result.output
    assert said in result.output
    assert at.console.runs.made == []


def test_a_second_person_confirms_from_another_command_line(at: At) -> None:
    waits = at.run("open", "small", *REAL, "--channel", "break-glass", "--json")
    assert waits.exit_code == 4
    request = json.loads(waits.stdout)["request"]
    assert "waits for a second person" in at.run("list").stdout
    assert at.run("confirm", request).exit_code == 3  # their own
    confirmed = at.run("confirm", request, key=key_of(at, "kim", "dispatcher"))
    assert (confirmed.exit_code, len(at.console.runs.made)) == (0, 1)


def test_whoever_telephoned_is_relayed(at: At) -> None:
    told = ("--channel", "administrator", "--for-role", "principal", "--for-name", "P. Smith")
    assert at.run("open", "small", *REAL, *told).exit_code == 0
    (entry,) = at.console.audited("grant-opened")
    assert (entry["opened_by"], entry["role"], entry["actor"]) == ("P. Smith", "principal", "dana")


def test_what_goes_wrong_is_one_clear_message(at: At, tmp_path: Path) -> None:
    unknown = at.run("close", "none", "--reason", "x").exception
    assert isinstance(unknown, ProblemError)
    assert "there is no incident 'none'" in str(unknown)
    wrong = at.run("list", key="lastseen_wrong").exception
    assert isinstance(wrong, ProblemError)
    assert "lastseen_wrong" not in str(wrong)
    for arguments, said in (
        (("list", "--server", "http://127.0.0.1:9"), "cannot be reached"),
        (("list", "--server", "nonsense"), "expected an address"),
        (("list", "--key-file", str(tmp_path / "none")), "name the file that holds the key"),
    ):
        error = at.run(*arguments).exception
        assert isinstance(error, ServeError), arguments
        assert said in str(error)
    held = tmp_path / "dispatch.key"
    held.write_text(at.key + "\n")
    assert at.run("list", "--key-file", str(held), key="wrong").exit_code == 0
    nothing = CliRunner().invoke(app, ["list"], env={"LASTSEEN_KEY": ""})
    assert "no key" in str(nothing.exception)


def test_a_subject_is_marked_and_the_mark_taken_back(at: At) -> None:
    incident = at.run("open", "small", *REAL, "--channel", "911").stdout.split()[0]
    at.console.runs.made[0].say(answer(START_S, subject(at_s=START_S)))
    assert at.run("mark", incident, "S1", "confirm").stdout == "S1 confirm\n"
    listed = json.loads(at.run("mark", incident, "S1", "designate", "--json").stdout)
    assert (listed["mark"], listed["by"]) == ("designate", "Dana")
    assert at.run("mark", incident, "S1", "undo").stdout == "marks that stand: S1 confirm\n"
    assert at.run("mark", incident, "S1", "undo").stdout == "marks that stand: none\n"
    assert at.run("mark", incident, "S1", "shoot").exit_code == 2
    unknown = at.run("mark", incident, "S9", "confirm").exception
    assert isinstance(unknown, ProblemError)
    assert "it has S1" in str(unknown)
