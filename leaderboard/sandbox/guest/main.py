"""The guest's main loop: reads requests, calls the agent, writes answers.

Nothing here is trusted once the agent's module has been imported: the agent shares this process and may
change any of it. What must hold, holds on the other side of the pipe.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import traceback
from typing import Any

import numpy as np

from .codec import Unsendable, decode, encode
from .frames import read_frame, write_frame
from .stencil import Stencil
from .task import TaskInfo

REQUESTS, ANSWERS = 3, 4
"""Descriptors of the two pipes."""
DONE, RAISED, TOO_LARGE = 0, 1, 2
"""First element of an answer."""
ERROR_LINES, ERROR_CHARACTERS = 12, 4096
"""How much of a traceback is sent: its end."""


def main(bundle: str, entry_point: str) -> None:
    """Serves requests until the other side closes the pipe.

    `bundle` is the submission's folder as it is seen in here, `entry_point` is `module:make_agent`.
    """
    for descriptor in (REQUESTS, ANSWERS):
        os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=_close_pipes)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):  # lines of a process that is killed are read as well
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    sys.dont_write_bytecode = True
    sys.path.insert(0, bundle)
    server = Server(bundle, entry_point)
    gc.freeze()  # what was imported until here is for good
    while (body := read_frame(REQUESTS)) is not None:
        write_frame(ANSWERS, server.answer(body))


class Server:
    """Holds the agent and answers one request at a time."""

    def __init__(self, bundle: str, entry_point: str) -> None:
        self._bundle, self._entry_point = bundle, entry_point
        self._agent: Any = None
        self._limit = 0
        self._observations, self._actions = Stencil("act"), Stencil(DONE)

    def answer(self, body: bytes | memoryview) -> bytes:
        """Returns the encoded answer to the request `[name, *arguments]`; what the agent raises is told in it."""
        name, arguments = "act", [self._observations.decode(body)]
        if arguments[0] is None:
            name, *arguments = decode(body)
            if name == "act":
                self._observations.learn(body, arguments[0])
        try:
            result = self._make(*arguments) if name == "make" else getattr(self._agent, name)(*arguments)
        except BaseException as error:  # noqa: BLE001  # SystemExit and KeyboardInterrupt of an agent are failures too
            return encode([RAISED, describe(error)])
        if name in ("reset", "observe"):
            result = None
        if isinstance(result, np.ndarray) and result.nbytes > self._limit:  # copies of it could take all the memory
            return encode([TOO_LARGE, result.nbytes])
        try:
            body = self._actions.encode(result)
        except Exception as error:  # noqa: BLE001  # an agent's classes may raise anything when they are looked at
            body = encode([DONE, Unsendable(f"a {type(result).__name__} ({type(error).__name__}: {error})")])
        return body if len(body) <= self._limit else encode([TOO_LARGE, len(body)])

    def _make(self, message: dict[str, Any]) -> dict[str, Any]:
        """Returns what the agent that it makes declares; an agent made before is forgotten first."""
        self._limit = message["frame_bytes"]
        self._agent = None
        module_name, _, attribute = self._entry_point.partition(":")
        make_agent = getattr(importlib.import_module(module_name), attribute)
        agent = self._agent = make_agent(TaskInfo(message, self._bundle))
        batched = int(agent.batched) if hasattr(agent, "batched") else None
        return {"observe": hasattr(agent, "observe"), "batched": batched}


def describe(error: BaseException) -> str:
    """Returns the last lines of an error's traceback, without this file's."""
    try:
        frames = error.__traceback__ and error.__traceback__.tb_next
        lines = "".join(traceback.format_exception(type(error), error, frames)).rstrip().splitlines()
        return "\n".join(lines[-ERROR_LINES:])[-ERROR_CHARACTERS:]
    except BaseException as second:  # noqa: BLE001  # the agent's error may fail at being printed
        return f"{type(error).__name__}, which raised {type(second).__name__} when it was to be printed"


def _close_pipes() -> None:
    """Closes the pipes in a forked child: only the agent's first process answers."""
    for descriptor in (REQUESTS, ANSWERS):
        with contextlib.suppress(OSError):
            os.close(descriptor)
