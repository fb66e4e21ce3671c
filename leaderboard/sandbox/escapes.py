"""Tries every attack of `attacks.py` in a sandbox and tells what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from envsuite.errors import AgentFailed
from envsuite.leaderboard.sandbox import attacks, choose, evasions
from envsuite.leaderboard.sandbox.agent import SandboxedSubmission
from envsuite.leaderboard.sandbox.attacks import ATTACKS
from envsuite.leaderboard.sandbox.base import Enforced, Guest, Request
from envsuite.leaderboard.sandbox.evasions import MEGABYTE
from envsuite.leaderboard.sandbox.guest.codec import decode, encode
from envsuite.leaderboard.sandbox.targets import Bait, baited
from envsuite.leaderboard.sandbox.usage import MAX_FILES, MAX_MAPPINGS
from envsuite.task import Budget, TaskInfo

BUDGET = Budget(
    step_s=15.0,
    bank_s=1.0,
    start_s=30.0,
    memory_bytes=512 * MEGABYTE,
    processes=32,
    disk_bytes=32 * MEGABYTE,
    log_bytes=MEGABYTE // 8,
    frame_bytes=MEGABYTE,
)
"""What attackers may use: small, so that more than that is still little."""
STALL_S = 3.0
SIZES: Mapping[str, Any] = {
    "disk": 2 * BUDGET.disk_bytes,
    "files": MAX_FILES + 10_000,
    "forks": 200,
    "frame": 64 * MEGABYTE,
    "hidden": BUDGET.memory_bytes * 3 // 2,
    "log": 12 * BUDGET.log_bytes,
    "mappings": 2 * MAX_MAPPINGS,
    "memory": 10_000 * MEGABYTE,
    "stall_s": 3600.0,
}
SIZES_WITHOUT_SANDBOX: Mapping[str, Any] = {**SIZES, "memory": 768 * MEGABYTE, "stall_s": STALL_S}
"""Where nothing holds them, bombs are a little larger than the budget and no larger."""
BY_WAITING = frozenset({"stall"})
"""Attacks on the host's patience; their budget of time is short."""
ON_THE_READER = frozenset({"oversize-frame", "garbage-frame", "stall"})
"""Attacks on whoever reads the answers: held by the reader's caps, not by the process's walls."""
TASK = TaskInfo(
    id="envsuite/escape-attempt-v1",
    observation_space=spaces.Box(0, 1, (1,), np.float32),
    action_space=spaces.Discrete(2),
    goal="Get out.",
    max_episode_steps=1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one attack."""

    attack: str
    aim: str
    """What it tries, in a sentence."""
    contained: bool
    how: str
    """How it was stopped, or what it got hold of."""


def attempt(attack: str, provider: str | None = None, budget: Budget = BUDGET) -> Outcome:
    """Returns what comes of an attack by an agent in a sandbox; raises `UnknownName` for a provider that is none.

    An attack has succeeded when its agent says so or when its bait shows it, whatever ended the agent.
    """
    safe = choose(provider).safe
    if attack in BY_WAITING:
        budget = Budget(**{name: getattr(budget, name) for name in Budget.__slots__} | {"step_s": 0.5, "bank_s": 0.5})
    with baited() as bait, _bundle(attack, bait, safe) as bundle:
        with SandboxedSubmission(bundle, provider=provider, budget=budget, unsafe_ok=True) as submission:
            agent = submission(TASK)
            agent.reset(0)
            try:
                answer = agent.act(np.zeros(1, np.float32))
            except AgentFailed as error:
                answer = {"succeeded": False, "how": f"{error.outcome}: {error}"}
        succeeded = not isinstance(answer, dict) or answer.get("succeeded") is not False
        how = str(answer.get("how")) if isinstance(answer, dict) else repr(answer)[:300]
        if taken := bait.taken():
            succeeded, how = True, taken
    return Outcome(attack=attack, aim=_aim(attack), contained=not succeeded, how=how)


def attempt_without_caps(attack: str) -> Outcome:
    """Returns what comes of an attack on the reader when an ordinary process is read without any cap.

    The counterpart of `attempt`, to see that the attack is one: it reads what the length announces, unpacks
    what it got and would wait for as long as it takes (here `STALL_S`).
    """
    with baited() as bait, _bundle(attack, bait, safe=False) as bundle:
        guest = choose("subprocess").start(Request(bundle=bundle, budget=BUDGET))
        try:
            _ask(guest, ["make", _make_message()])
            _ask(guest, ["reset", 0])
            started = time.monotonic()
            succeeded, how = False, "an ordinary answer"
            try:
                answer = _ask(guest, ["act", 0], parse=False)
                if len(answer) > BUDGET.frame_bytes:
                    succeeded, how = True, f"the reader took {len(answer):,} bytes"
                decode(answer[: BUDGET.frame_bytes])
            except ValueError as error:
                if not succeeded:
                    succeeded, how = True, f"the reader failed: {type(error).__name__}: {error}"
            waited_s = time.monotonic() - started
            if attack in BY_WAITING and waited_s >= STALL_S:
                succeeded, how = True, f"the reader waited {waited_s:.1f} s"
        finally:
            guest.stop()
    return Outcome(attack=attack, aim=_aim(attack), contained=not succeeded, how=how)


def check(provider: str | None = None) -> Iterator[Outcome]:
    """Yields what comes of every attack, one after the other.

    A provider that is not safe is attacked with bombs that are only a little larger than the budget.
    """
    for attack in ATTACKS:
        yield attempt(attack, provider)


def enforced(provider: str | None = None) -> Enforced:
    """Returns what a provider enforces on this machine."""
    return choose(provider).probe().enforced


@contextlib.contextmanager
def _bundle(attack: str, bait: Bait, safe: bool) -> Iterator[Path]:
    """Yields a bundle whose agent makes the attack."""
    folder = Path(tempfile.mkdtemp(prefix="envsuite-escape-"))
    try:
        bundle = folder / "bundle"
        bundle.mkdir()
        targets = {**bait.targets, **(SIZES if safe else SIZES_WITHOUT_SANDBOX)}
        if not safe:
            targets["unsafe_folder"] = str(folder)
        (bundle / "attack.json").write_text(json.dumps({"attack": attack, "targets": targets}))
        shutil.copyfile(attacks.__file__, bundle / "agent.py")
        shutil.copyfile(evasions.__file__, bundle / "evasions.py")
        for path in (bundle, *bundle.iterdir()):
            path.chmod(0o755)
        yield bundle
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _aim(attack: str) -> str:
    return (ATTACKS[attack].__doc__ or attack).strip().rstrip(".")


def _make_message() -> dict[str, Any]:
    from envsuite.leaderboard.sandbox.agent import _message

    return _message(TASK, BUDGET)


def _ask(guest: Guest, request: list[Any], parse: bool = True) -> Any:
    """Returns the answer to a request, read as a trusting program would."""
    body = encode(request)
    os.write(guest.to_guest, struct.pack("<I", len(body)) + body)
    (length,) = struct.unpack("<I", _read(guest, 4))
    answer = _read(guest, length)
    return decode(answer) if parse else answer


def _read(guest: Guest, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        if not select.select([guest.from_guest], [], [], 60)[0]:
            raise TimeoutError("no answer within 60 s")
        chunk = os.read(guest.from_guest, min(MEGABYTE, length - len(data)))
        if not chunk:
            raise ValueError("the answer ends early")
        data += chunk
    return bytes(data)
