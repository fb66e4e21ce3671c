"""The stratified bootstrap over runs: intervals of one agent's aggregates, and of the chance to beat another.

Runs are drawn with replacement, independently within each task (Agarwal et al. 2021, Deep RL at the Edge
of the Statistical Precipice). The aggregates are computed from how often each score was drawn, not from the
drawn scores: one pass of counting serves all four statistics, and no resampled matrix is ever sorted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envsuite.leaderboard import metrics
from envsuite.leaderboard.intervals import CONFIDENCE, REPS, Estimate, estimate, percentile_interval
from envsuite.leaderboard.metrics import AGGREGATES, FloatArray

PIECE = 65_536
"""Numbers that are drawn and counted at a time; much larger arrays are given back and fetched anew every time, and
fetching pages costs as much as counting does."""
BLOCK = 524_288
"""Draws whose counts are evaluated at a time, in memory that is taken once: 4 MB."""
SIGMAS = 4.0
"""Half-width, in standard deviations, of where the quartiles of a resampling are looked for among the scores."""

Draws = NDArray[np.unsignedinteger[Any]]


def draw_runs(rng: np.random.Generator, reps: int, runs: int, tasks: int) -> Iterator[Draws]:
    """Yields draws [piece, tasks, runs] of run numbers, uniform and independent, until there are `reps` replicates.

    The size of a piece depends on the shape alone, so that equal generators give equal draws.
    """
    if reps < 1:
        raise ValueError(f"reps: expected at least 1, got {reps}")
    size = max(1, PIECE // (runs * tasks))
    for start in range(0, reps, size):
        shape = (min(size, reps - start), tasks, runs)
        yield _uniform(rng, runs, math.prod(shape)).reshape(shape)


def _uniform(rng: np.random.Generator, below: int, count: int) -> Draws:
    """Returns whole numbers [count] in [0, below): what `rng.integers` gives, in half of its time.

    16 random bits are divided so that every number has equally many of their values; the few values that
    are left over are drawn again. 0.8 ns a number, against 1.4 ns of `integers` with 16 bits.
    """
    if below > 2**12:
        return rng.integers(0, below, count, dtype=np.uint32)
    words = rng.integers(0, 2**64, -(-count // 4), dtype=np.uint64)
    numbers = words.view(np.uint16)[:count]
    numbers //= np.uint16(2**16 // below) if below > 1 else np.uint16(2**16 - 1)
    left_over = np.flatnonzero(numbers >= below)
    numbers[left_over] = rng.integers(0, below, len(left_over), dtype=np.uint16)
    return numbers


def count_runs(rng: np.random.Generator, reps: int, runs: int, tasks: int) -> Iterator[FloatArray]:
    """Yields how often each run was drawn, [block, tasks, runs], from the draws of `draw_runs`.

    Counts are floats, as a matrix product with the scores wants them, in memory that the next block overwrites.
    """
    size = max(1, PIECE // (runs * tasks))
    first = (runs * np.arange(size * tasks, dtype=np.uint32)).reshape(size, tasks, 1)
    if first.size * runs <= 2**16:
        first = first.astype(np.uint16)
    cells = np.empty((size, tasks, runs), first.dtype)
    counts = np.empty((size * max(1, BLOCK // PIECE), tasks, runs))
    filled = 0
    for drawn in draw_runs(rng, reps, runs, tasks):
        piece = np.add(drawn, first[: len(drawn)], out=cells[: len(drawn)])
        counts[filled : filled + len(drawn)] = np.bincount(piece.ravel(), minlength=piece.size).reshape(piece.shape)
        filled += len(drawn)
        if filled == len(counts):
            yield counts
            filled = 0
    if filled:
        yield counts[:filled]


def bootstrap_runs(
    scores: FloatArray,
    statistic: Callable[[FloatArray], FloatArray],
    rng: np.random.Generator,
    *,
    reps: int = REPS,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Returns any statistic of scores[runs, tasks] with its stratified bootstrap interval.

    States where the statistic would lie for other training runs on the same tasks, each run's score
    taken as exact. Runs are drawn per task, so the interval is too narrow for an agent whose one
    training serves all tasks.

    Args:
        scores: [runs, tasks].
        statistic: Scores [..., runs, tasks] -> [...], as in `envsuite.leaderboard.metrics`.
        rng: Where the draws come from.
        reps: Number of replicates, at least 1.
        confidence: In (0, 1).
    """
    by_task = _by_task("scores", scores)
    tasks, runs = by_task.shape
    replicates = [statistic(_drawn_scores(by_task, drawn)) for drawn in draw_runs(rng, reps, runs, tasks)]
    value = statistic(by_task.T)
    return estimate(float(value), percentile_interval(np.concatenate(replicates), confidence))


def bootstrap_aggregates(
    scores: FloatArray, rng: np.random.Generator, *, reps: int = REPS, confidence: float = CONFIDENCE
) -> dict[str, Estimate]:
    """Returns every aggregate in `metrics.AGGREGATES` of scores[runs, tasks] with its interval, from the same draws.

    The intervals are those that `bootstrap_runs` gives for each of them and an equal generator, in a
    small part of the time.
    """
    replicates = aggregate_replicates(scores, rng, reps=reps)
    return {
        name: estimate(float(statistic(scores)), percentile_interval(replicates[name], confidence))
        for name, statistic in AGGREGATES.items()
    }


