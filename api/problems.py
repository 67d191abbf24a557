"""Every error of the location API in one shape: a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from .errors import (
    ApiError,
    AuditError,
    ForbiddenError,
    NotPermittedError,
    ProblemError,
    RunError,
    StateError,
    StoreError,
)
from .problem_schemas import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)

_OUR_FAULT = "Something went wrong inside the server; its log says what. Nothing was changed."
_STORAGE = (
    "Its database does not answer, or a key cannot be read; the server's log says what to repair."
)
_BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("unreadable-request", "The request cannot be read"),
    404: ("not-found", "There is nothing at this address"),
    405: ("method-not-allowed", "This method is not allowed here"),
    413: ("request-too-large", "The request is too large"),
}


_KINDS: dict[type[ApiError], tuple[int, str, str, str]] = {
    NotPermittedError: (403, "not-permitted", "The gate does not permit this", ""),
    ForbiddenError: (403, "forbidden", "Your role does not go that far", ""),
    RunError: (409, "nothing-to-play", "The incident cannot be played", ""),
    AuditError: (
        503,
        "audit-unavailable",
        "The audit cannot be written",
        "Nothing is opened without an audit entry; the server's log says what to repair.",
    ),
    StoreError: (503, "store-unavailable", "The server's storage cannot be used", _STORAGE),
    StateError: (503, "store-unavailable", "The server's storage cannot be used", _STORAGE),
}
"""Status, slug, title and detail of what may go wrong anywhere; an empty detail stands for the
error's own text. Errors that name a path of the server, which is not for callers, have one."""


def problem_of(error: ApiError) -> ProblemError:
    """Return the problem that tells a caller of an error; what it hides is logged."""
    if isinstance(error, ProblemError):
        return error
    known = next((told for kind, told in _KINDS.items() if isinstance(error, kind)), None)
    if known is None:
        _log.error("%s: %s", type(error).__name__, error)
        return ProblemError(500, "internal-error", "Internal error", _OUR_FAULT)
    status, slug, title, detail = known
    if detail:
        _log.error("%s", error)
    return ProblemError(status, slug, title, detail or str(error))


def problem_response(
    path: str,
    error: ProblemError,
    *,
    fields: list[FieldError] | None = None,
) -> Response:
    """Return the response for `error`, which happened on a request to `path`."""
    document = Problem(
        type=f"urn:lastseen:problem:{error.slug}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        instance=path,
        errors=fields,
    )
    return Response(
        document.model_dump_json(exclude_none=True),
        status_code=error.status,
        headers={"Cache-Control": "no-store", **error.headers},
        media_type=MEDIA_TYPE,
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document, and say so in its OpenAPI."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        for operation in (one for path in document["paths"].values() for one in path.values()):
            content = operation["responses"].get("default", {}).get("content", {})
            if "application/json" in content:  # FastAPI's word for every model
                content[MEDIA_TYPE] = content.pop("application/json")
        return document

    app.openapi = openapi  # type: ignore[method-assign]
    kinds: tuple[type[Exception], ...] = (ProblemError, *_KINDS)
    for kind in kinds:
        app.add_exception_handler(kind, _api)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _api(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        return await _unexpected(request, error)
    return problem_response(request.scope["path"], problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return await _unexpected(request, error)
    # What was sent is not echoed: it may hold what does not belong into a log.
    fields = [
        FieldError(
            where=".".join(str(part) for part in item["loc"]),
            message=str(item["msg"]).removeprefix("Value error, "),
        )
        for item in error.errors()
    ]
    detail = "; ".join(f"{field.where}: {field.message}" for field in fields)
    problem = ProblemError(422, "invalid-request", "The request is not valid", detail)
    return problem_response(request.scope["path"], problem, fields=fields)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _unexpected(request, error)
    if error.status_code == HTTPStatus.NO_CONTENT:
        return Response(status_code=error.status_code)
    slug, title = _BY_STATUS.get(error.status_code, ("http-error", _phrase(error.status_code)))
    headers: Mapping[str, str] = error.headers or {}
    detail = f"{request.method} {request.scope['path']}: {title[0].lower()}{title[1:]}"
    problem = ProblemError(error.status_code, slug, title, detail, headers)
    return problem_response(request.scope["path"], problem)


async def _unexpected(request: Request, _error: Exception) -> Response:
    problem = ProblemError(500, "internal-error", "Internal error", _OUR_FAULT)
    return problem_response(request.scope["path"], problem)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
