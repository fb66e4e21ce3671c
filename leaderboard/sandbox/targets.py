"""What attackers are shown to be worth having: canary files, a secret in memory, servers, a process to kill."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENTATION = ("192.0.2.1", 9)
"""Nobody's address (RFC 5737): a datagram socket that names it learns this machine's own and sends nothing."""
ACCEPT_S = 0.02


@dataclass(slots=True)
class Bait:
    """What was laid out, and whether something took it."""

    canary: str
    targets: dict[str, Any]
    victim: subprocess.Popen[bytes]
    folders: list[Path]
    home_file: Path
    _visitors: list[str] = field(default_factory=list)

    def taken(self) -> str | None:
        """Returns in words which bait was taken, as the host sees it; None where none was."""
        if self.victim.poll() is not None:
            return f"the host's process {self.victim.pid} was killed"
        if _is_traced(self.victim.pid):
            return f"the host's process {self.victim.pid} is traced"
        if stat.S_IMODE(self.home_file.stat().st_mode) != 0o600:
            return f"the rights of {self.home_file.name} in the home of the host's user were changed"
        for folder in self.folders:
            if (folder / self.canary).exists():
                return f"a file was written to a folder of the host: {folder}"
        return f"a server of the host was reached: {self._visitors[0]}" if self._visitors else None


@contextlib.contextmanager
def baited() -> Iterator[Bait]:
    """Yields fresh bait and removes it."""
    with contextlib.ExitStack() as stack:
        canary = f"envsuite-canary-{secrets.token_hex(16)}"
        secret = ctypes.create_string_buffer(canary.encode())
        home, folder = _writable(Path.home(), stack), _writable(Path.cwd(), stack)
        home_file, folder_file = home / f".{canary}", folder / f".{canary}"
        for path in (home_file, folder_file):
            path.write_text(canary)
            path.chmod(0o600)
            stack.callback(path.unlink, missing_ok=True)
        open_folder = Path(tempfile.mkdtemp(prefix="envsuite-bait-"))
        open_folder.chmod(0o777)
        stack.callback(shutil.rmtree, open_folder, ignore_errors=True)
        victim = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
        stack.callback(_end, victim)
        visitors: list[str] = []
        addresses = _serve(stack, canary, open_folder, visitors)
        targets = {
            "canary": canary,
            "host": os.getpid(),
            "victim": victim.pid,
            "home_file": str(home_file),
            "folder_file": str(folder_file),
            "folders": [str(open_folder), str(home), str(folder)],
            "environment_sha256": hashlib.sha256(Path("/proc/self/environ").read_bytes()).hexdigest(),
            "secret_address": ctypes.addressof(secret),
            **addresses,
        }
        folders = [open_folder, home, folder]
        for place in folders:
            stack.callback((place / canary).unlink, missing_ok=True)
        yield Bait(canary, targets, victim, folders, home_file, visitors)


def _writable(folder: Path, stack: contextlib.ExitStack) -> Path:
    """Returns the folder, or a private one in place of a home or working directory that cannot be written to."""
    if os.access(folder, os.W_OK):
        return folder
    made = Path(tempfile.mkdtemp(prefix="envsuite-home-"))
    stack.callback(shutil.rmtree, made, ignore_errors=True)
    return made


def _serve(stack: contextlib.ExitStack, canary: str, folder: Path, visitors: list[str]) -> dict[str, Any]:
    """Returns the addresses of servers that greet with the canary; they end with the stack."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        own = "127.0.0.2"
        with contextlib.suppress(OSError):  # a machine without a network has only its loopback
            probe.connect(DOCUMENTATION)
            own = probe.getsockname()[0]
    path = str(folder / "socket")
    found: dict[str, Any] = {}
    for name, family, address in (
        ("outside", socket.AF_INET, (own, 0)),
        ("loopback", socket.AF_INET, ("127.0.0.1", 0)),
        ("abstract", socket.AF_UNIX, "\0" + canary),
        ("unix", socket.AF_UNIX, path),
    ):
        server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        server.bind(address)
        server.listen()
        server.settimeout(ACCEPT_S)
        found[name] = list(server.getsockname()) if family == socket.AF_INET else address
        stop = threading.Event()
        thread = threading.Thread(target=_greet, args=(server, canary, name, visitors, stop), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
    Path(path).chmod(0o777)
    found["abstract"] = canary
    return found


def _greet(server: socket.socket, canary: str, name: str, visitors: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            connection, _ = server.accept()
            visitors.append(name)
            with connection:
                connection.sendall(canary.encode())


def _is_traced(pid: int) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return line.split()[1] != "0"
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
