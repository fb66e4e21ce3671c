"""What single pages show: a submission with its tasks, a task with its best entries, two submissions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, defer

from envsuite.catalogue import SUITES, get_task
from envsuite.errors import InvalidArgument, NotAllowed
from envsuite.leaderboard.store import ledger
from envsuite.leaderboard.store.models import (
    EpisodeRow,
    EvaluationRow,
    ScoreRow,
    SeasonRow,
    SubmissionRow,
    TaskScoreRow,
    UserRow,
)
from envsuite.leaderboard.store.plans import evaluation_view
from envsuite.leaderboard.store.standings import RANKED_FROM, TRUST, row_of
from envsuite.leaderboard.store.submissions import row_of_submission, view
from envsuite.leaderboard.store.views import (
    CompareView,
    EpisodeView,
    EvaluationView,
    SubmissionDetail,
    TaskEntry,
    TaskView,
)

MOST_TASKS = 1000
BEST = 50
"""Entries that a task's page shows."""


def detail(session: Session, submission: str, *, for_owner: bool = False) -> SubmissionDetail:
    """Returns all that a submission's page shows, of one that has no score yet with empty parts.

    Raises `UnknownName`.
    """
    row = row_of_submission(session, submission)
    shown = view(session, row, for_owner=for_owner)
    own = session.scalar(select(ScoreRow.evaluation).where(ScoreRow.submission == row.number))
    return SubmissionDetail(
        submission=shown,
        evaluations=evaluations(session, submission),
        tasks=_entries(session, TaskScoreRow.submission == row.number, TaskScoreRow.position, MOST_TASKS),
        outcomes=_outcomes(session, own) if own is not None else {},
        timings=_timings(session, own) if own is not None else {},
        row=row_of(session, row.number),
        ledger=ledger.get_entry(session, shown.ledger_index) if shown.ledger_index is not None else None,
    )


def evaluations(session: Session, submission: str) -> list[EvaluationView]:
    """Returns the evaluations of a submission, oldest first."""
    row = row_of_submission(session, submission)
    query = select(EvaluationRow).where(EvaluationRow.submission == row.number).order_by(EvaluationRow.number)
    unread = (defer(EvaluationRow.suite), defer(EvaluationRow.score))
    return [evaluation_view(session, evaluation) for evaluation in session.scalars(query.options(*unread))]


def may_be_published(session: Session, ledger_index: int) -> bool:
    """Returns whether strangers may have the payload of a ledger entry now; see `EvaluationView.published`."""
    query = select(SeasonRow.closed_at).join(EvaluationRow, EvaluationRow.season == SeasonRow.number)
    closed = session.scalars(query.where(EvaluationRow.ledger_index == ledger_index)).all()
    return all(at is not None for at in closed)


def task(session: Session, task_id: str, *, limit: int = BEST) -> TaskView:
    """Returns a task with its best entries over all suites; raises `UnknownName`.

    Behind all others stand those that the server has not run itself, for anybody can upload any number, and agents
    that failed every episode and so have the floor.
    """
    get_task(task_id)
    best = TaskScoreRow.value.desc().nulls_last()
    own = TaskScoreRow.task_id == task_id
    played = (ScoreRow.trust_level >= RANKED_FROM) & (ScoreRow.failed < ScoreRow.episodes)
    entries = _entries(session, own & played, best, limit)
    if len(entries) < limit:
        entries += _entries(session, own & ~played, best, limit - len(entries))
    total = session.scalar(select(func.count()).select_from(TaskScoreRow).where(TaskScoreRow.task_id == task_id))
    return TaskView(
        task_id=task_id,
        suites=sorted(suite.name for suite in SUITES.values() if task_id in suite.task_ids),
        entries=entries,
        total=total or 0,
    )


def compare(session: Session, first: str, second: str) -> CompareView:
    """Returns two scored submissions of one suite with their episodes.

    Raises `UnknownName`, `NotAllowed` for one without a score, `InvalidArgument` for two suites.
    """
    rows = [row_of_submission(session, submission) for submission in (first, second)]
    if rows[0].suite != rows[1].suite:
        raise InvalidArgument(f"submissions: expected two of one suite, got {rows[0].suite} and {rows[1].suite}")
    played = [_scored_evaluation(session, row) for row in rows]
    seeds = [(evaluation.split, evaluation.season) for evaluation in played]
    return CompareView(
        suite=rows[0].suite,
        first=view(session, rows[0], for_owner=False),
        second=view(session, rows[1], for_owner=False),
        episodes=(
            list(_episodes(session, played[0].number)),
            list(_episodes(session, played[1].number)),
        ),
        common_seeds=seeds[0] == seeds[1],
        per_run=(_per_run(played[0]), _per_run(played[1])),
    )


