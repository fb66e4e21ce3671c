"""The queue: jobs are leased to workers, kept by heartbeats, reported and finished; what is lost is taken up again.

The rules, on which `docs/reference/store.md` says more:

- A job is a block of episodes of one task and run. Its states are waiting, leased, done and dropped.
- A lease has a token. Every report, heartbeat and finish carries it; a job that was leased again has another one, so
  that a worker that was thought dead cannot disturb its successor.
- A lease ends `LEASE_S` seconds of the queue's clock after the last word of its worker. Then the job waits again;
  episodes that are recorded stay recorded.
- After `losses.MAX_ATTEMPTS` leases in a row that ended without a new episode, the evaluation fails, with the reason.
- An episode that the environment broke off is played again, up to `losses.MAX_BROKEN_OFF` times.
- Accounts take turns, and each has one running evaluation.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, aliased

from envsuite.episode import Episode
from envsuite.errors import InvalidArgument, LeaseLost, NotAllowed, UnknownName
from envsuite.leaderboard.schemas import Finish, Kind, Offer, Report
from envsuite.leaderboard.store import eta, losses
from envsuite.leaderboard.store.clock import ticks
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.models import (
    BrokenOffRow,
    ClaimRow,
    EpisodeRow,
    EvaluationRow,
    JobRow,
    SeasonRow,
    SubmissionRow,
    UserRow,
)
from envsuite.leaderboard.store.plans import SUITE, checked_episode, episode_row, plan_evaluation, starts_of
from envsuite.leaderboard.store.submissions import row_of_submission, set_state
from envsuite.leaderboard.store.types import plain_text, utc_now
from envsuite.leaderboard.store.upsert import insert_new
from envsuite.leaderboard.store.views import Ack

__all__ = ["expire", "finish", "heartbeat", "lease", "plan_evaluation", "report", "requeue", "take_back"]

LEASE_S = 60.0
"""Seconds that a lease lasts without a word from its worker; workers send a heartbeat every quarter of it."""
_LOCK = 0x71756575
"""Key of PostgreSQL's advisory lock that evaluations are started under."""
KINDS: tuple[Kind, ...] = ("verify", "reproduce", "validate")


def lease(session: Session, files: Files, worker: str, kinds: Sequence[Kind] = KINDS) -> Offer | None:
    """Returns a job for a worker, or None when nothing waits; first ends the leases whose time is over.

    Of evaluations that run, the oldest comes first; when they have no job left, the next one is started. Two workers
    never get one job: PostgreSQL locks the row and others skip it, SQLite lets one writer in at a time.
    """
    now = expire(session)
    job = _next_job(session, kinds)
    if job is None:
        _start_one_at_a_time(session)
        while (job := _next_job(session, kinds)) is None:
            if not _start_next(session, kinds):
                return None
    job.state, job.worker, job.lease = "leased", plain_text(worker)[:200], secrets.token_urlsafe(24)
    job.leased_at, job.expires_at, job.progress = now, now + LEASE_S, False
    session.flush()
    return _offer(session, files, job)


def heartbeat(session: Session, job_id: str, lease: str) -> float:
    """Returns for how many seconds the lease lasts from now on; raises `LeaseLost` where it has ended."""
    job = _leased(session, job_id, lease)
    if job.state == "leased":
        job.expires_at = ticks(session) + LEASE_S
        session.flush()
    return LEASE_S


def report(session: Session, files: Files, job_id: str, report: Report) -> Ack:
    """Returns how many of the reported episodes were new; sending them twice changes nothing.

    The actions lie on the disk before the row that names them. Raises `LeaseLost` for a job that was leased again,
    cancelled or dropped, and `InvalidArgument` for an episode that is not the job's.
    """
    episodes = [checked_episode(record) for record in report.episodes]
    blobs = {
        episode.seed_index: files.blobs.put_json(report.actions[episode.seed_index])
        for episode in episodes
        if episode.outcome != "env_error" and report.actions.get(episode.seed_index) is not None
    }
    job = _leased(session, job_id, report.lease)
    for episode in episodes:
        _check_belongs(job, episode)
    known = _recorded(session, job)
    new = 0
    for episode in episodes:
        if episode.outcome == "env_error":
            _keep_aside(session, job, episode)
        elif episode.seed_index not in known:
            if job.state != "leased":
                raise LeaseLost(f"job {job.id}: it is {job.state} already; nothing more of it is taken")
            session.add(episode_row(job.evaluation, episode, blobs.get(episode.seed_index)))
            known.add(episode.seed_index)
            new += 1
    if job.state == "leased":
        job.progress = job.progress or new > 0
        job.expires_at = ticks(session) + LEASE_S
    session.flush()
    return Ack(recorded=new, known=len(episodes) - new)


