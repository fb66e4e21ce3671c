import functools
import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import vector_toys as toys
from gymnasium import spaces
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError, ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import FlattenObservation
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics
from toy import FAMILY, TASK, ToyEnv

import envsuite
from envsuite import vector
from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.errors import ContractViolation, InvalidAction, InvalidTask, UnknownName, WorkerDied
from envsuite.vector import TaskVectorEnv, make_vec, memory
from envsuite.vector.memory import joined, write_row

MODES = ("next_step", "same_step", "disabled")
WORKERS = (0, 1, 2)
RIGHT = 2
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="processes are counted under /proc")


@pytest.fixture
def make():
    """Makes vector envs of toys and closes them afterwards."""
    made = []

    def build(env=ToyEnv, num_envs=3, **kwargs):
        factories = list(env) if isinstance(env, list) else [env] * num_envs
        made.append(TaskVectorEnv(factories, **{"workers": 0, **kwargs}))
        return made[-1]

    yield build
    for env in made:
        env.close()


def assert_equal(actual, expected, path="value"):
    """Compares nested containers bit for bit, dtypes included."""
    if isinstance(expected, dict):
        assert set(actual) == set(expected), path
        for key in expected:
            assert_equal(actual[key], expected[key], f"{path}[{key!r}]")
    elif isinstance(expected, tuple):
        assert isinstance(actual, tuple), path
        for index, (left, right) in enumerate(zip(actual, expected, strict=True)):
            assert_equal(left, right, f"{path}[{index}]")
    elif isinstance(expected, np.ndarray) and expected.dtype == object:
        assert_equal(tuple(actual), tuple(expected), path)
    else:
        left, right = np.asarray(actual), np.asarray(expected)
        assert left.dtype == right.dtype, path
        assert left.tobytes() == right.tobytes(), path


def row_of(tree, row):
    if isinstance(tree, dict):
        return {key: row_of(part, row) for key, part in tree.items()}
    return tuple(row_of(part, row) for part in tree) if isinstance(tree, tuple) else tree[row]


