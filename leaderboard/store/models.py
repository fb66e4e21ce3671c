"""The tables. Rows never leave the store: its functions return records of `schemas` and `views`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, MetaData, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from envsuite.leaderboard.store.types import Json, Utc

Number = BigInteger().with_variant(Integer(), "sqlite")
"""A row's number: SQLite counts up by itself only in a column declared INTEGER."""


class Base(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: Utc, str: Text}


def _number() -> Mapped[int]:
    return mapped_column(Number, primary_key=True, autoincrement=True)


class UserRow(Base):
    """An account."""

    __tablename__ = "users"
    number: Mapped[int] = _number()
    id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    name_key: Mapped[str] = mapped_column(String(80), unique=True)
    """The name as it is compared: without case."""
    role: Mapped[str] = mapped_column(String(16))
    disabled: Mapped[bool] = mapped_column(default=False)
    turn: Mapped[int] = mapped_column(default=0)
    """Counts up over all accounts: who was served last has the highest."""
    created_at: Mapped[datetime]


class TokenRow(Base):
    """A token, as the SHA-256 of its secret."""

    __tablename__ = "tokens"
    number: Mapped[int] = _number()
    id: Mapped[str] = mapped_column(String(32), unique=True)
    user: Mapped[int] = mapped_column(ForeignKey("users.number"), index=True)
    prefix: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SeasonRow(Base):
    """A season of held-out seeds; the secret is in a file until it has closed."""

    __tablename__ = "seasons"
    number: Mapped[int] = _number()
    name: Mapped[str] = mapped_column(String(80), unique=True)
    commitment: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    closing: Mapped[bool] = mapped_column(default=False)
    """Whether its end was asked for: what waits is still played, nothing new is taken."""
    closed_at: Mapped[datetime | None]
    secret: Mapped[str | None] = mapped_column(String(64))


class SubmissionRow(Base):
    """An uploaded agent, or uploaded results."""

    __tablename__ = "submissions"
    number: Mapped[int] = _number()
    id: Mapped[str] = mapped_column(String(32), unique=True)
    user: Mapped[int] = mapped_column(ForeignKey("users.number"))
    name: Mapped[str]
    version: Mapped[str]
    suite: Mapped[str] = mapped_column(String(120))
    authors: Mapped[Any] = mapped_column(Json)
    licence: Mapped[str]
    declared: Mapped[Any] = mapped_column(Json)
    learned: Mapped[bool]
    runs: Mapped[int]
    bundle_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    trust: Mapped[str | None] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_submissions_user_created_at", "user", "created_at"),
        Index("ix_submissions_suite_state", "suite", "state"),
        Index("ix_submissions_state", "state", "number"),
        Index("ix_submissions_bundle", "user", "bundle_sha256"),
    )


