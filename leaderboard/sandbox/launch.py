"""Starts a guest for every provider, keeps it in a thread of its own, and ends it with all that it has forked."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envsuite.errors import SandboxUnavailable
from envsuite.leaderboard.sandbox.base import Enforced, Request
from envsuite.leaderboard.sandbox.guest.guardian import children, kill_below
from envsuite.leaderboard.sandbox.interpreter import this_interpreter
from envsuite.leaderboard.sandbox.watch import LOG_FLOOD, Watcher

BOOTSTRAP = """\
import json, os, sys
config = json.loads(sys.argv.pop())
sys.path.insert(0, config["sandbox"])
import guest.harden
guest.harden.harden(config)
if not config["entry_point"]:
    os.write(4, b"ready")
    sys.exit()
import guest.paths
guest.paths.extend(config["sites"], config["mapped"])
import guest.main
sys.path.remove(config["sandbox"])
sys.path[:0] = config["packages"]
guest.main.main(config["bundle"], config["entry_point"])
"""
"""What the guest's Python is told to run: nothing of the submission or its packages before it is hardened."""

INTERVAL_S = 0.025
"""How often a guest's use is looked at: a process that fills memory at 4 GB/s gets 100 MB further."""
CHUNK = 1 << 16
END_S = 10.0
"""How long the death of killed processes may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a provider wants a guest to be started."""

    request: Request
    enforced: Enforced
    config: Mapping[str, Any] = field(default_factory=dict)
    """What `guest.harden` is told beside the paths."""
    wrapper: Callable[[Sequence[int]], Sequence[str]] = lambda _descriptors: ()
    """Descriptors of `data` -> the command that goes ahead of Python's."""
    data: Sequence[bytes] = ()
    """Contents of pipes that the wrapper reads, each at most 64 KiB."""
    enter: Callable[[], None] | None = None
    """Called in the thread that starts the process, before: changes of its mount namespace."""
    uid: int | None = None
    """The user and group that the process becomes; None leaves both."""
    bundle: str | None = None
    """Where the bundle lies inside; None where it lies outside."""
    environment: Mapping[str, str] = field(default_factory=dict)
    own_depth: int = 0
    """Levels of processes below the first that are the sandbox's own."""
    watched: bool = True
    """Whether more than the budget ends it."""
    folder: Path | None = None
    """Private folder of the guest, watched for its size and removed in the end."""
    inside: str | None = None
    """Where the guest finds its own file system, if it has namespaces of its own; watched for its number of files."""
    clean_up: Callable[[], None] | None = None
    """Called by `stop`, outside of what `enter` has made, when every process has ended."""


