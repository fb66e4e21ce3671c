"""Where an evaluation's seeds come from: public roots, or a secret that only the board's server holds."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from envsuite.errors import InvalidArgument
from envsuite.seeding import SEED_BITS, derive_seed
from envsuite.suites import HELD_OUT, episode_seed

SECRET_BYTES = 32
"""Length of a season's secret."""
ENV_SEED_BITS = 62
"""Of a held-out environment seed. Every simulator here takes as many; of 31 bits, all could be tried: whoever knows the
return of a known policy on one seed finds it in 350 days of one core. Crafter itself hashes any seed to 31 bits."""


class Seeds(Protocol):
    """Decides the two seeds of every episode of an evaluation."""

    def env_seed(self, suite: str, split: str, task_id: str, seed_index: int) -> int:
        """Returns the environment's seed, in [0, 2**31), or in [0, 2**62) where it is secret."""
        ...

    def agent_seed(self, suite: str, split: str, task_id: str, seed_index: int, run: int) -> int:
        """Returns the seed of the agent's own generator, in [0, 2**31)."""
        ...

    def order_seed(self, submission: str, split: str, task_id: str, run: int) -> int:
        """Returns what shuffles the episodes of a task and run of a submission, in [0, 2**31)."""
        ...


@dataclass(frozen=True, slots=True)
class PublicSeeds:
    """Seeds that anybody can derive; root 0 gives those that a suite fixes."""

    root: int = 0

    def env_seed(self, suite: str, split: str, task_id: str, seed_index: int) -> int:
        """Returns the environment's seed; raises `InvalidArgument` for the held-out split."""
        if split == HELD_OUT:
            raise InvalidArgument(
                f'split: the seeds of "{HELD_OUT}" are held by a board\'s server, which evaluates submissions on them; '
                'use "dev" here, and `envsuite submit` for a verified score'
            )
        return episode_seed(suite, split, task_id, seed_index, root=self.root)

    def agent_seed(self, suite: str, split: str, task_id: str, seed_index: int, run: int) -> int:
        """Returns the agent's seed, independent of the environment's."""
        return derive_seed(self.root, suite, split, task_id, seed_index, "agent", run)

    def order_seed(self, submission: str, split: str, task_id: str, run: int) -> int:
        """Returns the seed of the order, which depends on the submission's hash alone."""
        return derive_seed(0, "order", submission, split, task_id, run)


@dataclass(frozen=True, slots=True)
class SecretSeeds:
    """Seeds that only the holder of a secret can derive (HMAC-SHA256), before the season's end reveals it."""

    secret: bytes = field(repr=False)
    round: int = 0
    """0 for a verification; a reproduction counts on: same environments, other agent seeds."""

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != SECRET_BYTES:
            got = f"{type(self.secret).__name__} of length {len(self.secret)}"  # never the secret itself
            raise InvalidArgument(f"secret: expected {SECRET_BYTES} bytes, got {got}")

    def env_seed(self, suite: str, split: str, task_id: str, seed_index: int) -> int:
        """Returns the environment's seed, alike in every round; twice as long as a public one, against search."""
        return self._derive(ENV_SEED_BITS, "env", suite, split, task_id, seed_index)

    def agent_seed(self, suite: str, split: str, task_id: str, seed_index: int, run: int) -> int:
        """Returns the agent's seed; another one in every round."""
        return self._derive(SEED_BITS, "agent", suite, split, task_id, seed_index, run, self.round)

    def order_seed(self, submission: str, split: str, task_id: str, run: int) -> int:
        """Returns the seed of the order, which nobody can choose a submission for."""
        return self._derive(SEED_BITS, "order", submission, split, task_id, run)

    def _derive(self, bits: int, *names: str | int) -> int:
        message = b"".join(len(part).to_bytes(4, "big") + part for part in (str(name).encode() for name in names))
        digest = hmac.new(self.secret, message, hashlib.sha256).digest()
        return int.from_bytes(digest[:8], "big") >> (64 - bits)


def new_secret() -> bytes:
    """Returns a fresh secret of a season."""
    return secrets.token_bytes(SECRET_BYTES)


def commitment(secret: bytes) -> str:
    """Returns what is published before a season: the SHA-256 of its secret, in hexadecimal."""
    return hashlib.sha256(secret).hexdigest()
