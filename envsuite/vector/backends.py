"""Where the environments of a vector env run: in this process, or in worker processes over shared memory."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import multiprocessing
import multiprocessing.spawn
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from envsuite.crew import cores
from envsuite.env import TaskEnv
from envsuite.errors import WorkerDied
from envsuite.vector.memory import Arena, BatchMemory, EnvFacts
from envsuite.vector.worker import CALL, ERROR, QUIT, RUN, RUN_WITH, VALUE, EnvSlice, Factory, Resets, facts_of

_EXIT_SECONDS = 5.0
_BOOTSTRAP = "import sys; sys.path[:] = sys.argv[2:]; from envsuite.vector.worker import main; main(int(sys.argv[1]))"
_NEXT_STEP = "close() this vector env and make a new one"
Arguments = Mapping[int, tuple[Any, ...]]
"""Row -> the arguments of a call after the environment."""


class Backend(Protocol):
    """Runs the environments of a vector env."""

    facts: list[EnvFacts]
    hands_out: bool
    """Whether every observation is written into `BatchMemory.handout`, too, so that nobody need copy the batch."""

    def allocate(self, with_task: bool) -> BatchMemory:
        """Returns the batch that every later `begin` works on."""
        ...

    def begin(self, resets: Resets) -> None:
        """Starts what the batch commands."""
        ...

    def finish(self) -> None:
        """Waits until it is done; raises what an environment raised."""
        ...

    def call(self, function: Callable[..., Any], arguments: Arguments) -> list[Any]:
        """Returns `function(env, *arguments[row])` of every row in `arguments`, in order of the rows."""
        ...

    def close(self) -> None:
        """Closes the environments and frees processes and memory; may be called twice."""
        ...


def default_workers(num_envs: int) -> int:
    """Returns as many as there are cores and environments; 0 where that would be one, or off POSIX."""
    count = min(cores(), num_envs)
    return count if count > 1 and os.name == "posix" else 0


def make_backend(factories: Sequence[Factory], workers: int | None, timeout_s: float | None) -> Backend:
    """Returns what runs one environment per factory; `workers` as in `envsuite.make_vec`."""
    if workers is not None and workers < 0:
        raise ValueError(f"workers: expected None or at least 0, got {workers}")
    count = default_workers(len(factories)) if workers is None else min(workers, len(factories))
    return Workers(factories, count, timeout_s) if count else Serial(factories)


class Serial:
    """Runs the environments one after another in this process."""

    hands_out = False

    def __init__(self, factories: Sequence[Factory]) -> None:
        self._slice = EnvSlice(factories, 0)
        self.facts = self._slice.facts()
        self._resets: Resets = {}

    def allocate(self, with_task: bool) -> BatchMemory:
        """Returns a batch in ordinary memory."""
        memory = BatchMemory(self.facts[0], len(self.facts), Arena(), with_task=with_task)
        self._slice.attach(memory)
        return memory

    def begin(self, resets: Resets) -> None:
        """Remembers the resets; `finish` does the work."""
        self._resets = resets

    def finish(self) -> None:
        """Does what the batch commands."""
        self._slice.run(self._resets)

    def call(self, function: Callable[..., Any], arguments: Arguments) -> list[Any]:
        """Returns the values in order of the rows."""
        return [value for _, value in sorted(self._slice.call(function, arguments).items())]

    def close(self) -> None:
        """Closes the environments."""
        self._slice.close()


Exchange = Callable[[Sequence[tuple[Any, Any, Any, Any]]], None]
"""Takes (environment, action or None for a reset, seed, options) of many and does their slow part at once."""


class Grouped(Serial):
    """Runs the environments in this process, after one exchange for all with whatever they share."""

    def __init__(self, factories: Sequence[Factory], exchange: Exchange) -> None:
        super().__init__(factories)
        self._exchange = exchange

    def finish(self) -> None:
        """Does what the batch commands: the exchange for all rows, then each environment's own part."""
        requests = self._slice.requests(self._resets)
        if requests:
            self._exchange(requests)
        super().finish()


