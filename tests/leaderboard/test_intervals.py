import math

import numpy as np
import pytest

from envsuite.leaderboard import intervals, metrics
from envsuite.leaderboard.binomial import clopper_pearson
from envsuite.leaderboard.bootstrap import bootstrap_aggregates
from envsuite.leaderboard.intervals import (
    Estimate,
    Interval,
    average,
    difference,
    estimate,
    percentile_interval,
    recentre,
    resample_two_level,
)
from envsuite.leaderboard.metrics import crafter_score


def first(means):
    return means[..., 0]


def test_chunks_change_nothing(monkeypatch):
    values = [np.random.default_rng(run).normal(size=(7, 3)) for run in range(4)]
    whole_two = resample_two_level(values, crafter_like, np.random.default_rng(5), reps=300)
    monkeypatch.setattr(intervals, "CHUNK", 50)
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


@pytest.mark.long
@pytest.mark.parametrize(
    ("runs", "two_level_at_least", "runs_alone_at_most"),
    [(1, 0.9, 0.05), (3, 0.88, 0.9), (5, 0.92, 0.94), (10, 0.93, 1)],
)
def test_the_two_level_bootstrap_of_few_runs_covers_far_better_than_that_of_runs_alone(
    runs, two_level_at_least, runs_alone_at_most
):
    rng, two_level, runs_alone = np.random.default_rng(15), 0, 0
    for _ in range(300):
        trained = np.linspace(0.2, 0.8, 10) + rng.normal(0, 0.15, (runs, 10))
        played = trained[..., None] + rng.normal(0, 0.4, (runs, 10, 20))
        replicates = [resample_two_level(list(played[:, task, :, None]), first, rng, reps=400) for task in range(10)]
        ends = percentile_interval(metrics.iqm(np.stack(replicates, axis=-1)))
        alone = bootstrap_aggregates(played.mean(axis=-1), rng, reps=400)["iqm"]
        # One run's interval is about that run; those of several are about the trainings they come from.
        truth = float(metrics.iqm(trained)) if runs == 1 else 0.5
        two_level += ends.low <= truth <= ends.high
        runs_alone += alone.low <= truth <= alone.high
    assert two_level / 300 >= two_level_at_least
    assert runs_alone / 300 <= runs_alone_at_most


def test_intervals_widen_to_hold_the_value():
    assert estimate(3.0, Interval(1.0, 2.0), Interval(1.5, 2.5)) == Estimate(3.0, 1.0, 3.0)


def test_difference_adds_distances_in_quadrature():
    assert difference(Estimate(5.0, 2.0, 9.0), Estimate(1.0, -2.0, 5.0)) == (4.0, -1.0, 9.0)


def test_an_average_adds_distances_in_quadrature_too():
    mean = average([Estimate(5.0, 2.0, 9.0), Estimate(1.0, -3.0, 4.0)])
    assert mean == pytest.approx((3.0, 3.0 - 2.5, 3.0 + 2.5))
    assert average([Estimate(5.0, 2.0, 9.0)]) == (5.0, 2.0, 9.0)
    with pytest.raises(ValueError, match="at least one"):
        average([])


def test_an_average_of_exact_rates_covers_the_truth_at_least_as_often_as_it_says():
    rng, covered, rates = np.random.default_rng(16), 0, np.linspace(0.0, 1.0, 9)
    for _ in range(400):
        won = rng.binomial(20, rates)
        mean = average([Estimate(k / 20, *clopper_pearson(int(k), 20)) for k in won])
        covered += mean.low <= rates.mean() <= mean.high
    assert covered / 400 >= 0.95


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda rng: resample_two_level([], first, rng), "values"),
        (lambda rng: resample_two_level([np.zeros((3, 1)), np.zeros((3, 2))], first, rng), "values"),
        (lambda rng: resample_two_level([np.zeros((3, 1))], first, rng, reps=0), "reps"),
        (lambda rng: percentile_interval(np.zeros((2, 2))), "replicates"),
        (lambda rng: percentile_interval(np.zeros(4), 1.5), "confidence"),
    ],
)
def test_wrong_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(np.random.default_rng(0))
