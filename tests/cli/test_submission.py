import json

import bundles
import pytest
from typer.testing import CliRunner

from envsuite.catalogue import get_suite
from envsuite.cli.main import app
from envsuite.leaderboard.sandbox import PROVIDERS

runner = CliRunner()


def run(*arguments):
    return runner.invoke(app, ["submission", *(str(argument) for argument in arguments)])


def test_a_new_submission_is_written_and_says_what_comes_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("new", "my-agent")
    assert result.exit_code == 0, result.output
    assert "envsuite submission check my-agent" in result.output
    assert sorted(path.name for path in (tmp_path / "my-agent").iterdir()) == [
        "README.md",
        "agent.py",
        "submission.toml",
    ]
    again = run("new", "my-agent")
    assert again.exit_code == 2
    assert "expected none or an empty one, got my-agent" in again.output
    assert run("new", "robin", "--folder", tmp_path / "here", "--suite", "core-v1").exit_code == 0
    assert 'suite = "core-v1"' in (tmp_path / "here" / "submission.toml").read_text()


def test_check_shows_a_table_of_what_was_played(tmp_path, needs):
    needs("bwrap", PROVIDERS["bubblewrap"].probe().available, "apt-get install bubblewrap")
    assert run("new", "my-agent", "--folder", tmp_path / "mine").exit_code == 0
    result = run("check", tmp_path / "mine")
    assert result.exit_code == 0, result.output
    assert "Sandbox: bubblewrap" in result.output
    rows = {line.split()[0]: line.split()[1:] for line in result.output.splitlines() if "-v1  " in line}
    assert len(rows) == len(get_suite("quick-v1").tasks)
    assert rows["crafter-reward-v1"][0] == "terminated"
    assert result.output.rstrip().endswith("mine: no problems")


def test_check_ends_with_status_1_and_every_problem(tmp_path):
    folder = bundles.write(tmp_path / "mine", bundles.MANIFEST.replace('"MIT"', '"[red]none"'), "")
    result = run("check", folder)
    assert result.exit_code == 1
    assert "submission.toml:4: licence: expected an SPDX identifier" in result.output
    assert "got '[red]none'" in result.output
    assert "agent.py:1: expected a function `make_agent`" in result.output
    assert result.output.rstrip().endswith("mine: 2 problems")


def test_check_shows_the_last_lines_of_an_agent_that_fails(tmp_path, needs):
    needs("bwrap", PROVIDERS["bubblewrap"].probe().available, "apt-get install bubblewrap")
    agent = "print('\\x1b]0;title\\x07hello', flush=True)\n\n\ndef make_agent(task):\n    raise ValueError('[b]')\n"
    result = run("check", bundles.write(tmp_path / "mine", agent=agent))
    assert result.exit_code == 1
    assert "  ?]0;title?hello" in result.output
    assert "\x1b" not in result.output
    assert result.output.count("  ?]0;title?hello") == 1
    assert f"all {len(get_suite('quick-v1').tasks)} tasks: agent_crash: agent.py:5: ValueError: [b]" in result.output
    assert result.output.rstrip().endswith("mine: 1 problem")


@pytest.mark.parametrize("good", [True, False])
def test_check_prints_json(tmp_path, good):
    folder = bundles.write(tmp_path / "mine", agent=bundles.AGENT if good else "")
    result = run("check", folder, "--no-play", "--json")
    assert result.exit_code == (0 if good else 1)
    record = json.loads(result.stdout)
    assert record["ok"] is good
    assert (record["manifest"] is not None) is good


def test_check_of_nothing_is_wrong_usage(tmp_path):
    result = run("check", tmp_path / "none")
    assert result.exit_code == 2
    assert "expected the folder or zip file of a submission" in result.output
    assert "`envsuite submission new NAME` begins a submission" in result.output


@pytest.mark.parametrize(
    ("files", "told"), [(["manifest.json"], "which `envsuite submit` takes as it is"), (["agent.py"], "results, too")]
)
def test_a_folder_without_a_manifest_is_told_what_it_lacks(tmp_path, files, told):
    for file in files:
        (tmp_path / file).touch()
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "no submission.toml was found; `envsuite submission new NAME` begins a submission" in result.output
    assert told in result.output


@pytest.mark.parametrize("made", [True, False])
def test_submit_says_what_is_no_submission_before_it_asks_a_server(tmp_path, made):
    path = tmp_path / "nowhere"
    if made:
        path.mkdir()
    arguments = ["submit", str(path), "--server", "http://127.0.0.1:9", "--token", "x"]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert "no submission.toml was found; `envsuite submission new NAME` begins a submission" in result.output
    assert "`envsuite submit` takes a folder of results, too" in result.output
