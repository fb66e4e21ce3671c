"""Many worlds in one call equal single environments row by row, whatever the threads and the observation."""

import numpy as np
import pytest
from families.crafter.reference import REWARD, make

import envsuite
from envsuite.errors import InvalidAction, InvalidTask
from envsuite.families.crafter.describe import read_text

SYMBOLIC, TEXT, NOREWARD = (f"envsuite/crafter-{name}-v1" for name in ("symbolic", "text", "noreward"))
ARRAYS = ("inventory", "achievements", "effective_actions", "player_pos", "player_facing", "sleeping")


def equal(ours, theirs):
    if isinstance(ours, dict):
        return ours.keys() == theirs.keys() and all(equal(ours[key], theirs[key]) for key in ours)
    return np.array_equal(ours, theirs)


def row_of(batch, row):
    return {key: part[row] for key, part in batch.items()} if isinstance(batch, dict) else batch[row]


def assert_row(envs, infos, row, info):
    assert [name for name, happens in zip(envs.event_names, infos["events"][row], strict=True) if happens] == list(
        info["events"]
    )
    assert infos["factors"][row].tolist() == list(info["factors"].values())
    assert infos["invalid_action"][row] == info["invalid_action"]
    assert infos["daylight"][row] == info["daylight"]
    for name in ARRAYS:
        value = list(info[name].values()) if isinstance(info[name], dict) else info[name]
        np.testing.assert_array_equal(infos[name][row], value)
    if "semantic" in infos:
        np.testing.assert_array_equal(infos["semantic"][row], info["semantic"])
    assert bool(infos["_metrics"][row]) == ("metrics" in info)
    if "metrics" in info:
        assert infos["metrics"][row].tolist() == list(info["metrics"].values())


@pytest.mark.parametrize(
    ("task_id", "options"),
    [
        (REWARD, {}),
        (REWARD, {"semantic": True, "threads": 1, "copy": False}),
        (NOREWARD, {"area": (30, 20), "length": 50}),
        (SYMBOLIC, {}),
        (TEXT, {"length": 70}),
    ],
)
def test_every_row_equals_a_single_environment_through_ends_and_resets(task_id, options):
    count = 20
    envs = envsuite.make_vec(task_id, count, **options)
    single_options = {key: value for key, value in options.items() if key not in ("threads", "copy")}
    singles = [make(task_id, **single_options) for _ in range(count)]
    observations, infos = envs.reset(seed=100)
    for row, env in enumerate(singles):
        observation, info = env.reset(seed=100 + row)
        assert equal(row_of(observations, row), observation)
        assert_row(envs, infos, row, info)
    rng = np.random.default_rng(0)
    ended = np.zeros(count, bool)
    for _ in range(260):
        actions = rng.integers(17, size=count)
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        for row, env in enumerate(singles):
            if ended[row]:
                observation, info = env.reset()
                expected = (0.0, False, False)
            else:
                observation, *expected, info = env.step(int(actions[row]))
            assert (rewards[row], terminated[row], truncated[row]) == tuple(expected)
            assert equal(row_of(observations, row), observation)
            assert_row(envs, infos, row, info)
        ended = terminated | truncated
    assert sum(env._episode for env in singles) > count + 5
    envs.close()


def test_worker_processes_give_the_same_as_the_kernel():
    native, workers = envsuite.make_vec(REWARD, 3), envsuite.make_vec(REWARD, 3, workers=2)
    first, other = native.reset(seed=5), workers.reset(seed=5)
    rng = np.random.default_rng(1)
    for _ in range(40):
        assert equal(first[0], other[0])
        assert equal(first[-1], other[-1])
        actions = rng.integers(17, size=3)
        first, other = native.step(actions), workers.step(actions)
        assert equal(first[1:4], other[1:4])
    native.close()
    workers.close()


def test_symbols_and_text_show_the_same_game_as_the_picture():
    envs = {task_id: envsuite.make_vec(task_id, 6) for task_id in (REWARD, SYMBOLIC, TEXT)}
    for env in envs.values():
        env.reset(seed=3)
    rng = np.random.default_rng(2)
    for _ in range(220):
        actions = rng.integers(17, size=6)
        results = {task_id: env.step(actions) for task_id, env in envs.items()}
        for task_id in (SYMBOLIC, TEXT):
            assert equal(results[task_id][1:4], results[REWARD][1:4])
            assert equal(results[task_id][4], results[REWARD][4])
    seen, infos = results[SYMBOLIC][0], results[SYMBOLIC][4]
    np.testing.assert_array_equal(seen["inventory"], infos["inventory"])
    np.testing.assert_array_equal(seen["daylight"][:, 0], infos["daylight"].astype(np.float32))
    np.testing.assert_array_equal(seen["sleeping"], infos["sleeping"])
    assert all(read_text(text).startswith("You") for text in results[TEXT][0])


