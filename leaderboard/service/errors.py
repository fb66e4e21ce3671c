"""Errors as answers: one shape for all, and the status that every error of envsuite has."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from envsuite import errors


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str
    """For programs: one word in kebab case."""
    message: str
    """For people: what was expected and what came."""
    next: str
    """What to do about it."""


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorDetail


class Refused(HTTPException):
    """Raised in an endpoint or a middleware for a request that is not served."""

    def __init__(self, status: int, code: str, message: str, then: str, *, retry_after_s: float | None = None) -> None:
        headers = {} if retry_after_s is None else {"Retry-After": str(max(1, math.ceil(retry_after_s)))}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        super().__init__(status, detail=message, headers=headers)
        self.code, self.then = code, then


class _Answer(NamedTuple):
    status: int
    code: str
    then: str


_ANSWERS: Mapping[type[errors.EnvsuiteError], _Answer] = {
    errors.InvalidSubmission: _Answer(
        422, "invalid-submission", "Mend what is listed; `envsuite submission check` finds the same on your machine."
    ),
    errors.ResultsMismatch: _Answer(422, "invalid-results", "Upload the folder that `envsuite evaluate --out` wrote."),
    errors.UnknownName: _Answer(
        404, "not-found", "Check the name or id; `envsuite submissions` and the board's pages show those that exist."
    ),
    errors.LeaseLost: _Answer(409, "lease-lost", "Drop this job and lease another one."),
    errors.NotAllowed: _Answer(409, "not-allowed", "Do what the message names first, then ask again."),
    errors.StoreUnavailable: _Answer(503, "unavailable", "Send the request again in a moment."),
    errors.EnvsuiteError: _Answer(400, "invalid-argument", "Mend the request as the message says."),
}
"""How errors of envsuite are answered; the first class that fits counts."""
_NEXT = {
    404: "Check the address; /api/openapi.json lists those that exist.",
    405: "Use a method that the Allow header names.",
}
RETRY_S = 2.0


def answer(error: Exception) -> Refused:
    """Returns what an exception is answered with; an unknown one as 500, without its text."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, RequestValidationError):
        return Refused(422, "invalid-request", _validation(error), "Mend the fields; /api/openapi.json describes them.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        error = errors.StoreUnavailable("the server's disk is full; nothing of this request was kept")
    for kind, (status, code, then) in _ANSWERS.items():
        if isinstance(error, kind):
            return Refused(status, code, str(error), then, retry_after_s=RETRY_S if status == 503 else None)
    return Refused(
        500, "internal", "the server failed in a way that was not foreseen", "Tell its admin the request's id."
    )


def to_response(refused: Refused) -> JSONResponse:
    """Returns the answer as JSON."""
    body = {"error": {"code": refused.code, "message": str(refused.detail), "next": refused.then}}
    return JSONResponse(body, refused.status_code, headers=refused.headers)


def from_http(error: HTTPException) -> Refused:
    """Returns an error of the framework, such as 404 for an address, in our shape."""
    status = error.status_code
    refused = Refused(
        status,
        HTTPStatus(status).phrase.lower().replace(" ", "-"),
        str(error.detail),
        _NEXT.get(status, "Mend the request as the message says."),
    )
    refused.headers = {**(refused.headers or {}), **(error.headers or {})}
    return refused


def _validation(error: RequestValidationError) -> str:
    """Returns every field at fault, without what was sent, which may hold secrets."""
    told = []
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"])
        told.append(f"{where}: {one['msg']}")
    return "; ".join(told[:20]).encode(errors="replace").decode()


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the answers of an endpoint that are errors, for its OpenAPI."""
    always = (400, 408, 413, 422, 429, 500, 503)
    return {status: {"model": ErrorBody} for status in sorted({*always, *statuses})}


def on_page(request: Request) -> bool:
    """Returns whether the request is for a page, to be answered in HTML."""
    return not request.url.path.startswith(("/api/", "/healthz"))
