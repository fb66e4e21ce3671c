"""The provider `landlock`: for machines that forbid user namespaces. Needs no program and no privilege."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.sandbox import seccomp
from envsuite.leaderboard.sandbox.base import Enforced, Guest, Probe, Request
from envsuite.leaderboard.sandbox.common import NICE, describe_limits, environment, limits, needed_paths, try_out
from envsuite.leaderboard.sandbox.guest.landlock import version
from envsuite.leaderboard.sandbox.identity import Identity, identity
from envsuite.leaderboard.sandbox.interpreter import LOADER, SYSTEM
from envsuite.leaderboard.sandbox.launch import Launch, RunningGuest

NEWEST = 7
"""The last version whose meaning is known here; a newer kernel is asked for this one."""
DEVICES = ("/dev/null", "/dev/full", "/dev/random", "/dev/urandom")
"""Not /dev/zero: a shared mapping of it is memory that nobody could count."""
OF_PROC = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory", "/proc/self")
"""What libraries read of /proc; the last is the agent's first process, and no other."""
ADVICE = "it needs Linux 5.13 or later with landlock in its list of security modules (/sys/kernel/security/lsm)"


class Landlock:
    """Runs guests that gave up files, sockets and signals, as the kernel's version of Landlock can."""

    name = "landlock"
    safe = True

    def __init__(self, newest: int = NEWEST) -> None:
        """Takes the newest version of Landlock that is used, lower than the kernel's to see what is left."""
        self._newest = newest

    def probe(self) -> Probe:
        """Returns whether Landlock works here, found out by starting a guest once."""
        return _probe(self._newest)

    def start(self, request: Request) -> Guest:
        """Returns a started guest; raises `SandboxUnavailable` where the kernel has no Landlock."""
        abi = min(version(), self._newest)
        if abi < 1:
            raise SandboxUnavailable(f"landlock: this kernel has none; {ADVICE}")
        needed = needed_paths(request)
        home = Path(tempfile.mkdtemp(prefix="envsuite-agent-"))
        try:
            return self._start(request, abi, needed, home)
        except BaseException:
            shutil.rmtree(home, ignore_errors=True)
            raise

    def _start(self, request: Request, abi: int, needed: list[Path], home: Path) -> Guest:
        budget, rules = request.budget, seccomp.build(namespaces=False, landlock_abi=abi)
        who = identity([*needed, home.parent], home, budget.disk_bytes)
        mounted = who.enter is not None
        config: dict[str, Any] = {
            "guardian": True,
            "limits": limits(budget, budget.processes + 1 + (_used() if who.uid is None else 0)),
            "nice": NICE,
            "oom_first": True,
            "landlock": {
                "abi": abi,
                "read": [str(path) for path in (*SYSTEM, *LOADER, *needed, *OF_PROC)],
                "write": [str(home)],
                "devices": DEVICES,
            },
            "seccomp": rules.hex(),
            "no_capabilities": who.root,
        }
        features = _features(abi, seccomp.fingerprint(rules), who, mounted, request)
        return RunningGuest(
            Launch(
                request=request,
                enforced=Enforced(provider=self.name, safe=True, features=features),
                config=config,
                enter=who.enter,
                uid=who.uid,
                environment=environment(str(home)),
                folder=None if mounted else home,
                clean_up=lambda: shutil.rmtree(home, ignore_errors=True),
            )
        )


@functools.cache
def _probe(newest: int) -> Probe:
    return try_out(Landlock(newest).start, Enforced(provider=Landlock.name, safe=True), ADVICE)


def _used() -> int:
    """Returns how many processes and threads this user has, which the kernel counts together with the guest's."""
    count, me = 0, os.getuid()
    for process in os.scandir("/proc"):
        if process.name.isdigit():
            try:
                if process.stat().st_uid == me:
                    count += sum(1 for _ in os.scandir(f"{process.path}/task"))
            except OSError:
                continue
    return count


def _features(abi: int, rules: str, who: Identity, mounted: bool, request: Request) -> dict[str, str]:
    """Returns what is enforced, by name, for the result, and what is not."""
    budget = request.budget
    disk = "a file system of its own" if mounted else "watched"
    signals = "refused outside of the sandbox" if abi >= 6 else "refused"
    alike = "" if who.uid is not None else ", which others of this user count towards"
    return {
        "files": f"landlock version {abi}: the system's programs and libraries, interpreter and bundle, read-only",
        "disk": f"{budget.disk_bytes} bytes in one private folder, {disk}",
        "network": "no sockets but connected pairs",
        "processes": f"signals {signals}; a guardian ends all with the first",
        "capabilities": "none, no new privileges",
        "user": who.text,
        "seccomp": rules,
        "limits": describe_limits(budget) + alike,
        "memory": f"watched, {budget.memory_bytes} bytes resident in all",
        "environment": "cleared",
        "not enforced": "existence, size and owner of any file can be asked; process numbers, host name are seen",
    }
