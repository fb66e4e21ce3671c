"""`make demo`'s job, as a test: three agents, every family of quick-v1, a board as a table and as a page."""

import pytest
from typer.testing import CliRunner

import envsuite
from envsuite.cli.main import app
from envsuite.leaderboard.results import Results


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    arguments = ["demo", "--out", folder / "results", "--page", folder / "board.html", "--workers", "2"]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return folder, result.output


@pytest.fixture(scope="module")
def scores(demo):
    folder, _ = demo
    return {agent: Results.load(folder / "results" / agent).score() for agent in ("random", "constant", "scripted")}


def test_the_board_has_every_agent_and_rows_for_every_task(demo):
    _, output = demo
    for name in ("random", "constant", "scripted"):
        assert name in output
    for task_id in envsuite.get_suite("quick-v1").task_ids:
        assert task_id.removeprefix("envsuite/") in output


def test_the_script_scores_above_random_on_every_task(scores):
    for script, random in zip(scores["scripted"].tasks, scores["random"].tasks, strict=True):
        assert script.score.value > random.score.value, script.task_id


def test_every_episode_is_scored_and_none_failed(scores):
    for score in scores.values():
        assert score.complete
        assert score.failed == 0


def test_the_page_is_one_file_with_every_task(demo):
    folder, _ = demo
    page = (folder / "board.html").read_text()
    assert all(task_id.removeprefix("envsuite/") in page for task_id in envsuite.get_suite("quick-v1").task_ids)
    assert "<svg" in page
