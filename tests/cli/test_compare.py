import json

import pytest
from typer.testing import CliRunner

from envsuite.cli.main import app
from envsuite.leaderboard.compare import Comparison


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two of the episodes of quick-v1, by two agents, and those of other seeds."""
    folder = tmp_path_factory.mktemp("compared")
    options = ["--suite", "quick-v1", "--workers", 0, "--shard", "1/20"]
    for name, more in (
        ("a", ["--agent", "random"]),
        ("b", ["--agent", "constant"]),
        ("c", ["--agent", "random", "--seed", 1]),
    ):
        result = run("evaluate", *options, *more, "--out", folder / name)
        assert result.exit_code == 0, result.output
    return folder


def test_compare_prints_tasks_and_a_verdict(folders):
    result = run("compare", folders / "a", folders / "b")
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    assert "random (A) against constant (B)" in shown
    assert "bipedal-flat-v1" in shown
    assert "No verdict on random and constant" in shown


def test_compare_prints_plain_data(folders):
    result = run("compare", folders / "a", folders / "b", "--json")
    comparison = Comparison.from_json(json.loads(result.stdout))
    assert (comparison.a, comparison.b, comparison.suite) == ("random", "constant", "quick-v1")


def test_compare_refuses_other_seeds_in_one_line(folders):
    result = run("compare", folders / "a", folders / "c")
    assert result.exit_code == 2
    assert "seed: expected the same in both results, got 0 and 1" in " ".join(result.output.split())
    assert "Traceback" not in result.output