class EvaluationRow(Base):
    """One run of a submission by the server; `round` tells a reproduction's seeds from the first ones."""

    __tablename__ = "evaluations"
    number: Mapped[int] = _number()
    id: Mapped[str] = mapped_column(String(32), unique=True)
    submission: Mapped[int] = mapped_column(ForeignKey("submissions.number"))
    user: Mapped[int] = mapped_column(ForeignKey("users.number"))
    kind: Mapped[str] = mapped_column(String(16))
    round: Mapped[int]
    season: Mapped[int | None] = mapped_column(ForeignKey("seasons.number"))
    split: Mapped[str] = mapped_column(String(16))
    suite: Mapped[Any] = mapped_column(Json)
    """The whole protocol, so that a later change of the catalogue changes no evaluation under way."""
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(default="")
    episodes_total: Mapped[int]
    requeued: Mapped[int] = mapped_column(default=0)
    """How often an admin has sent it back into the queue."""
    log_tail: Mapped[str] = mapped_column(default="")
    log_start: Mapped[str] = mapped_column(default="")
    """What was printed before the first observation."""
    sandbox: Mapped[Any | None] = mapped_column(Json)
    machine: Mapped[Any | None] = mapped_column(Json)
    score: Mapped[Any | None] = mapped_column(Json)
    result_sha256: Mapped[str | None] = mapped_column(String(64))
    ledger_index: Mapped[int | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_evaluations_one_of_a_kind", "submission", "kind", "round", unique=True),
        Index(
            "uq_evaluations_one_running",
            "user",
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_evaluations_state", "state", "number"),
    )


class JobRow(Base):
    """A block of an evaluation's episodes; its seeds are derived when it is leased and never stored."""

    __tablename__ = "jobs"
    number: Mapped[int] = _number()
    id: Mapped[str] = mapped_column(String(40), unique=True)
    evaluation: Mapped[int] = mapped_column(ForeignKey("evaluations.number"))
    kind: Mapped[str] = mapped_column(String(16))
    task_id: Mapped[str] = mapped_column(String(120))
    run: Mapped[int]
    position: Mapped[int]
    """Place among its evaluation's jobs, in the order that the plan has."""
    seed_indices: Mapped[Any] = mapped_column(Json)
    episodes: Mapped[int]
    """How many seed indices it has."""
    state: Mapped[str] = mapped_column(String(16))
    """waiting, leased, done or dropped."""
    lease: Mapped[str | None] = mapped_column(String(64))
    worker: Mapped[str | None]
    leased_at: Mapped[float | None]
    expires_at: Mapped[float | None]
    """In ticks of the queue's clock."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Leases in a row that ended without a single new episode."""
    progress: Mapped[bool] = mapped_column(default=False)
    """Whether the lease that runs has brought a new episode."""
    failure: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index("ix_jobs_evaluation", "evaluation", "state", "position"),
        Index("ix_jobs_state", "state", "number"),
    )


class EpisodeRow(Base):
    """A scored episode. Append-only: triggers refuse UPDATE and DELETE."""

    __tablename__ = "episodes"
    evaluation: Mapped[int] = mapped_column(ForeignKey("evaluations.number"), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True)
    seed_index: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16))
    length: Mapped[int]
    wall_s: Mapped[float | None]
    env_s: Mapped[float | None]
    agent_s: Mapped[float | None]
    trajectory: Mapped[str] = mapped_column(String(64))
    record: Mapped[Any] = mapped_column(Json)
    """`Episode.to_json()`, whole: what every number is computed from."""
    actions_sha256: Mapped[str | None] = mapped_column(String(64))


class BrokenOffRow(Base):
    """An attempt that the environment broke off; kept aside, the episode is played again on the same seed."""

    __tablename__ = "broken_off"
    number: Mapped[int] = _number()
    evaluation: Mapped[int] = mapped_column(ForeignKey("evaluations.number"))
    task_id: Mapped[str] = mapped_column(String(120))
    run: Mapped[int]
    seed_index: Mapped[int]
    lease: Mapped[str] = mapped_column(String(64))
    record: Mapped[Any] = mapped_column(Json)
    __table_args__ = (
        Index("uq_broken_off_attempt", "evaluation", "task_id", "run", "seed_index", "lease", unique=True),
    )


class ClaimRow(Base):
    """An episode that a user uploaded, to be compared with its replay."""

    __tablename__ = "claims"
    evaluation: Mapped[int] = mapped_column(ForeignKey("evaluations.number"), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True)
    seed_index: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[Any] = mapped_column(Json)
    actions_sha256: Mapped[str] = mapped_column(String(64))


class LedgerRow(Base):
    """An entry of the chain. Append-only; the primary key forbids a second entry of one index, hence a fork."""

    __tablename__ = "ledger"
    index: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    entry: Mapped[Any] = mapped_column(Json)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    previous: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str]
    blob_sha256: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime]


