import json

import pytest
from typer.testing import CliRunner

from envsuite import catalogue, registration
from envsuite.cli import info as module
from envsuite.cli.main import app
from envsuite.task import Reference

runner = CliRunner()


def told(name):
    result = runner.invoke(app, ["info", name, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("name", ["envsuite/crafter-reward-v1", "crafter-reward-v1"])
def test_a_task_is_told_with_its_spaces(name):
    record = told(name)
    with registration.make_env("crafter-reward-v1") as env:
        assert record["observation_space"] == str(env.observation_space)
        assert record["action_space"] == str(env.action_space)
    assert record["note"] is None
    assert record["task_space"] is None
    assert "quick-v1" in record["suites"]


def test_a_task_space_is_told():
    assert "Box" in told("bipedal-stumps-v1")["task_space"]


def test_the_page_has_every_fact_and_the_citation():
    result = runner.invoke(app, ["info", "envsuite/bipedal-flat-v1"])
    task, family = catalogue.get_task("bipedal-flat-v1"), catalogue.FAMILIES["bipedal"]
    assert result.exit_code == 0
    for fact in (task.goal, task.metric, str(task.max_episode_steps), family.licence, family.homepage, family.bibtex):
        assert fact in result.stdout
    assert f"{family.distribution} {module.installed_version(family.distribution)}" in result.stdout


def test_a_reference_is_told_with_its_provenance():
    reference = Reference(value=1.25, kind="scripted", source="envsuite evaluate --agent scripted")
    assert module._reference_text(module._reference(reference)) == (
        "1.25 (scripted; envsuite evaluate --agent scripted)"
    )
    assert module._reference_text(None) == "unknown"


def test_a_missing_simulator_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(registration, "missing_modules", lambda family: ["crafter"])
    record = told("crafter-reward-v1")
    assert record["action_space"] is None
    assert record["note"] == 'Crafter is not installed; run: pip install "envsuite[crafter]"'
    assert record["note"] in runner.invoke(app, ["info", "crafter-reward-v1"]).stdout


def test_a_broken_simulator_does_not_hide_the_catalogue(monkeypatch):
    def fail(task_id):
        raise RuntimeError("no licence")

    monkeypatch.setattr(registration, "make_env", fail)
    record = told("crafter-reward-v1")
    assert record["note"] == "cannot be made here (RuntimeError: no licence); see `envsuite doctor`"
    assert record["goal"] == catalogue.get_task("crafter-reward-v1").goal


def test_published_scores_come_with_protocol_and_source():
    rows = told("crafter-reward-v1")["published"]
    assert rows
    assert all(row["task"] == "envsuite/crafter-reward-v1" for row in rows)
    assert all({"value", "protocol", "source"} <= row.keys() for row in rows)
    page = runner.invoke(app, ["info", "crafter-reward-v1"]).stdout
    assert all(row["protocol"] in page and row["source"] in page for row in rows)


@pytest.mark.parametrize("suite", catalogue.SUITES)
def test_a_suite_is_told_with_its_tasks(suite):
    record = told(suite)
    assert [(entry["id"], entry["episodes"]) for entry in record["tasks"]] == [
        (entry.task_id, entry.episodes) for entry in catalogue.SUITES[suite].tasks
    ]
    page = runner.invoke(app, ["info", suite]).stdout
    assert f"{len(record['tasks'])} tasks, {record['episodes']} episodes" in page
    assert all(task_id in page for task_id in catalogue.SUITES[suite].task_ids)


def test_an_unknown_name_suggests_tasks_and_suites():
    assert "envsuite/bipedal-flat-v1" in runner.invoke(app, ["info", "bipedal-flta-v1"]).stderr
    assert "quick-v1" in runner.invoke(app, ["info", "qick-v1"]).stderr
