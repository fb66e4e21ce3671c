import itertools

import numpy as np
import pytest
from scipy import stats

from envsuite.leaderboard import intervals
from envsuite.leaderboard.intervals import Estimate, Interval, percentile_interval
from envsuite.leaderboard.metrics import get_metric
from envsuite.leaderboard.paired import Pair, detectable, holm, resample_pair, success_difference, swap_test

RETURN, SUCCESS, CRAFTER = (get_metric(name) for name in ("return", "success_rate", "crafter_score"))


def pair_of(a, b):
    """One run each, of plain numbers per seed."""
    return Pair(*(np.asarray(side, float)[None, :, None] for side in (a, b)))


def swapped(pair, seed=0, combine=RETURN.combine):
    return swap_test(pair, combine, np.random.default_rng(seed))


def test_the_swap_test_of_few_seeds_tries_every_swap():
    rng = np.random.default_rng(1)
    lead = rng.normal(0.8, 1.0, 9)
    signs = np.array(list(itertools.product((1, -1), repeat=9)))
    expected = np.mean(np.abs(signs @ lead) >= abs(lead.sum()) - 1e-12)
    base = rng.normal(size=9)
    assert swapped(pair_of(base + lead, base)) == pytest.approx(expected)
    oracle = stats.permutation_test((lead,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert expected == pytest.approx(oracle.pvalue)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (5, 1), (3, 3), (12, 0)])
def test_of_successes_it_is_mcnemar_s_exact_test(only_a, only_b):
    a = [1] * only_a + [0] * only_b + [1] * 10 + [0] * 4
    b = [0] * only_a + [1] * only_b + [1] * 10 + [0] * 4
    n = only_a + only_b
    expected = stats.binomtest(only_a, n, 0.5).pvalue if n else 1.0
    assert swapped(pair_of(a, b), combine=SUCCESS.combine) == pytest.approx(expected)


def test_random_swaps_of_many_seeds_agree_with_the_exact_test():
    a, b = [1] * 26 + [0] * 12, [0] * 26 + [1] * 12
    expected = stats.binomtest(26, 38, 0.5).pvalue
    assert swapped(pair_of(a, b)) == pytest.approx(expected, abs=4 * np.sqrt(expected / 20_000))
    assert swapped(pair_of(a, b)) == swapped(pair_of(a, b))


def test_no_p_value_is_zero():
    assert swapped(pair_of(np.arange(100) + 1000, np.arange(100))) == pytest.approx(1 / 20_001)


def test_agents_alike_are_called_different_as_often_as_the_level_allows():
    rng = np.random.default_rng(2)
    found = sum(swapped(pair_of(*rng.gamma(1.0, 1.0, (2, 10)))) <= 0.05 for _ in range(600))
    # The test is exact: 5 % of 600, standard error 5.3.
    assert found <= 30 + 4 * 5.3


def test_the_swap_test_works_on_scores_that_are_not_linear():
    rng = np.random.default_rng(3)
    strong = Pair(*((rng.random((2, 40, 22)) < rate).astype(float) for rate in (0.6, 0.3)))
    alike = Pair(*((rng.random((2, 40, 22)) < 0.3).astype(float) for _ in range(2)))
    assert swapped(strong, combine=CRAFTER.combine) < 0.001
    assert swapped(alike, combine=CRAFTER.combine) > 0.01


def test_common_seeds_take_out_what_is_hard_for_both():
    rng = np.random.default_rng(4)
    hard = rng.normal(0, 10.0, 60)
    pair = pair_of(hard + 1.0 + rng.normal(0, 0.5, 60), hard + rng.normal(0, 0.5, 60))
    a, b = resample_pair(pair, RETURN, np.random.default_rng(5), reps=4000)
    lead = a.mean(axis=1) - b.mean(axis=1)
    assert lead.std() == pytest.approx((pair.a - pair.b).std() / np.sqrt(60), rel=0.05)
    assert lead.std() < a.std() / 5
    assert percentile_interval(lead).low > 0


def test_several_runs_are_resampled_too():
    rng = np.random.default_rng(6)
    runs_a, runs_b = rng.normal(0, 5.0, 8), rng.normal(0, 5.0, 6)
    pair = Pair(*((runs[:, None] + rng.normal(0, 0.1, (len(runs), 30)))[..., None] for runs in (runs_a, runs_b)))
    a, b = resample_pair(pair, RETURN, np.random.default_rng(7), reps=6000)
    assert (a.shape, b.shape) == ((6000, 8), (6000, 6))
    expected = np.sqrt(runs_a.var() / 8 + runs_b.var() / 6)
    assert (a.mean(axis=1) - b.mean(axis=1)).std() == pytest.approx(expected, rel=0.05)


def test_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(8)
    pair = Pair(rng.random((2, 15, 22)), rng.random((3, 15, 22)))
    whole = resample_pair(pair, CRAFTER, np.random.default_rng(9), reps=100)
    monkeypatch.setattr(intervals, "CHUNK", 50)
    for one, other in zip(whole, resample_pair(pair, CRAFTER, np.random.default_rng(9), reps=100), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_paired_intervals_cover_the_truth_about_as_often_as_they_say():
    rng, covered = np.random.default_rng(10), 0
    for _ in range(400):
        hard = rng.normal(0, 3.0, 25)
        pair = pair_of(hard + rng.normal(0.4, 1.0, 25), hard + rng.normal(0, 1.0, 25))
        a, b = resample_pair(pair, RETURN, rng, reps=300)
        ends = percentile_interval((a - b)[:, 0])
        covered += ends.low <= 0.4 <= ends.high
    # Percentile intervals of 25 seeds fall a little short of 95 %; 400 trials have a standard error of 1.2 %.
    assert 0.89 <= covered / 400 <= 0.98


def test_agreeing_success_rates_still_have_an_interval():
    low, high = success_difference(pair_of([1] * 50, [1] * 50))
    bound = 1 - 0.025 ** (1 / 50)
    assert (low, high) == pytest.approx((-bound, bound))
    low, high = success_difference(pair_of([1] * 30 + [0] * 20, [0] * 30 + [0] * 20))
    assert 0 < low < 0.6 < high < 1


def test_holm_by_hand_and_in_any_order():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.4]) == pytest.approx((0.9, 0.8))
    assert holm([0.6, 0.6]) == (1.0, 1.0)
    assert holm([]) == ()


def test_the_detectable_difference_is_found_in_80_percent_of_cases():
    effect = detectable(Interval(-1.0, 1.0))
    assert effect == pytest.approx((1.959964 + 0.841621) / 1.959964, abs=1e-6)
    rng = np.random.default_rng(11)
    estimates = rng.normal(effect, 1 / 1.959964, 40_000)
    assert np.mean(np.abs(estimates) > 1.0) == pytest.approx(0.8, abs=0.01)
    assert detectable(Estimate(5.0, -1.0, 1.0)) == effect
