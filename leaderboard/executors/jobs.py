"""Jobs: which episodes are played together, and which of them an evaluation still has to play."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from envsuite.episode import Episode, Start

BLOCK = 10
"""Episodes of one task and run that share a sandboxed agent's process; each of them makes the agent anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Episodes of one task and run that are played by one agent object, or one group after the other."""

    task_id: str
    run: int
    starts: tuple[Start, ...]
    keep_agent: bool = False
    adapt: tuple[Start, ...] = ()
    """Episodes played first, unrecorded, for the agent to adapt; only with `keep_agent`."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the jobs this evaluation plays."""

    index: int = 0
    count: int = 1
    done: frozenset[tuple[str, int, int]] = frozenset()
    """Keys (task id, run, seed index) that are recorded already."""

    def groups(self, jobs: Sequence[Job], size: int) -> list[Job]:
        """Returns the jobs cut into groups of `size` episodes, without other shards' and finished ones.

        Groups are cut before anything is left out, so that an agent that plays a group at once meets
        the same company whatever the shard, the number of workers and the interruptions; a group of
        which only a part is recorded is played whole.
        """
        whole = cut(jobs, size)
        return [
            group
            for position, group in enumerate(whole)
            if position % self.count == self.index
            and not all((group.task_id, group.run, start.seed_index) in self.done for start in group.starts)
        ]

    def recorder(self, record: Callable[[Episode], None]) -> Callable[[Episode], None]:
        """Returns `record` for episodes of which no valid attempt is recorded yet."""
        done = set(self.done)

        def new_only(episode: Episode) -> None:
            key = (episode.task_id, episode.run, episode.seed_index)
            if key not in done:
                record(episode)
                if episode.outcome != "env_error":
                    done.add(key)

        return new_only


def cut(jobs: Sequence[Job], size: int = BLOCK) -> list[Job]:
    """Returns the jobs cut into groups of at most `size` episodes; those of an agent that is kept stay whole."""
    return [
        group
        for job in jobs
        for group in (
            [job]
            if job.keep_agent
            else [replace(job, starts=job.starts[i : i + size]) for i in range(0, len(job.starts), size)]
        )
    ]