def test_queued_seeds_are_taken_in_order_and_episodes_go_on_from_them():
    envs = envsuite.make_vec(REWARD, 2, length=5, autoreset_mode="same_step")
    envs.reset(seed=[1, 2])
    envs.set_next([30, 40, 50])
    firsts = []
    for step in range(1, 16):
        observations, _, _, truncated, infos = envs.step([0, 0])
        if step % 5 == 0:
            assert truncated.all()
            assert infos["_final_obs"].all()
            firsts.append(observations)
    single = make()
    expected = [[30, 40], [50, None], [None, None]]
    begun = {}
    for row in range(2):
        seed = None
        for turn in range(3):
            if expected[turn][row] is not None:
                seed = expected[turn][row]
                begun[row] = 0
            single.reset(seed=seed)
            for _ in range(begun[row]):
                single.reset()
            observation = single._worlds.results.picture[0]
            np.testing.assert_array_equal(firsts[turn][row], observation)
            begun[row] += 1
    envs.close()


def test_rows_are_reset_alone():
    envs = envsuite.make_vec(REWARD, 4, autoreset_mode="disabled")
    before, _ = envs.reset(seed=0)
    last = envs.step([4, 4, 4, 4])[0]
    kept = last.copy()
    last[:] = 0  # the caller's own
    mask = np.array([False, True, False, True])
    observations, infos = envs.reset(seed=[None, 1, None, 3], options={"reset_mask": mask})
    np.testing.assert_array_equal(observations[mask], before[mask])
    np.testing.assert_array_equal(observations[~mask], kept[~mask])
    assert infos["_events"].tolist() == mask.tolist()
    envs.close()


def test_snapshots_are_taken_and_restored_between_rows_and_single_environments():
    envs = envsuite.make_vec(REWARD, 3)
    envs.reset(seed=8)
    rng = np.random.default_rng(0)
    for _ in range(30):
        envs.step(rng.integers(17, size=3))
    snapshots = envs.call("snapshot")
    single = make()
    single.restore(snapshots[1])
    envs.apply(type(single).restore, (snapshots[1],), rows=[0, 2])
    for _ in range(40):
        action = int(rng.integers(17))
        observations, _, _, _, infos = envs.step([action] * 3)
        observation, *_, info = single.step(action)
        for row in range(3):
            np.testing.assert_array_equal(observations[row], observation)
            assert_row(envs, infos, row, info)
    envs.close()


def test_what_was_handed_out_stays_when_a_row_is_stepped_alone():
    envs = envsuite.make_vec(REWARD, 2)
    envs.reset(seed=8)
    observations = envs.step([1, 1])[0]
    kept = observations.copy()
    envs.call("step", 2)
    np.testing.assert_array_equal(observations, kept)
    envs.close()


def test_pictures_of_all_rows_are_drawn_and_attributes_read():
    envs = envsuite.make_vec(REWARD, 2, render_mode="rgb_array", render_size=(90, 90))
    envs.reset(seed=0)
    pictures = envs.render()
    assert [picture.shape for picture in pictures] == [(90, 90, 3)] * 2
    assert envs.call("picture", (18, 18))[0].shape == (18, 18, 3)
    assert envs.get_attr("observe") == ("pixels", "pixels")
    envs.close()


def test_without_a_seed_two_batches_differ():
    observations = []
    for _ in range(2):
        envs = envsuite.make_vec(SYMBOLIC, 4)
        observations.append(envs.reset()[0]["material"])
        envs.close()
    assert not np.array_equal(*observations)


@pytest.mark.parametrize(
    "actions", [[0, 17], [0, -1], [0.0, 1.0], [0], [0, 0, 0], [[0, 0]], ["noop", "do"], None, [True, False]]
)
def test_wrong_actions_leave_every_row_as_it_was(actions):
    envs, twin = envsuite.make_vec(REWARD, 2), envsuite.make_vec(REWARD, 2)
    envs.reset(seed=0)
    twin.reset(seed=0)
    with pytest.raises(InvalidAction, match="No environment has been stepped"):
        envs.step(actions)
    np.testing.assert_array_equal(envs.step([5, 5])[0], twin.step([5, 5])[0])


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="threads: expected None or at least 1, got 0"):
        envsuite.make_vec(REWARD, 2, threads=0)
    with pytest.raises(ValueError, match="size: expected"):
        envsuite.make_vec(REWARD, 2, size=3)
    envs = envsuite.make_vec(REWARD, 2)
    with pytest.raises(InvalidTask, match="has no task parameters"):
        envs.reset(options={"task": 1})
