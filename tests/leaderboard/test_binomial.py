import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from envsuite.leaderboard.binomial import agreeing_rates, beta_quantile, clopper_pearson, incomplete_beta


def oracle(successes, trials, confidence=0.95):
    ends = stats.binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return float(ends.low), float(ends.high)


@pytest.mark.parametrize("trials", [1, 2, 3, 20, 50, 340, 5000])
def test_intervals_agree_with_scipy(trials):
    for successes in sorted({0, 1, 2, trials // 10, trials // 3, trials // 2, trials - 1, trials}):
        if successes <= trials:
            for confidence in (0.5, 0.9, 0.95, 0.999):
                assert clopper_pearson(successes, trials, confidence) == pytest.approx(
                    oracle(successes, trials, confidence), rel=0, abs=1e-10
                )


@given(st.floats(1e-6, 1 - 1e-6), st.integers(1, 3000), st.integers(1, 3000))
def test_the_incomplete_beta_function_and_its_inverse_agree_with_scipy(x, a, b):
    assert incomplete_beta(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=0, abs=1e-11)
    assert beta_quantile(x, a, b) == pytest.approx(stats.beta.ppf(x, a, b), rel=0, abs=1e-10)


def test_a_million_trials_are_no_obstacle():
    assert clopper_pearson(123_456, 1_000_000) == pytest.approx(oracle(123_456, 1_000_000), rel=0, abs=1e-10)


def test_ends_at_no_and_at_all_successes_by_hand():
    assert clopper_pearson(0, 20) == pytest.approx((0.0, 1 - 0.025 ** (1 / 20)), abs=1e-14)
    assert clopper_pearson(20, 20) == pytest.approx((0.025 ** (1 / 20), 1.0), abs=1e-14)


@pytest.mark.parametrize("trials", [1, 7, 20, 50])
def test_no_true_rate_is_covered_less_often_than_it_says_counted_exactly(trials):
    ends = [clopper_pearson(successes, trials) for successes in range(trials + 1)]
    for rate in np.linspace(0.005, 0.995, 199):
        covered = sum(
            math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k)
            for k, (low, high) in enumerate(ends)
            if low <= rate <= high
        )
        assert covered >= 0.95 - 1e-12


@given(st.integers(1, 60), st.floats(0, 1))
def test_fractions_of_a_success_are_rounded_outward(trials, share):
    successes = share * trials
    interval = clopper_pearson(successes, trials)
    assert interval.low <= successes / trials <= interval.high
    assert interval.low == clopper_pearson(math.floor(successes + 1e-6), trials).low
    assert interval.high == clopper_pearson(math.ceil(successes - 1e-6), trials).high


def test_whole_numbers_survive_rounding_errors():
    assert clopper_pearson(0.7 * 10 + 1e-15, 10) == clopper_pearson(7, 10)
    assert clopper_pearson(np.mean([0.1] * 3) * 30, 30) == clopper_pearson(3, 30)


@pytest.mark.parametrize(("successes", "trials"), [(5, 4), (-1, 4), (0, 0), (float("nan"), 3)])
def test_impossible_counts_are_named(successes, trials):
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(successes, trials)


def test_an_impossible_confidence_is_named():
    with pytest.raises(ValueError, match="confidence"):
        clopper_pearson(1, 2, 95)


@pytest.mark.parametrize("trials", [1, 4, 20, 500])
def test_rates_after_trials_that_all_agree_lie_within_the_exact_interval(trials):
    won, lost = (agreeing_rates(rate, trials, np.random.default_rng(0), reps=20_000) for rate in (1.0, 0.0))
    assert np.quantile(won, 0.025) > clopper_pearson(trials, trials).low
    assert np.quantile(lost, 0.975) < clopper_pearson(0, trials).high
    assert won.mean() == pytest.approx((trials + 0.5) / (trials + 1), abs=0.01)
    assert 1 - won.mean() == pytest.approx(lost.mean(), abs=0.01)
    with pytest.raises(ValueError, match="expected 0 or 1"):
        agreeing_rates(0.5, trials, np.random.default_rng(0))
