"""The provider `bubblewrap`: every namespace of Linux, set up by the program bwrap."""

from __future__ import annotations

import functools
import shutil

from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.sandbox import seccomp
from envsuite.leaderboard.sandbox.base import Enforced, Guest, Probe, Request
from envsuite.leaderboard.sandbox.common import NICE, describe_limits, environment, limits, needed_paths, try_out
from envsuite.leaderboard.sandbox.identity import NOBODY, identity
from envsuite.leaderboard.sandbox.interpreter import LOADER, SYSTEM, this_interpreter
from envsuite.leaderboard.sandbox.launch import Launch, RunningGuest

BUNDLE, HOME = "/agent", "/tmp"  # noqa: S108  # inside, where nobody else is
OWN_DEPTH = 1
"""The first process waits outside, its child is the first one inside; below are the agent's."""
OWN_INSIDE = 2
"""Processes of bwrap that the kernel counts among the guest user's."""
ADVICE = (
    "install version 0.8 or later with `apt-get install bubblewrap`; where user namespaces are forbidden, allow them "
    "(sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces>0, "
    "kernel.apparmor_restrict_unprivileged_userns=0; in a container: its seccomp profile) or use landlock"
)


class Bubblewrap:
    """Runs guests in namespaces of their own: no network, no other process, a read-only system, a private /tmp."""

    name = "bubblewrap"
    safe = True

    def probe(self) -> Probe:
        """Returns whether bwrap works here, found out by starting it once."""
        return _probe()

    def start(self, request: Request) -> Guest:
        """Returns a started guest; raises `SandboxUnavailable` where there is no bwrap or it cannot run."""
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxUnavailable(f"bubblewrap: bwrap is not on the PATH; {ADVICE}")
        needed = needed_paths(request)
        who = identity(needed)
        if who.root:
            raise SandboxUnavailable(f"bubblewrap: the guest would be {who.text}; run as an ordinary user")
        budget, rules = request.budget, seccomp.build(namespaces=True)
        features = _features(seccomp.fingerprint(rules), who.text, request)
        return RunningGuest(
            Launch(
                request=request,
                enforced=Enforced(provider=self.name, safe=True, features=features),
                config={"limits": limits(budget, budget.processes + OWN_INSIDE), "nice": NICE},
                wrapper=lambda descriptors: _command(program, request, descriptors[0]),
                data=[rules],
                enter=who.enter,
                uid=who.uid,
                bundle=BUNDLE,
                environment=environment(HOME),
                own_depth=OWN_DEPTH,
                inside=HOME,
            )
        )


@functools.cache
def _probe() -> Probe:
    return try_out(Bubblewrap().start, Enforced(provider=Bubblewrap.name, safe=True), ADVICE)


def _command(program: str, request: Request, rules: int) -> list[str]:
    """Returns bwrap's part of the command; `rules` is the descriptor of the seccomp program."""
    folders = [argument for path in this_interpreter().folders for argument in ("--ro-bind", str(path), str(path))]
    packages = [
        argument for path in request.packages for argument in ("--ro-bind", str(path.resolve()), str(path.absolute()))
    ]
    return [
        program,
        *(
            "--unshare-all",
            "--unshare-user",
            "--unshare-cgroup",
            "--disable-userns",
            "--die-with-parent",
            "--new-session",
        ),
        *("--cap-drop", "ALL", "--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"),
        *_system(),
        *("--size", str(request.budget.disk_bytes), "--tmpfs", HOME),
        *folders,
        *packages,
        *("--ro-bind", str(request.bundle.resolve()), BUNDLE),
        # The same zeros, but they cannot be mapped: a shared mapping of them is memory that nobody could count.
        *("--proc", "/proc", "--dev", "/dev", "--dev-bind", "/dev/full", "/dev/zero"),
        *("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/"),
        *("--chdir", BUNDLE, "--seccomp", str(rules), "--"),
    ]


@functools.cache
def _system() -> tuple[str, ...]:
    """Returns the options that show the system's programs and libraries, links as links."""
    options: list[str] = []
    for path in SYSTEM:
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    for path in LOADER:
        options += ["--ro-bind-try", str(path), str(path)]
    return tuple(options)


def _features(rules: str, who: str, request: Request) -> dict[str, str]:
    """Returns what is enforced, by name, for the result."""
    budget = request.budget
    return {
        "files": "the system's programs and libraries, the interpreter and the bundle, read-only; nothing else of /etc",
        "disk": f"tmpfs of {budget.disk_bytes} bytes at /tmp, the only place that can be written to",
        "network": "no interface but a loopback of its own",
        "processes": "a process namespace of its own; all die with the first",
        "namespaces": "mount, pid, net, ipc, uts, user, cgroup; no more can be made",
        "capabilities": "none, no new privileges",
        "user": f"{NOBODY} inside; outside: {who}",
        "seccomp": rules,
        "limits": describe_limits(budget),
        "memory": f"watched, {budget.memory_bytes} bytes resident in all",
        "environment": "cleared",
    }