def finish(session: Session, job_id: str, finish: Finish) -> bool:
    """Returns whether the evaluation has all its episodes now, and is due for `results.finalise_due`.

    A job with a failure, or without all its episodes, waits again; a rejection ends the whole submission. Sending it
    twice changes nothing. Raises `LeaseLost` for a job that was leased again, cancelled or dropped.
    """
    job = _leased(session, job_id, finish.lease)
    if job.state == "done":
        return session.get_one(EvaluationRow, job.evaluation).state == "scoring"
    # The last two jobs of an evaluation may be finished at once: one waits here for the other, and sees it done.
    evaluation = session.scalars(
        select(EvaluationRow).where(EvaluationRow.number == job.evaluation).with_for_update()
    ).one()
    losses.keep_circumstances(evaluation, finish)
    if finish.rejected:
        losses.reject(session, evaluation, finish.rejected)
        return False
    missing = [index for index in job.seed_indices if index not in _recorded(session, job)]
    if finish.failure or missing:
        losses.give_back(session, job, evaluation, finish, missing)
        return False
    if job.attempts == 0 and job.leased_at is not None:
        eta.measure(session, job.task_id, (ticks(session) - job.leased_at) / job.episodes)
    job.state, job.expires_at = "done", None
    session.flush()
    left = select(func.count()).select_from(JobRow)
    if session.scalar(left.where(JobRow.evaluation == evaluation.number, JobRow.state != "done")):
        return False
    evaluation.state = "scoring"
    session.flush()
    return True


