"""The scripted agent: it sees observations only, draws nothing, and solves what it claims to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from families.miniwob.playing import play

from envsuite import assets
from envsuite.env import TaskEnv
from envsuite.errors import InvalidArgument, UnknownName
from envsuite.families.miniwob import FAMILY
from envsuite.families.miniwob.chrome import INSTALL, find_chrome
from envsuite.families.miniwob.document import ASSET
from envsuite.families.miniwob.expert import SOLVED, SOLVERS, make_expert
from envsuite.registration import make_env

IDS = {task.kwargs["page"]: task.id for task in FAMILY.tasks}


@pytest.fixture(scope="module", autouse=True)
def browser(needs) -> Iterator[TaskEnv]:
    """An env that stays open, and with it the browser of all."""
    needs("chromium", find_chrome(), INSTALL)
    needs("miniwob", assets.find(ASSET), "envsuite assets fetch miniwob")
    env = make_env(IDS["click-test"])
    yield env
    env.close()


def failures(page: str, seeds: range, **kwargs: Any) -> list[tuple[int, str, str]]:
    """Returns seed, instruction and reason of every episode that was not solved."""
    env = make_env(IDS[page], **kwargs)
    agent = make_expert(env.task_info())
    ends = [(seed, play(env, agent, seed)[0]) for seed in seeds]
    env.close()
    return [(seed, info["utterance"], info["reason"]) for seed, info in ends if not info["success"]]


@pytest.mark.parametrize("page", sorted(SOLVED))
def test_what_is_claimed_is_solved(page):
    assert failures(page, range(3)) == []


@pytest.mark.long
@pytest.mark.parametrize("page", sorted(SOLVED))
def test_what_is_claimed_is_solved_whatever_the_seed(page):
    assert failures(page, range(1000, 1025)) == []


def test_most_pages_are_solved():
    assert len(SOLVED) >= 100
    assert set(SOLVERS) <= set(IDS)


@pytest.mark.parametrize("page", ["click-checkboxes", "simple-algebra", "login-user"])
def test_a_preset_with_more_types_serves_as_well(page):
    assert failures(page, range(3), actions="all") == []


@pytest.mark.parametrize(("fields", "elements", "pages"), [(1, 0, 1), (8, 30, 1), (12, 10, 5), (20, 20, 3)])
def test_forms_of_other_sizes_are_solved(fields, elements, pages):
    env = make_env(IDS["forms"])
    agent = make_expert(env.task_info())
    for seed in range(5):
        info, _ = play(env, agent, seed, task=np.array([fields, elements, pages]))
        assert info["success"], (seed, info["utterance"])
    env.close()


@pytest.mark.parametrize("options", [{"style": "keyvalue"}, {"split": "heldout"}, {"prefill": 2}, {"subgoal": 1}])
def test_forms_are_solved_under_every_option(options):
    env = make_env(IDS["forms"])
    agent = make_expert(env.task_info())
    for seed in range(5):
        info, _ = play(env, agent, seed, **options)
        assert info["success"], (seed, info["utterance"])
    env.close()


def test_an_episode_is_the_same_whatever_was_played_before():
    env = make_env(IDS["email-inbox"])
    agent = make_expert(env.task_info())
    first = [play(env, agent, seed)[1] for seed in (4, 5)]
    assert [play(env, make_expert(env.task_info()), seed)[1] for seed in (5, 4)] == first[::-1]
    env.close()


def test_a_script_that_is_through_lets_time_pass(browser):
    agent = make_expert(browser.task_info())
    observation, _ = browser.reset(seed=0)
    agent.reset(0)
    assert agent.act(observation).tolist()[0] == 0
    observation["node_mask"][:] = 0  # nothing is left that it could act on
    assert browser.action_space.contains(agent.act(observation))


def test_pages_without_a_script_are_refused(browser):
    info = browser.task_info()
    unsolved = next(page for page in sorted(IDS) if page not in SOLVED)
    with pytest.raises(UnknownName, match="has no scripted agent"):
        make_expert(dataclasses.replace(info, id=IDS[unsolved]))


def test_observations_without_texts_and_strange_actions_are_refused(browser):
    tokens = make_env(IDS["click-test"], text="tokens")
    commands = make_env(IDS["click-test"], actions="text")
    with pytest.raises(InvalidArgument, match="text='bytes'"):
        make_expert(tokens.task_info())
    with pytest.raises(InvalidArgument, match="actions: expected one of"):
        make_expert(commands.task_info())
    tokens.close()
    commands.close()
