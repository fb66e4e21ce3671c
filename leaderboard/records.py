"""The frozen records of a score and of a comparison, and their form as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.profiles import Profile
from envsuite.task import parse_id

LEVEL = 0.05
"""Corrected p-value up to which a task counts as decided."""
COARSE_DIGITS = 3
"""Digits of a number that is shown while its seeds are held out."""
_FINE: Mapping[str, list[float] | None] = {"per_run": [], "mean_length": None, "truncated": None}
_ESTIMATES = ("iqm", "mean", "median", "optimality_gap", "success_rate", "score", "normalised", "success")


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
    """Share of episodes with success; exact interval; None where the task defines none."""
    floor: float | None
    ceiling: float | None
    runs: int
    """Training runs with at least one scored episode."""
    episodes: int
    """Scored episodes of all runs."""
    failed: int
    """How many of them the agent failed (`FAILED_BY_AGENT`); they count as the floor."""
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Outcome -> how many scored episodes ended so; those that did not occur are left out."""
    per_run: tuple[float, ...] = ()
    """Score of every training run, in the unit of the metric."""
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
    """Mean over the tasks that define success, normalised or not, its interval made of theirs; None where none does."""
    families: Mapping[str, Estimate] = field(default_factory=dict)
    """Mean normalised score of every family all of whose ranked tasks have a score."""
    profile: Profile | None = None
    """Share of the normalised scores of runs x tasks above each of `profiles.TAUS`; None as `iqm`."""
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
    learned: bool = False
    """Whether the agent was trained, as its submission declares: then it takes five runs to be ranked."""
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
        fields["profile"] = None if fields["profile"] is None else Profile.from_json(fields["profile"])
        fields["tasks"] = tuple(map(_task_from, fields["tasks"]))
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """Two agents on one task; differences are a - b in the unit of the metric."""

    task_id: str
    metric: str
    seeds: int
    """Seeds that every run of both has played; 0 leaves the rest empty."""
    a: float | None
    """Score of a on these seeds."""
    b: float | None
    difference: Estimate | None
    p_value: float | None
    """Of `paired.swap_test`: these agents on other seeds."""
    p_holm: float | None
    """Corrected for the number of tasks (Holm 1979)."""
    detectable: float | None
    """The difference that a comparison like this one finds in 80 % of cases."""

    @property
    def better(self) -> Literal["a", "b"] | None:
        """Which of the two is better after correction for the number of tasks, None where that is open."""
        if self.difference is None or self.p_holm is None or self.p_holm > LEVEL or self.difference.value == 0:
            return None
        return "a" if self.difference.value > 0 else "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two agents on one suite; differences are a - b, aggregates of normalised scores on the common seeds."""

    a: str
    """Name of the first agent."""
    b: str
    suite: str
    split: str
    runs_a: int
    runs_b: int
    tasks: tuple[TaskComparison, ...]
    """Every task of the suite, in its order."""
    iqm_a: float | None
    iqm_b: float | None
    iqm: Estimate | None
    """Difference of the interquartile means; None where no aggregate can be formed (see `notes`)."""
    mean: Estimate | None
    """Difference of the means."""
    improvement: Estimate | None
    """Probability that a run of a beats one of b on a task, ties counting half."""
    detectable: float | None
    """The difference of IQMs that a comparison like this one finds in 80 % of cases."""
    verdict: str
    """What the numbers say, in sentences."""
    notes: tuple[str, ...] = ()
    """What the numbers do not say."""
    seed: int
    """Seed of the bootstrap."""
    reps: int

    def to_json(self) -> dict[str, Any]:
        """Returns plain data, estimates as `[value, low, high]`; the inverse of `from_json`."""
        record: dict[str, Any] = _plain(asdict(self))
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Comparison:
        """Returns the comparison of plain data; raises TypeError or KeyError when fields do not fit."""
        fields = dict(record)
        for name in ("iqm", "mean", "improvement"):
            fields[name] = _estimate_from(fields[name])
        fields["tasks"] = tuple(
            TaskComparison(**{**task, "difference": _estimate_from(task["difference"])}) for task in fields["tasks"]
        )
        fields["notes"] = tuple(fields["notes"])
        return cls(**fields)


def coarse(score: Mapping[str, Any]) -> dict[str, Any]:
    """Returns plain data of a `SuiteScore` from which single held-out episodes cannot be read; it has the same form.

    An agent may fail all episodes of a run but one: exact, the run's score would be that episode's return.
    """
    told = {**score, "tasks": [{**task, **_FINE} for task in score["tasks"]]}
    for record in (told, *told["tasks"]):
        record.update({name: _rounded(record[name]) for name in _ESTIMATES if name in record})
    told["families"] = {name: _rounded(values) for name, values in score["families"].items()}
    if score.get("profile") is not None:
        told["profile"] = {name: _rounded(values) for name, values in score["profile"].items()}
    return told


def _rounded(values: Sequence[float] | None) -> list[float] | None:
    return None if values is None else [shown(value) for value in values]


def shown(value: float) -> float:
    """Returns a number as it may be shown while its seeds are held out."""
    return float(f"{value:.{COARSE_DIGITS}g}")


def _task_from(record: Mapping[str, Any]) -> TaskScore:
    estimates = {name: _estimate_from(record[name]) for name in ("score", "normalised", "success")}
    return TaskScore(**{**record, **estimates, "per_run": tuple(record["per_run"])})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def _estimate_from(values: Sequence[float] | None) -> Estimate | None:
    return None if values is None else Estimate(*values)
