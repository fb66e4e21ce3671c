import numpy as np
import pytest

import envsuite
from envsuite.errors import InvalidAction, InvalidTask
from envsuite.families.starcraft2.tasks import TASKS

NAMES = tuple(task.id for task in TASKS if task.entry_point.endswith("SimulatorEnv"))
ROACHES = "envsuite/starcraft2-sim-defeat-roaches-v1"


def sampled(space, mask, rng, functions):
    """Returns an action that can be done."""
    return np.array([rng.choice(np.flatnonzero(mask[:functions])), *rng.integers(space.nvec[1:])])


@pytest.mark.parametrize("observe", ["layers", "units"])
@pytest.mark.parametrize("task_id", NAMES)
def test_a_row_is_what_a_single_environment_is(task_id, observe):
    count, steps = 3, 260 if task_id == ROACHES else 40
    envs = envsuite.make_vec(task_id, count, observe=observe)
    singles = [envsuite.make_env(task_id, observe=observe) for _ in range(count)]
    observations, _ = envs.reset(seed=[4, 5, 6])
    alone = [env.reset(seed=4 + row)[0] for row, env in enumerate(singles)]
    rng = np.random.default_rng(0)
    over = [False] * count
    space = envs.single_action_space
    for _ in range(steps):
        actions = np.stack(
            [sampled(space, observations["action_mask"][row], rng, space.nvec[0]) for row in range(count)]
        )
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        for row, env in enumerate(singles):
            if over[row]:
                alone[row], info = env.reset()
                reward = end = limit = 0
            else:
                alone[row], reward, end, limit, info = env.step(actions[row])
            over[row] = bool(end or limit)
            assert all(np.array_equal(observations[name][row], alone[row][name]) for name in alone[row])
            assert (rewards[row], terminated[row], truncated[row]) == (reward, end, limit)
            assert infos["score"][row] == info["score"]
            assert infos["loop"][row] == info["loop"]
            assert infos["invalid_action"][row] == info["invalid_action"]
            assert tuple(np.flatnonzero(infos["events"][row])) == tuple(
                envsuite.FAMILIES["starcraft2"].events.index(name) for name in info["events"]
            )
            assert infos["factors"][row].tolist() == list(info["factors"].values())
    envs.close()


def test_threads_change_nothing():
    def play(**arguments):
        envs = envsuite.make_vec(ROACHES, 40, observe="units", **arguments)
        envs.reset(seed=3)
        envs.action_space.seed(1)
        rows = [envs.step(envs.action_space.sample()) for _ in range(30)]
        envs.close()
        return [(row[0]["units"].tobytes(), row[1].tobytes()) for row in rows]

    assert play(threads=1) == play(threads=2) == play(workers=2)


def test_metrics_come_with_the_end():
    envs = envsuite.make_vec("envsuite/starcraft2-sim-move-to-beacon-v1", 2, observe="units")
    envs.reset(seed=1)
    for _ in range(240):
        *_, truncated, infos = envs.step(np.zeros((2, 3), np.int64))
    assert truncated.all()
    assert infos["_metrics"].all()
    assert np.isfinite(infos["metrics"][:, :6]).all()
    assert np.isnan(infos["metrics"][:, 6:]).all()
    envs.close()


def test_a_row_can_be_looked_at_and_stepped_alone():
    envs = envsuite.make_vec(ROACHES, 2)
    envs.reset(seed=1)
    assert all((mask == 1)[-128:].all() for mask in envs.call("action_masks"))
    snapshots = envs.call("snapshot")
    assert {snapshot.scenario for snapshot in snapshots} == {"DefeatRoaches"}
    envs.close()


def test_bad_input_harms_nothing():
    envs = envsuite.make_vec(ROACHES, 2, observe="units")
    envs.reset(seed=1)
    before = [snapshot.game["units"].tobytes() for snapshot in envs.call("snapshot")]
    for actions in (np.zeros((3, 3), int), np.full((2, 3), 99), np.zeros((2, 3)), [1, 2]):
        with pytest.raises(InvalidAction, match="actions: expected"):
            envs.step(actions)
    assert [snapshot.game["units"].tobytes() for snapshot in envs.call("snapshot")] == before
    with pytest.raises(InvalidTask, match="options"):
        envs.reset(options={"nothing": 1})
    with pytest.raises(ValueError, match="threads: expected None or at least 1, got 0"):
        envsuite.make_vec(ROACHES, 2, threads=0)
    envs.close()
