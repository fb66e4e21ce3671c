"""Where untrusted agents run: providers behind one small interface, and the agent on the trusted side."""

from __future__ import annotations

from collections.abc import Mapping

from envsuite.errors import SandboxUnavailable, unknown_name
from envsuite.leaderboard.sandbox.base import Provider
from envsuite.leaderboard.sandbox.bubblewrap import Bubblewrap
from envsuite.leaderboard.sandbox.landlock import Landlock
from envsuite.leaderboard.sandbox.unsafe import Subprocess

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (Bubblewrap(), Landlock(), Subprocess())}
"""Every provider by name, the one that isolates best first."""


def choose(name: str | None = None) -> Provider:
    """Returns the provider of that name, or the best safe one that works on this machine.

    Raises `UnknownName` for a name that is none, `SandboxUnavailable` where the one asked for, or every safe
    one, does not work here; the message says why and what mends it.
    """
    if name is not None:
        if name not in PROVIDERS:
            raise unknown_name("provider", name, PROVIDERS)
        probe = PROVIDERS[name].probe()
        if not probe.available:
            raise SandboxUnavailable(f"provider: {name} does not work here: {probe.reason}")
        return PROVIDERS[name]
    reasons = []
    for provider in PROVIDERS.values():
        if provider.safe:
            probe = provider.probe()
            if probe.available:
                return provider
            reasons.append(f"{provider.name}: {probe.reason}")
    raise SandboxUnavailable("provider: no safe sandbox works on this machine. " + " ".join(reasons))
