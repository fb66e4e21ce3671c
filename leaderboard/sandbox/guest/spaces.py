"""Spaces as plain data and back: gymnasium, slow to import, is loaded only when a space is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gymnasium import spaces


def describe_space(space: spaces.Space[Any]) -> dict[str, Any]:
    """Returns plain data that `build_space` makes an equal space of; no random generator goes with it.

    Raises TypeError for a kind of space that no environment of envsuite has.
    """
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        return {"kind": "discrete", "n": int(space.n), "start": int(space.start)}
    if isinstance(space, spaces.MultiDiscrete):
        return {"kind": "multidiscrete", "nvec": space.nvec, "start": space.start, "dtype": np.dtype(space.dtype).str}
    if isinstance(space, spaces.MultiBinary):
        n: Any = space.n  # a number or a shape
        return {"kind": "multibinary", "n": int(n) if isinstance(n, int | np.integer) else list(map(int, n))}
    if isinstance(space, spaces.Box):
        return {"kind": "box", "low": space.low, "high": space.high, "dtype": np.dtype(space.dtype).str}
    if isinstance(space, spaces.Text):
        lengths = {"min_length": int(space.min_length), "max_length": int(space.max_length)}
        return {"kind": "text", **lengths, "characters": list(space.character_list)}
    if isinstance(space, spaces.Dict):
        return {"kind": "dict", "spaces": [[name, describe_space(part)] for name, part in space.spaces.items()]}
    if isinstance(space, spaces.Tuple):
        return {"kind": "tuple", "spaces": [describe_space(part) for part in space.spaces]}
    raise TypeError(f"space: expected one that a sandboxed agent can be told, got {space}")


def build_space(data: dict[str, Any]) -> spaces.Space[Any]:
    """Returns the space of `describe_space`'s data."""
    from gymnasium import spaces

    kind = data["kind"]
    if kind == "discrete":
        return spaces.Discrete(data["n"], start=data["start"])
    if kind == "multidiscrete":
        return spaces.MultiDiscrete(data["nvec"], dtype=np.dtype(data["dtype"]).type, start=data["start"])
    if kind == "multibinary":
        return spaces.MultiBinary(data["n"])
    if kind == "box":
        return spaces.Box(data["low"], data["high"], dtype=np.dtype(data["dtype"]).type)
    if kind == "text":
        return spaces.Text(data["max_length"], min_length=data["min_length"], charset="".join(data["characters"]))
    if kind == "dict":
        return spaces.Dict([(name, build_space(part)) for name, part in data["spaces"]])
    if kind == "tuple":
        return spaces.Tuple([build_space(part) for part in data["spaces"]])
    raise ValueError(f"space: kind {kind!r} is unknown")
