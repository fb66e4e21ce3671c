import pytest
from families.starcraft2.arena import ATTACK, MOVE, PATROL, STOP, field, tags, unit, until

from envsuite.families.starcraft2.engine import abilities, units
from envsuite.families.starcraft2.engine.layout import FOE, ME, NEUTRAL, QUEUED_ORDERS

SMART = 1


def orders(games, tag):
    record = unit(games, tag)
    slot = tag % 4096
    return [int(games.batch.orders[0, slot, place]["ability"]) for place in range(record["orders"])]


@pytest.mark.parametrize(("general", "specific"), [(3794, 16), (3795, 17), (3674, 23), (16, 16), (23, 23), (1, 16)])
def test_orders_have_the_specific_ability(general, specific):
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    assert games.command(0, ME, [tag], general, point=(30.0, 30.0)) == abilities.SUCCESS
    assert orders(games, tag)[0] == specific


def test_the_unarmed_scan_when_told_to_attack():
    games = field()
    tag = games.create(0, ME, units.MEDIVAC, 20, 20)
    assert games.command(0, ME, [tag], ATTACK, point=(30.0, 30.0)) == abilities.SUCCESS
    assert orders(games, tag) == [19]


def test_a_right_click_means_what_is_under_it():
    games = field()
    marine = games.create(0, ME, units.MARINE, 20, 20)
    enemy = games.create(0, FOE, units.TYPE_OF_NAME["Marine_RL"], 40, 40)
    medivac = games.create(0, ME, units.MEDIVAC, 22, 20)
    hurt = games.create(0, ME, units.MARINE, 23, 20)
    beacon = games.create(0, NEUTRAL, units.BEACON, 30, 30)
    for target, ability in ((enemy, 23), (medivac, 16), (beacon, 16)):
        assert games.command(0, ME, [marine], SMART, target=target) == abilities.SUCCESS
        assert orders(games, marine) == [ability]
    games.batch.units[0]["health"][games.batch.units[0]["tag"] == hurt] = 10.0
    games.command(0, ME, [medivac], SMART, target=hurt)
    assert orders(games, medivac) == [386]
    games.command(0, ME, [medivac], SMART, target=enemy)
    assert orders(games, medivac) == [19]


def test_queued_orders_follow_one_another_until_there_is_no_room():
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    results = [
        games.command(0, ME, [tag], MOVE, point=(21.0 + index, 20.0), queued=True) for index in range(QUEUED_ORDERS + 1)
    ]
    assert results == [abilities.SUCCESS] * QUEUED_ORDERS + [abilities.QUEUE_IS_FULL]
    until(games, lambda: unit(games, tag)["orders"] == 0, 400)
    assert unit(games, tag)["x"] == pytest.approx(28, abs=0.1)


def test_stop_takes_all_orders():
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    games.command(0, ME, [tag], PATROL, point=(30.0, 20.0))
    games.step(0, 10)
    assert games.command(0, ME, [tag], STOP) == abilities.SUCCESS
    before = unit(games, tag)["x"]
    games.step(0, 10)
    assert unit(games, tag)["x"] == before
    assert orders(games, tag) == []


@pytest.mark.parametrize(
    ("ability", "arguments", "result"),
    [
        (999_999, {}, abilities.NOT_SUPPORTED),
        (524, {}, abilities.NOT_SUPPORTED),  # a marine trains nobody
        (MOVE, {}, abilities.ERROR),  # without a target
        (STOP, {"point": (1.0, 1.0)}, abilities.ERROR),
        (ATTACK, {"target": 4096 * 99}, abilities.CANT_TARGET_THAT),
        (ATTACK, {"target": -5}, abilities.CANT_TARGET_THAT),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ability, arguments, result):
    games = field()
    tag = games.create(0, ME, units.MARINE, 20, 20)
    before = games.state(0)
    assert games.command(0, ME, [tag], ability, **arguments) == result
    assert all((before[name] == value).all() for name, value in games.state(0).items())


def test_friends_and_neutrals_are_not_attacked():
    games = field()
    a, b = games.create(0, ME, units.MARINE, 20, 20), games.create(0, ME, units.MARINE, 25, 20)
    field_tag = games.create(0, NEUTRAL, units.MINERAL_FIELD, 30, 30)
    for target in (b, field_tag, a):
        assert games.command(0, ME, [a], ATTACK, target=target) == abilities.CANT_TARGET_THAT


def test_others_units_and_the_dead_do_not_obey():
    games = field()
    enemy, dead = games.create(0, FOE, units.MARINE, 40, 40), games.create(0, ME, units.MARINE, 20, 20)
    games.kill(0, dead)
    assert games.command(0, ME, [enemy, dead, 0, -1, 10**15], MOVE, point=(1.0, 1.0)) == abilities.NOT_SUPPORTED
    assert unit(games, enemy)["orders"] == 0


def test_a_tag_never_comes_back():
    games = field()
    seen = set()
    for _ in range(40):
        tag = games.create(0, ME, units.MARINE, 20, 20)
        assert tag not in seen
        seen.add(tag)
        games.kill(0, tag)


def test_a_full_game_says_so():
    games = field(slots=3)
    made = [games.create(0, ME, units.MARINE, 20 + index, 20) for index in range(5)]
    assert made[3:] == [0, 0]
    assert games.batch.state[0, 0]["overflow"] == 2
    assert len(tags(games.units(0))) == 3
