import dataclasses
import json
import random

import numpy as np
import pytest

from envsuite.episode import Episode
from envsuite.errors import ResultsMismatch, UnknownName
from envsuite.families.crafter.rules import ACHIEVEMENTS
from envsuite.leaderboard.compare import Comparison, compare
from envsuite.leaderboard.results import Manifest, Results
from envsuite.task import Reference, Suite, SuiteTask, Task

WALK, REACH, CRAFT, OPEN = (f"envsuite/{name}-v1" for name in ("bipedal-walk", "metaworld-reach", "crafter-x", "toy-y"))


def make_task(task_id, metric, floor=None, ceiling=None):
    ends = [None if end is None else Reference(value=end, kind="random", source="made up") for end in (floor, ceiling)]
    return Task(
        id=task_id,
        goal="Play.",
        entry_point="nowhere:Env",
        max_episode_steps=100,
        metric=metric,
        floor=ends[0],
        ceiling=ends[1],
    )


TASKS = {
    task.id: task
    for task in (
        make_task(WALK, "return", -100.0, 300.0),
        make_task(REACH, "success_rate", 0.0, 1.0),
        make_task(CRAFT, "crafter_score", 1.5, 50.5),
        make_task(OPEN, "return", 3.0),
    )
}
SUITE = Suite(name="toy-v1", summary="", tasks=tuple(SuiteTask(task_id=t, episodes=30) for t in TASKS))


def results(agent, skill=0.0, *, runs=1, suite=SUITE, drop=(), noise=1, outcome="terminated", **manifest):
    """Episodes whose difficulty depends on the seed, alike for all agents."""
    fields = {"split": "dev", "entry_point": agent, "seed": 0, "envsuite": "0", "simulators": {}, **manifest}
    episodes = []
    for number, entry in enumerate(suite.tasks):
        for index in range(entry.episodes):
            hard = np.random.default_rng([number, index]).normal()
            for run in range(runs):
                if (entry.task_id, run, index) in drop:
                    continue
                own = np.random.default_rng([number, index, run, noise])
                level = hard + skill + own.normal(0, 0.3)
                episodes.append(
                    Episode(
                        task_id=entry.task_id,
                        seed_index=index,
                        run=run,
                        return_=100 + 80 * level,
                        length=10,
                        success=level > 0 if entry.task_id == REACH else None,
                        metrics={name: float(own.random() < 0.4 + 0.2 * np.tanh(level)) for name in ACHIEVEMENTS},
                        outcome=outcome,
                        trajectory="00",
                    )
                )
    return Results.of(Manifest(suite=suite, agent=agent, runs=runs, **fields), episodes)


def compared(a, b, **options):
    return compare(a, b, tasks=TASKS, **{"reps": 400, **options})


STRONG, WEAK, LIKE_WEAK = results("strong", 1.0), results("weak", noise=2), results("like weak", noise=3)


@pytest.fixture(scope="module")
def told_apart():
    return compared(STRONG, WEAK)


def of(comparison, task_id):
    return next(task for task in comparison.tasks if task.task_id == task_id)


def test_a_better_agent_is_found_and_named(told_apart):
    assert told_apart.iqm.low > 0
    assert told_apart.mean.low > 0
    assert told_apart.verdict.startswith("strong is better than weak: its IQM is higher by ")
    assert "Of 4 tasks" in told_apart.verdict
    assert of(told_apart, WALK).better == "a"


def test_the_other_way_round_everything_changes_its_sign(told_apart):
    turned = compared(WEAK, STRONG)
    assert turned.verdict == told_apart.verdict
    assert turned.iqm == pytest.approx([-told_apart.iqm.value, -told_apart.iqm.high, -told_apart.iqm.low], abs=1e-12)
    for task, other in zip(turned.tasks, told_apart.tasks, strict=True):
        assert task.difference.value == pytest.approx(-other.difference.value)
        assert (task.a, task.b) == (other.b, other.a)
    assert of(turned, WALK).better == "b"


def test_values_are_the_scores_of_the_agents(told_apart):
    scores = [{task.task_id: task.score.value for task in own.tasks} for own in (_score(STRONG), _score(WEAK))]
    for task in told_apart.tasks:
        assert (task.a, task.b) == pytest.approx((scores[0][task.task_id], scores[1][task.task_id]))
        assert task.seeds == 30
    assert told_apart.iqm_a == pytest.approx(_score(STRONG).iqm.value)
    assert told_apart.iqm.value == pytest.approx(told_apart.iqm_a - told_apart.iqm_b)


def _score(own):
    from envsuite.leaderboard.score import score_suite

    return score_suite("a", own.episodes, SUITE, tasks=TASKS, reps=10)


def test_agents_alike_cannot_be_told_apart():
    comparison = compared(WEAK, LIKE_WEAK)
    assert comparison.iqm.low < 0 < comparison.iqm.high
    assert "weak and like weak cannot be told apart" in comparison.verdict
    assert f"A true difference of {comparison.detectable:.3f}" in comparison.verdict
    assert "none tells them apart" in comparison.verdict


