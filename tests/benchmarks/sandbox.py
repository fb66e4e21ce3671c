"""What a sandbox costs: the round trip of an observation and the start of an agent, printed as JSON rows.

    python tests/benchmarks/sandbox.py [--provider bubblewrap] [--blocks 12]

All sides are measured in alternating blocks of one run. A round trip's number is the lowest median of its
blocks, because whatever else the machine does can only add to it; `high` is the highest median.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from envsuite.leaderboard.sandbox import choose
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.task import TaskInfo

ROUND_TRIPS = 1000
"""Of a block."""
STARTS = 5
"""Of every side, for each block of round trips."""
ROUND_TRIP_LIMIT_US, START_LIMIT_MS, SANDBOX_LIMIT_MS = 60.0, 200.0, 20.0
AGENT = """
import numpy as np

class make_agent:
    def __init__(self, task): self.action = np.int64(2)
    def reset(self, seed): pass
    def act(self, observation): return self.action
"""
TASK = TaskInfo(
    id="envsuite/toy-bench-v1",
    observation_space=spaces.Box(0, 255, (64, 64, 3), np.uint8),
    action_space=spaces.Discrete(5),
    goal="",
    max_episode_steps=1000,
)


def main() -> None:
    """Prints one JSON object a row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", help="the sandbox; the best that works here by default")
    parser.add_argument("--blocks", type=int, default=12)
    arguments = parser.parse_args()
    provider = choose(arguments.provider)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "agent.py").write_text(AGENT)
        for row in (
            *round_trip(Path(folder), provider.name, arguments.blocks),
            *start(Path(folder), provider.name, arguments.blocks),
        ):
            print(json.dumps({"provider": provider.name, **row}))


def round_trip(folder: Path, provider: str, blocks: int) -> list[dict[str, Any]]:
    """Returns the row of a 64x64x3 observation answered by an integer, through the sandbox and in this process."""
    scope: dict[str, Any] = {}
    exec((folder / "agent.py").read_text(), scope)
    here = scope["make_agent"](TASK)
    observation = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    with SandboxedSubmission(folder, provider=provider, unsafe_ok=True) as submission, bare_pipe() as pipe:
        there = submission(TASK)
        sides = {
            "sandboxed": lambda: there.act(observation),
            "in_process": lambda: here.act(observation),
            "bare_pipe": lambda: pipe(observation),
        }
        medians = alternate(sides, blocks, ROUND_TRIPS)
    best = {name: round(1e6 * min(values), 2) for name, values in medians.items()}
    cost = round(best["sandboxed"] - best["in_process"], 2)
    return [
        {
            "name": "agent round trip of a 64x64x3 observation, beyond the same agent in process",
            "unit": "microseconds",
            **best,
            "high": round(1e6 * max(medians["sandboxed"]), 2),
            "value": cost,
            "limit": ROUND_TRIP_LIMIT_US,
        }
    ]


def start(folder: Path, provider: str, blocks: int) -> list[dict[str, Any]]:
    """Returns the rows of a start until the agent is made, and of what the sandbox adds to an ordinary process."""

    def one(name: str) -> Callable[[], None]:
        submission = SandboxedSubmission(folder, provider=name, unsafe_ok=True)

        def begin() -> None:
            submission(TASK)

        begin.after = submission.close  # type: ignore[attr-defined]
        return begin

    sides = {"sandboxed": one(provider), "plain_process": one("subprocess")}
    # Every start beside one of the other side: a start is long enough for the machine to change between blocks.
    seconds = alternate(sides, blocks * STARTS, 1)
    medians = {name: round(1e3 * statistics.median(values), 1) for name, values in seconds.items()}
    lowest = {name: 1e3 * min(values) for name, values in seconds.items()}
    added = round(lowest["sandboxed"] - lowest["plain_process"], 1)
    return [
        {
            "name": "start of an agent that imports numpy",
            "unit": "milliseconds",
            **medians,
            "lowest": round(lowest["sandboxed"], 1),
            "value": medians["sandboxed"],
            "limit": START_LIMIT_MS,
        },
        {
            "name": "start: what the sandbox adds to a plain process, lowest of each",
            "unit": "milliseconds",
            "value": added,
            "limit": SANDBOX_LIMIT_MS,
        },
    ]


def alternate(sides: dict[str, Callable[[], Any]], blocks: int, calls: int) -> dict[str, list[float]]:
    """Returns per side the median seconds of a call in every block; the first block warms up and is left out."""
    medians: dict[str, list[float]] = {name: [] for name in sides}
    for block in range(blocks + 1):
        for name, call in sides.items():
            seconds = []
            for _ in range(calls):
                started = time.perf_counter()
                call()
                seconds.append(time.perf_counter() - started)
                getattr(call, "after", int)()
            if block:
                medians[name].append(statistics.median(seconds))
    return medians


@contextlib.contextmanager
def bare_pipe() -> Iterator[Callable[[Any], bytes]]:
    """Yields a function that sends an array to another process and waits for 20 bytes, with nothing around it."""
    echo = "import os\nwhile os.read(0, 65536): os.write(1, b'x' * 20)"
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", echo], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        to, back = process.stdin.fileno(), process.stdout.fileno()

        def call(array: Any) -> bytes:
            os.write(to, array)
            return os.read(back, 65536)

        yield call


if __name__ == "__main__":
    main()
