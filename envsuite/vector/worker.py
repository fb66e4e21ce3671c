"""The worker's side of a vector env: environments that read commands from a shared batch and write into it.

Parent and worker share one anonymous memory block and one socket per worker. A step costs a byte each
way: the block holds commands and actions before it, results after it. Only calls, resets with a seed or
options, and errors send pickles. A worker whose socket closes exits, so none outlives its parent.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

import gymnasium

from envsuite.crew import RESET_ROW, STEP_ROW
from envsuite.env import TaskEnv
from envsuite.vector.memory import Arena, BatchMemory, EnvFacts, read_row, row_of, write_row

AnyEnv = gymnasium.Env[Any, Any]
Factory = Callable[[], AnyEnv]
"""Returns a `TaskEnv`, possibly wrapped."""
Resets = Mapping[int, tuple[int | None, dict[str, Any] | None]]
"""Row -> (seed, options), for the rows to reset that have one."""
RUN, RUN_WITH, CALL, QUIT = b"s", b"r", b"c", b"q"
"""Commands; RUN_WITH is followed by pickled `Resets`, CALL by the arguments of `EnvSlice.call`."""
DONE, VALUE, ERROR = b"d", b"v", b"e"
"""Answers; VALUE is followed by a pickle, ERROR by a pickled (exception or its text, traceback)."""


class EnvSlice:
    """The environments of consecutive rows of a batch."""

    def __init__(self, factories: Sequence[Factory], first_row: int) -> None:
        self._envs: dict[int, AnyEnv] = {}
        self._memory: BatchMemory | None = None
        self._rows: dict[int, Any] = {}
        try:
            for row, factory in enumerate(factories, start=first_row):
                self._envs[row] = factory()
        except BaseException:
            self.close()
            raise

    def facts(self) -> list[EnvFacts]:
        """Returns what the parent must know, per row."""
        return [facts_of(env) for env in self._envs.values()]

    def attach(self, memory: BatchMemory) -> None:
        """Takes the batch that `run` reads and writes."""
        self._memory = memory
        self._rows = {row: row_of(memory.observations, row) for row in self._envs}
        for row, env in self._envs.items():
            if isinstance(env, TaskEnv):  # a wrapper may change what it observes
                env.adopt(self._rows[row])

    def requests(self, resets: Resets) -> list[tuple[Any, Any, Any, Any]]:
        """Returns (environment, action or None for a reset, seed, options) of the rows that the batch commands."""
        memory = self._memory
        if memory is None:
            raise RuntimeError("attach() comes before requests()")
        found: list[tuple[Any, Any, Any, Any]] = []
        for row, env in self._envs.items():
            command = memory.command[row]
            if command == STEP_ROW:
                found.append((env.unwrapped, read_row(memory.actions, row), None, None))
            elif command == RESET_ROW:
                found.append((env.unwrapped, None, *resets.get(row, (None, None))))
        return found

    def run(self, resets: Resets) -> None:
        """Does what the batch commands, row by row, and writes the results in place."""
        memory = self._memory
        if memory is None:
            raise RuntimeError("attach() comes before run()")
        for row, env in self._envs.items():
            command = memory.command[row]
            try:
                if command == STEP_ROW:
                    _step(env, row, memory, self._rows[row])
                elif command == RESET_ROW:
                    _reset(env, row, memory, self._rows[row], *resets.get(row, (None, None)))
            except Exception as error:
                _name(error, row)
                raise

    def call(self, function: Callable[..., Any], arguments: Mapping[int, tuple[Any, ...]]) -> dict[int, Any]:
        """Returns `function(env, *arguments[row])` of every row in `arguments` that lives here."""
        values = {}
        for row in self._envs.keys() & arguments.keys():
            try:
                values[row] = function(self._envs[row], *arguments[row])
            except Exception as error:
                _name(error, row)
                raise
        return values

    def close(self) -> None:
        """Closes every environment."""
        for env in self._envs.values():
            env.close()  # type: ignore[no-untyped-call]  # gymnasium leaves it untyped
        self._envs = {}


def _step(env: AnyEnv, row: int, memory: BatchMemory, place: Any) -> None:
    observation, reward, terminated, truncated, info = env.step(read_row(memory.actions, row))
    memory.rewards[row], memory.terminated[row], memory.truncated[row] = reward, terminated, truncated
    write_row(place, observation)
    memory.write_info(row, info)


def _reset(
    env: AnyEnv, row: int, memory: BatchMemory, place: Any, seed: int | None, options: dict[str, Any] | None
) -> None:
    observation, info = env.reset(seed=seed, options=options)
    memory.rewards[row], memory.terminated[row], memory.truncated[row] = 0.0, False, False
    write_row(place, observation)
    memory.write_info(row, info)


def _name(error: Exception, row: int) -> None:
    """Adds to an error which environment of the batch it comes from."""
    error.add_note(f"raised by environment {row} of the vector env")


def facts_of(env: AnyEnv) -> EnvFacts:
    """Returns what a vector env must know of an environment."""
    task_env = env.unwrapped
    if not isinstance(task_env, TaskEnv):
        raise TypeError(f"factories: expected environments that are a TaskEnv inside, got {type(task_env).__name__}")
    return EnvFacts(
        task_id=task_env.task.id,
        family=task_env.family.name,
        events=task_env.family.events,
        factors=task_env.family.factors,
        signals=task_env.family.signals,
        arrays=dict(task_env.info_arrays),
        metrics=task_env.family.metrics,
        observation_space=env.observation_space,
        action_space=env.action_space,
        task_space=task_env.task_space,
        metadata=dict(env.metadata),
        render_mode=env.render_mode,
    )


def call_method(env: AnyEnv, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns what the method of an environment or its wrappers returns, or the attribute if it is no method."""
    attribute = env.get_wrapper_attr(name)
    return attribute(*args, **kwargs) if callable(attribute) else attribute


