import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from toy import Crashing, unbuildable

import envsuite
from envsuite.errors import AgentLoadError, InvalidArgument, MissingSimulator, ResultsMismatch, UnknownName
from envsuite.leaderboard.evaluate import agent_name, parse_shard, plan
from envsuite.leaderboard.results import EPISODES, Results, merge
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds, commitment
from envsuite.task import Suite, SuiteTask

# Episodes of the random walker on this track end early, by a fall: a few milliseconds each.
FLAT, HARDCORE = "envsuite/bipedal-flat-v1", "envsuite/bipedal-hardcore-v1"
SUITE = Suite(
    name="small-v1",
    summary="",
    tasks=(SuiteTask(task_id=HARDCORE, episodes=3), SuiteTask(task_id=FLAT, episodes=2)),
)
TESTS = Path(__file__).parent.parent


def untimed(results):
    return [{**e.to_json(), "timings": None} for e in results.episodes]


@pytest.fixture(scope="module")
def reference():
    return envsuite.evaluate("random", SUITE)


def test_every_episode_of_the_suite_is_played(reference):
    keys = [(e.task_id, e.seed_index) for e in reference.episodes]
    assert keys == [(HARDCORE, 0), (HARDCORE, 1), (HARDCORE, 2), (FLAT, 0), (FLAT, 1)]
    assert len({e.trajectory for e in reference.episodes}) == 5
    assert {e.outcome for e in reference.episodes} <= {"terminated", "truncated"}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(reference, workers, tmp_path):
    assert untimed(envsuite.evaluate("random", SUITE, out=tmp_path, workers=workers)) == untimed(reference)


def test_another_seed_gives_other_episodes(reference):
    other = envsuite.evaluate("random", SUITE, seed=1)
    assert not {e.trajectory for e in other.episodes} & {e.trajectory for e in reference.episodes}


def test_shards_join_to_the_whole(reference, tmp_path):
    for i in (1, 2, 3):
        envsuite.evaluate("random", SUITE, out=tmp_path / str(i), shard=f"{i}/3")
    merged = merge([tmp_path / str(i) for i in (1, 2, 3)], tmp_path / "all")
    assert untimed(merged) == untimed(reference)
    assert merged.manifest == reference.manifest


def test_a_finished_evaluation_plays_nothing_again(reference, tmp_path):
    played = []
    envsuite.evaluate("random", SUITE, out=tmp_path, on_episode=played.append)
    assert len(played) == 5
    again = envsuite.evaluate("random", SUITE, out=tmp_path, on_episode=played.append)
    assert len(played) == 5
    assert untimed(again) == untimed(reference)


def test_an_agent_that_crashes_is_scored_and_does_not_stop_the_run():
    results = envsuite.evaluate(Crashing, SUITE)
    assert [e.outcome for e in results.episodes] == ["agent_crash"] * 5
    assert "ZeroDivisionError: the agent divides by zero" in results.episodes[0].error
    assert results.manifest.agent == "toy:Crashing"


@pytest.mark.parametrize("workers", [0, 1])
def test_an_agent_that_cannot_be_made_is_scored_too(workers):
    results = envsuite.evaluate(unbuildable, SUITE, workers=workers)
    assert {e.outcome for e in results.episodes} == {"agent_crash"}
    assert "no weights for this task" in results.episodes[0].error


def test_an_agent_that_workers_cannot_import_is_told_at_once():
    def local_agent(task):
        return Crashing(task)

    with pytest.raises(AgentLoadError, match="importable module"):
        envsuite.evaluate(local_agent, SUITE, workers=1)


def test_a_killed_worker_is_replaced_and_its_episode_marked_and_run_again(tmp_path, monkeypatch):
    monkeypatch.setenv("ENVSUITE_TEST_MARKER", str(tmp_path / "marker"))
    results = envsuite.evaluate("toy:KillsItsWorkerOnce", SUITE, out=tmp_path / "r", workers=2)
    lost = [e for e in results.attempts if e.outcome == "env_error"]
    assert len(lost) == 1
    assert "exit code -9" in lost[0].error
    assert len(results.episodes) == 5
    assert {e.outcome for e in results.episodes} <= {"terminated", "truncated"}


