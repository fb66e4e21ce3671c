"""The picture of a Meta-World scene, 480 by 480 pixels, drawn by MuJoCo with or without a display."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from envsuite.errors import MissingExtra

FRAME_SIDE = 480
CAMERA = "corner4"
"""Sees the whole table of every task from close by; it is mounted upside down, like the other corners."""
_NO_OPENGL = (
    "rendering Meta-World without a display needs OpenGL through EGL; "
    "run: apt-get install libegl1 libopengl0 libgl1-mesa-dri"
)


def frame(renderer: Any, scene: Any) -> NDArray[np.uint8]:
    """Returns uint8 (480, 480, 3): the scene, an `MjData`, from `CAMERA`."""
    renderer.update_scene(scene, camera=CAMERA)
    return np.ascontiguousarray(renderer.render()[::-1, ::-1])


def make_renderer(model: Any) -> Any:
    """Returns an offscreen renderer of a model; raises `MissingExtra` with the packages that bring OpenGL."""
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in (*displays, "MUJOCO_GL")):
        # MuJoCo reads MUJOCO_GL once, when it is imported, and falls back to a window system that is not there.
        mujoco.gl_context.GLContext = _headless_context()
    try:
        renderer = mujoco.Renderer(model, FRAME_SIDE, FRAME_SIDE)
    except (AttributeError, ImportError, RuntimeError, mujoco.FatalError) as error:
        raise MissingExtra(f"{_NO_OPENGL} ({error})") from error
    for costly in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
        renderer.scene.flags[costly] = 0  # two thirds of the time of a frame drawn in software
    return renderer


def _headless_context() -> Any:
    """Returns MuJoCo's class of OpenGL contexts that need no display; raises `MissingExtra` without EGL."""
    try:
        ctypes.CDLL("libEGL.so.1")
        from mujoco.egl import GLContext
    except (AttributeError, ImportError, OSError) as error:
        raise MissingExtra(f"{_NO_OPENGL} ({error})") from error
    return GLContext
