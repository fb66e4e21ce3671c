"""What many web pages cost: the time of a step in a vector of 32, and the memory of a further one, as JSON rows.

    python tests/benchmarks/web.py [--blocks 7] [--seconds 3]

Memory is the proportional share (PSS) of every process of the browser and what the interpreter holds (RSS).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from bench import LOGIN, Side
from web_player import ENVS, parts_of

import envsuite  # noqa: F401  # registers the ids

FORMS = "envsuite/miniwob-forms-v1"
FEW = 8
STEPS = 10
"""That every environment takes before its memory counts."""
SETTLE_S = 2.0
STEPS_PER_S, ENV_LIMIT_MIB = 3000.0, 15.0


def main() -> None:
    """Prints one JSON object a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    for row in (step_time(arguments.blocks, arguments.seconds), memory()):
        print(json.dumps(row), flush=True)


def step_time(blocks: int, seconds: float) -> dict[str, Any]:
    """Returns the row of a step of one environment among 32 forms of three fields."""
    side = Side(sys.executable, f"ours-vector:{FORMS}", "web_player.py")
    times = [1e6 * taken / steps for steps, taken in (side.play(seconds) for _ in range(blocks))]
    side.close()
    return {
        "name": f"step of one of {ENVS} miniwob forms",
        "unit": "microseconds",
        "value": round(statistics.median(times), 1),
        "high": round(max(times), 1),
        "limit": round(1e6 / STEPS_PER_S, 1),
    }


def memory() -> dict[str, Any]:
    """Returns the row of what a further environment takes."""
    envs: list[Any] = []
    held = []
    for count in (FEW, ENVS):
        envs += [opened(seed) for seed in range(len(envs), count)]
        time.sleep(SETTLE_S)
        held.append(memory_mib(envs))
    for env in envs:
        env.close()
    return {
        "name": f"memory of a further miniwob env, login-user, from {FEW} to {ENVS}",
        "unit": "MiB",
        f"of_{FEW}": round(held[0], 1),
        f"of_{ENVS}": round(held[1], 1),
        "value": round((held[1] - held[0]) / (ENVS - FEW), 2),
        "limit": ENV_LIMIT_MIB,
    }


def opened(seed: int) -> Any:
    """Returns an environment in the middle of an episode."""
    env = gymnasium.make(LOGIN)
    rng = np.random.default_rng(seed)
    parts = parts_of(env.action_space.nvec)
    observation, _ = env.reset(seed=seed)
    for _ in range(STEPS):
        mask = observation["action_mask"]
        observation, _, terminated, truncated, _ = env.step(
            np.array([rng.choice(mask[part].nonzero()[0]) for part in parts])
        )
        if terminated or truncated:
            observation, _ = env.reset()
    return env


def memory_mib(envs: list[Any]) -> float:
    """Returns what this process and the browsers of environments hold."""
    pids = {pid for env in envs for pid in env.unwrapped.page.browser.pids()}
    shares = sum(kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids)
    return (shares + kib(Path(f"/proc/{os.getpid()}/status"), "VmRSS:")) / 1024


def kib(path: Path, name: str) -> int:
    """Returns a number from a file of /proc."""
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))


if __name__ == "__main__":
    main()
