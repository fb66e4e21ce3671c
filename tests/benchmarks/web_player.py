"""Plays blocks of random steps on web pages, ours or the miniwob package's, on request; see player.py.

Sides: `ours:ID`, with `-pixels`, `-reset`, `-vector` or `-vector-pixels` behind `ours`; `miniwob:PAGE` as it comes,
with `-dom` or `-reset` behind `miniwob` without screenshots. Actions are drawn evenly, ours under the mask, theirs
among the elements of the page and the fields of the instruction. A reset measured for itself counts as a step.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
from typing import Any

import gymnasium
import numpy as np
from player import Play, playing, serve

ENVS = 32
NO_SCREENSHOTS = {"record_screenshots": False}


def play_masked(env: Any) -> Play:
    """Returns a player of one of our environments."""
    draw = np.random.default_rng(0).random
    parts = parts_of(env.action_space.nvec)
    observation, _ = env.reset(seed=0)

    def step() -> tuple[int, int]:
        nonlocal observation
        mask = observation["action_mask"]
        action = np.empty(len(parts), np.int64)
        for index, (part, value) in enumerate(zip(parts, draw(len(parts)), strict=True)):
            allowed = mask[part].nonzero()[0]
            action[index] = allowed[int(value * len(allowed))]
        observation, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            observation, _ = env.reset()
        return 1, int(terminated or truncated)

    return playing(step)


def play_masked_vector(envs: Any) -> Play:
    """Returns a player of a vector env of ours; the steps of every environment count."""
    draw = np.random.default_rng(0).random
    parts = parts_of(envs.single_action_space.nvec)
    observation, _ = envs.reset(seed=0)

    def step() -> tuple[int, int]:
        nonlocal observation
        mask = observation["action_mask"]
        weights = draw(mask.shape, np.float32) * mask
        actions = np.stack([weights[:, part].argmax(axis=1) for part in parts], axis=1)
        observation, _, terminated, truncated, _ = envs.step(actions)
        return envs.num_envs, int((terminated | truncated).sum())

    return playing(step)


def play_elements(env: Any, options: dict[str, Any]) -> Play:
    """Returns a player of the miniwob package: clicks on elements, fields typed into elements."""
    from miniwob.action import ActionTypes

    rng = np.random.default_rng(0)
    types = env.unwrapped.action_space_config.action_types
    kinds = [types.index(kind) for kind in (ActionTypes.CLICK_ELEMENT, ActionTypes.FOCUS_ELEMENT_AND_TYPE_FIELD)]
    rest = {"coords": np.zeros(2, np.float32), "key": 0, "text": ""}
    observation, _ = env.reset(seed=0, options=options)

    def step() -> tuple[int, int]:
        nonlocal observation
        kind, ref, field = rng.random(3)
        refs = [each["ref"] for each in observation["dom_elements"] if each["ref"] > 0]  # the others are texts
        fields = len(observation["fields"])
        action = {
            "action_type": kinds[int(kind * 2) if fields else 0],
            "ref": refs[int(ref * len(refs))],
            "field": int(field * fields),
            **rest,
        }
        observation, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            observation, _ = env.reset(options=options)
        return 1, int(terminated or truncated)

    return playing(step)


def play_resets(env: Any, options: dict[str, Any]) -> Play:
    """Returns a player that begins one episode after another."""
    seeds = itertools.count()

    def step() -> tuple[int, int]:
        env.reset(seed=next(seeds), options=options)
        return 1, 1

    return playing(step)


def parts_of(sizes: Any) -> list[slice]:
    """Returns where each dimension of an action lies in the mask."""
    ends = np.cumsum(sizes).tolist()
    return [slice(end - int(size), end) for end, size in zip(ends, sizes, strict=True)]


def make(side: str) -> Play:
    """Returns the player of a side; what it plays with is closed when the process ends."""
    kind, _, name = side.partition(":")
    if kind.startswith("ours"):
        import envsuite

        kwargs = {"pixels": True} if kind.endswith("-pixels") else {}
        if "-vector" in kind:
            env = envsuite.make_vec(name, ENVS, **kwargs)
            atexit.register(env.close)
            return play_masked_vector(env)
        env = gymnasium.make(name, **kwargs)
        atexit.register(env.close)
        return play_resets(env, {}) if kind == "ours-reset" else play_masked(env)
    for variable, program in (("MINIWOB_CHROME_BINARY", "chromium"), ("MINIWOB_CHROMEDRIVER", "chromedriver")):
        os.environ.setdefault(variable, shutil.which(program) or program)
    import miniwob  # noqa: F401  # registers the ids

    env = gymnasium.make(f"miniwob/{name}-v1")
    atexit.register(env.close)
    if kind == "miniwob-reset":
        return play_resets(env, NO_SCREENSHOTS)
    return play_elements(env, NO_SCREENSHOTS if kind == "miniwob-dom" else {})


if __name__ == "__main__":
    serve(make)
