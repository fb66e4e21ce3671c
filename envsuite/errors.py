"""Every error that envsuite raises on purpose."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Literal

FEW = 8
"""Up to so many known names are all told when one is unknown."""


class EnvsuiteError(Exception):
    """Base of all errors raised by envsuite; its message names the next step."""


class UnknownName(EnvsuiteError, LookupError):
    """Raised when an id, a suite, a tag or an agent is not in the catalogue."""


class MissingSimulator(EnvsuiteError, ImportError):
    """Raised by `make` when the package of a simulator is not installed."""


class MissingExtra(EnvsuiteError, ImportError):
    """Raised when an optional part needs a package that is not installed."""


class MissingDisplay(EnvsuiteError, RuntimeError):
    """Raised when a window is asked for on a machine without a screen."""


class InvalidAction(EnvsuiteError, ValueError):
    """Raised by `step` for an action outside the action space; the episode is unharmed."""


class InvalidTask(EnvsuiteError, ValueError):
    """Raised by `reset` for options the environment does not have or a task outside its space."""


class InvalidArgument(EnvsuiteError, ValueError):
    """Raised for an argument outside its range: a shard, a split, a number of workers."""


class WorkerDied(EnvsuiteError, RuntimeError):
    """Raised by a vector env when a worker process has died or did not answer in time."""


class ContractViolation(EnvsuiteError, AssertionError):
    """Raised by `check_env` when an environment breaks the contract."""


class ResultsMismatch(EnvsuiteError):
    """Raised when a results folder belongs to another suite, version, agent or seed."""


class AgentLoadError(EnvsuiteError):
    """Raised when an agent's entry point cannot be imported or called."""


class AgentFailed(EnvsuiteError):
    """Raised by a sandboxed agent that has no answer to give; `outcome` is how its episode ends."""

    outcome: ClassVar[Literal["agent_crash", "agent_timeout", "agent_killed"]] = "agent_crash"


class AgentCrash(AgentFailed):
    """Raised when the agent's code raised an exception, or its process ended by itself."""


class AgentTimeout(AgentFailed):
    """Raised when the agent has used up its time."""

    outcome = "agent_timeout"


class AgentKilled(AgentFailed):
    """Raised when the agent was ended for taking more than its budget, or for an answer that is no frame."""

    outcome = "agent_killed"


class SandboxUnavailable(EnvsuiteError, RuntimeError):
    """Raised when a sandbox cannot be had on this machine; says what to install or to allow."""


class InvalidSubmission(EnvsuiteError, ValueError):
    """Raised for a submission that cannot be evaluated; `problems` has one line each, with file and line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class StoreUnavailable(EnvsuiteError, RuntimeError):
    """Raised when the board's database or its disk cannot take or give anything now; nothing is half-written."""


class LeaseLost(EnvsuiteError):
    """Raised for a report on a job that is no longer leased to its sender; what it carries is not needed."""


class NotAllowed(EnvsuiteError):
    """Raised for what a limit, or the state of a submission, an account or a season, forbids now."""


class InstallFailed(EnvsuiteError, RuntimeError):
    """Raised when the requirements of a submission cannot be installed, and the fault is not seen to be its own."""


class ServerRefused(EnvsuiteError):
    """Raised when a server answers with an error; the message is the server's."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", retry_after_s: float | None = None) -> None:
        self.status, self.code, self.retry_after_s = status, code, retry_after_s
        super().__init__(message)


class ServerUnreachable(EnvsuiteError, ConnectionError):
    """Raised when a server does not answer, or breaks off in the middle; what was sent may have arrived."""


class NotVerified(EnvsuiteError):
    """Raised when a result, its signature or the chain it stands in is not what was signed."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """Returns an `UnknownName` that suggests the nearest known names."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if not near:
        needle = name.removeprefix("envsuite/").split("-")[0]
        near = [candidate for candidate in known if needle and needle in candidate][:3]
    hint = f" Did you mean: {', '.join(near)}?" if near else ""
    few = f"Known: {', '.join(known)}." if 0 < len(known) <= FEW else "`envsuite list` shows every name."
    return UnknownName(f"unknown {kind} {name!r}.{hint} {few}")
