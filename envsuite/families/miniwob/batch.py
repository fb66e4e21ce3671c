"""Many environments in one call per browser: what the vector env asks before it steps them one by one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from envsuite.families.miniwob.browser import Browser
from envsuite.families.miniwob.devtools import BrowserCrashed
from envsuite.families.miniwob.env import MiniwobEnv

Request = tuple[MiniwobEnv, Any, Any, Any]
"""Environment; action, or None for a reset; seed and options of the reset."""


def exchange(requests: Sequence[Request]) -> None:
    """Asks the pages of all environments at once; each keeps its answer for the step or reset that follows.

    Raises `BrowserCrashed` and what a wrong option raises; then no answer is kept.
    """
    groups: dict[int, tuple[Browser, list[MiniwobEnv], list[tuple[int, Any]]]] = {}
    for env, action, seed, options in requests:
        env.answer = env.screenshot = None  # of a call in which another environment raised
        command = env.reset_command(seed, options) if action is None else env.step_command(action)
        page = env.page
        _, envs, commands = groups.setdefault(id(page.browser), (page.browser, [], []))
        envs.append(env)
        commands.append((page.slot, command))
    sent: list[tuple[Browser, list[MiniwobEnv], list[tuple[int, Any]], int]] = []
    answers: list[tuple[list[MiniwobEnv], list[Any]]] = []
    crashes: list[BrowserCrashed] = []
    for browser, envs, commands in groups.values():
        with _kept(crashes):
            sent.append((browser, envs, commands, browser.begin(commands)))
    for browser, envs, commands, number in sent:
        with _kept(crashes):
            answers.append((envs, browser.finish(commands, number)))
    if crashes:  # not earlier: the other browsers have answers to give, and may have crashed, too
        raise crashes[0]
    for envs, group in answers:
        for env, answer in zip(envs, group, strict=True):
            env.answer = answer
    _look([env for envs, _ in answers for env in envs if env.with_pixels])


def _look(envs: Sequence[MiniwobEnv]) -> None:
    """Takes the screenshots of environments, all at once."""
    groups: dict[int, list[MiniwobEnv]] = {}
    for env in envs:
        groups.setdefault(id(env.page.browser), []).append(env)
    asked = [(group, group[0].page.browser.begin_screenshots(env.page for env in group)) for group in groups.values()]
    for group, numbers in asked:
        for env, picture in zip(group, group[0].page.browser.finish_screenshots(numbers), strict=True):
            env.screenshot = picture


@contextlib.contextmanager
def _kept(crashes: list[BrowserCrashed]) -> Iterator[None]:
    try:
        yield
    except BrowserCrashed as error:
        crashes.append(error)
