"""TaskVectorEnv: a Gymnasium vector env over `TaskEnv`s, with queued seeds and without a pickle per step."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import AlreadyPendingCallError, ClosedEnvironmentError, NoAsyncCallError, ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_differing_spaces, batch_space
from numpy.typing import NDArray

from envsuite.crew import RESET_ROW, SKIP_ROW, STEP_ROW
from envsuite.vector.backends import Backend, Exchange, Grouped, Kernel, Native, make_backend
from envsuite.vector.copies import Copies
from envsuite.vector.memory import (
    EnvFacts,
    joined,
    layout,
    read_row,
    row_of,
    write_actions,
    write_row,
)
from envsuite.vector.worker import Factory, Resets, call_method, get_attribute, set_attribute

Batch = tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]
_UNSTARTED, _RUNNING, _ENDED = 0, 1, 2


class TaskVectorEnv(VectorEnv[Any, Any, Any]):
    """A Gymnasium vector env over `TaskEnv`s, with queued seeds and without a pickle per step.

    Infos are dicts of arrays, each with a mask `_name` of the rows that have it:

    - `events`: bool (num_envs, len(event_names)); `factors`: float64 (num_envs, len(factor_names));
    - the family's signals, such as a page's `potential`: float64 (num_envs,) each;
    - the environment's `info_arrays`, such as Crafter's inventory, with a leading axis of num_envs;
    - `success`: bool (num_envs,), only where a task defines it; `invalid_action`: int64 (num_envs,);
    - `task`: the task parameters batched like observations, where all have a task space of one shape;
    - `metrics`: float64 (num_envs, len(metric_names)); `_metrics` marks the rows whose episode has just
      ended, the others are 0;
    - `final_obs`, `final_info`: in mode "same_step", when episodes have ended: an object array of
      their last observations, and a dict like this one.

    Further entries of a single environment's info are not carried. Before the first `reset`, and after
    an environment has raised, `step` raises Gymnasium's `ResetNeeded`.
    """

    def __init__(
        self,
        factories: Sequence[Factory] = (),
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        workers: int | None = None,
        copy: bool = True,
        timeout_s: float | None = None,
        exchange: Exchange | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        """Makes one environment per factory, or takes those of a kernel.

        Args:
            factories: functions that return a `TaskEnv`, possibly wrapped; picklable unless `workers` is 0.
            autoreset_mode: as in `make_vec`.
            workers: as in `make_vec`.
            copy: as in `make_vec`.
            timeout_s: as in `make_vec`.
            exchange: what the environments' family does for many of them at once, in this process; `workers` and
                `timeout_s` have no meaning then.
            kernel: what holds and steps all environments in place of `factories`; likewise.
        """
        self.num_envs = kernel.num_envs if kernel else positive("factories", len(factories))
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.copy = copy
        self._copies = Copies()
        self._state = np.full(self.num_envs, _UNSTARTED, np.uint8)
        self._pending = False
        self._queue: deque[tuple[int | None, dict[str, Any] | None]] = deque()
        self._backend: Backend
        if kernel is not None:
            self._backend = Native(kernel)
        elif exchange is not None:
            self._backend = Grouped(factories, exchange)
        else:
            self._backend = make_backend(factories, workers, timeout_s)
        self._finalizer = weakref.finalize(self, self._backend.close)
        try:
            self._adopt(self._backend.facts)
        except BaseException:
            self.close()
            raise

    def _adopt(self, all_facts: list[EnvFacts]) -> None:
        """Sets what Gymnasium declares of a vector env, and allocates the batch."""
        facts, observation_space = all_facts[0], _common_observation_space(all_facts)
        self.task_ids = tuple(each.task_id for each in all_facts)
        self.event_names, self.factor_names = facts.events, facts.factors
        self.metric_names = facts.metrics
        self.metadata = {**facts.metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = facts.render_mode
        self.single_observation_space = observation_space
        self.single_action_space = facts.action_space
        if all(each.observation_space == observation_space for each in all_facts):
            self.observation_space = _shared_bounds(batch_space(observation_space, self.num_envs))
        else:
            self.observation_space = batch_differing_spaces([each.observation_space for each in all_facts])
        self.action_space = batch_space(facts.action_space, self.num_envs)
        self._task_space = facts.task_space
        layouts = [layout(each.task_space) for each in all_facts]
        with_task = layouts[0] is not None and all(each == layouts[0] for each in layouts)
        self._memory = self._backend.allocate(with_task)

    # Seeds to come.

    def set_next(self, seeds: Iterable[int] | None, options: Iterable[dict[str, Any]] | None = None) -> None:
        """Queues what the coming resets without a seed take; replaces what was queued before.

        Every autoreset, and every row of a `reset` that has no seed, takes the next item: in order of the
        steps, and within a step in order of the environments, so that the k-th such reset of the whole
        vector env plays item k for any number of workers. With an empty queue an environment continues
        its own seeded stream. `set_next(None)` empties the queue.

        To play a list of seeds exactly: `reset(seed=seeds[:n])`, `set_next(seeds[n:])`.

        Args:
            seeds: the seeds; None leaves each environment to its own stream, under `options`.
            options: reset options per item, e.g. `{"task": value}`; as many as seeds.
        """
        all_seeds: list[int | None] = [] if seeds is None else [int(seed) for seed in seeds]
        all_options: list[dict[str, Any] | None] = [] if options is None else [dict(each) for each in options]
        if seeds is None:
            all_seeds = [None] * len(all_options)
        if options is None:
            all_options = [None] * len(all_seeds)
        if len(all_seeds) != len(all_options):
            raise ValueError(f"options: expected one per seed, {len(all_seeds)}, got {len(all_options)}")
        self._queue = deque(zip(all_seeds, all_options, strict=True))

    @property
    def queued(self) -> int:
        """How many items of `set_next` no reset has taken yet."""
        return len(self._queue)

    # The Gymnasium API.

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Returns the first observations and infos of new episodes.

        Args:
            seed: an int s gives environment i the seed s + i; a list gives one each.
            options: `{"task": value}` sets the task parameters: one value for all environments, or a
                sequence of one per environment. `{"reset_mask": bool (num_envs,)}` resets only these
                environments, the others stay where they are. A task given here overrules a queued one.
        """
        self._check_idle()
        seeds = self._seeds(seed)
        shared = dict(options or {})
        rows = self._reset_mask(shared.pop("reset_mask", None))
        own_options = self._options_per_row(shared)
        resets = {}
        for row in np.flatnonzero(rows).tolist():
            next_seed, next_options = seeds[row], None
            if next_seed is None and self._queue:
                next_seed, next_options = self._queue.popleft()
            resets[row] = (next_seed, {**(next_options or {}), **own_options[row]} or None)
        self._memory.command[:] = np.where(rows, RESET_ROW, SKIP_ROW)
        self._prepare_handout()
        self._run(resets)
        self._state[rows] = _RUNNING
        return self._observations(), self._memory.infos(rows)

    def step(self, actions: Any) -> Batch:
        """Returns observations, rewards (float64), terminated, truncated and infos after one action per row.

        Raises `InvalidAction` that names the row when an action lies outside the space; no environment
        has been stepped then.
        """
        self.send(actions)
        return self.recv()

    def send(self, actions: Any) -> None:
        """Starts a step; `recv` returns its results. With workers the environments run meanwhile."""
        self._check_idle()
        ended = self._state == _ENDED
        self._check_started(ended)
        write_actions(self.single_action_space, actions, self._memory.actions, ended)
        self._memory.command[:] = np.where(ended, RESET_ROW, STEP_ROW)
        self._prepare_handout()
        self._begin(self._next_resets(ended))
        self._pending = True

    def recv(self) -> Batch:
        """Returns the results of the step that `send` started."""
        if not self._pending:
            raise NoAsyncCallError("recv() needs a send() before it", "recv")
        self._pending = False
        self._finish()
        memory = self._memory
        rewards, terminated, truncated = memory.rewards.copy(), memory.terminated.copy(), memory.truncated.copy()
        ended = terminated | truncated
        self._state[:] = np.where(ended, _ENDED, _RUNNING)
        final: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and ended.any():
            final = self._reset_ended(ended)
        infos = memory.infos(np.ones(self.num_envs, np.bool_))
        return self._observations(), rewards, terminated, truncated, infos | final

    def render(self) -> tuple[Any, ...]:
        """Returns one frame per environment; None each in mode "human"."""
        return self.call("render")

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Returns what the method `name` of every environment returns, or the attribute if it is no method."""
        return self.apply(call_method, (name, args, kwargs))

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Returns an attribute of every environment."""
        return self.apply(get_attribute, (name,))

    def set_attr(self, name: str, values: Any) -> None:
        """Sets an attribute of every environment: a list or tuple holds one value each, all else is for all."""
        self._check_idle()
        each = values if isinstance(values, list | tuple) else [values] * self.num_envs
        if len(each) != self.num_envs:
            raise ValueError(f"values: expected one value per environment, {self.num_envs}, got {len(each)}")
        self._backend.call(set_attribute, {row: (name, value) for row, value in enumerate(each)})

    def apply(
        self, function: Callable[..., Any], args: tuple[Any, ...] = (), rows: Iterable[int] | None = None
    ) -> tuple[Any, ...]:
        """Returns `function(env, *args)` of the chosen environments, computed where they live.

        With workers, function, arguments and results must be picklable.
        """
        self._check_idle()
        chosen = list(range(self.num_envs) if rows is None else rows)
        values = dict(zip(sorted(chosen), self._backend.call(function, dict.fromkeys(chosen, args)), strict=True))
        return tuple(values[row] for row in chosen)

    def close_extras(self, **kwargs: Any) -> None:
        """Closes the environments and ends the workers; Gymnasium's `close` calls it once."""
        if hasattr(self, "_finalizer"):
            self._finalizer()

    # Parts of the above.

    def _begin(self, resets: Resets) -> None:
        self._guarded(lambda: self._backend.begin(resets))

    def _finish(self) -> None:
        self._guarded(self._backend.finish)

    def _run(self, resets: Resets) -> None:
        self._begin(resets)
        self._finish()

    def _guarded(self, call: Callable[[], None]) -> None:
        """After an error some environments have moved and others have not: all need a reset."""
        try:
            call()
        except BaseException:
            self._state[:] = _UNSTARTED
            raise

    def _reset_ended(self, ended: NDArray[np.bool_]) -> dict[str, Any]:
        """Returns the final observations and infos, and resets the rows."""
        final_obs = np.full(self.num_envs, None, dtype=object)
        for row in np.flatnonzero(ended).tolist():
            final_obs[row] = read_row(self._memory.observations, row)
        final_info = self._memory.infos(ended)
        self._memory.command[:] = np.where(ended, RESET_ROW, SKIP_ROW)
        self._run(self._next_resets(ended))
        self._state[ended] = _RUNNING
        return {"final_obs": final_obs, "_final_obs": ended, "final_info": final_info, "_final_info": ended.copy()}

    def _next_resets(self, rows: NDArray[np.bool_]) -> Resets:
        if not self._queue:
            return {}
        return {row: self._queue.popleft() for row in np.flatnonzero(rows).tolist()[: len(self._queue)]}

    def _prepare_handout(self) -> None:
        """Gives the backend a second place for its observations, if it writes one; rows that rest keep theirs."""
        if self.copy and self._backend.hands_out:
            memory = self._memory
            memory.handout = self._copies.unfilled(memory.observations)
            for row in np.flatnonzero(memory.command == SKIP_ROW).tolist():
                write_row(row_of(memory.handout, row), row_of(memory.observations, row))

    def _observations(self) -> Any:
        if not self.copy:
            return self._memory.observations
        if self._backend.hands_out:
            handout, self._memory.handout = self._memory.handout, None
            return handout
        return self._copies.of(self._memory.observations)

    def _check_idle(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError("the vector env is closed; make a new one")
        if self._pending:
            raise AlreadyPendingCallError("a step is under way; call recv() first", "send")

    def _check_started(self, ended: NDArray[np.bool_]) -> None:
        if (self._state == _UNSTARTED).any():
            raise ResetNeeded("call reset() before step(): no episode is running, or an environment has raised")
        if self.autoreset_mode is AutoresetMode.DISABLED and ended.any():
            rows = np.flatnonzero(ended).tolist()
            raise ResetNeeded(
                f"the episodes of environments {rows} have ended and autoreset_mode is 'disabled'; "
                'call reset(options={"reset_mask": terminated | truncated})'
            )

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + row for row in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"seed: expected one per environment, {self.num_envs}, got {len(seed)}")
        return [None if each is None else int(each) for each in seed]

    def _reset_mask(self, mask: Any) -> NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"options['reset_mask']: expected a bool array of shape ({self.num_envs},), got {mask!r}")
        if not mask.any():
            raise ValueError("options['reset_mask']: expected at least one environment to reset, got none")
        return mask.copy()

    def _options_per_row(self, shared: dict[str, Any]) -> list[dict[str, Any]]:
        if "task" not in shared or _is_one_task(self._task_space, shared["task"]):
            return [shared] * self.num_envs
        tasks = shared["task"]
        if len(tasks) != self.num_envs:
            raise ValueError(
                f"options['task']: expected one member of {self._task_space} or one per environment, "
                f"{self.num_envs}, got {len(tasks)}"
            )
        return [{**shared, "task": task} for task in tasks]


