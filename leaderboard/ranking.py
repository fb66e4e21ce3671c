"""Ranks with their intervals: the one rule by which entries are placed, and who takes part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.leaderboard.intervals import Estimate
from envsuite.leaderboard.metrics import FloatArray
from envsuite.leaderboard.records import SuiteScore

RUNS_TO_RANK = 5
"""Training runs that a learned agent needs to be ranked; with fewer, one lucky training could lead a board."""
SAME = 1e-9
"""Lead up to which two entries are the same: sums in another order differ by less."""
BLOCK = 256
"""Entries that are compared with all others at a time: 20 MB at 10,000 entries."""

RANK_RULE = (
    "Agents are ordered by IQM. An agent's rank is 1 plus the number of agents whose IQM is higher beyond doubt, "
    "that is with a 95 % interval of the difference that excludes 0; agents of one rank share it, and no two of "
    "them can be told apart. A rank with its interval, as in 2-5, ends at the number of agents less those "
    "whose IQM is lower beyond doubt. "
    f"Learned agents need {RUNS_TO_RANK} training runs to be ranked. "
    "Incomplete results, and agents that failed every episode, have no rank."
)
"""How ranks come about, in the words that every board shows."""


class Rank(NamedTuple):
    """The place of an entry among n, 1 being best, as an interval."""

    rank: int
    """1 plus the number of entries surely better: the best place it may have, and the one that is shown."""
    last: int
    """n minus the number of entries surely worse: the lowest place it may have."""

    def __str__(self) -> str:
        return str(self.rank) if self.rank == self.last else f"{self.rank}-{self.last}"


def rank(estimates: Sequence[Estimate]) -> tuple[Rank, ...]:
    """Returns the rank of every estimate, higher values being better, in the order given.

    An entry is surely better than another where `intervals.difference` of the two lies above 0. This is
    a strict partial order: who is surely better has the lower rank; those of one rank cannot be told
    apart; and the intervals of any two that cannot be told apart overlap. "Cannot be told apart" is not
    transitive, so entries of different ranks may be such a pair too. Not corrected for the number of pairs.

    Costs n * n / 2 comparisons of numbers, 0.2 s for 10,000 entries, and memory of `BLOCK` * n.

    Raises:
        ValueError: For an estimate that is not finite or not low <= value <= high.
    """
    if not estimates:
        return ()
    array = np.array(estimates, np.float64)
    values, lows, highs = array.T
    if not np.isfinite(array).all() or (lows > values).any() or (values > highs).any():
        raise ValueError("estimates: expected finite numbers with low <= value <= high; see `intervals.estimate`")
    better, worse = _count(*_by_value(values, lows, highs))
    return tuple(Rank(1 + int(above), len(array) - int(below)) for above, below in zip(better, worse, strict=True))


def _by_value(
    values: FloatArray, lows: FloatArray, highs: FloatArray
) -> tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Returns the order, best first, and in that order the values and the squared distances to both ends."""
    order = np.argsort(-values, kind="stable")
    return order, values[order], (values - lows)[order] ** 2, (highs - values)[order] ** 2


def _count(
    order: NDArray[np.int64], values: FloatArray, below: FloatArray, above: FloatArray
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns for every entry how many are surely better, and how many surely worse, in the original order.

    x is surely better than y where x - y exceeds `SAME` and hypot(x - low of x, high of y - y), as
    `intervals.difference` has it; only entries of lower value can be worse, so a block is compared with what stands
    after it.
    """
    size = len(values)
    better, worse = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for start in range(0, size, BLOCK):
        stop = min(size, start + BLOCK)
        lead = values[start:stop, None] - values[start:]
        surely = lead * lead > below[start:stop, None] + above[start:]
        surely &= lead > SAME
        worse[start:stop] = surely.sum(axis=1)
        better[start:] += surely.sum(axis=0)
    original = np.empty_like(order)
    original[order] = np.arange(size)
    return better[original], worse[original]


def why_unranked(score: SuiteScore) -> str | None:
    """Returns the sentence that says why a score takes no rank, or None where it takes one."""
    if score.iqm is None:
        return "Unranked: there is no normalised aggregate."
    if not score.complete:
        return f"Unranked: {score.missing} of the suite's episodes are not scored."
    if score.failed == score.episodes:
        return "Unranked: the agent failed every episode."
    return too_few_runs(score.runs, score.learned)


def too_few_runs(runs: int, learned: bool) -> str | None:
    """Returns the sentence that says that a learned agent has too few training runs, or None."""
    if not learned or runs >= RUNS_TO_RANK:
        return None
    return f"Unranked: {runs} of the {RUNS_TO_RANK} training runs that a learned agent needs for a rank."
