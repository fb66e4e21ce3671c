"""What is shown of a score while its seeds are held out."""

import json

from envsuite.episode import Episode
from envsuite.leaderboard.records import SuiteScore, coarse
from envsuite.leaderboard.score import score_suite
from envsuite.task import Suite, SuiteTask

TASK = "envsuite/bipedal-flat-v1"
SUITE = Suite(name="walk-v1", summary="One task.", tasks=(SuiteTask(task_id=TASK, episodes=4),))


def episode(index, outcome, return_):
    return Episode(
        task_id=TASK,
        run=0,
        seed_index=index,
        return_=return_,
        length=100 + index,
        success=None,
        metrics={},
        outcome=outcome,
        timings={"wall_s": 1.0},
        trajectory="0" * 64,
    )


def test_one_episode_that_an_agent_lets_through_cannot_be_read_from_its_score():
    """The others fail and count as the floor, which everybody knows; the exact score would be a fingerprint."""
    secret = 123.4567890123
    episodes = [episode(0, "terminated", secret), *(episode(i, "agent_crash", 0.0) for i in (1, 2, 3))]
    score = score_suite("spy", episodes, SUITE, reps=50)
    floor = score.tasks[0].floor
    assert abs(4 * score.tasks[0].per_run[0] - 3 * floor - secret) < 1e-9, "what is to be hidden is there"
    shown = json.loads(json.dumps(coarse(score.to_json())))
    (task,) = shown["tasks"]
    assert (task["per_run"], task["mean_length"], task["truncated"]) == ([], None, None)
    assert abs(4 * task["score"][0] - 3 * floor - secret) > 1e-3
    numbers = [*task["score"], *task["normalised"], *shown["iqm"], *shown["mean"], *shown["families"]["bipedal"]]
    assert all(float(f"{number:.3g}") == number for number in [*numbers, *shown["profile"]["value"]])


def test_a_coarse_score_has_the_form_of_a_score():
    episodes = [episode(i, "terminated", 50.0 * i) for i in range(4)]
    score = score_suite("honest", episodes, SUITE, reps=50)
    shown = SuiteScore.from_json(coarse(score.to_json()))
    assert shown.iqm.low <= shown.iqm.value <= shown.iqm.high
    assert abs(shown.iqm.value - score.iqm.value) < 1e-3
    assert shown.tasks[0].outcomes == {"terminated": 4}
    assert coarse(score_suite("none", [], SUITE, reps=50).to_json())["iqm"] is None
