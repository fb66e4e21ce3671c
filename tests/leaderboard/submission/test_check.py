import json
import shutil

import bundles
import pytest

from envsuite.catalogue import get_suite
from envsuite.errors import UnknownName
from envsuite.leaderboard.sandbox import PROVIDERS
from envsuite.leaderboard.submission.bundle import new
from envsuite.leaderboard.submission.check import check
from envsuite.task import Budget, Suite, SuiteTask

FLAT, CRAFTER = "envsuite/bipedal-flat-v1", "envsuite/crafter-reward-v1"
BUDGET = Budget(step_s=0.5, bank_s=0.5, start_s=20.0)


def suite(*task_ids, budget=BUDGET):
    tasks = tuple(SuiteTask(task_id=task_id, episodes=1) for task_id in task_ids)
    return Suite(name="few-v1", summary="A few.", tasks=tasks, budget=budget)


@pytest.fixture
def sandboxed(needs):
    needs("bwrap", PROVIDERS["bubblewrap"].probe().available, "apt-get install bubblewrap")


@pytest.mark.usefixtures("sandboxed")
def test_a_new_submission_plays_every_task_of_a_suite_with_every_family(tmp_path):
    new(tmp_path / "mine", "mine")
    told = []
    report = check(tmp_path / "mine", provider="bubblewrap", on_task=told.append)
    assert report.ok, report.problems
    assert report.enforced.provider == "bubblewrap"
    assert report.enforced.safe
    assert len(report.tasks) == len(get_suite("quick-v1").tasks)
    assert tuple(told) == report.tasks
    for task in report.tasks:
        assert task.outcome in ("terminated", "truncated")
        assert task.length > 0
        assert task.ms_per_action > 0
    assert (report.files, len(report.sha256)) == (3, 64)
    assert json.loads(json.dumps(report.to_json()))["tasks"][0]["return"] == report.tasks[0].return_
    again = check(tmp_path / "mine", suite=suite(FLAT, CRAFTER))
    first = {task.task_id: task.length for task in report.tasks}
    assert [task.task_id for task in again.tasks] == [FLAT, CRAFTER]
    assert again.sha256 == report.sha256
    assert first.keys() > {FLAT, CRAFTER}


AGENT = """\
import sys

class Agent:
    def __init__(self, task):
        self.task, self.steps = task, 0

    def reset(self, seed):
        print("\\x1b[31mready", flush=True)

    def act(self, observation):
        self.steps += 1
        {act}

def make_agent(task):
    {make}
    return Agent(task)
"""


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize(
    ("act", "make", "outcome", "told"),
    [
        ("return [float('nan')] * 4", "pass", "invalid_action", "InvalidAction: action: expected"),
        ("return 1 / 0", "pass", "agent_crash", "agent.py:12: ZeroDivisionError: division by zero"),
        ("pass", "raise RuntimeError('no weights\\x1b[0m')", "agent_crash", "agent.py:15: RuntimeError: no weights"),
        ("pass", "import nothing_like_this", "agent_crash", "agent.py:15: ModuleNotFoundError: No module named"),
        ("while True: pass", "pass", "agent_timeout", "act: no answer"),
        ("while True: sys.stdout.write('x' * 2**16)", "pass", "agent_killed", "bytes, at most"),
    ],
)
def test_what_an_agent_does_wrong_is_told_per_task(tmp_path, act, make, outcome, told):
    folder = bundles.write(tmp_path, agent=AGENT.format(act=act, make=make))
    report = check(folder, suite=suite(FLAT))
    assert not report.ok
    (task,) = report.tasks
    assert (task.outcome, task.failed) == (outcome, True)
    assert report.problems == (f"{FLAT}: {outcome}: {task.problem}",)
    assert told in task.problem
    assert task.problem.isprintable()
    if make == "pass" and outcome != "agent_killed":
        assert "ready" in task.log_tail


@pytest.mark.usefixtures("sandboxed")
def test_training_runs_play_in_turn_each_with_its_own_process_and_weights(tmp_path):
    agent = """\
class Agent:
    def __init__(self, task):
        self.space = task.action_space
        print((task.bundle_dir / "weights" / f"run-{task.run}.bin").read_text(), flush=True)
    def reset(self, seed): self.space.seed(seed)
    def act(self, observation): return self.space.sample()
def make_agent(task): return Agent(task)
"""
    report = check(bundles.learned(tmp_path, agent=agent), suite=suite(FLAT, CRAFTER))
    assert report.ok, report.problems
    assert [task.run for task in report.tasks] == [0, 1]
    assert [task.log_tail for task in report.tasks] == ["run-0\n", "run-1\n"]
    assert report.notes == ("2 training runs: shown on the board without a rank, for which a learned agent needs 5",)


@pytest.mark.usefixtures("sandboxed")
def test_requirements_are_there_when_the_agent_plays(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    folder = bundles.write(
        tmp_path / "mine",
        bundles.MANIFEST + 'requirements = "my.lock"\n',
        "def make_agent(task):\n    import tiny\n    raise RuntimeError(tiny.VERSION)\n",
        **{"my.lock": "# nothing"},
    )
    assert "No module named 'tiny'" in check(folder, suite=suite(FLAT), cache=cache).problems[0]
    next(path for path in cache.iterdir() if path.is_dir()).joinpath("tiny.py").write_text("VERSION = 'v7'")
    assert "RuntimeError: v7" in check(folder, suite=suite(FLAT), cache=cache).problems[0]


def test_requirements_that_cannot_be_had_are_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    lock = f"tiny==1.0 --hash=sha256:{'0' * 64}\n"
    folder = bundles.write(tmp_path / "mine", bundles.MANIFEST + 'requirements = "my.lock"\n', **{"my.lock": lock})
    report = check(folder, suite=suite(FLAT), cache=tmp_path / "cache")
    assert report.tasks == ()
    assert report.problems[0].startswith("my.lock: expected wheels for cpython-")


def test_nothing_is_run_without_play(tmp_path):
    folder = bundles.write(tmp_path / "mine", **{".git/HEAD": "", "__pycache__/a.pyc": ""})
    report = check(folder, play=False)
    assert report.ok
    assert (report.tasks, report.enforced, report.files) == ((), None, 2)
    assert report.notes == (".git, __pycache__: no part of the bundle, left out",)


def test_problems_before_playing_are_told_and_nothing_is_played(tmp_path):
    folder = bundles.write(tmp_path / "mine", "name = 3\n", "")
    report = check(folder)
    assert not report.ok
    assert len(report.problems) == 7
    assert (report.manifest, report.sha256, report.tasks) == (None, None, ())
    assert json.loads(json.dumps(report.to_json()))["sandbox"] is None
    shutil.make_archive(str(tmp_path / "bad"), "zip", folder)
    assert check(tmp_path / "bad.zip").problems == report.problems


def test_an_unknown_provider_and_a_path_that_is_none(tmp_path):
    with pytest.raises(UnknownName, match="unknown provider 'docker'"):
        check(bundles.write(tmp_path / "mine"), provider="docker")
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "none")
