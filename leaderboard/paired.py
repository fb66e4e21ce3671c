"""Two agents on the same seeds: resampling, tests and what could have been found. Pure functions.

A hard seed is hard for both agents. Taking differences on common seeds removes that part of the spread,
which independent intervals carry twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from envsuite.leaderboard.binomial import clopper_pearson
from envsuite.leaderboard.intervals import (
    CONFIDENCE,
    REPS,
    Estimate,
    Interval,
    chunks,
    difference,
    recentre,
    resampled_means,
)
from envsuite.leaderboard.metrics import FloatArray, TaskMetric

POWER = 0.8
"""Share of repetitions in which a difference of the minimum detectable size is found."""
EXACT = 14
"""Up to so many seeds with a difference every one of the 2**n swaps is tried; beyond, `SWAPS` random ones."""
SWAPS = 20_000
"""Random swaps: the least p-value is 5e-5, and one of 0.05 has a standard error of 0.0015."""

Combine = Callable[[FloatArray], FloatArray]


class Pair(NamedTuple):
    """What the episodes of two agents contribute to one task's score, on the same seeds."""

    a: FloatArray
    """[runs of a, seeds, k]."""
    b: FloatArray
    """[runs of b, seeds, k]."""

    @property
    def seeds(self) -> int:
        """How many seeds both have played in every run."""
        return int(self.a.shape[1])

    def scores(self, combine: Combine) -> tuple[FloatArray, FloatArray]:
        """Returns the score of every run of both, [runs of a] and [runs of b]."""
        return combine(self.a.mean(axis=1)), combine(self.b.mean(axis=1))


def resample_pair(
    pair: Pair, metric: TaskMetric, rng: np.random.Generator, *, reps: int = REPS
) -> tuple[FloatArray, FloatArray]:
    """Returns bootstrap replicates of the run scores of both agents, [reps, runs of a] and [reps, runs of b].

    Every replicate draws seeds with replacement, the same for both agents and all runs; then, for each
    agent that has several, its runs. Seeds and runs are crossed, every run having played every seed, and
    resampling both errs on the safe side (Owen 2007, The pigeonhole bootstrap). With one run each the
    spread states what other seeds would do and nothing about training.
    """
    runs_a, runs_b = len(pair.a), len(pair.b)
    side_by_side = np.concatenate(pair).transpose(1, 0, 2)
    means = resampled_means(side_by_side.reshape(pair.seeds, -1), reps, rng)
    scores = metric.combine(means.reshape(reps, runs_a + runs_b, -1))
    sides = []
    for own, values in zip((scores[:, :runs_a], scores[:, runs_a:]), pair.scores(metric.combine), strict=True):
        replicates = own if metric.linear else recentre(own, values)
        runs = replicates.shape[1]
        sides.append(np.take_along_axis(replicates, rng.integers(0, runs, (reps, runs)), axis=1))
    return sides[0], sides[1]


def swap_test(pair: Pair, combine: Combine, rng: np.random.Generator) -> float:
    """Returns the two-sided p-value of a permutation test: the two agents are swapped on some of the seeds.

    Where the agents are alike, it does not matter on any seed whose episode is whose. The p-value is the
    share of such swaps after which the scores differ at least as much as they do; of the contributions
    averaged over runs, so it tests these trained agents on other seeds, not other trainings. With one run
    and success or failure it is McNemar's exact test. At most `EXACT` seeds with a difference are swapped
    in every way, more in `SWAPS` random ones, the observed one counted among them.
    """
    a, b = pair.a.mean(axis=0), pair.b.mean(axis=0)
    differing = (a != b).any(axis=1)
    half = (a - b)[differing] / (2 * len(a))
    middle = (a + b).mean(axis=0) / 2
    if not len(half):
        return 1.0

    def differences(signs: FloatArray) -> FloatArray:
        shift = signs @ half
        return np.abs(combine(middle + shift) - combine(middle - shift))

    observed = float(differences(np.ones((1, len(half))))[0])
    # Swaps that are equal on paper may differ in the last digits.
    least = observed - 1e-12 * max(1.0, observed)
    exact = len(half) <= EXACT
    found = sum(int(np.count_nonzero(differences(signs) >= least)) for signs in _signs(len(half), rng, exact))
    return found / 2 ** len(half) if exact else (1 + found) / (1 + SWAPS)


def _signs(count: int, rng: np.random.Generator, exact: bool) -> Iterator[FloatArray]:
    """Yields rows of 1 and -1 [rows, count]: all there are, or `SWAPS` random ones."""
    if exact:
        yield np.array(list(itertools.product((1.0, -1.0), repeat=count)))
        return
    for rows in chunks(SWAPS, count):
        yield np.asarray(2 * rng.integers(0, 2, (rows, count), dtype=np.int8) - 1, np.float64)


def success_difference(pair: Pair) -> Interval:
    """Returns an interval of the difference of two success rates on common seeds, which never has no width.

    The seeds that only a solves and those that only b solves have exact intervals (Clopper and Pearson
    1934); the interval of their difference is `intervals.difference`.
    """
    lead = (pair.a.mean(axis=0) - pair.b.mean(axis=0))[:, 0]
    only_a, only_b = (
        Estimate(won / pair.seeds, *clopper_pearson(won, pair.seeds))
        for won in (float(np.maximum(lead, 0.0).sum()), float(np.maximum(-lead, 0.0).sum()))
    )
    return Interval(*difference(only_a, only_b)[1:])


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Returns p-values corrected for their number (Holm 1979), in the same order.

    Those at most 0.05 are, taken together, free of any false one with probability 0.95.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return tuple(corrected)


def detectable(interval: Interval | Estimate, confidence: float = CONFIDENCE) -> float:
    """Returns the minimum detectable effect: the true difference that would be told from 0 with power `POWER`.

    (z_(1 - alpha/2) + z_power) standard errors, one error being the interval's width over 2 z_(1 - alpha/2):
    0.71 of the width. Of a single comparison, not corrected for how many there are.
    """
    z, z_power = NormalDist().inv_cdf((1 + confidence) / 2), NormalDist().inv_cdf(POWER)
    return (z + z_power) / (2 * z) * (interval[-1] - interval[-2])
