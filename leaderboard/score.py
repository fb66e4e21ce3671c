"""The score of one agent on one suite: per task, per family and over the suite, all with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from envsuite.catalogue import TASKS
from envsuite.episode import FAILED_BY_AGENT, Episode
from envsuite.errors import unknown_name
from envsuite.leaderboard import metrics
from envsuite.leaderboard.intervals import (
    REPS,
    Estimate,
    Interval,
    estimate,
    percentile_interval,
    recentre,
    resample_two_level,
    wilson,
)
from envsuite.leaderboard.metrics import FloatArray, episode_values, get_metric, is_scored
from envsuite.leaderboard.records import SuiteScore, TaskScore
from envsuite.seeding import stream
from envsuite.task import Suite, Task

__all__ = ["SuiteScore", "TaskScore", "score_suite"]


class _Sample(NamedTuple):
    """A quantity of one task: its value per run [runs], and replicates of that [reps, runs]."""

    per_run: FloatArray
    replicates: FloatArray

    def estimate(self, *more: Interval) -> Estimate:
        return estimate(self.per_run.mean(), percentile_interval(self.replicates.mean(axis=1)), *more)

    def normalised(self, floor: float, ceiling: float) -> _Sample:
        return _Sample((self.per_run - floor) / (ceiling - floor), (self.replicates - floor) / (ceiling - floor))


class _TaskResult(NamedTuple):
    """A task's score with the samples that the aggregates are made of."""

    score: TaskScore
    normalised: _Sample | None
    success: _Sample | None


def score_suite(
    agent: str,
    episodes: Sequence[Episode],
    suite: Suite,
    *,
    runs: int = 1,
    seed: int = 0,
    reps: int = REPS,
    tasks: Mapping[str, Task] = TASKS,
) -> SuiteScore:
    """Returns the scores of an agent's episodes on a suite, with 95 % intervals.

    Intervals come from `intervals.resample_two_level`, drawn independently per task, through `recentre`
    where a metric is not linear; those of success rates are joined with Wilson's. Nothing is left out
    silently: episodes that the agent failed count as `metrics.episode_values` says, what is missing is
    counted and makes the result incomplete.
    The order of the episodes does not matter.

    Args:
        agent: The name that boards show.
        episodes: All attempts, those that the environment broke off among them.
        suite: Which tasks were to be played, and how many episodes of each by every run.
        runs: How many runs were to be played; runs beyond that count too.
        seed: Of the bootstrap; the same seed gives the same intervals.
        reps: Replicates of the bootstrap, at least 1.
        tasks: Where the suite's tasks are looked up.

    Raises:
        UnknownName: For a task that `tasks` lacks.
        ValueError: For an episode that the suite does not have, or for two scores of the same episode.
    """
    _check(episodes, suite)
    seen = len({episode.run for episode in episodes})
    runs = max(runs, seen)
    results = []
    for entry in suite.tasks:
        if entry.task_id not in tasks:
            raise unknown_name("task id", entry.task_id, tasks)
        own = sorted((e for e in episodes if e.task_id == entry.task_id), key=lambda e: (e.run, e.seed_index))
        results.append(_score_task(tasks[entry.task_id], own, entry.episodes * runs, seed, reps))
    scores = tuple(result.score for result in results)
    ranked = [result for result in results if result.score.floor is not None and result.score.ceiling is not None]
    reason = _why_no_aggregate(ranked, runs)
    return SuiteScore(
        agent=agent,
        suite=suite.name,
        tasks=scores,
        **(dict.fromkeys(_AGGREGATES) if reason else _aggregate(ranked)),
        success_rate=_mean_over_tasks([result.success for result in results if result.success is not None]),
        families=_families(ranked),
        ranked=tuple(result.score.task_id for result in ranked),
        unranked=tuple(s.task_id for s in scores if s.floor is None or s.ceiling is None),
        unscored=tuple(s.task_id for s in scores if s.score is None),
        notes=(*([reason] if reason else []), *_notes(scores, seen)),
        runs=seen,
        seed=seed,
        reps=reps,
    )


