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
from fastapi.responses import FileResponse, RedirectResponse

from .access import COOKIE
from .errors import ProblemError
from .services import ServicesHere  # noqa: TC001 - FastAPI reads the annotation
from .sessions import SESSION_S

CONSOLE = Path(__file__).parent / "console"
"""Folder of the page's files."""

_MOST_FORM_BYTES = 4096
_WRONG_TOKEN = "This token is not valid."  # noqa: S105 - a message

router = APIRouter(include_in_schema=False)


@router.get("/")
def get_console(request: Request) -> Response:
    """Return the console page; without a session, the sign-in form, which holds no data."""
    if request.state.signed_in:
        return FileResponse(CONSOLE / "index.html")
    return _sign_in_page()


@router.get("/docs")
def get_reference() -> Response:
    """Return the page that shows the OpenAPI document."""
    return FileResponse(CONSOLE / "docs.html")


@router.post("/session")
async def sign_in(request: Request, services: ServicesHere) -> Response:
    """Exchange the token for a session cookie."""
    form = parse_qs((await request.body())[:_MOST_FORM_BYTES].decode("utf-8", "replace"))
    if not services.token.accepts(form.get("token", [""])[0].strip()):
        if "text/html" in request.headers.get("accept", ""):
            return _sign_in_page(_WRONG_TOKEN)
        raise ProblemError(401, "unauthorized", "A valid token is needed", _WRONG_TOKEN)
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(
        COOKIE,
        services.sessions.begin(services.clock()),
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.delete("/session", status_code=204)
def sign_out(request: Request, services: ServicesHere) -> Response:
    """End the session."""
    services.sessions.end(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _sign_in_page(message: str = "") -> Response:
    page, policy = _sign_in_template()
    alert = f'<p class="alert" role="alert">{html.escape(message)}</p>' if message else ""
    return Response(
        page.replace("<!-- message -->", alert),
        status_code=401 if message else 200,
        media_type="text/html",
        headers={"Content-Security-Policy": policy},
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
