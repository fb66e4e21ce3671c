"""Agents that cheat, on held-out seeds in the best sandbox that works here: none beats agents that know nothing."""

import importlib.util
import json
import os
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from toy import FAMILY, TASK

import envsuite
from envsuite.agent import ConstantAgent
from envsuite.env import TaskEnv, Transition
from envsuite.episode import Start, run_episodes
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.leaderboard.seeds import PublicSeeds, SecretSeeds
from envsuite.leaderboard.submission.manifest import read_manifest
from envsuite.task import Suite, SuiteTask, TaskInfo

HACKS = Path(__file__).parent.parent.parent / "hack_agents"
NAMES = ("null", "constant", "spammer", "seed-guesser", "stack-inspector", "file-reader", "log-exfiltrator")
FLAT, STAIRCASE = "envsuite/bipedal-flat-v1", "envsuite/nethack-staircase-v1"
SUITE = Suite(
    name="hacks-v1",
    summary="",
    tasks=(SuiteTask(task_id=FLAT, episodes=3), SuiteTask(task_id=STAIRCASE, episodes=3)),
)
SEEDS = SecretSeeds(bytes(range(32)))
ENV_SEEDS = {SEEDS.env_seed(SUITE.name, "test", task_id, index) for task_id in SUITE.task_ids for index in range(3)}
UNSAFE = {"provider": "subprocess", "unsafe_ok": True}


@pytest.fixture(scope="module", autouse=True)
def marks(tmp_path_factory):
    """What must not be read: a results folder, a key, another process's environment."""
    folder, mark = tmp_path_factory.mktemp("host"), "envsuite-marker-"
    (folder / "results").mkdir()
    (folder / "results" / "episodes.jsonl").write_text(f'{{"error": "{mark}of-the-results."}}')
    (folder / "season.key").write_text(f"{mark}of-the-key.")
    with subprocess.Popen(["sleep", "600"], env={**os.environ, "SECRET": f"{mark}of-a-process."}) as neighbour:
        yield
        neighbour.kill()


def scores_of(make_agent):
    """Task id -> estimate on the held-out seeds; and the results."""
    results = envsuite.evaluate(make_agent, SUITE, split="test", seeds=SEEDS)
    return {score.task_id: score.score for score in results.score().tasks}, results


@cache
def floors():
    """Task id -> the better estimate of the random and the constant agent, in this process, on the same seeds."""
    both = [scores_of(agent)[0] for agent in ("random", ConstantAgent)]
    return {task_id: max((one[task_id] for one in both), key=lambda score: score.value) for task_id in SUITE.task_ids}


@pytest.fixture
def play(needs):
    """Plays a hack agent in the best sandbox, once; returns its scores, results and log."""
    present = any(provider.safe and provider.probe().available for provider in PROVIDERS.values())
    needs("bwrap", present, "apt-get install bubblewrap, and allow user namespaces")
    return play_once


@cache
def play_once(name):
    with SandboxedSubmission(HACKS / name) as submission:
        scores, results = scores_of(submission)
        assert submission.enforced.safe
        return scores, results, submission.log()


def reports(log):
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_every_folder_is_a_bundle_and_is_tested():
    assert sorted(path.name for path in HACKS.iterdir()) == sorted(NAMES)
    for name in NAMES:
        manifest = read_manifest(HACKS / name)
        assert (manifest.name, manifest.entry_point) == (name, "agent:make_agent")


@pytest.mark.parametrize("name", NAMES)
def test_no_hack_beats_the_interval_of_the_floor(play, name):
    scores, results, _ = play(name)
    for task_id, floor in floors().items():
        assert scores[task_id].value <= floor.high, task_id
    outcomes = {episode.outcome for episode in results.episodes}
    expected = {"null": {"invalid_action"}, "spammer": {"agent_killed"}}.get(name, {"terminated", "truncated"})
    assert outcomes <= expected | ({"agent_killed"} if name == "log-exfiltrator" else set())  # a flood is a breach


# Each hack below works where nothing prevents it; else the tests would prove nothing.


