"""The same seed and actions give the same bytes: alone, after other episodes in the same page, and under load."""

import contextlib
import multiprocessing
import os
import shutil
from collections import Counter

import pytest
from families.miniwob.playing import episode, make

from envsuite.families.miniwob import FAMILY

PAGES = [task.kwargs["page"] for task in FAMILY.tasks]
CHANGING = 0.3
"""Share of the random actions that must change a page, over all of its episodes."""
OWN_BROWSER = 31
"""A shard that no other environment is in."""

pytestmark = pytest.mark.usefixtures("web")


def two_runs(page, episodes, most):
    """Returns the hashes of a fresh page, and of one that has played other episodes before, in another order."""
    alone, used = make(page), make(page)
    try:
        first = {seed: episode(alone, seed, most) for seed in range(episodes)}
        for seed in range(1000, 1003):
            episode(used, seed, most=12)
        second = {seed: episode(used, seed, most) for seed in reversed(range(episodes))}
    finally:
        alone.close()
        used.close()
    return first, second


def burn(stop):
    while not stop.is_set():
        sum(range(10_000))


@pytest.fixture
def load():
    """Keeps every core busy."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    burners = [context.Process(target=burn, args=(stop,)) for _ in range(os.cpu_count() or 1)]
    for burner in burners:
        burner.start()
    yield
    stop.set()
    for burner in burners:
        burner.join()


def check(page, episodes, most=25):
    first, second = two_runs(page, episodes, most)
    assert {seed: played[0] for seed, played in first.items()} == {seed: played[0] for seed, played in second.items()}
    assert len({played[0] for played in first.values()}) > 1, "every seed plays the same"
    counts = Counter()
    for _, changed, steps in first.values():
        counts.update(changed=changed, steps=steps)
    assert counts["changed"] >= CHANGING * counts["steps"], f"{counts['changed']} of {counts['steps']} actions"
    return first


@pytest.mark.parametrize("page", PAGES)
def test_history_changes_nothing(page):
    check(page, 3)


@pytest.mark.parametrize("page", ["login-user", "book-flight", "social-media", "chase-circle", "drag-cube", "terminal"])
def test_load_changes_nothing(page, load):
    check(page, 3)


@pytest.mark.parametrize("name", ["chromium", "google-chrome", "chromium-headless-shell", "chrome-headless-shell"])
def test_every_build_of_a_version_plays_the_same(name, monkeypatch):
    chrome = shutil.which(name)
    if chrome is None:
        pytest.skip(f"{name} is not installed")
    with contextlib.closing(make("book-flight")) as env:
        version, expected = env.page.browser.version, episode(env, 5)
    monkeypatch.setenv("ENVSUITE_CHROME", chrome)
    with contextlib.closing(make("book-flight", shard=OWN_BROWSER)) as env:
        if env.page.browser.version != version:
            pytest.skip(f"{name} is of version {env.page.browser.version}, the others of {version}")
        assert episode(env, 5) == expected


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_history_changes_nothing_in_fifty_episodes(page):
    check(page, 50, most=1000)


@pytest.mark.long
@pytest.mark.parametrize("page", PAGES)
def test_load_changes_nothing_in_twenty_episodes(page, load):
    check(page, 20, most=1000)
