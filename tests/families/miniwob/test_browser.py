"""Browsers that crash, and browsers that are shared: by environments, threads, coroutines, forks and processes."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from families.miniwob.playing import episode, make, random_action

import envsuite
from envsuite.agent import RandomAgent
from envsuite.episode import Start, run_episodes
from envsuite.families.miniwob import keeper
from envsuite.families.miniwob.browser import BrowserCrashed
from envsuite.leaderboard.executors.jobs import Job, Share
from envsuite.leaderboard.executors.local import play_here
from envsuite.task import TaskInfo

pytestmark = pytest.mark.usefixtures("web")
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
OWN_BROWSER = 41
"""A shard that no other environment is in."""
TASK = "envsuite/miniwob-login-user-v1"


def command_line(pid):
    """Returns the command line of a process with spaces between, as Chromium writes it; nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


WHICH = {
    "all": lambda line: line and "keeper.py" not in line,
    "main": lambda line: "--user-data-dir=" in line and "--type=" not in line and "crashpad" not in line,
    "renderers": lambda line: "--type=renderer" in line,
}


def kill(browser, which):
    victims = [pid for pid in browser.pids() if WHICH[which](command_line(pid))]
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(command_line, victims)) and time.monotonic() < deadline:
        time.sleep(0.01)


def opening(env, seed, steps=5):
    """Returns what the first steps of an episode show, as bytes."""
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    shown = [{name: array.tobytes() for name, array in observation.items()}]
    for _ in range(steps):
        observation, _, terminated, truncated, _ = env.step(random_action(env, observation["action_mask"], rng))
        shown.append({name: array.tobytes() for name, array in observation.items()})
        if terminated or truncated:
            break
    return shown


@needs_proc
@pytest.mark.parametrize("which", WHICH)
def test_a_killed_browser_fails_a_step_and_the_next_reset_starts_another(which):
    env = make("login-user", shard=OWN_BROWSER)
    shown = opening(env, 7)
    pids = env.page.browser.pids()
    kill(env.page.browser, which)
    started = time.monotonic()
    with pytest.raises(BrowserCrashed):
        env.step(env.action_space.sample())
    assert time.monotonic() - started < 15
    assert opening(env, 7) == shown
    assert not set(pids) & set(env.page.browser.pids())
    env.close()


@needs_proc
def test_a_browser_that_was_killed_unnoticed_serves_no_new_environment():
    env = make("login-user", shard=OWN_BROWSER)
    kill(env.page.browser, "main")
    other = make("login-user", shard=OWN_BROWSER)
    assert opening(other, 3) == opening(env, 3)
    assert other.page.browser is env.page.browser
    env.close()
    other.close()


@needs_proc
def test_a_vector_env_goes_on_after_a_reset_when_one_of_its_browsers_was_killed():
    vector = envsuite.make_vec(TASK, 4)
    first = vector.reset(seed=5)[0]
    actions = vector.action_space.sample()
    after = vector.step(actions)[0]
    kill(vector.get_attr("page")[3].browser, "main")
    with pytest.raises(BrowserCrashed):
        vector.step(actions)
    with pytest.raises(gymnasium.error.ResetNeeded):
        vector.step(actions)
    again = vector.reset(seed=5)[0]
    np.testing.assert_equal(again, first)
    np.testing.assert_equal(vector.step(actions)[0], after)
    vector.close()


class Killer(RandomAgent):
    """Kills all browsers of this process once, in its third action."""

    left = 0

    def act(self, observation):
        type(self).left -= 1
        if type(self).left == 0:
            for pid in keeper.descendants_of(os.getpid()):
                if WHICH["main"](command_line(pid)):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
        return super().act(observation)


@needs_proc
def test_an_episode_counts_a_crash_as_the_environments(monkeypatch):
    monkeypatch.setattr(Killer, "left", 3)
    env = make("login-user")
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
    info = TaskInfo(id=TASK, goal="", max_episode_steps=10, **spaces)
    crashed = run_episodes([env], Killer(info), [Start(0, 1, 2)])[0]
    assert (crashed.outcome, crashed.length) == ("env_error", 2)
    assert "BrowserCrashed" in crashed.error
    assert run_episodes([env], Killer(info), [Start(0, 1, 2)])[0].outcome in ("terminated", "truncated")
    env.close()


@needs_proc
def test_an_evaluation_plays_a_crashed_episode_again(monkeypatch):
    job = Job(task_id=TASK, run=0, starts=(Start(0, 1, 2), Start(1, 3, 4)))
    undisturbed, recorded = [], []
    play_here(Killer, [job], Share(), undisturbed.append)
    monkeypatch.setattr(Killer, "left", 3)
    play_here(Killer, [job], Share(), recorded.append)
    outcomes = [episode.outcome for episode in recorded]
    assert outcomes.count("env_error") == 1
    valid = {each.seed_index: each.trajectory for each in recorded if each.outcome != "env_error"}
    assert valid == {each.seed_index: each.trajectory for each in undisturbed}


