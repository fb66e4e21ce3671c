"""The score of one agent on one suite: per task, per family and over the suite, all with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, get_args

import numpy as np

from envsuite.catalogue import TASKS
from envsuite.episode import FAILED_BY_AGENT, Episode, Outcome
from envsuite.errors import unknown_name
from envsuite.leaderboard.binomial import agreeing_rates, clopper_pearson
from envsuite.leaderboard.bootstrap import bootstrap_aggregates
from envsuite.leaderboard.intervals import (
    REPS,
    Estimate,
    Interval,
    average,
    estimate,
    percentile_interval,
    recentre,
    resample_two_level,
)
from envsuite.leaderboard.metrics import AGGREGATES, FloatArray, episode_values, get_metric, is_scored
from envsuite.leaderboard.notes import notes_on, why_no_aggregate
from envsuite.leaderboard.profiles import Profile, band, bootstrap_profile, performance_profile
from envsuite.leaderboard.records import SuiteScore, TaskScore
from envsuite.seeding import stream
from envsuite.task import Suite, Task

__all__ = ["SuiteScore", "TaskScore", "score_suite"]


MANY_RUNS = 20
"""Training runs from which on only runs are drawn: how they differ then tells of the luck of episodes, too."""


class _Sample(NamedTuple):
    """A quantity of one task: its value per run [runs], and replicates of that [reps, runs]."""

    per_run: FloatArray
    replicates: FloatArray

    def estimate(self, *more: Interval) -> Estimate:
        return estimate(self.per_run.mean(), percentile_interval(self.replicates.mean(axis=1)), *more)

    def normalised(self, floor: float, ceiling: float) -> _Sample:
        return _Sample((self.per_run - floor) / (ceiling - floor), (self.replicates - floor) / (ceiling - floor))


class _TaskResult(NamedTuple):
    """A task's score with the sample that the aggregates are made of."""

    score: TaskScore
    normalised: _Sample | None


