import numpy as np
import pytest
from families.starcraft2.arena import ATTACK, HOLD, MOVE, field, gap, tags, theirs, unit, until

from envsuite.families.starcraft2.engine import units
from envsuite.families.starcraft2.engine.layout import FOE, ME

MARINE, ROACH, ZEALOT, STALKER, COLOSSUS = (units.MARINE, units.ROACH, units.ZEALOT, units.STALKER, units.COLOSSUS)
MEDIVAC, ZERGLING, BANELING, MARAUDER, SPINE = (
    *(units.MEDIVAC, units.ZERGLING, units.BANELING, units.MARAUDER),
    units.SPINE_CRAWLER,
)
MARINE_RL = units.TYPE_OF_NAME["Marine_RL"]


def pair(attacker, target, apart, *, fight=True):
    """Returns a field with two units and their tags; the target does nothing of itself."""
    games = field()
    a = games.create(0, ME, attacker, 20, 20)
    b = games.create(0, FOE, target, 20 + apart, 20)
    if fight:
        assert games.command(0, ME, [a], ATTACK, target=b) == 1
    return games, a, b


def damage_of_one_attack(attacker, target):
    games, _, b = pair(attacker, target, 2.0)
    until(games, lambda: unit(games, b)["hit_loop"] > 0, 200)
    return tuple(games.batch.players[0, ME]["dealt"][:2])


@pytest.mark.parametrize(
    ("attacker", "target", "life", "shield"),
    [
        (MARINE, MARINE_RL, 6, 0),
        (MARINE, ROACH, 5, 0),  # armour 1
        (MARINE, ZEALOT, 0, 6),  # shields have no armour
        (MARAUDER, ROACH, 19, 0),  # 10 + 10 against armoured, armour 1
        (MARAUDER, units.TYPE_OF_NAME["Zergling_RL"], 10, 0),
        (units.TYPE_OF_NAME["Zealot_RL"], MARINE_RL, 16, 0),  # two hits
        (units.TYPE_OF_NAME["Zealot_RL"], units.TYPE_OF_NAME["Marauder_RL"], 14, 0),  # armour counts for each
        (STALKER, ROACH, 17, 0),  # 13 + 5 - 1
    ],
)
def test_damage(attacker, target, life, shield):
    assert damage_of_one_attack(attacker, target) == (life, shield)


def test_a_shield_that_breaks_lets_the_rest_through():
    games, _, b = pair(MARINE, ZEALOT, 2.0)
    games.batch.units[0]["shield"][games.batch.units[0]["tag"] == b] = 3.5
    until(games, lambda: unit(games, b)["hit_loop"] > 0, 100)
    assert unit(games, b)["shield"] == 0.0
    on_life, on_shield = games.batch.players[0, ME]["dealt"][:2]
    assert 3.5 < on_shield < 4.5
    assert on_life == 6 - on_shield - 1  # of armour


def test_every_hit_takes_half_a_point_at_least():
    games, _, b = pair(ZERGLING, SPINE, 2.0)
    armour = np.array(units.ARMOR)
    assert armour[SPINE] == 2
    until(games, lambda: unit(games, b)["hit_loop"] > 0, 200)
    assert unit(games, b)["health"] == pytest.approx(297.0, abs=0.2)


@pytest.mark.parametrize("kind", [MARINE, MARAUDER, STALKER, units.HYDRALISK])
def test_attacks_come_as_often_as_the_weapon_allows(kind):
    games, _, b = pair(kind, SPINE, 4.0)
    games.batch.units[0]["cooldown"][games.batch.units[0]["tag"] == b] = 1e9  # it does not shoot back
    hits, loops = 0, 1200
    last = -1
    for _ in range(loops):
        games.step(0, 1)
        games.batch.units[0]["health"][games.batch.units[0]["tag"] == b] = 300.0
        now = int(unit(games, b)["hit_loop"])
        hits += now > last and now > 0
        last = max(last, now)
    # The game's random delay is half a loop on average.
    assert loops / hits == pytest.approx(units.COOLDOWN[kind] + 0.5, rel=0.03)


