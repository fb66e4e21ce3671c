"""Finds and ends every process below another; used by the host, and inside where no namespace holds the processes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
MAX_ROUNDS = 1000
"""Rounds of stopping; each leaves only what was forked while it ran, and what is stopped forks no more."""


def children(pid: int) -> list[int]:
    """Returns the children of all threads of a process; empty for one that is gone."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  # polled, forty times a second
        for thread in threads:
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file:  # noqa: PTH123  # polled
                found += map(int, file.readall().split())
    except FileNotFoundError:
        return found if not Path(f"/proc/{pid}/task").exists() or HAS_CHILDREN else _scan(pid)
    except (ProcessLookupError, PermissionError):
        return found
    return found


HAS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()
"""Whether the kernel was built to list children (CONFIG_PROC_CHILDREN, as all distributions do)."""


def _scan(parent: int) -> list[int]:
    """Returns the children of a process, found by reading every process's state."""
    found = []
    for name in (path.name for path in Path("/proc").iterdir()):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{name}/stat").read_bytes()
                if int(stat.rpartition(b")")[2].split()[1]) == parent:
                    found.append(int(name))
    return found


def descendants(pid: int) -> list[tuple[int, int]]:
    """Returns (process, depth) of everything below a process, its children first, at depth 1."""
    found: list[tuple[int, int]] = []
    level, depth = children(pid), 1
    seen = {pid}
    while level:
        level = [child for child in level if child not in seen]
        seen.update(level)
        found += [(child, depth) for child in level]
        level = [grandchild for child in level for grandchild in children(child)]
        depth += 1
    return found


def kill_below(pid: int) -> None:
    """Kills everything below a process: first all are stopped, so that none can fork meanwhile."""
    stopped: set[int] = set()
    for _ in range(MAX_ROUNDS):
        fresh = {child for child, _ in descendants(pid)} - stopped
        if not fresh:
            break
        for child in fresh:
            _signal(child, signal.SIGSTOP)
        stopped |= fresh
    for child in stopped:
        _signal(child, signal.SIGKILL)


def guard() -> None:
    """Returns in a forked child; the process that called stays behind as the guardian of all that follow.

    The guardian adopts orphans, so that everything stays below it. When the child ends, the guardian kills
    what it has left and ends the same way. When the host dies, or SIGTERM comes, it kills everything.
    """
    host = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return
    signal.signal(signal.SIGTERM, _end)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.closerange(0, 4096)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if os.getppid() != host:
        _end(signal.SIGTERM, None)
    _reap_until(child)


def _reap_until(child: int) -> NoReturn:
    """Waits for a child, kills what it has left behind and ends as it did."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            break
    _kill_all()
    if os.WIFSIGNALED(status):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    _kill_all()
    os._exit(128 + signal.SIGTERM)


def _kill_all() -> None:
    """Kills and reaps everything below this process."""
    while True:
        kill_below(os.getpid())
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
