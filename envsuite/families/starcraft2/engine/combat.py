"""Combat: who is attacked, when a weapon hits, and what it does."""

from __future__ import annotations

from typing import Any

import numpy as np

from envsuite.families.starcraft2.engine.calibration import (
    BANELING_SPLASH_RADIUS,
    COLOSSUS_BEAM_HALF_LENGTH,
    COLOSSUS_BEAM_HALF_WIDTH,
    DAMAGE_POINT_LOOPS,
    HEAL_ENERGY_PER_LOOP,
    HEAL_PER_LOOP,
    HELP_RADIUS,
    LEAST_DAMAGE,
)
from envsuite.families.starcraft2.engine.compiled import inlined, kernel
from envsuite.families.starcraft2.engine.layout import FOE, ME
from envsuite.families.starcraft2.engine.motion import edge_gap, go_to
from envsuite.families.starcraft2.engine.roster import NO_SLOT, alive, distance, slot_of
from envsuite.families.starcraft2.engine.stream import below
from envsuite.families.starcraft2.engine.units import (
    AIR,
    ARMED,
    ARMOR,
    ATTRIBUTES,
    BIOLOGICAL,
    BONUS,
    BONUS_AGAINST,
    COOLDOWN,
    DAMAGE,
    EXPLODES,
    HEALS,
    HITS,
    MAX_HEALTH,
    MISSILE_SPEED,
    PASSIVE,
    RADIUS,
    SCAN,
    SHOOTS_UP,
    SIGHT,
    SPLASH,
    STRUCTURE,
    SWEEPS,
    WEAPON_RANGE,
)


@inlined
def hostile(unit: Any, other: Any) -> Any:
    """Tells whether two units belong to opposite players."""
    return unit.owner + other.owner == ME + FOE and unit.owner != other.owner


@kernel
def visible_to(game: Any, setting: Any, player: Any, unit: Any) -> Any:
    """Tells whether a player sees a unit now."""
    if unit.inside:
        return False
    if not setting.fog or unit.owner == player:
        return True
    for slot in range(game.state[0].slots):
        own = game.units[slot]
        if alive(own) and own.owner == player and distance(own, unit) <= SIGHT[own.type]:
            return True
    return False


@inlined
def can_hit(unit: Any, other: Any) -> Any:
    """Tells whether a unit's weapon reaches the layer that another is in."""
    return DAMAGE[unit.type] > 0.0 and (SHOOTS_UP[unit.type] or not AIR[other.type])


@kernel
def scan(game: Any, setting: Any, slot: Any, reach: Any) -> Any:
    """Returns the slot of the enemy to attack within `reach`, edge to edge: the nearest threat, if any; or -1."""
    unit = game.units[slot]
    best, best_rank, best_gap = NO_SLOT, 99, np.inf
    if unit.owner > FOE or game.players[ME + FOE - unit.owner].units == 0:
        return best
    span = reach + RADIUS[unit.type]
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if not alive(other) or not hostile(unit, other) or other.inside or not can_hit(unit, other):
            continue
        rx, ry = other.x - unit.x, other.y - unit.y
        limit = span + RADIUS[other.type]
        squared = rx * rx + ry * ry
        if squared > limit * limit:
            continue
        rank = 0 if can_hit(other, unit) or HEALS[other.type] else (2 if ATTRIBUTES[other.type] & STRUCTURE else 1)
        gap = np.sqrt(squared) - RADIUS[other.type]
        if (rank < best_rank or (rank == best_rank and gap < best_gap)) and visible_to(
            game, setting, unit.owner, other
        ):
            best, best_rank, best_gap = other_slot, rank, gap
    return best


@inlined
def scan_reach(unit: Any) -> Any:
    """Returns how far a unit looks for targets."""
    return SCAN[unit.type]


@kernel
def fight(game: Any, slot: Any, target_slot: Any, chase: Any) -> Any:
    """Attacks a unit, or moves into range of it if `chase`; returns whether it is in range."""
    unit, target = game.units[slot], game.units[target_slot]
    gap = edge_gap(unit, target)
    if gap > WEAPON_RANGE[unit.type]:
        if chase:
            go_to(unit, target.x, target.y)
        return False
    unit.target = target.tag
    if unit.cooldown <= 0.0:
        unit.swing = DAMAGE_POINT_LOOPS
        _face(unit, target)
    return True


@kernel
def _face(unit: Any, target: Any) -> None:
    length = distance(unit, target)
    if length > 0.0:
        unit.facing_x, unit.facing_y = (target.x - unit.x) / length, (target.y - unit.y) / length


@kernel
def strike(game: Any, slot: Any) -> None:
    """Lets the attack that a unit has begun hit its target."""
    unit = game.units[slot]
    target_slot = slot_of(game, unit.target)
    if target_slot == NO_SLOT or game.units[target_slot].inside:
        return
    # The game adds a random delay of -1 to 2 loops to every attack (its API's notes on randomness).
    unit.cooldown += COOLDOWN[unit.type] - DAMAGE_POINT_LOOPS + below(game.state[0], 4) - 1
    if SPLASH[unit.type] == EXPLODES:
        unit.health = 0.0  # the end of the loop sets it off
        return
    target = game.units[target_slot]
    if SPLASH[unit.type] == SWEEPS:
        _sweep(game, slot, target)
    elif MISSILE_SPEED[unit.type] > 0.0:
        unit.flight = max(1.0, np.floor(distance(unit, target) / MISSILE_SPEED[unit.type]))
        unit.missile_target = target.tag
    else:
        hit(game, slot, target_slot)


