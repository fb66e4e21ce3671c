"""What every command prints with: the consoles, the one red line of an error, progress bars, JSON."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(highlight=False)
"""Standard output: results, and nothing else."""
error_console = Console(stderr=True, highlight=False)
"""Standard error: errors, notes and progress, so that output can be piped."""

PLAIN_INTERVAL_S = 5.0
"""Seconds between two lines of a progress bar that has no terminal."""


def print_error(error: BaseException, *, with_traceback: bool = False) -> None:
    """Writes one red line to standard error, after the traceback if that is wanted."""
    if with_traceback:
        error_console.print("".join(traceback.format_exception(error)), end="", markup=False, soft_wrap=True)
    error_console.print(f"[bold red]error:[/] [red]{escape(str(error))}[/]", soft_wrap=True)
    for note in getattr(error, "__notes__", ()):
        error_console.print(f"note: {note}", markup=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Writes plain data as JSON to standard output, unstyled and unwrapped, so that a program can read it.

    Infinite numbers, which JSON lacks, become the strings "inf" and "-inf".
    """
    sys.stdout.write(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_plain(line: str = "") -> None:
    """Writes a line to standard output that is never wrapped, cut or read as markup."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Returns one line per row, the cells aligned and two spaces apart, the last one as long as it is."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def progress(transient: bool = False) -> Progress:
    """Returns a progress bar on standard error, to be used as a context manager.

    Columns: description, bar, M/N, elapsed and remaining time. Where standard error is no terminal it
    prints a plain line every `PLAIN_INTERVAL_S` seconds and one at the end of each task instead.

    Args:
        transient: whether the bar vanishes when it is closed.
    """
    bars = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    if error_console.is_terminal:
        return Progress(*bars, console=error_console, transient=transient)
    return _PlainProgress(*bars, console=error_console, disable=True)


class _PlainProgress(Progress):
    """A progress bar for log files: the same methods, now and then a line."""

    _last_line_at = float("-inf")

    def update(self, task_id: TaskID, **fields: Any) -> None:
        """Changes a task and says so, unless it has just done that."""
        super().update(task_id, **fields)
        self._say(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Moves a task on and says so, unless it has just done that."""
        super().advance(task_id, advance)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        task, now = self._tasks[task_id], time.monotonic()
        at_end = task.total is not None and task.completed >= task.total
        if not at_end and now - self._last_line_at < PLAIN_INTERVAL_S:
            return
        self._last_line_at = now
        total = "?" if task.total is None else f"{task.total:.0f}"
        left = "" if task.time_remaining is None or at_end else f", {task.time_remaining:.0f} s left"
        line = f"{task.description} {task.completed:.0f}/{total} ({task.elapsed or 0.0:.0f} s{left})"
        self.console.print(line, soft_wrap=True)


def _finite(value: Any) -> Any:
    """Returns the data with tuples as lists and the numbers that JSON lacks as strings."""
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
