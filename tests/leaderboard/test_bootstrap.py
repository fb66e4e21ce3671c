import numpy as np
import pytest
from rliable_oracle import brackets, rliable
from scipy import stats

from envsuite.leaderboard import bootstrap, metrics
from envsuite.leaderboard.bootstrap import (
    aggregate_replicates,
    bootstrap_aggregates,
    bootstrap_improvement,
    bootstrap_runs,
    draw_runs,
)
from envsuite.leaderboard.metrics import AGGREGATES

NAMES = tuple(AGGREGATES)


def gamma(shape, seed=1):
    return np.random.default_rng(seed).gamma(2.0, 0.3, shape)


@pytest.mark.parametrize("shape", [(6, 5), (9, 7)])
def test_intervals_agree_with_rliable_within_monte_carlo_error(shape):
    scores = gamma(shape)
    pytest.importorskip("rliable")
    from rliable import metrics as oracle

    def every(matrix):
        return np.array([getattr(oracle, f"aggregate_{name}")(matrix) for name in NAMES])

    with rliable(seed=1) as library:
        points, ends = library.get_interval_estimates({"agent": scores}, every, reps=4000)
    outer, inner = (
        bootstrap_aggregates(scores, np.random.default_rng(2), reps=20_000, confidence=confidence)
        for confidence in brackets(4000, 20_000)
    )
    for index, name in enumerate(NAMES):
        assert outer[name].value == pytest.approx(points["agent"][index], abs=1e-12)
        low, high = ends["agent"][:, index]
        assert outer[name].low <= low <= inner[name].low
        assert inner[name].high <= high <= outer[name].high


def test_the_probability_of_improvement_agrees_with_rliable():
    x, y = gamma((8, 6), 3) + 0.1, gamma((11, 6), 4)
    with rliable(seed=2) as library:
        from rliable import metrics as oracle

        points, ends = library.get_interval_estimates(
            {"pair": [x, y]}, lambda a, b: np.array([oracle.probability_of_improvement(a, b)]), reps=2000
        )
    outer, inner = (
        bootstrap_improvement(x, y, np.random.default_rng(5), reps=20_000, confidence=confidence)
        for confidence in brackets(2000, 20_000)
    )
    assert outer.value == pytest.approx(points["pair"][0], abs=1e-12)
    low, high = ends["pair"][:, 0]
    assert outer.low <= low <= inner.low
    assert inner.high <= high <= outer.high


SHAPES = [(1, 1), (1, 2), (1, 3), (2, 2), (1, 50), (3, 1), (5, 17), (7, 9), (13, 23), (100, 3), (100, 20), (300, 40)]


@pytest.mark.parametrize("kind", ["spread", "tied", "outliers"])
@pytest.mark.parametrize("shape", SHAPES)
def test_counting_draws_gives_the_statistics_of_the_drawn_scores(shape, kind):
    scores = gamma(shape)
    if kind == "tied":
        scores = np.round(scores)
    if kind == "outliers":
        scores[0, 0] = -1e7
    reps = 200
    drawn = np.concatenate(list(draw_runs(np.random.default_rng(3), reps, *shape)))
    matrices = np.stack([[scores[row, task] for task, row in enumerate(rows)] for rows in drawn]).swapaxes(1, 2)
    counted = aggregate_replicates(scores, np.random.default_rng(3), reps=reps)
    for name, statistic in AGGREGATES.items():
        # Only rounding is left: twelve digits of the largest score that goes into it.
        scale = 1.0 if kind != "outliers" or name == "iqm" else 1e7
        np.testing.assert_allclose(counted[name], statistic(matrices), rtol=0, atol=1e-12 * scale)


def test_resamplings_whose_quartiles_lie_far_out_are_computed_all_the_same(monkeypatch):
    monkeypatch.setattr(bootstrap, "SIGMAS", 0.2)
    test_counting_draws_gives_the_statistics_of_the_drawn_scores((13, 23), "spread")
    test_counting_draws_gives_the_statistics_of_the_drawn_scores((100, 3), "tied")


