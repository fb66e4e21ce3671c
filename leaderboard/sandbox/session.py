"""Session: asks a guest and takes its answer as what it is, bytes from a stranger."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import time
from typing import Any

from envsuite.errors import AgentCrash, AgentFailed, AgentKilled, AgentTimeout
from envsuite.leaderboard.sandbox.base import Guest
from envsuite.leaderboard.sandbox.guest.codec import decode_hostile, encode
from envsuite.leaderboard.sandbox.guest.frames import CHUNK, HEADER, BadFrame, body_length
from envsuite.leaderboard.sandbox.guest.main import DONE, ERROR_CHARACTERS, ERROR_LINES, RAISED, TOO_LARGE
from envsuite.leaderboard.sandbox.guest.stencil import Stencil

SPIN_S = 50e-6
"""How long a wait for an answer looks again and again before it sleeps. A core that has gone to sleep takes
longest to wake: with the agent on another core, 22 microseconds a round trip in place of 66; on the same core, or
among busy processes, no slower than without (median of 1,500 round trips each, 64x64x3 observations)."""
SLICE_S = 0.1
"""How often a wait looks whether the process still runs: a child of it may hold the pipe open after its end."""
EXIT_S = 1.0
"""How long a process whose pipe has ended may take to be gone."""


class Session:
    """One running guest and the pipes to it; ends it at the first thing that is wrong."""

    def __init__(self, guest: Guest, frame_bytes: int) -> None:
        self.guest = guest
        self.failure: AgentFailed | None = None
        """Why it has ended; None while it runs."""
        self.made = 0
        """How many agents it was asked to make; the last one answers."""
        self._limit = frame_bytes
        self._buffer = memoryview(bytearray(CHUNK))
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(guest.from_guest, select.POLLIN)
        self._writable.register(guest.to_guest, select.POLLOUT)
        self._log: str | None = None
        self._log_start: str | None = None
        self._unseen_failure = ""
        self._observations, self._actions = Stencil("act"), Stencil(DONE)

    def ask(self, request: list[Any], allowance_s: float, terms: str) -> tuple[Any, float]:
        """Returns the answer to `[name, *arguments]` and the seconds it took.

        Raises AgentCrash when the agent's code raised (the session goes on), and ends the session with
        AgentTimeout beyond `allowance_s` (`terms` says in words what that is), AgentKilled for a breach of
        the budget or an answer that is none, AgentCrash when the process ended by itself.
        """
        try:
            return self._ask(request, allowance_s, terms)
        except AgentFailed as error:
            self._unseen_failure = str(error) if self._log_start is None else self._unseen_failure
            raise

    def _ask(self, request: list[Any], allowance_s: float, terms: str) -> tuple[Any, float]:
        if self.failure is not None:
            raise type(self.failure)(f"the agent's process was ended before: {self.failure}")
        self.made += request[0] == "make"
        if request[0] == "act" and self._log_start is None:
            self._log_start = self.guest.log()
        body = self._observations.encode(request[1]) if request[0] == "act" else encode(request)
        started = time.monotonic()
        try:
            self._send(body, started + allowance_s)
            answer = self._receive(started + allowance_s)
            elapsed_s = time.monotonic() - started
            if elapsed_s > allowance_s:
                raise _Late
            content = self._actions.decode(answer)
            if content is not None:
                return content, elapsed_s
            status, content = _checked(decode_hostile(answer))
            if status == DONE:
                self._actions.learn(answer, content)
        except _Late:
            raise self._end(self._breach() or AgentTimeout(f"{request[0]}: no answer within {terms}")) from None
        except BadFrame as error:
            raise self._end(AgentKilled(f"{request[0]}: the answer is no frame: {error}")) from None
        except _Gone:
            raise self._end(self._why_gone()) from None
        except BaseException:
            self.close()  # half a question may be under way
            raise
        if status == RAISED:
            raise AgentCrash(_tail(content))
        if status == TOO_LARGE:
            raise self._end(
                AgentKilled(f"{request[0]}: the answer has {content} bytes, at most {self._limit:,} are allowed")
            )
        return content, elapsed_s

    def log(self) -> str:
        """Returns what the agent has printed."""
        return self.guest.log() if self._log is None else self._log

    def log_start(self) -> str:
        """Returns what of it had come before the first observation was sent, and how the agent failed before that."""
        start = self.log() if self._log_start is None else self._log_start
        return "\n".join(part for part in (start.removesuffix("\n"), self._unseen_failure) if part)

    def close(self) -> None:
        """Ends the guest; may be called twice."""
        if self.failure is None:
            self.failure = AgentCrash("the sandbox was closed")
        if self._log is None:
            self.guest.stop()
            self._log = self.guest.log()

    # The pipes.

    def _send(self, body: bytes, deadline: float) -> None:
        header = HEADER.pack(len(body))
        left: list[bytes | memoryview] = [header, body]
        written = 0
        while True:
            try:
                written += os.writev(self.guest.to_guest, left)
            except BlockingIOError:
                pass
            except OSError:
                raise _Gone from None
            if written == len(header) + len(body):
                return
            left = [header[written:], memoryview(body)[max(0, written - len(header)) :]]
            self._wait(self._writable, deadline)

    def _receive(self, deadline: float) -> memoryview:
        """Returns the body of the next frame; it is overwritten by the next one."""
        buffer, have, whole = self._buffer, 0, 0
        asleep_at = time.monotonic() + SPIN_S
        while not self._readable.poll(0) and time.monotonic() < asleep_at:
            pass
        while True:
            self._wait(self._readable, deadline)
            try:
                count = os.readv(self.guest.from_guest, [buffer[have:]])
            except BlockingIOError:
                continue
            except OSError:
                raise _Gone from None
            if not count:
                raise _Gone
            have += count
            if not whole and have >= HEADER.size:
                whole = HEADER.size + body_length(buffer, self._limit)
                if whole > len(buffer):
                    buffer = memoryview(bytearray(whole))
                    buffer[:have] = self._buffer[:have]
            if whole and have >= whole:
                if have > whole:
                    raise BadFrame("more follows after it, before the next request")
                return buffer[HEADER.size : whole]

    def _wait(self, poller: select.poll, deadline: float) -> None:
        """Returns when the pipe can be used; raises _Late after the deadline, _Gone when nobody is there."""
        while True:
            left_s = deadline - time.monotonic()
            if poller.poll(math.ceil(1000 * min(max(left_s, 0.0), SLICE_S))):
                return
            if left_s <= 0:
                raise _Late
            if self.guest.exit_code() is not None and not poller.poll(0):
                raise _Gone

    # The end.

    def _end(self, failure: AgentFailed) -> AgentFailed:
        self.failure = failure
        self.close()
        return failure

    def _breach(self) -> AgentKilled | None:
        sentence = self.guest.breach()
        return None if sentence is None else AgentKilled(sentence)

    def _why_gone(self) -> AgentFailed:
        """Returns the failure of a guest whose pipe has ended."""
        deadline = time.monotonic() + EXIT_S
        while (code := self.guest.exit_code()) is None and time.monotonic() < deadline:
            time.sleep(0.002)
        if code is None:
            return self._breach() or AgentKilled("the agent has closed the pipe of its answers")
        with contextlib.suppress(ValueError):
            if code < 0:
                name = signal.Signals(-code).name
                return self._breach() or self._crash(f"the agent's process was ended by {name}")
        return self._breach() or self._crash(f"the agent's process ended by itself, exit code {code}")

    def _crash(self, sentence: str) -> AgentCrash:
        printed = _tail(self.guest.log())
        return AgentCrash(f"{sentence}; the end of its log:\n{printed}" if printed else f"{sentence}; its log is empty")


class _Late(Exception):
    """The time is used up."""


class _Gone(Exception):
    """The pipe has ended."""


def _checked(answer: Any) -> tuple[int, Any]:
    """Returns status and content of an answer; raises `BadFrame` where it is none."""
    if isinstance(answer, list) and len(answer) == 2:
        status, content = answer
        if type(status) is int and isinstance(content, _CONTENTS.get(status, ())):
            return status, content
    raise BadFrame("it is no list of a status and what belongs to it")


_CONTENTS: dict[int, type] = {DONE: object, RAISED: str, TOO_LARGE: int}


def _tail(text: str) -> str:
    """Returns the last lines, without what would move a terminal's cursor."""
    lines = text[-ERROR_CHARACTERS:].splitlines()[-ERROR_LINES:]
    return "\n".join("".join(c if c.isprintable() or c == "\t" else "�" for c in line) for line in lines).rstrip()
