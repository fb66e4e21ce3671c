"""The scripted player beats the random agent, and repeats itself."""

import numpy as np
from families.crafter.reference import make

from envsuite.agent import RandomAgent, make_scripted


def play(agent, seed):
    env = make()
    observation, _ = env.reset(seed=seed)
    agent.reset(seed)
    actions = []
    while True:
        actions.append(agent.act(observation))
        observation, _, terminated, truncated, info = env.step(actions[-1])
        if terminated or truncated or len(actions) == 400:
            return actions, sum(count > 0 for count in info["achievements"].values())


def test_the_expert_beats_the_random_agent_and_repeats_itself():
    env = make()
    task = env.task_info()
    expert = make_scripted(task)
    games = [play(expert, seed) for seed in range(4)]
    assert np.mean([unlocked for _, unlocked in games]) >= 10
    assert np.mean([play(RandomAgent(task), seed)[1] for seed in range(4)]) <= 5
    assert play(expert, 3)[0] == games[3][0]
    assert all(action in env.action_space for action in games[0][0])
