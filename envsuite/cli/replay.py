"""Recordings of played episodes, exact enough to be played again; and `envsuite replay`, which does so."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from gymnasium import spaces

from envsuite import catalogue, registration
from envsuite.cli.console import console, print_json
from envsuite.env import TaskEnv
from envsuite.episode import new_digest, update_digest
from envsuite.errors import EnvsuiteError, InvalidTask

FORMAT = "envsuite-recording-1"


class InvalidRecording(EnvsuiteError, ValueError):
    """Raised when a file is not a recording of `envsuite play`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One episode, or the beginning of one: all that is needed to play it again, and what came of it."""

    task_id: str
    seed: int
    task: Any = None
    """The task parameters asked for, as plain data; None where the seed chose them."""
    actions: tuple[Any, ...]
    """As plain data, see `encode`."""
    rewards: tuple[float, ...]
    terminated: bool
    truncated: bool
    success: bool | None
    trajectory: str
    """Hash of every observation, reward and end flag, as `Episode.trajectory`."""
    simulator: str
    """Distribution and version the episode was played with."""

    def to_json(self) -> dict[str, Any]:
        """Returns plain data; the inverse of `from_json`."""
        return {"format": FORMAT, **{name: getattr(self, name) for name in self.__slots__}}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Recording:
        """Returns the recording of plain data; raises `InvalidRecording` when fields do not fit."""
        if record.get("format") != FORMAT:
            raise InvalidRecording(f"format: expected {FORMAT!r}, got {record.get('format')!r}")
        fields = {name: value for name, value in record.items() if name != "format"}
        try:
            return cls(**{**fields, "actions": tuple(fields["actions"]), "rewards": tuple(fields["rewards"])})
        except (TypeError, KeyError) as error:
            raise InvalidRecording(f"recording: fields missing or unknown ({error})") from error


@dataclass(frozen=True, slots=True)
class Replay:
    """What playing a recording again gave."""

    recording: Recording
    trajectory: str
    """Hash of the episode as it went now."""
    rewards: tuple[float, ...]

    @property
    def same(self) -> bool:
        """Whether every observation, reward and end flag was the recorded one."""
        return self.trajectory == self.recording.trajectory


class Session:
    """An environment with the record of its running episode."""

    def __init__(self, env: TaskEnv) -> None:
        self.env = env
        self.info: Mapping[str, Any] = {}
        self._clear(0, None)

    def reset(self, seed: int, task: Any = None) -> None:
        """Begins the episode of a seed and, unless it is None, of the task parameters."""
        self._clear(seed, task)
        options = None if task is None else {"task": decode_task(self.env.task_space, task)}
        observation, self.info = self.env.reset(seed=seed, options=options)
        update_digest(self._digest, observation)

    def _clear(self, seed: int, task: Any) -> None:
        self.seed, self.task = seed, task
        self.actions: list[Any] = []
        self.rewards: list[float] = []
        self.terminated = self.truncated = False
        self.success: bool | None = None
        self._digest = new_digest()

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.terminated or self.truncated

    def step(self, action: Any) -> float:
        """Takes an action and returns its reward."""
        observation, reward, self.terminated, self.truncated, self.info = self.env.step(action)
        self.actions.append(encode(action))
        self.rewards.append(reward)
        if "success" in self.info:
            self.success = bool(self.success) or bool(self.info["success"])
        update_digest(self._digest, (observation, reward, self.terminated, self.truncated))
        return reward

    def recording(self) -> Recording:
        """Returns the episode so far."""
        simulator, version = registration.simulator_of(self.env.task)
        return Recording(
            task_id=self.env.task.id,
            seed=self.seed,
            task=self.task,
            actions=tuple(self.actions),
            rewards=tuple(self.rewards),
            terminated=self.terminated,
            truncated=self.truncated,
            success=self.success,
            trajectory=self._digest.hexdigest(),
            simulator=f"{simulator} {version}",
        )


def encode(value: Any) -> Any:
    """Returns an action as plain data; floats keep every bit."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: encode(part) for key, part in value.items()}
    return [encode(part) for part in value] if isinstance(value, tuple | list) else value