def assert_info(infos, row, info):
    """The row of the vector infos says what the single environment's info says."""
    assert [name for name, hit in zip(FAMILY.events, infos["events"][row], strict=True) if hit] == list(info["events"])
    assert_equal(infos["factors"][row], np.array(list(info["factors"].values())))
    assert infos["invalid_action"][row] == info["invalid_action"]
    assert infos["place"][row] == info["place"]
    assert infos["_place"][row]
    assert ("success" in infos and infos["_success"][row]) == ("success" in info)
    if "success" in info:
        assert infos["success"][row] == info["success"]
    assert infos["_metrics"][row] == ("metrics" in info)
    if "metrics" in info:
        assert_equal(infos["metrics"][row], np.array(list(info["metrics"].values())))
    if info["task"] is not None:
        assert_equal(infos["task"][row], info["task"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("env_class", "workers"),
    [*((env, workers) for env in (ToyEnv, toys.RichEnv) for workers in WORKERS), (toys.WithoutSuccess, 2)],
)
def test_environment_i_plays_what_a_single_one_of_the_same_seed_plays(make, env_class, mode, workers):
    env = make(env_class, 3, autoreset_mode=mode, workers=workers)
    singles = [env_class() for _ in range(3)]
    observations, infos = env.reset(seed=5)
    for row, single in enumerate(singles):
        observation, info = single.reset(seed=5 + row)
        assert_equal(row_of(observations, row), observation)
        assert_info(infos, row, info)
    env.action_space.seed(1)
    ended, episodes = np.zeros(3, bool), 0
    for _ in range(60):
        if mode == "disabled" and ended.any():
            observations, infos = env.reset(options={"reset_mask": ended})
            for row in np.flatnonzero(ended):
                observation, info = singles[row].reset()
                assert_equal(row_of(observations, row), observation)
                assert_info(infos, row, info)
            np.testing.assert_array_equal(infos["_events"], ended)
            ended = np.zeros(3, bool)
        actions = env.action_space.sample()
        batch = env.step(actions)
        for row, single in enumerate(singles):
            if mode == "next_step" and ended[row]:
                expected = (single.reset()[0], 0.0, False, False)
                assert_equal(tuple(row_of(part, row) for part in batch[:4]), expected)
                continue
            observation, reward, terminated, truncated, info = single.step(row_of(actions, row))
            if mode == "same_step" and (terminated or truncated):
                assert_equal(batch[4]["final_obs"][row], observation)
                assert_info(batch[4]["final_info"], row, info)
                observation, info = single.reset()
            assert_equal(tuple(row_of(part, row) for part in batch[:4]), (observation, reward, terminated, truncated))
            assert_info(batch[4], row, info)
        ended = batch[2] | batch[3]
        episodes += ended.sum()
        if mode == "same_step":
            assert ("final_obs" in batch[4]) == ended.any()
            if ended.any():
                np.testing.assert_array_equal(batch[4]["_final_obs"], ended)
                np.testing.assert_array_equal(batch[4]["_final_info"], ended)
                assert [each is None for each in batch[4]["final_obs"]] == (~ended).tolist()
    assert episodes > 3


@pytest.mark.parametrize("mode", MODES)
def test_observations_rewards_and_ends_equal_gymnasiums_sync_vector_env(make, mode):
    ours = make(ToyEnv, 3, autoreset_mode=mode, workers=2)
    theirs = SyncVectorEnv([ToyEnv] * 3, autoreset_mode=ours.metadata["autoreset_mode"])
    assert_equal(ours.reset(seed=[7, 1, 9])[0], theirs.reset(seed=[7, 1, 9])[0])
    ended = np.zeros(3, bool)
    rng = np.random.default_rng(0)
    for _ in range(50):
        if mode == "disabled" and ended.any():
            left, right = (each.reset(options={"reset_mask": ended.copy()})[0] for each in (ours, theirs))
            assert_equal(left, right)
        actions = rng.integers(1, 3, 3)
        left, right = ours.step(actions), theirs.step(actions)
        assert_equal(left[:4], right[:4])
        ended = left[2] | left[3]
        if "final_obs" in right[4]:
            np.testing.assert_array_equal(left[4]["_final_obs"], right[4]["_final_obs"])
            for one, other in zip(left[4]["final_obs"], right[4]["final_obs"], strict=True):
                assert_equal(one, other)
            theirs_final, ours_final = right[4]["final_info"], left[4]["final_info"]
            for key in ("invalid_action", "_invalid_action", "success", "_success", "task", "_task"):
                np.testing.assert_array_equal(ours_final[key], theirs_final[key])
    theirs.close()


def test_spaces_and_metadata_are_what_gymnasium_declares(make):
    env = make(toys.RichEnv, 4)
    peer = SyncVectorEnv([toys.RichEnv] * 4)
    for name in ("num_envs", "observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(env, name) == getattr(peer, name)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert "autoreset_mode" not in ToyEnv.metadata or ToyEnv.metadata is not env.metadata
    observations, _ = env.reset(seed=0)
    assert env.observation_space.contains(observations)
    assert (env.event_names, env.factor_names, env.metric_names) == (FAMILY.events, FAMILY.factors, FAMILY.metrics)
    assert env.task_ids == (TASK.id,) * 4


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_autoresets_take_queued_seeds_in_order_of_steps_and_rows(make, mode, workers):
    env = make(ToyEnv, 3, autoreset_mode=mode, workers=workers)
    seeds = list(range(100, 120))
    env.reset(seed=seeds[:3])
    env.set_next(seeds[3:])
    handed_out, ended = seeds[3:], np.zeros(3, bool)
    firsts, expected = [], []
    for _ in range(60):
        observations, _, terminated, truncated, _ = env.step(np.full(3, RIGHT))
        starts = ended if mode == "next_step" else terminated | truncated
        for row in np.flatnonzero(starts):
            firsts.append(observations[row])
            expected.append(ToyEnv().reset(seed=handed_out.pop(0))[0])
        ended = terminated | truncated
        assert env.queued == len(handed_out)
        if len(handed_out) < 3:
            break
    assert len(firsts) > 10
    np.testing.assert_array_equal(firsts, expected)


def test_an_empty_queue_continues_the_environments_own_stream(make):
    env, single = make(ToyEnv, 1), ToyEnv()
    env.reset(seed=3)
    single.reset(seed=3)
    env.set_next([50])
    assert_equal(env.reset()[0][0], single.reset(seed=50)[0])
    assert env.queued == 0
    assert_equal(env.reset()[0][0], single.reset()[0])


def test_queued_options_set_the_tasks_of_coming_episodes(make):
    env = make(ToyEnv, 2, workers=2)
    tasks = [np.array([value], np.float32) for value in (3, 4, 5)]
    env.set_next(None, [{"task": task} for task in tasks])
    np.testing.assert_array_equal(env.reset(seed=None)[1]["task"], tasks[:2])
    np.testing.assert_array_equal(env.reset(options={"reset_mask": np.array([False, True])})[1]["task"], [[0], [5]])
    env.set_next([1, 2], [{"task": task} for task in tasks[:2]])
    observations, infos = env.reset(options={"task": tasks[2]})
    np.testing.assert_array_equal(infos["task"], [tasks[2]] * 2)
    single = ToyEnv()
    assert_equal(observations[1], single.reset(seed=2, options={"task": tasks[2]})[0])


def test_set_next_replaces_the_queue_and_needs_equal_lengths(make):
    env = make()
    env.set_next([1, 2, 3])
    env.set_next([4])
    assert env.queued == 1
    env.set_next(None)
    assert env.queued == 0
    with pytest.raises(ValueError, match="options: expected one per seed, 2, got 1"):
        env.set_next([1, 2], [{}])


def test_a_seed_may_be_a_list_with_gaps_that_the_queue_fills(make):
    env = make()
    env.set_next([9])
    observations, _ = env.reset(seed=[1, None, 2])
    for row, seed in enumerate((1, 9, 2)):
        assert_equal(observations[row], ToyEnv().reset(seed=seed)[0])
    with pytest.raises(ValueError, match="seed: expected one per environment, 3, got 2"):
        env.reset(seed=[1, 2])


def test_tasks_are_given_for_all_or_per_environment(make):
    env = make(ToyEnv, 2)
    assert env.reset(options={"task": [4.0]})[1]["task"].tolist() == [[4.0], [4.0]]
    options = {"task": np.array([[3.0], [5.0]])}
    assert env.reset(options=options)[1]["task"].tolist() == [[3.0], [5.0]]
    assert list(options) == ["task"]
    with pytest.raises(ValueError, match="one per environment, 2, got 3"):
        env.reset(options={"task": np.ones((3, 1))})
    for wrong in ([90.0], 90.0, "far"):
        with pytest.raises(InvalidTask, match="expected a member"):
            env.reset(options={"task": wrong})
    with pytest.raises(ResetNeeded):
        env.step(np.array([1, 1]))
    with pytest.raises(InvalidTask, match="no task parameters"):
        make(toys.WithoutSuccess, 2).reset(options={"task": 1})


@pytest.mark.parametrize("workers", [0, 2])
def test_a_masked_reset_leaves_the_other_environments_where_they_are(make, workers):
    env = make(ToyEnv, 3, autoreset_mode="disabled", workers=workers)
    before, _ = env.reset(seed=0)
    mask = np.array([False, True, False])
    options = {"reset_mask": mask}
    after, infos = env.reset(seed=40, options=options)
    assert options["reset_mask"] is mask
    assert_equal(after[[0, 2]], before[[0, 2]])
    assert_equal(after[1], ToyEnv().reset(seed=41)[0])
    assert infos["_task"].tolist() == [False, True, False]
    assert infos["task"][0] == 0
    for bad in (np.zeros(3, bool), np.ones(3), [True] * 3, np.ones(2, bool)):
        with pytest.raises(ValueError, match="reset_mask"):
            env.reset(options={"reset_mask": bad})


def test_a_disabled_autoreset_refuses_to_step_ended_environments(make):
    env = make(ToyEnv, 2, autoreset_mode="disabled")
    env.reset(seed=0)
    for _ in range(20):
        ended = np.logical_or(*env.step(np.array([RIGHT, 1]))[2:4])
        if ended.any():
            break
    with pytest.raises(ResetNeeded, match=r"environments \[0\] have ended"):
        env.step(np.array([1, 1]))


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.array([1, 2, 3]), "row 2"),
        (np.array([1, -1, 3]), "row 1"),
        ([2, 9, 0], "row 1"),
        (np.array([1.0, 1.0, 1.0]), "dtype int64; got"),
        (np.array([True, True, True]), "dtype int64; got"),
        (np.array([1, 1]), r"shape \(3,\)"),
        ([1, [1, 2], 1], "unequal shapes"),
        (None, "got shape"),
    ],
)
def test_an_action_outside_the_space_names_its_row_and_steps_nothing(make, actions, message):
    env, clean = make(ToyEnv, 3, workers=2 if "row 1" in message else 0), make(ToyEnv, 3)
    env.reset(seed=0)
    clean.reset(seed=0)
    with pytest.raises(InvalidAction, match=message):
        env.step(actions)
    assert_equal(env.step(np.array([2, 1, 0])), clean.step(np.array([2, 1, 0])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a["move"].__setitem__((1, 0), np.nan), "row 1"),
        (lambda a: a["move"].__setitem__((2, 1), 1.5), "row 2"),
        (lambda a: a.__setitem__("move", a["move"].astype(np.float64)), "dtype float32"),
        (lambda a: a["fire"][0].__setitem__(0, 2), "row 0"),
        (lambda a: a["fire"][1].__setitem__((1, 1), 2), "row 1"),
        (lambda a: a["fire"][2].__setitem__((2, 1), 3), "row 2"),
        (lambda a: a.__setitem__("fire", a["fire"][:2]), "tuple of 3"),
        (lambda a: a.pop("fire"), "keys"),
    ],
)
def test_every_part_of_a_nested_action_is_checked(make, change, message):
    env, clean = make(toys.RichEnv, 3), make(toys.RichEnv, 3)
    env.reset(seed=0)
    clean.reset(seed=0)
    env.action_space.seed(0)
    good, bad = env.action_space.sample(), {}
    env.action_space.seed(0)
    bad = env.action_space.sample()
    change(bad)
    with pytest.raises(InvalidAction, match=message):
        env.step(bad)
    assert_equal(env.step(good), clean.step(good))


