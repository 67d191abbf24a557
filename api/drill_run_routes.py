"""`/v1/drills`: drills of this server, their runs, and the reports of these."""
# ruff: noqa: FAST003 - the dependencies read the ids from the path

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from . import drill_run_messages as messages
from . import drill_run_schemas as schemas
from . import examples
from .drill_comparisons import comparison
from .drill_run_files import KeptRun
from .errors import NotPermittedError, ProblemError, StateError
from .report import JSON_NAME
from .report_page import policy_of
from .services import DOCUMENTED_BEARER, ActorHere, ServicesHere, services_of
from .targets import Target

if TYPE_CHECKING:
    from .services import Services

_NO_DRILL = examples.problem_example(
    404, "drill-not-found", "No such drill", "this server was not started with a drill 'wing'"
)
_NO_RUN = examples.problem_example(
    404, "drill-run-not-found", "No such run", "there is no run '2026' of wing here"
)
_BUSY = examples.problem_example(
    409, "drill-run-going-on", "A run of a drill is going on", "one plays at a time"
)
_HTML: dict[str, Any] = {
    "description": "A page of one file, in a sandbox: it has another origin than the server.",
    "content": {"text/html": {"example": "<!DOCTYPE html><html lang=en>…</html>"}},
}

router = APIRouter(
    prefix="/v1/drills",
    tags=["drills"],
    dependencies=[DOCUMENTED_BEARER],
    responses={401: examples.UNAUTHORIZED, 403: examples.FORBIDDEN, 422: examples.INVALID},
)


def _drill(
    request: Request,
    actor: ActorHere,
    drill: Annotated[str, Path(description="Id of the drill.", max_length=200)],
) -> Target:
    actor.need("exercise")
    services = services_of(request)
    target = services.incidents.targets.get(drill)
    if target is None or target.kind != "drill" or not actor.may("exercise", drill):
        raise ProblemError(
            404,
            "drill-not-found",
            "No such drill",
            f"this server was not started with a drill {drill!r}; GET /v1/drills lists them",
        )
    refusal = services.drill_runs.refusal_to_see(target, actor)
    if refusal is not None:
        raise NotPermittedError(refusal)
    return target


DrillHere = Annotated[Target, Depends(_drill)]


def _run(
    request: Request,
    target: DrillHere,
    run: Annotated[str, Path(description="Id of the run.", max_length=80)],
) -> KeptRun:
    return _kept(services_of(request), target, run)


RunHere = Annotated[KeptRun, Depends(_run)]


@router.get(
    "",
    responses={
        200: examples.json_example(
            schemas.DrillList(drills=(messages.DRILL,), playing=messages.PLAYING), "The drills"
        )
    },
)
def list_drills(services: ServicesHere, actor: ActorHere) -> schemas.DrillList:
    """List the drills whose runs this account may see, with the newest run of each."""
    actor.need("exercise")
    theirs = [
        target
        for target in tuple(services.incidents.targets.values())
        if target.kind == "drill"
        and actor.may("exercise", target.id)
        and services.drill_runs.refusal_to_see(target, actor) is None
    ]
    playing = services.drill_runs.playing()
    if playing is not None and playing.drill not in {target.id for target in theirs}:
        playing = None
    return schemas.DrillList(
        drills=tuple(_about(services, target) for target in theirs),
        playing=None if playing is None else messages.playing_message(playing),
    )


@router.get(
    "/{drill}/runs",
    responses={
        200: examples.json_example(
            schemas.DrillRunList(drill=messages.DRILL, runs=(messages.RUN,)), "The runs"
        ),
        404: _NO_DRILL,
    },
)
def list_runs(services: ServicesHere, target: DrillHere) -> schemas.DrillRunList:
    """List the runs of a drill that are kept, newest first, and the one that plays."""
    days = services.drill_runs.days(target)
    kept = services.drill_runs.files.runs(target.id)
    return schemas.DrillRunList(
        drill=_about(services, target),
        runs=tuple(messages.run_message(one, days) for one in kept),
    )


@router.post(
    "/{drill}/runs",
    status_code=202,
    responses={
        202: examples.json_example(messages.PLAYING, "It plays"),
        404: _NO_DRILL,
        409: _BUSY,
    },
)
def start_run(
    services: ServicesHere, actor: ActorHere, target: DrillHere, how: schemas.StartRun
) -> schemas.PlayingRun:
    """Play a drill, as an exercise that the gate allows; it goes on when the page is closed.

    One plays at a time, and none while a real emergency is open.
    """
    return messages.playing_message(services.drill_runs.start(target, actor, how.speed))


