"""The batch that a vector env's parent and workers share, and trees of arrays laid out like a space.

A tree mirrors a space: one array with a leading axis of `num_envs` per Box, Discrete, MultiDiscrete or
MultiBinary, a dict per Dict, a tuple per Tuple. It is what Gymnasium's `batch_space` contains.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import DTypeLike, NDArray

from envsuite.errors import ContractViolation, InvalidAction

Tree = Any
_ALIGNMENT = 64
_LEAVES = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFacts:
    """What the parent must know of an environment that may live in another process."""

    task_id: str
    family: str
    events: tuple[str, ...]
    factors: tuple[str, ...]
    signals: tuple[str, ...]
    arrays: Mapping[str, tuple[tuple[int, ...], str]]
    metrics: tuple[str, ...]
    observation_space: spaces.Space[Any]
    action_space: spaces.Space[Any]
    task_space: spaces.Space[Any] | None
    metadata: dict[str, Any]
    render_mode: str | None


class Arena:
    """Hands out arrays of zeros one after another: from a buffer, or each of its own where there is none."""

    def __init__(self, buffer: Any = None) -> None:
        self._buffer = buffer
        self.size = 0

    def take(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Returns the next array, on a cache line of its own."""
        offset = math.ceil(self.size / _ALIGNMENT) * _ALIGNMENT
        self.size = offset + math.prod(shape) * np.dtype(dtype).itemsize
        if self._buffer is None:
            return np.zeros(shape, dtype)
        return np.ndarray(shape, dtype, self._buffer, offset)


class BatchMemory:
    """One batch: commands and actions towards the environments, everything that comes back from them."""

    def __init__(self, facts: EnvFacts, num_envs: int, arena: Arena, *, with_task: bool) -> None:
        """Lays the arrays out; the same arguments give the same layout in every process."""
        self.command = arena.take((num_envs,), np.uint8)
        self.actions = allocate(facts.action_space, num_envs, arena)
        self.observations = allocate(facts.observation_space, num_envs, arena)
        self.rewards = arena.take((num_envs,), np.float64)
        self.terminated = arena.take((num_envs,), np.bool_)
        self.truncated = arena.take((num_envs,), np.bool_)
        self.events = arena.take((num_envs, len(facts.events)), np.bool_)
        self.factors = arena.take((num_envs, len(facts.factors)), np.float64)
        self.signals = {name: arena.take((num_envs,), np.float64) for name in facts.signals}
        self.arrays = {name: arena.take((num_envs, *shape), dtype) for name, (shape, dtype) in facts.arrays.items()}
        self.metrics = arena.take((num_envs, len(facts.metrics)), np.float64)
        self.has_metrics = arena.take((num_envs,), np.bool_)
        self.success = arena.take((num_envs,), np.bool_)
        self.has_success = arena.take((num_envs,), np.bool_)
        self.invalid_action = arena.take((num_envs,), np.int64)
        self.has_task = arena.take((num_envs,), np.bool_)
        self.task: Tree = allocate(facts.task_space, num_envs, arena) if with_task else None
        self.handout: Tree = None
        """Where a kernel that hands out writes every observation a second time, for the caller to keep."""
        self._facts = facts
        self._event_columns = {name: column for column, name in enumerate(facts.events)}

    def write_info(self, row: int, info: Mapping[str, Any]) -> None:
        """Stores the numeric entries of an environment's info; further entries are dropped."""
        self.events[row] = False
        try:
            for name in info["events"]:
                self.events[row, self._event_columns[name]] = True
        except KeyError as error:
            raise ContractViolation(
                f"info['events']: expected names of {self._facts.family!r}'s FAMILY.events, got {info.get('events')!r}"
            ) from error
        if self._facts.factors:
            factors = info["factors"]
            self.factors[row] = [factors[name] for name in self._facts.factors]
        for name, column in self.signals.items():
            if name not in info:
                raise ContractViolation(f"info[{name!r}]: expected a number: it is in {self._facts.family!r}'s signals")
            column[row] = info[name]
        for name, array in self.arrays.items():
            value = info[name]
            array[row] = list(value.values()) if isinstance(value, Mapping) else value
        self.invalid_action[row] = info["invalid_action"]
        success, task, metrics = info.get("success"), info.get("task"), info.get("metrics")
        self.has_success[row] = success is not None
        self.success[row] = bool(success)
        self.has_metrics[row] = metrics is not None
        if metrics is not None:
            self.metrics[row] = [metrics.get(name, np.nan) for name in self._facts.metrics]
        self.has_task[row] = self.task is not None and task is not None
        if self.has_task[row]:
            write_row(row_of(self.task, row), task)

    def infos(self, rows: NDArray[np.bool_]) -> dict[str, Any]:
        """Returns copies as Gymnasium's vector infos: arrays, each with a mask of the rows that have it."""
        columns: dict[str, tuple[Tree, NDArray[np.bool_]]] = {
            "events": (self.events, rows),
            "factors": (self.factors, rows),
            **{name: (column, rows) for name, column in (self.signals | self.arrays).items()},
            "invalid_action": (self.invalid_action, rows),
            "metrics": (self.metrics, rows & self.has_metrics),
        }
        success = rows & self.has_success
        if success.any():
            columns["success"] = self.success, success
        if self.task is not None:
            columns["task"] = self.task, rows & self.has_task
        infos: dict[str, Any] = {}
        all_rows = bool(rows.all())
        for name, (column, mask) in columns.items():
            whole = all_rows and mask is rows and isinstance(column, np.ndarray)
            infos[name], infos[f"_{name}"] = column.copy() if whole else _masked(column, mask), mask
        return infos


