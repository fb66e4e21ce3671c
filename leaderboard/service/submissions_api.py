"""The API of submitters: upload, look after, cancel, fetch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from envsuite.errors import NotAllowed, UnknownName
from envsuite.leaderboard.schemas import Kind, Record, State, SubmissionView, Trust, UserView
from envsuite.leaderboard.service.auth import ADMIN, Submitter, User, Visitor, check_still_valid
from envsuite.leaderboard.service.claims import read_claims
from envsuite.leaderboard.service.errors import Refused, documented
from envsuite.leaderboard.service.site import Site, site_of
from envsuite.leaderboard.service.text import Id, Sha256
from envsuite.leaderboard.service.uploads import BODY, received
from envsuite.leaderboard.store import details, queue, submissions
from envsuite.leaderboard.store.database import Session
from envsuite.leaderboard.store.views import Claim, EvaluationView
from envsuite.leaderboard.submission.bundle import Bundle
from envsuite.leaderboard.submission.manifest import SubmissionManifest
from envsuite.leaderboard.submission.names import Limits

router = APIRouter(tags=["submissions"])
DAY_S = 86_400.0
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
UPLOAD = documented(401, 403, 409, 415)


class Evaluations(Record):
    """What the server has played of a submission, oldest first."""

    evaluations: list[EvaluationView]


class Submissions(Record):
    """A page of submissions, newest first."""

    submissions: list[SubmissionView]


@router.post("/submissions", status_code=201, responses=UPLOAD, openapi_extra=BODY)
async def submit(request: Request, user: Submitter) -> SubmissionView:
    """Takes the archive of a bundle: checks it, keeps it, and puts its evaluation into the queue.

    The same bundle sent again while it waits or runs gives the same submission.
    """
    site = site_of(request)
    await run_in_threadpool(_check_day, site, user)
    with site.desk.turn(user.id):
        async with received(request, site.settings.limits.bundle_bytes) as file:
            return await site.desk.check(_take_bundle, request, user, file)


@router.post("/results", status_code=201, responses=UPLOAD, openapi_extra=BODY)
async def upload_results(request: Request, user: Submitter) -> SubmissionView:
    """Takes the archive of a results folder: self-reported numbers, validated by a replay of their actions."""
    site = site_of(request)
    await run_in_threadpool(_check_day, site, user)
    with site.desk.turn(user.id):
        async with received(request, site.settings.limits.results_bytes) as file:
            return await site.desk.check(_take_results, request, user, file)


@router.get("/submissions", responses=documented(401, 404))
def list_submissions(
    request: Request,
    visitor: Visitor,
    mine: Annotated[bool, Query(description="Only one's own, in every state; needs a token.")] = False,
    suite: Annotated[str | None, Query(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=120)] = None,
    state: State | None = None,
    trust: Trust | None = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Submissions:
    """Returns submissions without their scores: one's own, all to an admin, scored ones to everybody else."""
    site = site_of(request)
    if mine and visitor is None:
        raise Refused(401, "no-token", "one's own submissions need a token", "Send `Authorization: Bearer TOKEN`.")
    owner = visitor.id if mine and visitor is not None else None
    everything = owner is not None or (visitor is not None and visitor.role == "admin")
    if not everything and state not in (None, "scored"):
        return Submissions(submissions=[])
    views = site.db.run(
        lambda session: submissions.list_submissions(
            session,
            user=owner,
            suite=suite,
            state=state if everything else "scored",
            trust=trust,
            for_owner=everything,
            page=page,
            per_page=limit,
        ),
        read=True,
    )
    return Submissions(submissions=views)


@router.get("/submissions/{submission}", responses=documented(401, 404))
def get_submission(request: Request, visitor: Visitor, submission: Id) -> SubmissionView:
    """Returns a submission: to everybody once it is scored, to its owner and admins always, with the log's tail."""
    return _visible(site_of(request), visitor, submission)


@router.get("/submissions/{submission}/evaluations", responses=documented(401, 404))
def list_evaluations(request: Request, visitor: Visitor, submission: Id) -> Evaluations:
    """Returns the evaluations of a submission: the first one, and its reproduction."""
    site = site_of(request)
    _visible(site, visitor, submission)
    found = site.db.run(lambda session: details.evaluations(session, submission), read=True)
    return Evaluations(evaluations=found)


@router.post("/submissions/{submission}/cancel", responses=documented(401, 403, 404, 409))
def cancel(request: Request, user: User, submission: Id) -> SubmissionView:
    """Takes a submission out of the queue, or stops its evaluation."""
    site = site_of(request)
    _own(site, user, submission)
    by = "its submitter" if user.role != "admin" else "an admin"
    return site.db.run(lambda session: submissions.cancel(session, submission, f"cancelled by {by}"))


@router.post("/submissions/{submission}/requeue", dependencies=[ADMIN], responses=documented(401, 403, 404, 409))
def requeue(request: Request, submission: Id) -> SubmissionView:
    """Puts what has failed into the queue again, once its cause is mended; recorded episodes stay."""
    site = site_of(request)

    def again(session: Session) -> SubmissionView:
        queue.requeue(session, submission)
        return submissions.get(session, submission, for_owner=True)

    return site.db.run(again)


