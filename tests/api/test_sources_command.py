"""`lastseen sources`: secrets shown once, and a panic button tried by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from api.audit import Audit
from api.commands import sources as command
from api.commands.sources import app, deliver
from api.errors import AccountError, StateError
from api.keys import Keys
from api.signed_messages import SignedMessage, new_secret, sign
from api.sources import Sources
from api.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.store import Store

URL = "https://lastseen.example/v1/activations/button"
EMERGENCY = ["--type", "emergency", "--emergency", "fire", "--by", "A", "--reason", "smoke"]
BODY = b'{"type":"exercise","by":"A","reason":"drill"}'


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LASTSEEN_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("LASTSEEN_DATABASE", raising=False)
    monkeypatch.delenv(command.SECRET_VARIABLE, raising=False)
    return tmp_path / "state"


@pytest.fixture
def database(state: Path) -> Iterator[Store]:
    opened = open_store(state)
    yield opened
    opened.close()


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def add(name: str = "button", *more: str) -> Result:
    about = ("--site", "north", "--acts-as", "principal", "--channel", "panic-app")
    return run("add", name, *about, *more)


# Sources


def test_a_secret_is_all_that_goes_to_the_output(state: Path, database: Store) -> None:
    result = add()
    assert result.exit_code == 0, result.output
    secret = result.stdout.strip()
    assert "shown only now" in result.stderr
    message = SignedMessage("e1", "60", sign(secret, "e1", 60, b"{}"), b"{}")
    assert Sources(database, Keys(state), Audit(database)).signed_by("button", message)


def test_the_state_folder_can_be_named(state: Path, tmp_path: Path) -> None:
    assert add("button", "--state", str(tmp_path / "other")).exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []
    listed = json.loads(run("list", "--json", "--state", tmp_path / "other").stdout)
    assert [source["name"] for source in listed] == ["button"]
    assert (tmp_path / "other" / "keys" / "server.key").exists()
    assert not (state / "keys").exists()


def test_a_renewed_secret_is_another(state: Path) -> None:
    first = json.loads(add("button", "--json").stdout)
    second = json.loads(run("secret", "button", "--json").stdout)
    assert first["source"] == second["source"] == "button"
    assert first["secret"] != second["secret"]


def test_the_list_says_what_is_disabled_and_no_secret(state: Path) -> None:
    secret = add().stdout.strip()
    assert run("disable", "button").exit_code == 0
    listed = run("list").stdout
    assert listed == "button  north  as principal  by panic-app  (disabled)\n"
    run("enable", "button")
    told = run("list", "--json").stdout
    (source,) = json.loads(told)
    assert (source["name"], source["disabled"], source["channel"]) == ("button", False, "panic-app")
    assert set(source) == {"name", "site", "acts_as", "channel", "disabled", "created_s"}
    assert secret not in listed + told


def test_changes_are_recorded_with_who_made_them(state: Path, database: Store) -> None:
    add()
    for change in ("secret", "disable", "enable"):
        run(change, "button")
    entries = list(Audit(database).entries())
    assert [entry["action"] for entry in entries] == [
        "source-added",
        "source-secret-renewed",
        "source-disabled",
        "source-enabled",
    ]
    assert all(entry["by"] for entry in entries)


@pytest.mark.parametrize("arguments", [("secret", "x"), ("disable", "x"), ("enable", "x")])
def test_a_source_that_is_not_there_is_an_error(state: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, AccountError)
    assert result.stdout == ""


# Sending


class Server:
    """Answers what it is told, and remembers what it was sent."""

    def __init__(self, *answers: int | httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.waits_s: list[float] = []
        self.now_s = 1_795_000_000.7

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer, text="told") if isinstance(answer, int) else answer

    def sleep(self, wait_s: float) -> None:
        self.waits_s.append(wait_s)
        self.now_s += wait_s

    def deliver(self, secret: str) -> httpx2.Response | None:
        with httpx2.Client(transport=httpx2.MockTransport(self)) as client:
            return deliver(
                client,
                URL,
                BODY,
                secret=secret,
                event_id="e1",
                clock=lambda: self.now_s,
                sleep=self.sleep,
            )


LATER = httpx2.Response(409, text="in progress", headers={"Retry-After": "1"})
DOWN = httpx2.ConnectError("connection refused")


@pytest.mark.parametrize(
    ("answers", "status", "waits_s"),
    [
        ((201,), 201, []),
        ((403,), 403, []),
        ((409,), 409, []),
        ((503, 201), 201, [1]),
        ((DOWN, httpx2.ReadTimeout("timed out"), 200), 200, [1, 2]),
        ((LATER, 201), 201, [1]),
        ((500, 500, 500, 500), 500, [1, 2, 4]),
        ((DOWN, DOWN, DOWN, DOWN), None, [1, 2, 4]),
        ((500, DOWN, DOWN, DOWN), None, [1, 2, 4]),
    ],
)
def test_it_is_sent_again_while_that_may_help(
    answers: tuple[Any, ...], status: int | None, waits_s: list[float]
) -> None:
    server = Server(*answers)
    answer = server.deliver(new_secret())
    assert (None if answer is None else answer.status_code) == status
    assert server.waits_s == waits_s
    assert not server.answers


def test_each_try_is_signed_anew_under_the_same_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, secret = Server(503, DOWN, 201), new_secret()
    server.deliver(secret)
    sent = [request.headers for request in server.requests]
    assert [headers["webhook-id"] for headers in sent] == ["e1"] * 3
    assert [headers["webhook-timestamp"] for headers in sent] == [
        "1795000000",
        "1795000001",
        "1795000003",
    ]
    for request in server.requests:
        sent_s = int(request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == sign(secret, "e1", sent_s, BODY)
        assert request.content == BODY
    said = capsys.readouterr().err
    assert "503 Service Unavailable: again in 1 s, under the same id" in said
    assert "connection refused: again in 2 s" in said
    assert secret not in said


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Server]:
    """Put a server behind every client that the command makes."""

    def behind(*answers: int | httpx2.Response | Exception) -> Server:
        server = Server(*answers)
        real = httpx2.Client

        def client(**options: Any) -> httpx2.Client:
            assert options == {"timeout": 10.0}
            return real(transport=httpx2.MockTransport(server), **options)

        monkeypatch.setattr(httpx2, "Client", client)
        monkeypatch.setattr(command, "PAUSES_S", (0.0, 0.0, 0.0))
        return server

    return behind


@pytest.mark.parametrize(
    ("answers", "status", "tries"),
    [
        ((201,), 0, 1),
        ((200,), 0, 1),
        ((401,), 3, 1),
        ((403,), 3, 1),
        ((307,), 3, 1),
        ((502, 502, 502, 502), 1, 4),
        ((DOWN, DOWN, DOWN, DOWN), 1, 4),
    ],
)
def test_the_exit_status_says_how_it_went(
    state: Path,
    tmp_path: Path,
    sent: Callable[..., Server],
    answers: tuple[Any, ...],
    status: int,
    tries: int,
) -> None:
    (tmp_path / "secret").write_text(f"{new_secret()}\n")
    server = sent(*answers)
    result = run("send", URL, "--secret-file", tmp_path / "secret", *EMERGENCY)
    assert result.exit_code == status, result.output
    assert len(server.requests) == tries
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1
    assert result.stdout == ("" if isinstance(answers[0], Exception) else "told\n")


def test_the_event_is_what_the_options_say(
    state: Path, sent: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv(command.SECRET_VARIABLE, secret)
    server = sent(201)
    result = run("send", URL, *EMERGENCY, "--handled-by-staff", "--id", "e7")
    assert result.exit_code == 0, result.output
    (request,) = server.requests
    assert str(request.url) == URL
    assert request.headers["webhook-id"] == "e7"
    told = Webhook(secret).verify(request.content, dict(request.headers))
    assert told == {
        "type": "emergency",
        "emergency": "fire",
        "by": "A",
        "reason": "smoke",
        "handled_by_staff": True,
    }
    assert secret not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([URL, "--type", "fire"], "emergency"),
        ([URL, "--type", "emergency", "--by", "A", "--reason", "B"], "emergency: Field required"),
        ([URL, "--type", "agency-left", "--agency", "P", "--by", "A"], "by: Extra inputs"),
        ([URL, *EMERGENCY, "--id", "a b"], "--id"),
        (["ftp://host/x", *EMERGENCY], "expected https://HOST"),
        (["/v1/activations/x", *EMERGENCY], "expected https://HOST"),
        ([URL, *EMERGENCY], "--secret-file FILE"),
    ],
)
def test_what_cannot_be_sent_is_not_sent(
    state: Path, sent: Callable[..., Server], arguments: list[str], said: str
) -> None:
    server = sent()
    result = run("send", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())
    assert not server.requests


@pytest.mark.parametrize(
    "held",
    ["", "hunter2", "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVy", "whsec_", "whsec_éé", "whsec_aHVu"],
)
def test_a_file_without_a_secret_is_named_and_not_told(
    state: Path, tmp_path: Path, held: str
) -> None:
    (tmp_path / "secret").write_text(held)
    result = run("send", URL, "--secret-file", tmp_path / "secret", *EMERGENCY)
    assert isinstance(result.exception, StateError)
    assert "holds no secret" in str(result.exception)
    assert (held or "none") not in str(result.exception)


def test_a_file_that_is_not_there_is_named(state: Path, tmp_path: Path) -> None:
    result = run("send", URL, "--secret-file", tmp_path / "none", *EMERGENCY)
    assert isinstance(result.exception, StateError)
    assert "cannot be read" in str(result.exception)
