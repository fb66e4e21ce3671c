"""Minari datasets of recorded episodes, replayed and verified."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.vector import utils as vector_utils

from envsuite.catalogue import get_task
from envsuite.episode import Episode, ReplayAgent, Start, run_episode
from envsuite.errors import MissingExtra, ResultsMismatch

try:
    import h5py  # noqa: F401  # Minari writes HDF5 but names the missing package only after the replay
    import minari
    from minari.data_collector import EpisodeBuffer
    from minari.storage import get_dataset_path
except ImportError as error:
    raise MissingExtra('Minari datasets need minari and h5py; run: pip install "envsuite[interop]"') from error


def export_episodes(
    task_id: str, recorded: Iterable[tuple[Start, Episode]], dataset_id: str, **metadata: Any
) -> minari.MinariDataset:
    """Returns a new dataset of the episodes, each played again from its seed and recorded actions.

    Observations and actions are stored without loss in the task's own spaces, rewards as float64.
    Every episode's metadata holds `seed`, `seed_index`, `run`, `trajectory` (the hash), `success` where
    the task defines it, and `options/task` where the task has parameters. Infos are not stored: they
    are privileged.

    Args:
        task_id: the task that all episodes are of.
        recorded: what decided each episode, and its record with `actions`; read one at a time.
        dataset_id: `namespace/name-v<N>` as Minari wants it; must be new.
        metadata: `algorithm_name`, `author`, `description` and the other arguments that
            `minari.create_dataset_from_buffers` writes into the dataset.

    Raises `ResultsMismatch`, and leaves no dataset behind, when a replay does not give the recorded
    trajectory, when there is no episode, and when the dataset exists.
    """
    task = get_task(task_id)
    path = get_dataset_path(dataset_id)
    if path.exists():
        raise ResultsMismatch(f"dataset_id: {dataset_id} exists; choose another name or version, or delete {path}")
    notes: list[dict[str, Any]] = []
    try:
        with contextlib.closing(gymnasium.make(task.id)) as env, warnings.catch_warnings():
            # Author, e-mail and permalink are the caller's to give or to leave out.
            warnings.filterwarnings("ignore", message="`[a-z_]+` is set to None", category=UserWarning)
            dataset = minari.create_dataset_from_buffers(
                dataset_id,
                _replayed(env, recorded, notes),
                env=env,
                eval_env=env,
                jpeg_encoding=False,
                **{"description": task.goal, **metadata},
            )
        if not notes:
            raise ResultsMismatch(f"{task.id}: expected at least one episode to export, got none")
        dataset.storage.update_episode_metadata(notes)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise
    return dataset


def _replayed(
    env: gymnasium.Env[Any, Any], recorded: Iterable[tuple[Start, Episode]], notes: list[dict[str, Any]]
) -> Iterator[EpisodeBuffer]:
    """Yields the replay of each episode and appends its metadata to `notes`."""
    recorder = _Recorder(env)
    for start, episode in recorded:
        agent = ReplayAgent(env.action_space, episode.actions)
        replay = run_episode(recorder, agent, start, episode.run)  # type: ignore[arg-type]  # stands for the env it wraps
        if replay.trajectory != episode.trajectory:
            raise ResultsMismatch(
                f"{episode.task_id}, run {episode.run}, seed index {episode.seed_index}: the replay differs from the "
                f"recorded episode ({replay.outcome} after {replay.length} steps with return {replay.return_}, "
                f"recorded {episode.outcome} after {episode.length} with {episode.return_}); "
                "it was made with another version of envsuite or the simulator, or the actions were changed"
            )
        note = {"seed_index": episode.seed_index, "run": episode.run, "trajectory": episode.trajectory}
        notes.append(note if episode.success is None else {**note, "success": episode.success})
        yield recorder.buffer(start.env_seed)


class _Recorder(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Keeps what passes between the environment and the step loop."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        self._observations = [observation]
        self._steps: list[tuple[Any, ...]] = []
        self._task = info["task"]
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        result = self.env.step(action)
        self._observations.append(result[0])
        self._steps.append((action, *result[1:4]))
        return result

    def buffer(self, seed: int) -> EpisodeBuffer:
        """Returns the last episode as Minari stores it."""
        actions, rewards, terminations, truncations = (list(column) for column in zip(*self._steps, strict=True))
        return EpisodeBuffer(
            seed=seed,
            options=None if self._task is None else {"task": self._task},
            observations=_stacked(self.observation_space, self._observations),
            actions=_stacked(self.action_space, actions),
            rewards=rewards,
            terminations=terminations,
            truncations=truncations,
        )


def _stacked(space: spaces.Space[Any], values: list[Any]) -> Any:
    return vector_utils.concatenate(space, values, vector_utils.create_empty_array(space, len(values)))