@router.post("/submissions/{submission}/reproduce", dependencies=[ADMIN], responses=documented(401, 403, 404, 409))
def reproduce(request: Request, submission: Id) -> SubmissionView:
    """Plans a second evaluation of a verified submission, with other seeds for its agent."""
    site = site_of(request)

    def plan(session: Session) -> SubmissionView:
        view = submissions.get(session, submission, for_owner=True)
        if view.trust not in ("verified", "reproduced"):
            raise NotAllowed(f"submission: only a verified one is reproduced; {view.id} is {view.trust or view.state}")
        queue.plan_evaluation(session, site.files, submission, "reproduce")
        return submissions.get(session, submission, for_owner=True)

    return site.db.run(plan)


@router.get(
    "/submissions/{submission}/result", response_class=FileResponse, responses={**documented(401, 404, 409), **FILE}
)
def get_result(request: Request, visitor: Visitor, submission: Id) -> FileResponse:
    """Returns the signed result file of a scored submission, to be checked by `envsuite verify`."""
    site = site_of(request)
    _visible(site, visitor, submission)
    privileged = visitor is not None and visitor.role == "admin"
    evaluations = site.db.run(lambda session: details.evaluations(session, submission), read=True)
    results = [one for one in evaluations if one.kind != "reproduce" and one.result_sha256 is not None]
    if not results:
        raise UnknownName(f"submission {submission}: it has no result yet")
    if not (results[-1].published or privileged):
        raise NotAllowed(
            f"result: it is published when season {results[-1].season} closes, for with it the held-out seeds could be "
            "found; until then the ledger holds its hash"
        )
    return _file(site.files.blobs.path(str(results[-1].result_sha256)), f"{submission}.jsonl")


@router.get(
    "/submissions/{submission}/bundle", response_class=FileResponse, responses={**documented(401, 403, 404), **FILE}
)
def get_bundle(request: Request, user: User, submission: Id) -> FileResponse:
    """Returns the archive of a submission to its owner and to admins."""
    site = site_of(request)
    view = _own(site, user, submission)
    return _file(site.files.blobs.path(view.bundle_sha256), f"{submission}.zip")


@router.get("/bundles/{sha256}", response_class=FileResponse, responses={**documented(401, 403, 404), **FILE})
def get_bundle_by_hash(request: Request, user: User, sha256: Sha256) -> FileResponse:
    """Returns the archive of a bundle to workers and admins."""
    if user.role not in ("worker", "admin"):
        raise Refused(403, "not-your-role", "bundles are for workers and admins", "Fetch your own by its submission.")
    return _file(site_of(request).files.blobs.path(sha256), f"{sha256}.zip")


def _visible(site: Site, visitor: UserView | None, submission: str) -> SubmissionView:
    view = site.db.run(lambda session: submissions.get(session, submission, for_owner=True), read=True)
    if visitor is not None and (visitor.role == "admin" or visitor.name == view.submitter):
        return view
    if view.state != "scored":  # as one that does not exist; its page tells whoever was given its random address
        raise UnknownName(f"unknown submission {submission!r}, or one that is not scored yet and not yours")
    return view.model_copy(update={"log_tail": ""})


def _own(site: Site, user: UserView, submission: str) -> SubmissionView:
    view = _visible(site, user, submission)
    if user.role != "admin" and user.name != view.submitter:
        raise Refused(403, "not-yours", f"submission {submission} is another account's", "Use its owner's token.")
    return view


def _check_day(site: Site, user: UserView) -> None:
    most = site.settings.limits.uploads_per_day
    if site.db.run(lambda session: submissions.uploads_today(session, user.id), read=True) >= most:
        raise Refused(
            429,
            "too-many-uploads",
            f"uploads: {user.name} has had {most} in 24 hours",
            "Send the next one tomorrow; `envsuite submission check` costs none.",
            retry_after_s=DAY_S / most,
        )


def _take_bundle(request: Request, user: UserView, file: Path) -> SubmissionView:
    site = site_of(request)
    with Bundle.open(file, Limits(), shown_as="bundle.zip") as bundle:
        check_still_valid(request)
        with bundle.archive.open("rb") as archive:
            sha256 = site.files.blobs.put_file(archive)
        return _add(site, user, bundle.manifest, sha256, "verify", ())


def _take_results(request: Request, user: UserView, file: Path) -> SubmissionView:
    site = site_of(request)
    manifest, claims = read_claims(file, user.name, site.files.blobs)
    check_still_valid(request)
    with file.open("rb") as archive:
        sha256 = site.files.blobs.put_file(archive)
    view = _add(site, user, manifest, sha256, "validate", claims)
    site.due.set()  # claims without actions need no worker
    return view


def _add(
    site: Site, user: UserView, manifest: SubmissionManifest, sha256: str, kind: Kind, claims: Sequence[Claim]
) -> SubmissionView:
    """Returns the submission and its evaluation, added in one transaction; the blobs are on the disk before."""
    per_day = site.settings.limits.uploads_per_day

    def add(session: Session) -> SubmissionView:
        view = submissions.add(session, user.id, manifest, sha256, per_day=per_day)
        queue.plan_evaluation(session, site.files, view.id, kind, claims=claims)
        return submissions.get(session, view.id, for_owner=True)

    return site.db.run(add)


def _file(path: Path, name: str) -> FileResponse:
    if not path.is_file():
        raise UnknownName(f"{name}: the server has no such file")
    return FileResponse(path, media_type="application/octet-stream", filename=name)
