"""Plays jobs in this process, or in worker processes that may be killed without losing the evaluation."""

from __future__ import annotations

import contextlib
import copy
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from envsuite.agent import MakeAgent, TaskInfo
from envsuite.catalogue import get_task
from envsuite.env import TaskEnv
from envsuite.episode import Episode, Outcome, Start, batch_size, run_episodes
from envsuite.errors import AgentLoadError
from envsuite.registration import make_env

MAX_ATTEMPTS = 3
"""How often an episode whose environment crashed is played before it stays unscored."""
EXIT_SECONDS = 5.0
"""How long a worker may take to close its environments before it is killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Episodes of one task and run that are played by one agent object, or one group after the other."""

    task_id: str
    run: int
    starts: tuple[Start, ...]
    keep_agent: bool = False
    adapt: tuple[Start, ...] = ()
    """Episodes played first, unrecorded, for the agent to adapt; only with `keep_agent`."""


class Player:
    """Plays jobs with a `make_agent`; keeps the environments of the task it played last."""

    def __init__(self, make_agent: MakeAgent, agent_at_work: Any = None) -> None:
        self._make_agent = make_agent
        self._at_work = agent_at_work
        """A shared flag that is set while the agent is at work; None where nobody looks."""
        self._task_id = ""
        self._envs: list[TaskEnv] = []

    def batch_size(self, task_id: str, run: int) -> int:
        """Returns how many episodes the agent declares to play at once; 1 when it cannot be made."""
        with contextlib.suppress(Exception, SystemExit):  # it fails again in `play`, where the failure is recorded
            return batch_size(self._make_agent(self._info(task_id, run)))
        return 1

    def play(self, job: Job) -> Iterator[Episode]:
        """Yields the job's episodes as they end, played in groups of the agent's batch size."""
        agent: Any = None
        for starts, recorded in ((job.adapt, False), (job.starts, True)):
            remaining = deque(starts)
            while remaining:
                if agent is None or not job.keep_agent:
                    agent = self._new_agent(job)
                size = batch_size(agent)
                group = [remaining.popleft() for _ in range(min(size, len(remaining)))]
                episodes = run_episodes(self._environments(job.task_id, len(group)), agent, group, job.run)
                if self._at_work is not None:
                    self._at_work.value = False
                if any(episode.outcome == "env_error" for episode in episodes):
                    self.close()
                if recorded:
                    yield from episodes

    def _new_agent(self, job: Job) -> Any:
        info = self._info(job.task_id, job.run)  # an environment that cannot be made is not the agent's failure
        try:
            if self._at_work is None:
                return self._make_agent(info)
            self._at_work.value = True
            agent = self._make_agent(info)
            self._at_work.value = False
            return _Watched(agent, self._at_work)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # what cannot be built is scored, like what crashes
            return _Unbuilt(error)

    def _info(self, task_id: str, run: int) -> TaskInfo:
        task = get_task(task_id)
        env = self._environments(task_id, 1)[0]
        return TaskInfo(
            id=task.id,
            # Copies: an agent must not reach the bounds and generators of the environment it is scored in.
            observation_space=copy.deepcopy(env.observation_space),
            action_space=copy.deepcopy(env.action_space),
            goal=task.goal,
            max_episode_steps=task.max_episode_steps,
            run=run,
        )

    def _environments(self, task_id: str, count: int) -> list[TaskEnv]:
        if task_id != self._task_id:
            self.close()
            self._task_id = task_id
        while len(self._envs) < count:
            self._envs.append(make_env(task_id))
        return self._envs[:count]

    def close(self) -> None:
        """Closes the environments; the next job makes new ones."""
        for env in self._envs:
            with contextlib.suppress(Exception):  # an environment that has crashed may fail to close, too
                env.close()
        self._envs = []


