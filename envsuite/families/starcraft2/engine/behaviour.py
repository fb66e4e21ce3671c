"""What a unit does in a loop: its orders one after another, and what it does of itself when it has none."""

from __future__ import annotations

from typing import Any

from envsuite.families.starcraft2.engine import economy
from envsuite.families.starcraft2.engine.calibration import (
    CHASE_LOOPS,
    CROWD_RADIUS,
    ENERGY_PER_LOOP,
    SCAN_PERIOD_LOOPS,
    SHIELD_DELAY_LOOPS,
    SHIELD_PER_LOOP,
    STUCK_LOOPS,
    ZERG_HEALTH_PER_LOOP,
)
from envsuite.families.starcraft2.engine.combat import (
    can_heal,
    can_hit,
    fight,
    find_hurt,
    fly,
    heal,
    hostile,
    scan,
    scan_reach,
    strike,
    visible_to,
)
from envsuite.families.starcraft2.engine.compiled import kernel
from envsuite.families.starcraft2.engine.layout import (
    ATTACK,
    BUILD,
    GATHER,
    HEAL,
    HOLD,
    IDLE,
    MOVE,
    PATROL,
    QUEUED_ORDERS,
    RETURN,
    SCAN_MOVE,
)
from envsuite.families.starcraft2.engine.motion import arrived, edge_gap, near
from envsuite.families.starcraft2.engine.orders import copy_order, finish_order
from envsuite.families.starcraft2.engine.paths import NO_WAY, head_for
from envsuite.families.starcraft2.engine.roster import NO_SLOT, slot_of
from envsuite.families.starcraft2.engine.units import (
    ARMED,
    ATTRIBUTES,
    HEALS,
    MAX_ENERGY,
    MAX_HEALTH,
    MAX_SHIELD,
    MOBILE,
    PASSIVE,
    RACE,
    STRUCTURE,
    WEAPON_RANGE,
    ZERG,
)

_TOUCHING = 0.1
"""A follower stops when it is this near to whom it follows."""


@kernel
def act(game: Any, setting: Any, slot: Any) -> None:
    """Lets a living unit do what it does in one loop; movement comes after all have acted."""
    unit = game.units[slot]
    unit.moving = 0
    _recover(game, unit)
    if ATTRIBUTES[unit.type] & STRUCTURE:
        economy.run_structure(game, setting, slot)
    if not ARMED[unit.type] and not MOBILE[unit.type]:
        return
    if unit.cooldown > 0.0:
        unit.cooldown -= 1.0
    if unit.flight > 0.0:
        fly(game, slot)
    if unit.swing > 0.0:
        unit.swing -= 1.0
        if unit.swing <= 0.0:
            unit.swing = 0.0
            strike(game, slot)
        return
    _follow_orders(game, setting, slot)
    if unit.moving:
        unit.stuck = unit.stuck + 1 if unit.bumped else 0


@kernel
def _recover(game: Any, unit: Any) -> None:
    kind = unit.type
    if MAX_SHIELD[kind] > unit.shield and game.state[0].loop - unit.hit_loop >= SHIELD_DELAY_LOOPS:
        unit.shield = min(MAX_SHIELD[kind], unit.shield + SHIELD_PER_LOOP)
    if RACE[kind] == ZERG and unit.health < MAX_HEALTH[kind]:
        unit.health = min(MAX_HEALTH[kind], unit.health + ZERG_HEALTH_PER_LOOP)
    if unit.energy < MAX_ENERGY[kind]:
        unit.energy = min(MAX_ENERGY[kind], unit.energy + ENERGY_PER_LOOP)