def test_the_action_of_an_environment_that_resets_is_ignored(make):
    env = make(ToyEnv, 1)
    env.reset(seed=0)
    while not any(env.step(np.array([RIGHT]))[2:4]):
        pass
    observations, rewards, terminated, truncated, infos = env.step(np.array([77]))
    assert (rewards[0], terminated[0], truncated[0]) == (0.0, False, False)
    assert infos["invalid_action"][0] == 0
    assert observations[0, 0] < 0


@pytest.mark.parametrize("workers", [0, 1])
def test_copy_decides_whose_the_observations_are(make, workers):
    env = make(ToyEnv, 2, workers=workers)
    first, _ = env.reset(seed=0)
    kept = first.copy()
    env.step(np.array([RIGHT, RIGHT]))
    np.testing.assert_array_equal(first, kept)
    live = make(ToyEnv, 2, workers=workers, copy=False)
    first, _ = live.reset(seed=0)
    second = live.step(np.array([RIGHT, RIGHT]))[0]
    assert first is second
    live.close()
    np.testing.assert_array_equal(second[:, 0], kept[:, 0] + 1)


@pytest.mark.parametrize("workers", [0, 2])
def test_send_and_recv_are_the_halves_of_step(make, workers):
    env, whole = make(workers=workers), make()
    env.reset(seed=2)
    whole.reset(seed=2)
    actions = np.array([2, 1, 0])
    with pytest.raises(NoAsyncCallError):
        env.recv()
    env.send(actions)
    for call in (lambda: env.send(actions), env.reset, lambda: env.get_attr("position")):
        with pytest.raises(AlreadyPendingCallError):
            call()
    assert_equal(env.recv(), whole.step(actions))