class _Unbuilt:
    """Stands in for an agent whose `make_agent` raised: raises the same error in every episode."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def reset(self, seed: int) -> None:
        raise self._error

    def act(self, observation: Any) -> Any:
        raise self._error


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
        whole = [group for job in jobs for group in _cut(job, size)]
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


def _cut(job: Job, size: int) -> list[Job]:
    if job.keep_agent:
        return [job]
    return [replace(job, starts=job.starts[i : i + size]) for i in range(0, len(job.starts), size)]


def play_here(make_agent: MakeAgent, jobs: Sequence[Job], share: Share, record: Callable[[Episode], None]) -> None:
    """Plays this share of the jobs in this process, crashed episodes again on the same seed."""
    if not jobs:
        return
    player = Player(make_agent)
    record = share.recorder(record)
    attempts = _Attempts()
    try:
        queue = deque(share.groups(jobs, player.batch_size(jobs[0].task_id, jobs[0].run)))
        while queue:
            job = queue.popleft()
            played: list[Episode] = []
            for episode in player.play(job):
                record(episode)
                played.append(episode)
            queue.extend(attempts.again(job, played))
    finally:
        player.close()


def play_in_processes(
    make_agent: MakeAgent, jobs: Sequence[Job], share: Share, record: Callable[[Episode], None], workers: int
) -> None:
    """Plays this share of the jobs in `workers` processes; a killed worker is replaced and its episode played again.

    `make_agent` must be picklable: a function or class of an importable module.
    """
    if not jobs:
        return
    try:
        pickle.dumps(make_agent)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise AgentLoadError(
            f"agent: worker processes need a make_agent that an importable module defines, got {make_agent!r} "
            f"({error}); move it to a module, or use workers=0"
        ) from error
    record = share.recorder(record)
    attempts = _Attempts()
    with _Pool(make_agent, workers, attempts) as pool:
        queue = deque(share.groups(jobs, pool.probe(jobs[0].task_id, jobs[0].run)))
        while queue or pool.busy:
            while queue and pool.idle:
                pool.submit(queue.popleft())
            for worker, episodes, done in pool.reports():
                for episode in episodes:
                    record(episode)
                    worker.played.append(episode)
                if done and worker.job is not None:
                    queue.extend(attempts.again(worker.job, worker.played))
                    worker.job = None


class _Attempts:
    """Counts how often each group was played, and who was at work when its worker died."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int, Start]] = Counter()
        self._deaths: Counter[tuple[str, int, Start]] = Counter()

    def again(self, job: Job, played: Sequence[Episode]) -> list[Job]:
        """Returns the job, whole, when an episode of it crashed or was lost and it may be played again."""
        valid = {episode.seed_index for episode in played if episode.outcome != "env_error"}
        self._counts[self._key(job)] += 1
        lost = any(start.seed_index not in valid for start in job.starts)
        return [job] if lost and self._counts[self._key(job)] < MAX_ATTEMPTS else []

    def verdict(self, job: Job, *, by_agent: bool) -> Outcome:
        """Returns how an episode ends whose worker died: by the agent's doing if it died of the agent every time."""
        self._deaths[self._key(job)] += by_agent
        return "agent_error" if self._deaths[self._key(job)] >= MAX_ATTEMPTS else "env_error"

    @staticmethod
    def _key(job: Job) -> tuple[str, int, Start]:
        return job.task_id, job.run, job.starts[0]


class _Watched:
    """An agent that leaves a mark, readable after its process has died, while it is at work."""

    def __init__(self, agent: Any, at_work: Any) -> None:
        self._agent, self._at_work = agent, at_work
        if hasattr(agent, "batched"):
            self.batched = agent.batched
        if hasattr(agent, "observe"):
            self.observe = self._observe

    def reset(self, seed: Any) -> None:
        self._call(self._agent.reset, seed)

    def act(self, observation: Any) -> Any:
        return self._call(self._agent.act, observation)

    def _observe(self, reward: Any, terminated: Any, truncated: Any) -> None:
        self._call(self._agent.observe, reward, terminated, truncated)

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        self._at_work.value = True
        result = method(*arguments)
        self._at_work.value = False  # an exception leaves it set, until the episodes end
        return result


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignores SIGINT for a moment, where signals can be set: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Worker:
    """One process and the job it is playing."""

    def __init__(self, make_agent: MakeAgent) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.agent_at_work = context.RawValue("b", 0)
        self.process = context.Process(target=_work, args=(theirs, make_agent, self.agent_at_work), daemon=True)
        with _interrupts_ignored():  # a child inherits that: ctrl-C is for the parent, which ends its workers
            self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.played: list[Episode] = []

    def wait_ready(self) -> None:
        """Returns when the process has loaded the agent; raises `AgentLoadError` when it died of that."""
        try:
            self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join()
            raise AgentLoadError(
                "agent: a worker process could not load it (its error is printed above). Define make_agent in a "
                'module that can be imported, and guard a script with `if __name__ == "__main__":`; or use workers=0'
            ) from error


