"""SandboxedSubmission: a `make_agent` whose agents live in a sandbox, and the agent on the trusted side."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from envsuite.errors import AgentKilled, InvalidArgument
from envsuite.leaderboard.sandbox import choose
from envsuite.leaderboard.sandbox.base import Enforced, Request
from envsuite.leaderboard.sandbox.clock import BudgetClock
from envsuite.leaderboard.sandbox.guest.spaces import describe_space
from envsuite.leaderboard.sandbox.session import Session
from envsuite.task import Budget, TaskInfo

MAX_BATCH = 2**31


class SandboxedSubmission:
    """Makes agents from a bundle; their code runs in a sandbox and this process never imports it.

    The process is started by the first call and lives until `begin_job`, `close` or a failure; every call
    makes a new agent object in it, and the one made before may not be used any more. Picklable: what is
    pickled is what to run, not the process.
    """

    def __init__(
        self,
        bundle: Path,
        *,
        entry_point: str = "agent:make_agent",
        provider: str | None = None,
        budget: Budget | None = None,
        packages: tuple[Path, ...] = (),
        unsafe_ok: bool = False,
    ) -> None:
        """Takes what to run; starts nothing.

        Args:
            bundle: folder of the submission.
            entry_point: `module:make_agent` in it.
            provider: name of a provider; None takes the best that works here.
            budget: what the agent may use; a suite's, by default what a suite has that sets none.
            packages: folders of extra packages.
            unsafe_ok: allows a provider that isolates nothing.

        Raises `InvalidArgument` for a bundle that is no folder, an entry point that is none, and an unsafe
        provider that was not allowed.
        """
        self.bundle = Path(bundle).resolve()
        if not self.bundle.is_dir():
            raise InvalidArgument(f"bundle: expected the folder of a submission, got {str(bundle)!r}, which is none")
        module, _, attribute = entry_point.partition(":")
        if not (attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))):
            raise InvalidArgument(f'entry_point: expected "module:make_agent", got {entry_point!r}')
        if provider is not None and not choose(provider).safe and not unsafe_ok:
            raise InvalidArgument(
                f'provider: "{provider}" isolates nothing and is refused for anything but self-reported scores; '
                "pass unsafe_ok=True for those, or leave the provider out"
            )
        self.entry_point = entry_point
        self.provider = provider
        self.budget = Budget() if budget is None else budget
        self.packages = tuple(packages)
        self.unsafe_ok = unsafe_ok
        self._session: Session | None = None
        self._log = self._log_start = ""
        self._enforced: Enforced | None = None

    def with_budget(self, budget: Budget) -> SandboxedSubmission:
        """Returns the same submission under another budget, with a process of its own."""
        return SandboxedSubmission(**{**self._spec(), "budget": budget})

    def moved(self, bundle: Path, packages: tuple[Path, ...]) -> SandboxedSubmission:
        """Returns the same submission whose files lie elsewhere, as on another machine."""
        return SandboxedSubmission(**{**self._spec(), "bundle": bundle, "packages": packages})

    def __call__(self, task: TaskInfo) -> SandboxedAgent:
        """Returns an agent that the bundle's `make_agent` has made; starts the process where none runs.

        Raises `AgentCrash`, `AgentTimeout` or `AgentKilled` as the agent's code deserves, and
        `SandboxUnavailable`, which is no failure of the agent, when no process can be started.
        """
        started = time.monotonic()
        if self._session is not None and self._session.failure is not None:
            self.begin_job()
        if self._session is None:
            guest = choose(self.provider).start(self._request())
            self._enforced = guest.enforced
            self._session = Session(guest, self.budget.frame_bytes)
        left_s = self.budget.start_s - (time.monotonic() - started)
        terms = f"{self.budget.start_s:g} s for starting the process, importing the agent and making it"
        hello, _ = self._session.ask(["make", _message(task, self.budget)], left_s, terms)
        return SandboxedAgent(self._session, self.budget, hello)

    def begin_job(self) -> None:
        """Lets the next agent start in a fresh process."""
        if self._session is not None:
            self._session.close()
            self._log, self._log_start, self._session = self._session.log(), self._session.log_start(), None

    def close(self) -> None:
        """Ends the process, if there is one; may be called twice."""
        self.begin_job()

    def log(self) -> str:
        """Returns what the agent has printed in the process that was started last."""
        return self._log if self._session is None else self._session.log()

    def log_start(self) -> str:
        """Returns what of `log` was printed before the first observation: it tells nothing of any."""
        return self._log_start if self._session is None else self._session.log_start()

    @property
    def enforced(self) -> Enforced | None:
        """What the sandbox of the last process really enforced; None before the first."""
        return self._enforced

    def enforced_by_a_start(self) -> Enforced:
        """Returns what the sandbox enforces under this budget, after starting a process in it; no agent is made."""
        guest = choose(self.provider).start(self._request())
        guest.stop()
        return guest.enforced

    def __enter__(self) -> SandboxedSubmission:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _request(self) -> Request:
        return Request(bundle=self.bundle, entry_point=self.entry_point, budget=self.budget, packages=self.packages)

    def _spec(self) -> dict[str, Any]:
        names = ("bundle", "entry_point", "provider", "budget", "packages", "unsafe_ok")
        return {name: getattr(self, name) for name in names}

    def __getstate__(self) -> dict[str, Any]:
        return self._spec()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _session=None, _log="", _log_start="", _enforced=None)


class SandboxedAgent:
    """Plays the part of an agent: passes every call to the one in the sandbox, within its budget.

    Has `batched` and `observe` only where that one has. All raise `AgentFailed` errors and no others.
    """

    def __init__(self, session: Session, budget: Budget, hello: Any) -> None:
        self._session = session
        self._number = session.made  # an agent made later in the same process takes this one's place
        self._clock = BudgetClock(budget)
        batched = hello.get("batched") if isinstance(hello, dict) else None
        if batched is not None:
            if not isinstance(batched, int) or abs(batched) > MAX_BATCH:
                session.close()
                raise AgentKilled(f"batched: expected an integer, got {batched!r}")
            self.batched = int(batched)
        if isinstance(hello, dict) and hello.get("observe") is True:
            self.observe = self._observe

    def reset(self, seed: Any) -> None:
        """Begins an episode, or one per seed for a batched agent, with a full bank of time."""
        self._clock.refill()
        self._ask(["reset", seed])

    def act(self, observation: Any) -> Any:
        """Returns what the agent answers: it may be no member of the action space."""
        return self._ask(["act", observation])

    def _observe(self, reward: Any, terminated: Any, truncated: Any) -> None:
        self._ask(["observe", reward, terminated, truncated])

    def _ask(self, request: list[Any]) -> Any:
        if self._session.made != self._number:
            raise InvalidArgument("agent: another one has been made in its process since; make it anew")
        answer, elapsed_s = self._session.ask(request, self._clock.allowance_s, self._clock.terms)
        self._clock.spend(elapsed_s)
        return answer


def _message(task: TaskInfo, budget: Budget) -> dict[str, Any]:
    """Returns what the guest is told of a task: nothing of seeds, references or this machine."""
    return {
        "id": task.id,
        "observation_space": describe_space(task.observation_space),
        "action_space": describe_space(task.action_space),
        "goal": task.goal,
        "max_episode_steps": task.max_episode_steps,
        "run": task.run,
        "frame_bytes": budget.frame_bytes,
    }
