"""Random battles: teams by weights, places amid enemies or face to face, all from the seed."""

import dataclasses

import numpy as np
import pytest
from families.starcraft2.smac_reference import FAMILY, TASKS, make, make_parallel

from envsuite.families.starcraft2.engine.units import TYPE_OF_NAME, UNIT_TYPES
from envsuite.families.starcraft2.teams.central import BattleEnv
from envsuite.families.starcraft2.teams.random import VARIANTS, Variant


def drawn(env, seeds):
    """Yields the records of both teams."""
    count = env.options.rules.mine.agents
    for seed in seeds:
        env.reset(seed=seed)
        units = env._fights.games.units(0)
        yield units[:count], units[count:]


def names(units):
    return sorted(UNIT_TYPES[kind].name.removesuffix("_RL") for kind in units["type"].tolist())


def test_the_fifteen_of_smacv2():
    assert len(VARIANTS) == 15
    assert VARIANTS["zerg_20_vs_23"].weights == {"Zergling": 0.45, "Hydralisk": 0.45, "Baneling": 0.1}
    assert VARIANTS["terran_5_vs_5"].not_alone == ("Medivac",)
    assert {variant.limit for variant in VARIANTS.values()} == {200}


@pytest.mark.parametrize("name", ["protoss_5_vs_5", "terran_10_vs_11", "zerg_20_vs_23"])
def test_teams_are_drawn_by_weights_and_enemies_are_the_same_and_more(name):
    env, variant = make(name), VARIANTS[name]
    counts = dict.fromkeys(variant.weights, 0)
    for own, foes in drawn(env, range(60)):
        assert (len(own), len(foes)) == (variant.allies, variant.enemies)
        left = names(foes)
        for each in names(own):
            counts[each] += 1
            left.remove(each)
        assert len(left) == variant.enemies - variant.allies
        assert set(names(own)) - set(variant.not_alone)
        ids = [UNIT_TYPES[kind].unit_id for kind in own["type"].tolist()]
        assert ids == sorted(ids)
        assert all(UNIT_TYPES[kind].passive for kind in own["type"].tolist())
        assert not any(UNIT_TYPES[kind].passive for kind in foes["type"].tolist())
    total = sum(counts.values())
    for each, weight in variant.weights.items():
        assert counts[each] / total == pytest.approx(weight, abs=0.1)


def test_half_of_the_battles_begin_amid_enemies_and_half_face_to_face():
    env = make("protoss_10_vs_10")
    amid = 0
    for own, foes in drawn(env, range(80)):
        middle = np.hypot(own["x"] - 16, own["y"] - 16)
        if middle.max() < 5:
            amid += 1
            assert np.abs(np.abs(foes["x"] - 16) - np.abs(foes["y"] - 16)).max() < 8  # round the diagonals
        else:
            assert own["x"].max() <= 15
            np.testing.assert_allclose(np.sort(32 - own["x"]), np.sort(foes["x"]), atol=1e-3)
    assert 24 <= amid <= 56


@pytest.mark.parametrize("surrounded", [0.0, 1.0])
def test_a_variant_is_data_and_says_how_battles_begin(surrounded):
    variant = Variant(name="rush", allies=4, enemies=9, weights={"Zergling": 1.0, "Marine": 0.0}, surrounded=surrounded)
    env = BattleEnv(task=TASKS["3m"], family=FAMILY, scenario=variant)
    for own, foes in drawn(env, range(20)):
        assert set(names(own)) == set(names(foes)) == {"Zergling"}
        assert (np.hypot(own["x"] - 16, own["y"] - 16).max() < 4) == bool(surrounded)
        if surrounded:
            assert np.hypot(foes["x"] - 16, foes["y"] - 16).min() > 0.5
        for units in (own, foes):
            assert (units["x"] >= 0.49).all()
            assert (units["x"] <= 31.51).all()


def test_the_seed_alone_decides_and_episodes_differ():
    env, twin = make("terran_5_vs_5"), make("terran_5_vs_5")
    twin.reset(seed=77)
    first = [env.reset(seed=3)[0]["state"], *(env.reset()[0]["state"] for _ in range(3))]
    second = [twin.reset(seed=3)[0]["state"], *(twin.reset()[0]["state"] for _ in range(3))]
    np.testing.assert_array_equal(first, second)
    assert len({state.tobytes() for state in first}) == 4


def test_bits_of_types_reach_and_sight_are_smacv2s():
    side = make("protoss_5_vs_5").options.rules.mine
    bits = [side.bit[TYPE_OF_NAME[f"{name}_RL"]] for name in ("Stalker", "Zealot", "Colossus")]
    assert bits == [0, 1, 2]
    assert [side.foe_bit[TYPE_OF_NAME[name]] for name in ("Stalker", "Zealot", "Colossus")] == [0, 1, 2]
    assert [side.reach[TYPE_OF_NAME[f"{name}_RL"]] for name in ("Stalker", "Zealot", "Colossus")] == [6.0, 2.0, 7.0]
    assert side.sight[TYPE_OF_NAME["Medivac_RL"]] == 11.0
    assert side.position


def test_enemies_come_for_the_agents_wherever_they_are():
    env = make("zerg_5_vs_5")
    for seed in range(4):
        env.reset(seed=seed)
        ended = False
        while not ended:
            mask = env.action_masks().reshape(5, -1)
            _, _, terminated, ended, info = env.step(np.where(mask[:, 0], 0, 1))
            ended = ended or terminated
        assert info["allies_left"] == 0


def test_self_play_of_random_teams():
    env = make_parallel("terran_5_vs_5", self_play=True)
    env.reset(seed=0)
    units = env._fights.games.units(0)
    assert units["type"][:5].tolist() == units["type"][5:].tolist()
    assert all(UNIT_TYPES[kind].passive for kind in units["type"].tolist())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": {"Marin": 1.0}}, "weights: expected names of Marine, .*, got Marin"),
        ({"weights": {}}, "weights: expected names of .*, got none"),
        ({"weights": {"Marine": -1.0, "Zealot": 2.0}}, "weights: expected numbers of at least 0"),
        ({"not_alone": ("Marine", "Marauder", "Medivac")}, "not_alone: expected a type that is drawn to be left out"),
        ({"allies": 0}, "allies: expected at least 1, got 0"),
        ({"surrounded": 1.5}, "surrounded: expected a number from 0 to 1, got 1.5"),
    ],
)
def test_an_impossible_variant_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(VARIANTS["terran_5_vs_5"], **change)