@pytest.mark.parametrize("workers", WORKERS)
def test_calls_and_attributes_reach_every_environment(make, workers):
    env = make(workers=workers, env=[functools.partial(ToyEnv, render_mode="rgb_array")] * 3)
    env.reset(seed=0)
    positions = env.get_attr("position")
    assert positions == tuple(int(each) for each in env.reset(seed=0)[0][:, 0])
    env.set_attr("position", 4)
    env.set_attr("target", [5.0, 6.0, 7.0])
    assert env.call("_observe")[1].tolist() == [4.0, 6.0]
    assert env.call("position") == (4, 4, 4)
    assert env.apply(getattr, ("target",), rows=[2, 0]) == (7.0, 5.0)
    frames = env.render()
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[0], env.call("render")[0])
    assert env.render_mode == "rgb_array"
    with pytest.raises(AttributeError, match="no_such"):
        env.get_attr("no_such")
    with pytest.raises(ValueError, match="expected one value per environment, 3, got 2"):
        env.set_attr("target", [1, 2])
    env.step(np.array([1, 1, 1]))


@pytest.mark.parametrize("mode", MODES[:2])
def test_gymnasiums_episode_statistics_work(make, mode):
    env = RecordEpisodeStatistics(make(ToyEnv, 2, autoreset_mode=mode, workers=2))
    env.reset(seed=0)
    for _ in range(60):
        _, _, terminated, truncated, infos = env.step(np.array([RIGHT, 1]))
        assert ("episode" in infos) == (terminated | truncated).any()
    assert env.episode_count == len(env.return_queue) > 4
    assert max(env.length_queue) == 20


