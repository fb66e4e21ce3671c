import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from envsuite.catalogue import get_suite
from envsuite.cli.evaluate import count_episodes
from envsuite.cli.main import app
from envsuite.leaderboard.results import Results


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


BATCHED = """
class Batched:
    batched = 4

    def __init__(self, task):
        self.space = task.action_space

    def reset(self, seeds):
        self.space.seed(seeds[0])

    def act(self, observations):
        return [self.space.sample() for _ in observations]


def make_agent(task):
    return Batched(task)
"""
"""An agent for any task that plays four episodes at once, which the class tells, and the function does not."""


def evaluate(out, shard, *more):
    """Two of the episodes of quick-v1."""
    return run(
        "evaluate", "--suite", "quick-v1", "--agent", "random", "--workers", 0, "--shard", shard, "--out", out, *more
    )


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for shard in (1, 2):
        result = evaluate(folder / str(shard), f"{shard}/24")
        assert result.exit_code == 0, result.output
    return folder


def test_evaluate_writes_a_folder_and_prints_the_score(shards):
    results = Results.load(shards / "1")
    assert len(results.episodes) == 2
    assert results.manifest.shard == "1/24"
    again = evaluate(shards / "1", "1/24")
    assert again.exit_code == 0
    assert "random" in again.output
    assert "2 episodes" in again.output


