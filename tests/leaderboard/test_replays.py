import math
from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from toy import ToyEnv, Walker

from envsuite.agent import load_agent
from envsuite.catalogue import TASKS
from envsuite.env import Transition
from envsuite.episode import Start, run_episode
from envsuite.errors import AgentKilled, AgentTimeout, InvalidArgument
from envsuite.leaderboard.executors.jobs import Job
from envsuite.leaderboard.executors.player import Player
from envsuite.leaderboard.replays import compare, replay_episode, replay_results, why_not

START = Start(0, 7, 8)
FLAT = "envsuite/bipedal-flat-v1"


class Fails(Walker):
    """Fails in the third step, in the way it is told."""

    def __init__(self, failure):
        super().__init__(None)
        self.failure, self.steps = failure, 0

    def act(self, observation):
        self.steps += 1
        if self.steps < 3:
            return 2
        if isinstance(self.failure, Exception):
            raise self.failure
        return self.failure


class FailsInReset(Walker):
    def reset(self, seed):
        raise RuntimeError("no memory")


class FailsWhileItLooks(Walker):
    def observe(self, reward, terminated, truncated):
        raise RuntimeError("no mind")


class BreaksInTheThirdStep(ToyEnv):
    def _advance(self, action):
        if self._elapsed_steps == 2:
            raise OSError("the simulator has gone")
        return super()._advance(action)