def test_gymnasiums_list_of_infos_works(make):
    env = DictInfoToList(make(toys.RichEnv, 2, autoreset_mode="same_step"))
    assert [set(info) for info in env.reset(seed=0)[1]] == [
        {"events", "factors", "invalid_action", "place", "task"}
    ] * 2
    env.action_space.seed(0)
    finals = []
    for _ in range(50):
        finals += [info for info in env.step(env.action_space.sample())[4] if "final_info" in info]
    assert finals
    for info in finals:
        assert info["final_info"]["metrics"].shape == (1,)
        assert "metrics" not in info


def test_wrapped_environments_keep_their_spaces(make):
    env = make([flat_toy] * 2, workers=0)
    assert env.single_observation_space.shape == (48 + 10 + 7 + 3,)
    observations, _ = env.reset(seed=0)
    np.testing.assert_array_equal(observations[1], flat_toy().reset(seed=1)[0])


def flat_toy():
    return FlattenObservation(toys.RichEnv())


def test_an_environment_must_be_a_task_env(make):
    with pytest.raises(TypeError, match="TaskEnv"):
        make([functools.partial(gymnasium.make, "CartPole-v1")])


# Errors and processes.


@pytest.mark.parametrize("workers", [0, 2])
def test_an_environments_error_is_raised_with_its_traceback_and_row(make, workers):
    env = make(toys.TroubleEnv, 3, workers=workers)
    env.reset(seed=0)
    with pytest.raises(ZeroDivisionError, match="divides by zero") as caught:
        env.step(np.array([1, 1, 0]))
    notes = "\n".join(caught.value.__notes__)
    assert "environment 2" in notes
    if workers:
        assert "in worker 1 (environments 1 to 2)" in notes
        assert "_advance" in notes
    with pytest.raises(ResetNeeded):
        env.step(np.array([1, 1, 1]))
    env.reset(seed=0)
    env.step(np.array([1, 1, 1]))


def test_an_error_that_cannot_be_pickled_still_tells_its_text(make):
    env = make(functools.partial(toys.TroubleEnv, "unpicklable"), 2, workers=2)
    env.reset(seed=0)
    with pytest.raises(RuntimeError, match="UnpicklableError: odd error"):
        env.step(np.array([0, 0]))


@needs_proc
@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_a_constructor_is_raised_and_leaves_nothing_behind(workers):
    before = children()
    factories = [ToyEnv, functools.partial(toys.TroubleEnv, "build")]
    with pytest.raises(FileNotFoundError, match="no such map"):
        TaskVectorEnv(factories, workers=workers)
    assert children() == before


@pytest.mark.parametrize("workers", [0, 1])
def test_an_event_that_the_family_does_not_name_is_a_violation(make, workers):
    env = make(toys.Unnamed, 1, workers=workers)
    env.reset(seed=0)
    with pytest.raises(ContractViolation, match="exploded"):
        env.step(np.array([1]))


