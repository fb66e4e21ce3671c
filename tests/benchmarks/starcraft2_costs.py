"""What StarCraft II's simulator costs: an agent's step in a batch on one core, and the start of an environment.

    python tests/benchmarks/starcraft2_costs.py [--blocks 5]

Random actions, resets counted; a step is 8 loops of the game. Times, because no peer has the same tasks.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

ENVS = 256
SECONDS = 3.0
SETTLING_STEPS = 250
"""More than an episode, so that the games of a batch are at different moments."""
STEPS = (
    ("MoveToBeacon, 8 layers of 64 x 64", "envsuite/starcraft2-sim-move-to-beacon-v1", "layers", 50.0),
    ("DefeatRoaches, units", "envsuite/starcraft2-sim-defeat-roaches-v1", "units", 20.0),
)
"""What, id, kind of observation, microseconds at most: 20,000 and 50,000 steps a second."""
LATER_S = 2.0
_START = "import envsuite; envsuite.make_env('envsuite/starcraft2-sim-move-to-beacon-v1').reset(seed=0)"


def main() -> None:
    """Prints one JSON object a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5)
    blocks = parser.parse_args().blocks
    print(json.dumps(start(blocks)), flush=True)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(cores)])
    for what, task_id, observe, limit in STEPS:
        times = step_us(task_id, observe, blocks)
        row = {
            "name": f"step of starcraft2 {what}, {ENVS} envs, one core",
            "unit": "microseconds",
            "value": round(statistics.median(times), 2),
            "high": round(max(times), 2),
            "limit": limit,
        }
        print(json.dumps(row), flush=True)
    os.sched_setaffinity(0, cores)


def step_us(task_id: str, observe: str, blocks: int) -> list[float]:
    """Returns for each block the microseconds that one environment's step took."""
    import envsuite

    envs = envsuite.make_vec(task_id, ENVS, observe=observe)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    for _ in range(SETTLING_STEPS):
        envs.step(envs.action_space.sample())
    times = []
    for _ in range(blocks):
        count, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < SECONDS:
            envs.step(envs.action_space.sample())
            count += ENVS
        times.append(1e6 * elapsed / count)
    envs.close()
    return times


def start(blocks: int) -> dict[str, Any]:
    """Returns the row of a process up to its first observation, once the engine has been compiled."""
    subprocess.run([sys.executable, "-c", _START], check=True, stderr=subprocess.DEVNULL)
    times = []
    for _ in range(blocks):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", _START], check=True, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return {
        "name": "later start of starcraft2's simulator",
        "unit": "seconds",
        "value": round(statistics.median(times), 2),
        "high": round(max(times), 2),
        "limit": LATER_S,
    }


if __name__ == "__main__":
    main()
