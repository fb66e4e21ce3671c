"""Episode, the only source of a number; and `run_episodes`, the only step loop."""

from __future__ import annotations

import copy
import hashlib
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.vector import utils as vector_utils

from envsuite.env import TaskEnv
from envsuite.errors import AgentFailed, InvalidAction

Outcome = Literal[
    "terminated", "truncated", "invalid_action", "agent_crash", "agent_timeout", "agent_killed", "env_error"
]
FAILED_BY_AGENT: frozenset[Outcome] = frozenset({"invalid_action", "agent_crash", "agent_timeout", "agent_killed"})
"""Outcomes that score the task's floor."""
ERROR_LINES = 12
"""How many last lines of a traceback an episode keeps."""
ERROR_CHARACTERS = 4096
"""And how many characters of these at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened in one episode of one task."""

    task_id: str
    seed_index: int
    """Position in the seed list of the suite; the seed itself stays with the scorer."""
    run: int = 0
    """Which training run of the agent played."""
    return_: float
    """Undiscounted sum of rewards."""
    length: int
    """Steps taken."""
    success: bool | None = None
    """Whether any step succeeded; None where the task defines no success."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The family's metrics at the end of the episode."""
    outcome: Outcome
    invalid_actions: int = 0
    """Actions inside the space that had no effect."""
    error: str | None = None
    """The traceback's last lines, for the outcomes that are failures."""
    trajectory: str
    """Hash of every observation, reward and end flag; equal hashes mean equal episodes."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """`wall_s`, `env_s`, `agent_s`; the only part that differs between two equal evaluations."""
    actions: Any = field(default=None, compare=False, repr=False)
    """Every action taken, as `action_space.to_jsonable` gives them; kept beside the record, not in it."""

    def to_json(self) -> dict[str, Any]:
        """Returns plain data; the inverse of `from_json`."""
        record = {name: getattr(self, name) for name in self.__slots__ if name != "actions"}
        record["return"] = record.pop("return_")
        return {**record, "metrics": dict(self.metrics), "timings": dict(self.timings)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Episode:
        """Returns the episode of plain data; raises TypeError or KeyError when fields do not fit."""
        fields = dict(record)
        return cls(return_=fields.pop("return"), **fields)


class Start(NamedTuple):
    """What decides one episode: its place in the seed list and the two seeds."""

    seed_index: int
    env_seed: int
    agent_seed: int


def update_digest(digest: hashlib.blake2b, value: Any) -> None:
    """Feeds an observation, a number or a nested container of them into a hash, unambiguously."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            digest.update(f"{{{key}:".encode())
            update_digest(digest, value[key])
        digest.update(b"}")
    elif isinstance(value, tuple | list):
        digest.update(b"[%d" % len(value))
        for part in value:
            update_digest(digest, part)
    elif isinstance(value, str):
        digest.update(b"s%d:" % len(value) + value.encode())
    else:
        array = np.asarray(value, order="C")
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.data if array.size else b"")


def new_digest() -> hashlib.blake2b:
    """Returns the hash object that trajectories are hashed with (BLAKE2b, 128 bits)."""
    return hashlib.blake2b(digest_size=16)


class _Row:
    """One running episode of `run_episodes`."""

    def __init__(self, env: TaskEnv, start: Start, run: int) -> None:
        self.env, self.start, self.run = env, start, run
        task_env: Any = env.unwrapped  # a recording wrapper may lie around it
        self.task_id: str = task_env.task.id
        self.return_, self.length = 0.0, 0
        self.success: bool | None = None
        self.reward, self.terminated, self.truncated = 0.0, False, False
        self.info: Mapping[str, Any] = {}
        self.observation: Any = None
        self.outcome: Outcome | None = None
        self.error: str | None = None
        self.digest = new_digest()
        self.actions: list[Any] = []
        self.env_s = 0.0
        self._guarded(self._reset)

    def step(self, action: Any) -> None:
        self._guarded(lambda: self._step(action))

    def _guarded(self, call: Callable[[], None]) -> None:
        started = time.perf_counter()
        try:
            call()
        except InvalidAction as error:
            self.fail("invalid_action", error)
        except Exception as error:  # noqa: BLE001  # whatever a simulator raises is recorded, and the episode run again
            self.fail("env_error", error)
        self.env_s += time.perf_counter() - started

    def _reset(self) -> None:
        self.observation, self.info = self.env.reset(seed=self.start.env_seed)
        update_digest(self.digest, self.observation)

    def _step(self, action: Any) -> None:
        result = self.env.step(action)
        self.observation, self.reward, self.terminated, self.truncated, self.info = result
        self.actions.append(copy.deepcopy(action))
        self.return_ += self.reward
        self.length += 1
        if "success" in self.info:
            self.success = bool(self.success) or bool(self.info["success"])
        update_digest(self.digest, result[:4])
        if self.terminated or self.truncated:
            self.outcome = "terminated" if self.terminated else "truncated"

    def fail(self, outcome: Outcome, error: BaseException) -> None:
        # Of an agent in a sandbox the error already is the last lines of its own traceback; ours would show our paths.
        whole = str(error) if isinstance(error, AgentFailed) else "".join(traceback.format_exception(error))
        lines = whole.rstrip().splitlines()
        self.outcome, self.error = outcome, "\n".join(lines[-ERROR_LINES:])[-ERROR_CHARACTERS:]

    def episode(self, agent_s: float) -> Episode:
        if self.outcome is None:
            raise RuntimeError("the episode is still running")
        return Episode(
            task_id=self.task_id,
            seed_index=self.start.seed_index,
            run=self.run,
            return_=self.return_,
            length=self.length,
            success=self.success,
            metrics=dict(self.info.get("metrics", {})),
            outcome=self.outcome,
            invalid_actions=int(self.info.get("invalid_action", 0)),
            error=self.error,
            trajectory=self.digest.hexdigest(),
            timings={"wall_s": self.env_s + agent_s, "env_s": self.env_s, "agent_s": agent_s},
            actions=self.env.action_space.to_jsonable(self.actions),
        )


class ReplayAgent:
    """Takes the actions of a recorded episode one after the other: the agent of a replay."""

    def __init__(self, action_space: spaces.Space[Any], recorded: Any) -> None:
        self._actions = action_space.from_jsonable(recorded)
        self._position = 0

    def reset(self, seed: int) -> None:
        """Begins with the first action."""
        self._position = 0

    def act(self, observation: Any) -> Any:
        """Returns the next action; raises IndexError after the last."""
        self._position += 1
        return self._actions[self._position - 1]


class _OneByOne:
    """Gives an ordinary agent the face of a batched one that takes one row."""

    batched = 1

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def reset(self, seeds: list[int]) -> None:
        self._agent.reset(seeds[0])

    def act(self, observations: list[Any]) -> list[Any]:
        return [self._agent.act(observations[0])]

    def observe(self, rewards: Sequence[float], terminated: Sequence[bool], truncated: Sequence[bool]) -> None:
        if hasattr(self._agent, "observe"):
            self._agent.observe(rewards[0], terminated[0], truncated[0])


class _Stacked:
    """Stacks the rows for an agent that declares `batched`."""

    def __init__(self, agent: Any, env: TaskEnv, size: int) -> None:
        self._agent, self._space, self._size = agent, env.observation_space, size
        self._action_space = vector_utils.batch_space(env.action_space, size)

    def reset(self, seeds: list[int]) -> None:
        self._agent.reset(seeds)

    def act(self, observations: list[Any]) -> list[Any]:
        batch = vector_utils.create_empty_array(self._space, self._size)
        # A row whose reset has failed never had an observation; its action is ignored like that of any ended row.
        spare = next(observation for observation in observations if observation is not None)
        rows = [spare if observation is None else observation for observation in observations]
        batch = vector_utils.concatenate(self._space, rows, batch)
        return list(vector_utils.iterate(self._action_space, self._agent.act(batch)))

    def observe(self, rewards: Sequence[float], terminated: Sequence[bool], truncated: Sequence[bool]) -> None:
        if hasattr(self._agent, "observe"):
            self._agent.observe(np.array(rewards, np.float64), np.array(terminated), np.array(truncated))


def batch_size(agent: Any) -> int:
    """Returns how many episodes the agent plays at once: its `batched`, or 1."""
    return max(1, int(getattr(agent, "batched", 1)))


def run_episode(env: TaskEnv, agent: Any, start: Start, run: int = 0) -> Episode:
    """Returns the episode that an ordinary agent plays from `start`."""
    return run_episodes([env], agent, [start], run)[0]


def run_episodes(envs: Sequence[TaskEnv], agent: Any, starts: Sequence[Start], run: int = 0) -> list[Episode]:
    """Returns one episode per start, played in lockstep by one agent.

    An ordinary agent takes one start, a batched one up to `agent.batched`. Whatever the agent raises
    ends all its running episodes as `agent_crash`; what an environment raises ends that episode as
    `env_error`; an action outside the space ends it as `invalid_action`. Nothing is raised for them.
    """
    if not 1 <= len(starts) <= min(batch_size(agent), len(envs)):
        raise ValueError(
            f"starts: expected 1 to {batch_size(agent)} with an environment each, got {len(starts)} and {len(envs)}"
        )
    rows = [_Row(env, start, run) for env, start in zip(envs, starts, strict=False)]
    batched = hasattr(agent, "batched")
    player = _Stacked(agent, envs[0], len(rows)) if batched else _OneByOne(agent)
    clock = _Stopwatch()
    failed: BaseException | None = None
    try:
        with clock:
            player.reset([start.agent_seed for start in starts])
        while any(row.outcome is None for row in rows):
            with clock:
                actions = player.act([row.observation for row in rows])
            running = [row for row in rows if row.outcome is None]
            for row, action in zip(rows, actions, strict=True):
                if row.outcome is None:
                    row.step(action)
            if any(row.outcome not in ("env_error", "invalid_action") for row in running):
                with clock:
                    player.observe(*zip(*((row.reward, row.terminated, row.truncated) for row in rows), strict=True))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # what an agent raises is its score, and stops no run
        failed = error
    for row in rows:
        if row.outcome is None and failed is not None:
            row.fail(failed.outcome if isinstance(failed, AgentFailed) else "agent_crash", failed)
    return [row.episode(clock.seconds / len(rows)) for row in rows]


class _Stopwatch:
    """Adds up the seconds of what runs in its `with`, also of what raises."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        self.seconds += time.perf_counter() - self._started