def test_a_signal_that_is_missing_is_a_violation(make):
    env = make(toys.Silent, 1, workers=0)
    env.reset(seed=0)
    with pytest.raises(ContractViolation, match=r"info\['place'\]: expected a number"):
        env.step(np.array([1]))


@needs_proc
@pytest.mark.parametrize("how", ["during a step", "between steps"])
def test_a_killed_worker_is_named_and_close_still_cleans_up(make, how):
    before = children()
    env = make(functools.partial(toys.TroubleEnv, "die"), 4, workers=2)
    env.reset(seed=0)
    if how == "between steps":
        os.kill(env.call("pid")[3], signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"worker 1 \(environments 2 to 3\) died with exit code -9.*close\(\)"):
        env.step(np.array([1, 1, 0, 1]))
    with pytest.raises(WorkerDied):
        env.reset(seed=0)
    env.close()
    assert children() == before


def test_a_worker_that_hangs_is_killed_after_the_timeout(make):
    env = make(functools.partial(toys.TroubleEnv, "hang"), 2, workers=2, timeout_s=0.5)
    env.reset(seed=0)
    started = time.monotonic()
    with pytest.raises(WorkerDied, match=r"environments 1 to 1\) did not answer within timeout_s"):
        env.step(np.array([1, 0]))
    assert time.monotonic() - started < 20
    env.close()


def test_an_interrupted_wait_leaves_a_vector_env_that_can_be_reset(make, monkeypatch):
    env, clean = make(workers=2), make()
    env.reset(seed=1)
    backend = type(env._backend)

    def interrupted(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backend, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            env.step(np.array([2, 2, 2]))
    assert_equal(env.reset(seed=1), clean.reset(seed=1))
    assert_equal(env.step(np.array([0, 1, 2])), clean.step(np.array([0, 1, 2])))


@needs_proc
def test_close_ends_the_workers_and_frees_the_memory():
    gc.collect()
    before, descriptors = children(), open_files()
    env = TaskVectorEnv([ToyEnv] * 3, workers=2)
    env.reset(seed=0)
    assert len(children()) == len(before) + 2
    env.close()
    env.close()
    assert children() == before
    with pytest.raises(ClosedEnvironmentError):
        env.step(np.array([1, 1, 1]))
    del env
    gc.collect()
    assert open_files() == descriptors


@needs_proc
def test_a_forgotten_vector_env_ends_its_workers():
    before = children()
    env = TaskVectorEnv([ToyEnv] * 2, workers=2)
    env.reset(seed=0)
    del env
    gc.collect()
    assert children() == before


@needs_proc
def test_workers_end_when_their_parent_is_killed_and_scripts_need_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, sys, numpy as np, vector_toys\n"
        "from envsuite.vector import TaskVectorEnv\n"
        "env = TaskVectorEnv([vector_toys.TroubleEnv] * 2, workers=2)\n"
        "env.reset(seed=0)\n"
        "env.step(np.array([1, 1]))\n"
        "print(*env.call('pid'), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(toys.__file__).parent)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, env=environ)
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2, done.stderr
    deadline = time.monotonic() + 20
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def test_what_the_script_itself_defines_cannot_go_to_workers(monkeypatch):
    with pytest.raises(ValueError, match="workers=0"):
        TaskVectorEnv([lambda: ToyEnv()], workers=1)
    monkeypatch.setattr(sys.modules["__main__"], "Mine", type("Mine", (ToyEnv,), {"__module__": "__main__"}), False)
    with pytest.raises(ValueError, match="running script"):
        TaskVectorEnv([sys.modules["__main__"].Mine], workers=1)


def children():
    pid = os.getpid()
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(child for path in listed for child in path.read_text().split() if is_running(int(child)))


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def open_files():
    return sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())


# make_vec.


def test_the_number_of_workers_fits_cores_and_environments(monkeypatch, make):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    assert type(make(ToyEnv, 1, workers=None)._backend).__name__ == "Serial"
    assert len(make(ToyEnv, 3, workers=None)._backend._workers) == 2
    assert len(make(ToyEnv, 2, workers=5)._backend._workers) == 2
    with pytest.raises(ValueError, match="workers: expected None or at least 0, got -1"):
        make(workers=-1)


