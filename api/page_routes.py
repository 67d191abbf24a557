"""The console page, its sign-in, and the reference of the API."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, RedirectResponse

from .access import COOKIE, NEXT, PAGES, cookie_name
from .errors import ProblemError
from .services import ActorHere, ServicesHere  # noqa: TC001 - FastAPI reads the annotation
from .sessions import SHIFT_S
from .sign_in_routes import attempt, set_cookie, set_device_cookie

CONSOLE = Path(__file__).parent / "console"
"""Folder of the page's files."""

_MOST_FORM_BYTES = 8192
_MOST_FIELDS = 16

router = APIRouter(include_in_schema=False)


@router.get("/")
def get_console(request: Request) -> Response:
    """Return the console page; without a session, the sign-in form, which holds no data."""
    if request.state.signed_in:
        return FileResponse(CONSOLE / "index.html")
    return _sign_in_page(wanted=request.query_params.get(NEXT, ""))


@router.get("/tactical")
def get_tactical_page() -> Response:
    """Return the page for a phone: one camera, the way and the door."""
    return FileResponse(CONSOLE / "tactical.html")


@router.get("/calibrate")
def get_calibration_page() -> Response:
    """Return the page on which cameras are calibrated."""
    return FileResponse(CONSOLE / "calibrate.html")


@router.get("/plan-editor")
def get_plan_editor() -> Response:
    """Return the page on which floor plans are drawn."""
    return FileResponse(CONSOLE / "plan_editor.html")


@router.get("/drills")
def get_drills_page() -> Response:
    """Return the page of the drills, their runs and reports."""
    return FileResponse(CONSOLE / "drills.html")


@router.get("/docs")
def get_reference() -> Response:
    """Return the page that shows the OpenAPI document."""
    return FileResponse(CONSOLE / "docs.html")


@router.post("/session")
async def sign_in(request: Request, services: ServicesHere) -> Response:
    """Exchange a name, a password and a code for a session's cookie."""
    form = _form(await request.body())
    try:
        signed_in = await run_in_threadpool(
            attempt,
            services,
            request,
            name=form.get("name", ""),
            password=form.get("password", ""),
            code=form.get("code", ""),
            kind="browser",
        )
    except ProblemError as problem:
        if "text/html" in request.headers.get("accept", ""):
            return _sign_in_page(problem, wanted=form.get(NEXT, ""))
        raise
    before = request.cookies.get(cookie_name(COOKIE, request))
    if before is not None:
        await run_in_threadpool(services.sessions.end, before)
    wanted = form.get(NEXT, "")
    response = RedirectResponse(wanted if wanted in PAGES else "/", status_code=303)
    set_cookie(response, request, COOKIE, signed_in.session.secret, lasts_s=SHIFT_S)
    set_device_cookie(response, request, signed_in)
    return response


@router.delete("/session", status_code=204)
def sign_out(request: Request, services: ServicesHere, actor: ActorHere) -> Response:
    """End the session of this browser."""
    name = cookie_name(COOKIE, request)
    secret = request.cookies.get(name)
    if secret is not None and actor.by == "session":
        services.sign_in.sign_out(actor.name, secret, services.clock())
    response = Response(status_code=204, headers={"Clear-Site-Data": '"cache", "storage"'})
    secure = request.url.scheme == "https"
    response.delete_cookie(name, httponly=True, samesite="strict", secure=secure)
    return response


def _form(body: bytes) -> dict[str, str]:
    """The fields of a form; none where it is too large or no form."""
    if len(body) > _MOST_FORM_BYTES:
        return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _sign_in_page(problem: ProblemError | None = None, wanted: str = "") -> Response:
    page, policy = _sign_in_template()
    alert = ""
    if problem is not None:
        alert = f'<p class="alert" role="alert">{html.escape(problem.detail)}</p>'
    after = f'<input type="hidden" name="{NEXT}" value="{wanted}">' if wanted in PAGES else ""
    return Response(
        page.replace("<!-- message -->", alert).replace("<!-- next -->", after),
        status_code=200 if problem is None else problem.status,
        media_type="text/html",
        headers={"Content-Security-Policy": policy, **({} if problem is None else problem.headers)},
    )


@lru_cache(maxsize=1)
def _sign_in_template() -> tuple[str, str]:
    """Return the form and its policy.

    The form must not fetch anything, since all else needs a session, so its style stands inside;
    the policy allows exactly that one by its hash, and no script at all.
    """
    page = (CONSOLE / "sign_in.html").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = hashlib.sha256((style.group(1) if style else "").encode()).digest()
    allowed = base64.b64encode(digest).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return page, policy