class DictEnv(ToyEnv):
    """Takes a number that may be infinite and a choice."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.action_space = spaces.Dict(
            {"pull": spaces.Box(-np.inf, np.inf, (2,), np.float32), "move": spaces.Discrete(3)}
        )

    def _advance(self, action):
        transition = super()._advance(action["move"])
        return Transition(
            observation=transition.observation,
            reward=float(np.nan_to_num(action["pull"][0], posinf=3.0, neginf=-3.0)),
            terminated=transition.terminated,
            success=transition.success,
        )


class Puller(Walker):
    def act(self, observation):
        return {"pull": np.array([np.inf, -0.1], np.float32), "move": 2}


def replayed(episode, env=None, start=START):
    return replay_episode(episode.task_id, start, episode.actions, run=episode.run, env=env or ToyEnv())


@pytest.mark.parametrize(
    ("agent", "outcome"),
    [
        (Walker(None), "terminated"),
        (Fails(1), "truncated"),
        (Fails(3), "invalid_action"),
        (Fails(math.nan), "invalid_action"),
        (Fails(ZeroDivisionError()), "agent_crash"),
        (Fails(AgentTimeout("too late")), "agent_timeout"),
        (Fails(AgentKilled("too much")), "agent_killed"),
        (FailsInReset(None), "agent_crash"),
        (FailsWhileItLooks(None), "agent_crash"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_episode_is_confirmed_whatever_ended_it(agent, outcome):
    episode = run_episode(ToyEnv(), agent, START, run=1)
    assert episode.outcome == outcome
    assert compare(episode, replayed(episode)) == ()


def test_an_episode_without_a_step_is_confirmed_with_and_without_its_empty_list():
    for env in (ToyEnv(), DictEnv()):
        episode = run_episode(env, FailsInReset(None), START)
        assert episode.length == 0
        for actions in (episode.actions, [], None):
            assert compare(replace(episode, actions=actions), replay_episode("", START, actions, env=env)) == ()


def test_nested_and_infinite_actions_are_confirmed_also_through_their_words():
    episode = run_episode(DictEnv(), Puller(None), START)
    assert episode.outcome == "terminated"
    words = replace(
        episode, actions={**episode.actions, "pull": [["Infinity", second] for _, second in episode.actions["pull"]]}
    )
    assert compare(episode, replayed(episode, DictEnv())) == ()
    assert compare(words, replayed(words, DictEnv())) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"trajectory": "00" * 16},
        {"return_": 100.0},
        {"length": 3},
        {"success": False},
        {"metrics": {"position": 9.0}},
        {"invalid_actions": 2},
        {"outcome": "truncated"},
        {"outcome": "agent_crash"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_record_is_found(change):
    episode = replace(run_episode(ToyEnv(), Walker(None), START), **change)
    (difference,) = compare(episode, replayed(episode))
    assert difference.startswith(next(iter(change)).rstrip("_"))


def test_time_and_error_are_not_compared():
    episode = run_episode(ToyEnv(), Fails(ZeroDivisionError()), START)
    assert compare(replace(episode, timings={}, error="another machine's words"), replayed(episode)) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda actions: actions[:-1],
        lambda actions: [*actions, 2],
        lambda actions: [0, *actions[1:]],
        lambda actions: [2.7, *actions[1:]],
        lambda actions: ["2", *actions[1:]],
        lambda actions: [7, *actions[1:]],
    ],
    ids=["fewer", "more", "another", "no integer", "text", "outside the space"],
)
def test_changed_actions_are_found(change):
    episode = run_episode(ToyEnv(), Walker(None), START)
    changed = replace(episode, actions=change(episode.actions))
    assert compare(changed, replayed(changed)) != ()


def test_a_replay_that_the_environment_breaks_off_is_a_difference():
    episode = run_episode(ToyEnv(), Walker(None), START)
    broken = replayed(episode, BreaksInTheThirdStep())
    assert "the environment broke off the replay at step 3: OSError: the simulator has gone" in compare(episode, broken)


def test_another_seed_is_found():
    episode = run_episode(ToyEnv(), Walker(None), START)
    assert compare(episode, replayed(episode, start=Start(0, 9, 8))) != ()


@pytest.mark.parametrize(
    "task_id",
    [
        FLAT,
        "envsuite/crafter-reward-v1",
        "envsuite/nethack-staircase-v1",
        "envsuite/metaworld-reach-v1",
    ],
)
def test_every_family_is_replayed_bit_for_bit(task_id):
    player = Player(load_agent("random"))
    try:
        (episode,) = player.play(Job(task_id=task_id, run=0, starts=(START,)))
    finally:
        player.close()
    (result,) = replay_results([(START, episode)])
    assert result.differences == ()
    assert result.same
    assert result.recorded.actions is None


class ReturnsOddDtypes:
    """Continuous actions in the smaller types that a Box of float32 takes."""

    def __init__(self, dtype):
        self.dtype, self.rng = dtype, np.random.default_rng(0)

    def reset(self, seed):
        pass

    def act(self, observation):
        return self.rng.uniform(-1, 1, 4).astype(self.dtype)


@pytest.mark.parametrize("task_id", [FLAT, "envsuite/metaworld-reach-v1"])
@pytest.mark.parametrize("dtype", [np.float16, np.int8])
def test_actions_of_a_smaller_type_are_replayed_bit_for_bit(task_id, dtype):
    player = Player(lambda task: ReturnsOddDtypes(dtype))
    try:
        (episode,) = player.play(Job(task_id=task_id, run=0, starts=(START,)))
    finally:
        player.close()
    assert episode.outcome in ("terminated", "truncated")
    assert [result.differences for result in replay_results([(START, episode)])] == [()]


class LockstepRandom:
    batched = 3

    def __init__(self, task):
        self.space = task.action_space

    def reset(self, seeds):
        self.rngs, self.steps = [np.random.default_rng(seed) for seed in seeds], 0

    def act(self, observations):
        self.steps += 1
        if self.steps == 50:
            raise RuntimeError("all rows fall together")
        return np.stack([rng.uniform(-1, 1, 4).astype(np.float32) for rng in self.rngs])


@pytest.fixture(scope="module")
def lockstep():
    """Three episodes of one batched agent, of which some are over when it fails."""
    starts = tuple(Start(i, 100 + i, i) for i in range(3))
    player = Player(LockstepRandom)
    try:
        return list(zip(starts, player.play(Job(task_id=FLAT, run=2, starts=starts)), strict=True))
    finally:
        player.close()


def test_rows_of_a_batched_agent_are_confirmed_one_by_one(lockstep):
    assert "agent_crash" in {episode.outcome for _, episode in lockstep}
    assert [result.same for result in replay_results(lockstep)] == [True] * 3


@pytest.mark.parametrize("workers", [0, 2])
def test_results_come_in_order_and_are_read_no_faster_than_they_are_played(lockstep, workers):
    taken = []

    def items():
        for start, episode in lockstep * 10:
            taken.append(start.seed_index)
            yield start, replace(episode, return_=episode.return_ + (len(taken) == 5))

    ahead = []
    results = []
    for result in replay_results(items(), workers=workers):
        results.append(result)
        ahead.append(len(taken) - len(results))
    assert [result.recorded.seed_index for result in results] == [0, 1, 2] * 10
    assert [i for i, result in enumerate(results) if not result.same] == [4]
    assert results[4].differences[0].startswith("return")
    assert max(ahead) <= 4 * workers


def test_a_stopped_replay_leaves_no_process(lockstep):
    results = replay_results(lockstep * 10, workers=1)
    assert next(results).same
    results.close()
    with pytest.raises(StopIteration):
        next(results)


def test_what_cannot_be_replayed_says_why(lockstep, monkeypatch):
    episode = lockstep[0][1]
    broken = replace(episode, outcome="env_error")
    elsewhere = replace(episode, task_id="envsuite/chess-mate-v1")
    results = list(replay_results([(START, broken), (START, elsewhere)]))
    assert [result.same for result in results] == [False, False]
    assert [result.differences for result in results] == [(), ()]
    assert "broke it off" in results[0].skipped
    assert "not in this version" in results[1].skipped
    statistical = replace(TASKS[FLAT], deterministic="statistical")
    monkeypatch.setattr("envsuite.leaderboard.replays.TASKS", {FLAT: statistical})
    assert "statistical" in why_not(episode)


def test_steps_without_recorded_actions_are_a_difference(lockstep):
    (result,) = replay_results([(START, replace(lockstep[0][1], actions=None))])
    assert result.differences == ("actions: none are recorded",)


@pytest.mark.parametrize("actions", [7, "abc", [None], [["a", "b"]], [[1, 2]], {"a": [1]}, [[1e300] * 4]], ids=repr)
def test_actions_that_are_none_of_the_spaces_are_a_difference(actions, lockstep):
    start, episode = lockstep[0]
    (result,) = replay_results([(start, replace(episode, actions=actions))])
    assert result.differences


def test_a_negative_number_of_workers_is_refused():
    with pytest.raises(InvalidArgument, match="workers"):
        next(replay_results([], workers=-1))
