"""Subprocess: a provider that isolates nothing, for agents that their user trusts."""

from __future__ import annotations

import sys

from envsuite.leaderboard.sandbox.base import Enforced, Guest, Probe, Request
from envsuite.leaderboard.sandbox.launch import Launch, RunningGuest

UNSAFE = Enforced(
    provider="subprocess",
    safe=False,
    features={
        "isolation": "NONE: the agent has all rights of the user who runs it",
        "process": "another process than the scorer's, which never loads the agent's code",
        "time": "a budget for every answer and a bank for every episode",
        "log": "capped, what goes beyond is dropped",
    },
)


class Subprocess:
    """UNSAFE: an ordinary process, with the user's files, network and rights; only its time is limited.

    It speaks the same protocol as a sandbox and so serves where no sandbox can be had, for self-reported
    scores, and shows in tests what the sandboxes prevent.
    """

    name = "subprocess"
    safe = False

    def probe(self) -> Probe:
        """Returns that it works on Linux."""
        linux = sys.platform == "linux"
        return Probe(available=linux, reason="" if linux else "agents run in processes on Linux only", enforced=UNSAFE)

    def start(self, request: Request) -> Guest:
        """Returns a started guest; raises `SandboxUnavailable` when no process can be started."""
        return RunningGuest(Launch(request=request, enforced=UNSAFE, config={"guardian": True}, watched=False))
