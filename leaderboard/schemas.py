"""The records that server, worker and command exchange; the API's schema is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from envsuite.task import Suite

Trust = Literal["self-reported", "validated", "verified", "reproduced"]
"""From least to most: uploaded numbers; recorded actions replayed; run by the server on held-out seeds; run twice."""
State = Literal["queued", "running", "scored", "rejected", "failed", "cancelled"]
"""Rejected: the submission is at fault. Failed: the server is, and an admin is asked to look."""
Kind = Literal["verify", "reproduce", "validate"]
"""Kind of an evaluation: the agent on held-out seeds, the same once more, the replay of uploaded actions."""
Role = Literal["submitter", "worker", "admin"]


class Record(BaseModel):
    """Base of all records: unknown fields are refused, none is changed after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class UserView(Record):
    """An account."""

    id: str
    name: str
    role: Role
    created_at: datetime
    disabled: bool = False


class TokenView(Record):
    """A token without its secret, which is shown once, when it is made."""

    id: str
    user: str
    prefix: str
    """First characters, to tell tokens apart."""
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class SubmissionView(Record):
    """A submission as its owner, and after scoring everyone, sees it."""

    id: str
    name: str
    version: str
    suite: str
    submitter: str
    """Name of the account."""
    authors: list[str]
    licence: str
    trust: Trust | None
    """None until there is a score."""
    state: State
    reason: str = ""
    """Why it was rejected, failed or cancelled, in sentences."""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    place: int | None = None
    """Place in the queue, from 1; None when it does not wait."""
    eta_s: float | None = None
    """Estimated seconds until it is scored; None where nothing is known yet."""
    episodes_done: int = 0
    episodes_total: int = 0
    runs: int = 1
    """Training runs that the submission declares."""
    learned: bool = True
    """Whether the agent was trained; then five runs are needed to be ranked."""
    bundle_sha256: str
    declared: dict[str, Any] = Field(default_factory=dict)
    """Manifest fields shown as declared: training budget, tuning budget, hardware, links, description."""
    season: str | None = None
    score: dict[str, Any] | None = None
    """`SuiteScore.to_json()` of the best evaluation; while its season is open, as `records.coarse` leaves it."""
    sandbox: dict[str, Any] | None = None
    """What was really enforced: `Enforced` as plain data."""
    machine: dict[str, Any] | None = None
    ledger_index: int | None = None
    """Place in the chain of the result that stands on the board."""
    log_tail: str = ""
    """Last lines the agent printed, for its owner and admins only.

    While the season of held-out seeds is open, those that it printed before the first observation: they say why it
    does not start, and can tell nothing of a seed.
    """


class StartView(Record):
    """Seeds of one episode; only workers ever get them."""

    seed_index: int
    env_seed: int
    agent_seed: int


class Offer(Record):
    """A leased job: a block of episodes of one task and run."""

    id: str
    lease: str
    """Token that reports must carry; a job that was leased again has another."""
    lease_s: float
    kind: Kind
    evaluation: str
    submission: str
    bundle_sha256: str
    suite: Suite
    task_id: str
    run: int
    starts: list[StartView]
    adapt: list[StartView] = Field(default_factory=list)
    """Episodes played first, unrecorded, where the suite lets agents adapt."""
    recorded: list[int] = Field(default_factory=list)
    """Seed indices that are recorded already: played again only where the block cannot be played without them."""
    actions: dict[int, Any] | None = None
    """Of kind validate: seed index -> recorded actions."""
    trajectories: dict[int, str] | None = None
    """Of kind validate: seed index -> the trajectory hash that was claimed."""


class Report(Record):
    """Episodes of a leased job, sent as they end; sending one twice changes nothing."""

    lease: str
    episodes: list[dict[str, Any]]
    """`Episode.to_json()` each."""
    actions: dict[int, Any] = Field(default_factory=dict)
    """Seed index -> actions as `action_space.to_jsonable` gave them."""


class Finish(Record):
    """The end of a leased job."""

    lease: str
    failure: str = ""
    """Why the worker gives the job back; empty when every episode was reported."""
    rejected: str = ""
    """Why the submission cannot be run at all."""
    log_tail: str = ""
    """Last lines that the agent printed."""
    log_start: str = ""
    """Last lines that it printed before the first observation."""
    sandbox: dict[str, Any] | None = None
    machine: dict[str, Any] | None = None


class SeasonView(Record):
    """A season of held-out seeds: the commitment is published when it opens, the secret when it has closed."""

    name: str
    commitment: str
    """SHA-256 of the secret, in hexadecimal."""
    opened_at: datetime
    closed_at: datetime | None = None
    secret: str | None = None
    """In hexadecimal, once it has closed."""
