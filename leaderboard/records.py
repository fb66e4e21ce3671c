"""The frozen records of a score, and their form as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from envsuite.leaderboard.intervals import Estimate
from envsuite.task import parse_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """What one agent scored on one task of a suite."""

    task_id: str
    metric: str
    """Name in `TASK_METRICS`."""
    score: Estimate | None
    """In the unit of the metric, mean over runs; None where no episode is scored."""
    normalised: Estimate | None
    """(score - floor) / (ceiling - floor), not clipped; None without a score, a floor or a ceiling."""
    success: Estimate | None
    """Share of episodes with success; None where the task defines none."""
    floor: float | None
    ceiling: float | None
    runs: int
    """Training runs with at least one scored episode."""
    episodes: int
    """Scored episodes of all runs."""
    failed: int
    """How many of them the agent failed: an invalid action or an exception."""
    missing: int
    """Episodes that the suite asks for and that have no score."""
    env_errors: int
    """Attempts that the environment broke off, whether or not another attempt was scored."""
    mean_length: float | None
    """Steps per scored episode."""
    truncated: float | None
    """Share of the scored episodes that a limit ended."""
    wall_s: float | None
    """Seconds per scored episode; None where none was timed."""

    @property
    def family(self) -> str:
        """The name of the task's family."""
        return parse_id(self.task_id).family

    @property
    def complete(self) -> bool:
        """Whether every episode has a score."""
        return self.missing == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteScore:
    """What one agent scored on one suite; aggregates are over the normalised scores of `ranked` tasks."""

    agent: str
    suite: str
    tasks: tuple[TaskScore, ...]
    """Every task of the suite, in its order."""
    iqm: Estimate | None
    """Interquartile mean over runs x tasks; None when no aggregate can be formed (see `notes`)."""
    mean: Estimate | None
    median: Estimate | None
    optimality_gap: Estimate | None
    success_rate: Estimate | None
    """Mean over the tasks that define success, normalised or not; None where none does."""
    families: Mapping[str, Estimate] = field(default_factory=dict)
    """Mean normalised score of every family all of whose ranked tasks have a score."""
    ranked: tuple[str, ...]
    """Tasks with a floor and a ceiling: what the aggregates are made of."""
    unranked: tuple[str, ...]
    """Tasks without one of them: shown on their own."""
    unscored: tuple[str, ...]
    """Tasks without any scored episode."""
    notes: tuple[str, ...] = ()
    """What is incomplete or needs care, in sentences."""
    runs: int
    """Training runs that the episodes name."""
    seed: int
    """Seed of the bootstrap."""
    reps: int
    """Replicates of the bootstrap."""

    @property
    def complete(self) -> bool:
        """Whether every episode of the suite has a score in every run."""
        return bool(self.tasks) and all(task.complete for task in self.tasks)

    @property
    def episodes(self) -> int:
        """How many episodes are scored."""
        return sum(task.episodes for task in self.tasks)

    @property
    def failed(self) -> int:
        """How many episodes the agent failed."""
        return sum(task.failed for task in self.tasks)

    @property
    def missing(self) -> int:
        """How many episodes have no score."""
        return sum(task.missing for task in self.tasks)

    def to_json(self) -> dict[str, Any]:
        """Returns plain data, estimates as `[value, low, high]`; the inverse of `from_json`."""
        return {**_plain(asdict(self)), "complete": self.complete}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> SuiteScore:
        """Returns the score of plain data; raises TypeError or KeyError when fields do not fit."""
        fields = dict(record)
        fields.pop("complete", None)
        for name in ("iqm", "mean", "median", "optimality_gap", "success_rate"):
            fields[name] = _estimate_from(fields[name])
        for name in ("ranked", "unranked", "unscored", "notes"):
            fields[name] = tuple(fields[name])
        fields["families"] = {name: Estimate(*values) for name, values in fields["families"].items()}
        fields["tasks"] = tuple(
            TaskScore(**{**task, **{name: _estimate_from(task[name]) for name in ("score", "normalised", "success")}})
            for task in fields["tasks"]
        )
        return cls(**fields)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _estimate_from(values: Sequence[float] | None) -> Estimate | None:
    return None if values is None else Estimate(*values)
