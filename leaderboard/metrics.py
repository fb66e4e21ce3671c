"""How episodes become a task's score, and how the scores of many tasks become one number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from envsuite.episode import FAILED_BY_AGENT, Episode
from envsuite.errors import unknown_name
from envsuite.families.crafter.rules import ACHIEVEMENTS

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMetric:
    """One way to score a task: what an episode contributes, and what the contributions add up to.

    The score of a run is `combine(mean over the run's episodes of values(episode))`; the score of a
    task is the mean over its runs.
    """

    title: str
    """What a table's column is headed with."""
    percent: bool = False
    """Whether the score is in percent, 0 to 100."""
    values: Callable[[Episode], Sequence[float]]
    """Episode -> k numbers; called only for episodes that the agent has finished."""
    failed: Callable[[float], Sequence[float]]
    """Floor -> k numbers: what an episode counts that the agent has failed."""
    combine: Callable[[FloatArray], FloatArray]
    """Means over episodes [..., k] -> scores [...]."""
    linear: bool = True
    """Whether `combine` is linear; if not, the bootstrap needs `intervals.recentre`."""


def _return(episode: Episode) -> tuple[float]:
    return (episode.return_,)


def _success(episode: Episode) -> tuple[float]:
    if episode.success is None:
        raise ValueError(f"episode {episode.seed_index} of {episode.task_id}: expected a success of True or False")
    return (float(episode.success),)


def _unlocked(episode: Episode) -> list[float]:
    missing = [name for name in ACHIEVEMENTS if name not in episode.metrics]
    if missing:
        raise ValueError(
            f"episode {episode.seed_index} of {episode.task_id}: expected the metrics of Crafter's 22 "
            f"achievements, got none for {', '.join(missing[:3])}"
        )
    return [float(episode.metrics[name] >= 1) for name in ACHIEVEMENTS]


def crafter_score(unlocked: FloatArray) -> FloatArray:
    """Returns Crafter's scores [...] in percent, from the rates in [0, 1] of unlocking, [..., achievements].

    The score is exp(mean_i ln(1 + s_i)) - 1 with s_i the success rate in percent of achievement i
    (Hafner 2022, Benchmarking the Spectrum of Agent Capabilities).
    """
    return np.asarray(np.expm1(np.mean(np.log1p(100.0 * unlocked), axis=-1)))


def _only(means: FloatArray) -> FloatArray:
    return means[..., 0]


TASK_METRICS: Mapping[str, TaskMetric] = MappingProxyType(
    {
        "return": TaskMetric(title="mean return", values=_return, failed=lambda floor: (floor,), combine=_only),
        "success_rate": TaskMetric(title="success rate", values=_success, failed=lambda floor: (floor,), combine=_only),
        "crafter_score": TaskMetric(
            title="Crafter score",
            percent=True,
            values=_unlocked,
            failed=lambda _: (0.0,) * len(ACHIEVEMENTS),
            combine=crafter_score,
            linear=False,
        ),
    }
)
"""Every metric that a `Task` may name."""


def get_metric(name: str) -> TaskMetric:
    """Returns the metric of a name; raises `UnknownName` with the nearest names."""
    if name not in TASK_METRICS:
        raise unknown_name("metric", name, TASK_METRICS)
    return TASK_METRICS[name]


def is_scored(episode: Episode) -> bool:
    """Tells whether an episode counts: every one does but those that the environment broke off."""
    return episode.outcome != "env_error"


