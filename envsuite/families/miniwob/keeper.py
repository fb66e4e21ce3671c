"""Runs a command until it ends or the process that started this one is gone, then kills whatever is left of it.

Started as a script with the standard library only: `keeper.py PARENT FOLDER COMMAND...`. PARENT is the number of
the process that started this one; FOLDER is removed at the end. A killed interpreter cannot close its browser, whose
processes would otherwise go on for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from types import FrameType

POLL_S = 0.2
_KILL_S = 10.0
_PR_SET_CHILD_SUBREAPER = 36


def children_of(pid: int) -> list[int]:
    """Returns the processes whose parent `pid` is; none where there is no /proc."""
    found = []
    for each in _processes():
        with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{each}/stat", "rb") as file:  # noqa: PTH123
            if int(file.read().rpartition(b")")[2].split()[1]) == pid:
                found.append(each)
    return found


def descendants_of(pid: int) -> list[int]:
    """Returns children, their children and so on."""
    found = children_of(pid)
    for child in found:
        found += children_of(child)
    return found


def users_of(folder: str) -> list[int]:
    """Returns the processes whose command line names a folder; none where there is no /proc."""
    found = []
    for each in _processes():
        with contextlib.suppress(OSError), open(f"/proc/{each}/cmdline", "rb") as file:  # noqa: PTH123
            if os.fsencode(folder) in file.read():
                found.append(each)
    return found


def _processes() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    return []


def main(parent: int, folder: str, command: list[str]) -> int:
    """Returns the exit status of the command."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        # Orphans of the browser become children of this process and are found.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with contextlib.suppress(OSError, ValueError):
        # A browser maps a terabyte and uses little of it; what limits the parent's memory would keep it from starting.
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    stopped = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes its browser
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        while process.poll() is None and not stopped and os.getppid() == parent:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)
    finally:
        _kill_all(process)
        shutil.rmtree(folder, ignore_errors=True)
    return process.returncode or 0


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kills until nothing is left: what is killed may be starting another, and writes to FOLDER until it is gone."""
    if process.poll() is None:
        with contextlib.suppress(OSError):  # all that there is to go by without /proc
            os.killpg(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + _KILL_S
    while time.monotonic() < deadline:
        left = descendants_of(os.getpid())
        if process.poll() is None and process.pid not in left:
            left.append(process.pid)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
