"""What the store's read functions return beside `schemas`: rows of the board, details, comparisons."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from envsuite.leaderboard.schemas import Kind, Record, SubmissionView, Trust

Triple = tuple[float, float, float]
"""Value, low end and high end of a 95 % interval."""

Sort = Literal["rank", "iqm", "mean", "median", "optimality_gap", "success_rate", "family", "newest", "name"]
"""Orders of the board; numbers go from best to worst, and rows without one come last."""


class Filters(Record):
    """Which rows of a board are shown; None shows all."""

    family: str | None = None
    """Name of a family: the rows get that family's mean, and those without one are left out."""
    trust: Trust | None = None
    """The least level of trust."""
    budget: float | None = None
    """The most environment steps of training that a submission may declare; undeclared ones are left out."""
    learned: bool | None = None
    sort: Sort = "rank"


class BoardRow(Record):
    """A submission on the board of one suite."""

    submission: str
    """Its id."""
    name: str
    version: str
    submitter: str
    trust: Trust
    learned: bool
    runs: int
    rank: int | None
    """From 1; entries that cannot be told apart share it. None where it is not ranked."""
    rank_low: int | None
    rank_high: int | None
    """Ends of the rank's interval: the best and the worst place that the intervals of the scores allow."""
    unranked: str
    """Why it has no rank, in a sentence; empty where it has one."""
    iqm: Triple | None
    mean: Triple | None
    median: Triple | None
    optimality_gap: Triple | None
    success_rate: Triple | None
    family: Triple | None = None
    """Mean normalised score of the family that was asked for."""
    episodes: int
    failed: int
    """Episodes that the agent failed, which count as the floor."""
    budget: float | None
    """Environment steps of training, as declared."""
    tries: int
    """Submissions of the same account to this suite that have a score: what a best one was chosen from."""
    season: str | None
    """Whose held-out seeds it was scored on; None where they were public ones."""
    scored_at: datetime
    ledger_index: int | None


class BoardView(Record):
    """A page of a suite's board."""

    suite: str
    filters: Filters
    rows: list[BoardRow]
    page: int
    """From 1."""
    pages: int
    total: int
    """Rows of all pages."""
    families: list[str]
    """Families that the suite has tasks of, in its order."""
    head: int | None
    """Index of the ledger's last entry: a board with the same head is the same board."""
    season: str | None
    """The one that is open now; each row names its own."""
    updated_at: datetime | None


class TaskEntry(Record):
    """What a submission scored on one task."""

    submission: str
    name: str
    version: str
    submitter: str
    trust: Trust
    task_id: str
    metric: str
    score: Triple | None
    """In the unit of the metric."""
    normalised: Triple | None
    success: Triple | None
    runs: int
    episodes: int
    failed: int


class TaskView(Record):
    """A task and its best entries."""

    task_id: str
    suites: list[str]
    entries: list[TaskEntry]
    """Best first, over all suites; those that the server has run itself before all others."""
    total: int


class EvaluationView(Record):
    """One evaluation of a submission."""

    id: str
    kind: Kind
    state: Literal["queued", "running", "scoring", "scored", "rejected", "failed", "cancelled"]
    reason: str
    split: str
    round: int
    season: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    episodes_done: int
    episodes_total: int
    result_sha256: str | None
    """Blob of the signed result file."""
    ledger_index: int | None
    published: bool
    """Whether strangers may have its episodes: their seeds are public, or their season has closed.

    Crafter hashes any seed to 31 bits: who knows the hash of a trajectory and its actions could try them all.
    """


class EpisodeView(Record):
    """A scored episode, as pages show it."""

    task_id: str
    run: int
    seed_index: int
    record: dict[str, Any]
    """`Episode.to_json()`."""
    actions_sha256: str | None
    """Blob of its actions (gzip of JSON)."""


class SubmissionDetail(Record):
    """All that a submission's page shows; only of scored ones."""

    submission: SubmissionView
    evaluations: list[EvaluationView]
    tasks: list[TaskEntry]
    outcomes: dict[str, dict[str, int]]
    """Task id -> outcome -> number of episodes."""
    timings: dict[str, dict[str, float]]
    """Task id -> mean `wall_s`, `env_s`, `agent_s` of an episode, and `steps`."""
    row: BoardRow | None
    ledger: LedgerView | None


class CompareView(Record):
    """Two submissions on the same suite, with the episodes that both have played."""

    suite: str
    first: SubmissionView
    second: SubmissionView
    episodes: tuple[list[EpisodeView], list[EpisodeView]]
    """All scored episodes of each, in the order of task, run, seed index."""
    common_seeds: bool
    """Whether both evaluations had the same seeds, so that episodes of one index are pairs."""
    per_run: tuple[dict[str, list[float]], dict[str, list[float]]]
    """Of each, task id -> score of every training run, in the unit of the metric."""


class LedgerView(Record):
    """An entry of the ledger as it is published; `attest.Entry` as plain data, and where its payload lies."""

    index: int
    entry: dict[str, Any]
    kind: str
    subject: str
    blob_sha256: str | None
    """The payload's blob: of a result, its signed file."""


class Ack(NamedTuple):
    """What a report did."""

    recorded: int
    """Episodes that are new."""
    known: int
    """Episodes that were recorded before and are left as they are."""


class Claim(Record):
    """An episode that a user played and uploaded, to be replayed."""

    record: dict[str, Any]
    """`Episode.to_json()`."""
    actions: Any = None
    actions_sha256: str | None = None
    """Of the actions' blob, where they are one already."""


class Speed(Record):
    """How long an episode of a task takes, measured on recent jobs."""

    task_id: str
    seconds: float
    jobs: int


SubmissionDetail.model_rebuild()
