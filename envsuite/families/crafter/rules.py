"""Crafter's names as data: actions, achievements, items, and what the numbers of the semantic map mean."""

from __future__ import annotations

ACTIONS = (
    "noop",
    "move_left",
    "move_right",
    "move_up",
    "move_down",
    "do",
    "sleep",
    "place_stone",
    "place_table",
    "place_furnace",
    "place_plant",
    "make_wood_pickaxe",
    "make_stone_pickaxe",
    "make_iron_pickaxe",
    "make_wood_sword",
    "make_stone_sword",
    "make_iron_sword",
)
"""The 17 actions; an action is an index into this."""

ACHIEVEMENTS = (
    "collect_coal",
    "collect_diamond",
    "collect_drink",
    "collect_iron",
    "collect_sapling",
    "collect_stone",
    "collect_wood",
    "defeat_skeleton",
    "defeat_zombie",
    "eat_cow",
    "eat_plant",
    "make_iron_pickaxe",
    "make_iron_sword",
    "make_stone_pickaxe",
    "make_stone_sword",
    "make_wood_pickaxe",
    "make_wood_sword",
    "place_furnace",
    "place_plant",
    "place_stone",
    "place_table",
    "wake_up",
)
"""The 22 achievements; each is worth 1 the first time in an episode."""

STATUS = ("health", "food", "drink", "energy")
"""The first items of the inventory: what the player must keep above zero, each at most 9."""

ITEMS = (
    *STATUS,
    "sapling",
    "wood",
    "stone",
    "coal",
    "iron",
    "diamond",
    "wood_pickaxe",
    "stone_pickaxe",
    "iron_pickaxe",
    "wood_sword",
    "stone_sword",
    "iron_sword",
)
"""The inventory in the order in which it is drawn, nine to a row."""

SEMANTICS = (
    "nothing",
    "water",
    "grass",
    "stone",
    "path",
    "sand",
    "tree",
    "lava",
    "coal",
    "iron",
    "diamond",
    "table",
    "furnace",
    "player",
    "cow",
    "zombie",
    "skeleton",
    "arrow",
    "plant",
)
"""The names of the numbers in `info["semantic"]`: materials, then what stands on them."""

MATERIAL_COUNT = 13
"""How many of `SEMANTICS` are materials."""

SPRITES = (
    "",
    "player-left",
    "player-right",
    "player-up",
    "player-down",
    "player-sleep",
    "cow",
    "zombie",
    "skeleton",
    "arrow-left",
    "arrow-right",
    "arrow-up",
    "arrow-down",
    "plant",
    "plant-ripe",
)
"""What may stand on a tile of a picture, by the names of the textures; the first is nothing."""

FACINGS = ("left", "right", "up", "down")
"""The four directions, in the order of the moves."""

STATE_EVENTS = ("damaged", "died", "fell_asleep", "woke_up")
"""Events beside the achievements: health has fallen, health has reached zero, sleep has begun or ended."""

AREA = (64, 64)
VIEW = (9, 7)
"""Width and height of the part of the map that an observation shows, in tiles, the player in its middle."""