class Kernel(Protocol):
    """What a family offers that steps all environments of a vector env in one call: `Family.vector` makes one."""

    num_envs: int
    hands_out: bool
    """As in `Backend`."""

    def env(self, row: int) -> TaskEnv:
        """Returns the environment of a row, whose state the kernel holds."""
        ...

    def bind(self, memory: BatchMemory) -> None:
        """Takes the batch that the kernel reads and writes."""
        ...

    def begin(self, resets: Resets) -> None:
        """Starts what the batch commands; raises `InvalidTask` before anything has moved."""
        ...

    def finish(self) -> None:
        """Returns when it is done."""
        ...

    def close(self) -> None:
        """Frees threads; may be called twice."""
        ...


class Native:
    """Lets a family's kernel run all environments."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.facts = [facts_of(kernel.env(0))] * kernel.num_envs
        self.hands_out = kernel.hands_out
        self.begin, self.finish, self.close = kernel.begin, kernel.finish, kernel.close

    def allocate(self, with_task: bool) -> BatchMemory:
        """Returns a batch that the kernel writes into."""
        memory = BatchMemory(self.facts[0], len(self.facts), Arena(), with_task=with_task)
        self._kernel.bind(memory)
        return memory

    def call(self, function: Callable[..., Any], arguments: Arguments) -> list[Any]:
        """Returns the values in order of the rows."""
        return [function(self._kernel.env(row), *arguments[row]) for row in sorted(arguments)]


class Workers:
    """Runs contiguous slices of the environments in processes of their own.

    The processes start afresh (nothing is forked) and do not import the caller's script, which
    therefore needs no `if __name__ == "__main__"`.
    """

    hands_out = False

    def __init__(self, factories: Sequence[Factory], workers: int, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._num_envs = len(factories)
        self._owner = os.getpid()
        self._workers: list[_Worker] = []
        self._file = _anonymous_file()
        try:
            bounds = [self._num_envs * index // workers for index in range(workers + 1)]
            for index, (first, end) in enumerate(itertools.pairwise(bounds)):
                self._workers.append(_Worker(index, range(first, end), factories[first:end], self._file))
            self.facts = [facts for part in self._collect(self._workers, None) for facts in part]
        except BaseException:
            self.close()
            raise

    def allocate(self, with_task: bool) -> BatchMemory:
        """Returns a batch in a block that the workers have mapped too."""
        arena = Arena()
        BatchMemory(self.facts[0], self._num_envs, arena, with_task=with_task)
        os.ftruncate(self._file, max(arena.size, 1))
        block = Arena(mmap.mmap(self._file, max(arena.size, 1)))
        memory = BatchMemory(self.facts[0], self._num_envs, block, with_task=with_task)
        for worker in self._workers:
            worker.send_object((self._num_envs, self.facts[0], with_task))
        self._collect(self._workers, None)
        os.close(self._file)
        self._file = -1
        return memory

    def begin(self, resets: Resets) -> None:
        """Wakes every worker."""
        self._drain()
        for worker in self._workers:
            mine = {row: resets[row] for row in worker.rows if row in resets} if resets else None
            if mine:
                worker.send(RUN_WITH, mine)
            else:
                worker.send(RUN)

    def finish(self) -> None:
        """Waits for every worker."""
        self._collect(self._workers, self._timeout_s)

    def call(self, function: Callable[..., Any], arguments: Arguments) -> list[Any]:
        """Returns the values in order of the rows."""
        self._drain()
        asked = [worker for worker in self._workers if arguments.keys() & set(worker.rows)]
        for worker in asked:
            worker.send(CALL, (function, {row: arguments[row] for row in worker.rows if row in arguments}))
        values: dict[int, Any] = {}
        for part in self._collect(asked, self._timeout_s):
            values |= part
        return [value for _, value in sorted(values.items())]

    def close(self) -> None:
        """Asks the workers to close their environments, waits, and kills those that do not."""
        if os.getpid() != self._owner:
            return
        for worker in self._workers:
            worker.ask_to_quit()
        deadline = time.monotonic() + _EXIT_SECONDS
        for worker in self._workers:
            worker.reap(deadline)
        self._workers = []
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _collect(self, workers: Iterable[_Worker], timeout_s: float | None) -> list[Any]:
        """Returns the answers of all workers; raises the first error, but only after all have answered."""
        deadline = _deadline(timeout_s)
        answers, errors = [], []
        for worker in workers:
            try:
                answers.append(worker.receive(deadline))
            except Exception as error:  # noqa: BLE001  # raised below, when no answer is left in a socket
                errors.append(error)
        if errors:
            raise errors[0]
        return answers

    def _drain(self) -> None:
        """Drops the answers of a command whose wait was interrupted."""
        for worker in self._workers:
            if worker.waiting:
                with contextlib.suppress(Exception):
                    worker.receive(_deadline(self._timeout_s))


class _Worker:
    """The parent's end of one worker process."""

    def __init__(self, index: int, rows: range, factories: Sequence[Factory], file: int) -> None:
        self.rows = rows
        self._name = f"worker {index} (environments {rows.start} to {rows.stop - 1})"
        self.waiting = False
        setup = _pickled_setup(list(factories), rows.start, file)
        self._conn, child = multiprocessing.Pipe()
        command = [_executable(), "-c", _BOOTSTRAP, str(child.fileno()), *sys.path]
        with child:
            self._process = subprocess.Popen(  # our own interpreter and code
                command, stdin=subprocess.DEVNULL, pass_fds=(child.fileno(), file)
            )
        self._guarded(self._conn.send_bytes, setup)

    def send(self, command: bytes, payload: Any = None) -> None:
        """Sends a command; its answer must be received before the next."""
        data = None if payload is None else pickle.dumps(payload)
        self._guarded(os.write, self._conn.fileno(), command)
        if data is not None:
            self._guarded(self._conn.send_bytes, data)

    def send_object(self, payload: Any) -> None:
        """Sends a pickle alone."""
        self._guarded(self._conn.send_bytes, pickle.dumps(payload))

    def receive(self, deadline: float | None) -> Any:
        """Returns the answer; raises the environment's error, or `WorkerDied`."""
        if deadline is not None and not self._conn.poll(max(0.0, deadline - time.monotonic())):
            self._process.kill()
            self.waiting = False
            raise WorkerDied(f"{self._name} did not answer within timeout_s and was killed; {_NEXT_STEP}")
        try:
            kind = os.read(self._conn.fileno(), 1)
            payload = self._conn.recv_bytes() if kind in (VALUE, ERROR) else b""
        except (EOFError, OSError):
            kind = payload = b""
        self.waiting = False
        if kind == ERROR:
            raise _unpickled_error(payload, self._name)
        if not kind:
            raise self._death()
        return pickle.loads(payload) if payload else None  # noqa: S301  # from our own child

    def ask_to_quit(self) -> None:
        """Lets the worker end, whatever it is doing now."""
        with contextlib.suppress(OSError):
            os.write(self._conn.fileno(), QUIT)
        self._conn.close()

    def reap(self, deadline: float) -> None:
        """Waits for the process until the deadline, then kills it."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _guarded(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except OSError as error:
            raise self._death() from error
        self.waiting = True

    def _death(self) -> WorkerDied:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
        return WorkerDied(f"{self._name} died with exit code {self._process.returncode}; {_NEXT_STEP}")


def _deadline(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


def _executable() -> str:
    return os.fsdecode(multiprocessing.spawn.get_executable() or sys.executable)


def _anonymous_file() -> int:
    """Returns a descriptor of memory that vanishes with the last process that holds it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("envsuite-batch")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _pickled_setup(factories: list[Factory], first_row: int, file: int) -> bytes:
    try:
        setup = pickle.dumps((factories, first_row, file))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"workers: the environments' arguments cannot be sent to worker processes ({error}); pass workers=0"
        ) from error
    if b"__main__" in setup:
        raise ValueError(
            "workers: the environments' arguments hold something defined in the running script, which worker "
            "processes do not import; move it to a module, or pass workers=0"
        )
    return setup


def _unpickled_error(payload: bytes, name: str) -> Exception:
    error, text = pickle.loads(payload)  # noqa: S301  # from our own child
    restored = error if isinstance(error, Exception) else RuntimeError(error)
    restored.add_note(f"in {name}:\n{text}")
    return restored
