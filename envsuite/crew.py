"""Crew: threads that share the rows of a batch, for engines whose compiled code frees the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

SKIP_ROW, STEP_ROW, RESET_ROW = range(3)
"""What a vector env commands for each row of its batch."""
LEAST_ROWS = 4
"""Fewest rows that a thread takes at once; a call of an engine costs 8 us."""
SERIAL_ROWS = 8
"""Batches of fewer rows run in the calling thread: waking another costs about 20 us."""
Rows = NDArray[np.int64]
Work = Callable[[int, Rows], None]
"""Takes the number of a thread and the rows to work on."""


def cores() -> int:
    """Returns how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """The calling thread and others beside it."""

    def __init__(self, threads: int | None, num_rows: int, name: str) -> None:
        """Starts no thread yet.

        Args:
            threads: how many run at once, the caller's included; None takes as many as there are cores.
            num_rows: rows of the batch; few of them get fewer threads.
            name: begins the threads' names.
        """
        self.size = max(1, min(threads or cores(), num_rows // SERIAL_ROWS))
        self._pool = ThreadPoolExecutor(self.size - 1, name) if self.size > 1 else None
        self._running: list[Future[None]] = []
        self._parts: Iterator[Rows] = iter(())
        self._work: Work = _idle

    def begin(self, work: Work, long: Rows, short: Rows) -> None:
        """Starts what `finish` waits for: the long rows first, each a part of its own, then the short ones."""
        self.settle()
        self._work = work
        if self._pool is None:
            self._parts = iter([np.concatenate([long, short])])
            return
        self._parts = iter([*long.reshape(-1, 1), *_shrinking(short, self.size)])
        self._running = [self._pool.submit(self._take, number) for number in range(1, self.size)]

    def finish(self) -> None:
        """Returns when all is done."""
        self._take(0)
        self.settle()

    def settle(self) -> None:
        """Waits for what an interrupt has left running; comes before anything that the work reads is written."""
        for future in self._running:
            future.result()
        self._running = []

    def close(self) -> None:
        """Ends the threads; may be called twice."""
        if self._pool is not None:
            self._pool.shutdown()

    def _take(self, number: int) -> None:
        """Takes parts of the batch until none is left."""
        for rows in self._parts:  # the interpreter's lock makes taking from it safe
            self._work(number, rows)


def _idle(number: int, rows: Rows) -> None:
    del number, rows


def _shrinking(rows: Rows, threads: int) -> Iterator[Rows]:
    """Yields the rows in parts that become smaller, so that all threads are done at about the same time."""
    first = 0
    while first < len(rows):
        last = first + max(LEAST_ROWS, (len(rows) - first) // (2 * threads))
        yield rows[first:last]
        first = last