def test_environments_share_a_browser_and_those_with_pictures_another():
    envs = [make("login-user"), make("click-test"), make("login-user", pixels=True)]
    envs += [make("click-test", render_mode="rgb_array"), make("click-test", shard=OWN_BROWSER)]
    browsers = [env.page.browser for env in envs]
    assert browsers[0] is browsers[1]
    assert browsers[2] is browsers[3]
    assert len({id(browser) for browser in browsers}) == 3
    for env in envs:
        env.close()


def test_an_environment_that_is_forgotten_gives_its_page_back_but_not_in_the_middle_of_a_call(monkeypatch):
    env, forgotten = make("login-user"), [make("click-test"), make("click-test")]
    browser, shown = env.page.browser, opening(env, 2)
    slots = [each.page.slot for each in forgotten]
    forgotten.pop()
    gc.collect()
    assert slots[0] in browser.pages
    assert slots[1] not in browser.pages
    receive, within = browser._tools.receive, []

    def forgetting(*args):
        forgotten.clear()
        gc.collect()
        within.append(slots[0] in browser.pages)
        return receive(*args)

    monkeypatch.setattr(browser._tools, "receive", forgetting)
    assert opening(env, 2) == shown
    assert within[0]
    assert slots[0] not in browser.pages
    env.close()


def test_threads_with_environments_of_their_own():
    def play(seed):
        env = make("click-checkboxes")
        digests = [episode(env, seed + number, 15)[0] for number in range(3)]
        env.close()
        return digests

    alone = [play(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(play, range(4))) == alone


def test_threads_that_open_and_close_the_only_page_of_a_browser():
    ready = threading.Barrier(3)

    def play(seed):
        ready.wait()
        digests = set()
        for _ in range(3):
            env = make("click-test", shard=OWN_BROWSER)
            digests.add(episode(env, 5, 3)[0])
            env.close()
        return digests

    with ThreadPoolExecutor(3) as pool:
        assert len(set.union(*pool.map(play, range(3)))) == 1


def test_a_coroutine():
    async def play(seed):
        env = make("login-user")
        digest = episode(env, seed, 10)[0]
        await asyncio.sleep(0)
        env.close()
        return digest

    async def both():
        return await asyncio.gather(play(1), play(1))

    assert len(set(asyncio.run(both()))) == 1


FORK = """
import multiprocessing, os, sys, threading
import envsuite, gymnasium
from envsuite.families.miniwob import browser

def child(pipe, env):
    env.reset(seed=4)
    other = gymnasium.make("envsuite/miniwob-click-test-v1")
    mine = env.unwrapped.page.browser
    pipe.send((mine is other.unwrapped.page.browser and mine.owner == os.getpid(), mine.pids()))
    env.close()

env = gymnasium.make("envsuite/miniwob-login-user-v1")
before = env.reset(seed=4)[0]["nodes"]
parents = env.unwrapped.page.browser
context = multiprocessing.get_context("fork")
ours, theirs = context.Pipe()
holding, release = threading.Event(), threading.Event()

def hold():
    with browser._lock, parents.lock:
        holding.set()
        release.wait()

holder = threading.Thread(target=hold)
holder.start()
holding.wait()
process = context.Process(target=child, args=(theirs, env))
process.start()
release.set()
holder.join()
assert ours.poll(60)
childs_own, pids = ours.recv()
assert childs_own and not set(pids) & set(parents.pids())
process.join(30)
assert process.exitcode == 0
env.step(env.action_space.sample())
assert env.unwrapped.page.browser is parents
assert (env.reset(seed=4)[0]["nodes"] == before).all()
env.close()
print("ended")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_neither_uses_nor_closes_the_browser_of_its_parent():
    command = [sys.executable, "-W", "ignore", "-c", FORK]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert child.stdout.strip() == "ended", child.stderr


PROCESS = """
import gymnasium, envsuite
env = gymnasium.make("envsuite/miniwob-login-user-v1")
print(env.reset(seed=3)[0]["nodes"].sum(), *(env.step(env.action_space.sample() * 0)[1] for _ in range(20)))
env.close()
"""


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.long)])
def test_several_processes_at_once(count):
    command = [sys.executable, "-c", PROCESS]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    outputs = [child.communicate(timeout=300)[0] for child in children]
    assert [child.returncode for child in children] == [0] * count
    assert len(set(outputs)) == 1
