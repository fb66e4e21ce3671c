"""Plays blocks of random steps with one environment, ours or a peer's, on request.

Runs inside the virtual environment of its side, so it imports nothing but that side's packages.
Reads a number of seconds a line from stdin; answers each with `steps episodes seconds` on stdout.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

NETHACK_KEYS = (
    *("glyphs", "chars", "colors", "specials", "blstats", "message", "inv_glyphs", "inv_strs", "inv_letters"),
    *("inv_oclasses", "tty_chars", "tty_colors", "tty_cursor", "misc"),
)
"""What our NetHack observes; nle adds 130 KB of screen descriptions by default."""

KERNEL_ENVS = 256
SETTLING_STEPS = 400
"""More than twice the length of an episode of random actions in Crafter."""

REGISTERED_BY = {"nle": "nle", "nle-same-keys": "nle", "metaworld": "metaworld"}
"""The module whose import registers a peer's ids."""

Play = Callable[[float], tuple[int, int, float]]
"""Seconds -> steps, episodes, seconds taken; resets are inside the time."""


def playing(step: Callable[[], tuple[int, int]]) -> Play:
    """Returns a player of `step`, which takes one step and returns how many steps and episode ends that was."""

    def play(seconds: float) -> tuple[int, int, float]:
        steps, episodes, started = 0, 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            stepped, ended = step()
            steps, episodes = steps + stepped, episodes + ended
        return steps, episodes, elapsed

    return play


def play_gymnasium(env: Any) -> Play:
    """Returns a player of a Gymnasium environment."""
    env.action_space.seed(0)
    env.reset(seed=0)

    def step() -> tuple[int, int]:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            env.reset()
        return 1, int(terminated or truncated)

    return playing(step)


def play_resets(env: Any) -> Play:
    """Returns a player that only begins episodes; each counts as a step."""
    env.reset(seed=0)

    def step() -> tuple[int, int]:
        env.reset()
        return 1, 1

    return playing(step)


def play_vector(envs: Any, settle: int = 0) -> Play:
    """Returns a player of a Gymnasium vector env; the steps of every environment count.

    After `settle` steps the environments are in different moments of their episodes.
    """
    envs.action_space.seed(0)
    envs.reset(seed=0)
    for _ in range(settle):
        envs.step(envs.action_space.sample())

    def step() -> tuple[int, int]:
        _, _, terminated, truncated, _ = envs.step(envs.action_space.sample())
        return envs.num_envs, int((terminated | truncated).sum())

    return playing(step)


def play_crafter(*, resets: bool = False) -> Play:
    """Returns a player of the crafter package, whose interface is that of the old gym."""
    import crafter
    import numpy as np

    env = crafter.Env(seed=0)
    rng = np.random.default_rng(0)
    env.reset()

    def reset() -> tuple[int, int]:
        env.reset()
        return 1, 1

    if resets:
        return playing(reset)

    def step() -> tuple[int, int]:
        _, _, done, _ = env.step(rng.integers(17))
        if done:
            env.reset()
        return 1, int(done)

    return playing(step)


def make(side: str) -> Play:
    """Returns the player of a side: `ours:ID`, `ours-vector:ID`, or a peer's name."""
    kind, _, argument = side.partition(":")
    if kind == "ours":
        import envsuite

        return play_gymnasium(envsuite.make_env(argument))
    if kind == "ours-vector":
        import envsuite

        return play_vector(envsuite.make_vec(argument, 8, workers=2))
    if kind in ("ours-kernel", "ours-kernel-one-core"):
        import envsuite

        if kind == "ours-kernel-one-core":
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        return play_vector(envsuite.make_vec(argument, KERNEL_ENVS), SETTLING_STEPS)
    if kind == "ours-reset":
        import envsuite

        return play_resets(envsuite.make_env(argument))
    if kind.startswith("crafter"):
        return play_crafter(resets=kind == "crafter-reset")
    import gymnasium

    if kind in REGISTERED_BY:
        importlib.import_module(REGISTERED_BY[kind])
    if kind == "nle-same-keys":
        return play_gymnasium(gymnasium.make(argument, observation_keys=NETHACK_KEYS))
    if kind == "metaworld":
        return play_gymnasium(gymnasium.make("Meta-World/MT1", env_name=argument, seed=0))
    if kind == "gymnasium-async":
        return play_vector(gymnasium.make_vec(argument, num_envs=8, vectorization_mode="async"))
    return play_gymnasium(gymnasium.make(argument))


def serve(make: Callable[[str], Play]) -> None:
    """Answers block requests until stdin ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # simulators print
    play = make(sys.argv[1])
    for line in itertools.chain(("0.5",), iter(sys.stdin.readline, "")):
        print(*play(float(line)), file=answers, flush=True)


if __name__ == "__main__":
    serve(make)