def test_an_agent_that_kills_its_worker_every_time_is_scored_for_it():
    suite = Suite(name="suicide-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=2),))
    results = envsuite.evaluate("toy:AlwaysKillsItsWorker", suite, workers=2)
    assert [e.outcome for e in results.episodes] == ["agent_crash"] * 2
    assert "while the agent was at work" in results.episodes[0].error
    assert [e.outcome for e in results.attempts].count("env_error") == 4
    assert results.score().complete


def test_kill_9_in_the_middle_loses_and_repeats_no_episode(tmp_path):
    suite = Suite(name="kill-v1", summary="", tasks=(SuiteTask(task_id=HARDCORE, episodes=40),))
    code = (
        "import envsuite; from envsuite.task import Suite, SuiteTask\n"
        "if __name__ == '__main__':\n"
        f"    suite = Suite(name='kill-v1', summary='', tasks=(SuiteTask(task_id={HARDCORE!r}, episodes=40),))\n"
        f"    envsuite.evaluate('random', suite, out={str(tmp_path / 'r')!r}, workers=2)\n"
    )
    script = tmp_path / "run.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    episodes = tmp_path / "r" / EPISODES
    deadline = time.monotonic() + 120
    while not (episodes.exists() and episodes.read_bytes().count(b"\n") >= 5):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    recorded = episodes.read_bytes().count(b"\n")
    assert 5 <= recorded < 40
    resumed = envsuite.evaluate("random", suite, out=tmp_path / "r", workers=2)
    lines = [json.loads(line) for line in episodes.read_text().splitlines()]
    assert sorted(line["seed_index"] for line in lines) == list(range(40))
    assert untimed(resumed) == untimed(envsuite.evaluate("random", suite, workers=2))


def test_a_folder_of_another_suite_is_refused(tmp_path):
    envsuite.evaluate("random", SUITE, out=tmp_path)
    smaller = Suite(name="small-v1", summary="", tasks=SUITE.tasks[:1])
    with pytest.raises(ResultsMismatch, match="suite"):
        envsuite.evaluate("random", smaller, out=tmp_path)


def test_kept_agents_adapt_and_live_through_their_task():
    class Counting:
        def __init__(self, task):
            self.resets = 0
            self.space = task.action_space

        def reset(self, seed):
            self.resets += 1

        def act(self, observation):
            if self.resets < 3:
                raise RuntimeError(f"only {self.resets} resets so far")
            return self.space.low

    suite = Suite(
        name="adapt-v1", summary="", tasks=(SuiteTask(task_id=HARDCORE, episodes=2),), adapt_episodes=2, keep_agent=True
    )
    results = envsuite.evaluate(Counting, suite)
    assert [e.outcome for e in results.episodes] == ["terminated", "terminated"]


def test_unknown_names_are_told_before_anything_is_played():
    with pytest.raises(UnknownName, match="quick-v1"):
        envsuite.evaluate("random", "quik-v1")
    with pytest.raises(UnknownName, match="scripted"):
        envsuite.evaluate("script", SUITE)


def test_a_missing_simulator_is_told_before_anything_is_played(monkeypatch, tmp_path):
    monkeypatch.setattr("envsuite.registration.missing_modules", lambda family: ["Box2D"])
    with pytest.raises(MissingSimulator, match="bipedal"):
        envsuite.evaluate("random", SUITE, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("wrong", [{"runs": 0}, {"workers": -1}], ids=str)
def test_counts_out_of_range_are_refused_before_a_folder_is_made(wrong, tmp_path):
    with pytest.raises(InvalidArgument, match=f"{next(iter(wrong))}: expected >= "):
        envsuite.evaluate("random", SUITE, out=tmp_path / "r", **wrong)
    assert not (tmp_path / "r").exists()


def test_an_agent_cannot_reach_the_spaces_of_its_environment():
    class Greedy:
        def __init__(self, task):
            task.action_space.high[:] = 9
            self.action = task.action_space.high

        def reset(self, seed): ...

        def act(self, observation):
            return self.action

    assert {e.outcome for e in envsuite.evaluate(Greedy, SUITE).episodes} == {"invalid_action"}


def test_an_environment_that_cannot_be_made_is_not_the_agents_failure(monkeypatch):
    made = []

    def fail_once(task_id):
        made.append(task_id)
        if len(made) == 2:
            raise OSError("no display")
        return envsuite.make_env(task_id)

    monkeypatch.setattr("envsuite.leaderboard.executors.player.make_env", fail_once)
    with pytest.raises(OSError, match="no display"):
        envsuite.evaluate("random", SUITE)


def test_workers_close_their_environments_when_they_are_no_longer_needed(monkeypatch, tmp_path):
    """NetHack's engine lives in a temporary folder, which a terminated process would leave behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    suite = Suite(name="one-v1", summary="", tasks=(SuiteTask(task_id="envsuite/nethack-staircase-v1", episodes=1),))
    envsuite.evaluate(Crashing, suite, workers=1)
    assert not list(tmp_path.glob("nle*"))


@pytest.mark.parametrize("bad", ["0/2", "3/2", "1", "a/b", "1/2/3", ""])
def test_a_shard_outside_the_grammar_is_refused(bad):
    with pytest.raises(ValueError, match="shard"):
        parse_shard(bad)


def test_agents_are_named_after_their_entry_point():
    assert agent_name("random") == "random"
    assert agent_name(Crashing) == "toy:Crashing"


def test_the_folder_can_be_loaded_again(tmp_path):
    results = envsuite.evaluate("random", SUITE, out=tmp_path)
    assert untimed(Results.load(tmp_path)) == untimed(results)


def test_the_held_out_split_needs_a_secret(tmp_path):
    with pytest.raises(InvalidArgument, match="held by a board's server"):
        envsuite.evaluate("random", SUITE, split="test")
    secret = SecretSeeds(bytes(32))
    results = envsuite.evaluate("random", SUITE, split="test", seeds=secret, out=tmp_path / "r")
    assert results.manifest.commitment == commitment(secret.secret)
    assert len(results.episodes) == 5
    other = envsuite.evaluate("random", SUITE, split="test", seeds=SecretSeeds(bytes(31) + b"1"))
    assert not {e.trajectory for e in other.episodes} & {e.trajectory for e in results.episodes}


def test_a_second_round_keeps_the_environments_and_changes_the_agents_seeds():
    first, second = (plan(SUITE, split="test", seeds=SecretSeeds(bytes(32), round=i), runs=1) for i in (0, 1))
    for one, two in zip(first, second, strict=True):
        assert [start.env_seed for start in one.starts] == [start.env_seed for start in two.starts]
        assert not {start.agent_seed for start in one.starts} & {start.agent_seed for start in two.starts}


def test_the_order_of_the_episodes_is_another_for_every_submission_and_changes_no_seed():
    suite = Suite(name="long-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=40),))
    plain, one, two = (
        plan(suite, split="dev", seeds=PublicSeeds(), runs=1, order=order)[0].starts for order in (None, "aa", "bb")
    )
    assert [start.seed_index for start in plain] == list(range(40))
    assert len({plain, one, two}) == 3
    assert set(one) == set(two) == set(plain)
    assert plan(suite, split="dev", seeds=PublicSeeds(), runs=1, order="aa")[0].starts == one
