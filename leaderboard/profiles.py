"""Performance profiles: which share of an agent's scores lies above each threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envsuite.leaderboard.bootstrap import count_bins
from envsuite.leaderboard.intervals import CONFIDENCE, REPS, check_confidence
from envsuite.leaderboard.metrics import FloatArray

TAUS = tuple(step / 40 for step in range(51))
"""Thresholds of a board's profiles: normalised scores from the floor, 0, to beyond the ceiling, 1.25."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A performance profile with a pointwise bootstrap band: four tuples of one length."""

    taus: tuple[float, ...]
    """Thresholds, ascending."""
    value: tuple[float, ...]
    """Share of runs x tasks with a score above each threshold."""
    low: tuple[float, ...]
    """Lower ends of the pointwise intervals; all of them at once hold less often than each by itself."""
    high: tuple[float, ...]

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Profile:
        """Returns the profile of plain data, as `dataclasses.asdict` gives it."""
        return cls(**{name: tuple(record[name]) for name in ("taus", "value", "low", "high")})


def performance_profile(scores: FloatArray, taus: Sequence[float] = TAUS) -> FloatArray:
    """Returns the share [..., taus] of scores [..., runs, tasks] above each of ascending thresholds.

    The run-score distribution of Agarwal et al. (2021): runs x tasks are counted alike.
    """
    scores = np.asarray(scores, np.float64)
    return np.stack([(scores > tau).mean(axis=(-2, -1)) for tau in _ascending(taus)], axis=-1)


def bootstrap_profile(
    scores: FloatArray,
    taus: Sequence[float] = TAUS,
    *,
    rng: np.random.Generator,
    reps: int = REPS,
    confidence: float = CONFIDENCE,
) -> Profile:
    """Returns the profile of scores[runs, tasks] with the pointwise stratified bootstrap band over runs."""
    edges = _ascending(taus)
    # A score in bin b lies above the first b thresholds.
    bins = np.searchsorted(edges, np.asarray(scores, np.float64), side="left")
    counts = count_bins(bins, len(edges) + 1, rng, reps=reps)
    above = np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1]
    return band(performance_profile(scores, taus), above / bins.size, taus, confidence)


def band(
    value: FloatArray, replicates: FloatArray, taus: Sequence[float] = TAUS, confidence: float = CONFIDENCE
) -> Profile:
    """Returns the profile `value` [taus] with the percentile band of replicates [reps, taus], widened to hold it."""
    check_confidence(confidence)
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicates, (tail, 1 - tail), axis=0)
    ends = (value, np.minimum(low, value), np.maximum(high, value))
    return Profile(tuple(map(float, taus)), *(tuple(map(float, end)) for end in ends))


def _ascending(taus: Sequence[float]) -> FloatArray:
    edges = np.asarray(taus, np.float64)
    if edges.ndim != 1 or not edges.size or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise ValueError(f"taus: expected ascending finite thresholds, got {list(taus)[:5]}")
    return edges