def _check(episodes: Sequence[Episode], suite: Suite) -> None:
    counts = {entry.task_id: entry.episodes for entry in suite.tasks}
    for episode in episodes:
        if episode.task_id not in counts:
            raise ValueError(f"episodes: expected tasks of {suite.name}, got {episode.task_id}")
        if not 0 <= episode.seed_index < counts[episode.task_id]:
            raise ValueError(
                f"episodes: expected seed indices 0 to {counts[episode.task_id] - 1} of {episode.task_id} in "
                f"{suite.name}, got {episode.seed_index}"
            )
    keys = Counter((episode.task_id, episode.run, episode.seed_index) for episode in episodes if is_scored(episode))
    for (task_id, run, seed_index), count in keys.most_common(1):
        if count > 1:
            raise ValueError(
                f"episodes: expected one score each, got {count} of {task_id}, run {run}, seed index {seed_index}"
            )


def _score_task(task: Task, attempts: Sequence[Episode], expected: int, seed: int, reps: int) -> _TaskResult:
    floor, ceiling = (None if bound is None else float(bound.value) for bound in (task.floor, task.ceiling))
    episodes = [episode for episode in attempts if is_scored(episode)]
    failed = sum(episode.outcome in FAILED_BY_AGENT for episode in episodes)
    walls = [episode.timings["wall_s"] for episode in episodes if "wall_s" in episode.timings]
    sample = success = normalised = None
    if episodes:
        success = _sample_success(task, episodes, seed, reps)
        if task.metric == "success_rate" and not failed:
            sample = success
        else:
            sample = _sample(task.metric, floor, episodes, stream(seed, "score", task.id), reps)
    if sample is not None and floor is not None and ceiling is not None:
        normalised = sample.normalised(floor, ceiling)
    success_estimate = None if success is None else success.estimate(_wilson(success, episodes))
    is_rate = task.metric == "success_rate"
    score = sample and sample.estimate(*((_wilson(sample, episodes),) if is_rate else ()))
    return _TaskResult(
        TaskScore(
            task_id=task.id,
            metric=task.metric,
            score=score,
            normalised=_normalise(score, floor, ceiling),
            success=success_estimate,
            floor=floor,
            ceiling=ceiling,
            runs=len({episode.run for episode in episodes}),
            episodes=len(episodes),
            failed=failed,
            missing=expected - len(episodes),
            env_errors=len(attempts) - len(episodes),
            mean_length=float(np.mean([episode.length for episode in episodes])) if episodes else None,
            truncated=float(np.mean([e.outcome == "truncated" for e in episodes])) if episodes else None,
            wall_s=float(np.mean(walls)) if walls else None,
        ),
        normalised,
        success,
    )


def _sample(
    metric: str, floor: float | None, episodes: Sequence[Episode], rng: np.random.Generator, reps: int
) -> _Sample:
    rule = get_metric(metric)
    values = episode_values(metric, episodes, floor)
    played_by = np.array([episode.run for episode in episodes])
    per_run = [values[played_by == run] for run in np.unique(played_by)]
    scores = np.array([rule.combine(run.mean(axis=0)) for run in per_run])
    replicates = resample_two_level(per_run, rule.combine, rng, reps=reps)
    return _Sample(scores, replicates if rule.linear else recentre(replicates, scores))


def _sample_success(task: Task, episodes: Sequence[Episode], seed: int, reps: int) -> _Sample | None:
    """Returns how often the task was solved: a failed episode has not solved it, whatever it scores."""
    if task.metric != "success_rate" and all(episode.success is None for episode in episodes):
        return None
    return _sample("success_rate", None, episodes, stream(seed, "success", task.id), reps)


def _wilson(success: _Sample, episodes: Sequence[Episode]) -> Interval:
    return wilson(min(1.0, success.per_run.mean()) * len(episodes), len(episodes))