class _Pool:
    """Worker processes, each with at most one job."""

    def __init__(self, make_agent: MakeAgent, size: int, attempts: _Attempts) -> None:
        self._make_agent = make_agent
        self._attempts = attempts
        self._workers = [_Worker(make_agent) for _ in range(size)]

    def __enter__(self) -> _Pool:
        try:
            for worker in self._workers:
                worker.wait_ready()
        except AgentLoadError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            worker.connection.close()  # ends an idle worker, after it has closed its environments
            if worker.job is not None:
                worker.process.terminate()
        for worker in self._workers:
            worker.process.join(EXIT_SECONDS)
            worker.process.kill()
            worker.process.join()

    @property
    def busy(self) -> bool:
        return any(worker.job is not None for worker in self._workers)

    @property
    def idle(self) -> bool:
        return any(worker.job is None for worker in self._workers)

    def probe(self, task_id: str, run: int) -> int:
        """Returns the agent's batch size, asked of a worker; 1 when the worker dies of it."""
        worker = self._workers[0]
        try:
            worker.connection.send(("probe", task_id, run))
            return int(worker.connection.recv())
        except (EOFError, OSError):
            self._replace(worker)
            return 1

    def submit(self, job: Job) -> None:
        worker = next(worker for worker in self._workers if worker.job is None)
        worker.job, worker.played = job, []
        with contextlib.suppress(OSError):  # it has died: the next report says so
            worker.connection.send(("play", job))

    def reports(self) -> Iterator[tuple[_Worker, list[Episode], bool]]:
        """Yields worker, new episodes and whether its job has ended, for every worker with news."""
        busy = {worker.connection: worker for worker in self._workers if worker.job is not None}
        for connection in wait(list(busy)):
            worker = busy[connection]  # type: ignore[index]  # wait() returns what it was given
            try:
                message = worker.connection.recv()
            except (EOFError, OSError):
                yield worker, self._lost(worker), True
                self._replace(worker)
                continue
            yield worker, [] if message is None else [message], message is None

    def _lost(self, worker: _Worker) -> list[Episode]:
        """Returns the marks of the episodes that a dead worker was playing."""
        worker.process.join()
        job = worker.job
        if job is None:
            return []
        by_agent = bool(worker.agent_at_work.value)
        outcome = self._attempts.verdict(job, by_agent=by_agent)
        played = {episode.seed_index for episode in worker.played}
        unfinished = [start for start in job.starts if start.seed_index not in played]
        return [
            Episode(
                task_id=job.task_id,
                seed_index=start.seed_index,
                run=job.run,
                return_=0.0,
                length=0,
                outcome=outcome,
                error=f"the worker process ended with exit code {worker.process.exitcode} during this episode, "
                f"while the {'agent' if by_agent else 'environment'} was at work",
                trajectory="",
            )
            # A kept agent plays one after the other, a group all at once.
            for start in (unfinished[:1] if job.keep_agent else unfinished)
        ]

    def _replace(self, worker: _Worker) -> None:
        worker.connection.close()
        successor = _Worker(self._make_agent)
        self._workers[self._workers.index(worker)] = successor
        successor.wait_ready()


def _work(connection: Connection, make_agent: MakeAgent, agent_at_work: Any) -> None:
    """Answers probes and plays jobs until the parent closes the connection."""
    # What simulators print must not tear the parent's progress bars.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    player = Player(make_agent, agent_at_work)
    with contextlib.suppress(EOFError, ConnectionError, KeyboardInterrupt):
        connection.send("ready")
        while True:
            kind, *arguments = connection.recv()
            if kind == "probe":
                connection.send(player.batch_size(*arguments))
            else:
                for episode in player.play(arguments[0]):
                    connection.send(episode)
                connection.send(None)
    player.close()