@kernel
def _follow_orders(game: Any, setting: Any, slot: Any) -> None:
    unit = game.units[slot]
    verb = game.orders[slot, 0].verb if unit.orders > 0 else IDLE
    if verb == IDLE:
        _idle(game, setting, slot)
    elif verb == MOVE:
        unit.target = 0
        _move(game, setting, slot)
    elif verb == ATTACK:
        _attack(game, setting, slot)
    elif verb in (PATROL, SCAN_MOVE):
        _patrol(game, setting, slot, verb)
    elif verb == HOLD:
        _hold(game, setting, slot)
    elif verb == HEAL:
        _heal(game, slot)
    elif verb == GATHER:
        economy.gather(game, setting, slot)
    elif verb == RETURN:
        economy.bring_back(game, setting, slot)
    elif verb == BUILD:
        economy.build(game, setting, slot)


@kernel
def _scans_now(game: Any, slot: Any) -> Any:
    return (game.state[0].loop + slot) % SCAN_PERIOD_LOOPS == 0


@kernel
def _idle(game: Any, setting: Any, slot: Any) -> None:
    """Attacks enemies that come near and pursues them a while; a medivac heals."""
    unit = game.units[slot]
    if PASSIVE[unit.type]:
        unit.target = 0
        return
    if HEALS[unit.type]:
        _heal_nearby(game, slot)
        return
    target = slot_of(game, unit.target)
    if target != NO_SLOT and not _keeps(game, setting, slot, target):
        target = NO_SLOT
    if target == NO_SLOT:
        unit.target = 0
        if not _scans_now(game, slot):
            return
        target = scan(game, setting, slot, scan_reach(unit))
        if target == NO_SLOT:
            return
        unit.chase_loop = game.state[0].loop
    unit.target = game.units[target].tag
    if fight(game, slot, target, MOBILE[unit.type]):
        unit.chase_loop = game.state[0].loop


@kernel
def _keeps(game: Any, setting: Any, slot: Any, target_slot: Any) -> Any:
    """Tells whether an idle unit goes on with its target."""
    unit, target = game.units[slot], game.units[target_slot]
    if not hostile(unit, target) or not can_hit(unit, target) or not visible_to(game, setting, unit.owner, target):
        return False
    return edge_gap(unit, target) <= scan_reach(unit) or game.state[0].loop - unit.chase_loop < CHASE_LOOPS


@kernel
def _heal_nearby(game: Any, slot: Any) -> None:
    unit = game.units[slot]
    target = slot_of(game, unit.target)
    if target == NO_SLOT or not can_heal(unit, game.units[target]):
        unit.target = 0
        target = find_hurt(game, slot, scan_reach(unit))
    if target != NO_SLOT:
        heal(game, slot, target)


@kernel
def _move(game: Any, setting: Any, slot: Any) -> None:
    """Goes to a point, or follows a unit until it is gone."""
    unit, order = game.units[slot], game.orders[slot, 0]
    if order.tag != 0:
        leader = slot_of(game, order.tag)
        if leader == NO_SLOT or not visible_to(game, setting, unit.owner, game.units[leader]):
            finish_order(game, slot)
        elif edge_gap(unit, game.units[leader]) > _TOUCHING:
            head_for(game, setting, slot, game.units[leader].x, game.units[leader].y)
        return
    if _is_there(game, setting, slot, order.x, order.y):
        finish_order(game, slot)
    else:
        head_for(game, setting, slot, order.x, order.y)


@kernel
def _is_there(game: Any, setting: Any, slot: Any, x: Any, y: Any) -> Any:
    """Tells whether a unit is at a point, is held up by others that are, or can get no nearer."""
    unit = game.units[slot]
    # A point beyond the map's edge is reached at the edge.
    x = min(max(x, setting.left), setting.right)
    y = min(max(y, setting.bottom), setting.top)
    if unit.stuck >= NO_WAY:
        return True
    return arrived(unit, x, y) or (unit.stuck > STUCK_LOOPS and near(unit, x, y, CROWD_RADIUS))


