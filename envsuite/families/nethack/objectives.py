"""What a step is worth in each task, and what has happened in it: pure functions on what the engine shows.

Formulas of Küttler et al., "The NetHack Learning Environment" (NeurIPS 2020), section 3.2, and the sources of
nle: every task adds a time penalty of -0.01 to a step in which no game time passes (0 in the
challenge), and pays

- score: the change of NetHack's running score;
- staircase: 1 on a staircase or ladder down, which ends the episode;
- staircase-pet: the same, but only with a pet next to the hero;
- oracle: 1 when the Oracle's picture is next to the hero, which ends the episode (a hallucinating hero
  who sees another monster as the Oracle succeeds too, as upstream);
- gold: the change of the gold carried;
- eat: the rise of the nutrition, falls cost nothing;
- scout: the change of the number of map squares that are not blank on this dungeon level.

Nothing is paid once the game is over, where the engine shows zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envsuite.families.nethack.describe import EVENTS

GLYPH_PET_OFF, GLYPH_INVIS_OFF, GLYPH_STONE, GLYPH_ORACLE = 381, 762, 2359, 270
"""Ranges of nle's glyphs: pets are [381, 762), blank stone is 2359, the Oracle is 270; the tests compare them."""


class View(NamedTuple):
    """The numbers of one moment that rewards, events and metrics are computed from."""

    in_game: bool
    x: int
    y: int
    time: int
    score: int
    gold: int
    hitpoints: int
    experience_level: int
    experience: int
    depth: int
    branch: int
    level: int
    deepest: int
    nutrition: int
    on_stairs_down: bool


Glyphs = NDArray[np.int16]
Explored = dict[tuple[int, int], int]
Reward = Callable[[View, View, Glyphs, Explored], tuple[str, float]]
Goal = Callable[[View, Glyphs], bool]


def around(view: View, glyphs: Glyphs) -> Glyphs:
    """Returns the glyphs on the hero's square and its neighbours, up to 3 x 3."""
    return glyphs[max(view.y - 1, 0) : view.y + 2, max(view.x - 1, 0) : view.x + 2]


def on_stairs(view: View, glyphs: Glyphs) -> bool:
    """Whether the hero stands on a way down."""
    del glyphs
    return view.on_stairs_down


def on_stairs_with_pet(view: View, glyphs: Glyphs) -> bool:
    """Whether the hero stands on a way down with a pet next to it."""
    near = around(view, glyphs)
    return view.on_stairs_down and bool(((near >= GLYPH_PET_OFF) & (near < GLYPH_INVIS_OFF)).any())


def by_oracle(view: View, glyphs: Glyphs) -> bool:
    """Whether a glyph next to the hero is the Oracle's."""
    return bool((around(view, glyphs) == GLYPH_ORACLE).any())


def _score(before: View, after: View, glyphs: Glyphs, explored: Explored) -> tuple[str, float]:
    del glyphs, explored
    return "score", float(after.score - before.score)


def _gold(before: View, after: View, glyphs: Glyphs, explored: Explored) -> tuple[str, float]:
    del glyphs, explored
    return "gold", float(after.gold - before.gold)


def _nutrition(before: View, after: View, glyphs: Glyphs, explored: Explored) -> tuple[str, float]:
    del glyphs, explored
    return "nutrition", float(max(0, after.nutrition - before.nutrition))


def _discovery(before: View, after: View, glyphs: Glyphs, explored: Explored) -> tuple[str, float]:
    del before
    key = (after.branch, after.level)
    known = int(np.count_nonzero(glyphs != GLYPH_STONE))
    new = known - explored.get(key, 0)
    explored[key] = known
    return "discovery", float(new)


REWARDS: Mapping[str, Reward] = {"score": _score, "gold": _gold, "eat": _nutrition, "scout": _discovery}
"""What a step pays, for the objectives that have no goal: the factor's name and its value."""

GOALS: Mapping[str, Goal] = {"staircase": on_stairs, "staircase-pet": on_stairs_with_pet, "oracle": by_oracle}
"""What ends the episode with success and pays the factor `goal`."""


def events_between(before: View, after: View) -> tuple[str, ...]:
    """Returns what the step did to the hero, in the order of `EVENTS`; nothing where no game is on."""
    if before == after or not (before.in_game and after.in_game):
        return ()
    happened = (
        after.depth > before.depth,
        after.depth < before.depth,
        after.deepest > before.deepest,
        after.experience_level > before.experience_level,
        after.experience > before.experience,
        after.gold > before.gold,
        after.nutrition > before.nutrition,
        after.hitpoints < before.hitpoints,
    )
    return tuple(name for name, true in zip(EVENTS, happened, strict=False) if true)


def ending_events(ending: str) -> tuple[str, ...]:
    """Returns ("ascended",) for the game's best end, ("died",) for a death, nothing for quitting or escaping."""
    if ending == "ascended":
        return ("ascended",)
    return () if ending in ("quit", "escaped", "panicked", "tricked") else ("died",)
