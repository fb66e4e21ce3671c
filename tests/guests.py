"""Bundles and small helpers of the sandbox's tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from gymnasium import spaces

from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.task import Budget, TaskInfo

TASK = TaskInfo(
    id="envsuite/toy-walk-v1",
    observation_space=spaces.Box(0, 1, (1,), np.float32),
    action_space=spaces.Discrete(2),
    goal="Walk.",
    max_episode_steps=5,
)
SMALL = Budget(start_s=30, memory_bytes=256 * 2**20, processes=16, disk_bytes=16 * 2**20, log_bytes=4096)
AGENT = """
import os, sys, time
class Agent:
    def reset(self, seed): pass
    def act(self, observation):
{act}
def make_agent(task):
    return Agent()
"""


def bundle(folder: Path, act: str) -> Path:
    """Returns a bundle whose agent's `act` has the given lines."""
    made = folder / "bundle"
    made.mkdir()
    lines = "\n".join("        " + line for line in act.strip().splitlines())
    (made / "agent.py").write_text(AGENT.format(act=lines))
    return made


def answer(folder: Path, provider: str, act: str, budget: Budget = SMALL):
    """Returns what an agent with this `act` answers, and the submission's log."""
    with SandboxedSubmission(bundle(folder, act), provider=provider, budget=budget, unsafe_ok=True) as submission:
        agent = submission(TASK)
        agent.reset(0)
        found = agent.act(np.zeros(1, np.float32))
    return found, submission.log()


def gone(pid: int, within_s: float = 5.0) -> bool:
    """Returns whether a process is gone, or dead and only waiting to be reaped."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def descriptors() -> set[str]:
    """Returns this process's open descriptors."""
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208  # iterdir would have one more open
