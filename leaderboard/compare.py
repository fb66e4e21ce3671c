"""Two agents compared on the seeds that both have played."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from envsuite.catalogue import TASKS
from envsuite.episode import Episode
from envsuite.errors import ResultsMismatch, unknown_name
from envsuite.leaderboard import metrics
from envsuite.leaderboard.intervals import REPS, Estimate, Interval, chunks, estimate, percentile_interval
from envsuite.leaderboard.metrics import FloatArray, episode_values, get_metric, is_scored
from envsuite.leaderboard.paired import Pair, detectable, holm, resample_pair, success_difference, swap_test
from envsuite.leaderboard.records import Comparison, TaskComparison
from envsuite.leaderboard.results import Results
from envsuite.leaderboard.verdicts import notes_on, verdict
from envsuite.seeding import stream
from envsuite.task import Task

__all__ = ["Comparison", "TaskComparison", "compare"]

NO_CHANCE = (
    "No probability that a run beats another: with one run of an agent it can only tell of other seeds, and no draw of "
    "the seeds changes who wins a task."
)


class _Sample(NamedTuple):
    """Scores of the runs of both agents [runs] and their replicates [reps, runs]."""

    a: FloatArray
    b: FloatArray
    replicates_a: FloatArray
    replicates_b: FloatArray

    def normalised(self, floor: float, ceiling: float) -> _Sample:
        return _Sample(*((scores - floor) / (ceiling - floor) for scores in self))


def compare(
    a: Results, b: Results, *, seed: int = 0, reps: int = REPS, tasks: Mapping[str, Task] = TASKS
) -> Comparison:
    """Returns how two agents compare on the seeds that every run of both has played.

    Per task: the difference of the scores with the interval of `paired.resample_pair`, a permutation
    test and its p-value corrected for the number of tasks. Over the suite, from the same draws: the
    differences of IQM and mean of the normalised scores, and the probability that a run of a beats one
    of b, unless one run of either cannot tell it. Episodes that an agent failed count as in its own
    score. The order of the episodes does not matter.

    Args:
        a: The first agent's results.
        b: The second's, on the same suite, split and seeds.
        seed: Of the bootstrap and the tests; the same seed gives the same numbers.
        reps: Replicates of the bootstrap, at least 1.
        tasks: Where the suite's tasks are looked up.

    Raises:
        ResultsMismatch: When the two were not played on the same seeds.
        UnknownName: For a task that `tasks` lacks.
    """
    _check_same_seeds(a, b)
    rows, ranked, left_out = [], [], []
    for task_id in a.suite.task_ids:
        if task_id not in tasks:
            raise unknown_name("task id", task_id, tasks)
        row, sample = _compare_task(tasks[task_id], a, b, seed, reps)
        rows.append(row)
        floor, ceiling = tasks[task_id].floor, tasks[task_id].ceiling
        if floor is None or ceiling is None:
            continue
        if sample is None:
            left_out.append(task_id)
        else:
            ranked.append(sample.normalised(float(floor.value), float(ceiling.value)))
    corrected = _corrected(rows)
    overall = _over_suite(ranked) if ranked and not left_out else _NOTHING
    notes = (NO_CHANCE,) if overall.iqm is not None and overall.improvement is None else ()
    name_a, name_b = _names(a, b)
    runs_a, runs_b = len(_runs(a)), len(_runs(b))
    return Comparison(
        a=name_a,
        b=name_b,
        suite=a.suite.name,
        split=a.manifest.split,
        runs_a=runs_a,
        runs_b=runs_b,
        tasks=corrected,
        iqm_a=overall.iqm_a,
        iqm_b=overall.iqm_b,
        iqm=overall.iqm,
        mean=overall.mean,
        improvement=overall.improvement,
        detectable=None if overall.iqm is None else detectable(overall.iqm),
        verdict=verdict(name_a, name_b, overall.iqm, [(row.seeds, row.better) for row in corrected]),
        notes=notes_on({name_a: runs_a, name_b: runs_b}, [(row.task_id, row.seeds) for row in rows], a.suite, left_out)
        + notes,
        seed=seed,
        reps=reps,
    )


def _check_same_seeds(a: Results, b: Results) -> None:
    one, two = a.manifest, b.manifest
    for what in ("suite", "split", "seed", "commitment"):
        mine, theirs = getattr(one, what), getattr(two, what)
        if mine != theirs:
            shown = f"{mine.name} and {theirs.name}" if what == "suite" else f"{mine!r} and {theirs!r}"
            if what == "suite" and mine.name == theirs.name:
                shown += " with other tasks or episode counts"
            raise ResultsMismatch(
                f"{what}: expected the same in both results, got {shown}; a paired comparison needs common seeds, "
                "so evaluate both agents with the same options"
            )


def _runs(results: Results) -> list[int]:
    return sorted({episode.run for episode in results.episodes if is_scored(episode)})


def _names(a: Results, b: Results) -> tuple[str, str]:
    """Returns both names, told apart where they are equal."""
    one, two = a.manifest.agent, b.manifest.agent
    return (f"{one} (first)", f"{two} (second)") if one == two else (one, two)


def _compare_task(task: Task, a: Results, b: Results, seed: int, reps: int) -> tuple[TaskComparison, _Sample | None]:
    """Returns the row of a task, not yet corrected for the number of tasks, and its sample."""
    pair = _pair(task, a, b)
    if pair is None:
        empty = dict.fromkeys(("a", "b", "difference", "p_value", "p_holm", "detectable"))
        return TaskComparison(task_id=task.id, metric=task.metric, seeds=0, **empty), None
    metric = get_metric(task.metric)
    rng = stream(seed, "compare", task.id)
    sample = _Sample(*pair.scores(metric.combine), *resample_pair(pair, metric, rng, reps=reps))
    value_a, value_b = float(sample.a.mean()), float(sample.b.mean())
    ends = percentile_interval(sample.replicates_a.mean(axis=1) - sample.replicates_b.mean(axis=1))
    joined: tuple[Interval, ...] = (success_difference(pair),) if task.metric == "success_rate" else ()
    difference = estimate(value_a - value_b, ends, *joined)
    row = TaskComparison(
        task_id=task.id,
        metric=task.metric,
        seeds=pair.seeds,
        a=value_a,
        b=value_b,
        difference=difference,
        p_value=swap_test(pair, metric.combine, rng),
        p_holm=None,
        detectable=detectable(difference),
    )
    return row, sample


def _pair(task: Task, a: Results, b: Results) -> Pair | None:
    """Returns the contributions on common seeds, or None where there are none."""
    sides = [_contributions(task, results.episodes, _runs(results)) for results in (a, b)]
    common = sorted(set(sides[0]) & set(sides[1]))
    if not common:
        return None
    return Pair(*(np.stack([side[index] for index in common], axis=1) for side in sides))


def _contributions(task: Task, episodes: Sequence[Episode], runs: Sequence[int]) -> dict[int, FloatArray]:
    """Returns seed index -> [runs, k] for the seeds that every run has a scored episode of."""
    own = [episode for episode in episodes if episode.task_id == task.id and is_scored(episode)]
    if not own:
        return {}
    values = episode_values(task.metric, own, None if task.floor is None else float(task.floor.value))
    of = {(episode.seed_index, episode.run): value for episode, value in zip(own, values, strict=True)}
    whole = [index for index in {index for index, _ in of} if all((index, run) in of for run in runs)]
    return {index: np.stack([of[index, run] for run in runs]) for index in whole}


def _corrected(rows: Sequence[TaskComparison]) -> tuple[TaskComparison, ...]:
    """Returns the rows with p-values corrected for the number of tasks that were tested."""
    tested = [row.p_value for row in rows if row.p_value is not None]
    corrected = iter(holm(tested))
    return tuple(row if row.p_value is None else _with_p_holm(row, next(corrected)) for row in rows)


def _with_p_holm(row: TaskComparison, p_holm: float) -> TaskComparison:
    fields = {name: getattr(row, name) for name in TaskComparison.__slots__}
    return TaskComparison(**{**fields, "p_holm": p_holm})


class _Overall(NamedTuple):
    """What is said over the whole suite."""

    iqm_a: float | None
    iqm_b: float | None
    iqm: Estimate | None
    mean: Estimate | None
    improvement: Estimate | None
    """None where a side has one run and no draw of seeds changes who wins: its interval would have no width."""


_NOTHING = _Overall(None, None, None, None, None)


def _over_suite(ranked: Sequence[_Sample]) -> _Overall:
    a, b, replicates_a, replicates_b = (np.stack(parts, axis=-1) for parts in zip(*ranked, strict=True))

    def differing(statistic: Callable[[FloatArray], FloatArray]) -> Estimate:
        value = float(statistic(a)) - float(statistic(b))
        return estimate(value, percentile_interval(statistic(replicates_a) - statistic(replicates_b)))

    improvement = estimate(
        float(metrics.probability_of_improvement(a, b)),
        percentile_interval(_improvements(replicates_a, replicates_b)),
    )
    is_told = min(len(a), len(b)) > 1 or improvement.low < improvement.high
    return _Overall(
        float(metrics.iqm(a)),
        float(metrics.iqm(b)),
        differing(metrics.iqm),
        differing(metrics.mean),
        improvement if is_told else None,
    )


def _improvements(a: FloatArray, b: FloatArray) -> FloatArray:
    """Returns the probabilities of improvement [reps] of a[reps, runs, tasks] over b, in bounded memory."""
    done, parts = 0, []
    for size in chunks(len(a), a.shape[1] * b.shape[1] * a.shape[2]):
        parts.append(metrics.probability_of_improvement(a[done : done + size], b[done : done + size]))
        done += size
    return np.concatenate(parts)
