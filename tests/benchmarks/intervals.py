"""Time of 2,000-resample intervals beside rliable's, in alternating blocks of one run; prints JSON rows.

Both compute IQM, mean, median and optimality gap with 95 % stratified-bootstrap intervals of the same
scores, in one process. A row's ratio is rliable's time over ours, the median of neighbouring blocks.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
from pandas.util import _decorators

from envsuite.leaderboard.bootstrap import bootstrap_aggregates
from envsuite.leaderboard.intervals import REPS
from envsuite.leaderboard.metrics import AGGREGATES

# arch 7, which rliable needs, expects an older signature of this decorator while it is imported.
with mock.patch.object(_decorators, "deprecate_kwarg", return_value=lambda function: function):
    from rliable import library, metrics

SHAPES = ((100, 20), (10, 26), (5, 17))
"""Runs x tasks: the board's target, the shape of Atari 100k, a submission of five runs."""
FLOORS = (20.0, None, None)
"""Ratio that a shape must reach."""


def rliable_intervals(scores: np.ndarray) -> Any:
    """Returns rliable's intervals of all four aggregates."""

    def every(matrix: np.ndarray) -> np.ndarray:
        return np.array([getattr(metrics, f"aggregate_{name}")(matrix) for name in AGGREGATES])

    return library.get_interval_estimates({"agent": scores}, every, reps=REPS)


def our_intervals(scores: np.ndarray) -> Any:
    """Returns our intervals of all four aggregates."""
    return bootstrap_aggregates(scores, np.random.default_rng(0), reps=REPS)


def seconds(call: Callable[[np.ndarray], Any], scores: np.ndarray, at_least: float) -> float:
    """Returns the mean time of a call, repeated until a block has lasted `at_least` seconds."""
    started, calls = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < at_least or not calls:
        call(scores)
        calls += 1
    return elapsed / calls


def measure(runs: int, tasks: int, *, floor: float | None, blocks: int, block_s: float) -> dict[str, Any]:
    """Returns the row of one shape."""
    scores = np.random.default_rng(1).gamma(2.0, 0.3, (runs, tasks))
    our_intervals(scores)
    pairs = [
        (seconds(our_intervals, scores, block_s), seconds(rliable_intervals, scores, block_s)) for _ in range(blocks)
    ]
    ratios = [theirs / ours for ours, theirs in pairs]
    return {
        "name": f"intervals of {runs} runs x {tasks} tasks, {REPS} replicates",
        "ours_ms": round(1e3 * statistics.median(ours for ours, _ in pairs), 2),
        "rliable_ms": round(1e3 * statistics.median(theirs for _, theirs in pairs), 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_low": round(min(ratios), 2),
        "ratio_high": round(max(ratios), 2),
        "floor": floor,
    }


def main() -> None:
    """Prints a JSON row per shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="least length of a block")
    arguments = parser.parse_args()
    for shape, floor in zip(SHAPES, FLOORS, strict=True):
        row = measure(*shape, floor=floor, blocks=arguments.blocks, block_s=arguments.seconds)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
