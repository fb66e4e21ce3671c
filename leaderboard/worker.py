"""Worker: leases jobs from a board, plays them with sandboxed agents, and reports every episode as it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from envsuite.catalogue import add_suite, get_task
from envsuite.errors import (
    EnvsuiteError,
    InstallFailed,
    InvalidSubmission,
    LeaseLost,
    SandboxUnavailable,
    ServerRefused,
    ServerUnreachable,
)
from envsuite.leaderboard.client import Client
from envsuite.leaderboard.reporter import PATIENCE_S, Reporter, persist
from envsuite.leaderboard.sandbox import choose
from envsuite.leaderboard.schemas import Finish, Kind, Offer
from envsuite.leaderboard.workshop import STOPPED, NotTheAgent, Workshop

KINDS: tuple[Kind, ...] = ("verify", "reproduce", "validate")
IDLE_S = 1.0
"""Seconds between two questions for a job while there is none."""
IDLE_GROWTH = 4.0
"""By how much that grows while nothing comes."""
STUCK_S = 900.0
"""Seconds beyond an agent's whole budget for an episode after which a simulator is taken to hang."""
STUCK = 3
"""Exit status of a worker whose simulator hangs; its crew starts another one."""
Say = Callable[[str], None]


def _silent(line: str) -> None:
    """Says nothing."""


class Interrupted(BaseException):
    """Raised in the middle of an episode that is no longer wanted; no `Exception`, so that no agent is blamed."""


class Interrupts:
    """Turns signals into `Interrupted`, but only while an episode is played; in another thread does nothing."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self._playing = False
        self._main = threading.current_thread() is threading.main_thread()

    @contextlib.contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Handles SIGTERM, SIGINT and SIGUSR1 within."""
        if not self._main:
            yield self
            return
        signals = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
        before = {number: signal.signal(number, self._handle) for number in signals}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def playing(self) -> Iterator[None]:
        """Allows an interruption within."""
        self._playing = True
        try:
            if self.stop.is_set():
                raise Interrupted
            yield
        finally:
            self._playing = False

    def interrupt(self) -> None:
        """Interrupts the main thread if it plays; called by other threads."""
        if self._main:
            os.kill(os.getpid(), signal.SIGUSR1)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number != signal.SIGUSR1:
            self.stop.set()
        if self._playing:
            self._playing = False
            raise Interrupted


def check_sandbox(provider: str | None) -> str:
    """Returns the name of a safe sandbox that works here; raises `SandboxUnavailable` where there is none."""
    chosen = choose(provider)
    if not chosen.safe:
        raise SandboxUnavailable(
            f"sandbox: {chosen.name} isolates nothing, so a worker never runs a stranger's agent in it; install "
            "bubblewrap, or use a kernel with Landlock: `envsuite sandbox check` tells what works here"
        )
    return chosen.name


def work(
    client: Client,
    *,
    name: str,
    cache: Path,
    stop: threading.Event | None = None,
    provider: str | None = None,
    kinds: tuple[Kind, ...] = KINDS,
    idle_s: float = IDLE_S,
    patience_s: float = PATIENCE_S,
    jobs: int | None = None,
    say: Say = _silent,
) -> int:
    """Returns how many jobs it has worked on, when `stop` is set or a signal asks it to end.

    Args:
        client: with a worker's token.
        name: of this worker, to tell it from others.
        cache: folder of bundles and installed requirements.
        stop: ends it when set: in the middle of an episode if this is the main thread, else after one.
        provider: of the sandbox; the best safe one by default.
        kinds: of evaluations it takes.
        idle_s: seconds between two questions for a job while there is none.
        patience_s: seconds for which the server may be away.
        jobs: ends after so many; None never does.
        say: is told what happens, a line each.

    Raises `SandboxUnavailable` before it asks for anything where no safe sandbox works, `ServerRefused` when the
    server no longer takes its token, `ServerUnreachable` when it was away for too long.
    """
    provider = check_sandbox(provider)
    done, pause, connected = 0, idle_s, False
    stop = stop or threading.Event()
    workshop = Workshop(client, cache, provider, patience_s=patience_s, stop=stop)
    with Interrupts(stop).installed() as interrupts, workshop:
        while not interrupts.stop.is_set() and done != jobs:
            offer = _lease(client, name, kinds, patience_s, interrupts.stop)
            if not connected and not interrupts.stop.is_set():
                connected = True
                say(f"connected to {client.server}, sandbox {provider}{'' if offer else '; waits for jobs'}")
            if offer is None:
                interrupts.stop.wait(pause)
                pause = min(1.5 * pause, IDLE_GROWTH * idle_s)
                continue
            pause = idle_s
            say(f"job {offer.id}: {offer.kind} {offer.task_id}, run {offer.run}, {len(offer.starts)} episodes")
            _do(offer, client, workshop, interrupts, patience_s, say)
            done += 1
    return done


