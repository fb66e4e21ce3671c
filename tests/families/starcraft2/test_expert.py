import numpy as np
import pytest

import envsuite
from envsuite.families.starcraft2.expert import make_expert

LEAST = {
    "move-to-beacon": 23,
    "collect-mineral-shards": 70,
    "find-and-defeat-zerglings": 15,
    "defeat-roaches": 50,
    "defeat-zerglings-and-banelings": 10,
    "collect-minerals-and-gas": 2000,
    "build-marines": 15,
}
"""Well under what the scripts score; far over what a random agent does."""


@pytest.mark.parametrize("name", LEAST)
def test_every_mini_game_has_a_script_that_plays_it(name):
    env = envsuite.make_env(f"envsuite/starcraft2-sim-{name}-v1")
    expert = make_expert(env.task_info())
    returns = []
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        expert.reset(seed)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(expert.act(observation))
            total += reward
            over = terminated or truncated
        returns.append(total)
    assert np.mean(returns) > LEAST[name]


def test_a_task_without_a_script_is_told():
    info = envsuite.make_env("envsuite/starcraft2-sim-move-to-beacon-v1").task_info()
    import dataclasses

    with pytest.raises(LookupError, match="expected one of the seven mini-games or a battle"):
        make_expert(dataclasses.replace(info, id="envsuite/starcraft2-sim-nothing-v1"))