def test_range_is_from_edge_to_edge():
    games, a, b = pair(MARINE, SPINE, 12.0)
    games.batch.units[0]["cooldown"][games.batch.units[0]["tag"] == b] = 1e9
    until(games, lambda: unit(games, b)["hit_loop"] > 0, 300)
    reach = units.WEAPON_RANGE[MARINE] + units.RADIUS[MARINE] + units.RADIUS[SPINE]
    assert reach - units.SPEED[MARINE] - 0.01 <= gap(unit(games, a), unit(games, b)) <= reach + 1e-9


def test_the_idle_attack_what_comes_near_and_the_passive_do_not():
    games = field()
    games.create(0, ME, MARINE, 20, 20)
    b = games.create(0, FOE, MARINE_RL, 24, 20)
    until(games, lambda: unit(games, b) is None, 400)
    games = field()
    games.create(0, ME, MARINE_RL, 20, 20)
    b = games.create(0, FOE, MARINE_RL, 24, 20)
    games.step(0, 400)
    assert unit(games, b)["health"] == 45


def test_who_is_hit_turns_on_the_attacker_and_friends_help():
    games = field()
    games.create(0, ME, SPINE, 20, 20)
    near = games.create(0, FOE, ROACH, 28, 20)
    friend = games.create(0, FOE, ROACH, 32, 20)
    far = games.create(0, FOE, ROACH, 45, 20)
    until(games, lambda: unit(games, near)["hit_loop"] > 0, 100)
    games.step(0, 40)
    assert unit(games, friend)["x"] < 31
    assert unit(games, far)["x"] == 45


def test_threats_come_before_what_is_nearer():
    games = field()
    a = games.create(0, ME, MARINE, 20, 20)
    games.create(0, FOE, units.SUPPLY_DEPOT, 22, 20)
    threat = games.create(0, FOE, units.TYPE_OF_NAME["Marauder_RL"], 20, 25)
    games.step(0, 6)
    assert unit(games, a)["target"] == threat


def test_ground_weapons_do_not_reach_the_air():
    games = field()
    zergling = games.create(0, ME, ZERGLING, 20, 20)
    medivac = games.create(0, FOE, MEDIVAC, 21, 20)
    assert games.command(0, ME, [zergling], ATTACK, target=medivac) == 36
    games.step(0, 100)
    assert unit(games, medivac)["health"] == 150


def test_a_baneling_bursts_and_takes_all_round_it():
    games = field()
    marines = [games.create(0, FOE, MARINE_RL, 24 + 0.8 * index, 20) for index in range(6)]
    baneling = games.create(0, ME, BANELING, 20, 20)
    games.command(0, ME, [baneling], ATTACK, target=marines[0])
    until(games, lambda: unit(games, baneling) is None, 200)
    lives = [unit(games, tag)["health"] for tag in marines]
    assert lives[:3] == [10.0] * 3  # 16 + 19 against light
    assert lives[-1] == 45.0
    assert games.batch.players[0, ME]["losses"] == 1


def test_banelings_set_each_other_off():
    games = field()
    first = games.create(0, ME, BANELING, 20, 20)
    others = [games.create(0, FOE, units.TYPE_OF_NAME["Baneling_RL"], 22 + 0.8 * index, 20) for index in range(2)]
    for tag in others:
        games.batch.units[0]["health"][games.batch.units[0]["tag"] == tag] = 10.0
    games.command(0, ME, [first], ATTACK, target=others[0])
    until(games, lambda: unit(games, first) is None, 200)
    assert all(unit(games, tag) is None for tag in others)


def test_a_colossus_sweeps_across_its_line_of_fire():
    games = field()
    colossus = games.create(0, ME, COLOSSUS, 20, 20)
    across = [games.create(0, FOE, MARINE_RL, 26, 20 + 0.8 * index) for index in range(-3, 4)]
    behind = games.create(0, FOE, MARINE_RL, 28, 20)
    games.command(0, ME, [colossus], ATTACK, target=across[3])
    until(games, lambda: unit(games, across[3])["hit_loop"] > 0, 100)
    lives = [unit(games, tag)["health"] for tag in across]
    assert lives == [45.0, 15.0, 15.0, 15.0, 15.0, 15.0, 45.0]  # (10 + 5 against light) x 2
    assert unit(games, behind)["health"] == 45


