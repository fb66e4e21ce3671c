"""Success rates: the exact interval, without SciPy, and what a rate may be where all trials agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from envsuite.leaderboard.intervals import CONFIDENCE, REPS, Interval, check_confidence
from envsuite.leaderboard.metrics import FloatArray

WHOLE = 1e-6
"""What a number of successes may differ from a whole one by rounding."""
TERMS = 100_000
"""Terms of the continued fraction at most; it needs about the square root of the number of trials."""


def clopper_pearson(successes: float, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Returns the exact interval of a success rate from independent trials (Clopper and Pearson 1934).

    It holds the true rate of one fixed agent with at least the confidence asked for, whatever the rate
    and the number of trials; at no success, and at nothing but successes, it still has a width. The low
    end is the rate at which so many successes or more have probability (1 - confidence) / 2, the high
    end that for so many or fewer.

    `successes` may be a fraction, where a failed episode counts as a floor above 0. Then it is rounded
    outward: the low end is that of the next lower whole number, the high end that of the next higher.

    Args:
        successes: In [0, trials].
        trials: At least 1.
        confidence: In (0, 1).
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"successes: expected 0 to trials, and trials >= 1, got {successes} of {trials}")
    check_confidence(confidence)
    fewer, more = math.floor(successes + WHOLE), math.ceil(successes - WHOLE)
    tail = (1 - confidence) / 2
    low = 0.0 if fewer == 0 else beta_quantile(tail, fewer, trials - fewer + 1)
    high = 1.0 if more == trials else beta_quantile(1 - tail, more + 1, trials - more)
    return Interval(low, high)


def agreeing_rates(rate: float, trials: int, rng: np.random.Generator, *, reps: int = REPS) -> FloatArray:
    """Returns draws [reps] of what the rate may be after `trials` that all failed (rate 0) or all succeeded (1).

    Resampling such trials gives the same rate every time, which would say that it is known. The draws are those of
    Jeffreys' posterior (Brown, Cai and DasGupta 2001), whose middle 95 % lie within the exact interval.
    """
    if rate not in (0.0, 1.0) or trials < 1:
        raise ValueError(f"rate: expected 0 or 1 of at least one trial, got {rate} of {trials}")
    return rng.beta(trials * rate + 0.5, trials * (1.0 - rate) + 0.5, reps)


@lru_cache(maxsize=4096)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """Returns the x in [0, 1] at which `incomplete_beta(x, a, b)` is the probability, in (0, 1)."""
    if probability > 0.5:
        # 1 - x instead of x: a quantile near 1 keeps its digits.
        return 1.0 - _bisect(lambda x: incomplete_beta(x, b, a) < 1.0 - probability)
    return _bisect(lambda x: incomplete_beta(x, a, b) < probability)


def _bisect(is_below: Callable[[float], bool]) -> float:
    """Returns where a condition that holds at 0 and not at 1 ceases to hold, to the last digit."""
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:
        if is_below(middle):
            low = middle
        else:
            high = middle
        if high - low < 1e-15 * high:
            break
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Returns the regularised incomplete beta function I_x(a, b), for x in [0, 1] and a, b > 0.

    For whole a and n = a + b - 1 it is the probability of a or more successes in n trials at rate x.
    Continued fraction of DiDonato and Morris (1992), NIST DLMF 8.17.22, by Lentz's method.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1.0 - x, b, a)
    logs = a * math.log(x) + b * math.log1p(-x) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(logs) / (a * _continued_fraction(x, a, b))


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Returns 1 + d1/(1 + d2/(1 + ...)) with the d of DLMF 8.17.23; converges fast below the mean a/(a + b)."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / (1.0 + numerator * d or 1e-300)
        c = 1.0 + numerator / c or 1e-300
        value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            return value
    raise ArithmeticError(f"a, b: the continued fraction did not converge at {x}, {a}, {b}; are the trials too many?")
