import json
import os
import subprocess
import sys

import pytest
from rich.console import Console
from typer.testing import CliRunner

from envsuite import catalogue, registration
from envsuite.cli import list as module
from envsuite.cli.main import app

runner = CliRunner()


def listed(*args):
    result = runner.invoke(app, ["list", *args, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_every_task_is_listed():
    assert [record["id"] for record in listed()] == list(catalogue.TASKS)


def test_a_record_tells_what_the_catalogue_knows():
    (record,) = listed("crafter-reward-v1")
    task = catalogue.get_task("crafter-reward-v1")
    assert record["family"] == "crafter"
    assert record["goal"] == task.goal
    assert record["metric"] == task.metric
    assert record["max_episode_steps"] == task.max_episode_steps
    assert record["tags"] == sorted(task.tags)
    assert record["installed"] is True


def test_filters_combine():
    records = listed("--family", "bipedal", "--tag", "core", "--tag", "quick")
    assert {record["id"] for record in records} == {
        task.id for task in catalogue.TASKS.values() if task.family == "bipedal" and task.tags >= {"core", "quick"}
    }
    assert records


def test_text_is_searched_in_ids_and_goals():
    assert "envsuite/bipedal-flat-v1" in [record["id"] for record in listed("flat")]
    goal = catalogue.get_task("crafter-reward-v1").goal
    assert "envsuite/crafter-reward-v1" in [record["id"] for record in listed(goal[:30].upper())]


@pytest.mark.parametrize(("option", "value", "kind"), [("--family", "craftr", "family"), ("--tag", "quik", "tag")])
def test_an_unknown_filter_suggests_names(option, value, kind):
    result = runner.invoke(app, ["list", option, value])
    assert result.exit_code == 2
    assert f"unknown {kind} {value!r}. Did you mean: {'crafter' if kind == 'family' else 'quick'}" in result.stderr


def test_without_a_terminal_every_task_is_one_whole_line():
    result = subprocess.run(
        [sys.executable, "-c", "from envsuite.cli.main import app; app()", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "40"},
    )
    header, *lines = result.stdout.splitlines()
    assert header.startswith("ID ")
    assert [line.split()[0] for line in lines] == list(catalogue.TASKS)
    assert all(line.endswith(task.goal) for line, task in zip(lines, catalogue.TASKS.values(), strict=True))


@pytest.mark.parametrize("width", [80, 120, 160])
def test_a_table_never_cuts_an_id(monkeypatch, width):
    terminal = Console(width=width, force_terminal=True, color_system=None, record=True)
    monkeypatch.setattr(module, "console", terminal)
    assert runner.invoke(app, ["list"]).exit_code == 0
    words = terminal.export_text().split()
    assert set(catalogue.TASKS) <= set(words)
    assert max(map(len, terminal.export_text().splitlines() or [""])) <= width


def test_a_missing_simulator_shows_with_its_command(monkeypatch):
    monkeypatch.setattr(registration, "missing_modules", lambda family: ["Box2D"] if family.name == "bipedal" else [])
    terminal = Console(width=160, force_terminal=True, color_system=None, record=True)
    monkeypatch.setattr(module, "console", terminal)
    assert runner.invoke(app, ["list"]).exit_code == 0
    assert 'pip install "envsuite[bipedal]"' in " ".join(terminal.export_text().split())
    assert {record["installed"] for record in listed("--family", "bipedal")} == {False}


def test_suites_come_with_their_counts():
    records = {record["name"]: record for record in listed("--suites")}
    assert set(records) == set(catalogue.SUITES)
    assert records["quick-v1"]["episodes"] == catalogue.SUITES["quick-v1"].episodes
    assert records["quick-v1"]["tasks"] == len(catalogue.SUITES["quick-v1"].tasks)


def test_suites_are_filtered_by_their_tasks():
    names = {record["name"] for record in listed("--suites", "--family", "bipedal")}
    assert "quick-v1" in names
    assert "metaworld-mt10-v1" not in names
