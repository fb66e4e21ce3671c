import json
import time

import numpy as np
import pytest
from toy import BatchedRandom, ToyEnv, Walker

from envsuite.agent import RandomAgent
from envsuite.episode import Episode, ReplayAgent, Start, new_digest, run_episode, run_episodes, update_digest


def play(agent_class, seed=0, env=None):
    env = env or ToyEnv()
    return run_episode(env, agent_class(env.task_info()), Start(0, seed, seed))


def test_an_episode_tells_what_happened():
    episode = play(Walker)
    assert episode.outcome == "terminated"
    assert episode.success is True
    assert episode.return_ == episode.length
    assert 2 <= episode.metrics["position"] <= 8
    assert set(episode.timings) == {"wall_s", "env_s", "agent_s"}


def test_equal_seeds_give_equal_episodes_and_other_seeds_others():
    assert play(RandomAgent).trajectory == play(RandomAgent).trajectory
    assert play(RandomAgent, 0).trajectory != play(RandomAgent, 1).trajectory


def test_an_episode_survives_json():
    episode = play(Walker)
    assert Episode.from_json(json.loads(json.dumps(episode.to_json()))) == episode


class Broken(Walker):
    def act(self, observation):
        raise ZeroDivisionError("no")


class BrokenReset(Walker):
    def reset(self, seed):
        raise ZeroDivisionError("no")


class Invalid(Walker):
    def act(self, observation):
        return 17


class BrokenObserve(Walker):
    def observe(self, reward, terminated, truncated):
        raise ZeroDivisionError("no")


class Quitting(Walker):
    def act(self, observation):
        raise SystemExit("ZeroDivisionError: no")


@pytest.mark.parametrize("agent_class", [Broken, BrokenReset, BrokenObserve, Quitting])
def test_an_agent_that_raises_is_recorded_with_its_traceback(agent_class):
    episode = play(agent_class)
    assert episode.outcome == "agent_crash"
    assert "ZeroDivisionError: no" in episode.error
    assert "test_episode.py" in episode.error


def test_an_action_outside_the_space_ends_the_episode_as_invalid():
    episode = play(Invalid)
    assert (episode.outcome, episode.length) == ("invalid_action", 0)
    assert "InvalidAction" in episode.error


class BrokenEnv(ToyEnv):
    def _advance(self, action):
        raise OSError("the simulator has died")


def test_an_environment_that_raises_is_told_from_the_agent():
    episode = play(Walker, env=BrokenEnv())
    assert episode.outcome == "env_error"
    assert "the simulator has died" in episode.error


class UnstartableEnv(ToyEnv):
    def _begin(self, seed, task_value):
        raise OSError("the simulator does not start")


def test_an_environment_that_cannot_reset_leaves_the_rest_of_its_group_alone():
    starts = [Start(i, i, 10 + i) for i in range(3)]
    info = ToyEnv().task_info()
    failed, *rest = run_episodes([UnstartableEnv(), ToyEnv(), ToyEnv()], BatchedRandom(info), starts)
    assert (failed.outcome, failed.length) == ("env_error", 0)
    alone = [run_episodes([ToyEnv()], BatchedRandom(info), [start])[0] for start in starts[1:]]
    assert [e.trajectory for e in rest] == [e.trajectory for e in alone]


def test_a_batched_agent_plays_the_same_episodes_as_row_by_row():
    env = ToyEnv()
    starts = [Start(i, i, 10 + i) for i in range(4)]
    together = run_episodes([ToyEnv() for _ in starts], BatchedRandom(env.task_info()), starts)
    alone = [run_episodes([env], BatchedRandom(env.task_info()), [start])[0] for start in starts]
    assert [e.trajectory for e in together] == [e.trajectory for e in alone]
    assert len({e.length for e in together}) > 1


def test_more_starts_than_the_agent_takes_are_refused():
    with pytest.raises(ValueError, match="starts"):
        run_episodes([ToyEnv(), ToyEnv()], Walker(ToyEnv().task_info()), [Start(0, 0, 0), Start(1, 1, 1)])


class Watching(Walker):
    seen: list

    def observe(self, reward, terminated, truncated):
        self.seen.append((reward, terminated, truncated))


def test_time_that_an_agent_took_until_it_failed_counts():
    class Slow(Watching):
        def act(self, observation):
            time.sleep(0.05)
            raise RuntimeError

    env = ToyEnv()
    episode = run_episode(env, Slow(env.task_info()), Start(0, 0, 0))
    assert episode.outcome == "agent_crash"
    assert episode.timings["agent_s"] >= 0.05


def test_an_agent_may_observe_rewards():
    env = ToyEnv()
    agent = Watching(env.task_info())
    agent.seen = []
    episode = run_episode(env, agent, Start(0, 0, 0))
    assert len(agent.seen) == episode.length
    assert agent.seen[-1] == (1.0, True, False)


def test_the_digest_tells_shape_dtype_order_and_nesting_apart():
    def digest(value):
        h = new_digest()
        update_digest(h, value)
        return h.hexdigest()

    values = [
        np.zeros(4, np.uint8),
        np.zeros((2, 2), np.uint8),
        np.zeros(1, np.uint32),
        {"a": np.zeros(1), "b": np.ones(1)},
        {"a": np.ones(1), "b": np.zeros(1)},
        (np.zeros(1), np.ones(1)),
        1.0,
        1,
        True,
        "1",
    ]
    assert len({digest(value) for value in values}) == len(values)
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})


def test_recorded_actions_replay_the_episode():
    recorded = play(RandomAgent, seed=3)
    env = ToyEnv()
    replayed = run_episode(env, ReplayAgent(env.action_space, json.loads(json.dumps(recorded.actions))), Start(0, 3, 0))
    assert replayed.trajectory == recorded.trajectory
    assert len(recorded.actions) == recorded.length