def expire(session: Session) -> float:
    """Returns the queue's time, after it has taken back every job whose lease is over."""
    now = ticks(session)
    over = (
        select(JobRow)
        .where(JobRow.state == "leased", JobRow.expires_at < now)
        .order_by(JobRow.number)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    for job in session.scalars(over).all():
        losses.lose(session, job, f"worker {job.worker} was not heard of for {LEASE_S:.0f} s")
    return now


def take_back(session: Session, worker: str) -> None:
    """Takes back what a worker has leased: it begins anew, so it has left that, and nobody need wait for the end."""
    held = (
        select(JobRow)
        .where(JobRow.state == "leased", JobRow.worker == plain_text(worker)[:200])
        .order_by(JobRow.number)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    for job in session.scalars(held).all():
        losses.lose(session, job, f"worker {worker} has begun anew without finishing it")


def requeue(session: Session, submission: str) -> None:
    """Puts what has failed of a submission into the queue again, for an admin who has mended the cause.

    Episodes that are recorded stay. Raises `NotAllowed` when nothing has failed, or when the season whose seeds
    it plays has closed: they are public since.
    """
    row = row_of_submission(session, submission, lock=True)
    failed = session.scalars(
        select(EvaluationRow)
        .where(EvaluationRow.submission == row.number, EvaluationRow.state == "failed")
        .with_for_update()
    ).all()
    if not failed:
        raise NotAllowed(f"submission: nothing of {row.id} has failed; it is {row.state}")
    numbers = {evaluation.season for evaluation in failed if evaluation.season is not None}
    played_on = select(SeasonRow).where(SeasonRow.number.in_(numbers)).with_for_update(read=True)
    for season in session.scalars(played_on):  # locked: none is closed in the meantime
        if season.closed_at is not None:
            raise NotAllowed(
                f"submission: season {season.name} has closed and its seeds are public; {row.id} can only be sent again"
            )
    for evaluation in failed:
        evaluation.state, evaluation.reason, evaluation.finished_at = "queued", "", None
        evaluation.requeued += 1
        dropped = select(JobRow).where(JobRow.evaluation == evaluation.number, JobRow.state == "dropped")
        for job in session.scalars(dropped):
            job.state, job.attempts, job.failure = "waiting", 0, ""
    if row.state == "failed":
        set_state(session, row.id, "queued")
    session.flush()


def _next_job(session: Session, kinds: Sequence[Kind]) -> JobRow | None:
    """Returns the first waiting job of the evaluations that run, locked."""
    return session.scalars(
        select(JobRow)
        .join(EvaluationRow, EvaluationRow.number == JobRow.evaluation)
        .where(JobRow.state == "waiting", JobRow.kind.in_(kinds), EvaluationRow.state == "running")
        .order_by(EvaluationRow.number, JobRow.position)
        .limit(1)
        .with_for_update(of=JobRow, skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _start_one_at_a_time(session: Session) -> None:
    """Lets other workers that would start an evaluation wait for this one; SQLite has one writer in any case."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _start_next(session: Session, kinds: Sequence[Kind]) -> bool:
    """Starts the evaluation whose turn it is, and returns whether there was one."""
    other = aliased(EvaluationRow)
    busy = select(other.number).where(other.user == EvaluationRow.user, other.state == "running").exists()
    found = session.execute(
        select(EvaluationRow, UserRow)
        .join(UserRow, UserRow.number == EvaluationRow.user)
        .where(EvaluationRow.state == "queued", EvaluationRow.kind.in_(kinds), ~busy)
        .order_by(UserRow.turn, EvaluationRow.number)
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return False
    evaluation, user = found
    user.turn = 1 + (session.scalar(select(func.max(UserRow.turn))) or 0)
    evaluation.state, evaluation.started_at = "running", utc_now()
    submission = session.get_one(SubmissionRow, evaluation.submission)
    if submission.state == "queued":
        set_state(session, submission.id, "running")
    session.flush()
    return True


def _offer(session: Session, files: Files, job: JobRow) -> Offer:
    evaluation = session.get_one(EvaluationRow, job.evaluation)
    submission = session.get_one(SubmissionRow, evaluation.submission)
    season = session.get(SeasonRow, evaluation.season) if evaluation.season is not None else None
    suite = SUITE.validate_python(evaluation.suite)
    secret = files.secret(season.name) if season is not None else None
    starts, adapt = starts_of(job, evaluation, suite, submission.bundle_sha256, submission.runs, secret)
    claims = {}
    if evaluation.kind == "validate":
        query = select(ClaimRow).where(
            ClaimRow.evaluation == job.evaluation, ClaimRow.task_id == job.task_id, ClaimRow.run == job.run
        )
        claims = {row.seed_index: row for row in session.scalars(query) if row.seed_index in job.seed_indices}
    return Offer.model_validate(
        {
            "id": job.id,
            "lease": job.lease,
            "lease_s": LEASE_S,
            "kind": evaluation.kind,
            "evaluation": evaluation.id,
            "submission": submission.id,
            "bundle_sha256": submission.bundle_sha256,
            "suite": suite,
            "task_id": job.task_id,
            "run": job.run,
            "starts": starts,
            "adapt": adapt,
            "recorded": sorted(_recorded(session, job)),
            "actions": {i: files.blobs.get_json(row.actions_sha256) for i, row in claims.items()} if claims else None,
            "trajectories": {i: row.record["trajectory"] for i, row in claims.items()} if claims else None,
        }
    )


def _leased(session: Session, job_id: str, lease: str) -> JobRow:
    """Returns the job, locked; raises `LeaseLost` unless the token is that of its last lease, and it still counts."""
    job = session.scalars(
        select(JobRow).where(JobRow.id == job_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if job is None:
        raise UnknownName(f"unknown job {job_id[:80]!r}")
    if job.state == "dropped":
        state = session.get_one(EvaluationRow, job.evaluation).state
        raise LeaseLost(f"job {job.id}: its evaluation is {state}; leave it and lease another one")
    if job.lease is None or not secrets.compare_digest(job.lease.encode(), lease.encode("utf-8", "replace")):
        raise LeaseLost(f"job {job.id}: this lease has ended, and the job was given back; leave it, lease another one")
    return job


def _recorded(session: Session, job: JobRow) -> set[int]:
    """Returns the seed indices of a job that have a scored episode."""
    query = select(EpisodeRow.seed_index).where(
        EpisodeRow.evaluation == job.evaluation, EpisodeRow.task_id == job.task_id, EpisodeRow.run == job.run
    )
    return set(session.scalars(query)) & set(job.seed_indices)


def _check_belongs(job: JobRow, episode: Episode) -> None:
    if (episode.task_id, episode.run) != (job.task_id, job.run) or episode.seed_index not in job.seed_indices:
        raise InvalidArgument(
            f"episodes: expected {job.task_id}, run {job.run}, seed indices {job.seed_indices}, "
            f"got {episode.task_id}, run {episode.run}, seed index {episode.seed_index}"
        )


def _keep_aside(session: Session, job: JobRow, episode: Episode) -> None:
    """Keeps an attempt that the environment broke off: one per lease and episode, however often it is sent."""
    insert_new(
        session,
        BrokenOffRow,
        {
            "evaluation": job.evaluation,
            "task_id": job.task_id,
            "run": job.run,
            "seed_index": episode.seed_index,
            "lease": job.lease,
            "record": episode.to_json(),
        },
    )
