# ruff: noqa: ARG001, S108  # every attack has one signature, and aims at the usual places
"""The escapes as an agent's code. `escapes.py` copies this file into a bundle as its `agent.py`.

Every attack takes a mapping of targets, which the host has made for it, returns in words what it has got hold
of, and raises where it was refused. None does harm: targets are canaries and throwaway processes, bombs stop at
the size that `targets` names. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import mmap
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from envsuite.leaderboard.sandbox.evasions import EVASIONS, MEGABYTE, SETTLE_S, Refused, Targets, checked
else:  # in a bundle, where that file lies beside this one
    from evasions import EVASIONS, MEGABYTE, SETTLE_S, Refused, Targets, checked

ANSWERS = 4
"""Descriptor of the pipe to the host."""
CONNECT_S = 2.0
CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x00020000
PTRACE_ATTACH = 16


def read_host_files(targets: Targets) -> str:
    """Reads the passwords of the host's users, or at least their names."""
    with contextlib.suppress(OSError):
        return f"read {len(Path('/etc/shadow').read_bytes())} bytes of /etc/shadow"
    return f"read {len(Path('/etc/passwd').read_bytes())} bytes of /etc/passwd"


def read_home(targets: Targets) -> str:
    """Reads a file in the home of the user who runs the host."""
    return _canary(Path(targets["home_file"]).read_text(), targets)


def read_folder_of_host(targets: Targets) -> str:
    """Reads a file in the host's working directory, by its path and through /proc."""
    with contextlib.suppress(OSError):
        return _canary((Path(f"/proc/{targets['host']}/cwd") / Path(targets["folder_file"]).name).read_text(), targets)
    return _canary(Path(targets["folder_file"]).read_text(), targets)


def read_environment(targets: Targets) -> str:
    """Reads the environment of the host's process."""
    data = Path(f"/proc/{targets['host']}/environ").read_bytes()
    if hashlib.sha256(data).hexdigest() != targets["environment_sha256"]:
        raise Refused("that process is another one")
    return f"read {len(data)} bytes of the host's environment"


def read_memory(targets: Targets) -> str:
    """Reads a secret out of the host's memory."""
    with Path(f"/proc/{targets['host']}/mem").open("rb", buffering=0) as memory:
        memory.seek(targets["secret_address"])
        return _canary(memory.read(len(targets["canary"])).decode(errors="replace"), targets)


def read_memory_by_call(targets: Targets) -> str:
    """Reads a secret out of the host's memory with process_vm_readv."""
    length = len(targets["canary"])
    buffer = ctypes.create_string_buffer(length)
    local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), length)
    remote = (ctypes.c_void_p * 2)(targets["secret_address"], length)
    libc = ctypes.CDLL(None, use_errno=True)
    checked(libc.process_vm_readv(targets["host"], local, 1, remote, 1, 0) - length)
    return _canary(buffer.raw.decode(errors="replace"), targets)


def connect_out(targets: Targets) -> str:
    """Connects to an address of the machine's network."""
    return _greeting(socket.AF_INET, tuple(targets["outside"]), targets)


def connect_localhost(targets: Targets) -> str:
    """Connects to a server on the host's loopback interface."""
    return _greeting(socket.AF_INET, tuple(targets["loopback"]), targets)


def connect_abstract(targets: Targets) -> str:
    """Connects to a server on an abstract Unix socket."""
    return _greeting(socket.AF_UNIX, "\0" + targets["abstract"], targets)


def connect_unix(targets: Targets) -> str:
    """Connects to a server on a Unix socket in the host's file system."""
    return _greeting(socket.AF_UNIX, targets["unix"], targets)


def fork_bomb(targets: Targets) -> str:
    """Has more processes at once than the budget allows."""
    children: list[int] = []
    try:
        while len(children) < targets["forks"]:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
        time.sleep(SETTLE_S)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return f"had {len(children)} processes at once"


