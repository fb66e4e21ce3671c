"""Watches what a sandbox uses: memory, processes, and disk where the kernel does not limit it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from envsuite.leaderboard.sandbox import usage
from envsuite.leaderboard.sandbox.guest.guardian import descendants
from envsuite.leaderboard.sandbox.guest.harden import OOM_FIRST
from envsuite.leaderboard.sandbox.usage import MAX_FILES, MAX_MAPPINGS, MAX_OPEN_FILES, SOCKET_BYTES, Use
from envsuite.task import Budget

LOG_FLOOD = 10
"""So many times the log's size is a breach; what lies between is dropped."""
SELDOM = 8
"""Only every so many looks are mappings, open files and folders gone through, which take longer."""

SHARING = 8
"""So many times the budget may be resident with shared pages counted for every process that has them: telling
shared pages apart takes 25 ms for each GiB of that, in which more can be taken."""


class Watcher:
    """Looks at the processes below one and says in a sentence when they use more than their budget.

    Memory is what is resident or swapped out, with page tables, summed over the processes; only when that is
    too much is it counted with shared pages divided among those that share them (`Pss`). To it is added what
    pipes and sockets may hold in the kernel. What would make looking slow is a breach as well.
    """

    def __init__(
        self, budget: Budget, pid: int, own_depth: int = 0, folder: Path | None = None, inside: str | None = None
    ) -> None:
        """Takes the first process, how many levels below it are the sandbox's own, and a folder to measure.

        `inside` is for guests with namespaces of their own: the path at which they find their own file system.
        """
        self._budget, self._pid, self._own_depth = budget, pid, own_depth
        self._folder, self._inside = folder, inside
        self._looks = 0
        self._beside = 0
        """Bytes beside the processes' memory, as last seen."""
        self._ranked: set[int] = set()
        self._unmeasured: set[int] = set()
        """Inodes of deleted files that were mapped and open nowhere, as last seen."""

    def look(self) -> str | None:
        """Returns which part of the budget is exceeded, None where none is."""
        pids = [pid for pid, depth in descendants(self._pid) if depth > self._own_depth]
        uses = [found for pid in pids if (found := usage.use(pid)) is not None]
        threads = sum(found.threads for found in uses)
        if threads > self._budget.processes:
            return f"it had {threads} processes and threads, at most {self._budget.processes} are allowed"
        closely = self._looks % SELDOM == 0
        self._looks += 1
        self._rank_first([pid for pid in pids if pid not in self._ranked])
        if closely and (breach := self._look_closely([found.place for found in uses])):
            return breach
        return self._memory(uses)

    def _memory(self, uses: Sequence[Use]) -> str | None:
        """Returns a breach by memory, which is counted exactly where that matters."""
        beside, limit = self._beside + sum(found.tables for found in uses), self._budget.memory_bytes
        memory = sum(found.memory for found in uses)
        if memory > SHARING * limit:
            return f"it used {memory:,} bytes of memory, shared ones counted more than once: too much to look at"
        if beside + memory > limit:
            memory = sum(map(usage.proportional, uses))
        if beside + memory > limit:
            return f"it used {beside + memory:,} bytes of memory, at most {limit:,} are allowed"
        return None

    def _rank_first(self, pids: Sequence[int]) -> None:
        """Has the kernel end these first when the machine runs out of memory.

        They cannot take it back: neither sandbox lets them write to /proc.
        """
        for pid in pids:
            with contextlib.suppress(OSError):
                descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY)
                try:
                    os.write(descriptor, OOM_FIRST.encode())
                finally:
                    os.close(descriptor)
        self._ranked.update(pids)

    def _look_closely(self, places: Sequence[str]) -> str | None:
        """Returns a breach by mappings, open files or disk; remembers what memory lies beside the processes'."""
        lists, opened = usage.mappings(places), usage.open_files(places)
        if lists is None:
            return f"it had more than {MAX_MAPPINGS:,} mappings of memory, or too long a list of them to look at"
        if opened is None:
            return f"it had more than {MAX_OPEN_FILES:,} open files"
        self._beside = sum(opened.buffers.values()) + usage.shared(lists)
        if self._inside is not None and places:
            self._beside += usage.sockets(places[0]) * SOCKET_BYTES
            if usage.files_inside(places[0], self._inside) > MAX_FILES:
                return f"it made more than {MAX_FILES:,} files"
        return None if self._folder is None else self._disk(self._folder, lists, opened)

    def _disk(self, folder: Path, lists: Sequence[bytes], opened: usage.Open) -> str | None:
        """Returns a breach of the disk's size; deleted files count for as long as a process holds them."""
        size, files = usage.size(folder)
        size += sum(opened.deleted.values())
        if size > self._budget.disk_bytes:
            return f"it wrote {size:,} bytes of files, at most {self._budget.disk_bytes:,} are allowed"
        if files > MAX_FILES:
            return f"it made more than {MAX_FILES:,} files"
        before, known = self._unmeasured, {inode for _, inode in opened.deleted}
        self._unmeasured = usage.mapped_and_deleted(lists, folder) - known
        if before & self._unmeasured:  # twice: it may be about to unmap what it has just closed
            return "it keeps a deleted file mapped that it has closed, so that nobody can measure it"
        return None
