"""envsuite: reinforcement-learning environments, agents and scores under one contract.

`import envsuite` registers every id with Gymnasium and imports no simulator.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

from envsuite.agent import Agent, BatchedAgent, TaskInfo
from envsuite.catalogue import FAMILIES, SUITES, TASKS, find_tasks, get_suite, get_task
from envsuite.env import TaskEnv
from envsuite.errors import EnvsuiteError, InvalidAction, InvalidTask, MissingSimulator
from envsuite.registration import make_env, register_all
from envsuite.task import Family, Reference, Suite, SuiteTask, Task, format_id, parse_id

if TYPE_CHECKING:
    from envsuite.conformance import check_env
    from envsuite.episode import Episode
    from envsuite.leaderboard.evaluate import evaluate
    from envsuite.leaderboard.results import Results
    from envsuite.parallel import parallel_env
    from envsuite.vector import make_vec

__all__ = [
    "FAMILIES",
    "SUITES",
    "TASKS",
    "Agent",
    "BatchedAgent",
    "EnvsuiteError",
    "Episode",
    "Family",
    "InvalidAction",
    "InvalidTask",
    "MissingSimulator",
    "Reference",
    "Results",
    "Suite",
    "SuiteTask",
    "Task",
    "TaskEnv",
    "TaskInfo",
    "check_env",
    "evaluate",
    "find_tasks",
    "format_id",
    "get_suite",
    "get_task",
    "make_env",
    "make_vec",
    "parallel_env",
    "parse_id",
]
__version__ = importlib.metadata.version("envsuite")

_LAZY = {
    "Episode": "envsuite.episode",
    "Results": "envsuite.leaderboard.results",
    "check_env": "envsuite.conformance",
    "evaluate": "envsuite.leaderboard.evaluate",
    "make_vec": "envsuite.vector",
    "parallel_env": "envsuite.parallel",
}
"""Public names whose modules are imported on first use, so that `import envsuite` stays light."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'envsuite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register_all()