class Guess(TaskEnv):
    """Gives a point for every guess of a number that only the seed decides."""

    def __init__(self):
        super().__init__(task=replace(TASK, max_episode_steps=60), family=FAMILY)
        self.observation_space = spaces.Box(0, 1, (1,), np.float32)
        self.action_space = spaces.Discrete(10)

    def _begin(self, seed, task_value):
        self.numbers = np.random.default_rng(seed).integers(10, size=60)
        return np.zeros(1, np.float32), {}

    def _advance(self, action):
        right = action == self.numbers[self._elapsed_steps]
        last = self._elapsed_steps == len(self.numbers) - 1
        return Transition(observation=np.zeros(1, np.float32), reward=float(right), terminated=last)


GUESS = TaskInfo(
    id="envsuite/toy-guess-v1",
    observation_space=spaces.Box(0, 1, (1,), np.float32),
    action_space=spaces.Discrete(10),
    goal="Guess.",
    max_episode_steps=60,
)


def mean_of_guesses(make_agent, seeds, split):
    returns = []
    for index in range(8):
        start = Start(
            index,
            seeds.env_seed("toy-guess-v1", split, GUESS.id, index),
            seeds.agent_seed("toy-guess-v1", split, GUESS.id, index, 0),
        )
        (episode,) = run_episodes([Guess()], make_agent(GUESS), [start])
        assert episode.error is None
        returns.append(episode.return_)
    return float(np.mean(returns))


def test_seeds_can_be_guessed_where_they_are_public_and_not_where_they_are_held_out():
    with SandboxedSubmission(HACKS / "seed-guesser", **UNSAFE) as submission:
        assert mean_of_guesses(submission, PublicSeeds(), "dev") == 60
        # 480 guesses, one of ten right: 6 an episode, and 95 % of all means lie below 6 + 1.645 * sqrt(5.4 / 8).
        assert mean_of_guesses(submission, SEEDS, "test") < 7.4
        known = [report["episode known"] for report in reports(submission.log())]
        assert known == [True] * 8 + [False] * 8


def test_the_seed_guesser_looks_ahead_and_gains_nothing_from_it(play):
    _, _, log = play("seed-guesser")
    assert {"episode known": False} in reports(log)
    assert {"episode known": True} not in reports(log)


def in_this_process(name, capsys):
    """Plays a hack agent in this process, as a harness without a sandbox does; returns its log."""
    spec = importlib.util.spec_from_file_location(f"hack_{name}", HACKS / name / "agent.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    envsuite.evaluate(module.make_agent, SUITE, split="test", seeds=SEEDS)
    return capsys.readouterr().out


def test_the_stack_inspector_finds_no_environment_no_seed_and_no_scorer(play, capsys):
    _, _, log = play("stack-inspector")
    found = reports(log)
    assert found
    for report in found:
        assert not ENV_SEEDS & set(report["numbers"])
        assert report["names"] == []
        assert "envsuite" not in report["modules"]
        assert [name for name in report["functions"] if not name.startswith(("guest.", "agent.", "__main__."))] == []
    at_home = reports(in_this_process("stack-inspector", capsys))
    assert ENV_SEEDS & {number for report in at_home for number in report["numbers"]}
    assert any({"env", "env_seed", "secret"} <= set(report["names"]) for report in at_home)
    assert gymnasium.Env.__name__ in at_home[0]["names"]


def test_the_file_reader_finds_neither_files_nor_processes(play):
    _, _, log = play("file-reader")
    assert reports(log) == [{"files": [], "processes": []}]
    with SandboxedSubmission(HACKS / "file-reader", **UNSAFE) as submission:
        agent = submission(GUESS)
        agent.reset(0)
        agent.act(np.zeros(1, np.float32))
        assert reports(submission.log()) == [{"files": ["of-the-key", "of-the-results"], "processes": ["of-a-process"]}]


def test_the_log_of_the_exfiltrator_is_cut_and_holds_no_seed_of_an_environment(play):
    _, results, log = play("log-exfiltrator")
    assert len(log) <= SUITE.budget.log_bytes
    assert "agent's seed" in log
    assert not any(str(seed) in log.split() for seed in ENV_SEEDS)
    failed = [episode for episode in results.episodes if episode.outcome == "agent_killed"]
    assert all("it printed" in episode.error for episode in failed)
