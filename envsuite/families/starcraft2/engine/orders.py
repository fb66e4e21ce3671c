"""The queue of a unit's orders."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import QUEUED_ORDERS


@kernel
def finish_order(game: Any, slot: Any) -> None:
    """Ends a unit's running order; the next of its queue begins."""
    unit = game.units[slot]
    unit.orders -= 1
    unit.target = 0
    unit.stuck = 0
    for place in range(unit.orders):
        copy_order(game.orders[slot, place + 1], game.orders[slot, place])


@inlined
def copy_order(source: Any, target: Any) -> None:
    """Writes an order over another."""
    target.tag, target.x, target.y = source.tag, source.x, source.y
    target.ability, target.verb, target.type = source.ability, source.verb, source.type


@kernel
def give_order(game: Any, slot: Any, verb: Any, ability: Any, x: Any, y: Any, tag: Any, makes: Any) -> None:
    """Puts an order behind those that a unit has; nothing happens where there is no room."""
    unit = game.units[slot]
    if unit.orders >= QUEUED_ORDERS:
        return
    order = game.orders[slot, unit.orders]
    order.verb, order.ability, order.x, order.y, order.tag, order.type = verb, ability, x, y, tag, makes
    unit.orders += 1
