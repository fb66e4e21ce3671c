"""The API of workers: lease a job, report its episodes, keep it, end it. Only here are held-out seeds told."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool

import envsuite
from envsuite.leaderboard.schemas import Finish, Kind, Offer, Record, Report
from envsuite.leaderboard.service.auth import WORKER, Worker
from envsuite.leaderboard.service.errors import Refused, documented
from envsuite.leaderboard.service.site import site_of
from envsuite.leaderboard.service.text import Id, Lease, WorkerName
from envsuite.leaderboard.store import queue

router = APIRouter(prefix="/worker", tags=["worker"], dependencies=[WORKER])
ERRORS = documented(401, 403, 404, 409)
_JSON = "application/json"
_REPORT = {
    "requestBody": {
        "required": True,
        "content": {_JSON: {"schema": {**Report.model_json_schema(), "title": "Report"}}},
    }
}


class LeaseRequest(Record):
    """Who asks for a job."""

    worker: WorkerName
    """Of one process: what an earlier job of the same name has not reported is given to others at once."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=3)] = ("verify", "reproduce", "validate")
    version: Annotated[str, Field(max_length=40)] = ""
    """Of the worker's envsuite; another one than the server's could play other episodes."""


class Heartbeat(Record):
    """A sign of life."""

    lease: Lease


class LeaseLeft(Record):
    """How long a job is still the worker's."""

    lease_s: float


class Recorded(Record):
    """What a report did."""

    recorded: int
    """Episodes that are new."""
    known: int
    """Episodes that were recorded before."""


class Finished(Record):
    """What the end of a job did."""

    complete: bool
    """Whether the evaluation has all its episodes now."""


@router.post("/lease", response_model=Offer, responses={**ERRORS, 204: {"description": "Nothing waits."}})
def lease(request: Request, user: Worker, asked: LeaseRequest) -> Response:
    """Leases a job with its held-out seeds; 204 where nothing waits."""
    site = site_of(request)
    name = f"{user.id}/{asked.worker}"
    site.workers.seen(name)
    if asked.version and asked.version != envsuite.__version__:
        raise Refused(
            409,
            "other-version",
            f"this server has envsuite {envsuite.__version__}, the worker {asked.version}",
            "Install the server's version; only equal versions play equal episodes.",
        )
    with site.db.session() as session:
        queue.take_back(session, name)
        offer = queue.lease(session, site.files, name, asked.kinds)
    if offer is None:
        return Response(status_code=204)
    site.log.write("leased", job=offer.id, worker=name, task=offer.task_id, run=offer.run)
    return Response(offer.model_dump_json(), media_type=_JSON, headers={"Cache-Control": "no-store"})


@router.post("/jobs/{job}/heartbeat", responses=ERRORS)
def heartbeat(request: Request, job: Id, beat: Heartbeat) -> LeaseLeft:
    """Prolongs a lease."""
    site = site_of(request)
    return LeaseLeft(lease_s=site.db.run(lambda session: queue.heartbeat(session, job, beat.lease)))


@router.post("/jobs/{job}/episodes", responses=ERRORS, openapi_extra=_REPORT)
async def report(request: Request, job: Id) -> Recorded:
    """Records episodes; those that are recorded already are left as they are."""
    body = await request.body()  # read here, not by the framework: only a worker may send so much
    try:
        sent = Report.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(
            422, "invalid-request", f"body.{where}: {first['msg']}", "Send a Report as /api/openapi.json has it."
        ) from error
    site = site_of(request)
    ack = await run_in_threadpool(site.db.run, lambda session: queue.report(session, site.files, job, sent))
    return Recorded(recorded=ack.recorded, known=ack.known)


@router.post("/jobs/{job}/finish", responses=ERRORS)
def finish(request: Request, job: Id, end: Finish) -> Finished:
    """Ends a lease: done, given back, or the submission cannot be run at all."""
    site = site_of(request)
    complete = site.db.run(lambda session: queue.finish(session, job, end))
    if complete:
        site.due.set()
    if end.failure or end.rejected:
        site.log.write("not-done", job=job, failure=end.failure[:500], rejected=end.rejected[:500])
    return Finished(complete=complete)