def thread_bomb(targets: Targets) -> str:
    """Has more threads at once than the budget allows."""
    done = threading.Event()
    threads = [threading.Thread(target=done.wait, daemon=True) for _ in range(targets["forks"])]
    try:
        for thread in threads:
            thread.start()
        time.sleep(SETTLE_S)
    finally:
        done.set()
    return f"had {len(threads)} threads at once"


def allocate(targets: Targets) -> str:
    """Fills more memory than the budget allows."""
    held = [bytearray(b"\1") * (16 * MEGABYTE) for _ in range(targets["memory"] // (16 * MEGABYTE))]
    time.sleep(SETTLE_S)
    return f"held {len(held) * 16} MiB of memory"


def allocate_hidden(targets: Targets) -> str:
    """Fills shared memory and lets go of its pages, so that they count as nobody's."""
    held, libc = [], ctypes.CDLL(None, use_errno=True)
    for _ in range(targets["memory"] // (64 * MEGABYTE)):
        block = mmap.mmap(-1, 64 * MEGABYTE)
        for page in range(0, len(block), mmap.PAGESIZE):
            block[page] = 1
        address = ctypes.addressof(ctypes.c_char.from_buffer(block))
        checked(libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(len(block)), mmap.MADV_DONTNEED))
        held.append(block)
    time.sleep(SETTLE_S)
    return f"held {len(held) * 64} MiB of shared memory outside of every process"


def allocate_files(targets: Targets) -> str:
    """Fills files without a name, which lie in memory."""
    held = []
    for _ in range(targets["memory"] // (16 * MEGABYTE)):
        held.append(os.memfd_create("bomb"))
        os.write(held[-1], bytes(16 * MEGABYTE))
    time.sleep(SETTLE_S)
    return f"held {len(held) * 16} MiB in files of memory"


def fill_disk(targets: Targets) -> str:
    """Writes more than the budget of disk."""
    return _fill(targets, keep_names=True)


def fill_disk_hidden(targets: Targets) -> str:
    """Writes more than the budget of disk into files whose names it has removed."""
    return _fill(targets, keep_names=False)


def write_outside(targets: Targets) -> str:
    """Writes where others can see it: beside the host's files, into the bundle, the interpreter, shared memory."""
    folders = [*targets["folders"], str(Path(__file__).parent), sys.prefix, "/dev/shm", "/dev", "/", "/var/tmp", "/usr"]
    errors, own = [], f"{tempfile.gettempdir()}/"
    for folder in folders:
        path = Path(folder) / targets["canary"]
        try:
            path.write_text("written")
        except OSError as error:
            errors.append(f"{folder}: {error.strerror}")
            continue
        if not str(path).startswith(own):
            return f"wrote {path}"
        # Its own /tmp may have folders named like the host's; whether it is the host's, the bait tells.
        errors.append(f"{folder}: written to its own temporary folder")
    raise Refused("; ".join(dict.fromkeys(errors)))


def change_rights(targets: Targets) -> str:
    """Opens a file of the host to everybody."""
    Path(targets["home_file"]).chmod(0o666)
    return "changed the rights of a file in the home of the host's user"


def trace(targets: Targets) -> str:
    """Takes control of a process of the host with ptrace."""
    libc = ctypes.CDLL(None, use_errno=True)
    checked(libc.ptrace(PTRACE_ATTACH, targets["victim"], None, None))
    return f"traces process {targets['victim']}"


def nest_namespaces(targets: Targets) -> str:
    """Makes a user namespace, in which it would be root, and mounts in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        result = libc.unshare(CLONE_NEWUSER | CLONE_NEWNS)
        os._exit(0 if result == 0 else ctypes.get_errno())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != 0:
        raise OSError(code, os.strerror(code))
    return "made namespaces of its own"


def signal_parent(targets: Targets) -> str:
    """Kills a process of the host."""
    os.kill(targets["victim"], signal.SIGKILL)
    return f"killed process {targets['victim']}"


def limit_parent(targets: Targets) -> str:
    """Sets a limit of resources for a process of the host."""
    import resource

    resource.prlimit(targets["victim"], resource.RLIMIT_NOFILE, (3, 3))
    return f"limited process {targets['victim']}"


def oversize_frame(targets: Targets) -> str:
    """Answers with more bytes than a frame may have."""
    size = targets["frame"]
    _send(struct.pack("<I", size))
    for _ in range(size // MEGABYTE):
        _send(bytes(MEGABYTE))
    raise Refused("the host took it and went on")


def garbage_frame(targets: Targets) -> str:
    """Answers with bytes that are no value."""
    _send(struct.pack("<I", 6) + b"\xc1\xff\xc1\xff\xc1\xff")
    raise Refused("the host took it and went on")


def stall(targets: Targets) -> str:
    """Does not answer."""
    time.sleep(targets["stall_s"])
    return f"kept the host waiting for {targets['stall_s']:g} s"


def flood_log(targets: Targets) -> str:
    """Prints more than a log may have."""
    line = b"spam" * 1024 + b"\n"
    for _ in range(targets["log"] // len(line)):
        os.write(1, line)
    time.sleep(SETTLE_S)
    return f"printed {targets['log'] // MEGABYTE} MiB and went on"


ATTACKS: Mapping[str, Callable[[Targets], str]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        read_host_files,
        read_home,
        read_folder_of_host,
        read_environment,
        read_memory,
        read_memory_by_call,
        connect_out,
        connect_localhost,
        connect_abstract,
        connect_unix,
        fork_bomb,
        thread_bomb,
        allocate,
        allocate_hidden,
        allocate_files,
        fill_disk,
        fill_disk_hidden,
        write_outside,
        change_rights,
        trace,
        nest_namespaces,
        signal_parent,
        limit_parent,
        oversize_frame,
        garbage_frame,
        stall,
        flood_log,
    )
} | dict(EVASIONS)
"""Every attack by name."""


class Attacker:
    """An agent whose answer tells whether its attack got through, and how."""

    def __init__(self, attack: Callable[[Targets], str], targets: Targets) -> None:
        self._attack, self._targets = attack, targets

    def reset(self, seed: int) -> None:
        """Does nothing: an attacker that could not even be made would prove nothing."""

    def act(self, observation: Any) -> dict[str, Any]:
        """Returns whether the attack succeeded, and in words how or why not."""
        try:
            return {"succeeded": True, "how": self._attack(self._targets)}
        except (Exception, MemoryError) as error:  # noqa: BLE001  # however it was refused is what is to be told
            return {"succeeded": False, "how": f"{type(error).__name__}: {error}"[:300]}


def make_agent(task: Any) -> Attacker:
    """Returns the attacker that `attack.json` beside this file describes."""
    order = json.loads((Path(__file__).parent / "attack.json").read_text())
    return Attacker(ATTACKS[order["attack"]], order["targets"])


def _canary(text: str, targets: Targets) -> str:
    """Returns that a secret was read; raises `Refused` for another text."""
    if targets["canary"] not in text:
        raise Refused("what it read was something else")
    return "read the host's secret"


def _greeting(family: int, address: Any, targets: Targets) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(CONNECT_S)
        connection.connect(address)
        _canary(connection.recv(256).decode(errors="replace"), targets)
    return f"talked to {address!r}"


def _fill(targets: Targets, keep_names: bool) -> str:
    """Writes files of 4 MiB into the temporary folder."""
    folder, size, held = Path(os.environ.get("TMPDIR", "/tmp")), 0, []
    folder = Path(targets["unsafe_folder"]) if "unsafe_folder" in targets else folder
    for index in range(targets["disk"] // (4 * MEGABYTE)):
        path = folder / f"bomb-{index}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        held.append(descriptor)
        if not keep_names:
            path.unlink()
        for _ in range(4):
            size += os.write(descriptor, bytes(MEGABYTE))
    time.sleep(SETTLE_S)
    return f"wrote {size // MEGABYTE} MiB"


def _send(data: bytes) -> None:
    while data:
        data = data[os.write(ANSWERS, data) :]
