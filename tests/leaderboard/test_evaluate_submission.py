"""A submission gives the same episodes wherever it is evaluated, and what it does wrong is scored."""

import json
import shutil
import sys
from dataclasses import replace

import pytest

import envsuite
from envsuite.errors import InvalidSubmission, SandboxUnavailable
from envsuite.leaderboard.evaluate import evaluate_submission
from envsuite.leaderboard.results import Results
from envsuite.leaderboard.submission.bundle import new
from envsuite.task import Budget, Suite, SuiteTask

FLAT, HARDCORE = "envsuite/bipedal-flat-v1", "envsuite/bipedal-hardcore-v1"
SUITE = Suite(
    name="small-v1",
    summary="",
    tasks=(SuiteTask(task_id=HARDCORE, episodes=3), SuiteTask(task_id=FLAT, episodes=12)),
    budget=Budget(step_s=5.0, start_s=60.0),
)


def untimed(results):
    return [{**e.to_json(), "timings": None} for e in results.episodes]


@pytest.fixture(scope="module", autouse=True)
def bwrap(needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("submissions") / "mine"
    new(folder, "mine")
    return folder


@pytest.fixture(scope="module")
def reference(bundle, tmp_path_factory):
    return evaluate_submission(bundle, SUITE, out=tmp_path_factory.mktemp("results") / "r")


def test_the_results_say_what_was_evaluated_and_what_was_enforced(reference):
    manifest = reference.manifest
    assert (manifest.agent, manifest.submission.name) == ("mine", "mine")
    assert manifest.entry_point == f"sha256:{manifest.submission.sha256}"
    content = (reference.folder / "manifest.json").read_text()
    assert '"provider": "bubblewrap"' in content
    assert {e.outcome for e in reference.episodes} <= {"terminated", "truncated"}
    assert len(reference.episodes) == 15


def test_the_results_say_the_limits_of_this_suite(reference, bundle, tmp_path):
    budget = Budget(step_s=5.0, start_s=60.0, memory_bytes=10**9, disk_bytes=10**7, processes=9)
    one = replace(SUITE, budget=budget, tasks=(SuiteTask(task_id=FLAT, episodes=1),))
    evaluate_submission(bundle, one, out=tmp_path / "r")
    told = json.loads((tmp_path / "r" / "manifest.json").read_text())["machine"]["sandbox"]["features"]
    usual = json.loads((reference.folder / "manifest.json").read_text())["machine"]["sandbox"]["features"]
    for limit in ("1000000000", "10000000", "threads 9"):
        assert any(limit in text for text in told.values()), (limit, told)
    assert usual.keys() == told.keys()
    assert usual != told


def test_two_workers_give_the_same_episodes(reference, bundle):
    assert untimed(evaluate_submission(bundle, SUITE, workers=2)) == untimed(reference)


@pytest.mark.filterwarnings("ignore")  # Ray's own: sockets and processes that it leaves to the interpreter
def test_ray_gives_the_same_episodes(reference, bundle, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    assert untimed(evaluate_submission(bundle, SUITE, executor="ray", workers=2)) == untimed(reference)


def test_the_random_agent_in_the_sandbox_plays_as_in_process(reference):
    in_process = envsuite.evaluate("random", SUITE)
    assert untimed(in_process) == untimed(reference)


def test_an_interrupted_evaluation_goes_on(reference, bundle, tmp_path):
    shutil.copytree(reference.folder, tmp_path / "r")
    episodes = tmp_path / "r" / "episodes.jsonl"
    lines = episodes.read_bytes().splitlines(keepends=True)
    episodes.write_bytes(b"".join(lines[:6]))
    again = evaluate_submission(bundle, SUITE, out=tmp_path / "r")
    assert untimed(again) == untimed(reference)
    assert len(again.attempts) == 15


def test_a_changed_submission_does_not_go_on_in_the_same_folder(reference, bundle, tmp_path):
    changed = tmp_path / "changed"
    shutil.copytree(bundle, changed)
    with (changed / "agent.py").open("a") as file:
        file.write("\n# another file, another submission\n")
    with pytest.raises(envsuite.errors.ResultsMismatch, match="sha256"):
        evaluate_submission(changed, SUITE, out=reference.folder)
    assert untimed(Results.load(reference.folder)) == untimed(reference)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("raise RuntimeError('no')", "agent_crash"),
        ("import time; time.sleep(60)", "agent_timeout"),
        ("import os; os._exit(3)", "agent_crash"),
        ("self.hoard = b'x' * (3 * 2**28); return [0.0] * 4", "agent_killed"),
        ("return float('nan')", "invalid_action"),
    ],
)
def test_a_breach_is_an_outcome_and_the_next_episode_is_played(tmp_path, code, outcome):
    folder = tmp_path / "bad"
    new(folder, "bad")
    source = (folder / "agent.py").read_text().replace("mask = observation", f"{code}\n        mask = observation")
    (folder / "agent.py").write_text(source)
    budget = Budget(step_s=1.0, bank_s=1.0, memory_bytes=2**29)
    suite = Suite(name="bad-v1", summary="", tasks=(SuiteTask(task_id=FLAT, episodes=2),), budget=budget)
    results = evaluate_submission(folder, suite)
    assert [e.outcome for e in results.episodes] == [outcome] * 2
    assert all(e.error for e in results.episodes)


def test_a_broken_bundle_is_refused_before_anything_is_played(tmp_path):
    folder = tmp_path / "broken"
    new(folder, "broken")
    (folder / "agent.py").unlink()
    with pytest.raises(InvalidSubmission, match="agent"):
        evaluate_submission(folder, SUITE)


def test_an_unknown_provider_is_refused(bundle):
    with pytest.raises((SandboxUnavailable, envsuite.errors.UnknownName), match="bubblewrap"):
        evaluate_submission(bundle, SUITE, provider="bubblewrp")