class ClockRow(Base):
    """One row: the clock that leases are measured with (see `clock.ticks`)."""

    __tablename__ = "queue_clock"
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ticks: Mapped[float]
    wall: Mapped[float]
    __table_args__ = (CheckConstraint("number = 1", name="one_row"),)


class SpeedRow(Base):
    """Seconds that an episode of a task takes, a running mean over jobs."""

    __tablename__ = "speeds"
    task_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    seconds: Mapped[float]
    jobs: Mapped[int]


class ScoreRow(Base):
    """A row of the board: the best score of a submission, made for reading."""

    __tablename__ = "scores"
    submission: Mapped[int] = mapped_column(ForeignKey("submissions.number"), primary_key=True)
    evaluation: Mapped[int] = mapped_column(ForeignKey("evaluations.number"))
    user: Mapped[int]
    suite: Mapped[str] = mapped_column(String(120))
    name: Mapped[str]
    trust_level: Mapped[int]
    """Place in `TRUST`."""
    learned: Mapped[bool]
    runs: Mapped[int]
    budget: Mapped[float | None]
    iqm: Mapped[float | None]
    iqm_low: Mapped[float | None]
    iqm_high: Mapped[float | None]
    mean: Mapped[float | None]
    mean_low: Mapped[float | None]
    mean_high: Mapped[float | None]
    median: Mapped[float | None]
    median_low: Mapped[float | None]
    median_high: Mapped[float | None]
    gap: Mapped[float | None]
    gap_low: Mapped[float | None]
    gap_high: Mapped[float | None]
    success: Mapped[float | None]
    success_low: Mapped[float | None]
    success_high: Mapped[float | None]
    rank: Mapped[int | None]
    rank_low: Mapped[int | None]
    rank_high: Mapped[int | None]
    unranked: Mapped[str] = mapped_column(default="")
    place: Mapped[int] = mapped_column(default=0)
    """Order on the board: ranked by IQM, then the others."""
    episodes: Mapped[int]
    failed: Mapped[int]
    scored_at: Mapped[datetime]
    __table_args__ = (
        Index("ix_scores_place", "suite", "place"),
        Index("ix_scores_iqm", "suite", "iqm"),
        Index("ix_scores_mean", "suite", "mean"),
        Index("ix_scores_median", "suite", "median"),
        Index("ix_scores_gap", "suite", "gap"),
        Index("ix_scores_success", "suite", "success"),
        Index("ix_scores_scored_at", "suite", "scored_at"),
        Index("ix_scores_name", "suite", "name"),
        Index("ix_scores_user", "suite", "user"),
    )


class TaskScoreRow(Base):
    """What a submission scored on one task."""

    __tablename__ = "task_scores"
    submission: Mapped[int] = mapped_column(ForeignKey("submissions.number"), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    position: Mapped[int]
    value: Mapped[float | None]
    data: Mapped[Any] = mapped_column(Json)
    """The rest of `TaskEntry`."""
    __table_args__ = (Index("ix_task_scores_best", "task_id", "value"),)


class FamilyScoreRow(Base):
    """Mean normalised score of a submission on one family."""

    __tablename__ = "family_scores"
    submission: Mapped[int] = mapped_column(ForeignKey("submissions.number"), primary_key=True)
    family: Mapped[str] = mapped_column(String(40), primary_key=True)
    suite: Mapped[str] = mapped_column(String(120))
    value: Mapped[float]
    low: Mapped[float]
    high: Mapped[float]
    __table_args__ = (Index("ix_family_scores_best", "suite", "family", "value", "submission"),)


class BoardStateRow(Base):
    """Up to which entry of the ledger the ranks of a suite are computed."""

    __tablename__ = "boards"
    suite: Mapped[str] = mapped_column(String(120), primary_key=True)
    changed: Mapped[int]
    """Counts up with every change of the suite's scores."""
    ranked: Mapped[int]
    """Value of `changed` that the ranks were computed from."""
    updated_at: Mapped[datetime | None]