@kernel
def _attack(game: Any, setting: Any, slot: Any) -> None:
    """Attacks a unit until it is gone, or goes to a point and attacks whatever it meets."""
    unit, order = game.units[slot], game.orders[slot, 0]
    if order.tag != 0:
        target = slot_of(game, order.tag)
        if (
            target == NO_SLOT
            or not can_hit(unit, game.units[target])
            or not visible_to(game, setting, unit.owner, game.units[target])
        ):
            finish_order(game, slot)
        elif not fight(game, slot, target, False):
            unit.target = game.units[target].tag
            if MOBILE[unit.type]:
                head_for(game, setting, slot, game.units[target].x, game.units[target].y)
        return
    if _fights_on_the_way(game, setting, slot):
        return
    if not MOBILE[unit.type] or _is_there(game, setting, slot, order.x, order.y):
        finish_order(game, slot)
    else:
        head_for(game, setting, slot, order.x, order.y)


@kernel
def _fights_on_the_way(game: Any, setting: Any, slot: Any) -> Any:
    """Attacks the enemy that is near, if any is; returns whether it does."""
    unit = game.units[slot]
    target = slot_of(game, unit.target)
    if target != NO_SLOT:
        foe = game.units[target]
        near_enough = hostile(unit, foe) and edge_gap(unit, foe) <= scan_reach(unit)
        if not near_enough or not can_hit(unit, foe) or not visible_to(game, setting, unit.owner, foe):
            target = NO_SLOT
    # Out of range of its target it looks again: another may have come nearer.
    if target == NO_SLOT or (edge_gap(unit, game.units[target]) > WEAPON_RANGE[unit.type] and _scans_now(game, slot)):
        target = scan(game, setting, slot, scan_reach(unit))
    if target == NO_SLOT:
        unit.target = 0
        return False
    unit.target = game.units[target].tag
    fight(game, slot, target, MOBILE[unit.type])
    return True


@kernel
def _patrol(game: Any, setting: Any, slot: Any, verb: Any) -> None:
    """Goes to a point and back for ever (PATROL), or once (SCAN_MOVE), and fights or heals on the way."""
    unit = game.units[slot]
    if HEALS[unit.type]:
        target = find_hurt(game, slot, scan_reach(unit))
        if target != NO_SLOT and unit.energy >= 1.0:
            heal(game, slot, target)
            return
        unit.target = 0
    elif _fights_on_the_way(game, setting, slot):
        return
    order = game.orders[slot, 0]
    x, y = order.x, order.y
    leader = slot_of(game, order.tag)
    if leader != NO_SLOT:
        x, y = game.units[leader].x, game.units[leader].y
    if not _is_there(game, setting, slot, x, y):
        head_for(game, setting, slot, x, y)
    elif verb == PATROL:
        _turn_back(game, slot)
    elif leader == NO_SLOT:
        finish_order(game, slot)


@kernel
def _turn_back(game: Any, slot: Any) -> None:
    """Puts a unit's running order behind its others."""
    unit = game.units[slot]
    spare = game.orders[slot, QUEUED_ORDERS - 1]
    if unit.orders >= QUEUED_ORDERS:
        return
    copy_order(game.orders[slot, 0], spare)
    for place in range(unit.orders - 1):
        copy_order(game.orders[slot, place + 1], game.orders[slot, place])
    copy_order(spare, game.orders[slot, unit.orders - 1])
    unit.stuck = 0


@kernel
def _hold(game: Any, setting: Any, slot: Any) -> None:
    unit = game.units[slot]
    target = slot_of(game, unit.target)
    if target == NO_SLOT or not fight(game, slot, target, False):
        unit.target = 0
        if _scans_now(game, slot) and not HEALS[unit.type]:
            target = scan(game, setting, slot, WEAPON_RANGE[unit.type])
            if target != NO_SLOT:
                fight(game, slot, target, False)


@kernel
def _heal(game: Any, slot: Any) -> None:
    """Heals a unit until it is whole, gone, or the energy is spent; a point is gone to while healing what is hurt."""
    unit, order = game.units[slot], game.orders[slot, 0]
    target = slot_of(game, order.tag)
    if target == NO_SLOT or not can_heal(unit, game.units[target]):
        finish_order(game, slot)
    else:
        heal(game, slot, target)
