"""check_env: the contract of every environment (docs/explanation/architecture.md, section 4) as code."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from envsuite.agent import RandomAgent
from envsuite.catalogue import get_task
from envsuite.env import TaskEnv
from envsuite.episode import new_digest, update_digest
from envsuite.errors import ContractViolation, InvalidAction, InvalidTask
from envsuite.registration import make_env

GOLDEN_SEED = 7
GOLDEN_STEPS = 64
_SEED = 123
_OTHER_SEED = 321


def check_env(env: str | Callable[..., Any], *, steps: int = 48) -> None:
    """Returns when an environment keeps the contract; raises `ContractViolation` that lists every breach.

    Args:
        env: an id of the catalogue, or a callable that makes a new `TaskEnv` each time and takes
            `render_mode`.
        steps: how long the played episodes are; there are about a dozen of them.
    """
    if isinstance(env, str):
        task_id = get_task(env).id
        make: Callable[..., TaskEnv] = lambda **kwargs: make_env(task_id, **kwargs)  # noqa: E731  # two branches of one type
    else:
        make = env
    subject = _Subject(make, steps)
    try:
        broken = [f"{rule}: {breach}" for rule, check in _RULES.items() if (breach := _breach_of(check, subject))]
    finally:
        subject.close()
    if broken:
        raise ContractViolation(f"{subject.name} breaks the contract:\n" + "\n".join(f"- {line}" for line in broken))


def _breach_of(check: Callable[[_Subject], None], subject: _Subject) -> str | None:
    """Returns how the subject breaks a rule, None when it keeps it."""
    try:
        check(subject)
    except _Breach as breach:
        return str(breach)
    except Exception as error:  # noqa: BLE001  # an environment that crashes breaks the rule that was being checked
        return f"{type(error).__name__}: {error}"
    return None


def trajectory_hash(task_id: str, *, seed: int = GOLDEN_SEED, steps: int = GOLDEN_STEPS) -> str:
    """Returns the hash of a seeded random agent's trajectory: the golden hash of an id."""
    subject = _Subject(lambda **kwargs: make_env(task_id, **kwargs), steps)
    digest = subject.play(subject.make(), seed)
    subject.close()
    return digest


class _Breach(Exception):  # never leaves this module
    """A rule that an environment breaks."""


def _require(condition: object, message: str) -> None:
    if not condition:
        raise _Breach(message)


class _Subject:
    """The environment under test: makes instances, remembers them, and plays seeded episodes."""

    def __init__(self, make: Callable[..., TaskEnv], steps: int) -> None:
        self._make = make
        self._made: list[TaskEnv] = []
        self.steps = steps
        self.env = self.make()
        """For whatever needs no fresh object: by the contract, `reset(seed)` makes any object as good as new."""
        self.name = self.env.task.id

    def make(self, **kwargs: Any) -> TaskEnv:
        env = self._make(**kwargs)
        self._made.append(env)
        return env

    def agent(self, env: TaskEnv) -> RandomAgent:
        info = env.task_info()
        agent = RandomAgent(info)
        agent.reset(_SEED)
        return agent

    def play(self, env: TaskEnv, seed: int | None, before_step: Callable[[TaskEnv, Any], None] | None = None) -> str:
        """Returns the hash of an episode of a seeded random agent, at most `steps` long."""
        digest = new_digest()
        for result in self.episode(env, seed, before_step):
            update_digest(digest, result[:-1])
        return digest.hexdigest()

    def episode(
        self, env: TaskEnv, seed: int | None, before_step: Callable[[TaskEnv, Any], None] | None = None
    ) -> Iterator[tuple[Any, float, bool, bool, dict[str, Any]]]:
        agent = self.agent(env)
        observation, info = env.reset(seed=seed)
        yield observation, 0.0, False, False, info
        for _ in range(self.steps):
            action = agent.act(observation)
            if before_step is not None:
                before_step(env, observation)
            result = env.step(action)
            yield result
            observation, _, terminated, truncated, _ = result
            if terminated or truncated:
                return

    def close(self) -> None:
        for env in self._made:
            env.close()


