"""Plans: a submission's evaluation as rows of jobs, and the seeds of a job, derived anew whenever it is leased."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from envsuite.catalogue import get_suite
from envsuite.episode import Episode
from envsuite.errors import InvalidArgument, NotAllowed
from envsuite.leaderboard.evaluate import plan
from envsuite.leaderboard.executors.jobs import Job, cut
from envsuite.leaderboard.schemas import Kind, StartView
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, Seeds
from envsuite.leaderboard.store import seasons
from envsuite.leaderboard.store.files import Files
from envsuite.leaderboard.store.models import (
    ClaimRow,
    EpisodeRow,
    EvaluationRow,
    JobRow,
    SeasonRow,
    SubmissionRow,
)
from envsuite.leaderboard.store.submissions import row_of_submission
from envsuite.leaderboard.store.types import utc_now
from envsuite.leaderboard.store.views import Claim, EvaluationView
from envsuite.suites import HELD_OUT
from envsuite.task import Suite

SUITE = TypeAdapter(Suite)
EPISODE = TypeAdapter(Episode)
ROUNDS: dict[Kind, int] = {"verify": 0, "reproduce": 1, "validate": 0}
"""Round of the secret seeds that a kind of evaluation plays."""
UPLOADED = "dev"
"""The split that users play by themselves and upload."""


def plan_evaluation(
    session: Session, files: Files, submission: str, kind: Kind = "verify", *, claims: Sequence[Claim] = ()
) -> EvaluationView:
    """Returns the evaluation of a submission, cut into jobs of at most 10 episodes; planned again, the one there is.

    Args:
        session: the transaction that the jobs appear with.
        files: of the board; keeps the actions of claims.
        submission: its id.
        kind: "verify" and "reproduce" play the agent on the open season's seeds; "validate" replays `claims`.
        claims: every episode of the public "dev" split that the user has played. Where one has no actions, nothing
            can be replayed: the claims are scored as they are, and the submission stays self-reported.

    Raises `NotAllowed` when no season is open, `InvalidArgument` for claims that are not the suite's episodes.
    """
    row = row_of_submission(session, submission, lock=True)
    suite = get_suite(row.suite)
    existing = session.scalars(
        select(EvaluationRow).where(
            EvaluationRow.submission == row.number,
            EvaluationRow.kind == kind,
            EvaluationRow.round == ROUNDS[kind],
        )
    ).one_or_none()
    if existing is not None:
        return evaluation_view(session, existing)
    season = None if kind == "validate" else _season(session, row, kind)
    evaluation = EvaluationRow(
        id=secrets.token_hex(8),
        submission=row.number,
        user=row.user,
        kind=kind,
        round=ROUNDS[kind],
        season=season.number if season is not None else None,
        split=UPLOADED if kind == "validate" else HELD_OUT,
        suite=asdict(suite),
        state="queued",
        reason="",
        episodes_total=suite.episodes * row.runs,
        requeued=0,
        log_tail="",
        log_start="",
        created_at=utc_now(),
    )
    session.add(evaluation)
    session.flush()
    if kind == "validate" and not _add_claims(session, files, evaluation, suite, row.runs, claims):
        evaluation.state = "scoring"
        session.flush()
        return evaluation_view(session, evaluation)
    secret = None if season is None else seasons.secret_of(session, files, season.name)
    _add_jobs(session, evaluation, suite, row, _seeds(secret, evaluation))
    return evaluation_view(session, evaluation)


def _season(session: Session, row: SubmissionRow, kind: Kind) -> SeasonRow:
    """Returns the open season; for a reproduction that of the first evaluation, whose seeds it plays again."""
    query = select(SeasonRow).where(SeasonRow.closed_at.is_(None))
    if kind == "reproduce":
        first = select(EvaluationRow.season).where(
            EvaluationRow.submission == row.number, EvaluationRow.kind == "verify"
        )
        query = select(SeasonRow).where(SeasonRow.number == first.scalar_subquery())
    season = session.scalars(query.with_for_update(read=True)).one_or_none()  # it is not closed in the meantime
    if season is None:
        raise NotAllowed("season: none is open, so there are no held-out seeds; an admin opens one")
    if season.closing and kind != "validate":
        raise NotAllowed(f"season: {season.name} is about to close; send the submission again in the next one")
    return season


def _add_jobs(session: Session, evaluation: EvaluationRow, suite: Suite, row: SubmissionRow, seeds: Seeds) -> None:
    # The order and the cut of this plan are kept, its seeds are not: those of a lease are derived anew.
    jobs = plan(suite, split=evaluation.split, seeds=seeds, runs=row.runs, order=row.bundle_sha256)
    session.add_all(
        JobRow(
            id=f"{evaluation.id}-{position}",
            evaluation=evaluation.number,
            kind=evaluation.kind,
            task_id=job.task_id,
            run=job.run,
            position=position,
            seed_indices=[start.seed_index for start in job.starts],
            episodes=len(job.starts),
            state="waiting",
            attempts=0,
            progress=False,
            failure="",
        )
        for position, job in enumerate(cut(jobs))
    )
    session.flush()


def _seeds(secret: bytes | None, evaluation: EvaluationRow) -> Seeds:
    return PublicSeeds() if secret is None else SecretSeeds(secret, evaluation.round)


def starts_of(
    job: JobRow, evaluation: EvaluationRow, suite: Suite, bundle_sha256: str, runs: int, secret: bytes | None
) -> tuple[list[StartView], list[StartView]]:
    """Returns the seeds of a job, and of the episodes that its agent may adapt over before."""
    seeds = _seeds(secret, evaluation)
    entry = next(entry for entry in suite.tasks if entry.task_id == job.task_id)
    one = replace(suite, tasks=(entry,))
    planned = plan(one, split=evaluation.split, seeds=seeds, runs=runs, order=bundle_sha256)
    whole: Job = next(other for other in planned if other.run == job.run)
    by_index = {start.seed_index: start for start in whole.starts}
    return (
        [StartView.model_validate(by_index[index]._asdict()) for index in job.seed_indices],
        [StartView.model_validate(start._asdict()) for start in whole.adapt],
    )


def _add_claims(
    session: Session, files: Files, evaluation: EvaluationRow, suite: Suite, runs: int, claims: Sequence[Claim]
) -> bool:
    """Keeps the claims and returns whether they can be replayed; else they are the episodes that are scored."""
    episodes = [checked_episode(claim.record) for claim in claims]
    expected = {(e.task_id, run, i) for e in suite.tasks for run in range(runs) for i in range(e.episodes)}
    keys = [(episode.task_id, episode.run, episode.seed_index) for episode in episodes]
    if len(set(keys)) < len(keys) or set(keys) != expected:
        raise InvalidArgument(
            f"claims: expected every episode of {suite.name} with {runs} runs once ({len(expected)}), got {len(keys)}, "
            f"{len(set(keys) & expected)} of them the suite's"
        )
    replayable = all(claim.actions is not None or claim.actions_sha256 is not None for claim in claims)
    for claim, episode in zip(claims, episodes, strict=True):
        sha256 = claim.actions_sha256
        if claim.actions is not None:
            sha256 = files.blobs.put_json(claim.actions)
        if replayable:
            key = {"task_id": episode.task_id, "run": episode.run, "seed_index": episode.seed_index}
            session.add(ClaimRow(evaluation=evaluation.number, **key, record=episode.to_json(), actions_sha256=sha256))
        else:
            session.add(episode_row(evaluation.number, episode, sha256))
    session.flush()
    return replayable


def checked_episode(record: Any) -> Episode:
    """Returns the episode of plain data; raises `InvalidArgument` for what is none."""
    try:
        fields = {("return_" if name == "return" else name): value for name, value in dict(record).items()}
        return EPISODE.validate_python(fields)
    except (ValidationError, TypeError, ValueError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise InvalidArgument(f"episodes: expected the fields of an episode, got {str(record)[:80]}: {what}") from error


def episode_row(evaluation: int, episode: Episode, actions_sha256: str | None) -> EpisodeRow:
    """Returns the row of a scored episode."""
    return EpisodeRow(
        evaluation=evaluation,
        task_id=episode.task_id,
        run=episode.run,
        seed_index=episode.seed_index,
        outcome=episode.outcome,
        length=episode.length,
        wall_s=episode.timings.get("wall_s"),
        env_s=episode.timings.get("env_s"),
        agent_s=episode.timings.get("agent_s"),
        trajectory=episode.trajectory,
        record=episode.to_json(),
        actions_sha256=actions_sha256,
    )


def evaluation_view(session: Session, row: EvaluationRow, done: int | None = None) -> EvaluationView:
    """Returns the record of a row; `done` is counted where it is not given."""
    if done is None:
        query = select(func.count()).select_from(EpisodeRow).where(EpisodeRow.evaluation == row.number)
        done = session.scalar(query) or 0
    season = session.get(SeasonRow, row.season) if row.season is not None else None
    same = ("id", "kind", "state", "reason", "split", "round", "created_at", "started_at", "finished_at")
    return EvaluationView.model_validate(
        {
            **{name: getattr(row, name) for name in (*same, "episodes_total", "result_sha256", "ledger_index")},
            "season": season.name if season is not None else None,
            "published": season is None or season.closed_at is not None,
            "episodes_done": done,
        }
    )
