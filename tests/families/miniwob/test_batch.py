"""Many pages in one call: each environment of a batch plays what it plays alone."""

import numpy as np
import pytest
from families.miniwob.playing import make, random_action

import envsuite
from envsuite.errors import InvalidTask

pytestmark = pytest.mark.usefixtures("web")


def play(vector, seeds, steps):
    """Returns per environment the results of a seeded random policy over several episodes."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    observations, _ = vector.reset(seed=list(seeds))
    results = [[] for _ in seeds]
    single = type("Single", (), {"action_space": vector.single_action_space})
    for _ in range(steps):
        actions = [random_action(single, observations["action_mask"][row], rng) for row, rng in enumerate(rngs)]
        observations, rewards, terminated, truncated, _ = vector.step(np.array(actions))
        for row in range(len(seeds)):
            row_observation = {name: array[row].tobytes() for name, array in observations.items()}
            results[row].append((row_observation, rewards[row], terminated[row], truncated[row]))
    return results


@pytest.mark.parametrize("task", ["miniwob-click-checkboxes-v1", "miniwob-forms-v1", "miniwob-chase-circle-v1"])
def test_a_batch_plays_what_single_environments_play(task):
    seeds = (3, 14, 15, 92)
    batch = envsuite.make_vec(f"envsuite/{task}", 4)
    together = play(batch, seeds, 30)
    batch.close()
    for row, seed in enumerate(seeds):
        alone = envsuite.make_vec(f"envsuite/{task}", 1, workers=0)
        assert play(alone, (seed,), 30)[0] == together[row]
        alone.close()


def test_queued_seeds_and_options_reach_the_pages():
    batch = envsuite.make_vec("envsuite/miniwob-forms-v1", 3, autoreset_mode="disabled")
    tasks = [np.array([fields, 0, 1]) for fields in (1, 4, 7)]
    batch.set_next([5, 6, 7], [{"task": task} for task in tasks])
    observations, infos = batch.reset()
    assert infos["task"].tolist() == [task.tolist() for task in tasks]
    counts = [(row.any(axis=1)).sum() for row in observations["field_keys"]]
    assert counts == [1, 4, 7]
    batch.close()


def test_a_wrong_option_stops_the_batch_before_anything_moves():
    batch = envsuite.make_vec("envsuite/miniwob-forms-v1", 2)
    with pytest.raises(InvalidTask):
        batch.reset(seed=1, options={"fields": {"no such field": "x"}})
    observations, _ = batch.reset(seed=1)
    assert observations["node_mask"].any(axis=1).all()
    batch.close()


def test_pages_spread_over_browsers():
    batch = envsuite.make_vec("envsuite/miniwob-click-test-v1", 4)
    browsers = batch.apply(browser_of)
    assert len(set(browsers)) == min(4, len({0, *range(envsuite.vector.backends.default_workers(4))}))
    batch.close()


def browser_of(env):
    return id(env.unwrapped.page.browser)


def test_seeds_beyond_javascripts_numbers_are_taken():
    env = make("login-user")
    told = {env.reset(seed=seed)[1]["utterance"] for seed in (2**53, 2**53 + 1, 2**62)}
    assert len(told) == 3
    env.close()


def test_environments_write_into_the_batch():
    batch = envsuite.make_vec("envsuite/miniwob-login-user-v1", 2, copy=False)
    observations, _ = batch.reset(seed=1)
    for row, arrays in enumerate(batch.apply(arrays_of)):
        for name, array in arrays.items():
            assert np.shares_memory(array, observations[name][row]), name
    assert not np.array_equal(observations["field_values"][0], observations["field_values"][1])
    batch.close()


def arrays_of(env):
    return env.unwrapped._nodes.arrays | env.unwrapped._instruction.arrays