def test_evaluating_in_blocks_of_any_size_changes_nothing(monkeypatch):
    scores = gamma((70, 90))
    whole = aggregate_replicates(scores, np.random.default_rng(3), reps=100)
    monkeypatch.setattr(bootstrap, "BLOCK", 1)
    pieces = aggregate_replicates(scores, np.random.default_rng(3), reps=100)
    for name in NAMES:
        np.testing.assert_allclose(whole[name], pieces[name], rtol=0, atol=1e-14)


def test_one_statistic_and_all_of_them_have_the_same_interval():
    scores = gamma((6, 5))
    every = bootstrap_aggregates(scores, np.random.default_rng(4), reps=500)
    for name, statistic in AGGREGATES.items():
        alone = bootstrap_runs(scores, statistic, np.random.default_rng(4), reps=500)
        assert alone == pytest.approx(every[name], abs=1e-12)


@pytest.mark.parametrize("runs", [1, 2, 3, 5, 100, 257, 4097])
def test_draws_are_uniform_and_in_range(runs):
    drawn = np.concatenate([block.ravel() for block in draw_runs(np.random.default_rng(6), 400, runs, 3)])
    assert drawn.size == 400 * 3 * runs
    assert drawn.max() < runs
    counts = np.bincount(drawn, minlength=runs)
    if runs > 1:
        assert stats.chisquare(counts).pvalue > 1e-3


def test_numbers_left_over_from_the_division_are_drawn_again():
    # 65536 = 15 * 4096 + 4096: with 4095 numbers of 16 values each, 16 values in 65536 are left over.
    drawn = np.concatenate([block.ravel() for block in draw_runs(np.random.default_rng(7), 100, 4095, 1)])
    assert drawn.max() == 4094
    assert stats.chisquare(np.bincount(drawn, minlength=4095)).pvalue > 1e-3


def test_the_same_generator_gives_the_same_interval():
    scores = np.random.default_rng(3).normal(size=(5, 4))
    once, again, other = (bootstrap_runs(scores, metrics.iqm, np.random.default_rng(s), reps=200) for s in (7, 7, 8))
    assert once == again != other
    x, y = gamma((4, 3)), gamma((5, 3), 2)
    once, again = (bootstrap_improvement(x, y, np.random.default_rng(7), reps=200) for _ in range(2))
    assert once == again


def test_an_interval_of_equal_scores_has_no_width():
    assert bootstrap_runs(np.full((3, 2), 0.25), metrics.mean, np.random.default_rng(0), reps=50) == (0.25,) * 3
    assert bootstrap_improvement(np.ones((3, 2)), np.zeros((4, 2)), np.random.default_rng(0), reps=50) == (1.0,) * 3


def test_run_bootstrap_covers_the_truth_about_as_often_as_it_says():
    rng, covered = np.random.default_rng(12), 0
    for _ in range(400):
        ends = bootstrap_aggregates(rng.normal(0.5, 0.3, (12, 8)), rng, reps=300)["iqm"]
        covered += ends.low <= 0.5 <= ends.high
    # Percentile intervals of 12 runs fall a little short of 95 %; 400 trials have a standard error of 1.2 %.
    assert 0.90 <= covered / 400 <= 0.98


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda rng: bootstrap_runs(np.zeros(3), metrics.iqm, rng), "scores"),
        (lambda rng: bootstrap_aggregates(np.zeros((0, 3)), rng), "scores"),
        (lambda rng: bootstrap_aggregates(np.array([[np.nan]]), rng), "finite"),
        (lambda rng: bootstrap_aggregates(np.zeros((2, 3)), rng, reps=0), "reps"),
        (lambda rng: bootstrap_improvement(np.zeros((2, 3)), np.zeros((2, 4)), rng), "y"),
        (lambda rng: bootstrap_improvement(np.zeros((2, 3)), np.zeros((2, 3)), rng, reps=0), "reps"),
    ],
)
def test_wrong_input_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(np.random.default_rng(0))
