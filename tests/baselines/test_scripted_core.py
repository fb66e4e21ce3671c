import json
import tomllib
from pathlib import Path

import pytest

import envsuite
from envsuite.agent import load_agent
from envsuite.leaderboard.records import SuiteScore

FOLDER = Path(__file__).parent.parent.parent / "baselines" / "scripted_core"
CONFIG = tomllib.loads((FOLDER / "config.toml").read_text())
ENTRY_POINT = "envsuite.baselines.scripted_core.agent:make_agent"


@pytest.fixture(scope="module")
def committed():
    (record,) = json.loads((FOLDER / "scores.json").read_text())["standings"]
    return SuiteScore.from_json(
        {name: value for name, value in record.items() if name not in {"rank", "rank_interval"}}
    )


def test_its_entry_point_is_found():
    assert callable(load_agent(ENTRY_POINT))


def test_its_scores_are_complete_and_of_the_suite_as_it_is(committed):
    suite = envsuite.get_suite(CONFIG["suite"])
    assert committed.suite == suite.name
    assert committed.complete
    assert tuple(task.task_id for task in committed.tasks) == suite.task_ids
    assert [task.episodes for task in committed.tasks] == [entry.episodes for entry in suite.tasks]
    assert committed.failed == 0


def test_it_clears_the_floor_of_every_task(committed):
    for task in committed.tasks:
        assert task.score.value > task.floor, task.task_id


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_its_scores_can_be_reproduced(committed):
    results = envsuite.evaluate(ENTRY_POINT, CONFIG["suite"], workers=2, seed=CONFIG["seed"], name=CONFIG["name"])
    for again, task in zip(results.score().tasks, committed.tasks, strict=True):
        assert again.score == task.score, task.task_id
