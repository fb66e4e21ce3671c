"""The service as an ASGI application: API, pages, limits, logs, health."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import TypeGuard

import envsuite
from envsuite.errors import EnvsuiteError, MissingExtra

try:
    from fastapi import Depends, FastAPI, Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import Response
    from starlette.exceptions import HTTPException
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
except ImportError as error:
    raise MissingExtra('the service needs FastAPI; run: pip install "envsuite[leaderboard]"') from error

from envsuite.leaderboard.service import admin_api, health, pages, public_api, submissions_api, worker_api
from envsuite.leaderboard.service.auth import page_reader
from envsuite.leaderboard.service.errors import Refused, answer, from_http, on_page, to_response
from envsuite.leaderboard.service.head import HeadRequests
from envsuite.leaderboard.service.limits import BodyLimits
from envsuite.leaderboard.service.logs import Log, RequestLog
from envsuite.leaderboard.service.scorer import Scorer
from envsuite.leaderboard.service.settings import ServiceLimits, Settings
from envsuite.leaderboard.service.site import Site

API = "/api/v1"
ROUTERS = (public_api.router, submissions_api.router, worker_api.router, admin_api.router)
_FORM = 64 * 2**10
"""Bytes by which a form may be larger than the file in it."""


def create_app(settings: Settings | None = None, *, log: Log | None = None) -> FastAPI:
    """Returns the application; its database must have been prepared (`Database.upgrade`).

    While it runs (`lifespan`), a thread of its own scores the evaluations whose episodes are all there.
    """
    site = Site(settings or Settings(), log)
    app = FastAPI(
        title="envsuite board",
        version=envsuite.__version__,
        description="Submissions, the board, its ledger, and the queue of workers.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # the interactive page would load scripts of a third party
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.site = site
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(health.router)
    app.include_router(pages.router, dependencies=[Depends(page_reader)])
    for kind in (EnvsuiteError, RequestValidationError, HTTPException, OSError):
        app.add_exception_handler(kind, _handle)
    app.add_middleware(HeadRequests)
    app.add_middleware(BodyLimits, limits=site.settings.limits, largest=_largest(site.settings.limits))
    app.add_middleware(Unforeseen)
    app.add_middleware(RequestLog, log=site.log)
    return app


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    site: Site = app.state.site
    with Scorer(site):
        yield
    site.close()


def _largest(limits: ServiceLimits) -> Callable[[Scope], int]:
    """Returns the function that tells how large the body of a request may be."""

    def largest(scope: Scope) -> int:
        path = str(scope["path"])
        if scope["method"] == "POST":
            if path == f"{API}/submissions":
                return limits.bundle_bytes + _FORM
            if path == f"{API}/results":
                return limits.results_bytes + _FORM
            if path.startswith(f"{API}/worker/jobs/") and path.endswith("/episodes"):
                return limits.report_bytes
        return limits.json_bytes

    return largest


class Unforeseen:
    """Middleware that answers errors which nobody has foreseen; inside the log, which tells the request's id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; an answer that has begun cannot be taken back and is broken off."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            response = await _handle(Request(scope), error)
            await response(scope, receive, send)


async def _handle(request: Request, error: Exception) -> Response:
    """Answers an error: in JSON below /api, as a page elsewhere."""
    site: Site = request.app.state.site
    refused = from_http(error) if _is_http(error) else answer(error)
    if refused.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        site.log.error("error", error, id=getattr(request.state, "request_id", None))
    if not on_page(request):
        return to_response(refused)
    title = HTTPStatus(refused.status_code).phrase
    response = pages.message(request, refused.status_code, title, str(refused.detail))
    response.headers.update(refused.headers or {})
    return response


def _is_http(error: Exception) -> TypeGuard[HTTPException]:
    return isinstance(error, HTTPException) and not isinstance(error, Refused)