def test_arguments_are_checked_by_name():
    with pytest.raises(UnknownName, match="no-such"):
        make_vec("envsuite/no-such-v1")
    with pytest.raises(ValueError, match="autoreset_mode: expected 'next_step'"):
        make_vec(next(iter(envsuite.TASKS)), autoreset_mode="later")
    with pytest.raises(ValueError, match="num_envs: expected at least 1, got 0"):
        make_vec(next(iter(envsuite.TASKS)), 0)


class Anything(VectorEnv):
    """What Gymnasium takes for a vector env."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012


@pytest.mark.parametrize("mode", [*MODES, AutoresetMode.SAME_STEP, "SameStep"])
def test_gymnasiums_make_vec_comes_here(monkeypatch, mode):
    made = []
    monkeypatch.setattr(vector, "TaskVectorEnv", lambda factories, **kwargs: made.append(kwargs) or Anything())
    gymnasium.make_vec(next(iter(envsuite.TASKS)), num_envs=2, autoreset_mode=mode, workers=0)
    assert isinstance(made[0]["autoreset_mode"], AutoresetMode)


class Kernel:
    """Stands for a family's own engine: one toy environment a row, stepped in one call."""

    hands_out = False

    def __init__(self, num_envs, **arguments):
        self.num_envs, self.arguments, self.closed = num_envs, arguments, 0
        self._envs = [ToyEnv() for _ in range(num_envs)]

    def env(self, row):
        return self._envs[row]

    def bind(self, memory):
        self._memory = memory

    def begin(self, resets):
        self._resets = resets

    def finish(self):
        for row, env in enumerate(self._envs):
            if self._memory.command[row] == RESET_ROW:
                observation, info = env.reset(seed=self._resets.get(row, (None, None))[0])
                result = (0.0, False, False)
            elif self._memory.command[row] == STEP_ROW:
                observation, *result, info = env.step(int(self._memory.actions[row]))
            else:
                continue
            write_row(memory.row_of(self._memory.observations, row), observation)
            self._memory.rewards[row], self._memory.terminated[row], self._memory.truncated[row] = result
            self._memory.write_info(row, info)

    def close(self):
        self.closed += 1


def test_a_familys_kernel_is_used_unless_workers_are_asked_for(monkeypatch):
    made = []

    def make_kernel(num_envs, **arguments):
        made.append(Kernel(num_envs, **arguments))
        return made[-1]

    family = envsuite.Family(**{**{name: getattr(FAMILY, name) for name in FAMILY.__slots__}, "vector": "native:make"})
    monkeypatch.setattr(vector, "get_task", lambda task_id: TASK)
    monkeypatch.setattr(vector, "family_of", lambda task_id: family)
    monkeypatch.setattr(vector, "require_simulator", lambda family: None)
    monkeypatch.setattr(vector, "load_object", {"native:make": make_kernel}.__getitem__)
    monkeypatch.setattr(vector, "make_env", lambda task_id, **kwargs: ToyEnv(**kwargs))
    env = make_vec(TASK.id, 3, autoreset_mode="same_step", world="small")
    assert made[0].arguments == {"task": TASK, "family": family, "render_mode": None, "world": "small", **TASK.kwargs}
    plain = make_vec(TASK.id, 3, autoreset_mode="same_step", workers=0)
    assert len(made) == 1
    for each in (env, plain):
        each.action_space.seed(0)
    assert_equal_trees(env.reset(seed=4), plain.reset(seed=4))
    for _ in range(20):
        actions = env.action_space.sample()
        assert_equal_trees(env.step(actions), plain.step(actions))
    assert env.call("task_info") == plain.call("task_info")
    env.close()
    assert made[0].closed == 1


