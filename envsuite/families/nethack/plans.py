"""What the scripted expert does in each task, and what it knows of creatures and food: data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the explorer plays a task."""

    explore_until: int
    """The turn before which levels are explored to their end; later the way down is taken at once."""
    deepest_explored: int
    """The level below which the way down is taken at once."""
    stay_on_stairs: bool = False
    descend: bool = True
    look_for: str | None = None
    """A creature to stand next to, and from which level on levels are explored for it."""
    look_from: int = 0
    feast: bool = False
    """Whether to eat whenever that is safe, not only against hunger."""


FOREVER = 10**9
PLANS: Mapping[str, Plan] = {
    "score": Plan(explore_until=0, deepest_explored=0),
    "challenge": Plan(explore_until=FOREVER, deepest_explored=4),
    "staircase": Plan(explore_until=0, deepest_explored=0, descend=False),
    "staircase-pet": Plan(explore_until=0, deepest_explored=0, descend=False, stay_on_stairs=True),
    "oracle": Plan(explore_until=0, deepest_explored=0, look_for="Oracle", look_from=5),
    "gold": Plan(explore_until=FOREVER, deepest_explored=50),
    "eat": Plan(explore_until=FOREVER, deepest_explored=50, feast=True),
    "scout": Plan(explore_until=FOREVER, deepest_explored=50),
}
"""One plan for each task of the family."""

# fmt: off
NEVER_TOUCH = frozenset({
    "Oracle", "aligned priest", "blue jelly", "brown mold", "chickatrice", "cockatrice", "floating eye",
    "gas spore", "green mold", "guard", "ochre jelly", "red mold", "shopkeeper", "spotted jelly", "watch captain",
    "watchman", "yellow mold",
})
# fmt: on
"""Creatures that hurt or punish whoever attacks them."""
# fmt: off
GOOD_CORPSES = frozenset({
    "Mordor orc", "Uruk-hai", "acid blob", "baby crocodile", "bugbear", "cave spider", "coyote", "dwarf",
    "dwarf lord", "fire ant", "floating eye", "fox", "gecko", "giant ant", "giant rat", "gnome", "gnome king",
    "gnome lord", "goblin", "hill giant", "hill orc", "hobbit", "horse", "iguana", "jackal", "jaguar", "lichen",
    "lizard", "newt", "pony", "rock piercer", "rothe", "sewer rat", "snaga", "wolf", "wolverine",
})
# fmt: on
"""Creatures whose fresh corpses can be eaten without harm."""
# fmt: off
LASTING_FOOD = frozenset({
    "C-ration", "K-ration", "apple", "banana", "candy bar", "carrot", "clove of garlic", "cram ration", "cream pie",
    "eucalyptus leaf", "food ration", "fortune cookie", "kelp frond", "lembas wafer", "lichen corpse",
    "lizard corpse", "lump of royal jelly", "melon", "orange", "pancake", "pear", "slime mold",
    "sprig of wolfsbane",
})
# fmt: on
"""What can be eaten whenever it is found."""
