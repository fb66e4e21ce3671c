"""Replays: recorded actions played again, without the agent, must give the recorded episode bit for bit."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import multiprocessing.util
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

from envsuite.catalogue import TASKS
from envsuite.env import TaskEnv
from envsuite.episode import FAILED_BY_AGENT, Episode, ReplayAgent, Start, run_episode
from envsuite.errors import InvalidArgument, WorkerDied
from envsuite.leaderboard.canonical import finite
from envsuite.registration import make_env

COMPARED = ("trajectory", "length", "return_", "success", "metrics", "invalid_actions")
"""Fields that a replay must give again, whatever ended the episode; `timings` and `error` are the machine's."""
AHEAD = 4
"""Episodes that wait for each worker, so that a file is read no faster than it is played."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What became of one recorded episode."""

    recorded: Episode
    """Without its actions."""
    differences: tuple[str, ...] = ()
    """In what the replay differs, in sentences; empty where it is the recorded episode."""
    skipped: str = ""
    """Why it was not played; empty where it was."""

    @property
    def same(self) -> bool:
        """Whether it was played and gave the recorded episode."""
        return not self.differences and not self.skipped


def replay_episode(task_id: str, start: Start, actions: Any, *, run: int = 0, env: TaskEnv | None = None) -> Episode:
    """Returns the episode that recorded actions give from a start.

    Where the actions end before the episode does, its outcome is `agent_crash` and everything else is what
    the environment gave up to there: so an episode that the agent failed is compared, too. The failing
    action itself is not recorded and changed nothing.

    Args:
        task_id: an id of the catalogue.
        start: the seeds; that of the agent has no effect.
        actions: as `Episode.actions`; None or an empty list for an episode without a step.
        run: is passed on.
        env: plays in it and leaves it open; by default one is made and closed.

    Raises `InvalidArgument` for actions that the action space cannot read.
    """
    with contextlib.ExitStack() as stack:
        if env is None:
            env = stack.enter_context(contextlib.closing(make_env(task_id)))
        return run_episode(env, _agent_of(env, actions), start, run)


def compare(recorded: Episode, replayed: Episode) -> tuple[str, ...]:
    """Returns in what two episodes differ, in sentences; empty where the replay confirms the record.

    Compared are `COMPARED`, the actions where the record holds them, and how the episode ended: by the
    environment alike, or by the agent, where the replay has run out of actions with the episode going on.
    """
    differences = []
    ended = "agent_crash" if recorded.outcome in FAILED_BY_AGENT else recorded.outcome
    if replayed.outcome == "env_error":
        last_line = (replayed.error or "").rpartition("\n")[2]
        differences.append(f"the environment broke off the replay at step {replayed.length + 1}: {last_line}")
    elif replayed.outcome != ended:
        end = {"agent_crash": "not over after the last action", "invalid_action": "stopped by an invalid action"}
        differences.append(
            f"outcome: recorded {recorded.outcome}, replayed {end.get(replayed.outcome, replayed.outcome)}"
        )
    for name in COMPARED:
        before, now = (finite(getattr(episode, name)) for episode in (recorded, replayed))
        if before != now:
            differences.append(f"{name.rstrip('_')}: recorded {before}, replayed {now}")
    if recorded.length and finite(recorded.actions) != finite(replayed.actions):
        differences.append("actions: those recorded are not, all of them and no more, those that were played")
    return tuple(differences)


def _agent_of(env: TaskEnv, actions: Any) -> ReplayAgent:
    space = env.action_space
    try:
        return ReplayAgent(space, actions or space.to_jsonable([]))
    except Exception as error:  # whatever a space raises for data that is none of its own
        raise InvalidArgument(f"actions: expected what {space} writes, got data it cannot read: {error!r}") from error


class _Stage:
    """Plays replays and keeps the environment of the task it played last."""

    def __init__(self) -> None:
        self._env: TaskEnv | None = None

    def play(self, start: Start, episode: Episode) -> Replay:
        recorded = replace(episode, actions=None)
        skipped = why_not(episode)
        if skipped:
            return Replay(recorded=recorded, skipped=skipped)
        if episode.length and episode.actions is None:
            return Replay(recorded=recorded, differences=("actions: none are recorded",))
        try:
            env = self._env_of(episode.task_id)
            replayed = replay_episode(episode.task_id, start, episode.actions, run=episode.run, env=env)
        except InvalidArgument as error:
            return Replay(recorded=recorded, differences=(str(error),))
        if replayed.outcome == "env_error":
            self.close()
        return Replay(recorded=recorded, differences=compare(episode, replayed))

    def _env_of(self, task_id: str) -> TaskEnv:
        if self._env is None or self._env.task.id != task_id:
            self.close()
            self._env = make_env(task_id)
        return self._env

    def close(self) -> None:
        env, self._env = self._env, None
        if env is not None:
            with contextlib.suppress(Exception):  # an environment that has crashed may fail to close, too
                env.close()


def why_not(episode: Episode) -> str:
    """Returns why an episode cannot be replayed, in a sentence; empty where it can."""
    if episode.outcome == "env_error":
        return "the environment broke it off, so it scores nothing"
    task = TASKS.get(episode.task_id)
    if task is None:
        return f"{episode.task_id} is not in this version of envsuite"
    if task.deterministic == "statistical":
        return f"{episode.task_id} is deterministic in a statistical sense only"
    return ""


def replay_results(items: Iterable[tuple[Start, Episode]], *, workers: int = 0) -> Iterator[Replay]:
    """Yields what becomes of each recorded episode, in the order of `items`.

    Args:
        items: start and recorded episode with its actions; taken one after the other, a few ahead of the replay.
        workers: 0 plays in this process; more play in that many processes.

    Raises `MissingSimulator`, and `WorkerDied` where a simulator took its process with it.
    """
    if workers < 0:
        raise InvalidArgument(f"workers: expected >= 0, got {workers}")
    if workers == 0:
        with contextlib.closing(_Stage()) as stage:
            for start, episode in items:
                yield stage.play(start, episode)
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin_worker)
    waiting: deque[tuple[Episode, Future[Replay]]] = deque()
    items = iter(items)
    try:
        while True:
            for start, episode in itertools.islice(items, AHEAD * workers - len(waiting)):
                waiting.append((replace(episode, actions=None), pool.submit(_play_in_worker, start, episode)))
            if not waiting:
                return
            yield _answer(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _answer(episode: Episode, future: Future[Replay]) -> Replay:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkerDied(
            f"the process that replayed {episode.task_id}, run {episode.run}, seed index {episode.seed_index}, or one "
            "beside it, has died; workers=0 shows where"
        ) from error


_stage = _Stage()
"""Of a worker process."""


def _begin_worker() -> None:
    # A process of a pool runs no atexit functions.
    multiprocessing.util.Finalize(None, _stage.close, exitpriority=10)


def _play_in_worker(start: Start, episode: Episode) -> Replay:
    return _stage.play(start, episode)
