"""What the providers share: the limits, the environment, and finding out whether a provider works here."""

from __future__ import annotations

import os
import select
import tempfile
from collections.abc import Callable
from pathlib import Path

from envsuite.errors import EnvsuiteError, InvalidArgument
from envsuite.leaderboard.sandbox.base import Enforced, Guest, Probe, Request
from envsuite.leaderboard.sandbox.identity import check_readable
from envsuite.leaderboard.sandbox.interpreter import this_interpreter
from envsuite.task import Budget

NICE = 5
"""An agent yields to the host, which has to take its time."""
OPEN_FILES = 512
DATA_FACTOR = 2
"""Writable memory that a process may ask for, over what may be resident: libraries reserve more than they use."""
PROBE_S = 20.0
NO_CORE = 1
"""A limit of 0 does not keep a core dump from a program that the host has put in /proc/sys/kernel/core_pattern."""
LOCKED_BYTES = 8 * 2**20


def environment(home: str) -> dict[str, str]:
    """Returns all environment variables of a guest: none of them is the host's.

    One thread for numerical libraries: answers do not change with the number of cores, and `budget.processes`
    counts threads.
    """
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "NUMBA")
    return {
        "HOME": home,
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": home,
        **{f"{name}_NUM_THREADS": "1" for name in threads},
    }


def limits(budget: Budget, processes: int) -> dict[str, int]:
    """Returns the limits of resources that the kernel holds a guest to; `processes` may be more than the budget's."""
    return {
        "CORE": NO_CORE,
        "DATA": DATA_FACTOR * budget.memory_bytes,
        "FSIZE": budget.disk_bytes,
        "MEMLOCK": LOCKED_BYTES,
        "MSGQUEUE": 0,
        "NOFILE": OPEN_FILES,
        "NPROC": processes,
    }


def describe_limits(budget: Budget) -> str:
    """Returns the limits in words, for the record of what is enforced."""
    return (
        f"processes and threads {budget.processes}, writable memory of a process "
        f"{DATA_FACTOR * budget.memory_bytes}, file {budget.disk_bytes}, open files {OPEN_FILES}, no core files"
    )


def needed_paths(request: Request) -> list[Path]:
    """Returns the folders that a guest reads beside the system's; raises `InvalidArgument` for one that cannot be."""
    for name, folder in [("bundle", request.bundle), *(("packages", folder) for folder in request.packages)]:
        if not folder.is_dir():
            raise InvalidArgument(f"{name}: expected a folder, got {str(folder)!r}, which is none")
    check_readable(request.bundle)
    resolved = [Path(os.path.realpath(folder)) for folder in (request.bundle, *request.packages)]
    return [*this_interpreter().folders, *resolved]


def try_out(start: Callable[[Request], Guest], nothing: Enforced, advice: str) -> Probe:
    """Returns whether `start` gives a guest that says it is ready; `advice` says what mends it where not."""
    with tempfile.TemporaryDirectory(prefix="envsuite-probe-") as folder:
        try:
            guest = start(Request(bundle=Path(folder), entry_point="", budget=Budget()))
        except (EnvsuiteError, OSError) as error:
            return Probe(available=False, reason=f"{error}; {advice}", enforced=nothing)
        try:
            select.select([guest.from_guest], [], [], PROBE_S)
            try:
                ready = os.read(guest.from_guest, 16) == b"ready"
            except BlockingIOError:
                ready = False
        finally:
            guest.stop()
        if ready:
            return Probe(available=True, reason="", enforced=guest.enforced)
        said = (guest.breach() or " ".join(guest.log().split())[-300:]) or f"exit code {guest.exit_code()}"
        return Probe(available=False, reason=f"{nothing.provider} does not start: {said}; {advice}", enforced=nothing)
