"""What every provider of sandboxes has: the records of a start, and the protocol `Provider`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from envsuite.task import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """What a sandbox has really enforced; goes into the result."""

    provider: str
    safe: bool
    """Whether scores of agents run so may be called verified."""
    features: Mapping[str, str] = field(default_factory=dict)
    """Name of a protection -> how it is enforced: `network: no interface but loopback`, `seccomp: sha256:...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Whether a provider works on this machine."""

    available: bool
    reason: str
    """Why not, and the command or setting that mends it; empty where it works."""
    enforced: Enforced


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be run in a sandbox."""

    bundle: Path
    """Folder of the submission; read-only inside."""
    budget: Budget
    entry_point: str = "agent:make_agent"
    """`module:attribute` in the bundle."""
    packages: Sequence[Path] = ()
    """Folders of extra packages; read-only inside, ahead of the interpreter's own on its path."""


class Guest(Protocol):
    """A running sandbox: the guest's main loop (`guest/main.py`) behind two pipes."""

    pid: int
    """Of the process that holds all others of the sandbox."""
    to_guest: int
    """Descriptor that requests are written to, non-blocking."""
    from_guest: int
    """Descriptor that answers are read from, non-blocking."""
    enforced: Enforced

    def breach(self) -> str | None:
        """Returns in a sentence which part of the budget was exceeded, None where none was."""
        ...

    def log(self) -> str:
        """Returns what the agent has printed so far, at most `budget.log_bytes`; undecodable bytes replaced."""
        ...

    def exit_code(self) -> int | None:
        """Returns the exit code, negative for a signal; None while it runs."""
        ...

    def stop(self) -> None:
        """Kills every process of the sandbox, frees descriptors and folders; may be called twice."""
        ...


class Provider(Protocol):
    """One way to run untrusted code."""

    name: str
    safe: bool

    def probe(self) -> Probe:
        """Returns whether it works here, found out by starting one; remembered for the process's life."""
        ...

    def start(self, request: Request) -> Guest:
        """Returns a started guest, not waited for; raises `SandboxUnavailable`."""
        ...
