"""Measures from outside what the processes of a sandbox hold: memory, mappings, open files, files in a folder.

A *place* is the folder in /proc of a process, or of a thread of it that lives where its first one has ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MAX_FILES = 20_000
"""Files in the private folder: more would make looking at it slow, and each takes a kilobyte of the kernel's."""
MAX_MAPPINGS, MAX_MAPPING_BYTES = 20_000, 8 * 2**20
"""Mappings of all processes and the length of their list: more would make looking at them slow. An agent with
numpy has 142, one with torch 400."""
MAX_OPEN_FILES = 4096
"""Open files of all processes: more would make looking at them slow."""
CHUNK = 1 << 16
BLOCK = 512
"""Unit of `st_blocks`."""
KILOBYTE = 1024
MEMORY_DEVICES = 1
"""Major number of /dev/null and its like, which hold nothing."""
PIPE_BYTES = 1 << 16
"""What a pipe holds; the filter of system calls keeps it from growing. Terminals hold no more."""


def _socket_bytes() -> int:
    """Returns what one socket's buffer holds: the kernel lets the last message go beyond its size."""
    try:
        return 2 * int(Path("/proc/sys/net/core/wmem_default").read_text())
    except OSError:  # a network namespace that is not the machine's first does not show it
        return 2 * 212_992


SOCKET_BYTES = _socket_bytes()
_STATUS = re.compile(rb"^(Threads|VmRSS|VmPTE|VmSwap):\s+(\d+)", re.MULTILINE)
_PROPORTIONAL = re.compile(rb"^(?:Swap)?Pss:\s+(\d+)", re.MULTILINE)
_SHARED = re.compile(rb"^(\w+)-(\w+) ..[^ ]s \w+ (\S+ \d+) .*\(deleted\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Use:
    """What the kernel says of one process."""

    place: str
    threads: int
    memory: int
    """Bytes that are resident or swapped out."""
    tables: int
    """Bytes of page tables, which count as nobody's resident memory."""


def use(pid: int) -> Use | None:
    """Returns the use of a process; None where it is gone.

    A process whose first thread has ended looks dead and empty there; its other threads have all of its memory.
    """
    place = f"/proc/{pid}"
    found = _status(place)
    if b"VmRSS" not in found and found.get(b"Threads", 0) > 1:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"{place}/task"):  # noqa: PTH208  # polled
                of_thread = _status(f"{place}/task/{thread}")
                if b"VmRSS" in of_thread:
                    place, found = f"{place}/task/{thread}", of_thread
                    break
    if b"VmRSS" not in found:
        return None
    memory = found[b"VmRSS"] + found.get(b"VmSwap", 0)
    return Use(place, found[b"Threads"], memory * KILOBYTE, found.get(b"VmPTE", 0) * KILOBYTE)


def _status(place: str) -> dict[bytes, int]:
    try:
        with open(f"{place}/status", "rb", buffering=0) as file:  # noqa: PTH123  # forty times a second
            return {name: int(value) for name, value in _STATUS.findall(file.readall())}
    except OSError:
        return {}


def proportional(process: Use) -> int:
    """Returns a process's memory, shared pages divided; all of its resident memory where that cannot be read."""
    try:
        return sum(map(int, _PROPORTIONAL.findall(Path(f"{process.place}/smaps_rollup").read_bytes()))) * KILOBYTE
    except ProcessLookupError:
        return 0
    except OSError:
        return process.memory


# Mappings.


def mappings(places: Iterable[str]) -> list[bytes] | None:
    """Returns the lists of mappings; None where they are too many. One that cannot be read is empty."""
    found, lines, length = [], 0, 0
    for place in places:
        text = bytearray()
        with contextlib.suppress(OSError):
            for chunk in _chunks(f"{place}/maps"):
                text += chunk
                length += len(chunk)
                lines += chunk.count(b"\n")
                if lines > MAX_MAPPINGS or length > MAX_MAPPING_BYTES:
                    return None
        found.append(bytes(text))
    return found


