import math

import numpy as np
import pytest

from envsuite.leaderboard import intervals, metrics
from envsuite.leaderboard.intervals import (
    Estimate,
    Interval,
    bootstrap_runs,
    difference,
    estimate,
    percentile_interval,
    recentre,
    resample_two_level,
    wilson,
)
from envsuite.leaderboard.metrics import crafter_score


def first(means):
    return means[..., 0]


@pytest.fixture
def rliable_library(monkeypatch):
    """rliable with the version of arch it needs, which expects an older signature of one pandas decorator."""
    decorators = pytest.importorskip("pandas.util._decorators")
    monkeypatch.setattr(decorators, "deprecate_kwarg", lambda *_, **__: lambda function: function)
    return pytest.importorskip("rliable.library")


@pytest.mark.parametrize("name", ["iqm", "mean", "median", "optimality_gap"])
def test_run_bootstrap_agrees_with_rliable_within_monte_carlo_error(rliable_library, name):
    scores = np.random.default_rng(1).gamma(2.0, 0.3, (6, 5))
    oracle = getattr(pytest.importorskip("rliable.metrics"), f"aggregate_{name}")
    points, ends = rliable_library.get_interval_estimates(
        {"agent": scores}, lambda matrix: np.array([oracle(matrix)]), reps=4000
    )
    ours = bootstrap_runs(scores, getattr(metrics, name), np.random.default_rng(2), reps=20_000)
    assert ours.value == pytest.approx(points["agent"][0], abs=1e-12)
    # An end's Monte-Carlo error is sqrt(p(1-p)/reps) / density: 0.042 standard deviations of the statistic at
    # 4000 replicates, 0.047 for the difference of the two; four of these are allowed, and a width is 3.92.
    tolerance = 4 * 0.047 * (ours.high - ours.low) / 3.92
    np.testing.assert_allclose([ours.low, ours.high], ends["agent"][:, 0], rtol=0, atol=tolerance)


def test_the_same_generator_gives_the_same_interval():
    scores = np.random.default_rng(3).normal(size=(5, 4))
    once, again, other = (bootstrap_runs(scores, metrics.iqm, np.random.default_rng(s), reps=200) for s in (7, 7, 8))
    assert once == again != other


def test_chunks_change_nothing(monkeypatch):
    scores = np.random.default_rng(4).normal(size=(5, 4))
    values = [np.random.default_rng(run).normal(size=(7, 3)) for run in range(4)]
    whole = bootstrap_runs(scores, metrics.iqm, np.random.default_rng(5), reps=300)
    whole_two = resample_two_level(values, crafter_like, np.random.default_rng(5), reps=300)
    monkeypatch.setattr(intervals, "CHUNK", 50)
    assert bootstrap_runs(scores, metrics.iqm, np.random.default_rng(5), reps=300) == whole
    chunked = resample_two_level(values, crafter_like, np.random.default_rng(5), reps=300)
    np.testing.assert_array_equal(chunked, whole_two)


def crafter_like(means):
    return means.mean(axis=-1)


def test_two_level_bootstrap_of_one_run_is_the_bootstrap_over_its_episodes():
    values = np.random.default_rng(6).normal(2.0, 3.0, (80, 1))
    replicates = resample_two_level([values], first, np.random.default_rng(7), reps=20_000)
    assert replicates.shape == (20_000, 1)
    assert replicates.mean() == pytest.approx(values.mean(), abs=4 * values.std() / math.sqrt(80 * 20_000))
    assert replicates.std() == pytest.approx(values.std() / math.sqrt(80), rel=0.03)


def test_two_level_bootstrap_agrees_with_a_plain_loop():
    rng = np.random.default_rng(8)
    values = [rng.random((episodes, 22)) < 0.3 for episodes in (9, 12, 5)]
    values = [run.astype(float) for run in values]
    fast = resample_two_level(values, crafter_score, np.random.default_rng(9), reps=6000).mean(axis=1)
    slow = []
    for _ in range(3000):
        runs = [values[run] for run in rng.integers(0, 3, 3)]
        slow.append(np.mean([crafter_score(run[rng.integers(0, len(run), len(run))].mean(axis=0)) for run in runs]))
    assert fast.mean() == pytest.approx(np.mean(slow), abs=5 * np.std(slow) / math.sqrt(2000))
    assert fast.std() == pytest.approx(np.std(slow), rel=0.08)