def decode(space: spaces.Space[Any], value: Any) -> Any:
    """Returns the member of `space` that `encode` made plain data of."""
    if isinstance(space, spaces.Dict):
        return {key: decode(part, value[key]) for key, part in space.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(decode(part, item) for part, item in zip(space, value, strict=True))
    if isinstance(space, spaces.Discrete):
        return np.int64(value)
    return value if space.dtype is None else np.asarray(value, space.dtype)


def decode_task(space: spaces.Space[Any] | None, value: Any) -> Any:
    """Returns task parameters in the form of their space, a lone number as an array of one.

    Raises `InvalidTask` for what cannot be given that form; `reset` checks the rest.
    """
    if space is None:
        return value
    try:
        return decode(space, [value] if space.shape and np.ndim(value) == 0 else value)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidTask(f"task: expected a member of {space}, got {value!r}") from error


def append(path: Path, recording: Recording) -> None:
    """Writes a recording as one more line of a JSON Lines file, which it creates with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(recording.to_json(), allow_nan=False) + "\n")


def read(path: Path) -> Iterator[Recording]:
    """Yields the recordings of a file; raises `InvalidRecording` with the line that is none."""
    if not path.is_file():
        raise InvalidRecording(f"path: expected a recording of `envsuite play ID --record PATH`, got {path} (no file)")
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise InvalidRecording("expected a JSON object")
            yield Recording.from_json(record)
        except (json.JSONDecodeError, InvalidRecording) as error:
            raise InvalidRecording(f"{path}, line {number}: not a recording of `envsuite play`: {error}") from error


def replay(path: Path) -> list[Replay]:
    """Returns what playing every recording of a file again gives; compare with `Replay.same`.

    Raises `InvalidRecording` for another kind of file, `UnknownName` for an id that does not exist, and
    whatever `reset` and `step` raise for tasks and actions outside their spaces.
    """
    replays = [_replay(recording) for recording in read(path)]
    if not replays:
        raise InvalidRecording(f"path: expected a recording of `envsuite play ID --record PATH`, got {path} (empty)")
    return replays


def _replay(recording: Recording) -> Replay:
    with contextlib.closing(registration.make_env(recording.task_id)) as env:
        session = Session(env)
        session.reset(recording.seed, recording.task)
        for action in recording.actions:
            if session.over:
                break
            session.step(decode(env.action_space, action))
        again = session.recording()
    return Replay(recording, again.trajectory, again.rewards)


def replay_command(
    path: Annotated[Path, typer.Argument(help="A file that `envsuite play --record` wrote.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play recorded episodes again and compare.

    There is no window. The exit status is 1 if an observation, a reward or an end is not the recorded one.
    """
    replays = replay(path)
    if as_json:
        print_json([_record(item) for item in replays])
    else:
        for item in replays:
            console.print(_told(item), soft_wrap=True)
    if not all(item.same for item in replays):
        raise typer.Exit(1)


def _record(item: Replay) -> dict[str, Any]:
    recorded = item.recording
    return {
        "task_id": recorded.task_id,
        "seed": recorded.seed,
        "length": len(recorded.actions),
        "return": sum(recorded.rewards),
        "same": item.same,
        "recorded": recorded.trajectory,
        "replayed": item.trajectory,
    }


def _told(item: Replay) -> str:
    recorded = item.recording
    episode = f"{recorded.task_id} seed {recorded.seed}: {len(recorded.actions)} steps"
    if item.same:
        return f"[green]same[/]       {episode}, return {sum(recorded.rewards):g}, trajectory {item.trajectory}"
    simulator, version = registration.simulator_of(catalogue.get_task(recorded.task_id))
    return (
        f"[red]different[/]  {episode}, return {sum(recorded.rewards):g} then, {sum(item.rewards):g} now "
        f"(then with {recorded.simulator}, now with {simulator} {version})"
    )
