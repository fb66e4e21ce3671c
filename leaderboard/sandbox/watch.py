"""Watches what a sandbox uses: memory, processes, and disk where the kernel does not limit it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from envsuite.leaderboard.sandbox.guest.guardian import descendants
from envsuite.task import Budget

LOG_FLOOD = 10
"""So many times the log's size is a breach; what lies between is dropped."""
SELDOM = 8
"""Only every so many looks are mappings and folders gone through, which take longer."""
MAX_FILES = 20_000
"""Files in a private folder; more would make looking at them slow."""
PAGE = os.sysconf("SC_PAGE_SIZE")
BLOCK = 512
"""Unit of `st_blocks`."""


class Watcher:
    """Looks at the processes below one and says in a sentence when they use more than their budget.

    Resident memory is summed over the processes; only when that is too much is it counted with shared pages
    divided among those that share them (`Pss`). Shared memory without a file is counted by the size of its
    mapping as well, for pages can lie in it that no process has in its resident memory.
    """

    def __init__(self, budget: Budget, pid: int, own_depth: int = 0, folder: Path | None = None) -> None:
        """Takes the first process, how many levels below it are the sandbox's own, and a folder to measure."""
        self._budget, self._pid, self._own_depth, self._folder = budget, pid, own_depth, folder
        self._looks = 0

    def look(self) -> str | None:
        """Returns which part of the budget is exceeded, None where none is."""
        pids = [pid for pid, depth in descendants(self._pid) if depth > self._own_depth]
        threads = resident = 0
        for pid in pids:
            count, pages = _threads_and_pages(pid)
            threads += count
            resident += pages * PAGE
        if threads > self._budget.processes:
            return f"it had {threads} processes and threads, at most {self._budget.processes} are allowed"
        if resident > self._budget.memory_bytes:
            resident = sum(_proportional(pid) for pid in pids)
        self._looks += 1
        if self._looks % SELDOM == 0:
            resident = max(resident, _shared(pids))
            if self._folder is not None and (breach := self._disk(pids)):
                return breach
        if resident > self._budget.memory_bytes:
            return f"it used {resident:,} bytes of memory, at most {self._budget.memory_bytes:,} are allowed"
        return None

    def _disk(self, pids: Iterable[int]) -> str | None:
        """Returns a breach of the disk's size; deleted files that are still open count."""
        if self._folder is None:
            return None
        size, files = _size(self._folder)
        size += sum(_deleted(pid) for pid in pids)
        if size > self._budget.disk_bytes:
            return f"it wrote {size:,} bytes of files, at most {self._budget.disk_bytes:,} are allowed"
        if files > MAX_FILES:
            return f"it made more than {MAX_FILES:,} files"
        return None


def _threads_and_pages(pid: int) -> tuple[int, int]:
    """Returns the threads and the resident pages of a process; zeros for one that is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123  # forty times a second
            fields = file.readall().rpartition(b")")[2].split()
        return (0, 0) if fields[0] in b"ZX" else (int(fields[17]), int(fields[21]))
    except (OSError, IndexError):
        return 0, 0


def _proportional(pid: int) -> int:
    """Returns a process's memory in bytes, shared pages divided; its resident memory where that cannot be read."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except ProcessLookupError:
        return 0
    except OSError:
        pass
    return _threads_and_pages(pid)[1] * PAGE


def _shared(pids: Iterable[int]) -> int:
    """Returns the size in bytes of all shared mappings without a file that still has a name."""
    found: dict[tuple[bytes, bytes], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{pid}/maps").read_bytes().splitlines():
                span, mode, _, device, inode, *name = line.split(maxsplit=5)
                if mode[3:4] == b"s" and name and name[0].endswith(b"(deleted)"):
                    begin, _, end = span.partition(b"-")
                    key = (device, inode)
                    found[key] = max(found.get(key, 0), int(end, 16) - int(begin, 16))
    return sum(found.values())


def _size(folder: Path) -> tuple[int, int]:
    """Returns the bytes and the number of files below a folder; stops counting beyond `MAX_FILES`."""
    size = files = 0
    folders = [str(folder)]
    while folders and files <= MAX_FILES:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        files += 1
                        size += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                    if files > MAX_FILES:
                        break
        except OSError:
            continue
    return size, files


def _deleted(pid: int) -> int:
    """Returns the bytes of the files that a process holds open and nobody finds by name any more."""
    size = 0
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                state = path.stat()
                if state.st_nlink == 0 and stat.S_ISREG(state.st_mode):
                    size += state.st_blocks * BLOCK
    return size