def test_two_level_spread_holds_both_runs_and_episodes():
    rng = np.random.default_rng(10)
    runs, episodes = 40, 10
    values = [rng.normal(centre, 2.0, (episodes, 1)) for centre in rng.normal(0.0, 1.0, runs)]
    spread = resample_two_level(values, first, np.random.default_rng(11), reps=8000).mean(axis=1).std()
    between = np.var([run.mean() for run in values]) / runs
    within = np.mean([run.var() for run in values]) / (runs * episodes)
    assert spread == pytest.approx(math.sqrt(between + within), rel=0.04)


def test_run_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(12), 0
    for _ in range(400):
        scores = rng.normal(0.5, 0.3, (12, 8))
        ends = bootstrap_runs(scores, metrics.iqm, rng, reps=300)
        covered += ends.low <= 0.5 <= ends.high
    # Percentile intervals of 12 runs fall a little short of 95 %; 400 trials have a standard error of 1.2 %.
    assert 0.90 <= covered / 400 <= 0.98


def test_two_level_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(13), 0
    for _ in range(300):
        values = [rng.normal(centre, 1.0, (15, 1)) for centre in rng.normal(2.0, 0.5, 12)]
        ends = percentile_interval(resample_two_level(values, first, rng, reps=300).mean(axis=1))
        covered += ends.low <= 2.0 <= ends.high
    assert 0.90 <= covered / 300 <= 0.99


@pytest.mark.parametrize(
    ("rates", "plain_at_most", "recentred_at_least"),
    [(np.linspace(0.02, 0.98, 22), 0.8, 0.87), (np.geomspace(0.9, 0.005, 22), 0.5, 0.7)],
    ids=["common achievements", "rare achievements"],
)
def test_recentred_intervals_of_crafter_s_score_cover_the_truth_far_more_often(
    rates, plain_at_most, recentred_at_least
):
    rng = np.random.default_rng(14)
    truth, plain, recentred = float(crafter_score(rates)), 0, 0
    for _ in range(300):
        run = (rng.random((50, 22)) < rates).astype(float)
        replicates = resample_two_level([run], crafter_score, rng, reps=300)
        values = crafter_score(run.mean(axis=0))[None]
        ends, better = (percentile_interval(r.mean(axis=1)) for r in (replicates, recentre(replicates, values)))
        plain += ends.low <= truth <= ends.high
        recentred += better.low <= truth <= better.high
    assert plain / 300 < plain_at_most
    assert recentred / 300 > recentred_at_least


def test_recentring_leaves_replicates_without_bias_alone():
    replicates = np.array([[1.0], [3.0]])
    value = np.expm1(np.log1p(replicates).mean(axis=0))
    np.testing.assert_allclose(recentre(replicates, value), replicates, rtol=1e-14)


def test_wilson_by_hand():
    # z = 1.959964; 7 of 10: centre (0.7 + z^2/20) / (1 + z^2/10), half-width from the same formula.
    assert wilson(7, 10) == pytest.approx((0.396776, 0.892208), abs=1e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.161125), abs=1e-5)
    assert wilson(20, 20) == pytest.approx((1 - 0.161125, 1.0), abs=1e-5)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 0.9])
def test_wilson_covers_near_its_level_counted_exactly(rate):
    trials = 50
    covered = sum(
        math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k)
        for k in range(trials + 1)
        if wilson(k, trials).low <= rate <= wilson(k, trials).high
    )
    assert 0.91 <= covered <= 0.99


def test_intervals_widen_to_hold_the_value():
    assert estimate(3.0, Interval(1.0, 2.0), Interval(1.5, 2.5)) == Estimate(3.0, 1.0, 3.0)


def test_an_interval_of_equal_scores_has_no_width():
    assert bootstrap_runs(np.full((3, 2), 0.25), metrics.mean, np.random.default_rng(0), reps=50) == (0.25,) * 3


def test_difference_adds_distances_in_quadrature():
    assert difference(Estimate(5.0, 2.0, 9.0), Estimate(1.0, -2.0, 5.0)) == (4.0, -1.0, 9.0)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda rng: bootstrap_runs(np.zeros(3), metrics.iqm, rng), "scores"),
        (lambda rng: bootstrap_runs(np.zeros((0, 3)), metrics.iqm, rng), "scores"),
        (lambda rng: resample_two_level([], first, rng), "values"),
        (lambda rng: resample_two_level([np.zeros((3, 1)), np.zeros((3, 2))], first, rng), "values"),
        (lambda rng: resample_two_level([np.zeros((3, 1))], first, rng, reps=0), "reps"),
        (lambda rng: percentile_interval(np.zeros((2, 2))), "replicates"),
        (lambda rng: percentile_interval(np.zeros(4), 1.5), "confidence"),
        (lambda rng: wilson(5, 4), "successes"),
        (lambda rng: wilson(0, 0), "successes"),
    ],
)
def test_wrong_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(np.random.default_rng(0))