def assert_equal_trees(ours, theirs):
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), [theirs[key] for key in ours]
    if isinstance(ours, list | tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_equal_trees(one, other)
    elif isinstance(ours, np.ndarray) and ours.dtype == object:
        assert_equal_trees(list(ours), list(theirs))
    else:
        np.testing.assert_array_equal(ours, theirs)


def test_a_suites_name_makes_one_environment_per_task(monkeypatch):
    built = {"envsuite/toy-a-v1": ToyEnv, "envsuite/toy-b-v1": ToyEnv, "envsuite/toy-c-v1": toys.RichEnv}
    entries = [envsuite.SuiteTask(task_id=name, episodes=1) for name in built]
    suites = {
        "same-v1": envsuite.Suite(name="same-v1", summary="", tasks=tuple(entries[:2])),
        "mixed-v1": envsuite.Suite(name="mixed-v1", summary="", tasks=tuple(entries)),
    }

    def make_toy(task_id, **kwargs):
        task = envsuite.Task(**{name: getattr(TASK, name) for name in TASK.__slots__} | {"id": task_id})
        return built[task_id](task=task, **kwargs)

    monkeypatch.setattr(vector, "SUITES", suites)
    monkeypatch.setattr(vector, "family_of", lambda task_id: FAMILY)
    monkeypatch.setattr(vector, "make_env", make_toy)
    assert make_vec("same-v1", workers=0).task_ids == ("envsuite/toy-a-v1", "envsuite/toy-b-v1")
    assert make_vec("same-v1", 2, workers=0).num_envs == 2
    with pytest.raises(ValueError, match="num_envs: expected None or 2"):
        make_vec("same-v1", 3)
    with pytest.raises(ValueError, match="do not fit to envsuite/toy-a-v1: envsuite/toy-c-v1;"):
        make_vec("mixed-v1", workers=0)


@pytest.mark.skipif("metaworld-mt10-v1" not in envsuite.SUITES, reason="the suite needs Meta-World's tasks")
def test_a_suite_whose_observations_differ_in_bounds_fits_into_one_batch():
    env = make_vec("metaworld-mt10-v1", autoreset_mode="same_step", workers=2)
    assert env.task_ids == envsuite.SUITES["metaworld-mt10-v1"].task_ids
    observations, _ = env.reset(seed=5)
    assert env.observation_space.contains(observations)
    single = gymnasium.make(env.task_ids[7])
    assert_equal(observations[7], single.reset(seed=12)[0])
    env.action_space.seed(0)
    actions = env.action_space.sample()
    observations, rewards, *_ = env.step(actions)
    assert_equal((observations[7], rewards[7]), single.step(actions[7])[:2])
    assert all(env.single_observation_space.contains(each) for each in observations)
    single.close()
    env.close()


def test_common_spaces_span_the_bounds_of_boxes_and_nothing_else():
    low, high = spaces.Box(-1, 0, (2,), np.float32), spaces.Box(0, 3, (2,), np.float32)
    assert joined(low, high) == spaces.Box(-1, 3, (2,), np.float32)
    two = spaces.Discrete(2)
    assert joined(spaces.Dict(a=low, b=two), spaces.Dict(a=high, b=two))["a"] == joined(low, high)
    for other in (spaces.Box(-1, 0, (3,), np.float32), spaces.Box(-1, 0, (2,), np.float64), two):
        assert joined(low, other) is None
    assert joined(spaces.Dict(a=low, b=two), spaces.Dict(a=low, b=spaces.Discrete(3))) is None
    assert joined(spaces.Dict(a=low), spaces.Dict(b=low)) is None


@pytest.mark.parametrize("family", list(envsuite.FAMILIES))
def test_a_real_task_plays_the_same_with_and_without_workers(family):
    if not envsuite.FAMILIES[family].tasks:
        pytest.skip("the family has no tasks")
    task_id = envsuite.FAMILIES[family].tasks[0].id
    batches = []
    for workers in (0, 2):
        env = gymnasium.make_vec(task_id, num_envs=2, workers=workers, autoreset_mode="same_step")
        batch = [env.reset(seed=11)]
        env.action_space.seed(0)
        batch += [env.step(env.action_space.sample()) for _ in range(20)]
        env.close()
        batches.append(tuple(batch))
    assert_equal(batches[1], batches[0])
    single = gymnasium.make(task_id)
    assert_equal(row_of(batches[1][0][0], 1), single.reset(seed=12)[0])
    single.close()