def _chunks(path: str) -> Iterator[bytes]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        while chunk := os.read(descriptor, CHUNK):
            yield chunk
    finally:
        os.close(descriptor)


def shared(lists: Iterable[bytes]) -> int:
    """Returns the bytes of the shared mappings without a file that still has a name, all pieces of one together."""
    largest: dict[bytes, int] = {}
    for text in lists:
        sizes: dict[bytes, int] = {}
        for begin, end, file in _SHARED.findall(text):
            sizes[file] = sizes.get(file, 0) + int(end, 16) - int(begin, 16)
        for file, size in sizes.items():
            largest[file] = max(largest.get(file, 0), size)
    return sum(largest.values())


def mapped_and_deleted(lists: Iterable[bytes], folder: Path) -> set[int]:
    """Returns the inodes of mapped files that had a name below a folder."""
    pattern = re.compile(rb"^\S+ \S+ \S+ \S+ (\d+) +" + re.escape(os.fsencode(folder)) + rb"/.*\(deleted\)$", re.M)
    return {int(inode) for text in lists for inode in pattern.findall(text)}


# Open files.


@dataclass(slots=True)
class Open:
    """What the open files of some processes hold."""

    files: int = 0
    buffers: dict[tuple[object, object], int] = field(default_factory=dict)
    """Device and inode of a pipe or socket -> bytes that the kernel may keep for it."""
    deleted: dict[tuple[int, int], int] = field(default_factory=dict)
    """Device and inode of a file that nobody finds by name any more -> its bytes."""


def open_files(places: Sequence[str]) -> Open | None:
    """Returns what the open files hold; None where they are too many."""
    found, names = Open(), []
    for place in places:
        with contextlib.suppress(OSError):
            names += [(place, name) for name in os.listdir(f"{place}/fd")]  # noqa: PTH208  # may be thousands
        if len(names) > MAX_OPEN_FILES:
            return None
    for place, name in names:
        try:
            _add(found, place, name, os.stat(f"{place}/fd/{name}"))  # noqa: PTH116  # as above
        except PermissionError:  # a host that may not look takes it for what holds most
            found.buffers[place, name] = SOCKET_BYTES
        except OSError:
            continue
    found.files = len(names)
    return found


def _add(found: Open, place: str, name: str, state: os.stat_result) -> None:
    key = (state.st_dev, state.st_ino)
    if stat.S_ISSOCK(state.st_mode):
        found.buffers[key] = SOCKET_BYTES
    elif stat.S_ISFIFO(state.st_mode):
        found.buffers[key] = PIPE_BYTES
    elif stat.S_ISCHR(state.st_mode) and os.major(state.st_rdev) != MEMORY_DEVICES:
        found.buffers[place, name] = PIPE_BYTES  # every opening of /dev/ptmx is another terminal
    elif stat.S_ISREG(state.st_mode) and state.st_nlink == 0:
        found.deleted[key] = state.st_blocks * BLOCK


def sockets(place: str) -> int:
    """Returns how many sockets the network namespace of a process has.

    Those are among them that no process has open: the kernel keeps them for as long as what they have sent has
    not been received.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"{place}/net/sockstat").read_bytes().split(maxsplit=3)[2])
    return 0


# Files.


def files_inside(place: str, folder: str) -> int:
    """Returns how many files the file system has that a process finds at a path."""
    try:
        state = os.statvfs(f"{place}/root{folder}")
    except OSError:
        return 0
    return state.f_files - state.f_ffree


def size(folder: Path) -> tuple[int, int]:
    """Returns the bytes and the number of files below a folder; stops counting beyond `MAX_FILES`."""
    total = files = 0
    folders = [str(folder)]
    while folders and files <= MAX_FILES:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        files += 1
                        total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                    if files > MAX_FILES:
                        break
        except OSError:
            continue
    return total, files
