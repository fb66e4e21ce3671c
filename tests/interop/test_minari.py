import contextlib
import json
import shutil
import sys

import minari
import numpy as np
import pytest
from gymnasium.vector.utils import batch_space, iterate

import envsuite
from envsuite.catalogue import TASKS
from envsuite.episode import ReplayAgent, Start, run_episode
from envsuite.errors import MissingExtra, ResultsMismatch
from envsuite.interop.minari import export_episodes
from envsuite.leaderboard.evaluate import plan
from envsuite.leaderboard.export import export_minari
from envsuite.leaderboard.results import EPISODES, MANIFEST, actions_path, read_actions
from envsuite.leaderboard.seeds import PublicSeeds
from envsuite.task import Suite, SuiteTask

FLAT, STUMPS = "envsuite/bipedal-flat-v1", "envsuite/bipedal-stumps-v1"
QUICK = [task_id for task_id in TASKS if "quick" in TASKS[task_id].tags]


def suite(*task_ids, episodes=2):
    tasks = tuple(SuiteTask(task_id=task_id, episodes=episodes) for task_id in task_ids)
    return Suite(name="small-v1", summary="", tasks=tasks)


@pytest.fixture(autouse=True)
def datasets(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    return tmp_path / "minari"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A results folder; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded")
    envsuite.evaluate("random", suite(FLAT, STUMPS), out=folder)
    return folder


@pytest.fixture
def folder(recorded, tmp_path):
    """A results folder of the test's own."""
    return shutil.copytree(recorded, tmp_path / "results")


def same(space, left, right):
    """Whether an observation of a dataset is one of the environment, dtype included."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(space[key], left[key], right[key]) for key in left)
    return np.asarray(left).dtype == space.dtype and np.array_equal(left, right)


def rows_of(space, column, count):
    return list(iterate(batch_space(space, count), column))


def assert_is_what_is_played(dataset, task_id):
    """Plays the dataset's actions from its seeds by hand and compares every array."""
    with contextlib.closing(dataset.recover_environment()) as env:
        assert env.unwrapped.task.id == task_id
        assert (dataset.observation_space, dataset.action_space) == (env.observation_space, env.action_space)
        notes = dataset.storage.get_episode_metadata(range(dataset.total_episodes))
        for note, episode in zip(notes, dataset, strict=True):
            played = [env.reset(seed=int(note["seed"]), options=note.get("options"))[0]]
            outcomes = []
            for action in rows_of(env.action_space, episode.actions, len(episode)):
                observation, *outcome, _ = env.step(action)
                played.append(observation)
                outcomes.append(outcome)
            stored = rows_of(env.observation_space, episode.observations, len(episode) + 1)
            assert all(same(env.observation_space, left, right) for left, right in zip(stored, played, strict=True))
            columns = zip(episode.rewards, episode.terminations, episode.truncations, strict=True)
            assert [list(column) for column in columns] == outcomes


@pytest.mark.parametrize("task_id", QUICK)
def test_a_dataset_holds_what_was_played(task_id, tmp_path):
    results = envsuite.evaluate("random", suite(task_id, episodes=1), out=tmp_path / "r")
    export = export_minari(tmp_path / "r")
    assert list(export.datasets) == [task_id]
    dataset = minari.load_dataset(f"{task_id}/random-v0")
    assert dataset.total_steps == results.episodes[0].length
    assert_is_what_is_played(dataset, task_id)


def test_every_task_and_run_is_exported_with_its_provenance(tmp_path):
    results = envsuite.evaluate("random", suite(FLAT, STUMPS), out=tmp_path / "r", runs=2, split="train", seed=5)
    export = export_minari(tmp_path / "r", name="wild", version=3, author="A. Walker", author_email="a@example.org")
    assert export.left_out == ()
    starts = {
        (job.task_id, job.run, start.seed_index): start
        for job in plan(results.suite, split="train", seeds=PublicSeeds(5), runs=2)
        for start in job.starts
    }
    for task_id in (FLAT, STUMPS):
        dataset = minari.load_dataset(f"{task_id}/wild-v3")
        assert dataset.storage.metadata["algorithm_name"] == "random"
        assert dataset.storage.metadata["author"] == {"A. Walker"}
        assert dataset.storage.metadata["description"] == envsuite.get_task(task_id).goal
        notes = list(dataset.storage.get_episode_metadata(range(dataset.total_episodes)))
        episodes = [e for e in results.episodes if e.task_id == task_id]
        assert [(n["run"], n["seed_index"], n["trajectory"]) for n in notes] == [
            (e.run, e.seed_index, e.trajectory) for e in episodes
        ]
        assert [n["seed"] for n in notes] == [starts[task_id, e.run, e.seed_index].env_seed for e in episodes]
        assert [bool(n["success"]) for n in notes] == [e.success for e in episodes]


def test_task_parameters_are_kept_as_options(folder):
    dataset = export_minari(folder).datasets[STUMPS]
    notes = list(dataset.storage.get_episode_metadata([0, 1]))
    assert not np.array_equal(notes[0]["options"]["task"], notes[1]["options"]["task"])
    assert_is_what_is_played(dataset, STUMPS)


def change_episode(folder, position, **changes):
    lines = (folder / EPISODES).read_text().splitlines()
    lines[position] = json.dumps({**json.loads(lines[position]), **changes})
    (folder / EPISODES).write_text("\n".join(lines) + "\n")


def test_a_replay_that_differs_is_refused_by_name_and_nothing_stays(folder, datasets):
    change_episode(folder, -1, trajectory="0" * 32)
    with pytest.raises(ResultsMismatch, match=rf"{STUMPS}, run 0, seed index 1: the replay differs"):
        export_minari(folder)
    assert minari.list_local_datasets() == {}
    assert not list(datasets.rglob("*.hdf5"))


def test_changed_actions_are_refused(folder):
    episode = envsuite.Results.load(folder).episodes[0]
    other = envsuite.Results.load(folder).episodes[1]
    assert read_actions(folder, episode) != read_actions(folder, other)
    shutil.copy(actions_path(folder, other), actions_path(folder, episode))
    with pytest.raises(ResultsMismatch, match="the actions were changed"):
        export_minari(folder)


def test_failed_episodes_are_left_out_and_told(folder):
    change_episode(folder, 0, outcome="agent_crash")
    for position in (2, 3):
        change_episode(folder, position, outcome="invalid_action")
    export = export_minari(folder)
    assert [(e.task_id, e.seed_index, e.outcome) for e in export.left_out] == [
        (FLAT, 0, "agent_crash"),
        (STUMPS, 0, "invalid_action"),
        (STUMPS, 1, "invalid_action"),
    ]
    assert [(task_id, d.total_episodes) for task_id, d in export.datasets.items()] == [(FLAT, 1)]


def test_seeds_of_the_held_out_split_are_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["evaluation"]["split"] = "test"
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ResultsMismatch, match="held out"):
        export_minari(folder)


