"""What Crafter's engine costs: the memory of a world, the first start on a machine and later ones, as JSON rows.

    python tests/benchmarks/crafter_costs.py [--blocks 5]

A start is a process that imports envsuite, makes an environment and resets it; the first finds no compiled code.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

FEW, MANY = 64, 1088
STEPS = 300
FIRST_S, LATER_S, ENV_KIB = 60.0, 2.0, 128.0
_START = "import envsuite; envsuite.make_env('envsuite/crafter-reward-v1').reset(seed=0)"
_MEMORY = f"""
import os, sys, envsuite
from pathlib import Path
envs = envsuite.make_vec("envsuite/crafter-reward-v1", int(sys.argv[1]), copy=False)
envs.reset(seed=0)
for _ in range({STEPS}):
    envs.step(envs.action_space.sample())
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmRSS:")))
"""


def main() -> None:
    """Prints one JSON object a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=5)
    arguments = parser.parse_args()
    for row in (*starts(arguments.blocks), memory()):
        print(json.dumps(row), flush=True)


def starts(blocks: int) -> list[dict[str, Any]]:
    """Returns the rows of the first start and of later ones, with a cache of their own."""
    with tempfile.TemporaryDirectory() as folder:
        first, *later = (start_s(folder) for _ in range(1 + blocks))
    return [
        {"name": "first start of crafter on a machine", "unit": "seconds", "value": round(first, 1), "limit": FIRST_S},
        {
            "name": "later start of crafter",
            "unit": "seconds",
            "value": round(statistics.median(later), 2),
            "high": round(max(later), 2),
            "limit": LATER_S,
        },
    ]


def start_s(cache: str) -> float:
    """Returns how long a process takes to its first observation."""
    started = time.perf_counter()
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    subprocess.run([sys.executable, "-c", _START], env=environment, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def memory() -> dict[str, Any]:
    """Returns the row of what a further world takes, its picture included."""
    few, many = (held_kib(count) for count in (FEW, MANY))
    return {
        "name": f"memory of a further crafter env, from {FEW} to {MANY}",
        "unit": "KiB",
        "value": round((many - few) / (MANY - FEW), 1),
        "limit": ENV_KIB,
    }


def held_kib(count: int) -> int:
    """Returns the resident memory of a process with so many worlds after some hundred steps."""
    command = [sys.executable, "-c", _MEMORY, str(count)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


if __name__ == "__main__":
    main()
