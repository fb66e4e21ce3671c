"""What every test needs: windows without a screen, and parts that CI must not skip."""

import ctypes.util
import os
import sys

import gymnasium
import pytest
from databases import database, database_url, files, postgres  # noqa: F401  # fixtures of the board's store

import envsuite

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

REQUIRED = frozenset(filter(None, os.environ.get("ENVSUITE_REQUIRE", "").split(",")))
"""System parts whose absence fails a test instead of skipping it, as in CI: chromium, gl, miniwob."""


COMPILED = {
    "crafter": ("envsuite/crafter-reward-v1",),
    "starcraft2": ("envsuite/starcraft2-sim-move-to-beacon-v1", "envsuite/starcraft2-sim-smac-3m-v1"),
}
"""Environments of each family with an engine, which bring its entry points."""


def pytest_sessionstart(session):
    """Compiles the engines before the processes of a whole run start, whose tests then have their full time."""
    config = session.config
    if not getattr(config.option, "numprocesses", None):
        return
    for family, task_ids in COMPILED.items():
        if not envsuite.registration.missing_modules(envsuite.FAMILIES[family]):
            for task_id in task_ids:
                env = envsuite.make_env(task_id, render_mode="rgb_array")
                env.reset(seed=0)
                env.render()
                env.close()


@pytest.fixture(scope="session")
def needs():
    """A function that skips the test when a system part is missing, or fails it where it is required."""

    def check(part: str, present: object, how: str) -> None:
        if present:
            return
        if part in REQUIRED:
            pytest.fail(f"{part} is required here (ENVSUITE_REQUIRE) and missing: {how}")
        pytest.skip(f"{part} is missing: {how}")

    return check


@pytest.fixture(scope="session")
def web(needs):
    """Skips, or fails where they are required, without a browser or its pages; keeps a browser of each kind running.

    The last page of a process takes its browser along, and the next would start another, half a second each.
    """
    from envsuite import assets
    from envsuite.families.miniwob import chrome  # imports Selenium, which other tests do without

    found = chrome.find_chrome()
    needs("chromium", found and chrome.find_driver(found), "apt-get install chromium chromium-driver")
    needs("miniwob", assets.find("miniwob"), "envsuite assets fetch miniwob")
    kept = [gymnasium.make("envsuite/miniwob-click-test-v1", render_mode=mode) for mode in (None, "rgb_array")]
    yield
    for env in kept:
        env.close()


@pytest.fixture
def parts_of(needs, request):
    """A function that skips the test, or fails where they are required, when parts of a task are missing here."""

    def check(task_id: str) -> None:
        drawable = sys.platform != "linux" or ctypes.util.find_library("EGL") or os.environ.get("MUJOCO_GL")
        if "/metaworld-" in task_id:
            needs("gl", drawable, "apt-get install libegl1 libopengl0 libgl1-mesa-dri")
        if "game" in envsuite.get_task(task_id).tags:
            here = envsuite.registration.simulator_of(envsuite.get_task(task_id))[1]
            needs("starcraft2", here, "StarCraft II, as docs/how-to/starcraft2.md tells")
        if "/miniwob-" in task_id:
            request.getfixturevalue("web")

    return check
