"""Crew: worker processes that are started again when they die, and end with the process that has started them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

END_S = 20.0
"""Seconds that a process may take to give its job back before it is killed."""
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 8.0
STEADY_S = 10.0
"""A process that has lived so long is started again at once when it dies."""
REFUSES = 2
"""Exit status of a process that cannot work here, whatever happens; it is not started again."""
_WATCH_S = 0.2


def _silent(line: str) -> None:
    """Says nothing."""


@dataclass(slots=True)
class _Member:
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    pause: float = field(default=FIRST_PAUSE_S)
    refused: bool = False


class Crew:
    """Keeps a process running for each of several commands; a context manager that ends them.

    Each is given `secret` as the first line of its standard input, which stays open: its end tells a process that
    this one is gone, even when it was killed (see `end_with_parent`).
    """

    def __init__(
        self,
        commands: Sequence[Sequence[str]],
        *,
        secret: str,
        environment: Mapping[str, str] | None = None,
        say: Callable[[str], None] = _silent,
    ) -> None:
        self._secret, self._say = secret, say
        self._environment = None if environment is None else dict(environment)
        self._members = [_Member(command) for command in commands]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)

    def __enter__(self) -> Crew:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that live."""
        processes = [member.process for member in self._members]
        return [process.pid for process in processes if process is not None and process.poll() is None]

    @property
    def all_refused(self) -> bool:
        """Whether every process has ended with `REFUSES`."""
        return bool(self._members) and all(member.refused for member in self._members)

    def start(self) -> None:
        """Starts the processes."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the processes: asks them to, waits `END_S` seconds, kills what is left. May be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        processes = [member.process for member in self._members if member.process is not None]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + END_S
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            _end(process)

    def _watch(self) -> None:
        while not self._stop.is_set():
            for member in self._members:
                self._look_after(member)
            self._stop.wait(_WATCH_S)

    def _look_after(self, member: _Member) -> None:
        now = time.monotonic()
        if member.process is not None:
            code = member.process.poll()
            if code is None:
                return
            _end(member.process)
            member.process = None
            member.refused = code == REFUSES
            member.pause = FIRST_PAUSE_S if now - member.started > STEADY_S else min(2 * member.pause, LAST_PAUSE_S)
            member.due = now + member.pause
            after = "it is not started again" if member.refused else f"another one starts in {member.pause:g} s"
            self._say(f"a worker process has ended with status {code}; {after}")
        if not member.refused and now >= member.due:
            member.process = self._spawn(member.command)
            member.started = now

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self._environment, start_new_session=True)
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.write(self._secret.encode() + b"\n")
                process.stdin.flush()
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.wait()


def worker_command(server: str, name: str, *options: str) -> list[str]:
    """Returns the command of a worker that is a member of a crew."""
    return [sys.executable, "-m", "envsuite.cli", "worker", "--server", server, "--name", name, "--embedded", *options]


def end_with_parent(on_end: Callable[[], None], *, grace_s: float = 5.0) -> str:
    """Returns the secret that a `Crew` gives this process, and ends the process when the crew's is gone.

    Then `on_end` is called; `grace_s` seconds later the process exits, whatever it is doing.
    """
    secret = b""
    while not secret.endswith(b"\n") and (byte := os.read(0, 1)):  # sys.stdin would hold a lock at the exit
        secret += byte

    def wait() -> None:
        while os.read(0, 4096):
            continue
        on_end()
        time.sleep(grace_s)
        os._exit(1)

    threading.Thread(target=wait, name="end with parent", daemon=True).start()
    return secret.decode().strip()