def aggregate_replicates(scores: FloatArray, rng: np.random.Generator, *, reps: int = REPS) -> dict[str, FloatArray]:
    """Returns replicates [reps] of every aggregate of scores[runs, tasks]; equal to the definition but for rounding."""
    by_task = _by_task("scores", scores)
    tasks, runs = by_task.shape
    trimmed = _TrimmedSum(by_task)
    columns = np.stack([by_task, np.minimum(by_task, 1.0), *trimmed.columns], axis=-1)
    sums, iqms = [], []
    for counts in count_runs(rng, reps, runs, tasks):
        sums.append(np.matmul(counts.swapaxes(0, 1), columns))
        total, exact = trimmed(counts.reshape(len(counts), -1), *sums[-1][..., 2:].sum(axis=0).T)
        iqms.append(total / trimmed.kept)
        for index in np.flatnonzero(~exact):
            drawn = np.repeat(by_task.ravel(), counts[index].ravel().astype(np.int64))
            iqms[-1][index] = metrics.iqm(drawn[None])
    means = np.concatenate([part[..., 0] for part in sums], axis=1) / runs
    capped = np.concatenate([part[..., 1].sum(axis=0) for part in sums]) / by_task.size
    return {
        "iqm": np.concatenate(iqms),
        "mean": means.mean(axis=0),
        "median": np.median(means, axis=0),
        "optimality_gap": 1.0 - capped,
    }


class _TrimmedSum:
    """Sums the middle half of resampled scores, given how often each score was drawn.

    In the order of the scores, the draws up to some score are few hundred away from their expectation:
    the quartiles of nearly every resampling lie in two narrow windows. Only there are draws counted one
    score after the other; what lies between the windows is kept whole, what lies outside left out.
    """

    def __init__(self, by_task: FloatArray) -> None:
        flat = by_task.ravel()
        size = flat.size
        order = np.argsort(flat)
        self.cut, self.end = size // 4, size - size // 4
        self.kept = self.end - self.cut
        # A draw lies below a quartile with probability 1/4; drawing within tasks only makes the number vary less.
        half = math.ceil(SIGMAS * math.sqrt(size * 3 / 16))
        low = slice(max(0, self.cut - half), min(size // 2, self.cut + half))
        high = slice(max(size // 2, self.end - half), min(size, self.end + half))
        self._windows = [(order[window], flat[order[window]]) for window in (low, high)]
        place = np.empty(size, np.int64)
        place[order] = np.arange(size)
        between = (place >= low.stop) & (place < high.start)
        columns = (np.where(between, flat, 0.0), place < low.start, place < high.start)
        self.columns = [column.reshape(by_task.shape).astype(np.float64) for column in columns]
        """What the matrix product with the counts sums up: scores between the windows, draws below each of them."""

    def __call__(
        self, counts: FloatArray, between: FloatArray, *below: FloatArray
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Returns the sums [block], and for which replicates they hold: both quartiles in their windows."""
        total, exact = between, np.ones(len(counts), np.bool_)
        for (window, values), before, quartile in zip(self._windows, below, (self.cut, self.end), strict=True):
            reached = np.empty((len(counts), len(window) + 1), np.int32)
            reached[:, 0] = before
            reached[:, 1:] = counts.take(window, axis=1)
            np.cumsum(reached, axis=1, dtype=np.int32, out=reached)
            exact &= (reached[:, 0] <= quartile) & (quartile <= reached[:, -1])
            total = total + np.diff(np.clip(reached, self.cut, self.end), axis=1).astype(np.float64) @ values
        return total, exact


def bootstrap_improvement(
    x: FloatArray, y: FloatArray, rng: np.random.Generator, *, reps: int = REPS, confidence: float = CONFIDENCE
) -> Estimate:
    """Returns the probability that a run of x beats one of y, with its stratified bootstrap interval.

    The value is `metrics.probability_of_improvement`; the runs of x and of y are drawn independently.

    Args:
        x: [runs, tasks].
        y: [other runs, tasks], the same tasks.
        rng: Where the draws come from.
        reps: Number of replicates, at least 1.
        confidence: In (0, 1).
    """
    value = float(metrics.probability_of_improvement(x, y))
    mine, theirs = _by_task("x", x), _by_task("y", y)
    wins = 0.5 * (np.sign(mine[:, :, None] - theirs[:, None, :]) + 1.0)
    (runs, other_runs), tasks = (len(x), len(y)), len(mine)
    replicates: list[FloatArray] = []
    for first in count_runs(rng, reps, runs, tasks):
        won = np.matmul(first.swapaxes(0, 1), wins)
        second = np.concatenate([block.copy() for block in count_runs(rng, len(first), other_runs, tasks)])
        replicates.append(np.einsum("trj,rtj->r", won, second) / wins.size)
    return estimate(value, percentile_interval(np.concatenate(replicates), confidence))


def count_bins(
    bins: NDArray[np.integer[Any]], size: int, rng: np.random.Generator, *, reps: int = REPS
) -> NDArray[np.int64]:
    """Returns how many drawn scores fall into each bin, [reps, size], given the bins [runs, tasks] of the scores."""
    by_task = np.ascontiguousarray(np.asarray(bins).T)
    tasks, runs = by_task.shape
    blocks = []
    for drawn in draw_runs(rng, reps, runs, tasks):
        found = by_task[np.arange(tasks)[:, None], drawn] + size * np.arange(len(drawn))[:, None, None]
        blocks.append(np.bincount(found.ravel(), minlength=len(drawn) * size).reshape(len(drawn), size))
    return np.concatenate(blocks)


def _drawn_scores(by_task: FloatArray, drawn: Draws) -> FloatArray:
    """Returns the resampled matrices [block, runs, tasks] of draws [block, tasks, runs]."""
    return by_task[np.arange(len(by_task))[:, None], drawn].swapaxes(-1, -2)


def _by_task(name: str, scores: FloatArray) -> FloatArray:
    array = np.asarray(scores, np.float64)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name}: expected [runs, tasks] with at least one of each, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite scores, got {np.count_nonzero(~np.isfinite(array))} that are not")
    return np.ascontiguousarray(array.T)
