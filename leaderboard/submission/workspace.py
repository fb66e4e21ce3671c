"""Temporary folders of bundles, and the removal of those whose process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "envsuite-bundle-"
_YOUNG_S = 60.0
"""Age below which a folder is left alone: it may not have its lock yet."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A temporary folder that belongs to this process."""

    folder: Path
    _lock: int

    @classmethod
    def claim(cls) -> Workspace:
        """Returns a new empty folder; removes those that killed processes of this user have left."""
        sweep()
        home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (home / "files").mkdir()
        return cls(home / "files", lock)

    def release(self) -> None:
        """Removes the folder; may be called twice."""
        if self.folder.exists():
            shutil.rmtree(self.folder.parent, ignore_errors=True)
            os.close(self._lock)


def sweep() -> None:
    """Removes temporary folders of this user that no process holds any more."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # held by its process, or removed by another one meanwhile
            status = home.lstat()
            mine = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if not mine or time.time() - status.st_mtime < _YOUNG_S:
                continue
            lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(home, ignore_errors=True)
            finally:
                os.close(lock)