def get_attribute(env: AnyEnv, name: str) -> Any:
    """Returns the attribute of an environment or its wrappers."""
    return env.get_wrapper_attr(name)


def set_attribute(env: AnyEnv, name: str, value: Any) -> None:
    """Sets the attribute where it is, in the environment or one of its wrappers."""
    env.set_wrapper_attr(name, value)


def is_wrapped(env: AnyEnv, module: str, qualname: str) -> bool:
    """Returns whether a wrapper of that class is around the environment; the class is not imported."""
    while isinstance(env, gymnasium.Wrapper):
        if any((each.__module__, each.__qualname__) == (module, qualname) for each in type(env).__mro__):
            return True
        env = env.env
    return False


# The process.


def main(descriptor: int) -> None:
    """Serves the parent at the other end of the socket until it asks to quit or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes its end
    conn = Connection(descriptor)
    with contextlib.suppress(EOFError, OSError):
        setup = conn.recv_bytes()
        try:
            factories, first_row, file = pickle.loads(setup)  # noqa: S301  # from our own parent
            env_slice = EnvSlice(factories, first_row)
            facts = pickle.dumps(env_slice.facts())
        except Exception as error:  # noqa: BLE001  # the parent raises it
            _answer_error(conn, error)
            return
        with contextlib.closing(env_slice):
            _answer(conn, facts)
            num_envs, first_facts, with_task = pickle.loads(conn.recv_bytes())  # noqa: S301
            block = Arena(mmap.mmap(file, 0))
            os.close(file)
            env_slice.attach(BatchMemory(first_facts, num_envs, block, with_task=with_task))
            _answer(conn)
            _serve(conn, env_slice)


def _serve(conn: Connection, env_slice: EnvSlice) -> None:
    while True:
        command = os.read(conn.fileno(), 1)
        if command in (b"", QUIT):
            return
        payload = conn.recv_bytes() if command in (RUN_WITH, CALL) else b""
        try:
            value = _execute(env_slice, command, payload)
        except Exception as error:  # noqa: BLE001  # the parent raises it
            _answer_error(conn, error)
        else:
            _answer(conn, value)


def _execute(env_slice: EnvSlice, command: bytes, payload: bytes) -> bytes:
    """Returns the pickled value of a call, nothing of a run."""
    arguments = pickle.loads(payload) if payload else {}  # noqa: S301  # from our own parent
    if command == CALL:
        return pickle.dumps(env_slice.call(*arguments))
    env_slice.run(arguments)
    return b""


def _answer(conn: Connection, value: bytes = b"") -> None:
    os.write(conn.fileno(), VALUE if value else DONE)
    if value:
        conn.send_bytes(value)


def _answer_error(conn: Connection, error: Exception) -> None:
    text = "".join(traceback.format_exception(error))
    try:
        payload = pickle.dumps((error, text))
        pickle.loads(payload)  # noqa: S301  # some exceptions can be written but not read
    except Exception:  # noqa: BLE001  # whatever its pickling raises, the text still arrives
        payload = pickle.dumps((f"{type(error).__name__}: {error}", text))
    os.write(conn.fileno(), ERROR)
    conn.send_bytes(payload)
