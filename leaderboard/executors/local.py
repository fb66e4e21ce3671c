"""Plays jobs in this process, or in worker processes that may be killed without losing the evaluation."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from envsuite.agent import MakeAgent
from envsuite.episode import Episode, Outcome, Start
from envsuite.errors import AgentLoadError
from envsuite.leaderboard.executors.jobs import BLOCK, Job, Share
from envsuite.leaderboard.executors.player import Player, is_sandboxed

MAX_ATTEMPTS = 3
"""How often an episode whose environment crashed is played before it stays unscored."""
EXIT_SECONDS = 5.0
"""How long a worker may take to close its environments before it is killed."""


def play_here(make_agent: MakeAgent, jobs: Sequence[Job], share: Share, record: Callable[[Episode], None]) -> None:
    """Plays this share of the jobs in this process, crashed episodes again on the same seed."""
    if not jobs:
        return
    player = Player(make_agent)
    record = share.recorder(record)
    attempts = Attempts()
    try:
        size = BLOCK if is_sandboxed(make_agent) else player.batch_size(jobs[0].task_id, jobs[0].run)
        queue = deque(share.groups(jobs, size))
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
    attempts = Attempts()
    with _Pool(make_agent, workers, attempts) as pool:
        size = BLOCK if is_sandboxed(make_agent) else pool.probe(jobs[0].task_id, jobs[0].run)
        queue = deque(share.groups(jobs, size))
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


class Attempts:
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
        return "agent_crash" if self._deaths[self._key(job)] >= MAX_ATTEMPTS else "env_error"

    @staticmethod
    def _key(job: Job) -> tuple[str, int, Start]:
        return job.task_id, job.run, job.starts[0]


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

    def __init__(self, make_agent: MakeAgent, size: int, attempts: Attempts) -> None:
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
