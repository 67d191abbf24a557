"""`lastseen demo`: the built-in drill through the live path, page and report included."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.errors import DrillError, RunError
from vision.detect import Device

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from rich.console import Console

    from api.accounts import Accounts
    from api.drill_files import Drill
    from api.drill_play import DrillRecorder
    from api.gate import Permit
    from api.incident_run import IncidentRun
    from api.journal import Journal
    from api.runs import Run, RunFactory
    from api.server import Server
    from api.targets import Target
    from calibration.answer import Answer

BUILT_IN = Path(__file__).parents[2] / "benchmarks" / "drills" / "wing"
_PATIENCE_S = 0.2
_WHO = "demo"


def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="End when the drill has been played, with status 0.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 8000,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report and the demo's state go.")
    ] = Path("runs/demo"),
    device: Annotated[Device, typer.Option(help="Where the detector runs.")] = "auto",
) -> None:
    """Play the built-in drill in real time, show the answer, serve the page, write the report.

    Examples:

      lastseen demo

      lastseen demo --exit --port 0
    """
    from rich.console import Console
    from rich.text import Text

    from api.app import create_app
    from api.drill_files import load_drill
    from api.drill_play import DrillRecorder
    from api.record import opened_record
    from api.report import write_report
    from api.run_record import save_run
    from api.server import listen
    from api.targets import load_target
    from api.truth import load_truth

    if not BUILT_IN.is_dir():
        raise DrillError(
            f"{BUILT_IN}: the built-in drill is part of the source checkout, not of the package; "
            "clone the repository, or play your own with 'lastseen drill run DIR'"
        )
    console = Console()
    drill = load_drill(BUILT_IN)
    target = load_target(BUILT_IN)
    truth = load_truth(BUILT_IN, drill.site)
    recorder = DrillRecorder(drill)
    runs: list[IncidentRun] = []
    over = threading.Event()
    with listen("127.0.0.1", port) as listener, opened_record(out / "state", own=True) as kept:
        app = create_app(
            {target.id: target},
            record=kept,
            run_factory=_recording(recorder, runs, over, device),
            holder="demo",
        )
        password = _let_in(app.state.services.accounts)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        console.print(
            f"page: {url}\nsign in as {_WHO} with the password {password} (this demo only)",
            highlight=False,
        )
        server, thread = _serve_beside(app, listener)
        try:
            run = _play(app, target, recorder, runs, over, console)
            record = recorder.record(run, time.time())
            save_run(record, out / "run.jsonl")
            write_report(record, drill.site, truth, out)
            console.print(f"report: {out / 'report.html'}", highlight=False)
            for problem in record.problems:
                console.print(Text(f"! {problem}", style="red"))
            if not record.answers:
                raise RunError(f"{drill.name}: nothing was published")
            console.print(_last_words(drill, record.answers), style="bold", highlight=False)
            if not exit_:
                console.print(f"The page stays at {url} until Ctrl-C.", highlight=False)
                while thread.is_alive():
                    thread.join(_PATIENCE_S)
        finally:
            server.should_exit = True
            thread.join()


def _let_in(accounts: Accounts) -> str:
    """The password of the demo's own account, made anew each time; it needs no second factor."""
    password = secrets.token_urlsafe(16)
    if accounts.get(_WHO) is None:
        accounts.add(
            _WHO,
            role="dispatcher",
            password=password,
            by="lastseen demo",
            now_s=time.time(),
            full_name="Demo",
            second_factor=False,
        )
    else:
        accounts.set_password(_WHO, password, by="lastseen demo", now_s=time.time())
    return password


def _last_words(drill: Drill, answers: tuple[Answer, ...]) -> str:
    return f"{drill.name}: {answers[-1].text}"


def _recording(
    recorder: DrillRecorder, runs: list[IncidentRun], over: threading.Event, device: Device
) -> RunFactory:
    """A factory whose first run is recorded for the report; later ones only play."""
    from api.run_factory import run_factory

    plain = run_factory(device)
    recorded = run_factory(device, log=recorder.log, on_made=runs.append)

    def make(
        permit: Permit,
        target: Target,
        publish: Callable[[Answer], None],
        on_end: Callable[[str], None],
        journal: Journal | None = None,
    ) -> Run:
        if runs:
            return plain(permit, target, publish, on_end, journal)

        def end(reason: str) -> None:
            on_end(reason)
            over.set()

        return recorded(permit, target, publish, end, journal)

    return make


def _serve_beside(app: FastAPI, listener: object) -> tuple[Server, threading.Thread]:
    import uvicorn

    from api.server import Server

    server = Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False), app
    )
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="page", daemon=True
    )
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RunError("the page could not be served")
        time.sleep(_PATIENCE_S)
    return server, thread


def _play(
    app: FastAPI,
    target: Target,
    recorder: DrillRecorder,
    runs: list[IncidentRun],
    over: threading.Event,
    console: Console,
) -> IncidentRun:
    from api.actors import at_the_machine
    from api.audit import machine_user
    from api.gate import Activation
    from api.live_table import LiveDisplay

    activation = Activation("exercise", target.id, "lastseen demo", "the built-in drill")
    app.state.services.incidents.open(activation, target, at_the_machine(machine_user()))
    run = runs[0]
    with LiveDisplay(console, exercise=True) as display:
        while not over.wait(_PATIENCE_S):
            display.show(recorder.progress(run, time.time()))
        display.show(recorder.progress(run, time.time()))
    return run
