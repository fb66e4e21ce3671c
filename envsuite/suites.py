"""The suites: fixed protocols over the tasks. A change of any number here is a new version."""

from __future__ import annotations

from collections.abc import Iterable

from envsuite.errors import InvalidArgument
from envsuite.seeding import derive_seed
from envsuite.task import Suite, SuiteTask, Task

HELD_OUT = "test"
"""The split whose seeds need a secret (`envsuite.leaderboard.seeds`): nobody but a board's server can derive them."""
SPLITS = ("train", "dev", HELD_OUT)
"""`train` may be used for anything, `dev` is public and scored by users, `test` is scored by a board's server."""
PUBLIC_SPLITS = ("train", "dev")


def episode_seed(suite: str, split: str, task_id: str, seed_index: int, root: int = 0) -> int:
    """Returns the environment seed of an episode of a suite.

    `root` is 0 for the seeds that a suite fixes; any other root gives fresh seeds, whose results
    cannot stand on a board.
    """
    if split not in PUBLIC_SPLITS:
        raise InvalidArgument(f"split: expected one of {PUBLIC_SPLITS}, whose seeds are public, got {split!r}")
    return derive_seed(root, suite, split, task_id, seed_index)


def make_suites(tasks: Iterable[Task]) -> list[Suite]:
    """Returns every suite whose tasks exist in `tasks`."""
    by_tag: dict[str, list[str]] = {}
    for task in tasks:
        for tag in task.tags:
            by_tag.setdefault(tag, []).append(task.id)
    return [
        Suite(
            name=name,
            summary=summary,
            tasks=tuple(SuiteTask(task_id=task_id, episodes=episodes) for task_id in by_tag[tag]),
        )
        for name, summary, tag, episodes in _SUITES
        if tag in by_tag
    ]


_SUITES = (
    ("quick-v1", "Two tasks of every family, a few episodes each: is everything working?", "quick", 4),
    ("core-v1", "The tasks that tell agents apart, six families.", "core", 50),
    ("metaworld-mt10-v1", "Meta-World's ten multi-task tasks, goals visible.", "mt10", 50),
    ("metaworld-mt50-v1", "All fifty Meta-World tasks, goals visible.", "mt50", 50),
)
"""Name, summary, the tag that its tasks carry, episodes per task."""
