"""Player: plays jobs with the agents that a `make_agent` makes, in the process it is in."""

from __future__ import annotations

import contextlib
import copy
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeGuard, runtime_checkable

from envsuite.agent import MakeAgent, TaskInfo
from envsuite.catalogue import get_task
from envsuite.env import TaskEnv
from envsuite.episode import Episode, batch_size, run_episodes
from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.executors.jobs import Job
from envsuite.registration import make_env


@runtime_checkable
class Sandboxed(Protocol):
    """A `make_agent` whose agents live in processes of a sandbox."""

    def __call__(self, task: TaskInfo) -> Any:
        """Returns an agent whose code runs in the sandbox."""
        ...

    def begin_job(self) -> None:
        """Lets the next agent start in a fresh process."""
        ...

    def close(self) -> None:
        """Ends the process, if there is one."""
        ...


def is_sandboxed(make_agent: MakeAgent) -> TypeGuard[Sandboxed]:
    """Tells whether the agents of `make_agent` live in a sandbox."""
    return isinstance(make_agent, Sandboxed)


class Player:
    """Plays jobs with a `make_agent`; keeps the environments of the task it played last."""

    def __init__(self, make_agent: MakeAgent, agent_at_work: Any = None) -> None:
        self._make_agent = make_agent
        # An agent in a sandbox cannot take this process with it, so its work leaves no mark.
        self._at_work = None if is_sandboxed(make_agent) else agent_at_work
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
        if is_sandboxed(self._make_agent):
            self._make_agent.begin_job()
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
                    self._close_envs()
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
        except SandboxUnavailable:  # no failure of the agent: the evaluation ends, and goes on when that is mended
            raise
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
            self._close_envs()
            self._task_id = task_id
        while len(self._envs) < count:
            self._envs.append(make_env(task_id))
        return self._envs[:count]

    def close(self) -> None:
        """Closes the environments and ends the agent's sandbox; the next job makes new ones."""
        self._close_envs()
        if is_sandboxed(self._make_agent):
            self._make_agent.close()

    def _close_envs(self) -> None:
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
