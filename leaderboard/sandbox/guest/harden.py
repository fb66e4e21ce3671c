"""Takes away, inside and before any code of the agent is loaded, what the sandbox is not to have.

Every step raises where it fails, which ends the process: a guest that answers has been hardened. Imports
nothing but the standard library.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import os
import resource
import signal
from collections.abc import Sequence
from typing import Any

from .guardian import guard
from .landlock import restrict

REQUESTS, ANSWERS = 3, 4
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_CAP_AMBIENT = 38, 22, 24, 47
SECCOMP_MODE_FILTER = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION = 0x20080522
OOM_FIRST = "1000"
"""The kernel ends such a process first when the machine has no memory left."""


def harden(config: dict[str, Any]) -> None:
    """Applies what the provider has asked for; returns in the process that the agent will live in.

    Keys: `pipes` (descriptors that become 3 and 4), `guardian` (whether a process stays behind that ends all
    others), `limits` (name in `resource` -> soft and hard limit), `nice`, `oom_first` (where /proc can be written
    to), `no_capabilities`, `landlock` (see `restrict`), `seccomp` (program in hexadecimal). Missing keys
    change nothing.
    """
    _place_pipes(config["pipes"])
    if config.get("guardian"):
        guard()
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.umask(0o077)
    if config.get("nice"):
        os.nice(config["nice"])
    if config.get("oom_first"):
        _write("/proc/self/oom_score_adj", OOM_FIRST)
    for name, value in config.get("limits", {}).items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(number, (value, value))
    if config.get("no_capabilities"):
        drop_capabilities()
    if config.get("landlock"):
        _no_new_privileges()
        restrict(**config["landlock"])
    if config.get("seccomp"):
        _no_new_privileges()
        install_filter(bytes.fromhex(config["seccomp"]))
    gc.collect()


def _place_pipes(pipes: Sequence[int]) -> None:
    """Makes the pipes descriptors 3 and 4 and closes every other one above 2."""
    high = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 16 + max(pipes)) for pipe in pipes]
    for source, target in zip(high, (REQUESTS, ANSWERS), strict=True):
        os.dup2(source, target)
    os.closerange(ANSWERS + 1, os.sysconf("SC_OPEN_MAX"))


def drop_capabilities() -> None:
    """Gives up all rights of an administrator for good; the user's number stays."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient capabilities")
    number = 0
    while libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0:
        number += 1
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "drop capabilities")


def install_filter(program: bytes) -> None:
    """Lets the kernel run a seccomp program before every system call of this process and its children."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    filled = Program(len(program) // 8, program)
    _check(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filled), 0, 0), "install the seccomp filter")


def _no_new_privileges() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "give up new privileges")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"could not {what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
