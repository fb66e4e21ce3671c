"""Losses: what becomes of a job that was not finished, and of the evaluation that cannot be finished without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from envsuite.leaderboard.schemas import Finish, State
from envsuite.leaderboard.store.models import BrokenOffRow, EvaluationRow, JobRow, SubmissionRow
from envsuite.leaderboard.store.submissions import LOG_TAIL, set_state, stop_evaluations
from envsuite.leaderboard.store.types import plain_text

MAX_ATTEMPTS = 5
"""Leases in a row without a new episode, after which an evaluation fails."""
MAX_BROKEN_OFF = 3
"""Attempts at an episode that the environment may break off before its evaluation fails."""
NO_SANDBOX: Mapping[str, Any] = {"provider": "unknown", "safe": False, "features": {}}
"""What a worker has that says nothing of its sandbox."""


def keep_circumstances(evaluation: EvaluationRow, finish: Finish) -> None:
    """Keeps the machine and the sandbox; of several sandboxes the one that protects least, which may be none."""
    if finish.log_tail:
        evaluation.log_tail = plain_text(finish.log_tail)[-LOG_TAIL:]
    if finish.log_start:  # tells how an agent fails that has printed nothing, too
        evaluation.log_start = plain_text(finish.log_start)[-LOG_TAIL:]
    if finish.machine is not None:
        evaluation.machine = finish.machine
    played = not finish.failure and not finish.rejected and evaluation.kind != "validate"
    sandbox = finish.sandbox or (NO_SANDBOX if played else None)
    if sandbox is not None and (evaluation.sandbox is None or evaluation.sandbox.get("safe")):
        evaluation.sandbox = dict(sandbox)


def give_back(session: Session, job: JobRow, evaluation: EvaluationRow, finish: Finish, missing: Sequence[int]) -> None:
    """Lets a job wait again, or the evaluation fail where one of its episodes cannot be had."""
    attempts = session.execute(
        select(BrokenOffRow.seed_index, BrokenOffRow.lease, BrokenOffRow.record).where(
            BrokenOffRow.evaluation == job.evaluation, BrokenOffRow.task_id == job.task_id, BrokenOffRow.run == job.run
        )
    ).all()
    allowed = MAX_BROKEN_OFF * (1 + evaluation.requeued)
    for index in missing:
        own = [attempt for attempt in attempts if attempt.seed_index == index]
        if len(own) >= allowed:
            error = (own[-1].record.get("error") or "").strip().splitlines()[-1:]
            fail(
                session,
                evaluation,
                f"the environment broke off {job.task_id}, run {job.run}, seed index {index}, {len(own)} times"
                + "".join(f": {line}" for line in error),
            )
            return
    now_broken = {attempt.seed_index for attempt in attempts if attempt.lease == job.lease}
    if not finish.failure and set(missing) <= now_broken:
        job.state, job.lease, job.expires_at = "waiting", None, None
        session.flush()
        return
    lose(session, job, finish.failure or f"worker {job.worker} left out the seed indices {list(missing)}")


def lose(session: Session, job: JobRow, why: str) -> None:
    """Takes a job back; after too many leases without a new episode its evaluation fails."""
    job.attempts = 0 if job.progress else job.attempts + 1
    job.state, job.lease, job.expires_at, job.failure = "waiting", None, None, plain_text(why)[:2000]
    session.flush()
    if job.attempts >= MAX_ATTEMPTS:
        evaluation = session.scalars(
            select(EvaluationRow).where(EvaluationRow.number == job.evaluation).with_for_update()
        ).one()
        fail(
            session,
            evaluation,
            f"{job.task_id}, run {job.run}: {job.attempts} leases in a row gave no new episode; last: {job.failure}",
        )


def fail(session: Session, evaluation: EvaluationRow, reason: str) -> None:
    """Ends an evaluation by the server's fault; a submission that has a score keeps it."""
    _end(session, evaluation, "failed", reason)


def reject(session: Session, evaluation: EvaluationRow, reason: str) -> None:
    """Ends an evaluation, and its submission, by the submission's fault."""
    _end(session, evaluation, "rejected", reason)


def _end(session: Session, evaluation: EvaluationRow, state: State, reason: str) -> None:
    submission = session.scalars(
        select(SubmissionRow).where(SubmissionRow.number == evaluation.submission).with_for_update()
    ).one()
    stop_evaluations(session, submission, state, reason)
    if submission.state != "scored":
        set_state(session, submission.id, state, reason)
