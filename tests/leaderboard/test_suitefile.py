"""Files of suites: what is read, and every problem at once."""

from __future__ import annotations

import json

import pytest
from servers import BLOCKS, SUITES, TINY, private_suites, suite_file

from envsuite.catalogue import add_suite, get_suite
from envsuite.errors import InvalidArgument, UnknownName
from envsuite.leaderboard.suitefile import read_suites
from envsuite.task import Suite, SuiteTask

__all__ = ["private_suites"]


def test_toml_and_json_give_the_same_suites(tmp_path):
    assert read_suites(suite_file(tmp_path)) == list(SUITES)
    tasks = [{"task_id": task.task_id, "episodes": task.episodes} for task in TINY.tasks]
    suite = {"name": TINY.name, "summary": TINY.summary, "tasks": tasks, "budget": {"step_s": 0.5}}
    (tmp_path / "suites.json").write_text(json.dumps({"suites": [suite]}))
    (read,) = read_suites(tmp_path / "suites.json")
    assert read.tasks == TINY.tasks
    assert (read.budget.step_s, read.budget.bank_s) == (0.5, 60.0)


def test_every_problem_is_told_at_once(tmp_path):
    good = {"task_id": "envsuite/bipedal-flat-v1", "episodes": 1}
    entries = [
        {"name": "Bad Name", "summary": "", "tasks": [good]},
        {"name": "a-v1", "summary": "", "tasks": [{**good, "task_id": "envsuite/bipedal-flatt-v1"}]},
        {"name": "b-v1", "summary": "", "tasks": [{**good, "episodes": "many"}], "colour": "red"},
        {"name": "c-v1", "summary": "", "tasks": [good, good]},
        {"name": "d-v1", "summary": "", "tasks": [{**good, "episodes": 0}]},
        7,
        {"name": "e-v1", "summary": "", "tasks": [good], "budget": {"step": 1}},
    ]
    (tmp_path / "suites.json").write_text(json.dumps({"suites": entries}))
    with pytest.raises(InvalidArgument) as caught:
        read_suites(tmp_path / "suites.json")
    lines = str(caught.value).splitlines()
    for number, words in enumerate(
        ("kebab", "bipedal-flat-v1", "episodes", "once", ">= 1", "Suite", "no field of Budget"), start=1
    ):
        assert any(f"suite {number}: " in line and words in line for line in lines), (number, lines)


@pytest.mark.parametrize("content", ["", "suites = 3", "suites = []", "[[suites]", "\x00"])
def test_files_without_suites(tmp_path, content):
    (tmp_path / "suites.toml").write_text(content)
    with pytest.raises(InvalidArgument, match=r"suites\.toml"):
        read_suites(tmp_path / "suites.toml")
    with pytest.raises(InvalidArgument):
        read_suites(tmp_path / "none.toml")


def test_a_name_stands_for_one_suite():
    add_suite(BLOCKS)
    assert get_suite(BLOCKS.name) is BLOCKS
    with pytest.raises(InvalidArgument, match="another suite already"):
        add_suite(Suite(name=BLOCKS.name, summary="Other.", tasks=TINY.tasks))
    unknown = Suite(name="x-v1", summary="", tasks=(SuiteTask(task_id="envsuite/none-x-v1", episodes=1),))
    with pytest.raises(UnknownName):
        add_suite(unknown)