def test_shields_come_back_after_ten_seconds():
    games, a, b = pair(MARINE_RL, ZEALOT, 4.0)
    games.batch.units[0]["cooldown"][games.batch.units[0]["tag"] == b] = 1e9
    until(games, lambda: unit(games, b)["hit_loop"] > 0, 100)
    games.kill(0, a)
    loop = int(unit(games, b)["hit_loop"])
    assert unit(games, b)["shield"] == 44
    games.step(0, loop + 159 - int(games.batch.state[0, 0]["loop"]))
    assert unit(games, b)["shield"] == 44
    games.step(0, 16)
    assert unit(games, b)["shield"] == pytest.approx(46)


def test_zerg_heal_and_terrans_do_not():
    games = field()
    roach, marine = games.create(0, ME, ROACH, 20, 20), games.create(0, ME, MARINE, 30, 30)
    for tag in (roach, marine):
        games.batch.units[0]["health"][games.batch.units[0]["tag"] == tag] = 20.0
    games.step(0, 160)
    assert unit(games, roach)["health"] == pytest.approx(20 + 2.734)
    assert unit(games, marine)["health"] == 20


def test_a_medivac_heals_for_energy():
    games = field()
    medivac, marine = games.create(0, ME, MEDIVAC, 20, 20), games.create(0, ME, MARINE, 23, 20)
    zealot = games.create(0, ME, units.SCV, 18, 20)
    for tag in (marine, zealot):
        games.batch.units[0]["health"][games.batch.units[0]["tag"] == tag] = 20.0
    before = unit(games, medivac)["energy"]
    until(games, lambda: unit(games, marine)["health"] == 45.0, 100)
    games.step(0, 60)
    assert unit(games, zealot)["health"] == 45.0
    spent = before - unit(games, medivac)["energy"]
    assert games.batch.players[0, ME]["healed"] == 50.0
    assert 50 / 3 * 0.6 < spent < 50 / 3


def test_a_missile_can_come_too_late():
    games = field()
    roaches = [games.create(0, ME, ROACH, 20, 20 + 1.1 * index) for index in range(4)]
    b = games.create(0, FOE, MARINE_RL, 24, 21.6)
    games.command(0, ME, roaches, ATTACK, target=b)
    until(games, lambda: unit(games, b) is None, 200)
    assert games.batch.players[0, ME]["dealt"][0] == 45
    shots = [unit(games, tag) for tag in roaches]
    assert sum(record["cooldown"] > 0 for record in shots) == 4  # three would have done


def test_on_hold_a_unit_shoots_and_stays():
    games = field()
    a = games.create(0, ME, MARINE, 20, 20)
    b = games.create(0, FOE, MARINE_RL, 24, 20)
    c = games.create(0, FOE, MARINE_RL, 28, 20)
    assert games.command(0, ME, [a], HOLD) == 1
    games.step(0, 300)
    assert unit(games, b) is None
    assert unit(games, c)["health"] == 45
    assert (unit(games, a)["x"], unit(games, a)["y"]) == (20, 20)


def test_a_move_breaks_off_an_attack():
    games, a, b = pair(MARINE, MARINE_RL, 4.0)
    until(games, lambda: unit(games, a)["swing"] > 0, 50)
    games.command(0, ME, [a], MOVE, point=(10.0, 20.0))
    games.step(0, 3)
    assert unit(games, b)["health"] == 45


def test_deaths_are_counted_on_both_sides():
    games = field()
    games.create(0, ME, MARINE, 20, 20)
    b = games.create(0, FOE, MARINE_RL, 23, 20)
    until(games, lambda: unit(games, b) is None, 400)
    mine, foe = games.batch.players[0, ME], games.batch.players[0, FOE]
    assert (mine["kills"], mine["losses"], mine["killed_minerals"]) == (1, 0, 50)
    assert (foe["kills"], foe["losses"], foe["lost_minerals"]) == (0, 1, 50)
    assert mine["dealt"][0] == foe["taken"][0] == 45
    assert tags(theirs(games)) == []