def test_an_existing_dataset_is_never_overwritten(folder):
    export_minari(folder)
    before = minari.load_dataset(f"{FLAT}/random-v0").total_steps
    with pytest.raises(ResultsMismatch, match="exists; choose another name"):
        export_minari(folder)
    assert minari.load_dataset(f"{FLAT}/random-v0").total_steps == before
    assert export_minari(folder, version=1).datasets[FLAT].total_steps == before


def test_the_name_of_an_agent_becomes_one_that_minari_takes(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["evaluation"]["agent"] = "my.package:make_agent"
    (folder / MANIFEST).write_text(json.dumps(manifest))
    export = export_minari(folder)
    assert export.datasets[FLAT].spec.dataset_id == f"{FLAT}/my-package-make_agent-v0"
    assert export.datasets[FLAT].storage.metadata["algorithm_name"] == "my.package:make_agent"


def test_episodes_played_by_hand_are_exported_too():
    start = Start(seed_index=0, env_seed=11, agent_seed=12)
    with contextlib.closing(envsuite.make_env(FLAT)) as env:
        episode = run_episode(env, ReplayAgent(env.action_space, [[1.0, 0.0, -1.0, 0.0]] * 1600), start)
    dataset = export_episodes(FLAT, [(start, episode)], "mine/leaning-v0", algorithm_name="leaning")
    assert dataset.total_steps == episode.length
    assert_is_what_is_played(dataset, FLAT)


def test_a_dataset_of_no_episodes_is_refused():
    with pytest.raises(ResultsMismatch, match=f"{FLAT}: expected at least one episode"):
        export_episodes(FLAT, [], "mine/empty-v0")
    assert minari.list_local_datasets() == {}


def test_without_minari_the_error_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "minari", None)
    monkeypatch.delitem(sys.modules, "envsuite.interop.minari")
    with pytest.raises(MissingExtra, match=r'pip install "envsuite\[interop\]"'):
        import envsuite.interop.minari  # noqa: F401