def _common_observation_space(facts: list[EnvFacts]) -> spaces.Space[Any]:
    """Returns a space that holds every observation; raises ValueError when the tasks do not fit into one batch."""
    first = facts[0]
    common, differing = first.observation_space, []
    for each in facts:
        space = joined(common, each.observation_space)
        if space is None or each.action_space != first.action_space or each.family != first.family:
            differing.append(each.task_id)
        else:
            common = space
    if differing:
        raise ValueError(
            "task_id: one vector env needs tasks of one family with equal action spaces, and observations that "
            f"differ in bounds only, but these do not fit to {first.task_id}: {', '.join(dict.fromkeys(differing))}; "
            "make a vector env for each"
        )
    return common


def _shared_bounds(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """Returns the batched space with the bounds of all its Boxes held for one row only.

    Gymnasium holds four arrays of the batch's shape for each: for pictures, four times the memory of the batch.
    """
    if isinstance(space, spaces.Dict):
        for part in space.spaces.values():
            _shared_bounds(part)
    elif isinstance(space, spaces.Tuple):
        for part in space.spaces:
            _shared_bounds(part)
    elif isinstance(space, spaces.Box):
        for name in ("low", "high", "bounded_below", "bounded_above"):
            first = getattr(space, name)[:1].copy()
            setattr(space, name, np.broadcast_to(first, space.shape))
    return space


def _is_one_task(space: spaces.Space[Any] | None, value: Any) -> bool:
    """Returns whether the value is meant for all environments; whether it is valid, each one checks."""
    if isinstance(space, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary):
        return np.ndim(value) == 0 or np.shape(value) == space.shape
    return space is None or not isinstance(value, Sequence) or space.contains(value)


def parse_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Returns Gymnasium's mode of that name, its own ("NextStep") or ours ("next_step")."""
    if isinstance(mode, AutoresetMode):
        return mode
    by_name = {each.name.lower(): each for each in AutoresetMode} | {each.value: each for each in AutoresetMode}
    if mode not in by_name:
        raise ValueError(f"autoreset_mode: expected 'next_step', 'same_step' or 'disabled', got {mode!r}")
    return by_name[mode]


def positive(name: str, count: int) -> int:
    """Returns the count; raises ValueError for less than 1."""
    if count < 1:
        raise ValueError(f"{name}: expected at least 1, got {count}")
    return count