def _per_run(evaluation: EvaluationRow) -> dict[str, list[float]]:
    return {task["task_id"]: task.get("per_run", []) for task in (evaluation.score or {}).get("tasks", [])}


def episodes(session: Session, submission: str) -> list[EpisodeView]:
    """Returns the scored episodes of a submission's evaluation on the board, by task, run and seed index."""
    return list(_episodes(session, _scored_evaluation(session, row_of_submission(session, submission)).number))


def first_episodes(session: Session, submission: str) -> list[EpisodeView]:
    """Returns the first scored episode of every task, of run 0: what a submission's page draws pictures of."""
    evaluation = _scored_evaluation(session, row_of_submission(session, submission)).number
    return list(_episodes(session, evaluation, EpisodeRow.run == 0, EpisodeRow.seed_index == 0))


def _scored_evaluation(session: Session, row: SubmissionRow) -> EvaluationRow:
    query = select(EvaluationRow).join(ScoreRow, ScoreRow.evaluation == EvaluationRow.number)
    evaluation = session.scalars(query.where(ScoreRow.submission == row.number)).one_or_none()
    if evaluation is None:
        raise NotAllowed(f"submission: {row.id} has no score yet; it is {row.state}")
    return evaluation


def _episodes(session: Session, evaluation: int, *where: ColumnElement[bool]) -> Iterator[EpisodeView]:
    columns = (EpisodeRow.task_id, EpisodeRow.run, EpisodeRow.seed_index, EpisodeRow.record, EpisodeRow.actions_sha256)
    query = select(*columns).where(EpisodeRow.evaluation == evaluation, *where)
    for row in session.execute(query.order_by(EpisodeRow.task_id, EpisodeRow.run, EpisodeRow.seed_index)):
        yield EpisodeView.model_validate(row._asdict())


def _entries(session: Session, where: Any, order: Any, limit: int) -> list[TaskEntry]:
    query = (
        select(TaskScoreRow, SubmissionRow, UserRow.name, ScoreRow.trust_level)
        .join(SubmissionRow, SubmissionRow.number == TaskScoreRow.submission)
        .join(UserRow, UserRow.number == SubmissionRow.user)
        .join(ScoreRow, ScoreRow.submission == TaskScoreRow.submission)
        .where(where)
        .order_by(order, TaskScoreRow.submission)
        .limit(limit)
    )
    return [
        TaskEntry.model_validate(
            {
                "submission": submission.id,
                "name": submission.name,
                "version": submission.version,
                "submitter": submitter,
                "trust": TRUST[level],
                "task_id": row.task_id,
                **row.data,
            }
        )
        for row, submission, submitter, level in session.execute(query)
    ]


def _outcomes(session: Session, evaluation: int) -> dict[str, dict[str, int]]:
    query = select(EpisodeRow.task_id, EpisodeRow.outcome, func.count()).where(EpisodeRow.evaluation == evaluation)
    counted: dict[str, dict[str, int]] = {}
    for task_id, outcome, count in session.execute(query.group_by(EpisodeRow.task_id, EpisodeRow.outcome)):
        counted.setdefault(task_id, {})[outcome] = count
    return counted


def _timings(session: Session, evaluation: int) -> dict[str, dict[str, float]]:
    columns = {"wall_s": EpisodeRow.wall_s, "env_s": EpisodeRow.env_s, "agent_s": EpisodeRow.agent_s}
    means = [func.avg(column) for column in columns.values()]
    query = select(EpisodeRow.task_id, func.avg(EpisodeRow.length), *means).where(EpisodeRow.evaluation == evaluation)
    return {
        task_id: {
            "steps": float(steps),
            **{name: float(value) for name, value in zip(columns, values, strict=True) if value is not None},
        }
        for task_id, steps, *values in session.execute(query.group_by(EpisodeRow.task_id))
    }