def _normalise(score: Estimate | None, floor: float | None, ceiling: float | None) -> Estimate | None:
    if score is None or floor is None or ceiling is None:
        return None
    return Estimate(*((end - floor) / (ceiling - floor) for end in score))


_AGGREGATES = {
    "iqm": metrics.iqm,
    "mean": metrics.mean,
    "median": metrics.median,
    "optimality_gap": metrics.optimality_gap,
}


def _aggregate(ranked: Sequence[_TaskResult]) -> dict[str, Estimate]:
    """Returns every aggregate over tasks that the same number of runs has played."""
    samples = [result.normalised for result in ranked if result.normalised is not None]
    scores = np.stack([sample.per_run for sample in samples], axis=-1)
    replicates = np.stack([sample.replicates for sample in samples], axis=-1)
    return {
        name: estimate(float(statistic(scores)), percentile_interval(statistic(replicates)))
        for name, statistic in _AGGREGATES.items()
    }


def _why_no_aggregate(ranked: Sequence[_TaskResult], runs: int) -> str | None:
    if not ranked:
        return "No task of the suite has both a floor and a ceiling, so there is no normalised aggregate."
    lacking = [result.score.task_id for result in ranked if result.score.runs < runs]
    if lacking:
        return f"No normalised aggregate: not every run has a scored episode of {_named(lacking)}."
    return None


def _mean_over_tasks(samples: Sequence[_Sample]) -> Estimate | None:
    """Returns the mean over tasks of the mean over runs, or None without a task."""
    if not samples:
        return None
    replicates = np.mean([sample.replicates.mean(axis=1) for sample in samples], axis=0)
    return estimate(float(np.mean([sample.per_run.mean() for sample in samples])), percentile_interval(replicates))


def _families(ranked: Sequence[_TaskResult]) -> dict[str, Estimate]:
    grouped: dict[str, list[_Sample | None]] = {}
    for result in ranked:
        grouped.setdefault(result.score.family, []).append(result.normalised)
    means = {
        family: _mean_over_tasks([sample for sample in samples if sample is not None])
        for family, samples in grouped.items()
        if None not in samples
    }
    return {family: mean for family, mean in means.items() if mean is not None}


def _notes(scores: Sequence[TaskScore], runs: int) -> list[str]:
    """Returns sentences on what is incomplete, failed or left out."""
    notes = []
    missing = [score for score in scores if score.missing]
    if missing:
        count = sum(score.missing for score in missing)
        notes.append(f"Incomplete: {_episodes(count)} not scored, of {_named([s.task_id for s in missing])}.")
    errors = [score for score in scores if score.env_errors]
    if errors:
        count = sum(score.env_errors for score in errors)
        notes.append(f"The environment broke off {_episodes(count)}, of {_named([s.task_id for s in errors])}.")
    failed = [score for score in scores if score.failed]
    if failed:
        count = sum(score.failed for score in failed)
        notes.append(
            f"The agent failed {_episodes(count)}, counted as the floor (in Crafter's score as unlocking nothing), "
            f"of {_named([s.task_id for s in failed])}."
        )
    unranked = [score.task_id for score in scores if score.floor is None or score.ceiling is None]
    if unranked and len(unranked) < len(scores):
        notes.append(f"Left out of the normalised aggregates for want of a floor or a ceiling: {_named(unranked)}.")
    if runs == 1:
        notes.append("One training run: intervals tell of other episodes, not of other trainings.")
    return notes


def _episodes(count: int) -> str:
    return "1 episode" if count == 1 else f"{count} episodes"


def _named(task_ids: Sequence[str], at_most: int = 4) -> str:
    shown = ", ".join(task_id.removeprefix("envsuite/") for task_id in task_ids[:at_most])
    more = len(task_ids) - at_most
    return f"{shown} and {more} more" if more > 0 else shown
