import dataclasses
import json

import numpy as np
import pytest
from rliable_oracle import brackets, rliable

from envsuite.leaderboard.profiles import TAUS, Profile, bootstrap_profile, performance_profile

SCORES = np.random.default_rng(1).gamma(2.0, 0.3, (9, 7))
FEW = (0.0, 0.3, 0.5, 0.8, 1.2)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 7), (10, 26)])
def test_profiles_agree_with_rliable(shape):
    scores = np.round(np.random.default_rng(2).gamma(2.0, 0.3, shape), 1)
    taus = np.linspace(0, 1.5, 16).round(1)
    with rliable(seed=0) as library:
        expected = library.score_distributions(scores, taus)
    np.testing.assert_allclose(performance_profile(scores, taus), expected, rtol=0, atol=1e-12)
    value = bootstrap_profile(scores, taus, rng=np.random.default_rng(0), reps=5).value
    np.testing.assert_allclose(value, expected, rtol=0, atol=1e-12)


def test_bands_agree_with_rliable_within_monte_carlo_error():
    with rliable(seed=3) as library:
        points, ends = library.create_performance_profile({"agent": SCORES}, list(FEW), reps=4000)
    outer, inner = (
        bootstrap_profile(SCORES, FEW, rng=np.random.default_rng(4), reps=20_000, confidence=confidence)
        for confidence in brackets(4000, 20_000)
    )
    np.testing.assert_allclose(outer.value, points["agent"], rtol=0, atol=1e-12)
    low, high = ends["agent"]
    slack = 1e-12
    assert (np.array(outer.low) <= low + slack).all()
    assert (low <= np.array(inner.low) + slack).all()
    assert (np.array(inner.high) <= high + slack).all()
    assert (high <= np.array(outer.high) + slack).all()


def test_profiles_of_a_stack_are_those_of_its_matrices():
    stack = np.random.default_rng(5).normal(size=(3, 4, 5))
    np.testing.assert_array_equal(performance_profile(stack), [performance_profile(matrix) for matrix in stack])


def test_a_score_at_a_threshold_is_not_above_it():
    assert performance_profile(np.array([[0.5, 1.0]]), (0.5, 1.0)).tolist() == [0.5, 0.0]
    ours = bootstrap_profile(np.array([[0.5, 1.0]]), (0.5, 1.0), rng=np.random.default_rng(0), reps=20)
    assert (ours.value, ours.low, ours.high) == ((0.5, 0.0),) * 3


def test_profiles_fall_and_bands_hold_them():
    ours = bootstrap_profile(SCORES, rng=np.random.default_rng(6))
    assert ours.taus == TAUS
    for shares in (ours.value, ours.low, ours.high):
        assert (np.diff(shares) <= 0).all()
    assert all(low <= value <= high for value, low, high in zip(ours.value, ours.low, ours.high, strict=True))


def test_profiles_survive_json():
    ours = bootstrap_profile(SCORES, FEW, rng=np.random.default_rng(7), reps=50)
    assert Profile.from_json(json.loads(json.dumps(dataclasses.asdict(ours)))) == ours


@pytest.mark.parametrize("taus", [(), (0.5, 0.5), (1.0, 0.0), (0.0, float("nan"))])
def test_thresholds_that_do_not_ascend_are_named(taus):
    with pytest.raises(ValueError, match="taus"):
        performance_profile(SCORES, taus)
