"""Frozen records that describe tasks, families and suites; and the grammar of ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from gymnasium import spaces

NAMESPACE = "envsuite"
_TASK_ID = re.compile(r"envsuite/(?P<family>[a-z0-9]+)-(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)-v(?P<version>[1-9]\d*)")

Determinism = Literal["bitwise", "build", "statistical"]
ReferenceKind = Literal["random", "constant", "scripted", "human", "published"]


class TaskId(NamedTuple):
    """The parts of an id `envsuite/<family>-<name>-v<version>`."""

    family: str
    name: str
    version: int


def parse_id(task_id: str) -> TaskId:
    """Returns the parts of a task id; the inverse of `format_id`.

    Raises ValueError when the id does not follow the grammar.
    """
    match = _TASK_ID.fullmatch(task_id)
    if match is None:
        raise ValueError(f"task_id: expected envsuite/<family>-<name>-v<N> in lower-case kebab, got {task_id!r}")
    return TaskId(match["family"], match["name"], int(match["version"]))


def format_id(family: str, name: str, version: int = 1) -> str:
    """Returns `envsuite/<family>-<name>-v<version>`; upstream names are turned into kebab case."""
    kebab = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    task_id = f"{NAMESPACE}/{family}-{kebab}-v{version}"
    parse_id(task_id)
    return task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A score that a task's results are measured against, with its provenance."""

    value: float
    """In the unit of the task's metric."""
    kind: ReferenceKind
    source: str
    """The command that measured it, or the publication."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One environment id: what `gymnasium.make` builds and what is scored."""

    id: str
    goal: str
    """What to achieve, in one English sentence."""
    entry_point: str
    """`module:Class` of a `TaskEnv`, imported only when the task is made."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the entry point that tell this task from its siblings."""
    max_episode_steps: int
    """Steps after which the episode is truncated."""
    metric: str = "return"
    """Name in `envsuite.leaderboard.metrics.TASK_METRICS`: how episodes become the task's score."""
    reward_range: tuple[float, float] = (float("-inf"), float("inf"))
    """Bounds of the reward of one step."""
    deterministic: Determinism = "bitwise"
    snapshots: bool = False
    """Whether `snapshot()` and `restore()` exist."""
    scored: bool = True
    """Whether the task may stand on a board; wrapped training variants may not."""
    simulator: str | None = None
    """`name=module:function`: what plays the task and what tells its version, "" without one; None where it is the
    family's simulator."""
    tags: frozenset[str] = frozenset()
    floor: Reference | None = None
    """The better of the random and the best constant agent."""
    ceiling: Reference | None = None
    """An expert, human or published score; None leaves the task out of normalised aggregates."""

    def __post_init__(self) -> None:
        parse_id(self.id)
        if self.max_episode_steps < 1:
            raise ValueError(f"max_episode_steps: expected >= 1, got {self.max_episode_steps} for {self.id}")
        if self.floor and self.ceiling and self.ceiling.value <= self.floor.value:
            raise ValueError(
                f"ceiling: expected above the floor {self.floor.value}, got {self.ceiling.value}: {self.id}"
            )
        object.__setattr__(self, "kwargs", MappingProxyType(dict(self.kwargs)))

    @property
    def family(self) -> str:
        """The family's name, as in the id."""
        return parse_id(self.id).family

    @property
    def name(self) -> str:
        """The id without its namespace: `crafter-reward-v1`."""
        return self.id.removeprefix(f"{NAMESPACE}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One simulator and its tasks."""

    name: str
    title: str
    summary: str
    """What the simulator is, in one sentence."""
    extra: str
    """The optional dependency group that installs the simulator."""
    modules: tuple[str, ...]
    """Top-level modules whose presence means the simulator is installed."""
    distribution: str
    """The distribution whose version identifies the simulator, or the program's name where `identify` tells it."""
    tasks: tuple[Task, ...]
    events: tuple[str, ...]
    """Names that may appear in `info["events"]`, in the order of the vector env's columns."""
    factors: tuple[str, ...]
    """Names of the parts of the reward in `info["factors"]`, in column order."""
    metrics: tuple[str, ...]
    """Names in the `info["metrics"]` of an episode's last step, in column order."""
    licence: str
    homepage: str
    bibtex: str
    identify: str | None = None
    """`module:function` that returns the simulator's version, "" without one, where no Python distribution has it."""
    signals: tuple[str, ...] = ()
    """Names of further numbers in every info, which a vector env carries too."""
    expert: str | None = None
    """`module:make_expert`: TaskInfo -> Agent, or None where there is no script."""
    vector: str | None = None
    """`module:make_kernel`: makes what steps all environments of a vector env in one call (None for a task that has
    no such thing), or None."""
    parallel: str | None = None
    """`module:make_parallel`: the PettingZoo environment of a task for several agents, or None."""
    exchange: str | None = None
    """`module:exchange`: does the slow part of many environments' steps and resets in one go, or None."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Keyboard bindings of `envsuite play`: pygame key name -> action."""
    idle_action: Any = None
    """The action `envsuite play` takes while no key is held; None waits for a key."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTask:
    """A task of a suite and how many episodes of it are played."""

    task_id: str
    episodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an agent in a sandbox may use; more is a breach, which ends its episode at the floor."""

    step_s: float = 1.0
    """Seconds that one answer may take; what goes beyond is taken from the bank."""
    bank_s: float = 60.0
    """Seconds of one episode for answers that take longer."""
    start_s: float = 60.0
    """Seconds from the start of a process until its agent is made."""
    memory_bytes: int = 4 * 2**30
    """Resident memory of all its processes."""
    processes: int = 64
    """Processes and threads."""
    disk_bytes: int = 256 * 2**20
    """Size of its private /tmp, the only place it can write to."""
    log_bytes: int = 2**20
    """Standard output and standard error of one process; what goes beyond is dropped, ten times as much is a breach."""
    frame_bytes: int = 16 * 2**20
    """Size of one answer."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected > 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A fixed protocol: tasks, episode counts, seeds. Any change is a new version, hence a new name."""

    name: str
    summary: str
    tasks: tuple[SuiteTask, ...]
    adapt_episodes: int = 0
    """Episodes per task an agent may adapt over before it is scored."""
    keep_agent: bool = False
    """Whether one agent object lives on between the episodes of a task."""
    budget: Budget = field(default_factory=Budget)
    """What a sandboxed agent may use."""

    def __post_init__(self) -> None:
        repeated = sorted({task_id for task_id in self.task_ids if self.task_ids.count(task_id) > 1})
        if repeated:
            raise ValueError(f"tasks: expected every task once, got several of {', '.join(repeated)}: {self.name}")
        for entry in self.tasks:
            if entry.episodes < 1:
                raise ValueError(f"episodes: expected >= 1, got {entry.episodes} of {entry.task_id}: {self.name}")
        if self.adapt_episodes and not self.keep_agent:
            raise ValueError(
                f"adapt_episodes: expected 0 without keep_agent, which would forget them, got {self.adapt_episodes}: "
                f"{self.name}"
            )

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids in the order of the suite."""
        return tuple(entry.task_id for entry in self.tasks)

    @property
    def episodes(self) -> int:
        """How many episodes one run of the whole suite plays."""
        return sum(entry.episodes for entry in self.tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """What an agent may know about its task; nothing here tells the seed or the references."""

    id: str
    observation_space: spaces.Space[Any]
    action_space: spaces.Space[Any]
    goal: str
    """The task in one English sentence."""
    max_episode_steps: int
    run: int = 0
    """Which training run's weights to load."""
    bundle_dir: Path | None = None
    """The folder of the submission, where weights lie."""
