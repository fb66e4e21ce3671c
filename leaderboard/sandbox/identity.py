"""As which user a guest runs: as another one where the host is root, and how that user reaches what it needs."""

from __future__ import annotations

import ctypes
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from envsuite.errors import InvalidArgument
from envsuite.leaderboard.sandbox.usage import MAX_FILES

FIRST_UID, UIDS = 0x7000_0000, 1 << 24
"""Users that no distribution hands out; a guest takes one at random, so that guests share no count of processes."""
NOBODY = 65534
CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV = 1 << 12, 1 << 14, 1 << 18, 2, 4
CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 6, 7, 21
FOR_OTHERS = stat.S_IROTH | stat.S_IXOTH

Covers = dict[Path, dict[Path, bool]]
"""Folders that are closed to others -> what is shown in them: a path -> the real one (True) or an empty folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a guest is to the kernel."""

    uid: int | None
    """User and group to become; None leaves the caller's."""
    enter: Callable[[], None] | None
    """Makes, in the thread that calls it, every needed folder reachable for that user; None where they are."""
    text: str
    """For the record of what is enforced."""
    root: bool = False
    """Whether the guest would be root."""


def identity(needed: Sequence[Path], private: Path | None = None, private_bytes: int = 0) -> Identity:
    """Returns who a guest will be that reads `needed`.

    Only a host that is root can choose. Folders in places that are closed to others (a home of mode 0700) are
    shown to the guest alone, in a mount namespace of the thread that starts it; `private` becomes a file system
    of `private_bytes` there, the guest's own. Without the right to mount, another user is taken only when it
    can reach everything.
    """
    if os.geteuid() != 0:
        return Identity(uid=None, enter=None, text=f"the caller's, {os.getuid()}, without privileges")
    covers = _covers(needed)
    if not (has_capability(CAP_SETUID) and has_capability(CAP_SETGID)):
        return Identity(
            uid=None, enter=None, text="root without capabilities: the host may not change users", root=True
        )
    uid = _free_uid()
    if has_capability(CAP_SYS_ADMIN):
        return Identity(
            uid=uid, enter=lambda: _enter(covers, private, private_bytes, uid), text="one of its own, not root"
        )
    if covers:
        text = f"root without capabilities: the host may not mount and others cannot reach {next(iter(covers))}"
        return Identity(uid=None, enter=None, text=text, root=True)
    if private is not None:
        os.chown(private, uid, uid)
    return Identity(uid=uid, enter=None, text="one of its own, not root")


def check_readable(folder: Path) -> None:
    """Raises `InvalidArgument` where the host is root and a file is closed to the user that the guest becomes."""
    if os.geteuid() != 0:
        return
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        wanted = FOR_OTHERS if stat.S_ISDIR(mode) else stat.S_IROTH
        if not stat.S_ISLNK(mode) and mode & wanted != wanted:
            raise InvalidArgument(
                f"bundle: expected files that everybody may read, since its agent does not run as root, got mode "
                f"{stat.S_IMODE(mode):04o} of {path}; run `chmod -R a+rX {folder}`"
            )


def has_capability(number: int) -> bool:
    """Returns whether this process may do what the capability allows."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def _free_uid() -> int:
    """Returns a user number that nobody has; nobody's own where this user namespace has no high ones."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= FIRST_UID and first + count >= FIRST_UID + UIDS:
            return FIRST_UID + secrets.randbelow(UIDS)
    return NOBODY


def _covers(needed: Iterable[Path]) -> Covers:
    """Returns the outermost folders that are closed to others -> what is to be shown in each."""
    covers: Covers = {}
    for path in needed:
        open_bits = FOR_OTHERS if path.is_dir() else stat.S_IROTH
        is_open = path.stat().st_mode & open_bits == open_bits
        closed = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & stat.S_IXOTH]
        if closed or not is_open:
            shown = covers.setdefault(closed[0] if closed else path, {})
            shown[path] = is_open
            if not is_open:
                shown.update((child, True) for child in sorted(path.iterdir()))
    return covers


def _enter(covers: Covers, private: Path | None, private_bytes: int, uid: int) -> None:
    """Gives the calling thread mounts of its own, in which each cover holds what is needed of it and no more."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.unshare(CLONE_NEWNS), "unshare mounts")
    os.umask(0o022)  # this thread's, which has left the others' with its mounts
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    held = {path: os.open(path, os.O_PATH) for shown in covers.values() for path, bound in shown.items() if bound}
    try:
        if private is not None:
            _tmpfs(libc, private, f"mode=0700,uid={uid},gid={uid},size={private_bytes},nr_inodes={MAX_FILES}")
            held[private] = os.open(private, os.O_PATH)
        for cover, shown in covers.items():
            _tmpfs(libc, cover, "mode=0755,size=1m")
            inside = [private] if private is not None and private.is_relative_to(cover) else []
            for path in [*shown, *inside]:
                if path in held:
                    _bind(libc, held[path], path)
                else:
                    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    finally:
        for descriptor in held.values():
            os.close(descriptor)


def _tmpfs(libc: ctypes.CDLL, folder: Path, options: str) -> None:
    result = libc.mount(b"envsuite", os.fsencode(folder), b"tmpfs", MS_NOSUID | MS_NODEV, options.encode())
    _check(result, f"mount a file system at {folder}")


def _bind(libc: ctypes.CDLL, descriptor: int, path: Path) -> None:
    """Shows an open file or folder at a path that is made for it."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    source = b"/proc/self/fd/%d" % descriptor
    _check(libc.mount(source, os.fsencode(path), None, MS_BIND | MS_REC, None), f"show {path}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