@kernel
def fly(game: Any, slot: Any) -> None:
    """Lets a missile come nearer; it hits its target wherever that is by then, and nothing where it is gone."""
    unit = game.units[slot]
    unit.flight -= 1.0
    if unit.flight > 0.0:
        return
    unit.flight = 0.0
    target_slot = slot_of(game, unit.missile_target)
    if target_slot != NO_SLOT and not game.units[target_slot].inside:
        hit(game, slot, target_slot)


@kernel
def _sweep(game: Any, slot: Any, target: Any) -> None:
    """Hits every enemy on a short line across the one to the target."""
    unit = game.units[slot]
    length = max(distance(unit, target), 1e-6)
    nx, ny = (target.x - unit.x) / length, (target.y - unit.y) / length
    tx, ty = target.x, target.y
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if not alive(other) or not hostile(unit, other) or AIR[other.type] or other.inside:
            continue
        rx, ry = other.x - tx, other.y - ty
        along, across = abs(rx * nx + ry * ny), abs(ry * nx - rx * ny)
        reach = RADIUS[other.type]
        if along <= COLOSSUS_BEAM_HALF_WIDTH + reach and across <= COLOSSUS_BEAM_HALF_LENGTH + reach:
            hit(game, slot, other_slot)


@kernel
def explode(game: Any, slot: Any) -> None:
    """Hits every enemy on the ground round a baneling that has died."""
    unit = game.units[slot]
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if not alive(other) or not hostile(unit, other) or AIR[other.type] or other.inside:
            continue
        if distance(unit, other) - RADIUS[other.type] <= BANELING_SPLASH_RADIUS:
            hit(game, slot, other_slot)


@kernel
def hit(game: Any, slot: Any, target_slot: Any) -> None:
    """Takes shields and life for each of a weapon's hits; armour protects life only."""
    unit, target = game.units[slot], game.units[target_slot]
    damage = DAMAGE[unit.type]
    if ATTRIBUTES[target.type] & BONUS_AGAINST[unit.type]:
        damage += BONUS[unit.type]
    victim, attacker = game.players[target.owner], game.players[unit.owner]
    for _ in range(HITS[unit.type]):
        left = damage
        on_shield = min(target.shield, left)
        target.shield -= on_shield
        left -= on_shield
        on_life = 0.0
        if left > 0.0:
            on_life = min(max(left - ARMOR[target.type], LEAST_DAMAGE), target.health)
            target.health -= on_life
        attacker.dealt[0] += on_life
        attacker.dealt[1] += on_shield
        victim.taken[0] += on_life
        victim.taken[1] += on_shield
        if target.health <= 0.0:
            break
    target.hit_loop = game.state[0].loop
    if alive(target) or target.health <= 0.0:
        call_for_help(game, target, unit)


@kernel
def call_for_help(game: Any, victim: Any, attacker: Any) -> None:
    """Turns the idle friends of a unit that was hit, and itself, on the attacker."""
    for slot in range(game.state[0].slots):
        friend = game.units[slot]
        if friend.owner != victim.owner or not alive(friend) or friend.orders > 0 or friend.target != 0:
            continue
        if PASSIVE[friend.type] or not ARMED[friend.type] or not can_hit(friend, attacker):
            continue
        if distance(friend, victim) <= HELP_RADIUS:
            friend.target = attacker.tag
            friend.chase_loop = game.state[0].loop


@kernel
def find_hurt(game: Any, slot: Any, reach: Any) -> Any:
    """Returns the slot of the nearest friend that a medivac can heal within `reach`, or -1."""
    unit = game.units[slot]
    best, best_gap = NO_SLOT, reach
    for other_slot in range(game.state[0].slots):
        other = game.units[other_slot]
        if other_slot == slot or other.owner != unit.owner or not alive(other) or not can_heal(unit, other):
            continue
        gap = edge_gap(unit, other)
        if gap <= best_gap:
            best, best_gap = other_slot, gap
    return best


@inlined
def can_heal(unit: Any, other: Any) -> Any:
    """Tells whether a unit heals another that is hurt."""
    biological = (ATTRIBUTES[other.type] & BIOLOGICAL) != 0 and (ATTRIBUTES[other.type] & STRUCTURE) == 0
    return HEALS[unit.type] and biological and other.owner == unit.owner and other.health < MAX_HEALTH[other.type]


@kernel
def heal(game: Any, slot: Any, target_slot: Any) -> Any:
    """Heals a unit in range for one loop, or moves nearer; returns whether it did heal."""
    unit, target = game.units[slot], game.units[target_slot]
    unit.target = target.tag
    if edge_gap(unit, target) > WEAPON_RANGE[unit.type]:
        go_to(unit, target.x, target.y)
        return False
    if unit.energy < HEAL_ENERGY_PER_LOOP:
        return False
    amount = min(HEAL_PER_LOOP, MAX_HEALTH[target.type] - target.health)
    target.health += amount
    unit.energy -= HEAL_ENERGY_PER_LOOP * (amount / HEAL_PER_LOOP)
    game.players[unit.owner].healed += amount
    return True