def episode_values(metric: str, episodes: Sequence[Episode], floor: float | None) -> FloatArray:
    """Returns what each episode contributes to a task's score: [episodes, k] for the metric's k.

    The one rule for episodes that the agent failed (an invalid action, an exception): such an episode
    counts as the task's floor, whatever had been collected before. Where a task has no floor, it
    counts as no success, or as the lowest return among the agent's episodes of the task, so that
    failing never beats playing on. In Crafter's score it unlocks nothing.

    Args:
        metric: A name in `TASK_METRICS`.
        episodes: All scored episodes of one task and one agent; at least one.
        floor: The task's floor in the unit of the metric, or None.

    Raises:
        ValueError: For no episodes, for one that the environment broke off, for one that lacks what
            the metric needs, or for a value that is not finite.
    """
    rule = get_metric(metric)
    if not episodes:
        raise ValueError("episodes: expected at least one, got none")
    if not all(is_scored(episode) for episode in episodes):
        raise ValueError("episodes: expected none with the outcome env_error, which has no score; leave them out")
    if floor is None:
        floor = min(episode.return_ for episode in episodes) if metric == "return" else 0.0
    values = [
        rule.failed(floor) if episode.outcome in FAILED_BY_AGENT else rule.values(episode) for episode in episodes
    ]
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        bad = episodes[int(np.argmin(np.isfinite(array).all(axis=1)))]
        raise ValueError(
            f"episode {bad.seed_index} of {bad.task_id}: expected finite values of {metric}, got return "
            f"{bad.return_}; the environment gives rewards that are no numbers"
        )
    return array


def _matrix(name: str, scores: FloatArray) -> FloatArray:
    array = np.asarray(scores, np.float64)
    if array.ndim < 2 or 0 in array.shape[-2:]:
        raise ValueError(f"{name}: expected [..., runs, tasks] with at least one of each, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite scores, got {np.count_nonzero(~np.isfinite(array))} that are not")
    return array


def iqm(scores: FloatArray) -> FloatArray:
    """Returns the interquartile mean [...] of scores [..., runs, tasks]: the mean of the middle half.

    The lowest and the highest quarter of all runs x tasks scores, each rounded down to whole scores,
    are left out (Agarwal et al. 2021, Deep RL at the Edge of the Statistical Precipice).
    """
    scores = _matrix("scores", scores)
    flat = scores.reshape(*scores.shape[:-2], -1)
    size = flat.shape[-1]
    cut = size // 4
    inner = np.partition(flat, (cut, size - cut - 1), axis=-1)[..., cut : size - cut]
    return np.asarray(inner.mean(axis=-1))


def mean(scores: FloatArray) -> FloatArray:
    """Returns the mean [...] of scores [..., runs, tasks]."""
    return np.asarray(_matrix("scores", scores).mean(axis=-2).mean(axis=-1))


def median(scores: FloatArray) -> FloatArray:
    """Returns the median over tasks [...] of the mean over runs of scores [..., runs, tasks]."""
    return np.asarray(np.median(_matrix("scores", scores).mean(axis=-2), axis=-1))


def optimality_gap(scores: FloatArray, gamma: float = 1.0) -> FloatArray:
    """Returns by how much scores [..., runs, tasks] fall short of `gamma` on average, [...]; 0 is best.

    Scores above `gamma` count as `gamma`: what is better than the ceiling makes up for nothing.
    """
    return np.asarray(gamma - np.minimum(_matrix("scores", scores), gamma).mean(axis=(-2, -1)))


AGGREGATES: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {"iqm": iqm, "mean": mean, "median": median, "optimality_gap": optimality_gap}
)
"""The numbers that stand for a whole suite: scores [..., runs, tasks] -> [...]."""


def probability_of_improvement(x: FloatArray, y: FloatArray) -> FloatArray:
    """Returns the probability [...] that a run of x[..., runs, tasks] beats one of y[..., other runs, tasks].

    Per task the share of pairs of runs that x wins, ties counting half (the Mann-Whitney statistic
    over the number of pairs); then the mean over tasks.

    Raises:
        ValueError: When the two do not have the same tasks or leading axes.
    """
    x, y = _matrix("x", x), _matrix("y", y)
    if x.shape[-1] != y.shape[-1] or x.shape[:-2] != y.shape[:-2]:
        raise ValueError(f"y: expected shape [..., runs, tasks] that fits {x.shape}, got {y.shape}")
    difference = x[..., :, None, :] - y[..., None, :, :]
    return np.asarray((0.5 * (np.sign(difference) + 1.0)).mean(axis=(-3, -2, -1)))
