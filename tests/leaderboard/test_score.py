import dataclasses
import json

import numpy as np
import pytest

from envsuite.episode import Episode
from envsuite.errors import UnknownName
from envsuite.families.crafter.rules import ACHIEVEMENTS
from envsuite.leaderboard import metrics
from envsuite.leaderboard.binomial import clopper_pearson
from envsuite.leaderboard.bootstrap import bootstrap_runs
from envsuite.leaderboard.ranking import Rank, rank
from envsuite.leaderboard.score import SuiteScore, score_suite
from envsuite.task import Reference, Suite, SuiteTask, Task

WALK, REACH, CRAFT, OPEN = (f"envsuite/{name}-v1" for name in ("bipedal-walk", "metaworld-reach", "crafter-x", "toy-y"))


def reference(value):
    return Reference(value=value, kind="random", source="made up")


def make_task(task_id, metric, floor=None, ceiling=None):
    return Task(
        id=task_id,
        goal="Play.",
        entry_point="nowhere:Env",
        max_episode_steps=100,
        metric=metric,
        floor=None if floor is None else reference(floor),
        ceiling=None if ceiling is None else reference(ceiling),
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


def make_suite(*task_ids, episodes=20):
    return Suite(name="toy-v1", summary="", tasks=tuple(SuiteTask(task_id=t, episodes=episodes) for t in task_ids))


def make_episode(task_id, index, run=0, return_=0.0, outcome="terminated", **fields):
    defaults = {"length": 50, "trajectory": "00", "timings": {"wall_s": 0.5}}
    return Episode(
        task_id=task_id, seed_index=index, run=run, return_=return_, outcome=outcome, **{**defaults, **fields}
    )


def play(task_id, runs=3, episodes=20, seed=0):
    rng = np.random.default_rng([seed, *task_id.encode()])
    return [
        make_episode(
            task_id,
            index,
            run,
            float(rng.normal(100 + 20 * run, 50)),
            success=bool(rng.random() < 0.7) if task_id == REACH else None,
            metrics={name: float(rng.random() < 0.4) for name in ACHIEVEMENTS} if task_id == CRAFT else {},
        )
        for run in range(runs)
        for index in range(episodes)
    ]


def score(episodes, suite, **options):
    return score_suite("toy agent", episodes, suite, tasks=TASKS, **{"reps": 300, **options})


ALL = make_suite(WALK, REACH, CRAFT, OPEN)
EVERYTHING = [episode for task_id in ALL.task_ids for episode in play(task_id)]


@pytest.fixture(scope="module")
def full():
    return score(EVERYTHING, ALL)


def of(result, task_id):
    return next(task for task in result.tasks if task.task_id == task_id)


def test_a_complete_result_scores_every_task_in_the_order_of_the_suite(full):
    assert full.complete
    assert tuple(task.task_id for task in full.tasks) == ALL.task_ids
    assert (full.runs, full.episodes, full.missing, full.failed) == (3, 240, 0, 0)
    assert (full.unscored, full.ranked, full.unranked) == ((), (WALK, REACH, CRAFT), (OPEN,))
    assert any("Left out" in note and "toy-y-v1" in note for note in full.notes)


def test_task_scores_are_means_over_runs(full):
    returns = {run: np.mean([e.return_ for e in play(WALK) if e.run == run]) for run in range(3)}
    assert of(full, WALK).score.value == pytest.approx(np.mean(list(returns.values())))
    per_run = [
        metrics.crafter_score(np.mean([list(e.metrics.values()) for e in play(CRAFT) if e.run == run], axis=0))
        for run in range(3)
    ]
    assert of(full, CRAFT).score.value == pytest.approx(np.mean(per_run))


def test_normalised_scores_are_zero_at_the_floor_and_one_at_the_ceiling(full):
    walk = of(full, WALK)
    assert walk.normalised == pytest.approx([(end + 100) / 400 for end in walk.score])
    at_floor, at_ceiling = (
        score([make_episode(WALK, 0, return_=end)], make_suite(WALK, episodes=1)) for end in (-100.0, 300.0)
    )
    assert (at_floor.iqm.value, at_ceiling.iqm.value) == (0.0, 1.0)


def test_aggregates_are_those_of_the_normalised_run_by_task_matrix(full):
    def per_run(task_id, run):
        values = [e for e in play(task_id) if e.run == run]
        if task_id == CRAFT:
            return (metrics.crafter_score(np.mean([list(e.metrics.values()) for e in values], axis=0)) - 1.5) / 49
        if task_id == REACH:
            return np.mean([e.success for e in values])
        return (np.mean([e.return_ for e in values]) + 100) / 400

    matrix = np.array([[per_run(task_id, run) for task_id in full.ranked] for run in range(3)])
    for name in ("iqm", "mean", "median", "optimality_gap"):
        aggregate = getattr(full, name)
        assert aggregate.value == pytest.approx(float(getattr(metrics, name)(matrix)))
        assert aggregate.low < aggregate.value < aggregate.high


def test_family_means_are_those_of_the_family_s_tasks(full):
    assert set(full.families) == {"bipedal", "metaworld", "crafter"}
    assert full.families["bipedal"] == of(full, WALK).normalised, "the mean of one task is that task's score"


def test_success_is_aggregated_over_the_tasks_that_define_it(full):
    assert full.success_rate.value == pytest.approx(of(full, REACH).score.value)
    assert of(full, WALK).success is None
    assert of(full, REACH).success == of(full, REACH).score


def test_success_rates_never_lose_their_interval():
    won = [make_episode(REACH, index, success=True) for index in range(20)]
    whole = score(won, make_suite(REACH))
    assert of(whole, REACH).score == pytest.approx((1.0, clopper_pearson(20, 20).low, 1.0))
    assert of(whole, REACH).score.low == pytest.approx(0.025 ** (1 / 20))
    assert whole.success_rate == of(whole, REACH).score
    assert clopper_pearson(20, 20).low < whole.iqm.low < whole.iqm.value == whole.iqm.high == 1.0
    assert not any("no width" in note for note in whole.notes)
    walked = [make_episode(WALK, index, return_=100.0) for index in range(20)]
    assert any("no width" in note for note in score(walked, make_suite(WALK)).notes)


def test_entries_that_did_the_same_share_a_rank_however_many_runs_they_have():
    """Their IQMs differ, since a quarter of 25 scores is rounded down to whole ones and a quarter of 5 otherwise."""
    tasks = [f"envsuite/metaworld-toy{number}-v1" for number in range(5)]
    known = {task: make_task(task, "success_rate", 0.0, 1.0) for task in tasks}

    def solved(runs):
        episodes = [
            make_episode(task, index, run=run, success=number < 2)
            for number, task in enumerate(tasks)
            for run in range(runs)
            for index in range(4)
        ]
        return score_suite("toy", episodes, make_suite(*tasks, episodes=4), runs=runs, tasks=known)

    one, five = solved(1), solved(5)
    assert one.mean.value == five.mean.value
    assert one.iqm.value != five.iqm.value
    assert rank([one.iqm, five.iqm]) == (Rank(1, 2), Rank(1, 2))


def test_with_many_runs_only_runs_are_drawn():
    rng = np.random.default_rng(3)
    many = [
        make_episode(WALK, index, run=run, return_=float(rng.normal(100, 30)))
        for run in range(20)
        for index in range(5)
    ]
    whole = score(many, make_suite(WALK), runs=20)
    scores = np.array(of(whole, WALK).per_run)[:, None]
    field = bootstrap_runs(scores, metrics.mean, np.random.default_rng(0))
    width = of(whole, WALK).score.high - of(whole, WALK).score.low
    assert width == pytest.approx(field.high - field.low, rel=0.1)
    fewer = score([e for e in many if e.run < 19], make_suite(WALK), runs=19)
    assert of(fewer, WALK).score.high - of(fewer, WALK).score.low > 1.2 * width
    assert whole.iqm.low < whole.iqm.value < whole.iqm.high
    assert whole.profile.low != whole.profile.high


def test_one_run_s_success_rate_has_the_exact_interval_and_several_runs_at_least_that():
    one = of(score(play(REACH, runs=1), make_suite(REACH)), REACH)
    wins = sum(e.success for e in play(REACH, runs=1))
    assert one.score[1:] == pytest.approx(clopper_pearson(wins, 20))
    assert one.success == one.score
    three = of(score(play(REACH), make_suite(REACH)), REACH)
    exact = clopper_pearson(sum(e.success for e in play(REACH)), 60)
    assert three.score.low <= exact.low
    assert three.score.high >= exact.high


def test_a_failed_episode_counted_as_a_fraction_rounds_the_exact_interval_outward():
    tasks = {REACH: make_task(REACH, "success_rate", 0.125, 1.0)}
    played = [make_episode(REACH, i, success=True, outcome="terminated" if i else "agent_crash") for i in range(20)]
    result = of(score_suite("a", played, make_suite(REACH), tasks=tasks, reps=50), REACH)
    assert result.score.value == pytest.approx(19.125 / 20)
    assert result.score[1:] == pytest.approx((clopper_pearson(19, 20).low, clopper_pearson(20, 20).high))
    assert result.success.value == 19 / 20


def test_the_success_rate_over_tasks_has_an_interval_made_of_the_exact_ones():
    tasks = {task_id: make_task(task_id, "success_rate", 0.0, 1.0) for task_id in (REACH, WALK)}
    suite = Suite(
        name="toy-v1", summary="", tasks=(SuiteTask(task_id=REACH, episodes=10), SuiteTask(task_id=WALK, episodes=30))
    )
    played = [make_episode(t, i, success=False) for t, n in ((REACH, 10), (WALK, 30)) for i in range(n)]
    result = score_suite("a", played, suite, tasks=tasks, reps=50)
    high = np.hypot(clopper_pearson(0, 10).high, clopper_pearson(0, 30).high) / 2
    assert result.success_rate == pytest.approx((0.0, 0.0, high))


@pytest.mark.parametrize("outcome", ["agent_timeout", "agent_killed", "agent_crash", "invalid_action"])
def test_every_failure_of_the_agent_counts_as_the_floor_and_is_counted(outcome):
    played = [make_episode(WALK, 0, return_=900.0, outcome=outcome), make_episode(WALK, 1, return_=300.0)]
    result = score(played, make_suite(WALK, episodes=2))
    task = of(result, WALK)
    assert (task.score.value, task.failed) == (100.0, 1)
    assert task.outcomes == {"terminated": 1, outcome: 1}
    assert any(f"failed 1 episode (1 {outcome})" in note for note in result.notes)


def test_outcomes_count_every_scored_episode_once():
    outcomes = ["truncated", "agent_crash", "terminated", "agent_timeout", "agent_crash", "agent_killed", "env_error"]
    played = [make_episode(WALK, index, outcome=outcome) for index, outcome in enumerate(outcomes)]
    result = score(played, make_suite(WALK, episodes=7))
    task = of(result, WALK)
    assert task.outcomes == {"terminated": 1, "truncated": 1, "agent_crash": 2, "agent_timeout": 1, "agent_killed": 1}
    assert (sum(task.outcomes.values()), task.failed, task.env_errors) == (task.episodes, 4, 1)
    assert any("2 agent_crash, 1 agent_timeout, 1 agent_killed" in note for note in result.notes)


def test_a_learned_agent_with_few_runs_says_that_it_takes_no_rank():
    few, enough = (score(play(WALK, runs=runs), make_suite(WALK), learned=True) for runs in (4, 5))
    assert few.learned
    assert any("4 of the 5 training runs" in note for note in few.notes)
    assert not any("training runs" in note for note in enough.notes)
    assert not any("training runs" in note for note in score(play(WALK, runs=1), make_suite(WALK)).notes)


def test_the_profile_is_that_of_the_normalised_scores(full):
    scores = np.array(
        [[(x - t.floor) / (t.ceiling - t.floor) for t in full.tasks[:3] for x in [t.per_run[run]]] for run in range(3)]
    )
    for tau, value, low, high in zip(*dataclasses.astuple(full.profile), strict=True):
        assert value == (scores > tau).mean()
        assert low <= value <= high
    assert full.profile.low[20] < full.profile.high[20]
    assert score(play(OPEN), make_suite(OPEN)).profile is None


def test_scores_of_single_runs_are_kept(full):
    assert of(full, WALK).per_run == pytest.approx(
        [np.mean([e.return_ for e in play(WALK) if e.run == run]) for run in range(3)]
    )


def test_failed_episodes_score_the_floor_and_stay_visible():
    played = [make_episode(WALK, index, return_=900.0, outcome="agent_crash", length=3) for index in range(20)]
    result = score(played, make_suite(WALK))
    assert result.complete
    assert (result.failed, of(result, WALK).episodes, of(result, WALK).score.value) == (20, 20, -100.0)
    assert result.iqm == (0.0, 0.0, 0.0)
    assert any("failed 20 episodes" in note for note in result.notes)


def test_what_the_environment_broke_off_is_missing_until_another_attempt_is_scored():
    played = play(WALK, runs=1, episodes=19)
    broken = make_episode(WALK, 19, return_=-1e9, outcome="env_error")
    result = score([*played, broken], make_suite(WALK))
    assert not result.complete
    assert (result.missing, of(result, WALK).env_errors, of(result, WALK).episodes) == (1, 1, 19)
    assert of(result, WALK).score == of(score(played, make_suite(WALK)), WALK).score
    assert sum("1 episode" in note for note in result.notes) == 2
    again = score([*played, broken, make_episode(WALK, 19)], make_suite(WALK))
    assert again.complete
    assert of(again, WALK).env_errors == 1


def test_an_unplayed_task_is_named_and_leaves_no_aggregate():
    result = score(play(WALK), make_suite(WALK, REACH))
    assert (result.unscored, result.complete, result.missing) == ((REACH,), False, 60)
    assert (result.iqm, result.mean, result.median, result.optimality_gap) == (None,) * 4
    assert set(result.families) == {"bipedal"}
    assert "metaworld-reach-v1" in result.notes[0]
    assert of(result, REACH).score is None


def test_a_run_that_lacks_a_task_leaves_no_aggregate():
    result = score([*play(WALK, runs=3), *play(REACH, runs=2)], make_suite(WALK, REACH))
    assert result.iqm is None
    assert (of(result, REACH).runs, of(result, REACH).missing) == (2, 20)


def test_no_episodes_at_all_is_an_incomplete_result():
    result = score([], ALL)
    assert (result.complete, result.runs, result.missing, result.unscored) == (False, 0, 80, ALL.task_ids)
    assert result.success_rate is None
    assert SuiteScore.from_json(result.to_json()) == result


def test_a_suite_without_ceilings_still_scores_its_tasks():
    result = score(play(OPEN), make_suite(OPEN))
    assert result.complete
    assert result.iqm is None
    assert of(result, OPEN).score.value == pytest.approx(np.mean([e.return_ for e in play(OPEN)]))
    assert "floor and a ceiling" in result.notes[0]


def test_scores_survive_json(full):
    assert SuiteScore.from_json(json.loads(json.dumps(full.to_json(), allow_nan=False))) == full


def test_lengths_limits_and_times_are_means_over_scored_episodes():
    played = [make_episode(WALK, i, length=10 * (i + 1), outcome="truncated" if i else "terminated") for i in range(4)]
    task = of(score(played, make_suite(WALK, episodes=4)), WALK)
    assert (task.mean_length, task.truncated, task.wall_s) == (25.0, 0.75, 0.5)


@pytest.mark.parametrize(
    ("episodes", "named"),
    [
        ([make_episode(REACH, 0, success=True)], "expected tasks of toy-v1"),
        ([make_episode(WALK, 20)], "seed indices 0 to 19"),
        ([make_episode(WALK, -1)], "seed indices 0 to 19"),
        ([make_episode(WALK, 3), make_episode(WALK, 3)], "one score each"),
    ],
)
def test_episodes_that_are_not_the_suite_s_are_errors(episodes, named):
    with pytest.raises(ValueError, match=named):
        score(episodes, make_suite(WALK))


def test_an_unknown_task_is_named():
    with pytest.raises(UnknownName, match="metaworld-reach"):
        score_suite("a", [], make_suite(REACH), tasks={})