@router.delete("/{drill}/runs/{run}", status_code=204, responses={404: _NO_RUN})
def end_run(
    services: ServicesHere,
    actor: ActorHere,
    target: DrillHere,
    run: Annotated[str, Path(description="Id of the run.", max_length=80)],
) -> Response:
    """Cancel the run that plays, or delete one that is kept; nothing of it is left."""
    playing = services.drill_runs.playing(target.id)
    if playing is not None and playing.run == run:
        services.drill_runs.cancel(run, actor)
    else:
        services.drill_runs.delete(_kept(services, target, run), actor)
    return Response(status_code=204)


@router.get(
    "/{drill}/runs/{run}/report",
    response_class=Response,
    responses={200: _HTML, 404: _NO_RUN},
)
def get_report(
    services: ServicesHere,
    actor: ActorHere,
    kept: RunHere,
    *,
    download: Annotated[bool, Query(description="Save it instead of showing it.")] = False,
) -> Response:
    """Return the page of a run's report. That it was shown, and to whom, is in the audit."""
    page = _read(services, kept)
    services.drill_runs.shown(kept, actor, "report")
    return _page(page, f"{kept.drill}-{kept.run}.html" if download else None)


@router.get(
    "/{drill}/runs/{run}/figures",
    response_class=Response,
    responses={
        200: {
            "description": "`report.json`, see its reference.",
            "content": {"application/json": {"example": {"drill": "Rifle in the school wing"}}},
        },
        404: _NO_RUN,
    },
)
def get_figures(services: ServicesHere, actor: ActorHere, kept: RunHere) -> Response:
    """Return all figures of a run. That they were shown, and to whom, is in the audit."""
    path = services.drill_runs.files.path(kept) / JSON_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _gone(kept) from error
    services.drill_runs.shown(kept, actor, "figures")
    return Response(
        content,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{kept.drill}-{kept.run}.json"'},
    )


@router.get(
    "/{drill}/comparison",
    response_class=Response,
    responses={
        200: {
            **_HTML,
            "content": {**_HTML["content"], "application/json": {"example": {"schema": 1}}},
        },
        404: _NO_RUN,
        409: examples.problem_example(
            409, "runs-not-comparable", "These runs cannot be compared", "the truth was changed"
        ),
    },
)
def compare_runs(
    services: ServicesHere,
    actor: ActorHere,
    target: DrillHere,
    a: Annotated[str, Query(description="The run to be measured by.", max_length=80)],
    b: Annotated[str, Query(description="The other run.", max_length=80)],
    form: Annotated[Literal["html", "json"], Query(description="A page, or its figures.")] = "html",
    *,
    download: Annotated[bool, Query(description="Save it instead of showing it.")] = False,
) -> Response:
    """Compare two runs of a drill. That it was shown, and to whom, is in the audit."""
    pair = _kept(services, target, a), _kept(services, target, b)
    made = comparison(services.drill_runs.files, *pair)
    for kept in pair:
        services.drill_runs.shown(kept, actor, "comparison")
    if form == "json":
        return Response(made.as_json, media_type="application/json")
    return _page(made.page, f"{target.id}-{a}-{b}.html" if download else None)


def _about(services: Services, target: Target) -> schemas.Drill:
    runs = services.drill_runs
    return messages.drill_message(
        target,
        runs.facts(target),
        runs.files.runs(target.id),
        runs.days(target),
        runs.playing(target.id),
        runs.failed(target.id),
    )


def _kept(services: Services, target: Target, run: str) -> KeptRun:
    kept = services.drill_runs.files.run(target.id, run)
    if kept is None:
        raise ProblemError(
            404,
            "drill-run-not-found",
            "No such run",
            f"there is no run {run!r} of {target.id} here; GET /v1/drills/{target.id}/runs lists "
            "them",
        )
    return kept


def _read(services: Services, kept: KeptRun) -> str:
    try:
        return services.drill_runs.files.page(kept)
    except StateError as error:
        raise _gone(kept) from error


def _gone(kept: KeptRun) -> ProblemError:
    return ProblemError(
        404,
        "drill-run-not-found",
        "No such run",
        f"the report of run {kept.run!r} is not there any more",
    )


def _page(page: str, name: str | None) -> Response:
    headers = {"Content-Security-Policy": policy_of(page)}
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(page, media_type="text/html", headers=headers)