def score_suite(
    agent: str,
    episodes: Sequence[Episode],
    suite: Suite,
    *,
    runs: int = 1,
    learned: bool = False,
    seed: int = 0,
    reps: int = REPS,
    tasks: Mapping[str, Task] = TASKS,
) -> SuiteScore:
    """Returns the scores of an agent's episodes on a suite, with 95 % intervals.

    Intervals come from `intervals.resample_two_level`, drawn independently per task, through `recentre`
    where a metric is not linear; from `MANY_RUNS` on, from runs alone. Where all episodes of a task succeed, or none
    does, the rate is drawn by `binomial.agreeing_rates`. Success rates of one run have the exact interval of
    `binomial.clopper_pearson`, those of several runs the smallest that holds both. Nothing is left out
    silently: episodes that the agent failed count as `metrics.episode_values` says, what is missing is
    counted and makes the result incomplete.
    The order of the episodes does not matter.

    Args:
        agent: The name that boards show.
        episodes: All attempts, those that the environment broke off among them.
        suite: Which tasks were to be played, and how many episodes of each by every run.
        runs: How many runs were to be played; runs beyond that count too.
        learned: Whether the agent was trained; then fewer than `ranking.RUNS_TO_RANK` runs take no rank.
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
    rates = [score.success for score in scores if score.success is not None]
    reason = why_no_aggregate([result.score for result in ranked], runs)
    aggregates, profile = (
        (dict.fromkeys(AGGREGATES), None) if reason else _over_suite(ranked, stream(seed, "suite", suite.name), reps)
    )
    return SuiteScore(
        agent=agent,
        suite=suite.name,
        tasks=scores,
        **aggregates,
        profile=profile,
        success_rate=average(rates) if rates else None,
        families=_families(ranked),
        ranked=tuple(result.score.task_id for result in ranked),
        unranked=tuple(s.task_id for s in scores if s.floor is None or s.ceiling is None),
        unscored=tuple(s.task_id for s in scores if s.score is None),
        notes=(*([reason] if reason else []), *notes_on(scores, aggregates["iqm"], runs=seen, learned=learned)),
        runs=seen,
        learned=learned,
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
    score = None
    if sample is not None:
        score = _rate(sample, len(episodes)) if task.metric == "success_rate" else sample.estimate()
    ended = Counter(episode.outcome for episode in episodes)
    return _TaskResult(
        TaskScore(
            task_id=task.id,
            metric=task.metric,
            score=score,
            normalised=_normalise(score, floor, ceiling),
            success=None if success is None else _rate(success, len(episodes)),
            floor=floor,
            ceiling=ceiling,
            runs=len({episode.run for episode in episodes}),
            episodes=len(episodes),
            failed=failed,
            outcomes={outcome: ended[outcome] for outcome in get_args(Outcome) if outcome in ended},
            per_run=() if sample is None else tuple(map(float, sample.per_run)),
            missing=expected - len(episodes),
            env_errors=len(attempts) - len(episodes),
            mean_length=float(np.mean([episode.length for episode in episodes])) if episodes else None,
            truncated=float(np.mean([e.outcome == "truncated" for e in episodes])) if episodes else None,
            wall_s=float(np.mean(walls)) if walls else None,
        ),
        normalised,
    )


def _sample(
    metric: str, floor: float | None, episodes: Sequence[Episode], rng: np.random.Generator, reps: int
) -> _Sample:
    rule = get_metric(metric)
    values = episode_values(metric, episodes, floor)
    played_by = np.array([episode.run for episode in episodes])
    per_run = [values[played_by == run] for run in np.unique(played_by)]
    scores = np.array([rule.combine(run.mean(axis=0)) for run in per_run])
    if metric == "success_rate" and np.isin(values, (0.0, 1.0)).all() and np.ptp(values) == 0:
        rates = agreeing_rates(float(values.flat[0]), len(values), rng, reps=reps)
        return _Sample(scores, np.repeat(rates[:, None], len(scores), axis=1))
    if len(scores) >= MANY_RUNS:
        return _Sample(scores, scores[rng.integers(0, len(scores), (reps, len(scores)))])
    replicates = resample_two_level(per_run, rule.combine, rng, reps=reps)
    return _Sample(scores, replicates if rule.linear else recentre(replicates, scores))


def _sample_success(task: Task, episodes: Sequence[Episode], seed: int, reps: int) -> _Sample | None:
    """Returns how often the task was solved: a failed episode has not solved it, whatever it scores."""
    if task.metric != "success_rate" and all(episode.success is None for episode in episodes):
        return None
    return _sample("success_rate", None, episodes, stream(seed, "success", task.id), reps)


def _rate(sample: _Sample, episodes: int) -> Estimate:
    """Returns a success rate with its exact interval over episodes, joined over several runs with the bootstrap's.

    The exact interval is that of so many independent episodes of one rate. Where rates differ between runs,
    their sum spreads less than that (Hoeffding 1956); how runs differ is what the bootstrap adds.
    """
    rate = min(1.0, float(sample.per_run.mean()))
    exact = clopper_pearson(rate * episodes, episodes)
    return estimate(rate, exact) if len(sample.per_run) == 1 else sample.estimate(exact)


def _normalise(score: Estimate | None, floor: float | None, ceiling: float | None) -> Estimate | None:
    if score is None or floor is None or ceiling is None:
        return None
    return Estimate(*((end - floor) / (ceiling - floor) for end in score))


def _over_suite(
    ranked: Sequence[_TaskResult], rng: np.random.Generator, reps: int
) -> tuple[dict[str, Estimate], Profile]:
    """Returns the aggregates and the profile over tasks that the same number of runs has played."""
    samples = [result.normalised for result in ranked if result.normalised is not None]
    scores = np.stack([sample.per_run for sample in samples], axis=-1)
    if len(scores) >= MANY_RUNS and np.ptp(scores, axis=0).all():
        return bootstrap_aggregates(scores, rng, reps=reps), bootstrap_profile(scores, rng=rng, reps=reps)
    replicates = np.stack([sample.replicates for sample in samples], axis=-1)
    aggregates = {
        name: estimate(float(statistic(scores)), percentile_interval(statistic(replicates)))
        for name, statistic in AGGREGATES.items()
    }
    return aggregates, band(performance_profile(scores), performance_profile(replicates))


def _mean_over_tasks(samples: Sequence[_Sample]) -> Estimate:
    """Returns the mean over tasks, at least one, of the mean over runs."""
    replicates = np.mean([sample.replicates.mean(axis=1) for sample in samples], axis=0)
    return estimate(float(np.mean([sample.per_run.mean() for sample in samples])), percentile_interval(replicates))


def _families(ranked: Sequence[_TaskResult]) -> dict[str, Estimate]:
    grouped: dict[str, list[_TaskResult]] = {}
    for result in ranked:
        grouped.setdefault(result.score.family, []).append(result)
    means = {}
    for family, results in grouped.items():
        samples = [result.normalised for result in results if result.normalised is not None]
        alone = results[0].score.normalised
        if len(results) == 1 and alone is not None:
            means[family] = alone  # with the interval that the task itself is shown with
        elif len(samples) == len(results):
            means[family] = _mean_over_tasks(samples)
    return means
