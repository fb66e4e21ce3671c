import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsuite.task import Budget, Reference, Suite, SuiteTask, Task, format_id, parse_id

WORD = st.from_regex(r"[a-z0-9]+", fullmatch=True)


@given(family=WORD, words=st.lists(WORD, min_size=1, max_size=4), version=st.integers(1, 99))
def test_format_and_parse_are_inverse(family, words, version):
    name = "-".join(words)
    assert parse_id(format_id(family, name, version)) == (family, name, version)


@given(st.text(max_size=30))
def test_parse_takes_an_id_or_raises_value_error(text):
    try:
        parts = parse_id(text)
    except ValueError:
        return
    assert format_id(*parts) == text


@pytest.mark.parametrize(
    ("upstream", "kebab"),
    [("5m_vs_6m", "smac-5m-vs-6m"), ("flight.AA", "smac-flight-aa"), ("Pick Place", "smac-pick-place")],
)
def test_upstream_names_become_kebab_case(upstream, kebab):
    assert format_id("smac", upstream) == f"envsuite/{kebab}-v1"


@pytest.mark.parametrize("bad", ["crafter-reward-v1", "envsuite/crafter-v1", "envsuite/a-b-v0", "envsuite/A-b-v1"])
def test_ids_outside_the_grammar_are_refused(bad):
    with pytest.raises(ValueError, match="task_id"):
        parse_id(bad)


def test_a_task_is_frozen_inside_too():
    task = Task(id="envsuite/a-b-v1", goal="", entry_point="", max_episode_steps=1, kwargs={"x": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.goal = "other"
    with pytest.raises(TypeError):
        task.kwargs["x"] = 2
    assert (task.family, task.name) == ("a", "a-b-v1")


def test_a_task_needs_a_step_limit():
    with pytest.raises(ValueError, match="max_episode_steps"):
        Task(id="envsuite/a-b-v1", goal="", entry_point="", max_episode_steps=0)


def test_a_suite_counts_its_episodes():
    suite = Suite(
        name="s-v1", summary="", tasks=(SuiteTask(task_id="a", episodes=2), SuiteTask(task_id="b", episodes=3))
    )
    assert (suite.episodes, suite.task_ids) == (5, ("a", "b"))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tasks": [("a", 2), ("b", 3), ("a", 1)]}, "every task once, got several of a"),
        ({"tasks": [("a", 0)]}, "episodes: expected >= 1, got 0 of a"),
        ({"tasks": [("a", 1)], "adapt_episodes": 2}, "adapt_episodes: expected 0 without keep_agent"),
    ],
)
def test_a_suite_that_cannot_be_scored_is_refused(fields, named):
    tasks = tuple(SuiteTask(task_id=task_id, episodes=episodes) for task_id, episodes in fields["tasks"])
    with pytest.raises(ValueError, match=named):
        Suite(**{"name": "s-v1", "summary": "", **fields, "tasks": tasks})


def test_a_reference_states_its_source():
    with pytest.raises(TypeError):
        Reference(value=1.0, kind="random")


def test_a_ceiling_must_lie_above_the_floor():
    bound = Reference(value=5.0, kind="human", source="")
    with pytest.raises(ValueError, match="above the floor"):
        Task(id="envsuite/a-b-v1", goal="", entry_point="", max_episode_steps=1, floor=bound, ceiling=bound)


def test_a_budget_without_numbers_is_that_of_every_suite():
    assert dataclasses.asdict(Budget()) == {
        "step_s": 1.0,
        "bank_s": 60.0,
        "start_s": 60.0,
        "memory_bytes": 4 * 2**30,
        "processes": 64,
        "disk_bytes": 256 * 2**20,
        "log_bytes": 2**20,
        "frame_bytes": 16 * 2**20,
    }
