"""Health: whether the service can do its work, for people and for what watches it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import envsuite
from envsuite.errors import StoreUnavailable
from envsuite.leaderboard.service.auth import Visitor
from envsuite.leaderboard.service.errors import documented
from envsuite.leaderboard.service.site import site_of

WORKER_LATE_S = 120.0
"""Seconds after which a worker that was heard is taken to be gone."""

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What the service can do."""

    status: Literal["ok", "degraded", "down"]
    """Down: nothing works. Degraded: pages and uploads work, evaluations wait, or the disk is nearly full."""
    version: str
    database: bool
    """Whether it answers."""
    worker_age_s: float | None
    """Seconds since a worker was heard; None where none was since the service began."""
    workers: int
    """Heard in the last two minutes."""
    disk_free_bytes: int
    notes: list[str]
    """What is wrong, in sentences."""


@router.get("/healthz", response_model=Health, responses={**documented(401), 503: {"model": Health}})
def healthz(request: Request, visitor: Visitor) -> JSONResponse:
    """Returns the health; status 503 only where nothing works."""
    del visitor  # limits how often an address asks
    site = site_of(request)
    notes = []
    try:
        site.db.check()
        database = True
    except StoreUnavailable as error:
        database = False
        site.log.error("database-down", error)
        notes.append("the database does not answer")
    age_s = site.workers.age_s()
    if age_s is None or age_s > WORKER_LATE_S:
        notes.append("no worker was heard lately: evaluations wait")
    free = site.disk_free_bytes
    if free < site.settings.disk_reserve_bytes:
        notes.append("the disk is nearly full: uploads are refused")
    health = Health(
        status="down" if not database else "degraded" if notes else "ok",
        version=envsuite.__version__,
        database=database,
        worker_age_s=None if age_s is None else round(age_s, 1),
        workers=site.workers.count(WORKER_LATE_S),
        disk_free_bytes=free,
        notes=notes,
    )
    return JSONResponse(health.model_dump(mode="json"), 200 if database else 503)
