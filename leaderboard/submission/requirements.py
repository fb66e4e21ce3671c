"""Installs the packages of a lock file: wheels only, every one by its hash, none of their code is run."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from envsuite.errors import InstallFailed, InvalidSubmission
from envsuite.leaderboard.home import HOME, home
from envsuite.leaderboard.submission.lock import Pin, read_lock

_POLL_S = 0.1
_TAIL_LINES = 8
_OWN_FAULTS = ("DO NOT MATCH THE HASHES", "No matching distribution found", "is not a supported wheel", "is invalid")
"""What pip says where the lock file is at fault, if it could reach its index."""
_NETWORK_FAULTS = ("Retrying (", "ConnectionError", "Temporary failure", "Max retries", "Could not fetch URL")
_CHANGES = "CONSTRAINT EDITABLE NO_BINARY ONLY_BINARY PRE PREFIX REQUIREMENT ROOT TARGET USER"
_SETTINGS = frozenset(f"PIP_{name}" for name in _CHANGES.split())
"""Settings of pip that would change what is installed or where, and are taken out of its environment."""
_OPTIONS = (
    "--require-hashes",
    "--only-binary=:all:",
    "--no-deps",
    "--no-compile",
    "--no-cache-dir",
    "--no-input",
    "--no-warn-script-location",
    "--disable-pip-version-check",
    "--quiet",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallLimits:
    """How much an installation may take; more ends it."""

    seconds: float = 600.0
    size_bytes: int = 2 * 2**30
    """Of what is downloaded and installed together."""


def default_cache() -> Path:
    """Returns the folder that installed requirements are kept in: below `ENVSUITE_HOME`, or the user's cache."""
    if os.environ.get(HOME):
        return home() / "requirements"
    return platformdirs.user_cache_path("envsuite") / "requirements"


def install(lock: Path, cache: Path | None = None, limits: InstallLimits | None = None) -> Path:
    """Returns a folder with the packages of a lock file, installed now or before.

    The folder is named by the packages, their hashes, and the interpreter and platform they are for. It appears
    whole or not at all; several processes may ask for the same at once. pip is given `--require-hashes`,
    `--only-binary=:all:` and `--no-deps`: it unpacks wheels and runs nothing of them. The index is the one that
    pip is set up for.

    Raises `InvalidSubmission` for a lock file that is at fault, `InstallFailed` where pip or its index is.
    """
    pins = read_lock(lock)
    cache = default_cache() if cache is None else cache
    target = cache / _key(pins)
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{target.name}.lock"):
        if not target.is_dir():
            staging = Path(tempfile.mkdtemp(prefix=f".{target.name[:16]}-", dir=cache))
            try:
                _run_pip(pins, staging, lock.name, limits or InstallLimits())
                (staging / "packages").chmod(0o755)
                (staging / "packages").replace(target)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    return target


def _key(pins: tuple[Pin, ...]) -> str:
    told = "\n".join((sys.implementation.cache_tag, sysconfig.get_platform(), *map(str, pins)))
    return hashlib.sha256(told.encode()).hexdigest()


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run_pip(pins: tuple[Pin, ...], staging: Path, name: str, limits: InstallLimits) -> None:
    """Installs into `staging/packages`; everything pip writes lies in `staging`, whose size is watched."""
    for part in ("packages", "tmp"):
        (staging / part).mkdir()
    # Written anew from what was understood, so that pip cannot read the file in another way.
    (staging / "lock.txt").write_text("".join(f"{pin}\n" for pin in pins))
    command = [sys.executable, "-m", "pip", "install", *_OPTIONS, "--target", str(staging / "packages")]
    environment = {key: value for key, value in os.environ.items() if key not in _SETTINGS}
    with (staging / "log").open("w+b") as log:
        process = subprocess.Popen(
            [*command, "--requirement", str(staging / "lock.txt")],
            cwd=staging,
            env={**environment, "TMPDIR": str(staging / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o022,  # a guest is another user than the host and has to read them
        )
        try:
            size = _watch(process, staging, limits)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        said = log.read().decode(errors="replace")
    if size > limits.size_bytes:
        told = f"expected packages of at most {limits.size_bytes} bytes in all, got {size} or more"
        raise InvalidSubmission([f"{name}: {told}"])
    if process.returncode == -signal.SIGKILL:
        raise InstallFailed(f"{name}: expected pip to end within {limits.seconds:g} s, got no end; try again later")
    if process.returncode != 0:
        _raise(name, said)


def _watch(process: subprocess.Popen[bytes], staging: Path, limits: InstallLimits) -> int:
    """Returns the size of what was written when the process has ended, or has exceeded a limit."""
    deadline = time.monotonic() + limits.seconds
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
        size = _size(staging)
        if process.returncode is not None or size > limits.size_bytes or time.monotonic() > deadline:
            return size


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += (Path(parent) / name).lstat().st_size
    return total


def _raise(name: str, said: str) -> None:
    tail = "\n".join(said.strip().splitlines()[-_TAIL_LINES:])
    if "No module named pip" in said:
        raise InstallFailed(f"{name}: pip is not installed in this environment; run: python -m ensurepip")
    reached = not any(fault in said for fault in _NETWORK_FAULTS)
    if reached and any(fault in said for fault in _OWN_FAULTS):
        here = f"{sys.implementation.cache_tag} on {sysconfig.get_platform()}"
        raise InvalidSubmission([f"{name}: expected wheels for {here} with these versions and hashes, got:\n{tail}"])
    raise InstallFailed(
        f"{name}: pip could not install it; try again, or see whether its index can be reached:\n{tail}"
    )
