"""Every attack fails in every sandbox, and succeeds where there is none: else its failure would prove nothing."""

import os
from pathlib import Path

import pytest

from envsuite.leaderboard.sandbox import PROVIDERS, escapes
from envsuite.leaderboard.sandbox.attacks import ATTACKS

TRACING_IS_FORBIDDEN = (
    Path("/proc/sys/kernel/yama/ptrace_scope").exists()
    and Path("/proc/sys/kernel/yama/ptrace_scope").read_text().strip() != "0"
    and os.geteuid() != 0
)
TRACING = {"read-memory", "read-memory-by-call", "trace"}


@pytest.mark.parametrize("provider", ["bubblewrap", "landlock"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_sandbox_contains_it(attack, provider, needs):
    probe = PROVIDERS[provider].probe()
    needs("bwrap" if provider == "bubblewrap" else provider, probe.available, probe.reason)
    outcome = escapes.attempt(attack, provider)
    assert outcome.contained, outcome.how


@pytest.mark.parametrize("attack", [attack for attack in ATTACKS if attack not in escapes.ON_THE_READER])
def test_without_a_sandbox_it_succeeds(attack):
    if attack in TRACING and TRACING_IS_FORBIDDEN:
        pytest.skip("this kernel forbids ordinary users to look into processes that are not their children")
    outcome = escapes.attempt(attack, "subprocess")
    assert not outcome.contained, outcome.how


@pytest.mark.parametrize("attack", sorted(escapes.ON_THE_READER))
def test_without_caps_the_reader_suffers(attack):
    outcome = escapes.attempt_without_caps(attack)
    assert not outcome.contained, outcome.how


def test_nothing_is_left_behind(needs):
    needs("bwrap", PROVIDERS["bubblewrap"].probe().available, PROVIDERS["bubblewrap"].probe().reason)
    before = {*Path.cwd().iterdir(), *Path.home().iterdir()}
    escapes.attempt("write-outside", "bubblewrap")
    escapes.attempt("write-outside", "subprocess")
    assert {*Path.cwd().iterdir(), *Path.home().iterdir()} == before
