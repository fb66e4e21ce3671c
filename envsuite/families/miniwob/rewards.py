"""Rewards from what a page gives: with and without the loss over time, and by a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

Reward = Callable[[float, float, bool], float]
"""(reward of the page, raw reward, whether the episode is over) -> reward of the step."""


def original(_threshold: float) -> Reward:
    """Returns the page's own reward, whose gains most pages multiply by the share of the limit that is left."""
    return lambda reward, _raw, _done: reward


def raw(_threshold: float) -> Reward:
    """Returns the page's reward without the loss over time."""
    return lambda _reward, raw_reward, _done: raw_reward


def binary(_threshold: float) -> Reward:
    """Returns 1 for a raw reward of exactly 1, -1 for any other end."""
    return thresholded(1.0)


def thresholded(threshold: float) -> Reward:
    """Returns 1 for a raw reward of at least `threshold`, -1 for any other end."""
    return lambda _reward, raw_reward, done: (1.0 if raw_reward >= threshold else -1.0) if done else 0.0


REWARDS: Mapping[str, Callable[[float], Reward]] = MappingProxyType(
    {"original": original, "raw": raw, "binary": binary, "thresholded": thresholded}
)
"""By the name that `rewards=` takes."""