def test_an_agent_and_itself_differ_by_nothing():
    comparison = compared(WEAK, WEAK)
    assert (comparison.a, comparison.b) == ("weak (first)", "weak (second)")
    assert comparison.iqm == (0.0, 0.0, 0.0)
    assert all(task.p_value == 1.0 and task.better is None for task in comparison.tasks)
    reach = of(comparison, REACH).difference
    assert reach.low < 0 < reach.high


def test_the_chance_of_a_better_run_is_drawn_over_seeds_and_left_out_where_it_would_have_no_width(told_apart):
    alike = compared(WEAK, LIKE_WEAK)
    chance = alike.improvement
    assert chance.low <= chance.value <= chance.high
    assert chance.low < chance.high, "one run each, and other seeds change who wins"
    assert not any("No probability" in note for note in alike.notes)
    for same_winners in (told_apart, compared(WEAK, WEAK)):
        assert same_winners.improvement is None
        assert any("No probability that a run beats another" in note for note in same_winners.notes)
    several = compared(results("strong", 1.0, runs=3), results("weak", runs=3, noise=2))
    assert several.improvement == (1.0, 1.0, 1.0), "three runs each were seen to win and lose"


def test_common_seeds_find_what_two_intervals_do_not():
    a, b = results("a", 0.3), results("b", noise=2)
    apart = [score_walk(own) for own in (a, b)]
    assert apart[0].low < apart[1].high
    assert of(compared(a, b), WALK).difference.low > 0


def score_walk(own):
    return next(task.score for task in _score(own).tasks if task.task_id == WALK)


def test_p_values_are_corrected_for_the_number_of_tasks(told_apart):
    least = min(told_apart.tasks, key=lambda task: task.p_value)
    assert least.p_holm == pytest.approx(min(1.0, 4 * least.p_value))
    assert all(task.p_holm >= task.p_value for task in told_apart.tasks)


def test_runs_may_differ_in_number_and_are_resampled():
    comparison = compared(results("five", 1.0, runs=5), WEAK)
    assert (comparison.runs_a, comparison.runs_b) == (5, 1)
    assert any("One training run of weak" in note for note in comparison.notes)
    assert any("seeds and training runs" in note for note in comparison.notes)
    assert of(comparison, WALK).seeds == 30


def test_only_seeds_that_every_run_of_both_has_played_count():
    partial = results("partial", 1.0, runs=2, drop={(WALK, 1, 4), (WALK, 0, 5)})
    comparison = compared(partial, WEAK)
    assert of(comparison, WALK).seeds == 28
    expected = np.mean([e.return_ for e in partial.episodes if e.task_id == WALK and e.seed_index not in (4, 5)])
    assert of(comparison, WALK).a == pytest.approx(expected)
    assert any("bipedal-walk-v1 (28 of 30)" in note for note in comparison.notes)


def test_a_task_without_a_common_seed_leaves_no_aggregate():
    comparison = compared(results("none", drop={(WALK, 0, index) for index in range(30)}), WEAK)
    walk = of(comparison, WALK)
    assert (walk.seeds, walk.difference, walk.p_holm, walk.better) == (0, None, None, None)
    assert (comparison.iqm, comparison.improvement, comparison.detectable) == (None, None, None)
    assert "no aggregate" in comparison.verdict
    assert any("1 of its tasks" in note for note in comparison.notes)


def test_few_common_seeds_give_numbers_but_no_verdict():
    suite = dataclasses.replace(SUITE, tasks=tuple(SuiteTask(task_id=t, episodes=4) for t in TASKS))
    comparison = compared(results("a", 1.0, suite=suite), results("b", suite=suite))
    assert comparison.iqm is not None
    assert comparison.verdict.startswith("No verdict on a and b: a task has 4 of the 10 common seeds")


def test_failed_episodes_count_as_the_floor():
    comparison = compared(results("crashed", 5.0, outcome="agent_timeout"), WEAK)
    assert of(comparison, WALK).a == -100.0
    assert of(comparison, REACH).a == 0.0
    assert comparison.iqm.high < 0


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_episodes(told_apart):
    shuffled = random.Random(1).sample(STRONG.episodes, len(STRONG.episodes))
    assert compared(Results(STRONG.manifest, tuple(shuffled)), WEAK) == told_apart
    assert compared(STRONG, WEAK, seed=1) != told_apart


def test_comparisons_survive_json(told_apart):
    for comparison in (told_apart, compared(results("x", drop={(WALK, 0, i) for i in range(30)}), WEAK)):
        assert Comparison.from_json(json.loads(json.dumps(comparison.to_json(), allow_nan=False))) == comparison


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"split": "train"}, "split: expected the same"),
        ({"seed": 1}, "seed: expected the same"),
        ({"commitment": "ab"}, "commitment: expected the same"),
        ({"suite": dataclasses.replace(SUITE, name="other-v1")}, "toy-v1 and other-v1"),
        ({"suite": dataclasses.replace(SUITE, tasks=SUITE.tasks[:2])}, "other tasks or episode counts"),
    ],
)
def test_results_on_other_seeds_are_refused(other, named):
    with pytest.raises(ResultsMismatch, match=named):
        compared(WEAK, results("b", **other))


def test_an_unknown_task_is_named():
    with pytest.raises(UnknownName, match="bipedal-walk"):
        compare(WEAK, STRONG, tasks={})