def _leaves(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif isinstance(value, np.ndarray):
        yield value


def _space_leaves(space: spaces.Space[Any]) -> Iterator[spaces.Space[Any]]:
    if isinstance(space, spaces.Dict | spaces.Tuple):
        for part in space.values() if isinstance(space, spaces.Dict) else space:
            yield from _space_leaves(part)
    else:
        yield space


def _check_spaces(subject: _Subject) -> None:
    for space in (subject.env.observation_space, subject.env.action_space):
        for leaf in _space_leaves(space):
            _require(
                isinstance(leaf, spaces.Box | spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary),
                f"expected fixed-size spaces only, got {leaf}",
            )


def _check_steps(subject: _Subject) -> None:
    env = subject.env
    low, high = env.task.reward_range
    for observation, reward, terminated, truncated, info in subject.episode(env, _SEED):
        _require(env.observation_space.contains(observation), f"observation outside {env.observation_space}")
        _require(type(reward) is float and np.isfinite(reward), f"reward: expected a finite float, got {reward!r}")
        _require(low <= reward <= high, f"reward: expected a value in [{low}, {high}], got {reward}")
        _require(type(terminated) is bool and type(truncated) is bool, "terminated and truncated must be bool")
        _require(not (terminated and truncated), "terminated and truncated at once")
        _check_info(env, info, ended=terminated or truncated)


def _check_info(env: TaskEnv, info: Mapping[str, Any], *, ended: bool) -> None:
    missing = {"events", "factors", "task", "invalid_action"} - set(info)
    _require(not missing, f"info lacks {sorted(missing)}")
    unknown = set(info["events"]) - set(env.family.events)
    _require(not unknown, f"info['events']: {sorted(unknown)} are not in FAMILY.events")
    _require(tuple(info["factors"]) == env.family.factors, f"info['factors']: expected {env.family.factors}")
    for name in env.family.signals:
        _require(type(info.get(name)) in (int, float), f"info[{name!r}]: expected a number, it is in FAMILY.signals")
    _check_arrays(env, info)
    _require(type(info["invalid_action"]) is int, "info['invalid_action']: expected an int")
    _require((env.task_space is None) == (info["task"] is None), "info['task'] must be set where task_space is")
    _require(env.task_space is None or env.task_space.contains(info["task"]), "info['task'] outside task_space")
    _require("success" not in info or type(info["success"]) is bool, "info['success']: expected a bool")
    if ended:
        _require(set(info.get("metrics", ())) == set(env.family.metrics), "info['metrics']: expected FAMILY.metrics")


def _check_arrays(env: TaskEnv, info: Mapping[str, Any]) -> None:
    for name, (shape, dtype) in env.info_arrays.items():
        value = info.get(name)
        array = np.asarray(list(value.values()) if isinstance(value, Mapping) else value)
        _require(
            array.shape == shape and array.dtype == dtype,
            f"info[{name!r}]: expected {dtype} {shape} as in info_arrays, got {array.dtype} {array.shape}",
        )


def _check_success(subject: _Subject) -> None:
    if subject.env.task.metric == "success_rate":
        _, *_, (*_, info) = subject.episode(subject.env, _SEED)
        _require("success" in info, "info['success'] is missing though the metric is success_rate")


def _check_seeds(subject: _Subject) -> None:
    fresh = subject.play(subject.make(), _SEED)
    env = subject.env
    subject.play(env, _OTHER_SEED)
    subject.play(env, None)
    _require(subject.play(env, _SEED) == fresh, "the same seed and actions differ after another history")
    # Several, since a map may only draw one of two sides.
    differs = any(subject.play(env, seed) != fresh for seed in range(8))
    _require(differs or "hidden" in env.task.tags, "every seed gives the same episode")


def _check_stream(subject: _Subject) -> None:
    before = _global_generators()
    first, second = subject.env, subject.make()
    hashes = []
    for env in (first, second):
        env.reset(seed=_SEED)
        hashes.append([subject.play(env, None) for _ in range(2)])
    _require(hashes[0] == hashes[1], "reset() without a seed does not continue the stream of the last seed")
    _require(hashes[0][0] != hashes[0][1] or "hidden" in first.task.tags, "reset() without a seed repeats the episode")
    _require(_global_generators() == before, "a global random generator was used")


def _global_generators() -> tuple[str, object]:
    """Returns the state of the generators that no environment may move."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002  # looked at, never drawn from
    return repr(state) + str(state["state"]["key"].tolist()), random.getstate()


def _check_buffers(subject: _Subject) -> None:
    kept = [(observation, copy.deepcopy(observation)) for observation, *_ in subject.episode(subject.env, _SEED)]
    _require(
        all(np.array_equal(a, b) for now, then in kept for a, b in zip(_leaves(now), _leaves(then), strict=True)),
        "an observation changed after it was handed out",
    )

    def overwrite(_env: TaskEnv, observation: Any) -> None:
        for leaf in _leaves(observation):
            leaf[...] = 0

    undisturbed = _flags(subject, None)
    _require(_flags(subject, overwrite) == undisturbed, "writing into an observation changed the episode")


def _flags(subject: _Subject, before_step: Callable[[TaskEnv, Any], None] | None) -> list[tuple[float, bool, bool]]:
    return [result[1:4] for result in subject.episode(subject.env, _SEED, before_step)]


def _bad_actions(space: spaces.Space[Any]) -> list[Any]:
    bad: list[Any] = [None, "left", {}]
    if isinstance(space, spaces.Discrete):
        return [*bad, int(space.start + space.n), int(space.start) - 1, 0.5, np.float32(0), True, np.zeros(2, np.int64)]
    if isinstance(space, spaces.Box):
        low, high = space.low, space.high
        nan = np.full(space.shape, np.nan, space.dtype)
        return [
            *bad,
            nan,
            high + 1,
            low - 1,
            low.astype(np.float64),
            low.tolist(),
            np.zeros((*space.shape, 1), space.dtype),
        ]
    return bad


def _check_invalid_actions(subject: _Subject) -> None:
    def try_bad(env: TaskEnv, _observation: Any) -> None:
        for action in _bad_actions(env.action_space):
            try:
                env.step(action)
            except InvalidAction as error:
                _require("expected" in str(error) and "got" in str(error), f"InvalidAction without details: {error}")
            else:
                raise _Breach(f"action {action!r} outside {env.action_space} was taken")

    _require(
        subject.play(subject.env, _SEED, try_bad) == subject.play(subject.env, _SEED),
        "an invalid action changed the episode",
    )


def _check_masks(subject: _Subject) -> None:
    env = subject.env
    if not (isinstance(env.observation_space, spaces.Dict) and "action_mask" in env.observation_space.spaces):
        return
    observation, _ = env.reset(seed=_SEED)
    masks: Any = getattr(env, "action_masks", None)
    _require(callable(masks), "the observation has an action_mask but the environment no action_masks()")
    _require(np.array_equal(masks(), observation["action_mask"]), "action_masks() differs from the observation")


def _check_limit(subject: _Subject) -> None:
    limit = 3
    unlimited = [result[2] for result in subject.episode(subject.env, _SEED)][: limit + 1]
    env = subject.make()
    env.task = dataclasses.replace(env.task, max_episode_steps=limit)
    flags = [result[2:4] for result in subject.episode(env, _SEED)]
    _require(len(flags) <= limit + 1, "the step limit does not end the episode")
    expected = (True, False) if any(unlimited) else (False, True)
    _require(flags[-1] == expected, f"terminated, truncated at the limit: expected {expected}, got {flags[-1]}")
    _expect(ResetNeeded, lambda: env.step(env.action_space.sample()), "step() after the end of an episode")


def _check_order(subject: _Subject) -> None:
    env = subject.make()
    _expect(ResetNeeded, lambda: env.step(env.action_space.sample()), "step() before reset()")


def _check_options(subject: _Subject) -> None:
    env = subject.env
    _expect(InvalidTask, lambda: env.reset(options={"no such option": 1}), "an unknown reset option")
    if env.task_space is None:
        _expect(InvalidTask, lambda: env.reset(options={"task": 0}), "a task for an env without task_space")
        return
    env.task_space.seed(_SEED)
    for _ in range(2):
        value = env.task_space.sample()
        _, info = env.reset(seed=_SEED, options={"task": value})
        _require(np.array_equal(info["task"], value), f"info['task']: expected {value}, got {info['task']}")
    if isinstance(env.task_space, spaces.Box):
        high = env.task_space.high + 1
        _expect(InvalidTask, lambda: env.reset(options={"task": high}), "a task outside task_space")


def _expect(error: type[Exception], call: Callable[[], object], what: str) -> None:
    try:
        call()
    except error:
        return
    raise _Breach(f"{what} must raise {error.__name__}")


def _check_snapshots(subject: _Subject) -> None:
    env: Any = subject.env
    _require(env.task.snapshots == hasattr(env, "snapshot"), "Task.snapshots and snapshot() disagree")
    if not env.task.snapshots:
        return
    env.reset(seed=_SEED)
    env.action_space.seed(_SEED)
    actions = [env.action_space.sample() for _ in range(10)]
    saved = env.snapshot()
    digests = []
    for _ in range(2):
        digest = new_digest()
        for action in actions:
            result = env.step(action)
            update_digest(digest, result[:4])
            if result[2] or result[3]:
                break
        digests.append(digest.hexdigest())
        env.restore(saved)
    _require(digests[0] == digests[1], "the same actions after restore() give another trajectory")


def _check_render(subject: _Subject) -> None:
    env = subject.make(render_mode="rgb_array")
    _require(env.metadata["render_fps"] > 0 and "human" in env.metadata["render_modes"], "metadata lacks render facts")

    def look(env: TaskEnv, _observation: Any) -> None:
        first, second = env.render(), env.render()
        _require(
            isinstance(first, np.ndarray) and first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3,
            "render(): expected uint8 (height, width, 3)",
        )
        _require(np.array_equal(first, second), "render() twice gives two pictures of one state")
        _require(first.min() != first.max(), "render() gives an empty picture")

    full, subject.steps = subject.steps, min(subject.steps, 12)
    watched = subject.play(env, _SEED, look)
    unwatched = subject.play(subject.env, _SEED)
    subject.steps = full
    _require(watched == unwatched, "rendering changes the episode")


def _check_close(subject: _Subject) -> None:
    children = {child.pid for child in multiprocessing.active_children()}
    env = subject.make()
    env.reset(seed=_SEED)
    env.close()
    env.close()
    left = {child.pid for child in multiprocessing.active_children()} - children
    _require(not left, f"close() leaves processes behind: {sorted(map(str, left))}")


def _check_spec(subject: _Subject) -> None:
    if subject.name in gymnasium.registry:
        made = gymnasium.make(subject.name)
        made.close()  # type: ignore[no-untyped-call]  # gymnasium's is untyped
        _require(made.unwrapped.spec is not None, "gymnasium.make sets no spec")
        spec = gymnasium.envs.registration.EnvSpec.from_json(gymnasium.spec(subject.name).to_json())
        _require(spec.id == subject.name, "the spec does not survive JSON")


_RULES: Mapping[str, Callable[[_Subject], None]] = {
    "spaces have a fixed size": _check_spaces,
    "every step is a member of the declared spaces": _check_steps,
    "success is told where it is scored": _check_success,
    "reset(seed) alone decides the episode": _check_seeds,
    "reset() continues a seeded stream": _check_stream,
    "observations belong to the caller": _check_buffers,
    "an invalid action harms nothing": _check_invalid_actions,
    "action masks are told twice, equally": _check_masks,
    "a limit truncates": _check_limit,
    "reset comes before step": _check_order,
    "task parameters come through options": _check_options,
    "snapshots restore the whole state": _check_snapshots,
    "rendering watches only": _check_render,
    "close frees everything": _check_close,
    "the id is registered with Gymnasium": _check_spec,
}
