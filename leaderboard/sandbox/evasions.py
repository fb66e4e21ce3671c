# ruff: noqa: ARG001, S108  # every attack has one signature, and aims at the usual places
"""The attacks on budgets that hold more than anybody counts; `escapes.py` copies this file beside `attacks.py`.

What holds for attacks holds for them. They stop at one and a half of the budget, with a sandbox or without:
whether something is counted shows at that size.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MEGABYTE = 2**20
SETTLE_S = 0.5
"""How long a bomb holds what it has taken, before it says that nothing has happened."""
FAILED = ctypes.c_void_p(-1).value
NOT_HUGE, NO_RESERVE = 15, 0x4000
"""MADV_NOHUGEPAGE, and MAP_NORESERVE, which Python names from 3.13 on."""
WAIT_S = 20.0

Targets = Mapping[str, Any]


class Refused(Exception):
    """Raised by an attack that has got nothing."""


def allocate_sockets(targets: Targets) -> str:
    """Fills the buffers of sockets, enlarged where that is possible."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held: list[socket.socket] = []
    size = 0
    while size < targets["hidden"]:
        try:
            held += socket.socketpair()
        except OSError as error:
            raise Refused(f"{len(held)} sockets hold {size // MEGABYTE} MiB: {error}") from None
        for end in held[-2:]:
            end.setblocking(False)
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * MEGABYTE)
            with contextlib.suppress(BlockingIOError):
                while size < targets["hidden"]:
                    size += end.send(bytes(65536))
    time.sleep(SETTLE_S)
    return f"held {size // MEGABYTE} MiB in {len(held)} sockets"


def allocate_unmapped(targets: Targets) -> str:
    """Fills shared memory and unmaps all of it but a page, which keeps it."""
    step, libc, zeros = 32 * MEGABYTE, _libc(), -1
    for _ in range(targets["hidden"] // step):
        place = _map(step, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
        if place is None:
            zeros = os.open("/dev/zero", os.O_RDWR) if zeros < 0 else zeros
            place = _map(step, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, zeros)
        if place is None:
            raise Refused("neither memory nor /dev/zero can be mapped and shared")
        ctypes.memset(place, 1, step)
        checked(libc.munmap(ctypes.c_void_p(place + mmap.PAGESIZE), ctypes.c_size_t(step - mmap.PAGESIZE)))
    time.sleep(SETTLE_S)
    return f"held {targets['hidden'] // MEGABYTE} MiB of shared memory that is mapped no more"


def allocate_tables(targets: Targets) -> str:
    """Fills page tables: each page of them describes 512 pages that are all the same page of zeros."""
    step = 512 * mmap.PAGESIZE
    length = targets["hidden"] // mmap.PAGESIZE * step
    place = _map(length, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE)
    if place is None:
        raise Refused(f"{length // 2**30} GiB cannot be mapped")
    _libc().madvise(ctypes.c_void_p(place), ctypes.c_size_t(length), NOT_HUGE)
    for address in range(place, place + length, step):
        ctypes.c_ubyte.from_address(address).value  # noqa: B018  # reading makes the table
    time.sleep(SETTLE_S)
    return f"held {targets['hidden'] // MEGABYTE} MiB of page tables"


def allocate_headless(targets: Targets) -> str:
    """Fills memory in a process whose first thread has ended, so that it looks dead and empty."""
    done, told = os.pipe()
    child = os.fork()
    if child == 0:
        threading.Thread(target=_hold, args=(targets["hidden"], told)).start()
        _libc().pthread_exit(None)
    os.close(told)
    try:
        ready = select.select([done], [], [], WAIT_S)[0]
        if not ready or os.read(done, 1) != b"1":
            raise Refused("the process has ended")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return f"held {targets['hidden'] // MEGABYTE} MiB in a process without its first thread"


def make_files(targets: Targets) -> str:
    """Makes files without content, more than may be looked at."""
    for index in range(targets["files"]):
        os.close(os.open(_folder(targets) / f"empty-{index}", os.O_CREAT))
    time.sleep(SETTLE_S)
    return f"made {targets['files']} files"


def slow_watcher(targets: Targets) -> str:
    """Has so many mappings that going through them takes a watcher longer than taking memory takes."""
    libc, count = _libc(), targets["mappings"]
    place = _map(count * mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if place is None:
        raise Refused("nothing can be mapped")
    for page in range(0, count, 2):
        address = ctypes.c_void_p(place + page * mmap.PAGESIZE)
        checked(libc.mprotect(address, ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_WRITE))
    time.sleep(SETTLE_S)
    return f"had {count} mappings"


def fill_disk_mapped(targets: Targets) -> str:
    """Writes more than the budget of disk into deleted files that only a mapping holds."""
    return _fill(targets, lambda descriptor: _map(mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_PRIVATE, descriptor))


def fill_disk_in_flight(targets: Targets) -> str:
    """Writes more than the budget of disk into deleted files that only an unread message holds."""
    left, right = socket.socketpair()
    with left, right:
        return _fill(targets, lambda descriptor: socket.send_fds(left, [b"x"], [descriptor]))


def outlive_host(targets: Targets) -> str:
    """Has the kernel end others first when the machine runs out of memory."""
    score = Path("/proc/self/oom_score_adj")
    score.write_text("0")
    time.sleep(SETTLE_S)
    if int(score.read_text()) > 0:
        raise Refused("it was set back")
    return "is no more likely to be ended than the host"


EVASIONS: Mapping[str, Callable[[Targets], str]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        allocate_sockets,
        allocate_unmapped,
        allocate_tables,
        allocate_headless,
        make_files,
        slow_watcher,
        fill_disk_mapped,
        fill_disk_in_flight,
        outlive_host,
    )
}
"""Every evasion by name."""


def checked(result: int) -> None:
    """Raises OSError where a call of the C library has failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    return libc


def _map(length: int, rights: int, flags: int, descriptor: int = -1) -> int | None:
    """Returns the address of a new mapping; None where it was refused."""
    sizes = ctypes.c_void_p(None), ctypes.c_size_t(length)
    address: int | None = _libc().mmap(*sizes, rights, flags, descriptor, ctypes.c_long(0))
    return None if address == FAILED else address


def _hold(size: int, told: int) -> None:
    """Takes memory once the first thread has ended, and tells so when it has held it for a while."""
    time.sleep(SETTLE_S)
    held = bytearray(b"\1") * size
    time.sleep(SETTLE_S)
    os.write(told, b"1" if held else b"0")
    time.sleep(WAIT_S)


def _folder(targets: Targets) -> Path:
    """Returns the temporary folder, or the one to take where there is no sandbox."""
    return Path(targets.get("unsafe_folder") or os.environ.get("TMPDIR", "/tmp"))


def _fill(targets: Targets, keep: Callable[[int], object]) -> str:
    """Writes files of 4 MiB that have no name and of which `keep` alone is to be left."""
    size = 0
    for index in range(targets["disk"] // (4 * MEGABYTE)):
        path = _folder(targets) / f"bomb-{index}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            path.unlink()
            for _ in range(4):
                size += os.write(descriptor, bytes(MEGABYTE))
            keep(descriptor)
        finally:
            os.close(descriptor)
    time.sleep(SETTLE_S)
    return f"wrote {size // MEGABYTE} MiB"
