"""What every test needs: windows without a screen, and parts that CI must not skip."""

import ctypes.util
import os
import sys

import pytest
from databases import database, database_url, files, postgres  # noqa: F401  # fixtures of the board's store

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

REQUIRED = frozenset(filter(None, os.environ.get("ENVSUITE_REQUIRE", "").split(",")))
"""System parts whose absence fails a test instead of skipping it, as in CI: chromium, gl."""


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


@pytest.fixture
def pictures_of(needs):
    """A function that skips, or fails where OpenGL is required, when a task's pictures cannot be drawn here."""

    def check(task_id: str) -> None:
        drawable = sys.platform != "linux" or ctypes.util.find_library("EGL") or os.environ.get("MUJOCO_GL")
        if "/metaworld-" in task_id:
            needs("gl", drawable, "apt-get install libegl1 libopengl0 libgl1-mesa-dri")

    return check
