import math

import numpy as np
import pytest

from envsuite.catalogue import FAMILIES, TASKS
from envsuite.episode import Episode
from envsuite.errors import UnknownName
from envsuite.families.crafter.rules import ACHIEVEMENTS
from envsuite.leaderboard import metrics
from envsuite.leaderboard.metrics import TASK_METRICS, crafter_score, episode_values

rliable_metrics = pytest.importorskip("rliable.metrics")


def episode(return_=0.0, outcome="terminated", index=0, **fields):
    return Episode(
        task_id="envsuite/toy-walk-v1",
        seed_index=index,
        return_=return_,
        length=10,
        outcome=outcome,
        trajectory="00",
        **fields,
    )


def crafter_episode(*unlocked, **fields):
    return episode(metrics={name: 3.0 * (name in unlocked) for name in ACHIEVEMENTS}, **fields)


SHAPES = [
    (1, 1),
    (1, 2),
    (1, 3),
    (1, 4),
    (2, 1),
    (3, 1),
    (5, 1),
    (5, 7),
    (10, 26),
    (4, 3),
    (3, 3),
    (7, 2),
    (11, 17),
    (100, 20),
]
"""Sizes of every remainder by 4: whole quarters are cut."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["iqm", "mean", "median", "optimality_gap"])
def test_aggregates_agree_with_rliable(name, shape):
    scores = np.random.default_rng(1).normal(0.7, 0.6, shape)
    oracle = getattr(rliable_metrics, f"aggregate_{name}")
    assert getattr(metrics, name)(scores) == pytest.approx(oracle(scores), abs=1e-12)


@pytest.mark.parametrize("name", ["iqm", "mean", "median", "optimality_gap"])
def test_aggregates_of_a_stack_are_the_aggregates_of_its_matrices(name):
    stack = np.random.default_rng(2).normal(size=(2, 3, 5, 4))
    aggregate = getattr(metrics, name)
    expected = [[aggregate(matrix) for matrix in row] for row in stack]
    np.testing.assert_allclose(aggregate(stack), expected, rtol=0, atol=1e-14)


def test_iqm_leaves_out_the_lowest_and_the_highest_quarter():
    assert metrics.iqm(np.array([[-100.0, 1.0], [3.0, 900.0]])) == 2.0


def test_probability_of_improvement_agrees_with_rliable_on_unequal_runs_and_ties():
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 5, (6, 4)).astype(float), rng.integers(0, 5, (9, 4)).astype(float)
    ours = metrics.probability_of_improvement(x, y)
    assert ours == pytest.approx(rliable_metrics.probability_of_improvement(x, y), abs=1e-12)
    assert ours + metrics.probability_of_improvement(y, x) == pytest.approx(1.0)


def test_probability_of_improvement_of_equals_is_one_half():
    x = np.random.default_rng(4).normal(size=(5, 3))
    assert metrics.probability_of_improvement(x, x) == 0.5


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((0, 3)), np.zeros((3, 0)), np.array([[1.0, np.nan]])])
def test_aggregates_refuse_what_is_no_score_matrix(scores):
    with pytest.raises(ValueError, match="scores: expected"):
        metrics.iqm(scores)


def test_probability_of_improvement_refuses_other_tasks():
    with pytest.raises(ValueError, match="y: expected"):
        metrics.probability_of_improvement(np.zeros((2, 3)), np.zeros((2, 4)))


def test_crafter_score_by_hand():
    one_in_four = np.zeros(22)
    one_in_four[0] = 0.25
    assert crafter_score(one_in_four) == pytest.approx(math.exp(math.log(26) / 22) - 1)
    assert crafter_score(np.ones(22)) == pytest.approx(100.0)
    assert crafter_score(np.zeros((5, 22))) == pytest.approx(np.zeros(5))


def test_crafter_values_tell_unlocked_from_not():
    values = episode_values("crafter_score", [crafter_episode("eat_cow", "wake_up"), crafter_episode()], 1.0)
    assert values.shape == (2, 22)
    assert values[0].nonzero()[0].tolist() == [ACHIEVEMENTS.index("eat_cow"), 21]
    assert not values[1].any()


def test_crafter_episode_without_its_achievements_is_an_error():
    with pytest.raises(ValueError, match="22 achievements"):
        episode_values("crafter_score", [episode()], None)


def test_the_crafter_family_declares_every_achievement():
    assert set(ACHIEVEMENTS) <= set(FAMILIES["crafter"].metrics)


def test_every_task_names_a_metric_that_exists():
    assert {task.metric for task in TASKS.values()} <= set(TASK_METRICS)


@pytest.mark.parametrize("outcome", ["invalid_action", "agent_crash", "agent_timeout", "agent_killed"])
def test_failed_episodes_count_as_the_floor_whatever_they_had_collected(outcome):
    played = [episode(50.0), episode(80.0, outcome)]
    assert episode_values("return", played, 12.5).ravel().tolist() == [50.0, 12.5]
    won = [episode(success=True), episode(outcome=outcome, success=True)]
    assert episode_values("success_rate", won, 0.125).ravel().tolist() == [1.0, 0.125]


def test_failed_episodes_of_a_task_without_floor_never_beat_playing_on():
    played = [episode(-3.0), episode(7.0), episode(9.0, "agent_crash")]
    assert episode_values("return", played, None).ravel().tolist() == [-3.0, 7.0, -3.0]
    assert episode_values("success_rate", [episode(0, "agent_crash", success=True)], None).tolist() == [[0.0]]


def test_failed_crafter_episodes_unlock_nothing_and_need_no_metrics():
    values = episode_values("crafter_score", [crafter_episode("eat_cow"), episode(outcome="agent_crash")], 2.0)
    assert values.sum(axis=1).tolist() == [1.0, 0.0]


def test_truncated_episodes_are_ordinary_ones():
    assert episode_values("return", [episode(4.0, "truncated")], 1.0).tolist() == [[4.0]]


def test_episodes_the_environment_broke_off_have_no_values():
    with pytest.raises(ValueError, match="env_error"):
        episode_values("return", [episode(outcome="env_error")], 0.0)


def test_no_episodes_a_lacking_success_and_a_return_that_is_no_number_are_errors():
    with pytest.raises(ValueError, match="at least one"):
        episode_values("return", [], 0.0)
    with pytest.raises(ValueError, match="success of True or False"):
        episode_values("success_rate", [episode()], 0.0)
    with pytest.raises(ValueError, match=r"episode 7 .* finite"):
        episode_values("return", [episode(1.0), episode(float("nan"), index=7)], 0.0)


def test_an_unknown_metric_names_the_near_ones():
    with pytest.raises(UnknownName, match="success_rate"):
        episode_values("succes_rate", [episode()], 0.0)


@pytest.mark.parametrize(("name", "k"), [("return", 1), ("success_rate", 1), ("crafter_score", 22)])
def test_combine_is_vectorised_over_leading_axes(name, k):
    means = np.random.default_rng(5).random((3, 2, k))
    combined = TASK_METRICS[name].combine(means)
    assert combined.shape == (3, 2)
    assert combined[1, 1] == pytest.approx(float(TASK_METRICS[name].combine(means[1, 1])))