def test_a_submission_is_played_in_a_sandbox(tmp_path, needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")
    assert run("submission", "new", "mine", "--folder", tmp_path / "mine").exit_code == 0
    asked = ("evaluate", "--submission", tmp_path / "mine", "--suite", "quick-v1", "--split", "dev", "--shard", "1/20")
    result = run(*asked, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in (tmp_path / "out" / "episodes.jsonl").read_text().splitlines()]
    assert {line["outcome"] for line in lines} <= {"terminated", "truncated"}
    assert len(lines) == 4
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["machine"]["sandbox"]["safe"] is True
    (tmp_path / "mine" / "agent.py").write_text("print('no agent')")
    result = run(*asked, "--out", tmp_path / "other")
    assert result.exit_code == 2
    assert "agent.py" in result.output


def test_an_agent_and_a_submission_are_refused_together(tmp_path):
    result = run("evaluate", "--suite", "quick-v1", "--agent", "random", "--submission", tmp_path)
    assert result.exit_code == 2
    assert "agent: expected one of --agent and --submission" in result.output


def test_another_suite_than_the_manifests_is_told(tmp_path, needs):
    needs("bwrap", shutil.which("bwrap"), "apt-get install bubblewrap")
    assert run("submission", "new", "mine", "--folder", tmp_path / "mine", "--suite", "core-v1").exit_code == 0
    options = ("--submission", tmp_path / "mine", "--suite", "quick-v1", "--shard", "8/20", "--out", tmp_path / "r")
    result = run("evaluate", *options)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("note: mine is for core-v1, as its submission.toml says; here it plays quick-v1") == 1
    assert " 4/4 (" in result.stderr


@pytest.mark.parametrize(("suite", "runs"), [("quick-v1", 1), ("core-v1", 2)])
@pytest.mark.parametrize("size", [1, 10])
def test_the_episodes_of_all_shards_are_those_of_the_suite(suite, runs, size):
    counts = [count_episodes(suite, runs, f"{shard}/200", size) for shard in range(1, 201)]
    assert sum(counts) == count_episodes(suite, runs, None, size) == get_suite(suite).episodes * runs
    groups = -(-get_suite(suite).episodes * runs // size)
    assert max(counts) <= -(-groups // 200) * size


@pytest.mark.parametrize(("agent", "shard"), [("random", "1/20"), ("made:Batched", "1/8"), ("made:make_agent", "1/8")])
def test_progress_counts_what_this_shard_plays(agent, shard, tmp_path, monkeypatch):
    (tmp_path / "made.py").write_text(BATCHED)
    monkeypatch.syspath_prepend(tmp_path)
    result = run(
        *("evaluate", "--suite", "quick-v1", "--agent", agent, "--workers", 0, "--shard", shard),
        *("--out", tmp_path / "r"),
    )
    shown = [line.split(" on quick-v1 ")[1].split(" ")[0] for line in result.stderr.splitlines() if " on quick" in line]
    played = len(Results.load(tmp_path / "r").episodes)
    assert shown[-1] == f"{played}/{played}"
    for one in shown:
        done, total = map(int, one.split("/"))
        assert done <= total
        assert total == played or agent == "made:make_agent"


def test_evaluate_refuses_a_folder_of_another_evaluation(shards):
    result = evaluate(shards / "1", "3/24")
    assert result.exit_code == 2
    assert "shard: there '1/24', asked '3/24'" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--suite", "quick"], "quick-v1"),
        (["--suite", "quick-v1", "--agent", "randm"], "random"),
        (["--suite", "quick-v1", "--shard", "5/4"], "shard"),
        (["--suite", "quick-v1", "--split", "final"], "split"),
    ],
)
def test_bad_input_is_one_line_with_the_next_step(arguments, message, tmp_path):
    result = run("evaluate", "--out", tmp_path / "r", *arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "r").exists()


def test_merge_joins_shards(shards, tmp_path):
    result = run("merge", shards / "1", shards / "2", "--out", tmp_path / "all")
    assert result.exit_code == 0, result.output
    assert len(Results.load(tmp_path / "all").episodes) == 4


def test_board_shows_a_table_markdown_json_and_a_page(shards, tmp_path):
    assert "random" in run("board", shards / "1").output
    assert run("board", shards / "1", "--markdown").output.count("|") > 10
    assert json.loads(run("board", shards / "1", "--json").output)
    page = tmp_path / "board.html"
    assert run("board", shards / "1", "--page", page).exit_code == 0
    assert "quick-v1" in page.read_text()


def test_board_refuses_the_same_agent_twice_in_one_line(shards):
    result = run("board", shards / "1", shards / "1")
    assert result.exit_code == 2
    assert "give the agents different names" in " ".join(result.output.split())


def test_json_and_a_page_at_once_leave_standard_output_to_the_json(shards, tmp_path):
    assert json.loads(run("board", shards / "1", "--json", "--page", tmp_path / "board.html").stdout)


def test_board_refuses_results_of_different_seeds(shards, tmp_path):
    evaluate(tmp_path / "other", "1/24", "--seed", 1)
    result = run("board", shards / "1", tmp_path / "other")
    assert result.exit_code == 2
    assert "two boards" in " ".join(result.output.split())


def test_an_agent_that_fails_every_episode_is_told_once_and_has_no_rank(tmp_path):
    options = ("--agent", "toy:Crashing", "--shard", "1/20", "--workers", 0, "--out", tmp_path / "r")
    result = run("evaluate", "--suite", "quick-v1", *options)
    assert result.exit_code == 1
    assert result.output.count("the agent divides by zero") == 1
    assert "failed every episode" in result.output
    (row,) = json.loads(run("board", tmp_path / "r", "--json").output)["standings"]
    assert row["rank"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("board", "{shard}", "--page", "{tmp}"),
        ("evaluate", "--suite", "quick-v1", "--out", "{tmp}/file"),
        ("export", "{shard}", "--minari", "--name", "bad name"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_file_that_cannot_be_used_is_one_line(arguments, shards, tmp_path):
    (tmp_path / "file").touch()
    result = run(*(argument.format(shard=shards / "1", tmp=tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert "error:" in result.output
    assert "Traceback" not in result.output


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(tmp_path):
    out = tmp_path / "r"
    options = ["evaluate", "--suite", "core-v1", "--workers", "2", "--agent", "random", "--out", str(out)]
    # A shell that starts the tests in the background has SIGINT ignored, and children inherit that.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{listen}; from envsuite.cli.main import app; app()", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        while not (out / "episodes.jsonl").exists() or not (out / "episodes.jsonl").stat().st_size:
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"of {get_suite('core-v1').episodes} episodes are in" in " ".join(errors.split())
    assert "Traceback" not in errors
