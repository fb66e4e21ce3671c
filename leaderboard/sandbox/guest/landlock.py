"""Landlock by its three system calls: what a process and its children may still do with files, sockets, signals.

Constants and the meaning of the versions: linux/landlock.h and Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""The same numbers on every architecture."""
CREATE_RULESET_VERSION = 1
PATH_BENEATH = 1
READ_FILE, READ_DIR, EXECUTE, WRITE_FILE, TRUNCATE = 1 << 2, 1 << 3, 1 << 0, 1 << 1, 1 << 14
FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Version -> how many rights over files it knows; later ones know as many as 5."""
MAKE_DEVICES = 1 << 6 | 1 << 11
NET_BITS = 0b11
"""Binding and connecting TCP; from version 4."""
SCOPE_BITS = 0b11
"""Abstract Unix sockets and signals; from version 6."""
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | 1 << 15
"""The rights that a rule for a single file may name."""


def version() -> int:
    """Returns the version of Landlock that this kernel enforces, 0 where it has none."""
    if sys.platform != "linux":
        return 0
    found = ctypes.CDLL(None, use_errno=True).syscall(CREATE_RULESET, None, 0, CREATE_RULESET_VERSION)
    return max(0, int(found))


def restrict(abi: int, read: Sequence[str], write: Sequence[str], devices: Sequence[str]) -> None:
    """Denies this process everything but reading below `read` and all below `write`, as version `abi` can.

    `devices` may be read and written but neither made nor removed. Paths that do not exist are left out.
    Raises OSError where the kernel refuses; `no_new_privs` must have been set.
    """
    files = (1 << FS_BITS[min(abi, 5)]) - 1
    attribute = struct.pack("=QQQ", files, NET_BITS if abi >= 4 else 0, SCOPE_BITS if abi >= 6 else 0)[
        : 24 if abi >= 6 else 16 if abi >= 4 else 8
    ]
    ruleset = _call(CREATE_RULESET, attribute, len(attribute), 0)
    try:
        for paths, rights in (
            (read, READ_FILE | READ_DIR | EXECUTE),
            (write, files & ~MAKE_DEVICES),
            (devices, READ_FILE | WRITE_FILE),
        ):
            for path in paths:
                _allow(ruleset, path, rights & files)
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112  # pathlib is not loaded yet
            rights &= ON_FILES
        _call(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes) -> int:
    """Returns what a system call returns; raises OSError where it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    boxed = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *boxed))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock call {number}: {os.strerror(code)} ({errno.errorcode.get(code, code)})")
    return result