def _masked(tree: Tree, mask: NDArray[np.bool_]) -> Tree:
    """Returns a copy with zeros outside the mask; dicts get a mask per key, as Gymnasium nests them."""
    if isinstance(tree, dict):
        return {key: _masked(part, mask) for key, part in tree.items()} | {f"_{key}": mask for key in tree}
    if isinstance(tree, tuple):
        return tuple(_masked(part, mask) for part in tree)
    if mask.all():
        return tree.copy()
    values = np.zeros_like(tree)
    if mask.any():
        values[mask] = tree[mask]
    return values


def allocate(space: spaces.Space[Any] | None, num_envs: int, arena: Arena) -> Tree:
    """Returns a tree for `num_envs` members of the space; raises TypeError for spaces without a fixed shape."""
    if isinstance(space, spaces.Dict):
        return {key: allocate(part, num_envs, arena) for key, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(allocate(part, num_envs, arena) for part in space.spaces)
    if isinstance(space, _LEAVES) and space.shape is not None and space.dtype is not None:
        return arena.take((num_envs, *space.shape), space.dtype)
    raise TypeError(f"space: expected Box, Discrete, MultiDiscrete, MultiBinary, or Dict or Tuple of them, got {space}")


def layout(space: spaces.Space[Any] | None) -> Any:
    """Returns shapes and dtypes of a space's members, None where the space has no fixed shape."""
    if isinstance(space, spaces.Dict):
        parts = {key: layout(part) for key, part in space.spaces.items()}
        return None if None in parts.values() else parts
    if isinstance(space, spaces.Tuple):
        members = tuple(layout(part) for part in space.spaces)
        return None if None in members else members
    return (space.shape, np.dtype(space.dtype).str) if isinstance(space, _LEAVES) else None


def joined(left: spaces.Space[Any], right: spaces.Space[Any]) -> spaces.Space[Any] | None:
    """Returns a space that holds the members of both, which may differ in a Box's bounds only; else None."""
    if left == right:
        return left
    if isinstance(left, spaces.Box) and isinstance(right, spaces.Box) and layout(left) == layout(right):
        dtype: Any = left.dtype
        return spaces.Box(np.minimum(left.low, right.low), np.maximum(left.high, right.high), dtype=dtype)
    if isinstance(left, spaces.Dict) and isinstance(right, spaces.Dict) and left.spaces.keys() == right.spaces.keys():
        parts = {key: joined(part, right[key]) for key, part in left.spaces.items()}
        return None if None in parts.values() else spaces.Dict({k: part for k, part in parts.items() if part})
    return None


def row_of(tree: Tree, row: int) -> Any:
    """Returns a row as views: a member of the space that lies in the tree."""
    if isinstance(tree, dict):
        return {key: row_of(part, row) for key, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(row_of(part, row) for part in tree)
    return tree[row, ...]


def write_row(views: Any, value: Any) -> None:
    """Copies a member of a space into a row, except what of it is the row's own."""
    if isinstance(views, np.ndarray):
        if value is not views:
            np.copyto(views, value)
    elif isinstance(views, dict):
        for key, part in views.items():
            write_row(part, value[key])
    else:
        for part, member in zip(views, value, strict=True):
            write_row(part, member)


def read_row(tree: Tree, row: int) -> Any:
    """Returns a copy of a row: a member of the space."""
    if isinstance(tree, dict):
        return {key: read_row(part, row) for key, part in tree.items()}
    if isinstance(tree, tuple):
        return tuple(read_row(part, row) for part in tree)
    return tree[row].copy()


def write_actions(space: spaces.Space[Any], actions: Any, out: Tree, ignored: NDArray[np.bool_]) -> None:
    """Copies a batch of actions into a tree once every row is known to lie in the space.

    Raises `InvalidAction` that names the first row outside it, rows in `ignored` excepted; nothing is
    written then. As strict as `envsuite.env.check_action`, but takes a list of rows for an array.
    """
    checked: list[tuple[NDArray[Any], NDArray[Any]]] = []
    wrong = np.zeros(len(ignored), np.bool_)
    _check(space, actions, out, wrong, checked)
    wrong &= ~ignored
    if wrong.any():
        row = int(np.argmax(wrong))
        got = ", ".join(np.array2string(values[row], threshold=16) for values, _ in checked)
        raise InvalidAction(
            f"actions: expected a member of {space} in every row, got {got} in row {row}. "
            "No environment has been stepped; step again"
        )
    for values, target in checked:
        np.copyto(target, values, casting="unsafe")


def _check(space: Any, actions: Any, out: Tree, wrong: NDArray[np.bool_], checked: list[Any]) -> None:
    """Marks the rows outside the space in `wrong` and collects (values, target) of every leaf."""
    if isinstance(out, dict):
        if not isinstance(actions, Mapping) or set(actions) != set(out):
            raise InvalidAction(f"actions: expected a dict of batches with keys {sorted(out)}, got {actions!r}")
        for key, target in out.items():
            _check(space[key], actions[key], target, wrong, checked)
        return
    if isinstance(out, tuple):
        if not isinstance(actions, tuple | list) or len(actions) != len(out):
            raise InvalidAction(f"actions: expected a tuple of {len(out)} batches, got {actions!r}")
        for part, values, target in zip(space.spaces, actions, out, strict=True):
            _check(part, values, target, wrong, checked)
        return
    values = _as_batch(space, actions, out)
    inside = _inside(space, values)
    wrong |= ~inside.reshape(len(wrong), -1).all(axis=1)
    checked.append((values, out))


def _as_batch(space: Any, actions: Any, out: NDArray[Any]) -> NDArray[Any]:
    try:
        values = np.asarray(actions)
    except ValueError as error:
        raise InvalidAction(f"actions: expected {len(out)} rows of {space}, got rows of unequal shapes") from error
    fits = np.can_cast(values.dtype, out.dtype) if isinstance(space, spaces.Box) else values.dtype.kind in _kinds(space)
    if values.shape != out.shape or not fits:
        raise InvalidAction(
            f"actions: expected {len(out)} rows of {space}: shape {out.shape}, dtype {out.dtype}; "
            f"got shape {values.shape}, dtype {values.dtype}. No environment has been stepped; step again"
        )
    return values


def _kinds(space: spaces.Space[Any]) -> str:
    return "iub" if isinstance(space, spaces.MultiBinary) else "iu"


def _inside(space: Any, values: NDArray[Any]) -> NDArray[np.bool_]:
    # NaN fails both comparisons of a Box.
    if isinstance(space, spaces.Box):
        inside = (values >= space.low) & (values <= space.high)
    elif isinstance(space, spaces.Discrete):
        inside = (values >= space.start) & (values < space.start + space.n)
    elif isinstance(space, spaces.MultiDiscrete):
        inside = (values >= space.start) & (values < space.start + space.nvec)
    else:
        inside = (values == 0) | (values == 1)
    return np.asarray(inside, np.bool_)