class RunningGuest:
    """A guest and the thread that started it, drains its log, watches its use and waits for its end.

    One thread does all of it because the kernel sends the signal of `PR_SET_PDEATHSIG` when the thread that
    forked ends, not the process; and because a mount namespace belongs to a thread.
    """

    def __init__(self, launch: Launch) -> None:
        self.enforced = launch.enforced
        self.pid = 0
        self._launch = launch
        self._log = bytearray()
        self._logged = 0
        self._breach: str | None = None
        self._exit_code: int | None = None
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._stopping = False
        self._owner = os.getpid()
        self._lock = threading.Lock()
        requests, self.to_guest = os.pipe()
        self.from_guest, answers = os.pipe()
        self._log_end, log = os.pipe()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        for descriptor in (self.to_guest, self.from_guest, self._log_end):
            os.set_blocking(descriptor, False)
        self._theirs = [requests, answers, log]
        name = f"sandbox of {launch.request.bundle.name}"
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)
        self._thread.start()
        self._raise_if_not_started()

    def _raise_if_not_started(self) -> None:
        self._started.wait()
        if self._error is not None:
            self.stop()
            name = self.enforced.provider
            raise SandboxUnavailable(f"sandbox: {name} could not start: {self._error}") from self._error

    def breach(self) -> str | None:
        """Returns in a sentence which part of the budget was exceeded, None where none was."""
        return self._breach

    def log(self) -> str:
        """Returns what the agent has printed so far, at most `budget.log_bytes`; undecodable bytes replaced."""
        return bytes(self._log).decode(errors="replace")

    def exit_code(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        return self._exit_code

    def stop(self) -> None:
        """Kills every process of the sandbox, frees descriptors and folders; may be called twice."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
        if os.getpid() == self._owner:  # a fork of the host has the descriptors, but not the thread
            os.eventfd_write(self._wake, 1)
            self._thread.join()
            if self._launch.clean_up is not None:
                self._launch.clean_up()
        for descriptor in (self.to_guest, self.from_guest, self._wake):
            os.close(descriptor)

    def _keep(self) -> None:
        """Starts the process and stays with it to its end."""
        try:
            process = self._start()
        except Exception as error:  # noqa: BLE001  # handed to the thread that waits for the start
            self._error = error
            self._finish()
            return
        finally:
            for descriptor in self._theirs:
                os.close(descriptor)
        self.pid = process.pid
        self._started.set()
        try:
            self._watch(process)
        except Exception as error:  # noqa: BLE001  # an agent that nobody watches may not go on
            self._breach = f"the watcher failed: {type(error).__name__}: {error}"
        finally:
            try:
                end(process)
                self._drain(everything=True)
            except TimeoutError as error:
                self._breach = str(error)
            self._exit_code = _code(
                -signal.SIGKILL if process.returncode is None else process.returncode, self._launch.own_depth
            )
            self._finish()

    def _start(self) -> subprocess.Popen[bytes]:
        """Returns the started process."""
        launch = self._launch
        if launch.enter is not None:
            launch.enter()
        data = [_filled_pipe(content) for content in launch.data]
        try:
            become, who = _become(launch.uid)
            requests, answers, log = self._theirs
            return subprocess.Popen(
                [*become, *launch.wrapper(data), *_python(launch, requests, answers)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(requests, answers, *data),
                env=dict(launch.environment),
                cwd="/",
                start_new_session=True,
                **who,
            )
        finally:
            for descriptor in data:
                os.close(descriptor)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Returns when the process has ended, is to be stopped, or has used more than its budget."""
        launch = self._launch
        watcher = Watcher(launch.request.budget, process.pid, launch.own_depth, launch.folder, launch.inside)
        poll = select.poll()
        exited = os.pidfd_open(process.pid)
        try:
            for descriptor in (self._log_end, self._wake, exited):
                poll.register(descriptor, select.POLLIN)
            next_look = time.monotonic()
            while True:
                events = dict(poll.poll(max(0.0, next_look - time.monotonic()) * 1000))
                if self._log_end in events and not self._drain():
                    poll.unregister(self._log_end)
                if launch.watched and time.monotonic() >= next_look:
                    self._breach = self._flooded() or watcher.look()
                if self._breach is not None or exited in events or self._wake in events:
                    return
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + INTERVAL_S
        finally:
            os.close(exited)

    def _drain(self, everything: bool = False) -> bool:
        """Takes from the log's pipe what is there, once or until it is empty; returns False at its end."""
        limit = self._launch.request.budget.log_bytes
        while True:
            try:
                data = os.read(self._log_end, CHUNK)
            except BlockingIOError:
                return True
            self._logged += len(data)
            self._log += data[: max(0, limit - len(self._log))]
            if not data or not everything:
                return bool(data)

    def _flooded(self) -> str | None:
        limit = LOG_FLOOD * self._launch.request.budget.log_bytes
        return f"it printed {self._logged:,} bytes, at most {limit:,} are allowed" if self._logged > limit else None

    def _finish(self) -> None:
        os.close(self._log_end)
        self._started.set()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills a process and all below it and waits until none is left; raises TimeoutError where one stays."""
    deadline = time.monotonic() + END_S
    kill_below(process.pid)
    while process.poll() is None:
        # Killed last: a namespace's first process takes all others with it, a guardian has adopted the orphans.
        if not children(process.pid):
            process.kill()
        else:
            kill_below(process.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.002)
        if time.monotonic() > deadline:
            process.kill()
            raise TimeoutError(f"process {process.pid} of a sandbox could not be ended within {END_S:g} s")


def _become(uid: int | None) -> tuple[list[str], dict[str, Any]]:
    """Returns the command, or else the options of Popen, that make a process another user.

    The program, because with the options Popen forks where it else uses vfork: 40 ms more for a host of 1 GiB.
    """
    if uid is None:
        return [], {}
    program = shutil.which("setpriv")
    if program is None:
        return [], {"user": uid, "group": uid, "extra_groups": []}
    return [program, f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"], {}


def _python(launch: Launch, requests: int, answers: int) -> list[str]:
    """Returns the command that runs the guest."""
    here, request = this_interpreter(), launch.request
    config = {
        "pipes": [requests, answers],
        "bundle": launch.bundle or str(request.bundle.absolute()),
        "entry_point": request.entry_point,
        "packages": [str(folder.absolute()) for folder in request.packages],
        "sites": here.sites,
        "mapped": dict(here.mapped),
        "sandbox": str(here.sandbox),
        **launch.config,
    }
    return [here.executable, "-I", "-S", "-c", BOOTSTRAP, json.dumps(config)]


def _filled_pipe(content: bytes) -> int:
    """Returns the read end of a pipe that holds `content` and nothing more."""
    reader, writer = os.pipe()
    try:
        if os.write(writer, content) != len(content):
            raise OSError(errno.EMSGSIZE, "more than a pipe holds")
    finally:
        os.close(writer)
    return reader


def _code(code: int, own_depth: int) -> int:
    """Returns a process's exit code; a wrapper passes on a signal as 128 and its number, as shells do."""
    if own_depth and 128 < code <= 128 + signal.SIGRTMAX:
        return 128 - code
    return code