def _lease(
    client: Client, name: str, kinds: tuple[Kind, ...], patience_s: float, stop: threading.Event
) -> Offer | None:
    try:
        return persist(lambda: client.lease(name, kinds), patience_s=patience_s, stop=stop)
    except (ServerUnreachable, ServerRefused):
        if stop.is_set():
            return None
        raise


def _do(offer: Offer, client: Client, workshop: Workshop, interrupts: Interrupts, patience_s: float, say: Say) -> None:
    """Works on a job; returns in whatever way it ends, and raises only what ends the worker."""
    with Reporter(client, offer, on_lost=interrupts.interrupt, patience_s=patience_s) as reporter:
        watchdog = Watchdog(offer, reporter, client, say)
        try:
            workshop.fetch(offer)  # before the watchdog: a server that is away is no simulator that hangs
            with watchdog:
                finish = _play(offer, workshop, reporter, interrupts)
            if interrupts.stop.is_set():
                reporter.hasten()
            reporter.finish(finish)
            say(f"job {offer.id}: {finish.rejected or finish.failure or 'done'}")
        except LeaseLost as error:
            say(f"job {offer.id}: dropped, {error}")
        except ServerRefused as error:
            if error.status in (401, 403):
                raise
            say(f"job {offer.id}: the server refused what was played: {error}")
            _give_up(offer, client, f"the server refused a report: {error}")
        except ServerUnreachable:
            if not interrupts.stop.is_set():
                raise


def _play(offer: Offer, workshop: Workshop, reporter: Reporter, interrupts: Interrupts) -> Finish:
    """Returns how the job has ended, after every episode of it was handed to the reporter."""
    failure = rejected = ""
    try:
        add_suite(offer.suite)
        with interrupts.playing():
            failure = workshop.play(offer, reporter.add, lambda: interrupts.stop.is_set())
    except Interrupted:
        if reporter.error is not None:
            raise reporter.error from None
        failure = STOPPED
    except InvalidSubmission as error:
        rejected = "\n".join(error.problems)
    except (LeaseLost, ServerRefused, ServerUnreachable):
        raise
    except NotTheAgent as error:
        failure = f"{type(error.cause).__name__}: {error.cause}"
    except (EnvsuiteError, InstallFailed, OSError, MemoryError) as error:
        failure = f"{type(error).__name__}: {error}"
    return workshop.finish(offer, failure=failure, rejected=rejected)


def _give_up(offer: Offer, client: Client, failure: str) -> None:
    with contextlib.suppress(ServerRefused, ServerUnreachable):  # then the lease ends by itself
        client.finish(offer.id, Finish(lease=offer.lease, failure=failure[:2000]))


class Watchdog:
    """Ends the process when an episode takes longer than its agent can make it: a simulator hangs.

    A thread cannot stop C code, so the whole process goes, after it has given the job back.
    """

    def __init__(self, offer: Offer, reporter: Reporter, client: Client, say: Say) -> None:
        self._offer, self._reporter, self._client, self._say = offer, reporter, client, say
        self.limit_s = longest_s(offer)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(min(5.0, self.limit_s / 4)):
            if time.monotonic() - self._reporter.last_news > self.limit_s:
                why = f"no episode of {self._offer.task_id} has ended for {self.limit_s:.0f} s: its simulator hangs"
                self._say(f"job {self._offer.id}: {why}")
                _give_up(self._offer, self._client, why)
                os._exit(STUCK)


def longest_s(offer: Offer) -> float:
    """Returns the seconds that may pass between two episodes: all that the agent may use, a start, and `STUCK_S`.

    The episodes of a batched agent end together, and those that an agent adapts over are not reported.
    """
    budget, steps = offer.suite.budget, get_task(offer.task_id).max_episode_steps
    alone_s = budget.start_s + budget.bank_s + steps * budget.step_s
    return STUCK_S + alone_s * (1 + len(offer.adapt))
