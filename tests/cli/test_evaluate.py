import json

import pytest
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.leaderboard.results import Results


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def evaluate(out, shard, *more):
    """Two of the 32 episodes of quick-v1."""
    return run(
        "evaluate", "--suite", "quick-v1", "--agent", "random", "--workers", 0, "--shard", shard, "--out", out, *more
    )


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for shard in (1, 2):
        result = evaluate(folder / str(shard), f"{shard}/16")
        assert result.exit_code == 0, result.output
    return folder


def test_evaluate_writes_a_folder_and_prints_the_score(shards):
    results = Results.load(shards / "1")
    assert len(results.episodes) == 2
    assert results.manifest.shard == "1/16"
    again = evaluate(shards / "1", "1/16")
    assert again.exit_code == 0
    assert "random" in again.output
    assert "2 episodes" in again.output


def test_evaluate_refuses_a_folder_of_another_evaluation(shards):
    result = evaluate(shards / "1", "3/16")
    assert result.exit_code == 2
    assert "shard: there '1/16', asked '3/16'" in " ".join(result.output.split())


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
    evaluate(tmp_path / "other", "1/16", "--seed", 1)
    result = run("board", shards / "1", tmp_path / "other")
    assert result.exit_code == 2
    assert "two boards" in " ".join(result.output.split())
