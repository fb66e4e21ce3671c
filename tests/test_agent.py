import numpy as np
import pytest
from gymnasium import spaces

from envsuite.agent import ConstantAgent, RandomAgent, constant_actions, load_agent
from envsuite.errors import AgentLoadError, UnknownName
from envsuite.task import TaskInfo


def info(action_space):
    return TaskInfo(
        id="envsuite/toy-walk-v1",
        observation_space=spaces.Discrete(1),
        action_space=action_space,
        goal="",
        max_episode_steps=1,
    )


def test_the_random_agent_is_seeded():
    def actions(seed):
        agent = RandomAgent(info(spaces.Discrete(1000)))
        agent.reset(seed)
        return [int(agent.act(0)) for _ in range(5)]

    assert actions(1) == actions(1) != actions(2)


def test_the_random_agent_samples_under_the_mask():
    agent = RandomAgent(info(spaces.Discrete(5)))
    agent.reset(0)
    observation = {"action_mask": np.array([0, 1, 0, 1, 0], np.int8)}
    assert {int(agent.act(observation)) for _ in range(50)} == {1, 3}


def test_constant_actions_are_members_of_their_space():
    for space in (
        spaces.Discrete(3, start=2),
        spaces.Box(-1, 1, (4,), np.float32),
        spaces.MultiDiscrete([2, 3]),
    ):
        actions = constant_actions(space)
        assert all(space.contains(action) for action in actions)
    assert [int(a) for a in constant_actions(spaces.Discrete(3, start=2))] == [2, 3, 4]


def test_the_constant_agent_repeats_itself_in_fresh_arrays():
    agent = ConstantAgent(info(spaces.Box(-1, 1, (2,), np.float32)), index=2)
    first = agent.act(0)
    first[:] = 0
    assert agent.act(0).tolist() == [1, 1]


def test_an_agent_is_found_by_entry_point():
    assert load_agent("toy:Walker").__name__ == "Walker"
    assert load_agent("random") is RandomAgent


def test_a_misspelt_agent_gets_a_suggestion():
    with pytest.raises(UnknownName, match="random"):
        load_agent("randon")


@pytest.mark.parametrize("spec", ["no_such_module:make", "toy:NoSuchAgent", ":make", "toy:__name__"])
def test_an_entry_point_that_cannot_be_imported_says_why(spec):
    with pytest.raises(AgentLoadError, match="expected"):
        load_agent(spec)


def test_an_error_inside_the_module_of_an_agent_is_told(tmp_path, monkeypatch):
    (tmp_path / "half_written_agent.py").write_text("weights = 1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AgentLoadError, match="ZeroDivisionError: division by zero"):
        load_agent("half_written_agent:make")
